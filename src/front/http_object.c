#include "http_object.h"

#include "base/rfc3339.h"
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 64    /* bytes of what a client sent that are repeated to it */
#define RANGE_SIZE 256  /* bytes of what a member must be, in words */
#define DIGITS_SIZE 128 /* bytes of a value in words */

/* The largest number that the field of an UNSIGNED holds. */
static uint64_t largest(const struct http_member *member)
{
    return member->size == sizeof(uint64_t) ? UINT64_MAX : (UINT64_C(1) << 8 * member->size) - 1;
}

/* What the member must be, in words. */
static void write_range(char range[RANGE_SIZE], const struct http_member *member)
{
    size_t length = 0;

    range[0] = '\0';
    for (const struct http_word *word = member->words; word != NULL && word->word != NULL; word++) {
        bool last = word[1].word == NULL && member->kind == HTTP_MEMBER_WORD;
        length += (size_t)snprintf(range + length, RANGE_SIZE - length, "%s\"%s\"",
                                   length == 0 ? "" : (last ? " or " : ", "), word->word);
        assert(length < RANGE_SIZE);
    }
    switch (member->kind) {
    case HTTP_MEMBER_SIGNED:
        (void)snprintf(range, RANGE_SIZE, "a whole number from %" PRId64 " to %" PRId64, INT64_MIN,
                       INT64_MAX);
        return;
    case HTTP_MEMBER_UNSIGNED:
        (void)snprintf(range + length, RANGE_SIZE - length,
                       "%sa whole number from %" PRIu64 " to %" PRIu64, length > 0 ? " or " : "",
                       member->min, largest(member));
        return;
    case HTTP_MEMBER_WORD:
        return;
    case HTTP_MEMBER_FLAG:
        (void)snprintf(range, RANGE_SIZE, "true or false");
        return;
    case HTTP_MEMBER_TIME:
        (void)snprintf(range, RANGE_SIZE, "a moment such as 2024-01-01T00:00:00Z");
        return;
    }
}

/* What the client wrote, in words. */
static void write_value(char text[DIGITS_SIZE], const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };

    switch (json_typeof(value)) {
    case JSON_STRING:
        (void)snprintf(text, DIGITS_SIZE, "\"%.*s\"", SHOWN_MAX, json_string_value(value));
        return;
    case JSON_INTEGER:
        (void)snprintf(text, DIGITS_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return;
    case JSON_REAL:
        (void)snprintf(text, DIGITS_SIZE, "a number with a point or an exponent");
        return;
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        (void)snprintf(text, DIGITS_SIZE, "%s", names[json_typeof(value)]);
        return;
    }
}

static const struct http_word *find_word(const struct http_word *words, const json_t *value)
{
    for (const struct http_word *word = words; json_is_string(value) && word->word != NULL;
         word++) {
        if (strcmp(word->word, json_string_value(value)) == 0) {
            return word;
        }
    }
    return NULL;
}

static bool read_signed(const json_t *value, int64_t *ret_number)
{
    static_assert(sizeof(json_int_t) == sizeof(int64_t), "a JSON integer is exact");
    if (json_is_integer(value)) {
        *ret_number = json_integer_value(value);
        return true;
    }
    return json_is_string(value) &&
           text_parse_int64(json_string_value(value), ret_number) == ERR_OK;
}

/* Up to `max`. */
static bool read_unsigned(const json_t *value, uint64_t max, uint64_t *ret_number)
{
    if (json_is_integer(value)) {
        *ret_number = (uint64_t)json_integer_value(value);
        return json_integer_value(value) >= 0 && *ret_number <= max;
    }
    return json_is_string(value) &&
           text_parse_uint64(json_string_value(value), max, ret_number) == ERR_OK;
}

static void write_unsigned(void *field, size_t size, uint64_t number)
{
    uint8_t tiny = (uint8_t)number;
    uint32_t small = (uint32_t)number;

    assert(size == sizeof tiny || size == sizeof small || size == sizeof number);
    memcpy(field,
           size == sizeof tiny    ? (void *)&tiny
           : size == sizeof small ? (void *)&small
                                  : (void *)&number,
           size);
}

/* False when `value` is not what the member must be. */
static bool read_member(const struct http_member *member, const json_t *value, void *field)
{
    const struct http_word *word = member->words != NULL ? find_word(member->words, value) : NULL;
    uint64_t number = 0;
    int64_t integer = 0;
    bool flag = json_is_true(value);

    switch (member->kind) {
    case HTTP_MEMBER_SIGNED:
        if (!read_signed(value, &integer)) {
            return false;
        }
        memcpy(field, &integer, sizeof integer);
        return true;
    case HTTP_MEMBER_UNSIGNED:
        if (word != NULL) {
            number = word->value;
        } else if (!read_unsigned(value, largest(member), &number) || number < member->min) {
            return false;
        }
        write_unsigned(field, member->size, number);
        return true;
    case HTTP_MEMBER_WORD:
        if (word == NULL) {
            return false;
        }
        write_unsigned(field, member->size, word->value);
        return true;
    case HTTP_MEMBER_FLAG:
        memcpy(field, &flag, sizeof flag);
        return json_is_boolean(value);
    case HTTP_MEMBER_TIME:
        if (!json_is_string(value) ||
            rfc3339_parse(json_string_value(value), &integer, NULL) != ERR_OK) {
            return false;
        }
        memcpy(field, &integer, sizeof integer);
        return true;
    }
    return false;
}

static enum error refuse_unknown(const char *name, const struct http_member *members, size_t count,
                                 struct error_detail *detail)
{
    char known[ERROR_DETAIL_SIZE] = "";
    size_t length = 0;

    for (size_t i = 0; i < count && length < sizeof known; i++) {
        length +=
            (size_t)snprintf(known + length, sizeof known - length, "%s'%s'",
                             i == 0 ? "" : (i + 1 == count ? " and " : ", "), members[i].name);
    }
    return error_fail(detail, ERR_INVALID, "member '%.*s' is not known here; %s are", SHOWN_MAX,
                      name, known);
}

static enum error read_members(json_t *object, const struct http_member *members, size_t count,
                               void *fields, uint32_t *ret_given, struct error_detail *detail)
{
    const char *name = NULL;
    json_t *value = NULL;
    uint32_t given = 0;

    assert(count <= HTTP_MEMBERS_MAX);
    json_object_foreach(object, name, value)
    {
        size_t i = 0;
        while (i < count && strcmp(members[i].name, name) != 0) {
            i++;
        }
        if (i == count) {
            return refuse_unknown(name, members, count, detail);
        }
        if (!read_member(&members[i], value, (char *)fields + members[i].offset)) {
            char range[RANGE_SIZE];
            char text[DIGITS_SIZE];
            write_range(range, &members[i]);
            write_value(text, value);
            return error_fail(detail, ERR_INVALID, "%s is %s, it must be %s", name, text, range);
        }
        given |= UINT32_C(1) << i;
    }
    *ret_given = given;
    return ERR_OK;
}

enum error http_object_read(const char *bytes, size_t length, const struct http_member *members,
                            size_t count, void *fields, uint32_t *ret_given,
                            struct error_detail *detail)
{
    json_error_t why;

    if (length == 0) {
        *ret_given = 0;
        return ERR_OK;
    }
    json_t *object = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &why);
    if (object == NULL) {
        if (json_error_code(&why) == json_error_out_of_memory) {
            return error_fail(detail, ERR_NO_MEMORY, "memory is out");
        }
        return error_fail(detail, ERR_INVALID,
                          "the body is not one JSON object: %s (line %d, "
                          "column %d)",
                          why.text, why.line, why.column);
    }
    enum error error = ERR_OK;
    if (!json_is_object(object)) {
        error = error_fail(detail, ERR_INVALID, "the body is an array, it must be an object");
    } else {
        error = read_members(object, members, count, fields, ret_given, detail);
    }
    json_decref(object);
    return error;
}
