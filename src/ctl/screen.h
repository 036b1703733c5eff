/* screen: a terminal, taken over for a while and given back as it was.
 *
 * The law: whatever ends the program by a signal that can be caught goes through screen_close(), so
 * that no terminal is left without echo or cursor. Plain ANSI sequences, which every terminal of
 * today understands.
 *
 * Threads: one, and one screen at a time. */
#ifndef SEQD_CTL_SCREEN_H
#define SEQD_CTL_SCREEN_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <termios.h>

/* What each line of a frame ends with: it clears what the frame before had there. */
#define SCREEN_LINE_END "\033[K\n"

enum screen_event {
    SCREEN_TIME,   /* the time is over */
    SCREEN_RESIZE, /* the window has another size: draw anew */
    SCREEN_QUIT,   /* 'q', ^C, or a signal that ends programs */
};

struct screen {
    struct termios before;
    int signals_fd;
};

/* Take standard input and output over. ERR_UNAVAILABLE when one of them is no terminal; nothing has
 * changed then. */
__attribute__((warn_unused_result)) enum error screen_open(struct screen *ret_screen);
void screen_close(struct screen *screen);

/* Lines that fit, at least 4. */
size_t screen_lines(void);

/* A frame: everything that is written to standard output between these two. Lines that are too long
 * are cut by the terminal. */
void screen_begin(void);
void screen_end(void);

/* Wait up to `timeout_ms` for something to happen. */
enum screen_event screen_wait(struct screen *screen, uint64_t timeout_ms);

#endif
