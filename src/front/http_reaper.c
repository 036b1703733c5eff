#include "http_reaper.h"

#include "http_change.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct http_reaper {
    struct http_service *service; /* constant */
    int stop_fd;                  /* an eventfd: readable once the thread should end; constant */
    pthread_t thread;             /* the owner's */
};

static void note(void *context, int fd, bool idle)
{
    refusals_note(context, idle ? REFUSAL_IDLE : REFUSAL_SLOW, fd);
}

static void *run(void *argument)
{
    struct http_reaper *reaper = argument;
    struct pollfd stop = {.fd = reaper->stop_fd, .events = POLLIN};

    /* 0: the tick is over. Less: a signal, which none of our threads takes. */
    while (poll(&stop, 1, HTTP_REAPER_TICK_MS) <= 0) {
        http_deadline_reap(&reaper->service->deadline, note, &reaper->service->refusals);
        http_changes_expire(reaper->service);
    }
    return NULL;
}

enum error http_reaper_start(struct http_service *service, struct http_reaper **ret_reaper)
{
    struct http_reaper *reaper = calloc(1, sizeof *reaper);

    if (reaper == NULL) {
        return ERR_NO_MEMORY;
    }
    reaper->service = service;
    reaper->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (reaper->stop_fd < 0) {
        goto no_eventfd;
    }
    if (pthread_create(&reaper->thread, NULL, run, reaper) != 0) {
        goto no_thread;
    }
    *ret_reaper = reaper;
    return ERR_OK;

no_thread:
    close(reaper->stop_fd);
no_eventfd:
    free(reaper);
    return ERR_NO_MEMORY;
}

void http_reaper_stop(struct http_reaper *reaper)
{
    uint64_t one = 1;

    if (reaper == NULL) {
        return;
    }
    ssize_t written = write(reaper->stop_fd, &one, sizeof one);
    (void)written;                            /* an eventfd at 0 takes it */
    (void)pthread_join(reaper->thread, NULL); /* fails only for our own bugs */
    close(reaper->stop_fd);
    free(reaper);
}
