#include "grpc_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HEAD 5

static void put(struct grpc_words *words, uint8_t byte)
{
    assert_true(words->length < GRPC_WORDS_SIZE);
    words->bytes[words->length++] = byte;
}

static void put_varint(struct grpc_words *words, uint64_t value)
{
    while (value >= 0x80) {
        put(words, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    put(words, (uint8_t)value);
}

/* The head says how long the message has become. */
static void seal(struct grpc_words *words)
{
    size_t length = words->length - HEAD;

    words->bytes[0] = 0;
    for (unsigned i = 0; i < 4; i++) {
        words->bytes[1 + i] = (uint8_t)(length >> (24 - 8 * i));
    }
}

struct grpc_words grpc_words_empty(void)
{
    return (struct grpc_words){.length = HEAD};
}

void grpc_words_add_integer(struct grpc_words *words, unsigned field, uint64_t value)
{
    put_varint(words, (uint64_t)field << 3);
    put_varint(words, value);
    seal(words);
}

void grpc_words_add_text(struct grpc_words *words, unsigned field, const void *text, size_t length)
{
    put_varint(words, (uint64_t)field << 3 | 2);
    put_varint(words, length);
    for (size_t i = 0; i < length; i++) {
        put(words, ((const uint8_t *)text)[i]);
    }
    seal(words);
}

static struct grpc_words ask(uint64_t tag, unsigned first, const char *sequence, int64_t count)
{
    struct grpc_words words = grpc_words_empty();

    if (first > 1) {
        grpc_words_add_integer(&words, 1, tag);
    }
    if (sequence != NULL) {
        grpc_words_add_text(&words, first, sequence, strlen(sequence));
    }
    if (count != GRPC_NO_COUNT) {
        grpc_words_add_integer(&words, first + 1, (uint64_t)count);
    }
    return words;
}

struct grpc_words grpc_words_next(const char *sequence, int64_t count)
{
    return ask(0, 1, sequence, count);
}

struct grpc_words grpc_words_stream(uint64_t tag, const char *sequence, int64_t count)
{
    return ask(tag, 2, sequence, count);
}

/* ---- reading ---- */

struct text {
    const uint8_t *at;
    const uint8_t *end;
};

static uint64_t read_varint(struct text *text)
{
    uint64_t value = 0;

    for (unsigned shift = 0; text->at < text->end && shift < 64; shift += 7) {
        uint8_t byte = *text->at++;

        value |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    fail_msg("a number of the answer is cut");
    return 0;
}

static struct text read_text(struct text *text)
{
    uint64_t length = read_varint(text);

    assert_true(length <= (uint64_t)(text->end - text->at));
    struct text inner = {.at = text->at, .end = text->at + length};
    text->at += length;
    return inner;
}

/* The message at *at. */
static bool read_message(const uint8_t *bytes, size_t length, size_t *at, struct text *ret_text)
{
    if (length - *at < HEAD) {
        return false;
    }
    const uint8_t *head = bytes + *at;
    size_t size = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    assert_int_equal(head[0], 0);
    if (length - *at - HEAD < size) {
        return false;
    }
    *ret_text = (struct text){.at = head + HEAD, .end = head + HEAD + size};
    *at += HEAD + size;
    return true;
}

static void read_block(struct text text, struct grpc_block *block)
{
    while (text.at < text.end) {
        uint64_t key = read_varint(&text);
        int64_t value = 0;

        assert_int_equal(key & 7, 0);
        value = (int64_t)read_varint(&text);
        switch (key >> 3) {
        case 1:
            block->first = value;
            break;
        case 2:
            block->last = value;
            break;
        case 3:
            block->count = value;
            break;
        case 4:
            block->increment = value;
            break;
        default:
            fail_msg("a block with a field %u", (unsigned)(key >> 3));
        }
    }
}

static void read_failure(struct text text, struct grpc_block *block)
{
    block->failed = true;
    while (text.at < text.end) {
        uint64_t key = read_varint(&text);

        if (key == 1U << 3) {
            block->code = (int64_t)read_varint(&text);
        } else if (key == 3U << 3) {
            block->retry_after_ms = (int64_t)read_varint(&text);
        } else {
            assert_int_equal(key, 2U << 3 | 2);
            struct text message = read_text(&text);
            size_t length = (size_t)(message.end - message.at);
            assert_true(length < sizeof block->message);
            memcpy(block->message, message.at, length);
        }
    }
}

bool grpc_words_read_next(const uint8_t *bytes, size_t length, size_t *at,
                          struct grpc_block *ret_block)
{
    struct text text;

    if (!read_message(bytes, length, at, &text)) {
        return false;
    }
    *ret_block = (struct grpc_block){.tag = 0};
    read_block(text, ret_block);
    return true;
}

bool grpc_words_read_stream(const uint8_t *bytes, size_t length, size_t *at,
                            struct grpc_block *ret_block)
{
    struct text text;

    if (!read_message(bytes, length, at, &text)) {
        return false;
    }
    *ret_block = (struct grpc_block){.tag = 0};
    while (text.at < text.end) {
        uint64_t key = read_varint(&text);

        if (key == 1U << 3) {
            ret_block->tag = read_varint(&text);
        } else if (key == (2U << 3 | 2)) {
            read_block(read_text(&text), ret_block);
        } else {
            assert_int_equal(key, 3U << 3 | 2);
            read_failure(read_text(&text), ret_block);
        }
    }
    return true;
}
