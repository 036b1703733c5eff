/* terminal: runs a program on a terminal of its own, types, and reads what it shows.
 *
 * The law: the program is the one that an environment variable names; it sees this process's
 * environment. Every wait has an end, and one that is in vain ends the test with what was shown.
 *
 * Threads: one uses a terminal. */
#ifndef SEQD_TESTS_LIB_TERMINAL_H
#define SEQD_TESTS_LIB_TERMINAL_H

#include <stdbool.h>

struct terminal;

/* Start the program whose path `variable` holds, with the words of `line`, on a terminal of `lines`
 * lines and 100 columns. */
struct terminal *terminal_open(const char *variable, const char *line, unsigned short lines);

/* Wait until `text` was shown, after all that was waited for before. */
void terminal_await(struct terminal *terminal, const char *text);

void terminal_type(struct terminal *terminal, const char *text);

/* Another size, which the program is told by SIGWINCH. */
void terminal_resize(struct terminal *terminal, unsigned short lines);

void terminal_signal(struct terminal *terminal, int signal_number);

/* Do keys come line by line and are shown, and does ^Z stop, as a shell expects? */
bool terminal_is_cooked(const struct terminal *terminal);

/* Does ^Z stop a program? (Not this one: it has no shell that would let it go on.) */
bool terminal_can_stop(const struct terminal *terminal);

/* All that was shown so far. */
const char *terminal_shown(const struct terminal *terminal);

/* Wait for its end; the exit status, or 128 + the signal that ended it. */
int terminal_wait(struct terminal *terminal);

/* Kill it if it still runs, and free. */
void terminal_close(struct terminal *terminal);

#endif
