#include "dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void need(bool done, const char *what, const char *path)
{
    if (!done) {
        fprintf(stderr, "dir: cannot %s '%s': %s\n", what, path, strerror(errno));
        abort();
    }
}

struct dir dir_make(void)
{
    const char *base = getenv("TMPDIR");
    struct dir dir;

    snprintf(dir.path, sizeof(dir.path), "%s/seqd-test-XXXXXX", base == NULL ? "/tmp" : base);
    need(mkdtemp(dir.path) != NULL, "make", dir.path);
    return dir;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

void dir_remove(const struct dir *dir)
{
    need(nftw(dir->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0, "remove", dir->path);
}

static int remove_below(const char *path, const struct stat *status, int type, struct FTW *where)
{
    return where->level == 0 ? 0 : remove_entry(path, status, type, where);
}

void dir_empty(const struct dir *dir)
{
    need(nftw(dir->path, remove_below, 16, FTW_DEPTH | FTW_PHYS) == 0, "empty", dir->path);
}

struct dir dir_entry(const struct dir *dir, const char *name)
{
    struct dir entry;
    int length = snprintf(entry.path, sizeof(entry.path), "%s/%s", dir->path, name);

    need(length > 0 && (size_t)length < sizeof(entry.path), "name", dir->path);
    return entry;
}

bool dir_has(const struct dir *dir, const char *name)
{
    struct dir entry = dir_entry(dir, name);

    return access(entry.path, F_OK) == 0;
}

static int open_entry(const struct dir *dir, const char *name, int flags)
{
    struct dir entry = dir_entry(dir, name);
    int fd = open(entry.path, flags | O_CLOEXEC, 0600);

    need(fd >= 0, "open", entry.path);
    return fd;
}

uint64_t dir_file_size(const struct dir *dir, const char *name)
{
    struct dir entry = dir_entry(dir, name);
    struct stat status;

    need(stat(entry.path, &status) == 0, "look at", entry.path);
    return (uint64_t)status.st_size;
}

void dir_delete(const struct dir *dir, const char *name)
{
    struct dir entry = dir_entry(dir, name);

    need(unlink(entry.path) == 0, "delete", entry.path);
}

void dir_patch(const struct dir *dir, const char *name, uint64_t offset, const void *bytes,
               size_t length)
{
    int fd = open_entry(dir, name, O_WRONLY);

    need(pwrite(fd, bytes, length, (off_t)offset) == (ssize_t)length, "write", name);
    close(fd);
}

void dir_write(const struct dir *dir, const char *name, const void *bytes, size_t length)
{
    int fd = open_entry(dir, name, O_WRONLY | O_CREAT | O_TRUNC);

    need(write(fd, bytes, length) == (ssize_t)length, "write", name);
    close(fd);
}

uint8_t *dir_read(const struct dir *dir, const char *name, size_t *ret_length)
{
    size_t length = (size_t)dir_file_size(dir, name);
    uint8_t *bytes = malloc(length + 1);
    int fd = open_entry(dir, name, O_RDONLY);

    need(bytes != NULL && read(fd, bytes, length) == (ssize_t)length, "read", name);
    close(fd);
    *ret_length = length;
    return bytes;
}

void dir_copy_file(const struct dir *from, const char *name, const struct dir *to,
                   const char *to_name)
{
    size_t length;
    uint8_t *bytes = dir_read(from, name, &length);

    dir_write(to, to_name, bytes, length);
    free(bytes);
}

void dir_copy(const struct dir *from, const struct dir *to)
{
    DIR *stream = opendir(from->path);
    struct dirent *entry;

    need(stream != NULL, "read", from->path);
    while ((entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            dir_copy_file(from, entry->d_name, to, entry->d_name);
        }
    }
    closedir(stream);
}

void dir_truncate(const struct dir *dir, const char *name, uint64_t length)
{
    struct dir entry = dir_entry(dir, name);

    need(truncate(entry.path, (off_t)length) == 0, "cut", entry.path);
}

void dir_flip(const struct dir *dir, const char *name, uint64_t offset, uint8_t mask)
{
    int fd = open_entry(dir, name, O_RDWR);
    uint8_t byte;

    need(pread(fd, &byte, 1, (off_t)offset) == 1, "read", name);
    byte ^= mask;
    need(pwrite(fd, &byte, 1, (off_t)offset) == 1, "write", name);
    close(fd);
}

uint64_t dir_find(const struct dir *dir, const char *name, uint64_t offset, const void *bytes,
                  size_t length)
{
    size_t size;
    uint8_t *all = dir_read(dir, name, &size);
    const uint8_t *found =
        offset >= size ? NULL : memmem(all + offset, size - (size_t)offset, bytes, length);
    uint64_t where = found == NULL ? UINT64_MAX : (uint64_t)(found - all);

    free(all);
    return where;
}

int dir_set_up(void **state)
{
    struct dir *dir = malloc(sizeof *dir);

    if (dir == NULL) {
        return -1;
    }
    *dir = dir_make();
    *state = dir;
    return 0;
}

int dir_tear_down(void **state)
{
    dir_remove(*state);
    free(*state);
    return 0;
}

/* False where the file system does not tell. */
static bool birth_of(const struct dir *dir, const char *name, struct statx_timestamp *ret_moment)
{
    struct dir file = dir_entry(dir, name);
    struct statx made;

    need(statx(AT_FDCWD, file.path, 0, STATX_BTIME, &made) == 0, "look at", file.path);
    *ret_moment = made.stx_btime;
    return (made.stx_mask & STATX_BTIME) != 0;
}

void dir_await_birth(const struct dir *dir, const char *name)
{
    struct dir probe = dir_entry(dir, "probe");
    struct statx_timestamp old;
    struct statx_timestamp young;
    bool told = birth_of(dir, name, &old);

    do {
        dir_write(dir, "probe", "", 0);
        told = birth_of(dir, "probe", &young) && told;
        need(unlink(probe.path) == 0, "remove", probe.path);
    } while (told && young.tv_sec == old.tv_sec && young.tv_nsec == old.tv_nsec);
}
