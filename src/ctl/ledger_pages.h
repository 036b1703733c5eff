/* ledger_pages: the ledger and the sequences of a server, page by page. See ledger_source.h.
 *
 * Threads: one. */
#ifndef SEQD_CTL_LEDGER_PAGES_H
#define SEQD_CTL_LEDGER_PAGES_H

#include "ledger_source.h"

/* The rows first: whatever they say is below the marks that are asked for after, unless somebody
 * forces one back in between. */
__attribute__((warn_unused_result)) enum outcome ledger_pages_read(struct session *session,
                                                                   const struct ledger_wish *wish,
                                                                   const struct ledger_sink *sink,
                                                                   struct ledger_about *ret_about);

#endif
