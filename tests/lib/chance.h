/* chance: random choices that can be had again, and knobs from the environment.
 *
 * The law: everything random in a test comes from one seed, which is printed, and which SEED=
 * brings back.
 *
 * Threads: each has its own struct chance. */
#ifndef SEQD_TESTS_LIB_CHANCE_H
#define SEQD_TESTS_LIB_CHANCE_H

#include <stdint.h>

struct chance {
    uint64_t state;
};

/* The seed of this run: SEED from the environment, else one that differs each time. Prints
 * "SEED=<n>" on standard output. Ends the program when SEED is no number. */
uint64_t chance_seed(void);

struct chance chance_from(uint64_t seed);

uint64_t chance_next(struct chance *chance);

/* 0 … limit - 1; `limit` >= 1. */
uint64_t chance_below(struct chance *chance, uint64_t limit);

/* The number in environment variable `name`, or `fallback` when it is not set or empty. Ends the
 * program with exit status 2 when it is no number within 0 … `max`. */
uint64_t knob(const char *name, uint64_t fallback, uint64_t max);

#endif
