/* epoll: the epoll_wait() of the whole process.
 *
 * It is for libmicrohttpd, which asks for 128 events at a time: when exactly so many are there it
 * asks for more, with the same time-out, before it serves any. With nothing else to come, 128
 * clients then wait for an answer until some other one wakes the thread. (Seen with 0.9.75.) So no
 * call here ever brings all that it was asked for; what is left over comes with the next.
 *
 * Nobody calls it by a header: the makefile links this file before every library. Without it
 * tests/system/test_wakeup.c fails. */
#include <sys/epoll.h>

#include <stddef.h>

int epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms)
{
    return epoll_pwait(fd, events, most > 1 ? most - 1 : most, timeout_ms, NULL);
}
