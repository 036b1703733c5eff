#include "load_answer.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

#define BODY_MAX 65536

/* A part of the bytes, without a NUL. */
struct span {
    const char *at;
    size_t length;
};

static bool starts_with(struct span span, const char *text)
{
    size_t length = strlen(text);
    return span.length >= length && strncasecmp(span.at, text, length) == 0;
}

/* Cut the first line off `rest`; its end is `ending`. False when there is no whole line. */
static bool cut_line(struct span *rest, const char *ending, struct span *ret_line)
{
    size_t length = strlen(ending);
    const char *end = rest->length == 0 ? NULL : memmem(rest->at, rest->length, ending, length);
    if (end == NULL) {
        return false;
    }
    *ret_line = (struct span){rest->at, (size_t)(end - rest->at)};
    rest->length -= ret_line->length + length;
    rest->at = end + length;
    return true;
}

/* The value of a header line that starts with `name`, which ends in a colon. */
static bool header_value(struct span line, const char *name, struct span *ret_value)
{
    if (!starts_with(line, name)) {
        return false;
    }
    *ret_value = (struct span){line.at + strlen(name), line.length - strlen(name)};
    while (ret_value->length > 0 && *ret_value->at == ' ') {
        ret_value->at++;
        ret_value->length--;
    }
    return true;
}

static bool parse_number(struct span span, int64_t *ret_number)
{
    char text[TEXT_INT64_SIZE];
    if (span.length >= sizeof(text)) {
        return false;
    }
    memcpy(text, span.at, span.length);
    text[span.length] = '\0';
    return strlen(text) == span.length && text_parse_int64(text, ret_number) == ERR_OK;
}

/* Read the header lines. False when they do not say how long the body is. */
static bool read_headers(struct span head, struct load_answer *answer)
{
    bool sized = false;
    struct span line;
    struct span value;
    while (cut_line(&head, "\r\n", &line)) {
        int64_t length = 0;
        if (header_value(line, "Content-Length:", &value)) {
            if (sized || !parse_number(value, &length) || length < 0 || length > BODY_MAX) {
                return false;
            }
            answer->body_length = (size_t)length;
            sized = true;
        } else if (header_value(line, "Connection:", &value)) {
            answer->close = starts_with(value, "close");
        } else if (header_value(line, "Content-Type:", &value)) {
            answer->json = starts_with(value, "application/json");
        }
    }
    return sized;
}

enum load_answer_state load_answer_read(const char *bytes, size_t length,
                                        struct load_answer *ret_answer)
{
    static const char version[] = "HTTP/1.1 ";
    struct span all = {bytes, length};
    size_t known = length < strlen(version) ? length : strlen(version);
    if (memcmp(bytes, version, known) != 0) {
        return LOAD_ANSWER_MALFORMED;
    }
    const char *end = length == 0 ? NULL : memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL) {
        return length > BODY_MAX ? LOAD_ANSWER_MALFORMED : LOAD_ANSWER_PARTIAL;
    }

    struct load_answer answer = {0};
    struct span line;
    int64_t status = 0;
    if (!cut_line(&all, "\r\n", &line) || line.length < strlen(version) + 3 ||
        !parse_number((struct span){line.at + strlen(version), 3}, &status)) {
        return LOAD_ANSWER_MALFORMED;
    }
    answer.status = (int)status;
    struct span head = {all.at, (size_t)(end + 2 - all.at)};
    if (!read_headers(head, &answer)) {
        return LOAD_ANSWER_MALFORMED;
    }
    answer.body = end + 4;
    size_t have = length - (size_t)(answer.body - bytes);
    if (have != answer.body_length) {
        return have < answer.body_length ? LOAD_ANSWER_PARTIAL : LOAD_ANSWER_MALFORMED;
    }
    *ret_answer = answer;
    return LOAD_ANSWER_WHOLE;
}

static const char *text_block(struct span rest, uint64_t count, int64_t increment,
                              int64_t *ret_first, int64_t *ret_last)
{
    struct span line;
    int64_t first = 0;
    int64_t last = 0;
    uint64_t lines = 0;
    for (; cut_line(&rest, "\n", &line); lines++) {
        int64_t number = 0;
        if (!parse_number(line, &number)) {
            return "a line that is no number";
        }
        int64_t step = 0;
        if (lines > 0 && (__builtin_sub_overflow(number, last, &step) || step != increment)) {
            return "a block whose numbers are not the increment apart";
        }
        first = lines == 0 ? number : first;
        last = number;
    }
    if (rest.length != 0) {
        return "a last line that does not end";
    }
    if (lines != count) {
        return lines < count ? "fewer numbers than asked for" : "more numbers than asked for";
    }
    *ret_first = first;
    *ret_last = last;
    return NULL;
}

/* The number in `"name":"…"` or, where `quoted` is false, in `"name":…`. */
static bool json_number(struct span body, const char *name, bool quoted, int64_t *ret_number)
{
    const char *key = memmem(body.at, body.length, name, strlen(name));
    if (key == NULL) {
        return false;
    }
    const char *end = body.at + body.length;
    const char *value = key + strlen(name);
    const char *stop = value;
    while (stop < end && (*stop == '-' || (*stop >= '0' && *stop <= '9'))) {
        stop++;
    }
    return stop < end && (*stop == '"') == quoted &&
           parse_number((struct span){value, (size_t)(stop - value)}, ret_number);
}

static const char *json_block(struct span body, uint64_t count, int64_t increment,
                              int64_t *ret_first, int64_t *ret_last)
{
    int64_t first = 0;
    int64_t last = 0;
    if (!json_number(body, "\"first\":\"", true, &first) ||
        !json_number(body, "\"last\":\"", true, &last)) {
        return "a JSON answer without first and last as strings";
    }
    int64_t reach = 0;
    int64_t expected = 0;
    if (__builtin_mul_overflow((int64_t)(count - 1), increment, &reach) ||
        __builtin_add_overflow(first, reach, &expected) || expected != last) {
        return "a JSON answer whose first and last are not the count apart";
    }
    *ret_first = first;
    *ret_last = last;
    return NULL;
}

const char *load_answer_block(const struct load_answer *answer, uint64_t count, int64_t increment,
                              int64_t *ret_first, int64_t *ret_last)
{
    struct span body = {answer->body, answer->body_length};
    if (answer->json) {
        return json_block(body, count, increment, ret_first, ret_last);
    }
    return text_block(body, count, increment, ret_first, ret_last);
}
