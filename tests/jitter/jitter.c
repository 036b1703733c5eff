/* jitter: a shared object that is loaded before the C library into a test, and makes each of its
 * threads sleep at random before it takes a lock, after it lets go of one, and after it has called
 * another thread: what a busy machine does once in a thousand runs happens in each.
 *
 * JITTER_ONE_IN  one such place in so many sleeps (100)
 * JITTER_US      for up to so many microseconds (4000)
 * JITTER_SEED    decides which (the process id); it makes no run come again, for threads still
 *                race
 *
 * It is built without sanitizers, and sleeps by the kernel itself. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static unsigned long knob(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    unsigned long value = text == NULL ? 0 : strtoul(text, NULL, 10);
    return value == 0 ? otherwise : value;
}

static unsigned long one_in = 100;
static unsigned long most_us = 4000;
static uint64_t seed;

__attribute__((constructor)) static void read_knobs(void)
{
    one_in = knob("JITTER_ONE_IN", one_in);
    most_us = knob("JITTER_US", most_us);
    seed = knob("JITTER_SEED", (unsigned long)getpid());
}

/* xorshift64 (Marsaglia, "Xorshift RNGs", 2003), one for each thread. */
static uint64_t draw(void)
{
    static __thread uint64_t state;
    if (state == 0) {
        state = (seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)syscall(SYS_gettid)) | 1;
    }
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state >> 11;
}

static void jitter(void)
{
    if (draw() % one_in == 0) {
        long us = (long)(draw() % most_us);
        struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
        (void)syscall(SYS_nanosleep, &time, NULL); /* a shorter sleep is as good */
    }
}

/* The next definition of the function that stands here. Looked up each time: a static that several
 * threads fill would be a race of our own. */
#define NEXT(function) ((__typeof__(&(function)))dlsym(RTLD_NEXT, #function))

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    jitter();
    return NEXT(pthread_mutex_lock)(mutex);
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int error = NEXT(pthread_mutex_unlock)(mutex);
    jitter();
    return error;
}

int pthread_cond_signal(pthread_cond_t *condition)
{
    int error = NEXT(pthread_cond_signal)(condition);
    jitter();
    return error;
}

int pthread_cond_broadcast(pthread_cond_t *condition)
{
    int error = NEXT(pthread_cond_broadcast)(condition);
    jitter();
    return error;
}
