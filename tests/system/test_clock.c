/* The real daemon under clocks that step, stand still and come back wrong, and under SIGKILL: no
 * number twice, and each larger than the one before. The clock is libfaketime's: it reads from a
 * file how far to be off. CLOCK_RUNS= says how many lives, SEED= which. */
#include "base/definition.h"
#include "base/rfc3339.h"
#include "base/text.h"
#include "chance.h"
#include "daemon.h"
#include "http_client.h"
#include "stage.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RUNS 10      /* lives of the daemon */
#define REQUESTS 150 /* of a life */
#define STAMPS "/v1/sequences/stamps"
#define HOUR_MS 3600000

/* A library that is loaded first does not go together with a sanitizer that wants to be. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

struct world {
    struct stage stage;
    struct chance chance;
    char preload[128];
    char offsets[DIR_PATH_SIZE + 32]; /* FAKETIME_TIMESTAMP_FILE=… */
    int64_t offset_ms;
    int64_t highest;
    uint64_t jumps;   /* of the clock */
    uint64_t numbers; /* taken */
};

/* Where the library lies, or NULL. */
static const char *library(void)
{
    static const char *const places[] = {
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib/faketime/libfaketime.so.1",
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (access(places[i], R_OK) == 0) {
            return places[i];
        }
    }
    return NULL;
}

static bool can_run(void)
{
    if (SANITIZED || library() == NULL) {
        print_message("SKIPPED: %s\n", SANITIZED ? "a sanitizer does not go with libfaketime"
                                                 : "there is no libfaketime (package faketime)");
        return false;
    }
    return true;
}

/* Set the clock: so far from the true time. Written beside and renamed, so that nobody reads half.
 * */
static void set_offset(struct world *world, int64_t offset_ms)
{
    char text[64];
    char name[DIR_PATH_SIZE + 8];
    struct dir file = dir_entry(&world->stage.configuration, "offset");
    uint64_t distance = offset_ms < 0 ? 0 - (uint64_t)offset_ms : (uint64_t)offset_ms;
    world->offset_ms = offset_ms;
    (void)snprintf(text, sizeof text, "%s%" PRIu64 ".%03" PRIu64 "\n", offset_ms < 0 ? "-" : "+",
                   distance / 1000, distance % 1000);
    dir_write(&world->stage.configuration, "offset.new", text, strlen(text));
    (void)snprintf(name, sizeof name, "%s.new", file.path);
    assert_int_equal(rename(name, file.path), 0);
}

/* What is written to files keeps its time: a newer libfaketime moves the birth of the data file,
 * too, which would pass for a copy. */
static void start(struct world *world)
{
    stage_start(&world->stage,
                (const char *const[]){world->preload, world->offsets, "FAKETIME_NO_CACHE=1",
                                      "DONT_FAKE_MONOTONIC=1", "FAKETIME_DONT_RESET=1",
                                      "NO_FAKE_STAT=1", NULL});
}

static void open_world(struct world *world, const char *configuration)
{
    *world = (struct world){.stage = stage_open(configuration)};
    world->chance = chance_from(chance_seed());
    stage_stop(&world->stage);
    struct dir file = dir_entry(&world->stage.configuration, "offset");
    (void)snprintf(world->preload, sizeof world->preload, "LD_PRELOAD=%s", library());
    (void)snprintf(world->offsets, sizeof world->offsets, "FAKETIME_TIMESTAMP_FILE=%s", file.path);
    set_offset(world, 0);
}

/* Take a block; every number of it is above all before. */
static void take(struct world *world, uint64_t count)
{
    char target[64];
    (void)snprintf(target, sizeof target, STAMPS "/next?count=%" PRIu64, count);
    struct http_answer answer = http_ask(world->stage.port, "GET", target, "");
    assert_int_equal(answer.status, 200);
    uint64_t lines = 0;
    char *rest = NULL;
    for (char *line = strtok_r(answer.body, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        int64_t number = 0;
        assert_int_equal(text_parse_int64(line, &number), ERR_OK);
        assert_true(number > world->highest);
        world->highest = number;
        lines++;
    }
    assert_int_equal(lines, count);
    world->numbers += lines;
    http_answer_free(&answer);
}

static void draw_step(struct world *world)
{
    static const int64_t steps_ms[] = {1, 5, 1000, HOUR_MS};
    int64_t step_ms = steps_ms[chance_below(&world->chance, 4)];
    bool back = chance_below(&world->chance, 2) == 0;
    set_offset(world, world->offset_ms + (back ? -step_ms : step_ms));
    world->jumps++;
}

static void live(struct world *world)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        if (chance_below(&world->chance, 10) == 0) {
            draw_step(world);
        }
        take(world, chance_below(&world->chance, 8) == 0 ? 4096 : 1);
    }
}

static void test_clock_steps_and_kills_repeat_no_number(void **state)
{
    (void)state;
    struct world world;
    if (!can_run()) {
        skip();
    }
    open_world(&world, "[sequence:stamps]\nkind = timestamp\nnode_id = 7\n");
    uint64_t runs = knob("CLOCK_RUNS", RUNS, 1000000);
    for (uint64_t i = 0; i < runs; i++) {
        start(&world);
        live(&world);
        if (chance_below(&world.chance, 4) == 0) {
            stage_stop(&world.stage);
        } else {
            stage_kill(&world.stage);
        }
        draw_step(&world); /* while it is down */
    }
    start(&world);
    take(&world, 1);
    stage_close(&world.stage);
    print_message("clock: %" PRIu64 " jumps in %" PRIu64 " lives, %" PRIu64
                  " numbers, each above all before\n",
                  world.jumps, runs, world.numbers);
}

/* Set back by a day while it was down: it goes on from its mark, and says how far it is ahead. */
static void test_clock_set_back_while_down_goes_on_from_the_mark(void **state)
{
    (void)state;
    struct world world;
    if (!can_run()) {
        skip();
    }
    open_world(&world, "[sequence:stamps]\nkind = timestamp\n");
    start(&world);
    take(&world, 4096);
    stage_kill(&world.stage);
    set_offset(&world, -24 * HOUR_MS);
    start(&world);
    take(&world, 4096);
    struct http_answer answer = http_ask(world.stage.port, "GET", "/readyz", "");
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "warning: the clock is 86"));
    http_answer_free(&answer);
    stage_close(&world.stage);
}

static void test_clock_before_the_epoch_refuses_the_start(void **state)
{
    (void)state;
    struct world world;
    if (!can_run()) {
        skip();
    }
    open_world(&world, "[sequence:stamps]\nkind = timestamp\n");
    struct dir file = dir_entry(&world.stage.configuration, "seqd.conf");
    int status = 0;
    set_offset(&world, -INT64_C(30) * 366 * 24 * HOUR_MS);
    struct daemon *daemon = daemon_run(
        (const char *const[]){"-p", "0", "-d", world.stage.data.path, "-c", file.path, NULL},
        (const char *const[]){world.preload, world.offsets, "FAKETIME_NO_CACHE=1",
                              "DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1", NULL},
        &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(daemon_stderr(daemon), "the epoch is 2024-01-01T00:00:00.000Z"));
    daemon_free(daemon);
    set_offset(&world, 0);
    start(&world);
    take(&world, 1);
    stage_close(&world.stage);
}

/* The ids are no part of what was reached. */
static void test_clock_other_node_id_keeps_the_time_that_was_reached(void **state)
{
    (void)state;
    struct world world;
    if (!can_run()) {
        skip();
    }
    open_world(&world, "[sequence:stamps]\nkind = timestamp\nnode_id = 30\n");
    start(&world);
    take(&world, 4096);
    stage_kill(&world.stage);
    set_offset(&world, -HOUR_MS);
    stage_configure(&world.stage, "[sequence:stamps]\nkind = timestamp\nnode_id = 2\n");
    start(&world);
    take(&world, 4096);
    struct layout layout = layout_default();
    assert_int_equal(layout_decode(&layout, world.highest).node, 2);
    stage_close(&world.stage);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_steps_and_kills_repeat_no_number),
        cmocka_unit_test(test_clock_set_back_while_down_goes_on_from_the_mark),
        cmocka_unit_test(test_clock_before_the_epoch_refuses_the_start),
        cmocka_unit_test(test_clock_other_node_id_keeps_the_time_that_was_reached),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
