/* access_file: the token file, read into memory.
 *
 * The law: a file is taken whole or refused: the first mistake is told with file and line, and
 * nothing of that file counts.
 *
 * Threads: any; nothing here holds state. */
#ifndef SEQD_FRONT_ACCESS_FILE_H
#define SEQD_FRONT_ACCESS_FILE_H

#include "base/error.h"
#include "front/access.h"

#include <stddef.h>

#define ACCESS_HASH_BYTES 32 /* of SHA-256 */

struct access_token {
    unsigned char hash[ACCESS_HASH_BYTES];
    struct access_grant grant;
    unsigned line;
};

struct access_tokens {
    size_t count;
    struct access_token *items; /* owned */
};

/* Read `path`. `ret_tokens` is written on ERR_OK; the caller owes it an access_tokens_free().
 * As access_open(). */
__attribute__((warn_unused_result)) enum error
access_tokens_read(const char *path, struct access_tokens *ret_tokens, struct error_detail *detail);

/* Free what it owns. One that is zeroed or freed is accepted. */
void access_tokens_free(struct access_tokens *tokens);

#endif
