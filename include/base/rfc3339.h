/* rfc3339: moments as text, such as 2026-11-25T20:15:00.123Z, exact to the millisecond.
 *
 * The law: text is understood whole or refused; nothing is rounded. Years 1970 to 9999. A leap
 * second (second 60) has no place of its own on a clock that counts milliseconds since 1970: it is
 * refused.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_BASE_RFC3339_H
#define SEQD_BASE_RFC3339_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define RFC3339_SIZE 25 /* bytes of a moment that was written, with its NUL */
#define RFC3339_MAX_MS INT64_C(253402300799999)

/* `text` with 'T' (or 't') between date and time, and 'Z' (or 'z') or an offset such as +01:00 at
 * its end. A fraction may have any number of digits; those behind the third must be 0.
 * ERR_INVALID, with what is wrong in `detail`; *ret_ms is untouched. */
__attribute__((warn_unused_result)) enum error rfc3339_parse(const char *text, int64_t *ret_ms,
                                                             struct error_detail *detail);

/* Write `ms`, 0 … RFC3339_MAX_MS since 1970, in UTC with `digits` (0 … 3) of the fraction, which
 * are cut off, not rounded. */
void rfc3339_format(char to[RFC3339_SIZE], int64_t ms, unsigned digits);

#endif
