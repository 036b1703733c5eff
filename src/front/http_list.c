#include "http_list.h"

#include "base/text.h"
#include "http_pieces.h"
#include "http_reply.h"
#include "http_sequence.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert(HTTP_LIST_LIMIT_MAX <= REGISTRY_LIST_MAX, "a page is one call");

#define SHOWN_MAX 64 /* bytes of what a client sent that are repeated to it */

/* A piece of text: one sequence with a comma, or the end with a name. */
#define PIECE_SIZE (HTTP_SEQUENCE_JSON_SIZE + 64)

/* One page, from its collection until its last byte was sent. */
struct page {
    struct http_pieces pieces; /* first */
    bool more;                 /* there are others behind its items */
    char piece[PIECE_SIZE];
    struct sequence *items[]; /* stay valid for the registry's life */
};

static void collect(void *context, struct sequence *sequence)
{
    struct page *page = context;

    page->items[page->pieces.count++] = sequence;
}

static size_t write_item(struct http_pieces *pieces, size_t index, char *to, size_t room)
{
    struct sequence *sequence = ((struct page *)pieces)->items[index];
    struct sequence_status status;
    struct http_json json;

    sequence_describe(sequence, &status);
    http_json_begin(&json, to, room);
    http_sequence_write(&json, sequence_name(sequence), &status);
    return http_json_end(&json) - 1; /* the newline goes */
}

static size_t write_end(struct http_pieces *pieces, char *to, size_t room)
{
    const struct page *page = (const struct page *)pieces;
    bool more = page->more && pieces->count > 0;
    int length =
        snprintf(to, room, "],\"after\":%s%s%s}\n", more ? "\"" : "",
                 more ? sequence_name(page->items[pieces->count - 1]) : "null", more ? "\"" : "");

    assert(length > 0 && (size_t)length < room);
    return (size_t)length;
}

/* Read `limit`. False when the request has been refused, with *ret_result to return. */
static bool read_limit(struct http_request *request, uint64_t *ret_limit,
                       enum MHD_Result *ret_result)
{
    const char *text = http_fields_parameter(&request->fields, "limit");

    *ret_limit = HTTP_LIST_LIMIT_DEFAULT;
    if (text != NULL &&
        (text_parse_uint64(text, HTTP_LIST_LIMIT_MAX, ret_limit) != ERR_OK || *ret_limit == 0)) {
        *ret_result = http_reply_problem(
            request, HTTP_PROBLEM_BAD_PARAMETER,
            "limit is '%.*s'; it must be a whole number from 1 to %d, in decimal digits", SHOWN_MAX,
            text, HTTP_LIST_LIMIT_MAX);
        return false;
    }
    return true;
}

/* Read the parameter `key`, which is empty or a name. False when the request has been refused. */
static bool read_name(struct http_request *request, const char *key, const char **ret_text,
                      enum MHD_Result *ret_result)
{
    const char *text = http_fields_parameter(&request->fields, key);
    struct error_detail detail;

    *ret_text = text != NULL ? text : "";
    if (**ret_text != '\0' && definition_check_name(text, strlen(text), &detail) != ERR_OK) {
        *ret_result = http_reply_problem(request, HTTP_PROBLEM_BAD_PARAMETER, "%s is '%.*s': %s",
                                         key, SHOWN_MAX, text, detail.text);
        return false;
    }
    return true;
}

enum MHD_Result http_list(struct http_request *request)
{
    enum MHD_Result result = MHD_NO;
    const char *prefix = NULL;
    const char *after = NULL;
    uint64_t limit = 0;

    if (!read_limit(request, &limit, &result) || !read_name(request, "prefix", &prefix, &result) ||
        !read_name(request, "after", &after, &result)) {
        return result;
    }
    if (request->method == HTTP_HEAD) {
        return http_reply_head(request, HTTP_TYPE_JSON);
    }
    struct page *page = malloc(sizeof *page + (size_t)limit * sizeof page->items[0]);
    if (page == NULL) {
        return MHD_NO;
    }
    *page = (struct page){.pieces = {
                              .item = write_item,
                              .end = write_end,
                              .text = page->piece,
                              .size = sizeof page->piece,
                          }};
    http_pieces_begin(&page->pieces, "{\"sequences\":[");
    page->more =
        registry_list(request->service->registry, prefix, after, (size_t)limit, collect, page);
    return http_reply_written(request, HTTP_TYPE_JSON, http_pieces_read, page, free);
}
