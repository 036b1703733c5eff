#include "grpc_frame.h"

enum grpc_frame_result grpc_frame_read(const uint8_t *bytes, size_t length, size_t max_message,
                                       struct grpc_message *ret_message)
{
    if (length >= 1 && bytes[0] != 0) {
        return bytes[0] == 1 ? GRPC_FRAME_COMPRESSED : GRPC_FRAME_BAD_FLAG;
    }
    if (length < GRPC_FRAME_HEAD) {
        return GRPC_FRAME_MORE;
    }
    size_t size =
        (size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 8 | (size_t)bytes[4];
    if (size > max_message) {
        return GRPC_FRAME_TOO_LONG;
    }
    if (size > length - GRPC_FRAME_HEAD) {
        return GRPC_FRAME_MORE;
    }
    *ret_message = (struct grpc_message){.bytes = bytes + GRPC_FRAME_HEAD, .length = size};
    return GRPC_FRAME_WHOLE;
}

void grpc_frame_head(uint8_t to[GRPC_FRAME_HEAD], uint32_t length)
{
    to[0] = 0;
    to[1] = (uint8_t)(length >> 24);
    to[2] = (uint8_t)(length >> 16);
    to[3] = (uint8_t)(length >> 8);
    to[4] = (uint8_t)length;
}
