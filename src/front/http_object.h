/* http_object: reads one JSON object that a client sent, by a table of the members it may have.
 *
 * The law: an object is understood whole or refused, and the text says which member is wrong and
 * what it must be. Integers come as JSON integers or as strings, for not every client can write
 * 2^53 + 1; a number with a point or an exponent, a member that is not in the table or that stands
 * twice, and anything behind the object are refused. No double holds a value.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_FRONT_HTTP_OBJECT_H
#define SEQD_FRONT_HTTP_OBJECT_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define HTTP_MEMBERS_MAX 32 /* of a table: one bit for each */

enum http_member_kind {
    HTTP_MEMBER_SIGNED,   /* int64_t */
    HTTP_MEMBER_UNSIGNED, /* uint8_t, uint32_t or uint64_t, as `size` says */
    HTTP_MEMBER_WORD,     /* one of `words`, written to an int */
    HTTP_MEMBER_FLAG,     /* true or false, written to a bool */
    HTTP_MEMBER_TIME,     /* a moment of RFC 3339, written to an int64_t: ms since 1970 */
};

struct http_word {
    const char *word; /* NULL ends a list */
    uint64_t value;
};

struct http_member {
    const char *name;
    enum http_member_kind kind;
    size_t offset; /* of the field */
    size_t size;   /* of the field, in bytes */
    uint64_t min;  /* UNSIGNED: the least that is taken as a number */
    const struct http_word
        *words; /* WORD: all there are; UNSIGNED: taken beside numbers, or NULL */
};

/* Read the `length` bytes at `bytes` into `fields`; those of members that are not there stay as
 * they are. No bytes at all are an object without members.
 * `ret_given`  bit i is set when members[i] was there.
 * ERR_INVALID    not such an object; why, in `detail`. Some fields may be written.
 * ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
http_object_read(const char *bytes, size_t length, const struct http_member *members, size_t count,
                 void *fields, uint32_t *ret_given, struct error_detail *detail);

#endif
