/* tls: the certificate that the service shows, and its change while it runs.
 *
 * The law: a connection keeps the certificate that it began with until it ends, and one that comes
 * after a reload gets the new one; so no reload breaks a connection, and none is freed under one.
 * GnuTLS is the one TLS library of the process.
 *
 * Threads: any; opened, reloaded and closed by the owner. */
#ifndef SEQD_FRONT_TLS_H
#define SEQD_FRONT_TLS_H

#include "base/error.h"

#include <gnutls/gnutls.h>

#define TLS_PATH_SIZE 256 /* bytes of a path with its NUL */

/* What is spoken: TLS 1.2 and 1.3, in GnuTLS's words. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct tls_options {
    char certificate[TLS_PATH_SIZE]; /* PEM, with the certificates between it and the root behind
                                      * it; empty: no TLS */
    char key[TLS_PATH_SIZE];         /* PEM */
};

struct tls;
struct tls_identity;

/* Read certificate and key.
 * ERR_INVALID  a file cannot be read or understood, or the two do not belong together; what, and
 * which, in `detail`. ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
tls_open(const struct tls_options *options, struct tls **ret_tls, struct error_detail *detail);

/* Read them anew, for the connections that come from now on. As tls_open(); on a failure the old
 * ones stay in force. */
__attribute__((warn_unused_result)) enum error
tls_reload(struct tls *tls, const struct tls_options *options, struct error_detail *detail);

/* Free. NULL is accepted. Identities that are held live on. */
void tls_close(struct tls *tls);

/* Hold the identity that is in force, and let it go; NULL is accepted there. A session that was
 * given its credentials must have been freed before. */
struct tls_identity *tls_hold(struct tls *tls);
void tls_release(struct tls_identity *identity);

/* What a session is given, by gnutls_credentials_set(). */
gnutls_certificate_credentials_t tls_credentials(const struct tls_identity *identity);

#endif
