#include "grpc_line.h"

#include "http_client.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static ssize_t as_errno(ssize_t result)
{
    if (result >= 0) {
        return result;
    }
    errno =
        result == GNUTLS_E_AGAIN || gnutls_error_is_fatal((int)result) == 0 ? EAGAIN : ECONNRESET;
    return -1;
}

ssize_t grpc_line_put(struct grpc_line *line, const void *bytes, size_t length)
{
    return line->tls != NULL
               ? as_errno(gnutls_record_send(line->tls, bytes, length))
               : send(http_client_socket(line->wire), bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t grpc_line_get(struct grpc_line *line, void *to, size_t room)
{
    return line->tls != NULL ? as_errno(gnutls_record_recv(line->tls, to, room))
                             : recv(http_client_socket(line->wire), to, room, MSG_DONTWAIT);
}

static void must(int result, const char *what)
{
    if (result < 0) {
        fail_msg("%s: %s", what, gnutls_strerror(result));
    }
}

/* Whose certificate it is. */
static void read_peer(struct grpc_line *line)
{
    unsigned count = 0;
    size_t size = sizeof line->peer;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(line->tls, &count);
    gnutls_x509_crt_t certificate;

    assert_non_null(chain);
    must(gnutls_x509_crt_init(&certificate), "certificate");
    must(gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER), "certificate");
    must(gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, line->peer,
                                       &size),
         "name");
    gnutls_x509_crt_deinit(certificate);
}

static bool shake_hands(struct grpc_line *line, const char *protocol)
{
    gnutls_datum_t agreed = {.data = NULL};
    int result = 0;

    do {
        result = gnutls_handshake(line->tls);
    } while (result < 0 && gnutls_error_is_fatal(result) == 0);
    return result == 0 && protocol != NULL &&
           gnutls_alpn_get_selected_protocol(line->tls, &agreed) == 0 &&
           agreed.size == strlen(protocol) && memcmp(agreed.data, protocol, agreed.size) == 0;
}

bool grpc_line_shake(struct grpc_line *line, const char *protocol, unsigned timeout_ms)
{
    int fd = http_client_socket(line->wire);
    gnutls_datum_t offer = {.data = (unsigned char *)(uintptr_t)protocol,
                            .size = protocol != NULL ? (unsigned)strlen(protocol) : 0};

    must(gnutls_init(&line->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), "init");
    must(gnutls_certificate_allocate_credentials(&line->credentials), "credentials");
    must(gnutls_credentials_set(line->tls, GNUTLS_CRD_CERTIFICATE, line->credentials),
         "credentials");
    must(gnutls_set_default_priority(line->tls), "priorities");
    if (protocol != NULL) {
        must(gnutls_alpn_set_protocols(line->tls, &offer, 1, 0), "ALPN");
    }
    gnutls_transport_set_int(line->tls, fd);
    gnutls_handshake_set_timeout(line->tls, timeout_ms);
    if (!shake_hands(line, protocol)) {
        return false;
    }
    read_peer(line);
    assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
    return true;
}

void grpc_line_close(struct grpc_line *line)
{
    if (line->tls != NULL) {
        gnutls_deinit(line->tls);
        gnutls_certificate_free_credentials(line->credentials);
        line->tls = NULL;
    }
    http_client_close(line->wire);
    line->wire = NULL;
}
