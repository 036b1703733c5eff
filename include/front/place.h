/* place: where a front listens.
 *
 * The law: an address is numeric. No name is looked up, so what the configuration says is what is
 * listened on, whatever a resolver answers.
 *
 * Source: RFC 3986, section 3.2.2, for the brackets around an IPv6 address.
 *
 * Threads: any. */
#ifndef SEQD_FRONT_PLACE_H
#define SEQD_FRONT_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#define ENDPOINT_ADDRESS_SIZE 64 /* bytes of a numeric address with its NUL */
#define ENDPOINTS_MAX 8
#define PLACE_ADDRESS_SIZE 108 /* bytes of a unix socket's path with its NUL; the kernel's limit */
#define PLACE_TEXT_SIZE 160    /* bytes of a place in words with its NUL */

/* Where to listen by TCP. */
struct endpoint {
    char address[ENDPOINT_ADDRESS_SIZE]; /* numeric IPv4 or IPv6 address, no brackets */
    uint16_t port;                       /* 0 lets the kernel choose; its place tells */
};

struct endpoints {
    unsigned count;
    struct endpoint items[ENDPOINTS_MAX];
};

/* Which TCP listeners speak TLS, once there is a certificate. */
enum place_tls {
    PLACE_TLS_REMOTE, /* those that another machine can reach */
    PLACE_TLS_ALL,
    PLACE_TLS_OFF,
};

enum place_scheme {
    PLACE_PLAIN,
    PLACE_TLS,
    PLACE_UNIX,
};

/* Where somebody listens. */
struct place {
    enum place_scheme scheme;
    char address[PLACE_ADDRESS_SIZE]; /* numeric, no brackets; or the path of a unix socket */
    uint16_t port;                    /* 0 for a unix socket */
    bool remote;                      /* another machine can reach it */
};

struct addrinfo;

/* What getaddrinfo() makes of it; the caller owes freeaddrinfo(). False when it is not an address
 * of four numbers with dots or of IPv6, perhaps with a scope, and nothing else. */
bool endpoint_resolve(const struct endpoint *endpoint, struct addrinfo **ret_where);

/* Would another machine reach it? No, when there is no such address. */
bool endpoint_is_remote(const struct endpoint *endpoint);

/* The place in words: "http://127.0.0.1:8080", "https://[::]:443", "unix:/run/seqd/seqd.sock". */
void place_format(const struct place *place, char to[PLACE_TEXT_SIZE]);

#endif
