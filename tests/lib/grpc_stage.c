#include "grpc_stage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct grpc_stage *grpc_stage_new(void)
{
    struct grpc_stage *stage = calloc(1, sizeof *stage);

    assert_non_null(stage);
    stage->options = (struct grpc_options){
        .listen = {.count = 1, .items = {{.address = "127.0.0.1"}}},
        .threads = 2,
        .max_connections = 1000,
        .max_streams = 1000,
        .max_message_bytes = 4096,
        .busy_poll_us = 50,
        .default_sequence = "default",
        .max_count = 10000,
        .wait_timeout_ms = 30000,
        .request_timeout_ms = 60000,
        .idle_timeout_ms = 60000,
        .max_age_ms = GRPC_AGE_UNLIMITED,
    };
    void *house = NULL;
    assert_int_equal(house_build(&house), 0);
    stage->house = house;
    house_declare(stage->house, "default", definition_default());
    return stage;
}

/* End the test with a word on why. */
static void must(enum error error, const struct error_detail *detail)
{
    if (error != ERR_OK) {
        fail_msg("%s: %s", error_name(error), detail->text);
    }
}

void grpc_stage_open(struct grpc_stage *stage)
{
    struct error_detail detail = {""};

    house_start(stage->house);
    must(access_open(&stage->access_options, &stage->access, &detail), &detail);
    if (stage->tls_options.certificate[0] != '\0') {
        must(tls_open(&stage->tls_options, &stage->tls, &detail), &detail);
    }
    struct ground ground = {.registry = stage->house->registry,
                            .keeper = stage->house->keeper,
                            .access = stage->access,
                            .tls = stage->tls,
                            .remote_is_wanted = access_serves_remote(&stage->access_options)};
    must(grpc_start(&stage->options, &ground, &stage->grpc, &detail), &detail);
    stage->port = grpc_place(stage->grpc, 0)->port;
}

void grpc_stage_close(struct grpc_stage *stage)
{
    void *house = stage->house;

    store_memory_release(stage->house->disk);
    (void)grpc_drain(stage->grpc, 2000); /* a test that left a call hanging has its reasons */
    registry_close(stage->house->registry);
    grpc_stop(stage->grpc);
    tls_close(stage->tls);
    access_close(stage->access);
    assert_int_equal(house_tear_down(&house), 0);
    free(stage);
}

int64_t grpc_stage_next(struct grpc_client *client)
{
    const struct grpc_ask ask = {.path = GRPC_NEXT_PATH};
    struct grpc_words words = grpc_words_next(NULL, GRPC_NO_COUNT);

    return grpc_expect_block(grpc_client_call(client, &ask, words.bytes, words.length)).first;
}

void grpc_stage_await_waiters(struct grpc_stage *stage, const char *name, uint64_t waiters)
{
    struct sequence *sequence = house_find(stage->house, name);
    struct sequence_status status;

    house_wait_until((sequence_describe(sequence, &status), status.waiters == waiters));
}

uint64_t grpc_stage_issued(struct grpc_stage *stage, const char *name)
{
    struct sequence_status status;

    sequence_describe(house_find(stage->house, name), &status);
    return status.issued;
}

/* The value of the metric that begins so; 0 when there is none. */
static uint64_t metric(struct grpc_stage *stage, const char *begin)
{
    char *text = NULL;
    size_t length = 0;
    uint64_t value = 0;
    FILE *page = open_memstream(&text, &length);

    assert_non_null(page);
    grpc_metrics(stage->grpc, page);
    assert_int_equal(fclose(page), 0);
    const char *found = strstr(text, begin);
    if (found != NULL) {
        value = strtoull(found + strlen(begin), NULL, 10);
    }
    free(text);
    return value;
}

uint64_t grpc_stage_counted(struct grpc_stage *stage, const char *path, const char *code)
{
    char begin[256];

    snprintf(begin, sizeof begin, "seqd_grpc_requests_total{method=\"%s\",code=\"%s\"} ",
             path[0] == '/' ? path + 1 : path, code);
    return metric(stage, begin);
}

uint64_t grpc_stage_refused(struct grpc_stage *stage, const char *reason)
{
    char begin[256];

    snprintf(begin, sizeof begin, "seqd_grpc_refusals_total{reason=\"%s\"} ", reason);
    return metric(stage, begin);
}

uint64_t grpc_stage_looked(struct grpc_stage *stage, const char *result)
{
    char begin[256];

    snprintf(begin, sizeof begin, "seqd_grpc_busy_polls_total{result=\"%s\"} ", result);
    return metric(stage, begin);
}

uint64_t grpc_stage_connections(struct grpc_stage *stage)
{
    return metric(stage, "\nseqd_grpc_connections ");
}

void grpc_expect_status_at(const struct grpc_answer *answer, int code, const char *text,
                           const char *file, int line)
{
    bool right = answer->closed && answer->http_status == 200 && answer->code == code &&
                 strcmp(answer->content_type, "application/grpc") == 0 &&
                 strstr(answer->message, text) != NULL &&
                 (strcmp(answer->retry_ms, "1000") == 0) == (code == 14);

    if (!right) {
        print_error("expected status %d with '%s', got %d '%s' (HTTP %d, %s, retry '%s', "
                    "closed %d, reset %u)\n",
                    code, text, answer->code, answer->message, answer->http_status,
                    answer->content_type, answer->retry_ms, (int)answer->closed, answer->reset);
    }
    _assert_true(right, "the status", file, line);
}

struct grpc_block grpc_expect_block(const struct grpc_answer *answer)
{
    struct grpc_block block;
    size_t at = 0;

    grpc_expect_status(answer, 0, "");
    assert_true(grpc_words_read_next(answer->body, answer->length, &at, &block));
    assert_int_equal(at, answer->length);
    assert_int_equal((block.last - block.first) / block.increment, block.count - 1);
    return block;
}
