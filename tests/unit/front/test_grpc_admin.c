/* The methods that show and change sequences: under whose rights, what they answer, what they
 * refuse, and that a change outlives whoever asked for it. */
#include "dir.h"
#include "grpc_stage.h"
#include "token.h"

#include <seqd/v1/seqd.pb-c.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SERVICE "/seqd.v1.SequenceService/"

struct table {
    struct dir folder;
    struct grpc_stage *stage;
    struct grpc_client *client;
};

static int open_stage(void **state)
{
    struct table *table = calloc(1, sizeof *table);
    char path[256];

    assert_non_null(table);
    table->folder = dir_make();
    snprintf(path, sizeof path, "%.200s/tokens", table->folder.path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(TOKEN_A_HASH " admin *\n" TOKEN_B_HASH " admin mine.*\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    table->stage = grpc_stage_new();
    snprintf(table->stage->access_options.tokens, sizeof table->stage->access_options.tokens, "%s",
             path);
    table->stage->options.request_timeout_ms = 500;
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

/* ---- asking ---- */

/* protobuf-c's messages hold texts that may be written to; these are not. */
static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

static int32_t begin(struct table *table, const char *method, const char *token,
                     const ProtobufCMessage *message)
{
    char path[64];
    uint8_t bytes[512];
    struct grpc_ask ask = {.path = path, .authorization = token};
    size_t length = protobuf_c_message_get_packed_size(message);

    snprintf(path, sizeof path, SERVICE "%s", method);
    assert_true(length < sizeof bytes - 5);
    memset(bytes, 0, 5);
    bytes[3] = (uint8_t)(length >> 8);
    bytes[4] = (uint8_t)length;
    protobuf_c_message_pack(message, bytes + 5);
    return grpc_client_begin(table->client, &ask, bytes, length + 5, true);
}

static const struct grpc_answer *end_of(struct table *table, int32_t stream)
{
    assert_true(grpc_client_await_end(table->client, stream, 10000));
    return grpc_client_answer(table->client, stream);
}

static const struct grpc_answer *ask_as(struct table *table, const char *method, const char *token,
                                        const ProtobufCMessage *message)
{
    return end_of(table, begin(table, method, token, message));
}

static const struct grpc_answer *ask(struct table *table, const char *method,
                                     const ProtobufCMessage *message)
{
    return ask_as(table, method, "Bearer " TOKEN_A, message);
}

/* The message of an answer, which must be OK; the test frees it. */
static void *read_answer(const struct grpc_answer *answer,
                         const ProtobufCMessageDescriptor *descriptor)
{
    grpc_expect_status(answer, 0, "");
    assert_true(answer->length >= 5);
    void *message =
        protobuf_c_message_unpack(descriptor, NULL, answer->length - 5, answer->body + 5);
    assert_non_null(message);
    return message;
}

static bool create(struct table *table, const char *name, Seqd__V1__Definition *definition)
{
    Seqd__V1__CreateRequest request = SEQD__V1__CREATE_REQUEST__INIT;

    request.sequence = text(name);
    request.definition = definition;
    Seqd__V1__CreateResponse *answer =
        read_answer(ask(table, "Create", &request.base), &seqd__v1__create_response__descriptor);
    assert_string_equal(answer->sequence->name, name);
    bool created = answer->created;
    seqd__v1__create_response__free_unpacked(answer, NULL);
    return created;
}

static int64_t next_of(struct table *table, const char *name)
{
    struct grpc_ask next = {.path = GRPC_NEXT_PATH};
    struct grpc_words words = grpc_words_next(name, 1);

    return grpc_expect_block(grpc_client_call(table->client, &next, words.bytes, words.length))
        .first;
}

static Seqd__V1__Definition from_five_by_ten(void)
{
    Seqd__V1__Definition definition = SEQD__V1__DEFINITION__INIT;

    definition.start_is_case = SEQD__V1__DEFINITION__START_IS_START;
    definition.start = 5;
    definition.min_is_case = SEQD__V1__DEFINITION__MIN_IS_MIN;
    definition.min = 0;
    definition.increment_is_case = SEQD__V1__DEFINITION__INCREMENT_IS_INCREMENT;
    definition.increment = 10;
    definition.durability = SEQD__V1__DURABILITY__DURABILITY_EVERY;
    return definition;
}

/* ---- Create ---- */

static void test_grpc_create_makes_a_sequence_that_gives_numbers(void **state)
{
    struct table *table = *state;
    Seqd__V1__Definition definition = from_five_by_ten();

    assert_true(create(table, "orders", &definition));
    assert_int_equal(next_of(table, "orders"), 5);
    assert_int_equal(next_of(table, "orders"), 15);
    assert_true(create(table, "plain", NULL));
    assert_int_equal(next_of(table, "plain"), 1);
    assert_false(create(table, "orders", &definition)); /* again, it is as good */
    assert_int_equal(next_of(table, "orders"), 25);
}

static void test_grpc_create_refuses_what_cannot_be(void **state)
{
    struct table *table = *state;
    Seqd__V1__CreateRequest request = SEQD__V1__CREATE_REQUEST__INIT;
    Seqd__V1__Definition definition = from_five_by_ten();

    assert_true(create(table, "orders", NULL));
    request.sequence = text("orders");
    request.definition = &definition;
    grpc_expect_status(ask(table, "Create", &request.base), 6, "");
    request.sequence = text("-orders");
    grpc_expect_status(ask(table, "Create", &request.base), 3, "");
    request.sequence = text("others");
    definition.increment = 0;
    grpc_expect_status(ask(table, "Create", &request.base), 3, "increment");
    definition = from_five_by_ten();
    definition.kind = SEQD__V1__KIND__KIND_TIMESTAMP;
    grpc_expect_status(ask(table, "Create", &request.base), 3, "fields of the other kind");
    definition.kind = (Seqd__V1__Kind)7;
    grpc_expect_status(ask(table, "Create", &request.base), 3, "kind is 7");
    definition = from_five_by_ten();
    definition.durability = (Seqd__V1__Durability)9;
    grpc_expect_status(ask(table, "Create", &request.base), 3, "durability is 9");
    assert_null(registry_find(table->stage->house->registry, "others", 6));
}

static void test_grpc_create_knows_timestamps(void **state)
{
    struct table *table = *state;
    Seqd__V1__Definition definition = SEQD__V1__DEFINITION__INIT;
    Seqd__V1__GetRequest get = SEQD__V1__GET_REQUEST__INIT;

    definition.kind = SEQD__V1__KIND__KIND_TIMESTAMP;
    definition.node_id_is_case = SEQD__V1__DEFINITION__NODE_ID_IS_NODE_ID;
    definition.node_id = 3;
    assert_true(create(table, "events", &definition));
    get.sequence = text("events");
    Seqd__V1__GetResponse *answer =
        read_answer(ask(table, "Get", &get.base), &seqd__v1__get_response__descriptor);
    assert_int_equal(answer->sequence->definition->kind, SEQD__V1__KIND__KIND_TIMESTAMP);
    assert_int_equal(answer->sequence->definition->node_id, 3);
    assert_int_equal(answer->sequence->definition->counter_bits, 12);
    assert_int_equal(answer->sequence->definition->start_is_case,
                     SEQD__V1__DEFINITION__START_IS__NOT_SET);
    seqd__v1__get_response__free_unpacked(answer, NULL);
}

/* ---- the rights ---- */

static void test_grpc_admin_takes_the_right_to(void **state)
{
    struct table *table = *state;
    Seqd__V1__CreateRequest create_request = SEQD__V1__CREATE_REQUEST__INIT;
    Seqd__V1__AlterRequest alter = SEQD__V1__ALTER_REQUEST__INIT;
    Seqd__V1__AdvanceRequest advance = SEQD__V1__ADVANCE_REQUEST__INIT;
    Seqd__V1__DropRequest drop = SEQD__V1__DROP_REQUEST__INIT;

    create_request.sequence = alter.sequence = advance.sequence = drop.sequence = text("default");
    alter.durability = SEQD__V1__DURABILITY__DURABILITY_EVERY;
    advance.past_is_case = SEQD__V1__ADVANCE_REQUEST__PAST_IS_PAST;
    advance.past = 100;
    const struct {
        const char *method;
        const ProtobufCMessage *message;
    } all[] = {{"Create", &create_request.base},
               {"Alter", &alter.base},
               {"Advance", &advance.base},
               {"Drop", &drop.base}};
    for (size_t i = 0; i < 4; i++) {
        grpc_expect_status(ask_as(table, all[i].method, NULL, all[i].message), 16, "scope 'admin'");
        grpc_expect_status(ask_as(table, all[i].method, "Bearer " TOKEN_C, all[i].message), 16,
                           "unknown");
        grpc_expect_status(ask_as(table, all[i].method, "Bearer " TOKEN_B, all[i].message), 7,
                           "does not cover");
    }
    assert_int_equal(next_of(table, "default"), 1); /* nothing has happened to it */
    create_request.sequence = text("mine.orders");
    grpc_expect_status(ask_as(table, "Create", "Bearer " TOKEN_B, &create_request.base), 0, "");
}

/* ---- Alter, Advance, Drop ---- */

static void test_grpc_alter_changes_what_is_named(void **state)
{
    struct table *table = *state;
    Seqd__V1__AlterRequest request = SEQD__V1__ALTER_REQUEST__INIT;

    request.sequence = text("default");
    grpc_expect_status(ask(table, "Alter", &request.base), 3, "name at least one of");
    request.max_gap_is_case = SEQD__V1__ALTER_REQUEST__MAX_GAP_IS_MAX_GAP;
    request.max_gap = 77;
    Seqd__V1__AlterResponse *answer =
        read_answer(ask(table, "Alter", &request.base), &seqd__v1__alter_response__descriptor);
    assert_int_equal(answer->sequence->definition->max_gap, 77);
    assert_int_equal(answer->sequence->definition->durability,
                     SEQD__V1__DURABILITY__DURABILITY_LEASE);
    seqd__v1__alter_response__free_unpacked(answer, NULL);
    request.max_gap = 0;
    grpc_expect_status(ask(table, "Alter", &request.base), 3, "max_gap");
    request.sequence = text("nothing");
    request.max_gap = 5;
    grpc_expect_status(ask(table, "Alter", &request.base), 5, "there is no sequence 'nothing'");
}

static void test_grpc_advance_goes_forward_and_back_only_by_force(void **state)
{
    struct table *table = *state;
    Seqd__V1__AdvanceRequest request = SEQD__V1__ADVANCE_REQUEST__INIT;

    request.sequence = text("default");
    grpc_expect_status(ask(table, "Advance", &request.base), 3, "past is missing");
    request.past_is_case = SEQD__V1__ADVANCE_REQUEST__PAST_IS_PAST;
    request.past = 1000;
    grpc_expect_status(ask(table, "Advance", &request.base), 0, "");
    assert_int_equal(next_of(table, "default"), 1001);
    request.past = 10;
    grpc_expect_status(ask(table, "Advance", &request.base), 9, "");
    request.force = 1;
    Seqd__V1__AdvanceResponse *answer =
        read_answer(ask(table, "Advance", &request.base), &seqd__v1__advance_response__descriptor);
    assert_true(answer->rewound);
    assert_true(answer->repeat_first <= 1001 && answer->repeat_last >= 1001);
    seqd__v1__advance_response__free_unpacked(answer, NULL);
    assert_int_equal(next_of(table, "default"), 11);
}

static void test_grpc_drop_leaves_a_floor(void **state)
{
    struct table *table = *state;
    Seqd__V1__DropRequest request = SEQD__V1__DROP_REQUEST__INIT;

    assert_true(create(table, "orders", NULL));
    assert_int_equal(next_of(table, "orders"), 1);
    request.sequence = text("orders");
    Seqd__V1__DropResponse *answer =
        read_answer(ask(table, "Drop", &request.base), &seqd__v1__drop_response__descriptor);
    assert_true(answer->has_floor);
    assert_true(answer->floor_low <= 1 && answer->floor_high >= 1);
    int64_t floor = answer->floor_high;
    seqd__v1__drop_response__free_unpacked(answer, NULL);
    grpc_expect_status(ask(table, "Drop", &request.base), 5, "there is no sequence 'orders'");
    struct grpc_ask next = {.path = GRPC_NEXT_PATH};
    struct grpc_words words = grpc_words_next("orders", 1);
    grpc_expect_status(grpc_client_call(table->client, &next, words.bytes, words.length), 5,
                       "'orders'");
    assert_true(create(table, "orders", NULL));
    assert_true(next_of(table, "orders") > floor);
}

/* ---- Get and List ---- */

static void test_grpc_get_shows_a_sequence(void **state)
{
    struct table *table = *state;
    Seqd__V1__GetRequest request = SEQD__V1__GET_REQUEST__INIT;

    assert_int_equal(next_of(table, "default"), 1);
    Seqd__V1__GetResponse *answer =
        read_answer(ask_as(table, "Get", NULL, &request.base), &seqd__v1__get_response__descriptor);
    assert_string_equal(answer->sequence->name, "default");
    assert_int_equal(answer->sequence->position, 1);
    assert_int_equal(answer->sequence->issued, 1);
    assert_int_equal(answer->sequence->left, INT64_MAX - 1);
    assert_int_equal(answer->sequence->definition->max, INT64_MAX);
    assert_int_equal(answer->sequence->definition->kind, SEQD__V1__KIND__KIND_COUNTER);
    seqd__v1__get_response__free_unpacked(answer, NULL);
    request.sequence = text("nothing");
    grpc_expect_status(ask_as(table, "Get", NULL, &request.base), 5, "'nothing'");
}

static void test_grpc_list_goes_page_by_page(void **state)
{
    struct table *table = *state;
    Seqd__V1__ListRequest request = SEQD__V1__LIST_REQUEST__INIT;
    const char *const names[] = {"a.1", "a.2", "a.3", "b.1"};
    char after[160] = "";
    size_t seen = 0;

    for (size_t i = 4; i > 0; i--) {
        assert_true(create(table, names[i - 1], NULL));
    }
    request.prefix = text("a.");
    request.limit_is_case = SEQD__V1__LIST_REQUEST__LIMIT_IS_LIMIT;
    request.limit = 2;
    do {
        request.after = after;
        Seqd__V1__ListResponse *answer =
            read_answer(ask(table, "List", &request.base), &seqd__v1__list_response__descriptor);
        for (size_t i = 0; i < answer->n_sequences; i++) {
            assert_string_equal(answer->sequences[i]->name, names[seen++]);
        }
        snprintf(after, sizeof after, "%s", answer->after);
        seqd__v1__list_response__free_unpacked(answer, NULL);
    } while (after[0] != '\0');
    assert_int_equal(seen, 3);
    request.limit = 0;
    grpc_expect_status(ask(table, "List", &request.base), 3, "limit is 0");
    request.limit = 1001;
    grpc_expect_status(ask(table, "List", &request.base), 3, "from 1 to 1000");
}

/* ---- a store that does not answer ---- */

static void test_grpc_change_outlives_who_asked_for_it(void **state)
{
    struct table *table = *state;
    Seqd__V1__CreateRequest request = SEQD__V1__CREATE_REQUEST__INIT;

    store_memory_hold(table->stage->house->disk);
    request.sequence = text("late");
    int32_t late = begin(table, "Create", "Bearer " TOKEN_A, &request.base);
    grpc_expect_status(end_of(table, late), 4, "whether the change was made is unknown");
    request.sequence = text("gone");
    int32_t gone = begin(table, "Create", "Bearer " TOKEN_A, &request.base);
    grpc_client_turn(table->client);
    grpc_client_reset(table->client, gone, 8);
    house_wait_until((grpc_client_turn(table->client),
                      grpc_stage_counted(table->stage, SERVICE "Create", "CANCELLED") == 1));
    store_memory_release(table->stage->house->disk);
    house_wait_until(registry_find(table->stage->house->registry, "late", 4) != NULL);
    house_wait_until(registry_find(table->stage->house->registry, "gone", 4) != NULL);
    assert_int_equal(next_of(table, "late"), 1);
}

static void test_grpc_change_is_unavailable_while_the_store_fails(void **state)
{
    struct table *table = *state;
    Seqd__V1__CreateRequest request = SEQD__V1__CREATE_REQUEST__INIT;

    store_memory_fail(table->stage->house->disk, UINT64_MAX, STORE_MEMORY_BEFORE, ERR_IO);
    request.sequence = text("orders");
    grpc_expect_status(ask(table, "Create", &request.base), 14, "cannot be made durable now");
    store_memory_fail(table->stage->house->disk, 0, STORE_MEMORY_BEFORE, ERR_OK);
}

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_grpc_create_makes_a_sequence_that_gives_numbers),
        STAGE_TEST(test_grpc_create_refuses_what_cannot_be),
        STAGE_TEST(test_grpc_create_knows_timestamps),
        STAGE_TEST(test_grpc_admin_takes_the_right_to),
        STAGE_TEST(test_grpc_alter_changes_what_is_named),
        STAGE_TEST(test_grpc_advance_goes_forward_and_back_only_by_force),
        STAGE_TEST(test_grpc_drop_leaves_a_floor),
        STAGE_TEST(test_grpc_get_shows_a_sequence),
        STAGE_TEST(test_grpc_list_goes_page_by_page),
        STAGE_TEST(test_grpc_change_outlives_who_asked_for_it),
        STAGE_TEST(test_grpc_change_is_unavailable_while_the_store_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
