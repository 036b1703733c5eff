/* machine: which machine this is.
 *
 * Threads: any. */
#ifndef SEQD_MACHINE_H
#define SEQD_MACHINE_H

#include <stdint.h>

#define MACHINE_ID_SIZE 16

/* The machine id, hashed so that it cannot be told from what is stored; all zero where the machine
 * has none, as in most containers. */
void machine_id(uint8_t to[MACHINE_ID_SIZE]);

#endif
