/* The parts of the gRPC front that are plain functions: codes and encoding, header fields, frames,
 * buffers, timers and the memory of a message. */
#include "front/grpc_arena.h"
#include "front/grpc_buffer.h"
#include "front/grpc_counters.h"
#include "front/grpc_descriptor.h"
#include "front/grpc_fields.h"
#include "front/grpc_frame.h"
#include "front/grpc_pulse.h"
#include "front/grpc_status.h"
#include "front/grpc_timer.h"

#include "chance.h"

#include <seqd/v1/seqd.pb-c.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- status ---- */

static void test_grpc_status_encodes_what_no_header_may_hold(void **state)
{
    char to[64];

    (void)state;
    assert_int_equal(grpc_percent_encode(to, sizeof to, "a 100% \r\n\xc3\xa4~\x7f"), 25);
    assert_string_equal(to, "a 100%25 %0D%0A%C3%A4~%7F");
}

static void test_grpc_status_never_cuts_an_escape(void **state)
{
    char to[8];

    (void)state;
    assert_int_equal(grpc_percent_encode(to, 1, "a"), 0);
    assert_string_equal(to, "");
    assert_int_equal(grpc_percent_encode(to, sizeof to, "abcde\n"), 5);
    assert_string_equal(to, "abcde");
    assert_int_equal(grpc_percent_encode(to, sizeof to, "abcd\n"), 7);
    assert_string_equal(to, "abcd%0A");
    assert_int_equal(grpc_percent_encode(to, sizeof to, "abcdefghij"), 7);
}

static void test_grpc_status_names_every_code(void **state)
{
    (void)state;
    for (enum grpc_code code = 0; code < GRPC_CODES; code++) {
        assert_true(strlen(grpc_code_name(code)) >= 2);
        assert_int_equal(strtol(grpc_code_digits(code), NULL, 10), code);
    }
    assert_string_equal(grpc_code_name(GRPC_OUT_OF_RANGE), "OUT_OF_RANGE");
}

/* ---- fields ---- */

static enum error parse(const char *text, uint64_t *ret_ns)
{
    return grpc_timeout_parse((const uint8_t *)text, strlen(text), ret_ns);
}

static void test_grpc_timeout_understands_every_unit(void **state)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } right[] = {
        {"0n", 0},
        {"1n", 1},
        {"7u", 7000},
        {"5m", 5000000},
        {"2S", UINT64_C(2000000000)},
        {"3M", UINT64_C(180000000000)},
        {"1H", UINT64_C(3600000000000)},
        {"00000010m", 10000000},
        {"99999999M", UINT64_C(5999999940000000000)},
        {"99999999H", UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        uint64_t ns = 42;

        assert_int_equal(parse(right[i].text, &ns), ERR_OK);
        assert_int_equal(ns, right[i].ns);
    }
}

static void test_grpc_timeout_refuses_what_it_does_not_understand(void **state)
{
    static const char *const wrong[] = {"",    "m",    "1",    "1x",  "-1m",        "1 m", " 1m",
                                        "1m ", "1.5S", "0x1m", "+1m", "123456789m", "1ms"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint64_t ns = 42;

        assert_int_equal(parse(wrong[i], &ns), ERR_INVALID);
        assert_int_equal(ns, 42);
    }
}

static bool fits(const char *text)
{
    return grpc_content_type_fits((const uint8_t *)text, strlen(text));
}

static void test_grpc_content_type_is_grpc_with_protocol_buffers(void **state)
{
    (void)state;
    assert_true(fits("application/grpc"));
    assert_true(fits("application/grpc+proto"));
    assert_true(fits("application/grpc;charset=utf-8"));
    assert_true(fits("application/grpc+proto;x=y"));
    assert_false(fits(""));
    assert_false(fits("application/grp"));
    assert_false(fits("application/grpcx"));
    assert_false(fits("application/grpc+json"));
    assert_false(fits("application/grpc+protox"));
    assert_false(fits("application/grpc-web"));
    assert_false(fits("application/json"));
}

/* ---- frames ---- */

static void test_grpc_frame_reads_one_message_at_a_time(void **state)
{
    static const uint8_t two[] = {0, 0, 0, 0, 2, 'a', 'b', 0, 0, 0, 0, 0};
    struct grpc_message message;

    (void)state;
    assert_int_equal(grpc_frame_read(two, sizeof two, 2, &message), GRPC_FRAME_WHOLE);
    assert_int_equal(message.length, 2);
    assert_ptr_equal(message.bytes, two + 5);
    assert_int_equal(grpc_frame_read(two + 7, 5, 2, &message), GRPC_FRAME_WHOLE);
    assert_int_equal(message.length, 0);
    for (size_t length = 0; length < 7; length++) {
        assert_int_equal(grpc_frame_read(two, length, 2, &message), GRPC_FRAME_MORE);
    }
}

static void test_grpc_frame_objects_as_early_as_it_can(void **state)
{
    static const uint8_t compressed[] = {1};
    static const uint8_t bad[] = {2};
    static const uint8_t longer[] = {0, 0, 0, 0, 3};
    static const uint8_t longest[] = {0, 0xFF, 0xFF, 0xFF, 0xFF};
    struct grpc_message message;

    (void)state;
    assert_int_equal(grpc_frame_read(compressed, 1, 2, &message), GRPC_FRAME_COMPRESSED);
    assert_int_equal(grpc_frame_read(bad, 1, 2, &message), GRPC_FRAME_BAD_FLAG);
    assert_int_equal(grpc_frame_read(longer, 5, 2, &message), GRPC_FRAME_TOO_LONG);
    assert_int_equal(grpc_frame_read(longer, 5, 3, &message), GRPC_FRAME_MORE);
    assert_int_equal(grpc_frame_read(longest, 5, 4096, &message), GRPC_FRAME_TOO_LONG);
}

static void test_grpc_frame_head_says_the_length(void **state)
{
    uint8_t head[5];
    static const uint8_t wanted[] = {0, 0x01, 0x02, 0x03, 0x04};

    (void)state;
    grpc_frame_head(head, 0x01020304);
    assert_memory_equal(head, wanted, 5);
}

/* ---- buffers ---- */

static void test_grpc_buffer_gives_back_what_was_put_in(void **state)
{
    struct grpc_buffer buffer = {.bytes = NULL};
    struct chance chance;
    uint8_t put = 0;
    uint8_t taken = 0;

    (void)state;
    chance = chance_from(chance_seed());
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[300];
        size_t length = (size_t)chance_below(&chance, sizeof bytes);

        for (size_t j = 0; j < length; j++) {
            bytes[j] = put++;
        }
        assert_int_equal(grpc_buffer_put(&buffer, bytes, length), ERR_OK);
        length = (size_t)chance_below(&chance, grpc_buffer_length(&buffer) + 1);
        for (size_t j = 0; j < length; j++) {
            assert_int_equal(grpc_buffer_bytes(&buffer)[j], taken);
            taken++;
        }
        grpc_buffer_take(&buffer, length);
    }
    assert_true(buffer.room < 100000); /* it does not grow for ever */
    grpc_buffer_clear(&buffer);
    assert_null(buffer.bytes);
}

static void test_grpc_buffer_holds_no_memory_when_empty(void **state)
{
    struct grpc_buffer buffer = {.bytes = NULL};

    (void)state;
    assert_int_equal(grpc_buffer_put(&buffer, "abc", 3), ERR_OK);
    grpc_buffer_take(&buffer, 3);
    assert_null(buffer.bytes);
}

static void test_grpc_buffer_takes_no_memory_for_a_few_bytes(void **state)
{
    struct grpc_buffer buffer = {.bytes = NULL};

    (void)state;
    assert_non_null(grpc_buffer_extend(&buffer, GRPC_BUFFER_OWN));
    assert_ptr_equal(buffer.bytes, buffer.own);
    memset(buffer.own, 7, GRPC_BUFFER_OWN);
    assert_int_equal(grpc_buffer_put(&buffer, "", 1), ERR_OK);
    assert_ptr_not_equal(buffer.bytes, buffer.own);
    for (int i = 0; i < GRPC_BUFFER_OWN; i++) {
        assert_int_equal(grpc_buffer_bytes(&buffer)[i], 7);
    }
    grpc_buffer_clear(&buffer);
}

/* ---- timers ---- */

#define TIMERS 300

struct alarm {
    struct grpc_timer timer;
    unsigned fired;
};

static uint64_t last_due;

static void note(struct grpc_timer *timer)
{
    struct alarm *alarm = (struct alarm *)timer;

    alarm->fired++;
    assert_true(timer->due.ns >= last_due);
    last_due = timer->due.ns;
}

/* Set, moved and cleared at random, each fires in its order, once, when its moment has come. */
static void test_grpc_timers_fire_in_order(void **state)
{
    static struct alarm alarms[TIMERS];
    struct grpc_timers timers = {.heap = NULL};
    struct chance chance;

    (void)state;
    chance = chance_from(chance_seed());
    memset(alarms, 0, sizeof alarms);
    for (int i = 0; i < 20000; i++) {
        struct alarm *alarm = &alarms[chance_below(&chance, TIMERS)];

        alarm->timer.fire = note;
        if (chance_below(&chance, 3) == 0) {
            grpc_timer_clear(&timers, &alarm->timer);
        } else {
            struct instant due = {.ns = chance_below(&chance, 1000000)};
            assert_int_equal(grpc_timer_set(&timers, &alarm->timer, due), ERR_OK);
        }
    }
    for (uint64_t now = 0; now <= 1000000; now += 1000) {
        last_due = 0;
        grpc_timers_fire(&timers, (struct instant){.ns = now});
        for (size_t i = 0; i < TIMERS; i++) {
            assert_true(alarms[i].timer.place == 0 || alarms[i].timer.due.ns > now);
            assert_true(alarms[i].fired <= 1);
        }
    }
    assert_int_equal(timers.count, 0);
    assert_int_equal(grpc_timers_wait_ms(&timers, (struct instant){.ns = 0}), -1);
    grpc_timers_fini(&timers);
}

static void test_grpc_timers_do_not_wake_too_early(void **state)
{
    struct grpc_timers timers = {.heap = NULL};
    struct alarm alarm = {.timer = {.fire = note}};
    struct instant due = {.ns = 10 * CLOCK_NS_PER_MS + 1};

    (void)state;
    assert_int_equal(grpc_timer_set(&timers, &alarm.timer, due), ERR_OK);
    assert_int_equal(grpc_timers_wait_ms(&timers, (struct instant){.ns = 0}), 11);
    assert_int_equal(grpc_timers_next(&timers).ns, due.ns);
    assert_int_equal(grpc_timers_wait_ms(&timers, due), 0);
    assert_int_equal(grpc_timers_wait_ms(&timers, clock_after(due, 5)), 0);
    assert_int_equal(grpc_timer_set(&timers, &alarm.timer, (struct instant){.ns = UINT64_MAX}),
                     ERR_OK);
    assert_int_equal(grpc_timers_wait_ms(&timers, due), INT32_MAX);
    grpc_timer_clear(&timers, &alarm.timer);
    grpc_timer_clear(&timers, &alarm.timer);
    assert_true(grpc_timers_next(&timers).ns == UINT64_MAX);
    grpc_timers_fini(&timers);
}

static void test_grpc_pulse_is_overdue_at_work_and_past_a_timer(void **state)
{
    struct grpc_pulse pulse;

    (void)state;
    grpc_pulse_init(&pulse, (struct instant){.ns = 10});
    assert_int_equal(grpc_pulse_overdue_ns(&pulse, (struct instant){.ns = 15}), 5);
    grpc_pulse_sleeps(&pulse, (struct instant){.ns = 100});
    assert_int_equal(grpc_pulse_overdue_ns(&pulse, (struct instant){.ns = 100}), 0);
    assert_int_equal(grpc_pulse_overdue_ns(&pulse, (struct instant){.ns = 107}), 7);
    grpc_pulse_wakes(&pulse, (struct instant){.ns = 200});
    assert_int_equal(grpc_pulse_overdue_ns(&pulse, (struct instant){.ns = 150}), 0);
    assert_int_equal(grpc_pulse_overdue_ns(&pulse, (struct instant){.ns = 201}), 1);
    grpc_pulse_sleeps(&pulse, (struct instant){.ns = UINT64_MAX});
    assert_int_equal(grpc_pulse_overdue_ns(&pulse, (struct instant){.ns = UINT64_MAX - 1}), 0);
}

/* ---- the memory of a message ---- */

static void test_grpc_arena_tells_texts_that_are_not_whole(void **state)
{
    static struct grpc_arena arena;
    static const uint8_t whole[] = {0x0a, 3, 'a', 'b', 'c'};
    static const uint8_t nul[] = {0x0a, 3, 'a', 0, 'c'};
    static const uint8_t only_nul[] = {0x0a, 1, 0};
    static const uint8_t empty[] = {0x0a, 0};
    static const uint8_t none[] = {0};
    static const struct {
        const uint8_t *bytes;
        size_t length;
        bool right;
    } texts[] = {{whole, sizeof whole, true},
                 {nul, sizeof nul, false},
                 {only_nul, sizeof only_nul, false},
                 {empty, sizeof empty, true},
                 {none, 0, true}};

    (void)state;
    grpc_arena_init(&arena);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const Seqd__V1__NextRequest *request = grpc_arena_unpack(
            &arena, &seqd__v1__next_request__descriptor, texts[i].bytes, texts[i].length);

        assert_non_null(request);
        assert_int_equal(grpc_arena_text_is_whole(&arena, request->sequence), texts[i].right);
    }
}

/* ---- descriptors ---- */

static void count_service(void *context, const char *name)
{
    unsigned *found = context;

    *found += strcmp(name, "seqd.v1.SequenceService") == 0 ? 1 : 0;
    *found += strcmp(name, "grpc.health.v1.Health") == 0 ? 10 : 0;
    *found += strcmp(name, "grpc.reflection.v1.ServerReflection") == 0 ? 100 : 0;
    *found += strcmp(name, "grpc.reflection.v1alpha.ServerReflection") == 0 ? 1000 : 0;
}

static void test_grpc_descriptor_lists_the_services(void **state)
{
    unsigned found = 0;

    (void)state;
    grpc_descriptor_services(count_service, &found);
    assert_int_equal(found, 1111);
}

static void test_grpc_descriptor_finds_whatever_is_declared(void **state)
{
    static const char *const there[] = {
        "seqd.v1.SequenceService",
        "seqd.v1.SequenceService.Next",
        "seqd.v1.NextRequest",
        "seqd.v1.NextRequest.count",
        "grpc.health.v1.HealthCheckResponse.ServingStatus",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    };
    static const char *const not_there[] = {"",
                                            ".",
                                            "seqd",
                                            "seqd.v1",
                                            "seqd.v1.",
                                            "seqd.v1.Next",
                                            "seqd.v1.NextRequests",
                                            "seqd.v1.NextRequest.",
                                            "seqd.v1.NextRequest.count.x",
                                            "seqd.v1.SequenceService.Nex",
                                            "seqd.v10.NextRequest",
                                            "NextRequest"};
    struct grpc_file file;
    struct grpc_file named;

    (void)state;
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++) {
        assert_true(grpc_descriptor_by_symbol(there[i], &file));
    }
    for (size_t i = 0; i < sizeof not_there / sizeof not_there[0]; i++) {
        assert_false(grpc_descriptor_by_symbol(not_there[i], &file));
    }
    assert_true(grpc_descriptor_by_symbol("seqd.v1.NextRequest", &file));
    assert_true(grpc_descriptor_by_name("seqd/v1/seqd.proto", &named));
    assert_ptr_equal(file.bytes, named.bytes);
    assert_false(grpc_descriptor_by_name("seqd.proto", &named));
    assert_false(grpc_descriptor_by_name("", &named));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grpc_status_encodes_what_no_header_may_hold),
        cmocka_unit_test(test_grpc_status_never_cuts_an_escape),
        cmocka_unit_test(test_grpc_status_names_every_code),
        cmocka_unit_test(test_grpc_timeout_understands_every_unit),
        cmocka_unit_test(test_grpc_timeout_refuses_what_it_does_not_understand),
        cmocka_unit_test(test_grpc_content_type_is_grpc_with_protocol_buffers),
        cmocka_unit_test(test_grpc_frame_reads_one_message_at_a_time),
        cmocka_unit_test(test_grpc_frame_objects_as_early_as_it_can),
        cmocka_unit_test(test_grpc_frame_head_says_the_length),
        cmocka_unit_test(test_grpc_buffer_gives_back_what_was_put_in),
        cmocka_unit_test(test_grpc_buffer_holds_no_memory_when_empty),
        cmocka_unit_test(test_grpc_buffer_takes_no_memory_for_a_few_bytes),
        cmocka_unit_test(test_grpc_timers_fire_in_order),
        cmocka_unit_test(test_grpc_timers_do_not_wake_too_early),
        cmocka_unit_test(test_grpc_pulse_is_overdue_at_work_and_past_a_timer),
        cmocka_unit_test(test_grpc_arena_tells_texts_that_are_not_whole),
        cmocka_unit_test(test_grpc_descriptor_lists_the_services),
        cmocka_unit_test(test_grpc_descriptor_finds_whatever_is_declared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
