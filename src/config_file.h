/* config_file: one pass over a configuration file, by inih.
 *
 * The law: every line is a blank, a comment, a section, or a key with its value; all else is a
 * mistake that names its line.
 *
 * Threads: any; nothing here holds state. */
#ifndef SEQD_CONFIG_FILE_H
#define SEQD_CONFIG_FILE_H

#include "config.h"

#include <stdio.h>

/* Read `file` to its end into `config`, which holds the defaults; `path` is for the texts.
 * ERR_INVALID    mistakes, in `report`.
 * ERR_IO         errno says why. ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
config_file_read(FILE *file, const char *path, struct config *config, struct config_report *report);

/* Add a copy of `sequence` to those of `config`. ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
config_append(struct config *config, const struct config_sequence *sequence);

#endif
