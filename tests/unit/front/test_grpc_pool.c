/* The memory of a loop's calls: what it lends, and what it keeps. */
#include "front/grpc_pool.h"

#include "chance.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LARGEST 496 /* bytes of the largest piece that is kept */

static int init_pool(void **state)
{
    static struct grpc_pool pool;

    grpc_pool_init(&pool);
    *state = &pool;
    return 0;
}

static int fini_pool(void **state)
{
    grpc_pool_fini(*state);
    return 0;
}

static unsigned kept(const struct grpc_pool *pool)
{
    unsigned sum = 0;

    for (unsigned size = 0; size < GRPC_POOL_SIZES; size++) {
        sum += pool->counts[size];
    }
    return sum;
}

/* Also those that have been somebody else's before. */
static void test_grpc_pool_lends_zeroed_bytes_aligned_for_anything(void **state)
{
    struct grpc_pool *pool = *state;

    for (unsigned round = 0; round < 2; round++) {
        for (size_t size = 0; size < 2000; size++) {
            uint8_t *bytes = grpc_pool_take(pool, size);

            assert_non_null(bytes);
            assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++) {
                assert_int_equal(bytes[i], 0);
            }
            memset(bytes, 0xA5, size);
            grpc_pool_give(pool, bytes);
        }
    }
}

static void test_grpc_pool_lends_again_what_was_given_back(void **state)
{
    static const size_t sizes[GRPC_POOL_SIZES][2] = {
        {1, 112}, {113, 240}, {241, 368}, {369, LARGEST}};
    struct grpc_pool *pool = *state;

    for (unsigned i = 0; i < GRPC_POOL_SIZES; i++) {
        void *first = grpc_pool_take(pool, sizes[i][0]);

        grpc_pool_give(pool, first);
        assert_int_equal(pool->counts[i], 1);
        void *second = grpc_pool_take(pool, sizes[i][1]);
        assert_ptr_equal(second, first);
        assert_int_equal(pool->counts[i], 0);
        grpc_pool_give(pool, second);
    }
}

static void test_grpc_pool_keeps_no_more_than_it_may(void **state)
{
    struct grpc_pool *pool = *state;
    void *pieces[GRPC_POOL_KEPT + 10];

    for (unsigned i = 0; i < GRPC_POOL_KEPT + 10; i++) {
        pieces[i] = grpc_pool_take(pool, LARGEST);
    }
    for (unsigned i = 0; i < GRPC_POOL_KEPT + 10; i++) {
        grpc_pool_give(pool, pieces[i]);
    }
    assert_int_equal(kept(pool), GRPC_POOL_KEPT);
}

static void test_grpc_pool_keeps_nothing_that_is_large(void **state)
{
    struct grpc_pool *pool = *state;

    grpc_pool_give(pool, grpc_pool_take(pool, LARGEST + 1));
    grpc_pool_give(pool, NULL);
    assert_int_equal(kept(pool), 0);
}

static void test_grpc_pool_refuses_what_no_memory_has(void **state)
{
    const nghttp2_mem *memory = &((struct grpc_pool *)*state)->memory;
    void *bytes = memory->malloc(1000, memory->mem_user_data);

    assert_null(memory->malloc(SIZE_MAX - 1, memory->mem_user_data));
    assert_null(memory->calloc(SIZE_MAX / 16 + 2, 16, memory->mem_user_data)); /* 16 bytes? */
    assert_null(memory->realloc(bytes, SIZE_MAX - 1, memory->mem_user_data));
    memory->free(bytes, memory->mem_user_data);
}

/* A piece and what its user wrote into it. */
struct lent {
    uint8_t *bytes;
    size_t length;
    uint8_t mark;
};

static void check(const struct lent *lent, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        assert_int_equal(lent->bytes[i], lent->mark);
    }
}

/* Many users, who ask, change what they asked for and give back as they like: none finds his bytes
 * changed by another. */
static void test_grpc_pool_keeps_its_users_apart(void **state)
{
    const nghttp2_mem *memory = &((struct grpc_pool *)*state)->memory;
    struct chance chance = chance_from(chance_seed());
    struct lent users[600] = {{.bytes = NULL}};

    for (unsigned i = 0; i < 60000; i++) {
        struct lent *user = &users[chance_below(&chance, sizeof users / sizeof users[0])];
        size_t length = (size_t)chance_below(&chance, 700);

        check(user, user->length);
        if (chance_below(&chance, 3) == 0) {
            memory->free(user->bytes, memory->mem_user_data);
            *user = (struct lent){.bytes = NULL};
            continue;
        }
        user->bytes = memory->realloc(user->bytes, length, memory->mem_user_data);
        assert_non_null(user->bytes);
        check(user, length < user->length ? length : user->length);
        user->length = length;
        user->mark = (uint8_t)i;
        memset(user->bytes, user->mark, length);
    }
    for (unsigned i = 0; i < sizeof users / sizeof users[0]; i++) {
        memory->free(users[i].bytes, memory->mem_user_data);
    }
}

/* AddressSanitizer looks after a piece as after one of the C library's. */
static void test_grpc_pool_hides_no_fault_from_the_sanitizer(void **state)
{
    struct grpc_pool *pool = *state;
    void *symbol = dlsym(RTLD_DEFAULT, "__asan_address_is_poisoned");
    int (*is_poisoned)(const volatile void *bytes) = NULL;

    if (symbol == NULL) {
        print_message("SKIPPED: it takes VARIANT=asan\n");
        skip();
    }
    memcpy(&is_poisoned, &symbol, sizeof is_poisoned);
    uint8_t *bytes = grpc_pool_take(pool, 200);
    assert_false(is_poisoned(bytes + 199));
    assert_true(is_poisoned(bytes + 200));
    grpc_pool_give(pool, bytes);
    assert_true(is_poisoned(bytes));
    assert_true(is_poisoned(bytes + 199));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, init_pool, fini_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_grpc_pool_lends_zeroed_bytes_aligned_for_anything),
        TEST(test_grpc_pool_lends_again_what_was_given_back),
        TEST(test_grpc_pool_keeps_no_more_than_it_may),
        TEST(test_grpc_pool_keeps_nothing_that_is_large),
        TEST(test_grpc_pool_refuses_what_no_memory_has),
        TEST(test_grpc_pool_keeps_its_users_apart),
        TEST(test_grpc_pool_hides_no_fault_from_the_sanitizer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
