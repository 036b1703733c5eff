#include "grpc_next.h"

#include <assert.h>
#include <string.h>

#define FRAME_HEAD 5 /* bytes: compressed or not, and the length, big end first */
#define VARINT_MAX 10

enum wire {
    WIRE_VARINT = 0,
    WIRE_64 = 1,
    WIRE_BYTES = 2,
    WIRE_32 = 5
};

/* NextRequest and NextResponse of seqd.proto. */
enum request_field {
    REQUEST_SEQUENCE = 1,
    REQUEST_COUNT = 2
};
enum answer_field {
    ANSWER_FIRST = 1,
    ANSWER_LAST = 2,
    ANSWER_COUNT = 3,
    ANSWER_INCREMENT = 4
};

/* What is left to read. */
struct reader {
    const unsigned char *at;
    size_t left;
};

static size_t write_varint(unsigned char *to, uint64_t value)
{
    size_t length = 0;
    while (value >= 0x80) {
        to[length++] = (unsigned char)(0x80 | (value & 0x7f));
        value >>= 7;
    }
    to[length++] = (unsigned char)value;
    return length;
}

size_t grpc_next_write(char to[GRPC_NEXT_SIZE], const char *name, uint64_t count)
{
    unsigned char *bytes = (unsigned char *)to;
    size_t name_length = strlen(name);
    size_t at = FRAME_HEAD;
    assert(name_length <= GRPC_NEXT_SIZE - FRAME_HEAD - 4 - VARINT_MAX);
    bytes[at++] = REQUEST_SEQUENCE << 3 | WIRE_BYTES;
    at += write_varint(bytes + at, name_length);
    memcpy(bytes + at, name, name_length);
    at += name_length;
    bytes[at++] = REQUEST_COUNT << 3 | WIRE_VARINT;
    at += write_varint(bytes + at, count);
    size_t length = at - FRAME_HEAD;
    const unsigned char head[FRAME_HEAD] = {0, 0, 0, (unsigned char)(length >> 8),
                                            (unsigned char)length};
    memcpy(bytes, head, sizeof head);
    return at;
}

static bool read_varint(struct reader *reader, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_MAX && reader->left > 0; i++) {
        unsigned char byte = *reader->at++;
        reader->left--;
        if (i == VARINT_MAX - 1 && byte > 1) {
            return false; /* more than 64 bits */
        }
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool skip(struct reader *reader, uint64_t length)
{
    if (length > reader->left) {
        return false;
    }
    reader->at += length;
    reader->left -= (size_t)length;
    return true;
}

/* A field that we do not know, or know otherwise. */
static bool skip_field(struct reader *reader, uint64_t wire)
{
    uint64_t value = 0;
    switch (wire) {
    case WIRE_VARINT:
        return read_varint(reader, &value);
    case WIRE_64:
        return skip(reader, 8);
    case WIRE_BYTES:
        return read_varint(reader, &value) && skip(reader, value);
    case WIRE_32:
        return skip(reader, 4);
    default:
        return false;
    }
}

static bool read_field(struct reader *reader, struct block *block)
{
    uint64_t key = 0;
    uint64_t value = 0;
    if (!read_varint(reader, &key) || key >> 3 == 0) {
        return false;
    }
    if ((key & 7) != WIRE_VARINT || key >> 3 > ANSWER_INCREMENT) {
        return skip_field(reader, key & 7);
    }
    if (!read_varint(reader, &value)) {
        return false;
    }
    switch ((enum answer_field)(key >> 3)) {
    case ANSWER_FIRST:
        block->first = (int64_t)value;
        break;
    case ANSWER_LAST:
        block->last = (int64_t)value;
        break;
    case ANSWER_COUNT:
        block->count = value;
        break;
    case ANSWER_INCREMENT:
        block->increment = (int64_t)value;
        break;
    }
    return true;
}

bool grpc_next_read(const char *bytes, size_t length, struct block *ret_block)
{
    struct block block = {.count = 0};
    struct reader reader = {.at = (const unsigned char *)bytes, .left = length};
    if (length < FRAME_HEAD || bytes[0] != 0) {
        return false;
    }
    size_t said = 0;
    for (size_t i = 1; i < FRAME_HEAD; i++) {
        said = said << 8 | reader.at[i];
    }
    reader.at += FRAME_HEAD;
    reader.left -= FRAME_HEAD;
    if (said != reader.left) {
        return false;
    }
    while (reader.left > 0) {
        if (!read_field(&reader, &block)) {
            return false;
        }
    }
    *ret_block = block;
    return true;
}
