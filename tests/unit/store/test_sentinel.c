/* The sentinel's slots, and the file that holds them. */
#include "base/crc32c.h"
#include "dir.h"

#include "store/bytes.h"
#include "store/sentinel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t instance[META_ID_SIZE] = "sixteen bytes ok";

/* A directory with a fresh sentinel in it, open. */
struct scene {
    struct dir dir;
    struct directory directory;
    struct sentinel sentinel;
    struct error_detail detail;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct sentinel_slot slot = {.state = SENTINEL_INITIALISING};

    assert_non_null(scene);
    scene->dir = dir_make();
    scene->sentinel.name = DIRECTORY_SENTINEL;
    assert_int_equal(directory_open(&scene->directory, scene->dir.path, &scene->detail), ERR_OK);
    memcpy(slot.instance, instance, sizeof(slot.instance));
    assert_int_equal(sentinel_create(&scene->sentinel, &scene->directory, &slot, &scene->detail),
                     ERR_OK);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    sentinel_close(&scene->sentinel);
    directory_close(&scene->directory);
    dir_remove(&scene->dir);
    free(scene);
    return 0;
}

static void write_counter(struct scene *scene, uint64_t counter)
{
    assert_int_equal(sentinel_write(&scene->sentinel, &scene->directory, SENTINEL_INITIALISED,
                                    counter, &scene->detail),
                     ERR_OK);
}

static enum error reopen(struct scene *scene)
{
    sentinel_close(&scene->sentinel);
    return sentinel_open(&scene->sentinel, &scene->directory, &scene->detail);
}

static struct sentinel_slot sample_slot(void)
{
    struct sentinel_slot slot = {.state = SENTINEL_INITIALISED,
                                 .counter = UINT64_C(0x0102030405060708),
                                 .data = {.inode = 12, .born_ns = UINT64_MAX},
                                 .self = {.inode = UINT64_MAX, .born_ns = 34}};

    memcpy(slot.instance, instance, sizeof(slot.instance));
    memcpy(slot.incarnation, "another sixteen ", sizeof(slot.incarnation));
    memcpy(slot.machine, "machine of ours!", sizeof(slot.machine));
    return slot;
}

static void test_sentinel_slot_comes_back_as_it_went(void **state)
{
    struct sentinel_slot slot = sample_slot();
    struct sentinel_slot back = {0};
    uint8_t bytes[SENTINEL_SLOT_SIZE];

    (void)state;
    sentinel_slot_encode(&slot, bytes);
    assert_int_equal(sentinel_slot_decode(bytes, &back, NULL), ERR_OK);
    assert_int_equal(back.state, slot.state);
    assert_true(back.counter == slot.counter);
    assert_true(back.data.inode == 12 && back.data.born_ns == UINT64_MAX);
    assert_true(back.self.inode == UINT64_MAX && back.self.born_ns == 34);
    assert_memory_equal(back.incarnation, slot.incarnation, sizeof(slot.incarnation));
    assert_memory_equal(back.machine, slot.machine, sizeof(slot.machine));
    assert_memory_equal(back.instance, slot.instance, sizeof(slot.instance));
}

/* docs/DISK-FORMAT.md has the same offsets. */
static void test_sentinel_slot_lies_as_documented(void **state)
{
    struct sentinel_slot slot = sample_slot();
    uint8_t bytes[SENTINEL_SLOT_SIZE];

    (void)state;
    sentinel_slot_encode(&slot, bytes);
    assert_memory_equal(bytes, "seqdsent", 8);
    assert_int_equal(bytes_get(bytes + 8, 4), 1);
    assert_int_equal(bytes_get(bytes + 12, 4), 2);
    assert_memory_equal(bytes + 16, instance, sizeof(instance));
    assert_true(bytes_get(bytes + 32, 8) == slot.counter);
    assert_memory_equal(bytes + 40, "another sixteen ", 16);
    assert_int_equal(bytes_get(bytes + 56, 8), 12);
    assert_true(bytes_get(bytes + 64, 8) == UINT64_MAX);
    assert_true(bytes_get(bytes + 72, 8) == UINT64_MAX);
    assert_int_equal(bytes_get(bytes + 80, 8), 34);
    assert_memory_equal(bytes + 88, "machine of ours!", 16);
    assert_true(bytes_are_zero(bytes + 104, 404));
    assert_int_equal(bytes_get(bytes + 508, 4), crc32c(0, bytes, 508));
}

static void test_sentinel_slot_with_any_bit_turned_is_refused(void **state)
{
    struct sentinel_slot slot = sample_slot();
    struct sentinel_slot back;
    uint8_t bytes[SENTINEL_SLOT_SIZE];

    (void)state;
    sentinel_slot_encode(&slot, bytes);
    for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ (1U << bit % 8));
        assert_int_equal(sentinel_slot_decode(bytes, &back, NULL), ERR_CORRUPT);
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ (1U << bit % 8));
    }
}

static void test_sentinel_slot_of_zeros_is_refused(void **state)
{
    uint8_t bytes[SENTINEL_SLOT_SIZE] = {0};
    struct sentinel_slot back;

    (void)state;
    assert_int_equal(sentinel_slot_decode(bytes, &back, NULL), ERR_CORRUPT);
}

static void test_sentinel_of_a_newer_format_is_fenced_and_named(void **state)
{
    struct scene *scene = *state;
    uint8_t bytes[SENTINEL_SLOT_SIZE] = "seqdsent\x09";

    bytes_put(bytes + 508, crc32c(0, bytes, 508), 4);
    dir_patch(&scene->dir, DIRECTORY_SENTINEL, SENTINEL_SLOT_STRIDE, bytes, sizeof(bytes));
    assert_int_equal(reopen(scene), ERR_FENCED);
    assert_non_null(strstr(scene->detail.text, "format 9"));
}

static void test_sentinel_new_says_initialising(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(reopen(scene), ERR_OK);
    assert_int_equal(scene->sentinel.slot.state, SENTINEL_INITIALISING);
    assert_int_equal(scene->sentinel.slot.counter, 0);
    assert_memory_equal(scene->sentinel.slot.instance, instance, sizeof(instance));
    assert_int_equal(dir_file_size(&scene->dir, DIRECTORY_SENTINEL), SENTINEL_SIZE);
    assert_false(dir_has(&scene->dir, DIRECTORY_SENTINEL_NEW));
}

static void test_sentinel_remembers_the_last_write(void **state)
{
    struct scene *scene = *state;

    for (uint64_t counter = 1; counter < 8; counter++) {
        write_counter(scene, counter);
        assert_int_equal(reopen(scene), ERR_OK);
        assert_int_equal(scene->sentinel.slot.counter, counter);
        assert_int_equal(scene->sentinel.slot.state, SENTINEL_INITIALISED);
    }
}

/* Whichever part of a write a crash leaves, the slot before it stands. */
static void test_sentinel_survives_a_torn_write(void **state)
{
    struct scene *scene = *state;
    uint8_t rubbish[SENTINEL_SLOT_STRIDE];

    memset(rubbish, 0x55, sizeof(rubbish));
    for (uint64_t counter = 1; counter < 6; counter++) {
        unsigned place;

        write_counter(scene, counter);
        place = (scene->sentinel.place + 1) % SENTINEL_SLOTS;
        dir_patch(&scene->dir, DIRECTORY_SENTINEL, place * SENTINEL_SLOT_STRIDE, rubbish,
                  sizeof(rubbish));
        assert_int_equal(reopen(scene), ERR_OK);
        assert_int_equal(scene->sentinel.slot.counter, counter);
    }
}

/* A write that failed half-way must not be followed by one over the last good slot. */
static void test_sentinel_never_writes_over_its_newest_slot(void **state)
{
    struct scene *scene = *state;

    for (uint64_t counter = 1; counter < 6; counter++) {
        unsigned newest = scene->sentinel.place;
        size_t length;
        uint8_t *before = dir_read(&scene->dir, DIRECTORY_SENTINEL, &length);
        uint8_t *after;

        write_counter(scene, 2 * counter); /* of one parity */
        after = dir_read(&scene->dir, DIRECTORY_SENTINEL, &length);
        assert_memory_equal(before + newest * SENTINEL_SLOT_STRIDE,
                            after + newest * SENTINEL_SLOT_STRIDE, SENTINEL_SLOT_SIZE);
        free(before);
        free(after);
    }
}

static void test_sentinel_without_a_whole_slot_is_refused(void **state)
{
    struct scene *scene = *state;

    write_counter(scene, 1);
    dir_flip(&scene->dir, DIRECTORY_SENTINEL, 33, 1);
    dir_flip(&scene->dir, DIRECTORY_SENTINEL, SENTINEL_SLOT_STRIDE + 33, 1);
    assert_int_equal(reopen(scene), ERR_CORRUPT);
    assert_non_null(strstr(scene->detail.text, scene->dir.path));
}

static void test_sentinel_that_was_emptied_is_refused(void **state)
{
    struct scene *scene = *state;

    write_counter(scene, 1);
    dir_truncate(&scene->dir, DIRECTORY_SENTINEL, 0);
    assert_int_equal(reopen(scene), ERR_CORRUPT);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentinel_slot_comes_back_as_it_went),
        cmocka_unit_test(test_sentinel_slot_lies_as_documented),
        cmocka_unit_test(test_sentinel_slot_with_any_bit_turned_is_refused),
        cmocka_unit_test(test_sentinel_slot_of_zeros_is_refused),
        CASE(test_sentinel_of_a_newer_format_is_fenced_and_named),
        CASE(test_sentinel_new_says_initialising),
        CASE(test_sentinel_remembers_the_last_write),
        CASE(test_sentinel_survives_a_torn_write),
        CASE(test_sentinel_never_writes_over_its_newest_slot),
        CASE(test_sentinel_without_a_whole_slot_is_refused),
        CASE(test_sentinel_that_was_emptied_is_refused),
    };

    return cmocka_run_group_tests_name("sentinel", tests, NULL, NULL);
}
