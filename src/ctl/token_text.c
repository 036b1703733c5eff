#include "token_text.h"

#include <assert.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#define HASH_BYTES 32

void token_text(const uint8_t secret[TOKEN_SECRET_BYTES], char to[TOKEN_TEXT_SIZE])
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = 5;
    uint32_t bits = 0;
    unsigned held = 0; /* of the lower bits of `bits` */
    memcpy(to, "seqd_", 5);
    for (size_t i = 0; i < TOKEN_SECRET_BYTES; i++) {
        bits = bits << 8 | secret[i];
        held += 8;
        while (held >= 6) {
            held -= 6;
            to[length++] = alphabet[bits >> held & 63];
        }
    }
    to[length++] = alphabet[bits << (6 - held) & 63]; /* 256 = 42 × 6 + 4 */
    to[length++] = '\0';
    assert(length == TOKEN_TEXT_SIZE);
}

enum error token_hash(const char *token, char to[TOKEN_HASH_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[HASH_BYTES];
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, token, strlen(token), hash) != GNUTLS_E_SUCCESS) {
        return ERR_UNAVAILABLE;
    }
    for (size_t i = 0; i < HASH_BYTES; i++) {
        to[2 * i] = digits[hash[i] >> 4];
        to[2 * i + 1] = digits[hash[i] & 15];
    }
    to[TOKEN_HASH_SIZE - 1] = '\0';
    return ERR_OK;
}
