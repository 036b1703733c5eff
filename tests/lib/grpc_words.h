/* grpc_words: the messages of include/seqd/v1/seqd.proto, written and read by hand, for tests.
 *
 * The law: it shares no code with what it tests, so a field number that was changed is noticed.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_TESTS_LIB_GRPC_WORDS_H
#define SEQD_TESTS_LIB_GRPC_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRPC_WORDS_SIZE 512
#define GRPC_NO_COUNT INT64_MIN /* the field is left out */

/* A message with its head, ready to be sent. */
struct grpc_words {
    uint8_t bytes[GRPC_WORDS_SIZE];
    size_t length;
};

/* One answer, of Next or Stream. */
struct grpc_block {
    uint64_t tag;
    bool failed;
    int64_t first;
    int64_t last;
    int64_t count;
    int64_t increment;
    int64_t code; /* of a failure */
    int64_t retry_after_ms;
    char message[256];
};

/* `sequence` NULL leaves it out. */
struct grpc_words grpc_words_next(const char *sequence, int64_t count);
struct grpc_words grpc_words_stream(uint64_t tag, const char *sequence, int64_t count);

/* Add a field of text, or of an integer, to a message. */
void grpc_words_add_text(struct grpc_words *words, unsigned field, const void *text, size_t length);
void grpc_words_add_integer(struct grpc_words *words, unsigned field, uint64_t value);

/* A message without a field, to add to. */
struct grpc_words grpc_words_empty(void);

/* Read the message at *at in `bytes` and step over it; false when there is no whole one. */
bool grpc_words_read_next(const uint8_t *bytes, size_t length, size_t *at,
                          struct grpc_block *ret_block);
bool grpc_words_read_stream(const uint8_t *bytes, size_t length, size_t *at,
                            struct grpc_block *ret_block);

#endif
