#include "outcome.h"

#include <stdarg.h>
#include <stdbool.h>

#define SAID_SIZE 2048 /* bytes of what is said at once; longer text is cut */

void outcome_print(FILE *to, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        bool control = (byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f;
        (void)fputc(control ? '?' : byte, to); /* who flushes looks for errors */
    }
}

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list arguments)
{
    char text[SAID_SIZE];
    (void)vsnprintf(text, sizeof text, format, arguments); /* a cut text is still a text */
    (void)fputs("seqctl: ", stderr);
    outcome_print(stderr, text);
    (void)fputc('\n', stderr);
}

void outcome_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

enum outcome outcome_fail(enum outcome outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    return outcome;
}
