#include "http_json.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

static void add(struct http_json *json, const char *bytes, size_t length)
{
    assert(length <= json->size - json->length);
    memcpy(json->buffer + json->length, bytes, length);
    json->length += length;
}

static void add_uint64(struct http_json *json, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    add(json, digits + at, sizeof digits - at);
}

static void add_key(struct http_json *json, const char *key)
{
    if (json->buffer[json->length - 1] != '{') {
        add(json, ",", 1);
    }
    add(json, "\"", 1);
    add(json, key, strlen(key));
    add(json, "\":", 2);
}

void http_json_begin(struct http_json *json, char *buffer, size_t size)
{
    *json = (struct http_json){.buffer = buffer, .size = size};
    add(json, "{", 1);
}

static void add_escaped(struct http_json *json, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    char escaped[HTTP_JSON_ESCAPED_MAX] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};

    if (byte == '"' || byte == '\\') {
        escaped[1] = (char)byte;
        add(json, escaped, 2);
    } else if (byte < ' ' || byte >= 0x7f) {
        /* What is not ASCII was never checked to be UTF-8: each byte is shown by its value. */
        add(json, escaped, sizeof escaped);
    } else {
        add(json, (const char *)&byte, 1);
    }
}

void http_json_text(struct http_json *json, const char *key, const char *value)
{
    add_key(json, key);
    add(json, "\"", 1);
    for (const char *c = value; *c != '\0'; c++) {
        add_escaped(json, (unsigned char)*c);
    }
    add(json, "\"", 1);
}

void http_json_int64(struct http_json *json, const char *key, int64_t value)
{
    char digits[TEXT_INT64_SIZE];

    add_key(json, key);
    add(json, "\"", 1);
    add(json, digits, text_format_int64(digits, value));
    add(json, "\"", 1);
}

void http_json_uint64(struct http_json *json, const char *key, uint64_t value)
{
    add_key(json, key);
    add(json, "\"", 1);
    add_uint64(json, value);
    add(json, "\"", 1);
}

void http_json_plain(struct http_json *json, const char *key, const char *value)
{
    add_key(json, key);
    add(json, value, strlen(value));
}

void http_json_small(struct http_json *json, const char *key, uint64_t value)
{
    add_key(json, key);
    add_uint64(json, value);
}

void http_json_open(struct http_json *json, const char *key)
{
    add_key(json, key);
    add(json, "{", 1);
    json->depth++;
}

void http_json_close(struct http_json *json)
{
    assert(json->depth > 0);
    add(json, "}", 1);
    json->depth--;
}

size_t http_json_end(struct http_json *json)
{
    assert(json->depth == 0);
    add(json, "}\n", 2);
    return json->length;
}
