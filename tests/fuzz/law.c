#include "law.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK 0xA5

void law_broken(const char *file, int line, const char *promise)
{
    (void)fprintf(stderr, "law broken: %s:%d: %s\n", file, line, promise);
    abort();
}

uint8_t *law_bytes(const void *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    law_holds(copy != NULL);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

char *law_text(const void *bytes, size_t size)
{
    char *copy = malloc(size + 1);

    law_holds(copy != NULL);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    copy[size] = '\0';
    return copy;
}

const char *law_file(const void *bytes, size_t size)
{
    static int fd = -1;
    static char path[64];

    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        law_holds(fd >= 0 && fchmod(fd, 0600) == 0);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* fits */
    }
    law_holds(ftruncate(fd, 0) == 0);
    law_holds(size == 0 || pwrite(fd, bytes, size, 0) == (ssize_t)size);
    return path;
}

size_t law_lines(const void *bytes, size_t size)
{
    const char *text = bytes;
    size_t lines = size > 0 && text[size - 1] != '\n' ? 1 : 0;

    for (size_t i = 0; i < size; i++) {
        lines += text[i] == '\n' ? 1 : 0;
    }
    return lines;
}

bool law_explains(const struct error_detail *detail)
{
    size_t length = strnlen(detail->text, sizeof detail->text);

    return length > 0 && length < sizeof detail->text;
}

void law_mark(void *memory, size_t size)
{
    memset(memory, MARK, size);
}

bool law_untouched(const void *memory, size_t size)
{
    const uint8_t *bytes = memory;

    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != MARK) {
            return false;
        }
    }
    return true;
}
