/* store_calls: every call of the store to LMDB and to the kernel that can be refused, and one of
 * them refused.
 *
 * The law: this file defines __wrap_NAME() for each, so a program that uses it is linked with
 * --wrap for STORE_CALLS of the makefile. While nothing is armed, all of them are the real ones.
 * Where the headers of the C library put another function in the place of one, that one is not met.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_LIB_STORE_CALLS_H
#define SEQD_TESTS_LIB_STORE_CALLS_H

#include <stdbool.h>

/* Instead of an errno or a code of LMDB: the call does half of what was asked, and says so. */
#define STORE_CALLS_SHORT (-1)

struct store_refusal {
    const char *function;
    int code; /* what LMDB returns, or the errno, or STORE_CALLS_SHORT */
};

/* The `nth` call (from 1) of that function is refused; counted while armed. */
void store_calls_refuse(struct store_refusal refusal, unsigned nth);

/* From now on calls are counted, or no longer. */
void store_calls_arm(bool armed);

/* Was there such a call since it was to be refused? */
bool store_calls_met(void);

#endif
