#include "config_value.h"

#include "base/rfc3339.h"
#include "base/text.h"
#include "front/http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *suffix;
    int64_t factor;
};

/* From the largest to the smallest; the last has factor 1. */
static const struct unit size_units[] = {
    {"GiB", INT64_C(1) << 30}, {"MiB", INT64_C(1) << 20}, {"KiB", INT64_C(1) << 10}, {"", 1}};
static const struct unit duration_units[] = {
    {"h", 60 * 60 * 1000}, {"min", 60 * 1000}, {"s", 1000}, {"ms", 1}};
static const struct unit number_units[] = {{"", 1}};

struct units {
    const struct unit *units;
    size_t count;
    const char *form; /* for people */
};

static struct units units_of(enum value_kind kind)
{
    switch (kind) {
    case VALUE_NUMBER:
    case VALUE_ID:
        return (struct units){number_units, 1, "a whole number"};
    case VALUE_SIZE:
        return (struct units){size_units, 4, "bytes, or a whole number with KiB, MiB or GiB"};
    case VALUE_DURATION:
        return (struct units){duration_units, 4, "a whole number with its unit: ms, s, min or h"};
    case VALUE_MODE:
    case VALUE_TIME:
    case VALUE_WORD:
    case VALUE_PATH:
    case VALUE_LISTEN:
    case VALUE_ORIGINS:
        break;
    }
    assert(false && "this kind is no integer");
    return (struct units){NULL, 0, ""};
}

/* The digits of `text`, with a sign, in `ret_digits`; returns what follows them and blanks. NULL
 * when they do not fit, so that they are no int64_t either. */
static const char *split_digits(const char *text, char ret_digits[TEXT_INT64_SIZE])
{
    size_t length = text[0] == '-' ? 1 : 0;
    length += strspn(text + length, "0123456789");
    if (length >= TEXT_INT64_SIZE) {
        return NULL;
    }
    memcpy(ret_digits, text, length);
    ret_digits[length] = '\0';
    return text + length + strspn(text + length, " \t");
}

static bool scale(int64_t number, int64_t factor, int64_t *ret_value)
{
    if (number > INT64_MAX / factor || number < INT64_MIN / factor) {
        return false;
    }
    *ret_value = number * factor;
    return true;
}

/* A '0' and octal digits, as chmod(1) takes them. */
static enum error parse_mode(const char *text, int64_t *ret_value, struct error_detail *detail)
{
    size_t length = strlen(text);
    int64_t value = 0;
    if (text[0] != '0' || length > 5 || strspn(text, "01234567") != length) {
        return error_fail(detail, ERR_INVALID, "a 0 and octal digits, as for chmod");
    }
    for (const char *digit = text; *digit != '\0'; digit++) {
        value = value * 8 + (*digit - '0');
    }
    *ret_value = value;
    return ERR_OK;
}

enum error value_parse(enum value_kind kind, const char *text, int64_t *ret_value,
                       struct error_detail *detail)
{
    if (kind == VALUE_MODE) {
        return parse_mode(text, ret_value, detail);
    }
    if (kind == VALUE_TIME) {
        return rfc3339_parse(text, ret_value, detail);
    }
    struct units units = units_of(kind);
    char digits[TEXT_INT64_SIZE];
    int64_t number = 0;
    const char *suffix = split_digits(text, digits);
    if (suffix != NULL && text_parse_int64(digits, &number) == ERR_OK) {
        for (size_t i = 0; i < units.count; i++) {
            if (strcmp(suffix, units.units[i].suffix) == 0 &&
                scale(number, units.units[i].factor, ret_value)) {
                return ERR_OK;
            }
        }
    }
    return error_fail(detail, ERR_INVALID, "%s", units.form);
}

void value_format(enum value_kind kind, int64_t value, char to[VALUE_TEXT_SIZE])
{
    if (kind == VALUE_MODE) {
        (void)snprintf(to, VALUE_TEXT_SIZE, "%04" PRIo64, (uint64_t)value); /* it fits */
        return;
    }
    if (kind == VALUE_TIME) {
        rfc3339_format(to, value, value % 1000 == 0 ? 0 : 3);
        return;
    }
    struct units units = units_of(kind);
    size_t i = 0;
    while (units.units[i].factor != 1 && (value == 0 || value % units.units[i].factor != 0)) {
        i++;
    }
    int length = snprintf(to, VALUE_TEXT_SIZE, "%" PRId64 "%s", value / units.units[i].factor,
                          units.units[i].suffix);
    assert(length > 0 && length < VALUE_TEXT_SIZE);
}

/* One ADDRESS:PORT, of `length` bytes. */
static bool parse_endpoint(const char *text, size_t length, struct endpoint *ret_endpoint)
{
    char copy[INET6_ADDRSTRLEN + 16];
    unsigned char binary[sizeof(struct in6_addr)];
    if (length >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    bool bracketed = copy[0] == '[';
    char *address = copy + (bracketed ? 1 : 0);
    char *end = strchr(address, bracketed ? ']' : ':');
    const char *port_text = end == NULL ? NULL : end + (bracketed ? 1 : 0);
    uint64_t port = 0;
    if (port_text == NULL || *port_text != ':' ||
        text_parse_uint64(port_text + 1, UINT16_MAX, &port) != ERR_OK) {
        return false;
    }
    *end = '\0';
    size_t address_length = (size_t)(end - address);
    if (address_length >= sizeof ret_endpoint->address ||
        inet_pton(bracketed ? AF_INET6 : AF_INET, address, binary) != 1) {
        return false;
    }
    memcpy(ret_endpoint->address, address, address_length + 1);
    ret_endpoint->port = (uint16_t)port;
    return true;
}

enum error value_parse_listen(const char *text, struct endpoints *ret_listen,
                              struct error_detail *detail)
{
    static const char form[] = "ADDRESS:PORT with a numeric address and a port of 0 to 65535, such "
                               "as 127.0.0.1:8080 or [::1]:8080";
    struct endpoints listen = {.count = 0};
    bool more = strcmp(text, "none") != 0;
    while (more) {
        text += strspn(text, " \t");
        size_t whole = strcspn(text, ",");
        size_t length = whole;
        while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
            length--;
        }
        if (listen.count == ENDPOINTS_MAX) {
            return error_fail(detail, ERR_INVALID, "%d addresses at most", ENDPOINTS_MAX);
        }
        if (!parse_endpoint(text, length, &listen.items[listen.count++])) {
            return error_fail(detail, ERR_INVALID, "%s; several with commas between; or 'none'",
                              form);
        }
        more = text[whole] == ',';
        text += whole + (more ? 1 : 0);
    }
    *ret_listen = listen;
    return ERR_OK;
}

/* Behind "://": a name or number in small letters, or an IPv6 address in brackets; and a port that
 * is not `standard`. */
static bool is_authority(const char *text, size_t length, uint64_t standard)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
    bool bracketed = length > 0 && text[0] == '[';
    size_t host = bracketed ? 1 + strspn(text + 1, "0123456789abcdef:.") : strspn(text, name);
    char digits[8] = "";
    uint64_t port = 0;

    if (bracketed && (host < 3 || host >= length || text[host++] != ']')) {
        return false;
    }
    if (host == 0 || host >= length) {
        return host == length && host > 0;
    }
    size_t rest = length - host - 1;
    if (text[host] != ':' || rest == 0 || rest >= sizeof digits) {
        return false;
    }
    memcpy(digits, text + host + 1, rest);
    return digits[0] != '0' && text_parse_uint64(digits, UINT16_MAX, &port) == ERR_OK &&
           port != standard;
}

/* One origin, of `length` bytes. */
static bool is_origin(const char *text, size_t length)
{
    static const char plain[] = "http://";
    static const char secure[] = "https://";

    if (length >= sizeof secure && strncmp(text, secure, sizeof secure - 1) == 0) {
        return is_authority(text + sizeof secure - 1, length - (sizeof secure - 1), 443);
    }
    return length >= sizeof plain && strncmp(text, plain, sizeof plain - 1) == 0 &&
           is_authority(text + sizeof plain - 1, length - (sizeof plain - 1), 80);
}

enum error value_parse_origins(const char *text, char *ret_origins, struct error_detail *detail)
{
    static const char form[] = "SCHEME://HOST or SCHEME://HOST:PORT, such as https://example.org";
    char origins[HTTP_ORIGINS_SIZE] = "";
    size_t used = 0;
    bool more = strcmp(text, "none") != 0;

    while (more) {
        text += strspn(text, " \t");
        size_t whole = strcspn(text, ",");
        size_t length = whole;
        while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
            length--;
        }
        if (!is_origin(text, length) || used + length + 2 > sizeof origins) {
            return error_fail(
                detail, ERR_INVALID,
                "%s, as a browser writes it; several with commas between, %d bytes in "
                "all; or 'none'",
                form, HTTP_ORIGINS_SIZE - 1);
        }
        if (used > 0) {
            origins[used++] = ',';
        }
        memcpy(origins + used, text, length);
        used += length;
        more = text[whole] == ',';
        text += whole + (more ? 1 : 0);
    }
    memcpy(ret_origins, origins, sizeof origins);
    return ERR_OK;
}
