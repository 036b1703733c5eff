#include "ledger_source.h"

#include "backup_lines.h"
#include "ledger_pages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool ledger_source_is_url(const char *word)
{
    return strstr(word, "://") != NULL || strncmp(word, "unix:", 5) == 0;
}

static enum outcome read_file(const char *path, const struct ledger_sink *sink,
                              struct ledger_about *ret_about)
{
    struct error_detail detail = {.text = ""};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return outcome_fail(OUTCOME_UNREADABLE, "cannot read '%s': %s", path, strerror(errno));
    }
    enum error error = backup_lines_read(file, sink, ret_about, &detail);
    (void)fclose(file); /* it was only read */
    if (error == ERR_NO_MEMORY) {
        return outcome_fail(OUTCOME_UNREADABLE, "out of memory");
    }
    return error == ERR_OK ? OUTCOME_OK
                           : outcome_fail(OUTCOME_UNREADABLE, "'%s': %s", path, detail.text);
}

enum outcome ledger_source_read(const struct arguments *arguments, const char *word,
                                const struct ledger_wish *wish, const struct ledger_sink *sink,
                                struct ledger_about *ret_about)
{
    struct arguments server = *arguments;
    struct session session;
    if (word != NULL && !ledger_source_is_url(word)) {
        return read_file(word, sink, ret_about);
    }
    if (word != NULL) {
        server.values[OPTION_URL] = word;
        server.values[OPTION_SOCKET] = NULL;
    }
    enum outcome outcome = session_open(&server, &session);
    if (outcome == OUTCOME_OK) {
        outcome = ledger_pages_read(&session, wish, sink, ret_about);
    }
    session_close(&session);
    return outcome == OUTCOME_FAILED ? OUTCOME_UNREADABLE : outcome;
}
