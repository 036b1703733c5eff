/* fuzz_config: any bytes as a configuration file.
 *
 * The law: what is taken lies within the ranges of the table of options and is a configuration that
 * can be served; what is written as it was understood is understood again as the same. What is not
 * is refused with the file and a line that it has. And nothing is passed over: the same file with a
 * mistake behind it is refused for that mistake, on that line. */
#include "law.h"

#include "config.h"
#include "config_option.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char trailer[] = "\n[?]\n";

static bool is_integer(const struct option *option)
{
    switch (option->kind) {
    case VALUE_NUMBER:
    case VALUE_SIZE:
    case VALUE_DURATION:
    case VALUE_TIME:
    case VALUE_ID:
    case VALUE_MODE:
        return true;
    case VALUE_WORD:
    case VALUE_PATH:
    case VALUE_LISTEN:
    case VALUE_ORIGINS:
        return false;
    }
    return false;
}

static int64_t integer_of(const struct option *option, void *fields)
{
    int64_t wide = 0;
    uint32_t narrow = 0;
    uint8_t tiny = 0;

    if (option->size == sizeof tiny) {
        memcpy(&tiny, option_field(option, fields), sizeof tiny);
        return tiny;
    }
    if (option->size == sizeof narrow) {
        memcpy(&narrow, option_field(option, fields), sizeof narrow);
        return narrow;
    }
    law_holds(option->size == sizeof wide);
    memcpy(&wide, option_field(option, fields), sizeof wide);
    return wide;
}

static bool is_word(const struct option *option, int64_t value)
{
    for (const struct option_word *word = option->words; word != NULL && word->word != NULL;
         word++) {
        if (word->value == value) {
            return true;
        }
    }
    return false;
}

/* `fields` hold a value that the option can have, and its text is understood as the same. */
static void check_integer(const struct option *option, void *fields, void *scratch)
{
    int64_t value = integer_of(option, fields);
    char text[VALUE_TEXT_SIZE];

    if (is_word(option, value)) {
        return;
    }
    law_holds(is_integer(option));
    law_holds(value >= option->min && value <= option->max);
    value_format(option->kind, value, text);
    law_holds(option_set(option, scratch, text, NULL) == ERR_OK);
    law_holds(integer_of(option, scratch) == value);
}

static void check_listen(const struct endpoints *listen)
{
    law_holds(listen->count <= ENDPOINTS_MAX);
    for (unsigned i = 0; i < listen->count; i++) {
        const char *address = listen->items[i].address;
        unsigned char binary[sizeof(struct in6_addr)];
        law_holds(inet_pton(strchr(address, ':') != NULL ? AF_INET6 : AF_INET, address, binary) ==
                  1);
    }
}

static void check_general(struct config *config)
{
    struct config scratch = {.sequences = NULL};
    size_t count = 0;
    const struct option *table = option_table(&count);

    for (size_t i = 0; i < count; i++) {
        const char *text = (const char *)option_field(&table[i], config);
        if (strcmp(table[i].section, OPTION_SECTION_SEQUENCE) == 0) {
            continue;
        }
        if (table[i].kind == VALUE_PATH) {
            law_holds(text[0] == '\0' || text[0] == '/');
            law_holds(strnlen(text, table[i].size) < table[i].size);
        } else if (table[i].kind == VALUE_ORIGINS) {
            law_holds(strnlen(text, table[i].size) < table[i].size);
        } else if (table[i].kind == VALUE_LISTEN) {
            check_listen(option_field(&table[i], config));
        } else {
            check_integer(&table[i], config, &scratch);
        }
    }
    law_holds(config->http.request_timeout_ms > config->http.wait_timeout_ms);
    law_holds(config->http.threads <= config->http.max_connections);
    law_holds((config->tls.certificate[0] == '\0') == (config->tls.key[0] == '\0'));
}

static void check_sequence(struct config *config, size_t index)
{
    struct config_sequence *sequence = &config->sequences[index];
    struct definition scratch = definition_default();
    size_t count = 0;
    const struct option *table = option_table(&count);

    law_holds(definition_check_name(sequence->name, strlen(sequence->name), NULL) == ERR_OK);
    law_holds(definition_check(&sequence->definition, NULL) == ERR_OK);
    for (size_t i = 0; i < index; i++) {
        law_holds(strcmp(config->sequences[i].name, sequence->name) != 0);
    }
    for (size_t i = 0; i < count; i++) {
        if ((sequence->said >> i & 1) != 0) {
            law_holds(strcmp(table[i].section, OPTION_SECTION_SEQUENCE) == 0);
            check_integer(&table[i], &sequence->definition, &scratch);
        }
    }
}

/* Each mistake is "FILE:LINE: what". Returns the first line. */
static size_t check_refusal(const struct config_report *report, const char *path, size_t lines)
{
    size_t first = 0;

    law_holds(report->count >= 1 && report->count <= CONFIG_MISTAKES_MAX);
    for (size_t i = 0; i < report->count; i++) {
        const char *text = report->mistakes[i].text;
        size_t line = 0;
        law_holds(law_explains(&report->mistakes[i]));
        law_holds(strncmp(text, path, strlen(path)) == 0 && text[strlen(path)] == ':');
        line = strtoul(text + strlen(path) + 1, NULL, 10);
        law_holds(line >= 1 && line <= lines);
        first = i == 0 ? line : first;
    }
    return first;
}

/* The file is good: with a mistake behind it, it is not. */
static void check_trailer(const uint8_t *data, size_t size)
{
    size_t length = size + sizeof trailer - 1;
    static struct config_report report;
    char *longer = realloc(law_text(data, size), length + 1);
    struct config config;

    law_holds(longer != NULL);
    memcpy(longer + size, trailer, sizeof trailer);
    const char *path = law_file(longer, length);
    size_t lines = law_lines(longer, length);
    law_holds(config_load(path, NULL, &config, &report) == ERR_INVALID);
    law_holds(report.count == 1);
    law_holds(check_refusal(&report, path, lines) == lines);
    free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config_report report;
    struct config config;
    const char *path = law_file(data, size);

    law_mark(&config, sizeof config);
    enum error error = config_load(path, NULL, &config, &report);
    if (error != ERR_OK) {
        law_holds(error == ERR_INVALID);
        law_holds(law_untouched(&config, sizeof config));
        (void)check_refusal(&report, path, law_lines(data, size));
        return 0;
    }
    law_holds(report.count == 0);
    law_holds(config.sequence_count >= 1 && config.sequence_count <= CONFIG_SEQUENCES_MAX);
    check_general(&config);
    for (size_t i = 0; i < config.sequence_count; i++) {
        check_sequence(&config, i);
    }
    check_trailer(data, size);
    config_free(&config);
    return 0;
}
