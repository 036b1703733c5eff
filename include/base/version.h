/* version: which seqd this is. The one place that says so. */
#ifndef SEQD_BASE_VERSION_H
#define SEQD_BASE_VERSION_H

#define SEQD_VERSION "0.1.0"

#endif
