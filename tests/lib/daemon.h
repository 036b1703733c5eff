/* daemon: runs the real seqd from outside, for tests: start, wait, signal, stop, kill.
 *
 * The law: the program is the one that the environment variable SEQD names. What it writes to
 * standard output and standard error goes to two files in memory, so it never blocks on a reader
 * and nothing it said is lost. It cannot outlive the thread that started it (the kernel kills it
 * then), so a test that breaks off leaves no daemon behind. It sees this process's environment
 * without what a service manager may have put there (NOTIFY_SOCKET, WATCHDOG_USEC, JOURNAL_STREAM,
 * STATE_DIRECTORY, LISTEN_FDS, LISTEN_PID) and what seqctl reads (SEQD_URL, SEQD_TOKEN), and with
 * no signal blocked.
 *
 * A call that a test is certain of ends the test, with what the daemon said on standard error, when
 * it fails; the others return what happened. Every wait has an end.
 *
 * Threads: one daemon is used by one thread at a time; daemon_start() and daemon_spawn() by a
 * thread that lives as long as the daemon should. */
#ifndef SEQD_TESTS_LIB_DAEMON_H
#define SEQD_TESTS_LIB_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* For what takes milliseconds: only a broken daemon, or a sanitizer, needs more. */
#define DAEMON_TIMEOUT_MS 120000

struct daemon;

/* Start it with exactly these arguments (without the program's name; ends with NULL) and, beside
 * the environment above, these settings "NAME=value" (ends with NULL; NULL is none). Returns at
 * once. */
struct daemon *daemon_spawn(const char *const *arguments, const char *const *environment);

/* ... but the program whose path the environment variable `variable` holds, such as SEQCTL. */
struct daemon *daemon_spawn_program(const char *variable, const char *const *arguments,
                                    const char *const *environment);

/* As a service manager starts it with `count` sockets that listen already: they are descriptors 3
 * and up in it, and LISTEN_FDS and LISTEN_PID say so. The caller keeps its own. */
struct daemon *daemon_spawn_activated(const int *sockets, unsigned count,
                                      const char *const *arguments);

/* Wait until it says where it listens. False when it ended first. */
bool daemon_listens(struct daemon *daemon);

/* Start it with `-p 0 -d DIRECTORY` and then `arguments` (NULL is none), wait until it listens;
 * ends the test when it does not. */
struct daemon *daemon_start(const char *directory, const char *const *arguments);

/* Run it to its end, for -t, -V, -h and refusals.
 * `ret_status`  as daemon_wait() returns it. */
struct daemon *daemon_run(const char *const *arguments, const char *const *environment,
                          int *ret_status);

/* The port that it listens on; 0 before daemon_listens(). */
uint16_t daemon_port(const struct daemon *daemon);

/* Its process id; 0 after it was waited for. */
pid_t daemon_pid(const struct daemon *daemon);

/* All that it has written so far; valid until the next call with this daemon. */
const char *daemon_stdout(struct daemon *daemon);
const char *daemon_stderr(struct daemon *daemon);

/* Wait until it has written `text` to standard error `times` times. False when it ended, or the
 * time is over, without. */
bool daemon_says(struct daemon *daemon, const char *text, unsigned times, unsigned timeout_ms);

void daemon_signal(struct daemon *daemon, int signal_number);

/* Wait for its end. Returns its exit status, 128 + the signal that ended it, or -1 when it still
 * runs after `timeout_ms`. Once it has ended, every later call returns the same. */
int daemon_wait(struct daemon *daemon, unsigned timeout_ms);

/* SIGTERM, and wait for its end; ends the test when it does not come. Returns the exit status. */
int daemon_stop(struct daemon *daemon);

/* SIGKILL, and wait for its end. */
void daemon_kill(struct daemon *daemon);

/* Kill it if it still runs, and free. NULL is accepted. */
void daemon_free(struct daemon *daemon);

#endif
