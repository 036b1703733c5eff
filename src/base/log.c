#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static _Atomic int current_level = LOG_LEVEL_INFO;
static _Atomic int prefix_on = 1;

void log_set_level(enum log_level level)
{
    /* order: relaxed; the level stands alone, and a line that is dropped a moment later than it
     * could be does no harm. */
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

void log_set_prefix(int on)
{
    /* order: relaxed, as for the level. */
    atomic_store_explicit(&prefix_on, on, memory_order_relaxed);
}

void log_line(enum log_level level, const char *format, ...)
{
    /* order: relaxed, as in log_set_level(). */
    if ((int)level > atomic_load_explicit(&current_level, memory_order_relaxed)) {
        return;
    }
    char line[LOG_LINE_SIZE + 8];
    int start = 0;
    /* order: relaxed, as in log_set_prefix(). */
    if (atomic_load_explicit(&prefix_on, memory_order_relaxed) != 0) {
        start = snprintf(line, sizeof line, "<%d>", (int)level);
    }
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line + start, LOG_LINE_SIZE, format, arguments);
    va_end(arguments);
    assert(start >= 0);
    if (length < 0) {
        return; /* no text: it names a character that the locale does not have */
    }
    size_t end = (size_t)start + (length < LOG_LINE_SIZE ? (size_t)length : LOG_LINE_SIZE - 1);
    for (size_t i = (size_t)start; i < end; i++) {
        if ((unsigned char)line[i] < ' ') {
            line[i] = '?';
        }
    }
    line[end] = '\n';
    ssize_t written = write(STDERR_FILENO, line, end + 1);
    (void)written; /* there is nowhere left to report it */
}
