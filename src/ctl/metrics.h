/* metrics: reads what /metrics says, line by line.
 *
 * The law: counts are whole numbers of 64 bits and are read exactly; a sample that is a fraction or
 * infinite is passed over, for none that is read here is one.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_CTL_METRICS_H
#define SEQD_CTL_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct metric {
    const char *name;
    const char *labels; /* what stands between the braces; "" for none */
    uint64_t value;
};

/* Told of one sample; the texts hold for the call. */
typedef void metrics_visit_fn(void *context, const struct metric *metric);

/* Visit each sample of `text`, which is cut up on the way. False when a line is no sample and no
 * comment: what was read then is no metrics page. */
bool metrics_each(char *text, metrics_visit_fn *visit, void *context);

/* The value of the label `name`, copied; false when it is not there or needs `size` bytes or more.
 * Values with escapes are none of ours: false, too. */
bool metrics_label(const struct metric *metric, const char *name, char *to, size_t size);

#endif
