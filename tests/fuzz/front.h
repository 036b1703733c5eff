/* front: the HTTP front without its sockets, over the real core and the store in memory.
 *
 * The law: a request goes the way that http_worker.c sends it: its headers are read, its body is
 * kept as far as the route wants it, it is routed, and when it had to wait it goes on after. The
 * answer is one, and of the form that http_reply.h promises.
 *
 * There are four sequences: 'default' and 'orders', 'few' with 1,000 numbers from 1 on downwards of
 * 7, and 'ticks', whose numbers hold the time.
 *
 * Threads: one, beside those of keeper and expiry. */
#ifndef SEQD_TESTS_FUZZ_FRONT_H
#define SEQD_TESTS_FUZZ_FRONT_H

#include "false_http.h"
#include "front/access.h"

#include <stdint.h>

#define FRONT_MAX_COUNT 10000 /* numbers that one request may ask for */

/* Ask for what `request` says, as a client from `peer` without a token. Which status and what else
 * the answer has is the caller's to judge; it owes it a false_answer_free(). */
void front_ask(const struct false_request *request, enum access_peer peer,
               struct false_answer *ret_answer);

/* Numbers that all sequences have issued so far. */
uint64_t front_issued(void);

#endif
