/* log: one event, one line, on standard error, with the priority prefix that the journal
 * understands ("<4>").
 *
 * The law: only the roof and the fronts log, where it is decided what happens next. A line is one
 * write(2), so lines of several threads never mix; bytes below space in it are written as '?', so
 * no client can forge a second line.
 *
 * Threads: any. */
#ifndef SEQD_BASE_LOG_H
#define SEQD_BASE_LOG_H

/* syslog(3)'s severities. */
enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4, /* its text ends with what is done instead */
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7,
};

#define LOG_LINE_SIZE 2048 /* bytes; longer text is cut; above ERROR_DETAIL_SIZE */

/* Lines less urgent than `level` are dropped from now on. Starts at LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* Whether lines carry the "<4>" prefix; off for a terminal. Starts on. */
void log_set_prefix(int on);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
