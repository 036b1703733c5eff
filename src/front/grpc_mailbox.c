#include "grpc_mailbox.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum error grpc_mailbox_init(struct grpc_mailbox *mailbox)
{
    mailbox->first = NULL;
    mailbox->end = &mailbox->first;
    mailbox->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox->event_fd < 0) {
        return ERR_NO_MEMORY;
    }
    if (pthread_mutex_init(&mailbox->lock, NULL) != 0) {
        close(mailbox->event_fd);
        return ERR_NO_MEMORY;
    }
    return ERR_OK;
}

void grpc_mailbox_fini(struct grpc_mailbox *mailbox)
{
    assert(mailbox->first == NULL);
    (void)pthread_mutex_destroy(&mailbox->lock); /* nobody holds it */
    close(mailbox->event_fd);
}

void grpc_mailbox_wake(struct grpc_mailbox *mailbox)
{
    uint64_t one = 1;
    ssize_t written = write(mailbox->event_fd, &one, sizeof one);

    assert(written == (ssize_t)sizeof one || errno == EAGAIN); /* full: the loop is awake anyhow */
}

void grpc_mailbox_post(struct grpc_mailbox *mailbox, struct grpc_post *post)
{
    post->next = NULL;
    pthread_mutex_lock(&mailbox->lock);
    bool asleep = mailbox->first == NULL;
    *mailbox->end = post;
    mailbox->end = &post->next;
    if (asleep) {
        grpc_mailbox_wake(mailbox); /* inside the lock: once it is open, the loop may be gone */
    }
    pthread_mutex_unlock(&mailbox->lock);
}

struct grpc_post *grpc_mailbox_empty(struct grpc_mailbox *mailbox)
{
    uint64_t count = 0;
    ssize_t length = read(mailbox->event_fd, &count, sizeof count);

    (void)length; /* nothing to read: somebody else's wake, or none */
    pthread_mutex_lock(&mailbox->lock);
    struct grpc_post *first = mailbox->first;
    mailbox->first = NULL;
    mailbox->end = &mailbox->first;
    pthread_mutex_unlock(&mailbox->lock);
    return first;
}
