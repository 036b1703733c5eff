#include "oracle.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define NOTHING UINT64_MAX /* no position */
#define WORD_BITS 64

enum fault {
    FAULT_DUPLICATED,
    FAULT_OUTSIDE,
    FAULT_UNORDERED_CONNECTION,
    FAULT_UNORDERED_TIME,
    FAULT_KINDS,
};

enum ending {
    ENDING_NONE, /* it runs */
    ENDING_CRASH,
    ENDING_STOP,
};

/* One life of the server. */
struct life {
    uint64_t lowest; /* position, NOTHING when none was received */
    uint64_t unanswered;
    enum ending ending;
};

struct example {
    char text[160];
};

struct oracle {
    struct oracle_options options;

    uint64_t *received; /* a bit for each position */
    size_t words;
    uint64_t lowest;  /* position received, NOTHING when none was */
    uint64_t highest; /* one above the highest received, 0 when none was */

    uint64_t attempted;
    uint64_t acknowledged;
    uint64_t refused;
    uint64_t unanswered;

    uint64_t faults[FAULT_KINDS];
    struct example examples[FAULT_KINDS][ORACLE_EXAMPLES];

    struct life *lives; /* the last one runs */
    size_t life_count;
};

/* The stretch between the lowest position received in one life and in the next that has one. */
struct gap {
    uint64_t missing; /* positions of the stretch that nobody received */
    uint64_t unseen;  /* that requests without an answer may have taken */
    uint64_t allowed; /* to be lost, with those */
    bool clean;       /* every life that lies in it ended in a clean stop, or runs */
};

static void *grow(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes);
    if (memory == NULL) {
        fputs("oracle: out of memory\n", stderr);
        abort();
    }
    return memory;
}

static void begin_life(struct oracle *oracle)
{
    oracle->lives = grow(oracle->lives, (oracle->life_count + 1) * sizeof(*oracle->lives));
    oracle->lives[oracle->life_count++] = (struct life){.lowest = NOTHING};
}

static struct life *this_life(struct oracle *oracle)
{
    return &oracle->lives[oracle->life_count - 1];
}

struct oracle *oracle_new(const struct oracle_options *options)
{
    struct oracle *oracle = grow(NULL, sizeof(*oracle));
    *oracle = (struct oracle){.options = *options, .lowest = NOTHING};
    if (options->capacity == 0 || options->capacity > ORACLE_POSITIONS_MAX) {
        oracle->options.capacity = ORACLE_POSITIONS_MAX;
    }
    begin_life(oracle);
    return oracle;
}

void oracle_free(struct oracle *oracle)
{
    if (oracle != NULL) {
        free(oracle->lives);
        free(oracle->received);
        free(oracle);
    }
}

const struct oracle_options *oracle_options(const struct oracle *oracle)
{
    return &oracle->options;
}

__attribute__((format(printf, 3, 4))) static void blame(struct oracle *oracle, enum fault fault,
                                                        const char *format, ...)
{
    uint64_t seen = oracle->faults[fault]++;
    if (seen < ORACLE_EXAMPLES) {
        struct example *example = &oracle->examples[fault][seen];
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(example->text, sizeof(example->text), format, arguments);
        va_end(arguments);
    }
}

static int64_t number_at(const struct oracle *oracle, uint64_t position)
{
    /* Unsigned, because the product alone may be beyond 63 bits for a descending sequence. */
    return (int64_t)((uint64_t)oracle->options.start +
                     position * (uint64_t)oracle->options.increment);
}

/* The position of `number`, or NOTHING when the sequence does not have it. */
static uint64_t position_of(const struct oracle *oracle, int64_t number)
{
    int64_t start = oracle->options.start;
    int64_t increment = oracle->options.increment;
    if (increment > 0 ? number < start : number > start) {
        return NOTHING;
    }
    uint64_t distance =
        increment > 0 ? (uint64_t)number - (uint64_t)start : (uint64_t)start - (uint64_t)number;
    uint64_t step = increment > 0 ? (uint64_t)increment : 0 - (uint64_t)increment;
    if (distance % step != 0 || distance / step >= oracle->options.capacity) {
        return NOTHING;
    }
    return distance / step;
}

static bool was_received(const struct oracle *oracle, uint64_t position)
{
    uint64_t word = position / WORD_BITS;
    return word < oracle->words && (oracle->received[word] >> position % WORD_BITS & 1) != 0;
}

static void receive(struct oracle *oracle, uint64_t position)
{
    if (was_received(oracle, position)) {
        blame(oracle, FAULT_DUPLICATED, "number %" PRId64 " (position %" PRIu64 ") came twice",
              number_at(oracle, position), position);
        return;
    }
    size_t word = position / WORD_BITS;
    if (word >= oracle->words) {
        size_t words = (word + 1) * 2;
        oracle->received = grow(oracle->received, words * sizeof(*oracle->received));
        memset(oracle->received + oracle->words, 0,
               (words - oracle->words) * sizeof(*oracle->received));
        oracle->words = words;
    }
    oracle->received[word] |= UINT64_C(1) << position % WORD_BITS;
}

uint64_t oracle_send(struct oracle *oracle, uint64_t count)
{
    oracle->attempted += count;
    return oracle->highest;
}

static void check_order(struct oracle *oracle, const struct oracle_answer *answer, uint64_t first)
{
    if (first < *answer->connection_after) {
        blame(oracle, FAULT_UNORDERED_CONNECTION,
              "number %" PRId64 " came on a connection that had received %" PRId64 " before",
              answer->first, number_at(oracle, *answer->connection_after - 1));
    }
    if (first < answer->sent_after) {
        blame(oracle, FAULT_UNORDERED_TIME,
              "number %" PRId64 " answers a request that was sent after %" PRId64 " had come",
              answer->first, number_at(oracle, answer->sent_after - 1));
    }
}

void oracle_acknowledge(struct oracle *oracle, const struct oracle_answer *answer)
{
    oracle->acknowledged += answer->count;
    uint64_t first = position_of(oracle, answer->first);
    uint64_t last = position_of(oracle, answer->last);
    if (first == NOTHING || last == NOTHING || last < first || last - first + 1 != answer->count) {
        blame(oracle, FAULT_OUTSIDE,
              "%" PRIu64 " numbers from %" PRId64 " to %" PRId64 " are not of this sequence",
              answer->count, answer->first, answer->last);
        return;
    }

    check_order(oracle, answer, first);
    for (uint64_t position = first; position <= last; position++) {
        receive(oracle, position);
    }
    *answer->connection_after = last + 1;
    struct life *life = this_life(oracle);
    life->lowest = first < life->lowest ? first : life->lowest;
    oracle->lowest = first < oracle->lowest ? first : oracle->lowest;
    oracle->highest = last + 1 > oracle->highest ? last + 1 : oracle->highest;
}

void oracle_refuse(struct oracle *oracle, uint64_t count)
{
    oracle->refused += count;
}

void oracle_lose(struct oracle *oracle, uint64_t count)
{
    oracle->unanswered += count;
    this_life(oracle)->unanswered += count;
}

void oracle_crash(struct oracle *oracle)
{
    this_life(oracle)->ending = ENDING_CRASH;
    begin_life(oracle);
}

void oracle_stop(struct oracle *oracle)
{
    this_life(oracle)->ending = ENDING_STOP;
    begin_life(oracle);
}

static uint64_t missing_in(const struct oracle *oracle, uint64_t first, uint64_t limit)
{
    uint64_t missing = 0;
    for (uint64_t position = first; position < limit; position++) {
        missing += was_received(oracle, position) ? 0 : 1;
    }
    return missing;
}

/* What requests of this life may have taken without anybody knowing. A clean stop answers all that
 * it has numbered, so there a request without an answer took nothing. */
static uint64_t taken_unseen(const struct life *life)
{
    return life->ending == ENDING_STOP ? 0 : life->unanswered;
}

/* What may be lost at the end of life `index`. */
static void end_life(const struct oracle *oracle, size_t index, struct gap *gap)
{
    const struct life *life = &oracle->lives[index];
    bool crashed = life->ending == ENDING_CRASH;
    gap->unseen += taken_unseen(life);
    gap->allowed += taken_unseen(life) + (crashed ? oracle->options.max_gap : 0);
    gap->clean = gap->clean && !crashed;
}

/* The gap that begins in life `*from` (SIZE_MAX: before the first) and ends where the next life
 * that received anything begins, or at the highest position received. Moves `*from` to that life;
 * false when there is none. `*start` is the lowest position of life `*from`. */
static bool next_gap(const struct oracle *oracle, size_t *from, uint64_t *start,
                     struct gap *ret_gap)
{
    struct gap gap = {.clean = true};
    size_t next = 0;
    if (*from != SIZE_MAX) {
        end_life(oracle, *from, &gap);
        next = *from + 1;
    }
    while (next < oracle->life_count && oracle->lives[next].lowest == NOTHING) {
        end_life(oracle, next++, &gap);
    }
    bool last = next == oracle->life_count;
    if (last && *from == SIZE_MAX) {
        return false; /* nothing was ever received */
    }
    uint64_t end = last ? oracle->highest : oracle->lives[next].lowest;
    uint64_t unseen_next = last ? 0 : taken_unseen(&oracle->lives[next]);
    gap.unseen += unseen_next;
    gap.allowed += unseen_next;
    gap.missing = end > *start ? missing_in(oracle, *start, end) : 0;
    *ret_gap = gap;
    *from = next;
    *start = end;
    return true;
}

static void judge_gaps(const struct oracle *oracle, struct oracle_verdict *verdict,
                       FILE *complaints)
{
    size_t from = SIZE_MAX;
    uint64_t start = 0;
    struct gap gap;
    while (from != oracle->life_count && next_gap(oracle, &from, &start, &gap)) {
        verdict->lost += gap.missing;
        verdict->lost_cleanly += gap.clean ? gap.missing : 0;
        verdict->gaps += gap.missing > 0 ? 1 : 0;
        verdict->gap_max = gap.missing > verdict->gap_max ? gap.missing : verdict->gap_max;
        uint64_t leased = gap.missing > gap.unseen ? gap.missing - gap.unseen : 0;
        verdict->gap_max_leased =
            leased > verdict->gap_max_leased ? leased : verdict->gap_max_leased;
        if (gap.missing > gap.allowed) {
            verdict->gaps_above++;
            if (complaints != NULL && verdict->gaps_above <= ORACLE_EXAMPLES) {
                (void)fprintf(complaints,
                              "      GAP    %" PRIu64 " positions below number %" PRId64
                              " never came, %" PRIu64 " may be lost there\n",
                              gap.missing, number_at(oracle, start), gap.allowed);
            }
        }
    }
}

static void judge(const struct oracle *oracle, struct oracle_verdict *verdict, FILE *complaints)
{
    bool any = oracle->lowest != NOTHING;
    *verdict = (struct oracle_verdict){
        .attempted = oracle->attempted,
        .acknowledged = oracle->acknowledged,
        .refused = oracle->refused,
        .unanswered = oracle->unanswered,
        .lowest = any ? number_at(oracle, oracle->lowest) : 0,
        .highest = any ? number_at(oracle, oracle->highest - 1) : 0,
        .duplicated = oracle->faults[FAULT_DUPLICATED],
        .outside = oracle->faults[FAULT_OUTSIDE],
        .unordered_connection = oracle->faults[FAULT_UNORDERED_CONNECTION],
        .unordered_time = oracle->faults[FAULT_UNORDERED_TIME],
    };
    for (size_t i = 0; i < oracle->life_count; i++) {
        verdict->crashes += oracle->lives[i].ending == ENDING_CRASH ? 1 : 0;
        verdict->stops += oracle->lives[i].ending == ENDING_STOP ? 1 : 0;
    }
    judge_gaps(oracle, verdict, complaints);
}

bool oracle_judge(const struct oracle *oracle, struct oracle_verdict *ret_verdict)
{
    judge(oracle, ret_verdict, NULL);
    return ret_verdict->duplicated == 0 && ret_verdict->outside == 0 &&
           ret_verdict->unordered_connection == 0 && ret_verdict->unordered_time == 0 &&
           ret_verdict->gaps_above == 0;
}

void oracle_print(const struct oracle *oracle, FILE *to)
{
    struct oracle_verdict v;
    bool good = oracle_judge(oracle, &v);
    (void)fprintf(to, "  %-10s %s\n", oracle->options.name, good ? "ok" : "BROKEN");
    (void)fprintf(to,
                  "      attempted %" PRIu64 ", acknowledged %" PRIu64 ", refused %" PRIu64
                  ", unanswered %" PRIu64 ", range %" PRId64 " to %" PRId64 "\n",
                  v.attempted, v.acknowledged, v.refused, v.unanswered, v.lowest, v.highest);
    (void)fprintf(to,
                  "      duplicated %" PRIu64 ", outside %" PRIu64 ", out of order %" PRIu64
                  " on a connection and %" PRIu64 " in time\n",
                  v.duplicated, v.outside, v.unordered_connection, v.unordered_time);
    (void)fprintf(to,
                  "      crashes %" PRIu64 ", clean stops %" PRIu64 ": lost %" PRIu64 " in %" PRIu64
                  " gaps, %" PRIu64 " of them too large; lost without a crash %" PRIu64 "\n",
                  v.crashes, v.stops, v.lost, v.gaps, v.gaps_above, v.lost_cleanly);
    (void)fprintf(to,
                  "      largest gap %" PRIu64 ", %" PRIu64
                  " when what unanswered requests may have taken is left out (max_gap %" PRIu64
                  ")\n",
                  v.gap_max, v.gap_max_leased, oracle->options.max_gap);
    static const char *const tags[FAULT_KINDS] = {"TWICE", "OUTSIDE", "ORDER", "TIME"};
    for (int kind = 0; kind < FAULT_KINDS; kind++) {
        for (size_t i = 0; i < ORACLE_EXAMPLES && i < oracle->faults[kind]; i++) {
            (void)fprintf(to, "      %-7s %s\n", tags[kind], oracle->examples[kind][i].text);
        }
    }
    if (!good) {
        judge(oracle, &v, to);
    }
}
