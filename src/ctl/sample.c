#include "sample.h"

#include "figure.h"
#include "metrics.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A page that is being read. The metrics name the sequences in the same order again and again, so
 * the next row is nearly always the one behind. */
struct reading {
    struct sample *sample;
    size_t next;
    enum error error;
};

static struct sample_row *add_row(struct reading *reading, const char *name)
{
    struct sample *sample = reading->sample;
    if (sample->count == sample->room) {
        size_t room = 2 * sample->room + 64;
        struct sample_row *rows = reallocarray(sample->rows, room, sizeof *rows);
        if (rows == NULL) {
            reading->error = ERR_NO_MEMORY;
            return NULL;
        }
        sample->rows = rows;
        sample->room = room;
    }
    struct sample_row *row = &sample->rows[sample->count++];
    *row = (struct sample_row){.issued = 0};
    memcpy(row->name, name, strlen(name) + 1); /* as metrics_label() allowed */
    return row;
}

static struct sample_row *find_row(struct reading *reading, const char *name)
{
    struct sample *sample = reading->sample;
    for (size_t i = 0; i < sample->count; i++) {
        size_t at = (reading->next + i) % sample->count;
        if (strcmp(sample->rows[at].name, name) == 0) {
            reading->next = at + 1;
            return &sample->rows[at];
        }
    }
    return add_row(reading, name);
}

static void note_row(struct reading *reading, const struct metric *metric)
{
    char name[SEQUENCE_NAME_MAX + 1];
    struct sample_row *row = NULL;
    if (metrics_label(metric, "sequence", name, sizeof name)) {
        row = find_row(reading, name);
    }
    if (row == NULL) {
        return;
    }
    if (strcmp(metric->name, "seqd_numbers_issued_total") == 0) {
        row->issued = metric->value;
        reading->sample->issued += metric->value;
    } else if (strcmp(metric->name, "seqd_lease_unissued") == 0) {
        row->unissued = metric->value;
    } else if (strcmp(metric->name, "seqd_lease_waiters") == 0) {
        row->waiters = metric->value;
    } else if (strcmp(metric->name, "seqd_sequence_left") == 0) {
        row->left = metric->value;
    }
}

static void note(void *context, const struct metric *metric)
{
    struct reading *reading = context;
    struct sample *sample = reading->sample;
    if (strcmp(metric->name, "seqd_http_requests_total") == 0) {
        sample->requests += metric->value;
    } else if (strcmp(metric->name, "seqd_commits_total") == 0) {
        sample->commits = metric->value;
    } else if (strcmp(metric->name, "seqd_store_errors_total") == 0) {
        sample->store_errors = metric->value;
    } else if (strcmp(metric->name, "seqd_sequences") == 0) {
        sample->sequences = metric->value;
    } else if (strcmp(metric->name, "seqd_build_info") == 0) {
        if (!metrics_label(metric, "version", sample->version, sizeof sample->version)) {
            sample->version[0] = '\0';
        }
    } else {
        note_row(reading, metric);
    }
}

/* The rate at which a count rose; 0 when it fell: the server has started anew. */
static uint64_t rate_of(uint64_t now, uint64_t before, uint64_t ns)
{
    return now > before ? figure_rate(now - before, ns) : 0;
}

static void set_rates(struct sample *sample, const struct sample *before)
{
    uint64_t ns = clock_elapsed(before->when, sample->when);
    sample->requests_rate = rate_of(sample->requests, before->requests, ns);
    sample->commits_rate = rate_of(sample->commits, before->commits, ns);
    sample->issued_rate = rate_of(sample->issued, before->issued, ns);
    for (size_t i = 0; i < sample->count; i++) {
        struct sample_row *row = &sample->rows[i];
        for (size_t j = 0; j < before->count; j++) {
            if (strcmp(before->rows[j].name, row->name) == 0) {
                row->rate = rate_of(row->issued, before->rows[j].issued, ns);
                break;
            }
        }
    }
}

static int compare(const void *a, const void *b)
{
    const struct sample_row *x = a;
    const struct sample_row *y = b;
    if (x->rate != y->rate) {
        return x->rate > y->rate ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

enum error sample_read(char *page, struct instant when, const struct sample *before,
                       struct sample *ret_sample)
{
    struct sample sample = {.when = when};
    struct reading reading = {.sample = &sample, .error = ERR_OK};
    bool good = metrics_each(page, note, &reading) && sample.version[0] != '\0';
    if (!good || reading.error != ERR_OK) {
        sample_free(&sample);
        return reading.error != ERR_OK ? reading.error : ERR_CORRUPT;
    }
    if (before != NULL) {
        set_rates(&sample, before);
    }
    if (sample.count > 0) {
        qsort(sample.rows, sample.count, sizeof *sample.rows, compare);
    }
    *ret_sample = sample;
    return ERR_OK;
}

void sample_free(struct sample *sample)
{
    free(sample->rows);
    *sample = (struct sample){.rows = NULL};
}
