#include "http_cors.h"

#include <string.h>

#define PREFLIGHT_SECONDS "600" /* for which a browser need not ask again */

enum error http_cors_init(struct http_cors *cors)
{
    *cors = (struct http_cors){.origins = ""};
    return pthread_mutex_init(&cors->lock, NULL) == 0 ? ERR_OK : ERR_NO_MEMORY;
}

void http_cors_fini(struct http_cors *cors)
{
    (void)pthread_mutex_destroy(&cors->lock); /* nobody holds it */
}

void http_cors_alter(struct http_cors *cors, const char *origins)
{
    pthread_mutex_lock(&cors->lock);
    memcpy(cors->origins, origins, strlen(origins) + 1);
    /* order: relaxed; see http_cors_on(). The list itself is under the lock. */
    atomic_store_explicit(&cors->on, origins[0] != '\0', memory_order_relaxed);
    pthread_mutex_unlock(&cors->lock);
}

bool http_cors_permits(struct http_cors *cors, const char *origin)
{
    size_t length = origin != NULL ? strlen(origin) : 0;
    bool found = false;

    if (length == 0 || memchr(origin, ',', length) != NULL || !http_cors_on(cors)) {
        return false;
    }
    pthread_mutex_lock(&cors->lock);
    for (const char *item = cors->origins; *item != '\0' && !found;) {
        size_t item_length = strcspn(item, ",");
        found = item_length == length && memcmp(item, origin, length) == 0;
        item += item_length + (item[item_length] == ',' ? 1 : 0);
    }
    pthread_mutex_unlock(&cors->lock);
    return found;
}

static bool add(struct MHD_Response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

bool http_cors_add(struct http_cors *cors, const char *origin, struct MHD_Response *response)
{
    if (!add(response, "Vary", "Origin")) {
        return false;
    }
    return !http_cors_permits(cors, origin) ||
           (add(response, "Access-Control-Allow-Origin", origin) &&
            add(response, "Access-Control-Expose-Headers",
                "Allow, Location, Retry-After, WWW-Authenticate"));
}

bool http_cors_add_preflight(struct MHD_Response *response, const char *methods)
{
    return add(response, "Access-Control-Allow-Methods", methods) &&
           add(response, "Access-Control-Allow-Headers", "Accept, Authorization, Content-Type") &&
           add(response, "Access-Control-Max-Age", PREFLIGHT_SECONDS);
}
