#include "http_accept.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* A piece of a header's value. */
struct piece {
    const char *start;
    size_t length;
};

static struct piece trimmed(const char *start, const char *end)
{
    while (start < end && (*start == ' ' || *start == '\t')) {
        start++;
    }
    while (start < end && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    return (struct piece){start, (size_t)(end - start)};
}

/* Cut what comes before the next `separator` off `*rest`, which becomes NULL after the last piece.
 * A separator in a quoted string is none. */
static struct piece next_piece(const char **rest, const char *end, char separator)
{
    const char *start = *rest;
    const char *at = start;
    bool quoted = false;

    while (at < end && (quoted || *at != separator)) {
        if (quoted && *at == '\\' && at + 1 < end) {
            at++;
        } else if (*at == '"') {
            quoted = !quoted;
        }
        at++;
    }
    *rest = at < end ? at + 1 : NULL;
    return trimmed(start, at);
}

static bool piece_is(struct piece piece, const char *text)
{
    return piece.length == strlen(text) && strncasecmp(piece.start, text, piece.length) == 0;
}

/* "0", "0.5", "1.000": at most three decimals, at most 1. False when it is something else. */
static bool parse_weight(struct piece piece, unsigned *ret_thousands)
{
    unsigned thousands = 0;
    unsigned unit = 1000;

    if (piece.length == 0 || piece.length > 5 || (piece.length > 1 && piece.start[1] != '.')) {
        return false;
    }
    for (size_t i = 0; i < piece.length; i++) {
        char c = piece.start[i];

        if (i == 1) {
            continue;
        }
        if (c < '0' || c > '9') {
            return false;
        }
        thousands += (unsigned)(c - '0') * unit;
        unit /= 10;
    }
    if (thousands > 1000) {
        return false;
    }
    *ret_thousands = thousands;
    return true;
}

/* How specifically `range` names a format: 0 not at all. */
static unsigned rank_of(struct piece range, const char *all_of_type, const char *type)
{
    if (piece_is(range, type)) {
        return 3;
    }
    if (piece_is(range, all_of_type)) {
        return 2;
    }
    return piece_is(range, "*/*") ? 1 : 0;
}

static void weigh(struct http_weight *weight, unsigned rank, unsigned thousands)
{
    if (rank > weight->rank || (rank == weight->rank && thousands > weight->thousands)) {
        *weight = (struct http_weight){rank, thousands};
    }
}

/* One element: a range and its parameters, of which only the weight counts. */
static void add_range(struct http_accept *accept, struct piece element)
{
    const char *end = element.start + element.length;
    const char *rest = element.start;
    struct piece range = next_piece(&rest, end, ';');
    unsigned thousands = 1000;

    if (range.length == 0) {
        return;
    }
    accept->asked = true;
    while (rest != NULL) {
        struct piece parameter = next_piece(&rest, end, ';');

        if (parameter.length >= 2 && strncasecmp(parameter.start, "q=", 2) == 0) {
            struct piece value = {parameter.start + 2, parameter.length - 2};

            if (!parse_weight(value, &thousands)) {
                return;
            }
        }
    }
    unsigned text_rank = rank_of(range, "text/*", "text/plain");
    unsigned json_rank = rank_of(range, "application/*", "application/json");
    if (text_rank > 0) {
        weigh(&accept->text, text_rank, thousands);
    }
    if (json_rank > 0) {
        weigh(&accept->json, json_rank, thousands);
    }
}

void http_accept_add(struct http_accept *accept, const char *value)
{
    const char *end = value + strlen(value);
    const char *rest = value;

    while (rest != NULL) {
        add_range(accept, next_piece(&rest, end, ','));
    }
}

enum http_format http_accept_choose(const struct http_accept *accept)
{
    if (!accept->asked) {
        return HTTP_FORMAT_TEXT;
    }
    if (accept->text.thousands == 0 && accept->json.thousands == 0) {
        return HTTP_FORMAT_NONE;
    }
    return accept->json.thousands > accept->text.thousands ? HTTP_FORMAT_JSON : HTTP_FORMAT_TEXT;
}
