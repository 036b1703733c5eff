/* options: the command line of seqd.
 *
 * The law: what is not understood is refused, with what was wrong; nothing is guessed. Of an option
 * that is given twice the last counts, as scripts expect.
 *
 * Threads: one at a time: getopt_long() keeps state. */
#ifndef SEQD_OPTIONS_H
#define SEQD_OPTIONS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum act {
    ACT_SERVE,
    ACT_CHECK,   /* -t: read the configuration, say what is wrong with it, and exit */
    ACT_ADOPT,   /* --adopt: take a copied data directory for the newest there is, and exit */
    ACT_RESTORE, /* --restore: make a data directory of a backup, and exit */
    ACT_VERSION, /* -V */
    ACT_HELP,    /* -h */
};

struct options {
    enum act act;
    const char *config_path; /* of argv; NULL: none was given */
    const char *config_dir;  /* likewise: read after it */
    const char *data_dir;    /* of argv; NULL: none was given */
    bool port_given;
    uint16_t port;
    const char *backup; /* of argv, with ACT_RESTORE */
    bool skip_given;    /* always with ACT_ADOPT; never without these two acts */
    uint64_t skip;      /* 0 … INT64_MAX */
};

/* What `-h` prints, and what follows a mistake. Static. */
extern const char options_usage[];

/* Understand the command line. ERR_INVALID, what is wrong in `detail`; nothing is written then. */
__attribute__((warn_unused_result)) enum error
options_parse(int argc, char **argv, struct options *ret_options, struct error_detail *detail);

#endif
