/* verify_report: what `seqctl verify` found, for people and for programs.
 *
 * Threads: one. */
#ifndef SEQD_CTL_VERIFY_REPORT_H
#define SEQD_CTL_VERIFY_REPORT_H

#include "history.h"
#include "ledger_source.h"
#include "verifier.h"

/* All of it; `about` has one item for each input of the history. */
struct verify_report {
    const struct history *history;
    const struct verdict *verdict;
    const struct ledger_about *about;
};

/* To standard output: the sources, the sequences, the findings, and the verdict. */
void verify_report_text(const struct verify_report *report);

/* Likewise, as one line of JSON, in the shape that commands.h states. */
void verify_report_json(const struct verify_report *report);

/* What is wrong, or has to be said, in one line without its end. */
#define VERIFY_REPORT_LINE_SIZE 1024
void verify_report_finding(const struct verify_report *report, const struct finding *finding,
                           char to[VERIFY_REPORT_LINE_SIZE]);

/* "overlap", "two_histories", … Static. */
const char *verify_report_word(enum finding_kind kind);

#endif
