/* sample: what the server had done at one moment, and what it did between two of them.
 *
 * The law: rates are the difference of two counts over the time between; a count that fell, because
 * the server started anew, has no rate.
 *
 * Threads: one. */
#ifndef SEQD_CTL_SAMPLE_H
#define SEQD_CTL_SAMPLE_H

#include "base/clock.h"
#include "base/definition.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Of one sequence. */
struct sample_row {
    char name[SEQUENCE_NAME_MAX + 1];
    uint64_t issued;
    uint64_t unissued;
    uint64_t waiters;
    uint64_t left;
    uint64_t rate; /* numbers a second since the sample before; 0 in the first */
};

struct sample {
    struct instant when;
    char version[64];
    uint64_t requests;
    uint64_t commits;
    uint64_t store_errors;
    uint64_t sequences;
    uint64_t issued; /* of all rows */
    uint64_t requests_rate;
    uint64_t commits_rate;
    uint64_t issued_rate;
    struct sample_row *rows; /* those with the highest rate first, then by name */
    size_t count;
    size_t room;
};

/* Understand a page of metrics, which is cut up on the way. `before`, an earlier sample, may be
 * NULL: then there are no rates. ERR_CORRUPT when it is no page of a seqd's metrics, ERR_NO_MEMORY.
 * sample_free() after ERR_OK. */
__attribute__((warn_unused_result)) enum error sample_read(char *page, struct instant when,
                                                           const struct sample *before,
                                                           struct sample *ret_sample);

void sample_free(struct sample *sample);

#endif
