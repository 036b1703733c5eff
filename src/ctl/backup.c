#include "commands.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIRST_WORD "seqd-backup "
#define LAST_LINE 18 /* bytes: "checksum ", eight digits and the line's end */

static bool write_whole(int fd, const struct answer *answer)
{
    size_t done = 0;
    while (done < answer->length) {
        ssize_t written = write(fd, answer->body + done, answer->length - done);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    return fsync(fd) == 0;
}

/* Make the name `path` durable. */
static bool sync_folder(const char *path)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path); /* it was opened, so it fits */
    int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

/* Under another name first: a file called `path` is always a whole backup. */
static enum outcome save(const char *path, const struct answer *answer)
{
    char fresh[PATH_MAX];
    int length = snprintf(fresh, sizeof fresh, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof fresh) {
        return outcome_fail(OUTCOME_USAGE, "the path of the file is too long");
    }
    if (unlink(fresh) != 0 && errno != ENOENT) {
        return outcome_fail(OUTCOME_FAILED, "cannot replace '%s': %s", fresh, strerror(errno));
    }
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return outcome_fail(OUTCOME_FAILED, "cannot make '%s': %s", fresh, strerror(errno));
    }
    bool good = write_whole(fd, answer);
    good = close(fd) == 0 && good;
    if (!good || rename(fresh, path) != 0 || !sync_folder(path)) {
        return outcome_fail(OUTCOME_FAILED, "cannot write '%s': %s", path, strerror(errno));
    }
    return OUTCOME_OK;
}

/* The server's checksum is looked at when it is restored; here it has to be there at all. */
static bool is_whole(const struct answer *answer)
{
    return answer->length > sizeof FIRST_WORD + LAST_LINE &&
           strncmp(answer->body, FIRST_WORD, sizeof FIRST_WORD - 1) == 0 &&
           strncmp(answer->body + answer->length - LAST_LINE, "checksum ", 9) == 0;
}

enum outcome backup_run(const struct arguments *arguments)
{
    struct session session;
    struct question question = {.method = "GET", .path = "/v1/backup", .accept = SERVER_TYPE_TEXT};
    struct answer answer = {.body = NULL};
    enum outcome outcome = session_open(arguments, &session);
    if (outcome == OUTCOME_OK) {
        outcome = session_ask(&session, &question, &answer);
    }
    if (outcome == OUTCOME_OK && !is_whole(&answer)) {
        outcome = session_garbage(&session, "this is no backup");
    }
    if (outcome == OUTCOME_OK) {
        outcome = save(arguments->words[0], &answer);
    }
    answer_free(&answer);
    session_close(&session);
    return outcome;
}
