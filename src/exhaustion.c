#include "exhaustion.h"

#include "base/forecast.h"
#include "base/log.h"
#include "core/sequence.h"

#include <inttypes.h>
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SPAN_SIZE 64 /* bytes of a time in words */

/* What was said of one sequence. One that was dropped keeps its memory as long as the registry
 * does, so no other has its address. */
struct told {
    const struct sequence *sequence;
    unsigned percent; /* the level that was said last */
};

static int compare(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const struct told *)a)->sequence;
    uintptr_t y = (uintptr_t)((const struct told *)b)->sequence;

    return x < y ? -1 : (x > y ? 1 : 0);
}

void exhaustion_init(struct exhaustion *exhaustion, struct registry *registry)
{
    *exhaustion = (struct exhaustion){.registry = registry, .due = clock_now()};
}

void exhaustion_fini(struct exhaustion *exhaustion)
{
    tdestroy(exhaustion->told, free);
    *exhaustion = (struct exhaustion){.registry = NULL};
}

/* What has been said of `sequence`; NULL when memory is out. */
static struct told *recall(struct exhaustion *exhaustion, const struct sequence *sequence)
{
    struct told key = {.sequence = sequence};
    struct told **found = tfind(&key, &exhaustion->told, compare);

    if (found != NULL) {
        return *found;
    }
    struct told *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL) {
        return NULL;
    }
    fresh->sequence = sequence;
    if (tsearch(fresh, &exhaustion->told, compare) == NULL) {
        free(fresh);
        return NULL;
    }
    return fresh;
}

static unsigned level_of(const struct forecast *forecast)
{
    if (forecast->left == 0) {
        return 100;
    }
    return forecast->used_percent >= 95 ? 95 : (forecast->used_percent >= 80 ? 80 : 0);
}

/* "3 days", in the largest unit of which there are two. */
static void write_span(char to[SPAN_SIZE], uint64_t seconds)
{
    static const struct {
        const char *name;
        uint64_t seconds;
    } units[] = {{"years", 31536000}, {"days", 86400}, {"hours", 3600}, {"minutes", 60}};
    size_t i = 0;

    while (i < sizeof units / sizeof units[0] && seconds < 2 * units[i].seconds) {
        i++;
    }
    bool plain = i == sizeof units / sizeof units[0];
    (void)snprintf(to, SPAN_SIZE, "%" PRIu64 " %s", plain ? seconds : seconds / units[i].seconds,
                   plain ? "seconds" : units[i].name);
}

static void say(const char *name, const struct forecast *forecast)
{
    char span[SPAN_SIZE] = "";

    if (forecast->left == 0) {
        log_warning("sequence '%s' has used all its numbers, refusing whoever asks for more", name);
        return;
    }
    if (forecast->ends) {
        write_span(span, forecast->seconds_left);
    }
    log_warning("sequence '%s' has used %u %% of its numbers: %" PRIu64
                " are left%s%s%s, going on until they end",
                name, forecast->used_percent, forecast->left, forecast->ends ? ", for about " : "",
                span, forecast->ends ? " at the present rate" : "");
}

static void look_at(void *context, struct sequence *sequence)
{
    struct exhaustion *exhaustion = context;
    struct sequence_status status;

    sequence_describe(sequence, &status);
    struct forecast forecast = forecast_of(status.next, status.capacity, sequence_pace(&status));
    unsigned level = level_of(&forecast);
    if (level == 0) {
        return;
    }
    struct told *told = recall(exhaustion, sequence);
    if (told != NULL && level > told->percent) {
        told->percent = level;
        exhaustion->lines++;
        say(sequence_name(sequence), &forecast);
    }
}

int exhaustion_wait_ms(const struct exhaustion *exhaustion, struct instant now)
{
    uint64_t wait_ns = clock_elapsed(now, exhaustion->due);

    return (int)((wait_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS);
}

void exhaustion_tick(struct exhaustion *exhaustion, struct instant now)
{
    if (clock_reached(exhaustion->due, now)) {
        registry_each(exhaustion->registry, look_at, exhaustion);
        exhaustion->due = clock_after(now, EXHAUSTION_PERIOD_MS * CLOCK_NS_PER_MS);
    }
}
