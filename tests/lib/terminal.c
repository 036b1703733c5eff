#include "terminal.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#define TIMEOUT_MS 30000
#define COLUMNS 100
#define SHOWN_SIZE ((size_t)1 << 20)
#define WORDS_MAX 32
#define LINE_SIZE 1024

struct terminal {
    int fd;
    int program_side; /* kept open, so that its settings outlive the program */
    pid_t pid;        /* 0 once it was waited for */
    int status;
    size_t length;
    size_t awaited; /* all before it was waited for */
    char shown[SHOWN_SIZE];
};

__attribute__((noreturn)) static void die(const struct terminal *terminal, const char *what)
{
    fprintf(stderr, "terminal: %s: %s; it showed:\n%s\n", what, strerror(errno),
            terminal != NULL ? terminal->shown : "");
    abort();
}

__attribute__((noreturn)) static void become(const char *path, const char *line, int fd)
{
    char text[LINE_SIZE];
    char *words[WORDS_MAX + 2] = {NULL};
    size_t count = 0;
    char *rest = NULL;
    words[count++] = (char *)(uintptr_t)path; /* execv() changes nothing */
    (void)snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok_r(text, " ", &rest); word != NULL && count <= WORDS_MAX;
         word = strtok_r(NULL, " ", &rest)) {
        words[count++] = word;
    }
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && login_tty(fd) == 0) {
        execv(path, words);
    }
    _exit(127);
}

struct terminal *terminal_open(const char *variable, const char *line, unsigned short lines)
{
    const char *path = getenv(variable);
    struct terminal *terminal = calloc(1, sizeof *terminal);
    struct winsize size = {.ws_row = lines, .ws_col = COLUMNS};
    if (path == NULL || terminal == NULL) {
        die(NULL, variable);
    }
    if (openpty(&terminal->fd, &terminal->program_side, NULL, NULL, &size) != 0) {
        die(terminal, "openpty");
    }
    terminal->pid = fork();
    if (terminal->pid < 0) {
        die(terminal, "fork");
    }
    if (terminal->pid == 0) {
        close(terminal->fd);
        become(path, line, terminal->program_side);
    }
    return terminal;
}

/* Take what it shows now; waits for some of it up to `timeout_ms`. */
static void take(struct terminal *terminal, int timeout_ms)
{
    struct pollfd watched = {.fd = terminal->fd, .events = POLLIN};
    if (poll(&watched, 1, timeout_ms) <= 0) {
        return;
    }
    if (terminal->length == SHOWN_SIZE - 1) {
        die(terminal, "it shows too much");
    }
    ssize_t got =
        read(terminal->fd, terminal->shown + terminal->length, SHOWN_SIZE - 1 - terminal->length);
    if (got > 0) {
        terminal->length += (size_t)got;
    }
}

void terminal_await(struct terminal *terminal, const char *text)
{
    struct instant end = clock_after(clock_now(), TIMEOUT_MS * CLOCK_NS_PER_MS);
    for (;;) {
        const char *at = strstr(terminal->shown + terminal->awaited, text);
        if (at != NULL) {
            terminal->awaited = (size_t)(at - terminal->shown) + strlen(text);
            return;
        }
        if (clock_reached(end, clock_now())) {
            die(terminal, text);
        }
        take(terminal, 10);
    }
}

void terminal_type(struct terminal *terminal, const char *text)
{
    if (write(terminal->fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        die(terminal, "cannot type");
    }
}

void terminal_resize(struct terminal *terminal, unsigned short lines)
{
    struct winsize size = {.ws_row = lines, .ws_col = COLUMNS};
    if (ioctl(terminal->fd, TIOCSWINSZ, &size) != 0) {
        die(terminal, "cannot resize");
    }
}

void terminal_signal(struct terminal *terminal, int signal_number)
{
    if (kill(terminal->pid, signal_number) != 0) {
        die(terminal, "kill");
    }
}

static struct termios settings_of(const struct terminal *terminal)
{
    struct termios settings;
    if (tcgetattr(terminal->program_side, &settings) != 0) {
        die(terminal, "tcgetattr");
    }
    return settings;
}

bool terminal_can_stop(const struct terminal *terminal)
{
    return settings_of(terminal).c_cc[VSUSP] != _POSIX_VDISABLE;
}

bool terminal_is_cooked(const struct terminal *terminal)
{
    struct termios settings = settings_of(terminal);
    return (settings.c_lflag & ICANON) != 0 && (settings.c_lflag & ECHO) != 0 &&
           terminal_can_stop(terminal);
}

const char *terminal_shown(const struct terminal *terminal)
{
    return terminal->shown;
}

int terminal_wait(struct terminal *terminal)
{
    struct instant end = clock_after(clock_now(), TIMEOUT_MS * CLOCK_NS_PER_MS);
    while (terminal->pid != 0) {
        int status = 0;
        take(terminal, 1);
        if (waitpid(terminal->pid, &status, WNOHANG) == terminal->pid) {
            terminal->pid = 0;
            terminal->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        } else if (clock_reached(end, clock_now())) {
            die(terminal, "it does not end");
        }
    }
    take(terminal, 0); /* what it said last */
    return terminal->status;
}

void terminal_close(struct terminal *terminal)
{
    if (terminal->pid != 0) {
        (void)kill(terminal->pid, SIGKILL);
        (void)terminal_wait(terminal);
    }
    close(terminal->fd);
    close(terminal->program_side);
    free(terminal);
}
