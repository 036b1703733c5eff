/* Rubbish, drawn at random around what is right: frames of HTTP/2, and messages of Protocol Buffers
 * within frames that are right. Nothing may crash, hang or leak, and after each round a client that
 * behaves is served. SEED= repeats a run; FUZZ_ROUNDS= makes it longer. */
#include "chance.h"
#include "grpc_raw.h"
#include "grpc_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 150
#define BYTES_MAX 8192
#define MUTATIONS_MAX 12

static const char *const paths[] = {
    "/seqd.v1.SequenceService/Next",
    "/seqd.v1.SequenceService/Stream",
    "/seqd.v1.SequenceService/Get",
    "/seqd.v1.SequenceService/List",
    "/seqd.v1.SequenceService/Create",
    "/seqd.v1.SequenceService/Alter",
    "/seqd.v1.SequenceService/Advance",
    "/seqd.v1.SequenceService/Drop",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
};

#define PATHS (sizeof paths / sizeof paths[0])

static int open_stage(void **state)
{
    struct grpc_stage *stage = grpc_stage_new();

    stage->options.request_timeout_ms = 1000;
    grpc_stage_open(stage);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    grpc_stage_close(*state);
    return 0;
}

/* Change `bytes` here and there. Returns how many there are then. */
static size_t mutate(struct chance *chance, uint8_t *bytes, size_t length, size_t room)
{
    uint64_t times = chance_below(chance, MUTATIONS_MAX);

    for (uint64_t i = 0; i < times && length > 1; i++) {
        size_t at = (size_t)chance_below(chance, length);
        size_t run = (size_t)chance_below(chance, length - at) % 16 + 1;

        run = run < length - at ? run : length - at;
        switch (chance_below(chance, 6)) {
        case 0:
            bytes[at] ^= (uint8_t)(1U << chance_below(chance, 8));
            break;
        case 1:
            bytes[at] = (uint8_t)chance_next(chance);
            break;
        case 2:
            memset(bytes + at, chance_below(chance, 2) == 0 ? 0 : 0xFF, run);
            break;
        case 3: /* leave some out */
            memmove(bytes + at, bytes + at + run, length - at - run);
            length -= run;
            break;
        case 4: /* say some twice */
            if (length + run <= room) {
                memmove(bytes + at + run, bytes + at, length - at);
                length += run;
            }
            break;
        default: /* cut it */
            length = chance_below(chance, 8) == 0 ? at + 1 : length;
            break;
        }
    }
    return length;
}

/* A message that may be right for one method or another. */
static struct grpc_words some_message(struct chance *chance)
{
    struct grpc_words words = grpc_words_empty();
    uint64_t fields = chance_below(chance, 6);

    for (uint64_t i = 0; i < fields; i++) {
        unsigned field = (unsigned)chance_below(chance, 18) + 1;

        if (chance_below(chance, 2) == 0) {
            grpc_words_add_integer(&words, field, chance_next(chance) >> chance_below(chance, 64));
        } else {
            static const char text[] = "default.orders.\x08\x01\x12\x03\x0a";
            grpc_words_add_text(&words, field, text, (size_t)chance_below(chance, sizeof text));
        }
    }
    return words;
}

/* Calls of several methods, each with its message, as one run of bytes. */
static void write_session(struct chance *chance, struct grpc_raw *raw)
{
    uint64_t calls = chance_below(chance, 8) + 1;

    grpc_raw_preface(raw);
    for (uint32_t i = 0; i < calls; i++) {
        struct grpc_words words = some_message(chance);
        uint8_t head[512];
        size_t length = grpc_raw_put_field(head, ":method", "POST");

        length += grpc_raw_put_field(head + length, ":scheme", "http");
        length += grpc_raw_put_field(head + length, ":authority", "test");
        length += grpc_raw_put_field(head + length, ":path", paths[chance_below(chance, PATHS)]);
        length += grpc_raw_put_field(head + length, "content-type", "application/grpc");
        if (chance_below(chance, 2) == 0) {
            length += grpc_raw_put_field(head + length, "grpc-timeout", "100m");
        }
        grpc_raw_frame(raw, HEADERS, END_HEADERS, 2 * i + 1, head, length);
        grpc_raw_frame(raw, DATA, chance_below(chance, 4) != 0 ? END_STREAM : 0, 2 * i + 1,
                       words.bytes, words.length);
        if (chance_below(chance, 4) == 0) {
            grpc_raw_number(raw, RST_STREAM, 2 * i + 1, CANCEL);
        }
    }
}

static void expect_service(struct grpc_stage *stage, int64_t *last)
{
    struct grpc_client *client = grpc_client_open(stage->port);
    int64_t number = grpc_stage_next(client);

    assert_true(number > *last);
    *last = number;
    grpc_client_close(client);
}

static void test_grpc_fuzz_of_frames(void **state)
{
    struct grpc_stage *stage = *state;
    struct chance chance = chance_from(chance_seed());
    uint64_t rounds = knob("FUZZ_ROUNDS", ROUNDS, 1000000);
    int64_t last = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        struct grpc_raw *raw = grpc_raw_open(stage->port);
        static uint8_t bytes[BYTES_MAX];

        write_session(&chance, raw);
        size_t length = raw->out_length < BYTES_MAX ? raw->out_length : BYTES_MAX;
        memcpy(bytes, raw->out, length);
        raw->out_length = 0;
        /* Mostly with the preface whole, or nothing behind it would be looked at. */
        size_t kept = chance_below(&chance, 8) != 0 ? 33 : 0;
        length = kept + mutate(&chance, bytes + kept, length - kept, BYTES_MAX - kept);
        grpc_raw_add(raw, bytes, length);
        (void)grpc_raw_exchange(raw, 5);
        grpc_raw_close(raw);
        if (i % 10 == 0) {
            expect_service(stage, &last);
        }
    }
    expect_service(stage, &last);
}

static void test_grpc_fuzz_of_messages(void **state)
{
    struct grpc_stage *stage = *state;
    struct chance chance = chance_from(chance_seed());
    uint64_t rounds = 10 * knob("FUZZ_ROUNDS", ROUNDS, 1000000);
    struct grpc_client *client = grpc_client_open(stage->port);

    for (uint64_t i = 0; i < rounds; i++) {
        struct grpc_ask ask = {.path = paths[chance_below(&chance, PATHS)], .timeout = "200m"};
        struct grpc_words words = some_message(&chance);

        if (i > 0 &&
            i % 1000 == 0) { /* a client keeps what it was told, of 4,096 streams at most */
            grpc_client_close(client);
            client = grpc_client_open(stage->port);
        }
        /* The message itself; its head says its length as before. */
        words.length = 5 + mutate(&chance, words.bytes + 5, words.length - 5, GRPC_WORDS_SIZE - 5);
        words.bytes[3] = (uint8_t)((words.length - 5) >> 8);
        words.bytes[4] = (uint8_t)(words.length - 5);
        int32_t stream = grpc_client_begin(client, &ask, words.bytes, words.length, true);
        if (strcmp(ask.path, "/grpc.health.v1.Health/Watch") == 0) {
            grpc_client_reset(client, stream, CANCEL);
            continue;
        }
        assert_true(grpc_client_await_end(client, stream, 10000));
        assert_true(grpc_client_answer(client, stream)->code >= 0);
    }
    grpc_client_close(client);
}

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_grpc_fuzz_of_frames),
        STAGE_TEST(test_grpc_fuzz_of_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
