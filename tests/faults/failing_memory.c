/* failing_memory: a shared object that is loaded before the C library into a daemon, and counts
 * what asks for memory, the C library and every other included; those that the file named by
 * FAILING_MEMORY tells are refused. It is built without sanitizers.
 *
 * The file is a struct control, shared with the test that wrote it. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

struct control {
    _Atomic uint64_t count; /* asked for, since the libraries were loaded */
    _Atomic uint64_t first; /* those from here … */
    _Atomic uint64_t last;  /* … to here, both included, are refused; counted from 1; 0: none */
    _Atomic uint64_t refused;
};

static struct control *control; /* NULL: nothing is counted yet */

/* Behind the libraries' own beginnings, which nobody can do without. */
__attribute__((constructor)) static void take_control(void)
{
    const char *path = getenv("FAILING_MEMORY");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *shared = MAP_FAILED;

    if (fd >= 0) {
        shared = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        (void)close(fd); /* nothing was written */
    }
    control = shared == MAP_FAILED ? NULL : shared;
}

static bool is_refused(void)
{
    uint64_t number;
    uint64_t first;

    if (control == NULL) {
        return false;
    }
    /* order: relaxed, all of them; the numbers stand alone. */
    number = atomic_fetch_add_explicit(&control->count, 1, memory_order_relaxed) + 1;
    first = atomic_load_explicit(&control->first, memory_order_relaxed); /* order: as above */
    if (first == 0 || number < first ||
        number > atomic_load_explicit(&control->last, memory_order_relaxed)) { /* order: likewise */
        return false;
    }
    atomic_fetch_add_explicit(&control->refused, 1, memory_order_relaxed); /* order: likewise */
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return is_refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return is_refused() ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return is_refused() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    void *memory = is_refused() ? NULL : __libc_memalign(alignment, size);

    if (memory == NULL) {
        return ENOMEM;
    }
    *ret_memory = memory;
    return 0;
}
