/* slow_disk: a shared object that is loaded before the C library into a daemon, and makes its disk
 * slow: while the file named by SLOW_DISK_SWITCH exists, each fdatasync of a data.mdb takes
 * SLOW_DISK_MS milliseconds longer. It is built without sanitizers, and calls the kernel itself. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME "/data.mdb"

static bool is_slow(int fd)
{
    const char *path = getenv("SLOW_DISK_SWITCH");
    if (path == NULL || access(path, F_OK) != 0) {
        return false;
    }
    char link[64];
    char target[4096];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, sizeof(target));
    size_t tail = strlen(FILE_NAME);
    return length >= (ssize_t)tail && memcmp(target + (size_t)length - tail, FILE_NAME, tail) == 0;
}

int fdatasync(int fd)
{
    if (is_slow(fd)) {
        const char *ms = getenv("SLOW_DISK_MS");
        long delay = ms == NULL ? 0 : strtol(ms, NULL, 10);
        struct timespec time = {.tv_sec = delay / 1000, .tv_nsec = delay % 1000 * 1000000};
        (void)nanosleep(&time, NULL);
    }
    return (int)syscall(SYS_fdatasync, fd);
}
