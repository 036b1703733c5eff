#include "verify_report.h"

#include "figure.h"
#include "ledger_show.h"
#include "outcome.h"
#include "session.h"
#include "table.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const words[FINDING_KINDS] = {
    [FINDING_OVERLAP] = "overlap",
    [FINDING_FORK] = "two_histories",
    [FINDING_WENT_BACK] = "below_the_mark",
    [FINDING_BLIND_RETURN] = "blind_return",
    [FINDING_ABOVE_MARK] = "above_the_mark",
    [FINDING_GENERATION] = "generation",
    [FINDING_FORCED] = "forced",
    [FINDING_LOST] = "lost_row",
    [FINDING_PARTIAL] = "partial_commit",
};

const char *verify_report_word(enum finding_kind kind)
{
    return words[kind];
}

static const char *source_of(const struct verify_report *report, size_t input)
{
    return report->history->inputs[input].name;
}

/* ---- findings ---- */

static void say_overlap(const struct verify_report *report, const struct finding *finding,
                        char to[VERIFY_REPORT_LINE_SIZE])
{
    const struct history_row *rows = report->history->rows;
    struct ledger_entry a = history_entry(report->history, &rows[finding->a]);
    struct ledger_entry b = history_entry(report->history, &rows[finding->b]);
    char first[LEDGER_SHOW_SIZE];
    char second[LEDGER_SHOW_SIZE];
    char count[64] = "at least one number";
    if (finding->count > 0) {
        (void)snprintf(count, sizeof count, "%" PRIu64 " number%s", finding->count,
                       finding->count == 1 ? "" : "s");
    }
    (void)snprintf(to, VERIFY_REPORT_LINE_SIZE,
                   "OVERLAP: '%s': %s, such as %" PRId64 ", leased twice: by %s in '%s' and by %s "
                   "in '%s'",
                   a.name, count, finding->number, ledger_show(&a, first),
                   source_of(report, rows[finding->a].input), ledger_show(&b, second),
                   source_of(report, rows[finding->b].input));
}

static void say_fork(const struct verify_report *report, const struct finding *finding,
                     char to[VERIFY_REPORT_LINE_SIZE])
{
    const struct history_row *row = &report->history->rows[finding->a];
    struct ledger_entry a = history_entry(report->history, row);
    char text[LEDGER_SHOW_SIZE];
    (void)snprintf(to, VERIFY_REPORT_LINE_SIZE,
                   "TWO HISTORIES of one data set, which was copied and started twice: %s in '%s' "
                   "is %s in '%s'",
                   ledger_show(&a, text), source_of(report, row->input),
                   finding->a == finding->b ? "missing, and so is all after it," : "another row",
                   source_of(report, finding->input));
}

/* What is to be said of one row. */
static void say_what(const struct finding *finding, const struct ledger_entry *a,
                     const char *source, char *to, size_t size)
{
    struct mapping mapping = mapping_of_entry(a);
    switch (finding->kind) {
    case FINDING_OVERLAP:
    case FINDING_FORK:
        break; /* they have words of their own */
    case FINDING_WENT_BACK:
        (void)snprintf(to, size,
                       "begins at position %" PRIu64 ", below the mark, which the rows before it "
                       "leave at %" PRIu64,
                       a->act == LEDGER_REWIND ? a->positions.limit : a->positions.first,
                       finding->value);
        break;
    case FINDING_BLIND_RETURN:
        (void)snprintf(to, size,
                       "gives back positions up to %" PRIu64 ", and others were leased up to "
                       "%" PRIu64 " by then",
                       a->positions.limit, finding->value);
        break;
    case FINDING_ABOVE_MARK:
        (void)snprintf(to, size,
                       "leaves the mark above position %" PRIu64 ", where '%s' says that it is",
                       finding->value, source);
        break;
    case FINDING_GENERATION:
        (void)snprintf(to, size, "has generation %" PRIu64 ", and the next row none above it",
                       a->generation);
        break;
    case FINDING_FORCED:
        (void)snprintf(to, size,
                       "forced the mark back: the numbers from %" PRId64 " to %" PRId64
                       " may come again, by an administrator's will",
                       mapping_number(&mapping, a->positions.first),
                       mapping_number(&mapping, a->positions.limit - 1));
        break;
    case FINDING_LOST:
        (void)snprintf(to, size, "is missing in '%s', which has rows before it and after", source);
        break;
    case FINDING_PARTIAL:
        (void)snprintf(to, size, "is not the first of its commit, and the one before is missing");
        break;
    case FINDING_KINDS:
        break;
    }
}

static void say_row(const struct verify_report *report, const struct finding *finding,
                    char to[VERIFY_REPORT_LINE_SIZE])
{
    const struct history_row *row = &report->history->rows[finding->a];
    struct ledger_entry a = history_entry(report->history, row);
    char text[LEDGER_SHOW_SIZE];
    char what[VERIFY_REPORT_LINE_SIZE / 2] = "";
    say_what(finding, &a, source_of(report, finding->input), what, sizeof what);
    (void)snprintf(to, VERIFY_REPORT_LINE_SIZE, "%s: '%s': %s in '%s' %s",
                   finding->kind < FINDING_WRONG ? "WRONG" : "note", a.name, ledger_show(&a, text),
                   source_of(report, row->input), what);
}

void verify_report_finding(const struct verify_report *report, const struct finding *finding,
                           char to[VERIFY_REPORT_LINE_SIZE])
{
    if (finding->kind == FINDING_OVERLAP) {
        say_overlap(report, finding, to);
    } else if (finding->kind == FINDING_FORK) {
        say_fork(report, finding, to);
    } else {
        say_row(report, finding, to);
    }
}

/* ---- for people ---- */

static void print_sources(const struct verify_report *report)
{
    struct table *table = table_new("source\t>rows\tfrom row\tsince\t>left out\t>damaged");
    for (size_t i = 0; i < report->history->input_count; i++) {
        const struct ledger_about *about = &report->about[i];
        char id[LEDGER_ID_SIZE] = "-";
        char time[RFC3339_SIZE] = "-";
        if (about->oldest.commit != 0) {
            ledger_id_format(about->oldest, id);
            (void)ledger_show_time(about->oldest_ms, time);
        }
        table_add(table, "%s", source_of(report, i));
        table_add(table, "%zu", report->history->inputs[i].count);
        table_add(table, "%s", id);
        table_add(table, "%s", about->none ? "it has no ledger" : time);
        table_add(table, "%" PRIu64, about->missing);
        table_add(table, "%" PRIu64, about->damaged);
    }
    table_print(table, stdout);
    table_free(table);
}

static void print_sequences(const struct verify_report *report)
{
    struct table *table = table_new("sequence\t>leases\t>lowest\t>highest\t>leased\t>no row tells "
                                    "of\t>again by force\t>overlaps");
    for (uint32_t i = 0; i < report->history->names.count; i++) {
        const struct verdict_name *name = &report->verdict->names[i];
        char low[24] = "-";
        char high[24] = "-";
        if (name->rows == 0) {
            continue; /* known by its mark alone */
        }
        if (name->leases > 0) {
            (void)snprintf(low, sizeof low, "%" PRId64, name->low);
            (void)snprintf(high, sizeof high, "%" PRId64, name->high);
        }
        table_add(table, "%s", history_name(report->history, i));
        table_add(table, "%" PRIu64, name->leases);
        table_add(table, "%s", low);
        table_add(table, "%s", high);
        table_add(table, "%" PRIu64, name->leased);
        table_add(table, "%" PRIu64, name->unrecorded);
        table_add(table, "%" PRIu64, name->again);
        table_add(table, "%" PRIu64, name->overlaps);
    }
    table_print(table, stdout);
    table_free(table);
}

static void print_line(const char *line)
{
    outcome_print(stdout, line);
    (void)putchar('\n');
}

static void print_findings(const struct verify_report *report)
{
    const struct verdict *verdict = report->verdict;
    char line[VERIFY_REPORT_LINE_SIZE];
    for (size_t i = 0; i < verdict->finding_count; i++) {
        verify_report_finding(report, &verdict->findings[i], line);
        print_line(line);
    }
    for (enum finding_kind kind = 0; kind < FINDING_KINDS; kind++) {
        if (verdict->counts[kind] > FINDINGS_MAX) {
            printf("%" PRIu64 " of kind %s in all, or more\n", verdict->counts[kind], words[kind]);
        }
    }
}

/* What the record cannot tell of. */
static void print_gaps(const struct verify_report *report)
{
    for (size_t i = 0; i < report->history->input_count; i++) {
        const struct ledger_about *about = &report->about[i];
        char line[VERIFY_REPORT_LINE_SIZE];
        if (about->missing + about->damaged > 0) {
            (void)snprintf(line, sizeof line,
                           "note: '%s' lacks rows: %" PRIu64 " were left out for want of room, "
                           "%" PRIu64
                           " are damaged; what they were about is not verified, and where one of "
                           "them gave numbers back, the next lease of these looks wrong",
                           source_of(report, i), about->missing, about->damaged);
            print_line(line);
        }
    }
}

void verify_report_text(const struct verify_report *report)
{
    const struct verdict *verdict = report->verdict;
    char rows[FIGURE_SIZE];
    uint64_t wrong = 0;
    print_sources(report);
    (void)putchar('\n');
    print_sequences(report);
    (void)putchar('\n');
    print_findings(report);
    print_gaps(report);
    for (enum finding_kind kind = 0; kind < FINDING_WRONG; kind++) {
        wrong += verdict->counts[kind];
    }
    if (wrong == 0) {
        printf("verified: %s rows, and no number was leased twice.\n",
               figure_grouped(verdict->rows, rows));
    } else {
        printf("NOT verified: %" PRIu64 " overlaps, %" PRIu64 " other faults of the record.\n",
               verdict->counts[FINDING_OVERLAP], wrong - verdict->counts[FINDING_OVERLAP]);
    }
}

/* ---- for programs ---- */

static json_t *sources_json(const struct verify_report *report)
{
    json_t *sources = json_array();
    for (size_t i = 0; i < report->history->input_count; i++) {
        const struct ledger_about *about = &report->about[i];
        char id[LEDGER_ID_SIZE];
        char time[RFC3339_SIZE];
        bool some = about->oldest.commit != 0;
        ledger_id_format(about->oldest, id);
        json_t *source = json_pack("{s:s,s:b,s:s?,s:s?}", "source", source_of(report, i), "ledger",
                                   about->none ? 0 : 1, "oldest", some ? id : NULL, "since",
                                   some ? ledger_show_time(about->oldest_ms, time) : NULL);
        ledger_show_uint64(source, "rows", report->history->inputs[i].count);
        ledger_show_uint64(source, "missing", about->missing);
        ledger_show_uint64(source, "damaged", about->damaged);
        (void)json_array_append_new(sources, source);
    }
    return sources;
}

static json_t *sequences_json(const struct verify_report *report)
{
    json_t *sequences = json_array();
    for (uint32_t i = 0; i < report->history->names.count; i++) {
        const struct verdict_name *name = &report->verdict->names[i];
        json_t *sequence = json_pack("{s:s}", "name", history_name(report->history, i));
        ledger_show_uint64(sequence, "rows", name->rows);
        ledger_show_uint64(sequence, "leases", name->leases);
        if (name->leases > 0) {
            ledger_show_int64(sequence, "lowest", name->low);
            ledger_show_int64(sequence, "highest", name->high);
        }
        ledger_show_uint64(sequence, "leased", name->leased);
        ledger_show_uint64(sequence, "unrecorded", name->unrecorded);
        ledger_show_uint64(sequence, "again", name->again);
        ledger_show_uint64(sequence, "overlaps", name->overlaps);
        (void)json_array_append_new(sequences, sequence);
    }
    return sequences;
}

static json_t *findings_json(const struct verify_report *report)
{
    const struct history *history = report->history;
    json_t *findings = json_array();
    for (size_t i = 0; i < report->verdict->finding_count; i++) {
        const struct finding *finding = &report->verdict->findings[i];
        struct ledger_entry a = history_entry(history, &history->rows[finding->a]);
        struct ledger_entry b = history_entry(history, &history->rows[finding->b]);
        char line[VERIFY_REPORT_LINE_SIZE];
        verify_report_finding(report, finding, line);
        json_t *item = json_pack("{s:s,s:b,s:s,s:s,s:o,s:o}", "finding", words[finding->kind],
                                 "wrong", finding->kind < FINDING_WRONG ? 1 : 0, "text", line,
                                 "source", source_of(report, finding->input), "row",
                                 ledger_show_json(&a), "other", ledger_show_json(&b));
        if (finding->kind == FINDING_OVERLAP) {
            ledger_show_int64(item, "number", finding->number);
            ledger_show_uint64(item, "count", finding->count);
        }
        (void)json_array_append_new(findings, item);
    }
    return findings;
}

void verify_report_json(const struct verify_report *report)
{
    const struct verdict *verdict = report->verdict;
    json_t *counts = json_object();
    for (enum finding_kind kind = 0; kind < FINDING_KINDS; kind++) {
        ledger_show_uint64(counts, words[kind], verdict->counts[kind]);
    }
    json_t *all = json_pack("{s:b,s:o,s:o,s:o,s:o}", "verified", verdict_is_good(verdict) ? 1 : 0,
                            "sources", sources_json(report), "sequences", sequences_json(report),
                            "counts", counts, "findings", findings_json(report));
    ledger_show_uint64(all, "rows", verdict->rows);
    session_print_json(all);
    json_decref(all);
}
