/* http_sequence: a sequence as JSON, for every answer that shows one.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_FRONT_HTTP_SEQUENCE_H
#define SEQD_FRONT_HTTP_SEQUENCE_H

#include "core/sequence.h"
#include "http_json.h"

/* Room for the members below, whatever their values: forty of 48 bytes, and the name. */
#define HTTP_SEQUENCE_JSON_SIZE (40 * 48 + SEQUENCE_NAME_MAX)

/* Add all members of the sequence object. */
void http_sequence_write(struct http_json *json, const char *name,
                         const struct sequence_status *status);

/* Add the members that a definition has, in the order in which PUT takes them. */
void http_sequence_define(struct http_json *json, const struct definition *definition);

/* Add those of them that say how a timestamp sequence's numbers are made. */
void http_sequence_layout(struct http_json *json, const struct layout *layout);

#endif
