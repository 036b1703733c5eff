#include "registry_stage.h"

#include <stdio.h>

const char *registry_stage_name(char name[STAGE_NAME_SIZE], unsigned index)
{
    (void)snprintf(name, STAGE_NAME_SIZE, "s%u", index);
    return name;
}

struct definition registry_stage_definition(unsigned index)
{
    struct definition definition = definition_default();
    definition.start = 1000000 * (int64_t)(index + 1);
    definition.increment = 1 + (int64_t)(index % 7);
    return definition;
}

void registry_stage_declare_many(struct house *house, unsigned count)
{
    char name[STAGE_NAME_SIZE];
    for (unsigned i = 0; i < count; i++) {
        house_declare(house, registry_stage_name(name, i), registry_stage_definition(i));
    }
}

struct sequence *registry_stage_find(struct house *house, unsigned index)
{
    char name[STAGE_NAME_SIZE];
    return house_find(house, registry_stage_name(name, index));
}

uint64_t registry_stage_mark(struct house *house, const char *name)
{
    uint64_t mark = 0;
    assert_int_equal(store_memory_mark(house->disk, name, &mark), ERR_OK);
    return mark;
}

void registry_stage_stop(struct house *house)
{
    if (house->registry != NULL) {
        registry_close(house->registry);
    }
    keeper_stop(house->keeper);
    expiry_stop(house->expiry);
    house->keeper = NULL;
    house->expiry = NULL;
}

enum error registry_stage_open_again(struct house *house, struct error_detail *detail)
{
    struct store_memory_options options = {.disk = house->disk};
    registry_free(house->registry);
    house->registry = NULL;
    store_close(house->store);
    bell_fini(&house->renewals);
    bell_fini(&house->waits);
    assert_int_equal(store_memory_open(&options, &house->store), ERR_OK);
    assert_int_equal(bell_init(&house->renewals), ERR_OK);
    assert_int_equal(bell_init(&house->waits), ERR_OK);
    return registry_open(house->store, &house->renewals, &house->waits, &house->timekeeper,
                         &house->registry, detail);
}

void registry_stage_restart(struct house *house)
{
    registry_stage_stop(house);
    assert_int_equal(registry_stage_open_again(house, NULL), ERR_OK);
    house_start(house);
}
