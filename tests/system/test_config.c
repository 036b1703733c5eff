/* The real daemon that is given something wrong: a configuration, a command line, a data
 * directory, a port. It says what, where and what the limit is, and ends with the status that
 * stands for it. */
#include "daemon.h"
#include "dir.h"
#include "http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FAILED 1
#define USAGE 2
#define INVALID 3

#define LINE_191 \
    "data_dir = /aaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee" \
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee" \
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee" \
    "ffffffffffggggggggggffffffffff"

struct scene {
    struct dir dir;  /* holds the other two */
    struct dir file; /* a configuration, once it is written */
    struct dir data;
};

static struct scene open_scene(void)
{
    struct scene scene = {.dir = dir_make()};
    scene.file = dir_entry(&scene.dir, "seqd.conf");
    scene.data = dir_entry(&scene.dir, "data");
    assert_int_equal(mkdir(scene.data.path, 0700), 0);
    return scene;
}

static void close_scene(struct scene *scene)
{
    dir_empty(&scene->data);
    assert_int_equal(rmdir(scene->data.path), 0);
    dir_remove(&scene->dir);
}

/* Run seqd to its end, and compare the exit status and a part of what it says. */
static void expect(const char *const *arguments, const char *const *environment, int status,
                   const char *said)
{
    int ended = 0;
    struct daemon *daemon = daemon_run(arguments, environment, &ended);
    const char *text = daemon_stderr(daemon);
    if (ended != status || strstr(text, said) == NULL) {
        fail_msg("exit status %d, not %d; it lacks '%s':\n%s", ended, status, said, text);
    }
    assert_string_equal(daemon_stdout(daemon), "");
    daemon_free(daemon);
}

/* ---- the configuration ---- */

struct mistake {
    const char *content;
    size_t length; /* 0: up to the NUL */
    unsigned line;
    const char *said;
};

static const struct mistake mistakes[] = {
    {"[http]\nmax_cuont = 1\n", 0, 2, "unknown key 'max_cuont', section [http] has listen, "},
    {"[https]\n", 0, 1,
     "unknown section [https], there are [seqd], [http], [grpc], [sequence:NAME]"},
    {"[http]\nmax_count = 1\nmax_count = 1\n", 0, 3, "key 'max_count' stands on line 2 already"},
    {"[http]\n[http]\n", 0, 2, "section [http] stands on line 1 already"},
    {"[sequence:a]\n\n[sequence:a]\n", 0, 3, "section [sequence:a] stands on line 1 already"},
    {"[sequence:.a]\n", 0, 1, "must match [A-Za-z0-9][A-Za-z0-9._-]{0,127}"},
    {"[seqd]\n" LINE_191 "\n", 0, 2, "a line has 190 bytes at most"},
    {"[http]\nmax_count = 5\n  6\n", 0, 3, "no '=' here"},
    {"[http]\nhello\n", 0, 2, "no '=' here"},
    {"max_count = 5\n", 0, 1, "stands before the first section"},
    {"[http]\nmax_count =\n", 0, 2, "max_count has no value, it must be 1 to 1000000"},
    {"[http]\nmax_count = 0\n", 0, 2, "max_count is '0', it must be 1 to 1000000"},
    {"[http]\nmax_count = 5 # five\n", 0, 2, "'#' in the value of max_count"},
    {"[http]\nmax_count = 1\0002\n", 23, 2, "a control or NUL byte"},
    {"[http]\nlisten = localhost:80\n", 0, 2, "ADDRESS:PORT with a numeric address"},
    {"[http]\nidle_timeout = 30\n", 0, 2, "it must be 1s to 1h (a whole number with its unit"},
    {"[http]\nwait_timeout = 10s\n", 0, 2, "above wait_timeout, 10000 ms"},
    {"[http\n", 0, 1, "has no ']'"},
    {"[sequence:a]\nincrement = 0\n", 0, 1, "increment is 0"},
    {"[sequence:a]\nmax = 9223372036854775808\n", 0, 2, "to 9223372036854775807"},
    {"[sequence:a]\ndurability = none\n", 0, 2, "it must be 'lease' or 'every'"},
};

#define MISTAKES_COUNT (sizeof mistakes / sizeof mistakes[0])

static void write_mistake(const struct scene *scene, const struct mistake *mistake)
{
    size_t length = mistake->length == 0 ? strlen(mistake->content) : mistake->length;
    dir_write(&scene->dir, "seqd.conf", mistake->content, length);
}

static void test_check_names_file_line_and_limit_of_every_mistake(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    for (size_t i = 0; i < MISTAKES_COUNT; i++) {
        const struct mistake *mistake = &mistakes[i];
        char where[DIR_PATH_SIZE + 32];
        int status = 0;
        write_mistake(&scene, mistake);
        (void)snprintf(where, sizeof where, "%s:%u: ", scene.file.path, mistake->line);
        struct daemon *daemon =
            daemon_run((const char *const[]){"-t", "-c", scene.file.path, NULL}, NULL, &status);
        const char *text = daemon_stderr(daemon);
        bool one_line = strchr(text, '\n') == text + strlen(text) - 1;
        if (status != INVALID || strncmp(text, where, strlen(where)) != 0 || !one_line ||
            strstr(text, mistake->said) == NULL) {
            fail_msg("%s: exit status %d, lacks '%s' '%s':\n%s", mistake->content, status, where,
                     mistake->said, text);
        }
        assert_string_equal(daemon_stdout(daemon), "");
        daemon_free(daemon);
    }
    close_scene(&scene);
}

static void test_check_names_all_mistakes_at_once(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    static const char content[] = "a = 1\n[http]\nthreads = 0\n[sequence:-]\n[nope]\n";
    dir_write(&scene.dir, "seqd.conf", content, strlen(content));
    int status = 0;
    struct daemon *daemon =
        daemon_run((const char *const[]){"-tc", scene.file.path, NULL}, NULL, &status);
    assert_int_equal(status, INVALID);
    static const char *const wanted[] = {":1: ", ":3: ", ":4: ", ":5: "};
    const char *text = daemon_stderr(daemon);
    for (size_t i = 0; i < 4; i++) {
        text = strstr(text, wanted[i]);
        assert_non_null(text);
    }
    daemon_free(daemon);
    close_scene(&scene);
}

static void test_check_stops_after_twenty_mistakes_and_says_so(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    char content[256];
    memset(content, '\n', sizeof content);
    for (size_t i = 0; i < 60; i += 2) {
        content[i] = 'x';
    }
    dir_write(&scene.dir, "seqd.conf", content, sizeof content);
    expect((const char *const[]){"-tc", scene.file.path, NULL}, NULL, INVALID,
           ":20: 'x' stands before the first section");
    expect((const char *const[]){"-tc", scene.file.path, NULL}, NULL, INVALID,
           "reading stops after 20 mistakes");
    close_scene(&scene);
}

static void test_check_accepts_a_valid_file(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    static const char content[] = "[http]\nmax_count = 5\n[sequence:a]\n";
    char wanted[DIR_PATH_SIZE + 64];
    int status = 0;
    dir_write(&scene.dir, "seqd.conf", content, strlen(content));
    (void)snprintf(wanted, sizeof wanted, "%s: the configuration is valid\n", scene.file.path);
    struct daemon *daemon = daemon_run(
        (const char *const[]){"--check", "--config", scene.file.path, NULL}, NULL, &status);
    assert_int_equal(status, 0);
    assert_string_equal(daemon_stdout(daemon), wanted);
    assert_string_equal(daemon_stderr(daemon), "");
    daemon_free(daemon);
    close_scene(&scene);
}

static void test_start_refuses_what_check_refuses(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    write_mistake(&scene, &mistakes[0]);
    expect((const char *const[]){"-c", scene.file.path, "-d", scene.data.path, "-p", "0", NULL},
           NULL, INVALID, mistakes[0].said);
    assert_false(dir_has(&scene.data, "data.mdb"));
    close_scene(&scene);
}

static void test_start_refuses_a_configuration_that_cannot_be_had(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    const char *const missing[] = {"-c", scene.file.path, "-d", scene.data.path, NULL};
    const char *const directory[] = {"-c", scene.dir.path, "-d", scene.data.path, NULL};
    expect(missing, NULL, INVALID, "cannot open the configuration: No such file");
    expect(directory, NULL, INVALID, "is a directory, the configuration must be a regular file");
    close_scene(&scene);
}

/* ---- the command line ---- */

static void test_usage_is_shown_for_what_is_not_understood(void **state)
{
    (void)state;
    static const char *const wrong[][4] = {
        {"-x", NULL}, {"--nope", NULL},  {"start", NULL},       {"-p", NULL},
        {"-t", NULL}, {"-d", "", NULL},  {"-p", "65536", NULL}, {"-p", "http", NULL},
        {"-c", NULL}, {"-V", "x", NULL}, {"--port=-1", NULL},   {"--version=2", NULL},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        expect(wrong[i], NULL, USAGE, "Usage: seqd [-c FILE]");
        expect(wrong[i], NULL, USAGE, "seqd: ");
    }
    expect((const char *const[]){"-p", "65536", NULL}, NULL, USAGE, "it must be 0 to 65535");
}

static void test_usage_and_version_are_shown_when_asked_for(void **state)
{
    (void)state;
    int status = -1;
    struct daemon *daemon = daemon_run((const char *const[]){"-V", NULL}, NULL, &status);
    assert_int_equal(status, 0);
    assert_int_equal(strncmp(daemon_stdout(daemon), "seqd 0.", 7), 0);
    daemon_free(daemon);

    status = -1;
    daemon = daemon_run((const char *const[]){"-h", NULL}, NULL, &status);
    assert_int_equal(status, 0);
    assert_int_equal(strncmp(daemon_stdout(daemon), "Usage: seqd ", 12), 0);
    assert_string_equal(daemon_stderr(daemon), "");
    daemon_free(daemon);
}

/* ---- the data directory ---- */

static void test_start_wants_a_data_directory(void **state)
{
    (void)state;
    static const char said[] = "no data directory is named: give -d DIRECTORY";
    expect((const char *const[]){"-p", "0", NULL}, NULL, USAGE, said);
    expect((const char *const[]){"-p", "0", NULL}, (const char *const[]){"STATE_DIRECTORY=", NULL},
           USAGE, said);
}

/* -d comes before data_dir, that before $STATE_DIRECTORY, of which the first path counts. */
static void test_start_chooses_the_data_directory(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    struct dir other = dir_make();
    char environment[DIR_PATH_SIZE + 64];
    char content[DIR_PATH_SIZE + 64];
    (void)snprintf(environment, sizeof environment, "STATE_DIRECTORY=%s:/nonexistent", other.path);
    const char *const settings[] = {environment, NULL};

    struct daemon *daemon = daemon_spawn((const char *const[]){"-p", "0", NULL}, settings);
    assert_true(daemon_listens(daemon));
    assert_int_equal(daemon_stop(daemon), 0);
    daemon_free(daemon);
    assert_true(dir_has(&other, "data.mdb"));

    dir_empty(&other);
    (void)snprintf(content, sizeof content, "[seqd]\ndata_dir = %s\n", scene.data.path);
    dir_write(&scene.dir, "seqd.conf", content, strlen(content));
    daemon = daemon_spawn((const char *const[]){"-p", "0", "-c", scene.file.path, NULL}, settings);
    assert_true(daemon_listens(daemon));
    assert_int_equal(daemon_stop(daemon), 0);
    daemon_free(daemon);
    assert_true(dir_has(&scene.data, "data.mdb"));
    assert_false(dir_has(&other, "data.mdb"));

    dir_empty(&scene.data);
    daemon = daemon_start(other.path, (const char *const[]){"-c", scene.file.path, NULL});
    assert_int_equal(daemon_stop(daemon), 0);
    daemon_free(daemon);
    assert_true(dir_has(&other, "data.mdb"));
    assert_false(dir_has(&scene.data, "data.mdb"));

    dir_remove(&other);
    close_scene(&scene);
}

static void expect_directory_refused(const char *path, const char *said)
{
    const char *const arguments[] = {"-p", "0", "-d", path, NULL};
    expect(arguments, NULL, FAILED, "cannot start: ");
    expect(arguments, NULL, FAILED, path);
    expect(arguments, NULL, FAILED, said);
}

static void test_start_refuses_a_directory_that_is_none(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    dir_write(&scene.dir, "seqd.conf", "", 0);
    struct dir missing = dir_entry(&scene.dir, "missing");
    expect_directory_refused(missing.path, "not found");
    expect_directory_refused(scene.file.path, "invalid");
    assert_false(dir_has(&scene.dir, "missing"));
    close_scene(&scene);
}

static void test_start_refuses_a_directory_of_somebody_else(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    dir_write(&scene.data, "letter.txt", "dear", 4);
    expect_directory_refused(scene.data.path, "letter.txt");
    assert_false(dir_has(&scene.data, "data.mdb"));
    close_scene(&scene);
}

/* Root may write everywhere, unless it gives up that privilege for what it starts from now on. */
static void test_start_refuses_a_directory_that_is_read_only(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    if (geteuid() == 0 && prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE) != 0) {
        print_message("*** NOT TESTED: a read-only directory (root may write it, and this root "
                      "cannot give that up: %s)\n",
                      strerror(errno));
        close_scene(&scene);
        skip();
    }
    assert_int_equal(chmod(scene.data.path, 0500), 0);
    expect_directory_refused(scene.data.path, "ermission");
    assert_int_equal(chmod(scene.data.path, 0700), 0);
    close_scene(&scene);
}

static void test_start_refuses_a_directory_in_use_and_harms_nobody(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    struct daemon *daemon = daemon_start(scene.data.path, NULL);
    expect_directory_refused(scene.data.path, "another");
    struct http_answer answer = http_ask(daemon_port(daemon), "GET", "/", "");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "1\n");
    http_answer_free(&answer);
    assert_int_equal(daemon_stop(daemon), 0);
    daemon_free(daemon);
    close_scene(&scene);
}

static void test_start_refuses_a_directory_that_is_damaged(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    struct daemon *daemon = daemon_start(scene.data.path, NULL);
    assert_int_equal(daemon_stop(daemon), 0);
    daemon_free(daemon);
    dir_truncate(&scene.data, "data.mdb", 0);
    expect_directory_refused(scene.data.path, "corrupt");
    close_scene(&scene);
}

/* ---- the network ---- */

static void test_start_refuses_a_port_in_use_and_names_it(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    char port[8];
    char said[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(port, sizeof port, "%u", (unsigned)ntohs(address.sin_port));
    (void)snprintf(said, sizeof said, "port %s on '127.0.0.1'", port);
    const char *const arguments[] = {"-d", scene.data.path, "-p", port, NULL};
    expect(arguments, NULL, FAILED, said);
    expect(arguments, NULL, FAILED, "in use");
    close(fd);
    close_scene(&scene);
}

/* 192.0.2.0/24 is for documentation: no machine has it. Nothing is sent there. */
static void test_start_refuses_an_address_of_another_machine(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    static const char content[] = "[http]\nlisten = 192.0.2.1:0\n"
                                  "issue_without_token = everywhere\n";
    dir_write(&scene.dir, "seqd.conf", content, strlen(content));
    expect((const char *const[]){"-c", scene.file.path, "-d", scene.data.path, NULL}, NULL, FAILED,
           "192.0.2.1");
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_names_file_line_and_limit_of_every_mistake),
        cmocka_unit_test(test_check_names_all_mistakes_at_once),
        cmocka_unit_test(test_check_stops_after_twenty_mistakes_and_says_so),
        cmocka_unit_test(test_check_accepts_a_valid_file),
        cmocka_unit_test(test_start_refuses_what_check_refuses),
        cmocka_unit_test(test_start_refuses_a_configuration_that_cannot_be_had),
        cmocka_unit_test(test_usage_is_shown_for_what_is_not_understood),
        cmocka_unit_test(test_usage_and_version_are_shown_when_asked_for),
        cmocka_unit_test(test_start_wants_a_data_directory),
        cmocka_unit_test(test_start_chooses_the_data_directory),
        cmocka_unit_test(test_start_refuses_a_directory_that_is_none),
        cmocka_unit_test(test_start_refuses_a_directory_of_somebody_else),
        cmocka_unit_test(test_start_refuses_a_directory_that_is_read_only),
        cmocka_unit_test(test_start_refuses_a_directory_in_use_and_harms_nobody),
        cmocka_unit_test(test_start_refuses_a_directory_that_is_damaged),
        cmocka_unit_test(test_start_refuses_a_port_in_use_and_names_it),
        cmocka_unit_test(test_start_refuses_an_address_of_another_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
