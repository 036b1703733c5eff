/* parrot: a server that says one thing, whatever it is asked, and remembers what it heard.
 *
 * The law: each connection is read until one request is whole, answered with exactly the bytes that
 * were given, and closed. It exists to show what a client makes of answers that no real server
 * gives.
 *
 * What it cannot do without ends the test.
 *
 * Threads: each has one of its own; calls by one thread. */
#ifndef SEQD_TESTS_LIB_PARROT_H
#define SEQD_TESTS_LIB_PARROT_H

#include <stdint.h>

/* Answers: a head, and a body that ends with the connection. */
#define PARROT_HEAD(status, type) "HTTP/1.1 " status "\r\nContent-Type: " type "\r\n"
#define PARROT_BODY "Connection: close\r\n\r\n"
#define PARROT_TEXT(body) PARROT_HEAD("200 OK", "text/plain; charset=utf-8") PARROT_BODY body
#define PARROT_JSON(status, body) PARROT_HEAD(status, "application/json") PARROT_BODY body

struct parrot;

/* Between two answers: the first goes to the first connection, the last to all that remain. */
#define PARROT_THEN "\f"

/* Listen on the unix socket `path`, or, when it is NULL, on a port of 127.0.0.1 that the kernel
 * chooses. `answer` is borrowed until parrot_stop(); NULL: it stays silent and keeps the
 * connection, "": it closes without a word. */
struct parrot *parrot_start(const char *path, const char *answer);

uint16_t parrot_port(const struct parrot *parrot);

/* Close everything and return all the bytes that it has heard, with a NUL; to be freed. */
char *parrot_stop(struct parrot *parrot);

#endif
