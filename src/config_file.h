/* config_file: one pass over each configuration file, by inih.
 *
 * The law: every line is a blank, a comment, a section, or a key with its value; all else is a
 * mistake that names its line. A later file goes on from what the earlier ones said.
 *
 * Threads: any; nothing here holds state. */
#ifndef SEQD_CONFIG_FILE_H
#define SEQD_CONFIG_FILE_H

#include "config.h"
#include "config_option.h"

#include <stdbool.h>
#include <stdio.h>

/* What is kept from file to file. */
struct config_reader {
    struct config *config; /* begins with the defaults */
    struct config_report *report;
    struct config_place said[OPTIONS_MAX]; /* where each key of [seqd] and [http] was said last */
    bool http_mistaken;                    /* a section [http] has a mistake */
};

/* Read `file`, the last of the configuration's `files`, to its end.
 * ERR_INVALID    mistakes, in the report.
 * ERR_IO         errno says why. ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error config_file_read(struct config_reader *reader,
                                                                FILE *file);

/* All files are read: work out what follows from other keys, and check what has to hold between
 * several. ERR_INVALID, with the mistakes in the report. */
__attribute__((warn_unused_result)) enum error config_file_finish(struct config_reader *reader);

/* Add a copy of `sequence` to those of `config`. ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
config_append(struct config *config, const struct config_sequence *sequence);

#endif
