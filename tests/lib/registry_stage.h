/* registry_stage: many sequences, in a house that is left and entered again over the same disk.
 *
 * Threads: as core_house. */
#ifndef SEQD_TESTS_LIB_REGISTRY_STAGE_H
#define SEQD_TESTS_LIB_REGISTRY_STAGE_H

#include "core_house.h"

#define STAGE_NAME_SIZE 32

/* "s<index>", the name of one of many, written to `name`. */
const char *registry_stage_name(char name[STAGE_NAME_SIZE], unsigned index);

/* Its definition: each has numbers of its own. */
struct definition registry_stage_definition(unsigned index);

/* Declare the first `count` of them. */
void registry_stage_declare_many(struct house *house, unsigned count);

/* The sequence, which must be there. */
struct sequence *registry_stage_find(struct house *house, unsigned index);

/* The durable high-water mark of `name`, which must be there. */
uint64_t registry_stage_mark(struct house *house, const char *name);

/* Close every sequence and stop the threads: nothing is issued any more, and the store is the
 * test's own again. */
void registry_stage_stop(struct house *house);

/* After registry_stage_stop() all that was open is gone, settled or not; the disk is what
 * remains. Open it again, as registry_open() does; house->registry is NULL when that failed. */
enum error registry_stage_open_again(struct house *house, struct error_detail *detail);

/* Stop, open again, which must succeed, and start the threads. */
void registry_stage_restart(struct house *house);

#endif
