#include "access_file.h"

#include "base/rfc3339.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANKS " \t"
#define MS_PER_S 1000
#define HASH_PREFIX "sha256:"
#define EXPIRES_PREFIX "expires="
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* ---- the words of a line ---- */

static enum error parse_hash(const char *word, struct access_token *token,
                             struct error_detail *detail)
{
    static const char digits[] = "0123456789abcdef";
    const char *hex = word + strlen(HASH_PREFIX);

    if (strncmp(word, HASH_PREFIX, strlen(HASH_PREFIX)) != 0) {
        /* What stands there may be a token, so it is not repeated into a log. */
        return error_fail(detail, ERR_INVALID,
                          "a line begins with '" HASH_PREFIX "' and the hash of a token");
    }
    if (strlen(hex) != (size_t)2 * ACCESS_HASH_BYTES || strspn(hex, digits) != strlen(hex)) {
        return error_fail(detail, ERR_INVALID,
                          "a hash is '" HASH_PREFIX "' and %d digits of 0-9 and a-f",
                          2 * ACCESS_HASH_BYTES);
    }
    for (size_t i = 0; i < ACCESS_HASH_BYTES; i++) {
        ptrdiff_t high = strchr(digits, hex[2 * i]) - digits;
        ptrdiff_t low = strchr(digits, hex[2 * i + 1]) - digits;
        token->hash[i] = (unsigned char)(high << 4 | low);
    }
    return ERR_OK;
}

/* The scope of `length` bytes at `word`; ACCESS_PUBLIC when it is none. */
static enum access_scope scope_of(const char *word, size_t length)
{
    static const enum access_scope all[] = {ACCESS_ISSUE, ACCESS_READ, ACCESS_ADMIN};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const char *name = access_scope_name(all[i]);
        if (strlen(name) == length && memcmp(name, word, length) == 0) {
            return all[i];
        }
    }
    return ACCESS_PUBLIC;
}

static enum error parse_scopes(const char *word, struct access_token *token,
                               struct error_detail *detail)
{
    unsigned scopes = 0;

    for (;;) {
        size_t length = strcspn(word, ",");
        enum access_scope scope = scope_of(word, length);
        if (scope == ACCESS_PUBLIC || (scopes & scope) != 0) {
            return error_fail(detail, ERR_INVALID,
                              "scope '%.*s' %s, there are issue, read and admin, with commas "
                              "between",
                              (int)length, word,
                              scope == ACCESS_PUBLIC ? "is unknown" : "stands twice");
        }
        scopes |= scope;
        if (word[length] == '\0') {
            break;
        }
        word += length + 1;
    }
    scopes |= (scopes & ACCESS_ADMIN) != 0 ? ACCESS_ISSUE : 0;
    scopes |= (scopes & ACCESS_ISSUE) != 0 ? ACCESS_READ : 0;
    token->grant.scopes = scopes;
    return ERR_OK;
}

static enum error parse_pattern(const char *word, struct access_token *token,
                                struct error_detail *detail)
{
    size_t length = strlen(word);

    if (length >= sizeof token->grant.pattern || strspn(word, NAME_CHARACTERS "*?") != length) {
        return error_fail(detail, ERR_INVALID,
                          "pattern '%s' is none: it has the characters of names, '*' and '?', %zu "
                          "at most",
                          word, sizeof token->grant.pattern - 1);
    }
    memcpy(token->grant.pattern, word, length + 1);
    token->grant.any_name = strcmp(word, "*") == 0;
    return ERR_OK;
}

static enum error parse_expiry(const char *word, struct access_token *token,
                               struct error_detail *detail)
{
    if (strncmp(word, EXPIRES_PREFIX, strlen(EXPIRES_PREFIX)) != 0) {
        return error_fail(detail, ERR_INVALID,
                          "'%s' follows the pattern, only '" EXPIRES_PREFIX "' and a comment may",
                          word);
    }
    int64_t moment_ms = 0;
    struct error_detail form = {.text = ""};
    if (rfc3339_parse(word + strlen(EXPIRES_PREFIX), &moment_ms, &form) != ERR_OK) {
        return error_fail(detail, ERR_INVALID,
                          "'%s' is no moment, one looks like '" EXPIRES_PREFIX
                          "2027-01-31T00:00:00Z' (%s)",
                          word, form.text);
    }
    token->grant.expires_s = moment_ms / MS_PER_S; /* never later than it says */
    return ERR_OK;
}

/* Fill `token` from the words of `text`, which is cut into them. */
static enum error parse_line(char *text, struct access_token *token, struct error_detail *detail)
{
    static enum error (*const parse[])(const char *word, struct access_token *token,
                                       struct error_detail *detail) = {parse_hash, parse_scopes,
                                                                       parse_pattern, parse_expiry};
    static const char *const missing[] = {"hash", "scopes", "pattern"};
    char *rest = text;
    size_t count = 0;

    token->grant.expires_s = INT64_MAX;
    for (char *word = strtok_r(text, BLANKS, &rest); word != NULL && word[0] != '#';
         word = strtok_r(NULL, BLANKS, &rest)) {
        if (count == sizeof parse / sizeof parse[0]) {
            return error_fail(detail, ERR_INVALID, "'%s' follows the last word of a line", word);
        }
        enum error error = parse[count++](word, token, detail);
        if (error != ERR_OK) {
            return error;
        }
    }
    if (count < sizeof missing / sizeof missing[0]) {
        return error_fail(detail, ERR_INVALID, "no %s, a line is 'sha256:HASH SCOPES PATTERN'",
                          missing[count]);
    }
    return ERR_OK;
}

/* ---- the file ---- */

static enum error append(struct access_tokens *tokens, const struct access_token *token,
                         struct error_detail *detail)
{
    for (size_t i = 0; i < tokens->count; i++) {
        if (memcmp(tokens->items[i].hash, token->hash, sizeof token->hash) == 0) {
            return error_fail(detail, ERR_INVALID, "the same hash stands on line %u already",
                              tokens->items[i].line);
        }
    }
    if (tokens->count == ACCESS_TOKENS_MAX) {
        return error_fail(detail, ERR_INVALID, "more tokens than a file may have, %d",
                          ACCESS_TOKENS_MAX);
    }
    tokens->items[tokens->count++] = *token;
    return ERR_OK;
}

static bool is_blank(const char *text)
{
    char first = text[strspn(text, BLANKS)];
    return first == '\0' || first == '#';
}

/* One line, with its end, of `length` bytes. */
static enum error take_line(char *text, size_t length, unsigned line, struct access_tokens *tokens,
                            struct error_detail *detail)
{
    struct access_token token = {.line = line};

    if (length > 0 && text[length - 1] == '\n') {
        length--;
    }
    if (length > 0 && text[length - 1] == '\r') {
        length--;
    }
    text[length] = '\0';
    if (length > ACCESS_LINE_MAX) {
        return error_fail(detail, ERR_INVALID, "a line has %d bytes at most", ACCESS_LINE_MAX);
    }
    if (strlen(text) != length) {
        return error_fail(detail, ERR_INVALID, "a NUL byte, only text may stand here");
    }
    if (is_blank(text)) {
        return ERR_OK;
    }
    enum error error = parse_line(text, &token, detail);
    return error == ERR_OK ? append(tokens, &token, detail) : error;
}

static enum error read_lines(FILE *file, const char *path, struct access_tokens *tokens,
                             struct error_detail *detail)
{
    enum error error = ERR_OK;
    char *text = NULL;
    size_t size = 0;

    for (unsigned line = 1; error == ERR_OK; line++) {
        ssize_t length = getline(&text, &size, file);
        if (length < 0) {
            break;
        }
        error = take_line(text, (size_t)length, line, tokens, detail);
        if (error != ERR_OK) {
            error = error_wrap(detail, error, "%s:%u", path, line);
        }
    }
    if (error == ERR_OK && feof(file) == 0) {
        error = error_fail(detail, ERR_IO, "%s: cannot read the tokens: %s", path, strerror(errno));
    }
    free(text);
    return error;
}

/* Who can write the file can give himself every right. */
static enum error check_file(int fd, const char *path, struct error_detail *detail)
{
    struct stat status;

    if (fstat(fd, &status) != 0) {
        return error_fail(detail, ERR_IO, "%s: cannot examine the tokens: %s", path,
                          strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return error_fail(detail, ERR_INVALID, "%s: the tokens must be in a regular file", path);
    }
    if ((status.st_mode & S_IWOTH) != 0) {
        return error_fail(detail, ERR_INVALID,
                          "%s: anybody may write the tokens; take that away: chmod o-w", path);
    }
    if (status.st_size > ACCESS_FILE_MAX_BYTES) {
        return error_fail(detail, ERR_INVALID, "%s: has %lld bytes, a token file has %lld at most",
                          path, (long long)status.st_size, (long long)ACCESS_FILE_MAX_BYTES);
    }
    return ERR_OK;
}

enum error access_tokens_read(const char *path, struct access_tokens *ret_tokens,
                              struct error_detail *detail)
{
    struct access_tokens tokens = {.items = calloc(ACCESS_TOKENS_MAX, sizeof *tokens.items)};

    if (tokens.items == NULL) {
        return error_fail(detail, ERR_NO_MEMORY, "%s: memory is out", path);
    }
    /* Without O_NONBLOCK the open itself would wait for somebody to write to a pipe. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum error error = ERR_OK;
    FILE *file = NULL;
    if (fd < 0) {
        error = error_fail(detail, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
                           "%s: cannot open the tokens: %s", path, strerror(errno));
    } else {
        error = check_file(fd, path, detail);
        file = error == ERR_OK ? fdopen(fd, "r") : NULL;
    }
    if (file != NULL) {
        error = read_lines(file, path, &tokens, detail);
        fclose(file);
    } else if (fd >= 0) {
        close(fd);
        error =
            error == ERR_OK ? error_fail(detail, ERR_NO_MEMORY, "%s: memory is out", path) : error;
    }
    if (error != ERR_OK) {
        access_tokens_free(&tokens);
        return error;
    }
    *ret_tokens = tokens;
    return ERR_OK;
}

void access_tokens_free(struct access_tokens *tokens)
{
    free(tokens->items);
    *tokens = (struct access_tokens){.items = NULL};
}
