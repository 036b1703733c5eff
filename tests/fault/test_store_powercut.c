/* Power cuts, without a machine to switch off: every write, sync and renaming of a store's life is
 * recorded, and the files are put together again as a cut at any moment could have left them. What
 * was synced is there; what was not is there, or not, or in some of its sectors; a name is the new
 * file's or still the old one's. Then the store is opened on them.
 *
 * The making of the files is not covered: here they exist when the recording begins. */
#include "chance.h"
#include "dir.h"
#include "faultio.h"
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECTOR_BYTES 512
#define EVENTS_MAX 4096
#define STATES_PER_MOMENT 4

#define DATA 0 /* data.mdb, as a number of a file */
#define SENTINEL \
    1 /* the sentinel that lay there when the recording began; others count on from it */
#define NO_FILE SIZE_MAX

/* Something written, and the moment from which it is sure to be on the disk. */
struct written {
    size_t file; /* its number: a new sentinel is another file under the old name */
    uint64_t offset;
    uint8_t *bytes; /* owned */
    size_t length;
    size_t safe_from; /* index of an event; SIZE_MAX: never */
};

/* A moment in the life: what was a fact when the event began. */
struct moment {
    struct written written; /* bytes NULL for a sync, and for a renaming … */
    bool renamed;           /* … of that file to `sentinel`, sure from the same moment on */
    uint64_t facts[SCRIPT_FACTS];
};

struct recording {
    struct moment moments[EVENTS_MAX];
    size_t count;
    uint64_t facts[SCRIPT_FACTS]; /* what is one by now */
    size_t sentinel;              /* the number of the file that is called so */
    size_t fresh;                 /* of `sentinel.new`; NO_FILE: there is none */
    size_t files;                 /* how many numbers are taken */
};

static struct recording recording;

static bool is_named(const char *path, const char *name)
{
    const char *last = strrchr(path, '/');

    return last != NULL && strcmp(last + 1, name) == 0;
}

/* The number of the file at `path`; NO_FILE for the folder and for what does not count. */
static size_t file_of(const struct faultio_event *event)
{
    if (is_named(event->path, "data.mdb")) {
        return DATA;
    }
    if (is_named(event->path, "sentinel.new")) {
        if (recording.fresh == NO_FILE) {
            recording.fresh = recording.files++;
        }
        return recording.fresh;
    }
    return is_named(event->path, "sentinel") ? recording.sentinel : NO_FILE;
}

/* What is sure from `now` on: all that was written to `file`, or the names of all files. */
static void make_safe(size_t now, size_t file)
{
    for (size_t i = 0; i < now; i++) {
        struct moment *moment = &recording.moments[i];

        if (moment->written.safe_from == SIZE_MAX &&
            (moment->renamed ? file == NO_FILE : moment->written.file == file)) {
            moment->written.safe_from = now;
        }
    }
}

static void record_renaming(struct moment *moment)
{
    assert_true(recording.fresh != NO_FILE);
    moment->renamed = true;
    moment->written = (struct written){.file = recording.fresh, .safe_from = SIZE_MAX};
    recording.sentinel = recording.fresh;
    recording.fresh = NO_FILE;
}

static void record(void *context, const struct faultio_event *event)
{
    const struct dir *dir = context;
    size_t now = recording.count;
    struct moment *moment = &recording.moments[now];
    bool folder = strcmp(event->path, dir->path) == 0;
    size_t file = event->kind == FAULTIO_RENAMED || folder ? NO_FILE : file_of(event);

    if (file == NO_FILE && !folder && event->kind != FAULTIO_RENAMED) {
        return;
    }
    assert_true(now < EVENTS_MAX);
    *moment = (struct moment){.written = {.file = file, .offset = event->offset}};
    memcpy(moment->facts, recording.facts, sizeof(moment->facts));
    recording.count++;
    if (event->kind == FAULTIO_RENAMED) {
        record_renaming(moment);
        return;
    }
    if (event->kind == FAULTIO_SYNCED) {
        make_safe(now, file);
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

/* Write all of it, or some of its sectors, to the file called `name`. */
static void write_torn(const struct dir *dir, const char *name, const struct written *written,
                       bool torn, struct chance *chance)
{
    size_t done = 0;

    while (done < written->length) {
        uint64_t at = written->offset + done;
        size_t sector = (size_t)(SECTOR_BYTES - at % SECTOR_BYTES);
        size_t length = written->length - done < sector ? written->length - done : sector;

        if (!torn || chance_below(chance, 2) == 0) {
            dir_patch(dir, name, at, written->bytes + done, length);
        }
        done += length;
    }
}

/* How much the disk happened to write down by itself. */
enum mood {
    MOOD_NOTHING,
    MOOD_ALL,
    MOOD_SOME,
    MOOD_TORN,
    MOODS
};

static bool survives(const struct written *written, size_t now, enum mood mood,
                     struct chance *chance)
{
    return written->safe_from <= now || mood == MOOD_ALL ||
           (mood > MOOD_ALL && chance_below(chance, 2) == 0);
}

/* Write what the cut after event `now` has left of `file` over what lies under `name`. */
static void put_back(const struct dir *dir, const char *name, size_t file, size_t now,
                     enum mood mood, struct chance *chance)
{
    for (size_t i = 0; i <= now; i++) {
        const struct written *written = &recording.moments[i].written;

        if (written->bytes != NULL && written->file == file &&
            survives(written, now, mood, chance)) {
            write_torn(dir, name, written, mood == MOOD_TORN && written->safe_from > now, chance);
        }
    }
}

/* Which file is called `sentinel` after the cut. */
static size_t choose_sentinel(size_t now, enum mood mood, struct chance *chance)
{
    size_t file = SENTINEL;

    for (size_t i = 0; i <= now; i++) {
        const struct moment *moment = &recording.moments[i];

        if (moment->renamed && survives(&moment->written, now, mood, chance)) {
            file = moment->written.file;
        }
    }
    return file;
}

/* Put `dir` together as a cut right after event `now` may have left it. */
static void cut(const struct dir *base, const struct dir *dir, size_t now, struct chance *chance)
{
    enum mood mood = (enum mood)chance_below(chance, MOODS);
    size_t sentinel = choose_sentinel(now, mood, chance);

    dir_empty(dir);
    dir_copy(base, dir);
    put_back(dir, "data.mdb", DATA, now, mood, chance);
    if (sentinel != SENTINEL) {
        dir_write(dir, "sentinel", "", 0);
    }
    put_back(dir, "sentinel", sentinel, now, mood, chance);
    if (chance_below(chance, 2) == 0) { /* the next one, on its way */
        dir_write(dir, "sentinel.new", "", 0);
        put_back(dir, "sentinel.new", sentinel + 1, now, mood, chance);
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
    recording = (struct recording){.sentinel = SENTINEL, .fresh = NO_FILE, .files = SENTINEL + 1};
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
    faultio_observe(record, (void *)(uintptr_t)dir);
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
            assert_true(script_check(&script));
            states++;
        }
    }
    print_message("    %u states of the disk, %zu moments\n", states, recording.count);
    assert_true(recording.count > 40);
    assert_true(recording.files >= SENTINEL + 3); /* the start's and the stop's were made anew */
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
