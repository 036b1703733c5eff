/* Rights and TLS: the same tokens, the same certificate and the same reloads as HTTP's. */
#include "certificate.h"
#include "dir.h"
#include "grpc_stage.h"
#include "http_client.h"
#include "token.h"

#include <gnutls/gnutls.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UNAUTHENTICATED 16
#define PERMISSION_DENIED 7

struct table {
    struct dir folder;
    struct grpc_stage *stage;
    struct grpc_client *client;
};

static void name_file(char *to, size_t size, const struct table *table, const char *name)
{
    snprintf(to, size, "%.150s/%.63s", table->folder.path, name);
}

static void write_tokens(struct table *table, const char *text)
{
    char path[256];

    name_file(path, sizeof path, table, "tokens");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct table *new_table(void)
{
    struct table *table = calloc(1, sizeof *table);

    assert_non_null(table);
    table->folder = dir_make();
    table->stage = grpc_stage_new();
    house_declare(table->stage->house, "orders", definition_default());
    return table;
}

static int open_stage(void **state)
{
    struct table *table = new_table();
    struct access_options *options = &table->stage->access_options;

    write_tokens(table, TOKEN_A_HASH " issue orders\n" TOKEN_B_HASH " read *\n" TOKEN_C_HASH
                                     " issue * expires=2001-01-01T00:00:00Z\n");
    name_file(options->tokens, sizeof options->tokens, table, "tokens");
    options->issue_without_token = ACCESS_OPEN_NEVER;
    grpc_stage_open(table->stage);
    table->client = grpc_client_open(table->stage->port);
    *state = table;
    return 0;
}

static int close_stage(void **state)
{
    struct table *table = *state;

    grpc_client_close(table->client);
    grpc_stage_close(table->stage);
    dir_remove(&table->folder);
    free(table);
    return 0;
}

static const struct grpc_answer *next(struct table *table, const char *authorization,
                                      const char *sequence)
{
    struct grpc_ask ask = {.path = GRPC_NEXT_PATH, .authorization = authorization};
    struct grpc_words words = grpc_words_next(sequence, 1);

    return grpc_client_call(table->client, &ask, words.bytes, words.length);
}

static void test_grpc_access_takes_a_token_that_covers_it(void **state)
{
    struct table *table = *state;

    assert_int_equal(grpc_expect_block(next(table, "Bearer " TOKEN_A, "orders")).first, 1);
    assert_int_equal(grpc_expect_block(next(table, "Bearer " TOKEN_A, "orders")).first, 2);
}

static void test_grpc_access_refuses_without_a_number(void **state)
{
    struct table *table = *state;

    grpc_expect_status(next(table, NULL, "orders"), UNAUTHENTICATED,
                       "this takes a token with scope 'issue'");
    grpc_expect_status(next(table, "Bearer " TOKEN_D, "orders"), UNAUTHENTICATED, "unknown");
    grpc_expect_status(next(table, "Bearer " TOKEN_C, "orders"), UNAUTHENTICATED, "expired");
    grpc_expect_status(next(table, "Basic " TOKEN_A, "orders"), UNAUTHENTICATED, "malformed");
    grpc_expect_status(next(table, "Bearer " TOKEN_A, NULL), PERMISSION_DENIED, "does not cover");
    grpc_expect_status(next(table, "Bearer " TOKEN_A, "nothing"), PERMISSION_DENIED,
                       "does not cover");
    grpc_expect_status(next(table, "Bearer " TOKEN_B, "orders"), PERMISSION_DENIED,
                       "does not cover");
    assert_int_equal(grpc_stage_issued(table->stage, "orders"), 0);
    assert_int_equal(grpc_stage_refused(table->stage, "no-token"), 1);
    assert_int_equal(grpc_stage_refused(table->stage, "bad-token"), 3);
    assert_int_equal(grpc_stage_refused(table->stage, "forbidden"), 3);
}

static void test_grpc_access_takes_one_authorization_only(void **state)
{
    struct table *table = *state;
    struct grpc_ask ask = {.path = GRPC_NEXT_PATH,
                           .authorization = "Bearer " TOKEN_A,
                           .more = {"authorization", "Bearer " TOKEN_A}};
    struct grpc_words words = grpc_words_next("orders", 1);

    grpc_expect_status(grpc_client_call(table->client, &ask, words.bytes, words.length),
                       UNAUTHENTICATED, "sent once");
}

/* Health and reflection tell nothing that needs a right. */
static void test_grpc_access_lets_everybody_see_the_health(void **state)
{
    struct table *table = *state;
    struct grpc_ask ask = {.path = "/grpc.health.v1.Health/Check"};
    static const uint8_t empty[5];

    grpc_expect_status(grpc_client_call(table->client, &ask, empty, sizeof empty), 0, "");
}

/* Each request of a Stream is asked anew, so a token that was taken away counts no more. */
static void test_grpc_access_of_a_stream_follows_a_reload(void **state)
{
    struct table *table = *state;
    struct grpc_ask ask = {.path = GRPC_STREAM_PATH, .authorization = "Bearer " TOKEN_A};
    struct grpc_words words = grpc_words_stream(1, "orders", 1);
    struct grpc_block block;
    size_t at = 0;
    int32_t stream = grpc_client_begin(table->client, &ask, words.bytes, words.length, false);

    assert_true(grpc_client_await_body(table->client, stream, 5, 10000));
    const struct grpc_answer *answer = grpc_client_answer(table->client, stream);
    assert_true(grpc_words_read_stream(answer->body, answer->length, &at, &block));
    assert_int_equal(block.first, 1);
    write_tokens(table, TOKEN_B_HASH " issue *\n");
    assert_int_equal(access_reload(table->stage->access, &table->stage->access_options, NULL),
                     ERR_OK);
    grpc_client_send(table->client, stream, words.bytes, words.length, true);
    assert_true(grpc_client_await_end(table->client, stream, 10000));
    assert_true(grpc_words_read_stream(answer->body, answer->length, &at, &block));
    assert_true(block.failed);
    assert_int_equal(block.code, UNAUTHENTICATED);
    assert_int_equal(grpc_stage_issued(table->stage, "orders"), 1);
}

/* What only looks takes the right to read. */
static void test_grpc_access_to_look_takes_a_token(void **state)
{
    struct table *table = *state;
    static const struct {
        const char *method;
        int code; /* with the right: 'default' is there, and no timestamp sequence */
    } looks[] = {{"Get", 0}, {"List", 0}, {"Decode", 9}, {"Range", 9}};
    static const uint8_t empty[5];

    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        char path[64];
        struct grpc_ask ask = {.path = path};

        snprintf(path, sizeof path, "/seqd.v1.SequenceService/%s", looks[i].method);
        grpc_expect_status(grpc_client_call(table->client, &ask, empty, sizeof empty),
                           UNAUTHENTICATED, "a token with scope 'read'");
        ask.authorization = "Bearer " TOKEN_A;
        grpc_expect_status(grpc_client_call(table->client, &ask, empty, sizeof empty),
                           PERMISSION_DENIED, "it takes scope 'read'");
        ask.authorization = "Bearer " TOKEN_B;
        grpc_expect_status(grpc_client_call(table->client, &ask, empty, sizeof empty),
                           looks[i].code, "");
    }
}

/* Without a token nobody from afar could do anything: a place that he could reach is a mistake. */
static void test_grpc_access_from_afar_must_be_wanted(void **state)
{
    struct table *table = *state;
    struct grpc_options options = table->stage->options;
    struct ground ground = {.registry = table->stage->house->registry,
                            .keeper = table->stage->house->keeper,
                            .access = table->stage->access};
    struct error_detail detail = {""};
    struct grpc *second = NULL;

    options.listen.items[0] = (struct endpoint){.address = "0.0.0.0"};
    assert_int_equal(grpc_start(&options, &ground, &second, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "gRPC at http://0.0.0.0:"));
    assert_non_null(strstr(detail.text, "can be reached by other machines"));
    ground.remote_is_wanted = true;
    assert_int_equal(grpc_start(&options, &ground, &second, &detail), ERR_OK);
    grpc_stop(second);
}

/* ---- TLS ---- */

static void name_identity(struct table *table, struct tls_options *options, const char *name)
{
    char file[64];

    snprintf(file, sizeof file, "%s.pem", name);
    name_file(options->certificate, sizeof options->certificate, table, file);
    snprintf(file, sizeof file, "%s.key", name);
    name_file(options->key, sizeof options->key, table, file);
}

static int open_tls(void **state)
{
    struct table *table = new_table();

    certificate_write(&table->folder, "first", NULL);
    certificate_write(&table->folder, "second", NULL);
    name_identity(table, &table->stage->tls_options, "first");
    table->stage->options.tls = PLACE_TLS_ALL;
    table->stage->options.request_timeout_ms = 2000;
    grpc_stage_open(table->stage);
    *state = table;
    return 0;
}

static void test_grpc_tls_serves_calls(void **state)
{
    struct table *table = *state;

    table->client = grpc_client_open_tls(table->stage->port);
    assert_string_equal(grpc_client_peer(table->client), "first");
    for (int64_t i = 1; i <= 50; i++) {
        assert_int_equal(grpc_stage_next(table->client), i);
    }
}

/* More than one record, and more than the socket takes at once. */
static void test_grpc_tls_carries_much(void **state)
{
    struct table *table = *state;
    struct grpc_ask ask = {.path = GRPC_STREAM_PATH};
    static uint8_t bytes[20000 * 16];
    size_t length = 0;

    for (uint64_t tag = 0; tag < 20000; tag++) {
        struct grpc_words words = grpc_words_stream(tag, NULL, 1);
        memcpy(bytes + length, words.bytes, words.length);
        length += words.length;
    }
    table->client = grpc_client_open_tls(table->stage->port);
    int32_t stream = grpc_client_begin(table->client, &ask, bytes, length, true);
    assert_true(grpc_client_await_end(table->client, stream, 30000));
    grpc_expect_status(grpc_client_answer(table->client, stream), 0, "");
    assert_int_equal(grpc_stage_issued(table->stage, "default"), 20000);
}

/* A connection keeps its certificate, the next one gets the new one. */
static void test_grpc_tls_follows_a_reload(void **state)
{
    struct table *table = *state;
    struct tls_options options = table->stage->tls_options;

    table->client = grpc_client_open_tls(table->stage->port);
    assert_int_equal(grpc_stage_next(table->client), 1);
    name_identity(table, &options, "second");
    assert_int_equal(tls_reload(table->stage->tls, &options, NULL), ERR_OK);
    assert_int_equal(grpc_stage_next(table->client), 2);
    struct grpc_client *other = grpc_client_open_tls(table->stage->port);
    assert_string_equal(grpc_client_peer(other), "second");
    assert_int_equal(grpc_stage_next(other), 3);
    grpc_client_close(other);
}

static void test_grpc_tls_sends_away_who_does_not_speak_it(void **state)
{
    struct table *table = *state;

    table->client = grpc_client_open(table->stage->port);
    assert_true(grpc_client_await_close(table->client, 20000));
    assert_int_equal(grpc_stage_refused(table->stage, "tls"), 1);
}

static void test_grpc_tls_sends_away_who_does_not_speak_http_2(void **state)
{
    struct table *table = *state;

    assert_null(grpc_client_try_tls(table->stage->port, "http/1.1"));
    assert_null(grpc_client_try_tls(table->stage->port, NULL));
    house_wait_until(grpc_stage_refused(table->stage, "tls") == 2);
}

/* Who says nothing does not hold his place for ever. */
static void test_grpc_tls_does_not_wait_for_a_handshake(void **state)
{
    struct table *table = *state;
    struct http_client *silent = http_client_open(table->stage->port);

    assert_true(http_client_closed(silent, 20000));
    assert_int_equal(grpc_stage_refused(table->stage, "tls"), 1);
    http_client_close(silent);
}

static void test_grpc_tls_stops_with_calls_open(void **state)
{
    struct table *table = *state;
    struct grpc_ask ask = {.path = GRPC_STREAM_PATH};

    table->client = grpc_client_open_tls(table->stage->port);
    int32_t stream = grpc_client_begin(table->client, &ask, NULL, 0, false);
    assert_int_equal(grpc_stage_next(table->client), 1);
    assert_int_equal(grpc_drain(table->stage->grpc, 10000), 0);
    assert_true(grpc_client_await_end(table->client, stream, 10000));
    grpc_expect_status(grpc_client_answer(table->client, stream), 14, "the service is stopping");
    assert_true(grpc_client_await_close(table->client, 10000));
}

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)
#define TLS_TEST(test) cmocka_unit_test_setup_teardown(test, open_tls, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_grpc_access_takes_a_token_that_covers_it),
        STAGE_TEST(test_grpc_access_refuses_without_a_number),
        STAGE_TEST(test_grpc_access_takes_one_authorization_only),
        STAGE_TEST(test_grpc_access_to_look_takes_a_token),
        STAGE_TEST(test_grpc_access_from_afar_must_be_wanted),
        STAGE_TEST(test_grpc_access_lets_everybody_see_the_health),
        STAGE_TEST(test_grpc_access_of_a_stream_follows_a_reload),
        TLS_TEST(test_grpc_tls_serves_calls),
        TLS_TEST(test_grpc_tls_carries_much),
        TLS_TEST(test_grpc_tls_follows_a_reload),
        TLS_TEST(test_grpc_tls_sends_away_who_does_not_speak_it),
        TLS_TEST(test_grpc_tls_sends_away_who_does_not_speak_http_2),
        TLS_TEST(test_grpc_tls_does_not_wait_for_a_handshake),
        TLS_TEST(test_grpc_tls_stops_with_calls_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
