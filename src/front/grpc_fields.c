#include "grpc_fields.h"

#include "base/clock.h"
#include "base/range.h"

#include <string.h>

#define TIMEOUT_DIGITS_MAX 8

static uint64_t unit_ns(uint8_t unit)
{
    switch (unit) {
    case 'H':
        return 3600 * CLOCK_NS_PER_S;
    case 'M':
        return 60 * CLOCK_NS_PER_S;
    case 'S':
        return CLOCK_NS_PER_S;
    case 'm':
        return CLOCK_NS_PER_MS;
    case 'u':
        return 1000;
    case 'n':
        return 1;
    default:
        return 0;
    }
}

enum error grpc_timeout_parse(const uint8_t *text, size_t length, uint64_t *ret_ns)
{
    uint64_t value = 0;

    if (length < 2 || length > TIMEOUT_DIGITS_MAX + 1 || unit_ns(text[length - 1]) == 0) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < length - 1; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return ERR_INVALID;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *ret_ns = range_multiply_capped(value, unit_ns(text[length - 1]));
    return ERR_OK;
}

bool grpc_content_type_fits(const uint8_t *text, size_t length)
{
    static const char plain[] = "application/grpc";
    static const char proto[] = "+proto";
    size_t at = sizeof plain - 1;

    if (length < at || memcmp(text, plain, at) != 0) {
        return false;
    }
    if (length - at >= sizeof proto - 1 && memcmp(text + at, proto, sizeof proto - 1) == 0) {
        at += sizeof proto - 1;
    }
    return at == length || text[at] == ';';
}
