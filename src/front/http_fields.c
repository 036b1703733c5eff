#include "http_fields.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

static void read_parameter(struct http_fields *fields, const char *name, const char *value)
{
    if (fields->parameter_count < HTTP_PARAMETERS_MAX) {
        fields->parameters[fields->parameter_count++] = (struct http_parameter){name, value};
    }
}

static bool begins_with(const char *value, const char *word)
{
    return strncasecmp(value, word, strlen(word)) == 0;
}

static void read_header(struct http_fields *fields, const char *name, const char *value)
{
    uint64_t length = 0;

    /* Most headers are none of these: the first letter tells. */
    switch (name[0] | 0x20) {
    case 'a':
        if (strcasecmp(name, "Accept") == 0) {
            http_accept_add(&fields->accept, value);
        } else if (strcasecmp(name, "Access-Control-Request-Method") == 0) {
            fields->asked_method = value;
        } else if (strcasecmp(name, "Authorization") == 0) {
            fields->authorization = fields->authorization == NULL ? value : "";
        }
        break;
    case 'c':
        if (strcasecmp(name, "Content-Length") == 0) {
            fields->large_body = text_parse_uint64(value, HTTP_BODY_MAX, &length) != ERR_OK;
        } else if (strcasecmp(name, "Content-Type") == 0) {
            fields->content_type = value;
        }
        break;
    case 'o':
        if (strcasecmp(name, "Origin") == 0) {
            fields->origin = value;
        }
        break;
    case 'u':
        if (strcasecmp(name, "User-Agent") == 0) {
            fields->browser = begins_with(value, "Mozilla/"); /* all of them say so */
        }
        break;
    case 'p':
    case 's':
        if (strcasecmp(name, "Purpose") == 0 || strcasecmp(name, "Sec-Purpose") == 0) {
            fields->prefetch |= begins_with(value, "prefetch");
        }
        break;
    case 'x':
        if (strcasecmp(name, "X-Moz") == 0 || strcasecmp(name, "X-Purpose") == 0) {
            fields->prefetch |= begins_with(value, "prefetch") || begins_with(value, "preview");
        }
        break;
    default:
        break;
    }
}

static enum MHD_Result read_entry(void *context, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct http_fields *fields = context;

    fields->entries++;
    if (kind == MHD_HEADER_KIND) {
        read_header(fields, name, value != NULL ? value : "");
    } else if (kind == MHD_GET_ARGUMENT_KIND) {
        read_parameter(fields, name, value != NULL ? value : "");
    }
    return MHD_YES;
}

void http_fields_read(struct MHD_Connection *connection, struct http_fields *ret_fields)
{
    *ret_fields = (struct http_fields){.origin = NULL};
    (void)MHD_get_connection_values(connection,
                                    MHD_HEADER_KIND | MHD_GET_ARGUMENT_KIND | MHD_COOKIE_KIND,
                                    read_entry, ret_fields); /* counts the same */
}

const char *http_fields_parameter(const struct http_fields *fields, const char *name)
{
    for (unsigned i = 0; i < fields->parameter_count; i++) {
        if (strcmp(fields->parameters[i].name, name) == 0) {
            return fields->parameters[i].value;
        }
    }
    return NULL;
}
