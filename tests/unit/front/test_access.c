/* Who may do what: every scope from every side, every way to send a token wrong, and time. */
#include "dir.h"
#include "front/access.h"
#include "token.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#define NOON INT64_C(1800000000)

static struct dir folder;
static int64_t now_s;

static int64_t tell_now(void)
{
    return now_s;
}

static int make_folder(void **state)
{
    (void)state;
    folder = dir_make();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    dir_remove(&folder);
    return 0;
}

/* Options with a token file of `text`; NULL: without one. */
static struct access_options options_for(const char *text, enum access_open open)
{
    struct access_options options = {.issue_without_token = open, .now_s = tell_now};

    now_s = NOON;
    if (text != NULL) {
        struct dir path = dir_entry(&folder, "tokens");
        dir_write(&folder, "tokens", text, strlen(text));
        snprintf(options.tokens, sizeof options.tokens, "%.*s", ACCESS_PATH_SIZE - 1, path.path);
    }
    return options;
}

static struct access *open_with(const char *text, enum access_open open)
{
    struct access_options options = options_for(text, open);
    struct access *access = NULL;
    struct error_detail detail = {""};

    if (access_open(&options, &access, &detail) != ERR_OK) {
        fail_msg("%s", detail.text);
    }
    return access;
}

/* One request over a connection of its own, from another machine. */
static enum access_verdict ask(struct access *access, const char *header, enum access_scope scope,
                               const char *name)
{
    struct access_client client = {.peer = ACCESS_PEER_REMOTE};

    return access_check(access, &client, header, scope, name, name != NULL ? strlen(name) : 0);
}

/* ---- without tokens ---- */

static void test_access_of_every_scope_from_every_side(void **state)
{
    static const enum access_scope scopes[] = {ACCESS_PUBLIC, ACCESS_ISSUE, ACCESS_READ,
                                               ACCESS_ADMIN};
    /* By access_open, peer, and scope as above: may it without a token? */
    static const bool may[3][3][4] = {
        [ACCESS_OPEN_LOOPBACK] = {[ACCESS_PEER_UNIX] = {true, true, true, true},
                                  [ACCESS_PEER_LOOPBACK] = {true, true, true, false},
                                  [ACCESS_PEER_REMOTE] = {true, false, false, false}},
        [ACCESS_OPEN_EVERYWHERE] = {[ACCESS_PEER_UNIX] = {true, true, true, true},
                                    [ACCESS_PEER_LOOPBACK] = {true, true, true, false},
                                    [ACCESS_PEER_REMOTE] = {true, true, true, false}},
        [ACCESS_OPEN_NEVER] = {[ACCESS_PEER_UNIX] = {true, true, true, true},
                               [ACCESS_PEER_LOOPBACK] = {true, false, false, false},
                               [ACCESS_PEER_REMOTE] = {true, false, false, false}},
    };

    (void)state;
    for (unsigned open = 0; open < 3; open++) {
        struct access *access = open_with(NULL, (enum access_open)open);
        for (unsigned peer = 0; peer < 3; peer++) {
            for (unsigned i = 0; i < 4; i++) {
                struct access_client client = {.peer = (enum access_peer)peer};
                enum access_verdict verdict =
                    access_check(access, &client, NULL, scopes[i], "orders", 6);
                enum access_verdict with_bad =
                    access_check(access, &client, "Bearer x", scopes[i], "orders", 6);
                assert_int_equal(verdict, may[open][peer][i] ? ACCESS_GRANTED : ACCESS_NO_TOKEN);
                assert_int_equal(with_bad, may[open][peer][i] ? ACCESS_GRANTED : ACCESS_BAD_TOKEN);
            }
        }
        access_close(access);
    }
}

static void test_access_serves_remote_clients_only_where_they_may_do_something(void **state)
{
    (void)state;
    struct access_options options = options_for(NULL, ACCESS_OPEN_LOOPBACK);
    assert_false(access_serves_remote(&options));
    options.issue_without_token = ACCESS_OPEN_NEVER;
    assert_false(access_serves_remote(&options));
    options.issue_without_token = ACCESS_OPEN_EVERYWHERE;
    assert_true(access_serves_remote(&options));
    options = options_for("", ACCESS_OPEN_LOOPBACK);
    assert_true(access_serves_remote(&options));
}

/* ---- scopes and patterns ---- */

static void test_access_of_a_token_ends_with_its_scopes(void **state)
{
    (void)state;
    struct access *access =
        open_with(TOKEN_A_HASH " issue *\n" TOKEN_B_HASH " read *\n" TOKEN_C_HASH " admin *\n",
                  ACCESS_OPEN_NEVER);
    static const struct {
        const char *header;
        enum access_verdict issue, read, admin;
    } cases[] = {
        {"Bearer " TOKEN_A, ACCESS_GRANTED, ACCESS_GRANTED, ACCESS_FORBIDDEN},
        {"Bearer " TOKEN_B, ACCESS_FORBIDDEN, ACCESS_GRANTED, ACCESS_FORBIDDEN},
        {"Bearer " TOKEN_C, ACCESS_GRANTED, ACCESS_GRANTED, ACCESS_GRANTED},
        {"Bearer " TOKEN_D, ACCESS_BAD_TOKEN, ACCESS_BAD_TOKEN, ACCESS_BAD_TOKEN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ask(access, cases[i].header, ACCESS_ISSUE, "orders"), cases[i].issue);
        assert_int_equal(ask(access, cases[i].header, ACCESS_READ, "orders"), cases[i].read);
        assert_int_equal(ask(access, cases[i].header, ACCESS_READ, NULL), cases[i].read);
        assert_int_equal(ask(access, cases[i].header, ACCESS_ADMIN, "orders"), cases[i].admin);
        assert_int_equal(ask(access, cases[i].header, ACCESS_PUBLIC, NULL), ACCESS_GRANTED);
    }
    assert_int_equal(access_tokens(access), 3);
    access_close(access);
}

static void test_access_of_a_token_ends_with_its_pattern(void **state)
{
    static const struct {
        const char *pattern;
        const char *name;
        bool covers;
    } cases[] = {
        {"orders", "orders", true},
        {"orders", "order", false},
        {"orders", "orders2", false},
        {"orders", "Orders", false},
        {"orders*", "orders", true},
        {"orders*", "orders2", true},
        {"orders*", "xorders", false},
        {"*orders", "xorders", true},
        {"*orders", "ordersx", false},
        {"o*s", "orders", true},
        {"o*s", "os", true},
        {"o*s", "o", false},
        {"o*r*s", "orders", true},
        {"*o*", "xxoxx", true},
        {"*o*", "xxxx", false},
        {"order?", "orders", true},
        {"order?", "order", false},
        {"order?", "orderss", false},
        {"?", "x", true},
        {"*", "x", true},
        {"**", "x", true},
        {"*?*", "x", true},
        {"a*b*c", "aXbXbXc", true},
        {"a*bc", "abbc", true},
        {"a*bc", "abcb", false},
        {"*-eu", "orders-eu-eu", true},
        {"a.b", "aXb", false},
        {"a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, TOKEN_A_HASH " issue %s\n", cases[i].pattern);
        struct access *access = open_with(text, ACCESS_OPEN_NEVER);
        enum access_verdict verdict = ask(access, "Bearer " TOKEN_A, ACCESS_ISSUE, cases[i].name);
        if (verdict != (cases[i].covers ? ACCESS_GRANTED : ACCESS_FORBIDDEN)) {
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].name);
        }
        access_close(access);
    }
}

/* The names of all sequences are more than a token for some of them may see. */
static void test_access_to_no_one_sequence_takes_a_pattern_for_all(void **state)
{
    (void)state;
    struct access *access = open_with(TOKEN_A_HASH " admin orders*\n", ACCESS_OPEN_NEVER);
    assert_int_equal(ask(access, "Bearer " TOKEN_A, ACCESS_READ, "orders"), ACCESS_GRANTED);
    assert_int_equal(ask(access, "Bearer " TOKEN_A, ACCESS_READ, NULL), ACCESS_FORBIDDEN);
    access_close(access);
}

/* Only so much of the name counts as the caller says. */
static void test_access_reads_no_further_than_the_name(void **state)
{
    struct access_client client = {.peer = ACCESS_PEER_REMOTE};

    (void)state;
    struct access *access = open_with(TOKEN_A_HASH " issue orders\n", ACCESS_OPEN_NEVER);
    assert_int_equal(
        access_check(access, &client, "Bearer " TOKEN_A, ACCESS_ISSUE, "orders/next", 6),
        ACCESS_GRANTED);
    assert_int_equal(
        access_check(access, &client, "Bearer " TOKEN_A, ACCESS_ISSUE, "orders/next", 7),
        ACCESS_FORBIDDEN);
    access_close(access);
}

/* ---- how a token is sent ---- */

static void test_access_takes_the_scheme_in_any_case(void **state)
{
    static const char *const good[] = {
        "Bearer " TOKEN_A,
        "bearer " TOKEN_A,
        "BEARER " TOKEN_A,
        "Bearer    " TOKEN_A,
    };

    (void)state;
    struct access *access = open_with(TOKEN_A_HASH " issue *\n", ACCESS_OPEN_NEVER);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(ask(access, good[i], ACCESS_ISSUE, "x"), ACCESS_GRANTED);
    }
    access_close(access);
}

static void test_access_refuses_what_is_no_token(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer " TOKEN_A "A",
        "Bearer " TOKEN_A " ",
        "Bearer " TOKEN_A ",",
        "Bearer\t" TOKEN_A,
        "Bearer" TOKEN_A,
        "Bearer seqd_AAAA",
        "Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Bearer SEQD_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Bearer seqd_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "Bearer seqd_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/",
        "Bearer seqd_aAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Bearer  Bearer " TOKEN_A,
        "Basic " TOKEN_A,
        TOKEN_A,
        "Bearer " TOKEN_A_HASH,
        "Bearer                                                                " TOKEN_A,
    };

    (void)state;
    struct access *access = open_with(TOKEN_A_HASH " issue *\n", ACCESS_OPEN_NEVER);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (ask(access, bad[i], ACCESS_ISSUE, "x") != ACCESS_BAD_TOKEN) {
            fail_msg("'%s' is taken", bad[i]);
        }
    }
    for (size_t cut = 1; cut < ACCESS_TOKEN_LENGTH; cut++) {
        char header[64];
        snprintf(header, sizeof header, "Bearer %.*s", (int)(ACCESS_TOKEN_LENGTH - cut), TOKEN_A);
        assert_int_equal(ask(access, header, ACCESS_ISSUE, "x"), ACCESS_BAD_TOKEN);
    }
    access_close(access);
}

static void test_access_refuses_a_token_of_a_mebibyte(void **state)
{
    size_t length = (size_t)1 << 20;
    char *header = malloc(length + 1);

    (void)state;
    assert_non_null(header);
    memset(header, 'A', length);
    header[length] = '\0';
    memcpy(header, "Bearer " TOKEN_A, strlen("Bearer " TOKEN_A));
    struct access *access = open_with(TOKEN_A_HASH " issue *\n", ACCESS_OPEN_NEVER);
    assert_int_equal(ask(access, header, ACCESS_ISSUE, "x"), ACCESS_BAD_TOKEN);
    access_close(access);
    free(header);
}

/* ---- a connection that asks again ---- */

static void test_access_remembers_no_more_than_was_proved(void **state)
{
    struct access_client client = {.peer = ACCESS_PEER_REMOTE};
    static const struct {
        const char *header;
        enum access_scope scope;
        const char *name;
        enum access_verdict verdict;
    } steps[] = {
        {"Bearer " TOKEN_A, ACCESS_ISSUE, "a1", ACCESS_GRANTED},
        {"Bearer " TOKEN_A, ACCESS_ISSUE, "a1", ACCESS_GRANTED},
        {"Bearer " TOKEN_A, ACCESS_ISSUE, "b1", ACCESS_FORBIDDEN},
        {"Bearer " TOKEN_A, ACCESS_ADMIN, "a1", ACCESS_FORBIDDEN},
        {NULL, ACCESS_ISSUE, "a1", ACCESS_NO_TOKEN},
        {"", ACCESS_ISSUE, "a1", ACCESS_BAD_TOKEN},
        {"Bearer " TOKEN_D, ACCESS_ISSUE, "a1", ACCESS_BAD_TOKEN},
        {"Bearer " TOKEN_B, ACCESS_ISSUE, "b1", ACCESS_GRANTED},
        {"Bearer " TOKEN_B, ACCESS_ISSUE, "a1", ACCESS_FORBIDDEN},
        {"Bearer " TOKEN_A, ACCESS_ISSUE, "a1", ACCESS_GRANTED},
        {"bearer " TOKEN_A, ACCESS_ISSUE, "a1", ACCESS_GRANTED},
        {"Bearer seqd_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", ACCESS_ISSUE, "a1",
         ACCESS_BAD_TOKEN},
    };

    (void)state;
    struct access *access =
        open_with(TOKEN_A_HASH " issue a*\n" TOKEN_B_HASH " issue b*\n", ACCESS_OPEN_NEVER);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        enum access_verdict verdict = access_check(access, &client, steps[i].header, steps[i].scope,
                                                   steps[i].name, strlen(steps[i].name));
        if (verdict != steps[i].verdict) {
            fail_msg("step %zu: %d", i, (int)verdict);
        }
    }
    access_close(access);
}

static void test_access_of_a_token_ends_when_it_expires(void **state)
{
    struct access_client old = {.peer = ACCESS_PEER_REMOTE};

    (void)state;
    struct access *access =
        open_with(TOKEN_A_HASH " issue * expires=2027-01-15T08:00:00Z\n", ACCESS_OPEN_NEVER);
    now_s = NOON - 1; /* NOON is that moment */
    assert_int_equal(access_check(access, &old, "Bearer " TOKEN_A, ACCESS_ISSUE, "x", 1),
                     ACCESS_GRANTED);
    assert_int_equal(ask(access, "Bearer " TOKEN_A, ACCESS_ISSUE, "x"), ACCESS_GRANTED);
    now_s = NOON;
    assert_int_equal(access_check(access, &old, "Bearer " TOKEN_A, ACCESS_ISSUE, "x", 1),
                     ACCESS_BAD_TOKEN);
    assert_int_equal(ask(access, "Bearer " TOKEN_A, ACCESS_ISSUE, "x"), ACCESS_BAD_TOKEN);
    now_s = NOON - 1; /* a clock that was set back */
    assert_int_equal(access_check(access, &old, "Bearer " TOKEN_A, ACCESS_ISSUE, "x", 1),
                     ACCESS_GRANTED);
    access_close(access);
}

/* ---- reload ---- */

static enum error reload(struct access *access, const char *text, enum access_open open,
                         struct error_detail *detail)
{
    struct access_options options = options_for(text, open);

    return access_reload(access, &options, detail);
}

static void test_access_reload_counts_for_old_connections_too(void **state)
{
    struct access_client a = {.peer = ACCESS_PEER_REMOTE};
    struct error_detail detail = {""};

    (void)state;
    struct access *access = open_with(TOKEN_A_HASH " issue *\n", ACCESS_OPEN_NEVER);
    assert_int_equal(access_check(access, &a, "Bearer " TOKEN_A, ACCESS_ISSUE, "x", 1),
                     ACCESS_GRANTED);
    assert_int_equal(reload(access, TOKEN_A_HASH " read *\n", ACCESS_OPEN_NEVER, &detail), ERR_OK);
    assert_int_equal(access_check(access, &a, "Bearer " TOKEN_A, ACCESS_ISSUE, "x", 1),
                     ACCESS_FORBIDDEN);
    assert_int_equal(reload(access, TOKEN_B_HASH " issue *\n", ACCESS_OPEN_NEVER, &detail), ERR_OK);
    assert_int_equal(access_check(access, &a, "Bearer " TOKEN_A, ACCESS_ISSUE, "x", 1),
                     ACCESS_BAD_TOKEN);
    assert_int_equal(access_check(access, &a, "Bearer " TOKEN_B, ACCESS_ISSUE, "x", 1),
                     ACCESS_GRANTED);
    assert_int_equal(reload(access, NULL, ACCESS_OPEN_EVERYWHERE, &detail), ERR_OK);
    assert_int_equal(access_check(access, &a, NULL, ACCESS_ISSUE, "x", 1), ACCESS_GRANTED);
    assert_int_equal(access_check(access, &a, "Bearer " TOKEN_B, ACCESS_ADMIN, "x", 1),
                     ACCESS_BAD_TOKEN);
    assert_int_equal(reload(access, NULL, ACCESS_OPEN_LOOPBACK, &detail), ERR_OK);
    assert_int_equal(access_check(access, &a, NULL, ACCESS_ISSUE, "x", 1), ACCESS_NO_TOKEN);
    access_close(access);
}

static void test_access_reload_of_a_bad_file_changes_nothing(void **state)
{
    struct access_client a = {.peer = ACCESS_PEER_REMOTE};
    struct error_detail detail = {""};

    (void)state;
    struct access *access = open_with(TOKEN_A_HASH " issue *\n", ACCESS_OPEN_NEVER);
    assert_int_equal(
        reload(access, TOKEN_B_HASH " issue *\nrubbish\n", ACCESS_OPEN_EVERYWHERE, &detail),
        ERR_INVALID);
    assert_non_null(strstr(detail.text, "tokens:2: "));
    assert_int_equal(access_check(access, &a, "Bearer " TOKEN_A, ACCESS_ISSUE, "x", 1),
                     ACCESS_GRANTED);
    assert_int_equal(access_check(access, &a, "Bearer " TOKEN_B, ACCESS_ISSUE, "x", 1),
                     ACCESS_BAD_TOKEN);
    assert_int_equal(access_check(access, &a, NULL, ACCESS_ISSUE, "x", 1), ACCESS_NO_TOKEN);
    access_close(access);
}

static void test_access_open_refuses_a_bad_file(void **state)
{
    struct access_options options = options_for("rubbish\n", ACCESS_OPEN_LOOPBACK);
    struct access *access = NULL;
    struct error_detail detail = {""};

    (void)state;
    assert_int_equal(access_open(&options, &access, &detail), ERR_INVALID);
    assert_null(access);
    dir_delete(&folder, "tokens");
    assert_int_equal(access_open(&options, &access, &detail), ERR_NOT_FOUND);
    assert_null(access);
    access_close(NULL);
}

/* ---- where a client comes from ---- */

static enum access_peer peer_of(const char *text)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
        return access_peer_of((struct sockaddr *)&ipv4);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
    return access_peer_of((struct sockaddr *)&ipv6);
}

static void test_access_knows_where_a_client_comes_from(void **state)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr unknown = {.sa_family = AF_UNSPEC};

    (void)state;
    assert_int_equal(access_peer_of((struct sockaddr *)&local), ACCESS_PEER_UNIX);
    assert_int_equal(access_peer_of(&unknown), ACCESS_PEER_REMOTE);
    assert_int_equal(peer_of("127.0.0.1"), ACCESS_PEER_LOOPBACK);
    assert_int_equal(peer_of("127.255.255.254"), ACCESS_PEER_LOOPBACK);
    assert_int_equal(peer_of("128.0.0.1"), ACCESS_PEER_REMOTE);
    assert_int_equal(peer_of("10.0.0.127"), ACCESS_PEER_REMOTE);
    assert_int_equal(peer_of("0.0.0.0"), ACCESS_PEER_REMOTE);
    assert_int_equal(peer_of("::1"), ACCESS_PEER_LOOPBACK);
    assert_int_equal(peer_of("::"), ACCESS_PEER_REMOTE);
    assert_int_equal(peer_of("::2"), ACCESS_PEER_REMOTE);
    assert_int_equal(peer_of("::ffff:127.0.0.1"), ACCESS_PEER_LOOPBACK);
    assert_int_equal(peer_of("::ffff:10.0.0.1"), ACCESS_PEER_REMOTE);
    assert_int_equal(peer_of("2001:db8::1"), ACCESS_PEER_REMOTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access_of_every_scope_from_every_side),
        cmocka_unit_test(test_access_serves_remote_clients_only_where_they_may_do_something),
        cmocka_unit_test(test_access_of_a_token_ends_with_its_scopes),
        cmocka_unit_test(test_access_of_a_token_ends_with_its_pattern),
        cmocka_unit_test(test_access_to_no_one_sequence_takes_a_pattern_for_all),
        cmocka_unit_test(test_access_reads_no_further_than_the_name),
        cmocka_unit_test(test_access_takes_the_scheme_in_any_case),
        cmocka_unit_test(test_access_refuses_what_is_no_token),
        cmocka_unit_test(test_access_refuses_a_token_of_a_mebibyte),
        cmocka_unit_test(test_access_remembers_no_more_than_was_proved),
        cmocka_unit_test(test_access_of_a_token_ends_when_it_expires),
        cmocka_unit_test(test_access_reload_counts_for_old_connections_too),
        cmocka_unit_test(test_access_reload_of_a_bad_file_changes_nothing),
        cmocka_unit_test(test_access_open_refuses_a_bad_file),
        cmocka_unit_test(test_access_knows_where_a_client_comes_from),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
