/* The data directory, against the real daemon: where it may lie, how full it may get, whose it is,
 * and what is said when its witness fails. */
#include "dir.h"
#include "http_client.h"
#include "stage.h"
#include "token.h"

#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cmocka.h>

#define IN_MEMORY "/dev/shm"
#define TMPFS 0x01021994 /* see statfs(2) */
#define TOKENS TOKEN_A_HASH " admin *\n"
#define PAUSE_MS 5
#define MACHINE_ID "/etc/machine-id"

/* What the daemon says when it is started with `arguments`; it must end with status 1. */
static struct daemon *refused(const char *const *arguments)
{
    int status = 0;
    struct daemon *daemon = daemon_run(arguments, NULL, &status);
    assert_int_equal(status, 1);
    return daemon;
}

static void test_data_in_memory_is_refused_unless_it_is_wanted(void **state)
{
    (void)state;
    struct statfs file_system;
    if (statfs(IN_MEMORY, &file_system) != 0 || file_system.f_type != TMPFS) {
        print_message("*** NOT TESTED: " IN_MEMORY " is not in memory\n");
        skip();
    }
    struct stage stage = {.configuration = dir_make()};
    const char *before = getenv("TMPDIR");
    char *kept = before == NULL ? NULL : strdup(before);
    setenv("TMPDIR", IN_MEMORY, 1);
    stage.data = dir_make();
    (void)(kept == NULL ? unsetenv("TMPDIR") : setenv("TMPDIR", kept, 1)); /* NULL is checked */
    free(kept);
    struct daemon *daemon = refused((const char *const[]){"-p", "0", "-d", stage.data.path, NULL});
    assert_non_null(strstr(daemon_stderr(daemon), "is kept in memory"));
    daemon_free(daemon);
    stage_configure(&stage, "[seqd]\nfilesystem = any\n");
    stage_start(&stage, NULL);
    assert_int_equal(stage_next(&stage, "/"), 1);
    stage_close(&stage);
}

/* Make sequences s0, s1 … until one is refused, as which the answer comes. */
static unsigned fill(const struct stage *stage, struct http_answer *ret_answer)
{
    for (unsigned i = 0;; i++) {
        char target[64];
        (void)snprintf(target, sizeof target, "/v1/sequences/s%u", i);
        *ret_answer = http_ask_json(stage->port, "PUT", target, "{}");
        if (ret_answer->status != 201) {
            return i;
        }
        http_answer_free(ret_answer);
    }
}

static void test_data_file_that_is_nearly_full_takes_no_new_sequence(void **state)
{
    (void)state;
    struct stage stage = {.data = dir_make(), .configuration = dir_make()};
    struct dir tokens = dir_entry(&stage.configuration, "tokens");
    struct http_answer answer;
    char configuration[DIR_PATH_SIZE + 128];
    dir_write(&stage.configuration, "tokens", TOKENS, sizeof TOKENS - 1);
    (void)snprintf(configuration, sizeof configuration,
                   "[seqd]\nmap_size_max = 1MiB\n[http]\ntokens = %s\n[sequence:default]\n"
                   "durability = every\n",
                   tokens.path);
    stage_configure(&stage, configuration);
    stage_start(&stage, NULL);
    http_client_authorize(TOKEN_A);
    unsigned made = fill(&stage, &answer);
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.body, "of the 1048576 bytes of map_size_max"));
    assert_non_null(strstr(answer.body, "no new sequence is made"));
    http_answer_free(&answer);
    assert_true(made > 10);
    /* Each of these numbers is a commit. */
    for (int64_t i = 1; i <= 50; i++) {
        assert_int_equal(stage_next(&stage, "/"), i);
    }
    http_client_authorize(NULL);
    stage_close(&stage);
}

/* A daemon whose witness cannot be written: what /readyz says, and that it ends. */
static void test_data_whose_witness_fails_is_not_ready_and_says_why(void **state)
{
    (void)state;
    struct dir elsewhere = dir_make();
    struct dir witness = dir_entry(&elsewhere, "witness");
    struct dir toggle = dir_entry(&elsewhere, "sick");
    char configuration[DIR_PATH_SIZE + 128];
    char setting[DIR_PATH_SIZE + 64];
    (void)snprintf(configuration, sizeof configuration,
                   "[seqd]\nwitness = %s\n[http]\nwait_timeout = 50ms\n[sequence:default]\n"
                   "durability = every\n",
                   witness.path);
    (void)snprintf(setting, sizeof setting, "SICK_DISK_SWITCH=%s", toggle.path);
    struct stage stage = stage_open(configuration);
    stage_stop(&stage);
    stage_start_with(&stage, "sick_disk.so",
                     (const char *const[]){setting, "SICK_DISK_FILE=/witness", NULL});
    stage_expect(&stage, "/readyz", "*/*", "ready\n");
    int64_t last = stage_next(&stage, "/");

    dir_write(&elsewhere, "sick", "", 0);
    struct http_answer answer;
    bool ready;
    do { /* each number is a commit that has to be witnessed */
        answer = http_ask(stage.port, "GET", "/", "");
        last = answer.status == 200 ? last + 1 : last;
        http_answer_free(&answer);
        answer = http_ask(stage.port, "GET", "/readyz", "");
        ready = answer.status == 200;
        if (ready) {
            http_answer_free(&answer);
        }
    } while (ready);
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.body, "times in a row"));
    assert_non_null(strstr(answer.body, witness.path));
    http_answer_free(&answer);

    dir_delete(&elsewhere, "sick");
    do {
        (void)poll(NULL, 0, PAUSE_MS);
        answer = http_ask(stage.port, "GET", "/readyz", "");
        ready = answer.status == 200;
        http_answer_free(&answer);
    } while (!ready);
    assert_true(stage_next(&stage, "/") > last);
    stage_close(&stage);
    dir_remove(&elsewhere);
}

static void set_machine(const struct dir *folder, const char *id)
{
    dir_write(folder, "machine-id", id, strlen(id));
}

/* In a namespace of this process's own, let a file in `folder` be the machine's id. False: that
 * cannot be had. */
static bool take_machine(const struct dir *folder)
{
    struct dir file = dir_entry(folder, "machine-id");
    return (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount(file.path, MACHINE_ID, NULL, MS_BIND, NULL) == 0;
}

/* The last test: this process stays on the other machine. */
static void test_data_of_another_machine_is_refused_until_it_is_adopted(void **state)
{
    (void)state;
    struct stage stage = {.data = dir_make(), .configuration = dir_make()};
    struct dir folder = dir_make();
    set_machine(&folder, "0123456789abcdef0123456789abcdef\n");
    if (!take_machine(&folder)) {
        print_message("*** NOT TESTED: this machine lets us bind nothing over " MACHINE_ID "\n");
        dir_remove(&stage.data);
        dir_remove(&stage.configuration);
        dir_remove(&folder);
        skip();
    }
    stage_start(&stage, NULL);
    int64_t last = stage_next(&stage, "/");
    stage_stop(&stage);
    set_machine(&folder, "fedcba9876543210fedcba9876543210\n");

    struct daemon *daemon = refused((const char *const[]){"-p", "0", "-d", stage.data.path, NULL});
    assert_non_null(strstr(daemon_stderr(daemon), "was last used on another machine"));
    assert_non_null(strstr(daemon_stderr(daemon), "seqd --adopt --skip "));
    daemon_free(daemon);
    /* The identity of the files alone lets it move. */
    stage_configure(&stage, "[seqd]\nidentity = file\n");
    stage_start(&stage, NULL);
    assert_true(stage_next(&stage, "/") > last);
    stage_close(&stage);
    assert_int_equal(umount2(MACHINE_ID, MNT_DETACH), 0);
    dir_remove(&folder);
}

/* Longer than any that a configuration may name. */
static struct dir make_deep(const struct dir *top)
{
    struct dir deep = *top;
    while (strlen(deep.path) < 380) {
        deep = dir_entry(&deep, "a-name-of-fifty-bytes-that-many-an-organisation-has");
        assert_int_equal(mkdir(deep.path, 0700), 0);
    }
    return deep;
}

static void test_data_in_a_long_path_is_refused_with_the_whole_command(void **state)
{
    (void)state;
    struct stage stage = {.data = dir_make(), .configuration = dir_make()};
    struct stage other = {.data = dir_make(), .configuration = dir_make()};
    struct dir top = stage.data;
    char command[DIR_PATH_SIZE + 64];
    stage.data = make_deep(&top);
    stage_start(&stage, NULL);
    stage_stop(&stage);
    stage_start(&other, NULL);
    stage_stop(&other);
    /* Of the refusals this is the one that names the path most often. */
    dir_copy_file(&other.data, "sentinel", &stage.data, "sentinel");

    struct daemon *daemon = refused((const char *const[]){"-p", "0", "-d", stage.data.path, NULL});
    (void)snprintf(command, sizeof command, " -d '%s' (", stage.data.path);
    assert_non_null(strstr(daemon_stderr(daemon), command));
    daemon_free(daemon);
    stage.data = top;
    stage_close(&stage);
    stage_close(&other);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_in_memory_is_refused_unless_it_is_wanted),
        cmocka_unit_test(test_data_file_that_is_nearly_full_takes_no_new_sequence),
        cmocka_unit_test(test_data_whose_witness_fails_is_not_ready_and_says_why),
        cmocka_unit_test(test_data_in_a_long_path_is_refused_with_the_whole_command),
        cmocka_unit_test(test_data_of_another_machine_is_refused_until_it_is_adopted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
