/* text: exact numbers to and from text.
 *
 * The law: a number is parsed whole or refused; there is no cut, no rounding, no sign that goes
 * missing, and no double.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_BASE_TEXT_H
#define SEQD_BASE_TEXT_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define TEXT_INT64_SIZE 21 /* bytes for any int64_t in decimal, with sign and NUL */

/* Decimal digits only (no sign, space, hex or empty text), at most `max`. ERR_INVALID otherwise;
 * *ret_value untouched. */
__attribute__((warn_unused_result)) enum error text_parse_uint64(const char *text, uint64_t max,
                                                                 uint64_t *ret_value);

/* An optional '-', then decimal digits; within INT64_MIN … INT64_MAX. ERR_INVALID otherwise;
 * *ret_value untouched. */
__attribute__((warn_unused_result)) enum error text_parse_int64(const char *text,
                                                                int64_t *ret_value);

/* Write `value` in decimal at `to`, which has room for TEXT_INT64_SIZE bytes, without a NUL.
 * Returns the length. */
size_t text_format_int64(char *to, int64_t value);

#endif
