/* error: the closed set of ways in which a call can fail.
 *
 * The law: a code is set on the line where the failure is recognised, and foreign codes (errno,
 * LMDB) are translated in one function per library. There are two kinds. An *outcome* is
 * something the caller must decide on. A *fault* is forwarded untouched to whoever decides what
 * happens next. What a person needs to read goes into the caller's `struct error_detail`, filled
 * on cold paths only.
 *
 * Threads: any; nothing here holds state. */
#ifndef SEQD_BASE_ERROR_H
#define SEQD_BASE_ERROR_H

#include <stdarg.h>

enum error {
    ERR_OK = 0,

    /* Outcomes. */
    ERR_PENDING,     /* not yet: the call took the request in and will complete it later */
    ERR_INVALID,     /* the caller's input is outside a stated limit */
    ERR_NOT_FOUND,   /* no such sequence, file or record */
    ERR_CONFLICT,    /* something else already stands in that place */
    ERR_EXHAUSTED,   /* fewer numbers are left than were asked for */
    ERR_UNAVAILABLE, /* cannot be had now, may be had later; nothing was issued */

    /* Faults. */
    ERR_IO,        /* the disk or the kernel said no; what is durable is unknown */
    ERR_CORRUPT,   /* what was read is not what was written */
    ERR_FENCED,    /* the data set belongs to someone else now */
    ERR_NO_MEMORY, /* allocation failed */
};

/* Bytes, with the NUL; longer text is cut. Room for a refusal that names a long path three times
 * and ends with a command. */
#define ERROR_DETAIL_SIZE 1536

/* What a person needs to know about one failure: what, where, the limit, and what to type. */
struct error_detail {
    char text[ERROR_DETAIL_SIZE];
};

/* The code's name in plain words, such as "not found". Static; never NULL. */
const char *error_name(enum error code);

/* Fill `detail` (may be NULL: then nothing is written) as printf does, and return `code`, so that
 * a failure is one statement: `return error_fail(detail, ERR_INVALID, "count is %u, the limit is
 * %u", …)`. */
__attribute__((format(printf, 3, 4))) enum error
error_fail(struct error_detail *detail, enum error code, const char *format, ...);

/* Put "prefix: " before the text that `detail` already holds (may be NULL) and return `code`. */
__attribute__((format(printf, 3, 4))) enum error
error_wrap(struct error_detail *detail, enum error code, const char *format, ...);

#endif
