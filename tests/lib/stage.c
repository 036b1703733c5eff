#include "stage.h"

#include "base/clock.h"
#include "base/text.h"
#include "http_client.h"

#include <assert.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "seqd.conf"
#define HEADER_SIZE 128
#define PATIENCE_NS (60 * CLOCK_NS_PER_S) /* for a lease */
#define SETTINGS_MAX 8
#define LINK_ORDER "verify_asan_link_order=0"

static void disappoint(const char *target, const struct http_answer *answer, const char *wanted)
{
    (void)fprintf(stderr, "stage: '%s' was answered with %d '%s', not with %s\n", target,
                  answer->status, answer->body, wanted);
    abort();
}

struct stage stage_open(const char *configuration)
{
    struct stage stage = {.data = dir_make(), .configuration = dir_make()};
    if (configuration != NULL) {
        stage_configure(&stage, configuration);
    }
    stage_start(&stage, NULL);
    return stage;
}

void stage_start(struct stage *stage, const char *const *environment)
{
    struct dir file = dir_entry(&stage->configuration, FILE_NAME);
    bool configured = dir_has(&stage->configuration, FILE_NAME);
    const char *arguments[] = {
        "-d", stage->data.path, "-p", "0", configured ? "-c" : NULL, file.path, NULL};
    stage->daemon = daemon_spawn(arguments, environment);
    if (!daemon_listens(stage->daemon)) {
        (void)fprintf(stderr, "stage: it did not start\n%s", daemon_stderr(stage->daemon));
        abort();
    }
    stage->port = daemon_port(stage->daemon);
}

void stage_start_with(struct stage *stage, const char *object, const char *const *environment)
{
    char program[PATH_MAX];
    char preload[PATH_MAX + 64];
    char asan[1024];
    const char *settings[SETTINGS_MAX + 2] = {preload};
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length <= 0) {
        abort();
    }
    program[length] = '\0';
    *strrchr(program, '/') = '\0';
    (void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/%s", program, object);
    for (size_t i = 0; environment[i] != NULL; i++) {
        assert(i < SETTINGS_MAX);
        settings[i + 1] = environment[i];
    }
    /* Its run time wants to be loaded first, and would refuse. Set here, because a setting that
     * this process has comes before those that the daemon gets beside it. */
    const char *options = getenv("ASAN_OPTIONS");
    if (options == NULL || strstr(options, LINK_ORDER) == NULL) {
        (void)snprintf(asan, sizeof(asan), "%s:" LINK_ORDER, options == NULL ? "" : options);
        setenv("ASAN_OPTIONS", asan, 1);
    }
    stage_start(stage, settings);
}

void stage_configure(const struct stage *stage, const char *configuration)
{
    dir_write(&stage->configuration, FILE_NAME, configuration, strlen(configuration));
}

void stage_reload(struct stage *stage, const char *text, unsigned times)
{
    daemon_signal(stage->daemon, SIGHUP);
    if (!daemon_says(stage->daemon, text, times, DAEMON_TIMEOUT_MS)) {
        (void)fprintf(stderr, "stage: it does not say '%s' %u times\n%s", text, times,
                      daemon_stderr(stage->daemon));
        abort();
    }
}

void stage_stop(struct stage *stage)
{
    int status = daemon_stop(stage->daemon);
    if (status != 0) {
        (void)fprintf(stderr, "stage: exit status %d\n%s", status, daemon_stderr(stage->daemon));
        abort();
    }
    daemon_free(stage->daemon);
    stage->daemon = NULL;
}

void stage_kill(struct stage *stage)
{
    daemon_kill(stage->daemon);
    daemon_free(stage->daemon);
    stage->daemon = NULL;
}

void stage_close(struct stage *stage)
{
    if (stage->daemon != NULL) {
        stage_stop(stage);
    }
    dir_remove(&stage->data);
    dir_remove(&stage->configuration);
}

static bool tells_to_wait(const struct http_answer *answer)
{
    return answer->status == 503 && strstr(answer->body, "/problems/no-lease") != NULL;
}

int64_t stage_next(const struct stage *stage, const char *target)
{
    struct http_answer answer = http_ask(stage->port, "GET", target, "");
    struct instant deadline = clock_after(clock_now(), PATIENCE_NS);
    while (tells_to_wait(&answer) && !clock_reached(deadline, clock_now())) {
        http_answer_free(&answer);
        answer = http_ask(stage->port, "GET", target, "");
    }
    int64_t number = 0;
    char text[TEXT_INT64_SIZE] = "";
    size_t digits = answer.body_length - (answer.body_length > 0 ? 1 : 0);
    if (digits < sizeof(text)) {
        memcpy(text, answer.body, digits);
    }
    if (answer.status != 200 || answer.body_length == 0 || answer.body[digits] != '\n' ||
        text_parse_int64(text, &number) != ERR_OK) {
        disappoint(target, &answer, "a number");
    }
    http_answer_free(&answer);
    return number;
}

void stage_expect(const struct stage *stage, const char *target, const char *accept,
                  const char *body)
{
    char header[HEADER_SIZE];
    (void)snprintf(header, sizeof(header), "Accept: %s\r\n", accept);
    struct http_answer answer = http_ask(stage->port, "GET", target, header);
    if (answer.status != 200 || strcmp(answer.body, body) != 0) {
        disappoint(target, &answer, body);
    }
    http_answer_free(&answer);
}

void stage_expect_status(const struct stage *stage, const char *method, const char *target,
                         const char *headers, int status)
{
    struct http_answer answer = http_ask(stage->port, method, target, headers);
    if (answer.status != status) {
        char wanted[TEXT_INT64_SIZE];
        (void)snprintf(wanted, sizeof(wanted), "%d", status);
        disappoint(target, &answer, wanted);
    }
    http_answer_free(&answer);
}
