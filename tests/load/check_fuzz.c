/* check_fuzz: requests with random bytes in every field, pipelined, to the real daemon.
 *
 *   REQUESTS=n  how many (20,000)
 *   SEED=n      of all that is random
 *
 * What has to hold: the daemon lives and answers; no number comes twice; the numbers that it says
 * it has issued are exactly those that were received; and a clean stop and a new start go on where
 * they ended. With a sanitizer in the daemon, no byte is touched or left that should not be.
 *
 * Exit status 0 when all of it held, 1 when not, 2 for a bad knob. */
#include "base/clock.h"
#include "base/text.h"
#include "daemon.h"
#include "dir.h"
#include "fuzz_request.h"
#include "http_client.h"
#include "token.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS_DEFAULT 20000
#define REQUESTS_MAX 100000000
#define BATCH_MAX 64
#define BATCH_BYTES 49152      /* a daemon that is busy answering lets so many wait in its socket */
#define QUIET_MS 20            /* then what was sent is no whole request, most likely */
#define NUMBERS_MAX (1U << 28) /* bits of memory for each of the two sequences */
#define SEQUENCES 2            /* that are judged */

/* Far enough from each other that a number tells whose it is. */
static const struct {
    const char *name;
    int64_t start;
} judged[SEQUENCES] = {{"default", 1}, {"orders", INT64_C(1000000000000)}};

struct fuzz {
    struct daemon *daemon;
    struct http_client *client; /* NULL: closed */
    struct fuzz_request requests[BATCH_MAX];
    uint8_t *seen[SEQUENCES];
    uint64_t received[SEQUENCES];
    uint64_t sent;
    uint64_t answered;
    uint64_t closed; /* connections that the daemon ended */
    uint64_t statuses[600];
    char wrong[256]; /* the first thing that was, or empty */
};

__attribute__((format(printf, 2, 3))) static void blame(struct fuzz *fuzz, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (fuzz->wrong[0] == '\0') {
        (void)vsnprintf(fuzz->wrong, sizeof fuzz->wrong, format, arguments);
    }
    va_end(arguments);
}

/* ---- numbers ---- */

static void note_number(struct fuzz *fuzz, int64_t number)
{
    size_t which = number >= judged[1].start ? 1 : 0;
    int64_t position = number - judged[which].start;

    if (position < 0 || position >= NUMBERS_MAX) {
        blame(fuzz, "%" PRId64 " is no number of '%s'", number, judged[which].name);
        return;
    }
    uint8_t *byte = &fuzz->seen[which][position / 8];
    uint8_t bit = (uint8_t)(1U << (position % 8));
    if ((*byte & bit) != 0) {
        blame(fuzz, "%" PRId64 " of '%s' came twice", number, judged[which].name);
    }
    *byte |= bit;
    fuzz->received[which]++;
}

/* The number behind `key` in a JSON body. */
static bool read_member(const char *body, const char *key, int64_t *ret_number)
{
    const char *found = strstr(body, key);
    char digits[TEXT_INT64_SIZE];

    if (found == NULL) {
        return false;
    }
    found += strlen(key);
    (void)snprintf(digits, sizeof digits, "%.*s", (int)strcspn(found, "\""), found);
    return text_parse_int64(digits, ret_number) == ERR_OK;
}

/* Take down the numbers of a 200, where it has any. */
static void note_numbers(struct fuzz *fuzz, char *body)
{
    int64_t first = 0;
    int64_t last = 0;
    char *rest = NULL;

    if (strncmp(body, "{\"sequence\":\"", 13) == 0) {
        if (!read_member(body, "\"first\":\"", &first) ||
            !read_member(body, "\"last\":\"", &last) || last < first || last - first >= 1000000) {
            blame(fuzz, "a block that is none: %.100s", body);
            return;
        }
        for (int64_t number = first; number <= last; number++) {
            note_number(fuzz, number);
        }
        return;
    }
    if (body[0] < '0' || body[0] > '9') {
        return; /* a page */
    }
    for (char *line = strtok_r(body, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (text_parse_int64(line, &first) != ERR_OK) {
            blame(fuzz, "a line that is no number: %.100s", line);
            return;
        }
        note_number(fuzz, first);
    }
}

/* ---- sending and receiving ---- */

static void close_client(struct fuzz *fuzz)
{
    http_client_close(fuzz->client);
    fuzz->client = NULL;
}

static bool open_client(struct fuzz *fuzz)
{
    if (fuzz->client == NULL) {
        fuzz->client = http_client_try(daemon_port(fuzz->daemon), HTTP_CLIENT_TIMEOUT_MS);
    }
    if (fuzz->client == NULL) {
        blame(fuzz, "nobody listens any more");
    }
    return fuzz->client != NULL;
}

/* Take in one answer to `request`. False when it ended its connection, or brought nothing. */
static bool take_answer(struct fuzz *fuzz, const struct fuzz_request *request, unsigned wait_ms,
                        enum http_client_result *ret_result)
{
    struct http_answer answer;
    char value[16] = "";

    *ret_result = http_client_receive(fuzz->client, wait_ms, request->bodyless, &answer);
    if (*ret_result == HTTP_CLIENT_MALFORMED) {
        blame(fuzz, "an answer that is not HTTP");
    }
    if (*ret_result != HTTP_CLIENT_ANSWERED) {
        return false;
    }
    fuzz->answered++;
    fuzz->statuses[answer.status]++;
    if (answer.status == 500) {
        blame(fuzz, "500: %.100s", answer.body);
    }
    if (answer.status == 200 && request->judged) {
        note_numbers(fuzz, answer.body);
    }
    bool closes = http_answer_header(&answer, "Connection", value, sizeof value) &&
                  strcmp(value, "close") == 0;
    http_answer_free(&answer);
    return !closes;
}

/* Requests whose framing is right: each is answered. One that may end its connection comes alone,
 * for what stands unread behind it would make the kernel forget the answers before it. */
static void send_batch(struct fuzz *fuzz, size_t count)
{
    enum http_client_result result = HTTP_CLIENT_ANSWERED;
    bool open = true;

    for (size_t i = 0; i < count; i++) {
        const struct fuzz_request *request = &fuzz->requests[i];
        if (!http_client_send(fuzz->client, request->bytes, request->length) && !request->ends) {
            blame(fuzz, "it does not take a request");
        }
    }
    for (size_t i = 0; i < count && open; i++) {
        open = take_answer(fuzz, &fuzz->requests[i], HTTP_CLIENT_TIMEOUT_MS, &result);
        if (result == HTTP_CLIENT_SILENT || (!open && !fuzz->requests[i].ends)) {
            blame(fuzz, "no answer, or no more after it: %.*s",
                  (int)strcspn(fuzz->requests[i].bytes, "\r"), fuzz->requests[i].bytes);
        }
    }
    if (!open) {
        fuzz->closed++;
        close_client(fuzz);
    }
}

/* Bytes that may be anything: read whatever comes of them, until the daemon closes. */
static void send_wild(struct fuzz *fuzz, const struct fuzz_request *request)
{
    enum http_client_result result = HTTP_CLIENT_ANSWERED;

    (void)http_client_send(fuzz->client, request->bytes, request->length);
    while (result == HTTP_CLIENT_ANSWERED) {
        (void)take_answer(fuzz, request, QUIET_MS, &result);
    }
    /* It waits for the rest, and there is none. */
    if (result == HTTP_CLIENT_SILENT) {
        http_client_shut(fuzz->client);
        do {
            (void)take_answer(fuzz, request, HTTP_CLIENT_TIMEOUT_MS, &result);
        } while (result == HTTP_CLIENT_ANSWERED);
        if (result == HTTP_CLIENT_SILENT) {
            blame(fuzz, "a connection whose client is gone stays open");
        }
    }
    fuzz->closed++;
    close_client(fuzz);
}

/* Make the next batch. Returns its size. */
static size_t make_batch(struct fuzz *fuzz, struct chance *chance)
{
    size_t wanted = 1 + chance_below(chance, BATCH_MAX);
    size_t count = 0;

    for (size_t bytes = 0; count < wanted && bytes < BATCH_BYTES; count++) {
        struct fuzz_request *request = &fuzz->requests[count];
        do {
            fuzz_request_make(request, chance);
        } while (count > 0 && request->ends);
        bytes += request->length;
        if (request->ends) {
            return 1;
        }
    }
    return count;
}

static void run(struct fuzz *fuzz, struct chance *chance, uint64_t requests)
{
    struct instant told = clock_now();

    while (fuzz->sent < requests && fuzz->wrong[0] == '\0' && open_client(fuzz)) {
        size_t count = make_batch(fuzz, chance);
        send_batch(fuzz, count);
        fuzz->sent += count;
        if (chance_below(chance, 2) == 0 && open_client(fuzz)) {
            fuzz_request_make_wild(&fuzz->requests[0], chance);
            send_wild(fuzz, &fuzz->requests[0]);
            fuzz->sent++;
        }
        if (clock_elapsed(told, clock_now()) > 10 * CLOCK_NS_PER_S) {
            told = clock_now();
            (void)printf("  %" PRIu64 " requests\n", fuzz->sent);
            (void)fflush(stdout);
        }
    }
    close_client(fuzz);
}

/* ---- the verdict ---- */

/* What the daemon itself says it has issued. */
static void compare_issued(struct fuzz *fuzz)
{
    for (size_t i = 0; i < SEQUENCES; i++) {
        char target[64];
        int64_t issued = -1;
        (void)snprintf(target, sizeof target, "/v1/sequences/%s", judged[i].name);
        struct http_answer answer = http_ask(daemon_port(fuzz->daemon), "GET", target, "");
        if (answer.status != 200 || !read_member(answer.body, "\"issued\":\"", &issued) ||
            (uint64_t)issued != fuzz->received[i]) {
            blame(fuzz, "'%s' has issued %" PRId64 " numbers, received were %" PRIu64,
                  judged[i].name, issued, fuzz->received[i]);
        }
        http_answer_free(&answer);
    }
}

/* After a clean stop the next number is the one that follows. */
static void compare_restart(struct fuzz *fuzz, const char *const *arguments)
{
    int status = daemon_stop(fuzz->daemon);
    if (status != 0) {
        blame(fuzz, "exit status %d: %.150s", status, daemon_stderr(fuzz->daemon));
    }
    daemon_free(fuzz->daemon);
    fuzz->daemon = daemon_spawn(arguments, NULL);
    if (!daemon_listens(fuzz->daemon)) {
        blame(fuzz, "it does not start again");
        return;
    }
    for (size_t i = 0; i < SEQUENCES; i++) {
        char target[64];
        char expected[TEXT_INT64_SIZE + 1];
        (void)snprintf(target, sizeof target, "/v1/sequences/%s/next", judged[i].name);
        (void)snprintf(expected, sizeof expected, "%" PRId64 "\n",
                       judged[i].start + (int64_t)fuzz->received[i]);
        struct http_answer answer = http_ask(daemon_port(fuzz->daemon), "GET", target, "");
        if (strcmp(answer.body, expected) != 0) {
            blame(fuzz, "'%s' goes on with %.30s", judged[i].name, answer.body);
        }
        http_answer_free(&answer);
    }
    if (daemon_stop(fuzz->daemon) != 0) {
        blame(fuzz, "exit status of the second stop");
    }
}

static void report(const struct fuzz *fuzz, struct instant began)
{
    (void)printf("%" PRIu64 " requests, %" PRIu64 " answers, %" PRIu64 " connections closed by the "
                 "daemon, %" PRIu64 " and %" PRIu64 " numbers, %.1f s\n  answers by status:",
                 fuzz->sent, fuzz->answered, fuzz->closed, fuzz->received[0], fuzz->received[1],
                 (double)clock_elapsed(began, clock_now()) / (double)CLOCK_NS_PER_S);
    for (size_t i = 0; i < sizeof fuzz->statuses / sizeof fuzz->statuses[0]; i++) {
        if (fuzz->statuses[i] > 0) {
            (void)printf(" %zu: %" PRIu64, i, fuzz->statuses[i]);
        }
    }
    (void)printf("\n%s%s\n", fuzz->wrong[0] == '\0' ? "ok" : "FAILED: ", fuzz->wrong);
}

/* A token that may administer what begins with 'f', and nothing else. */
static struct dir configure(const struct dir *dir)
{
    static const char tokens[] = TOKEN_A_HASH " admin f*\n";
    char text[2 * DIR_PATH_SIZE];
    struct dir path = dir_entry(dir, "tokens");

    dir_write(dir, "tokens", tokens, sizeof tokens - 1);
    int length =
        snprintf(text, sizeof text,
                 "[seqd]\nlog_level = warning\n[http]\nlisten = 127.0.0.1:0\nidle_timeout = 1h\n"
                 "request_timeout = 6s\n" /* ends what has half a head, and no more to come */
                 "tokens = %s\ncors_origins = https://a.example\n"
                 "[sequence:default]\n[sequence:orders]\nstart = %" PRId64 "\n",
                 path.path, judged[1].start);
    dir_write(dir, "seqd.conf", text, (size_t)length);
    return dir_entry(dir, "seqd.conf");
}

int main(void)
{
    uint64_t requests = knob("REQUESTS", REQUESTS_DEFAULT, REQUESTS_MAX);
    struct chance chance = chance_from(chance_seed());
    struct fuzz *fuzz = calloc(1, sizeof *fuzz);
    struct dir data = dir_make();
    struct dir configuration = dir_make();
    struct dir file = configure(&configuration);
    const char *arguments[] = {"-d", data.path, "-c", file.path, NULL};
    struct instant began = clock_now();

    for (size_t i = 0; fuzz != NULL && i < SEQUENCES; i++) {
        fuzz->seen[i] = calloc(NUMBERS_MAX / 8, 1);
    }
    if (fuzz == NULL || fuzz->seen[0] == NULL || fuzz->seen[1] == NULL) {
        (void)fprintf(stderr, "out of memory\n");
        return 2;
    }
    fuzz->daemon = daemon_spawn(arguments, NULL);
    if (daemon_listens(fuzz->daemon)) {
        run(fuzz, &chance, requests);
    } else {
        blame(fuzz, "it does not start");
    }
    if (fuzz->wrong[0] == '\0') {
        compare_issued(fuzz);
        compare_restart(fuzz, arguments);
    }
    report(fuzz, began);
    bool good = fuzz->wrong[0] == '\0';
    daemon_free(fuzz->daemon);
    for (size_t i = 0; i < SEQUENCES; i++) {
        free(fuzz->seen[i]);
    }
    free(fuzz);
    dir_remove(&data);
    dir_remove(&configuration);
    return good ? 0 : 1;
}
