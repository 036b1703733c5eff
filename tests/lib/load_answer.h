/* load_answer: one HTTP answer out of bytes that come piecemeal, and the block of numbers in it.
 *
 * The law: strict where uniqueness is judged. An answer is whole or it is none; a block is exactly
 * the numbers that were asked for, each line or field of it checked, or it is a fault with a text.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_TESTS_LIB_LOAD_ANSWER_H
#define SEQD_TESTS_LIB_LOAD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum load_answer_state {
    LOAD_ANSWER_PARTIAL,   /* more has to come */
    LOAD_ANSWER_WHOLE,     /* exactly one answer */
    LOAD_ANSWER_MALFORMED, /* it will never be one answer: bad head, no length, too much */
};

/* Points into the bytes that were read. */
struct load_answer {
    int status;
    bool close; /* the server will take no further request on this connection */
    bool json;
    const char *body;
    size_t body_length;
};

/* Look at what has come so far: `length` bytes. `ret_answer` is written when it is WHOLE. */
enum load_answer_state load_answer_read(const char *bytes, size_t length,
                                        struct load_answer *ret_answer);

/* The block in the body of a 200, text or JSON: `count` numbers, `increment` apart. Returns NULL,
 * or what is wrong; the outputs are written on NULL only. */
const char *load_answer_block(const struct load_answer *answer, uint64_t count, int64_t increment,
                              int64_t *ret_first, int64_t *ret_last);

#endif
