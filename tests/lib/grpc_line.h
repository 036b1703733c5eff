/* grpc_line: the bytes between grpc_client and a server, in the clear or through TLS.
 *
 * Threads: the client's. Links GnuTLS. */
#ifndef SEQD_TESTS_LIB_GRPC_LINE_H
#define SEQD_TESTS_LIB_GRPC_LINE_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct grpc_line {
    struct http_client *wire; /* owned */
    gnutls_session_t tls;     /* NULL: in the clear */
    gnutls_certificate_credentials_t credentials;
    char peer[64]; /* the name in the server's certificate */
};

/* Begin TLS and offer `protocol` by ALPN (NULL: none). False when the handshake fails or the server
 * does not agree; no certificate is believed or refused. */
bool grpc_line_shake(struct grpc_line *line, const char *protocol, unsigned timeout_ms);

/* As send(2) and recv(2), which never block here. */
ssize_t grpc_line_put(struct grpc_line *line, const void *bytes, size_t length);
ssize_t grpc_line_get(struct grpc_line *line, void *to, size_t room);

void grpc_line_close(struct grpc_line *line);

#endif
