/* keeper: the one thread that renews leases ahead of need and writes the store.
 *
 * The law (P2): a lease is published after the commit that covers it has returned ERR_OK, and
 * only then. A commit that failed, or whose outcome is unknown, is not repeated as if it had not
 * happened: its range is burnt, the store has to recover (reopen, read back, one durable commit
 * that covers nothing) before it is asked again, and recovery backs off. Every sequence that is
 * due shares the next commit.
 *
 * Threads: start and stop by the owner; the rest any. */
#ifndef SEQD_CORE_KEEPER_H
#define SEQD_CORE_KEEPER_H

#include "base/clock.h"
#include "base/error.h"
#include "base/timing.h"
#include "core/bell.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define KEEPER_BACKOFF_MIN_MS 10
#define KEEPER_BACKOFF_MAX_MS 1000
#define KEEPER_FAILURES_UNREADY \
    3 /* failed recoveries in a row after which the service is not ready */
#define KEEPER_STALL_UNREADY_MS 5000 /* nor is it while a call to the store takes longer */

/* Errands that are run before those who are due for a lease get their turn. */
#define KEEPER_ERRANDS_AT_ONCE 8

struct keeper;

enum keeper_event {
    KEEPER_STORE_FAILED,    /* a commit failed; its ranges are burnt, recovery begins */
    KEEPER_STORE_RECOVERED, /* the store answers again */
    KEEPER_SEQUENCE_FAILED, /* one sequence's record is damaged or gone; the others go on */
};

struct keeper_options {
    struct store
        *store; /* owned by the keeper's thread between start and stop; the caller closes it */
    struct bell *renewals; /* borrowed until stop */

    /* Told what happened, for the log. Called by the keeper's thread; must not block. May be
     * NULL. */
    void (*event)(void *context, enum keeper_event event, enum error error, const char *text);
    void *context;
};

struct keeper_health {
    bool failing;            /* the store refused and has not recovered yet */
    uint64_t failures;       /* in a row; 0 when not failing */
    uint64_t commits;        /* that returned ERR_OK, since start */
    uint64_t failed_commits; /* since start */
    uint64_t commit_ns;      /* how long a commit takes, a slowly forgetting maximum */
    /* How long the call to the store that runs now has been running; 0 when none does. */
    uint64_t busy_ns;
    uint64_t renewals;          /* leases published since start */
    struct timing commit_times; /* of every commit that was tried */
    struct timing
        renewal_times; /* from the keeper's answer to a call until the lease is published */
    struct error_detail detail; /* of the last failure */
};

/* Something to be done with the store on the keeper's thread, between two commits (creating a
 * sequence, for one). The caller owns the memory until `done` is called. */
struct errand {
    /* May block on the store. No sequence has a renewal planned or under way while it runs. Returns
     * what the store said where store_has_failed() is true of it,
     * with `detail`: then the keeper lets it recover; else ERR_OK. */
    enum error (*run)(struct errand *errand, struct store *store, struct error_detail *detail);

    /* ERR_OK after run; ERR_UNAVAILABLE: it was not run. */
    void (*done)(struct errand *errand, enum error error);

    struct errand *next; /* the keeper's own */
};

/* Start the thread. ERR_NO_MEMORY when none can be had. */
__attribute__((warn_unused_result)) enum error keeper_start(const struct keeper_options *options,
                                                            struct keeper **ret_keeper);

/* Queue `errand`; `done` is called exactly once, by the keeper's thread or, after a stop, by the
 * caller's own. While the store is failing errands are answered with ERR_UNAVAILABLE. */
void keeper_submit(struct keeper *keeper, struct errand *errand);

void keeper_health(struct keeper *keeper, struct keeper_health *ret_health);

/* Finish the commit that runs, stop the thread, free. NULL is accepted. The store is the caller's
 * again; what closed sequences hold unissued is given back by registry_settle(). */
void keeper_stop(struct keeper *keeper);

#endif
