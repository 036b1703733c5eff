#include "front/grpc.h"

#include "base/clock.h"
#include "grpc_door.h"
#include "grpc_loop.h"
#include "grpc_method.h"
#include "grpc_session.h"
#include "listener.h"
#include "refusals.h"
#include "threads.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define FAREWELL_MS 1000 /* for the last answers to be sent, once nothing is issued any more */
#define HANG_UP_MS 5000  /* for what was begun to be whole, and for clients to hang up */

struct grpc {
    struct grpc_options options;
    struct grpc_service service;
    struct grpc_session_kind kind;
    struct grpc_loop *crew; /* owned; service.report_count of them */
    unsigned started;       /* of them */
    struct grpc_door door;
};

bool grpc_built(void)
{
    return true;
}

/* Let every loop see `phase`. */
static void enter(struct grpc *grpc, enum grpc_phase phase)
{
    grpc_service_enter(&grpc->service, phase);
    for (unsigned i = 0; i < grpc->started; i++) {
        grpc_loop_wake(&grpc->crew[i]);
    }
}

/* End the loops that were started, and free what they own. */
static void end_crew(struct grpc *grpc)
{
    enter(grpc, GRPC_ENDS);
    for (unsigned i = 0; i < grpc->started; i++) {
        grpc_loop_join(&grpc->crew[i]);
    }
    for (unsigned i = 0; i < grpc->started; i++) {
        grpc_loop_fini(&grpc->crew[i]);
    }
    free(grpc->crew);
}

/* Start the threads, none of which may be the one that a signal to the process reaches. */
static enum error start_crew(struct grpc *grpc, unsigned threads)
{
    sigset_t all;
    sigset_t before;
    enum error error = ERR_OK;

    grpc->crew = aligned_alloc(_Alignof(struct grpc_loop), threads * sizeof *grpc->crew);
    if (grpc->crew == NULL) {
        return ERR_NO_MEMORY;
    }
    memset(grpc->crew, 0, threads * sizeof *grpc->crew);
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* fails only for our own bugs */
    /* The last one lets connections in, and deals them to the others, which are there then. */
    for (unsigned i = 0; i < threads && error == ERR_OK; i++) {
        error = grpc_loop_start(grpc->crew, i, &grpc->service, &grpc->kind,
                                i == threads - 1 ? &grpc->door : NULL);
        grpc->started += error == ERR_OK ? 1 : 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* as above */
    return error;
}

/* ---- listeners ---- */

static void close_listeners(struct grpc *grpc)
{
    while (grpc->door.count > 0) {
        listener_close(&grpc->door.listeners[--grpc->door.count]);
    }
}

static enum error open_listeners(struct grpc *grpc, const struct ground *ground,
                                 struct error_detail *detail)
{
    const struct grpc_options *options = &grpc->options;
    enum error error = ERR_OK;

    for (unsigned i = 0; error == ERR_OK && i < options->listen.count; i++) {
        struct listener *listener = &grpc->door.listeners[grpc->door.count];

        error = listener_open_tcp(&options->listen.items[i], listener, detail);
        if (error == ERR_OK) {
            grpc->door.count++;
            error = listener_settle(listener, options->tls, ground, "gRPC at ", detail);
        }
    }
    return error;
}

/* ---- start and stop ---- */

/* What has been started, in the reverse order. */
static void take_down(struct grpc *grpc)
{
    end_crew(grpc);
    close_listeners(grpc);
    grpc_session_kind_fini(&grpc->kind);
    grpc_service_fini(&grpc->service);
    free(grpc);
}

enum error grpc_start(const struct grpc_options *options, const struct ground *ground,
                      struct grpc **ret_grpc, struct error_detail *detail)
{
    unsigned threads = threads_choose(options->threads, GRPC_THREADS_MAX);
    struct grpc *grpc = calloc(1, sizeof *grpc);

    assert(options->max_streams >= 1 && options->max_streams <= GRPC_STREAMS_MAX);
    assert(options->max_message_bytes >= GRPC_MESSAGE_MIN &&
           options->max_message_bytes <= GRPC_MESSAGE_MAX);
    assert(options->busy_poll_us <= GRPC_BUSY_POLL_MAX_US);
    if (grpc == NULL) {
        return error_fail(detail, ERR_NO_MEMORY, "memory is out");
    }
    grpc->options = *options;
    if (grpc_service_init(&grpc->service, &grpc->options, ground, threads) != ERR_OK) {
        free(grpc);
        return error_fail(detail, ERR_NO_MEMORY, "memory is out");
    }
    enum error error = grpc_session_kind_init(&grpc->kind);
    if (error != ERR_OK) {
        (void)error_fail(detail, error, "memory is out"); /* returned below */
    } else {
        error = open_listeners(grpc, ground, detail);
    }
    if (error == ERR_OK) {
        error = start_crew(grpc, threads);
        if (error != ERR_OK) {
            (void)error_fail(detail, error, "the gRPC threads could not be started"); /* as above */
        }
    }
    if (error != ERR_OK) {
        take_down(grpc);
        return error;
    }
    *ret_grpc = grpc;
    return ERR_OK;
}

size_t grpc_places(const struct grpc *grpc)
{
    return grpc == NULL ? 0 : grpc->door.count;
}

const struct place *grpc_place(const struct grpc *grpc, size_t index)
{
    assert(index < grpc->door.count);
    return &grpc->door.listeners[index].place;
}

void grpc_alter(struct grpc *grpc, const struct grpc_options *options)
{
    if (grpc != NULL) {
        grpc_service_alter(&grpc->service, options);
    }
}

static unsigned wait_quiet(struct grpc *grpc, enum grpc_phase phase, unsigned timeout_ms)
{
    enter(grpc, phase);
    return grpc_service_wait_quiet(&grpc->service,
                                   clock_after(clock_now(), timeout_ms * CLOCK_NS_PER_MS));
}

unsigned grpc_drain(struct grpc *grpc, unsigned timeout_ms)
{
    return grpc == NULL ? 0 : wait_quiet(grpc, GRPC_DRAINS, timeout_ms);
}

void grpc_stop(struct grpc *grpc)
{
    if (grpc == NULL) {
        return;
    }
    (void)wait_quiet(grpc, GRPC_DRAINS, FAREWELL_MS); /* who is not done by then … */
    (void)wait_quiet(grpc, GRPC_CLOSES, HANG_UP_MS);  /* … or does not hang up, is cut off */
    take_down(grpc);
}

uint64_t grpc_overdue_ns(const struct grpc *grpc, struct instant now)
{
    uint64_t longest_ns = 0;

    for (unsigned i = 0; grpc != NULL && i < grpc->started; i++) {
        uint64_t overdue_ns = grpc_pulse_overdue_ns(&grpc->crew[i].pulse, now);

        longest_ns = overdue_ns > longest_ns ? overdue_ns : longest_ns;
    }
    return longest_ns;
}

/* ---- metrics ---- */

static uint64_t sum_calls(const struct grpc *grpc, unsigned method, enum grpc_code code)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < grpc->started; i++) {
        sum += grpc_counted_calls(&grpc->crew[i].counters, method, code);
    }
    return sum;
}

static void write_calls(const struct grpc *grpc, FILE *page)
{
    fputs("# HELP seqd_grpc_requests_total Calls that have ended, by method and status.\n"
          "# TYPE seqd_grpc_requests_total counter\n",
          page);
    for (unsigned method = 0; method < GRPC_METHODS; method++) {
        const struct grpc_method *known = grpc_method_at(method);

        for (enum grpc_code code = 0; code < GRPC_CODES; code++) {
            uint64_t sum = sum_calls(grpc, method, code);

            if (sum > 0 || (known != NULL && code == GRPC_OK)) {
                fprintf(page, "seqd_grpc_requests_total{method=\"%s\",code=\"%s\"} %" PRIu64 "\n",
                        known != NULL ? known->path + 1 : "none", grpc_code_name(code), sum);
            }
        }
    }
}

static void write_refusals(struct grpc *grpc, FILE *page)
{
    fputs("# HELP seqd_grpc_refusals_total What clients were denied, by reason.\n"
          "# TYPE seqd_grpc_refusals_total counter\n",
          page);
    for (enum refusal refusal = 0; refusal < REFUSALS; refusal++) {
        fprintf(page, "seqd_grpc_refusals_total{reason=\"%s\"} %" PRIu64 "\n",
                refusal_name(refusal), refusals_count(&grpc->service.refusals, refusal));
    }
}

static void write_looks(const struct grpc *grpc, FILE *page)
{
    uint64_t sums[2] = {0, 0};

    for (unsigned i = 0; i < grpc->started; i++) {
        sums[false] += grpc_counted_looks(&grpc->crew[i].counters, false);
        sums[true] += grpc_counted_looks(&grpc->crew[i].counters, true);
    }
    fprintf(
        page,
        "# HELP seqd_grpc_busy_polls_total How often a thread looked for more before it slept.\n"
        "# TYPE seqd_grpc_busy_polls_total counter\n"
        "seqd_grpc_busy_polls_total{result=\"found\"} %" PRIu64 "\n"
        "seqd_grpc_busy_polls_total{result=\"vain\"} %" PRIu64 "\n",
        sums[true], sums[false]);
}

void grpc_metrics(struct grpc *grpc, FILE *page)
{
    if (grpc == NULL) {
        return;
    }
    write_calls(grpc, page);
    write_refusals(grpc, page);
    write_looks(grpc, page);
    fprintf(page,
            "# HELP seqd_grpc_connections Connections that are open.\n"
            "# TYPE seqd_grpc_connections gauge\nseqd_grpc_connections %u\n",
            guests_count(&grpc->service.guests));
}
