/* tls_client: one TLS connection to a server on 127.0.0.1, for tests. Links GnuTLS.
 *
 * The law: no certificate is believed or refused; whose it is, is told. No call blocks longer than
 * TLS_CLIENT_TIMEOUT_MS.
 *
 * Threads: one client is used by one thread at a time. */
#ifndef SEQD_TESTS_LIB_TLS_CLIENT_H
#define SEQD_TESTS_LIB_TLS_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#define TLS_CLIENT_TIMEOUT_MS 10000

struct tls_client;

/* Connect and shake hands, by GnuTLS's `priorities` (NULL: its own). NULL when the handshake fails;
 * ends the test when nobody listens. */
struct tls_client *tls_client_open(uint16_t port, const char *priorities);

/* The name in the server's certificate, in `to`. */
void tls_client_subject(const struct tls_client *client, char *to, size_t size);

/* Send `METHOD TARGET` with `headers` (may be "") and read one answer with a Content-Length; its
 * status, and its body in `body`. 0 when there is none. */
int tls_client_ask(struct tls_client *client, const char *method, const char *target,
                   const char *headers, char *body, size_t size);

/* Close and free. NULL is accepted. */
void tls_client_close(struct tls_client *client);

#endif
