#include "grpc_change.h"

#include "change_log.h"
#include "peer.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Who is on the other side, and how he came. */
static void name_peer(int fd, char to[GRPC_PEER_SIZE])
{
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
    } address = {.storage = {.ss_family = AF_UNSPEC}};
    socklen_t size = sizeof address;
    char peer[PEER_SIZE];

    (void)getpeername(fd, &address.any, &size); /* who has gone is unknown */
    peer_write(&address.any, peer);
    (void)snprintf(to, GRPC_PEER_SIZE, "%s over gRPC", peer);
}

/* Called by core. */
static void tell_loop(struct admin_request *admin)
{
    struct grpc_change *change =
        (struct grpc_change *)((char *)admin - offsetof(struct grpc_change, admin));

    grpc_mailbox_post(change->mailbox, &change->post);
}

static void on_arrival(struct grpc_loop *loop, struct grpc_post *post)
{
    struct grpc_change *change =
        (struct grpc_change *)((char *)post - offsetof(struct grpc_change, post));

    assert(loop->tickets > 0);
    loop->tickets--;
    change_log(&change->admin, change->peer);
    if (change->call != NULL) {
        change->call->change = NULL;
        change->answer(change->call, &change->admin);
    }
    free(change);
}

struct grpc_change *
grpc_change_new(struct grpc_call *call, enum admin_action action, const char *name,
                void (*answer)(struct grpc_call *call, const struct admin_request *admin))
{
    size_t length = strlen(name);
    struct grpc_change *change = calloc(1, sizeof *change);

    assert(length <= SEQUENCE_NAME_MAX);
    if (change == NULL) {
        return NULL;
    }
    change->admin.action = action;
    memcpy(change->admin.name, name, length + 1);
    change->admin.done = tell_loop;
    change->post.arrived = on_arrival;
    change->mailbox = &call->connection->loop->mailbox;
    change->call = call;
    change->answer = answer;
    name_peer(call->connection->wire.fd, change->peer);
    return change;
}

void grpc_change_submit(struct grpc_change *change)
{
    struct grpc_call *call = change->call;
    struct grpc_loop *loop = call->connection->loop;

    struct instant due = clock_after(clock_now(), grpc_service_request_ns(loop->service));

    /* A store that hangs must not hold the client for ever; the change goes on without it. */
    if (due.ns < call->deadline.ns && grpc_timer_set(&loop->timers, &call->timer, due) == ERR_OK) {
        call->deadline = due;
    }
    call->change = change;
    loop->tickets++;
    admin_submit(loop->service->registry, loop->service->keeper, &change->admin);
}
