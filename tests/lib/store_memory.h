/* store_memory: the store's contract without a disk, for tests; bent by knobs into the store that a
 * caller fears.
 *
 * The law: it keeps include/store/store.h to the letter and no better. With `store_memory_share()`
 * leases are not contiguous, as on a store that several nodes share; with `store_memory_fail()` an
 * outcome is unknown; with `store_memory_hold()` an answer comes as late as the test likes.
 *
 * The durable part is `struct store_memory_disk`: it outlives the store, so closing and opening
 * again is a restart; store_close() gives nothing back, so it stands for a crash as well. Knobs
 * belong to the disk and are turned at any time.
 *
 * It also watches its caller. What the contract forbids ends the test with a message on standard
 * error and abort(): a call while another is under way; a name twice in a call, a count of 0, more
 * than STORE_REQUESTS_MAX; and, unless the store was opened `tolerant`: store_reserve() after a
 * failure without store_recover(), and a `floor` below the `burnt_limit` that this open store last
 * wrote for that name.
 *
 * Threads: store calls as the contract says; everything that takes a disk, from any thread at any
 * time. */
#ifndef SEQD_TESTS_LIB_STORE_MEMORY_H
#define SEQD_TESTS_LIB_STORE_MEMORY_H

#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_memory_disk;

struct store_memory_options {
    struct store_memory_disk *disk; /* borrowed until store_close(); each open store is a node */
    bool tolerant; /* answer as the contract says where the caller's fault would abort the test */
};

/* One lease that a store_reserve() answered with ERR_OK, or one that it may have reached and did
 * not answer. */
struct store_memory_lease {
    char name[SEQUENCE_NAME_MAX + 1];
    struct range range;
    uint64_t generation;
    bool answered; /* false: the commit failed or was reported as failed, so the range is burnt */
};

/* When a failing commit fails: both look the same to the caller. */
enum store_memory_fault {
    STORE_MEMORY_BEFORE, /* nothing was changed */
    STORE_MEMORY_AFTER,  /* everything was changed and only the answer was lost */
};

/* A new, empty disk; never NULL (out of memory ends the test). */
struct store_memory_disk *store_memory_disk_new(void);

/* NULL is accepted. No store may be open on it. */
void store_memory_disk_free(struct store_memory_disk *disk);

/* ERR_OK always; an enum error so that it reads as the real stores do. */
__attribute__((warn_unused_result)) enum error
store_memory_open(const struct store_memory_options *options, struct store **ret_store);

/* Its process was killed, perhaps within a call: free it. NULL is accepted. */
void store_memory_abandon(struct store *store);

/* Before each reserve another node takes 0 … `positions_max` positions of the same sequence, as
 * drawn from `seed`. 0 turns it off. */
void store_memory_share(struct store_memory_disk *disk, uint64_t positions_max, uint64_t seed);

/* Another node takes `count` positions of `name` now. Returns what it got; empty when there is no
 * such sequence. */
struct range store_memory_take_elsewhere(struct store_memory_disk *disk, const char *name,
                                         uint64_t count);

/* The next `commits` commits (of any call that makes one: each but store_each() and store_close())
 * fail with `error`. After ERR_FENCED that open store stays fenced. 0 commits: the disk is well
 * again. */
void store_memory_fail(struct store_memory_disk *disk, uint64_t commits,
                       enum store_memory_fault fault, enum error error);

/* As store_memory_fail(), after `commits_before` more commits have succeeded. */
void store_memory_fail_after(struct store_memory_disk *disk, uint64_t commits_before,
                             uint64_t commits, enum store_memory_fault fault, enum error error);

/* Every commit takes `delay_ms` longer. 0 turns it off. */
void store_memory_delay(struct store_memory_disk *disk, unsigned delay_ms);

/* From now on a commit waits at a gate, before it changes anything. */
void store_memory_hold(struct store_memory_disk *disk);

/* Wait until a commit stands at the gate; false when none came within `timeout_ms`. */
__attribute__((warn_unused_result)) bool store_memory_wait_held(struct store_memory_disk *disk,
                                                                unsigned timeout_ms);

/* Let `commits` commits pass the gate, those that wait there and those still to come; the gate
 * stays shut after them. */
void store_memory_pass(struct store_memory_disk *disk, unsigned commits);

/* Open the gate. */
void store_memory_release(struct store_memory_disk *disk);

/* Commits tried so far, failed ones included. */
uint64_t store_memory_commits(struct store_memory_disk *disk);

/* Successful calls of store_recover() so far. */
uint64_t store_memory_recoveries(struct store_memory_disk *disk);

/* Wait until store_memory_commits() is at least `commits`; false when it was not within
 * `timeout_ms`. */
__attribute__((warn_unused_result)) bool
store_memory_wait_commits(struct store_memory_disk *disk, uint64_t commits, unsigned timeout_ms);

/* The durable high-water mark. ERR_NOT_FOUND when there is no such sequence. */
__attribute__((warn_unused_result)) enum error
store_memory_mark(struct store_memory_disk *disk, const char *name, uint64_t *ret_mark);

/* Set the durable mark by hand, for a test that starts in the middle of a sequence. ERR_NOT_FOUND.
 * */
__attribute__((warn_unused_result)) enum error
store_memory_set_mark(struct store_memory_disk *disk, const char *name, uint64_t mark);

/* The durable record of `name` is damaged from now on (or whole again): reserve and each answer
 * ERR_CORRUPT. */
__attribute__((warn_unused_result)) enum error store_memory_damage(struct store_memory_disk *disk,
                                                                   const char *name, bool damaged);

/* How many leases were made so far, answered or burnt, in their order. */
size_t store_memory_lease_count(struct store_memory_disk *disk);

/* Lease `index`, below store_memory_lease_count(). */
struct store_memory_lease store_memory_lease_at(struct store_memory_disk *disk, size_t index);

#endif
