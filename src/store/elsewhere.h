/* elsewhere: the witness on another file system: a second sentinel, which the data's own disk
 * cannot take back with it.
 *
 * The law: as the sentinel's, it is never ahead of the data, so data with fewer commits than it has
 * seen, or of another incarnation, has gone back or is a copy that somebody has left behind. Once
 * it was made it has to be there.
 *
 * Threads: one at a time. */
#ifndef SEQD_STORE_ELSEWHERE_H
#define SEQD_STORE_ELSEWHERE_H

#include "base/error.h"
#include "directory.h"
#include "record.h"
#include "sentinel.h"

#include <limits.h>

struct elsewhere {
    struct directory directory; /* the folder; fd -1 when closed */
    struct sentinel sentinel;
    char name[NAME_MAX + 1]; /* the file in it; empty: none is wanted */
};

/* None is open; it is to be the file `path`, absolute, or NULL. ERR_INVALID  too long. */
__attribute__((warn_unused_result)) enum error
elsewhere_init(struct elsewhere *elsewhere, const char *path, struct error_detail *detail);

/* Open it and hold `meta` against it; one that was never made is made. Nothing is wanted: does
 * nothing. ERR_FENCED  it is missing, of another data set, or ahead: what was found, in `detail`.
 * ERR_IO, ERR_INVALID, ERR_UNAVAILABLE, ERR_NOT_FOUND (the folder), ERR_CORRUPT. */
__attribute__((warn_unused_result)) enum error
elsewhere_open(struct elsewhere *elsewhere, const struct meta *meta, struct error_detail *detail);

/* Put one that says what `meta` does in place of whatever lies there. Errors likewise. */
__attribute__((warn_unused_result)) enum error
elsewhere_make(struct elsewhere *elsewhere, const struct meta *meta, struct error_detail *detail);

/* Have it witness `counter` commits, in the page cache. ERR_IO … */
__attribute__((warn_unused_result)) enum error
elsewhere_write(struct elsewhere *elsewhere, uint64_t counter, struct error_detail *detail);

/* Syncs, as far as that goes; closed already is accepted. */
void elsewhere_close(struct elsewhere *elsewhere);

#endif
