#include "daemon.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTENS " listens on http://"
#define POLL_MS 1
#define PASSED_FROM 3 /* the first descriptor that a service manager passes, … */
#define PASSED_MAX 16
#define ASIDE_FROM 64 /* … and where they are out of the way of all others meanwhile */
#define PID_VARIABLE "LISTEN_PID="

extern char **environ;

struct daemon {
    pid_t pid;  /* 0 once it was waited for */
    int status; /* counts when pid is 0 */
    uint16_t port;
    int streams[2]; /* files in memory: what it wrote to standard output and standard error */
    char *texts[2]; /* copies of them, as they were when last asked for */
};

enum stream {
    STREAM_OUT = 0,
    STREAM_ERR = 1
};

/* A test cannot go on without this. */
static void die(const char *what)
{
    fprintf(stderr, "daemon: %s: %s\n", what, strerror(errno));
    abort();
}

static void die_showing(struct daemon *daemon, const char *what)
{
    fprintf(stderr, "daemon: %s; it said:\n%s\n", what, daemon_stderr(daemon));
    daemon_free(daemon);
    abort();
}

static const char *program(const char *variable)
{
    const char *path = getenv(variable);
    if (path == NULL || path[0] == '\0') {
        fprintf(stderr, "daemon: %s is not set: run this test by make, or set it\n", variable);
        abort();
    }
    return path;
}

/* `first`, then the entries of both lists, then NULL. The caller frees the list. */
static const char **joined(const char *first, const char *const *a, const char *const *b)
{
    size_t count = 2;
    for (const char *const *entry = a; entry != NULL && *entry != NULL; entry++) {
        count++;
    }
    for (const char *const *entry = b; entry != NULL && *entry != NULL; entry++) {
        count++;
    }
    const char **list = calloc(count, sizeof *list);
    if (list == NULL) {
        die("no memory");
    }
    size_t filled = 0;
    if (first != NULL) {
        list[filled++] = first;
    }
    for (const char *const *entry = a; entry != NULL && *entry != NULL; entry++) {
        list[filled++] = *entry;
    }
    for (const char *const *entry = b; entry != NULL && *entry != NULL; entry++) {
        list[filled++] = *entry;
    }
    return list;
}

/* This process's environment without what a service manager may have put there. */
static const char **plain_environment(void)
{
    static const char *const dropped[] = {
        "NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=", "JOURNAL_STREAM=", "STATE_DIRECTORY=",
        "LISTEN_FDS=",    "LISTEN_PID=",    "SEQD_URL=",     "SEQD_TOKEN="};
    const char **list = joined(NULL, (const char *const *)environ, NULL);
    size_t kept = 0;
    for (size_t i = 0; list[i] != NULL; i++) {
        bool drop = false;
        for (size_t j = 0; j < sizeof dropped / sizeof dropped[0]; j++) {
            drop = drop || strncmp(list[i], dropped[j], strlen(dropped[j])) == 0;
        }
        if (!drop) {
            list[kept++] = list[i];
        }
    }
    list[kept] = NULL;
    return list;
}

/* Sockets that are passed on; none where `count` is 0. */
struct passed {
    const int *sockets;
    unsigned count;
    char *pid_text; /* in the environment: room for the child's process id */
};

/* In the child. */
static bool pass_on(const struct passed *passed)
{
    int aside[PASSED_MAX];
    for (unsigned i = 0; i < passed->count; i++) {
        aside[i] = fcntl(passed->sockets[i], F_DUPFD_CLOEXEC, ASIDE_FROM);
        if (aside[i] < 0) {
            return false;
        }
    }
    for (unsigned i = 0; i < passed->count; i++) {
        if (dup2(aside[i], PASSED_FROM + (int)i) < 0) {
            return false;
        }
    }
    if (passed->count > 0) {
        passed->pid_text[text_format_int64(passed->pid_text, getpid())] = '\0';
    }
    return true;
}

/* In the child: only calls that are safe between fork() and exec(). */
__attribute__((noreturn)) static void become(const struct daemon *daemon, pid_t parent,
                                             const struct passed *passed, const char **arguments,
                                             const char **environment)
{
    sigset_t none;
    sigemptyset(&none);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
        dup2(daemon->streams[STREAM_OUT], STDOUT_FILENO) >= 0 &&
        dup2(daemon->streams[STREAM_ERR], STDERR_FILENO) >= 0 && pass_on(passed) &&
        sigprocmask(SIG_SETMASK, &none, NULL) == 0) {
        /* execve() changes neither list, whatever its prototype says. */
        execve(arguments[0], (char *const *)(uintptr_t)arguments,
               (char *const *)(uintptr_t)environment);
    }
    _exit(127);
}

/* Start the program that the environment variable names. */
static struct daemon *spawn(const char *variable, const char *const *arguments,
                            const char *const *environment, const struct passed *passed)
{
    struct daemon *daemon = calloc(1, sizeof *daemon);
    if (daemon == NULL) {
        die("no memory");
    }
    for (int i = 0; i < 2; i++) {
        daemon->streams[i] = memfd_create(i == STREAM_OUT ? "stdout" : "stderr", MFD_CLOEXEC);
        if (daemon->streams[i] < 0) {
            die("memfd_create");
        }
        /* As a terminal or a log file does, each line goes to the end. */
        if (fcntl(daemon->streams[i], F_SETFL, O_APPEND) != 0) {
            die("fcntl");
        }
    }
    const char **all_arguments = joined(program(variable), arguments, NULL);
    const char **plain = plain_environment();
    const char **all_environment = joined(NULL, plain, environment);
    pid_t parent = getpid();
    daemon->pid = fork();
    if (daemon->pid == 0) {
        become(daemon, parent, passed, all_arguments, all_environment);
    }
    if (daemon->pid < 0) {
        die("fork");
    }
    free(all_environment);
    free(plain);
    free(all_arguments);
    return daemon;
}

struct daemon *daemon_spawn(const char *const *arguments, const char *const *environment)
{
    return daemon_spawn_program("SEQD", arguments, environment);
}

struct daemon *daemon_spawn_program(const char *variable, const char *const *arguments,
                                    const char *const *environment)
{
    return spawn(variable, arguments, environment, &(const struct passed){.count = 0});
}

struct daemon *daemon_spawn_activated(const int *sockets, unsigned count,
                                      const char *const *arguments)
{
    char pid_variable[sizeof PID_VARIABLE + TEXT_INT64_SIZE] = PID_VARIABLE;
    char count_variable[32];
    const char *const environment[] = {pid_variable, count_variable, NULL};
    struct passed passed = {
        .sockets = sockets, .count = count, .pid_text = pid_variable + strlen(PID_VARIABLE)};
    if (count > PASSED_MAX) {
        die("too many sockets");
    }
    (void)snprintf(count_variable, sizeof count_variable, "LISTEN_FDS=%u", count);
    return spawn("SEQD", arguments, environment, &passed);
}

/* All that it has written to `stream` so far, with a NUL. */
static const char *read_stream(struct daemon *daemon, enum stream stream)
{
    struct stat status;
    if (fstat(daemon->streams[stream], &status) != 0) {
        die("fstat");
    }
    size_t size = (size_t)status.st_size;
    char *text = realloc(daemon->texts[stream], size + 1);
    if (text == NULL) {
        die("no memory");
    }
    daemon->texts[stream] = text;
    ssize_t length = pread(daemon->streams[stream], text, size, 0);
    if (length < 0) {
        die("pread");
    }
    text[length] = '\0';
    return text;
}

const char *daemon_stdout(struct daemon *daemon)
{
    return read_stream(daemon, STREAM_OUT);
}

const char *daemon_stderr(struct daemon *daemon)
{
    return read_stream(daemon, STREAM_ERR);
}

/* Has it ended? Then remember how. */
static bool has_ended(struct daemon *daemon)
{
    if (daemon->pid == 0) {
        return true;
    }
    int status = 0;
    pid_t pid = waitpid(daemon->pid, &status, WNOHANG);
    if (pid < 0) {
        die("waitpid");
    }
    if (pid == 0) {
        return false;
    }
    daemon->pid = 0;
    daemon->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

/* The port in "… listens on http://ADDRESS:PORT …", once the whole line is there; else 0. */
static uint16_t port_said(struct daemon *daemon)
{
    const char *start = strstr(daemon_stdout(daemon), LISTENS);
    if (start == NULL || strchr(start, '\n') == NULL) {
        return 0;
    }
    start += strlen(LISTENS);
    char address[128];
    size_t length = strcspn(start, " \n");
    if (length >= sizeof address) {
        return 0;
    }
    memcpy(address, start, length);
    address[length] = '\0';
    const char *colon = strrchr(address, ':');
    uint64_t port = 0;
    if (colon == NULL || text_parse_uint64(colon + 1, UINT16_MAX, &port) != ERR_OK) {
        return 0;
    }
    return (uint16_t)port;
}

static bool time_is_over(struct instant start, unsigned timeout_ms)
{
    return clock_elapsed(start, clock_now()) >= timeout_ms * CLOCK_NS_PER_MS;
}

/* Between two looks at a process that gives no other sign. */
static void breathe(void)
{
    (void)poll(NULL, 0, POLL_MS); /* an early return only means an earlier look */
}

bool daemon_listens(struct daemon *daemon)
{
    struct instant start = clock_now();
    for (;;) {
        bool ended = has_ended(daemon); /* asked first, so that what it said last is seen */
        daemon->port = port_said(daemon);
        if (daemon->port != 0 || ended) {
            return !ended;
        }
        if (time_is_over(start, DAEMON_TIMEOUT_MS)) {
            die_showing(daemon, "neither listens nor ends");
        }
        breathe();
    }
}

struct daemon *daemon_start(const char *directory, const char *const *arguments)
{
    const char *const usual[] = {"-p", "0", "-d", directory, NULL};
    const char **all = joined(NULL, usual, arguments);
    struct daemon *daemon = daemon_spawn(all, NULL);
    free(all);
    if (!daemon_listens(daemon)) {
        fprintf(stderr, "daemon: exit status %d\n", daemon->status);
        die_showing(daemon, "it did not start");
    }
    return daemon;
}

struct daemon *daemon_run(const char *const *arguments, const char *const *environment,
                          int *ret_status)
{
    struct daemon *daemon = daemon_spawn(arguments, environment);
    *ret_status = daemon_wait(daemon, DAEMON_TIMEOUT_MS);
    if (*ret_status < 0) {
        die_showing(daemon, "it did not end by itself");
    }
    return daemon;
}

uint16_t daemon_port(const struct daemon *daemon)
{
    return daemon->port;
}

pid_t daemon_pid(const struct daemon *daemon)
{
    return daemon->pid;
}

static unsigned occurrences(const char *text, const char *wanted)
{
    unsigned count = 0;
    for (const char *at = strstr(text, wanted); at != NULL; at = strstr(at + 1, wanted)) {
        count++;
    }
    return count;
}

bool daemon_says(struct daemon *daemon, const char *text, unsigned times, unsigned timeout_ms)
{
    struct instant start = clock_now();
    for (;;) {
        bool last_look = has_ended(daemon) || time_is_over(start, timeout_ms);
        if (occurrences(daemon_stderr(daemon), text) >= times) {
            return true;
        }
        if (last_look) {
            return false;
        }
        breathe();
    }
}

void daemon_signal(struct daemon *daemon, int signal_number)
{
    if (has_ended(daemon)) {
        die_showing(daemon, "it has ended before the signal");
    }
    if (kill(daemon->pid, signal_number) != 0) {
        die("kill");
    }
}

int daemon_wait(struct daemon *daemon, unsigned timeout_ms)
{
    struct instant start = clock_now();
    while (!has_ended(daemon)) {
        if (time_is_over(start, timeout_ms)) {
            return -1;
        }
        breathe();
    }
    return daemon->status;
}

int daemon_stop(struct daemon *daemon)
{
    daemon_signal(daemon, SIGTERM);
    int status = daemon_wait(daemon, DAEMON_TIMEOUT_MS);
    if (status < 0) {
        die_showing(daemon, "it does not stop");
    }
    return status;
}

void daemon_kill(struct daemon *daemon)
{
    if (!has_ended(daemon)) {
        if (kill(daemon->pid, SIGKILL) != 0) {
            die("kill");
        }
        (void)daemon_wait(daemon, DAEMON_TIMEOUT_MS); /* SIGKILL cannot be refused */
    }
}

void daemon_free(struct daemon *daemon)
{
    if (daemon == NULL) {
        return;
    }
    daemon_kill(daemon);
    for (int i = 0; i < 2; i++) {
        close(daemon->streams[i]);
        free(daemon->texts[i]);
    }
    free(daemon);
}
