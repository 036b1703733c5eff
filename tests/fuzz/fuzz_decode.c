/* fuzz_decode: numbers of a timestamp sequence and of a counter, and moments as text.
 *
 * Three lines: a layout (epoch, unit, bits of machine, node and counter, a number, a span's begin
 * and end); a counter (start, increment, min, max, a number); and a moment.
 *
 * The law: what a number says makes that number again; the first and last number of a span lie in
 * it, and their neighbours do not; the position after a number is the first whose number comes
 * after it; no number of a checked definition lies outside min … max. A moment that is understood
 * is the one that the C library's calendar makes of it, and is written so that it is understood
 * again; what that calendar knows is not refused. */
#include "law.h"

#include "base/definition.h"
#include "base/floor.h"
#include "base/layout.h"
#include "base/rfc3339.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINES 3
#define NUMBERS 8 /* of a line, at most */

/* Cut `text` into lines, which end by a NUL then. */
static void cut(char *text, char *lines[LINES])
{
    static char none[] = "";

    for (size_t i = 0; i < LINES; i++) {
        char *end = text != NULL ? strchr(text, '\n') : NULL;
        lines[i] = text != NULL ? text : none;
        text = end != NULL ? end + 1 : NULL;
        if (end != NULL) {
            *end = '\0';
        }
    }
}

/* One word as a number, and as the C library sees it. */
static bool read_number(const char *word, int64_t *ret_number)
{
    int64_t number = 0;
    char *end = NULL;
    const char *digits = word + (word[0] == '-' ? 1 : 0);
    bool plain = digits[0] != '\0' && strspn(digits, "0123456789") == strlen(digits);

    errno = 0;
    long long other = strtoll(word, &end, 10);
    bool fits = plain && errno == 0;
    law_holds((text_parse_int64(word, &number) == ERR_OK) == fits);
    law_holds(!fits || number == other);
    *ret_number = number;
    return fits;
}

/* The numbers of a line, up to the first word that is none; the others are 0. */
static void read_numbers(char *line, int64_t to[NUMBERS])
{
    char *rest = NULL;
    size_t count = 0;

    memset(to, 0, NUMBERS * sizeof to[0]);
    for (char *word = strtok_r(line, " ", &rest); word != NULL && count < NUMBERS;
         word = strtok_r(NULL, " ", &rest)) {
        if (!read_number(word, &to[count++])) {
            return;
        }
    }
}

/* ---- timestamps ---- */

static void check_number(const struct layout *layout, int64_t number)
{
    struct layout_parts parts = layout_decode(layout, number);
    uint64_t position = parts.tick << layout->counter_bits | parts.counter;
    struct layout its = *layout;

    its.machine_id = parts.machine;
    its.node_id = parts.node;
    law_holds(layout_check(&its, NULL) == ERR_OK);
    law_holds(position < layout_capacity(layout));
    law_holds(layout_number(&its, position) == number);
    law_holds(parts.time_ms == layout_time_ms(layout, parts.tick));
    law_holds(parts.time_ms >= layout->epoch_ms && parts.time_ms <= layout_end_ms(layout));
}

static void check_position_after(const struct layout *layout, int64_t number)
{
    uint64_t after = layout_position_after(layout, number);

    law_holds(after <= layout_capacity(layout));
    law_holds(after == layout_capacity(layout) || layout_number(layout, after) > number);
    law_holds(after == 0 || layout_number(layout, after - 1) <= number);
}

/* Where the tick of `number` begins. */
static int64_t begin_of(const struct layout *layout, int64_t number)
{
    return layout_decode(layout, number).time_ms;
}

static void check_range(const struct layout *layout, int64_t from_ms, int64_t to_ms)
{
    struct layout_range range;

    law_mark(&range, sizeof range);
    if (!layout_range(layout, from_ms, to_ms, &range)) {
        law_holds(law_untouched(&range, sizeof range));
        return;
    }
    law_holds(range.first >= 0 && range.first <= range.last);
    law_holds(begin_of(layout, range.first) >= from_ms && begin_of(layout, range.last) < to_ms);
    law_holds(range.first == 0 || begin_of(layout, range.first - 1) < from_ms);
    law_holds(range.last == INT64_MAX || begin_of(layout, range.last + 1) >= to_ms);
}

static void check_layout(const int64_t numbers[NUMBERS])
{
    struct layout layout = {.epoch_ms = numbers[0],
                            .unit_ms = (uint32_t)numbers[1],
                            .machine_bits = (uint8_t)numbers[2],
                            .node_bits = (uint8_t)numbers[3],
                            .counter_bits = (uint8_t)numbers[4]};
    struct error_detail detail = {.text = ""};
    uint64_t tick = 0;

    if (layout_check(&layout, &detail) != ERR_OK) {
        law_holds(law_explains(&detail));
        return;
    }
    if (numbers[5] >= 0) {
        struct layout_parts parts = layout_decode(&layout, numbers[5]);
        check_number(&layout, numbers[5]);
        check_position_after(&layout, numbers[5]);
        layout.machine_id = parts.machine;
        layout.node_id = parts.node;
        check_position_after(&layout, numbers[5]);
    }
    check_range(&layout, numbers[6], numbers[7]);
    if (layout_tick(&layout, numbers[6], &tick)) {
        law_holds(tick >= 1 && numbers[6] >= layout.epoch_ms);
        law_holds(tick == (uint64_t)(numbers[6] - layout.epoch_ms) / layout.unit_ms);
    }
    if (layout_check_clock(&layout, numbers[6], &detail) != ERR_OK) {
        law_holds(law_explains(&detail));
    }
}

/* ---- counters ---- */

static void check_inside(const struct definition *definition, uint64_t position)
{
    int64_t number = definition_number_at(definition, position);

    law_holds(number >= definition->min && number <= definition->max);
}

/* Does `number` come after `other`, in the sequence's direction? */
static bool comes_after(const struct definition *definition, int64_t number, int64_t other)
{
    return definition->increment > 0 ? number > other : number < other;
}

static void check_counter(const int64_t numbers[NUMBERS])
{
    struct definition definition = definition_default();
    struct error_detail detail = {.text = ""};

    definition.start = numbers[0];
    definition.increment = numbers[1];
    definition.min = numbers[2];
    definition.max = numbers[3];
    if (definition_check(&definition, &detail) != ERR_OK) {
        law_holds(law_explains(&detail));
        return;
    }
    uint64_t capacity = definition_capacity(&definition);
    uint64_t after = definition_position_after(&definition, numbers[4]);
    law_holds(capacity >= 1 && after <= capacity);
    check_inside(&definition, 0);
    check_inside(&definition, capacity - 1);
    check_inside(&definition, capacity / 2);
    law_holds(after == capacity ||
              comes_after(&definition, definition_number_at(&definition, after), numbers[4]));
    law_holds(after == 0 ||
              !comes_after(&definition, definition_number_at(&definition, after - 1), numbers[4]));

    /* A floor over what was issued is passed by whatever comes after it. */
    struct floor floor = floor_between(&definition, (struct range){.first = 0, .limit = after});
    uint64_t first = 0;
    law_holds(floor.some == (after > 0));
    if (floor_first(&floor, &definition, &first, &detail) == ERR_OK) {
        law_holds(first == after && first < capacity);
    } else {
        law_holds(after == capacity && law_explains(&detail));
    }
}

/* ---- moments ---- */

/* Does the C library's calendar know `text`, which has no fraction and says UTC? */
static bool is_known(const char *text)
{
    struct tm calendar = {.tm_isdst = 0};
    char again[64];
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &calendar);

    if (end == NULL || *end != '\0' || calendar.tm_year < 70 || calendar.tm_sec > 59) {
        return false;
    }
    time_t seconds = timegm(&calendar);
    return gmtime_r(&seconds, &calendar) != NULL &&
           strftime(again, sizeof again, "%Y-%m-%dT%H:%M:%SZ", &calendar) > 0 &&
           strcmp(again, text) == 0;
}

static void check_moment(const char *text)
{
    struct error_detail detail = {.text = ""};
    int64_t ms = -1;
    int64_t again = -1;
    char written[RFC3339_SIZE];
    char expected[64];
    struct tm calendar;

    if (rfc3339_parse(text, &ms, &detail) != ERR_OK) {
        law_holds(ms == -1 && law_explains(&detail));
        law_holds(!is_known(text));
        return;
    }
    law_holds(ms >= 0 && ms <= RFC3339_MAX_MS);
    time_t seconds = (time_t)(ms / 1000);
    law_holds(gmtime_r(&seconds, &calendar) != NULL);
    (void)snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                   calendar.tm_year + 1900, calendar.tm_mon + 1, calendar.tm_mday, calendar.tm_hour,
                   calendar.tm_min, calendar.tm_sec, (int)(ms % 1000)); /* fits */
    rfc3339_format(written, ms, 3);
    law_holds(strcmp(written, expected) == 0);
    law_holds(rfc3339_parse(written, &again, NULL) == ERR_OK && again == ms);
    /* Said in UTC, it says what was said. */
    if (text[strlen(text) - 1] == 'Z') {
        law_holds(strncmp(text, written, 10) == 0 && strncmp(text + 11, written + 11, 8) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = law_text(data, size);
    char *lines[LINES];
    int64_t numbers[NUMBERS];

    cut(text, lines);
    read_numbers(lines[0], numbers);
    check_layout(numbers);
    read_numbers(lines[1], numbers);
    check_counter(numbers);
    check_moment(lines[2]);
    free(text);
    return 0;
}
