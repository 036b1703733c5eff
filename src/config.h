/* config: the configuration as plain data, read from a file.
 *
 * The law: what is read is taken whole or refused. An unknown key, a key that stands twice in a
 * file, a value outside its range or a line that cannot be understood is a mistake with file and
 * line; nothing is ignored, cut or guessed. What every option means stands once, in the table of
 * config_option.c.
 *
 * A configuration is one file, and the files of a directory after it. Of a key that several files
 * hold the last counts, in [sequence:NAME] too; what has to hold between several keys has to hold
 * of what counts in the end.
 *
 * The file is read by inih, with a reader of our own before it, for inih alone accepts broken
 * files: it takes an indented line as a second value of the key above, cuts values at 200 bytes and
 * section names at 50, and says of a directory that it is a valid, empty file.
 *
 * Threads: any; nothing here holds state. */
#ifndef SEQD_CONFIG_H
#define SEQD_CONFIG_H

#include "base/definition.h"
#include "base/error.h"
#include "base/log.h"
#include "front/access.h"
#include "front/grpc.h"
#include "front/http.h"
#include "front/tls.h"
#include "node_address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_LINE_MAX 190                      /* bytes of a line; inih takes 200 with its end */
#define CONFIG_FILE_MAX_BYTES (INT64_C(4) << 20) /* of a file */
#define CONFIG_FILES_MAX 256                     /* the file, and those of the directory */
#define CONFIG_FILE_SUFFIX ".conf"               /* which files of the directory are read */
#define CONFIG_SEQUENCES_MAX 4096                /* sections [sequence:NAME] */
#define CONFIG_MISTAKES_MAX 20                   /* then reading stops */
#define CONFIG_PATH_SIZE 256                     /* bytes of a path with its NUL */

/* The one sequence where none is listed, and what GET / draws from. */
#define CONFIG_SEQUENCE_DEFAULT "default"

#define CONFIG_MAP_SIZE_MIN (INT64_C(64) << 10)
#define CONFIG_MAP_SIZE_MAX_MIN (INT64_C(1) << 20) /* as long as the file is at its making */
#define CONFIG_MAP_SIZE_MAX (INT64_C(16) << 30)
#define CONFIG_LEDGER_SIZE_MIN (INT64_C(1) << 20)
#define CONFIG_LEDGER_SIZE_MAX (INT64_C(256) << 20)

/* What of the data directory has to be as it was; the store's own words for it. */
enum config_identity {
    CONFIG_IDENTITY_ALL,
    CONFIG_IDENTITY_FILE,
    CONFIG_IDENTITY_MACHINE,
    CONFIG_IDENTITY_NONE,
};

/* Where something was said. */
struct config_place {
    unsigned file; /* index in the `files` of the configuration */
    unsigned line; /* from 1; 0 when it stands in no file */
};

struct config_sequence {
    char name[SEQUENCE_NAME_MAX + 1];
    struct definition definition; /* checked */
    /* Where machine_id and node_id come from, "" where they are numbers; and what was found there.
     * */
    char id_sources[2][NODE_ADDRESS_SOURCE_SIZE];
    char id_texts[2][NODE_ADDRESS_TEXT_SIZE];
    uint64_t said; /* bit i: the option of index i was said, and does not follow from others */
    struct config_place place; /* where its last section begins */
};

struct config {
    char data_dir[CONFIG_PATH_SIZE]; /* empty when the file names none */
    enum log_level log_level;
    uint64_t map_size_bytes;
    uint64_t map_size_max_bytes;
    bool any_filesystem;
    enum config_identity identity;
    char witness[CONFIG_PATH_SIZE]; /* empty: none */
    uint64_t ledger_age_ms;         /* 0: no ledger is kept */
    uint64_t ledger_size_bytes;
    struct http_options http;
    struct access_options access;
    struct tls_options tls;
    struct grpc_options grpc;          /* without what it shares with HTTP; service.c adds that */
    struct config_sequence *sequences; /* owned; never empty after config_load() */
    size_t sequence_count;
    char **files; /* owned: the paths that were read, in their order */
    size_t file_count;
};

/* What is wrong with a file, each as "FILE:LINE: what is wrong, the limit". */
struct config_report {
    size_t count; /* 0 … CONFIG_MISTAKES_MAX */
    struct error_detail mistakes[CONFIG_MISTAKES_MAX];
};

/* Read the file `path`, then every file of `directory` whose name ends in CONFIG_FILE_SUFFIX and
 * does not begin with a dot, in the order of their names' bytes. Either may be NULL; with both,
 * every default is taken. Where no sequence is listed, there is one, `default`. `ret_config` is
 * written on ERR_OK; the caller owes it a config_free().
 * ERR_INVALID    mistakes, in `report`, in the order of files and lines as far as each shows itself
 *                on one line; with CONFIG_MISTAKES_MAX there may be more behind.
 * ERR_NOT_FOUND, ERR_IO, ERR_NO_MEMORY  a file or the directory cannot be had; why, in the report's
 *                last entry. */
__attribute__((warn_unused_result)) enum error config_load(const char *path, const char *directory,
                                                           struct config *ret_config,
                                                           struct config_report *report);

/* Write where `place` is, "FILE:LINE"; what stands in no file, "the defaults" say. */
void config_where(const struct config *config, struct config_place place,
                  struct error_detail *ret_where);

/* Free what it owns. A zeroed or freed config is accepted. */
void config_free(struct config *config);

/* Take over into `in_force` what a running daemon can change from `fresh`, its sequences too (they
 * leave `fresh`). Call `needs_restart` with each option that differs and was not taken over. */
void config_adopt(struct config *in_force, struct config *fresh,
                  void (*needs_restart)(void *context, const char *section, const char *key),
                  void *context);

#endif
