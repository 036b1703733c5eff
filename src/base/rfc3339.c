#include "base/rfc3339.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

#define MS_PER_S 1000
#define MS_PER_MINUTE (60 * MS_PER_S)
#define MS_PER_DAY (INT64_C(86400) * MS_PER_S)
#define DAYS_TO_1970 719468 /* from 0000-03-01 */
#define DAYS_OF_400_YEARS 146097
#define SHOWN_MAX 64 /* bytes of what somebody wrote that are repeated */

struct date {
    int64_t year;
    int64_t month; /* 1 … 12 */
    int64_t day;   /* 1 … 31 */
};

/* Days since 1970-01-01. A year is taken to begin in March, so that the leap day is its last; after
 * Howard Hinnant, "chrono-compatible low-level date algorithms". */
static int64_t days_of(struct date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t month = (date.month + 9) % 12; /* March is 0 */
    int64_t era = year / 400;
    int64_t year_of_era = year % 400;
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_OF_400_YEARS + day_of_era - DAYS_TO_1970;
}

static struct date date_of(int64_t days)
{
    int64_t shifted = days + DAYS_TO_1970;
    int64_t era = shifted / DAYS_OF_400_YEARS;
    int64_t day_of_era = shifted % DAYS_OF_400_YEARS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct date date = {.day = day_of_year - (153 * month + 2) / 5 + 1};
    date.month = month < 10 ? month + 3 : month - 9;
    date.year = era * 400 + year_of_era + (date.month <= 2 ? 1 : 0);
    return date;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_in(int64_t year, int64_t month)
{
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* `count` digits at *text, which moves on. */
static bool read_digits(const char **text, unsigned count, int64_t *ret_value)
{
    int64_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *text += count;
    *ret_value = value;
    return true;
}

static bool read_one(const char **text, const char *either)
{
    if (**text != either[0] && **text != either[1]) {
        return false;
    }
    (*text)++;
    return true;
}

/* ".123", or nothing. False where it is no fraction, or finer than a millisecond. */
static bool read_fraction(const char **text, int64_t *ret_ms, bool *ret_too_fine)
{
    int64_t ms = 0;
    int64_t weight = MS_PER_S / 10;
    *ret_ms = 0;
    if (**text != '.') {
        return true;
    }
    (*text)++;
    if (**text < '0' || **text > '9') {
        return false;
    }
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        int64_t digit = **text - '0';
        *ret_too_fine = *ret_too_fine || (weight == 0 && digit != 0);
        ms += digit * weight;
        weight /= 10;
    }
    *ret_ms = ms;
    return true;
}

/* "Z", or "+01:00", in ms east of Greenwich. */
static bool read_offset(const char **text, int64_t *ret_offset_ms)
{
    int64_t hours = 0;
    int64_t minutes = 0;
    *ret_offset_ms = 0;
    if (read_one(text, "Zz")) {
        return true;
    }
    bool west = **text == '-';
    if (!read_one(text, "+-") || !read_digits(text, 2, &hours) || !read_one(text, "::") ||
        !read_digits(text, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    int64_t offset_ms = (hours * 60 + minutes) * MS_PER_MINUTE;
    *ret_offset_ms = west ? -offset_ms : offset_ms;
    return true;
}

struct written {
    struct date date;
    int64_t hour;
    int64_t minute;
    int64_t second;
    int64_t ms;
    int64_t offset_ms;
    bool too_fine;
};

static bool read_all(const char *text, struct written *w)
{
    return read_digits(&text, 4, &w->date.year) && read_one(&text, "--") &&
           read_digits(&text, 2, &w->date.month) && read_one(&text, "--") &&
           read_digits(&text, 2, &w->date.day) && read_one(&text, "Tt") &&
           read_digits(&text, 2, &w->hour) && read_one(&text, "::") &&
           read_digits(&text, 2, &w->minute) && read_one(&text, "::") &&
           read_digits(&text, 2, &w->second) && read_fraction(&text, &w->ms, &w->too_fine) &&
           read_offset(&text, &w->offset_ms) && *text == '\0';
}

static bool exists(const struct written *w)
{
    return w->date.month >= 1 && w->date.month <= 12 && w->date.day >= 1 &&
           w->date.day <= days_in(w->date.year, w->date.month) && w->hour <= 23 &&
           w->minute <= 59 && w->second <= 59;
}

enum error rfc3339_parse(const char *text, int64_t *ret_ms, struct error_detail *detail)
{
    struct written w = {.too_fine = false};
    if (!read_all(text, &w)) {
        return error_fail(detail, ERR_INVALID,
                          "'%.*s' is no moment such as 2026-11-25T20:15:00.123Z", SHOWN_MAX, text);
    }
    if (w.second == 60) {
        return error_fail(detail, ERR_INVALID,
                          "'%.*s' is a leap second, which this clock does not count: write the "
                          "second before or after it",
                          SHOWN_MAX, text);
    }
    if (w.too_fine) {
        return error_fail(detail, ERR_INVALID, "'%.*s' is finer than a millisecond", SHOWN_MAX,
                          text);
    }
    if (!exists(&w)) {
        return error_fail(detail, ERR_INVALID, "'%.*s' is a day or time that does not exist",
                          SHOWN_MAX, text);
    }
    int64_t ms = days_of(w.date) * MS_PER_DAY + (w.hour * 60 + w.minute) * MS_PER_MINUTE +
                 w.second * MS_PER_S + w.ms - w.offset_ms;
    if (ms < 0 || ms > RFC3339_MAX_MS) {
        return error_fail(detail, ERR_INVALID, "'%.*s' lies outside the years 1970 to 9999",
                          SHOWN_MAX, text);
    }
    *ret_ms = ms;
    return ERR_OK;
}

static void put_digits(char *to, int64_t value, unsigned count)
{
    while (count-- > 0) {
        to[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

void rfc3339_format(char to[RFC3339_SIZE], int64_t ms, unsigned digits)
{
    assert(ms >= 0 && ms <= RFC3339_MAX_MS);
    assert(digits <= 3);
    struct date date = date_of(ms / MS_PER_DAY);
    int64_t of_day = ms % MS_PER_DAY;
    static const int64_t cut[] = {1000, 100, 10, 1};
    char *end = to + sizeof "0000-00-00T00:00:00" - 1;
    (void)snprintf(to, RFC3339_SIZE, "0000-00-00T00:00:00"); /* fits: see the size */
    put_digits(to, date.year, 4);
    put_digits(to + 5, date.month, 2);
    put_digits(to + 8, date.day, 2);
    put_digits(to + 11, of_day / (60 * MS_PER_MINUTE), 2);
    put_digits(to + 14, of_day / MS_PER_MINUTE % 60, 2);
    put_digits(to + 17, of_day / MS_PER_S % 60, 2);
    if (digits > 0) {
        *end++ = '.';
        put_digits(end, of_day % MS_PER_S / cut[digits], digits);
        end += digits;
    }
    *end++ = 'Z';
    *end = '\0';
}
