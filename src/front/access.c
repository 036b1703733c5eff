#include "front/access.h"

#include "access_file.h"

#include <assert.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SCHEME "Bearer"
#define TOKEN_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define PEERS 3

struct access {
    int64_t (*now_s)(void);       /* constant */
    _Atomic unsigned open[PEERS]; /* the scopes that need no token, by enum access_peer */
    _Atomic uint64_t edition;     /* of `tokens`; what a client remembers of another is forgotten */
    pthread_rwlock_t lock;
    struct access_tokens tokens; /* lock */
};

static int64_t system_now_s(void)
{
    return (int64_t)time(NULL);
}

/* ---- open, reload, close ---- */

static void set_open(struct access *access, enum access_peer peer, unsigned scopes)
{
    /* order: relaxed; a request that misses it began before the reload ended. */
    atomic_store_explicit(&access->open[peer], scopes, memory_order_relaxed);
}

static void take_over(struct access *access, enum access_open open)
{
    unsigned looking = ACCESS_ISSUE | ACCESS_READ;

    set_open(access, ACCESS_PEER_UNIX, looking | ACCESS_ADMIN);
    set_open(access, ACCESS_PEER_LOOPBACK, open == ACCESS_OPEN_NEVER ? 0 : looking);
    set_open(access, ACCESS_PEER_REMOTE, open == ACCESS_OPEN_EVERYWHERE ? looking : 0);
}

enum error access_reload(struct access *access, const struct access_options *options,
                         struct error_detail *detail)
{
    struct access_tokens fresh = {.items = NULL};

    if (options->tokens[0] != '\0') {
        enum error error = access_tokens_read(options->tokens, &fresh, detail);
        if (error != ERR_OK) {
            return error;
        }
    }
    (void)pthread_rwlock_wrlock(&access->lock); /* fails only for our own bugs */
    struct access_tokens old = access->tokens;
    access->tokens = fresh;
    /* order: relaxed; it is stored under the lock, and who proves a token reads it there. A request
     * that finds the old one here, and what it remembers good, began before the reload ended. */
    atomic_fetch_add_explicit(&access->edition, 1, memory_order_relaxed);
    (void)pthread_rwlock_unlock(&access->lock); /* as above */
    take_over(access, options->issue_without_token);
    access_tokens_free(&old);
    return ERR_OK;
}

enum error access_open(const struct access_options *options, struct access **ret_access,
                       struct error_detail *detail)
{
    struct access *access = calloc(1, sizeof *access);

    if (access == NULL || pthread_rwlock_init(&access->lock, NULL) != 0) {
        free(access);
        return error_fail(detail, ERR_NO_MEMORY, "memory is out");
    }
    access->now_s = options->now_s != NULL ? options->now_s : system_now_s;
    enum error error = access_reload(access, options, detail);
    if (error != ERR_OK) {
        access_close(access);
        return error;
    }
    *ret_access = access;
    return ERR_OK;
}

void access_close(struct access *access)
{
    if (access == NULL) {
        return;
    }
    access_tokens_free(&access->tokens);
    (void)pthread_rwlock_destroy(&access->lock); /* nobody holds it */
    free(access);
}

bool access_serves_remote(const struct access_options *options)
{
    return options->tokens[0] != '\0' || options->issue_without_token == ACCESS_OPEN_EVERYWHERE;
}

size_t access_tokens(struct access *access)
{
    (void)pthread_rwlock_rdlock(&access->lock); /* fails only for our own bugs */
    size_t count = access->tokens.count;
    (void)pthread_rwlock_unlock(&access->lock); /* as above */
    return count;
}

/* ---- the check ---- */

/* The token in a header's value: "Bearer", in any case, and blanks before it. NULL when what stands
 * there cannot be one. */
static const char *token_in(const char *authorization, size_t length)
{
    size_t scheme = strlen(SCHEME);

    if (length > ACCESS_HEADER_MAX || strncasecmp(authorization, SCHEME, scheme) != 0) {
        return NULL;
    }
    size_t blanks = strspn(authorization + scheme, " ");
    const char *token = authorization + scheme + blanks;
    bool whole = blanks > 0 && strlen(token) == ACCESS_TOKEN_LENGTH &&
                 memcmp(token, ACCESS_PREFIX, strlen(ACCESS_PREFIX)) == 0 &&
                 strspn(token, TOKEN_CHARACTERS) == ACCESS_TOKEN_LENGTH;
    return whole ? token : NULL;
}

/* Look the token up and remember what it grants. Every hash is compared, whichever is the one. */
static bool prove(struct access *access, struct access_client *client, const char *authorization,
                  size_t length)
{
    unsigned char hash[ACCESS_HASH_BYTES];
    const char *token = token_in(authorization, length);
    bool found = false;

    if (token == NULL ||
        gnutls_hash_fast(GNUTLS_DIG_SHA256, token, ACCESS_TOKEN_LENGTH, hash) != 0) {
        return false;
    }
    (void)pthread_rwlock_rdlock(&access->lock); /* fails only for our own bugs */
    for (size_t i = 0; i < access->tokens.count; i++) {
        const struct access_token *known = &access->tokens.items[i];
        if (gnutls_memcmp(known->hash, hash, sizeof hash) == 0) {
            client->grant = known->grant;
            found = true;
        }
    }
    if (found) {
        /* order: relaxed; see access_reload(): the lock orders it. */
        client->edition = atomic_load_explicit(&access->edition, memory_order_relaxed);
        client->header_length = length;
        memcpy(client->header, authorization, length);
    }
    (void)pthread_rwlock_unlock(&access->lock); /* as above */
    return found;
}

/* Is it the header that was found good last, and by the tokens that are in force? */
static bool remembers(struct access *access, const struct access_client *client,
                      const char *authorization, size_t length)
{
    /* order: relaxed; see access_reload(). */
    uint64_t edition = atomic_load_explicit(&access->edition, memory_order_relaxed);

    return client->edition == edition && client->header_length == length &&
           gnutls_memcmp(client->header, authorization, length) == 0;
}

/* Does `pattern` match all of `name`? A '*' takes as little as it can, and more when the rest does
 * not match then. Only the last one is ever tried again, so it takes no more than the product of
 * both lengths. */
static bool matches(const char *pattern, const char *name, size_t length)
{
    const char *star = NULL;
    size_t after_star = 0;
    size_t at = 0;

    while (at < length) {
        if (*pattern == '*') {
            star = pattern++;
            after_star = at;
        } else if (*pattern == '?' || *pattern == name[at]) {
            pattern++;
            at++;
        } else if (star != NULL) {
            pattern = star + 1;
            at = ++after_star;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

static bool covers(const struct access_grant *grant, enum access_scope scope, const char *name,
                   size_t name_length)
{
    return (grant->scopes & scope) != 0 &&
           (grant->any_name || (name != NULL && matches(grant->pattern, name, name_length)));
}

enum access_verdict access_check(struct access *access, struct access_client *client,
                                 const char *authorization, enum access_scope scope,
                                 const char *name, size_t name_length)
{
    assert(client->peer < PEERS);
    /* order: relaxed; see set_open(). */
    unsigned open = atomic_load_explicit(&access->open[client->peer], memory_order_relaxed);

    if ((scope & ~open) == 0) {
        return ACCESS_GRANTED;
    }
    if (authorization == NULL) {
        return ACCESS_NO_TOKEN;
    }
    size_t length = strlen(authorization);
    if (!remembers(access, client, authorization, length) &&
        !prove(access, client, authorization, length)) {
        return ACCESS_BAD_TOKEN;
    }
    if (access->now_s() >= client->grant.expires_s) {
        return ACCESS_BAD_TOKEN;
    }
    return covers(&client->grant, scope, name, name_length) ? ACCESS_GRANTED : ACCESS_FORBIDDEN;
}
