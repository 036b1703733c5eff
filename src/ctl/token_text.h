/* token_text: a secret as a token, and the hash by which the server knows it.
 *
 * The law: a token is "seqd_" and the 256 random bits in base64url without padding; what the server
 * keeps is the SHA-256 of that text.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_CTL_TOKEN_TEXT_H
#define SEQD_CTL_TOKEN_TEXT_H

#include "base/error.h"

#include <stdint.h>

#define TOKEN_SECRET_BYTES 32
#define TOKEN_TEXT_SIZE (5 + 43 + 1) /* bytes, with the NUL */
#define TOKEN_HASH_SIZE (64 + 1)

void token_text(const uint8_t secret[TOKEN_SECRET_BYTES], char to[TOKEN_TEXT_SIZE]);

/* SHA-256 in small hexadecimal digits. ERR_UNAVAILABLE when the library refuses. */
__attribute__((warn_unused_result)) enum error token_hash(const char *token,
                                                          char to[TOKEN_HASH_SIZE]);

#endif
