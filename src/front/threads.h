/* threads: how many of them a front starts.
 *
 * Threads: any. */
#ifndef SEQD_FRONT_THREADS_H
#define SEQD_FRONT_THREADS_H

/* As many as are `wanted`; where that is 0, one for each processor that this process may use;
 * `most` at most. */
unsigned threads_choose(unsigned wanted, unsigned most);

#endif
