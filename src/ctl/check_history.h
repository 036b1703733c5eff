/* check_history: what one connection of a check has met, in the order of time.
 *
 * The law: every request ends up in exactly one of four: a take (it was answered with numbers), a
 * loss (it was sent, and nobody knows whether it took numbers), a failure (it took none), or a
 * wrong answer, whose numbers are takes as well. A connection has one request at a time, so moments
 * never go back. Moments are nanoseconds of the monotonic clock since the start of the check: taken
 * before a request is sent, and after its answer is whole.
 *
 * A number is kept as its rank: unsigned, and rising in the direction of the sequence, so that
 * descending numbers and those below 0 are judged like any other, and no sum can wrap.
 *
 * Memory: 32 bytes for each request that was answered, CHECK_TAKES_MAX of them in all of a check:
 * 512 MiB. Threads: one at a time. */
#ifndef SEQD_CTL_CHECK_HISTORY_H
#define SEQD_CTL_CHECK_HISTORY_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECK_TAKES_MAX ((size_t)1 << 24)
#define CHECK_CONNECTIONS_MAX 1024

/* From before a request was sent until its answer, or that there is none, was known. */
struct check_span {
    uint64_t sent_ns;
    uint64_t ended_ns; /* at least sent_ns */
};

/* `count` numbers that came in one answer: low, low + step, …; no sum wraps. */
struct check_take {
    uint64_t low; /* rank */
    struct check_span span;
    uint32_t count; /* at least 1 */
    uint32_t connection;
};

/* A request of unknown outcome: it may have taken `count` numbers. */
struct check_loss {
    struct check_span span;
    uint64_t count;
};

/* An answer that is not what was asked for. */
struct check_wrong {
    struct check_span span;
    uint32_t connection;
    char what[160];
};

/* Zeros are an empty one. */
struct check_history {
    struct check_take *takes;
    size_t take_count;
    size_t take_room;
    struct check_loss *losses;
    size_t loss_count;
    size_t loss_room;
    struct check_span *outages; /* from a request that met no server to the next answer */
    size_t outage_count;
    size_t outage_room;
    uint64_t attempted;
    uint64_t answered; /* with a block */
    uint64_t failed;
    uint64_t wrong_count;
    struct check_wrong wrong; /* the first of them */
};

/* The rank of `number`, and back. */
static inline uint64_t check_rank(int64_t number, bool descends)
{
    uint64_t rank = (uint64_t)number ^ (UINT64_C(1) << 63);
    return descends ? ~rank : rank;
}

static inline int64_t check_number(uint64_t rank, bool descends)
{
    return (int64_t)((descends ? ~rank : rank) ^ (UINT64_C(1) << 63));
}

/* From one rank to the next. */
static inline uint64_t check_step(int64_t increment)
{
    return increment < 0 ? ~(uint64_t)increment + 1 : (uint64_t)increment;
}

/* Each: ERR_NO_MEMORY, and nothing is added. */
__attribute__((warn_unused_result)) enum error check_history_take(struct check_history *history,
                                                                  const struct check_take *take);
__attribute__((warn_unused_result)) enum error check_history_lose(struct check_history *history,
                                                                  const struct check_loss *loss);
__attribute__((warn_unused_result)) enum error check_history_miss(struct check_history *history,
                                                                  const struct check_span *outage);

/* Frees what it owns, and empties it. */
void check_history_free(struct check_history *history);

#endif
