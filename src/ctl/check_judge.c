#include "check_judge.h"

#include "check_merge.h"

#include <assert.h>
#include <stdlib.h>

/* The highest number so far, on one grid. */
struct summit {
    const struct check_take *holder; /* NULL: none */
    uint64_t high;
};

static uint64_t high_of(const struct check_take *take, uint64_t step)
{
    return take->low + (take->count - 1) * step;
}

static void climb(struct summit *summit, const struct check_take *take, uint64_t step)
{
    uint64_t high = high_of(take, step);
    if (summit->holder == NULL || high > summit->high) {
        *summit = (struct summit){.holder = take, .high = high};
    }
}

/* ---- what was asked ---- */

static void count_requests(const struct check_history *histories, size_t count,
                           struct check_verdict *verdict)
{
    for (size_t i = 0; i < count; i++) {
        const struct check_history *history = &histories[i];
        bool earlier = history->wrong_count > 0 &&
                       (verdict->wrong == 0 ||
                        history->wrong.span.ended_ns < verdict->first_wrong.span.ended_ns);
        if (earlier) {
            verdict->first_wrong = history->wrong;
        }
        verdict->attempted += history->attempted;
        verdict->answered += history->answered;
        verdict->failed += history->failed;
        verdict->unknown += history->loss_count;
        verdict->wrong += history->wrong_count;
    }
}

/* ---- order ---- */

/* Two walks: one by the moment at which a request was sent, and behind it one by the moment at
 * which answers were whole, which keeps the highest number that had been answered by then. */
static void judge_order(const struct check_history *histories, size_t count, uint64_t step,
                        struct check_verdict *verdict)
{
    struct check_merge asked;
    struct check_merge answered;
    struct summit summit = {.holder = NULL};
    check_merge_init(&asked, histories, count, CHECK_BY_SENT);
    check_merge_init(&answered, histories, count, CHECK_BY_ENDED);
    const struct check_take *take = NULL;
    for (; (take = check_merge_peek(&asked)) != NULL; check_merge_pass(&asked)) {
        const struct check_take *done = check_merge_peek(&answered);
        while (done != NULL && done->span.ended_ns < take->span.sent_ns) {
            climb(&summit, done, step);
            check_merge_pass(&answered);
            done = check_merge_peek(&answered);
        }
        if (summit.holder == NULL || summit.high <= take->low) {
            continue;
        }
        if (verdict->disordered < CHECK_EXAMPLES) {
            verdict->disorders[verdict->disordered] =
                (struct check_pair){.earlier = *summit.holder, .later = *take, .rank = summit.high};
        }
        verdict->disordered++;
    }
}

/* ---- numbers ---- */

static int by_low(const void *a, const void *b)
{
    const struct check_take *x = a;
    const struct check_take *y = b;
    return (x->low > y->low) - (x->low < y->low);
}

static void sort_by_low(struct check_history *history)
{
    bool sorted = true;
    for (size_t i = 1; i < history->take_count && sorted; i++) {
        sorted = history->takes[i - 1].low <= history->takes[i].low;
    }
    if (!sorted) {
        qsort(history->takes, history->take_count, sizeof *history->takes, by_low);
    }
}

/* Takes come by rising rank, so of two on one grid the later begins within the earlier, or behind
 * it; the holder of the summit covers all from there to the summit. */
static void judge_repeats(const struct summit *summit, const struct check_take *take, uint64_t step,
                          struct check_verdict *verdict)
{
    uint64_t high = high_of(take, step);
    if (summit->holder == NULL || take->low > summit->high ||
        (summit->high - take->low) % step != 0) {
        return;
    }
    if (verdict->repeats < CHECK_EXAMPLES) {
        bool after = take->span.ended_ns >= summit->holder->span.ended_ns;
        verdict->duplicates[verdict->repeats] =
            (struct check_pair){.earlier = after ? *summit->holder : *take,
                                .later = after ? *take : *summit->holder,
                                .rank = take->low};
    }
    verdict->repeats++;
    uint64_t last = high < summit->high ? high : summit->high;
    verdict->duplicated += (last - take->low) / step + 1;
}

static void judge_gap(struct check_alibis *alibis, const struct summit *summit,
                      const struct check_take *take, uint64_t step, struct check_verdict *verdict)
{
    if (summit->holder == NULL || take->low <= summit->high) {
        return;
    }
    uint64_t missing = (take->low - summit->high) / step - 1;
    if (missing > 0) {
        struct check_span window = {.sent_ns = summit->holder->span.sent_ns,
                                    .ended_ns = take->span.ended_ns};
        check_alibis_explain(alibis, missing, window, &verdict->gaps);
    }
}

static void judge_numbers(struct check_history *histories, size_t count, uint64_t step,
                          uint64_t grid, struct check_alibis *alibis, struct check_verdict *verdict)
{
    struct check_merge merge;
    struct summit summit = {.holder = NULL};
    struct summit stray = {.holder = NULL};
    for (size_t i = 0; i < count; i++) {
        sort_by_low(&histories[i]);
    }
    check_merge_init(&merge, histories, count, CHECK_BY_LOW);
    const struct check_take *take = check_merge_peek(&merge);
    verdict->lowest = take != NULL ? take->low : 0;
    for (; take != NULL; check_merge_pass(&merge), take = check_merge_peek(&merge)) {
        uint64_t high = high_of(take, step);
        verdict->numbers += take->count;
        verdict->highest = high > verdict->highest ? high : verdict->highest;
        if (take->low % step != grid) {
            if (verdict->strayed < CHECK_EXAMPLES) {
                verdict->strays[verdict->strayed] = *take;
            }
            verdict->strayed++;
            judge_repeats(&stray, take, step, verdict);
            climb(&stray, take, step);
        } else {
            judge_repeats(&summit, take, step, verdict);
            judge_gap(alibis, &summit, take, step, verdict);
            climb(&summit, take, step);
        }
    }
}

/* The grid is where the first take of all lies. */
static uint64_t grid_of(const struct check_history *histories, size_t count, uint64_t step)
{
    for (size_t i = 0; i < count; i++) {
        if (histories[i].take_count > 0) {
            return histories[i].takes[0].low % step;
        }
    }
    return 0;
}

enum error check_judge(struct check_history *histories, size_t count, uint64_t step,
                       struct check_verdict *ret_verdict)
{
    struct check_alibis alibis;
    struct check_verdict verdict = {.attempted = 0};
    assert(step > 0);
    enum error error = check_alibis_init(&alibis, histories, count);
    if (error != ERR_OK) {
        return error;
    }
    uint64_t grid = grid_of(histories, count, step);
    count_requests(histories, count, &verdict);
    judge_order(histories, count, step, &verdict); /* before the takes are sorted anew */
    judge_numbers(histories, count, step, grid, &alibis, &verdict);
    verdict.outages = alibis.outage_count;
    check_alibis_fini(&alibis);
    *ret_verdict = verdict;
    return ERR_OK;
}

bool check_verdict_is_good(const struct check_verdict *verdict)
{
    return verdict->duplicated == 0 && verdict->disordered == 0 && verdict->strayed == 0 &&
           verdict->wrong == 0;
}
