#include "damage_inside.h"

#include "store/directory.h"
#include "store/record.h"
#include "store/sentinel.h"
#include "store/store_lmdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define WITNESS "witness"
#define PAGE_BYTES 4096
#define HEAD_BYTES 168 /* of LMDB's meta page: its head and what it says of the tables */

const char *const damage_names[DAMAGE_SEQUENCES] = {"orders", "invoices"};
static const char *const kind_names[DAMAGE_KINDS] = {
    [DAMAGE_RECORD] = "record",
    [DAMAGE_RECORD_TWICE] = "both records",
    [DAMAGE_META] = "meta record",
    [DAMAGE_META_TWICE] = "both meta records",
    [DAMAGE_SLOT] = "slot",
    [DAMAGE_SLOT_TWICE] = "both slots",
    [DAMAGE_HEAD] = "LMDB's head",
    [DAMAGE_PAGE] = "page",
    [DAMAGE_CUT] = "cut",
    [DAMAGE_SENTINEL_CUT] = "cut sentinel",
    [DAMAGE_STATE] = "states of the files",
    [DAMAGE_RUNNING] = "while running",
};

/* What may have become of each of the three files. */
enum state {
    STATE_SAME,
    STATE_MISSING,
    STATE_EMPTY,
    STATE_OLDER,
    STATE_OTHER, /* another data set's */
    STATE_RUBBISH,
    STATE_HALF,
    STATES
};

#define FILES 3

static const char *const files[FILES] = {DIRECTORY_DATA, DIRECTORY_SENTINEL, DIRECTORY_LOCK};

const char *damage_name(enum damage_kind kind)
{
    return kind_names[kind];
}

enum error damage_start(const struct dir *dir, const struct dir *witness, struct store **ret_store,
                        struct error_detail *detail)
{
    /* That files were put back in others' place is not what shall be noticed here. */
    struct store_lmdb_options options = {.directory = dir->path,
                                         .map_size_bytes = STORE_LMDB_MAP_SIZE_MIN,
                                         .witness = witness == NULL ? NULL : witness->path,
                                         .any_filesystem = true,
                                         .identity = STORE_LMDB_IDENTITY_NONE};

    return store_lmdb_open(&options, ret_store, detail);
}

/* One life of a data set; `limits` NULL: nobody remembers what is granted. */
static uint64_t live(const struct dir *dir, const struct dir *witness, uint64_t *limits)
{
    struct error_detail detail = {.text = ""};
    struct store_request request = {.generation = 0};
    struct definition definition = definition_default();
    struct store_entry entry;
    struct store *store = NULL;

    if (damage_start(dir, witness, &store, &detail) != ERR_OK) {
        fail_msg("open: %s", detail.text);
    }
    for (size_t i = DAMAGE_SEQUENCES; i > 0; i--) {
        assert_int_equal(store_define(store, damage_names[i - 1], &definition, &entry, &detail),
                         ERR_OK);
        for (unsigned round = 0; round < 4; round++) {
            request = (struct store_request){.name = damage_names[i - 1], .count = DAMAGE_COUNT};
            assert_int_equal(store_reserve(store, &request, 1, &detail), ERR_OK);
        }
        if (limits != NULL) {
            limits[i - 1] = request.lease.limit;
        }
    }
    store_close(store);
    return request.generation;
}

void damage_open(struct damage_scene *scene)
{
    struct dir witness;

    *scene = (struct damage_scene){.good = dir_make(),
                                   .older = dir_make(),
                                   .other = dir_make(),
                                   .elsewhere = dir_make(),
                                   .aside = dir_make()};
    witness = dir_entry(&scene->elsewhere, WITNESS);
    live(&scene->good, &witness, NULL);
    dir_copy(&scene->good, &scene->older);
    scene->generation = live(&scene->good, &witness, scene->limits);
    dir_copy_file(&scene->elsewhere, WITNESS, &scene->aside, WITNESS);
    live(&scene->other, NULL, NULL);
}

struct dir damage_put_witness(const struct damage_scene *scene, const struct dir *elsewhere)
{
    dir_copy_file(&scene->aside, WITNESS, elsewhere, WITNESS);
    return dir_entry(elsewhere, WITNESS);
}

void damage_close(struct damage_scene *scene)
{
    dir_remove(&scene->good);
    dir_remove(&scene->older);
    dir_remove(&scene->other);
    dir_remove(&scene->elsewhere);
    dir_remove(&scene->aside);
}

/* --- The list -------------------------------------------------------------------------------- */

struct list {
    struct damage *damages;
    size_t count;
    size_t room;
};

static void add(struct list *list, struct damage damage)
{
    assert_true(list->count < list->room);
    list->damages[list->count++] = damage;
}

/* Each byte of each of two copies, and of both at once. */
static void add_bytes(struct list *list, enum damage_kind once, enum damage_kind twice,
                      uint64_t size)
{
    for (uint64_t place = 0; place < size; place++) {
        for (unsigned copy = 0; copy < 2; copy++) {
            add(list, (struct damage){once, copy, place, false, DAMAGE_WELL});
        }
        add(list, (struct damage){twice, 0, place, false, DAMAGE_REFUSED});
    }
}

static void add_pages(struct list *list, const struct damage_scene *scene)
{
    size_t length = (size_t)dir_file_size(&scene->good, DIRECTORY_DATA);

    for (unsigned page = 0; page < 2; page++) {
        for (uint64_t place = 0; place < HEAD_BYTES; place++) {
            add(list, (struct damage){DAMAGE_HEAD, page, place, false, DAMAGE_ANYTHING});
        }
    }
    for (uint64_t page = 0; page < 24; page++) {
        add(list, (struct damage){DAMAGE_PAGE, 0, page, false, DAMAGE_ANYTHING});
    }
    for (uint64_t at = 0; at < length; at += length / 16) {
        add(list, (struct damage){DAMAGE_CUT, 0, at, false, DAMAGE_REFUSED});
        add(list, (struct damage){DAMAGE_CUT, 0, at + 1, false, DAMAGE_REFUSED});
        add(list, (struct damage){DAMAGE_CUT, 0, at + PAGE_BYTES - 1, false, DAMAGE_REFUSED});
    }
    for (uint64_t at = 0; at < SENTINEL_SIZE; at += SENTINEL_SLOT_SIZE / 2) {
        add(list, (struct damage){DAMAGE_SENTINEL_CUT, 0, at, false,
                                  at < SENTINEL_SLOT_SIZE ? DAMAGE_REFUSED : DAMAGE_WELL});
    }
}

static enum state state_of(unsigned what, size_t file)
{
    for (size_t i = 0; i < file; i++) {
        what /= STATES;
    }
    return (enum state)(what % STATES);
}

/* May these files together be what somebody put back whole, which only a witness tells? */
static bool is_hidden(enum state data, enum state sentinel, enum state lock)
{
    return data == sentinel && (data == STATE_OLDER || data == STATE_OTHER ||
                                (data == STATE_MISSING && lock == STATE_MISSING));
}

static enum damage_verdict expected_of(enum state data, enum state sentinel)
{
    /* An older sentinel has seen fewer commits; a cut one has its first slot. */
    return data == STATE_SAME &&
                   (sentinel == STATE_SAME || sentinel == STATE_OLDER || sentinel == STATE_HALF)
               ? DAMAGE_WELL
               : DAMAGE_REFUSED;
}

static void add_states(struct list *list)
{
    for (unsigned what = 0; what < STATES * STATES * STATES; what++) {
        enum state data = state_of(what, 0);
        enum state sentinel = state_of(what, 1);
        enum damage_verdict expected = expected_of(data, sentinel);

        /* LMDB's lock table is its own, and a broken one may be refused. */
        if (expected == DAMAGE_WELL && state_of(what, 2) >= STATE_RUBBISH) {
            expected = DAMAGE_EITHER;
        }
        add(list, (struct damage){DAMAGE_STATE, what, 0, true, expected});
        if (!is_hidden(data, sentinel, state_of(what, 2))) {
            add(list, (struct damage){DAMAGE_STATE, what, 0, false, expected});
        }
    }
}

size_t damage_list(const struct damage_scene *scene, struct damage *ret_list, size_t room)
{
    struct list list = {.damages = ret_list, .room = room};

    add_bytes(&list, DAMAGE_RECORD, DAMAGE_RECORD_TWICE, RECORD_SIZE);
    add_bytes(&list, DAMAGE_META, DAMAGE_META_TWICE, META_SIZE);
    add_bytes(&list, DAMAGE_SLOT, DAMAGE_SLOT_TWICE, SENTINEL_SLOT_SIZE);
    add_pages(&list, scene);
    add_states(&list);
    for (unsigned what = 0; what < HAPPENINGS; what++) {
        add(&list,
            (struct damage){DAMAGE_RUNNING, what, 0, false, damage_happening_expected(what)});
    }
    return list.count;
}

/* --- Doing it -------------------------------------------------------------------------------- */

/* Where the two live copies of something that begins with `bytes` stand. */
static void find_twice(const struct dir *dir, const uint8_t *bytes, size_t length,
                       uint64_t ret_places[2])
{
    ret_places[0] = dir_find(dir, DIRECTORY_DATA, 0, bytes, length);
    assert_true(ret_places[0] != UINT64_MAX);
    ret_places[1] = dir_find(dir, DIRECTORY_DATA, ret_places[0] + 1, bytes, length);
    assert_true(ret_places[1] != UINT64_MAX);
    assert_true(dir_find(dir, DIRECTORY_DATA, ret_places[1] + 1, bytes, length) == UINT64_MAX);
}

static void find_record(const struct damage_scene *scene, uint64_t ret_places[2])
{
    struct record record = {.definition = definition_default(),
                            .mark = scene->limits[0],
                            .generation = scene->generation};
    uint8_t bytes[RECORD_SIZE];

    record_encode(&record, damage_names[0], bytes);
    find_twice(&scene->good, bytes, sizeof(bytes), ret_places);
}

/* The newest meta record: the one with the highest counter. */
static void find_meta(const struct damage_scene *scene, uint64_t ret_places[2])
{
    static const uint8_t magic[] = "seqdmeta";
    uint8_t newest[META_SIZE] = {0};
    uint64_t counter = 0;
    uint64_t at = 0;
    size_t length;
    uint8_t *all = dir_read(&scene->good, DIRECTORY_DATA, &length);

    while ((at = dir_find(&scene->good, DIRECTORY_DATA, at, magic, 8)) != UINT64_MAX) {
        struct meta meta = {.counter = 0};

        if (meta_decode(all + at, META_SIZE, &meta, NULL) == ERR_OK && meta.counter > counter) {
            counter = meta.counter;
            memcpy(newest, all + at, META_SIZE);
        }
        at++;
    }
    free(all);
    find_twice(&scene->good, newest, META_SIZE, ret_places);
}

/* One bit of the byte, another one from byte to byte. */
static void flip(const struct dir *work, const char *name, const uint64_t places[2], unsigned what,
                 bool both, uint64_t place)
{
    uint8_t mask = (uint8_t)(1U << (place % 8));

    for (unsigned copy = 0; copy < 2; copy++) {
        if (both || copy == what) {
            dir_flip(work, name, places[copy] + place, mask);
        }
    }
}

static void set_state(const struct damage_scene *scene, const struct dir *work, const char *name,
                      enum state state)
{
    static const uint8_t rubbish[64] = "this is no file of seqd's";

    switch (state) {
    case STATE_SAME:
    case STATES:
        break;
    case STATE_MISSING:
        dir_delete(work, name);
        break;
    case STATE_EMPTY:
        dir_truncate(work, name, 0);
        break;
    case STATE_OLDER:
        dir_copy_file(&scene->older, name, work, name);
        break;
    case STATE_OTHER:
        dir_copy_file(&scene->other, name, work, name);
        break;
    case STATE_RUBBISH:
        dir_write(work, name, rubbish, sizeof(rubbish));
        dir_truncate(work, name, dir_file_size(&scene->good, name));
        break;
    case STATE_HALF:
        dir_truncate(work, name, dir_file_size(&scene->good, name) / 2);
        break;
    }
}

void damage_do(const struct damage_scene *scene, const struct damage *damage,
               const struct dir *work)
{
    static const uint8_t zeros[PAGE_BYTES];
    uint64_t places[2] = {0, SENTINEL_SLOT_STRIDE}; /* of slots, and of LMDB's meta pages */

    dir_copy(&scene->good, work);
    switch (damage->kind) {
    case DAMAGE_RECORD:
    case DAMAGE_RECORD_TWICE:
        find_record(scene, places);
        flip(work, DIRECTORY_DATA, places, damage->what, damage->kind == DAMAGE_RECORD_TWICE,
             damage->place);
        break;
    case DAMAGE_META:
    case DAMAGE_META_TWICE:
        find_meta(scene, places);
        flip(work, DIRECTORY_DATA, places, damage->what, damage->kind == DAMAGE_META_TWICE,
             damage->place);
        break;
    case DAMAGE_SLOT:
    case DAMAGE_SLOT_TWICE:
        flip(work, DIRECTORY_SENTINEL, places, damage->what, damage->kind == DAMAGE_SLOT_TWICE,
             damage->place);
        break;
    case DAMAGE_HEAD:
        flip(work, DIRECTORY_DATA, places, damage->what, false, damage->place);
        break;
    case DAMAGE_PAGE:
        dir_patch(work, DIRECTORY_DATA, damage->place * PAGE_BYTES, zeros, PAGE_BYTES);
        break;
    case DAMAGE_CUT:
        dir_truncate(work, DIRECTORY_DATA, damage->place);
        break;
    case DAMAGE_SENTINEL_CUT:
        dir_truncate(work, DIRECTORY_SENTINEL, damage->place);
        break;
    case DAMAGE_STATE:
        for (size_t file = 0; file < FILES; file++) {
            set_state(scene, work, files[file], state_of(damage->what, file));
        }
        break;
    case DAMAGE_RUNNING:
    case DAMAGE_KINDS:
        break;
    }
}
