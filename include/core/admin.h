/* admin: changes of sequences that an administrator asks for, for every front.
 *
 * The law: a change is durable before it is answered with ERR_OK, and whatever its outcome no
 * number comes twice, with one exception that has to be forced: ADVANCE backward, and its answer
 * names the numbers that may come again. A name outlives its sequence: what was dropped keeps its
 * floor, and what is created under the name later begins beyond it.
 *
 * A change runs on the keeper's thread, between two commits, in the order of submission.
 *
 * Threads: admin_submit() any; `done` as it says. */
#ifndef SEQD_CORE_ADMIN_H
#define SEQD_CORE_ADMIN_H

#include "base/definition.h"
#include "base/error.h"
#include "base/ledger_entry.h"
#include "core/keeper.h"
#include "core/registry.h"
#include "core/sequence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum admin_action {
    ADMIN_CREATE,  /* an equal one that is there is as good */
    ADMIN_ALTER,   /* what may be altered at any time */
    ADMIN_ADVANCE, /* go on behind a number */
    ADMIN_DROP,    /* leave a tombstone */
    ADMIN_BACKUP,  /* no change: all that the store remembers, as text */
    ADMIN_LEDGER,  /* no change: a page of the store's ledger */
};

/* What ADMIN_ALTER takes over from the definition; a sum of these. */
enum admin_field {
    ADMIN_FIELD_MAX_GAP = 1,
    ADMIN_FIELD_LEASE = 2,
    ADMIN_FIELD_DURABILITY = 4,
    ADMIN_FIELD_MAX_BORROW = 8, /* of a timestamp sequence */
};

#define ADMIN_FIELDS_ALL 15
#define ADMIN_LEDGER_PAGE_MAX STORE_LEDGER_PAGE_MAX

/* Which rows of the ledger are wanted, and a page of them. */
struct admin_ledger {
    /* Set by the front. */
    char name[SEQUENCE_NAME_MAX + 1]; /* of that sequence; empty: of every one */
    bool has_number;                  /* only rows about this number */
    int64_t number;
    struct ledger_id after; /* rows behind this one; commit 0: from the oldest on */
    size_t limit;           /* rows, 1 … ADMIN_LEDGER_PAGE_MAX */

    /* The answer, on ERR_OK. */
    struct ledger_entry *rows; /* to be freed by the caller, whatever the error; or NULL */
    size_t count;
    bool more;               /* there may be more, behind … */
    struct ledger_id last;   /* … this one */
    struct ledger_id oldest; /* that is kept; commit 0: there is none */
    uint64_t damaged;        /* rows of this page that cannot be read */
    uint64_t missing;        /* rows that were never written */
};

struct admin_request {
    /* Set by the front. */
    enum admin_action action;
    char name[SEQUENCE_NAME_MAX + 1];
    struct definition definition; /* CREATE: all of it. ALTER: the fields named in `fields` */
    unsigned fields;              /* ALTER: at least one */
    int64_t past; /* ADVANCE: the next number comes after it, in the direction of the increment */
    bool force;   /* ADVANCE may go backward, so that numbers may come again */
    struct admin_ledger ledger; /* LEDGER */

    /* Called exactly once, with no lock held, when the answer is there: by a thread of core, or by
     * the one that submits when the service has stopped. It must not block. */
    void (*done)(struct admin_request *request);

    /* The answer.
     * ERR_OK           it is durable.
     * ERR_INVALID      name, definition or field outside its limits, or REGISTRY_SEQUENCES_MAX are
     *                  there already.
     * ERR_NOT_FOUND    ALTER, ADVANCE, DROP: no such sequence. LEDGER: none is kept.
     * ERR_CONFLICT     CREATE: it exists with another definition. ADVANCE: it would go backward,
     *                  and `force` is not set.
     * ERR_EXHAUSTED    CREATE: the name's floor leaves no number of this definition. ADVANCE: past
     *                  the last number.
     * ERR_UNAVAILABLE  the store cannot be written now. Usually nothing has changed; where the
     *                  store failed in the middle the outcome is unknown, and asking again finds
     *                  out. No sequence is left issuing what it may not, but one that was to be
     *                  created or dropped may turn out to be, after a restart too, and one that was
     *                  to go forward may do so.
     * In all but the first and the last nothing has changed. */
    enum error error;
    struct error_detail detail; /* what a person needs to read; empty on ERR_OK */
    bool created;               /* CREATE: it was not there before */
    bool rewound;               /* ADVANCE went backward … */
    int64_t repeat_first;       /* … and numbers from here … */
    int64_t repeat_last;        /* … to here, which is not lower, may come again */
    bool has_floor;             /* DROP: under this name … */
    int64_t floor_low;          /* … numbers from here … */
    int64_t floor_high;         /* … to here never come again */
    char *text;         /* BACKUP: as store_backup() wrote it; to be freed by the caller … */
    size_t text_length; /* … and its length, without the NUL */
    /* CREATE, ALTER, ADVANCE on ERR_OK: as it is now. CREATE on ERR_CONFLICT: the one that is
     * there. */
    struct sequence_status status;

    struct errand errand; /* core's own, as the next one */
    struct registry *registry;
};

/* Have it done. The memory of `request` is the caller's again when `done` is called, which may be
 * before this returns. */
void admin_submit(struct registry *registry, struct keeper *keeper, struct admin_request *request);

#endif
