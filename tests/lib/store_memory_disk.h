/* store_memory_disk: the durable part of store_memory, as its two files see it.
 *
 * The law: every field is guarded by `mutex`; `changed` is broadcast whenever a waiter may have
 * something to see. A commit's effect and its count happen in one critical section, so a test sees
 * both or neither.
 *
 * Threads: any; whoever touches a field holds `mutex`. */
#ifndef SEQD_TESTS_LIB_STORE_MEMORY_DISK_H
#define SEQD_TESTS_LIB_STORE_MEMORY_DISK_H

#include "chance.h"
#include "store_memory.h"

#include <pthread.h>

/* One durable record. */
struct memory_record {
    struct store_entry entry;
    size_t index; /* of this record among the disk's records */
    bool damaged;
    bool dropped; /* a tombstone */
};

struct memory_faults {
    uint64_t commits_before; /* commits that succeed first */
    uint64_t commits;        /* then so many fail */
    enum store_memory_fault fault;
    enum error error;
};

struct store_memory_disk {
    pthread_mutex_t mutex;
    pthread_cond_t changed;

    struct memory_record **records; /* owned */
    size_t record_count;
    size_t record_room;
    void *record_tree; /* tsearch(3): the same records by name */

    struct store_memory_lease *leases; /* owned */
    size_t lease_count;
    size_t lease_room;

    struct ledger_entry *rows; /* owned; oldest first */
    size_t row_count;
    size_t row_room;

    struct memory_faults faults;
    uint64_t share_positions_max;
    struct chance chance;
    unsigned delay_ms;
    bool held;
    unsigned passes;  /* commits that may pass the shut gate */
    unsigned waiting; /* commits that stand at it */
    uint64_t commits;
    uint64_t recoveries;
};

/* What one commit meets: `error` is ERR_OK, or what it fails with and whether it takes effect all
 * the same. */
struct memory_outcome {
    enum error error;
    bool takes_effect;
};

/* Say what the caller did wrong and end the test. */
__attribute__((noreturn, format(printf, 1, 2))) void memory_abort(const char *format, ...);

/* `room` grown to hold at least `count` items of `size` bytes; ends the test when out of memory. */
void *memory_grow(void *items, size_t *room, size_t count, size_t size);

void memory_disk_lock(struct store_memory_disk *disk);
void memory_disk_unlock(struct store_memory_disk *disk);

/* With the mutex held, which is let go while waiting: stand at the gate, take the delay, count, and
 * draw the outcome. The caller applies it before it unlocks. */
struct memory_outcome memory_disk_commit(struct store_memory_disk *disk);

/* The record of `name`, or NULL. Mutex held. */
struct memory_record *memory_disk_find(struct store_memory_disk *disk, const char *name);

/* A new record of `name` with mark 0 and generation 0. Mutex held; there is none yet. */
struct memory_record *memory_disk_add(struct store_memory_disk *disk, const char *name);

/* Take up to `count` positions of `record` at or above `floor`: what the lease is. Changes nothing.
 * Mutex held. */
struct range memory_disk_range(const struct memory_record *record, uint64_t floor, uint64_t count);

/* Another node's turn, as store_memory_share() set it. Mutex held. */
void memory_disk_share(struct store_memory_disk *disk, struct memory_record *record);

/* Write a row about `positions` of `entry`, as it is after the commit that runs, unless there are
 * none; nothing below `from` is issued of them. Mutex held. */
void memory_ledger_note(struct store_memory_disk *disk, const struct store_entry *entry,
                        enum ledger_act act, struct range positions, uint64_t from);

/* The way of store_ledger(). Mutex held. */
enum error memory_ledger_read(struct store_memory_disk *disk, struct store_ledger_query *query,
                              store_ledger_fn *visit, void *context, struct error_detail *detail);

/* The way of store_backup(). Mutex held. */
enum error memory_disk_back_up(struct store_memory_disk *disk, FILE *to,
                               struct error_detail *detail);

/* Note a lease in the log, unless it is empty. Mutex held. */
void memory_disk_note(struct store_memory_disk *disk, const char *name, struct range range,
                      uint64_t generation, bool answered);

#endif
