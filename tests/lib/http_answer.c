#include "http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of the header line at `line`, when it is header `name`. */
static const char *value_at(const char *line, const char *name)
{
    size_t length = strlen(name);

    if (strncasecmp(line, name, length) != 0 || line[length] != ':') {
        return NULL;
    }
    return line + length + 1 + strspn(line + length + 1, " \t");
}

/* The header line after `line`, or NULL. */
static const char *next_line(const char *line)
{
    const char *end = strstr(line, "\r\n");

    return end == NULL || end[2] == '\0' ? NULL : end + 2;
}

bool http_answer_header(const struct http_answer *answer, const char *name, char *ret_value,
                        size_t size)
{
    for (const char *line = next_line(answer->head); line != NULL; line = next_line(line)) {
        const char *value = value_at(line, name);

        if (value != NULL) {
            snprintf(ret_value, size, "%.*s", (int)strcspn(value, "\r\n"), value);
            return true;
        }
    }
    return false;
}

unsigned http_answer_count(const struct http_answer *answer, const char *name)
{
    unsigned count = 0;

    for (const char *line = next_line(answer->head); line != NULL; line = next_line(line)) {
        count += value_at(line, name) != NULL ? 1 : 0;
    }
    return count;
}

void http_answer_free(struct http_answer *answer)
{
    free(answer->head);
    free(answer->body);
    *answer = (struct http_answer){0};
}
