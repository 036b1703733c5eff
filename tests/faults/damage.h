/* damage: everything that may have become of a closed data directory, one thing after another.
 *
 * The law: each damage is done to a copy of a directory that is whole, and is known beforehand to
 * be one that a start has to repair, has to refuse, or may do either with. A mark below what was
 * granted is wrong in every case.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_FAULTS_DAMAGE_H
#define SEQD_TESTS_FAULTS_DAMAGE_H

#include "dir.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DAMAGE_SEQUENCES 2 /* `orders` and `invoices` */

enum damage_kind {
    DAMAGE_RECORD,       /* one byte of one copy of a sequence record */
    DAMAGE_RECORD_TWICE, /* … of both */
    DAMAGE_META,         /* one byte of one copy of the meta record */
    DAMAGE_META_TWICE,   /* … of both */
    DAMAGE_SLOT,         /* one byte of one slot of the sentinel */
    DAMAGE_SLOT_TWICE,   /* … of both */
    DAMAGE_HEAD,         /* one byte of LMDB's two meta pages */
    DAMAGE_PAGE,         /* one page all zero */
    DAMAGE_CUT,          /* the data file ends too early */
    DAMAGE_SENTINEL_CUT, /* the sentinel does */
    DAMAGE_STATE,        /* the state of each file, all together */
    DAMAGE_RUNNING,      /* something happens to the files of a running store */
    DAMAGE_KINDS
};

/* What a start may make of it. */
enum damage_verdict {
    DAMAGE_WELL,    /* it serves, from no lower mark */
    DAMAGE_REFUSED, /* it says why not */
    DAMAGE_EITHER,
    DAMAGE_ANYTHING /* or LMDB, which checks little, ends the process */
};

struct damage {
    enum damage_kind kind;
    unsigned what;  /* which copy, slot, length or state */
    uint64_t place; /* the byte */
    bool witnessed; /* there is a witness elsewhere */
    enum damage_verdict expected;
};

/* Directories to take from, closed. */
struct damage_scene {
    struct dir good;                   /* as it was left … */
    struct dir older;                  /* … and a life before */
    struct dir other;                  /* another data set's */
    struct dir elsewhere;              /* the witness of the first … */
    struct dir aside;                  /* … and as it is kept */
    uint64_t limits[DAMAGE_SEQUENCES]; /* granted of each sequence: all below it */
    uint64_t generation;               /* of the record of `orders` */
};

void damage_open(struct damage_scene *scene);
void damage_close(struct damage_scene *scene);

/* The names of the kinds. */
const char *damage_name(enum damage_kind kind);

/* Where the damages are listed, after damage_open(). Returns how many there are. */
size_t damage_list(const struct damage_scene *scene, struct damage *ret_list, size_t room);

/* Make `work`, an empty folder, a damaged copy. */
void damage_do(const struct damage_scene *scene, const struct damage *damage,
               const struct dir *work);

/* Put the witness, as it was left, into `elsewhere`; returns its path there. */
struct dir damage_put_witness(const struct damage_scene *scene, const struct dir *elsewhere);

/* Start on `work`, and do what DAMAGE_RUNNING says while it runs; `witness` NULL: none is wanted.
 * Returns DAMAGE_WELL or DAMAGE_REFUSED; a wrong thing ends the process with words. */
enum damage_verdict damage_judge(const struct damage_scene *scene, const struct damage *damage,
                                 const struct dir *work, const struct dir *witness);

#endif
