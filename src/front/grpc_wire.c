#include "grpc_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEEPALIVE_S 60      /* of silence, after which the kernel asks whether the peer lives */
#define KEEPALIVE_STEP_S 10 /* between its questions */
#define KEEPALIVE_STEPS 6   /* questions without an answer, then the peer is dead */

static const char protocol[] = "h2";

/* Answers are small and are waited for; and a peer that has died must not hold a call for ever.
 * What the kernel does not know, it does without. */
static void tune_socket(int fd)
{
    const int one = 1;
    const int idle = KEEPALIVE_S;
    const int step = KEEPALIVE_STEP_S;
    const int steps = KEEPALIVE_STEPS;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &step, sizeof step);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &steps, sizeof steps);
}

static bool start_session(struct grpc_wire *wire, struct tls *tls, gnutls_priority_t priorities)
{
    const gnutls_datum_t h2 = {.data = (unsigned char *)(uintptr_t)protocol,
                               .size = sizeof protocol - 1};

    if (gnutls_init(&wire->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
        wire->session = NULL;
        return false;
    }
    wire->identity = tls_hold(tls);
    if (gnutls_priority_set(wire->session, priorities) < 0 ||
        gnutls_credentials_set(wire->session, GNUTLS_CRD_CERTIFICATE,
                               tls_credentials(wire->identity)) < 0 ||
        gnutls_alpn_set_protocols(wire->session, &h2, 1, GNUTLS_ALPN_MANDATORY) < 0) {
        gnutls_deinit(wire->session);
        tls_release(wire->identity);
        return false;
    }
    gnutls_transport_set_int(wire->session, wire->fd);
    return true;
}

enum error grpc_wire_open(struct grpc_wire *wire, int fd, struct tls *tls,
                          gnutls_priority_t priorities)
{
    *wire = (struct grpc_wire){.fd = fd, .shaken = tls == NULL};
    if (tls != NULL && !start_session(wire, tls, priorities)) {
        return ERR_NO_MEMORY;
    }
    tune_socket(fd);
    return ERR_OK;
}

/* A client that offers no protocol at all passes the library's own check. */
static bool speaks_http2(const struct grpc_wire *wire)
{
    gnutls_datum_t chosen = {.data = NULL};

    return gnutls_alpn_get_selected_protocol(wire->session, &chosen) == 0 &&
           chosen.size == sizeof protocol - 1 && memcmp(chosen.data, protocol, chosen.size) == 0;
}

enum grpc_shake grpc_wire_shake(struct grpc_wire *wire)
{
    int result = 0;

    do {
        result = gnutls_handshake(wire->session);
    } while (result == GNUTLS_E_INTERRUPTED || result == GNUTLS_E_WARNING_ALERT_RECEIVED);
    if (result == GNUTLS_E_AGAIN) {
        return gnutls_record_get_direction(wire->session) == 1 ? GRPC_SHAKE_WRITES
                                                               : GRPC_SHAKE_READS;
    }
    if (result < 0) {
        (void)gnutls_alert_send_appropriate(wire->session, result); /* it is over all the same */
        return GRPC_SHAKE_FAILED;
    }
    if (!speaks_http2(wire)) {
        (void)gnutls_alert_send(wire->session, GNUTLS_AL_FATAL,
                                GNUTLS_A_NO_APPLICATION_PROTOCOL); /* as above */
        return GRPC_SHAKE_FAILED;
    }
    wire->shaken = true;
    return GRPC_SHAKEN;
}

/* What the library says, as the kernel would. A client that wants a new handshake is not served. */
static ssize_t translate(ssize_t result)
{
    if (result >= 0) {
        return result;
    }
    errno = result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED ||
                    result == GNUTLS_E_WARNING_ALERT_RECEIVED
                ? EAGAIN
                : ECONNRESET;
    return -1;
}

ssize_t grpc_wire_read(struct grpc_wire *wire, void *to, size_t room)
{
    return wire->session == NULL ? recv(wire->fd, to, room, 0)
                                 : translate(gnutls_record_recv(wire->session, to, room));
}

ssize_t grpc_wire_write(struct grpc_wire *wire, const void *bytes, size_t length)
{
    return wire->session == NULL ? send(wire->fd, bytes, length, MSG_NOSIGNAL)
                                 : translate(gnutls_record_send(wire->session, bytes, length));
}

bool grpc_wire_holds(const struct grpc_wire *wire)
{
    return wire->session != NULL && gnutls_record_check_pending(wire->session) > 0;
}

bool grpc_wire_shut(struct grpc_wire *wire)
{
    if (wire->session != NULL && wire->shaken) {
        (void)gnutls_bye(wire->session, GNUTLS_SHUT_WR); /* the end of the stream says it, too */
    }
    return shutdown(wire->fd, SHUT_WR) == 0;
}

void grpc_wire_close(struct grpc_wire *wire)
{
    if (wire->session != NULL) {
        gnutls_deinit(wire->session);
        wire->session = NULL;
        tls_release(wire->identity);
    }
    close(wire->fd);
}
