#include "store_memory_disk.h"

#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void memory_abort(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("store_memory: the caller broke the store's contract: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

void *memory_grow(void *items, size_t *room, size_t count, size_t size)
{
    size_t wanted = *room == 0 ? 64 : *room;

    if (count <= *room) {
        return items;
    }
    while (wanted < count) {
        wanted *= 2;
    }
    items = reallocarray(items, wanted, size);
    if (items == NULL) {
        perror("store_memory");
        abort();
    }
    memset((char *)items + *room * size, 0, (wanted - *room) * size);
    *room = wanted;
    return items;
}

void memory_disk_lock(struct store_memory_disk *disk)
{
    pthread_mutex_lock(&disk->mutex);
}

void memory_disk_unlock(struct store_memory_disk *disk)
{
    pthread_mutex_unlock(&disk->mutex);
}

struct store_memory_disk *store_memory_disk_new(void)
{
    struct store_memory_disk *disk = calloc(1, sizeof(*disk));
    pthread_condattr_t attributes;

    if (disk == NULL) {
        perror("store_memory");
        abort();
    }
    pthread_mutex_init(&disk->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&disk->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return disk;
}

static void leave_alone(void *node)
{
    (void)node;
}

void store_memory_disk_free(struct store_memory_disk *disk)
{
    if (disk == NULL) {
        return;
    }
    tdestroy(disk->record_tree, leave_alone);
    for (size_t i = 0; i < disk->record_count; i++) {
        free(disk->records[i]);
    }
    free(disk->records);
    free(disk->leases);
    free(disk->rows);
    pthread_cond_destroy(&disk->changed);
    pthread_mutex_destroy(&disk->mutex);
    free(disk);
}

static int compare_records(const void *a, const void *b)
{
    return strcmp(((const struct memory_record *)a)->entry.name,
                  ((const struct memory_record *)b)->entry.name);
}

struct memory_record *memory_disk_find(struct store_memory_disk *disk, const char *name)
{
    struct memory_record key;
    void *node;

    snprintf(key.entry.name, sizeof(key.entry.name), "%s", name);
    node = tfind(&key, &disk->record_tree, compare_records);
    return node == NULL ? NULL : *(struct memory_record **)node;
}

struct memory_record *memory_disk_add(struct store_memory_disk *disk, const char *name)
{
    struct memory_record *record = calloc(1, sizeof(*record));

    disk->records = memory_grow(disk->records, &disk->record_room, disk->record_count + 1,
                                sizeof(struct memory_record *));
    if (record == NULL) {
        perror("store_memory");
        abort();
    }
    snprintf(record->entry.name, sizeof(record->entry.name), "%s", name);
    record->index = disk->record_count;
    if (tsearch(record, &disk->record_tree, compare_records) == NULL) {
        perror("store_memory");
        abort();
    }
    disk->records[disk->record_count++] = record;
    return record;
}

struct range memory_disk_range(const struct memory_record *record, uint64_t floor, uint64_t count)
{
    return range_clamped(range_max(record->entry.mark, floor), count,
                         definition_capacity(&record->entry.definition));
}

static struct range take_elsewhere(struct memory_record *record, uint64_t count)
{
    struct range range = memory_disk_range(record, 0, count);

    if (!range_is_empty(range)) {
        record->entry.mark = range.limit;
        record->entry.generation++;
    }
    return range;
}

void memory_disk_share(struct store_memory_disk *disk, struct memory_record *record)
{
    if (disk->share_positions_max == 0) {
        return;
    }
    take_elsewhere(record,
                   chance_below(&disk->chance, range_add_capped(disk->share_positions_max, 1)));
}

void memory_disk_note(struct store_memory_disk *disk, const char *name, struct range range,
                      uint64_t generation, bool answered)
{
    struct store_memory_lease *lease;

    if (range_is_empty(range)) {
        return;
    }
    disk->leases =
        memory_grow(disk->leases, &disk->lease_room, disk->lease_count + 1, sizeof(*disk->leases));
    lease = &disk->leases[disk->lease_count++];
    snprintf(lease->name, sizeof(lease->name), "%s", name);
    lease->range = range;
    lease->generation = generation;
    lease->answered = answered;
}

static void stand_at_the_gate(struct store_memory_disk *disk)
{
    disk->waiting++;
    pthread_cond_broadcast(&disk->changed);
    while (disk->held && disk->passes == 0) {
        pthread_cond_wait(&disk->changed, &disk->mutex);
    }
    if (disk->held) {
        disk->passes--;
    }
    disk->waiting--;
}

static void take_the_delay(struct store_memory_disk *disk)
{
    struct timespec rest = {.tv_sec = disk->delay_ms / 1000,
                            .tv_nsec = (long)(disk->delay_ms % 1000) * 1000000L};

    if (disk->delay_ms == 0) {
        return;
    }
    memory_disk_unlock(disk);
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
    }
    memory_disk_lock(disk);
}

struct memory_outcome memory_disk_commit(struct store_memory_disk *disk)
{
    struct memory_faults *faults = &disk->faults;

    stand_at_the_gate(disk);
    take_the_delay(disk);
    disk->commits++;
    pthread_cond_broadcast(&disk->changed);
    if (faults->commits == 0) {
        return (struct memory_outcome){.error = ERR_OK, .takes_effect = true};
    }
    if (faults->commits_before > 0) {
        faults->commits_before--;
        return (struct memory_outcome){.error = ERR_OK, .takes_effect = true};
    }
    faults->commits--;
    return (struct memory_outcome){.error = faults->error,
                                   .takes_effect = faults->fault == STORE_MEMORY_AFTER};
}

void store_memory_share(struct store_memory_disk *disk, uint64_t positions_max, uint64_t seed)
{
    memory_disk_lock(disk);
    disk->share_positions_max = positions_max;
    disk->chance = chance_from(seed);
    memory_disk_unlock(disk);
}

struct range store_memory_take_elsewhere(struct store_memory_disk *disk, const char *name,
                                         uint64_t count)
{
    struct range range = {0, 0};
    struct memory_record *record;

    memory_disk_lock(disk);
    record = memory_disk_find(disk, name);
    if (record != NULL) {
        range = take_elsewhere(record, count);
    }
    memory_disk_unlock(disk);
    return range;
}

void store_memory_fail_after(struct store_memory_disk *disk, uint64_t commits_before,
                             uint64_t commits, enum store_memory_fault fault, enum error error)
{
    memory_disk_lock(disk);
    disk->faults = (struct memory_faults){
        .commits_before = commits_before, .commits = commits, .fault = fault, .error = error};
    memory_disk_unlock(disk);
}

void store_memory_fail(struct store_memory_disk *disk, uint64_t commits,
                       enum store_memory_fault fault, enum error error)
{
    store_memory_fail_after(disk, 0, commits, fault, error);
}

void store_memory_delay(struct store_memory_disk *disk, unsigned delay_ms)
{
    memory_disk_lock(disk);
    disk->delay_ms = delay_ms;
    memory_disk_unlock(disk);
}

static void set_gate(struct store_memory_disk *disk, bool held, unsigned passes)
{
    memory_disk_lock(disk);
    disk->held = held;
    disk->passes = passes;
    pthread_cond_broadcast(&disk->changed);
    memory_disk_unlock(disk);
}

void store_memory_hold(struct store_memory_disk *disk)
{
    set_gate(disk, true, 0);
}

void store_memory_release(struct store_memory_disk *disk)
{
    set_gate(disk, false, 0);
}

void store_memory_pass(struct store_memory_disk *disk, unsigned commits)
{
    memory_disk_lock(disk);
    disk->passes += commits;
    pthread_cond_broadcast(&disk->changed);
    memory_disk_unlock(disk);
}

static struct timespec deadline_in(unsigned timeout_ms)
{
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += timeout_ms / 1000;
    deadline.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
    if (deadline.tv_nsec >= 1000000000L) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000L;
    }
    return deadline;
}

static bool somebody_waits(const struct store_memory_disk *disk)
{
    return disk->held && disk->passes == 0 && disk->waiting > 0;
}

bool store_memory_wait_held(struct store_memory_disk *disk, unsigned timeout_ms)
{
    struct timespec deadline = deadline_in(timeout_ms);
    bool held;

    memory_disk_lock(disk);
    while (!somebody_waits(disk)) {
        if (pthread_cond_timedwait(&disk->changed, &disk->mutex, &deadline) == ETIMEDOUT) {
            break;
        }
    }
    held = somebody_waits(disk);
    memory_disk_unlock(disk);
    return held;
}

bool store_memory_wait_commits(struct store_memory_disk *disk, uint64_t commits,
                               unsigned timeout_ms)
{
    struct timespec deadline = deadline_in(timeout_ms);
    bool reached;

    memory_disk_lock(disk);
    while (disk->commits < commits) {
        if (pthread_cond_timedwait(&disk->changed, &disk->mutex, &deadline) == ETIMEDOUT) {
            break;
        }
    }
    reached = disk->commits >= commits;
    memory_disk_unlock(disk);
    return reached;
}

uint64_t store_memory_commits(struct store_memory_disk *disk)
{
    uint64_t commits;

    memory_disk_lock(disk);
    commits = disk->commits;
    memory_disk_unlock(disk);
    return commits;
}

uint64_t store_memory_recoveries(struct store_memory_disk *disk)
{
    uint64_t recoveries;

    memory_disk_lock(disk);
    recoveries = disk->recoveries;
    memory_disk_unlock(disk);
    return recoveries;
}

enum error store_memory_mark(struct store_memory_disk *disk, const char *name, uint64_t *ret_mark)
{
    struct memory_record *record;

    memory_disk_lock(disk);
    record = memory_disk_find(disk, name);
    if (record != NULL) {
        *ret_mark = record->entry.mark;
    }
    memory_disk_unlock(disk);
    return record == NULL ? ERR_NOT_FOUND : ERR_OK;
}

enum error store_memory_set_mark(struct store_memory_disk *disk, const char *name, uint64_t mark)
{
    struct memory_record *record;

    memory_disk_lock(disk);
    record = memory_disk_find(disk, name);
    if (record != NULL) {
        record->entry.mark = mark;
        record->entry.generation++;
    }
    memory_disk_unlock(disk);
    return record == NULL ? ERR_NOT_FOUND : ERR_OK;
}

enum error store_memory_damage(struct store_memory_disk *disk, const char *name, bool damaged)
{
    struct memory_record *record;

    memory_disk_lock(disk);
    record = memory_disk_find(disk, name);
    if (record != NULL) {
        record->damaged = damaged;
    }
    memory_disk_unlock(disk);
    return record == NULL ? ERR_NOT_FOUND : ERR_OK;
}

size_t store_memory_lease_count(struct store_memory_disk *disk)
{
    size_t count;

    memory_disk_lock(disk);
    count = disk->lease_count;
    memory_disk_unlock(disk);
    return count;
}

struct store_memory_lease store_memory_lease_at(struct store_memory_disk *disk, size_t index)
{
    struct store_memory_lease lease;

    memory_disk_lock(disk);
    if (index >= disk->lease_count) {
        memory_abort("lease %zu of %zu", index, disk->lease_count);
    }
    lease = disk->leases[index];
    memory_disk_unlock(disk);
    return lease;
}
