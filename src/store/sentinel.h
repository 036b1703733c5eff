/* sentinel: the witness outside the data file. It says that the directory was initialised, whose
 * data belongs in it, and how many commits that data has seen.
 *
 * The law: it is never ahead of the data. A slot is written after the commit that it witnesses has
 * returned, so whatever a crash keeps or loses of the sentinel, an undamaged data file has at least
 * as many commits. A data file with fewer has gone back and is refused. Two slots take turns, by
 * the parity of the counter, so a write that a crash tears leaves the one before it.
 *
 * A second one may lie on another file system, to witness what the whole disk may forget.
 *
 * Threads: one at a time. */
#ifndef SEQD_STORE_SENTINEL_H
#define SEQD_STORE_SENTINEL_H

#include "base/error.h"
#include "directory.h"
#include "record.h"
#include "store/store_lmdb.h"

#include <stdint.h>

#define SENTINEL_SLOTS 2
#define SENTINEL_SLOT_SIZE 512    /* bytes of a slot */
#define SENTINEL_SLOT_STRIDE 4096 /* bytes from one slot to the next */
#define SENTINEL_SIZE (SENTINEL_SLOTS * SENTINEL_SLOT_STRIDE)
#define SENTINEL_VERSION META_VERSION

enum sentinel_state {
    SENTINEL_INITIALISING = 1, /* nothing was ever issued from this directory */
    SENTINEL_INITIALISED = 2,
};

/* Which file it was, see identity.h; all zero: not known yet. */
struct sentinel_file {
    uint64_t inode;
    uint64_t born_ns; /* when the file system made it, since 1970; 0: it does not say */
};

/* What one slot says. */
struct sentinel_slot {
    enum sentinel_state state;
    uint8_t instance[META_ID_SIZE];
    uint8_t incarnation[META_ID_SIZE];
    uint64_t counter;                         /* commits witnessed */
    struct sentinel_file data;                /* the data file … */
    struct sentinel_file self;                /* … and this one, at the last start */
    uint8_t machine[STORE_LMDB_MACHINE_SIZE]; /* all zero: unknown */
};

struct sentinel {
    const char *name;          /* of the file, set by the owner before all else; borrowed */
    int fd;                    /* owned; -1 when closed */
    struct sentinel_slot slot; /* the newest whole one */
    unsigned place;            /* where that one lies, 0 or 1 */
};

void sentinel_slot_encode(const struct sentinel_slot *slot, uint8_t to[SENTINEL_SLOT_SIZE]);

/* ERR_CORRUPT  torn, damaged or never written. ERR_FENCED  whole, and of a newer version. */
__attribute__((warn_unused_result)) enum error
sentinel_slot_decode(const uint8_t bytes[SENTINEL_SLOT_SIZE], struct sentinel_slot *ret_slot,
                     struct error_detail *detail);

/* Put a new sentinel, both slots as `slot` and with its own `self`, in place of whatever lies
 * there, durably and all at once, and open it. ERR_INVALID, ERR_UNAVAILABLE, ERR_IO. */
__attribute__((warn_unused_result)) enum error sentinel_create(struct sentinel *sentinel,
                                                               const struct directory *directory,
                                                               const struct sentinel_slot *slot,
                                                               struct error_detail *detail);

/* Put a new one in place of this open one, which says the same: bytes that were copied before, and
 * are put back into the same file, then remember another file than the one they lie in. Whatever it
 * returns, the one that lies there is open. Errors as sentinel_create(); ERR_FENCED  another lies
 * there by now. */
__attribute__((warn_unused_result)) enum error sentinel_renew(struct sentinel *sentinel,
                                                              const struct directory *directory,
                                                              struct error_detail *detail);

/* Open the one that lies there, and take what its newest slot says.
 * ERR_CORRUPT  no slot is whole. ERR_FENCED  of a newer version. ERR_NOT_FOUND, ERR_INVALID,
 * ERR_IO. */
__attribute__((warn_unused_result)) enum error sentinel_open(struct sentinel *sentinel,
                                                             const struct directory *directory,
                                                             struct error_detail *detail);

/* Witness `counter` commits, in the page cache: to survive a kill, not a power cut. ERR_IO … */
__attribute__((warn_unused_result)) enum error
sentinel_write(struct sentinel *sentinel, const struct directory *directory,
               enum sentinel_state state, uint64_t counter, struct error_detail *detail);

/* Make what was written durable. ERR_IO … */
__attribute__((warn_unused_result)) enum error sentinel_sync(const struct sentinel *sentinel,
                                                             const struct directory *directory,
                                                             struct error_detail *detail);

void sentinel_close(struct sentinel *sentinel);

#endif
