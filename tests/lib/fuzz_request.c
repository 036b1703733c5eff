#include "fuzz_request.h"

#include "token.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define BODY_MAX 1024    /* bytes of a body */
#define SURELY_FITS 3000 /* bytes of a request, with RECORD_BYTES for each line of it, … */
#define RECORD_BYTES 80  /* … that a daemon with the standard buffer takes */
#define PICK(list, chance) ((list)[chance_below((chance), sizeof(list) / sizeof((list)[0]))])

static bool one_in(struct chance *chance, uint64_t times)
{
    return chance_below(chance, times) == 0;
}

/* ---- bytes ---- */

static void put(struct fuzz_request *request, const void *bytes, size_t length)
{
    assert(length <= sizeof request->bytes - request->length);
    memcpy(request->bytes + request->length, bytes, length);
    request->length += length;
}

static void put_text(struct fuzz_request *request, const char *text)
{
    put(request, text, strlen(text));
}

/* A byte that cannot end a word: neither blank nor control. */
static char word_byte(struct chance *chance)
{
    static const char special[] = "/?&=%.{}\"'\\<>+-_~:;,@[]*";
    uint64_t kind = chance_below(chance, 4);

    if (kind == 0) {
        return special[chance_below(chance, sizeof special - 1)];
    }
    if (kind == 1) {
        return (char)(0x80 + chance_below(chance, 0x80));
    }
    return (char)(0x21 + chance_below(chance, 0x5e)); /* up to '~' */
}

static void put_word(struct fuzz_request *request, struct chance *chance, size_t most)
{
    for (size_t i = chance_below(chance, most + 1); i > 0; i--) {
        char byte = word_byte(chance);
        put(request, &byte, 1);
    }
}

/* Copy `text`, with some of its bytes replaced, left out or doubled. */
static void put_bent(struct fuzz_request *request, struct chance *chance, const char *text)
{
    bool bends = one_in(chance, 8);

    for (const char *c = text; *c != '\0'; c++) {
        uint64_t how = bends ? chance_below(chance, 24) : 24;
        char byte = how == 0 ? word_byte(chance) : *c;
        if (how != 1) {
            put(request, &byte, 1);
        }
        if (how == 2) {
            put(request, &byte, 1);
        }
    }
}

/* ---- the request line ---- */

/* The method of a request that takes numbers is seldom wrong. */
static void put_method(struct fuzz_request *request, struct chance *chance, bool changes)
{
    static const char *const methods[] = {"GET",  "PUT",    "PUT",     "PATCH", "POST",    "POST",
                                          "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"};
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcxyz0189-_!#$%&'*+.^`|~";
    const char *method =
        changes || one_in(chance, 8) ? PICK(methods, chance) : (one_in(chance, 4) ? "POST" : "GET");

    if (!one_in(chance, 20)) {
        put_text(request, method);
        request->bodyless = strcmp(method, "HEAD") == 0;
        return;
    }
    put(request, "X", 1); /* no HEAD by accident */
    for (size_t i = chance_below(chance, 20); i > 0; i--) {
        put(request, &letters[chance_below(chance, sizeof letters - 1)], 1);
    }
}

static void put_query(struct fuzz_request *request, struct chance *chance)
{
    static const char *const keys[] = {"count", "count", "count", "limit", "prefix", "after", "x"};
    static const char *const values[] = {
        "1",   "2", "7",  "100", "10000", "0", "-1", "10001", "18446744073709551616",
        "1e3", "f", "%31"};

    put_text(request, "?");
    for (size_t i = 1 + chance_below(chance, one_in(chance, 10) ? 12 : 2); i > 0; i--) {
        put_bent(request, chance, PICK(keys, chance));
        if (!one_in(chance, 20)) {
            put_text(request, "=");
        }
        if (one_in(chance, 5)) {
            put_word(request, chance, 40);
        } else {
            put_text(request, PICK(values, chance));
        }
        put_text(request, i > 1 ? "&" : "");
    }
}

static void put_target(struct fuzz_request *request, struct chance *chance, bool changes)
{
    static const char *const others[] = {
        "/",
        "/",
        "/v1/sequences/default/next",
        "/v1/sequences/default/next",
        "/v1/sequences/orders/next",
        "/v1/sequences/orders",
        "/v1/sequences/default",
        "/v1/sequences",
        "/healthz",
        "/readyz",
        "/v1/sequences/default/advance",
        "/v1/sequences/default/decode/1",
        "/favicon.ico",
        "*",
    };
    static const char *const tails[] = {"", "", "", "/next", "/advance", "/decode/1", "/range"};
    size_t began = request->length;

    if (changes) {
        char target[64];
        (void)snprintf(target, sizeof target, "/v1/sequences/f%u%s",
                       (unsigned)chance_below(chance, 10), PICK(tails, chance));
        put_bent(request, chance, target);
    } else if (one_in(chance, 200)) {
        put_text(request, one_in(chance, 2) ? "/metrics" : "/openapi.json");
    } else {
        put_bent(request, chance, PICK(others, chance));
    }
    if (request->length == began) {
        put_text(request, "/");
    }
    request->judged =
        request->length - began < 15 || memcmp(request->bytes + began, "/v1/sequences/f", 15) != 0;
    if (one_in(chance, changes ? 8 : 3)) {
        put_query(request, chance);
    }
}

/* ---- headers and body ---- */

static void put_value(struct fuzz_request *request, struct chance *chance)
{
    for (size_t i = 1 + chance_below(chance, 5); i > 0; i--) {
        put_word(request, chance, 16);
        put_text(request, i > 1 ? " " : "");
    }
}

static void put_headers(struct fuzz_request *request, struct chance *chance)
{
    static const char *const lines[] = {
        "Accept: application/json",
        "Accept: text/plain",
        "Accept: */*;q=0.1, text/plain;q=0",
        "Origin: https://a.example",
        "Access-Control-Request-Method: PUT",
        "Purpose: prefetch",
        "Sec-Purpose: prefetch;prerender",
        "User-Agent: Mozilla/5.0",
        "If-None-Match: *",
        "Cookie: a=b; c",
        "Authorization: Bearer " TOKEN_A,
        "Authorization: Bearer " TOKEN_A,
        "Authorization: Bearer " TOKEN_B,
        "Connection: close",
    };
    static const char *const names[] = {"Accept",
                                        "Origin",
                                        "Authorization",
                                        "Purpose",
                                        "Sec-Purpose",
                                        "X-Moz",
                                        "Cookie",
                                        "If-None-Match",
                                        "User-Agent",
                                        "Content-Type",
                                        "Access-Control-Request-Method",
                                        "X-a"};
    uint64_t most = one_in(chance, 50) ? 60 : 4;

    for (uint64_t i = chance_below(chance, most); i > 0; i--) {
        const char *line = PICK(lines, chance);
        if (one_in(chance, 3)) {
            put_text(request, PICK(names, chance));
            put_text(request, ": ");
            put_value(request, chance);
        } else if (strcmp(line, "Connection: close") != 0 || one_in(chance, 20)) {
            put_text(request, line);
        } else {
            put_text(request, "X-b: c");
        }
        put_text(request, "\r\n");
    }
}

/* The text of a body: JSON, more or less. */
static size_t make_body(char body[BODY_MAX], struct chance *chance)
{
    static const char *const bodies[] = {
        "{}",
        "{\"start\":\"1\",\"increment\":1}",
        "{\"past\":\"100\",\"force\":true}",
        "{\"past\":5}",
        "{\"max_gap\":100,\"lease\":\"auto\"}",
        "{\"durability\":\"every\"}",
        "{\"kind\":\"timestamp\",\"node_bits\":3}",
        "{\"increment\":-3,\"max\":\"9007199254740993\"}",
        "{\"start\":9223372036854775807}",
        "{\"a\":{\"b\":[1,2,{\"c\":null}]}}",
        "[[[[[[[[]]]]]]]]",
        "{\"start\":1,\"start\":2}",
        "{\"start\":1.5e300}",
        "\xef\xbb\xbf{}",
    };
    const char *text = PICK(bodies, chance);
    size_t length = strlen(text);

    memcpy(body, text, length);
    if (one_in(chance, 3)) {
        for (size_t i = 1 + chance_below(chance, 4); i > 0; i--) {
            body[chance_below(chance, length)] = (char)chance_below(chance, 256);
        }
    }
    if (one_in(chance, 8)) {
        length = chance_below(chance, length + 1);
    }
    if (one_in(chance, 16)) {
        length = chance_below(chance, BODY_MAX);
        for (size_t i = 0; i < length; i++) {
            body[i] = (char)chance_below(chance, 256);
        }
    }
    return length;
}

static void put_chunks(struct fuzz_request *request, struct chance *chance, const char *body,
                       size_t length)
{
    char size[16];

    for (size_t at = 0; at < length;) {
        size_t step = 1 + chance_below(chance, 64);
        step = step < length - at ? step : length - at;
        (void)snprintf(size, sizeof size, "%zx\r\n", step);
        put_text(request, size);
        put(request, body + at, step);
        put_text(request, "\r\n");
        at += step;
    }
    put_text(request, "0\r\n\r\n");
}

static void put_body(struct fuzz_request *request, struct chance *chance)
{
    char body[BODY_MAX];
    char line[64];
    size_t length = make_body(body, chance);

    if (!one_in(chance, 10)) {
        put_text(request, "Content-Type: application/json\r\n");
    }
    if (one_in(chance, 4)) {
        put_text(request, "Transfer-Encoding: chunked\r\n\r\n");
        put_chunks(request, chance, body, length);
        return;
    }
    (void)snprintf(line, sizeof line, "Content-Length: %zu\r\n\r\n", length);
    put_text(request, line);
    put(request, body, length);
}

/* Header lines, parameters and cookies, or more. */
static size_t records(const struct fuzz_request *request)
{
    size_t count = 0;

    for (size_t i = 0; i < request->length; i++) {
        char byte = request->bytes[i];
        count += byte == '\n' || byte == '&' || byte == '?' || byte == ';' ? 1 : 0;
    }
    return count;
}

void fuzz_request_make(struct fuzz_request *request, struct chance *chance)
{
    request->length = 0;
    request->bodyless = false;
    bool changes = one_in(chance, 3);
    bool may = changes && !one_in(chance, 4);
    put_method(request, chance, changes);
    put_text(request, " ");
    put_target(request, chance, changes);
    put_text(request, " HTTP/1.1\r\nHost: a\r\n");
    if (may) {
        put_text(request, "Authorization: Bearer " TOKEN_A "\r\n");
    }
    if (!may || one_in(chance, 8)) {
        put_headers(request, chance);
    }
    if (one_in(chance, changes ? 2 : 8)) {
        put_body(request, chance);
    } else {
        put_text(request, "\r\n");
    }
    /* A HEAD of what has no known length; a head that does not fit; who asks for it; and a cookie,
     * which libmicrohttpd may find malformed. */
    request->ends = request->bodyless ||
                    request->length + records(request) * RECORD_BYTES > SURELY_FITS ||
                    memmem(request->bytes, request->length, "\nConnection:", 12) != NULL ||
                    memmem(request->bytes, request->length, "\nCookie:", 8) != NULL;
}

void fuzz_request_make_wild(struct fuzz_request *request, struct chance *chance)
{
    do {
        fuzz_request_make(request, chance);
    } while (request->bodyless || !request->judged);
    for (size_t i = 1 + chance_below(chance, 8); i > 0; i--) {
        size_t at = chance_below(chance, request->length);
        if (one_in(chance, 2)) {
            request->bytes[at] = (char)chance_below(chance, 256);
        } else {
            request->bytes[at] = "\r\n \0:"[chance_below(chance, 5)];
        }
    }
    if (one_in(chance, 4)) {
        request->length = chance_below(chance, request->length) + 1;
    }
}
