/* check_load: millions of numbers over many connections, each checked by an oracle.
 *
 *   NUMBERS=n      how many in all (10,000,000); half of them, 1,000,000 at most, come one by one
 * by                  GET /, the rest in blocks of 1 … 100 as text and JSON, by GET and POST
 *   CONNECTIONS=n  keep-alive, at once (64)
 *   SEED=n         of the blocks' sizes and kinds
 *
 * Exit status 0 when every promise was kept, 1 when not, 2 for a bad knob. */
#include "base/clock.h"
#include "chance.h"
#include "daemon.h"
#include "dir.h"
#include "load.h"
#include "oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NUMBERS_DEFAULT 10000000
#define NUMBERS_MAX 1000000000
#define SINGLES_MAX 1000000
#define CONNECTIONS_DEFAULT 64
#define CONNECTIONS_MAX 4000
#define COUNT_MAX 100
#define DETACH_TIMEOUT_MS 10000
#define STALL_NS (60 * CLOCK_NS_PER_S)
#define BAR_WIDTH 40
#define TARGETS 2 /* singles and blocks */

struct check {
    uint64_t numbers;
    uint64_t connections;
    uint64_t seed;
    struct load_target targets[TARGETS];
    struct oracle *oracle;
    struct load *load;
    struct daemon *daemon;
    bool terminal;
    uint64_t told; /* percent of the last line */
};

static void show_progress(struct check *check, uint64_t done)
{
    uint64_t percent = done * 100 / check->numbers;
    if (check->terminal) {
        int filled = (int)(percent * BAR_WIDTH / 100);
        (void)printf("\r  [%.*s%*s] %3" PRIu64 " %%  %" PRIu64 " numbers", filled,
                     "########################################", BAR_WIDTH - filled, "", percent,
                     done);
    } else if (percent >= check->told + 10) {
        check->told = percent - percent % 10;
        (void)printf("  %3" PRIu64 " %%  %" PRIu64 " numbers\n", percent, done);
    }
    (void)fflush(stdout);
}

/* Follow the load to its end. Returns whether it came to a good one. */
static bool follow(struct check *check)
{
    uint64_t last = 0;
    struct instant moved = clock_now();
    enum load_state state = LOAD_BUSY;
    while (state == LOAD_BUSY) {
        state = load_wait(check->load, check->terminal ? 100 : 500);
        uint64_t done = 0;
        for (size_t i = 0; i < TARGETS; i++) {
            struct load_progress progress;
            load_progress(check->load, i, &progress);
            done += progress.numbers;
        }
        show_progress(check, done);
        struct instant now = clock_now();
        if (done > last) {
            last = done;
            moved = now;
        }
        if (state == LOAD_BUSY && clock_elapsed(moved, now) > STALL_NS) {
            (void)printf("\nno number for %u s\n", (unsigned)(STALL_NS / CLOCK_NS_PER_S));
            return false;
        }
    }
    (void)printf(check->terminal ? "\n" : "");
    if (state == LOAD_REFUSED) {
        (void)printf("nobody listens any more: the daemon is gone\n");
    } else if (state == LOAD_FAILED) {
        (void)printf("%s\n", load_failure(check->load));
    }
    return state == LOAD_FINISHED;
}

static void print_target(struct check *check, size_t target, const char *what)
{
    struct load_progress p;
    load_progress(check->load, target, &p);
    (void)printf(
        "  %-8s %9" PRIu64 " numbers in %8" PRIu64 " requests, refused %" PRIu64
        "; latency us p50 %" PRIu64 ", p99 %" PRIu64 ", p99.9 %" PRIu64 ", max %" PRIu64 "\n",
        what, p.numbers, p.requests, p.refused, histogram_quantile(&p.latency_ns, 500) / 1000,
        histogram_quantile(&p.latency_ns, 990) / 1000,
        histogram_quantile(&p.latency_ns, 999) / 1000, p.latency_ns.max / 1000);
}

static void prepare(struct check *check, const struct dir *dir)
{
    struct oracle_options options = {.name = "default", .start = 1, .increment = 1};
    check->oracle = oracle_new(&options);
    uint64_t singles = check->numbers / 2 < SINGLES_MAX ? check->numbers / 2 : SINGLES_MAX;
    /* Blocks bring 50 numbers a request: so few connections for them come to their end late,
     * too. */
    uint64_t for_blocks = check->connections / 5;
    check->targets[0] = (struct load_target){
        .connections = (unsigned)(check->connections - for_blocks),
        .count_max = 1,
        .numbers = singles,
        .oracle = check->oracle,
    };
    check->targets[1] = (struct load_target){
        .sequence = "default",
        .connections = (unsigned)for_blocks,
        .count_max = COUNT_MAX,
        .numbers = check->numbers - singles,
        .oracle = check->oracle,
    };
    struct load_options load = {check->targets, TARGETS, check->seed};
    check->load = load_start(&load);
    check->daemon = daemon_start(dir->path, NULL);
}

/* Everything was asked for, answered, and stopped cleanly: so every position came exactly once. */
static bool judge(struct check *check)
{
    struct oracle_verdict v;
    bool good = oracle_judge(check->oracle, &v);
    oracle_print(check->oracle, stdout);
    if (v.acknowledged != check->numbers || v.lost != 0 || v.unanswered != 0) {
        (void)printf("expected %" PRIu64 " numbers, none lost and none unanswered\n",
                     check->numbers);
        return false;
    }
    return good;
}

int main(void)
{
    struct check check = {
        .numbers = knob("NUMBERS", NUMBERS_DEFAULT, NUMBERS_MAX),
        .connections = knob("CONNECTIONS", CONNECTIONS_DEFAULT, CONNECTIONS_MAX),
        .seed = chance_seed(),
        .terminal = isatty(STDOUT_FILENO) == 1,
    };
    if (check.numbers < 100 || check.connections < 5) {
        (void)fprintf(stderr, "NUMBERS is 100 at least, CONNECTIONS 5\n");
        return 2;
    }
    struct dir dir = dir_make();
    prepare(&check, &dir);
    (void)printf("%" PRIu64 " numbers over %" PRIu64 " connections, %" PRIu64
                 " of them one by one\n",
                 check.numbers, check.connections, check.targets[0].numbers);

    struct instant begin = clock_now();
    load_attach(check.load, daemon_port(check.daemon));
    bool good = follow(&check);
    double seconds = (double)clock_elapsed(begin, clock_now()) / (double)CLOCK_NS_PER_S;
    good = load_detach(check.load, DETACH_TIMEOUT_MS) && good;
    good = daemon_stop(check.daemon) == 0 && good;
    oracle_stop(check.oracle);
    good = judge(&check) && good;
    print_target(&check, 0, "singles");
    print_target(&check, 1, "blocks");
    (void)printf("%s: %" PRIu64 " numbers in %.1f s, %.0f a second\n", good ? "ok" : "FAILED",
                 check.numbers, seconds, (double)check.numbers / seconds);

    daemon_free(check.daemon);
    load_free(check.load);
    oracle_free(check.oracle);
    dir_remove(&dir);
    return good ? 0 : 1;
}
