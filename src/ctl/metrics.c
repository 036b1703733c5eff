#include "metrics.h"

#include "base/text.h"

#include <string.h>

/* "name{labels} value", "name value". Returns false when it is neither. */
static bool visit_line(char *line, metrics_visit_fn *visit, void *context)
{
    size_t length = strcspn(line, "{ ");
    char *value = line + length;
    struct metric metric = {.name = line, .labels = ""};
    if (length == 0 || *value == '\0') {
        return false;
    }
    if (*value == '{') {
        char *end = strrchr(value, '}');
        if (end == NULL || end[1] != ' ') {
            return false;
        }
        *value = '\0';
        metric.labels = value + 1;
        *end = '\0';
        value = end + 1;
    }
    *value = '\0';
    if (text_parse_uint64(value + 1, UINT64_MAX, &metric.value) == ERR_OK) {
        visit(context, &metric);
    }
    return true;
}

bool metrics_each(char *text, metrics_visit_fn *visit, void *context)
{
    for (char *line = text; *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end == NULL) {
            return false;
        }
        *end = '\0';
        if (*line != '\0' && *line != '#' && !visit_line(line, visit, context)) {
            return false;
        }
        line = end + 1;
    }
    return true;
}

bool metrics_label(const struct metric *metric, const char *name, char *to, size_t size)
{
    size_t name_length = strlen(name);
    for (const char *label = metric->labels; *label != '\0';) {
        size_t length = strcspn(label, "=");
        if (label[length] == '\0' || label[length + 1] != '"') {
            return false;
        }
        const char *value = label + length + 2;
        size_t value_length = strcspn(value, "\"\\");
        if (value[value_length] != '"') {
            return false;
        }
        if (length == name_length && memcmp(label, name, length) == 0) {
            if (value_length >= size) {
                return false;
            }
            memcpy(to, value, value_length);
            to[value_length] = '\0';
            return true;
        }
        label = value + value_length + 1;
        label += *label == ',' ? 1 : 0;
    }
    return false;
}
