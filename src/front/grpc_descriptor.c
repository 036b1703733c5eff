#include "grpc_descriptor.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Field numbers of google/protobuf/descriptor.proto. */
enum {
    SET_FILE = 1,
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    ANY_NAME = 1, /* of a message, enum, service, method, field, value */
    MESSAGE_FIELD = 2,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    SERVICE_METHOD = 2,
    NAME_MAX_BYTES = 256,
};

/* What is left of a message that is read field by field. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
};

struct field {
    unsigned number;
    struct reader value; /* of a field with a length; empty for the others */
};

/* The set is our own build's, so what cannot be is our own mistake. */
static uint64_t read_varint(struct reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        assert(reader->at < reader->end && shift < 64);
        uint8_t byte = *reader->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
}

/* The next field; false at the end. */
static bool read_field(struct reader *reader, struct field *ret_field)
{
    if (reader->at == reader->end) {
        return false;
    }
    uint64_t key = read_varint(reader);
    struct reader value = {.at = reader->at, .end = reader->at};

    if ((key & 7) == 2) {
        uint64_t length = read_varint(reader);
        assert(length <= (uint64_t)(reader->end - reader->at));
        value = (struct reader){.at = reader->at, .end = reader->at + length};
        reader->at += length;
    } else {
        assert((key & 7) == 0); /* descriptors have no fixed-width fields that we use protoc for */
        (void)read_varint(reader);
    }
    *ret_field = (struct field){.number = (unsigned)(key >> 3), .value = value};
    return true;
}

/* Field `number` of a message, the first of them; empty when there is none. */
static struct reader find_field(struct reader message, unsigned number)
{
    struct field field;

    while (read_field(&message, &field)) {
        if (field.number == number) {
            return field.value;
        }
    }
    return (struct reader){.at = message.end, .end = message.end};
}

static size_t length_of(struct reader text)
{
    return (size_t)(text.end - text.at);
}

static bool equals(struct reader text, const char *word)
{
    return length_of(text) == strlen(word) && memcmp(text.at, word, length_of(text)) == 0;
}

/* Is `symbol` this name, or does it go on behind it with a dot? Then *ret_rest is what follows; ""
 * when nothing does. */
static bool begins(const char *symbol, struct reader name, const char **ret_rest)
{
    size_t length = length_of(name);

    if (strncmp(symbol, (const char *)name.at, length) != 0 || length > strlen(symbol)) {
        return false;
    }
    if (symbol[length] == '\0') {
        *ret_rest = symbol + length;
        return true;
    }
    if (symbol[length] == '.' && symbol[length + 1] != '\0') {
        *ret_rest = symbol + length + 1;
        return true;
    }
    return false;
}

/* Has a message, an enum or a service that is named by the rest of a symbol? */
static bool declares(struct reader thing, unsigned kind, const char *rest)
{
    const char *inner = NULL;
    struct field field;

    if (!begins(rest, find_field(thing, ANY_NAME), &inner)) {
        return false;
    }
    if (inner[0] == '\0') {
        return true;
    }
    while (read_field(&thing, &field)) {
        bool leaf = (kind == FILE_SERVICE && field.number == SERVICE_METHOD) ||
                    (kind == FILE_MESSAGE && field.number == MESSAGE_FIELD);
        bool nested = kind == FILE_MESSAGE && field.number == MESSAGE_NESTED;
        bool enumeration = kind == FILE_MESSAGE && field.number == MESSAGE_ENUM;

        if ((leaf && equals(find_field(field.value, ANY_NAME), inner)) ||
            (nested && declares(field.value, FILE_MESSAGE, inner)) ||
            (enumeration && declares(field.value, FILE_ENUM, inner))) {
            return true;
        }
    }
    return false;
}

static struct reader whole_set(void)
{
    return (struct reader){.at = grpc_descriptor_set, .end = grpc_descriptor_set_end};
}

bool grpc_descriptor_by_name(const char *name, struct grpc_file *ret_file)
{
    struct reader set = whole_set();
    struct field file;

    while (read_field(&set, &file)) {
        if (equals(find_field(file.value, FILE_NAME), name)) {
            *ret_file = (struct grpc_file){.bytes = file.value.at, .length = length_of(file.value)};
            return true;
        }
    }
    return false;
}

static bool file_declares(struct reader file, const char *symbol)
{
    const char *rest = NULL;
    struct field field;

    if (!begins(symbol, find_field(file, FILE_PACKAGE), &rest) || rest[0] == '\0') {
        return false;
    }
    while (read_field(&file, &field)) {
        bool named = field.number == FILE_MESSAGE || field.number == FILE_ENUM ||
                     field.number == FILE_SERVICE;

        if (named && declares(field.value, field.number, rest)) {
            return true;
        }
    }
    return false;
}

bool grpc_descriptor_by_symbol(const char *symbol, struct grpc_file *ret_file)
{
    struct reader set = whole_set();
    struct field file;

    while (read_field(&set, &file)) {
        if (file_declares(file.value, symbol)) {
            *ret_file = (struct grpc_file){.bytes = file.value.at, .length = length_of(file.value)};
            return true;
        }
    }
    return false;
}

static void visit_service(struct reader package, struct reader own,
                          void (*visit)(void *context, const char *name), void *context)
{
    char name[NAME_MAX_BYTES];
    int length = snprintf(name, sizeof name, "%.*s.%.*s", (int)length_of(package),
                          (const char *)package.at, (int)length_of(own), (const char *)own.at);

    assert(length > 0 && (size_t)length < sizeof name);
    visit(context, name);
}

void grpc_descriptor_services(void (*visit)(void *context, const char *name), void *context)
{
    struct reader set = whole_set();
    struct field file;

    while (read_field(&set, &file)) {
        struct reader package = find_field(file.value, FILE_PACKAGE);
        struct field field;

        while (read_field(&file.value, &field)) {
            if (field.number == FILE_SERVICE) {
                visit_service(package, find_field(field.value, ANY_NAME), visit, context);
            }
        }
    }
}
