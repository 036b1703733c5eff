/* fate: what became of a number, by the rows of the ledger that cover it.
 *
 * The law: the ledger has leases, not answers. So it is never said that a number was issued, but by
 * which lease it was if it was; and that it was not, only where a clean stop gave it back, or where
 * the server that holds it has not come to it yet.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_CTL_FATE_H
#define SEQD_CTL_FATE_H

#include "base/ledger_entry.h"
#include "ledger_row.h"

#include <stddef.h>
#include <stdint.h>

enum fate {
    FATE_MAYBE,      /* of a lease, or of the number: issued by it, or lost */
    FATE_SEVERAL,    /* of the number: more than one lease may have issued it */
    FATE_GIVEN_BACK, /* not issued, and may be leased again */
    FATE_HELD,       /* not issued yet */
    FATE_SKIPPED,    /* the mark was moved over it */
    FATE_FORCED,     /* of a row: from then on it may come again */
};

/* The rows of one name that cover `number`, in the order in which they were written. */
struct fate_rows {
    const struct ledger_entry *items;
    size_t count;
    const struct ledger_mark *mark; /* of the sequence as it is now; NULL: not known */
    int64_t number;
};

/* What the row at `index` did with the number. */
enum fate fate_of_row(const struct fate_rows *rows, size_t index);

/* What became of the number in all; at least one row. */
enum fate fate_of_number(const struct fate_rows *rows);

/* Is the number one that the sequence's mark has passed? */
bool fate_is_passed(const struct ledger_mark *mark, int64_t number);

/* "issued_or_lost", "several", … Static. */
const char *fate_word(enum fate fate);

/* Of a row, for people; of a number, a sentence's end. Static. */
const char *fate_row_text(enum fate fate);
const char *fate_number_text(enum fate fate);

#endif
