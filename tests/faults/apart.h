/* apart: processes of their own, for what may end one, and the memory that they share.
 *
 * Threads: one. What the system refuses ends the program with status 2. */
#ifndef SEQD_TESTS_FAULTS_APART_H
#define SEQD_TESTS_FAULTS_APART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define APART_JOBS_MAX 64

/* Memory, all zero, that this process shares with those that it forks. */
void *apart_share(size_t size);

/* Run `act`, whose return is the exit status, in a process of its own, which is ended after a
 * minute; what it says goes to `said`. Returns the status as waitpid() does. */
int apart_run(int (*act)(void *context), void *context, FILE *said);

/* Run `work` `jobs` times (1 … APART_JOBS_MAX) at once, told which one it is. False when one did
 * not come to its end. */
bool apart_share_out(size_t jobs, void (*work)(void *context, size_t job), void *context);

/* How a status of apart_run() reads, and what was said; on standard output. */
void apart_show(int status, FILE *said);

/* From now on dir_make() makes its folders in memory, where there is any: the syncs of a disk are
 * most of a life, and tell nothing about damage and failing calls. */
void apart_use_memory(void);

#endif
