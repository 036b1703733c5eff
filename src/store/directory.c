#include "directory.h"

#include "failure.h"
#include "filesystem.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum error directory_fail(const struct directory *directory, const char *what, const char *name,
                          struct error_detail *detail)
{
    int code = errno;
    enum error error = failure_of_errno(code);
    const char *remedy = "";

    switch (error) {
    case ERR_INVALID:
        remedy = code == EROFS ? "; mount its file system for writing"
                               : "; give it to the user that seqd runs as, mode 0700";
        break;
    case ERR_UNAVAILABLE:
        remedy = "; make room on that file system";
        break;
    case ERR_OK:
    case ERR_PENDING:
    case ERR_NOT_FOUND:
    case ERR_CONFLICT:
    case ERR_EXHAUSTED:
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_FENCED:
    case ERR_NO_MEMORY:
        break;
    }
    return error_fail(detail, error, "cannot %s '%s%s%s': %s%s", what, directory->path,
                      name == NULL ? "" : "/", name == NULL ? "" : name, strerror(code), remedy);
}

/* Absolute, so that a later chdir() changes nothing; links are kept, so that one that is turned
 * elsewhere is noticed. */
static enum error set_path(struct directory *directory, const char *path,
                           struct error_detail *detail)
{
    char here[PATH_MAX] = "";
    int length;

    if (path[0] != '/' && getcwd(here, sizeof(here)) == NULL) {
        return error_fail(detail, ERR_IO, "cannot tell the working directory: %s", strerror(errno));
    }
    length = snprintf(directory->path, sizeof(directory->path), "%s%s%s", here,
                      here[0] == '\0' ? "" : "/", path);
    if (length < 0 || (size_t)length >= sizeof(directory->path)) {
        return error_fail(detail, ERR_INVALID, "the path of the data directory is too long");
    }
    return ERR_OK;
}

static enum error lock(const struct directory *directory, struct error_detail *detail)
{
    while (flock(directory->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) {
            continue;
        }
        if (errno == EWOULDBLOCK) {
            return error_fail(detail, ERR_CONFLICT,
                              "the data directory '%s' is in use by another seqd; stop that one, "
                              "or give this one a directory of its own",
                              directory->path);
        }
        return directory_fail(directory, "lock", NULL, detail);
    }
    return ERR_OK;
}

enum error directory_open(struct directory *directory, const char *path,
                          struct error_detail *detail)
{
    enum error error;

    directory->fd = -1;
    error = set_path(directory, path, detail);
    if (error != ERR_OK) {
        return error;
    }
    directory->fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->fd < 0 && errno == ENOENT) {
        return error_fail(detail, ERR_NOT_FOUND,
                          "there is no data directory '%s'; mount it, or type: mkdir -m 0700 '%s'",
                          directory->path, directory->path);
    }
    if (directory->fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
        return error_fail(detail, ERR_INVALID, "the data directory '%s' is not a directory",
                          directory->path);
    }
    if (directory->fd < 0) {
        return directory_fail(directory, "open the data directory", NULL, detail);
    }
    if (!directory->any_filesystem) {
        error = filesystem_check(directory->fd, directory->path, detail);
    }
    if (error == ERR_OK) {
        error = lock(directory, detail);
    }
    if (error != ERR_OK) {
        directory_close(directory);
    }
    return error;
}

void directory_close(struct directory *directory)
{
    if (directory->fd >= 0) {
        close(directory->fd);
        directory->fd = -1;
    }
}

/* Walk the entries: is there a sentinel, and which entry comes first by name that an empty
 * directory may not have? */
static enum error read_entries(DIR *stream, bool *ret_sentinel, bool *ret_data,
                               char first[NAME_MAX + 1])
{
    struct dirent *entry;

    first[0] = '\0';
    for (errno = 0; (entry = readdir(stream)) != NULL; errno = 0) {
        const char *name = entry->d_name;

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lost+found") == 0 ||
            strcmp(name, DIRECTORY_SENTINEL_NEW) == 0) {
            continue;
        }
        *ret_sentinel = *ret_sentinel || strcmp(name, DIRECTORY_SENTINEL) == 0;
        *ret_data = *ret_data || strcmp(name, DIRECTORY_DATA) == 0;
        if (first[0] == '\0' || strcmp(name, first) < 0) {
            snprintf(first, NAME_MAX + 1, "%s", name);
        }
    }
    return errno == 0 ? ERR_OK : ERR_IO;
}

enum error directory_survey(const struct directory *directory, bool *ret_ours,
                            struct error_detail *detail)
{
    char first[NAME_MAX + 1];
    bool sentinel = false;
    bool data = false;
    int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    enum error error;

    if (stream == NULL) {
        error = directory_fail(directory, "read", NULL, detail);
        if (fd >= 0) {
            close(fd);
        }
        return error;
    }
    error = read_entries(stream, &sentinel, &data, first);
    if (error != ERR_OK) {
        error = directory_fail(directory, "read", NULL, detail);
    }
    closedir(stream);
    if (error != ERR_OK) {
        return error;
    }
    if (data && !sentinel) {
        return error_fail(
            detail, ERR_CORRUPT,
            "'%s' holds '%s' and no '%s': either the sentinel was deleted, then "
            "restore it, or the data is not seqd's, then give seqd an empty directory",
            directory->path, DIRECTORY_DATA, DIRECTORY_SENTINEL);
    }
    if (first[0] != '\0' && !sentinel) {
        return error_fail(detail, ERR_INVALID,
                          "the data directory '%s' is not empty and not seqd's: it holds '%s'; "
                          "give seqd an empty directory (only lost+found may lie there)",
                          directory->path, first);
    }
    *ret_ours = sentinel;
    return ERR_OK;
}

/* Says a failed stat() that there is nothing, rather than that the disk does not tell? */
static bool is_nothing(int code)
{
    return code == ENOENT || code == ENOTDIR || code == ELOOP;
}

enum error directory_check_data(const struct directory *directory, struct error_detail *detail)
{
    if (faccessat(directory->fd, DIRECTORY_DATA, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        return ERR_OK;
    }
    if (!is_nothing(errno)) {
        return directory_fail(directory, "look at", DIRECTORY_DATA, detail);
    }
    return error_fail(detail, ERR_NOT_FOUND, "there is no '%s' in '%s'", DIRECTORY_DATA,
                      directory->path);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

enum error directory_still_holds(const struct directory *directory, const char *name, int fd,
                                 struct error_detail *detail)
{
    struct stat ours;
    struct stat there;
    int code;

    assert(fd >= 0);
    if (fstat(directory->fd, &ours) != 0) {
        return directory_fail(directory, "look at", NULL, detail);
    }
    code = stat(directory->path, &there) == 0 ? 0 : errno;
    if (code != 0 && !is_nothing(code)) {
        return directory_fail(directory, "look at", NULL, detail);
    }
    if (code != 0 || !same_file(&ours, &there)) {
        return error_fail(detail, ERR_FENCED,
                          "the data directory '%s' was moved away or replaced while seqd ran; put "
                          "it back and restart seqd",
                          directory->path);
    }
    if (fstat(fd, &ours) != 0) {
        return directory_fail(directory, "look at", name, detail);
    }
    code = fstatat(directory->fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
    if (code != 0 && !is_nothing(code)) {
        return directory_fail(directory, "look at", name, detail);
    }
    if (code != 0 || !same_file(&ours, &there)) {
        return error_fail(detail, ERR_FENCED,
                          "'%s/%s' was deleted or replaced while seqd ran; see "
                          "docs/DISK-FORMAT.md before you restart seqd",
                          directory->path, name);
    }
    return ERR_OK;
}

enum error directory_remove(const struct directory *directory, const char *name,
                            struct error_detail *detail)
{
    if (unlinkat(directory->fd, name, 0) != 0 && errno != ENOENT) {
        return directory_fail(directory, "delete", name, detail);
    }
    return ERR_OK;
}

enum error directory_sync(const struct directory *directory, struct error_detail *detail)
{
    if (fsync(directory->fd) != 0) {
        return directory_fail(directory, "sync", NULL, detail);
    }
    return ERR_OK;
}
