#include "http_decode.h"

#include "base/rfc3339.h"
#include "base/text.h"
#include "http_json.h"
#include "http_reply.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define SHOWN_MAX 64   /* bytes of what a client sent that are repeated to it */
#define MOMENT_SIZE 64 /* bytes of a moment without its escapes, with its NUL */
#define DECODE_JSON_SIZE (SEQUENCE_NAME_MAX + 8 * 48)

/* The timestamp sequence that is asked about. False when the request has been refused, with
 * *ret_result to return. */
static bool find_layout(struct http_request *request, struct layout *ret_layout,
                        enum MHD_Result *ret_result)
{
    struct sequence_status status;
    request->sequence =
        registry_find(request->service->registry, request->name, request->name_length);
    if (request->sequence == NULL) {
        *ret_result = http_reply_problem(request, HTTP_PROBLEM_UNKNOWN_SEQUENCE,
                                         "there is no sequence '%.*s'", (int)request->name_length,
                                         request->name);
        return false;
    }
    sequence_describe(request->sequence, &status);
    if (status.definition.kind != SEQUENCE_TIMESTAMP) {
        *ret_result = http_reply_problem(
            request, HTTP_PROBLEM_WRONG_KIND,
            "'%s' is of kind '%s'; only the numbers of a timestamp sequence hold a time",
            sequence_name(request->sequence), sequence_kind_name(status.definition.kind));
        return false;
    }
    *ret_layout = status.definition.layout;
    return true;
}

static void add_time(struct http_json *json, const char *key, unsigned digits, int64_t time_ms)
{
    char text[RFC3339_SIZE];
    rfc3339_format(text, time_ms, digits);
    http_json_text(json, key, text);
}

/* Read the number in the path. False when the request has been refused. */
static bool read_number(struct http_request *request, int64_t *ret_number,
                        enum MHD_Result *ret_result)
{
    char text[TEXT_INT64_SIZE] = "";
    uint64_t number = 0;
    if (request->item_length < sizeof text) {
        memcpy(text, request->item, request->item_length);
    }
    if (text_parse_uint64(text, INT64_MAX, &number) != ERR_OK) {
        size_t shown = request->item_length < SHOWN_MAX ? request->item_length : SHOWN_MAX;
        *ret_result = http_reply_problem(
            request, HTTP_PROBLEM_BAD_PARAMETER,
            "'%.*s' is no number of this sequence; it must be a whole number from 0 to "
            "9223372036854775807, in decimal digits",
            (int)shown, request->item);
        return false;
    }
    *ret_number = (int64_t)number;
    return true;
}

enum MHD_Result http_decode(struct http_request *request)
{
    enum MHD_Result result = MHD_NO;
    struct layout layout;
    struct http_json json;
    char body[DECODE_JSON_SIZE];
    int64_t number = 0;

    if (!find_layout(request, &layout, &result) || !read_number(request, &number, &result)) {
        return result;
    }
    struct layout_parts parts = layout_decode(&layout, number);
    http_json_begin(&json, body, sizeof body);
    http_json_text(&json, "sequence", sequence_name(request->sequence));
    http_json_int64(&json, "number", number);
    add_time(&json, "time", layout_unit_digits(&layout), parts.time_ms);
    http_json_small(&json, "machine", parts.machine);
    http_json_small(&json, "node", parts.node);
    http_json_small(&json, "counter", parts.counter);
    return http_reply_page(request, HTTP_TYPE_JSON, body, http_json_end(&json));
}

/* What browsers and libraries escape of a moment in a query is ':' and '+'. Returns `text` without
 * these escapes, in `moment`; or as it is, where it is longer than a moment needs to be. */
static const char *unescape(char moment[MOMENT_SIZE], const char *text)
{
    const char *from = text;
    size_t length = 0;

    while (*from != '\0' && length < MOMENT_SIZE - 1) {
        bool colon = strncasecmp(from, "%3A", 3) == 0;
        bool plus = strncasecmp(from, "%2B", 3) == 0;
        moment[length++] = colon ? ':' : (plus ? '+' : *from);
        from += colon || plus ? 3 : 1;
    }
    moment[length] = '\0';
    return *from == '\0' ? moment : text;
}

/* Read the moment `key`. False when the request has been refused. */
static bool read_time(struct http_request *request, const char *key, int64_t *ret_ms,
                      enum MHD_Result *ret_result)
{
    const char *text = http_fields_parameter(&request->fields, key);
    struct error_detail detail;
    char moment[MOMENT_SIZE];
    if (text == NULL) {
        *ret_result =
            http_reply_problem(request, HTTP_PROBLEM_BAD_PARAMETER,
                               "%s is missing; give a moment such as 2026-11-25T20:15:00Z", key);
        return false;
    }
    if (rfc3339_parse(unescape(moment, text), ret_ms, &detail) != ERR_OK) {
        *ret_result =
            http_reply_problem(request, HTTP_PROBLEM_BAD_PARAMETER, "%s: %s", key, detail.text);
        return false;
    }
    return true;
}

enum MHD_Result http_decode_range(struct http_request *request)
{
    enum MHD_Result result = MHD_NO;
    struct layout layout;
    struct layout_range range;
    struct http_json json;
    char body[DECODE_JSON_SIZE];
    int64_t from_ms = 0;
    int64_t to_ms = 0;

    if (!find_layout(request, &layout, &result) || !read_time(request, "from", &from_ms, &result) ||
        !read_time(request, "to", &to_ms, &result)) {
        return result;
    }
    if (!layout_range(&layout, from_ms, to_ms, &range)) {
        char epoch[RFC3339_SIZE];
        char end[RFC3339_SIZE];
        rfc3339_format(epoch, layout.epoch_ms, 3);
        rfc3339_format(end, layout_end_ms(&layout), 3);
        return http_reply_problem(request, HTTP_PROBLEM_BAD_PARAMETER,
                                  "no tick begins from 'from' on and before 'to'; 'from' must be "
                                  "the earlier one, and ticks begin from %s to %s",
                                  epoch, end);
    }
    http_json_begin(&json, body, sizeof body);
    http_json_text(&json, "sequence", sequence_name(request->sequence));
    add_time(&json, "from", 3, from_ms);
    add_time(&json, "to", 3, to_ms);
    http_json_int64(&json, "first", range.first);
    http_json_int64(&json, "last", range.last);
    return http_reply_page(request, HTTP_TYPE_JSON, body, http_json_end(&json));
}
