/* dir: folders and files for tests, and ways to damage them.
 *
 * Every failure of a helper ends the test: a test that could not set its scene has shown nothing.
 *
 * Threads: any. */
#ifndef SEQD_TESTS_LIB_DIR_H
#define SEQD_TESTS_LIB_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIR_PATH_SIZE 512 /* bytes of a path, with the NUL */

struct dir {
    char path[DIR_PATH_SIZE];
};

/* A new, empty folder under $TMPDIR or /tmp, mode 0700. */
struct dir dir_make(void);

/* Remove it with all that lies in it. */
void dir_remove(const struct dir *dir);

/* Make it empty again. */
void dir_empty(const struct dir *dir);

/* The path of `name` in it. */
struct dir dir_entry(const struct dir *dir, const char *name);

/* Copy every plain file of `from` to `to`, over what lies there. */
void dir_copy(const struct dir *from, const struct dir *to);

/* cmocka's set-up and tear-down of a test that needs a directory: *state is it. */
int dir_set_up(void **state);
int dir_tear_down(void **state);

bool dir_has(const struct dir *dir, const char *name);
uint64_t dir_file_size(const struct dir *dir, const char *name);
void dir_delete(const struct dir *dir, const char *name);
void dir_write(const struct dir *dir, const char *name, const void *bytes, size_t length);
void dir_copy_file(const struct dir *from, const char *name, const struct dir *to,
                   const char *to_name);

/* Cut the file to `length` bytes, or lengthen it with zeros. */
void dir_truncate(const struct dir *dir, const char *name, uint64_t length);

/* Exclusive-or the byte at `offset` with `mask`. */
void dir_flip(const struct dir *dir, const char *name, uint64_t offset, uint8_t mask);

/* The whole file, to be freed; its length in `ret_length`. */
uint8_t *dir_read(const struct dir *dir, const char *name, size_t *ret_length);

/* Overwrite `length` bytes at `offset`. */
void dir_patch(const struct dir *dir, const char *name, uint64_t offset, const void *bytes,
               size_t length);

/* Where `bytes` stand in the file, from `offset` on; UINT64_MAX when nowhere. */
uint64_t dir_find(const struct dir *dir, const char *name, uint64_t offset, const void *bytes,
                  size_t length);

/* Wait until a file that is made there has another moment of birth than `name`: two that are made
 * within a tick of the kernel's clock may have the same, and one inode after the other. */
void dir_await_birth(const struct dir *dir, const char *name);

#endif
