#include "faultio.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* One kind of call, as a plan tells them apart. */
enum operation {
    OPERATION_WRITE,
    OPERATION_META,
    OPERATION_SYNC,
    OPERATION_DATA_SYNC,
    OPERATION_CUT
};

static struct faultio_plan plans[FAULTIO_PLANS_MAX];
static unsigned counts[FAULTIO_PLANS_MAX];
static unsigned plan_count;
static unsigned failed;
static bool stuck; /* the next call fails, too */
static const char *turned_ending;
static unsigned turned;
static faultio_observe_fn *observer;
static void *observer_context;

/* What a call shall do. */
struct verdict {
    bool fails;
    enum faultio_kind kind;
};

void faultio_reset(void)
{
    plan_count = 0;
    failed = 0;
    stuck = false;
    turned_ending = NULL;
    turned = 0;
    memset(counts, 0, sizeof(counts));
}

void faultio_add(struct faultio_plan plan)
{
    assert(plan_count < FAULTIO_PLANS_MAX);
    counts[plan_count] = 0;
    plans[plan_count++] = plan;
}

unsigned faultio_counted(unsigned index)
{
    assert(index < plan_count);
    return counts[index];
}

unsigned faultio_failed(void)
{
    return failed;
}

void faultio_turn_direct_reads(const char *ending)
{
    turned_ending = ending;
}

unsigned faultio_turned(void)
{
    return turned;
}

void faultio_observe(faultio_observe_fn *observe, void *context)
{
    observer = observe;
    observer_context = context;
}

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text);
    size_t tail = strlen(ending);

    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

static void path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    ssize_t length;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = '\0';
}

static bool wants_file(const struct faultio_plan *plan, const char *path)
{
    if (plan->ending != NULL) {
        return ends_with(path, plan->ending);
    }
    return ends_with(path, "/data.mdb") || ends_with(path, "/sentinel") ||
           ends_with(path, "/sentinel.new");
}

static bool wants_call(const struct faultio_plan *plan, enum operation operation)
{
    switch (plan->calls) {
    case FAULTIO_ANY:
        return true;
    case FAULTIO_WRITES:
        return operation == OPERATION_WRITE || operation == OPERATION_META;
    case FAULTIO_SYNCS:
        return operation == OPERATION_SYNC || operation == OPERATION_DATA_SYNC;
    case FAULTIO_DATA_SYNCS:
        return operation == OPERATION_DATA_SYNC;
    case FAULTIO_META:
        return operation == OPERATION_META;
    }
    return false;
}

static struct verdict judge(int fd, enum operation operation)
{
    struct verdict verdict = {.fails = false};
    char path[PATH_MAX];

    if (plan_count == 0) {
        return verdict;
    }
    path_of(fd, path);
    if (stuck && wants_file(&plans[0], path)) {
        stuck = false;
        return (struct verdict){.fails = true, .kind = FAULTIO_EIO};
    }
    for (unsigned i = 0; i < plan_count; i++) {
        const struct faultio_plan *plan = &plans[i];

        if (!wants_file(plan, path) || !wants_call(plan, operation)) {
            continue;
        }
        counts[i]++;
        if (!verdict.fails && counts[i] >= plan->first && counts[i] - plan->first < plan->times) {
            verdict = (struct verdict){.fails = true, .kind = plan->kind};
            stuck = plan->kind == FAULTIO_STUCK;
            failed++;
            if (plan->kind == FAULTIO_KILL) {
                raise(SIGKILL);
            }
        }
    }
    return verdict;
}

/* The C library's function of that name, or the sanitizer's in front of it. */
static void *next(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);

    assert(function != NULL);
    return function;
}

static int fail_with(int code)
{
    errno = code;
    return -1;
}

static enum operation operation_of_write(int fd)
{
    return (fcntl(fd, F_GETFL) & O_DSYNC) != 0 ? OPERATION_META : OPERATION_WRITE;
}

static void tell(int fd, enum faultio_event_kind kind, off_t offset, const void *bytes,
                 size_t length)
{
    char path[PATH_MAX];
    struct faultio_event event = {
        .kind = kind, .path = path, .offset = (uint64_t)offset, .bytes = bytes, .length = length};

    path_of(fd, path);
    observer(observer_context, &event);
}

/* Tell of the first `length` bytes of `parts`, which were written at `offset`. */
static void tell_written(int fd, off_t offset, const struct iovec *parts, int count, ssize_t length)
{
    enum faultio_event_kind kind =
        operation_of_write(fd) == OPERATION_META ? FAULTIO_WRITTEN_DOWN : FAULTIO_WRITTEN;

    for (int i = 0; observer != NULL && i < count && length > 0; i++) {
        size_t part = (size_t)length < parts[i].iov_len ? (size_t)length : parts[i].iov_len;

        tell(fd, kind, offset, parts[i].iov_base, part);
        offset += (off_t)part;
        length -= (ssize_t)part;
    }
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    ssize_t (*real)(int, const void *, size_t, off_t);
    struct verdict verdict = judge(fd, operation_of_write(fd));

    *(void **)&real = next("pwrite");
    if (!verdict.fails) {
        struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
        ssize_t written = real(fd, bytes, length, offset);

        tell_written(fd, offset, &part, 1, written);
        return written;
    }
    switch (verdict.kind) {
    case FAULTIO_EIO:
    case FAULTIO_KILL:
        return fail_with(EIO);
    case FAULTIO_ENOSPC:
        return fail_with(ENOSPC);
    case FAULTIO_SHORT:
        return real(fd, bytes, length / 2, offset);
    case FAULTIO_LATE:
    case FAULTIO_STUCK:
        (void)!real(fd, bytes, length, offset);
        return fail_with(EIO);
    }
    return fail_with(EIO);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
    return pwrite(fd, bytes, length, (off_t)offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    ssize_t (*real)(int, const struct iovec *, int);
    struct verdict verdict = judge(fd, operation_of_write(fd));

    *(void **)&real = next("writev");
    if (!verdict.fails) {
        off_t offset = lseek(fd, 0, SEEK_CUR);
        ssize_t written = real(fd, parts, count);

        tell_written(fd, offset, parts, count, written);
        return written;
    }
    switch (verdict.kind) {
    case FAULTIO_EIO:
    case FAULTIO_KILL:
        return fail_with(EIO);
    case FAULTIO_ENOSPC:
        return fail_with(ENOSPC);
    case FAULTIO_SHORT:
        return real(fd, parts, 1);
    case FAULTIO_LATE:
    case FAULTIO_STUCK:
        (void)!real(fd, parts, count);
        return fail_with(EIO);
    }
    return fail_with(EIO);
}

static int sync_or_fail(int fd, enum operation operation, const char *name)
{
    int (*real)(int);
    struct verdict verdict = judge(fd, operation);

    *(void **)&real = next(name);
    if (!verdict.fails) {
        int result = real(fd);

        if (result == 0 && observer != NULL) {
            tell(fd, FAULTIO_SYNCED, 0, NULL, 0);
        }
        return result;
    }
    switch (verdict.kind) {
    case FAULTIO_ENOSPC:
        return fail_with(ENOSPC);
    case FAULTIO_LATE:
    case FAULTIO_STUCK:
        (void)real(fd);
        return fail_with(EIO);
    case FAULTIO_EIO:
    case FAULTIO_SHORT:
    case FAULTIO_KILL:
        break;
    }
    return fail_with(EIO);
}

int fsync(int fd)
{
    return sync_or_fail(fd, OPERATION_SYNC, "fsync");
}

int fdatasync(int fd)
{
    return sync_or_fail(fd, OPERATION_DATA_SYNC, "fdatasync");
}

int ftruncate(int fd, off_t length)
{
    int (*real)(int, off_t);

    *(void **)&real = next("ftruncate");
    return judge(fd, OPERATION_CUT).fails ? fail_with(EIO) : real(fd, length);
}

/* Never fails: tests/faults has rigs for that. */
int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    int (*real)(int, const char *, int, const char *);
    char folder[PATH_MAX];
    char path[2 * PATH_MAX];
    struct faultio_event event = {.kind = FAULTIO_RENAMED, .path = path};
    int result;

    *(void **)&real = next("renameat");
    result = real(from_folder, from, to_folder, to);
    if (result == 0 && observer != NULL) {
        path_of(to_folder, folder);
        snprintf(path, sizeof(path), "%s/%s", folder, to);
        observer(observer_context, &event);
    }
    return result;
}

ssize_t pread(int fd, void *to, size_t length, off_t offset)
{
    ssize_t (*real)(int, void *, size_t, off_t);
    char path[PATH_MAX];
    ssize_t got;

    *(void **)&real = next("pread");
    got = real(fd, to, length, offset);
    if (turned_ending == NULL || got <= 0 || (fcntl(fd, F_GETFL) & O_DIRECT) == 0) {
        return got;
    }
    path_of(fd, path);
    if (ends_with(path, turned_ending)) {
        ((uint8_t *)to)[got / 2] ^= 1;
        turned++;
    }
    return got;
}
