/* stage: the real daemon on a data directory and a configuration of its own, for system tests.
 *
 * The law: what is asked of it must be answered, or the test ends with what was asked and answered.
 *
 * Threads: one uses a stage; stage_ask() and those after it: any, each on a connection of its
  * own. */
#ifndef SEQD_TESTS_LIB_STAGE_H
#define SEQD_TESTS_LIB_STAGE_H

#include "daemon.h"
#include "dir.h"

#include <stdint.h>

struct stage {
    struct dir data;
    struct dir configuration;
    struct daemon *daemon; /* NULL while none runs */
    uint16_t port;
};

/* Start a daemon with `configuration` as its file; NULL is none. */
struct stage stage_open(const char *configuration);

/* Start it again, after stage_stop() or stage_kill(). `environment` as for daemon_spawn(). */
void stage_start(struct stage *stage, const char *const *environment);

/* ... with the shared object `object`, which lies beside this program, before the C library. */
void stage_start_with(struct stage *stage, const char *object, const char *const *environment);

/* Write its configuration anew; it counts from the next start or reload on. */
void stage_configure(const struct stage *stage, const char *configuration);

/* SIGHUP, and wait until it has said `text` `times` times on standard error; else the test ends. */
void stage_reload(struct stage *stage, const char *text, unsigned times);

/* SIGTERM; ends the test when the exit status is not 0. */
void stage_stop(struct stage *stage);

/* SIGKILL. */
void stage_kill(struct stage *stage);

/* Stop it if it runs, cleanly, and remove the directories. */
void stage_close(struct stage *stage);

/* GET `target` and return the one number of its 200; another answer ends the test. Who is told that
 * no lease came in time, on a machine whose disk is busy, has taken no number, and asks again. */
int64_t stage_next(const struct stage *stage, const char *target);

/* GET `target` and compare the whole body of its 200. */
void stage_expect(const struct stage *stage, const char *target, const char *accept,
                  const char *body);

/* Send a request over a connection of its own and compare the status. */
void stage_expect_status(const struct stage *stage, const char *method, const char *target,
                         const char *headers, int status);

#endif
