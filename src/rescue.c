#include "rescue.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKUP_MAX_BYTES (INT64_C(1) << 30)

static void log_moved(const struct store_lmdb_moved *moved)
{
    if (moved->exhausted > 0) {
        log_warning("%" PRIu64 " of the counters have no number left, serving 409 for them",
                    moved->exhausted);
    }
}

bool rescue_adopt(const struct store_lmdb_options *options, uint64_t skip)
{
    struct store_lmdb_moved moved = {0};
    struct error_detail detail = {.text = ""};
    enum error error = store_lmdb_adopt(options, skip, &moved, &detail);
    if (error != ERR_OK) {
        log_error("cannot adopt '%s': %s (%s)", options->directory, detail.text, error_name(error));
        return false;
    }
    log_notice("'%s' is adopted: %" PRIu64 " counters moved forward by %" PRIu64
               " numbers, %" PRIu64 " timestamp sequences to beyond now",
               options->directory, moved.counters, skip, moved.timestamps);
    log_moved(&moved);
    return true;
}

/* The whole of the regular file open as `fd`, to be freed; NULL with errno set. */
static char *read_whole(int fd, size_t *ret_length)
{
    struct stat status;
    size_t length = 0;
    if (fstat(fd, &status) != 0) {
        return NULL;
    }
    if (!S_ISREG(status.st_mode) || status.st_size > BACKUP_MAX_BYTES) {
        errno = EINVAL;
        return NULL;
    }
    char *text = malloc((size_t)status.st_size + 1);
    while (text != NULL && length < (size_t)status.st_size) {
        ssize_t got = read(fd, text + length, (size_t)status.st_size - length);
        if (got < 0 && errno != EINTR) {
            int code = errno;
            free(text);
            errno = code;
            return NULL;
        }
        if (got == 0) {
            break; /* it was cut meanwhile, which its checksum will show */
        }
        length += got > 0 ? (size_t)got : 0;
    }
    *ret_length = length;
    return text;
}

static char *read_backup(const char *path, size_t *ret_length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : read_whole(fd, ret_length);
    if (text == NULL) {
        log_error("cannot read the backup '%s': %s", path, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return text;
}

static bool propose(const char *path, const char *text, size_t length)
{
    struct error_detail detail = {.text = ""};
    uint64_t skip = 0;
    enum error error = store_lmdb_propose_skip(text, length, &skip, &detail);
    if (error != ERR_OK) {
        log_error("cannot restore '%s': %s (%s)", path, detail.text, error_name(error));
    } else {
        log_error("--restore needs --skip N: more numbers than were issued of any sequence since "
                  "the backup; by its age and its rate: --skip %" PRIu64,
                  skip);
    }
    return false;
}

static bool restore(const struct store_lmdb_options *options, const char *path, const char *text,
                    size_t length, uint64_t skip)
{
    struct store_lmdb_moved moved = {0};
    struct error_detail detail = {.text = ""};
    enum error error = store_lmdb_restore(options, text, length, skip, &moved, &detail);
    if (error != ERR_OK) {
        log_error("cannot restore '%s': %s (%s)", path, detail.text, error_name(error));
        return false;
    }
    log_notice("'%s' is restored into '%s': %" PRIu64 " counters moved forward by %" PRIu64
               " numbers, %" PRIu64 " timestamp sequences to beyond now",
               path, options->directory, moved.counters, skip, moved.timestamps);
    log_moved(&moved);
    return true;
}

bool rescue_restore(const struct store_lmdb_options *options, const char *path,
                    const uint64_t *skip)
{
    size_t length = 0;
    char *text = read_backup(path, &length);
    bool good = text != NULL && (skip == NULL ? propose(path, text, length)
                                              : restore(options, path, text, length, *skip));
    free(text);
    return good;
}
