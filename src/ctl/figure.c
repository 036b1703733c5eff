#include "figure.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MINUTE UINT64_C(60)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)
#define DURATION_MAX (100 * YEAR)

const char *figure_grouped(uint64_t value, char to[FIGURE_SIZE])
{
    char digits[FIGURE_SIZE];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, value);
    size_t used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            to[used++] = ',';
        }
        to[used++] = digits[i];
    }
    to[used] = '\0';
    return to;
}

/* Two neighbouring units; the smaller one only when there is some of it. */
static void write_two(char to[FIGURE_SIZE], uint64_t major, const char *major_unit, uint64_t minor,
                      const char *minor_unit)
{
    int length = snprintf(to, FIGURE_SIZE, "%" PRIu64 " %s", major, major_unit);
    if (minor > 0) {
        (void)snprintf(to + length, FIGURE_SIZE - (size_t)length, " %" PRIu64 " %s", minor,
                       minor_unit);
    }
}

const char *figure_seconds(uint64_t seconds, char to[FIGURE_SIZE])
{
    if (seconds < MINUTE) {
        (void)snprintf(to, FIGURE_SIZE, "%" PRIu64 " s", seconds);
    } else if (seconds < HOUR) {
        write_two(to, seconds / MINUTE, "min", seconds % MINUTE, "s");
    } else if (seconds < DAY) {
        write_two(to, seconds / HOUR, "h", seconds % HOUR / MINUTE, "min");
    } else if (seconds < 2 * YEAR) {
        write_two(to, seconds / DAY, "d", seconds % DAY / HOUR, "h");
    } else {
        (void)figure_grouped(seconds / YEAR, to);
        (void)snprintf(to + strlen(to), FIGURE_SIZE - strlen(to), " years");
    }
    return to;
}

const char *figure_ns(uint64_t ns, char to[FIGURE_SIZE])
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        uint64_t whole = ns / units[i].ns;
        uint64_t hundredths = ns % units[i].ns / (units[i].ns / 100);
        if (whole >= 10) {
            (void)snprintf(to, FIGURE_SIZE, "%" PRIu64 ".%" PRIu64 " %s", whole, hundredths / 10,
                           units[i].name);
            return to;
        }
        if (whole >= 1) {
            (void)snprintf(to, FIGURE_SIZE, "%" PRIu64 ".%02" PRIu64 " %s", whole, hundredths,
                           units[i].name);
            return to;
        }
    }
    (void)snprintf(to, FIGURE_SIZE, "%" PRIu64 " ns", ns);
    return to;
}

uint64_t figure_rate(uint64_t count, uint64_t ns)
{
    /* By milliseconds, so that neither product comes near 2^64 for any span that is measured. */
    uint64_t ms = ns / 1000000;
    if (ms == 0) {
        ms = 1;
    }
    return count / ms * 1000 + count % ms * 1000 / ms;
}

enum error figure_parse_duration(const char *text, uint64_t *ret_seconds)
{
    static const struct {
        const char *name;
        uint64_t seconds;
    } units[] = {{"s", 1}, {"min", MINUTE}, {"h", HOUR}, {"d", DAY}, {"y", YEAR}};
    char digits[FIGURE_SIZE];
    size_t length = strspn(text, "0123456789");
    uint64_t count = 0;
    if (length >= sizeof digits) {
        return ERR_INVALID;
    }
    memcpy(digits, text, length);
    digits[length] = '\0';
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text + length, units[i].name) == 0 &&
            text_parse_uint64(digits, DURATION_MAX / units[i].seconds, &count) == ERR_OK &&
            count > 0) {
            *ret_seconds = count * units[i].seconds;
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}

enum error figure_parse_seconds(const char *text, uint64_t min_ms, uint64_t max_ms,
                                uint64_t *ret_ms)
{
    char whole[FIGURE_SIZE];
    char decimals[] = "000";
    size_t length = strcspn(text, ".");
    uint64_t seconds = 0;
    uint64_t ms = 0;
    if (length >= sizeof whole) {
        return ERR_INVALID;
    }
    memcpy(whole, text, length);
    whole[length] = '\0';
    if (text[length] == '.') {
        size_t count = strlen(text + length + 1);
        if (count < 1 || count > 3) {
            return ERR_INVALID;
        }
        memcpy(decimals, text + length + 1, count);
    }
    if (text_parse_uint64(whole, max_ms / 1000, &seconds) != ERR_OK ||
        text_parse_uint64(decimals, 999, &ms) != ERR_OK) {
        return ERR_INVALID;
    }
    ms += seconds * 1000;
    if (ms < min_ms || ms > max_ms) {
        return ERR_INVALID;
    }
    *ret_ms = ms;
    return ERR_OK;
}
