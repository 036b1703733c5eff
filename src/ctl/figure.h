/* figure: times and rates as people write and read them.
 *
 * The law: whole numbers throughout; what is shown is rounded down.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_CTL_FIGURE_H
#define SEQD_CTL_FIGURE_H

#include "base/error.h"

#include <stdint.h>

#define FIGURE_SIZE 48 /* bytes of a figure as text, with its NUL */

/* "12 s", "3 min 5 s", "2 d 4 h", "292 years", "2,924,712 years". */
const char *figure_seconds(uint64_t seconds, char to[FIGURE_SIZE]);

/* "850 ns", "12.3 us", "4.05 ms", "1.20 s". */
const char *figure_ns(uint64_t ns, char to[FIGURE_SIZE]);

/* With commas: "1,234,567". For what is shown; numbers of a sequence are never grouped. */
const char *figure_grouped(uint64_t value, char to[FIGURE_SIZE]);

/* How many a second, `count` of them in `ns`, at least 1. No product overflows. */
uint64_t figure_rate(uint64_t count, uint64_t ns);

/* A whole number and its unit: s, min, h, d or y (365 days); "90d". At least 1 s, 100 years at
 * most. ERR_INVALID otherwise. */
__attribute__((warn_unused_result)) enum error figure_parse_duration(const char *text,
                                                                     uint64_t *ret_seconds);

/* Seconds with up to three decimals, "0.5", from `min_ms` to `max_ms`. ERR_INVALID otherwise. */
__attribute__((warn_unused_result)) enum error
figure_parse_seconds(const char *text, uint64_t min_ms, uint64_t max_ms, uint64_t *ret_ms);

#endif
