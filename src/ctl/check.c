#include "check_crew.h"
#include "check_judge.h"
#include "check_report.h"
#include "check_way.h"
#include "commands.h"
#include "refusal.h"
#include "session.h"
#include "value.h"

#include <inttypes.h>
#include <string.h>

#define SECONDS_MAX 3600
#define COUNT_MAX 1000000
#define ADDRESSES_MAX 8
#define WAYS_MAX (2 * ADDRESSES_MAX) /* over HTTP each address is asked for JSON, and for text */

struct check {
    struct session session;
    const char *name;
    const char *kind; /* NULL: not known */
    bool through;     /* restarts */
    struct check_way ways[WAYS_MAX];
    size_t way_count;
    size_t address_count;
    struct check_crew crew;
};

/* Exit status 1 says that a promise was broken, and nothing else may say it. */
static enum outcome unchecked(enum outcome outcome)
{
    return outcome == OUTCOME_FAILED ? OUTCOME_UNREACHABLE : outcome;
}

/* ---- the ways ---- */

static void add_way(struct check *check, const struct address *address, enum check_form form)
{
    struct check_way *way = &check->ways[check->way_count++];
    way->options = check->session.options;
    way->options.address = *address;
    way->options.once = true;
    way->options.grpc = form == CHECK_GRPC;
    way->form = form;
    check_way_aim(way, check->name, check->crew.load.count);
}

static enum outcome add_address(struct check *check, const struct address *address, bool grpc)
{
    if (check->address_count == ADDRESSES_MAX) {
        return outcome_fail(OUTCOME_USAGE, "there are more than %d addresses", ADDRESSES_MAX);
    }
    check->address_count++;
    if (grpc) {
        add_way(check, address, CHECK_GRPC);
    } else {
        add_way(check, address, CHECK_JSON);
        add_way(check, address, CHECK_TEXT);
    }
    return OUTCOME_OK;
}

/* Each URL of a list with commas. */
static enum outcome add_list(struct check *check, const char *list, bool grpc)
{
    char url[ADDRESS_SIZE];
    enum outcome outcome = OUTCOME_OK;
    while (outcome == OUTCOME_OK && list != NULL) {
        size_t length = strcspn(list, ",");
        struct error_detail detail = {.text = ""};
        struct address address;
        struct address_sources sources = {.url = url};
        if (length == 0 || length >= sizeof url) {
            return outcome_fail(OUTCOME_USAGE, "a URL has 1 to %zu bytes, not %zu", sizeof url - 1,
                                length);
        }
        memcpy(url, list, length);
        url[length] = '\0';
        if (grpc && strncmp(url, "grpc", 4) == 0) {
            memcpy(url, "http", 4); /* as seqd writes them: grpc:// and, with TLS, grpcs:// */
        }
        if (address_choose(&sources, &address, &detail) != ERR_OK) {
            return outcome_fail(OUTCOME_USAGE, "%s", detail.text);
        }
        outcome = add_address(check, &address, grpc);
        list = list[length] == ',' ? list + length + 1 : NULL;
    }
    return outcome;
}

static enum outcome add_ways(const struct arguments *arguments, struct check *check)
{
    enum outcome outcome = add_address(check, &check->session.options.address, false);
    if (outcome == OUTCOME_OK) {
        outcome = add_list(check, arguments->values[OPTION_ALSO], false);
    }
    if (outcome == OUTCOME_OK) {
        outcome = add_list(check, arguments->values[OPTION_GRPC], true);
    }
    return outcome;
}

/* ---- running ---- */

/* The kind, where the server tells: a token may be good for numbers alone. */
static void learn_kind(struct check *check)
{
    char path[SESSION_PATH_SIZE];
    struct answer answer = {.body = NULL};
    struct error_detail detail;
    struct question question = {.method = "GET", .path = path, .accept = SERVER_TYPE_JSON};
    session_path(path, check->name, "");
    if (server_ask(check->session.server, &question, &answer, &detail) != OUTCOME_OK) {
        return;
    }
    if (refusal_is_none(&answer)) {
        char text[VALUE_SIZE];
        json_t *object = json_loadb(answer.body, answer.length, JSON_REJECT_DUPLICATES, NULL);
        const char *kind = value_member(object, "kind", text);
        check->kind = strcmp(kind, "timestamp") == 0 ? "timestamp"
                      : strcmp(kind, "counter") == 0 ? "counter"
                                                     : NULL;
        json_decref(object);
    }
    answer_free(&answer);
}

/* The first block says that there is somebody to check. */
static enum outcome ask_first(struct check *check)
{
    const struct check_worker *worker = &check->crew.workers[0];
    check_crew_begin(&check->crew);
    enum outcome outcome = check_crew_end(&check->crew, check->session.json);
    if (outcome == OUTCOME_OK && check->crew.load.increment == 0) {
        outcome = outcome_fail(OUTCOME_UNAVAILABLE, "%s gives no number to begin with: %s",
                               address_name(&worker->way->options.address),
                               worker->history.wrong_count > 0 ? worker->history.wrong.what
                                                               : "it is not ready");
    }
    if (outcome == OUTCOME_OK) {
        learn_kind(check);
    }
    return outcome;
}

static enum outcome run(struct check *check)
{
    enum outcome outcome = check_crew_make(&check->crew);
    if (outcome == OUTCOME_OK) {
        outcome = ask_first(check);
    }
    if (outcome == OUTCOME_OK) {
        outcome = check_crew_run(&check->crew);
    }
    return unchecked(outcome);
}

static enum outcome tell(struct check *check, const struct check_verdict *verdict)
{
    struct check_report report = {.name = check->name,
                                  .kind = check->kind,
                                  .increment = check->crew.load.increment,
                                  .count = check->crew.load.count,
                                  .connections = check->crew.connections,
                                  .ns = check->crew.ns,
                                  .ways = check->ways,
                                  .way_count = check->way_count,
                                  .verdict = verdict};
    if (check->session.json) {
        check_report_json(&report);
    } else {
        check_report_text(&report);
    }
    enum outcome end =
        unchecked(check_crew_end(&check->crew, false)); /* the report is the one object */
    if (!check_verdict_is_good(verdict)) {
        return outcome_fail(OUTCOME_FAILED,
                            "%" PRIu64 " numbers duplicated, %" PRIu64 " answers disordered, "
                            "%" PRIu64 " inexact: this server breaks its promise",
                            verdict->duplicated, verdict->disordered,
                            verdict->wrong + verdict->strayed);
    }
    return end;
}

/* ---- the command ---- */

static enum outcome understand(const struct arguments *arguments, struct check *check)
{
    struct check_load *load = &check->crew.load;
    uint64_t standard = arguments_has(arguments, OPTION_REQUESTS) ? SECONDS_MAX : 10;
    check->name = arguments->word_count > 0 ? arguments->words[0] : "default";
    enum outcome outcome = session_check_name(check->name);
    if (outcome == OUTCOME_OK) {
        outcome = arguments_number(arguments, OPTION_CONNECTIONS, 1, CHECK_CONNECTIONS_MAX, 16,
                                   &check->crew.connections);
    }
    if (outcome == OUTCOME_OK) {
        outcome = arguments_number(arguments, OPTION_SECONDS, 1, SECONDS_MAX, standard,
                                   &check->crew.seconds);
    }
    if (outcome == OUTCOME_OK) {
        outcome = arguments_number(arguments, OPTION_COUNT, 1, COUNT_MAX, 1, &load->count);
    }
    if (outcome == OUTCOME_OK) {
        outcome =
            arguments_number(arguments, OPTION_REQUESTS, 1, CHECK_TAKES_MAX, 0, &load->requests);
    }
    if (outcome == OUTCOME_OK) {
        outcome = session_open(arguments, &check->session);
    }
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    load->through = arguments_has(arguments, OPTION_THROUGH);
    outcome = add_ways(arguments, check);
    check->crew.ways = check->ways;
    check->crew.way_count = check->way_count;
    return outcome;
}

enum outcome check_run(const struct arguments *arguments)
{
    static struct check check; /* large for a stack */
    struct check_verdict verdict;
    enum outcome outcome = unchecked(understand(arguments, &check));
    if (outcome == OUTCOME_OK) {
        outcome = run(&check);
    }
    if (outcome == OUTCOME_OK) {
        outcome = check_crew_judge(&check.crew, &verdict);
    }
    if (outcome == OUTCOME_OK) {
        outcome = tell(&check, &verdict);
    }
    check_crew_fini(&check.crew);
    session_close(&check.session);
    return outcome;
}
