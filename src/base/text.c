#include "base/text.h"

#include <stdbool.h>

enum error text_parse_uint64(const char *text, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (*text == '\0') {
        return ERR_INVALID;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9') {
            return ERR_INVALID;
        }
        uint64_t digit = (uint64_t)(*c - '0');
        if (digit > max || value > (max - digit) / 10) {
            return ERR_INVALID;
        }
        value = value * 10 + digit;
    }
    *ret_value = value;
    return ERR_OK;
}

enum error text_parse_int64(const char *text, int64_t *ret_value)
{
    uint64_t magnitude = 0;
    bool negative = *text == '-';
    uint64_t max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (text_parse_uint64(text + (negative ? 1 : 0), max, &magnitude) != ERR_OK) {
        return ERR_INVALID;
    }
    *ret_value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return ERR_OK;
}

size_t text_format_int64(char *to, int64_t value)
{
    char reversed[TEXT_INT64_SIZE];
    size_t digits = 0;
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        reversed[digits++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude != 0);

    size_t length = 0;
    if (value < 0) {
        to[length++] = '-';
    }
    while (digits > 0) {
        to[length++] = reversed[--digits];
    }
    return length;
}
