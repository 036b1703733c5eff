#include "check_gaps.h"

#include <stdbool.h>
#include <stdlib.h>

static int by_end(const void *a, const void *b)
{
    uint64_t x = ((const struct check_loss *)a)->span.ended_ns;
    uint64_t y = ((const struct check_loss *)b)->span.ended_ns;
    return (x > y) - (x < y);
}

static int by_start(const void *a, const void *b)
{
    uint64_t x = ((const struct check_span *)a)->sent_ns;
    uint64_t y = ((const struct check_span *)b)->sent_ns;
    return (x > y) - (x < y);
}

/* What all connections saw of one outage is one. */
static void join_outages(struct check_alibis *alibis)
{
    size_t joined = 0;
    for (size_t i = 0; i < alibis->outage_count; i++) {
        struct check_span span = alibis->outages[i];
        struct check_span *last = joined > 0 ? &alibis->outages[joined - 1] : NULL;
        if (last == NULL || span.sent_ns > last->ended_ns) {
            alibis->outages[joined++] = span;
        } else if (span.ended_ns > last->ended_ns) {
            last->ended_ns = span.ended_ns;
        }
    }
    alibis->outage_count = joined;
}

static void sort(struct check_alibis *alibis)
{
    if (alibis->loss_count > 0) {
        qsort(alibis->losses, alibis->loss_count, sizeof *alibis->losses, by_end);
    }
    if (alibis->outage_count > 0) {
        qsort(alibis->outages, alibis->outage_count, sizeof *alibis->outages, by_start);
    }
    for (size_t i = 0; i < alibis->loss_count; i++) {
        const struct check_span *span = &alibis->losses[i].span;
        uint64_t ns = span->ended_ns - span->sent_ns;
        alibis->longest_ns = ns > alibis->longest_ns ? ns : alibis->longest_ns;
    }
    join_outages(alibis);
}

enum error check_alibis_init(struct check_alibis *alibis, const struct check_history *histories,
                             size_t count)
{
    size_t losses = 0;
    size_t outages = 0;
    for (size_t i = 0; i < count; i++) {
        losses += histories[i].loss_count;
        outages += histories[i].outage_count;
    }
    *alibis = (struct check_alibis){
        .losses = reallocarray(NULL, losses + 1, sizeof *alibis->losses),
        .outages = reallocarray(NULL, outages + 1, sizeof *alibis->outages),
    };
    if (alibis->losses == NULL || alibis->outages == NULL) {
        check_alibis_fini(alibis);
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < histories[i].loss_count; j++) {
            alibis->losses[alibis->loss_count++] = histories[i].losses[j];
        }
        for (size_t j = 0; j < histories[i].outage_count; j++) {
            alibis->outages[alibis->outage_count++] = histories[i].outages[j];
        }
    }
    sort(alibis);
    return ERR_OK;
}

void check_alibis_fini(struct check_alibis *alibis)
{
    free(alibis->losses);
    free(alibis->outages);
    *alibis = (struct check_alibis){.losses = NULL};
}

static bool meets(struct check_span a, struct check_span b)
{
    return a.sent_ns <= b.ended_ns && b.sent_ns <= a.ended_ns;
}

/* How much of `numbers` requests of unknown outcome may have taken within `window`. */
static uint64_t use_losses(struct check_alibis *alibis, uint64_t numbers, struct check_span window)
{
    uint64_t used = 0;
    size_t low = 0;
    size_t high = alibis->loss_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (alibis->losses[middle].span.ended_ns < window.sent_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (size_t i = low; i < alibis->loss_count && used < numbers; i++) {
        struct check_loss *loss = &alibis->losses[i];
        if (loss->span.ended_ns > window.ended_ns &&
            loss->span.ended_ns - window.ended_ns > alibis->longest_ns) {
            break; /* it, and all behind it, were sent too late */
        }
        if (meets(loss->span, window)) {
            uint64_t share = loss->count < numbers - used ? loss->count : numbers - used;
            loss->count -= share;
            used += share;
        }
    }
    return used;
}

static bool was_away(const struct check_alibis *alibis, struct check_span window)
{
    size_t low = 0;
    size_t high = alibis->outage_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (alibis->outages[middle].ended_ns < window.sent_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < alibis->outage_count && meets(alibis->outages[low], window);
}

void check_alibis_explain(struct check_alibis *alibis, uint64_t numbers, struct check_span window,
                          struct check_gaps *gaps)
{
    uint64_t unknown = use_losses(alibis, numbers, window);
    uint64_t rest = numbers - unknown;
    bool away = rest > 0 && was_away(alibis, window);
    gaps->numbers += numbers;
    gaps->unknown += unknown;
    gaps->restarts += away ? rest : 0;
    gaps->others += away ? 0 : rest;
}
