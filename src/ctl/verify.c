#include "commands.h"
#include "history.h"
#include "ledger_source.h"
#include "verifier.h"
#include "verify_report.h"

#include <assert.h>

static_assert(ARGUMENTS_WORDS_MAX == HISTORY_INPUTS_MAX, "each word is an input");

static enum error take_row(void *context, const struct ledger_entry *entry)
{
    return history_add(context, entry);
}

static enum error take_mark(void *context, const struct ledger_mark *mark)
{
    return history_add_mark(context, mark->name, &mark->definition, mark->mark);
}

/* `word` is NULL for the server of the common options. */
static enum outcome read_source(const struct arguments *arguments, const char *word,
                                struct history *history, struct ledger_about *ret_about)
{
    struct ledger_sink sink = {.context = history, .row = take_row, .mark = take_mark};
    struct ledger_wish wish = {.name = NULL};
    history_begin(history, word != NULL ? word : "the server");
    return ledger_source_read(arguments, word, &wish, &sink, ret_about);
}

static enum outcome read_all(const struct arguments *arguments, struct history *history,
                             struct ledger_about about[HISTORY_INPUTS_MAX])
{
    enum outcome outcome = OUTCOME_OK;
    if (arguments->word_count == 0) {
        return read_source(arguments, NULL, history, &about[0]);
    }
    if (arguments_has(arguments, OPTION_URL) || arguments_has(arguments, OPTION_SOCKET)) {
        return outcome_fail(OUTCOME_USAGE, "where files or URLs are named, the server has to be "
                                           "one of them, instead of --url or --socket");
    }
    for (unsigned i = 0; i < arguments->word_count && outcome == OUTCOME_OK; i++) {
        outcome = read_source(arguments, arguments->words[i], history, &about[i]);
    }
    return outcome;
}

static enum outcome judge(struct history *history, const struct ledger_about *about, bool json)
{
    struct verdict verdict;
    struct verify_report report = {history, &verdict, about};
    enum outcome outcome = OUTCOME_FAILED;
    if (verifier_run(history, &verdict) != ERR_OK) {
        verdict_free(&verdict);
        return outcome_fail(OUTCOME_UNREADABLE, "out of memory");
    }
    if (json) {
        verify_report_json(&report);
    } else {
        verify_report_text(&report);
    }
    outcome = verdict_is_good(&verdict) ? OUTCOME_OK : OUTCOME_FAILED;
    verdict_free(&verdict);
    return outcome;
}

enum outcome verify_run(const struct arguments *arguments)
{
    struct ledger_about about[HISTORY_INPUTS_MAX] = {{.none = false}};
    struct history history;
    history_init(&history);
    enum outcome outcome = read_all(arguments, &history, about);
    if (outcome == OUTCOME_OK) {
        outcome = judge(&history, about, arguments_has(arguments, OPTION_JSON));
    }
    history_fini(&history);
    return outcome;
}
