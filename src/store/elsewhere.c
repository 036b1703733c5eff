#include "elsewhere.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum error elsewhere_init(struct elsewhere *elsewhere, const char *path,
                          struct error_detail *detail)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');

    *elsewhere = (struct elsewhere){.directory = {.fd = -1}, .sentinel = {.fd = -1}};
    elsewhere->sentinel.name = elsewhere->name;
    if (path == NULL) {
        return ERR_OK;
    }
    if (slash == NULL || slash[1] == '\0' || strlen(slash + 1) > NAME_MAX - sizeof(".new") ||
        (size_t)(slash - path) >= sizeof(elsewhere->directory.path)) {
        return error_fail(detail, ERR_INVALID, "the witness '%s' must be the path of a file", path);
    }
    memcpy(elsewhere->name, slash + 1, strlen(slash + 1) + 1);
    memcpy(elsewhere->directory.path, path, (size_t)(slash - path));
    return ERR_OK;
}

/* The folder is looked up each time: it may have been mounted since. */
static enum error open_folder(struct elsewhere *elsewhere, struct error_detail *detail)
{
    const char *path = elsewhere->directory.path;

    elsewhere->directory.fd =
        open(path[0] == '\0' ? "/" : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (elsewhere->directory.fd < 0) {
        return directory_fail(&elsewhere->directory, "open the folder of the witness", NULL,
                              detail);
    }
    return ERR_OK;
}

static enum error compare(const struct elsewhere *elsewhere, const struct meta *meta,
                          struct error_detail *detail)
{
    const struct sentinel_slot *slot = &elsewhere->sentinel.slot;

    if (memcmp(slot->instance, meta->instance, META_ID_SIZE) != 0 ||
        memcmp(slot->incarnation, meta->incarnation, META_ID_SIZE) != 0) {
        return error_fail(detail, ERR_FENCED,
                          "the witness '%s/%s' is that of another data set, or of one that this "
                          "was copied from",
                          elsewhere->directory.path, elsewhere->name);
    }
    if (slot->counter > meta->counter) {
        return error_fail(detail, ERR_FENCED,
                          "the data has gone back: it has %" PRIu64 " commits, and the witness "
                          "'%s/%s' has seen %" PRIu64,
                          meta->counter, elsewhere->directory.path, elsewhere->name, slot->counter);
    }
    return ERR_OK;
}

static enum error make_in(struct elsewhere *elsewhere, const struct meta *meta,
                          struct error_detail *detail)
{
    struct sentinel_slot slot = {.state = SENTINEL_INITIALISED, .counter = meta->counter};

    memcpy(slot.instance, meta->instance, META_ID_SIZE);
    memcpy(slot.incarnation, meta->incarnation, META_ID_SIZE);
    return sentinel_create(&elsewhere->sentinel, &elsewhere->directory, &slot, detail);
}

enum error elsewhere_open(struct elsewhere *elsewhere, const struct meta *meta,
                          struct error_detail *detail)
{
    enum error error;

    if (elsewhere->name[0] == '\0') {
        return ERR_OK;
    }
    error = open_folder(elsewhere, detail);
    if (error != ERR_OK) {
        return error;
    }
    error = sentinel_open(&elsewhere->sentinel, &elsewhere->directory, detail);
    if (error == ERR_OK) {
        return compare(elsewhere, meta, detail);
    }
    if (error == ERR_NOT_FOUND && meta->witnessed) {
        return error_fail(detail, ERR_FENCED,
                          "the witness '%s/%s' is missing: mount its file system, or put it back",
                          elsewhere->directory.path, elsewhere->name);
    }
    return error == ERR_NOT_FOUND ? make_in(elsewhere, meta, detail) : error;
}

enum error elsewhere_make(struct elsewhere *elsewhere, const struct meta *meta,
                          struct error_detail *detail)
{
    enum error error;

    if (elsewhere->name[0] == '\0') {
        return ERR_OK;
    }
    elsewhere_close(elsewhere);
    error = open_folder(elsewhere, detail);
    return error == ERR_OK ? make_in(elsewhere, meta, detail) : error;
}

enum error elsewhere_write(struct elsewhere *elsewhere, uint64_t counter,
                           struct error_detail *detail)
{
    if (elsewhere->name[0] == '\0') {
        return ERR_OK;
    }
    return sentinel_write(&elsewhere->sentinel, &elsewhere->directory, SENTINEL_INITIALISED,
                          counter, detail);
}

void elsewhere_close(struct elsewhere *elsewhere)
{
    if (elsewhere->sentinel.fd >= 0) {
        /* A witness that a power cut takes back is older than the data and says nothing wrong. */
        enum error ignored = sentinel_sync(&elsewhere->sentinel, &elsewhere->directory, NULL);

        (void)ignored;
        sentinel_close(&elsewhere->sentinel);
    }
    directory_close(&elsewhere->directory);
}
