/* What the administrative commands of seqctl ask a server, byte by byte, and what they make of its
 * answers; test_seqctl_admin lets them talk to the real one. */
#include "parrot.h"
#include "seqctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEQUENCE \
    "{\"name\":\"orders\",\"kind\":\"counter\",\"next\":\"9007199254740993\",\"left\":\"7\"," \
    "\"exhausted\":false,\"issued\":\"0\",\"rate\":\"12345\",\"seconds_left\":\"185\"," \
    "\"used_percent\":3}\n"
#define SHOWN \
    "name          orders\n" \
    "kind          counter\n" \
    "next          9007199254740993\n" \
    "left          7\n" \
    "exhausted     no\n" \
    "issued        0\n" \
    "rate          12345             numbers a second\n" \
    "seconds left  185               3 min 5 s at this rate\n" \
    "used percent  3                 of all its numbers\n"

/* Run `line` against a server that answers so; it must have been sent exactly `request`, the line
 * and the body. */
static void expect(const char *answer, const char *line, const char *request, int status,
                   const char *out, const char *err)
{
    struct parrot *parrot = parrot_start(NULL, answer);
    seqctl_expect(parrot_port(parrot), line, status, out, err);
    char *heard = parrot_stop(parrot);
    char *body = strstr(heard, "\r\n\r\n");
    assert_non_null(body);
    bool json = strcasestr(heard, "\r\nContent-Type: application/json\r\n") != NULL;
    assert_int_equal(json, body[4] != '\0');
    assert_non_null(strstr(heard, "\r\nAccept: application/json\r\n"));
    *strstr(heard, " HTTP/1.1\r\n") = '\0';
    char said[1024];
    (void)snprintf(said, sizeof said, "%s%s%s", heard, body[4] != '\0' ? " " : "", body + 4);
    assert_string_equal(said, request);
    free(heard);
}

static void test_seqctl_create_sends_what_was_given_and_no_more(void **state)
{
    (void)state;
    expect(PARROT_JSON("201 Created", SEQUENCE), "create orders", "PUT /v1/sequences/orders {}", 0,
           SHOWN, "'orders' is created.\n");
    expect(PARROT_JSON("200 OK", SEQUENCE), "create orders --json", "PUT /v1/sequences/orders {}",
           0, SEQUENCE, "'orders' is there already, and as you want it.\n");
    expect(PARROT_JSON("201 Created", SEQUENCE),
           "create orders --kind counter --start 9223372036854775807 --increment -1 --min "
           "-9223372036854775807 --max 9007199254740993 --max-gap 5 --lease auto --durability "
           "every",
           "PUT /v1/sequences/orders {\"kind\":\"counter\",\"start\":\"9223372036854775807\","
           "\"increment\":\"-1\",\"min\":\"-9223372036854775807\",\"max\":\"9007199254740993\","
           "\"max_gap\":\"5\",\"lease\":\"auto\",\"durability\":\"every\"}",
           0, SHOWN, "created");
    expect(PARROT_JSON("201 Created", SEQUENCE),
           "create orders --kind=timestamp --epoch=2025-01-01T00:00:00Z --time-unit=1ms "
           "--machine-bits=5 --node-bits=5 --counter-bits=12 --machine-id=1 --node-id=2 "
           "--max-borrow=1000",
           "PUT /v1/sequences/orders {\"kind\":\"timestamp\",\"epoch\":\"2025-01-01T00:00:00Z\","
           "\"time_unit\":\"1ms\",\"machine_bits\":5,\"node_bits\":5,\"counter_bits\":12,"
           "\"machine_id\":1,\"node_id\":2,\"max_borrow_ms\":1000}",
           0, SHOWN, "created");
}

static void test_seqctl_create_shows_both_definitions_of_a_conflict(void **state)
{
    (void)state;
    expect(PARROT_HEAD("409 Conflict", "application/problem+json") PARROT_BODY
           "{\"type\":\"/problems/conflict\",\"title\":\"T\",\"detail\":\"it is "
           "there\",\"existing\":{\"start\":\"9007199254740993\",\"min\":\"1\"},"
           "\"wanted\":{\"start\":\"2\",\"min\":\"1\"}}",
           "create orders --start 2", "PUT /v1/sequences/orders {\"start\":\"2\"}", 5, "",
           "seqctl: it is there\n"
           "DIFFERS          EXISTING  WANTED\n"
           "start    9007199254740993       2\n"
           "seqctl: 'seqctl alter' changes");
}

static void test_seqctl_alter_sends_what_was_given(void **state)
{
    (void)state;
    expect(PARROT_JSON("200 OK", SEQUENCE), "alter orders --max-gap 7 --lease 3",
           "PATCH /v1/sequences/orders {\"max_gap\":\"7\",\"lease\":\"3\"}", 0, SHOWN, NULL);
    expect(PARROT_JSON("200 OK", SEQUENCE), "alter orders --durability lease --max-borrow 5",
           "PATCH /v1/sequences/orders {\"durability\":\"lease\",\"max_borrow_ms\":5}", 0, SHOWN,
           NULL);
}

static void test_seqctl_advance_sends_the_exact_number(void **state)
{
    (void)state;
    expect(PARROT_JSON("200 OK", SEQUENCE), "advance orders 9223372036854775807",
           "POST /v1/sequences/orders/advance {\"past\":\"9223372036854775807\",\"force\":false}",
           0, SHOWN, NULL);
    expect(PARROT_JSON("200 OK", "{\"name\":\"orders\",\"issued\":\"1\",\"may_repeat\":{\"first\":"
                                 "\"9007199254740993\",\"last\":\"9007199254740999\"}}"),
           "advance orders -5 --force",
           "POST /v1/sequences/orders/advance {\"past\":\"-5\",\"force\":true}", 0,
           "name    orders\nissued  1\n",
           "numbers from 9007199254740993 to 9007199254740999 may be given out again");
}

static void test_seqctl_drop_says_what_never_comes_again(void **state)
{
    (void)state;
    expect(PARROT_JSON("200 OK", "{\"name\":\"orders\",\"floor\":{\"low\":\"1\",\"high\":"
                                 "\"9007199254740993\"}}"),
           "drop orders", "DELETE /v1/sequences/orders", 0,
           "'orders' is dropped; numbers from 1 to 9007199254740993 never come again under this "
           "name.\n",
           NULL);
    expect(PARROT_JSON("200 OK", "{\"name\":\"orders\",\"floor\":null}"), "drop orders -y",
           "DELETE /v1/sequences/orders", 0, "'orders' is dropped; it has given out no number.\n",
           NULL);
    expect(PARROT_JSON("200 OK", "{\"name\":\"orders\",\"floor\":null}\n"), "drop orders --json",
           "DELETE /v1/sequences/orders", 0, "{\"name\":\"orders\",\"floor\":null}\n", NULL);
}

static void test_seqctl_decode_shows_the_parts(void **state)
{
    (void)state;
    const char *answer = "{\"sequence\":\"ids\",\"number\":\"9223372036854775807\",\"time\":"
                         "\"2025-01-01T00:00:00.123Z\",\"machine\":1,\"node\":2,\"counter\":3}\n";
    char whole[1024];
    (void)snprintf(whole, sizeof whole, PARROT_JSON("200 OK", "%s"), answer);
    expect(whole, "decode ids 9223372036854775807",
           "GET /v1/sequences/ids/decode/9223372036854775807", 0,
           "sequence  ids\n"
           "number    9223372036854775807\n"
           "time      2025-01-01T00:00:00.123Z\n"
           "machine   1\n"
           "node      2\n"
           "counter   3\n",
           NULL);
    expect(whole, "--json decode ids 5", "GET /v1/sequences/ids/decode/5", 0, answer, NULL);
}

#define LISTED(name, more) \
    "{\"name\":\"" name "\",\"kind\":\"counter\",\"next\":\"9007199254740993\",\"left\":\"5\"," \
    "\"rate\":\"1000\",\"seconds_left\":null,\"used_percent\":1}" more

static void test_seqctl_list_shows_a_row_for_each(void **state)
{
    (void)state;
    expect(PARROT_JSON("200 OK", "{\"sequences\":[" LISTED("a", ",")
                                     LISTED("long.name", "") "],"
                                                             "\"after\":null}"),
           "list", "GET /v1/sequences?limit=1000", 0,
           "NAME       KIND                 NEXT  LEFT  USED  PER SECOND  LASTS\n"
           "a          counter  9007199254740993     5   1 %       1,000  -\n"
           "long.name  counter  9007199254740993     5   1 %       1,000  -\n",
           NULL);
    expect(PARROT_JSON("200 OK",
                       "{\"sequences\":[" LISTED("a", ",") LISTED("b", "") "],"
                                                                           "\"after\":null}"),
           "list --names-only a", "GET /v1/sequences?limit=1000&prefix=a", 0, "a\nb\n", NULL);
    expect(PARROT_JSON("200 OK", "{\"sequences\":[],\"after\":null}"), "list x",
           "GET /v1/sequences?limit=1000&prefix=x", 0, "", "No sequence begins so.\n");
    expect(PARROT_JSON("200 OK", "{\"sequences\":[],\"after\":null}"), "list --json",
           "GET /v1/sequences?limit=1000", 0, "{\"sequences\":[]}\n", NULL);
}

/* A server that gives the same page for ever must not hold seqctl for ever. */
static void test_seqctl_list_refuses_what_is_no_list(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"sequences\":[],\"after\":5}",
        "{\"sequences\":[]}",
        "{\"sequences\":null,\"after\":null}",
        "{\"sequences\":[{\"nam\":\"a\"}],\"after\":null}",
        "{\"sequences\":[\"a\"],\"after\":null}",
        "[]",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char whole[512];
        (void)snprintf(whole, sizeof whole, PARROT_JSON("200 OK", "%s"), bodies[i]);
        expect(whole, "list", "GET /v1/sequences?limit=1000", 1, "",
               "does not answer as a seqd would");
    }
    struct parrot *parrot =
        parrot_start(NULL, PARROT_JSON("200 OK", "{\"sequences\":[],\"after\":\"a\"}"));
    seqctl_expect(parrot_port(parrot), "list", 1, "", "this is no list of sequences");
    free(parrot_stop(parrot));
}

static void test_seqctl_asks_nothing_when_a_change_is_worded_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line, *err;
    } cases[] = {
        {"create", "seqctl create NAME"},
        {"create a/b", "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"},
        {"create a --start 1.5", "--start is '1.5'"},
        {"create a --max 9223372036854775808", "--max is '9223372036854775808'"},
        {"create a --max-gap x", "--max-gap is 'x'"},
        {"create a --node-bits -1", "--node-bits is '-1'"},
        {"create a --node-id 4294967296", "--node-id is '4294967296'"},
        {"create a --kind \xff", "--kind is no UTF-8"},
        {"alter a", "nothing is to be altered"},
        {"alter a --start 1", "'alter' has no option '--start'"},
        {"advance a", "seqctl advance NAME PAST"},
        {"advance a x", "PAST is 'x'"},
        {"advance a 9223372036854775808", "PAST is '9223372036854775808'"},
        {"advance a/b 1", "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"},
        {"drop a/b", "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"},
        {"list a/b", "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"},
        {"decode a 1x", "NUMBER is '1x'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        seqctl_expect(1, cases[i].line, 2, "", cases[i].err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seqctl_create_sends_what_was_given_and_no_more),
        cmocka_unit_test(test_seqctl_create_shows_both_definitions_of_a_conflict),
        cmocka_unit_test(test_seqctl_alter_sends_what_was_given),
        cmocka_unit_test(test_seqctl_advance_sends_the_exact_number),
        cmocka_unit_test(test_seqctl_drop_says_what_never_comes_again),
        cmocka_unit_test(test_seqctl_decode_shows_the_parts),
        cmocka_unit_test(test_seqctl_list_shows_a_row_for_each),
        cmocka_unit_test(test_seqctl_list_refuses_what_is_no_list),
        cmocka_unit_test(test_seqctl_asks_nothing_when_a_change_is_worded_wrong),
    };
    return cmocka_run_group_tests_name("seqctl_says", tests, NULL, NULL);
}
