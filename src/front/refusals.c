#include "refusals.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <inttypes.h>
#include <netdb.h>
#include <sys/socket.h>

static const struct {
    const char *name;
    enum log_level level;
    const char *what;
    const char *instead;
} kinds[REFUSALS] = {
    [REFUSAL_NO_TOKEN] = {"no-token", LOG_LEVEL_NOTICE, "requests without a token",
                          "answering 401"},
    [REFUSAL_BAD_TOKEN] = {"bad-token", LOG_LEVEL_WARNING,
                           "requests with an unknown, malformed or expired token", "answering 401"},
    [REFUSAL_FORBIDDEN] = {"forbidden", LOG_LEVEL_NOTICE,
                           "requests that their token does not cover", "answering 403"},
    [REFUSAL_ADDRESS_LIMIT] = {"address-limit", LOG_LEVEL_WARNING,
                               "connections over max_connections_per_address", "closing them"},
    [REFUSAL_IDLE] = {"idle", LOG_LEVEL_DEBUG, "connections without a request in idle_timeout",
                      "closing them"},
    [REFUSAL_SLOW] = {"slow", LOG_LEVEL_NOTICE, "requests over request_timeout",
                      "closing their connections"},
    [REFUSAL_TLS] = {"tls", LOG_LEVEL_NOTICE, "connections without TLS or a request",
                     "closing them"},
    [REFUSAL_RESOURCES] = {"resources", LOG_LEVEL_WARNING,
                           "connections for want of descriptors or memory", "letting them wait"},
    [REFUSAL_FLOOD] = {"flood", LOG_LEVEL_WARNING,
                       "connections with too many frames that ask for nothing", "closing them"},
    [REFUSAL_PROTOCOL] = {"protocol", LOG_LEVEL_NOTICE,
                          "connections that do not speak HTTP/2 as it should be", "closing them"},
};

/* Is it time for a line? Then for one thread only, until the next is due. */
static bool may_tell(struct refusals *refusals, enum refusal kind)
{
    _Atomic uint64_t *quiet = &refusals->kinds[kind].quiet_ns;
    uint64_t now_ns = clock_now_coarse().ns;
    uint64_t next_ns = now_ns + REFUSALS_QUIET_MS * CLOCK_NS_PER_MS;
    /* order: relaxed; whoever wins the exchange below tells, and a line pairs with nothing else. */
    uint64_t quiet_ns = atomic_load_explicit(quiet, memory_order_relaxed);

    /* order: relaxed, both; see above. */
    return now_ns >= quiet_ns &&
           atomic_compare_exchange_strong_explicit(quiet, &quiet_ns, next_ns, memory_order_relaxed,
                                                   memory_order_relaxed);
}

/* The other end of `fd`, in words. */
static void name_peer(int fd, char to[NI_MAXHOST])
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;

    if (getpeername(fd, (struct sockaddr *)&peer, &size) != 0) {
        (void)snprintf(to, NI_MAXHOST, "a client that has gone");
    } else if (peer.ss_family == AF_UNIX || getnameinfo((struct sockaddr *)&peer, size, to,
                                                        NI_MAXHOST, NULL, 0, NI_NUMERICHOST) != 0) {
        (void)snprintf(to, NI_MAXHOST, "the unix socket");
    }
}

void refusals_note(struct refusals *refusals, enum refusal kind, int fd)
{
    char peer[NI_MAXHOST] = "";

    assert(kind < REFUSALS);
    /* order: relaxed; a count stands alone. */
    uint64_t count =
        1 + atomic_fetch_add_explicit(&refusals->kinds[kind].count, 1, memory_order_relaxed);
    if (!may_tell(refusals, kind)) {
        return;
    }
    /* order: relaxed; only the one that may tell writes it. */
    uint64_t told =
        atomic_exchange_explicit(&refusals->kinds[kind].told, count, memory_order_relaxed);
    name_peer(fd, peer);
    log_line(kinds[kind].level, "refused %" PRIu64 " %s (%s), the last from %s, %s", count - told,
             kinds[kind].what, kinds[kind].name, peer, kinds[kind].instead);
}

uint64_t refusals_count(struct refusals *refusals, enum refusal kind)
{
    assert(kind < REFUSALS);
    /* order: relaxed; a count stands alone. */
    return atomic_load_explicit(&refusals->kinds[kind].count, memory_order_relaxed);
}

const char *refusal_name(enum refusal kind)
{
    assert(kind < REFUSALS);
    return kinds[kind].name;
}
