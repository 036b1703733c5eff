#include "store_calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    struct store_refusal refusal;
    unsigned left; /* calls until it is refused; 0: it was */
    bool armed;
} plan;

void store_calls_refuse(struct store_refusal refusal, unsigned nth)
{
    plan.refusal = refusal;
    plan.left = nth;
}

void store_calls_arm(bool armed)
{
    plan.armed = armed;
}

bool store_calls_met(void)
{
    return plan.left == 0;
}

/* What `function` is refused with now, or 0. */
static int refused(const char *function)
{
    bool counts = plan.armed && plan.left > 0 && strcmp(plan.refusal.function, function) == 0;
    return counts && --plan.left == 0 ? plan.refusal.code : 0;
}

/* The same for a call that sets errno. */
static bool fails(const char *function)
{
    int code = refused(function);
    errno = code != 0 ? code : errno;
    return code != 0;
}

/* A function of LMDB, whose value is its code. */
#define OF_LMDB(function, parameters, arguments) \
    int __real_##function parameters; \
    int __wrap_##function parameters; \
    int __wrap_##function parameters \
    { \
        int code = refused(#function); \
        return code != 0 ? code : __real_##function arguments; \
    }

OF_LMDB(mdb_env_create, (MDB_env * *env), (env))
OF_LMDB(mdb_env_set_mapsize, (MDB_env * env, size_t size), (env, size))
OF_LMDB(mdb_env_set_maxdbs, (MDB_env * env, MDB_dbi count), (env, count))
OF_LMDB(mdb_env_set_maxreaders, (MDB_env * env, unsigned count), (env, count))
OF_LMDB(mdb_env_open, (MDB_env * env, const char *path, unsigned flags, mdb_mode_t mode),
        (env, path, flags, mode))
OF_LMDB(mdb_env_get_fd, (MDB_env * env, int *fd), (env, fd))
OF_LMDB(mdb_env_info, (MDB_env * env, MDB_envinfo *info), (env, info))
OF_LMDB(mdb_env_stat, (MDB_env * env, MDB_stat *stat), (env, stat))
OF_LMDB(mdb_txn_begin, (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
        (env, parent, flags, txn))
OF_LMDB(mdb_dbi_open, (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *table),
        (txn, name, flags, table))
OF_LMDB(mdb_stat, (MDB_txn * txn, MDB_dbi table, MDB_stat *stat), (txn, table, stat))
OF_LMDB(mdb_get, (MDB_txn * txn, MDB_dbi table, MDB_val *key, MDB_val *data),
        (txn, table, key, data))
OF_LMDB(mdb_put, (MDB_txn * txn, MDB_dbi table, MDB_val *key, MDB_val *data, unsigned flags),
        (txn, table, key, data, flags))
OF_LMDB(mdb_drop, (MDB_txn * txn, MDB_dbi table, int deletes), (txn, table, deletes))
OF_LMDB(mdb_cursor_open, (MDB_txn * txn, MDB_dbi table, MDB_cursor **cursor), (txn, table, cursor))
OF_LMDB(mdb_cursor_get, (MDB_cursor * cursor, MDB_val *key, MDB_val *data, MDB_cursor_op operation),
        (cursor, key, data, operation))
OF_LMDB(mdb_cursor_del, (MDB_cursor * cursor, unsigned flags), (cursor, flags))

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    int code = refused("mdb_txn_commit");
    if (code == 0) {
        return __real_mdb_txn_commit(txn);
    }
    mdb_txn_abort(txn); /* LMDB frees it, whatever it returns */
    return code;
}

/* A call that returns -1 and sets errno. */
#define OF_KERNEL(function, parameters, arguments) \
    int __real_##function parameters; \
    int __wrap_##function parameters; \
    int __wrap_##function parameters \
    { \
        return fails(#function) ? -1 : __real_##function arguments; \
    }

OF_KERNEL(fstat, (int fd, struct stat *status), (fd, status))
OF_KERNEL(stat, (const char *path, struct stat *status), (path, status))
OF_KERNEL(fstatat, (int fd, const char *path, struct stat *status, int flags),
          (fd, path, status, flags))
OF_KERNEL(statx, (int fd, const char *path, int flags, unsigned mask, struct statx *status),
          (fd, path, flags, mask, status))
OF_KERNEL(faccessat, (int fd, const char *path, int mode, int flags), (fd, path, mode, flags))
OF_KERNEL(fsync, (int fd), (fd))
OF_KERNEL(fdatasync, (int fd), (fd))
OF_KERNEL(unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
OF_KERNEL(renameat, (int from, const char *path, int to, const char *name), (from, path, to, name))
OF_KERNEL(flock, (int fd, int operation), (fd, operation))

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fails("open") ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fails("openat") ? -1 : __real_openat(fd, path, flags, mode);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, int); /* the store sets flags, no more */
    va_end(arguments);
    return fails("fcntl") ? -1 : __real_fcntl(fd, command, argument);
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t length, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    int code = refused("pwrite");
    if (code == 0 || code == STORE_CALLS_SHORT) {
        return __real_pwrite(fd, bytes, code == 0 ? length : length / 2, offset);
    }
    errno = code;
    return -1;
}

ssize_t __real_pread(int fd, void *bytes, size_t length, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t length, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t length, off_t offset)
{
    int code = refused("pread");
    if (code == 0 || code == STORE_CALLS_SHORT) {
        return __real_pread(fd, bytes, code == 0 ? length : length / 2, offset);
    }
    errno = code;
    return -1;
}

ssize_t __real_getrandom(void *bytes, size_t length, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t length, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t length, unsigned flags)
{
    return fails("getrandom") ? -1 : __real_getrandom(bytes, length, flags);
}

DIR *__real_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd)
{
    return fails("fdopendir") ? NULL : __real_fdopendir(fd);
}

struct dirent *__real_readdir(DIR *stream);
struct dirent *__wrap_readdir(DIR *stream);
struct dirent *__wrap_readdir(DIR *stream)
{
    return fails("readdir") ? NULL : __real_readdir(stream);
}

int __real_posix_memalign(void **memory, size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
    int code = refused("posix_memalign");
    return code != 0 ? code : __real_posix_memalign(memory, alignment, size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return fails("calloc") ? NULL : __real_calloc(count, size);
}
