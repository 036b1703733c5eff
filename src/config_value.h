/* config_value: what a value in the configuration may look like, and exact integers of it.
 *
 * The law: a value is understood whole or refused; a size or a span of time is an integer with a
 * unit, and no double ever holds one.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_CONFIG_VALUE_H
#define SEQD_CONFIG_VALUE_H

#include "base/error.h"
#include "front/place.h"

#include <stddef.h>
#include <stdint.h>

#define VALUE_TEXT_SIZE 32 /* bytes for any value in words, with its NUL */

enum value_kind {
    VALUE_NUMBER,   /* an integer, perhaps negative: -5 */
    VALUE_SIZE,     /* bytes, with KiB, MiB or GiB, or plain: 4KiB */
    VALUE_DURATION, /* milliseconds, always with ms, s, min or h: 500ms */
    VALUE_TIME,     /* a moment, in ms since 1970: 2024-01-01T00:00:00Z */
    VALUE_ID,       /* a number of a node, or where it comes from: 17, ip, ip:eth0 */
    VALUE_WORD,     /* one of a list of words */
    VALUE_PATH,     /* an absolute path */
    VALUE_MODE,     /* permissions of a file, in octal digits: 0660 */
    VALUE_LISTEN,   /* a list of ADDRESS:PORT with commas between, or 'none' */
    VALUE_ORIGINS,  /* a list of SCHEME://HOST[:PORT] with commas between, or 'none' */
};

/* `text` as an integer (number, bytes, or milliseconds). ERR_INVALID, with what such a value looks
 * like in `detail`, when it is none or does not fit. Kinds NUMBER, SIZE, DURATION, MODE and TIME.
 * */
__attribute__((warn_unused_result)) enum error value_parse(enum value_kind kind, const char *text,
                                                           int64_t *ret_value,
                                                           struct error_detail *detail);

/* Write `value` as a person would write it in the file, in the largest unit that is exact. Kinds
 * NUMBER, SIZE, DURATION, MODE and TIME. */
void value_format(enum value_kind kind, int64_t value, char to[VALUE_TEXT_SIZE]);

/* "127.0.0.1:8080, [::1]:8080": numeric addresses, each with a port of 0 to 65535; or "none".
 * ERR_INVALID, with the form in `detail`; nothing is written then. */
__attribute__((warn_unused_result)) enum error
value_parse_listen(const char *text, struct endpoints *ret_listen, struct error_detail *detail);

/* "https://example.org, http://localhost:3000", or "none": written to `ret_origins`, which has
 * HTTP_ORIGINS_SIZE bytes and is filled up with zeros, with no blanks between. An origin stands as
 * a browser writes it, so it has small letters, no path and not the port that its scheme has.
 * ERR_INVALID, with the form in `detail`; nothing is written then. */
__attribute__((warn_unused_result)) enum error
value_parse_origins(const char *text, char *ret_origins, struct error_detail *detail);

#endif
