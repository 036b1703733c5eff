#include "sentinel.h"

#include "base/crc32c.h"
#include "bytes.h"
#include "identity.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SLOT_AT_MAGIC = 0,        /* 8 */
    SLOT_AT_VERSION = 8,      /* 4 */
    SLOT_AT_STATE = 12,       /* 4 */
    SLOT_AT_INSTANCE = 16,    /* 16 */
    SLOT_AT_COUNTER = 32,     /* 8 */
    SLOT_AT_INCARNATION = 40, /* 16 */
    SLOT_AT_DATA = 56,        /* 16 */
    SLOT_AT_SELF = 72,        /* 16 */
    SLOT_AT_MACHINE = 88,     /* 16 */
    SLOT_AT_SPACE = 104,      /* 404, zero */
    SLOT_AT_CRC = 508,        /* 4 */
};

#define SENTINEL_NEW ".new" /* behind the name of one that is being made */

static const uint8_t slot_magic[8] = {'s', 'e', 'q', 'd', 's', 'e', 'n', 't'};

static_assert(SLOT_AT_CRC + 4 == SENTINEL_SLOT_SIZE, "the checksum ends a slot");

static void encode_file(const struct sentinel_file *file, uint8_t *to)
{
    bytes_put(to, file->inode, 8);
    bytes_put(to + 8, file->born_ns, 8);
}

static struct sentinel_file decode_file(const uint8_t *bytes)
{
    return (struct sentinel_file){.inode = bytes_get(bytes, 8), .born_ns = bytes_get(bytes + 8, 8)};
}

void sentinel_slot_encode(const struct sentinel_slot *slot, uint8_t to[SENTINEL_SLOT_SIZE])
{
    memset(to, 0, SENTINEL_SLOT_SIZE);
    memcpy(to + SLOT_AT_MAGIC, slot_magic, sizeof(slot_magic));
    bytes_put(to + SLOT_AT_VERSION, SENTINEL_VERSION, 4);
    bytes_put(to + SLOT_AT_STATE, (uint64_t)slot->state, 4);
    memcpy(to + SLOT_AT_INSTANCE, slot->instance, META_ID_SIZE);
    bytes_put(to + SLOT_AT_COUNTER, slot->counter, 8);
    memcpy(to + SLOT_AT_INCARNATION, slot->incarnation, META_ID_SIZE);
    encode_file(&slot->data, to + SLOT_AT_DATA);
    encode_file(&slot->self, to + SLOT_AT_SELF);
    memcpy(to + SLOT_AT_MACHINE, slot->machine, sizeof(slot->machine));
    bytes_put(to + SLOT_AT_CRC, crc32c(0, to, SLOT_AT_CRC), 4);
}

enum error sentinel_slot_decode(const uint8_t bytes[SENTINEL_SLOT_SIZE],
                                struct sentinel_slot *ret_slot, struct error_detail *detail)
{
    uint64_t version = bytes_get(bytes + SLOT_AT_VERSION, 4);
    uint64_t state = bytes_get(bytes + SLOT_AT_STATE, 4);

    if (bytes_get(bytes + SLOT_AT_CRC, 4) != crc32c(0, bytes, SLOT_AT_CRC) ||
        memcmp(bytes + SLOT_AT_MAGIC, slot_magic, sizeof(slot_magic)) != 0) {
        return error_fail(detail, ERR_CORRUPT, "the checksum of a slot is wrong");
    }
    if (version > SENTINEL_VERSION) {
        return error_fail(detail, ERR_FENCED, "of format %u, this seqd reads up to %d",
                          (unsigned)version, SENTINEL_VERSION);
    }
    if (version == 0 || (state != SENTINEL_INITIALISING && state != SENTINEL_INITIALISED) ||
        !bytes_are_zero(bytes + SLOT_AT_SPACE, SLOT_AT_CRC - SLOT_AT_SPACE)) {
        return error_fail(detail, ERR_CORRUPT, "a slot is impossible");
    }
    ret_slot->state = (enum sentinel_state)state;
    memcpy(ret_slot->instance, bytes + SLOT_AT_INSTANCE, META_ID_SIZE);
    ret_slot->counter = bytes_get(bytes + SLOT_AT_COUNTER, 8);
    memcpy(ret_slot->incarnation, bytes + SLOT_AT_INCARNATION, META_ID_SIZE);
    ret_slot->data = decode_file(bytes + SLOT_AT_DATA);
    ret_slot->self = decode_file(bytes + SLOT_AT_SELF);
    memcpy(ret_slot->machine, bytes + SLOT_AT_MACHINE, sizeof(ret_slot->machine));
    return ERR_OK;
}

/* `length` bytes at `offset`, all or nothing: a short write is a failure. */
static bool write_whole(int fd, const uint8_t *bytes, size_t length, off_t offset)
{
    ssize_t written;

    do {
        written = pwrite(fd, bytes, length, offset);
    } while (written < 0 && errno == EINTR);
    if (written >= 0 && (size_t)written != length) {
        errno = ENOSPC; /* what a short write to a file means */
    }
    return written >= 0 && (size_t)written == length;
}

/* Write and sync the open, empty file `fd`: both slots as `slot`, which learns what file it is
 * in. False with errno set. */
static bool fill_new(int fd, struct sentinel_slot *slot)
{
    uint8_t bytes[SENTINEL_SIZE] = {0};

    if (identity_of_file(fd, &slot->self) != ERR_OK) {
        return false;
    }
    for (unsigned i = 0; i < SENTINEL_SLOTS; i++) {
        sentinel_slot_encode(slot, bytes + (size_t)i * SENTINEL_SLOT_STRIDE);
    }
    return write_whole(fd, bytes, SENTINEL_SIZE, 0) && fsync(fd) == 0;
}

/* A whole and synced file `name`; open, or -1 with errno set. */
static int write_new(const struct directory *directory, const char *name,
                     struct sentinel_slot *slot)
{
    int fd = openat(directory->fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int code;

    if (fd >= 0 && !fill_new(fd, slot)) {
        code = errno;
        close(fd);
        errno = code;
        return -1;
    }
    return fd;
}

/* The new file in its place, open, but not yet there for good. On failure nothing is open, and what
 * lay there still does. */
static enum error put_new(struct sentinel *sentinel, const struct directory *directory,
                          const struct sentinel_slot *slot, struct error_detail *detail)
{
    char fresh[NAME_MAX + 1];
    int length = snprintf(fresh, sizeof(fresh), "%s" SENTINEL_NEW, sentinel->name);
    enum error error;

    if (length < 0 || (size_t)length >= sizeof(fresh)) {
        return error_fail(detail, ERR_INVALID, "the name '%s' is too long", sentinel->name);
    }
    error = directory_remove(directory, fresh, detail);
    if (error != ERR_OK) {
        return error;
    }
    sentinel->slot = *slot;
    sentinel->place = 0;
    /* Under another name first, so that a file called sentinel is always a whole one: a crash that
     * left half of one could not be told from a sentinel that lost its bytes. */
    sentinel->fd = write_new(directory, fresh, &sentinel->slot);
    if (sentinel->fd < 0) {
        return directory_fail(directory, "write", fresh, detail);
    }
    if (renameat(directory->fd, fresh, directory->fd, sentinel->name) != 0) {
        error = directory_fail(directory, "rename", fresh, detail);
        sentinel_close(sentinel);
    }
    return error;
}

enum error sentinel_create(struct sentinel *sentinel, const struct directory *directory,
                           const struct sentinel_slot *slot, struct error_detail *detail)
{
    enum error error = put_new(sentinel, directory, slot, detail);

    return error == ERR_OK ? directory_sync(directory, detail) : error;
}

enum error sentinel_renew(struct sentinel *sentinel, const struct directory *directory,
                          struct error_detail *detail)
{
    struct sentinel fresh = {.name = sentinel->name, .fd = -1};
    enum error error = directory_still_holds(directory, sentinel->name, sentinel->fd, detail);

    if (error == ERR_OK) {
        error = put_new(&fresh, directory, &sentinel->slot, detail);
    }
    if (error != ERR_OK) {
        return error;
    }
    sentinel_close(sentinel);
    *sentinel = fresh;
    return directory_sync(directory, detail);
}

/* Take the newest whole slot of the open file. */
static enum error take_newest(struct sentinel *sentinel, const struct directory *directory,
                              struct error_detail *detail)
{
    uint8_t bytes[SENTINEL_SIZE] = {0};
    bool found = false;
    ssize_t length;

    do {
        length = pread(sentinel->fd, bytes, sizeof(bytes), 0);
    } while (length < 0 && errno == EINTR);
    if (length < 0) {
        return directory_fail(directory, "read", sentinel->name, detail);
    }
    for (unsigned i = 0; i < SENTINEL_SLOTS; i++) {
        struct sentinel_slot slot = {0};
        enum error error = sentinel_slot_decode(bytes + i * SENTINEL_SLOT_STRIDE, &slot, detail);

        if (error == ERR_FENCED) {
            return error_wrap(detail, error, "'%s/%s'", directory->path, sentinel->name);
        }
        if (error == ERR_OK && (!found || slot.counter > sentinel->slot.counter)) {
            sentinel->slot = slot;
            sentinel->place = i;
            found = true;
        }
    }
    if (!found) {
        return error_fail(detail, ERR_CORRUPT,
                          "both slots of '%s/%s' are damaged; see docs/DISK-FORMAT.md",
                          directory->path, sentinel->name);
    }
    return ERR_OK;
}

enum error sentinel_open(struct sentinel *sentinel, const struct directory *directory,
                         struct error_detail *detail)
{
    enum error error;

    sentinel->fd = openat(directory->fd, sentinel->name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (sentinel->fd < 0) {
        return directory_fail(directory, "open", sentinel->name, detail);
    }
    error = take_newest(sentinel, directory, detail);
    if (error != ERR_OK) {
        sentinel_close(sentinel);
    }
    return error;
}

enum error sentinel_write(struct sentinel *sentinel, const struct directory *directory,
                          enum sentinel_state state, uint64_t counter, struct error_detail *detail)
{
    uint8_t bytes[SENTINEL_SLOT_SIZE];
    struct sentinel_slot slot = sentinel->slot;
    unsigned place = (sentinel->place + 1) % SENTINEL_SLOTS;

    assert(sentinel->fd >= 0);
    assert(counter >= slot.counter);
    slot.state = state;
    slot.counter = counter;
    sentinel_slot_encode(&slot, bytes);
    if (!write_whole(sentinel->fd, bytes, sizeof(bytes), (off_t)place * SENTINEL_SLOT_STRIDE)) {
        return directory_fail(directory, "write", sentinel->name, detail);
    }
    sentinel->slot = slot;
    sentinel->place = place;
    return ERR_OK;
}

enum error sentinel_sync(const struct sentinel *sentinel, const struct directory *directory,
                         struct error_detail *detail)
{
    assert(sentinel->fd >= 0);
    if (fdatasync(sentinel->fd) != 0) {
        return directory_fail(directory, "sync", sentinel->name, detail);
    }
    return ERR_OK;
}

void sentinel_close(struct sentinel *sentinel)
{
    if (sentinel->fd >= 0) {
        close(sentinel->fd);
        sentinel->fd = -1;
    }
}
