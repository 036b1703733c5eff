/* No memory, no lock, no thread: each call of the core that can be refused one is refused it. What
 * was begun is undone, what was there stays as it was, and what is asked for again is had. */
#include "admin_stage.h"
#include "registry_stage.h"

#include "base/range.h"
#include "core/sequence.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The call that is refused: the `nth` of `function` from now on. Set while no other thread runs, or
 * before an errand is handed to the one that meets it. */
static struct {
    const char *function;
    unsigned nth;
} refusal;

/* Locks, conditions and attributes that were made and not undone. */
static int standing;

static void refuse(const char *function, unsigned nth)
{
    refusal.function = function;
    refusal.nth = nth;
}

/* Everything is to be had again; the call that was to be refused must have come. */
static void refuse_no_more(void)
{
    assert_int_equal(refusal.nth, 0);
    refusal.function = NULL;
}

static bool is_refused(const char *function)
{
    return refusal.function != NULL && strcmp(refusal.function, function) == 0 && refusal.nth > 0 &&
           --refusal.nth == 0;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
int __real_pthread_mutex_init(pthread_mutex_t *lock, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_init(pthread_mutex_t *lock, const pthread_mutexattr_t *attributes);
int __real_pthread_mutex_destroy(pthread_mutex_t *lock);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *lock);
int __real_pthread_condattr_init(pthread_condattr_t *attributes);
int __wrap_pthread_condattr_init(pthread_condattr_t *attributes);
int __real_pthread_condattr_destroy(pthread_condattr_t *attributes);
int __wrap_pthread_condattr_destroy(pthread_condattr_t *attributes);
int __real_pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock);
int __wrap_pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock);
int __real_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int __real_pthread_cond_destroy(pthread_cond_t *condition);
int __wrap_pthread_cond_destroy(pthread_cond_t *condition);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *argument), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *argument), void *argument);
FILE *__real_open_memstream(char **text, size_t *length);
FILE *__wrap_open_memstream(char **text, size_t *length);
int __real_ferror(FILE *stream);
int __wrap_ferror(FILE *stream);
int __real_fclose(FILE *stream);
int __wrap_fclose(FILE *stream);

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused("calloc") ? NULL : __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return is_refused("aligned_alloc") ? NULL : __real_aligned_alloc(alignment, size);
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
    return is_refused("reallocarray") ? NULL : __real_reallocarray(memory, count, size);
}

/* Count what was made by `status`, and pass it on. */
static int made(int status)
{
    standing += status == 0 ? 1 : 0;
    return status;
}

static int undone(int status)
{
    standing--;
    return status;
}

int __wrap_pthread_mutex_init(pthread_mutex_t *lock, const pthread_mutexattr_t *attributes)
{
    return is_refused("mutex") ? ENOMEM : made(__real_pthread_mutex_init(lock, attributes));
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *lock)
{
    return undone(__real_pthread_mutex_destroy(lock));
}

int __wrap_pthread_condattr_init(pthread_condattr_t *attributes)
{
    return is_refused("condattr") ? ENOMEM : made(__real_pthread_condattr_init(attributes));
}

int __wrap_pthread_condattr_destroy(pthread_condattr_t *attributes)
{
    return undone(__real_pthread_condattr_destroy(attributes));
}

int __wrap_pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock)
{
    return is_refused("setclock") ? EINVAL : __real_pthread_condattr_setclock(attributes, clock);
}

int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
    return is_refused("cond") ? ENOMEM : made(__real_pthread_cond_init(condition, attributes));
}

int __wrap_pthread_cond_destroy(pthread_cond_t *condition)
{
    return undone(__real_pthread_cond_destroy(condition));
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *argument), void *argument)
{
    return is_refused("thread") ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}

FILE *__wrap_open_memstream(char **text, size_t *length)
{
    return is_refused("memstream") ? NULL : __real_open_memstream(text, length);
}

int __wrap_ferror(FILE *stream)
{
    return is_refused("ferror") ? 1 : __real_ferror(stream);
}

int __wrap_fclose(FILE *stream)
{
    int status = __real_fclose(stream);
    return is_refused("fclose") ? EOF : status;
}

static void test_bell_without_memory_leaves_nothing(void **state)
{
    (void)state;
    static const char *const functions[] = {"mutex", "condattr", "setclock", "cond"};
    struct bell bell;
    int before = standing;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        refuse(functions[i], 1);
        assert_int_equal(bell_init(&bell), ERR_NO_MEMORY);
        refuse_no_more();
        assert_int_equal(standing, before);
    }
    assert_int_equal(bell_init(&bell), ERR_OK);
    bell_fini(&bell);
    assert_int_equal(standing, before);
}

static void test_timekeeper_without_a_lock_says_so(void **state)
{
    (void)state;
    struct timekeeper timekeeper;
    refuse("mutex", 1);
    assert_int_equal(timekeeper_init(&timekeeper, wall_clock_system()), ERR_NO_MEMORY);
    refuse_no_more();
}

static void test_keeper_and_expiry_without_memory_do_not_start(void **state)
{
    struct house *house = *state;
    static const char *const functions[] = {"calloc", "mutex", "thread"};
    struct keeper_options options = {.store = house->store, .renewals = &house->renewals};
    int before = standing;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        refuse(functions[i], 1);
        assert_int_equal(keeper_start(&options, &house->keeper), ERR_NO_MEMORY);
        refuse_no_more();
        assert_int_equal(standing, before);
        assert_null(house->keeper);
        if (strcmp(functions[i], "mutex") != 0) { /* expiry has none */
            refuse(functions[i], 1);
            assert_int_equal(expiry_start(&house->waits, &house->expiry), ERR_NO_MEMORY);
            refuse_no_more();
            assert_null(house->expiry);
        }
    }
    house_declare(house, "orders", definition_default());
    house_start(house);
    assert_int_equal(house_must_take(house_find(house, "orders"), 1), 1);
}

/* What is remembered is opened whole, or not at all. */
static void test_registry_without_memory_does_not_open(void **state)
{
    struct house *house = *state;
    static const struct {
        const char *function;
        unsigned nth;
    } refusals[] = {{"calloc", 1},       {"calloc", 2},        {"mutex", 1}, {"reallocarray", 1},
                    {"reallocarray", 2}, {"aligned_alloc", 1}, {"mutex", 2}, {"aligned_alloc", 2}};
    house_declare(house, "orders", definition_default());
    house_declare(house, "events", definition_default());
    int before = standing;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct registry *registry = NULL;
        struct error_detail detail = {""};
        refuse(refusals[i].function, refusals[i].nth);
        assert_int_equal(registry_open(house->store, &house->renewals, &house->waits,
                                       &house->timekeeper, &registry, &detail),
                         ERR_NO_MEMORY);
        refuse_no_more();
        assert_non_null(strstr(detail.text, "no memory"));
        assert_null(registry);
        assert_int_equal(standing, before);
    }
    assert_int_equal(registry_stage_open_again(house, NULL), ERR_OK);
    (void)house_find(house, "events");
}

/* Before the store was asked it knows nothing of it; after that it is created by asking again. */
static void test_registry_declare_without_memory_can_be_repeated(void **state)
{
    struct house *house = *state;
    static const struct {
        const char *function;
        unsigned nth;
        bool stored;
    } refusals[] = {{"reallocarray", 1, false},
                    {"reallocarray", 2, false},
                    {"aligned_alloc", 1, true},
                    {"mutex", 1, true}};
    struct definition definition = definition_default();
    char name[STAGE_NAME_SIZE];
    for (unsigned i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        uint64_t mark;
        struct error_detail detail = {""};
        registry_stage_name(name, i);
        refuse(refusals[i].function, refusals[i].nth);
        assert_int_equal(
            registry_declare(house->registry, house->store, name, &definition, &detail),
            ERR_NO_MEMORY);
        refuse_no_more();
        assert_non_null(strstr(detail.text, "no memory"));
        assert_null(registry_find(house->registry, name, strlen(name)));
        assert_int_equal(store_memory_mark(house->disk, name, &mark),
                         refusals[i].stored ? ERR_OK : ERR_NOT_FOUND);
    }
    for (unsigned i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        house_declare(house, registry_stage_name(name, i), definition);
        (void)registry_stage_find(house, i);
    }
}

/* The table has room for half its slots; where no larger one is to be had, nobody is lost. */
static void test_registry_that_cannot_grow_keeps_what_it_has(void **state)
{
    struct house *house = *state;
    enum {
        FULL = 32
    };
    struct definition definition = definition_default();
    char name[STAGE_NAME_SIZE];
    registry_stage_declare_many(house, FULL);
    refuse("calloc", 1);
    assert_int_equal(registry_declare(house->registry, house->store,
                                      registry_stage_name(name, FULL), &definition, NULL),
                     ERR_NO_MEMORY);
    refuse_no_more();
    for (unsigned i = 0; i < FULL; i++) {
        (void)registry_stage_find(house, i);
    }
    house_declare(house, name, definition);
    for (unsigned i = 0; i <= FULL; i++) {
        (void)registry_stage_find(house, i);
    }
}

/* The new sequence is built before the store hears of the way back. */
static void test_admin_way_backward_without_memory_is_not_taken(void **state)
{
    struct house *house = *state;
    house_declare(house, "orders", definition_default());
    house_start(house);
    assert_int_equal(house_must_take(house_find(house, "orders"), 10), 1);
    struct sequence *before = house_find(house, "orders");
    refuse("aligned_alloc", 1);
    struct admin_request answer = admin_stage_ask(house, admin_stage_advance("orders", 3, true));
    refuse_no_more();
    assert_int_equal(answer.error, ERR_UNAVAILABLE);
    assert_false(answer.rewound);
    assert_ptr_equal(house_find(house, "orders"), before);
    assert_false(house_health_of(house).failing);
    assert_int_equal(house_must_take(before, 1), 11);
    answer = admin_stage_must(house, admin_stage_advance("orders", 3, true));
    assert_true(answer.rewound);
    assert_int_equal(house_must_take(house_find(house, "orders"), 1), 4);
}

/* The list of all sequences is full: there is no room to keep the old one beside the new one. */
static void test_admin_way_backward_without_room_is_not_taken(void **state)
{
    struct house *house = *state;
    enum {
        FULL = 64
    };
    char name[STAGE_NAME_SIZE];
    registry_stage_declare_many(house, FULL);
    house_start(house);
    struct sequence *before = registry_stage_find(house, 0);
    int64_t number = house_must_take(before, 1);
    refuse("reallocarray", 1);
    struct admin_request answer =
        admin_stage_ask(house, admin_stage_advance(registry_stage_name(name, 0), number - 1, true));
    refuse_no_more();
    assert_int_equal(answer.error, ERR_UNAVAILABLE);
    assert_ptr_equal(registry_stage_find(house, 0), before);
    assert_true(house_must_take(before, 1) > number);
}

/* The rest of the lease is lost then, and nothing else. */
static void test_registry_settle_without_memory_leaves_a_gap(void **state)
{
    struct house *house = *state;
    house_declare(house, "orders", house_fixed_lease(100));
    house_start(house);
    assert_int_equal(house_must_take(house_find(house, "orders"), 1), 1);
    registry_stage_stop(house);
    uint64_t mark = registry_stage_mark(house, "orders");
    struct error_detail detail = {""};
    refuse("calloc", 1);
    assert_int_equal(registry_settle(house->registry, house->store, &detail), ERR_NO_MEMORY);
    refuse_no_more();
    assert_non_null(strstr(detail.text, "no memory"));
    assert_int_equal(registry_stage_mark(house, "orders"), mark);
    assert_int_equal(registry_settle(house->registry, house->store, &detail), ERR_OK);
    assert_int_equal(registry_stage_mark(house, "orders"), 1);
}

/* Half a backup is none, also where the stream says so only at its end. */
static void test_admin_backup_without_memory_is_none(void **state)
{
    struct house *house = *state;
    static const char *const functions[] = {"memstream", "ferror", "fclose"};
    house_declare(house, "orders", definition_default());
    house_start(house);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        refuse(functions[i], 1);
        struct admin_request answer =
            admin_stage_ask(house, (struct admin_request){.action = ADMIN_BACKUP});
        refuse_no_more();
        assert_int_equal(answer.error, ERR_UNAVAILABLE);
        assert_non_null(strstr(answer.detail.text, "no memory"));
        free(answer.text);
    }
    struct admin_request answer =
        admin_stage_must(house, (struct admin_request){.action = ADMIN_BACKUP});
    assert_non_null(strstr(answer.text, "\nsequence orders "));
    assert_int_equal(strlen(answer.text), answer.text_length);
    free(answer.text);
    /* Where the store cannot be read either, that is the reason. */
    assert_int_equal(store_memory_damage(house->disk, "orders", true), ERR_OK);
    refuse("ferror", 1);
    answer = admin_stage_ask(house, (struct admin_request){.action = ADMIN_BACKUP});
    refuse_no_more();
    assert_int_equal(answer.error, ERR_UNAVAILABLE);
    assert_non_null(strstr(answer.detail.text, "damaged"));
    free(answer.text);
}

static void test_admin_ledger_without_memory_is_none(void **state)
{
    struct house *house = *state;
    house_start(house);
    refuse("calloc", 1);
    struct admin_request answer = admin_stage_ask(
        house, (struct admin_request){.action = ADMIN_LEDGER, .ledger = {.limit = 10}});
    refuse_no_more();
    assert_int_equal(answer.error, ERR_UNAVAILABLE);
    assert_non_null(strstr(answer.detail.text, "no memory"));
    assert_null(answer.ledger.rows);
    assert_false(house_health_of(house).failing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bell_without_memory_leaves_nothing),
        cmocka_unit_test(test_timekeeper_without_a_lock_says_so),
        cmocka_unit_test_setup_teardown(test_keeper_and_expiry_without_memory_do_not_start,
                                        house_build, house_tear_down),
        cmocka_unit_test_setup_teardown(test_registry_without_memory_does_not_open, house_build,
                                        house_tear_down),
        cmocka_unit_test_setup_teardown(test_registry_declare_without_memory_can_be_repeated,
                                        house_build, house_tear_down),
        cmocka_unit_test_setup_teardown(test_registry_that_cannot_grow_keeps_what_it_has,
                                        house_build, house_tear_down),
        cmocka_unit_test_setup_teardown(test_admin_way_backward_without_memory_is_not_taken,
                                        house_build, house_tear_down),
        cmocka_unit_test_setup_teardown(test_admin_way_backward_without_room_is_not_taken,
                                        house_build, house_tear_down),
        cmocka_unit_test_setup_teardown(test_registry_settle_without_memory_leaves_a_gap,
                                        house_build, house_tear_down),
        cmocka_unit_test_setup_teardown(test_admin_backup_without_memory_is_none, house_build,
                                        house_tear_down),
        cmocka_unit_test_setup_teardown(test_admin_ledger_without_memory_is_none, house_build,
                                        house_tear_down),
    };
    return cmocka_run_group_tests_name("no memory", tests, NULL, NULL);
}
