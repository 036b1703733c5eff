/* check_faults: every call of a store's life fails once, in every way (life.h), and then the next,
 * until a life meets no fault; each life with a process of its own.
 *
 *   FAULTS=n       how many of all (call, number, kind) are tried, drawn by the seed; 0: all (0)
 *   SEED=n         of the draw
 *   FAULT=CALL:NUMBER:KIND[:witness]  this one alone, as a failure prints it
 *   FIRST=1        each job ends with the first wrong one
 *   JOBS=n         at a time (as many as there are processors)
 *
 * Prints 'faults: N tried (…), N wrong'. Exit status 0 when none was wrong, 1 when one was, 2 for a
 * bad knob. */
#include "apart.h"
#include "base/text.h"
#include "chance.h"
#include "life.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIALS_MAX 200000
#define SHOWN_MAX 10 /* wrong ones that are shown */

struct trial {
    struct life_fault fault;
    bool witnessed;
};

/* What came of all, in memory that every process sees; each job writes its own. */
struct tally {
    uint64_t tried[CALLS];
    uint64_t missed; /* the life had fewer calls than the one that was counted */
    uint64_t wrong;
};

static struct trial trials[TRIALS_MAX];
static size_t trial_count;

static struct life make_life(void)
{
    struct life life = {.told = apart_share(sizeof(struct life_facts))};

    life.data = dir_make();
    life.copy = dir_make();
    life.elsewhere = dir_make();
    return life;
}

static void remove_life(struct life *life)
{
    dir_remove(&life->data);
    dir_remove(&life->copy);
    dir_remove(&life->elsewhere);
    munmap(life->told, sizeof(struct life_facts));
}

static void empty_life(const struct life *life)
{
    dir_empty(&life->data);
    dir_empty(&life->copy);
    dir_empty(&life->elsewhere);
    memset(life->told, 0, sizeof(struct life_facts));
}

/* A life, or the look at what is left of it. */
struct living {
    const struct life *life;
    const struct life_fault *fault;
};

static int live(void *context)
{
    const struct living *living = context;

    return (int)life_live(living->life, living->fault);
}

static int look(void *context)
{
    const struct living *living = context;

    life_check(living->life);
    return 0;
}

/* May a life end so? */
static bool ended_well(int status, const struct life_fault *fault)
{
    if (WIFSIGNALED(status)) {
        return fault->kind == FAULT_KILL && WTERMSIG(status) == SIGKILL;
    }
    return WEXITSTATUS(status) == LIFE_DONE ||
           (WEXITSTATUS(status) == LIFE_GAVE_UP && !fault_passes(fault->kind));
}

static void show(const struct trial *trial, const char *when, int status, FILE *said)
{
    printf("wrong: FAULT=%s:%" PRIu64 ":%s%s: %s ", call_name(trial->fault.call),
           trial->fault.number, fault_name(trial->fault.kind), trial->witnessed ? ":witness" : "",
           when);
    apart_show(status, said);
}

static void try_one(struct life *life, const struct trial *trial, struct tally *tally)
{
    struct living living = {.life = life, .fault = &trial->fault};
    FILE *said = tmpfile();
    const char *when = "the life";
    bool well;
    int status;

    if (said == NULL) {
        perror("check_faults: tmpfile");
        exit(2);
    }
    empty_life(life);
    life->witnessed = trial->witnessed;
    status = apart_run(live, &living, said);
    well = ended_well(status, &trial->fault);
    if (well && !WIFSIGNALED(status) && life->told->struck == 0) {
        tally->missed++;
    } else {
        tally->tried[trial->fault.call]++;
    }
    if (well) {
        when = "the look at what is left";
        status = apart_run(look, &living, said);
        well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    if (!well && tally->wrong++ < SHOWN_MAX) {
        show(trial, when, status, said);
    }
    fclose(said);
}

/* Count the calls of a life that meets no fault, and add a trial for each fault of each. */
static void add_trials(struct life *life, bool witnessed)
{
    struct trial none = {.witnessed = witnessed};
    struct tally tally = {.wrong = 0};

    try_one(life, &none, &tally);
    if (tally.wrong > 0) {
        exit(1);
    }
    for (unsigned call = 0; call < CALLS; call++) {
        for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
            uint64_t numbers = fault_fits(call, kind) ? life->told->counts[call] : 0;

            for (uint64_t number = 1; number <= numbers && trial_count < TRIALS_MAX; number++) {
                trials[trial_count++] =
                    (struct trial){.fault = {call, number, kind}, .witnessed = witnessed};
            }
        }
    }
}

/* Any `wanted` of them to the front. */
static void draw(size_t wanted)
{
    struct chance chance = chance_from(chance_seed());

    for (size_t i = 0; i < wanted; i++) {
        size_t other = i + (size_t)chance_below(&chance, trial_count - i);
        struct trial kept = trials[i];

        trials[i] = trials[other];
        trials[other] = kept;
    }
}

/* The next word of `*text`, up to a colon or the end; it is cut off there. */
static char *take_word(char **text)
{
    char *word = *text;
    char *colon = strchr(word, ':');

    *text = colon == NULL ? word + strlen(word) : colon + 1;
    if (colon != NULL) {
        *colon = '\0';
    }
    return word;
}

/* The one that FAULT names, which is cut to pieces. */
static void take_one(char *text)
{
    const char *call = take_word(&text);
    const char *digits = take_word(&text);
    const char *kind = take_word(&text);
    bool witnessed = strcmp(text, "witness") == 0;
    uint64_t number = 0;

    trial_count = 0;
    for (unsigned c = 0; c < CALLS; c++) {
        for (unsigned k = 0; k < FAULT_KINDS; k++) {
            if (strcmp(call_name(c), call) == 0 && strcmp(fault_name(k), kind) == 0) {
                trials[trial_count++] = (struct trial){.fault = {c, 0, k}, .witnessed = witnessed};
            }
        }
    }
    if (trial_count != 1 || text_parse_uint64(digits, UINT64_MAX, &number) != ERR_OK) {
        fprintf(stderr, "FAULT is not CALL:NUMBER:KIND[:witness]\n");
        exit(2);
    }
    trials[0].fault.number = number;
}

/* What all jobs do together. */
struct plan {
    size_t jobs;
    bool first; /* a job ends with the first wrong one */
    size_t wanted;
    struct tally *tallies; /* one for each */
};

static bool is_enough(const struct plan *plan, size_t job)
{
    return plan->first && plan->tallies[job].wrong > 0;
}

static void work(void *context, size_t job)
{
    const struct plan *plan = context;
    struct life life = make_life();

    for (size_t i = job; i < plan->wanted && !is_enough(plan, job); i += plan->jobs) {
        try_one(&life, &trials[i], &plan->tallies[job]);
    }
    remove_life(&life);
}

static bool report(const struct plan *plan)
{
    struct tally all = {.wrong = 0};
    uint64_t tried = 0;
    const char *comma = "";

    for (size_t job = 0; job < plan->jobs; job++) {
        for (unsigned call = 0; call < CALLS; call++) {
            all.tried[call] += plan->tallies[job].tried[call];
            tried += plan->tallies[job].tried[call];
        }
        all.missed += plan->tallies[job].missed;
        all.wrong += plan->tallies[job].wrong;
    }
    printf("faults: %" PRIu64 " tried (", tried);
    for (unsigned call = 0; call < CALLS; call++) {
        if (all.tried[call] > 0) {
            printf("%s%s %" PRIu64, comma, call_name(call), all.tried[call]);
            comma = ", ";
        }
    }
    printf("), %" PRIu64 " wrong; of %zu, and %" PRIu64 " met no call\n", all.wrong, trial_count,
           all.missed);
    return all.wrong == 0 && tried > 0;
}

int main(void)
{
    size_t wanted = (size_t)knob("FAULTS", 0, TRIALS_MAX);
    char *one = getenv("FAULT");
    struct plan plan = {
        .jobs = (size_t)knob("JOBS", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN), APART_JOBS_MAX),
        .first = knob("FIRST", 0, 1) == 1,
        .tallies = apart_share(sizeof(struct tally) * APART_JOBS_MAX),
    };
    struct life life;

    apart_use_memory();
    life = make_life();
    add_trials(&life, false);
    add_trials(&life, true);
    remove_life(&life);
    if (one != NULL) {
        take_one(one);
    }
    plan.wanted = wanted == 0 || wanted > trial_count ? trial_count : wanted;
    draw(plan.wanted);
    return apart_share_out(plan.jobs, work, &plan) && report(&plan) ? 0 : 1;
}
