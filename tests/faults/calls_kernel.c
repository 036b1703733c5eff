/* The calls of calls.h that go to the kernel, in place of the C library's own. */
#include "calls.h"

#include <assert.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* The C library's function of that name, or the sanitizer's in front of it. */
static void *next(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);

    assert(function != NULL);
    return function;
}

/* What the caller is told of a call that was made with `result`. */
static int told(enum course course, int result)
{
    if (course != COURSE_LATE) {
        return result;
    }
    errno = EIO;
    return -1;
}

static ssize_t told_bytes(enum course course, ssize_t result)
{
    if (course != COURSE_LATE) {
        return result;
    }
    errno = EIO;
    return -1;
}

/* A file that is open, and of which the caller does not know. */
static int told_file(enum course course, int fd)
{
    if (course == COURSE_LATE && fd >= 0) {
        int (*real)(int);

        *(void **)&real = next("close");
        (void)real(fd); /* of what nobody has written to */
    }
    return told(course, fd);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    int (*real)(const char *, int, mode_t);
    enum course course = calls_judge(CALL_OPEN);
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = mode_of(flags, arguments);
    va_end(arguments);
    *(void **)&real = next("open");
    return course == COURSE_FAILS ? -1 : told_file(course, real(path, flags, mode));
}

int openat(int folder, const char *path, int flags, ...)
{
    int (*real)(int, const char *, int, mode_t);
    enum course course = calls_judge(CALL_OPEN);
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = mode_of(flags, arguments);
    va_end(arguments);
    *(void **)&real = next("openat");
    return course == COURSE_FAILS ? -1 : told_file(course, real(folder, path, flags, mode));
}

int close(int fd)
{
    int (*real)(int);
    enum course course = calls_judge(CALL_CLOSE);

    /* Linux closes whatever it says. */
    *(void **)&real = next("close");
    return told(course == COURSE_FAILS ? COURSE_LATE : course, real(fd));
}

int fstat(int fd, struct stat *status)
{
    int (*real)(int, struct stat *);
    enum course course = calls_judge(CALL_LOOK);

    *(void **)&real = next("fstat");
    return course == COURSE_FAILS ? -1 : real(fd, status);
}

/* As Debian 12's liblmdb still calls it. */
int __fxstat(int version, int fd, struct stat *status);
int __fxstat(int version, int fd, struct stat *status)
{
    (void)version;
    return fstat(fd, status);
}

int stat(const char *path, struct stat *status)
{
    int (*real)(const char *, struct stat *);
    enum course course = calls_judge(CALL_LOOK);

    *(void **)&real = next("stat");
    return course == COURSE_FAILS ? -1 : real(path, status);
}

int fstatat(int folder, const char *path, struct stat *status, int flags)
{
    int (*real)(int, const char *, struct stat *, int);
    enum course course = calls_judge(CALL_LOOK);

    *(void **)&real = next("fstatat");
    return course == COURSE_FAILS ? -1 : real(folder, path, status, flags);
}

int statx(int folder, const char *path, int flags, unsigned mask, struct statx *status)
{
    int (*real)(int, const char *, int, unsigned, struct statx *);
    enum course course = calls_judge(CALL_LOOK);

    *(void **)&real = next("statx");
    return course == COURSE_FAILS ? -1 : real(folder, path, flags, mask, status);
}

int fstatfs(int fd, struct statfs *status)
{
    int (*real)(int, struct statfs *);
    enum course course = calls_judge(CALL_LOOK);

    *(void **)&real = next("fstatfs");
    return course == COURSE_FAILS ? -1 : real(fd, status);
}

int faccessat(int folder, const char *path, int mode, int flags)
{
    int (*real)(int, const char *, int, int);
    enum course course = calls_judge(CALL_LOOK);

    *(void **)&real = next("faccessat");
    return course == COURSE_FAILS ? -1 : real(folder, path, mode, flags);
}

struct dirent *readdir(DIR *stream)
{
    struct dirent *(*real)(DIR *);
    enum course course = calls_judge(CALL_LIST);

    *(void **)&real = next("readdir");
    return course == COURSE_FAILS ? NULL : real(stream);
}

int flock(int fd, int operation)
{
    int (*real)(int, int);
    enum course course = calls_judge(CALL_LOCK);

    *(void **)&real = next("flock");
    return course == COURSE_FAILS ? -1 : real(fd, operation);
}

int fcntl(int fd, int command, ...)
{
    int (*real)(int, int, void *);
    enum course course = calls_judge(CALL_LOCK);
    va_list arguments;
    void *argument;

    /* Whether it is a number, a pointer or nothing, it comes and goes in the same place. */
    va_start(arguments, command);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    *(void **)&real = next("fcntl");
    return course == COURSE_FAILS ? -1 : real(fd, command, argument);
}

off_t lseek(int fd, off_t offset, int whence)
{
    off_t (*real)(int, off_t, int);
    enum course course = calls_judge(CALL_SEEK);

    *(void **)&real = next("lseek");
    return course == COURSE_FAILS ? -1 : real(fd, offset, whence);
}

ssize_t pread(int fd, void *to, size_t length, off_t offset)
{
    ssize_t (*real)(int, void *, size_t, off_t);
    enum course course = calls_judge(CALL_READ);

    *(void **)&real = next("pread");
    return course == COURSE_FAILS ? -1 : real(fd, to, length, offset);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    void *(*real)(void *, size_t, int, int, int, off_t);
    enum course course = calls_judge(CALL_MAP);

    *(void **)&real = next("mmap");
    return course == COURSE_FAILS ? MAP_FAILED
                                  : real(address, length, protection, flags, fd, offset);
}

/* LMDB writes its meta page through a descriptor of its own, which syncs. */
static enum call call_of_write(int fd)
{
    int (*real)(int, int, int);

    *(void **)&real = next("fcntl");
    return (real(fd, F_GETFL, 0) & O_DSYNC) != 0 ? CALL_META : CALL_WRITE;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    ssize_t (*real)(int, const void *, size_t, off_t);
    enum course course = calls_judge(call_of_write(fd));

    *(void **)&real = next("pwrite");
    if (course == COURSE_FAILS) {
        return -1;
    }
    length = course == COURSE_HALF ? length / 2 : length;
    return told_bytes(course, real(fd, bytes, length, offset));
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    ssize_t (*real)(int, const struct iovec *, int);
    enum course course = calls_judge(call_of_write(fd));

    *(void **)&real = next("writev");
    if (course == COURSE_FAILS) {
        return -1;
    }
    return told_bytes(course, real(fd, parts, course == COURSE_HALF ? (count + 1) / 2 : count));
}

int fsync(int fd)
{
    int (*real)(int);
    enum course course = calls_judge(CALL_SYNC);

    *(void **)&real = next("fsync");
    return course == COURSE_FAILS ? -1 : told(course, real(fd));
}

int fdatasync(int fd)
{
    int (*real)(int);
    enum course course = calls_judge(CALL_SYNC);

    *(void **)&real = next("fdatasync");
    return course == COURSE_FAILS ? -1 : told(course, real(fd));
}

int ftruncate(int fd, off_t length)
{
    int (*real)(int, off_t);
    enum course course = calls_judge(CALL_CUT);

    *(void **)&real = next("ftruncate");
    return course == COURSE_FAILS ? -1 : told(course, real(fd, length));
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    int (*real)(int, const char *, int, const char *);
    enum course course = calls_judge(CALL_RENAME);

    *(void **)&real = next("renameat");
    return course == COURSE_FAILS ? -1 : told(course, real(from_folder, from, to_folder, to));
}

int unlinkat(int folder, const char *path, int flags)
{
    int (*real)(int, const char *, int);
    enum course course = calls_judge(CALL_UNLINK);

    *(void **)&real = next("unlinkat");
    return course == COURSE_FAILS ? -1 : told(course, real(folder, path, flags));
}

ssize_t getrandom(void *to, size_t length, unsigned flags)
{
    ssize_t (*real)(void *, size_t, unsigned);
    enum course course = calls_judge(CALL_RANDOM);

    *(void **)&real = next("getrandom");
    if (course == COURSE_FAILS) {
        return -1;
    }
    return real(to, course == COURSE_HALF ? length / 2 : length, flags);
}
