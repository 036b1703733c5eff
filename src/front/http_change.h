/* http_change: an administrative change that a request waits for.
 *
 * The law: no thread waits. The connection is suspended until the core has answered, its deadline
 * has come or the server stops; whichever is first resumes it, and the change outlives whoever
 * asked for it: the core may answer long after its client was told that nobody knows. What became
 * of it is logged in one line, and counted, in any case.
 *
 * Threads: new, submit and free by the one that serves the connection; the rest any. */
#ifndef SEQD_FRONT_HTTP_CHANGE_H
#define SEQD_FRONT_HTTP_CHANGE_H

#include "base/clock.h"
#include "core/admin.h"
#include "http_peer.h"
#include "http_request.h"
#include "http_service.h"

struct http_change {
    struct admin_request admin; /* core's from the submission on, until `done` */
    char peer[PEER_SIZE];       /* constant, as the next one */
    struct instant deadline;
    struct http_request *asker; /* the changes' lock; NULL: nobody waits any more */
    struct http_change *next;   /* the changes' lock; those that somebody waits for */
    struct http_change *previous;
};

/* A change of the sequence that the request's path names, all zero but for name and action; NULL
 * when memory is out. */
struct http_change *http_change_new(struct http_request *request, enum admin_action action);
void http_change_free(struct http_change *change);

/* Suspend the connection and hand the change to the core. The request's step is HTTP_STEP_CHANGE
 * then, and its `change` this one; when it is resumed, `change` is NULL if nobody knows what became
 * of it, else the answer is there and the change the caller's to free. False, with nothing done,
 * when the server stops. */
bool http_change_submit(struct http_change *change, struct http_request *request);

/* Have those that wait too long wait no longer. */
void http_changes_expire(struct http_service *service);

/* Nobody waits any more, and nobody will. */
void http_changes_close(struct http_service *service);

#endif
