/* apart: a story told in a process of its own, on a disk of its own: a small one in memory, mounted
 * in a namespace that nobody else sees.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_LIB_APART_H
#define SEQD_TESTS_LIB_APART_H

#include "dir.h"

#include <stdio.h>
#include <unistd.h>

/* How a story ended. */
enum apart_ending {
    APART_WELL,
    APART_BADLY,
    APART_NOT_POSSIBLE
};

/* Within a story: say which part of it went wrong, with `text`, where asserting would end the
 * parent's story as well. */
#define APART_CHECK(fact, text) \
    do { \
        if (!(fact)) { \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #fact, text); \
            _exit(APART_BADLY); \
        } \
    } while (0)

/* Tell `story` in a process of its own, and assert that it ends well; skip the test loudly where it
 * cannot be told. */
void apart_tell(const struct dir *dir, void (*story)(const struct dir *dir));

/* Within a story: mount a disk in memory at `dir`; `size` as tmpfs takes it. */
void apart_mount(const struct dir *dir, const char *size);

/* Within a story: write a file until nothing more fits. */
void apart_fill(const struct dir *dir);

#endif
