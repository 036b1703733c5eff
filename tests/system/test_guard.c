/* A data directory that comes back as a copy, against the real daemon: what it says, and that what
 * it says to type helps. */
#include "base/definition.h"
#include "base/text.h"
#include "daemon.h"
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SOME 25 /* numbers */

/* Run a shell command in which "$1" and "$2" are the two paths. */
static void shell(const char *script, const struct dir *first, const struct dir *second)
{
    setenv("FIRST", first->path, 1);
    setenv("SECOND", second->path, 1);
    if (system(script) != 0) { /* lint: allowed, because cp and tar themselves are what is tested */
        fail_msg("'%s' failed", script);
    }
}

/* The last of some numbers. */
static int64_t draw(const struct stage *stage)
{
    int64_t number = 0;
    for (unsigned i = 0; i < SOME; i++) {
        number = stage_next(stage, "/");
    }
    return number;
}

/* What the daemon says when it is started on `data`; it must end with status 1. */
static struct daemon *refused(const struct dir *data)
{
    int status = 0;
    struct daemon *daemon =
        daemon_run((const char *const[]){"-p", "0", "-d", data->path, NULL}, NULL, &status);
    assert_int_equal(status, 1);
    return daemon;
}

/* Start on it, be refused, type what the refusal says, and go on above `last`. */
static void assert_refused_and_adopt(const struct stage *stage, int64_t last)
{
    struct daemon *daemon = refused(&stage->data);
    const char *command = strstr(daemon_stderr(daemon), "seqd --adopt --skip ");
    char text[TEXT_INT64_SIZE] = "";
    uint64_t skip = 0;
    int status = 0;
    assert_non_null(command);
    command += strlen("seqd --adopt --skip ");
    size_t digits = strspn(command, "0123456789");
    assert_true(digits < sizeof text);
    memcpy(text, command, digits);
    assert_int_equal(text_parse_uint64(text, INT64_MAX, &skip), ERR_OK);
    assert_true(skip >= 10 * SEQUENCE_MAX_GAP_DEFAULT);
    daemon_free(daemon);

    daemon =
        daemon_run((const char *const[]){"--adopt", "--skip", text, "-d", stage->data.path, NULL},
                   NULL, &status);
    assert_int_equal(status, 0);
    assert_non_null(strstr(daemon_stderr(daemon), "1 counters moved forward by"));
    daemon_free(daemon);

    struct stage again = *stage;
    stage_start(&again, NULL);
    assert_true(stage_next(&again, "/") > last);
    stage_stop(&again);
}

/* `script` takes the stopped directory FIRST back to what it was, from SECOND. */
static void come_back(const char *script)
{
    struct stage stage = stage_open(NULL);
    struct dir copy = dir_make();
    draw(&stage);
    stage_stop(&stage);
    shell("cp -a \"$FIRST/.\" \"$SECOND\"", &stage.data, &copy);
    stage_start(&stage, NULL);
    int64_t last = draw(&stage);
    stage_stop(&stage);
    shell(script, &stage.data, &copy);
    assert_refused_and_adopt(&stage, last);
    stage_close(&stage);
    dir_remove(&copy);
}

static void test_guard_refuses_what_cp_put_over_the_files(void **state)
{
    (void)state;
    come_back("cp -a \"$SECOND/.\" \"$FIRST\"");
}

static void test_guard_refuses_what_tar_unpacked(void **state)
{
    (void)state;
    come_back("tar -C \"$SECOND\" -cf - . | tar -C \"$FIRST\" -xpf -");
}

static void test_guard_refuses_what_was_deleted_and_copied_back(void **state)
{
    (void)state;
    come_back("rm -r \"$FIRST\" && cp -a \"$SECOND\" \"$FIRST\"");
}

static void test_guard_lets_a_directory_be_renamed(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    struct dir home = dir_make();
    struct dir moved = dir_entry(&home, "moved");
    int64_t last = draw(&stage);
    stage_stop(&stage);
    assert_int_equal(rename(stage.data.path, moved.path), 0);
    stage.data = moved;
    stage_start(&stage, NULL);
    assert_int_equal(stage_next(&stage, "/"), last + 1);
    stage_close(&stage);
    dir_remove(&home);
}

static void test_guard_is_off_when_it_is_told(void **state)
{
    (void)state;
    struct stage stage = stage_open("[seqd]\nidentity = none\n");
    struct dir copy = dir_make();
    int64_t last = draw(&stage);
    stage_stop(&stage);
    dir_copy(&stage.data, &copy);
    struct dir original = stage.data;
    stage.data = copy;
    stage_start(&stage, NULL);
    assert_int_equal(stage_next(&stage, "/"), last + 1);
    stage_close(&stage);
    dir_remove(&original);
}

static void test_adopt_refuses_a_directory_in_use(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    int status = 0;
    struct daemon *daemon =
        daemon_run((const char *const[]){"--adopt", "--skip", "5", "-d", stage.data.path, NULL},
                   NULL, &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(daemon_stderr(daemon), "in use by another seqd"));
    daemon_free(daemon);
    assert_int_equal(stage_next(&stage, "/"), 1);
    stage_close(&stage);
}

static void test_adopt_may_be_repeated(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    int64_t last = draw(&stage);
    stage_stop(&stage);
    for (unsigned i = 0; i < 2; i++) {
        int status = 0;
        daemon_free(daemon_run(
            (const char *const[]){"--adopt", "--skip", "100", "-d", stage.data.path, NULL}, NULL,
            &status));
        assert_int_equal(status, 0);
    }
    stage_start(&stage, NULL);
    assert_int_equal(stage_next(&stage, "/"), last + 1 + 200);
    stage_close(&stage);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard_refuses_what_cp_put_over_the_files),
        cmocka_unit_test(test_guard_refuses_what_tar_unpacked),
        cmocka_unit_test(test_guard_refuses_what_was_deleted_and_copied_back),
        cmocka_unit_test(test_guard_lets_a_directory_be_renamed),
        cmocka_unit_test(test_guard_is_off_when_it_is_told),
        cmocka_unit_test(test_adopt_refuses_a_directory_in_use),
        cmocka_unit_test(test_adopt_may_be_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
