/* Every option: its bounds, its default, and that the documents say the same as the table. */
#include "config_text.h"

#include "config_option.h"

#include <stdbool.h>
#include <stdlib.h>

#define LEAST "-9223372036854775807"
#define MOST "9223372036854775807"
#define BELOW_LEAST "-9223372036854775808"
#define ABOVE_MOST "9223372036854775808"
#define GAP_MOST "281474976710656"
#define PATH_250 \
    "/aaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee" \
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee" \
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee" \
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee" \
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"

/* What an option has to take and to refuse, written down apart from the table. */
struct bounds {
    const char *section;
    const char *key;
    const char *accepted[5]; /* the least and the most first */
    const char *refused[5];  /* just outside, then rubbish of its own kind */
};

/* A path of 107 bytes. */
#define SOCKET_107 \
    "/run/seqd/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct bounds all_bounds[] = {
    {"seqd", "data_dir", {"/", PATH_250 "vwxyz"}, {PATH_250 "uvwxyz", "a/b", "./a", "~/a"}},
    {"seqd",
     "log_level",
     {"error", "warning", "notice", "info", "debug"},
     {"Error", "3", "errors", "err", "-1"}},
    {"seqd",
     "map_size",
     {"64KiB", "16GiB", "65536", "100 MiB", "17179869184"},
     {"65535", "17179869185", "17GiB", "64kib", "1.5GiB"}},
    {"seqd",
     "map_size_max",
     {"1MiB", "16GiB", "1048576", "100 MiB", "17179869184"},
     {"1048575", "17179869185", "17GiB", "1mib", "1.5GiB"}},
    {"seqd", "filesystem", {"local", "any"}, {"Local", "all", "tmpfs", "yes", "1"}},
    {"seqd",
     "identity",
     {"all", "file", "machine", "none"},
     {"All", "files", "file, machine", "0", "no"}},
    {"seqd", "witness", {"/", "/mnt/witness"}, {"witness", "./witness", "none"}},
    {"seqd",
     "ledger_age",
     {"0ms", "87600h", "2160h", "1 min"},
     {"-1ms", "315360000001ms", "0", "90d", "never"}},
    {"seqd",
     "ledger_size",
     {"1MiB", "256MiB", "1048576", "16 MiB"},
     {"1048575", "268435457", "1GiB", "0", "auto"}},
    {"http",
     "listen",
     {"0.0.0.0:0", "255.255.255.255:65535", "[::]:1", "[fe80::1]:8080 ,127.0.0.1:1", "none"},
     {"127.0.0.1:65536", "127.0.0.1:,[::1]:80", "localhost:80", "::1:80", "[::1]80"}},
    {"http", "socket", {"/", "/run/seqd/seqd.sock"}, {"run/seqd.sock", SOCKET_107 "x", "@seqd"}},
    {"http", "socket_mode", {"0000", "0777", "0", "0600"}, {"01000", "660", "0888", "u+w", "-1"}},
    {"http",
     "issue_without_token",
     {"loopback", "everywhere", "never"},
     {"Loopback", "yes", "0", "always", "no"}},
    {"http", "tokens", {"/", "/etc/seqd/tokens"}, {"tokens", "./tokens", "none"}},
    {"http", "tls", {"off", "remote", "all"}, {"on", "0", "Off", "yes", "none"}},
    {"http", "tls_certificate", {"/", "/etc/seqd/tls.pem"}, {"tls.pem", "off"}},
    {"http", "tls_key", {"/", "/etc/seqd/tls.key"}, {"tls.key", "off"}},
    {"http", "threads", {"1", "256", "auto"}, {"0", "257", "Auto", "-1", "2.0"}},
    {"http", "max_connections", {"1", "1000000"}, {"0", "1000001", "auto", "1k", "0x10"}},
    {"http",
     "max_connections_per_address",
     {"1", "1000000", "auto"},
     {"0", "1000001", "none", "half", "-1"}},
    {"http", "buffer_size", {"2KiB", "64KiB", "2048"}, {"2047", "65537", "65KiB", "4 K", "4096B"}},
    {"http", "max_count", {"1", "1000000"}, {"0", "1000001", "-1", "1e3", "18446744073709551617"}},
    {"http",
     "idle_timeout",
     {"1s", "1h", "1000ms", "60min", "3600 s"},
     {"999ms", "3600001ms", "30", "1.5s", "5m"}},
    {"http", "request_timeout", {"100ms", "1h"}, {"99ms", "3600001ms", "0", "-1s", "s"}},
    {"http", "wait_timeout", {"10ms", "1h"}, {"9ms", "3600001ms", "5 S", "2h", "1s5ms"}},
    {"http", "clock_warning", {"0ms", "24h"}, {"-1s", "86400001ms", "10", "25h", "1d"}},
    {"http",
     "cors_origins",
     {"none", "https://example.org", "http://localhost:3000 , https://a.b-c.example",
      "http://[::1]:8080,http://127.0.0.1", "https://example.org:8443"},
     {"*", "https://example.org/", "https://Example.org", "null", "https://example.org:443"}},
    {"grpc",
     "listen",
     {"none", "127.0.0.1:0", "[::]:65535, 0.0.0.0:1"},
     {"127.0.0.1:65536", "127.0.0.1", "localhost:80", "/run/seqd.sock", "off"}},
    {"grpc", "threads", {"1", "256", "auto"}, {"0", "257", "all", "-1"}},
    {"grpc", "max_connections", {"1", "1000000"}, {"0", "1000001", "auto"}},
    {"grpc", "max_streams", {"1", "10000"}, {"0", "10001", "auto"}},
    {"grpc", "max_message", {"1KiB", "1MiB", "1024"}, {"1023", "1048577", "2MiB", "1k"}},
    {"grpc", "busy_poll", {"1", "1000", "off"}, {"0", "1001", "50us", "auto"}},
    {"grpc", "idle_timeout", {"1s", "24h"}, {"999ms", "25h", "never", "60"}},
    {"grpc", "max_age", {"1s", "24h", "never"}, {"999ms", "25h", "0s", "ever"}},
    {"sequence", "kind", {"counter", "timestamp"}, {"Counter", "snowflake", "0", "time"}},
    {"sequence", "start", {LEAST, MOST, "0"}, {BELOW_LEAST, ABOVE_MOST, "1.0", "+1", "one"}},
    {"sequence", "increment", {LEAST, MOST, "-1"}, {BELOW_LEAST, ABOVE_MOST, "--1", "1-", "-"}},
    {"sequence", "min", {LEAST, MOST, "0"}, {BELOW_LEAST, ABOVE_MOST, "1 2", "1e1", "1KiB"}},
    {"sequence", "max", {LEAST, MOST, "0"}, {BELOW_LEAST, ABOVE_MOST, "2^63-1", "1_000", "- 1"}},
    {"sequence",
     "max_gap",
     {"1", GAP_MOST},
     {"0", "281474976710657", "auto", "-1", "99999999999999999999999999999"}},
    {"sequence", "lease", {"1", GAP_MOST, "auto"}, {"0", "281474976710657", "AUTO", "-1", "none"}},
    {"sequence", "durability", {"lease", "every"}, {"Lease", "0", "1", "always", "lease every"}},
    {"sequence",
     "epoch",
     {"1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "2024-02-29T01:00:00+01:00"},
     {"2024-01-01", "1704067200", "2016-12-31T23:59:60Z", "1969-12-31T23:59:59Z", "now"}},
    {"sequence", "time_unit", {"1ms", "10ms", "1s"}, {"1", "100ms", "2s", "1 ms", "0ms"}},
    {"sequence", "machine_bits", {"0", "31"}, {"-1", "32", "5.0", "five", "0x5"}},
    {"sequence", "node_bits", {"0", "31"}, {"-1", "32", "256", "261", "+5"}},
    {"sequence", "counter_bits", {"1", "32"}, {"0", "33", "-1", "auto", "257"}},
    {"sequence",
     "machine_id",
     {"0", "2147483647", "ip", "ip:eth0"},
     {"-1", "2147483648", "4294967296", "host"}},
    {"sequence", "node_id", {"0", "2147483647", "ip"}, {"-1", "2147483648", "ip:", "auto", "ipx"}},
    {"sequence", "max_borrow", {"0ms", "1h", "0s"}, {"-1ms", "3600001ms", "1", "2h", "1.5s"}},
};

#define BOUNDS_COUNT (sizeof all_bounds / sizeof all_bounds[0])

/* Room for the fields of either struct. */
union fields {
    struct config config;
    struct definition definition;
};

static const struct option *option_at(size_t index)
{
    size_t count = 0;
    const struct option *table = option_table(&count);
    assert_true(index < count);
    return &table[index];
}

static const struct option *option_named(const char *section, const char *key)
{
    int index = option_find(section, key);
    if (index < 0) {
        fail_msg("no option %s in [%s]", key, section);
    }
    return option_at((size_t)index);
}

static void test_option_takes_its_bounds_and_what_lies_between(void **state)
{
    (void)state;
    for (size_t i = 0; i < BOUNDS_COUNT; i++) {
        const struct bounds *bounds = &all_bounds[i];
        const struct option *option = option_named(bounds->section, bounds->key);
        for (size_t j = 0; j < 5 && bounds->accepted[j] != NULL; j++) {
            union fields fields;
            struct error_detail detail = {.text = ""};
            memset(&fields, 0, sizeof fields);
            if (option_set(option, &fields, bounds->accepted[j], &detail) != ERR_OK) {
                fail_msg("%s", detail.text);
            }
        }
    }
}

static void test_option_refuses_what_is_outside_and_names_the_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < BOUNDS_COUNT; i++) {
        const struct bounds *bounds = &all_bounds[i];
        const struct option *option = option_named(bounds->section, bounds->key);
        char range[OPTION_RANGE_SIZE];
        option_range(option, range);
        if (option->kind == VALUE_LISTEN) {
            (void)snprintf(range, sizeof range, "ADDRESS:PORT"); /* its text says more */
        } else if (option->kind == VALUE_ORIGINS) {
            (void)snprintf(range, sizeof range, "SCHEME://HOST"); /* likewise */
        }
        for (size_t j = 0; j < 5 && bounds->refused[j] != NULL; j++) {
            union fields fields;
            union fields before;
            struct error_detail detail = {.text = ""};
            memset(&fields, 0x5A, sizeof fields);
            memset(&before, 0x5A, sizeof before);
            if (option_set(option, &fields, bounds->refused[j], &detail) != ERR_INVALID) {
                fail_msg("%s takes '%s'", bounds->key, bounds->refused[j]);
            }
            assert_memory_equal(&fields, &before, sizeof fields);
            assert_non_null(strstr(detail.text, bounds->refused[j]));
            assert_non_null(strstr(detail.text, range));
        }
    }
}

/* An option that is added has to be added to the bounds above, too. */
static void test_option_table_holds_what_is_tested_here(void **state)
{
    (void)state;
    size_t count = 0;
    const struct option *table = option_table(&count);
    assert_int_equal(count, BOUNDS_COUNT);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(table[i].key, all_bounds[i].key);
        assert_int_equal(option_find(table[i].section, table[i].key), i);
    }
}

static void test_option_writes_exact_integers(void **state)
{
    (void)state;
    struct config config = config_text_valid("[seqd]\nmap_size = 3GiB\nlog_level = notice\n[http]\n"
                                             "buffer_size = 3 KiB\nidle_timeout = 7min\n"
                                             "request_timeout = 11s\nwait_timeout = 13ms\n"
                                             "threads = auto\nsocket_mode = 0640\n"
                                             "listen = [::1]:81, 127.0.0.2:82,127.0.0.3:83\n");
    assert_int_equal(config.map_size_bytes, 3221225472);
    assert_int_equal(config.log_level, LOG_LEVEL_NOTICE);
    assert_int_equal(config.http.buffer_bytes, 3072);
    assert_int_equal(config.http.idle_timeout_ms, 420000);
    assert_int_equal(config.http.request_timeout_ms, 11000);
    assert_int_equal(config.http.wait_timeout_ms, 13);
    assert_int_equal(config.http.threads, 0);
    assert_string_equal(config.http.listen.items[0].address, "::1");
    assert_int_equal(config.http.listen.items[0].port, 81);
    assert_string_equal(config.http.listen.items[1].address, "127.0.0.2");
    assert_int_equal(config.http.listen.items[2].port, 83);
    assert_int_equal(config.http.listen.count, 3);
    assert_int_equal(config.http.socket_mode, 0640);
    config_free(&config);
}

static void test_option_listen_has_a_bound(void **state)
{
    (void)state;
    struct config config = config_text_valid(
        "[http]\nlisten = [::1]:1,[::1]:2,[::1]:3,[::1]:4,[::1]:5,[::1]:6,[::1]:7,[::1]:8\n");
    assert_int_equal(config.http.listen.count, ENDPOINTS_MAX);
    config_free(&config);
    config_text_refused(
        "[http]\nlisten = [::1]:1,[::1]:2,[::1]:3,[::1]:4,[::1]:5,[::1]:6,[::1]:7,[::1]:8,"
        "[::1]:9\n",
        2, "8 addresses at most");
    config = config_text_valid("[http]\nlisten = none\nsocket = /run/seqd.sock\n");
    assert_int_equal(config.http.listen.count, 0);
    config_free(&config);
}

/* Who makes seqd reachable says what strangers may do. */
/* What browsers never write as an origin could not match, and so must not be taken. */
static void test_option_origins_are_as_browsers_write_them(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "http://a:80",      "http://a:0",
        "http://a:65536",   "http://a:",
        "http://a:08",      "http://",
        "https://",         "ftp://a",
        "a.example",        "//a",
        "http://a/b",       "http://a?b",
        "http://u@a",       "http://a b",
        "https://*.a",      "http://a,,http://b",
        "http://a,",        ",http://a",
        "http://[::1",      "http://[]:1",
        "http://[::1]8080", "http://a, none",
        "https://\xc3\xa4",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "[http]\ncors_origins = %s\n", refused[i]);
        config_text_refused(text, 2, "cors_origins is ");
    }
    struct config config =
        config_text_valid("[http]\ncors_origins = https://a.example ,http://[::1]:81\n");
    assert_string_equal(config.http.cors_origins, "https://a.example,http://[::1]:81");
    config_free(&config);
}

static void test_option_listen_to_other_machines_takes_words(void **state)
{
    static const char *const remote[] = {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.0.0.1:1, [::]:2",
                                         "[2001:db8::1]:1"};
    char text[256];
    (void)state;
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++) {
        snprintf(text, sizeof text, "[http]\nlisten = %s\n", remote[i]);
        config_text_refused(text, 2, "other machines can reach");
        snprintf(text, sizeof text, "[http]\nlisten = %s\nissue_without_token = never\n",
                 remote[i]);
        config_text_refused(text, 3, "or say issue_without_token = everywhere");
        snprintf(text, sizeof text, "[http]\nlisten = %s\nissue_without_token = everywhere\n",
                 remote[i]);
        struct config config = config_text_valid(text);
        config_free(&config);
        snprintf(text, sizeof text, "[http]\ntokens = /etc/tokens\nlisten = %s\n", remote[i]);
        config = config_text_valid(text);
        config_free(&config);
    }
}

static void test_option_tls_takes_both_files(void **state)
{
    (void)state;
    config_text_refused("[http]\ntls_certificate = /a\n", 2, "tls_certificate without tls_key");
    config_text_refused("[http]\n\ntls_key = /a\n", 3, "tls_key without tls_certificate");
    config_text_refused("[http]\ntls = all\n", 2, "tls is 'all', it needs tls_certificate");
    struct config config = config_text_valid("[http]\ntls = off\n");
    config_free(&config);
    config = config_text_valid("[http]\ntls = all\ntls_key = /a\ntls_certificate = /b\n");
    assert_int_equal(config.http.tls, PLACE_TLS_ALL);
    config_free(&config);
}

/* The table's texts of the defaults of a sequence are for people; these are what counts. */
static void test_option_defaults_of_a_sequence_are_those_of_a_definition(void **state)
{
    (void)state;
    struct definition definition;
    struct definition standard = definition_default();
    struct definition timestamp = definition_default_timestamp();
    size_t count = 0;
    const struct option *table = option_table(&count);
    memset(&definition, 0, sizeof definition);
    definition.start = standard.min; /* its text is a rule, not a value */
    for (size_t i = 0; i < count; i++) {
        bool is_rule = strcmp(table[i].key, "start") == 0;
        if (strcmp(table[i].section, OPTION_SECTION_SEQUENCE) == 0 && !is_rule) {
            assert_int_equal(option_set(&table[i], &definition, table[i].standard, NULL), ERR_OK);
        }
    }
    assert_true(layout_equal(&definition.layout, &timestamp.layout));
    definition.layout = standard.layout; /* which a counter has not */
    assert_true(definition_equal(&definition, &standard));
}

/* ---- the documents; `make` runs tests where the project begins ---- */

static char *file_content(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("no %s here: run this where the project begins", path);
    }
    size_t size = 1 << 20;
    char *content = malloc(size);
    assert_non_null(content);
    size_t length = fread(content, 1, size - 1, file);
    content[length] = '\0';
    fclose(file);
    return content;
}

/* "| `key` | … |" in the table under "## `[section". The caller frees it. */
static char *row_of(const char *document, const struct option *option)
{
    char start[64];
    (void)snprintf(start, sizeof start, "\n## `[%s", option->section);
    const char *section = strstr(document, start);
    assert_non_null(section);
    (void)snprintf(start, sizeof start, "\n| `%s` |", option->key);
    const char *row = strstr(section, start);
    if (row == NULL) {
        fail_msg("docs/CONFIGURATION.md has no row of %s", option->key);
    }
    return strndup(row + 1, strcspn(row + 1, "\n"));
}

static void test_option_is_documented_as_it_is(void **state)
{
    (void)state;
    static const char *const applies[] = {
        [OPTION_RELOADS] = "reload", [OPTION_RESTARTS] = "restart", [OPTION_CREATES] = "created"};
    static const char *const types[] = {
        [VALUE_NUMBER] = "number",  [VALUE_SIZE] = "size", [VALUE_DURATION] = "time",
        [VALUE_WORD] = "word",      [VALUE_PATH] = "path", [VALUE_MODE] = "mode",
        [VALUE_TIME] = "moment",    [VALUE_ID] = "id",     [VALUE_LISTEN] = "addresses",
        [VALUE_ORIGINS] = "origins"};
    char *document = file_content("docs/CONFIGURATION.md");
    for (size_t i = 0; i < BOUNDS_COUNT; i++) {
        const struct option *option = option_at(i);
        char range[OPTION_RANGE_SIZE];
        char wanted[1024];
        bool has_default = option->standard[0] != '\0';
        option_range(option, range);
        (void)snprintf(wanted, sizeof wanted, "| `%s` | %s | %s | %s%s%s | %s | %s |", option->key,
                       types[option->kind], range, has_default ? "`" : "",
                       has_default ? option->standard : "none", has_default ? "`" : "",
                       applies[option->reload], option->meaning);
        char *row = row_of(document, option);
        assert_string_equal(row, wanted);
        free(row);
    }
    free(document);
}

static void test_option_sample_is_valid_and_shows_the_defaults(void **state)
{
    (void)state;
    char *sample = file_content("conf/seqd.conf");
    struct config config = config_text_valid(sample);
    config_free(&config);

    /* What is commented out, taken in. */
    for (char *line = sample; line != NULL; line = strchr(line + 1, '\n')) {
        char *mark = line[0] == '\n' ? line + 1 : line;
        if (mark[0] == '#' && mark[1] != ' ' && mark[1] != '\n') {
            mark[0] = ' ';
        }
    }
    struct config shown = config_text_valid(sample);
    struct config standard = config_text_valid("");
    struct definition timestamp = definition_default_timestamp();
    for (size_t i = 0; i < BOUNDS_COUNT; i++) {
        const struct option *option = option_at(i);
        bool of_sequence = strcmp(option->section, OPTION_SECTION_SEQUENCE) == 0;
        bool of_layout = of_sequence && option->offset >= offsetof(struct definition, layout);
        const void *a = of_sequence ? (const void *)&shown.sequences[of_layout].definition : &shown;
        const void *b = of_layout     ? (const void *)&timestamp
                        : of_sequence ? (const void *)&standard.sequences[0].definition
                                      : &standard;
        if (option->standard[0] != '\0' && !option_same(option, a, b)) {
            fail_msg("conf/seqd.conf does not show the default of %s", option->key);
        }
    }
    assert_string_equal(shown.data_dir, "/var/lib/seqd");
    assert_string_equal(shown.sequences[0].name, "orders");
    assert_string_equal(shown.sequences[1].name, "tickets");
    assert_int_equal(shown.sequences[1].definition.kind, SEQUENCE_TIMESTAMP);
    config_free(&shown);
    config_free(&standard);
    free(sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_option_takes_its_bounds_and_what_lies_between),
        cmocka_unit_test(test_option_refuses_what_is_outside_and_names_the_range),
        cmocka_unit_test(test_option_table_holds_what_is_tested_here),
        cmocka_unit_test(test_option_writes_exact_integers),
        cmocka_unit_test(test_option_origins_are_as_browsers_write_them),
        cmocka_unit_test(test_option_listen_has_a_bound),
        cmocka_unit_test(test_option_listen_to_other_machines_takes_words),
        cmocka_unit_test(test_option_tls_takes_both_files),
        cmocka_unit_test(test_option_defaults_of_a_sequence_are_those_of_a_definition),
        cmocka_unit_test(test_option_is_documented_as_it_is),
        cmocka_unit_test(test_option_sample_is_valid_and_shows_the_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
