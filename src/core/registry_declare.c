/* What the configuration wants of the registry. */
#include "change.h"
#include "core/registry.h"

#include <inttypes.h>
#include <string.h>

#define NUMBERS_FORMAT "start %" PRId64 ", increment %" PRId64 ", min %" PRId64 ", max %" PRId64
#define NUMBERS_OF(definition) \
    (definition)->start, (definition)->increment, (definition)->min, (definition)->max

static enum error declare_existing(struct change *change, struct sequence *sequence,
                                   const struct definition *definition)
{
    struct sequence_status status;
    sequence_describe(sequence, &status);
    const struct definition *existing = &status.definition;
    if (!definition_same_numbers(existing, definition)) {
        return error_fail(change->detail, ERR_CONFLICT,
                          "sequence '%s' exists with " NUMBERS_FORMAT
                          "; asked for was " NUMBERS_FORMAT,
                          sequence_name(sequence), NUMBERS_OF(existing), NUMBERS_OF(definition));
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
    if (error != ERR_OK) {
        return error;
    }
    error = change_find(&change, name, &sequence);
    if (error == ERR_OK) {
        return declare_existing(&change, sequence, definition);
    }
    return error == ERR_NOT_FOUND ? change_create(&change, name, definition, &sequence) : error;
}
