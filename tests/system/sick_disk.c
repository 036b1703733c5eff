/* sick_disk: a shared object that is loaded before the C library into a daemon, and makes its disk
 * sick: while the file named by SICK_DISK_SWITCH exists, no file whose path ends as SICK_DISK_FILE
 * says can be written. It is built without sanitizers, and calls the kernel itself. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static bool is_sick(int fd)
{
    const char *toggle = getenv("SICK_DISK_SWITCH");
    const char *ending = getenv("SICK_DISK_FILE");
    if (toggle == NULL || ending == NULL || access(toggle, F_OK) != 0) {
        return false;
    }
    char link[64];
    char target[4096];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, sizeof(target));
    size_t tail = strlen(ending);
    return length >= (ssize_t)tail && memcmp(target + (size_t)length - tail, ending, tail) == 0;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    if (is_sick(fd)) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, length, offset);
}
