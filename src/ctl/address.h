/* address: where the server is, and what to do when it is not there.
 *
 * The law: what the command line says comes first, then $SEQD_URL, then the package's socket if
 * it is there, then the loopback address.
 *
 * Threads: any. */
#ifndef SEQD_CTL_ADDRESS_H
#define SEQD_CTL_ADDRESS_H

#include "base/error.h"

#include <stddef.h>

#define ADDRESS_SIZE 512 /* bytes of a URL or path, with the NUL */
#define ADDRESS_SOCKET "/run/seqd/seqd.sock"
#define ADDRESS_URL "http://127.0.0.1:8080"

struct address {
    char socket[ADDRESS_SIZE]; /* "": it is reached by the URL alone */
    char url[ADDRESS_SIZE];    /* what paths are appended to; no '/' at its end */
};

/* What may name a server; NULL or "": it does not. */
struct address_sources {
    const char *url;
    const char *socket;
    const char *environment;    /* $SEQD_URL */
    const char *default_socket; /* taken if something is there */
};

/* A URL is one of http or https, or "unix:" and a socket's path, as seqd names it. ERR_INVALID,
 * with what is wrong in `detail`, otherwise. */
__attribute__((warn_unused_result)) enum error address_choose(const struct address_sources *sources,
                                                              struct address *ret_address,
                                                              struct error_detail *detail);

/* What people call it: the socket's path, or the URL. */
const char *address_name(const struct address *address);

/* Why nobody could be reached there, and what to do: with `system_error` as connect() failed, 0 if
 * it is not known. */
void address_explain(const struct address *address, int system_error, struct error_detail *detail);

#endif
