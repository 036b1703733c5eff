/* What the configuration wants of the registry. */
#include "change.h"
#include "core/registry.h"
#include "registry_place.h"

#include <string.h>

static enum error declare_existing(struct change *change, struct sequence *sequence,
                                   const struct definition *definition)
{
    struct sequence_status status;
    sequence_describe(sequence, &status);
    const struct definition *existing = &status.definition;
    if (!definition_same_numbers(existing, definition)) {
        char is[DEFINITION_TEXT_SIZE];
        char asked[DEFINITION_TEXT_SIZE];
        definition_describe(existing, is);
        definition_describe(definition, asked);
        return error_fail(change->detail, ERR_CONFLICT,
                          "sequence '%s' exists with %s; asked for was %s", sequence_name(sequence),
                          is, asked);
    }
    return definition_equal(existing, definition) ? ERR_OK
                                                  : change_alter(change, sequence, definition);
}

enum error registry_declare(struct registry *registry, struct store *store, const char *name,
                            const struct definition *definition, struct error_detail *detail)
{
    struct change change = {.registry = registry, .store = store, .detail = detail};
    struct sequence *sequence = NULL;
    enum error error = definition_check_name(name, strlen(name), detail);
    if (error == ERR_OK) {
        error = definition_check(definition, detail);
    }
    if (error == ERR_OK) {
        error = registry_check_clock(registry, definition, detail);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = change_find(&change, name, &sequence);
    if (error == ERR_OK) {
        return declare_existing(&change, sequence, definition);
    }
    return error == ERR_NOT_FOUND ? change_create(&change, name, definition, &sequence) : error;
}
