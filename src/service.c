#include "service.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <string.h>

#define DRAIN_SLICE_MS 100 /* between two looks whether to hurry */

/* One line for each thing that the keeper decided; called by its thread. */
static void log_event(void *context, enum keeper_event event, enum error error, const char *text)
{
    (void)context;
    switch (event) {
    case KEEPER_STORE_FAILED:
        log_error("the store refused a commit (%s: %s), serving what is leased until it recovers",
                  error_name(error), text);
        return;
    case KEEPER_STORE_RECOVERED:
        log_notice("the store has recovered, renewing leases again");
        return;
    case KEEPER_SEQUENCE_FAILED:
        log_error("one sequence cannot be renewed (%s: %s), the others are served on",
                  error_name(error), text);
        return;
    }
}

/* Which ids were found, so that people can see that no two nodes have the same. */
static void log_ids(const struct config_sequence *sequence)
{
    const struct layout *layout = &sequence->definition.layout;
    const uint32_t ids[2] = {layout->machine_id, layout->node_id};
    for (unsigned i = 0; i < 2; i++) {
        if (sequence->id_texts[i][0] != '\0') {
            log_notice("sequence '%s': %s %" PRIu32 " comes from %s", sequence->name,
                       i == 0 ? "machine_id" : "node_id", ids[i], sequence->id_texts[i]);
        }
    }
}

static enum error declare_sequences(struct service *service, const struct config *config,
                                    struct error_detail *detail)
{
    for (size_t i = 0; i < config->sequence_count; i++) {
        const struct config_sequence *sequence = &config->sequences[i];
        enum error error = registry_declare(service->registry, service->store, sequence->name,
                                            &sequence->definition, detail);
        if (error != ERR_OK) {
            struct error_detail where;
            config_where(config, sequence->place, &where);
            return error_wrap(detail, error, "%s: cannot serve sequence '%s'", where.text,
                              sequence->name);
        }
        log_ids(sequence);
    }
    return ERR_OK;
}

/* What both fronts share stands in section [http]. */
static struct grpc_options grpc_options_of(const struct config *config)
{
    struct grpc_options options = config->grpc;
    options.tls = config->http.tls;
    options.max_connections_per_address = config->http.max_connections_per_address;
    options.max_count = config->http.max_count;
    options.wait_timeout_ms = config->http.wait_timeout_ms;
    options.request_timeout_ms = config->http.request_timeout_ms;
    memcpy(options.default_sequence, config->http.default_sequence,
           sizeof options.default_sequence);
    return options;
}

/* What clients see, and what decides who may do what there. */
static enum error start_fronts(struct service *service, const struct config *config,
                               struct error_detail *detail)
{
    enum error error = access_open(&config->access, &service->access, detail);
    if (error == ERR_OK && config->tls.certificate[0] != '\0') {
        error = tls_open(&config->tls, &service->tls, detail);
    }
    if (error == ERR_OK) {
        struct ground ground = {.registry = service->registry,
                                .keeper = service->keeper,
                                .access = service->access,
                                .tls = service->tls,
                                .remote_is_wanted = access_serves_remote(&config->access)};
        if (config->grpc.listen.count > 0) {
            struct grpc_options options = grpc_options_of(config);
            error = grpc_start(&options, &ground, &service->grpc, detail);
        }
        if (error == ERR_OK) {
            ground.grpc = service->grpc;
            error = http_start(&config->http, &ground, &service->http, detail);
        }
    }
    return error;
}

/* Everything but the bells, from the ground up. */
static enum error start_parts(struct service *service, const struct config *config,
                              struct error_detail *detail)
{
    enum error error = registry_open(service->store, &service->renewals, &service->waits,
                                     &service->timekeeper, &service->registry, detail);
    if (error == ERR_OK) {
        error = declare_sequences(service, config, detail);
    }
    if (error == ERR_OK) {
        struct keeper_options options = {
            .store = service->store, .renewals = &service->renewals, .event = log_event};
        (void)error_fail(detail, ERR_OK, "no thread for the keeper"); /* should it fail */
        error = keeper_start(&options, &service->keeper);
    }
    if (error == ERR_OK) {
        (void)error_fail(detail, ERR_OK, "no thread for the expiry of waits"); /* should it fail */
        error = expiry_start(&service->waits, &service->expiry);
    }
    return error == ERR_OK ? start_fronts(service, config, detail) : error;
}

enum error service_start(struct service *service, struct store *store, const struct config *config,
                         struct error_detail *detail)
{
    *service = (struct service){.store = store};
    enum error error = bell_init(&service->renewals);
    if (error != ERR_OK) {
        return error_fail(detail, error, "no lock for the bell of renewals");
    }
    error = bell_init(&service->waits);
    if (error != ERR_OK) {
        bell_fini(&service->renewals);
        return error_fail(detail, error, "no lock for the bell of waits");
    }
    error = timekeeper_init(&service->timekeeper, wall_clock_system());
    if (error != ERR_OK) {
        bell_fini(&service->waits);
        bell_fini(&service->renewals);
        return error_fail(detail, error, "no lock for the timekeeper");
    }
    error = start_parts(service, config, detail);
    if (error != ERR_OK) {
        (void)service_stop(service, NULL); /* nobody was served yet */
    }
    return error;
}

/* The certificate. Without one at the start there is no thread that speaks TLS. */
static enum error alter_tls(struct service *service, const struct tls_options *options,
                            struct error_detail *detail)
{
    bool wanted = options->certificate[0] != '\0';
    if (wanted != (service->tls != NULL)) {
        return error_fail(detail, ERR_INVALID, "TLS begins and ends with a restart only");
    }
    return wanted ? tls_reload(service->tls, options, detail) : ERR_OK;
}

unsigned service_alter(struct service *service, const struct config *config)
{
    struct error_detail detail = {.text = ""};
    unsigned failures = 0;
    struct grpc_options grpc = grpc_options_of(config);
    http_alter(service->http, &config->http);
    grpc_alter(service->grpc, &grpc);
    if (access_reload(service->access, &config->access, &detail) != ERR_OK) {
        log_error("%s, keeping the old tokens in force", detail.text);
        failures++;
    }
    if (alter_tls(service, &config->tls, &detail) != ERR_OK) {
        log_error("%s, keeping the old certificate in force", detail.text);
        failures++;
    }
    return failures;
}

static void count_one(void *context, struct sequence *sequence)
{
    (void)sequence;
    size_t *count = context;
    (*count)++;
}

size_t service_sequences(struct service *service)
{
    size_t count = 0;
    registry_each(service->registry, count_one, &count);
    return count;
}

/* Let requests finish, for `limit_ms` at most and not longer than patience lasts. Returns how many
 * have not. */
static unsigned drain(struct service *service, unsigned limit_ms,
                      const struct service_patience *patience)
{
    if (service->http == NULL) {
        return 0;
    }
    struct instant until = clock_after(clock_now(), limit_ms * CLOCK_NS_PER_MS);
    for (;;) {
        unsigned left = http_drain(service->http, DRAIN_SLICE_MS);
        left += grpc_drain(service->grpc, DRAIN_SLICE_MS);
        bool hurry =
            patience != NULL && patience->over != NULL && patience->over(patience->context);
        if (left == 0 || hurry || clock_reached(until, clock_now())) {
            return left;
        }
    }
}

/* A clean stop leaves no gap: what is leased and was not issued goes back to the store. */
static void give_back(struct service *service)
{
    struct error_detail detail = {.text = ""};
    enum error error = registry_settle(service->registry, service->store, &detail);
    if (error != ERR_OK) {
        log_warning("leased numbers cannot be given back (%s: %s), leaving them as a gap",
                    error_name(error), detail.text);
    }
}

unsigned service_stop(struct service *service, const struct service_patience *patience)
{
    unsigned left = drain(service, SERVICE_DRAIN_MS, patience);
    if (service->registry != NULL) {
        registry_close(service->registry); /* ends every wait with a refusal ... */
    }
    if (left > 0) {
        left = drain(service, SERVICE_LAST_DRAIN_MS, NULL); /* ... which is sent here */
    }
    http_stop(service->http);
    grpc_stop(service->grpc);
    tls_close(service->tls);
    access_close(service->access);
    expiry_stop(service->expiry);
    keeper_stop(service->keeper);
    if (service->keeper != NULL) {
        give_back(service);
    }
    registry_free(service->registry);
    timekeeper_fini(&service->timekeeper);
    bell_fini(&service->waits);
    bell_fini(&service->renewals);
    *service = (struct service){.store = NULL};
    return left;
}
