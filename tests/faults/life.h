/* life: the whole life of a data set, in two processes: one that lives it while a call fails, and
 * one that looks at what is left with everything well again.
 *
 * It is made, defines, reserves, gives back, advances, drops, defines anew (script.h), recovers, is
 * backed up and closed; it is adopted and opened once more; and its backup is restored into another
 * directory, which is opened, too. Each step is repeated after a failure, as its caller would.
 *
 * The law: whatever fails, nothing that was granted is granted again, every directory can be taken
 * into use once all is well, and a fault that passes costs a call and never the life.
 *
 * Threads: one. A wrong thing ends the process, with words on standard error. */
#ifndef SEQD_TESTS_FAULTS_LIFE_H
#define SEQD_TESTS_FAULTS_LIFE_H

#include "calls.h"
#include "dir.h"
#include "script.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIFE_BACKUP_MAX (64 << 10) /* bytes of a backup */

enum life_exit {
    LIFE_DONE = 0,
    LIFE_GAVE_UP = 2, /* the fault stayed, and so the script went no further */
};

/* What is so, whatever happens to who lives; in memory that both processes see. */
struct life_facts {
    uint64_t counts[CALLS];
    uint64_t struck; /* calls that were made to fail */
    uint64_t facts[SCRIPT_FACTS];
    bool adopting; /* an adoption was begun … */
    bool adopted;  /* … and has come to its end */

    size_t backup_length; /* 0: there is none yet */
    char backup[LIFE_BACKUP_MAX];
    bool restoring;
    bool restored;
    uint64_t copy_facts[SCRIPT_FACTS]; /* of the directory that was restored */
};

struct life {
    struct dir data;
    struct dir copy;      /* for the restored one */
    struct dir elsewhere; /* for the witnesses */
    bool witnessed;
    struct life_facts *told;
};

/* One call of the life fails; number 0: none. */
struct life_fault {
    enum call call;
    uint64_t number;
    enum fault_kind kind;
};

/* Live, and return how it ended. The folders are empty, and what is told is all zero. */
enum life_exit life_live(const struct life *life, const struct life_fault *fault);

/* Look at what is left. */
void life_check(const struct life *life);

#endif
