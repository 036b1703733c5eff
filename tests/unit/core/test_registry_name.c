/* How the registry reads a name: all of its bytes, none beside them, whatever its length. A
 * sanitizer sees what is read behind a name, for each lies in memory that ends where it does. */
#include "chance.h"
#include "registry_stage.h"

#include <stdlib.h>

static struct sequence *find_bytes(struct house *house, const char *bytes, size_t length)
{
    char *exact = malloc(length);
    assert_non_null(exact);
    memcpy(exact, bytes, length);
    struct sequence *found = registry_find(house->registry, exact, length);
    free(exact);
    return found;
}

/* A name of each length, twice, and all that differ from it in one byte. */
static void test_registry_finds_by_every_byte_of_a_name(void **state)
{
    struct house *house = *state;
    struct chance chance = chance_from(chance_seed());
    for (unsigned i = 0; i < 2 * SEQUENCE_NAME_MAX; i++) {
        size_t length = 1 + i % SEQUENCE_NAME_MAX;
        char name[SEQUENCE_NAME_MAX + 1] = "";
        for (size_t at = 0; at < length; at++) {
            name[at] = (char)('a' + chance_below(&chance, 26));
        }
        house_declare(house, name, definition_default());
        struct sequence *sequence = find_bytes(house, name, length);
        assert_non_null(sequence);
        assert_string_equal(sequence_name(sequence), name);
        for (size_t at = 0; at < length; at++) {
            name[at] ^= 'a' ^ 'A'; /* no name has a capital letter */
            assert_null(find_bytes(house, name, length));
            name[at] ^= 'a' ^ 'A';
        }
    }
}

/* The retired one still has the slot: the name leads nowhere, and then to the one that came after
 * it. */
static void test_registry_finds_no_retired_one(void **state)
{
    struct house *house = *state;
    house_declare(house, "orders", definition_default());
    struct sequence *first = house_find(house, "orders");
    sequence_retire(first, ERR_NOT_FOUND);
    assert_null(find_bytes(house, "orders", 6));
    assert_true(sequence_is_retired(first));
    assert_string_equal(sequence_name(first), "orders"); /* who found it before may go on with it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_registry_finds_by_every_byte_of_a_name),
        house_test(test_registry_finds_no_retired_one),
    };
    return cmocka_run_group_tests_name("registry_name", tests, NULL, NULL);
}
