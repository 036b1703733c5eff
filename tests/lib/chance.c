#include "chance.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

uint64_t knob(const char *name, uint64_t fallback, uint64_t max)
{
    const char *text = getenv(name);
    if (text == NULL || *text == '\0') {
        return fallback;
    }
    uint64_t value = 0;
    if (text_parse_uint64(text, max, &value) != ERR_OK) {
        (void)fprintf(stderr, "%s='%s' is no number from 0 to %" PRIu64 "\n", name, text, max);
        exit(2);
    }
    return value;
}

uint64_t chance_seed(void)
{
    uint32_t fresh = 0;
    if (getrandom(&fresh, sizeof(fresh), 0) != (ssize_t)sizeof(fresh)) {
        fresh = 1;
    }
    uint64_t seed = knob("SEED", fresh, UINT64_MAX);
    (void)printf("SEED=%" PRIu64 "\n", seed);
    (void)fflush(stdout);
    return seed;
}

struct chance chance_from(uint64_t seed)
{
    return (struct chance){seed};
}

/* splitmix64: every seed is a good one. */
uint64_t chance_next(struct chance *chance)
{
    chance->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = chance->state;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

uint64_t chance_below(struct chance *chance, uint64_t limit)
{
    return chance_next(chance) % limit;
}
