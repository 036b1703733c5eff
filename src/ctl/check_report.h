/* check_report: tells a person, or a program, what a check has found.
 *
 * The law: numbers are those of the sequence, never ranks, and never grouped; counts are grouped
 * for people. A moment is nanoseconds since the start of the check.
 *
 * Threads: one. */
#ifndef SEQD_CTL_CHECK_REPORT_H
#define SEQD_CTL_CHECK_REPORT_H

#include "check_judge.h"
#include "check_way.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct check_report {
    const char *name;
    const char *kind; /* "counter", "timestamp"; NULL: the server did not tell */
    int64_t increment;
    uint64_t count;
    uint64_t connections;
    uint64_t ns; /* that the load took */
    const struct check_way *ways;
    size_t way_count; /* connection i asks the way i % way_count */
    const struct check_verdict *verdict;
};

/* To standard output. */
void check_report_text(const struct check_report *report);
void check_report_json(const struct check_report *report);

#endif
