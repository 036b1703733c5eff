#include "ledger_pages.h"

#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE 1000 /* rows or sequences that one request asks for: the most that the server gives */

/* A list that is read page by page, and where it is. */
struct pages {
    struct session *session;
    const struct ledger_wish *wish;
    const struct ledger_sink *sink;
    struct ledger_about about;
    struct ledger_id last; /* row that came */
    char after[SEQUENCE_NAME_MAX + 1];
    bool more;
};

static enum outcome tell(const struct pages *pages, enum error error,
                         const struct error_detail *detail)
{
    if (error == ERR_NO_MEMORY) {
        return outcome_fail(OUTCOME_UNREADABLE, "out of memory");
    }
    return error == ERR_OK ? OUTCOME_OK : session_garbage(pages->session, detail->text);
}

/* ---- rows ---- */

static enum error take_row(struct pages *pages, const json_t *row, struct error_detail *detail)
{
    struct ledger_entry entry;
    enum error error = ledger_row_of_json(row, &entry, detail);
    if (error != ERR_OK) {
        return error_wrap(detail, error, "a row of the ledger");
    }
    if (ledger_id_compare(entry.id, pages->last) <= 0) {
        return error_fail(detail, ERR_CORRUPT, "the rows of the ledger are not in their order");
    }
    if (pages->last.commit == 0 && ledger_id_compare(entry.id, pages->about.oldest) == 0) {
        pages->about.oldest_ms = entry.time_ms;
    }
    pages->last = entry.id;
    return pages->sink->row(pages->sink->context, &entry);
}

static bool read_count(const json_t *page, const char *key, uint64_t *ret_count)
{
    const char *text = json_string_value(json_object_get(page, key));
    return text != NULL && text_parse_uint64(text, UINT64_MAX, ret_count) == ERR_OK;
}

/* What stands beside the rows. The same place again would go on for ever. */
static enum error take_rest(struct pages *pages, const json_t *page, struct error_detail *detail)
{
    const char *oldest = json_string_value(json_object_get(page, "oldest"));
    const char *after = json_string_value(json_object_get(page, "after"));
    struct ledger_id before = {0};
    struct ledger_id next = {0};
    struct ledger_id first = {0};
    uint64_t damaged = 0;
    pages->more = after != NULL;
    if (!read_count(page, "missing", &pages->about.missing) ||
        !read_count(page, "damaged", &damaged) ||
        (oldest != NULL && ledger_id_parse(oldest, &first) != ERR_OK) ||
        (pages->after[0] != '\0' && ledger_id_parse(pages->after, &before) != ERR_OK) ||
        (after != NULL &&
         (strlen(after) >= LEDGER_ID_SIZE || ledger_id_parse(after, &next) != ERR_OK ||
          ledger_id_compare(next, before) <= 0))) {
        return error_fail(detail, ERR_CORRUPT, "this is no page of a ledger");
    }
    pages->about.damaged += damaged;
    pages->about.oldest = pages->after[0] == '\0' ? first : pages->about.oldest;
    (void)snprintf(pages->after, sizeof pages->after, "%s", after != NULL ? after : "");
    return ERR_OK;
}

static enum error take_rows(struct pages *pages, const json_t *page, struct error_detail *detail)
{
    const json_t *rows = json_object_get(page, "ledger");
    enum error error = json_is_array(rows) ? take_rest(pages, page, detail)
                                           : error_fail(detail, ERR_CORRUPT, "there are no rows");
    for (size_t i = 0; error == ERR_OK && i < json_array_size(rows); i++) {
        error = take_row(pages, json_array_get(rows, i), detail);
    }
    return error;
}

/* Only the first row: a filter may have passed it over. */
static void oldest_path(const struct pages *pages, char path[SESSION_PATH_SIZE])
{
    (void)pages;
    (void)snprintf(path, SESSION_PATH_SIZE, "/v1/ledger?limit=1");
}

static enum error take_oldest(struct pages *pages, const json_t *page, struct error_detail *detail)
{
    struct ledger_entry entry;
    const json_t *row = json_array_get(json_object_get(page, "ledger"), 0);
    enum error error = row != NULL ? ledger_row_of_json(row, &entry, detail) : ERR_OK;
    if (row != NULL && error == ERR_OK) {
        pages->about.oldest = entry.id;
        pages->about.oldest_ms = entry.time_ms;
    }
    pages->more = false;
    return error;
}

static void rows_path(const struct pages *pages, char path[SESSION_PATH_SIZE])
{
    const struct ledger_wish *wish = pages->wish;
    char number[TEXT_INT64_SIZE + 1] = "";
    if (wish->has_number) {
        (void)snprintf(number, sizeof number, "%" PRId64, wish->number);
    }
    (void)snprintf(path, SESSION_PATH_SIZE, "/v1/ledger?limit=%d%s%s%s%s%s%s", PAGE,
                   wish->name != NULL ? "&sequence=" : "", wish->name != NULL ? wish->name : "",
                   wish->has_number ? "&number=" : "", number,
                   pages->after[0] != '\0' ? "&after=" : "", pages->after);
}

/* ---- marks ---- */

static enum error take_marks(struct pages *pages, const json_t *page, struct error_detail *detail)
{
    const json_t *sequences = json_object_get(page, "sequences");
    const char *after = json_string_value(json_object_get(page, "after"));
    enum error error = ERR_OK;
    if (!json_is_array(sequences) || (after != NULL && (strlen(after) >= sizeof pages->after ||
                                                        strcmp(after, pages->after) <= 0))) {
        return error_fail(detail, ERR_CORRUPT, "this is no list of sequences");
    }
    for (size_t i = 0; error == ERR_OK && i < json_array_size(sequences); i++) {
        struct ledger_mark mark;
        error = ledger_mark_of_json(json_array_get(sequences, i), &mark, detail);
        if (error == ERR_OK) {
            error = pages->sink->mark(pages->sink->context, &mark);
        }
    }
    pages->more = after != NULL;
    (void)snprintf(pages->after, sizeof pages->after, "%s", after != NULL ? after : "");
    return error;
}

static void marks_path(const struct pages *pages, char path[SESSION_PATH_SIZE])
{
    (void)snprintf(path, SESSION_PATH_SIZE, "/v1/sequences?limit=%d%s%s", PAGE,
                   pages->after[0] != '\0' ? "&after=" : "", pages->after);
}

/* ---- pages ---- */

static enum outcome
read_all(struct pages *pages, void (*path_of)(const struct pages *, char[SESSION_PATH_SIZE]),
         enum error (*take)(struct pages *, const json_t *, struct error_detail *))
{
    char path[SESSION_PATH_SIZE];
    struct question question = {.method = "GET", .path = path, .accept = SERVER_TYPE_JSON};
    enum outcome outcome = OUTCOME_OK;
    pages->after[0] = '\0';
    for (pages->more = true; pages->more && outcome == OUTCOME_OK;) {
        struct answer answer = {.body = NULL};
        struct error_detail detail = {.text = ""};
        json_t *page = NULL;
        path_of(pages, path);
        outcome = session_ask_json(pages->session, &question, &answer, &page);
        if (outcome == OUTCOME_OK) {
            outcome = tell(pages, take(pages, page, &detail), &detail);
            json_decref(page);
            answer_free(&answer);
        }
    }
    return outcome;
}

enum outcome ledger_pages_read(struct session *session, const struct ledger_wish *wish,
                               const struct ledger_sink *sink, struct ledger_about *ret_about)
{
    struct pages pages = {.session = session, .wish = wish, .sink = sink};
    static_assert(LEDGER_ID_SIZE <= SEQUENCE_NAME_MAX, "either kind of place fits");
    enum outcome outcome = read_all(&pages, rows_path, take_rows);
    if (outcome == OUTCOME_OK && pages.about.oldest.commit != 0 && pages.about.oldest_ms == 0) {
        outcome = read_all(&pages, oldest_path, take_oldest);
    }
    if (outcome == OUTCOME_OK) {
        *ret_about = pages.about;
        outcome = read_all(&pages, marks_path, take_marks);
    }
    return outcome;
}
