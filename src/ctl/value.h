/* value: what a JSON answer holds, as text.
 *
 * The law: a number of 64 bits is a string in JSON and stays the text that it is; no double is made
 * of it.
 *
 * Threads: any. */
#ifndef SEQD_CTL_VALUE_H
#define SEQD_CTL_VALUE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define VALUE_SIZE 256 /* bytes for a value as text, with the NUL; a longer one is cut */

/* A string as it is, an integer in decimal, yes or no, "-" for null and for what is not there. */
const char *value_text(const json_t *value, char to[VALUE_SIZE]);

/* The member of that name, likewise. */
const char *value_member(const json_t *object, const char *name, char to[VALUE_SIZE]);

/* A member that is a string of decimal digits or a JSON integer, exactly; `standard` otherwise. */
uint64_t value_uint64(const json_t *object, const char *name, uint64_t standard);

#endif
