/* fuzz_grpc: any bytes as the messages of a gRPC call, and as the texts of its head.
 *
 * The first byte says which message is read.
 *
 * The law: a message lies within the bytes that came and within its limit, and with fewer bytes
 * more are wanted, or it was refused already. One that is unpacked packs to bytes that unpack and
 * pack to the same, in no more memory than there is; and a text counts as whole only when it is as
 * long as was sent. A timeout is exactly what its digits and unit say. What is encoded decodes to
 * what it was, and can stand in a header. */
#include "law.h"

#include "front/grpc_arena.h"
#include "front/grpc_fields.h"
#include "front/grpc_frame.h"
#include "front/grpc_status.h"

#include <grpc/health/v1/health.pb-c.h>
#include <grpc/reflection/v1/reflection.pb-c.h>
#include <seqd/v1/seqd.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 1024
#define PREFIXES_MAX 48 /* bytes of a message of which each beginning is tried */
#define ENCODED_SIZE 64

static const ProtobufCMessageDescriptor *const kinds[] = {
    &seqd__v1__next_request__descriptor,
    &seqd__v1__stream_request__descriptor,
    &seqd__v1__get_request__descriptor,
    &seqd__v1__list_request__descriptor,
    &seqd__v1__create_request__descriptor,
    &seqd__v1__alter_request__descriptor,
    &seqd__v1__advance_request__descriptor,
    &seqd__v1__drop_request__descriptor,
    &grpc__health__v1__health_check_request__descriptor,
    &grpc__reflection__v1__server_reflection_request__descriptor,
};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* ---- messages ---- */

static uint64_t read_varint(const uint8_t **at, const uint8_t *end)
{
    uint64_t value = 0;

    for (unsigned shift = 0; *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= shift < 64 ? (uint64_t)(byte & 0x7F) << shift : 0;
        if ((byte & 0x80) == 0) {
            break;
        }
    }
    return value;
}

/* How long the text of field 1 is that was sent last, in a message that is well-formed. */
static size_t length_sent(const uint8_t *at, size_t length)
{
    const uint8_t *end = at + length;
    size_t found = 0;

    while (at < end) {
        uint64_t tag = read_varint(&at, end);
        uint64_t size = 0;
        switch (tag & 7) {
        case 0:
            (void)read_varint(&at, end);
            break;
        case 1:
            size = 8;
            break;
        case 5:
            size = 4;
            break;
        default:
            size = read_varint(&at, end);
            found = tag >> 3 == 1 ? size : found;
            break;
        }
        law_holds(size <= (size_t)(end - at));
        at += size;
    }
    return found;
}

/* Leave out the fields that nobody here knows, which are never packed again: protobuf-c takes a
 * field of number 0 when its tag is written at length, and refuses what it makes of it itself. */
static void forget_unknown(ProtobufCMessage *message)
{
    message->n_unknown_fields = 0;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const char *at = (const char *)message;
        ProtobufCMessage *inner = NULL;
        uint32_t chosen = field->id;

        if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
            continue;
        }
        law_holds(field->label != PROTOBUF_C_LABEL_REPEATED);
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            memcpy(&chosen, at + field->quantifier_offset, sizeof chosen);
        }
        memcpy(&inner, at + field->offset, sizeof inner);
        if (chosen == field->id && inner != NULL) {
            forget_unknown(inner);
        }
    }
}

/* Pack `message`, to be freed. */
static uint8_t *pack(const ProtobufCMessage *message, size_t *ret_length)
{
    *ret_length = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(*ret_length + 1);

    law_holds(bytes != NULL);
    law_holds(protobuf_c_message_pack(message, bytes) == *ret_length);
    return bytes;
}

static void check_message(const ProtobufCMessageDescriptor *kind, struct grpc_message from)
{
    static struct grpc_arena arena;
    uint8_t *exact = law_bytes(from.bytes, from.length); /* so that a byte behind it is found */
    size_t length = 0;
    size_t again_length = 0;

    if (arena.allocator.alloc == NULL) {
        grpc_arena_init(&arena);
    }
    ProtobufCMessage *message = grpc_arena_unpack(&arena, kind, exact, from.length);
    law_holds(arena.used <= GRPC_ARENA_SIZE);
    if (message != NULL) {
        if (kind == &seqd__v1__next_request__descriptor) {
            const char *text = ((Seqd__V1__NextRequest *)message)->sequence;
            bool plain = true;
            for (const char *c = text; *c != '\0'; c++) {
                plain = plain && *c >= 0x20 && *c < 0x7F;
            }
            law_holds(grpc_arena_text_is_whole(&arena, text) ==
                      (plain && strlen(text) == length_sent(exact, from.length)));
        }
        forget_unknown(message);
        uint8_t *packed = pack(message, &length);
        message = protobuf_c_message_unpack(kind, NULL, length, packed);
        law_holds(message != NULL);
        uint8_t *again = pack(message, &again_length);
        law_holds(again_length == length && memcmp(again, packed, length) == 0);
        protobuf_c_message_free_unpacked(message, NULL);
        free(again);
        free(packed);
    }
    free(exact);
}

/* With fewer bytes, more are wanted; or the verdict is out. */
static void check_prefixes(const uint8_t *bytes, size_t length, enum grpc_frame_result verdict)
{
    struct grpc_message message;

    for (size_t i = 0; i < length && i < PREFIXES_MAX; i++) {
        enum grpc_frame_result result = grpc_frame_read(bytes, i, MESSAGE_MAX, &message);
        law_holds(result == GRPC_FRAME_MORE || (result == verdict && verdict != GRPC_FRAME_WHOLE) ||
                  (result == GRPC_FRAME_WHOLE && i >= GRPC_FRAME_HEAD + message.length));
    }
}

static void check_frames(const ProtobufCMessageDescriptor *kind, const uint8_t *bytes,
                         size_t length)
{
    struct grpc_message message;
    uint8_t head[GRPC_FRAME_HEAD];
    enum grpc_frame_result result = grpc_frame_read(bytes, length, MESSAGE_MAX, &message);

    check_prefixes(bytes, length, result);
    while (result == GRPC_FRAME_WHOLE) {
        law_holds(message.bytes == bytes + GRPC_FRAME_HEAD && message.length <= MESSAGE_MAX);
        law_holds(message.length <= length - GRPC_FRAME_HEAD);
        grpc_frame_head(head, (uint32_t)message.length);
        law_holds(memcmp(head, bytes, sizeof head) == 0);
        check_message(kind, message);
        bytes += GRPC_FRAME_HEAD + message.length;
        length -= GRPC_FRAME_HEAD + message.length;
        result = grpc_frame_read(bytes, length, MESSAGE_MAX, &message);
    }
    law_holds(result != GRPC_FRAME_COMPRESSED || bytes[0] == 1);
    law_holds(result != GRPC_FRAME_BAD_FLAG || bytes[0] > 1);
}

/* ---- texts ---- */

static void check_timeout(const uint8_t *text, size_t length)
{
    static const struct {
        char letter;
        uint64_t ns;
    } units[] = {{'H', UINT64_C(3600000000000)}, {'M', UINT64_C(60000000000)},
                 {'S', UINT64_C(1000000000)},    {'m', UINT64_C(1000000)},
                 {'u', UINT64_C(1000)},          {'n', UINT64_C(1)}};
    uint64_t ns = 12345;
    uint64_t value = 0;
    uint64_t unit = 0;

    if (grpc_timeout_parse(text, length, &ns) != ERR_OK) {
        law_holds(ns == 12345);
        return;
    }
    law_holds(length >= 2 && length <= 9);
    for (size_t i = 0; i < length - 1; i++) {
        law_holds(text[i] >= '0' && text[i] <= '9');
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        unit = text[length - 1] == units[i].letter ? units[i].ns : unit;
    }
    law_holds(unit > 0);
    law_holds(ns == (value > UINT64_MAX / unit ? UINT64_MAX : value * unit));
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1);
}

static void check_encoding(const char *text)
{
    char encoded[ENCODED_SIZE];
    size_t length = grpc_percent_encode(encoded, sizeof encoded, text);
    const char *from = text;

    law_holds(length == strlen(encoded));
    for (size_t i = 0; i < length; i++) {
        int byte = (unsigned char)encoded[i];
        law_holds(byte >= 0x20 && byte <= 0x7E);
        if (byte == '%') {
            law_holds(i + 2 < length);
            byte = digit_of(encoded[i + 1]) * 16 + digit_of(encoded[i + 2]);
            i += 2;
        }
        law_holds(byte == (unsigned char)*from++);
    }
    /* It ends early only where the next character has no room. */
    law_holds(*from == '\0' || length >= sizeof encoded - 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t length = size - 1;
    uint8_t *bytes = law_bytes(data + 1, length);
    char *text = law_text(data + 1, length);

    check_frames(kinds[data[0] % KINDS], bytes, length);
    check_timeout(bytes, length);
    check_encoding(text);
    if (grpc_content_type_fits(bytes, length)) {
        law_holds(strncmp(text, "application/grpc", 16) == 0);
        law_holds(length == 16 || text[16] == ';' || strncmp(text + 16, "+proto", 6) == 0);
    }
    free(text);
    free(bytes);
    return 0;
}
