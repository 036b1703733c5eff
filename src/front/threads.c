#include "threads.h"

#include <sched.h>

unsigned threads_choose(unsigned wanted, unsigned most)
{
    cpu_set_t processors;
    unsigned threads = wanted;

    /* Those that we may run on: with more threads than that, each request costs more. */
    if (threads == 0) {
        int count =
            sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
        threads = (unsigned)count;
    }
    return threads > most ? most : threads;
}
