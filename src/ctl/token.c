#include "base/definition.h"
#include "base/rfc3339.h"
#include "commands.h"
#include "figure.h"
#include "session.h"
#include "token_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define MS_PER_S 1000

/* A comma list of scopes without repetition, in words that the server knows. */
static enum outcome check_scope(const char *list)
{
    static const char *const known[] = {"issue", "read", "admin"};
    unsigned seen = 0;
    for (const char *word = list;; word++) {
        size_t length = strcspn(word, ",");
        unsigned bit = 0;
        for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
            if (strlen(known[i]) == length && memcmp(known[i], word, length) == 0) {
                bit = 1U << i;
            }
        }
        if (bit == 0 || (seen & bit) != 0) {
            return outcome_fail(OUTCOME_USAGE,
                                "--scope is '%s', it must be a list of 'issue', 'read' and "
                                "'admin', each once, with commas between",
                                list);
        }
        seen |= bit;
        word += length;
        if (*word == '\0') {
            return OUTCOME_OK;
        }
    }
}

/* What names are made of, and the two wildcards. */
static enum outcome check_pattern(const char *pattern)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-*?";
    size_t length = strlen(pattern);
    if (length == 0 || length > SEQUENCE_NAME_MAX || strspn(pattern, allowed) != length) {
        return outcome_fail(OUTCOME_USAGE,
                            "--names is '%s', it must be 1 to %d of the characters of a name, '*' "
                            "and '?'",
                            pattern, SEQUENCE_NAME_MAX);
    }
    return OUTCOME_OK;
}

/* A time in UTC and whole seconds, as the server reads it, or a duration from now on. */
static enum outcome take_expiry(const char *when, char to[RFC3339_SIZE])
{
    struct error_detail detail = {.text = ""};
    uint64_t seconds = 0;
    int64_t now_ms = (int64_t)time(NULL) * MS_PER_S;
    int64_t end_ms = 0;
    if (figure_parse_duration(when, &seconds) == ERR_OK) {
        end_ms = now_ms + (int64_t)seconds * MS_PER_S;
    } else if (rfc3339_parse(when, &end_ms, &detail) != ERR_OK) {
        return outcome_fail(OUTCOME_USAGE,
                            "--expires is '%s', it must be a time such as 2027-01-01T00:00:00Z or "
                            "a duration such as 90d, 12h or 30min (%s)",
                            when, detail.text);
    }
    if (end_ms <= now_ms) {
        return outcome_fail(OUTCOME_USAGE, "--expires is '%s', which is over", when);
    }
    rfc3339_format(to, end_ms, 0);
    return OUTCOME_OK;
}

static void print_json(const char *token, const char *line, const char *scope, const char *names,
                       const char *expires)
{
    json_t *object = json_pack("{s:s,s:s,s:s,s:s,s:s?}", "token", token, "line", line, "scope",
                               scope, "names", names, "expires", expires);
    session_print_json(object);
    json_decref(object);
}

/* A new token, and its line for the file: `rest` is what follows the hash. */
static enum outcome make(char token[TOKEN_TEXT_SIZE], char hash[TOKEN_HASH_SIZE])
{
    uint8_t secret[TOKEN_SECRET_BYTES];
    if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret) {
        return outcome_fail(OUTCOME_FAILED, "the kernel gives no random bytes");
    }
    token_text(secret, token);
    explicit_bzero(secret, sizeof secret);
    if (token_hash(token, hash) != ERR_OK) {
        return outcome_fail(OUTCOME_FAILED, "GnuTLS cannot compute SHA-256");
    }
    return OUTCOME_OK;
}

static enum outcome make_and_print(const struct arguments *arguments, const char *expires)
{
    const char *scope =
        arguments_has(arguments, OPTION_SCOPE) ? arguments->values[OPTION_SCOPE] : "issue";
    const char *names =
        arguments_has(arguments, OPTION_NAMES) ? arguments->values[OPTION_NAMES] : "*";
    char token[TOKEN_TEXT_SIZE];
    char hash[TOKEN_HASH_SIZE];
    char line[TOKEN_HASH_SIZE + SEQUENCE_NAME_MAX + RFC3339_SIZE + 64];
    enum outcome outcome = make(token, hash);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    (void)snprintf(line, sizeof line, "sha256:%s %s %s%s%s", hash, scope, names,
                   expires != NULL ? " expires=" : "", expires != NULL ? expires : "");
    if (arguments_has(arguments, OPTION_JSON)) {
        print_json(token, line, scope, names, expires);
    } else {
        printf("The token, which is shown this once:\n\n    %s\n\n"
               "Its line for the file that 'tokens' of section [http] names; 'systemctl reload "
               "seqd' takes it over:\n\n    %s\n",
               token, line);
    }
    explicit_bzero(token, sizeof token);
    return OUTCOME_OK;
}

enum outcome token_run(const struct arguments *arguments)
{
    char expires[RFC3339_SIZE];
    enum outcome outcome = OUTCOME_OK;
    if (strcmp(arguments->words[0], "new") != 0) {
        return outcome_fail(OUTCOME_USAGE, "'%s' cannot be done to a token: seqctl token new",
                            arguments->words[0]);
    }
    if (arguments_has(arguments, OPTION_SCOPE)) {
        outcome = check_scope(arguments->values[OPTION_SCOPE]);
    }
    if (outcome == OUTCOME_OK && arguments_has(arguments, OPTION_NAMES)) {
        outcome = check_pattern(arguments->values[OPTION_NAMES]);
    }
    if (outcome == OUTCOME_OK && arguments_has(arguments, OPTION_EXPIRES)) {
        outcome = take_expiry(arguments->values[OPTION_EXPIRES], expires);
    }
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    return make_and_print(arguments, arguments_has(arguments, OPTION_EXPIRES) ? expires : NULL);
}
