#include "announce.h"

#include "base/log.h"
#include "base/version.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define GRPC_SIZE ((PLACE_TEXT_SIZE + 2) * ENDPOINTS_MAX)

/* What a person may type to try it; where every address is listened on, the loopback one is the
 * example. */
static void print_place(const struct place *place)
{
    struct place near = *place;
    char url[PLACE_TEXT_SIZE];
    char example[PLACE_TEXT_SIZE];
    if (strcmp(place->address, "0.0.0.0") == 0) {
        memcpy(near.address, "127.0.0.1", sizeof "127.0.0.1");
    } else if (strcmp(place->address, "::") == 0) {
        memcpy(near.address, "::1", sizeof "::1");
    }
    place_format(place, url);
    place_format(&near, example);
    printf("seqd %s listens on %s   try: curl ", SEQD_VERSION, url);
    if (place->scheme == PLACE_UNIX) {
        printf("--unix-socket %s http://seqd/\n", place->address);
    } else {
        printf("%s/\n", example);
    }
}

/* Tokens in the clear are the administrator's choice, but hardly his wish. */
static void warn_of_place(const struct place *place, bool tokens, const char *url)
{
    if (tokens && place->remote && place->scheme == PLACE_PLAIN) {
        log_warning("%s is reached without TLS: whoever sees the network sees the tokens, serving "
                    "all the same",
                    url);
    }
}

/* Where gRPC is served: ", grpc://127.0.0.1:9090" each. */
static void tell_grpc(const struct grpc *grpc, bool tokens, char to[GRPC_SIZE])
{
    size_t length = 0;
    to[0] = '\0';
    for (size_t i = 0; i < grpc_places(grpc); i++) {
        const struct place *place = grpc_place(grpc, i);
        char http[PLACE_TEXT_SIZE];
        char url[PLACE_TEXT_SIZE];
        place_format(place, http);
        (void)snprintf(url, sizeof url, "grpc%s", http + strlen("http")); /* as long as before */
        length += (size_t)snprintf(to + length, GRPC_SIZE - length, ", %s", url); /* it fits */
        printf("seqd %s listens on %s\n", SEQD_VERSION, url);
        warn_of_place(place, tokens, url);
    }
}

void announce(struct service *service, bool tokens, const char *directory,
              char ret_status[ANNOUNCE_SIZE])
{
    char all[ANNOUNCE_SIZE - 32] = "";
    char grpc[GRPC_SIZE];
    size_t length = 0;
    tell_grpc(service->grpc, tokens, grpc);
    for (size_t i = 0; i < http_places(service->http); i++) {
        const struct place *place = http_place(service->http, i);
        char url[PLACE_TEXT_SIZE];
        place_format(place, url);
        length += (size_t)snprintf(all + length, sizeof all - length, "%s%s",
                                   length > 0 ? ", " : "", url); /* it fits */
        print_place(place);
        warn_of_place(place, tokens, url);
    }
    (void)snprintf(all + length, sizeof all - length, "%s", grpc); /* it fits */
    (void)fflush(stdout); /* whether anybody reads it does not matter */
    size_t sequences = service_sequences(service);
    log_notice("seqd %s serves %zu sequence%s on %s, its data is in '%s'", SEQD_VERSION, sequences,
               sequences == 1 ? "" : "s", all, directory);
    (void)snprintf(ret_status, ANNOUNCE_SIZE, "Listening on %s", all);
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", ret_status); /* without systemd: does nothing */
}
