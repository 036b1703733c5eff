/* inherit: the sockets that a service manager has passed to this process (sd_listen_fds(3)).
 *
 * The law: with any, none of the configuration's is opened: who activates by a socket wants that
 * one. What is passed for another process (LISTEN_PID) is not touched.
 *
 * Threads: one, before any other is started. */
#ifndef SEQD_INHERIT_H
#define SEQD_INHERIT_H

#include "base/error.h"
#include "front/http.h"

/* Take them into `http`; the environment then says nothing of them any more.
 * ERR_INVALID  more than HTTP_INHERITED_MAX. ERR_IO  libsystemd cannot say. */
__attribute__((warn_unused_result)) enum error inherit_sockets(struct http_options *http,
                                                               struct error_detail *detail);

#endif
