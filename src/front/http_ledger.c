#include "http_ledger.h"

#include "base/rfc3339.h"
#include "base/text.h"
#include "http_change.h"
#include "http_pieces.h"
#include "http_reply.h"
#include "http_sequence.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 64 /* bytes of what a client sent that are repeated to it */
#define ROW_JSON_SIZE \
    1300 /* bytes of one row: 22 members with values of up to 45 bytes, and a name */

/* ---- the question ---- */

static enum MHD_Result refuse(struct http_request *request, const char *key, const char *text,
                              const char *wanted)
{
    return http_reply_problem(request, HTTP_PROBLEM_BAD_PARAMETER, "%s is '%.*s'; it must be %s",
                              key, SHOWN_MAX, text, wanted);
}

/* Read what is asked for. False when the request has been refused, with *ret_result to return. */
static bool read_query(struct http_request *request, struct admin_ledger *ledger,
                       enum MHD_Result *ret_result)
{
    const struct http_fields *fields = &request->fields;
    const char *name = http_fields_parameter(fields, "sequence");
    const char *number = http_fields_parameter(fields, "number");
    const char *after = http_fields_parameter(fields, "after");
    const char *limit = http_fields_parameter(fields, "limit");
    uint64_t rows = HTTP_LEDGER_LIMIT_DEFAULT;

    if (name != NULL && definition_check_name(name, strlen(name), NULL) != ERR_OK) {
        *ret_result = refuse(request, "sequence", name,
                             "a letter or digit and up to 127 letters, digits, '.', '_' or '-'");
    } else if (number != NULL && text_parse_int64(number, &ledger->number) != ERR_OK) {
        *ret_result = refuse(request, "number", number,
                             "a whole number from -9223372036854775808 to 9223372036854775807");
    } else if (after != NULL && ledger_id_parse(after, &ledger->after) != ERR_OK) {
        *ret_result = refuse(request, "after", after, "the id of a row, such as 1234.0");
    } else if (limit != NULL &&
               (text_parse_uint64(limit, ADMIN_LEDGER_PAGE_MAX, &rows) != ERR_OK || rows == 0)) {
        *ret_result =
            refuse(request, "limit", limit, "a whole number from 1 to 1000, in decimal digits");
    } else {
        static_assert(ADMIN_LEDGER_PAGE_MAX == 1000, "as the refusal says");
        static_assert(SEQUENCE_NAME_MAX == 128, "as the refusal says");
        if (name != NULL) {
            memcpy(ledger->name, name, strlen(name));
        }
        ledger->has_number = number != NULL;
        ledger->limit = (size_t)rows;
        return true;
    }
    return false;
}

enum MHD_Result http_ledger(struct http_request *request)
{
    struct admin_ledger ledger = {.limit = 0};
    enum MHD_Result result = MHD_NO;

    if (!read_query(request, &ledger, &result)) {
        return result;
    }
    if (request->method == HTTP_HEAD) {
        return http_reply_head(request, HTTP_TYPE_JSON);
    }
    struct http_change *change = http_change_new(request, ADMIN_LEDGER);
    if (change == NULL) {
        return MHD_NO;
    }
    change->admin.ledger = ledger;
    if (http_service_draining(request->service) || !http_change_submit(change, request)) {
        http_change_free(change);
        return http_reply_problem(request, HTTP_PROBLEM_STOPPING,
                                  "the service is stopping; the ledger is not read any more");
    }
    return MHD_YES;
}

/* ---- the answer ---- */

/* One page, until its last byte was sent. */
struct page {
    struct http_pieces pieces;  /* first */
    struct admin_ledger ledger; /* its rows are owned */
    char piece[ROW_JSON_SIZE];
};

static void add_id(struct http_json *json, const char *key, const uint8_t id[LEDGER_INSTANCE_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * LEDGER_INSTANCE_SIZE + 1] = "";

    for (size_t i = 0; i < LEDGER_INSTANCE_SIZE; i++) {
        text[2 * i] = digits[id[i] >> 4];
        text[2 * i + 1] = digits[id[i] & 15];
    }
    http_json_text(json, key, text);
}

static void add_row_id(struct http_json *json, const char *key, struct ledger_id id)
{
    char text[LEDGER_ID_SIZE];

    ledger_id_format(id, text);
    http_json_text(json, key, text);
}

static void add_numbers(struct http_json *json, const struct ledger_entry *row)
{
    http_json_open(json, "positions");
    http_json_uint64(json, "first", row->positions.first);
    http_json_uint64(json, "limit", row->positions.limit);
    http_json_uint64(json, "from", row->from);
    http_json_close(json);
    http_json_text(json, "kind", sequence_kind_name(row->kind));
    if (row->kind == SEQUENCE_COUNTER) {
        http_json_int64(json, "start", row->start);
        http_json_int64(json, "increment", row->increment);
    } else {
        http_json_open(json, "layout");
        http_sequence_layout(json, &row->layout);
        http_json_close(json);
    }
    http_json_int64(json, "first", ledger_entry_number(row, row->positions.first));
    http_json_int64(json, "last", ledger_entry_number(row, row->positions.limit - 1));
}

static size_t write_row(struct http_pieces *pieces, size_t index, char *to, size_t room)
{
    const struct ledger_entry *row = &((struct page *)pieces)->ledger.rows[index];
    char time[RFC3339_SIZE];
    struct http_json json;

    rfc3339_format(time, (int64_t)row->time_ms, 3);
    http_json_begin(&json, to, room);
    add_row_id(&json, "row", row->id);
    http_json_text(&json, "act", ledger_act_name(row->act));
    http_json_text(&json, "sequence", row->name);
    http_json_text(&json, "time", time);
    add_id(&json, "instance", row->instance);
    add_id(&json, "incarnation", row->incarnation);
    http_json_uint64(&json, "nonce", row->nonce);
    http_json_uint64(&json, "generation", row->generation);
    add_numbers(&json, row);
    return http_json_end(&json) - 1; /* the newline goes */
}

/* What stands behind the rows goes on with the object that the first piece has begun. */
static size_t write_end(struct http_pieces *pieces, char *to, size_t room)
{
    const struct admin_ledger *ledger = &((struct page *)pieces)->ledger;
    struct http_json json;

    http_json_begin(&json, to + 1, room - 1);
    http_json_uint64(&json, "missing", ledger->missing);
    http_json_uint64(&json, "damaged", ledger->damaged);
    if (ledger->oldest.commit > 0) {
        add_row_id(&json, "oldest", ledger->oldest);
    }
    if (ledger->more) {
        add_row_id(&json, "after", ledger->last);
    }
    memcpy(to, "],", 2); /* the comma instead of the brace */
    return 1 + http_json_end(&json);
}

static void free_page(void *context)
{
    struct page *page = context;

    free(page->ledger.rows);
    free(page);
}

enum MHD_Result http_ledger_reply(struct http_request *request, struct admin_request *admin)
{
    struct page *page = calloc(1, sizeof *page);

    if (page == NULL) {
        return MHD_NO;
    }
    page->pieces = (struct http_pieces){
        .item = write_row,
        .end = write_end,
        .text = page->piece,
        .size = sizeof page->piece,
        .count = admin->ledger.count,
    };
    http_pieces_begin(&page->pieces, "{\"ledger\":[");
    page->ledger = admin->ledger;
    admin->ledger.rows = NULL; /* the page's now */
    return http_reply_written(request, HTTP_TYPE_JSON, http_pieces_read, page, free_page);
}
