/* store_life: one life of the real store, as its only owner, with every answer told to the disk
 * that records it.
 *
 *   store_life DIRECTORY DISK COMMITS SEED FAULTS [early|ignore]
 *
 * It opens (or initialises) the store in DIRECTORY and makes COMMITS commits, of one to all of its
 * sequences. When one has returned ERR_OK, "INDEX LIMIT" goes to DISK/mark for each lease: numbers
 * below that limit may be with clients from then on. FAULTS commits of a hundred find a disk whose
 * next write or flush fails (DISK/fail). A commit that failed is followed by store_recover() until
 * that succeeds, as the keeper does it. Then it ends like a process that was killed.
 *
 * Planted: `early` tells of a lease before the commit; `ignore` takes a failed commit for good.
 *
 * It says how many commits succeeded and how many failed. */
#include "base/error.h"
#include "store/store_lmdb.h"

#include "chance.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEQUENCES 3
#define RECOVERIES_MAX 1000

static const char *const names[SEQUENCES] = {"a", "b", "c"};

static struct error_detail detail;

__attribute__((noreturn)) static void give_up(const char *what, enum error error)
{
    fprintf(stderr, "store_life: %s: %s: %s\n", what, error_name(error), detail.text);
    exit(1);
}

static const char *directory;
static int mark_fd;
static int fail_fd;

static void say(int fd, const char *line)
{
    if (pwrite(fd, line, strlen(line), 0) != (ssize_t)strlen(line)) {
        perror("store_life: cannot write to the disk's controls");
        exit(1);
    }
}

static void tell(size_t index, uint64_t limit)
{
    char line[64];
    snprintf(line, sizeof line, "%zu %" PRIu64 "\n", index, limit);
    say(mark_fd, line);
}

static int open_control(const char *disk, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", disk, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        perror(path);
        exit(1);
    }
    return fd;
}

static void arm(struct chance *chance, unsigned long faults)
{
    static const char *const how[] = {"write 1", "write 2", "flush 1"};
    if (chance_below(chance, 100) < faults) {
        say(fail_fd, how[chance_below(chance, 3)]);
    }
}

static void disarm(void)
{
    say(fail_fd, "write 0");
    say(fail_fd, "flush 0");
}

/* Some of the sequences, each with some positions. */
static size_t draw_requests(struct chance *chance, const uint64_t floors[SEQUENCES],
                            size_t indexes[SEQUENCES], struct store_request requests[SEQUENCES])
{
    size_t count = 0;
    size_t always = (size_t)chance_below(chance, SEQUENCES);
    for (size_t i = 0; i < SEQUENCES; i++) {
        if (i == always || chance_below(chance, 2) == 0) {
            indexes[count] = i;
            requests[count++] = (struct store_request){
                .name = names[i], .count = 1 + chance_below(chance, 100), .floor = floors[i]};
        }
    }
    return count;
}

/* Has the file system shut itself down? The failure that was asked for may have hit its journal. */
static bool disk_is_gone(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/probe", directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool gone = fd < 0 || fsync(fd) != 0;
    if (fd >= 0) {
        close(fd);
    }
    return gone;
}

/* False: there is nothing left to recover on. */
static bool recover(struct store *store)
{
    enum error error = ERR_IO;
    for (unsigned i = 0; i < RECOVERIES_MAX && error != ERR_OK; i++) {
        error = store_recover(store, &detail);
    }
    if (error != ERR_OK && !disk_is_gone()) {
        give_up("the store does not recover", error);
    }
    return error == ERR_OK;
}

enum outcome {
    COMMITTED,
    FAILED,
    ENDED, /* with the disk */
};

static enum outcome commit(struct store *store, struct chance *chance, uint64_t floors[SEQUENCES],
                           unsigned long faults, const char *plant)
{
    struct store_request requests[SEQUENCES];
    size_t indexes[SEQUENCES];
    size_t count = draw_requests(chance, floors, indexes, requests);
    for (size_t i = 0; strcmp(plant, "early") == 0 && i < count; i++) {
        tell(indexes[i], floors[indexes[i]] + requests[i].count);
    }
    arm(chance, faults);
    enum error error = store_reserve(store, requests, count, &detail);
    disarm();
    for (size_t i = 0; i < count; i++) {
        uint64_t limit = error == ERR_OK ? requests[i].lease.limit : requests[i].burnt_limit;
        floors[indexes[i]] = requests[i].burnt_limit;
        if (error == ERR_OK || strcmp(plant, "ignore") == 0) {
            tell(indexes[i], limit);
        }
    }
    if (error == ERR_OK) {
        return COMMITTED;
    }
    return recover(store) ? FAILED : ENDED;
}

int main(int argc, char **argv)
{
    uint64_t floors[SEQUENCES] = {0};
    unsigned long made[3] = {0}; /* by outcome */
    if (argc < 6 || argc > 7) {
        fputs("Usage: store_life DIRECTORY DISK COMMITS SEED FAULTS [early|ignore]\n", stderr);
        return 2;
    }
    unsigned long commits = strtoul(argv[3], NULL, 10);
    struct chance chance = chance_from(strtoull(argv[4], NULL, 10));
    unsigned long faults = strtoul(argv[5], NULL, 10);
    const char *plant = argc == 7 ? argv[6] : "";
    directory = argv[1];
    mark_fd = open_control(argv[2], "mark");
    fail_fd = open_control(argv[2], "fail");
    struct store_lmdb_options options = {.directory = argv[1],
                                         .map_size_bytes = STORE_LMDB_MAP_SIZE_DEFAULT};
    struct store *store = NULL;
    enum error error = store_lmdb_open(&options, &store, &detail);
    if (error != ERR_OK) {
        give_up("cannot begin", error);
    }
    for (size_t i = 0; i < SEQUENCES; i++) {
        struct definition definition = definition_default();
        struct store_entry entry;
        error = store_define(store, names[i], &definition, &entry, &detail);
        if (error != ERR_OK) {
            give_up("cannot define", error);
        }
        floors[i] = entry.mark;
    }
    for (unsigned long i = 0; i < commits && made[ENDED] == 0; i++) {
        made[commit(store, &chance, floors, faults, plant)]++;
    }
    printf("%lu commits, %lu failed%s\n", made[COMMITTED], made[FAILED] + made[ENDED],
           made[ENDED] > 0 ? ", the last for good" : "");
    fflush(stdout);
    _exit(0); /* as after SIGKILL: nothing is given back, nothing is synced by a close */
}
