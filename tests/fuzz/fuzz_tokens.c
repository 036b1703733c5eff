/* fuzz_tokens: any bytes as a token file, and any as an Authorization header.
 *
 * What stands before the first line "---" is the file, the line after it the header, and the next
 * the name of a sequence.
 *
 * The law: a file is taken whole, with rights that its header allows, or refused with the file and
 * a line that it has; and no word of a refusal repeats what may be a token. What was understood is
 * written and understood again as the same. A header is good only when it is a token whose hash
 * stands in the file, and grants what the first law of fnmatch(3) says and no more. */
#include "law.h"

#include "front/access.h"
#include "front/access_file.h"

#include <fnmatch.h>
#include <gnutls/crypto.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NOW_S INT64_C(1800000000)

struct parts {
    size_t file_length;
    char *header; /* owned */
    char *name;   /* owned */
};

static int64_t now_s(void)
{
    return NOW_S;
}

static const uint8_t *end_of_line(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *found = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;

    return found != NULL ? found : end;
}

static struct parts split(const uint8_t *data, size_t size)
{
    static const char mark[] = "\n---\n";
    const uint8_t *end = data + size;
    const uint8_t *found = size > 0 ? memmem(data, size, mark, sizeof mark - 1) : NULL;
    const uint8_t *header = found != NULL ? found + sizeof mark - 1 : end;
    const uint8_t *header_end = end_of_line(header, end);
    const uint8_t *name = header_end < end ? header_end + 1 : end;

    return (struct parts){.file_length = found != NULL ? (size_t)(found - data) + 1 : size,
                          .header = law_text(header, (size_t)(header_end - header)),
                          .name = law_text(name, (size_t)(end_of_line(name, end) - name))};
}

/* ---- the file ---- */

static void check_grant(const struct access_grant *grant)
{
    unsigned scopes = grant->scopes;

    law_holds(scopes != 0 &&
              (scopes & ~(unsigned)(ACCESS_ISSUE | ACCESS_READ | ACCESS_ADMIN)) == 0);
    law_holds((scopes & ACCESS_ADMIN) == 0 || (scopes & ACCESS_ISSUE) != 0);
    law_holds((scopes & ACCESS_ISSUE) == 0 || (scopes & ACCESS_READ) != 0);
    law_holds(strnlen(grant->pattern, sizeof grant->pattern) <= SEQUENCE_NAME_MAX);
    law_holds(grant->pattern[0] != '\0');
    law_holds(grant->any_name == (strcmp(grant->pattern, "*") == 0));
}

/* Write `token` as a line at `to`. Returns its length. */
static size_t write_line(char *to, size_t room, const struct access_token *token)
{
    size_t length = (size_t)snprintf(to, room, "sha256:");
    unsigned scopes = token->grant.scopes;

    for (size_t i = 0; i < ACCESS_HASH_BYTES; i++) {
        length += (size_t)snprintf(to + length, room - length, "%02x", token->hash[i]);
    }
    /* Those that others bring are not said. */
    const char *word = (scopes & ACCESS_ADMIN) != 0   ? "admin"
                       : (scopes & ACCESS_ISSUE) != 0 ? "issue"
                                                      : "read";
    length += (size_t)snprintf(to + length, room - length, " %s %s\n", word, token->grant.pattern);
    law_holds(length < room);
    return length;
}

/* What the file says but for the times, written anew. */
static void check_written(const struct access_tokens *tokens)
{
    size_t room = tokens->count * (ACCESS_LINE_MAX + 2) + 1;
    char *text = malloc(room);
    struct access_tokens again;
    size_t length = 0;

    law_holds(text != NULL);
    for (size_t i = 0; i < tokens->count; i++) {
        length += write_line(text + length, room - length, &tokens->items[i]);
    }
    law_holds(access_tokens_read(law_file(text, length), &again, NULL) == ERR_OK);
    law_holds(again.count == tokens->count);
    for (size_t i = 0; i < again.count; i++) {
        const struct access_token *a = &tokens->items[i];
        const struct access_token *b = &again.items[i];
        law_holds(memcmp(a->hash, b->hash, sizeof a->hash) == 0);
        law_holds(a->grant.scopes == b->grant.scopes && b->grant.expires_s == INT64_MAX);
        law_holds(strcmp(a->grant.pattern, b->grant.pattern) == 0 && b->line == i + 1);
    }
    access_tokens_free(&again);
    free(text);
}

static void check_tokens(const struct access_tokens *tokens, size_t lines)
{
    law_holds(tokens->count <= ACCESS_TOKENS_MAX);
    for (size_t i = 0; i < tokens->count; i++) {
        check_grant(&tokens->items[i].grant);
        law_holds(tokens->items[i].line >= 1 && tokens->items[i].line <= lines);
        law_holds(i == 0 || tokens->items[i].line > tokens->items[i - 1].line);
        for (size_t j = 0; j < i; j++) {
            law_holds(memcmp(tokens->items[i].hash, tokens->items[j].hash, ACCESS_HASH_BYTES) != 0);
        }
    }
    check_written(tokens);
}

/* The first word of `line`, and its length. */
static const char *first_word(const char *line, size_t *ret_length)
{
    const char *word = line + strspn(line, " \t");

    *ret_length = strcspn(word, " \t\r\n");
    return word;
}

/* The file was refused: where, and without a word of what may be a token. */
static void check_refusal(const struct error_detail *detail, const char *path, const char *text,
                          size_t lines)
{
    size_t length = strlen(path);
    size_t word_length = 0;

    law_holds(law_explains(detail));
    law_holds(strncmp(detail->text, path, length) == 0 && detail->text[length] == ':');
    unsigned long line = strtoul(detail->text + length + 1, NULL, 10);
    law_holds(line >= 1 && line <= lines);
    while (--line > 0) {
        text += strcspn(text, "\n") + 1;
    }
    const char *word = first_word(text, &word_length);
    if (word_length >= ACCESS_TOKEN_LENGTH && strncmp(word, ACCESS_PREFIX, 5) == 0) {
        law_holds(memmem(detail->text, strlen(detail->text), word, ACCESS_TOKEN_LENGTH) == NULL);
    }
}

/* ---- the header ---- */

/* The token in `header`, found by other means than the product's: NULL when there is none. */
static const char *token_of(const char *header)
{
    const char *token = header + 6;

    if (strncasecmp(header, "bearer", 6) != 0 || *token != ' ') {
        return NULL;
    }
    while (*token == ' ') {
        token++;
    }
    return strlen(token) == ACCESS_TOKEN_LENGTH && strlen(header) <= ACCESS_HEADER_MAX ? token
                                                                                       : NULL;
}

static const struct access_grant *find_grant(const struct access_tokens *tokens, const char *token)
{
    unsigned char hash[ACCESS_HASH_BYTES];

    law_holds(gnutls_hash_fast(GNUTLS_DIG_SHA256, token, strlen(token), hash) == 0);
    for (size_t i = 0; i < tokens->count; i++) {
        if (memcmp(tokens->items[i].hash, hash, sizeof hash) == 0) {
            return &tokens->items[i].grant;
        }
    }
    return NULL;
}

static enum access_verdict expected(const struct access_tokens *tokens, const char *header,
                                    enum access_scope scope, const char *name)
{
    const char *token = token_of(header);
    const struct access_grant *grant = token != NULL ? find_grant(tokens, token) : NULL;

    if (grant == NULL || NOW_S >= grant->expires_s) {
        return ACCESS_BAD_TOKEN;
    }
    bool named = name == NULL ? strcmp(grant->pattern, "*") == 0
                              : fnmatch(grant->pattern, name, FNM_NOESCAPE) == 0;
    return (grant->scopes & scope) != 0 && named ? ACCESS_GRANTED : ACCESS_FORBIDDEN;
}

static void check_header(const struct parts *parts, const struct access_tokens *tokens,
                         const char *path)
{
    static const enum access_scope scopes[] = {ACCESS_ISSUE, ACCESS_READ, ACCESS_ADMIN};
    struct access_options options = {.issue_without_token = ACCESS_OPEN_NEVER, .now_s = now_s};
    struct access_client client = {.peer = ACCESS_PEER_REMOTE};
    struct access *access = NULL;
    const char *name = parts->name[0] != '\0' ? parts->name : NULL;

    (void)snprintf(options.tokens, sizeof options.tokens, "%s", path); /* fits */
    law_holds(access_open(&options, &access, NULL) == ERR_OK);
    law_holds(access_check(access, &client, NULL, ACCESS_READ, name, 0) == ACCESS_NO_TOKEN);
    /* Twice over one connection: what it remembers of the first time changes nothing. */
    for (size_t i = 0; i < 2 * sizeof scopes / sizeof scopes[0]; i++) {
        enum access_scope scope = scopes[i % (sizeof scopes / sizeof scopes[0])];
        law_holds(access_check(access, &client, parts->header, scope, name,
                               name != NULL ? strlen(name) : 0) ==
                  expected(tokens, parts->header, scope, name));
    }
    access_close(access);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct parts parts = split(data, size);
    struct access_tokens tokens;
    struct error_detail detail = {.text = ""};
    const char *path = law_file(data, parts.file_length);

    law_mark(&tokens, sizeof tokens);
    enum error error = access_tokens_read(path, &tokens, &detail);
    if (error != ERR_OK) {
        law_holds(error == ERR_INVALID && law_untouched(&tokens, sizeof tokens));
        char *text = law_text(data, parts.file_length);
        check_refusal(&detail, path, text, law_lines(data, parts.file_length));
        free(text);
    } else {
        check_header(&parts, &tokens, path);
        check_tokens(&tokens, law_lines(data, parts.file_length));
        access_tokens_free(&tokens);
    }
    free(parts.header);
    free(parts.name);
    return 0;
}
