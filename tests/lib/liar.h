/* liar: a small HTTP server that hands out numbers and breaks the promise it is told to break.
 *
 * The law: it exists to show that a checker finds what it should: with no fault set it is a right
 * server, with one it does exactly that wrong, now and then. It speaks the little HTTP that a load
 * speaks and has no disk: what a new liar knows is what it is told.
 *
 * Threads: each has one of its own; calls by one thread. */
#ifndef SEQD_TESTS_LIB_LIAR_H
#define SEQD_TESTS_LIB_LIAR_H

#include <stdint.h>

/* For so many requests a number is held back: with at most so many connections, one that is
 * answered with it was sent after a higher one had been received. */
#define LIAR_HOLD 32

enum liar_fault {
    LIAR_NONE,
    LIAR_REPEATS,      /* a number that was answered before */
    LIAR_HOLDS,        /* a number kept back, and answered later */
    LIAR_SKIPS,        /* a number that nobody gets */
    LIAR_SHORTENS,     /* a block that is one number short */
    LIAR_SPREADS,      /* a block whose numbers are two apart */
    LIAR_HANGS_UP,     /* a number is taken, and the connection closed without a word */
    LIAR_CUTS,         /* half an answer, then the connection is closed */
    LIAR_REFUSES,      /* 503, and no number taken */
    LIAR_STAMMERS,     /* no HTTP */
    LIAR_FALLS_SILENT, /* no answer, and the connection stays open */
};

struct liar_options {
    int64_t first; /* its first number; they rise by 1 */
    enum liar_fault fault;
    unsigned every; /* commit the fault at each such request, counted over all connections */
};

struct liar;

/* Listen on a port of 127.0.0.1 that the kernel chooses. Never NULL. */
struct liar *liar_start(const struct liar_options *options);

uint16_t liar_port(const struct liar *liar);

/* Die: close every socket at once, and free. Returns the number that would have come next. */
int64_t liar_kill(struct liar *liar);

#endif
