#include "config_file.h"

#include <assert.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEQUENCE_PREFIX "sequence:"
#define BLANKS " \t"
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

enum section {
    SECTION_NONE,    /* before the first section */
    SECTION_UNKNOWN, /* its keys are passed over: the mistake is the section's name */
    SECTION_SEQD,
    SECTION_HTTP,
    SECTION_GRPC,
    SECTION_SEQUENCE,
};

/* The names in the table of options. */
static const char *const section_names[] = {"",     "",     "seqd",
                                            "http", "grpc", OPTION_SECTION_SEQUENCE};

/* One pass over one file. */
struct pass {
    struct config_reader *reader;
    FILE *file;
    unsigned file_index;
    struct config *config;        /* the reader's */
    struct config_report *report; /* likewise */
    enum error fault;             /* other than a mistake in the file; ends the pass */

    unsigned line;     /* that was read last, from 1 */
    bool key_expected; /* inih holds that line, and has to bring its key */

    enum section section;
    unsigned section_line;
    size_t section_mistakes;          /* the report's count when the section began */
    unsigned seen[OPTIONS_MAX];       /* line of each key of this section; 0: not there */
    unsigned lines[SECTION_SEQUENCE]; /* of each section that stands once; 0: not there yet */
    struct config_sequence sequence;  /* that this section fills */
    bool sequence_counts;             /* its name is valid, and new in this file */
};

/* ---- mistakes ---- */

/* Note a mistake at `place`. Past the limit nothing is noted, and the reader ends the pass. */
__attribute__((format(printf, 3, 0))) static void
note(struct config_reader *reader, struct config_place place, const char *format, va_list arguments)
{
    struct config_report *report = reader->report;
    if (report->count == CONFIG_MISTAKES_MAX) {
        return;
    }
    struct error_detail text;
    (void)vsnprintf(text.text, sizeof text.text, format, arguments); /* cut, it is still a text */
    (void)error_fail(&report->mistakes[report->count++], ERR_INVALID, "%s:%u: %.*s",
                     reader->config->files[place.file], place.line, (int)sizeof text.text,
                     text.text);
}

/* On `line` of the file that is being read. */
__attribute__((format(printf, 3, 4))) static void mistake(struct pass *pass, unsigned line,
                                                          const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(pass->reader, (struct config_place){pass->file_index, line}, format, arguments);
    va_end(arguments);
}

/* Between what several places say: it shows at `place`, the last of them. */
__attribute__((format(printf, 3, 4))) static void
contradiction(struct config_reader *reader, struct config_place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(reader, place, format, arguments);
    va_end(arguments);
}

/* ---- sections ---- */

static struct config_sequence *find_sequence(struct config *config, const char *name)
{
    for (size_t i = 0; i < config->sequence_count; i++) {
        if (strcmp(config->sequences[i].name, name) == 0) {
            return &config->sequences[i];
        }
    }
    return NULL;
}

/* Room grows by doubling, so it is used up exactly where the count is a power of two. */
enum error config_append(struct config *config, const struct config_sequence *sequence)
{
    size_t count = config->sequence_count;
    if ((count & (count - 1)) == 0) {
        size_t room = count == 0 ? 1 : 2 * count;
        struct config_sequence *grown = realloc(config->sequences, room * sizeof *grown);
        if (grown == NULL) {
            return ERR_NO_MEMORY;
        }
        config->sequences = grown;
    }
    config->sequences[config->sequence_count++] = *sequence;
    return ERR_OK;
}

static void end_sequence(struct pass *pass)
{
    struct config_sequence *earlier = find_sequence(pass->config, pass->sequence.name);
    if (earlier != NULL) {
        *earlier = pass->sequence;
    } else if (pass->config->sequence_count == CONFIG_SEQUENCES_MAX) {
        mistake(pass, pass->section_line, "more sequences than a configuration may list, %d",
                CONFIG_SEQUENCES_MAX);
    } else if (pass->fault == ERR_OK) { /* a section whose end had no memory is ended once more */
        pass->fault = config_append(pass->config, &pass->sequence);
    }
}

static void end_section(struct pass *pass)
{
    /* Where a key is wrong already, what follows from it is no news. */
    bool mistaken = pass->report->count > pass->section_mistakes;
    switch (pass->section) {
    case SECTION_SEQUENCE:
        if (!mistaken && pass->sequence_counts) {
            end_sequence(pass);
        }
        break;
    case SECTION_HTTP:
        pass->reader->http_mistaken = pass->reader->http_mistaken || mistaken;
        break;
    case SECTION_SEQD:
    case SECTION_GRPC:
    case SECTION_UNKNOWN:
    case SECTION_NONE:
        break;
    }
}

static void begin_once(struct pass *pass, enum section section)
{
    pass->section = section;
    if (pass->lines[section] != 0) {
        mistake(pass, pass->line, "section [%s] stands on line %u already", section_names[section],
                pass->lines[section]);
    } else {
        pass->lines[section] = pass->line;
    }
}

static void begin_sequence(struct pass *pass, const char *name)
{
    struct error_detail detail = {.text = ""};
    pass->section = SECTION_SEQUENCE;
    pass->sequence = (struct config_sequence){.definition = definition_default()};
    pass->sequence_counts = false;
    size_t length = strlen(name);
    if (definition_check_name(name, length, &detail) != ERR_OK) {
        mistake(pass, pass->line, "[%s%s]: %s", SEQUENCE_PREFIX, name, detail.text);
        return;
    }
    memcpy(pass->sequence.name, name, length + 1);
    const struct config_sequence *twin = find_sequence(pass->config, name);
    if (twin != NULL && twin->place.file == pass->file_index) {
        mistake(pass, pass->line, "section [%s%s] stands on line %u already", SEQUENCE_PREFIX, name,
                twin->place.line);
        return;
    }
    if (twin != NULL) {
        pass->sequence = *twin; /* of an earlier file, whose keys this section goes on from */
    }
    pass->sequence.place = (struct config_place){pass->file_index, pass->line};
    pass->sequence_counts = true;
}

/* A line that begins with '['. inih would cut the name at 50 bytes, pass over what follows the ']',
 * and say nothing of a section without keys. */
static void begin_section(struct pass *pass, char *text)
{
    end_section(pass);
    pass->section = SECTION_UNKNOWN;
    pass->section_line = pass->line;
    pass->section_mistakes = pass->report->count;
    memset(pass->seen, 0, sizeof pass->seen);

    char *end = strchr(text, ']');
    const char *rest = end == NULL ? "" : end + 1 + strspn(end + 1, BLANKS);
    if (end == NULL) {
        mistake(pass, pass->line, "'%s' has no ']'", text);
        return;
    }
    if (*rest != '\0' && *rest != ';') {
        mistake(pass, pass->line, "'%s' follows the ']', only a comment after ';' may", rest);
        return;
    }
    *end = '\0';
    const char *name = text + 1;
    for (enum section i = SECTION_SEQD; i < SECTION_SEQUENCE; i++) {
        if (strcmp(name, section_names[i]) == 0) {
            begin_once(pass, i);
            return;
        }
    }
    if (strncmp(name, SEQUENCE_PREFIX, strlen(SEQUENCE_PREFIX)) == 0) {
        begin_sequence(pass, name + strlen(SEQUENCE_PREFIX));
    } else {
        mistake(pass, pass->line,
                "unknown section [%s], there are [seqd], [http], [grpc], [sequence:NAME]", name);
    }
}

/* ---- lines ---- */

/* One line of the file without its end and leading blanks, in `text`. What is too long for it is
 * passed over, and a mistake. False at the end of the file. */
static bool read_line(struct pass *pass, char text[CONFIG_LINE_MAX + 1])
{
    size_t length = 0;
    bool too_long = false;
    bool control = false;
    int c = getc_unlocked(pass->file);
    if (c == EOF) {
        return false;
    }
    pass->line++;
    for (; c != EOF && c != '\n'; c = getc_unlocked(pass->file)) {
        if (length == CONFIG_LINE_MAX) {
            /* The '\r' of a line end in the other fashion is not counted. */
            too_long = too_long || c != '\r';
            continue;
        }
        text[length++] = (char)c;
    }
    if (length > 0 && text[length - 1] == '\r') {
        length--;
    }
    for (size_t i = 0; i < length; i++) {
        control = control || ((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7F;
    }
    text[length] = '\0';
    size_t blank = pass->line == 1 && strncmp(text, BYTE_ORDER_MARK, 3) == 0 ? 3 : 0;
    blank += strspn(text + blank, BLANKS);
    memmove(text, text + blank, length - blank + 1);
    if (control) {
        mistake(pass, pass->line, "a control or NUL byte, only text may stand here");
        text[0] = '\0';
    } else if (too_long) {
        mistake(pass, pass->line, "a line has %d bytes at most", CONFIG_LINE_MAX);
        text[0] = '\0';
    }
    return true;
}

/* inih was given a line and has not called the handler for it. */
static void miss_key(struct pass *pass)
{
    if (pass->key_expected) {
        pass->key_expected = false;
        mistake(pass, pass->line, "no '=' here, a line is 'key = value', '[section]' or a comment");
    }
}

/* inih's reader: give it one line that should hold a key, as it wants it. */
static char *next_line(char *to, int size, void *context)
{
    struct pass *pass = context;
    assert(size > CONFIG_LINE_MAX + 1);
    char text[CONFIG_LINE_MAX + 1];
    miss_key(pass);
    while (pass->fault == ERR_OK && pass->report->count < CONFIG_MISTAKES_MAX &&
           read_line(pass, text)) {
        if (text[0] == '[') {
            begin_section(pass, text);
        } else if (text[0] == '\0' || text[0] == '#' || text[0] == ';' ||
                   pass->section == SECTION_UNKNOWN) {
            continue;
        } else if (pass->section == SECTION_NONE) {
            mistake(pass, pass->line, "'%s' stands before the first section", text);
        } else {
            int length = snprintf(to, (size_t)size, "%s\n", text);
            assert(length > 0 && length < size);
            pass->key_expected = true;
            return to;
        }
    }
    return NULL;
}

/* ---- keys ---- */

static void unknown_key(struct pass *pass, const char *key)
{
    char known[512] = "";
    size_t count = 0;
    const struct option *table = option_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].section, section_names[pass->section]) == 0) {
            size_t length = strlen(known);
            (void)snprintf(known + length, sizeof known - length, "%s%s", length == 0 ? "" : ", ",
                           table[i].key); /* cut, it still helps */
        }
    }
    mistake(pass, pass->line, "unknown key '%s', section [%s] has %s", key,
            section_names[pass->section], known);
}

static const char *const id_keys[2] = {"machine_id", "node_id"};

static void note_id_source(struct config_sequence *sequence, const char *key, const char *value)
{
    for (unsigned i = 0; i < 2; i++) {
        if (strcmp(key, id_keys[i]) == 0) {
            bool source = node_address_is_source(value);
            (void)snprintf(sequence->id_sources[i], NODE_ADDRESS_SOURCE_SIZE, "%s",
                           source ? value : ""); /* fits: it was checked */
        }
    }
}

static void take_key(struct pass *pass, const char *key, const char *value)
{
    int index = option_find(section_names[pass->section], key);
    if (index < 0) {
        unknown_key(pass, key);
        return;
    }
    if (pass->seen[index] != 0) {
        mistake(pass, pass->line, "key '%s' stands on line %u already", key, pass->seen[index]);
        return;
    }
    pass->seen[index] = pass->line;
    bool is_sequence = pass->section == SECTION_SEQUENCE;
    if (is_sequence) {
        pass->sequence.said |= UINT64_C(1) << index;
        note_id_source(&pass->sequence, key, value);
    } else {
        pass->reader->said[index] = (struct config_place){pass->file_index, pass->line};
    }
    size_t count = 0;
    const struct option *option = &option_table(&count)[index];
    struct error_detail detail = {.text = ""};
    if (value[0] == '\0') {
        char range[OPTION_RANGE_SIZE];
        option_range(option, range);
        mistake(pass, pass->line, "%s has no value, it must be %s", key, range);
        return;
    }
    if (value[0] == '#' || strstr(value, " #") != NULL || strstr(value, "\t#") != NULL) {
        mistake(pass, pass->line,
                "'#' in the value of %s, a comment behind a value begins with ';'", key);
        return;
    }
    void *fields = is_sequence ? (void *)&pass->sequence.definition : (void *)pass->config;
    if (option_set(option, fields, value, &detail) != ERR_OK) {
        mistake(pass, pass->line, "%s", detail.text);
    }
}

/* inih's handler. What it returns does not matter: mistakes are noted here, with their lines. */
static int take_pair(void *context, const char *section, const char *key, const char *value)
{
    (void)section; /* cut at 50 bytes */
    struct pass *pass = context;
    pass->key_expected = false;
    take_key(pass, key, value);
    return 1;
}

enum error config_file_read(struct config_reader *reader, FILE *file)
{
    struct pass pass = {.reader = reader,
                        .file = file,
                        .file_index = (unsigned)reader->config->file_count - 1,
                        .config = reader->config,
                        .report = reader->report};
    int result = ini_parse_stream(next_line, &pass, take_pair, &pass);
    end_section(&pass);
    if (ferror(file)) {
        return ERR_IO;
    }
    if (result < 0) {
        return ERR_NO_MEMORY;
    }
    if (pass.fault != ERR_OK) {
        return pass.fault;
    }
    return reader->report->count > 0 ? ERR_INVALID : ERR_OK;
}

/* ---- what holds between several keys ---- */

/* Where the later of two keys of [http] was said. */
static struct config_place later_of(const struct config_reader *reader, const char *a,
                                    const char *b)
{
    int first = option_find(section_names[SECTION_HTTP], a);
    int second = option_find(section_names[SECTION_HTTP], b);
    assert(first >= 0 && second >= 0);
    struct config_place x = reader->said[first];
    struct config_place y = reader->said[second];
    bool x_is_later = x.file != y.file ? x.file > y.file : x.line > y.line;
    return (x_is_later && x.line != 0) || y.line == 0 ? x : y;
}

static void finish_tls(struct config_reader *reader)
{
    const struct config *config = reader->config;
    bool certificate = config->tls.certificate[0] != '\0';
    bool key = config->tls.key[0] != '\0';
    if (certificate != key) {
        contradiction(reader, later_of(reader, "tls_certificate", "tls_key"),
                      "there is %s without %s, TLS needs both",
                      certificate ? "tls_certificate" : "tls_key",
                      certificate ? "tls_key" : "tls_certificate");
    } else if (config->http.tls == PLACE_TLS_ALL && !certificate) {
        contradiction(reader, later_of(reader, "tls", "tls_certificate"),
                      "tls is 'all', it needs tls_certificate and tls_key");
    }
}

/* Who makes seqd reachable must have said what strangers may do. */
static void finish_access(struct config_reader *reader)
{
    const struct config *config = reader->config;
    for (unsigned i = 0; i < config->http.listen.count; i++) {
        const struct endpoint *endpoint = &config->http.listen.items[i];
        if (endpoint_is_remote(endpoint) && !access_serves_remote(&config->access)) {
            contradiction(reader, later_of(reader, "listen", "issue_without_token"),
                          "other machines can reach '%s' of listen, and could do nothing there: "
                          "name a token file with tokens, or say issue_without_token = everywhere",
                          endpoint->address);
            return;
        }
    }
}

static void finish_http(struct config_reader *reader)
{
    const struct http_options *http = &reader->config->http;
    if (http->request_timeout_ms <= http->wait_timeout_ms) {
        contradiction(reader, later_of(reader, "request_timeout", "wait_timeout"),
                      "request_timeout is %u ms, it must be above wait_timeout, %u ms",
                      http->request_timeout_ms, http->wait_timeout_ms);
    }
    if (http->threads > http->max_connections) {
        contradiction(reader, later_of(reader, "threads", "max_connections"),
                      "threads is %u, it must be max_connections, %u, at most", http->threads,
                      http->max_connections);
    }
    finish_tls(reader);
    finish_access(reader);
}

/* Ids that come from an address: now the bits are known. Whether those are right is checked after.
 * */
static void find_ids(struct config_reader *reader, struct config_sequence *sequence)
{
    struct layout *layout = &sequence->definition.layout;
    uint32_t *ids[2] = {&layout->machine_id, &layout->node_id};
    unsigned bits[2] = {layout->machine_bits, layout->node_bits};
    for (unsigned i = 0; i < 2; i++) {
        struct error_detail detail = {.text = ""};
        const char *source = sequence->id_sources[i];
        if (source[0] != '\0' && bits[i] <= LAYOUT_ID_BITS_MAX &&
            node_address_find(source, bits[i], ids[i], sequence->id_texts[i], &detail) != ERR_OK) {
            contradiction(reader, sequence->place, "[%s%s]: %s = %s: %s", SEQUENCE_PREFIX,
                          sequence->name, id_keys[i], source, detail.text);
        }
    }
}

static void finish_sequence(struct config_reader *reader, struct config_sequence *sequence)
{
    struct definition *definition = &sequence->definition;
    struct error_detail detail = {.text = ""};
    option_complete(definition, sequence->said);
    find_ids(reader, sequence);
    if (definition_check(definition, &detail) != ERR_OK) {
        contradiction(reader, sequence->place, "[%s%s]: %s", SEQUENCE_PREFIX, sequence->name,
                      detail.text);
    }
}

enum error config_file_finish(struct config_reader *reader)
{
    if (!reader->http_mistaken) {
        finish_http(reader);
    }
    for (size_t i = 0; i < reader->config->sequence_count; i++) {
        finish_sequence(reader, &reader->config->sequences[i]);
    }
    return reader->report->count > 0 ? ERR_INVALID : ERR_OK;
}
