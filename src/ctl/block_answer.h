/* block_answer: the block in an answer of `next`, in each form that HTTP has for it.
 *
 * The law: what is read is what the server said, digit by digit; whether it is what was asked for
 * is a question of its own.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_CTL_BLOCK_ANSWER_H
#define SEQD_CTL_BLOCK_ANSWER_H

#include "base/definition.h"
#include "base/error.h"
#include "server.h"

#include <stdbool.h>
#include <stdint.h>

/* {"first","last","increment"} as strings, "count" as a number of at least 1. False: it is none. */
bool block_answer_read(const struct answer *answer, struct block *ret_block);

/* Are these exactly `count` numbers, `increment` apart, that end where the block says? */
bool block_answer_is_exact(const struct block *block, uint64_t count);

/* The next number of a text with one a line. `*at` is where to read, and moves on; false: there is
 * no whole line with a number in it, and `*at` stays. */
bool block_answer_line(const char **at, int64_t *ret_number);

#endif
