/* oracle: judges every number that a client has received from one sequence, over all the lives of
 * the server.
 *
 * The law: it believes nobody. It is told when a request goes out, what came back, and how each
 * life of the server ended; from that alone it says what was promised and not kept:
 *
 *   duplicated   a number that was received before (P1)
 *   outside      a number that the sequence does not have, or a block that is not its count (P7)
 *   unordered    an answer that is not above what the same connection received before it, or what
 *                anybody had received when its request was sent (P3)
 *   lost         positions that nobody received although higher ones came (P4)
 *
 * What a life may lose: `max_gap` positions when it ended in a crash, none when it ended cleanly;
 * and each request that a crash left unanswered may have taken its count and told nobody. So
 * between the lowest position received in one life and the lowest received in the next at most
 *
 *     max_gap + unanswered in this life + unanswered in the next
 *
 * may be missing: the requests of the next life count because the first positions of that life may
 * have gone to them. Lives in which nothing was received add what they may lose to the one before.
 *
 * Words follow Jepsen's checker of unique ids: attempted, acknowledged, duplicated, range.
 *
 * Threads: one at a time. */
#ifndef SEQD_TESTS_LIB_ORACLE_H
#define SEQD_TESTS_LIB_ORACLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Positions that an oracle can look at: one bit of memory each, up to the highest received. */
#define ORACLE_POSITIONS_MAX (UINT64_C(1) << 31)

#define ORACLE_EXAMPLES 4 /* faults that the report shows in full */

struct oracle_options {
    const char *name; /* for the report; borrowed for the oracle's life */
    int64_t start;
    int64_t increment;
    uint64_t
        capacity; /* positions of the sequence; 0 means ORACLE_POSITIONS_MAX, which is the most */
    uint64_t max_gap; /* positions that a crash may lose */
};

/* One answer: exactly `count` numbers, `first` to `last`. */
struct oracle_answer {
    int64_t first;
    int64_t last;
    uint64_t count;
    uint64_t sent_after;        /* what oracle_send() returned for its request */
    uint64_t *connection_after; /* 0 when the connection is new; kept by the oracle from then on */
};

/* What has been found so far. */
struct oracle_verdict {
    uint64_t attempted;    /* numbers asked for */
    uint64_t acknowledged; /* numbers received */
    uint64_t refused;      /* asked for and refused: none was issued */
    uint64_t unanswered;   /* asked for, and the connection ended first */
    int64_t lowest;        /* number at the lowest position received; 0 when none was */
    int64_t highest;

    uint64_t duplicated;
    uint64_t outside;
    uint64_t unordered_connection;
    uint64_t unordered_time;

    uint64_t lost;           /* positions below the highest received that nobody received */
    uint64_t lost_cleanly;   /* ... where no life had crashed */
    uint64_t crashes;        /* lives that ended in one */
    uint64_t stops;          /* lives that ended cleanly */
    uint64_t gap_max;        /* the most that was lost between the beginnings of two lives */
    uint64_t gap_max_leased; /* ... and cannot have been taken by requests without an answer */
    uint64_t gaps;           /* ... and how often anything was */
    uint64_t gaps_above;     /* ... and more than the life might lose */
};

struct oracle;

/* Never NULL: without memory the test ends. */
struct oracle *oracle_new(const struct oracle_options *options);

/* NULL is accepted. */
void oracle_free(struct oracle *oracle);

const struct oracle_options *oracle_options(const struct oracle *oracle);

/* A request for `count` numbers is about to be sent. Returns the mark of this moment, for the order
 * in time: every number of its answer must lie above all that was received until now. */
uint64_t oracle_send(struct oracle *oracle, uint64_t count);

/* A request was answered with numbers. */
void oracle_acknowledge(struct oracle *oracle, const struct oracle_answer *answer);

/* A request was refused with a status that says that it took nothing. */
void oracle_refuse(struct oracle *oracle, uint64_t count);

/* A request's connection ended before the whole answer came. */
void oracle_lose(struct oracle *oracle, uint64_t count);

/* The server's life has ended: every request of it has been reported by now. */
void oracle_crash(struct oracle *oracle);
void oracle_stop(struct oracle *oracle);

/* Look at all of it. Returns whether every promise was kept. A life that has not ended yet is
 * judged as if it had stopped cleanly, its unanswered requests aside. */
bool oracle_judge(const struct oracle *oracle, struct oracle_verdict *ret_verdict);

/* Print the verdict, and the first faults of each kind, as indented lines. */
void oracle_print(const struct oracle *oracle, FILE *to);

#endif
