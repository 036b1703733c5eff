#include "reload.h"

#include "base/log.h"

#include <assert.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct reload *reload_of(struct errand *errand)
{
    return (struct reload *)((char *)errand - offsetof(struct reload, errand));
}

/* On the keeper's thread. Once the store has failed, the rest has to wait for another reload. */
static enum error declare_all(struct errand *errand, struct store *store,
                              struct error_detail *detail)
{
    struct reload *reload = reload_of(errand);
    const struct config *config = reload->config;
    for (size_t i = 0; i < config->sequence_count; i++) {
        const struct config_sequence *sequence = &config->sequences[i];
        enum error error = registry_declare(reload->service->registry, store, sequence->name,
                                            &sequence->definition, detail);
        if (error == ERR_OK) {
            continue;
        }
        log_error("sequence '%s': %s (%s), leaving it as it was", sequence->name, detail->text,
                  error_name(error));
        reload->failures++;
        if (store_has_failed(error)) {
            reload->failures = config->sequence_count - i;
            return error;
        }
    }
    return ERR_OK;
}

/* On the keeper's thread, or on the owner's after the keeper has stopped. */
static void tell_owner(struct errand *errand, enum error error)
{
    struct reload *reload = reload_of(errand);
    if (error != ERR_OK) {
        log_error("the store cannot be written now, leaving the sequences as they were");
        reload->failures = reload->config->sequence_count;
    }
    uint64_t one = 1;
    ssize_t written = write(reload->done_fd, &one, sizeof one);
    assert(written == (ssize_t)sizeof one);
}

enum error reload_init(struct reload *reload, struct service *service, const struct config *config)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return ERR_IO;
    }
    *reload = (struct reload){.service = service, .config = config, .done_fd = fd};
    reload->errand = (struct errand){.run = declare_all, .done = tell_owner};
    return ERR_OK;
}

void reload_fini(struct reload *reload)
{
    if (reload->service != NULL) {
        close(reload->done_fd);
        reload->service = NULL;
    }
}

bool reload_fits(const struct reload *reload, const struct config *fresh)
{
    bool fits = true;
    for (size_t i = 0; i < fresh->sequence_count; i++) {
        const struct config_sequence *wanted = &fresh->sequences[i];
        struct sequence *sequence =
            registry_find(reload->service->registry, wanted->name, strlen(wanted->name));
        if (sequence == NULL) {
            continue;
        }
        struct sequence_status status;
        sequence_describe(sequence, &status);
        const struct definition *a = &status.definition;
        const struct definition *b = &wanted->definition;
        if (!definition_same_numbers(a, b)) {
            struct error_detail where;
            char is[DEFINITION_TEXT_SIZE];
            char asked[DEFINITION_TEXT_SIZE];
            config_where(fresh, wanted->place, &where);
            definition_describe(a, is);
            definition_describe(b, asked);
            log_error("%s: sequence '%s' has %s; %s cannot take its place", where.text,
                      wanted->name, is, asked);
            fits = false;
        }
    }
    return fits;
}

void reload_begin(struct reload *reload)
{
    assert(!reload->running);
    log_set_level(reload->config->log_level);
    reload->unread = service_alter(reload->service, reload->config);
    reload->running = true;
    reload->failures = 0;
    keeper_submit(reload->service->keeper, &reload->errand);
}

size_t reload_end(struct reload *reload)
{
    uint64_t count = 0;
    /* The keeper wrote `failures` before it wrote here; the kernel keeps that order. */
    ssize_t length = read(reload->done_fd, &count, sizeof count);
    assert(length == (ssize_t)sizeof count);
    assert(reload->running);
    reload->running = false;
    return reload->failures;
}
