#include "readback.h"

#include "base/range.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES (256 << 10)
#define ALIGNMENT_BYTES 4096 /* enough for direct reads on every disk */

/* One file, open twice. */
struct readback {
    const struct directory *directory;
    const char *name;
    int cached_fd;
    int direct_fd; /* -1 where direct reads are not to be had */
    uint8_t *cached;
    uint8_t *direct;
};

/* Up to CHUNK_BYTES at `offset`; short only at the end of the file. */
static ssize_t read_chunk(int fd, uint8_t *to, off_t offset)
{
    ssize_t length;

    do {
        length = pread(fd, to, CHUNK_BYTES, offset);
    } while (length < 0 && errno == EINTR);
    return length;
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t length)
{
    size_t i = 0;

    while (i < length && a[i] == b[i]) {
        i++;
    }
    return i;
}

static enum error compare_chunk(struct readback *readback, off_t offset, size_t length,
                                struct error_detail *detail)
{
    ssize_t direct = read_chunk(readback->direct_fd, readback->direct, offset);
    size_t shared;

    if (direct < 0 && errno == EINVAL) {
        /* Some file systems take the flag at open and refuse the read. */
        close(readback->direct_fd);
        readback->direct_fd = -1;
        return ERR_OK;
    }
    if (direct < 0) {
        return directory_fail(readback->directory, "read around the cache", readback->name, detail);
    }
    shared = range_min((uint64_t)direct, length);
    if (shared == length && memcmp(readback->cached, readback->direct, length) == 0) {
        return ERR_OK;
    }
    offset += (off_t)first_difference(readback->cached, readback->direct, shared);
    return error_fail(detail, ERR_IO,
                      "the disk does not hold what was written to '%s/%s': byte %" PRIu64
                      " differs; look at the kernel's log and replace the disk",
                      readback->directory->path, readback->name, (uint64_t)offset);
}

static enum error compare_all(struct readback *readback, struct error_detail *detail)
{
    off_t offset = 0;
    ssize_t length;

    while ((length = read_chunk(readback->cached_fd, readback->cached, offset)) > 0) {
        if (readback->direct_fd >= 0) {
            enum error error = compare_chunk(readback, offset, (size_t)length, detail);

            if (error != ERR_OK) {
                return error;
            }
        }
        offset += length;
    }
    return length < 0 ? directory_fail(readback->directory, "read", readback->name, detail)
                      : ERR_OK;
}

static enum error check_size(const struct readback *readback, uint64_t size_min_bytes,
                             struct error_detail *detail)
{
    struct stat status;

    if (fstat(readback->cached_fd, &status) != 0) {
        return directory_fail(readback->directory, "look at", readback->name, detail);
    }
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size < size_min_bytes) {
        return error_fail(detail, ERR_CORRUPT,
                          "'%s/%s' was cut: it has %" PRIu64 " bytes, never fewer than %" PRIu64
                          "; see docs/DISK-FORMAT.md",
                          readback->directory->path, readback->name, (uint64_t)status.st_size,
                          size_min_bytes);
    }
    return ERR_OK;
}

static enum error check_open_file(struct readback *readback, uint64_t size_min_bytes,
                                  struct error_detail *detail)
{
    enum error error = check_size(readback, size_min_bytes, detail);

    if (error != ERR_OK) {
        return error;
    }
    if (fsync(readback->cached_fd) != 0) {
        return directory_fail(readback->directory, "sync", readback->name, detail);
    }
    /* Only a request: what the kernel keeps, the comparison sees. */
    (void)posix_fadvise(readback->cached_fd, 0, 0, POSIX_FADV_DONTNEED);
    readback->direct_fd = openat(readback->directory->fd, readback->name,
                                 O_RDONLY | O_DIRECT | O_NOFOLLOW | O_CLOEXEC);
    if (posix_memalign((void **)&readback->cached, ALIGNMENT_BYTES, CHUNK_BYTES) != 0 ||
        posix_memalign((void **)&readback->direct, ALIGNMENT_BYTES, CHUNK_BYTES) != 0) {
        return error_fail(detail, ERR_NO_MEMORY, "no memory to read '%s/%s'",
                          readback->directory->path, readback->name);
    }
    return compare_all(readback, detail);
}

enum error readback_check(const struct directory *directory, const char *name,
                          uint64_t size_min_bytes, struct error_detail *detail)
{
    struct readback readback = {
        .directory = directory, .name = name, .cached_fd = -1, .direct_fd = -1};
    enum error error;

    readback.cached_fd = openat(directory->fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (readback.cached_fd < 0 && errno == ENOENT) {
        return error_fail(detail, ERR_CORRUPT, "'%s/%s' is missing; see docs/DISK-FORMAT.md",
                          directory->path, name);
    }
    if (readback.cached_fd < 0) {
        return directory_fail(directory, "open", name, detail);
    }
    error = check_open_file(&readback, size_min_bytes, detail);
    free(readback.direct);
    free(readback.cached);
    if (readback.direct_fd >= 0) {
        close(readback.direct_fd);
    }
    close(readback.cached_fd);
    return error;
}
