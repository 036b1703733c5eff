#include "grpc_status.h"

#include <assert.h>
#include <stdbool.h>

static const struct {
    const char *name;
    const char *digits;
} codes[GRPC_CODES] = {
    [GRPC_OK] = {"OK", "0"},
    [GRPC_CANCELLED] = {"CANCELLED", "1"},
    [GRPC_UNKNOWN] = {"UNKNOWN", "2"},
    [GRPC_INVALID_ARGUMENT] = {"INVALID_ARGUMENT", "3"},
    [GRPC_DEADLINE_EXCEEDED] = {"DEADLINE_EXCEEDED", "4"},
    [GRPC_NOT_FOUND] = {"NOT_FOUND", "5"},
    [GRPC_ALREADY_EXISTS] = {"ALREADY_EXISTS", "6"},
    [GRPC_PERMISSION_DENIED] = {"PERMISSION_DENIED", "7"},
    [GRPC_RESOURCE_EXHAUSTED] = {"RESOURCE_EXHAUSTED", "8"},
    [GRPC_FAILED_PRECONDITION] = {"FAILED_PRECONDITION", "9"},
    [GRPC_ABORTED] = {"ABORTED", "10"},
    [GRPC_OUT_OF_RANGE] = {"OUT_OF_RANGE", "11"},
    [GRPC_UNIMPLEMENTED] = {"UNIMPLEMENTED", "12"},
    [GRPC_INTERNAL] = {"INTERNAL", "13"},
    [GRPC_UNAVAILABLE] = {"UNAVAILABLE", "14"},
    [GRPC_DATA_LOSS] = {"DATA_LOSS", "15"},
    [GRPC_UNAUTHENTICATED] = {"UNAUTHENTICATED", "16"},
};

const char *grpc_code_name(enum grpc_code code)
{
    assert((unsigned)code < GRPC_CODES);
    return codes[code].name;
}

const char *grpc_code_digits(enum grpc_code code)
{
    assert((unsigned)code < GRPC_CODES);
    return codes[code].digits;
}

size_t grpc_percent_encode(char *to, size_t size, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t length = 0;

    assert(size >= 1);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        bool plain = byte >= 0x20 && byte <= 0x7E && byte != '%';

        if (size - length <= (plain ? 1 : 3)) {
            break;
        }
        if (plain) {
            to[length++] = (char)byte;
        } else {
            to[length++] = '%';
            to[length++] = hex[byte >> 4];
            to[length++] = hex[byte & 15];
        }
    }
    to[length] = '\0';
    return length;
}
