/* grpc_head: what the headers of a call say.
 *
 * The law: the list is bounded by GRPC_HEADERS_MAX, counted as HTTP/2 counts it; only what is
 * needed later is kept.
 *
 * Threads: its call's. */
#ifndef SEQD_FRONT_GRPC_HEAD_H
#define SEQD_FRONT_GRPC_HEAD_H

#include "grpc_status.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRPC_HEADERS_MAX 8192 /* bytes of names and values, and 32 for each field */

struct grpc_head {
    nghttp2_rcbuf *path; /* owned, as is the next; NULL: none */
    nghttp2_rcbuf *authorization;
    size_t bytes;
    uint64_t timeout_ns; /* UINT64_MAX: none */
    bool is_post;
    bool is_grpc;
    bool bad_timeout;
    bool foreign_encoding; /* messages may be compressed in a way that is not known here */
    bool repeated_authorization;
};

/* What has to be said to a head. */
struct grpc_objection {
    unsigned http_status; /* of an answer without a gRPC status, or 0 */
    enum grpc_code code;
    char text[128];
};

void grpc_head_init(struct grpc_head *head);
void grpc_head_fini(struct grpc_head *head);

/* One field. */
void grpc_head_add(struct grpc_head *head, nghttp2_rcbuf *name, nghttp2_rcbuf *value);

/* Is it the head of a gRPC call? False: what to answer is in *ret_objection. */
bool grpc_head_check(const struct grpc_head *head, struct grpc_objection *ret_objection);

/* The path, with a NUL; "" when there is none. Its length in *ret_length. */
const char *grpc_head_path(const struct grpc_head *head, size_t *ret_length);

/* The value of "authorization", with a NUL; NULL when there is none, "" when there are several. */
const char *grpc_head_authorization(const struct grpc_head *head);

#endif
