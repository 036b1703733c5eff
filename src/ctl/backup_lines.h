/* backup_lines: the marks and the ledger in a file of `seqctl backup`. See ledger_source.h.
 *
 * Threads: any; one uses a file. */
#ifndef SEQD_CTL_BACKUP_LINES_H
#define SEQD_CTL_BACKUP_LINES_H

#include "ledger_source.h"

#include <stdio.h>

/* Read all of `file`, line by line, so that its size does not matter.
 * ERR_CORRUPT  it is no backup, altered, or cut; ERR_FENCED  of a newer format; ERR_IO; the line in
 * `detail`. ERR_NO_MEMORY as the sink says. */
__attribute__((warn_unused_result)) enum error backup_lines_read(FILE *file,
                                                                 const struct ledger_sink *sink,
                                                                 struct ledger_about *ret_about,
                                                                 struct error_detail *detail);

#endif
