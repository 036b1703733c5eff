#include "screen.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LINES_STANDARD 24
#define LINES_MIN 4

/* A second page, no cursor, no line that goes on in the next; and back. */
#define TAKE "\033[?1049h\033[?25l\033[?7l"
#define GIVE_BACK "\033[?7h\033[?25h\033[?1049l"

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};

/* Keys come at once and are not shown; ^Z would leave the page as it is, so it does nothing. */
static bool take_keys(struct screen *screen)
{
    struct termios raw;
    if (tcgetattr(STDIN_FILENO, &screen->before) != 0) {
        return false;
    }
    raw = screen->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VSUSP] = _POSIX_VDISABLE;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

enum error screen_open(struct screen *ret_screen)
{
    struct screen screen = {.signals_fd = -1};
    sigset_t signals;
    sigemptyset(&signals);
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++) {
        sigaddset(&signals, caught[i]);
    }
    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1 ||
        sigprocmask(SIG_BLOCK, &signals, NULL) != 0) {
        return ERR_UNAVAILABLE;
    }
    screen.signals_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (screen.signals_fd < 0 || !take_keys(&screen)) {
        (void)sigprocmask(SIG_UNBLOCK, &signals, NULL); /* it was valid just now */
        if (screen.signals_fd >= 0) {
            close(screen.signals_fd);
        }
        return ERR_UNAVAILABLE;
    }
    (void)fputs(TAKE, stdout); /* who flushes looks for errors */
    *ret_screen = screen;
    return ERR_OK;
}

void screen_close(struct screen *screen)
{
    (void)fputs(GIVE_BACK, stdout); /* who flushes looks for errors */
    (void)fflush(stdout);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &screen->before); /* the terminal may be gone */
    close(screen->signals_fd);
}

size_t screen_lines(void)
{
    struct winsize size = {.ws_row = 0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) {
        return LINES_STANDARD;
    }
    return size.ws_row < LINES_MIN ? LINES_MIN : size.ws_row;
}

void screen_begin(void)
{
    (void)fputs("\033[H", stdout); /* who flushes looks for errors */
}

void screen_end(void)
{
    (void)fputs("\033[J", stdout); /* who flushes looks for errors */
    (void)fflush(stdout);
}

/* What the signals that came mean; SCREEN_TIME: nothing. */
static enum screen_event read_signals(const struct screen *screen)
{
    struct signalfd_siginfo info;
    enum screen_event event = SCREEN_TIME;
    while (read(screen->signals_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo != SIGWINCH) {
            return SCREEN_QUIT;
        }
        event = SCREEN_RESIZE;
    }
    return event;
}

/* 'q' ends, and so does a terminal that hung up; other keys do nothing. */
static bool key_quits(void)
{
    char key = '\0';
    return read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q';
}

enum screen_event screen_wait(struct screen *screen, uint64_t timeout_ms)
{
    struct instant end = clock_after(clock_now(), timeout_ms * CLOCK_NS_PER_MS);
    struct pollfd watched[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = screen->signals_fd, .events = POLLIN}};
    for (;;) {
        uint64_t left_ms = clock_elapsed(clock_now(), end) / CLOCK_NS_PER_MS;
        int ready = poll(watched, 2, (int)left_ms);
        if (ready == 0) {
            return SCREEN_TIME;
        }
        if (ready < 0 && errno != EINTR) {
            return SCREEN_QUIT;
        }
        if ((watched[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && key_quits()) {
            return SCREEN_QUIT;
        }
        enum screen_event event = read_signals(screen);
        if (event != SCREEN_TIME) {
            return event;
        }
    }
}
