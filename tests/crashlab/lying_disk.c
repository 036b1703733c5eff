/* lying_disk: preloaded into store_life, lets calls for durability do nothing, as a careless store
 * would. LIE=nosync: fdatasync(), fsync() and O_DSYNC; LIE=nometasync: O_DSYNC alone, which is what
 * LMDB writes its meta page with. For planted faults only. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int lies(const char *what)
{
    const char *lie = getenv("LIE");
    return lie != NULL && strcmp(lie, what) == 0;
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return lies("nosync") ? 0 : real(fd);
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    return lies("nosync") ? 0 : real(fd);
}

int open(const char *path, int flags, ...)
{
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if (lies("nosync") || lies("nometasync")) {
        flags &= ~(O_DSYNC | O_SYNC);
    }
    return real(path, flags, mode);
}
