#include "grpc_head.h"

#include "grpc_fields.h"

#include <stdio.h>
#include <string.h>

#define FIELD_COST 32 /* bytes that HTTP/2 counts for a field beside its text */

void grpc_head_init(struct grpc_head *head)
{
    *head = (struct grpc_head){.timeout_ns = UINT64_MAX};
}

void grpc_head_fini(struct grpc_head *head)
{
    if (head->path != NULL) {
        nghttp2_rcbuf_decref(head->path);
        head->path = NULL;
    }
    if (head->authorization != NULL) {
        nghttp2_rcbuf_decref(head->authorization);
        head->authorization = NULL;
    }
}

static bool is(nghttp2_vec text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.base, word, text.len) == 0;
}

static void keep(nghttp2_rcbuf **place, nghttp2_rcbuf *value)
{
    if (*place == NULL) {
        nghttp2_rcbuf_incref(value);
        *place = value;
    }
}

void grpc_head_add(struct grpc_head *head, nghttp2_rcbuf *name_buffer, nghttp2_rcbuf *value_buffer)
{
    nghttp2_vec name = nghttp2_rcbuf_get_buf(name_buffer);
    nghttp2_vec value = nghttp2_rcbuf_get_buf(value_buffer);

    head->bytes += name.len + value.len + FIELD_COST;
    if (head->bytes > GRPC_HEADERS_MAX) {
        return;
    }
    if (is(name, ":path")) {
        keep(&head->path, value_buffer);
    } else if (is(name, ":method")) {
        head->is_post = is(value, "POST");
    } else if (is(name, "content-type")) {
        head->is_grpc = grpc_content_type_fits(value.base, value.len);
    } else if (is(name, "grpc-timeout")) {
        head->bad_timeout = head->bad_timeout || head->timeout_ns != UINT64_MAX ||
                            grpc_timeout_parse(value.base, value.len, &head->timeout_ns) != ERR_OK;
    } else if (is(name, "grpc-encoding")) {
        head->foreign_encoding = !is(value, "identity");
    } else if (is(name, "authorization")) {
        head->repeated_authorization = head->authorization != NULL;
        keep(&head->authorization, value_buffer);
    }
}

bool grpc_head_check(const struct grpc_head *head, struct grpc_objection *ret_objection)
{
    struct grpc_objection objection = {.http_status = 0, .code = GRPC_OK};

    if (head->bytes > GRPC_HEADERS_MAX) {
        objection.code = GRPC_RESOURCE_EXHAUSTED;
        snprintf(objection.text, sizeof objection.text,
                 "the headers take more than %d bytes, each field counted with %d more",
                 GRPC_HEADERS_MAX, FIELD_COST);
    } else if (!head->is_post) {
        objection.http_status = 405;
    } else if (!head->is_grpc) {
        objection.http_status = 415;
    } else if (head->bad_timeout) {
        objection.code = GRPC_INTERNAL;
        snprintf(objection.text, sizeof objection.text,
                 "grpc-timeout must stand once, with 1 to 8 digits and one of H M S m u n");
    } else {
        return true;
    }
    *ret_objection = objection;
    return false;
}

const char *grpc_head_path(const struct grpc_head *head, size_t *ret_length)
{
    nghttp2_vec path = {.base = NULL, .len = 0};

    if (head->path != NULL) {
        path = nghttp2_rcbuf_get_buf(head->path);
    }
    *ret_length = path.len;
    return path.len == 0 ? "" : (const char *)path.base; /* a buffer of the library ends in NUL */
}

const char *grpc_head_authorization(const struct grpc_head *head)
{
    if (head->authorization == NULL) {
        return NULL;
    }
    return head->repeated_authorization
               ? ""
               : (const char *)nghttp2_rcbuf_get_buf(head->authorization).base;
}
