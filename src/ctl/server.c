#include "server.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_S_STANDARD 10
#define TIMEOUT_S_MAX 3600
#define TARGET_SIZE 2048    /* bytes of a whole URL, with the NUL */
#define OLD_ANSWERS_MAX 500 /* on one connection, see set_version() */
#define HEADER_SIZE (SERVER_TOKEN_MAX + 32)

struct server {
    const struct server_options *options;
    CURL *curl;
    char curl_text[CURL_ERROR_SIZE]; /* libcurl's own words */

    /* Of the last question. */
    unsigned sends;
    int grpc_status;

    /* Of gRPC, see set_version(). */
    unsigned kept;     /* answers on the connection that is kept; 0: there is none */
    bool expects_kept; /* ... and the question that is being asked must go over it */
    bool is_new;       /* it would go over another */
    int port;          /* our end of the last connection */
};

/* An answer on its way. */
struct inflow {
    char *bytes;
    size_t length;
    size_t room;
    bool too_long;
};

enum outcome server_setup(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return outcome_fail(OUTCOME_FAILED, "libcurl cannot be used");
    }
    return OUTCOME_OK;
}

/* ---- options ---- */

/* A token goes into a header line, so no byte may end that. */
static enum outcome take_token(const char *from, const char *text, size_t length,
                               struct server_options *options)
{
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r')) {
        length--;
    }
    if (length == 0 || length > SERVER_TOKEN_MAX) {
        return outcome_fail(OUTCOME_USAGE, "%s holds %zu bytes, a token has 1 to %d", from, length,
                            SERVER_TOKEN_MAX);
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return outcome_fail(OUTCOME_USAGE,
                                "%s holds no token: a token is one word, such as 'seqd_…', alone "
                                "on its line",
                                from);
        }
    }
    memcpy(options->token, text, length);
    options->token[length] = '\0';
    return OUTCOME_OK;
}

static enum outcome read_token(const char *path, struct server_options *options)
{
    char text[SERVER_TOKEN_MAX + 8];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text) : -1;
    int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (length < 0) {
        return outcome_fail(OUTCOME_USAGE, "cannot read the token file '%s': %s", path,
                            strerror(error));
    }
    return take_token(path, text, (size_t)length, options);
}

enum outcome server_options(const struct arguments *arguments, struct server_options *ret_options)
{
    struct server_options options = {.ca = arguments->values[OPTION_CA]};
    struct error_detail detail = {.text = ""};
    struct address_sources sources = {.url = arguments->values[OPTION_URL],
                                      .socket = arguments->values[OPTION_SOCKET],
                                      .environment = getenv("SEQD_URL"),
                                      .default_socket = ADDRESS_SOCKET};
    const char *token = getenv("SEQD_TOKEN");
    uint64_t timeout_s = 0;

    if (address_choose(&sources, &options.address, &detail) != ERR_OK) {
        return outcome_fail(OUTCOME_USAGE, "%s", detail.text);
    }
    enum outcome outcome = arguments_number(arguments, OPTION_TIMEOUT, 1, TIMEOUT_S_MAX,
                                            TIMEOUT_S_STANDARD, &timeout_s);
    options.timeout_ms = (long)timeout_s * 1000;
    if (outcome == OUTCOME_OK && arguments_has(arguments, OPTION_TOKEN)) {
        outcome = read_token(arguments->values[OPTION_TOKEN], &options);
    } else if (outcome == OUTCOME_OK && token != NULL && token[0] != '\0') {
        outcome = take_token("$SEQD_TOKEN", token, strlen(token), &options);
    }
    if (outcome == OUTCOME_OK) {
        *ret_options = options;
    }
    return outcome;
}

/* ---- a connection ---- */

static size_t take_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct inflow *inflow = context;
    size_t length = size * count; /* libcurl: size is 1 */
    if (length > SERVER_ANSWER_MAX - inflow->length) {
        inflow->too_long = true;
        return 0;
    }
    if (length >= inflow->room - inflow->length) {
        size_t room = 2 * (inflow->length + length) + 1;
        char *grown = realloc(inflow->bytes, room);
        if (grown == NULL) {
            return 0;
        }
        inflow->bytes = grown;
        inflow->room = room;
    }
    memcpy(inflow->bytes + inflow->length, bytes, length);
    inflow->length += length;
    inflow->bytes[inflow->length] = '\0';
    return length;
}

/* libcurl calls it each time before it sends. */
static int note_sending(void *context, char *peer, char *self, int peer_port, int self_port)
{
    struct server *server = context;
    (void)peer;
    (void)self;
    (void)peer_port;
    if (server->expects_kept && self_port != server->port) {
        server->is_new = true; /* see perform() */
        return CURL_PREREQFUNC_ABORT;
    }
    server->port = self_port;
    server->sends++;
    return server->sends > 1 && server->options->once ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* Headers and trailers; of those the status of gRPC is wanted. */
static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    static const char name[] = "grpc-status:";
    struct server *server = context;
    size_t length = size * count; /* libcurl: size is 1 */
    if (length > sizeof name && memcmp(bytes, name, sizeof name - 1) == 0) {
        const char *digit = bytes + sizeof name - 1;
        const char *end = bytes + length;
        int status = 0;
        while (digit < end && *digit == ' ') {
            digit++;
        }
        for (; digit < end && *digit >= '0' && *digit <= '9' && status < 100; digit++) {
            status = 10 * status + (*digit - '0');
        }
        server->grpc_status = status;
    }
    return length;
}

/* Without TLS the server cannot be told that this is HTTP/2, so both have to know it; with it, ALPN
 * says so.
 *
 * libcurl before 8.0 has two faults. It begins HTTP/2 anew on a connection that it keeps, where it
 * knows before (curl issue 10634), so there it must not know while the connection is kept. And it
 * resets each stream that has ended, which a server takes for a flood in the end, so its
 * connections are not kept for long. */
static bool set_version(struct server *server)
{
    bool old = curl_version_info(CURLVERSION_NOW)->version_num < 0x080000;
    bool last = old && server->kept + 1 >= OLD_ANSWERS_MAX;
    server->expects_kept = old && server->kept > 0;
    server->is_new = false;
    server->kept = last ? 0 : server->kept + 1; /* a failure makes it 0, too */
    return curl_easy_setopt(server->curl, CURLOPT_HTTP_VERSION,
                            server->expects_kept
                                ? CURL_HTTP_VERSION_2TLS
                                : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE) == CURLE_OK &&
           curl_easy_setopt(server->curl, CURLOPT_FORBID_REUSE, last ? 1L : 0L) == CURLE_OK;
}

static CURLcode perform(struct server *server)
{
    CURLcode code = CURLE_OK;
    if (!server->options->grpc) {
        return curl_easy_perform(server->curl);
    }
    do {
        code = set_version(server) ? curl_easy_perform(server->curl) : CURLE_OUT_OF_MEMORY;
        if (code != CURLE_OK) {
            server->kept = 0;
        }
        /* The connection that was kept has gone meanwhile; nothing was sent over the new one. */
    } while (code != CURLE_OK && server->is_new);
    return code;
}

static bool set_up_grpc(struct server *server)
{
    return curl_easy_setopt(server->curl, CURLOPT_HEADERDATA, server) == CURLE_OK &&
           curl_easy_setopt(server->curl, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK;
}

/* What holds for every question. */
static bool set_up(struct server *server)
{
    const struct server_options *options = server->options;
    CURL *curl = server->curl;
    bool good = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, options->timeout_ms) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_USERAGENT, "seqctl") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, server->curl_text) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PREREQDATA, server) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, note_sending) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes) == CURLE_OK;
    if (options->address.socket[0] != '\0') {
        good = good && curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, options->address.socket) ==
                           CURLE_OK;
    }
    if (options->ca != NULL) {
        good = good && curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca) == CURLE_OK;
    }
    return good && (!options->grpc || set_up_grpc(server));
}

struct server *server_open(const struct server_options *options)
{
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return NULL;
    }
    server->options = options;
    server->curl = curl_easy_init();
    if (server->curl == NULL || !set_up(server)) {
        server_close(server);
        return NULL;
    }
    return server;
}

void server_close(struct server *server)
{
    if (server != NULL) {
        curl_easy_cleanup(server->curl); /* accepts NULL */
        free(server);
    }
}

/* ---- a question ---- */

static bool add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);
    if (longer != NULL) {
        *headers = longer;
    }
    return longer != NULL;
}

static bool add_headers(struct server *server, const struct question *question,
                        struct curl_slist **headers)
{
    char line[HEADER_SIZE];
    (void)snprintf(line, sizeof line, "Accept: %s",
                   question->accept != NULL ? question->accept : "*/*");
    bool good = add_header(headers, line) && add_header(headers, "Expect:");
    if (server->options->grpc) {
        good = good && add_header(headers, "Content-Type: " SERVER_TYPE_GRPC) &&
               add_header(headers, "TE: trailers");
    } else if (question->body != NULL) {
        good = good && add_header(headers, "Content-Type: application/json");
    } else {
        good = good && add_header(headers, "Content-Type:");
    }
    if (server->options->token[0] != '\0') {
        (void)snprintf(line, sizeof line, "Authorization: Bearer %s", server->options->token);
        good = good && add_header(headers, line);
    }
    return good;
}

/* The method as it is, and a body for those that may have one. */
static bool set_method(CURL *curl, const struct question *question)
{
    bool get = strcmp(question->method, "GET") == 0;
    const char *body = question->body != NULL ? question->body : "";
    size_t length = question->length > 0 ? question->length : strlen(body);
    bool bare = get || (question->body == NULL && strcmp(question->method, "DELETE") == 0);
    if (bare) {
        return curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, get ? NULL : question->method) ==
                   CURLE_OK;
    }
    return curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)length) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, question->method) == CURLE_OK;
}

/* What a question without a whole answer may have done. */
static const char *doubt(const struct question *question)
{
    if (strstr(question->path, "/next?") != NULL || strstr(question->path, "/Next") != NULL) {
        return "; numbers that it may have taken are lost and never come twice";
    }
    if (strcmp(question->method, "GET") != 0) {
        return "; whether the change was made is not known, asking again finds out";
    }
    return "";
}

/* libcurl's codes, for people: the one place that translates them. */
static enum outcome explain(struct server *server, CURLcode code, const struct question *question,
                            bool too_long, struct error_detail *detail)
{
    const struct server_options *options = server->options;
    const char *name = address_name(&options->address);
    const char *words = server->curl_text[0] != '\0' ? server->curl_text : curl_easy_strerror(code);
    long system_error = 0;
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        (void)curl_easy_getinfo(server->curl, CURLINFO_OS_ERRNO, &system_error);
        address_explain(&options->address, (int)system_error, detail);
        return OUTCOME_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        (void)error_fail(detail, ERR_UNAVAILABLE,
                         "%s gave no whole answer within %ld s%s; --timeout waits longer", name,
                         options->timeout_ms / 1000, doubt(question));
        return OUTCOME_UNREACHABLE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        (void)error_fail(detail, ERR_UNAVAILABLE,
                         "%s cannot prove who it is (%s); --ca FILE trusts its certificate", name,
                         words);
        return OUTCOME_UNREACHABLE;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* "HTTP/0.9 when not allowed": no status line */
    case CURLE_WRITE_ERROR:
        (void)error_fail(detail, ERR_CORRUPT, "what answers at %s is no seqd (%s)", name,
                         too_long ? "the answer is too long" : words);
        return OUTCOME_FAILED;
    default:
        (void)error_fail(detail, ERR_UNAVAILABLE,
                         "the connection to %s broke before a whole answer (%s)%s", name, words,
                         doubt(question));
        return OUTCOME_UNREACHABLE;
    }
}

static void describe(CURL *curl, struct answer *answer)
{
    const char *type = NULL;
    curl_off_t retry_after = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    (void)curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    (void)curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
    answer->retry_after_s =
        retry_after > 0 && retry_after < TIMEOUT_S_MAX ? (unsigned)retry_after : 0;
    if (type != NULL) {
        int length = (int)strcspn(type, "; ");
        (void)snprintf(answer->type, sizeof answer->type, "%.*s", length, type);
    }
}

enum outcome server_ask(struct server *server, const struct question *question,
                        struct answer *ret_answer, struct error_detail *detail)
{
    char target[TARGET_SIZE];
    struct curl_slist *headers = NULL;
    struct inflow inflow = {.bytes = NULL};
    int length =
        snprintf(target, sizeof target, "%s%s", server->options->address.url, question->path);
    assert(length > 0 && (size_t)length < sizeof target); /* names and prefixes are bounded */
    CURL *curl = server->curl;
    server->curl_text[0] = '\0';
    server->sends = 0;
    server->grpc_status = -1;
    bool good = add_headers(server, question, &headers) && set_method(curl, question) &&
                curl_easy_setopt(curl, CURLOPT_URL, target) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_WRITEDATA, &inflow) == CURLE_OK;
    CURLcode code = good ? perform(server) : CURLE_OUT_OF_MEMORY;
    curl_slist_free_all(headers);
    if (code == CURLE_OK && inflow.bytes == NULL) {
        inflow.bytes = calloc(1, 1); /* an answer without a body */
        code = inflow.bytes != NULL ? CURLE_OK : CURLE_OUT_OF_MEMORY;
    }
    if (code != CURLE_OK) {
        enum outcome outcome = explain(server, code, question, inflow.too_long, detail);
        free(inflow.bytes);
        return outcome;
    }
    *ret_answer = (struct answer){
        .body = inflow.bytes, .length = inflow.length, .grpc_status = server->grpc_status};
    describe(curl, ret_answer);
    return OUTCOME_OK;
}

bool server_has_sent(const struct server *server)
{
    return server->sends > 0;
}

void answer_free(struct answer *answer)
{
    free(answer->body);
    *answer = (struct answer){.body = NULL};
}
