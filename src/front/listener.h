/* listener: sockets that listen, opened or inherited, or words that say why there is none.
 *
 * The law: a unix socket's file that a dead process left is replaced, one behind which somebody
 * listens is refused, and anything else that stands there is left alone. The file is removed with
 * the listener, if it is still that one. What was inherited is closed and nothing else: never shut
 * down, never removed.
 *
 * Threads: any; one listener by one thread at a time. */
#ifndef SEQD_FRONT_LISTENER_H
#define SEQD_FRONT_LISTENER_H

#include "base/error.h"
#include "front/ground.h"
#include "front/place.h"

#include <stdbool.h>
#include <sys/types.h>

#define LISTENER_BACKLOG \
    4096 /* connections that the kernel may hold for us; it has a limit of its own */

struct listener {
    int fd; /* does not block */
    bool inherited;
    struct place place;
    dev_t device; /* this and the next: the file of our own unix socket; else 0 */
    ino_t inode;
};

/* Listen on a numeric address and a port, 0 for any that is free. The caller owes
 * listener_close().
 * ERR_CONFLICT  in use. ERR_INVALID  not an address of this machine, or not permitted. ERR_IO. */
__attribute__((warn_unused_result)) enum error listener_open_tcp(const struct endpoint *endpoint,
                                                                 struct listener *ret_listener,
                                                                 struct error_detail *detail);

/* Listen on a unix socket at `path`, whose file gets the permissions `mode`.
 * ERR_CONFLICT  somebody listens there. ERR_INVALID  something else stands there, or the file
 * cannot be made. ERR_IO. */
__attribute__((warn_unused_result)) enum error listener_open_unix(const char *path, unsigned mode,
                                                                  struct listener *ret_listener,
                                                                  struct error_detail *detail);

/* Take a socket that listens already; it is given away on ERR_OK.
 * ERR_INVALID  it is no stream socket of TCP or of the unix kind that listens. */
__attribute__((warn_unused_result)) enum error listener_take(int fd, struct listener *ret_listener,
                                                             struct error_detail *detail);

/* Settle what it is for: whether it speaks TLS, by `tls` and where there is a certificate, and
 * whether it may be at all. `front` comes before the place in the refusal: "gRPC at ", or "" for
 * HTTP.
 * ERR_INVALID  another machine can reach it, and that was not wanted. */
__attribute__((warn_unused_result)) enum error
listener_settle(struct listener *listener, enum place_tls tls, const struct ground *ground,
                const char *front, struct error_detail *detail);

/* Close it. A listener whose `fd` is -1 is accepted. */
void listener_close(struct listener *listener);

#endif
