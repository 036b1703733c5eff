#include "config_option.h"

#include "base/definition.h"
#include "base/log.h"
#include "config.h"
#include "node_address.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define MS_PER_S 1000
#define MS_PER_HOUR (3600 * MS_PER_S)
#define KIB 1024

static const struct option_word level_words[] = {
    {"error", LOG_LEVEL_ERROR}, {"warning", LOG_LEVEL_WARNING}, {"notice", LOG_LEVEL_NOTICE},
    {"info", LOG_LEVEL_INFO},   {"debug", LOG_LEVEL_DEBUG},     {NULL, 0}};
static const struct option_word identity_words[] = {{"all", CONFIG_IDENTITY_ALL},
                                                    {"file", CONFIG_IDENTITY_FILE},
                                                    {"machine", CONFIG_IDENTITY_MACHINE},
                                                    {"none", CONFIG_IDENTITY_NONE},
                                                    {NULL, 0}};
static const struct option_word filesystem_words[] = {{"local", false}, {"any", true}, {NULL, 0}};
static const struct option_word threads_words[] = {{"auto", 0}, {NULL, 0}};
static const struct option_word per_address_words[] = {{"auto", 0}, {NULL, 0}};
static const struct option_word tls_words[] = {
    {"off", PLACE_TLS_OFF}, {"remote", PLACE_TLS_REMOTE}, {"all", PLACE_TLS_ALL}, {NULL, 0}};
static const struct option_word open_words[] = {{"loopback", ACCESS_OPEN_LOOPBACK},
                                                {"everywhere", ACCESS_OPEN_EVERYWHERE},
                                                {"never", ACCESS_OPEN_NEVER},
                                                {NULL, 0}};
static const struct option_word age_words[] = {{"never", GRPC_AGE_UNLIMITED}, {NULL, 0}};
static const struct option_word poll_words[] = {{"off", GRPC_BUSY_POLL_OFF}, {NULL, 0}};
static const struct option_word lease_words[] = {{"auto", (int64_t)SEQUENCE_LEASE_AUTO}, {NULL, 0}};
static const struct option_word kind_words[] = {
    {"counter", SEQUENCE_COUNTER}, {"timestamp", SEQUENCE_TIMESTAMP}, {NULL, 0}};
static const struct option_word unit_words[] = {{"1ms", 1}, {"10ms", 10}, {"1s", 1000}, {NULL, 0}};
static const struct option_word durability_words[] = {
    {"lease", DURABILITY_LEASE}, {"every", DURABILITY_EVERY}, {NULL, 0}};

/* A field of the struct that `section` fills. */
#define GENERAL(field) \
    .offset = offsetof(struct config, field), .size = sizeof(((struct config *)NULL)->field)
#define SEQUENCE(field) \
    .offset = offsetof(struct definition, field), .size = sizeof(((struct definition *)NULL)->field)
/* The versions of clang-format do not agree on braces in a macro. */
/* clang-format off */
#define OPTION(section_name, key_name, kind_name, ...) \
    {.section = (section_name), .key = (key_name), .kind = (kind_name), __VA_ARGS__}
/* clang-format on */

static const struct option table[] = {
    /* options:begin */
    OPTION("seqd", "data_dir", VALUE_PATH, GENERAL(data_dir), .unit = "path", .standard = "",
           .reload = OPTION_RESTARTS, .meaning = "the directory that holds the high-water marks"),
    OPTION("seqd", "log_level", VALUE_WORD, GENERAL(log_level), .words = level_words,
           .unit = "severity", .standard = "info", .reload = OPTION_RELOADS,
           .meaning = "the least urgent lines that are logged"),
    OPTION("seqd", "map_size", VALUE_SIZE, GENERAL(map_size_bytes), .min = CONFIG_MAP_SIZE_MIN,
           .max = CONFIG_MAP_SIZE_MAX, .unit = "bytes", .standard = "64MiB",
           .reload = OPTION_RESTARTS,
           .meaning = "address space for the data file at the start; it grows by itself"),
    OPTION("seqd", "map_size_max", VALUE_SIZE, GENERAL(map_size_max_bytes),
           .min = CONFIG_MAP_SIZE_MAX_MIN, .max = CONFIG_MAP_SIZE_MAX, .unit = "bytes",
           .standard = "16GiB", .reload = OPTION_RESTARTS,
           .meaning = "where it stops growing; at four fifths no new sequence is made"),
    OPTION("seqd", "filesystem", VALUE_WORD, GENERAL(any_filesystem), .words = filesystem_words,
           .unit = "kinds", .standard = "local", .reload = OPTION_RESTARTS,
           .meaning = "where the data directory may lie"),
    OPTION("seqd", "identity", VALUE_WORD, GENERAL(identity), .words = identity_words,
           .unit = "marks", .standard = "all", .reload = OPTION_RESTARTS,
           .meaning = "what has to be as it was, else the data directory is refused as a copy"),
    OPTION("seqd", "witness", VALUE_PATH, GENERAL(witness), .unit = "path", .standard = "",
           .reload = OPTION_RESTARTS,
           .meaning = "a file on another file system that remembers how far the data is"),
    OPTION("seqd", "ledger_age", VALUE_DURATION, GENERAL(ledger_age_ms), .min = 0,
           .max = INT64_C(87600) * MS_PER_HOUR, .unit = "time", .standard = "2160h",
           .reload = OPTION_RESTARTS,
           .meaning = "how long the ledger remembers who was leased what; 0ms keeps none"),
    OPTION("seqd", "ledger_size", VALUE_SIZE, GENERAL(ledger_size_bytes),
           .min = CONFIG_LEDGER_SIZE_MIN, .max = CONFIG_LEDGER_SIZE_MAX, .unit = "bytes",
           .standard = "16MiB", .reload = OPTION_RESTARTS,
           .meaning = "of the data file, for the ledger; the oldest rows give way"),

    OPTION("http", "listen", VALUE_LISTEN, GENERAL(http.listen), .unit = "addresses and ports",
           .standard = "127.0.0.1:8080", .reload = OPTION_RESTARTS,
           .meaning = "where HTTP is served over TCP; port 0 lets the kernel choose"),
    OPTION("http", "socket", VALUE_PATH, GENERAL(http.socket), .unit = "path", .standard = "",
           .reload = OPTION_RESTARTS,
           .meaning = "the unix socket where HTTP is served, with every right"),
    OPTION("http", "socket_mode", VALUE_MODE, GENERAL(http.socket_mode), .min = 0, .max = 0777,
           .unit = "permissions", .standard = "0660", .reload = OPTION_RESTARTS,
           .meaning = "permissions of the unix socket's file: who may write may connect"),
    OPTION("http", "issue_without_token", VALUE_WORD, GENERAL(access.issue_without_token),
           .words = open_words, .unit = "side", .standard = "loopback", .reload = OPTION_RELOADS,
           .meaning = "from where clients over TCP may issue and read without a token"),
    OPTION("http", "tokens", VALUE_PATH, GENERAL(access.tokens), .unit = "path", .standard = "",
           .reload = OPTION_RELOADS, .meaning = "the file of token hashes"),
    OPTION("http", "tls", VALUE_WORD, GENERAL(http.tls), .words = tls_words, .unit = "listeners",
           .standard = "remote", .reload = OPTION_RESTARTS,
           .meaning = "which addresses speak TLS, once there is a certificate"),
    OPTION("http", "tls_certificate", VALUE_PATH, GENERAL(tls.certificate), .unit = "path",
           .standard = "", .reload = OPTION_RELOADS,
           .meaning = "the certificate and those up to the root, PEM"),
    OPTION("http", "tls_key", VALUE_PATH, GENERAL(tls.key), .unit = "path", .standard = "",
           .reload = OPTION_RELOADS, .meaning = "the certificate's private key, PEM"),
    OPTION("http", "threads", VALUE_NUMBER, GENERAL(http.threads), .min = 1, .max = 256,
           .words = threads_words, .unit = "threads", .standard = "auto", .reload = OPTION_RESTARTS,
           .meaning = "threads that serve; auto is one a processor"),
    OPTION("http", "max_connections", VALUE_NUMBER, GENERAL(http.max_connections), .min = 1,
           .max = 1000000, .unit = "connections", .standard = "4096", .reload = OPTION_RESTARTS,
           .meaning = "connections at a time, over all threads"),
    OPTION("http", "max_connections_per_address", VALUE_NUMBER,
           GENERAL(http.max_connections_per_address), .min = 1, .max = 1000000,
           .words = per_address_words, .unit = "connections", .standard = "auto",
           .reload = OPTION_RELOADS,
           .meaning = "of them, from one address; auto is half, and no limit for loopback"),
    OPTION("http", "buffer_size", VALUE_SIZE, GENERAL(http.buffer_bytes), .min = 2 * KIB,
           .max = 64 * KIB, .unit = "bytes", .standard = "4KiB", .reload = OPTION_RESTARTS,
           .meaning = "memory of one connection; bounds the header of a request"),
    OPTION("http", "max_count", VALUE_NUMBER, GENERAL(http.max_count), .min = 1,
           .max = HTTP_COUNT_LIMIT, .unit = "numbers", .standard = "10000",
           .reload = OPTION_RELOADS, .meaning = "numbers that one request may ask for"),
    OPTION("http", "idle_timeout", VALUE_DURATION, GENERAL(http.idle_timeout_ms), .min = MS_PER_S,
           .max = MS_PER_HOUR, .unit = "time", .standard = "30s", .reload = OPTION_RELOADS,
           .meaning = "a connection without a whole request line is closed after it"),
    OPTION("http", "request_timeout", VALUE_DURATION, GENERAL(http.request_timeout_ms), .min = 100,
           .max = MS_PER_HOUR, .unit = "time", .standard = "10s", .reload = OPTION_RELOADS,
           .meaning = "from request line to answer; above wait_timeout"),
    OPTION("http", "wait_timeout", VALUE_DURATION, GENERAL(http.wait_timeout_ms), .min = 10,
           .max = MS_PER_HOUR, .unit = "time", .standard = "5s", .reload = OPTION_RELOADS,
           .meaning = "how long a request waits for the store before it gets 503"),
    OPTION("http", "clock_warning", VALUE_DURATION, GENERAL(http.clock_warning_ms), .min = 0,
           .max = 24 * MS_PER_HOUR, .unit = "time", .standard = "10s", .reload = OPTION_RELOADS,
           .meaning = "/readyz warns of a clock so far behind a timestamp sequence"),
    OPTION("http", "cors_origins", VALUE_ORIGINS, GENERAL(http.cors_origins), .unit = "origins",
           .standard = "none", .reload = OPTION_RELOADS,
           .meaning = "whose pages browsers may let read the answers"),

    OPTION("grpc", "listen", VALUE_LISTEN, GENERAL(grpc.listen), .unit = "addresses and ports",
           .standard = "none", .reload = OPTION_RESTARTS,
           .meaning = "where gRPC is served; port 0 lets the kernel choose"),
    OPTION("grpc", "threads", VALUE_NUMBER, GENERAL(grpc.threads), .min = 1,
           .max = GRPC_THREADS_MAX, .words = threads_words, .unit = "threads", .standard = "auto",
           .reload = OPTION_RESTARTS, .meaning = "threads that serve; auto is one a processor"),
    OPTION("grpc", "max_connections", VALUE_NUMBER, GENERAL(grpc.max_connections), .min = 1,
           .max = 1000000, .unit = "connections", .standard = "4096", .reload = OPTION_RESTARTS,
           .meaning = "connections at a time, over all threads"),
    OPTION("grpc", "max_streams", VALUE_NUMBER, GENERAL(grpc.max_streams), .min = 1,
           .max = GRPC_STREAMS_MAX, .unit = "calls", .standard = "1000", .reload = OPTION_RESTARTS,
           .meaning = "calls at a time over one connection"),
    OPTION("grpc", "max_message", VALUE_SIZE, GENERAL(grpc.max_message_bytes),
           .min = GRPC_MESSAGE_MIN, .max = GRPC_MESSAGE_MAX, .unit = "bytes", .standard = "16KiB",
           .reload = OPTION_RESTARTS, .meaning = "of one request"),
    OPTION("grpc", "busy_poll", VALUE_NUMBER, GENERAL(grpc.busy_poll_us), .min = 1,
           .max = GRPC_BUSY_POLL_MAX_US, .words = poll_words, .unit = "microseconds",
           .standard = "50", .reload = OPTION_RESTARTS,
           .meaning =
               "microseconds that a thread looks for more, where that pays, before it sleeps"),
    OPTION("grpc", "idle_timeout", VALUE_DURATION, GENERAL(grpc.idle_timeout_ms), .min = MS_PER_S,
           .max = 24 * MS_PER_HOUR, .unit = "time", .standard = "5min", .reload = OPTION_RELOADS,
           .meaning = "a connection without a call is asked to leave after it"),
    OPTION("grpc", "max_age", VALUE_DURATION, GENERAL(grpc.max_age_ms), .min = MS_PER_S,
           .max = 24 * MS_PER_HOUR, .words = age_words, .unit = "time", .standard = "never",
           .reload = OPTION_RELOADS,
           .meaning = "a connection that is older is asked to leave, so that clients spread anew"),

    OPTION("sequence", "kind", VALUE_WORD, SEQUENCE(kind), .words = kind_words, .unit = "kind",
           .standard = "counter", .reload = OPTION_CREATES,
           .meaning = "one number after the other, or numbers that hold the time; see KINDS.md"),
    OPTION("sequence", "start", VALUE_NUMBER, SEQUENCE(start), .min = SEQUENCE_NUMBER_MIN,
           .max = SEQUENCE_NUMBER_MAX, .unit = "number", .standard = "min, or max if descending",
           .reload = OPTION_CREATES, .meaning = "the first number; within min and max"),
    OPTION("sequence", "increment", VALUE_NUMBER, SEQUENCE(increment), .min = SEQUENCE_NUMBER_MIN,
           .max = SEQUENCE_NUMBER_MAX, .unit = "number", .standard = "1", .reload = OPTION_CREATES,
           .meaning = "from one number to the next; below 0 descends, never 0"),
    OPTION("sequence", "min", VALUE_NUMBER, SEQUENCE(min), .min = SEQUENCE_NUMBER_MIN,
           .max = SEQUENCE_NUMBER_MAX, .unit = "number", .standard = "1", .reload = OPTION_CREATES,
           .meaning = "no number is below it"),
    OPTION("sequence", "max", VALUE_NUMBER, SEQUENCE(max), .min = SEQUENCE_NUMBER_MIN,
           .max = SEQUENCE_NUMBER_MAX, .unit = "number", .standard = "9223372036854775807",
           .reload = OPTION_CREATES, .meaning = "no number is above it; behind it come errors"),
    OPTION("sequence", "max_gap", VALUE_NUMBER, SEQUENCE(max_gap), .min = 1,
           .max = SEQUENCE_MAX_GAP_MAX, .unit = "numbers", .standard = "100000",
           .reload = OPTION_RELOADS, .meaning = "numbers that a crash may lose, at most"),
    OPTION("sequence", "lease", VALUE_NUMBER, SEQUENCE(lease), .min = 1,
           .max = SEQUENCE_MAX_GAP_MAX, .words = lease_words, .unit = "numbers", .standard = "auto",
           .reload = OPTION_RELOADS, .meaning = "numbers that one commit covers; max_gap at most"),
    OPTION("sequence", "durability", VALUE_WORD, SEQUENCE(durability), .words = durability_words,
           .unit = "class", .standard = "lease", .reload = OPTION_RELOADS,
           .meaning = "commit once a lease, or before every answer"),

    OPTION("sequence", "epoch", VALUE_TIME, SEQUENCE(layout.epoch_ms), .min = 0,
           .max = LAYOUT_TIME_MAX_MS, .unit = "moment", .standard = "2024-01-01T00:00:00Z",
           .reload = OPTION_CREATES, .meaning = "when the time of a timestamp begins to count"),
    OPTION("sequence", "time_unit", VALUE_WORD, SEQUENCE(layout.unit_ms), .words = unit_words,
           .unit = "time", .standard = "1ms", .reload = OPTION_CREATES,
           .meaning = "how much time one tick is"),
    OPTION("sequence", "machine_bits", VALUE_NUMBER, SEQUENCE(layout.machine_bits), .min = 0,
           .max = LAYOUT_ID_BITS_MAX, .unit = "bits", .standard = "5", .reload = OPTION_CREATES,
           .meaning = "bits for the machine"),
    OPTION("sequence", "node_bits", VALUE_NUMBER, SEQUENCE(layout.node_bits), .min = 0,
           .max = LAYOUT_ID_BITS_MAX, .unit = "bits", .standard = "5", .reload = OPTION_CREATES,
           .meaning = "bits for the node"),
    OPTION("sequence", "counter_bits", VALUE_NUMBER, SEQUENCE(layout.counter_bits), .min = 1,
           .max = LAYOUT_COUNTER_BITS_MAX, .unit = "bits", .standard = "12",
           .reload = OPTION_CREATES, .meaning = "bits for the counter: 2^bits numbers a tick"),
    OPTION("sequence", "machine_id", VALUE_ID, SEQUENCE(layout.machine_id), .min = 0,
           .max = (INT64_C(1) << LAYOUT_ID_BITS_MAX) - 1, .unit = "id", .standard = "0",
           .reload = OPTION_RELOADS, .meaning = "this machine; below 2^machine_bits"),
    OPTION("sequence", "node_id", VALUE_ID, SEQUENCE(layout.node_id), .min = 0,
           .max = (INT64_C(1) << LAYOUT_ID_BITS_MAX) - 1, .unit = "id", .standard = "0",
           .reload = OPTION_RELOADS, .meaning = "this node of it; below 2^node_bits"),
    OPTION("sequence", "max_borrow", VALUE_DURATION, SEQUENCE(layout.max_borrow_ms), .min = 0,
           .max = LAYOUT_BORROW_MAX_MS, .unit = "time", .standard = "1s", .reload = OPTION_RELOADS,
           .meaning = "how far numbers may run ahead of time before a request waits"),
    /* options:end */
};

#define TABLE_COUNT (sizeof table / sizeof table[0])
static_assert(TABLE_COUNT <= OPTIONS_MAX, "OPTIONS_MAX has to cover the table");
static_assert(sizeof(unsigned) == 4 && sizeof(enum log_level) == 4 &&
                  sizeof(enum config_identity) == 4 && sizeof(enum durability) == 4 &&
                  sizeof(enum access_open) == 4 && sizeof(enum place_tls) == 4,
              "an integer option is written as 1, 4 or 8 bytes");

/* Does the option describe time, machine and node? */
static bool is_of_layout(const struct option *option)
{
    return option->offset >= offsetof(struct definition, layout);
}

void option_complete(struct definition *definition, uint64_t said)
{
    const struct definition timestamp = definition_default_timestamp();
    const struct definition nothing = {.kind = SEQUENCE_TIMESTAMP};
    if (definition->kind == SEQUENCE_COUNTER) {
        if ((said >> option_find(OPTION_SECTION_SEQUENCE, "start") & 1) == 0) {
            definition->start = definition->increment > 0 ? definition->min : definition->max;
        }
        return;
    }
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        bool sequence = strcmp(table[i].section, OPTION_SECTION_SEQUENCE) == 0;
        bool counter = sequence && table[i].offset < offsetof(struct definition, max_gap) &&
                       table[i].offset != offsetof(struct definition, kind);
        if ((said >> i & 1) == 0 && sequence && (counter || is_of_layout(&table[i]))) {
            option_copy(&table[i], definition, counter ? &nothing : &timestamp);
        }
    }
    if ((said >> option_find(OPTION_SECTION_SEQUENCE, "max_gap") & 1) == 0 &&
        layout_check(&definition->layout, NULL) == ERR_OK) {
        definition->max_gap = definition_max_gap_default(definition);
    }
}

const struct option *option_table(size_t *ret_count)
{
    *ret_count = TABLE_COUNT;
    return table;
}

int option_find(const char *section, const char *key)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (strcmp(table[i].section, section) == 0 && strcmp(table[i].key, key) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static bool is_integer(const struct option *option)
{
    switch (option->kind) {
    case VALUE_NUMBER:
    case VALUE_SIZE:
    case VALUE_DURATION:
    case VALUE_MODE:
    case VALUE_TIME:
    case VALUE_ID:
        return true;
    case VALUE_WORD:
    case VALUE_PATH:
    case VALUE_LISTEN:
    case VALUE_ORIGINS:
        return false;
    }
    return false;
}

/* Append to the text in `to`, which has room for everything that the table can bring. */
__attribute__((format(printf, 2, 3))) static void append(char to[OPTION_RANGE_SIZE],
                                                         const char *format, ...)
{
    size_t length = strlen(to);
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(to + length, OPTION_RANGE_SIZE - length, format, arguments);
    va_end(arguments);
    assert(added >= 0 && (size_t)added < OPTION_RANGE_SIZE - length);
}

void option_range(const struct option *option, char to[OPTION_RANGE_SIZE])
{
    to[0] = '\0';
    for (const struct option_word *word = option->words; word != NULL && word->word != NULL;
         word++) {
        bool last = word[1].word == NULL && !is_integer(option);
        append(to, "%s'%s'", to[0] == '\0' ? "" : (last ? " or " : ", "), word->word);
    }
    if (option->kind == VALUE_ID) {
        append(to, "'ip', 'ip:INTERFACE'");
    }
    if (is_integer(option)) {
        char min[VALUE_TEXT_SIZE];
        char max[VALUE_TEXT_SIZE];
        value_format(option->kind, option->min, min);
        value_format(option->kind, option->max, max);
        append(to, "%s%s to %s", to[0] == '\0' ? "" : " or ", min, max);
    } else if (option->kind == VALUE_PATH) {
        append(to, "an absolute path of %zu bytes at most", option->size - 1);
    } else if (option->kind == VALUE_LISTEN) {
        append(to, "up to %d of ADDRESS:PORT, such as 127.0.0.1:8080, [::1]:8080; or 'none'",
               ENDPOINTS_MAX);
    } else if (option->kind == VALUE_ORIGINS) {
        append(to, "SCHEME://HOST or SCHEME://HOST:PORT, %zu bytes in all; or 'none'",
               option->size - 1);
    }
}

/* An integer field, whatever its width. */
static void write_integer(const struct option *option, void *fields, int64_t value)
{
    if (option->size == sizeof(uint8_t)) {
        uint8_t tiny = (uint8_t)value;
        assert((int64_t)tiny == value);
        memcpy(option_field(option, fields), &tiny, sizeof tiny);
    } else if (option->size == sizeof(unsigned)) {
        unsigned narrow = (unsigned)value;
        assert((int64_t)narrow == value);
        memcpy(option_field(option, fields), &narrow, sizeof narrow);
    } else {
        assert(option->size == sizeof value);
        memcpy(option_field(option, fields), &value, sizeof value);
    }
}

static enum error set_integer(const struct option *option, void *fields, const char *text,
                              struct error_detail *detail)
{
    struct error_detail form = {.text = ""};
    int64_t value = 0;
    char range[OPTION_RANGE_SIZE];
    option_range(option, range);
    if (value_parse(option->kind, text, &value, &form) != ERR_OK) {
        return error_fail(detail, ERR_INVALID, "%s is '%s', it must be %s (%s)", option->key, text,
                          range, form.text);
    }
    if (value < option->min || value > option->max) {
        return error_fail(detail, ERR_INVALID, "%s is '%s', it must be %s", option->key, text,
                          range);
    }
    write_integer(option, fields, value);
    return ERR_OK;
}

static enum error set_path(const struct option *option, void *fields, const char *text,
                           struct error_detail *detail)
{
    size_t length = strlen(text);
    if (text[0] != '/' || length >= option->size) {
        char range[OPTION_RANGE_SIZE];
        option_range(option, range);
        return error_fail(detail, ERR_INVALID, "%s is '%s', it must be %s", option->key, text,
                          range);
    }
    memset(option_field(option, fields), 0, option->size);
    memcpy(option_field(option, fields), text, length);
    return ERR_OK;
}

static enum error set_listen(const struct option *option, void *fields, const char *text,
                             struct error_detail *detail)
{
    struct error_detail form = {.text = ""};
    struct endpoints listen;
    assert(option->size == sizeof listen);
    enum error error = value_parse_listen(text, &listen, &form);
    if (error != ERR_OK) {
        return error_fail(detail, error, "%s is '%s', it must be %s", option->key, text, form.text);
    }
    memcpy(option_field(option, fields), &listen, sizeof listen);
    return ERR_OK;
}

static enum error set_origins(const struct option *option, void *fields, const char *text,
                              struct error_detail *detail)
{
    struct error_detail form = {.text = ""};
    assert(option->size == HTTP_ORIGINS_SIZE);
    enum error error = value_parse_origins(text, option_field(option, fields), &form);
    if (error != ERR_OK) {
        return error_fail(detail, error, "%s is '%s', it must be %s", option->key, text, form.text);
    }
    return ERR_OK;
}

enum error option_set(const struct option *option, void *fields, const char *text,
                      struct error_detail *detail)
{
    for (const struct option_word *word = option->words; word != NULL && word->word != NULL;
         word++) {
        if (strcmp(word->word, text) == 0) {
            write_integer(option, fields, word->value);
            return ERR_OK;
        }
    }
    if (option->kind == VALUE_ID && node_address_is_source(text)) {
        write_integer(option, fields, 0); /* until config_file_finish() knows the bits */
        return ERR_OK;
    }
    switch (option->kind) {
    case VALUE_NUMBER:
    case VALUE_SIZE:
    case VALUE_DURATION:
    case VALUE_MODE:
    case VALUE_TIME:
    case VALUE_ID:
        return set_integer(option, fields, text, detail);
    case VALUE_PATH:
        return set_path(option, fields, text, detail);
    case VALUE_LISTEN:
        return set_listen(option, fields, text, detail);
    case VALUE_ORIGINS:
        return set_origins(option, fields, text, detail);
    case VALUE_WORD:
        break;
    }
    char range[OPTION_RANGE_SIZE];
    option_range(option, range);
    return error_fail(detail, ERR_INVALID, "%s is '%s', it must be %s", option->key, text, range);
}

bool option_same(const struct option *option, const void *a, const void *b)
{
    return memcmp((const char *)a + option->offset, (const char *)b + option->offset,
                  option->size) == 0;
}

void option_copy(const struct option *option, void *to, const void *from)
{
    memcpy(option_field(option, to), (const char *)from + option->offset, option->size);
}
