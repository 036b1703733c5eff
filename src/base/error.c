#include "base/error.h"

#include <stdio.h>
#include <string.h>

const char *error_name(enum error code)
{
    switch (code) {
    case ERR_OK:
        return "ok";
    case ERR_PENDING:
        return "pending";
    case ERR_INVALID:
        return "invalid";
    case ERR_NOT_FOUND:
        return "not found";
    case ERR_CONFLICT:
        return "conflict";
    case ERR_EXHAUSTED:
        return "exhausted";
    case ERR_UNAVAILABLE:
        return "unavailable";
    case ERR_IO:
        return "input/output error";
    case ERR_CORRUPT:
        return "corrupt";
    case ERR_FENCED:
        return "fenced";
    case ERR_NO_MEMORY:
        return "out of memory";
    }
    return "unknown error";
}

enum error error_fail(struct error_detail *detail, enum error code, const char *format, ...)
{
    if (detail != NULL) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(detail->text, sizeof detail->text, format,
                        arguments); /* a cut text is still a text */
        va_end(arguments);
    }
    return code;
}

enum error error_wrap(struct error_detail *detail, enum error code, const char *format, ...)
{
    if (detail != NULL) {
        struct error_detail inner = *detail;
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(detail->text, sizeof detail->text, format, arguments);
        va_end(arguments);
        if ((size_t)length < sizeof detail->text) { /* a failure, -1, is beyond it as well */
            size_t room = sizeof detail->text - (size_t)length;
            (void)snprintf(detail->text + length, room, ": %.*s", (int)room, inner.text);
        }
    }
    return code;
}
