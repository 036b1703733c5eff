/* seqctl verify and whois against the real daemon: whatever it lived through is accepted, and what
 * really was leased twice is found. */
#include "http_client.h"
#include "parrot.h"
#include "seqctl.h"
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINE_SIZE 4096
#define SETTINGS_SIZE (DIR_PATH_SIZE + 256)
#define COUNTER "[sequence:default]\nmax_gap = 100\n"
#define SKIP "--skip=10000"
#define LONG "lease = 40960000\n" /* 10 s: two that are taken one after the other overlap */

/* Start it with `settings` and a unix socket beside its configuration. */
static struct stage open_stage(const char *settings)
{
    char text[SETTINGS_SIZE];
    struct stage stage = stage_open(NULL);
    struct dir socket = dir_entry(&stage.configuration, "s");
    (void)snprintf(text, sizeof text, "%s[http]\nsocket = %s\n", settings, socket.path);
    stage_stop(&stage);
    stage_configure(&stage, text);
    stage_start(&stage, NULL);
    return stage;
}

/* Run a command of seqctl over the socket of `stage`, which lets it administer. */
static void administer(const struct stage *stage, const char *command)
{
    char line[LINE_SIZE];
    struct dir socket = dir_entry(&stage->configuration, "s");
    (void)snprintf(line, sizeof line, "-s %s %s", socket.path, command);
    struct seqctl_run run = seqctl_run(stage->port, line);
    if (run.status != 0) {
        fail_msg("seqctl %s: %d, %s", line, run.status, run.err);
    }
    seqctl_free(&run);
}

static void back_up(const struct stage *stage, const struct dir *file)
{
    char command[LINE_SIZE];
    (void)snprintf(command, sizeof command, "backup %s", file->path);
    administer(stage, command);
}

static bool says(const struct seqctl_run *run, const char *word)
{
    bool wanted = word[0] != '!';
    const char *text = wanted ? word : word + 1;
    return (strstr(run->out, text) != NULL || strstr(run->err, text) != NULL) == wanted;
}

/* Run seqctl; its exit status is `status`, and each of the `words`, up to NULL, stands in what it
 * prints, or does not, where '!' is before it. */
static void expect(const struct stage *stage, const char *line, int status,
                   const char *const *words)
{
    struct seqctl_run run = seqctl_run(stage != NULL ? stage->port : 1, line);
    bool good = run.status == status;
    while (good && *words != NULL && says(&run, *words)) {
        words++;
    }
    if (!good || *words != NULL) {
        fail_msg("seqctl %s: exit status %d, expected %d and '%s':\n%s%s", line, run.status, status,
                 *words != NULL ? *words : "", run.out, run.err);
    }
    seqctl_free(&run);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void take(const struct stage *stage, const char *name, unsigned count)
{
    char path[256];
    (void)snprintf(path, sizeof path, "/v1/sequences/%s/next?count=%u", name, count);
    stage_expect_status(stage, "POST", path, "", 200);
}

/* Verify the servers of both stages together. */
static void expect_of_both(const struct stage *a, const struct stage *b, int status,
                           const char *const *words)
{
    char line[LINE_SIZE];
    (void)snprintf(line, sizeof line, "verify http://127.0.0.1:%u http://127.0.0.1:%u",
                   (unsigned)a->port, (unsigned)b->port);
    expect(a, line, status, words);
}

/* A second stage whose data are those of the first, as they lie there. */
static struct stage clone(const struct stage *stage, const char *settings)
{
    struct stage twin = open_stage(settings);
    stage_stop(&twin);
    dir_empty(&twin.data);
    dir_copy(&stage->data, &twin.data);
    return twin;
}

static void test_verify_accepts_a_long_life(void **state)
{
    (void)state;
    struct stage stage = open_stage(COUNTER "[sequence:events]\nkind = timestamp\n");
    for (unsigned i = 0; i < 3; i++) {
        take(&stage, "default", 250);
        take(&stage, "events", 100);
        stage_kill(&stage);
        stage_start(&stage, NULL);
        take(&stage, "default", 30);
        stage_stop(&stage);
        stage_start(&stage, NULL);
    }
    administer(&stage, "create other");
    take(&stage, "other", 5);
    administer(&stage, "drop --yes other");
    administer(&stage, "create other --start 1000 --increment 5");
    take(&stage, "other", 5);
    administer(&stage, "advance default 5000");
    take(&stage, "default", 1);
    expect(&stage, "verify", 0, WORDS("default", "events", "other", "verified: "));
    administer(&stage, "advance --force --yes default 5");
    take(&stage, "default", 5);
    expect(&stage, "verify", 0,
           WORDS("forced the mark back: the numbers from 6 to ", "verified: "));
    expect(&stage, "verify --json", 0, WORDS("\"verified\":true", "\"forced\":\"1\""));
    stage_close(&stage);
}

static void test_verify_accepts_an_adoption(void **state)
{
    (void)state;
    int status = 0;
    struct stage stage = open_stage(COUNTER);
    take(&stage, "default", 50);
    stage_kill(&stage);
    struct daemon *adopt = daemon_run(
        (const char *const[]){"-d", stage.data.path, "--adopt", SKIP, NULL}, NULL, &status);
    assert_int_equal(status, 0);
    daemon_free(adopt);
    stage_start(&stage, NULL);
    take(&stage, "default", 50);
    expect(&stage, "verify", 0, WORDS("verified: "));
    expect(&stage, "whois 9000", 0, WORDS("adopt", "passed over"));
    stage_close(&stage);
}

/* What the cloned directory issues, the other one has issued, too. */
static void test_verify_finds_a_clone_that_was_started(void **state)
{
    (void)state;
    static const char blind[] = "[seqd]\nidentity = none\n" COUNTER;
    struct stage one = open_stage(blind);
    take(&one, "default", 50);
    stage_stop(&one);
    struct stage two = clone(&one, blind);
    stage_start(&one, NULL);
    stage_start(&two, NULL);
    int64_t first = stage_next(&one, "/");
    assert_int_equal(first, 51);
    assert_int_equal(stage_next(&two, "/"), first); /* the very thing */
    expect_of_both(&one, &two, 1,
                   WORDS("OVERLAP: 'default'", "TWO HISTORIES", "NOT verified", "such as 51"));
    expect(&one, "verify", 0, WORDS("verified: ")); /* alone, each looks right */
    stage_kill(&two);
    stage_close(&one);
    stage_close(&two);
}

/* Restored with a skip that is too small, and the original went on. */
static void test_verify_finds_a_restore_beside_its_original(void **state)
{
    (void)state;
    int status = 0;
    struct stage one = open_stage(COUNTER);
    struct dir file = dir_entry(&one.configuration, "backup");
    take(&one, "default", 50);
    back_up(&one, &file);
    take(&one, "default", 1000);
    static const char *const skips[] = {"--skip=100", "--skip=1000000"};
    for (size_t i = 0; i < 2; i++) {
        struct stage two = open_stage(COUNTER);
        stage_stop(&two);
        dir_empty(&two.data);
        struct daemon *restore = daemon_run(
            (const char *const[]){"-d", two.data.path, "--restore", file.path, skips[i], NULL},
            NULL, &status);
        assert_int_equal(status, 0);
        daemon_free(restore);
        stage_start(&two, NULL);
        take(&two, "default", 50);
        if (i == 0) {
            expect_of_both(&one, &two, 1, WORDS("OVERLAP: 'default'", "NOT verified"));
        } else {
            char line[LINE_SIZE];
            expect_of_both(&one, &two, 0, WORDS("verified: "));
            (void)snprintf(line, sizeof line, "verify %s http://127.0.0.1:%u", file.path,
                           (unsigned)two.port);
            expect(&one, line, 0, WORDS("verified: ", file.path));
            expect(&two, "whois 7", 0, WORDS("lease", "7 of 'default'"));
        }
        stage_close(&two);
    }
    stage_close(&one);
}

static void test_verify_tells_nodes_apart(void **state)
{
    (void)state;
    static const char odd[] = "[sequence:n]\nincrement = 2\n"
                              "[sequence:t]\nkind = timestamp\n" LONG "node_id = 1\n";
    static const char even[] = "[sequence:n]\nstart = 2\nincrement = 2\n"
                               "[sequence:t]\nkind = timestamp\n" LONG "node_id = 2\n";
    static const char third[] = "[sequence:n]\nstart = 5\nincrement = 3\n"
                                "[sequence:t]\nkind = timestamp\n" LONG "node_id = 2\n";
    struct stage one = open_stage(odd);
    struct stage two = open_stage(even);
    struct stage three = open_stage(third);
    const struct stage *const all[] = {&one, &two, &three};
    for (size_t i = 0; i < 3; i++) {
        take(all[i], "n", 200);
        take(all[i], "t", 200);
    }
    expect_of_both(&one, &two, 0, WORDS("verified: "));
    expect_of_both(&one, &three, 1, WORDS("OVERLAP: 'n': at least one number, such as 5,"));
    expect_of_both(&two, &three, 1, WORDS("OVERLAP: 't'", "OVERLAP: 'n'"));
    stage_close(&one);
    stage_close(&two);
    stage_close(&three);
}

static void test_verify_says_what_it_cannot_read(void **state)
{
    (void)state;
    char line[LINE_SIZE];
    struct stage stage = open_stage("[seqd]\nledger_age = 0s\n" COUNTER);
    struct dir file = dir_entry(&stage.configuration, "backup");
    expect(&stage, "verify", 8, WORDS("no ledger is kept"));
    expect(&stage, "whois 1", 8, WORDS("no ledger is kept"));
    back_up(&stage, &file);
    (void)snprintf(line, sizeof line, "verify %s", file.path);
    expect(&stage, line, 0, WORDS("verified: 0 rows"));
    dir_flip(&stage.configuration, "backup", 40, 1);
    expect(&stage, line, 8, WORDS("the checksum is wrong"));
    expect(&stage, "verify /nonexistent", 8, WORDS("cannot read '/nonexistent'"));
    expect(&stage, "verify http://127.0.0.1:1", 3, WORDS("127.0.0.1:1"));
    expect(&stage, "verify -u http://127.0.0.1:1 /nonexistent", 2, WORDS("instead of --url"));
    stage_close(&stage);
}

#define PAGE(rows, rest) \
    PARROT_JSON("200 OK", "{\"ledger\":[" rows "],\"missing\":\"3\",\"damaged\":\"2\"" rest "}")
#define NO_SEQUENCE PARROT_JSON("200 OK", "{\"sequences\":[],\"after\":null}")
#define ID "0123456789abcdef0123456789abcdef"
#define ROW(id, first, limit, last) \
    "{\"row\":\"" id "\",\"act\":\"lease\",\"sequence\":\"s\",\"time\":\"2026-11-26T21:30:00Z\"," \
    "\"instance\":\"" ID "\",\"incarnation\":\"" ID "\",\"nonce\":\"7\",\"generation\":\"" limit \
    "\"," \
    "\"positions\":{\"first\":\"" first "\",\"limit\":\"" limit "\",\"from\":\"" first \
    "\"},\"kind\":\"counter\"," \
    "\"start\":\"0\",\"increment\":\"1\",\"first\":\"" first "\",\"last\":\"" last "\"}"

/* What a server answers that keeps nothing of its rows, or is none. */
static void expect_of_parrot(const char *answers, int status, const char *const *words)
{
    char line[LINE_SIZE];
    struct parrot *parrot = parrot_start(NULL, answers);
    (void)snprintf(line, sizeof line, "verify http://127.0.0.1:%u", (unsigned)parrot_port(parrot));
    expect(NULL, line, status, words);
    free(parrot_stop(parrot));
}

static void test_verify_goes_by_pages_and_says_what_they_lack(void **state)
{
    (void)state;
    expect_of_parrot(PAGE(ROW("1.0", "0", "5", "4"), ",\"oldest\":\"1.0\",\"after\":\"1.0\"")
                         PARROT_THEN PAGE(ROW("2.0", "5", "9", "8"), "") PARROT_THEN NO_SEQUENCE,
                     0,
                     WORDS("2 rows", "3 were left out for want of room, 4 are damaged",
                           "2026-11-26T21:30:00.000Z"));
    expect_of_parrot(PAGE(ROW("1.0", "0", "5", "4"), "") PARROT_THEN PARROT_JSON(
                         "200 OK", "{\"sequences\":[{\"name\":\"s\",\"kind\":\"counter\","
                                   "\"start\":\"0\",\"increment\":\"1\",\"mark\":\"4\","
                                   "\"position\":\"0\"}],\"after\":null}"),
                     1, WORDS("WRONG: 's': row 1.0", "leaves the mark above position 4"));
    expect_of_parrot(PAGE(ROW("1.0", "0", "5", "4") "," ROW("2.0", "4", "9", "8"), "")
                         PARROT_THEN NO_SEQUENCE,
                     1, WORDS("OVERLAP: 's': 1 number, such as 4,", "WRONG: 's': row 2.0"));
}

static void test_verify_believes_no_page_that_cannot_be(void **state)
{
    (void)state;
    expect_of_parrot(PAGE("", ",\"after\":\"1.0\""), 8, WORDS("this is no page of a ledger"));
    expect_of_parrot(PAGE(ROW("2.0", "0", "5", "4") "," ROW("2.0", "5", "9", "8"), ""), 8,
                     WORDS("not in their order"));
    expect_of_parrot(PAGE(ROW("2.0", "0", "5", "5"), ""), 8, WORDS("first or last"));
    expect_of_parrot(PAGE("{}", ""), 8, WORDS("a row of the ledger: "));
    expect_of_parrot(PARROT_JSON("200 OK", "{\"ledger\":{}}"), 8, WORDS("there are no rows"));
    expect_of_parrot(PARROT_JSON("200 OK", "{\"ledger\":[]}"), 8, WORDS("no page of a ledger"));
    expect_of_parrot(PAGE("", "") PARROT_THEN PARROT_JSON("200 OK", "{\"sequences\":[{}]}"), 8,
                     WORDS("name, kind, mark or position"));
    expect_of_parrot(PAGE("", "")
                         PARROT_THEN PARROT_JSON("200 OK", "{\"sequences\":[],\"after\":\"a\"}"),
                     8, WORDS("this is no list of sequences"));
}

static void test_whois_names_leases(void **state)
{
    (void)state;
    char line[LINE_SIZE];
    struct stage stage = open_stage(COUNTER "[sequence:events]\nkind = timestamp\nnode_id = 7\n");
    struct dir file = dir_entry(&stage.configuration, "backup");
    take(&stage, "default", 50);
    expect(&stage, "whois 50", 0, WORDS("50 of 'default': issued by one lease, or lost"));
    expect(&stage, "whois 51", 0, WORDS("51 of 'default': leased, and not issued yet"));
    expect(&stage, "whois 50 events", 4, WORDS("No row on record has 50.", "goes back to"));
    expect(&stage, "whois 99999", 4,
           WORDS("No row on record has 99999.", "!has passed it", "!1970"));
    expect(&stage, "whois x", 2, WORDS("NUMBER is 'x'"));
    stage_stop(&stage);
    stage_start(&stage, NULL);
    expect(&stage, "whois 60", 0, WORDS("60 of 'default': leased, and given back", "return"));
    take(&stage, "default", 20);
    expect(&stage, "whois 60", 0, WORDS("60 of 'default': issued by one lease, or lost", "return"));
    int64_t stamp = stage_next(&stage, "/v1/sequences/events/next");
    (void)snprintf(line, sizeof line, "whois %lld", (long long)stamp);
    expect(&stage, line, 0, WORDS("of 'events': issued by one lease", "0/7"));
    back_up(&stage, &file);
    (void)snprintf(line, sizeof line, "whois 60 --json --from %s", file.path);
    expect(NULL, line, 0,
           WORDS("\"fate\":\"given_back\"", "\"fate\":\"issued_or_lost\"", "!events"));
    (void)snprintf(line, sizeof line, "whois 60 events --from %s", file.path);
    expect(NULL, line, 4, WORDS("No row on record has 60.", "goes back to", "!has passed it"));
    (void)snprintf(line, sizeof line, "whois 99999 --from %s", file.path);
    expect(NULL, line, 4, WORDS("No row on record has 99999.", "!has passed it", "!1970"));
    administer(&stage, "advance --force --yes default 5");
    take(&stage, "default", 50);
    expect(&stage, "whois 50", 0, WORDS("leased more than once", "rewind", "by force"));
    stage_close(&stage);
}

/* The record is gone, the mark is not. */
static void test_whois_says_what_may_have_been(void **state)
{
    (void)state;
    struct stage stage = open_stage("[seqd]\nledger_age = 0s\n" COUNTER);
    take(&stage, "default", 50);
    stage_stop(&stage);
    stage_configure(&stage, COUNTER);
    stage_start(&stage, NULL);
    expect(&stage, "whois 7", 4,
           WORDS("No row on record has 7.", "'default' has passed it: it may have been issued"));
    expect(&stage, "whois 7 --json", 4, WORDS("\"maybe\":[\"default\"]", "\"on_record\":false"));
    stage_close(&stage);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_accepts_a_long_life),
        cmocka_unit_test(test_verify_accepts_an_adoption),
        cmocka_unit_test(test_verify_finds_a_clone_that_was_started),
        cmocka_unit_test(test_verify_finds_a_restore_beside_its_original),
        cmocka_unit_test(test_verify_tells_nodes_apart),
        cmocka_unit_test(test_verify_says_what_it_cannot_read),
        cmocka_unit_test(test_verify_goes_by_pages_and_says_what_they_lack),
        cmocka_unit_test(test_verify_believes_no_page_that_cannot_be),
        cmocka_unit_test(test_whois_names_leases),
        cmocka_unit_test(test_whois_says_what_may_have_been),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
