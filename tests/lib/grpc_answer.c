#include "grpc_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void grpc_answer_keep(char *to, size_t size, const uint8_t *value, size_t length)
{
    if (length >= size) {
        length = size - 1;
    }
    if (length > 0) {
        memcpy(to, value, length);
    }
    to[length] = '\0';
}

static bool is(const char *word, const uint8_t *name, size_t length)
{
    return strlen(word) == length && memcmp(word, name, length) == 0;
}

void grpc_answer_add(struct grpc_answer *answer, const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t length)
{
    const struct {
        const char *name;
        char *to;
        size_t size;
    } texts[] = {
        {"grpc-message", answer->message, sizeof answer->message},
        {"content-type", answer->content_type, sizeof answer->content_type},
        {"grpc-retry-pushback-ms", answer->retry_ms, sizeof answer->retry_ms},
        {"grpc-accept-encoding", answer->accept_encoding, sizeof answer->accept_encoding},
        {"allow", answer->allow, sizeof answer->allow},
    };
    char digits[16];

    grpc_answer_keep(digits, sizeof digits, value, length);
    if (is(":status", name, name_length)) {
        answer->http_status = (int)strtol(digits, NULL, 10);
    } else if (is("grpc-status", name, name_length)) {
        answer->code = (int)strtol(digits, NULL, 10);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (is(texts[i].name, name, name_length)) {
            grpc_answer_keep(texts[i].to, texts[i].size, value, length);
        }
    }
}

void grpc_answer_head(struct grpc_answer *answer, bool last)
{
    answer->trailers_only = !answer->headers && last;
    answer->headers = true;
}

void grpc_answer_put(struct grpc_answer *answer, const uint8_t *bytes, size_t length)
{
    uint8_t *body = realloc(answer->body, answer->length + length);

    assert_non_null(body);
    memcpy(body + answer->length, bytes, length);
    answer->body = body;
    answer->length += length;
}
