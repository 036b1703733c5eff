/* Power cuts, without a machine to switch off: every write and sync of a store's life is recorded,
 * and the files are put together again as a cut at any moment could have left them. What was synced
 * is there; what was not is there, or not, or in some of its sectors. Then the store is opened on
 * them.
 *
 * The making of the files is not covered: here they exist when the recording begins. */
#include "chance.h"
#include "dir.h"
#include "faultio.h"
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTOR_BYTES 512
#define EVENTS_MAX 4096
#define STATES_PER_MOMENT 4

static const char *const files[] = {"data.mdb", "sentinel"};

#define FILES (sizeof(files) / sizeof(files[0]))

/* Something written, and the moment from which it is sure to be on the disk. */
struct written {
    size_t file;
    uint64_t offset;
    uint8_t *bytes; /* owned */
    size_t length;
    size_t safe_from; /* index of an event; SIZE_MAX: never */
};

/* A moment in the life: what was a fact when the event began. */
struct moment {
    struct written written; /* bytes NULL for a sync */
    uint64_t facts[SCRIPT_FACTS];
};

struct recording {
    struct moment moments[EVENTS_MAX];
    size_t count;
    uint64_t facts[SCRIPT_FACTS]; /* what is one by now */
};

static struct recording recording;

static size_t file_of(const char *path)
{
    const char *name = strrchr(path, '/');

    for (size_t i = 0; i < FILES; i++) {
        if (name != NULL && strcmp(name + 1, files[i]) == 0) {
            return i;
        }
    }
    return FILES;
}

static void record(void *context, const struct faultio_event *event)
{
    size_t now = recording.count;
    struct moment *moment = &recording.moments[now];
    size_t file = file_of(event->path);

    (void)context;
    if (file == FILES) {
        return;
    }
    assert_true(now < EVENTS_MAX);
    *moment = (struct moment){.written = {.file = file, .offset = event->offset}};
    memcpy(moment->facts, recording.facts, sizeof(moment->facts));
    recording.count++;
    if (event->kind == FAULTIO_SYNCED) {
        for (size_t i = 0; i < now; i++) {
            struct written *written = &recording.moments[i].written;

            if (written->file == file && written->safe_from == SIZE_MAX) {
                written->safe_from = now;
            }
        }
        return;
    }
    moment->written.safe_from = event->kind == FAULTIO_WRITTEN_DOWN ? now : SIZE_MAX;
    moment->written.length = event->length;
    moment->written.bytes = malloc(event->length);
    assert_non_null(moment->written.bytes);
    memcpy(moment->written.bytes, event->bytes, event->length);
}

static void record_fact(void *context, size_t fact, uint64_t value)
{
    (void)context;
    recording.facts[fact] = value;
}

/* Write all of it, or some of its sectors. */
static void write_torn(const struct dir *dir, const struct written *written, bool torn,
                       struct chance *chance)
{
    size_t done = 0;

    while (done < written->length) {
        uint64_t at = written->offset + done;
        size_t sector = (size_t)(SECTOR_BYTES - at % SECTOR_BYTES);
        size_t length = written->length - done < sector ? written->length - done : sector;

        if (!torn || chance_below(chance, 2) == 0) {
            dir_patch(dir, files[written->file], at, written->bytes + done, length);
        }
        done += length;
    }
}

/* Put `dir` together as a cut right after event `now` may have left it. */
static void cut(const struct dir *base, const struct dir *dir, size_t now, struct chance *chance)
{
    /* How much the disk happened to write down by itself: nothing, all, or as it comes. */
    uint64_t mood = chance_below(chance, 4);

    dir_empty(dir);
    dir_copy(base, dir);
    for (size_t i = 0; i <= now; i++) {
        const struct written *written = &recording.moments[i].written;

        if (written->bytes == NULL) {
            continue;
        }
        if (written->safe_from <= now) {
            write_torn(dir, written, false, chance);
        } else if (mood == 1) {
            write_torn(dir, written, false, chance);
        } else if (mood > 1 && chance_below(chance, 2) == 0) {
            write_torn(dir, written, mood == 3, chance);
        }
    }
}

/* What a cut after event `now` and before the next has to leave true. */
static const uint64_t *facts_at(size_t now)
{
    return now + 1 < recording.count ? recording.moments[now + 1].facts : recording.facts;
}

static void forget_recording(void)
{
    for (size_t i = 0; i < recording.count; i++) {
        free(recording.moments[i].written.bytes);
    }
    memset(&recording, 0, sizeof(recording));
}

/* Two lives: the first makes the files, which become `base`; the second is recorded. */
static void live(const struct dir *dir, const struct dir *base)
{
    struct script script = {.dir = dir, .on_fact = record_fact};

    forget_recording();
    faultio_reset();
    assert_true(script_run(&script));
    dir_copy(dir, base);
    for (size_t s = 0; s < SCRIPT_SEQUENCES; s++) {
        script.tracks[s].floor = 0;
    }
    faultio_observe(record, NULL);
    assert_true(script_run(&script));
    faultio_observe(NULL, NULL);
}

static void test_store_survives_a_power_cut_at_every_moment(void **state)
{
    struct chance chance = chance_from(chance_seed());
    struct dir dir = dir_make();
    struct dir base = dir_make();
    struct script script = {.dir = &dir};
    unsigned states = 0;

    (void)state;
    script_take_copies();
    live(&dir, &base);
    for (size_t now = 0; now < recording.count; now++) {
        for (unsigned i = 0; i < STATES_PER_MOMENT; i++) {
            cut(&base, &dir, now, &chance);
            memcpy(script.facts, facts_at(now), sizeof(script.facts));
            script_check(&script);
            states++;
        }
    }
    print_message("    %u states of the disk, %zu moments\n", states, recording.count);
    assert_true(recording.count > 40);
    forget_recording();
    dir_remove(&dir);
    dir_remove(&base);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_survives_a_power_cut_at_every_moment),
    };

    return cmocka_run_group_tests_name("store power cuts", tests, NULL, NULL);
}
