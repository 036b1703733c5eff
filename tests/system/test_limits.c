/* Clients that press on the real daemon: each is bounded by a limit, the others are served on, and
 * no number is lost over it. */
#include "base/clock.h"
#include "chance.h"
#include "http_client.h"
#include "load.h"
#include "stage.h"

#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cmocka.h>

#define IMPATIENT \
    "[http]\nidle_timeout = 1s\nrequest_timeout = 1s\nwait_timeout = 500ms\nmax_connections = 64\n"

#define CLOSE_TIMEOUT_MS 60000 /* for what a limit of 1 s closes, on a busy machine */
#define MIB (1024 * 1024)

/* A sanitizer keeps freed memory, and shadows of it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_FACTOR 16
#else
#define MEMORY_FACTOR 1
#endif

/* Send what may be too much: the server may close before it has read all. Then the answer, if there
 * is one, must be one of the two refusals that fit. */
static void expect_refused(struct stage *stage, const char *bytes, size_t length)
{
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer;
    (void)http_client_send(client, bytes, length);
    enum http_client_result result = http_client_receive(client, CLOSE_TIMEOUT_MS, false, &answer);
    if (result == HTTP_CLIENT_ANSWERED) {
        assert_true(answer.status == 414 || answer.status == 431);
        http_answer_free(&answer);
        assert_true(http_client_closed(client, CLOSE_TIMEOUT_MS));
    } else {
        assert_int_equal(result, HTTP_CLIENT_CLOSED);
    }
    http_client_close(client);
}

static void test_limits_refuse_a_url_of_a_mebibyte(void **state)
{
    (void)state;
    struct stage stage = stage_open(IMPATIENT);
    char *request = malloc(MIB + 64);
    assert_non_null(request);
    memcpy(request, "GET /", 5);
    memset(request + 5, 'a', MIB);
    memcpy(request + 5 + MIB, " HTTP/1.1\r\nHost: x\r\n\r\n", 22);
    expect_refused(&stage, request, 5 + MIB + 22);
    assert_int_equal(stage_next(&stage, "/"), 1);
    free(request);
    stage_close(&stage);
}

static void test_limits_refuse_a_url_of_a_few_bytes_too_many_with_the_limit(void **state)
{
    (void)state;
    struct stage stage = stage_open(IMPATIENT);
    char target[1026] = "/v1/sequences/";
    memset(target + strlen(target), 'a', sizeof(target) - 1 - strlen(target));
    struct http_answer answer = http_ask(stage.port, "GET", target, "");
    assert_int_equal(answer.status, 414);
    assert_non_null(strstr(answer.body, "1024"));
    http_answer_free(&answer);
    assert_int_equal(stage_next(&stage, "/"), 1);
    stage_close(&stage);
}

static void test_limits_refuse_a_thousand_headers_and_a_huge_one(void **state)
{
    (void)state;
    struct stage stage = stage_open(IMPATIENT);
    static const char head[] = "GET / HTTP/1.1\r\nHost: x\r\n";
    static const char header[] = "X-Bomb: 0123456789012345678901234567890123456789\r\n";
    size_t length = strlen(head);
    char *request = malloc(MIB);
    assert_non_null(request);
    memcpy(request, head, length);
    for (int i = 0; i < 1000; i++) {
        memcpy(request + length, header, strlen(header));
        length += strlen(header);
    }
    memcpy(request + length, "\r\n", 2);
    expect_refused(&stage, request, length + 2);

    length = strlen(head);
    memcpy(request + length, "X-Bomb: ", 8);
    memset(request + length + 8, 'b', 200000);
    memcpy(request + length + 200008, "\r\n\r\n", 4);
    expect_refused(&stage, request, length + 200012);
    assert_int_equal(stage_next(&stage, "/"), 1);
    free(request);
    stage_close(&stage);
}

/* At each point at which a request can stop short. */
static void test_limits_close_half_a_request_that_falls_silent(void **state)
{
    (void)state;
    static const char *const halves[] = {
        "",
        "G",
        "GET / HT",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
    };
    enum {
        COUNT = sizeof(halves) / sizeof(halves[0])
    };
    struct stage stage = stage_open(IMPATIENT);
    struct http_client *clients[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        clients[i] = http_client_open(stage.port);
        assert_true(http_client_send(clients[i], halves[i], strlen(halves[i])));
    }
    for (size_t i = 0; i < COUNT; i++) {
        struct http_answer answer;
        assert_int_equal(http_client_receive(clients[i], CLOSE_TIMEOUT_MS, false, &answer),
                         HTTP_CLIENT_CLOSED);
        http_client_close(clients[i]);
    }
    assert_int_equal(stage_next(&stage, "/"), 1);
    stage_close(&stage);
}

/* A byte now and then keeps no connection open beyond its time: the limit is for the whole
 * request. */
static void test_limits_close_a_request_that_drips(void **state)
{
    (void)state;
    static const char *const beginnings[] = {"GET /", "GET / HTTP/1.1\r\nX-Slow: "};
    struct stage stage = stage_open(IMPATIENT);
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        struct http_client *client = http_client_open(stage.port);
        assert_true(http_client_send(client, beginnings[i], strlen(beginnings[i])));
        struct instant deadline = clock_after(clock_now(), CLOSE_TIMEOUT_MS * CLOCK_NS_PER_MS);
        bool open = true;
        while (open && !clock_reached(deadline, clock_now())) {
            open = !http_client_closed(client, 100) && http_client_send(client, "a", 1);
        }
        assert_false(open);
        http_client_close(client);
    }
    assert_int_equal(stage_next(&stage, "/"), 1);
    stage_close(&stage);
}

/* Beyond max_connections one waits outside, and is served when another goes. */
static void test_limits_let_in_no_more_connections_than_max_connections(void **state)
{
    (void)state;
    enum {
        MOST = 8
    };
    struct stage stage = stage_open("[http]\nmax_connections = 8\nthreads = 2\n");
    struct http_client *inside[MOST];
    for (int64_t i = 0; i < MOST; i++) {
        inside[i] = http_client_open(stage.port);
        struct http_answer answer = http_client_ask(inside[i], "GET", "/", "");
        assert_int_equal(strtoll(answer.body, NULL, 10), i + 1);
        http_answer_free(&answer);
    }
    struct http_client *outside = http_client_open(stage.port);
    struct http_answer answer;
    assert_true(http_client_print(outside, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_int_equal(http_client_receive(outside, 300, false, &answer), HTTP_CLIENT_SILENT);

    http_client_close(inside[3]);
    assert_int_equal(http_client_receive(outside, CLOSE_TIMEOUT_MS, false, &answer),
                     HTTP_CLIENT_ANSWERED);
    assert_string_equal(answer.body, "9\n");
    http_answer_free(&answer);
    answer = http_client_ask(inside[0], "GET", "/", "");
    assert_string_equal(answer.body, "10\n");
    http_answer_free(&answer);
    for (int i = 0; i < MOST; i++) {
        http_client_close(i == 3 ? outside : inside[i]);
    }
    stage_close(&stage);
}

/* Bytes of all kinds: what is no HTTP is never answered with a number, and hurts nobody. */
static void test_limits_survive_binary_garbage(void **state)
{
    (void)state;
    struct chance chance = chance_from(chance_seed());
    struct stage stage = stage_open(IMPATIENT);
    for (int round = 0; round < 200; round++) {
        unsigned char bytes[3000];
        size_t length = 1 + chance_below(&chance, sizeof(bytes));
        for (size_t i = 0; i < length; i++) {
            bytes[i] = (unsigned char)chance_next(&chance);
        }
        /* Half of them begin like HTTP, so that deeper states are reached: by chance they may even
         * be a request, but one for nothing. */
        static const char start[] = "GET /nothing HTTP/1.1\r\nHost";
        if (round % 2 == 0) {
            memcpy(bytes, start, length < strlen(start) ? length : strlen(start));
        }
        struct http_client *client = http_client_open(stage.port);
        struct http_answer answer;
        (void)http_client_send(client, bytes, length);
        http_client_shut(client);
        if (http_client_receive(client, CLOSE_TIMEOUT_MS, false, &answer) == HTTP_CLIENT_ANSWERED) {
            assert_in_range(answer.status, 400, 499);
            http_answer_free(&answer);
        }
        http_client_close(client);
    }
    assert_int_equal(stage_next(&stage, "/"), 1);
    stage_close(&stage);
}

static void test_limits_refuse_a_nul_in_the_path(void **state)
{
    (void)state;
    static const char request[] = "GET /v1/sequences/default\0/next HTTP/1.1\r\nHost: x\r\n\r\n";
    struct stage stage = stage_open(IMPATIENT);
    struct http_client *client = http_client_open(stage.port);
    struct http_answer answer;
    assert_true(http_client_send(client, request, sizeof(request) - 1));
    if (http_client_receive(client, CLOSE_TIMEOUT_MS, false, &answer) == HTTP_CLIENT_ANSWERED) {
        assert_in_range(answer.status, 400, 499);
        http_answer_free(&answer);
    }
    http_client_close(client);
    assert_int_equal(stage_next(&stage, "/"), 1);
    stage_close(&stage);
}

static void test_limits_answer_pipelined_requests_one_by_one(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    struct http_client *client = http_client_open(stage.port);
    for (int i = 0; i < 100; i++) {
        assert_true(http_client_print(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    for (int64_t number = 1; number <= 100; number++) {
        struct http_answer answer;
        assert_int_equal(http_client_receive(client, CLOSE_TIMEOUT_MS, false, &answer),
                         HTTP_CLIENT_ANSWERED);
        assert_int_equal(strtoll(answer.body, NULL, 10), number);
        http_answer_free(&answer);
    }
    http_client_close(client);
    stage_close(&stage);
}

/* How many files and sockets the daemon has open. */
static unsigned descriptors_of(const struct stage *stage)
{
    char path[64];
    unsigned count = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)daemon_pid(stage->daemon));
    DIR *entries = opendir(path);
    assert_non_null(entries);
    while (readdir(entries) != NULL) {
        count++;
    }
    (void)closedir(entries);
    return count;
}

/* Clients that ask for much and read nothing are closed; meanwhile others are served. */
static void test_limits_close_clients_that_do_not_read(void **state)
{
    (void)state;
    enum {
        DEAF = 8,
        ASKED = 400
    };
    static const char request[] = "GET /?count=10000 HTTP/1.1\r\nHost: x\r\n\r\n";
    struct stage stage = stage_open(IMPATIENT "threads = 2\n");
    unsigned before = descriptors_of(&stage);
    struct http_client *clients[DEAF];
    for (size_t i = 0; i < DEAF; i++) {
        int small = 4096;
        clients[i] = http_client_open(stage.port);
        int socket = http_client_socket(clients[i]);
        assert_int_equal(setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
        for (int n = 0; n < ASKED && http_client_send(clients[i], request, strlen(request)); n++) {
        }
    }
    struct instant deadline = clock_after(clock_now(), CLOSE_TIMEOUT_MS * CLOCK_NS_PER_MS);
    bool closed = false;
    while (!closed && !clock_reached(deadline, clock_now())) {
        (void)stage_next(&stage, "/");
        closed = descriptors_of(&stage) <= before + 2; /* the last ones of this loop may linger */
    }
    assert_true(closed);
    for (size_t i = 0; i < DEAF; i++) {
        http_client_close(clients[i]);
    }
    (void)stage_next(&stage, "/");
    stage_close(&stage);
}

/* Resident memory of the daemon, in bytes. */
static uint64_t memory_of(const struct stage *stage)
{
    char path[64];
    char line[256];
    uint64_t kib = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)daemon_pid(stage->daemon));
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtoull(line + 6, NULL, 10);
        }
    }
    (void)fclose(file);
    assert_true(kib > 0);
    return kib * 1024;
}

static void test_limits_hold_many_idle_connections_in_little_memory(void **state)
{
    (void)state;
    enum {
        MANY = 800
    };
    struct stage stage = stage_open("[http]\nmax_connections = 1000\n");
    static struct http_client *clients[MANY];
    uint64_t before = memory_of(&stage);
    for (int64_t i = 0; i < MANY; i++) {
        clients[i] = http_client_open(stage.port);
        struct http_answer answer = http_client_ask(clients[i], "GET", "/", "");
        assert_int_equal(strtoll(answer.body, NULL, 10), i + 1);
        http_answer_free(&answer);
    }
    uint64_t after = memory_of(&stage);
    (void)printf("%d idle connections: %" PRIu64 " KiB more\n", MANY,
                 after > before ? (after - before) / 1024 : 0);
    /* Its buffer of 4 KiB, and as much again three times for all else. */
    assert_true(after < before + (uint64_t)MANY * 16384 * MEMORY_FACTOR);
    for (size_t i = 0; i < MANY; i++) {
        http_client_close(clients[i]);
    }
    assert_int_equal(stage_next(&stage, "/"), MANY + 1);
    stage_close(&stage);
}

static void test_limits_leave_memory_where_it_was_after_many_requests(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    struct oracle_options options = {.name = "default", .start = 1, .increment = 1};
    struct oracle *oracle = oracle_new(&options);
    uint64_t memory[2];
    for (int round = 0; round < 2; round++) {
        struct load_target target = {.sequence = "default",
                                     .connections = 16,
                                     .count_max = 100,
                                     .numbers = 500000,
                                     .oracle = oracle};
        struct load_options load_options = {.targets = &target, .target_count = 1, .seed = 1};
        struct load *load = load_start(&load_options);
        load_attach(load, stage.port);
        assert_int_equal(load_wait(load, 120000), LOAD_FINISHED);
        assert_true(load_detach(load, CLOSE_TIMEOUT_MS));
        load_free(load);
        memory[round] = memory_of(&stage);
    }
    (void)printf("after 10,000 requests %" PRIu64 " KiB, after as many again %" PRIu64 " KiB\n",
                 memory[0] / 1024, memory[1] / 1024);
    assert_true(memory[1] < memory[0] + 2 * MIB * MEMORY_FACTOR);
    struct oracle_verdict verdict;
    assert_true(oracle_judge(oracle, &verdict));
    assert_int_equal(verdict.lost, 0);
    oracle_free(oracle);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_refuse_a_url_of_a_mebibyte),
        cmocka_unit_test(test_limits_refuse_a_url_of_a_few_bytes_too_many_with_the_limit),
        cmocka_unit_test(test_limits_refuse_a_thousand_headers_and_a_huge_one),
        cmocka_unit_test(test_limits_close_half_a_request_that_falls_silent),
        cmocka_unit_test(test_limits_close_a_request_that_drips),
        cmocka_unit_test(test_limits_let_in_no_more_connections_than_max_connections),
        cmocka_unit_test(test_limits_survive_binary_garbage),
        cmocka_unit_test(test_limits_refuse_a_nul_in_the_path),
        cmocka_unit_test(test_limits_answer_pipelined_requests_one_by_one),
        cmocka_unit_test(test_limits_close_clients_that_do_not_read),
        cmocka_unit_test(test_limits_hold_many_idle_connections_in_little_memory),
        cmocka_unit_test(test_limits_leave_memory_where_it_was_after_many_requests),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
