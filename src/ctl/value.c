#include "value.h"

#include "base/text.h"

#include <stdio.h>

const char *value_text(const json_t *value, char to[VALUE_SIZE])
{
    if (json_is_string(value)) {
        return json_string_value(value);
    }
    if (json_is_integer(value)) {
        (void)snprintf(to, VALUE_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return to;
    }
    if (json_is_boolean(value)) {
        return json_is_true(value) ? "yes" : "no";
    }
    return "-";
}

const char *value_member(const json_t *object, const char *name, char to[VALUE_SIZE])
{
    return value_text(json_object_get(object, name), to);
}

uint64_t value_uint64(const json_t *object, const char *name, uint64_t standard)
{
    char text[VALUE_SIZE];
    uint64_t value = 0;
    if (text_parse_uint64(value_member(object, name, text), UINT64_MAX, &value) != ERR_OK) {
        return standard;
    }
    return value;
}
