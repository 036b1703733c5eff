/* check_damages: everything that may have become of a data directory (damage.h), one thing after
 * another, and what a start makes of it; each in a process of its own.
 *
 *   FIRST=1        each job ends with the first wrong one
 *   JOBS=n   at a time (as many as there are processors)
 *
 * Prints 'damages: N tried (…), N wrong'. Exit status 0 when none was wrong, 1 when one was, 2 for
 * a bad knob. */
#include "apart.h"
#include "chance.h"
#include "damage.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAMAGES_MAX 10000
#define SHOWN_MAX 10 /* wrong ones that are shown */
#define STATUS_OF_A_REFUSAL 10

/* What came of all that a job did. */
struct tally {
    uint64_t tried[DAMAGE_KINDS];
    uint64_t well;
    uint64_t refused;
    uint64_t signals;
    uint64_t wrong;
};

struct plan {
    struct damage_scene scene;
    size_t jobs;
    bool first;            /* a job ends with the first wrong one */
    struct tally *tallies; /* one for each */
};

static struct damage damages[DAMAGES_MAX];
static size_t damage_count;

/* One start on a damaged copy. */
struct looking {
    const struct damage_scene *scene;
    const struct damage *damage;
    const struct dir *work;
    const struct dir *witness;
};

static int look(void *context)
{
    const struct looking *looking = context;

    for (int number = 1; number < NSIG; number++) {
        struct sigaction fall = {.sa_handler = SIG_DFL};

        (void)sigaction(number, &fall, NULL); /* some cannot be had, and have no handler either */
    }
    return damage_judge(looking->scene, looking->damage, looking->work, looking->witness) ==
                   DAMAGE_WELL
               ? 0
               : STATUS_OF_A_REFUSAL;
}

static bool is_expected(int status, enum damage_verdict expected, struct tally *tally)
{
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    bool refused = WIFEXITED(status) && WEXITSTATUS(status) == STATUS_OF_A_REFUSAL;
    bool signalled = WIFSIGNALED(status) && WTERMSIG(status) != SIGALRM;

    tally->well += well ? 1 : 0;
    tally->refused += refused ? 1 : 0;
    tally->signals += signalled ? 1 : 0;
    switch (expected) {
    case DAMAGE_WELL:
        return well;
    case DAMAGE_REFUSED:
        return refused;
    case DAMAGE_EITHER:
        return well || refused;
    case DAMAGE_ANYTHING:
        return well || refused || signalled;
    }
    return false;
}

static void try_one(const struct damage_scene *scene, const struct damage *damage,
                    const struct dir *work, const struct dir *elsewhere, struct tally *tally)
{
    struct dir witness = damage_put_witness(scene, elsewhere);
    struct looking looking = {.scene = scene,
                              .damage = damage,
                              .work = work,
                              .witness = damage->witnessed ? &witness : NULL};
    FILE *said = tmpfile();
    int status;

    if (said == NULL) {
        perror("check_damages: tmpfile");
        exit(2);
    }
    damage_do(scene, damage, work);
    status = apart_run(look, &looking, said);
    tally->tried[damage->kind]++;
    if (!is_expected(status, damage->expected, tally) && tally->wrong++ < SHOWN_MAX) {
        printf("wrong: %s %u, byte %" PRIu64 "%s: ", damage_name(damage->kind), damage->what,
               damage->place, damage->witnessed ? ", witnessed" : "");
        apart_show(status, said);
    }
    fclose(said);
}

static bool is_enough(const struct plan *plan, size_t job)
{
    return plan->first && plan->tallies[job].wrong > 0;
}

static void work(void *context, size_t job)
{
    const struct plan *plan = context;
    struct dir elsewhere = dir_make();

    for (size_t i = job; i < damage_count && !is_enough(plan, job); i += plan->jobs) {
        struct dir folder = dir_make();

        dir_empty(&elsewhere);
        try_one(&plan->scene, &damages[i], &folder, &elsewhere, &plan->tallies[job]);
        if (access(folder.path, F_OK) == 0) { /* some are moved away */
            dir_remove(&folder);
        }
    }
    dir_remove(&elsewhere);
}

static bool report(const struct plan *plan)
{
    struct tally all = {.wrong = 0};
    uint64_t tried = 0;
    const char *comma = "";

    for (size_t job = 0; job < plan->jobs; job++) {
        const struct tally *tally = &plan->tallies[job];

        for (unsigned kind = 0; kind < DAMAGE_KINDS; kind++) {
            all.tried[kind] += tally->tried[kind];
            tried += tally->tried[kind];
        }
        all.well += tally->well;
        all.refused += tally->refused;
        all.signals += tally->signals;
        all.wrong += tally->wrong;
    }
    printf("damages: %" PRIu64 " tried (", tried);
    for (unsigned kind = 0; kind < DAMAGE_KINDS; kind++) {
        printf("%s%s %" PRIu64, comma, damage_name(kind), all.tried[kind]);
        comma = ", ";
    }
    printf("), %" PRIu64 " wrong; %" PRIu64 " well, %" PRIu64 " refused, %" PRIu64
           " ended by a signal in LMDB\n",
           all.wrong, all.well, all.refused, all.signals);
    return all.wrong == 0 && tried == damage_count;
}

int main(void)
{
    struct plan plan = {
        .jobs = (size_t)knob("JOBS", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN), APART_JOBS_MAX),
        .first = knob("FIRST", 0, 1) == 1,
        .tallies = apart_share(sizeof(struct tally) * APART_JOBS_MAX),
    };
    bool well;

    apart_use_memory();
    damage_open(&plan.scene);
    damage_count = damage_list(&plan.scene, damages, DAMAGES_MAX);
    well = apart_share_out(plan.jobs, work, &plan) && report(&plan);
    damage_close(&plan.scene);
    return well ? 0 : 1;
}
