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
    size_t count;              /* items */
    bool more;                 /* there are others behind them */
    size_t written;            /* items that are in `piece` or were sent */
    bool ended;                /* the end is in `piece` or was sent */
    char piece[PIECE_SIZE];
    struct sequence *items[]; /* stay valid for the registry's life */
};

static void collect(void *context, struct sequence *sequence)
{
    struct page *page = context;

    page->items[page->count++] = sequence;
}

static bool next_piece(struct http_pieces *pieces)
{
    struct page *page = (struct page *)pieces;
    struct sequence_status status;
    struct http_json json;

    if (page->ended) {
        return false;
    }
    pieces->used = 0;
    if (page->written < page->count) {
        struct sequence *sequence = page->items[page->written];
        page->piece[0] = ',';
        sequence_describe(sequence, &status);
        http_json_begin(&json, page->piece + 1, sizeof page->piece - 1);
        http_sequence_write(&json, sequence_name(sequence), &status);
        pieces->length = http_json_end(&json); /* the comma comes, the newline goes */
        pieces->used = page->written++ == 0 ? 1 : 0;
        return true;
    }
    bool more = page->more && page->count > 0;
    int length =
        snprintf(page->piece, sizeof page->piece, "],\"after\":%s%s%s}\n", more ? "\"" : "",
                 more ? sequence_name(page->items[page->count - 1]) : "null", more ? "\"" : "");
    assert(length > 0 && (size_t)length < sizeof page->piece);
    pieces->length = (size_t)length;
    page->ended = true;
    return true;
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
    *page = (struct page){.pieces = {.next = next_piece, .text = page->piece, .length = 14}};
    memcpy(page->piece, "{\"sequences\":[", 14);
    page->more =
        registry_list(request->service->registry, prefix, after, (size_t)limit, collect, page);
    return http_reply_written(request, HTTP_TYPE_JSON, http_pieces_read, page, free);
}
