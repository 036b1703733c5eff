/* admin_stage: an administrator in the house, who asks and waits for the answer.
 *
 * Threads: any; each request is one thread's. */
#ifndef SEQD_TESTS_LIB_ADMIN_STAGE_H
#define SEQD_TESTS_LIB_ADMIN_STAGE_H

#include "core_house.h"

#include "core/admin.h"

/* A request, and the moment when it is done. */
struct errand_of_admin {
    struct admin_request request;
    sem_t over;
    _Atomic unsigned times_done;
};

/* Submit `request`, copied to `errand`, whose memory is core's until admin_stage_answer(). */
void admin_stage_submit(struct house *house, struct errand_of_admin *errand,
                        struct admin_request request);

/* The same where there is no house. */
void admin_stage_submit_to(struct registry *registry, struct keeper *keeper,
                           struct errand_of_admin *errand, struct admin_request request);

/* Wait for the answer. */
struct admin_request admin_stage_answer(struct errand_of_admin *errand);

/* Both. */
struct admin_request admin_stage_ask(struct house *house, struct admin_request request);

/* The requests themselves. */
struct admin_request admin_stage_create(const char *name, struct definition definition);
struct admin_request admin_stage_advance(const char *name, int64_t past, bool force);
struct admin_request admin_stage_drop(const char *name);

/* Asked, and answered with ERR_OK. */
struct admin_request admin_stage_must(struct house *house, struct admin_request request);

#endif
