/* The registry whose sequences come and go: the list in order, page by page, and what is left of
 * those that went. */
#include "registry_stage.h"

#include "chance.h"

#include "core/change.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct change change_in(struct house *house)
{
    return (struct change){.registry = house->registry, .store = house->store};
}

static struct sequence *create(struct house *house, const char *name)
{
    struct change change = change_in(house);
    struct definition definition = definition_default();
    struct sequence *sequence = NULL;
    assert_int_equal(change_create(&change, name, &definition, &sequence), ERR_OK);
    assert_ptr_equal(house_find(house, name), sequence);
    return sequence;
}

static void drop(struct house *house, const char *name)
{
    struct change change = change_in(house);
    struct floor floor;
    assert_int_equal(change_drop(&change, house_find(house, name), &floor), ERR_OK);
    assert_null(registry_find(house->registry, name, strlen(name)));
}

/* ---- pages ---- */

struct page {
    char names[2 * REGISTRY_LIST_MAX][8];
    size_t count;
};

static void keep_name(void *context, struct sequence *sequence)
{
    struct page *page = context;
    assert_true(strlen(sequence_name(sequence)) < sizeof page->names[0]);
    memcpy(page->names[page->count++], sequence_name(sequence),
           strlen(sequence_name(sequence)) + 1);
}

static bool list(struct house *house, const char *prefix, const char *after, size_t limit,
                 struct page *ret_page)
{
    ret_page->count = 0;
    return registry_list(house->registry, prefix, after, limit, keep_name, ret_page);
}

static void test_registry_lists_nothing_when_empty(void **state)
{
    struct house *house = *state;
    struct page page;
    assert_false(list(house, NULL, NULL, 10, &page));
    assert_false(list(house, "a", "b", 0, &page));
    assert_int_equal(page.count, 0);
}

static void test_registry_lists_in_the_order_of_bytes(void **state)
{
    struct house *house = *state;
    static const char *const names[] = {"b", "a.", "Z", "a", "a-b", "0", "ab", "a0"};
    static const char *const sorted[] = {"0", "Z", "a", "a-b", "a.", "a0", "ab", "b"};
    struct page page;
    for (size_t i = 0; i < 8; i++) {
        create(house, names[i]);
    }
    assert_false(list(house, NULL, NULL, 100, &page));
    assert_int_equal(page.count, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(page.names[i], sorted[i]);
    }
    assert_true(list(house, "a", NULL, 4, &page));
    assert_string_equal(page.names[3], "a0");
    assert_false(list(house, "a", "a0", 4, &page));
    assert_int_equal(page.count, 1);
    assert_string_equal(page.names[0], "ab");
    assert_false(list(house, "a", "Y", 100, &page)); /* before all that begin so */
    assert_int_equal(page.count, 5);
    assert_false(list(house, "a", "b", 100, &page)); /* behind them */
    assert_int_equal(page.count, 0);
    assert_false(list(house, NULL, "a/", 100, &page)); /* a name that is none */
    assert_int_equal(page.count, 3);
    assert_true(list(house, "a", NULL, 0, &page));
    assert_int_equal(page.count, 0);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void random_name(struct chance *chance, char name[8])
{
    size_t length = 1 + chance_below(chance, 4);
    for (size_t i = 0; i < length; i++) {
        name[i] = "abB-"[chance_below(chance, i == 0 ? 3 : 4)];
    }
    name[length] = '\0';
}

/* What the list has to say: the names in order, filtered by the words of the contract. */
static size_t expect(char (*names)[8], size_t count, const char *prefix, const char *after,
                     size_t limit, struct page *ret_page)
{
    size_t matching = 0;
    ret_page->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(names[i], prefix, strlen(prefix)) == 0 && strcmp(names[i], after) > 0) {
            if (matching++ < limit) {
                memcpy(ret_page->names[ret_page->count++], names[i], sizeof names[i]);
            }
        }
    }
    return matching;
}

static void test_registry_lists_every_page_right(void **state)
{
    struct house *house = *state;
    struct chance chance = chance_from(chance_seed());
    static char names[400][8];
    size_t count = 0;
    struct page page;
    struct page expected;
    for (unsigned round = 0; round < 1500; round++) {
        char name[8];
        char prefix[8] = "";
        char after[8] = "";
        random_name(&chance, name);
        if (registry_find(house->registry, name, strlen(name)) == NULL) {
            create(house, name);
            memcpy(names[count++], name, sizeof name);
        } else if (chance_below(&chance, 2) == 0) {
            char *found = bsearch(name, names, count, sizeof names[0], compare);
            drop(house, name);
            memmove(found, names[--count], sizeof names[0]);
        }
        qsort(names, count, sizeof names[0], compare);
        if (chance_below(&chance, 2) == 0) {
            random_name(&chance, prefix);
        }
        if (chance_below(&chance, 2) == 0) {
            random_name(&chance, after);
        }
        size_t limit = chance_below(&chance, 12);
        size_t matching = expect(names, count, prefix, after, limit, &expected);
        assert_int_equal(list(house, prefix, after, limit, &page), matching > limit);
        assert_int_equal(page.count, expected.count);
        for (size_t i = 0; i < page.count; i++) {
            assert_string_equal(page.names[i], expected.names[i]);
        }
    }
}

static void test_registry_lists_no_page_above_the_limit(void **state)
{
    struct house *house = *state;
    struct page page;
    registry_stage_declare_many(house, REGISTRY_LIST_MAX + 1);
    assert_true(list(house, NULL, NULL, SIZE_MAX, &page));
    assert_int_equal(page.count, REGISTRY_LIST_MAX);
    assert_false(list(house, NULL, page.names[page.count - 1], SIZE_MAX, &page));
    assert_int_equal(page.count, 1);
}

/* Retired by the keeper alone, which does not know of the list. */
static void test_registry_lists_nothing_that_is_retired(void **state)
{
    struct house *house = *state;
    struct page page;
    create(house, "a");
    sequence_retire(create(house, "b"), ERR_NOT_FOUND);
    create(house, "c");
    sequence_retire(create(house, "d"), ERR_NOT_FOUND);
    assert_false(list(house, NULL, NULL, 2, &page));
    assert_int_equal(page.count, 2);
    assert_string_equal(page.names[1], "c");
    assert_true(list(house, NULL, NULL, 1, &page));
    create(house, "b");
    assert_false(list(house, NULL, NULL, 10, &page));
    assert_int_equal(page.count, 3);
    assert_string_equal(page.names[1], "b");
}

/* ---- those that went ---- */

static void test_registry_finds_the_one_that_has_the_name_now(void **state)
{
    struct house *house = *state;
    struct sequence *first = create(house, "a");
    struct block block;
    drop(house, "a");
    struct sequence *second = create(house, "a");
    assert_ptr_not_equal(first, second);
    assert_true(sequence_is_retired(first));
    assert_false(sequence_is_retired(second));
    assert_string_equal(sequence_name(first), "a"); /* still there for those who hold it */
    assert_int_equal(sequence_take(first, 1, &block), ERR_NOT_FOUND);
    assert_int_equal(sequence_take(second, 1, &block), ERR_PENDING);
}

/* The configuration still lists what was dropped: the next reload or start has it again. */
static void test_registry_declare_creates_a_dropped_one_beyond_its_floor(void **state)
{
    struct house *house = *state;
    struct change change = change_in(house);
    struct sequence_status status;
    struct error_detail detail = {""};
    struct definition definition = definition_default();
    assert_int_equal(change_forward(&change, create(house, "a"), 50), ERR_OK);
    drop(house, "a");
    house_declare(house, "a", definition);
    sequence_describe(house_find(house, "a"), &status);
    assert_int_equal(status.next, 50);
    drop(house, "a");
    registry_stage_stop(house);
    assert_int_equal(registry_stage_open_again(house, NULL), ERR_OK);
    assert_null(registry_find(house->registry, "a", 1));
    definition.max = 50;
    assert_int_equal(registry_declare(house->registry, house->store, "a", &definition, &detail),
                     ERR_EXHAUSTED);
    assert_non_null(strstr(detail.text, "1 to 50"));
    assert_null(registry_find(house->registry, "a", 1));
    definition.max = 51;
    house_declare(house, "a", definition);
    sequence_describe(house_find(house, "a"), &status);
    assert_int_equal(status.next, 50);
}

/* Names that were dropped stand in the way of no other, however often the table is made anew. */
static void test_registry_finds_all_that_are_left(void **state)
{
    struct house *house = *state;
    enum {
        NAMES = 3000
    };
    char name[STAGE_NAME_SIZE];
    for (unsigned i = 0; i < NAMES; i++) {
        create(house, registry_stage_name(name, i));
        if (i % 3 != 0) {
            drop(house, name);
            create(house, name);
            drop(house, name);
        }
    }
    for (unsigned i = 0; i < NAMES; i++) {
        registry_stage_name(name, i);
        assert_int_equal(registry_find(house->registry, name, strlen(name)) != NULL, i % 3 == 0);
    }
}

static void count_visit(void *context, struct sequence *sequence)
{
    assert_false(sequence_is_retired(sequence));
    ++*(unsigned *)context;
}

static void test_registry_each_visits_none_that_is_retired(void **state)
{
    struct house *house = *state;
    unsigned count = 0;
    create(house, "a");
    create(house, "b");
    create(house, "c");
    drop(house, "b");
    registry_each(house->registry, count_visit, &count);
    assert_int_equal(count, 2);
}

static void test_registry_settles_nothing_of_the_retired(void **state)
{
    struct house *house = *state;
    struct block block;
    create(house, "a");
    house_start(house);
    assert_int_equal(house_must_take(house_find(house, "a"), 5), 1);
    struct sequence *old = house_find(house, "a");
    registry_stage_stop(house);
    drop(house, "a");
    registry_close(house->registry);
    assert_int_equal(registry_settle(house->registry, house->store, NULL), ERR_OK);
    assert_int_equal(sequence_take(old, 1, &block), ERR_NOT_FOUND); /* not only closed */
}

/* They stay in memory for those who hold them, so there is a limit; what is there works on. */
static void test_registry_keeps_no_more_retired_than_the_limit(void **state)
{
    struct house *house = *state;
    struct error_detail detail = {""};
    struct change change = change_in(house);
    struct definition definition = definition_default();
    struct sequence *sequence = NULL;
    struct floor floor;
    change.detail = &detail;
    for (unsigned i = 0; i < REGISTRY_RETIRED_MAX; i++) {
        create(house, "a");
        drop(house, "a");
    }
    uint64_t commits = store_memory_commits(house->disk);
    assert_int_equal(change_create(&change, "a", &definition, &sequence), ERR_UNAVAILABLE);
    assert_non_null(strstr(detail.text, "restart"));
    assert_int_equal(change.failure, ERR_OK); /* the store has nothing to do with it */
    assert_int_equal(store_memory_commits(house->disk), commits);
    registry_stage_stop(house);
    assert_int_equal(registry_stage_open_again(house, NULL), ERR_OK);
    sequence = create(house, "a");
    change = change_in(house);
    assert_int_equal(change_forward(&change, sequence, 50), ERR_OK);
    assert_int_equal(change_backward(&change, sequence, 5, &sequence, &floor), ERR_OK);
}

/* ---- lists while sequences come and go ---- */

struct reader {
    struct house *house;
    _Atomic bool over;
    unsigned wrong;
};

struct watch {
    char last[STAGE_NAME_SIZE];
    unsigned stable;
    unsigned wrong;
};

static void watch_order(void *context, struct sequence *sequence)
{
    struct watch *watch = context;
    const char *name = sequence_name(sequence);
    watch->wrong += strcmp(watch->last, name) < 0 ? 0 : 1;
    watch->stable += name[0] == 's' ? 1 : 0;
    snprintf(watch->last, sizeof watch->last, "%s", name);
}

#define STABLE 100

static void *read_lists(void *argument)
{
    struct reader *reader = argument;
    /* order: relaxed. One round more or less. */
    while (!atomic_load_explicit(&reader->over, memory_order_relaxed)) {
        struct watch watch = {.last = ""};
        char after[STAGE_NAME_SIZE] = "";
        while (registry_list(reader->house->registry, NULL, after, 7, watch_order, &watch)) {
            memcpy(after, watch.last, sizeof after);
        }
        reader->wrong += watch.wrong + (watch.stable == STABLE ? 0 : 1);
    }
    return NULL;
}

static void test_registry_lists_what_stays_while_others_come_and_go(void **state)
{
    struct house *house = *state;
    struct reader reader = {.house = house};
    pthread_t thread;
    char name[STAGE_NAME_SIZE];
    registry_stage_declare_many(house, STABLE);
    assert_int_equal(pthread_create(&thread, NULL, read_lists, &reader), 0);
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "%c%u", "atz"[i % 3], i % 57);
        if (registry_find(house->registry, name, strlen(name)) == NULL) {
            create(house, name);
        } else {
            drop(house, name);
        }
    }
    /* order: relaxed, as above. */
    atomic_store_explicit(&reader.over, true, memory_order_relaxed);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(reader.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_registry_lists_nothing_when_empty),
        house_test(test_registry_lists_in_the_order_of_bytes),
        house_test(test_registry_lists_every_page_right),
        house_test(test_registry_lists_no_page_above_the_limit),
        house_test(test_registry_lists_nothing_that_is_retired),
        house_test(test_registry_finds_the_one_that_has_the_name_now),
        house_test(test_registry_declare_creates_a_dropped_one_beyond_its_floor),
        house_test(test_registry_finds_all_that_are_left),
        house_test(test_registry_each_visits_none_that_is_retired),
        house_test(test_registry_settles_nothing_of_the_retired),
        house_test(test_registry_keeps_no_more_retired_than_the_limit),
        house_test(test_registry_lists_what_stays_while_others_come_and_go),
    };
    return cmocka_run_group_tests_name("registry_list", tests, NULL, NULL);
}
