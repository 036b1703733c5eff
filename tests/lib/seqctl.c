#include "seqctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 2048
#define WORDS_MAX 64

struct daemon *seqctl_start(const char *const *environment, const char *line)
{
    char text[LINE_SIZE];
    const char *words[WORDS_MAX + 1] = {NULL};
    size_t count = 0;
    char *rest = NULL;
    (void)snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok_r(text, " ", &rest); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest)) {
        words[count++] = word;
    }
    return daemon_spawn_program("SEQCTL", words, environment);
}

struct seqctl_run seqctl_end(struct daemon *process)
{
    struct seqctl_run run = {.process = process, .status = daemon_wait(process, DAEMON_TIMEOUT_MS)};
    if (run.status < 0) {
        fprintf(stderr, "seqctl: it does not end\n%s", daemon_stderr(process));
        abort();
    }
    run.out = daemon_stdout(process);
    run.err = daemon_stderr(process);
    return run;
}

struct seqctl_run seqctl_run_with(const char *const *environment, const char *line)
{
    return seqctl_end(seqctl_start(environment, line));
}

struct seqctl_run seqctl_run(uint16_t port, const char *line)
{
    char url[64];
    const char *const environment[] = {url, NULL};
    (void)snprintf(url, sizeof url, "SEQD_URL=http://127.0.0.1:%u", (unsigned)port);
    return seqctl_run_with(environment, line);
}

void seqctl_free(struct seqctl_run *run)
{
    daemon_free(run->process);
    *run = (struct seqctl_run){.process = NULL};
}

uint64_t seqctl_member(const char *json, const char *name)
{
    char key[64];
    (void)snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(json, key);
    if (at == NULL) {
        fprintf(stderr, "seqctl: there is no \"%s\" in %s\n", name, json);
        abort();
    }
    return strtoull(at + strlen(key), NULL, 10);
}

static void compare(struct seqctl_run run, const char *line, int status, const char *out,
                    const char *err)
{
    const char *wrong = NULL;
    if (run.status != status) {
        wrong = "the exit status";
    } else if (out != NULL && strcmp(run.out, out) != 0) {
        wrong = "standard output";
    } else if (err != NULL ? strstr(run.err, err) == NULL : run.err[0] != '\0') {
        wrong = "standard error";
    }
    if (wrong != NULL) {
        fprintf(stderr, "seqctl %s: %s differs\n--- exit status %d, expected %d\n", line, wrong,
                run.status, status);
        fprintf(stderr, "--- standard output:\n%s--- expected:\n%s\n", run.out,
                out != NULL ? out : "(any)");
        fprintf(stderr, "--- standard error:\n%s--- expected in it:\n%s\n", run.err,
                err != NULL ? err : "(nothing)");
        seqctl_free(&run);
        abort();
    }
    seqctl_free(&run);
}

void seqctl_expect(uint16_t port, const char *line, int status, const char *out, const char *err)
{
    compare(seqctl_run(port, line), line, status, out, err);
}

void seqctl_expect_with(const char *const *environment, const char *line, int status,
                        const char *out, const char *err)
{
    compare(seqctl_run_with(environment, line), line, status, out, err);
}
