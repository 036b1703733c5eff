#include "base/clock.h"
#include "base/rfc3339.h"
#include "commands.h"
#include "figure.h"
#include "refusal.h"
#include "sample.h"
#include "screen.h"
#include "session.h"
#include "table.h"

#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define INTERVAL_MS_MIN 100
#define INTERVAL_MS_MAX 3600000
#define INTERVAL_MS_STANDARD 2000
#define HEAD_LINES 4 /* of a frame: two of the service, a blank one, the heads of the columns */

struct top {
    struct session session;
    uint64_t interval_ms;
    uint64_t rounds; /* 0: without end */
    bool screen_is_up;
    struct screen screen;
    struct sample sample;       /* the last that was had */
    struct error_detail detail; /* why there is no newer one; "": there is */
};

/* ---- looking ---- */

/* While a screen is up nothing is said, only kept. */
static enum outcome ask(struct top *top, struct answer *ret_answer)
{
    struct question question = {.method = "GET", .path = "/metrics"};
    if (!top->screen_is_up) {
        return session_ask(&top->session, &question, ret_answer);
    }
    enum outcome outcome = server_ask(top->session.server, &question, ret_answer, &top->detail);
    if (outcome == OUTCOME_OK && !refusal_is_none(ret_answer)) {
        outcome = refusal_outcome(ret_answer);
        (void)error_fail(&top->detail, ERR_UNAVAILABLE, "the server answers %ld",
                         ret_answer->status);
        answer_free(ret_answer);
    }
    return outcome;
}

/* Take a newer sample; the old one stays when there is none. */
static enum outcome look(struct top *top)
{
    struct answer answer = {.body = NULL};
    struct sample fresh;
    bool first = top->sample.version[0] == '\0';
    enum outcome outcome = ask(top, &answer);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    enum error error = sample_read(answer.body, clock_now(), first ? NULL : &top->sample, &fresh);
    answer_free(&answer);
    if (error != ERR_OK) {
        (void)error_fail(&top->detail, error, "these are not the metrics of a seqd");
        return top->screen_is_up ? OUTCOME_FAILED
                                 : session_garbage(&top->session, top->detail.text);
    }
    sample_free(&top->sample);
    top->sample = fresh;
    top->detail.text[0] = '\0';
    return OUTCOME_OK;
}

/* ---- as lines ---- */

static void set_count(json_t *object, const char *member, uint64_t value)
{
    char text[FIGURE_SIZE];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    (void)json_object_set_new(object, member, json_string(text)); /* NULL is refused */
}

static void print_json(const struct sample *sample, const char *when)
{
    json_t *object = json_pack("{s:s}", "time", when);
    json_t *rows = json_array();
    set_count(object, "requests_per_second", sample->requests_rate);
    set_count(object, "numbers_per_second", sample->issued_rate);
    set_count(object, "commits_per_second", sample->commits_rate);
    for (size_t i = 0; i < sample->count; i++) {
        const struct sample_row *row = &sample->rows[i];
        json_t *entry = json_pack("{s:s}", "name", row->name);
        set_count(entry, "rate", row->rate);
        set_count(entry, "issued", row->issued);
        set_count(entry, "unissued", row->unissued);
        set_count(entry, "waiters", row->waiters);
        set_count(entry, "left", row->left);
        (void)json_array_append_new(rows, entry); /* NULL is refused */
    }
    (void)json_object_set_new(object, "sequences", rows); /* NULL is refused */
    session_print_json(object);
    json_decref(object);
}

/* One line for the service, and one for each sequence that gave out numbers. */
static void print_lines(const struct sample *sample, const char *when)
{
    printf("%s  requests/s %" PRIu64 "  numbers/s %" PRIu64 "  commits/s %" PRIu64 "\n", when,
           sample->requests_rate, sample->issued_rate, sample->commits_rate);
    for (size_t i = 0; i < sample->count && sample->rows[i].rate > 0; i++) {
        const struct sample_row *row = &sample->rows[i];
        printf("%s  %s  numbers/s %" PRIu64 "  waiting %" PRIu64 "\n", when, row->name, row->rate,
               row->waiters);
    }
}

/* The first look has no rates, so it only counts as the one before. */
static enum outcome run_lines(struct top *top)
{
    char when[RFC3339_SIZE];
    enum outcome outcome = OUTCOME_OK;
    for (uint64_t round = 0; outcome == OUTCOME_OK && (top->rounds == 0 || round < top->rounds);
         round++) {
        (void)poll(NULL, 0, (int)top->interval_ms); /* an early return only means looking sooner */
        outcome = look(top);
        if (outcome != OUTCOME_OK) {
            break;
        }
        rfc3339_format(when, (int64_t)time(NULL) * 1000, 0);
        if (top->session.json) {
            print_json(&top->sample, when);
        } else {
            print_lines(&top->sample, when);
        }
        if (fflush(stdout) != 0) {
            break; /* nobody reads any longer; main() looks for the error */
        }
    }
    return outcome;
}

/* ---- on a screen ---- */

static struct table *rows_of(const struct sample *sample)
{
    char text[FIGURE_SIZE];
    struct table *table = table_new("sequence\t>per second\t>issued\t>unissued\t>waiting\t>left");
    for (size_t i = 0; i < sample->count; i++) {
        const struct sample_row *row = &sample->rows[i];
        table_add(table, "%s", row->name);
        table_add(table, "%s", figure_grouped(row->rate, text));
        table_add(table, "%s", figure_grouped(row->issued, text));
        table_add(table, "%s", figure_grouped(row->unissued, text));
        table_add(table, "%s", figure_grouped(row->waiters, text));
        table_add(table, "%" PRIu64, row->left);
    }
    return table;
}

static void draw(const struct top *top)
{
    const struct sample *sample = &top->sample;
    char requests[FIGURE_SIZE];
    char numbers[FIGURE_SIZE];
    char commits[FIGURE_SIZE];
    struct table *table = rows_of(sample);
    screen_begin();
    printf("seqd %s at %s, %" PRIu64 " sequences, every %" PRIu64 ".%03" PRIu64
           " s, q ends" SCREEN_LINE_END,
           sample->version, address_name(&top->session.options.address), sample->sequences,
           top->interval_ms / 1000, top->interval_ms % 1000);
    if (top->detail.text[0] != '\0') {
        outcome_print(stdout, top->detail.text);
        fputs(SCREEN_LINE_END, stdout);
    } else {
        printf("%s requests/s, %s numbers/s, %s commits/s, %" PRIu64
               " store errors" SCREEN_LINE_END,
               figure_grouped(sample->requests_rate, requests),
               figure_grouped(sample->issued_rate, numbers),
               figure_grouped(sample->commits_rate, commits), sample->store_errors);
    }
    fputs(SCREEN_LINE_END, stdout);
    table_print_some(table, screen_lines() - HEAD_LINES - 1, SCREEN_LINE_END, stdout);
    screen_end();
    table_free(table);
}

/* A server that goes away is waited for; the screen says so. */
static void run_screen(struct top *top)
{
    bool quit = false;
    for (uint64_t round = 0; !quit && (top->rounds == 0 || round <= top->rounds); round++) {
        struct instant next = clock_after(clock_now(), top->interval_ms * CLOCK_NS_PER_MS);
        enum screen_event event = SCREEN_RESIZE;
        if (round > 0) {
            (void)look(top); /* why not is in top->detail, which is drawn */
        }
        while (event == SCREEN_RESIZE) {
            draw(top);
            event = screen_wait(&top->screen, clock_elapsed(clock_now(), next) / CLOCK_NS_PER_MS);
        }
        quit = event == SCREEN_QUIT;
    }
}

/* ---- the command ---- */

static enum outcome understand(const struct arguments *arguments, struct top *top)
{
    const char *interval = arguments->values[OPTION_INTERVAL];
    top->interval_ms = INTERVAL_MS_STANDARD;
    if (interval != NULL && figure_parse_seconds(interval, INTERVAL_MS_MIN, INTERVAL_MS_MAX,
                                                 &top->interval_ms) != ERR_OK) {
        return outcome_fail(OUTCOME_USAGE, "--interval is '%s', it must be 0.1 to 3600 seconds",
                            interval);
    }
    enum outcome outcome =
        arguments_number(arguments, OPTION_ROUNDS, 1, UINT32_MAX, 0, &top->rounds);
    return outcome != OUTCOME_OK ? outcome : session_open(arguments, &top->session);
}

enum outcome top_run(const struct arguments *arguments)
{
    struct top top = {.rounds = 0};
    enum outcome outcome = understand(arguments, &top);
    if (outcome == OUTCOME_OK) {
        /* Before the screen is taken, so that a failure is told as everywhere. */
        outcome = look(&top);
    }
    if (outcome == OUTCOME_OK && !top.session.json && screen_open(&top.screen) == ERR_OK) {
        top.screen_is_up = true;
        run_screen(&top);
        screen_close(&top.screen);
    } else if (outcome == OUTCOME_OK) {
        outcome = run_lines(&top);
    }
    sample_free(&top.sample);
    session_close(&top.session);
    return outcome;
}
