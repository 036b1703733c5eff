/* What a valid configuration may look like, files that cannot be had, and what a reload takes
 * over. */
#include "config_text.h"

#include <stdlib.h>
#include <sys/stat.h>

/* ---- what is valid ---- */

static void test_config_without_a_file_serves_one_sequence(void **state)
{
    (void)state;
    struct config config;
    static struct config_report report;
    struct definition standard = definition_default();
    assert_int_equal(config_load(NULL, NULL, &config, &report), ERR_OK);
    assert_int_equal(config.sequence_count, 1);
    assert_string_equal(config.sequences[0].name, "default");
    assert_true(definition_equal(&config.sequences[0].definition, &standard));
    assert_string_equal(config.http.listen.items[0].address, "127.0.0.1");
    assert_int_equal(config.http.listen.items[0].port, 8080);
    assert_string_equal(config.http.default_sequence, "default");
    assert_string_equal(config.data_dir, "");
    config_free(&config);
}

static void test_config_that_lists_no_sequence_serves_one(void **state)
{
    (void)state;
    struct config config = config_text_valid("[http]\nmax_count = 7\n");
    assert_int_equal(config.sequence_count, 1);
    assert_string_equal(config.sequences[0].name, "default");
    assert_int_equal(config.http.max_count, 7);
    config_free(&config);
}

static void test_config_that_lists_a_sequence_serves_no_other(void **state)
{
    (void)state;
    struct config config = config_text_valid("[sequence:orders]\n");
    assert_int_equal(config.sequence_count, 1);
    assert_string_equal(config.sequences[0].name, "orders");
    assert_int_equal(config.sequences[0].place.line, 1);
    config_free(&config);
}

static void test_config_of_nothing_is_valid(void **state)
{
    (void)state;
    struct config config = config_text_valid("");
    assert_int_equal(config.sequence_count, 1);
    config_free(&config);
}

static void test_config_takes_every_option_of_a_sequence(void **state)
{
    (void)state;
    struct config config = config_text_valid("[sequence:a]\n"
                                             "start = -5\nincrement = -2\nmin = -1000\nmax = 10\n"
                                             "max_gap = 50\nlease = 20\ndurability = every\n");
    struct definition wanted = {.start = -5,
                                .increment = -2,
                                .min = -1000,
                                .max = 10,
                                .max_gap = 50,
                                .lease = 20,
                                .durability = DURABILITY_EVERY};
    assert_true(definition_equal(config_text_sequence(&config, "a"), &wanted));
    config_free(&config);
}

static void test_config_takes_every_option_of_a_timestamp(void **state)
{
    (void)state;
    struct config config = config_text_valid(
        "[sequence:a]\nkind = timestamp\nepoch = 2025-01-01T00:00:00Z\ntime_unit = 10ms\n"
        "machine_bits = 3\nnode_bits = 9\ncounter_bits = 14\nmachine_id = 7\nnode_id = 511\n"
        "max_borrow = 250ms\nmax_gap = 99\nlease = 98\ndurability = every\n"
        "[sequence:b]\nnode_id = 31\nkind = timestamp\n");
    struct definition wanted = {.kind = SEQUENCE_TIMESTAMP,
                                .max_gap = 99,
                                .lease = 98,
                                .durability = DURABILITY_EVERY,
                                .layout = {.epoch_ms = INT64_C(1735689600000),
                                           .unit_ms = 10,
                                           .machine_bits = 3,
                                           .node_bits = 9,
                                           .counter_bits = 14,
                                           .machine_id = 7,
                                           .node_id = 511,
                                           .max_borrow_ms = 250}};
    assert_true(definition_equal(config_text_sequence(&config, "a"), &wanted));
    wanted = definition_default_timestamp();
    wanted.layout.node_id = 31;
    assert_true(definition_equal(config_text_sequence(&config, "b"), &wanted));
    config_free(&config);
}

/* A max_gap that was not said is so much time, whatever the layout. */
static void test_config_max_gap_of_a_timestamp_follows_its_layout(void **state)
{
    (void)state;
    struct config config =
        config_text_valid("[sequence:a]\nkind = timestamp\ntime_unit = 1s\ncounter_bits = 20\n");
    assert_int_equal(config_text_sequence(&config, "a")->max_gap, UINT64_C(10) << 20);
    config_free(&config);
}

static void test_config_refuses_keys_of_the_other_kind(void **state)
{
    (void)state;
    config_text_refused("[sequence:a]\nkind = timestamp\nstart = 5\n", 1,
                        "belong to kind 'counter'");
    config_text_refused("[sequence:a]\nnode_id = 5\n", 1, "belong to kind 'timestamp'");
    config_text_refused("[sequence:a]\nmax_borrow = 1s\n", 1, "belong to kind 'timestamp'");
    config_text_refused("[sequence:a]\nkind = timestamp\nnode_id = 32\n", 1,
                        "node_id is 32, it must be below 32");
    config_text_refused("[sequence:a]\nkind = timestamp\nmachine_id = 32\n", 1,
                        "machine_id is 32, it must be below 32");
    config_text_refused("[sequence:a]\nkind = timestamp\ncounter_bits = 22\n", 1, "20 years");
    config_text_refused("[sequence:a]\nkind = timestamp\nnode_id = ip:lo\n", 1,
                        "node_id = ip:lo: 127.0.0.1 is a loopback address");
    config_text_refused("[sequence:a]\nkind = timestamp\nmachine_id = ip:nosuch0\n", 1,
                        "interface 'nosuch0' has no IPv4 address");
}

static void test_config_starts_a_rising_sequence_at_its_min(void **state)
{
    (void)state;
    struct config config = config_text_valid("[sequence:a]\nmin = 100\n");
    assert_int_equal(config_text_sequence(&config, "a")->start, 100);
    config_free(&config);
}

static void test_config_starts_a_falling_sequence_at_its_max(void **state)
{
    (void)state;
    struct config config = config_text_valid("[sequence:a]\nincrement = -1\n"
                                             "[sequence:b]\nmax = 50\nincrement = -1\n");
    assert_true(config_text_sequence(&config, "a")->start == INT64_MAX);
    assert_int_equal(config_text_sequence(&config, "b")->start, 50);
    config_free(&config);
}

/* inih alone would cut the section's name at 50 bytes. */
static void test_config_takes_the_longest_name(void **state)
{
    (void)state;
    char *text =
        config_text_stretched("[sequence:*]\nmax_gap = 9\n[sequence:b]\n", 'n', SEQUENCE_NAME_MAX);
    struct config config = config_text_valid(text);
    assert_int_equal(strlen(config.sequences[0].name), SEQUENCE_NAME_MAX);
    assert_int_equal(config.sequences[0].definition.max_gap, 9);
    assert_int_equal(config.sequence_count, 2);
    config_free(&config);
    free(text);
}

static void test_config_takes_the_longest_line(void **state)
{
    (void)state;
    char *text = config_text_stretched("[seqd]\r\ndata_dir = /*\r\n", 'd', CONFIG_LINE_MAX - 12);
    struct config config = config_text_valid(text);
    assert_int_equal(strlen(config.data_dir), CONFIG_LINE_MAX - 11);
    config_free(&config);
    free(text);
}

static void test_config_takes_line_ends_and_marks_of_other_systems(void **state)
{
    (void)state;
    struct config config = config_text_valid("\xEF\xBB\xBF[http]\r\nmax_count = 7\r\n"
                                             "[sequence:a]\r\n");
    assert_int_equal(config.http.max_count, 7);
    assert_string_equal(config.sequences[0].name, "a");
    config_free(&config);
}

static void test_config_takes_a_last_line_without_an_end(void **state)
{
    (void)state;
    struct config config = config_text_valid("[http]\nmax_count = 7");
    assert_int_equal(config.http.max_count, 7);
    config_free(&config);
}

static void test_config_takes_comments_and_blanks_anywhere(void **state)
{
    (void)state;
    struct config config = config_text_valid("# one\n  ; two = 2\n\n\t[http] ; three\n"
                                             "\t max_count\t=  7 ; four\n   \n"
                                             "wait_timeout=1s\n");
    assert_int_equal(config.http.max_count, 7);
    assert_int_equal(config.http.wait_timeout_ms, 1000);
    config_free(&config);
}

static void test_config_takes_a_semicolon_inside_a_value(void **state)
{
    (void)state;
    struct config config = config_text_valid("[seqd]\ndata_dir = /a;b#c ;d\n");
    assert_string_equal(config.data_dir, "/a;b#c");
    config_free(&config);
}

/* The traps of inih: an indented key is a key, not a second value of the one above. */
static void test_config_continues_no_line(void **state)
{
    (void)state;
    struct config config = config_text_valid("[http]\nmax_count = 7\n   wait_timeout = 1s\n");
    assert_int_equal(config.http.max_count, 7);
    assert_int_equal(config.http.wait_timeout_ms, 1000);
    config_free(&config);
    config_text_refused("[http]\nmax_count = 7\n   8\n", 3, "no '='");
}

/* ---- files that cannot be had ---- */

static void refused_file(const char *path, enum error error, const char *what)
{
    static struct config_report report;
    struct config config;
    assert_int_equal(config_load(path, NULL, &config, &report), error);
    assert_int_equal(report.count, 1);
    assert_int_equal(strncmp(report.mistakes[0].text, path, strlen(path)), 0);
    assert_non_null(strstr(report.mistakes[0].text, what));
}

static void test_config_refuses_what_is_no_regular_file(void **state)
{
    (void)state;
    refused_file("/nonexistent/seqd.conf", ERR_NOT_FOUND, "No such file");
    refused_file("/tmp", ERR_INVALID, "is a directory");
    refused_file("/dev/null", ERR_INVALID, "is no regular file");
}

/* Root may read everything, so the test reads as somebody else. */
static void test_config_refuses_a_file_that_cannot_be_read(void **state)
{
    (void)state;
    char path[] = "/tmp/seqd-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, 0), 0);
    bool is_root = geteuid() == 0;
    assert_int_equal(is_root ? seteuid(65534) : 0, 0);
    refused_file(path, ERR_IO, "Permission denied");
    assert_int_equal(is_root ? seteuid(0) : 0, 0);
    close(fd);
    unlink(path);
}

static void test_config_refuses_a_file_that_is_too_large(void **state)
{
    (void)state;
    struct config_text text = config_text_bytes("", 0);
    assert_int_equal(ftruncate(text.fd, CONFIG_FILE_MAX_BYTES + 1), 0);
    refused_file(text.path, ERR_INVALID, "has 4194305 bytes, a configuration has 4194304 at most");
    config_text_close(&text);
}

/* ---- taking over a changed file ---- */

struct restarts {
    char keys[256];
};

static void note_restart(void *context, const char *section, const char *key)
{
    struct restarts *restarts = context;
    size_t length = strlen(restarts->keys);
    (void)snprintf(restarts->keys + length, sizeof restarts->keys - length, "%s.%s ", section, key);
}

static void test_config_adopts_what_reloads_and_names_the_rest(void **state)
{
    (void)state;
    struct restarts restarts = {.keys = ""};
    struct config old = config_text_valid("[seqd]\ndata_dir = /a\n[http]\nthreads = 1\n");
    struct config fresh = config_text_valid("[seqd]\ndata_dir = /b\nlog_level = debug\n"
                                            "[http]\nthreads = 2\nlisten = 127.0.0.1:1\n"
                                            "max_count = 5\nwait_timeout = 1s\n"
                                            "[sequence:new]\nmax_gap = 3\n");
    config_adopt(&old, &fresh, note_restart, &restarts);
    assert_string_equal(restarts.keys, "seqd.data_dir http.listen http.threads ");
    assert_string_equal(old.data_dir, "/a");
    assert_int_equal(old.http.listen.items[0].port, 8080);
    assert_int_equal(old.http.threads, 1);
    assert_int_equal(old.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(old.http.max_count, 5);
    assert_int_equal(old.http.wait_timeout_ms, 1000);
    assert_int_equal(old.sequence_count, 1);
    assert_string_equal(old.sequences[0].name, "new");
    config_free(&old);
    config_free(&fresh);
}

static void test_config_adopts_nothing_where_nothing_changed(void **state)
{
    (void)state;
    struct restarts restarts = {.keys = ""};
    struct config old = config_text_valid("[http]\nlisten = [::1]:80\n");
    struct config fresh = config_text_valid("[http]\nlisten = [::1]:80\n");
    config_adopt(&old, &fresh, note_restart, &restarts);
    assert_string_equal(restarts.keys, "");
    config_free(&old);
    config_free(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_without_a_file_serves_one_sequence),
        cmocka_unit_test(test_config_that_lists_no_sequence_serves_one),
        cmocka_unit_test(test_config_that_lists_a_sequence_serves_no_other),
        cmocka_unit_test(test_config_of_nothing_is_valid),
        cmocka_unit_test(test_config_takes_every_option_of_a_sequence),
        cmocka_unit_test(test_config_takes_every_option_of_a_timestamp),
        cmocka_unit_test(test_config_max_gap_of_a_timestamp_follows_its_layout),
        cmocka_unit_test(test_config_refuses_keys_of_the_other_kind),
        cmocka_unit_test(test_config_starts_a_rising_sequence_at_its_min),
        cmocka_unit_test(test_config_starts_a_falling_sequence_at_its_max),
        cmocka_unit_test(test_config_takes_the_longest_name),
        cmocka_unit_test(test_config_takes_the_longest_line),
        cmocka_unit_test(test_config_takes_line_ends_and_marks_of_other_systems),
        cmocka_unit_test(test_config_takes_a_last_line_without_an_end),
        cmocka_unit_test(test_config_takes_comments_and_blanks_anywhere),
        cmocka_unit_test(test_config_takes_a_semicolon_inside_a_value),
        cmocka_unit_test(test_config_continues_no_line),
        cmocka_unit_test(test_config_refuses_what_is_no_regular_file),
        cmocka_unit_test(test_config_refuses_a_file_that_cannot_be_read),
        cmocka_unit_test(test_config_refuses_a_file_that_is_too_large),
        cmocka_unit_test(test_config_adopts_what_reloads_and_names_the_rest),
        cmocka_unit_test(test_config_adopts_nothing_where_nothing_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
