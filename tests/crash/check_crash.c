/* check_crash: loads the daemon over many connections, kills it at random moments, starts it again
 * on the same data at once, and lets an oracle judge every number that was ever received. In the
 * end `seqctl verify` judges what the ledger says of all those lives.
 *
 *   KILLS=n        SIGKILLs: under load, during the start, and during a clean stop (200)
 *   CLEAN=n        clean stops under load, which may lose nothing (50)
 *   CREATIONS=n    SIGKILLs while a data directory is made for the first time (20)
 *   CONNECTIONS=n  keep-alive, at once, over all sequences (32)
 *   SEED=n         of the moments and the blocks
 *   --plant=rewind put an old copy of the data back before a start: duplicates must be found, by
 *                  the oracle, and by `seqctl verify` in the ledgers of both histories
 *   --plant=gap    tell the oracle of a max_gap far below the daemon's: gaps must be found
 *
 * Exit status 0 when every promise was kept (with --plant: when the oracle saw that it was not), 1
 * when not, 2 for a bad knob. */
#include "base/clock.h"
#include "chance.h"
#include "daemon.h"
#include "dir.h"
#include "http_client.h"
#include "load.h"
#include "oracle.h"
#include "seqctl.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOAD_MIN_US 5000 /* how long a load runs before the kill */
#define LOAD_MAX_US 60000
#define STOP_MAX_US 5000 /* how long after SIGTERM a kill comes */
#define DETACH_TIMEOUT_MS 20000

#define SEQUENCES_TEXT \
    "[sequence:default]\n" \
    "max_gap = 1000\n" \
    "[sequence:every]\n" \
    "durability = every\n" \
    "[sequence:down]\n" \
    "start = 1000000000\n" \
    "min = -9000000000\n" \
    "max = 1000000000\n" \
    "increment = -3\n" \
    "max_gap = 1000\n" \
    "[sequence:fixed]\n" \
    "lease = 200\n" \
    "max_gap = 1000\n" \
    "[sequence:one]\n" \
    "max_gap = 1\n"

static const char configuration[] = SEQUENCES_TEXT;
static const char blind_configuration[] = "[seqd]\nidentity = none\n" SEQUENCES_TEXT;

/* As configured above. The max_gap of `every` does not count: each of its commits covers blocks
 * that are waited for, and nothing else. */
static const struct oracle_options sequences[] = {
    {.name = "default", .start = 1, .increment = 1, .max_gap = 1000},
    {.name = "every", .start = 1, .increment = 1, .max_gap = 0},
    {.name = "down", .start = 1000000000, .increment = -3, .max_gap = 1000},
    {.name = "fixed", .start = 1, .increment = 1, .max_gap = 1000},
    {.name = "one", .start = 1, .increment = 1, .max_gap = 1},
};

#define SEQUENCES (sizeof(sequences) / sizeof(sequences[0]))
#define TARGETS (SEQUENCES + 1) /* GET /, too */

static const uint64_t count_max[SEQUENCES] = {20, 5, 20, 50, 3};

enum plant {
    PLANT_NONE,
    PLANT_REWIND,
    PLANT_GAP,
};

struct check {
    uint64_t kills;
    uint64_t stops;
    uint64_t creations;
    uint64_t connections;
    enum plant plant;
    struct chance chance;

    struct dir data;
    struct dir copy; /* of the data, for the plant */
    struct dir lost; /* the data that the plant took away */
    struct dir configuration;
    char configuration_file[DIR_PATH_SIZE];
    struct oracle *oracles[SEQUENCES];
    struct load_target targets[TARGETS];
    struct load *load;

    uint64_t killed_starting;
    uint64_t killed_stopping;
    uint64_t killed_loaded;
    uint64_t start_us; /* how long the last whole start took */
};

static void wait_us(uint64_t us)
{
    struct timespec time = {.tv_sec = (time_t)(us / 1000000),
                            .tv_nsec = (long)(us % 1000000) * 1000};
    (void)nanosleep(&time, NULL); /* no wait for anything: the moment of a kill is random */
}

/* End with the daemon. Returns false when a sanitizer had something to say. */
static bool bury(struct daemon *daemon)
{
    const char *said = daemon_stderr(daemon);
    bool clean = strstr(said, "Sanitizer") == NULL && strstr(said, "runtime error") == NULL;
    if (!clean) {
        (void)printf("%s", said);
    }
    daemon_free(daemon);
    return clean;
}

static struct daemon *spawn(const struct check *check, const struct dir *data)
{
    const char *arguments[] = {"-d", data->path, "-p", "0", "-c", check->configuration_file, NULL};
    return daemon_spawn(arguments, NULL);
}

/* Start the daemon, wait until it listens, load it for a while. NULL when it did not start. */
static struct daemon *start_loaded(struct check *check)
{
    struct instant begin = clock_now();
    struct daemon *daemon = spawn(check, &check->data);
    if (!daemon_listens(daemon)) {
        (void)printf("the daemon did not start again:\n%s", daemon_stderr(daemon));
        daemon_free(daemon);
        return NULL;
    }
    check->start_us = clock_elapsed(begin, clock_now()) / 1000;
    load_attach(check->load, daemon_port(daemon));
    wait_us(LOAD_MIN_US + chance_below(&check->chance, LOAD_MAX_US - LOAD_MIN_US));
    return daemon;
}

/* The daemon has ended. Returns false when its clients do not see that, or saw what is no
 * answer. */
static bool end_life(struct check *check, bool clean)
{
    if (!load_detach(check->load, DETACH_TIMEOUT_MS)) {
        (void)printf("connections outlive the daemon\n");
        return false;
    }
    for (size_t i = 0; i < SEQUENCES; i++) {
        if (clean) {
            oracle_stop(check->oracles[i]);
        } else {
            oracle_crash(check->oracles[i]);
        }
    }
    const char *failure = load_failure(check->load);
    if (failure != NULL) {
        (void)printf("a wrong answer: %s\n", failure);
    }
    return failure == NULL;
}

/* One life that ends by SIGKILL: one in eight while it starts, one in eight while it stops. What is
 * planted must be found each time, so then every life is one under load. */
static bool kill_once(struct check *check)
{
    uint64_t how = check->plant == PLANT_NONE ? chance_below(&check->chance, 8) : 2;
    struct daemon *daemon = NULL;
    if (how == 0) {
        daemon = spawn(check, &check->data);
        wait_us(chance_below(&check->chance, check->start_us + 1000));
        check->killed_starting++;
    } else {
        daemon = start_loaded(check);
        if (daemon == NULL) {
            return false;
        }
        if (how == 1) {
            daemon_signal(daemon, SIGTERM);
            wait_us(chance_below(&check->chance, STOP_MAX_US));
            check->killed_stopping++;
        } else {
            check->killed_loaded++;
        }
    }
    daemon_kill(daemon);
    bool clean = bury(daemon);
    return end_life(check, false) && clean;
}

static bool stop_once(struct check *check)
{
    struct daemon *daemon = start_loaded(check);
    if (daemon == NULL) {
        return false;
    }
    int status = daemon_stop(daemon);
    if (status != 0) {
        (void)printf("exit status %d at a clean stop:\n%s", status, daemon_stderr(daemon));
    }
    bool clean = bury(daemon) && status == 0;
    return end_life(check, true) && clean;
}

/* A daemon that is killed while it makes its data directory has issued nothing: the next starts,
 * and from the beginning. */
static bool create_once(struct check *check)
{
    struct dir data = dir_make();
    struct daemon *daemon = spawn(check, &data);
    wait_us(chance_below(&check->chance, check->start_us + 1000));
    daemon_kill(daemon);
    daemon_free(daemon);

    daemon = spawn(check, &data);
    bool good = daemon_listens(daemon);
    if (good) {
        struct http_answer answer = http_ask(daemon_port(daemon), "GET", "/", "");
        good = answer.status == 200 && strcmp(answer.body, "1\n") == 0;
        http_answer_free(&answer);
    }
    if (!good) {
        (void)printf("not usable after a kill while its directory was made:\n%s",
                     daemon_stderr(daemon));
    }
    daemon_free(daemon);
    dir_remove(&data);
    return good;
}

/* The data of an earlier life comes back, and `identity = none` keeps the daemon from noticing. */
static void plant_rewind(struct check *check, uint64_t kill)
{
    if (kill == check->kills / 3) {
        dir_copy(&check->data, &check->copy);
    } else if (kill == check->kills * 2 / 3) {
        dir_copy(&check->data, &check->lost);
        dir_copy(&check->copy, &check->data);
    }
}

static void tell(const char *what, uint64_t done, uint64_t all)
{
    uint64_t step = all >= 10 ? all / 10 : 1;
    if (isatty(STDOUT_FILENO) == 1) {
        (void)printf("\r  %s %" PRIu64 " of %" PRIu64 "%s", what, done, all,
                     done == all ? "\n" : "");
    } else if (done % step == 0) {
        (void)printf("  %s %" PRIu64 " of %" PRIu64 "\n", what, done, all);
    }
    (void)fflush(stdout);
}

/* The exit status of `seqctl verify`, asked of `daemon`, or of both. */
static int verify(struct daemon *daemon, struct daemon *other)
{
    char line[128] = "verify";
    if (other != NULL) {
        (void)snprintf(line, sizeof line, "verify http://127.0.0.1:%u http://127.0.0.1:%u",
                       (unsigned)daemon_port(daemon), (unsigned)daemon_port(other));
    }
    struct seqctl_run run = seqctl_run(daemon_port(daemon), line);
    int status = run.status;
    (void)printf("seqctl %s:\n%s%s", line, run.out, run.err);
    seqctl_free(&run);
    return status;
}

/* The ledger has lived through every life: what it says of them all is right. Where the plant put
 * old data back there are two histories: each is right in itself, together they are not. */
static bool verify_ledger(struct check *check)
{
    bool planted = check->plant == PLANT_REWIND;
    struct daemon *daemon = spawn(check, &check->data);
    struct daemon *other = planted ? spawn(check, &check->lost) : NULL;
    bool good = daemon_listens(daemon) && (other == NULL || daemon_listens(other)) &&
                verify(daemon, other) == (planted ? 1 : 0);
    if (planted) {
        (void)printf("planted: old data; seqctl verify %s\n",
                     good ? "found it" : "DID NOT FIND IT");
    }
    daemon_free(other);
    return bury(daemon) && good;
}

static bool run(struct check *check)
{
    for (uint64_t i = 1; i <= check->kills; i++) {
        if (check->plant == PLANT_REWIND) {
            plant_rewind(check, i);
        }
        if (!kill_once(check)) {
            return false;
        }
        tell("kills", i, check->kills);
    }
    for (uint64_t i = 1; i <= check->stops; i++) {
        if (!stop_once(check)) {
            return false;
        }
        tell("clean stops", i, check->stops);
    }
    for (uint64_t i = 1; i <= check->creations; i++) {
        if (!create_once(check)) {
            return false;
        }
        tell("kills at creation", i, check->creations);
    }
    return verify_ledger(check);
}

static void prepare(struct check *check, uint64_t seed)
{
    check->data = dir_make();
    check->copy = dir_make();
    check->lost = dir_make();
    check->configuration = dir_make();
    const char *text = check->plant == PLANT_REWIND ? blind_configuration : configuration;
    dir_write(&check->configuration, "seqd.conf", text, strlen(text));
    struct dir file = dir_entry(&check->configuration, "seqd.conf");
    memcpy(check->configuration_file, file.path, sizeof(check->configuration_file));

    unsigned share = (unsigned)(check->connections / TARGETS);
    for (size_t i = 0; i < SEQUENCES; i++) {
        struct oracle_options options = sequences[i];
        if (check->plant == PLANT_GAP) {
            options.max_gap = options.max_gap / 100;
        }
        check->oracles[i] = oracle_new(&options);
        check->targets[i] = (struct load_target){
            .sequence = sequences[i].name,
            .connections = share,
            .count_max = count_max[i],
            .oracle = check->oracles[i],
        };
    }
    check->targets[SEQUENCES] = (struct load_target){
        .connections = (unsigned)check->connections - share * (unsigned)SEQUENCES,
        .count_max = 1,
        .oracle = check->oracles[0],
    };
    struct load_options load = {check->targets, TARGETS, seed};
    check->load = load_start(&load);
    check->start_us = LOAD_MIN_US;
}

struct totals {
    uint64_t acknowledged;
    uint64_t duplicated;
    uint64_t lost_cleanly;
    uint64_t gaps_above;
    bool good;
};

static struct totals judge(const struct check *check)
{
    struct totals totals = {.good = true};
    for (size_t i = 0; i < SEQUENCES; i++) {
        struct oracle_verdict v;
        bool good = oracle_judge(check->oracles[i], &v);
        oracle_print(check->oracles[i], stdout);
        totals.good = totals.good && good && v.acknowledged > 0;
        totals.acknowledged += v.acknowledged;
        totals.duplicated += v.duplicated;
        totals.lost_cleanly += v.lost_cleanly;
        totals.gaps_above += v.gaps_above;
    }
    (void)printf("kills: %" PRIu64 " under load, %" PRIu64 " while it started, %" PRIu64
                 " while it stopped, %" PRIu64 " while it made its directory\n",
                 check->killed_loaded, check->killed_starting, check->killed_stopping,
                 check->creations);
    (void)printf("%" PRIu64 " numbers received, %" PRIu64 " twice, %" PRIu64
                 " gaps too large, %" PRIu64 " lost at %" PRIu64 " clean stops\n",
                 totals.acknowledged, totals.duplicated, totals.gaps_above, totals.lost_cleanly,
                 check->stops);
    return totals;
}

static bool conclude(const struct check *check, bool ran)
{
    struct totals totals = judge(check);
    switch (check->plant) {
    case PLANT_NONE:
        break;
    case PLANT_REWIND:
        (void)printf("planted: old data; the oracle %s\n",
                     totals.duplicated > 0 ? "found it" : "DID NOT FIND IT");
        return ran && totals.duplicated > 0;
    case PLANT_GAP:
        (void)printf("planted: large gaps; the oracle %s\n",
                     totals.gaps_above > 0 ? "found them" : "DID NOT FIND THEM");
        return ran && totals.gaps_above > 0 && totals.duplicated == 0;
    }
    (void)printf("%s\n", ran && totals.good ? "ok" : "FAILED");
    return ran && totals.good;
}

static void finish(struct check *check)
{
    load_free(check->load);
    for (size_t i = 0; i < SEQUENCES; i++) {
        oracle_free(check->oracles[i]);
    }
    dir_remove(&check->data);
    dir_remove(&check->copy);
    dir_remove(&check->lost);
    dir_remove(&check->configuration);
}

static enum plant plant_of(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--plant=rewind") == 0) {
        return PLANT_REWIND;
    }
    if (argc == 2 && strcmp(argv[1], "--plant=gap") == 0) {
        return PLANT_GAP;
    }
    if (argc > 1) {
        (void)fprintf(stderr, "usage: check_crash [--plant=rewind|--plant=gap]\n");
        exit(2);
    }
    return PLANT_NONE;
}

int main(int argc, char **argv)
{
    struct check check = {.plant = plant_of(argc, argv)};
    bool planted = check.plant != PLANT_NONE;
    check.kills = knob("KILLS", planted ? 9 : 200, 1000000);
    check.stops = knob("CLEAN", planted ? 0 : 50, 1000000);
    check.creations = knob("CREATIONS", planted ? 0 : 20, 1000000);
    check.connections = knob("CONNECTIONS", 32, LOAD_CONNECTIONS_MAX);
    if (check.connections < TARGETS || (planted && check.kills < 6)) {
        (void)fprintf(stderr, "CONNECTIONS is %zu at least, KILLS with --plant 6\n", TARGETS);
        return 2;
    }
    uint64_t seed = chance_seed();
    check.chance = chance_from(seed);
    prepare(&check, seed);
    struct instant begin = clock_now();
    bool good = conclude(&check, run(&check));
    (void)printf("%.1f s\n", (double)clock_elapsed(begin, clock_now()) / (double)CLOCK_NS_PER_S);
    finish(&check);
    return good ? 0 : 1;
}
