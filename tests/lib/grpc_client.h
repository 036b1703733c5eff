/* grpc_client: one HTTP/2 connection to a server on 127.0.0.1, for tests of gRPC, on the client's
 * side of libnghttp2. It says what it is told to, fit or not, and keeps everything that comes.
 *
 * The law: nothing is hidden and nothing is retried. Bytes go out and come in only while a call
 * below runs; none runs longer than its `timeout_ms`.
 *
 * A call that a test is certain of ends the test with a message when it fails; the others return
 * what happened.
 *
 * Threads: one client is used by one thread at a time. Links nghttp2 and GnuTLS. */
#ifndef SEQD_TESTS_LIB_GRPC_CLIENT_H
#define SEQD_TESTS_LIB_GRPC_CLIENT_H

#include "grpc_answer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRPC_CLIENT_TIMEOUT_MS 10000

struct grpc_client;

/* What is asked. A NULL is the usual value; an empty text leaves the field out. */
struct grpc_ask {
    const char *path;
    const char *method;        /* "POST" */
    const char *content_type;  /* "application/grpc" */
    const char *timeout;       /* none */
    const char *encoding;      /* none */
    const char *authorization; /* none */
    const char *more[2];       /* one field more: name and value */
    unsigned more_times;       /* how often; 0 is once, where there is one */
};

/* What the server said of the connection. */
struct grpc_goodbye {
    unsigned goaways;
    int32_t last_stream; /* of the last one */
    uint32_t code;
    char words[64];
    bool closed; /* the server has closed the connection, or broken it */
};

/* Connect to 127.0.0.1:`port`; ends the test when that fails. */
struct grpc_client *grpc_client_open(uint16_t port);

/* The same with windows of `window` bytes for each stream, which are given back only when the test
 * says so by grpc_client_read(). */
struct grpc_client *grpc_client_open_slow(uint16_t port, uint32_t window);

/* The same through TLS, with `protocol` offered by ALPN (NULL: none). NULL when the handshake fails
 * or the server does not agree; no certificate is believed or refused. */
struct grpc_client *grpc_client_try_tls(uint16_t port, const char *protocol);

/* The same, which must be agreed on "h2". */
struct grpc_client *grpc_client_open_tls(uint16_t port);

/* The name in the server's certificate; good until the client is closed. */
const char *grpc_client_peer(const struct grpc_client *client);

/* Close and free. NULL is accepted. */
void grpc_client_close(struct grpc_client *client);

int grpc_client_socket(const struct grpc_client *client);

/* Begin a call, with `length` bytes of its body; `end`: there is no more of it. Returns the
 * stream. */
int32_t grpc_client_begin(struct grpc_client *client, const struct grpc_ask *ask, const void *bytes,
                          size_t length, bool end);

/* Send more of its body. */
void grpc_client_send(struct grpc_client *client, int32_t stream, const void *bytes, size_t length,
                      bool end);

void grpc_client_reset(struct grpc_client *client, int32_t stream, uint32_t code);

/* A PING whose answer is counted by grpc_client_pongs(). */
void grpc_client_ping(struct grpc_client *client);
unsigned grpc_client_pongs(const struct grpc_client *client);

/* Give back `length` bytes of the window of `stream`. */
void grpc_client_read(struct grpc_client *client, int32_t stream, size_t length);

/* What came back so far; good until the client is closed. */
const struct grpc_answer *grpc_client_answer(struct grpc_client *client, int32_t stream);
const struct grpc_goodbye *grpc_client_goodbye(const struct grpc_client *client);

/* The server's SETTINGS of this number. */
uint32_t grpc_client_setting(struct grpc_client *client, int32_t id);

/* Send and receive until `stream` has ended, or has brought `bytes` of body, or the server has said
 * that it leaves, or has closed; false when the time is over first. */
bool grpc_client_await_end(struct grpc_client *client, int32_t stream, unsigned timeout_ms);
bool grpc_client_await_body(struct grpc_client *client, int32_t stream, size_t bytes,
                            unsigned timeout_ms);
bool grpc_client_await_pongs(struct grpc_client *client, unsigned pongs, unsigned timeout_ms);
bool grpc_client_await_goaway(struct grpc_client *client, unsigned goaways, unsigned timeout_ms);
bool grpc_client_await_close(struct grpc_client *client, unsigned timeout_ms);

/* Send what is there to send and take in what has come. */
void grpc_client_turn(struct grpc_client *client);

/* Begin `calls` calls of `ask`, each with this message, and send what the server takes of them,
 * reading nothing at all. False when the server takes no more before all are sent, which is to be
 * expected. */
bool grpc_client_stuff(struct grpc_client *client, const struct grpc_ask *ask, const void *bytes,
                       size_t length, unsigned calls, unsigned timeout_ms);

/* A whole call with one message, answered within 10 s; ends the test when it is not. */
const struct grpc_answer *grpc_client_call(struct grpc_client *client, const struct grpc_ask *ask,
                                           const void *bytes, size_t length);

#endif
