/* seqctl backup from the real daemon under load, the daemon lost, and a restore: no number comes
 * twice. */
#include "daemon.h"
#include "load.h"
#include "oracle.h"
#include "seqctl.h"
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define CONNECTIONS 8
#define NUMBERS 20000 /* received before the backup, after it, and after the restore … */
#define SETTINGS "[sequence:default]\nmax_gap = 100\n" /* … and far more than were leased by then */
#define SETTINGS_SIZE (DIR_PATH_SIZE + 64)
#define WAIT_MS 60000

/* The daemon, with a unix socket in the folder of its configuration. */
static struct stage open_stage(char settings[SETTINGS_SIZE])
{
    struct stage stage = stage_open(NULL);
    struct dir socket = dir_entry(&stage.configuration, "s");
    (void)snprintf(settings, SETTINGS_SIZE, SETTINGS "[http]\nsocket = %s\n", socket.path);
    stage_stop(&stage);
    stage_configure(&stage, settings);
    stage_start(&stage, NULL);
    return stage;
}

/* The command line that writes to `file`. */
static void back_up(const struct stage *stage, const struct dir *file)
{
    struct dir socket = dir_entry(&stage->configuration, "s");
    char line[2 * DIR_PATH_SIZE + 32];
    struct stat status;
    (void)snprintf(line, sizeof line, "-s %s backup %s", socket.path, file->path);
    seqctl_expect(stage->port, line, 0, "", NULL);
    assert_int_equal(stat(file->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

/* Run `seqd --restore`; what it says on standard error is looked through for `word`. */
static void restore(const char *file, const char *directory, const char *skip, int status,
                    const char *word)
{
    int got = 0;
    struct daemon *daemon = daemon_run(
        (const char *const[]){"-d", directory, "--restore", file, skip, NULL}, NULL, &got);
    if (got != status || strstr(daemon_stderr(daemon), word) == NULL) {
        fail_msg("exit status %d: %s", got, daemon_stderr(daemon));
    }
    daemon_free(daemon);
}

static void receive(struct load *load, uint64_t more)
{
    struct load_progress progress = {0};
    load_progress(load, 0, &progress);
    for (uint64_t wanted = progress.numbers + more; progress.numbers < wanted;) {
        assert_int_equal(load_wait(load, 20), LOAD_BUSY);
        load_progress(load, 0, &progress);
    }
}

static void test_backup_under_load_and_restore_repeat_no_number(void **state)
{
    (void)state;
    char settings[SETTINGS_SIZE];
    struct stage stage = open_stage(settings);
    struct dir file = dir_entry(&stage.configuration, "backup");
    struct oracle *oracle = oracle_new(&(struct oracle_options){
        .name = "default", .start = 1, .increment = 1, .max_gap = UINT64_C(1) << 40});
    struct load_target target = {.connections = CONNECTIONS, .count_max = 1, .oracle = oracle};
    struct load *load = load_start(&(struct load_options){&target, 1, 1});
    load_attach(load, stage.port);
    receive(load, NUMBERS);
    back_up(&stage, &file);
    receive(load, NUMBERS); /* what the backup does not know */
    stage_kill(&stage);
    assert_true(load_detach(load, WAIT_MS));
    oracle_crash(oracle);

    struct dir lost = stage.data;
    stage.data = dir_make();
    restore(file.path, stage.data.path, "--skip=10000000", 0,
            "1 counters moved forward by 10000000");
    stage_start(&stage, NULL);
    load_attach(load, stage.port);
    receive(load, NUMBERS);
    stage_kill(&stage);
    assert_true(load_detach(load, WAIT_MS));
    oracle_crash(oracle);
    struct oracle_verdict verdict;
    (void)oracle_judge(oracle, &verdict);
    assert_true(verdict.duplicated == 0);
    assert_true(verdict.unordered_time == 0);
    assert_true(verdict.acknowledged >= (uint64_t)3 * NUMBERS);
    load_free(load);
    oracle_free(oracle);
    stage_close(&stage);
    dir_remove(&lost);
}

static void test_restore_wants_a_skip_and_an_empty_directory(void **state)
{
    (void)state;
    char settings[SETTINGS_SIZE];
    struct stage stage = open_stage(settings);
    struct dir file = dir_entry(&stage.configuration, "backup");
    struct dir fresh = dir_make();
    back_up(&stage, &file);
    back_up(&stage, &file); /* over the one before */
    restore(file.path, fresh.path, NULL, 1, "by its age and its rate: --skip ");
    assert_false(dir_has(&fresh, "sentinel"));
    restore(file.path, stage.data.path, "--skip=0", 1, "in use by another seqd");
    stage_stop(&stage);
    restore(file.path, stage.data.path, "--skip=0", 1, "holds a data set already");
    dir_flip(&stage.configuration, "backup", 40, 1);
    restore(file.path, fresh.path, "--skip=0", 1, "line 5: the checksum is wrong");
    restore("/nonexistent", fresh.path, "--skip=0", 1, "cannot read the backup");
    stage_close(&stage);
    dir_remove(&fresh);
}

static void test_backup_takes_an_administrator(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    stage_expect_status(&stage, "GET", "/v1/backup", "", 401);
    seqctl_expect(stage.port, "backup /nonexistent/b", 6, "", "token");
    stage_close(&stage);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backup_under_load_and_restore_repeat_no_number),
        cmocka_unit_test(test_restore_wants_a_skip_and_an_empty_directory),
        cmocka_unit_test(test_backup_takes_an_administrator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
