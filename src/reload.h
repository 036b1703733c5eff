/* reload: takes a configuration that was read anew over into the running service.
 *
 * The law: all or nothing as far as it can be known beforehand: a file with a mistake, or with
 * other numbers for a sequence that exists, changes nothing. What has to be written is written by
 * the keeper's thread, between two commits, so no request waits for a reload.
 *
 * Threads: one, the owner's; the errand runs on the keeper's. */
#ifndef SEQD_RELOAD_H
#define SEQD_RELOAD_H

#include "base/error.h"
#include "config.h"
#include "core/keeper.h"
#include "service.h"

#include <stdbool.h>
#include <stddef.h>

struct reload {
    struct service *service;     /* borrowed */
    const struct config *config; /* in force, borrowed; unchanged while `running` */
    int done_fd;                 /* an eventfd: readable once what was begun is done */
    bool running;
    unsigned unread; /* tokens or certificates that stayed as they were, each logged */

    /* The keeper's thread writes these between reload_begin() and the signal of `done_fd`. */
    struct errand errand;
    size_t failures; /* sequences that are not as the configuration says */
};

/* ERR_IO when the kernel has no descriptor. The borrowed parts must outlive the reload. */
__attribute__((warn_unused_result)) enum error
reload_init(struct reload *reload, struct service *service, const struct config *config);

/* The service must have stopped, so that nothing is on its way. A zeroed reload is accepted. */
void reload_fini(struct reload *reload);

/* Does `fresh` fit the sequences that are there? Every one that does not is logged. */
bool reload_fits(const struct reload *reload, const struct config *fresh);

/* Apply the configuration in force: limits at once, sequences by the keeper. Nothing may be
 * running. When `done_fd` is readable, call reload_end(). */
void reload_begin(struct reload *reload);

/* Returns how many sequences could not be made as the configuration says; each was logged. */
size_t reload_end(struct reload *reload);

#endif
