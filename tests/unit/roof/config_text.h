/* config_text: a configuration from a text in the test, as if it stood in a file.
 *
 * Threads: any. */
#ifndef SEQD_TESTS_UNIT_ROOF_CONFIG_TEXT_H
#define SEQD_TESTS_UNIT_ROOF_CONFIG_TEXT_H

#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* A file in memory is a regular file, and has a path while its descriptor is open. */
struct config_text {
    int fd;
    char path[32];
};

static inline struct config_text config_text_bytes(const void *bytes, size_t length)
{
    struct config_text text = {.fd = memfd_create("configuration", MFD_CLOEXEC)};
    assert_true(text.fd >= 0);
    assert_int_equal(write(text.fd, bytes, length), length);
    (void)snprintf(text.path, sizeof text.path, "/proc/self/fd/%d", text.fd);
    return text;
}

static inline void config_text_close(struct config_text *text)
{
    close(text->fd);
}

/* Load `content`, which must be valid. The caller frees the configuration. */
static inline struct config config_text_valid(const char *content)
{
    static struct config_report report;
    struct config config;
    struct config_text text = config_text_bytes(content, strlen(content));
    if (config_load(text.path, NULL, &config, &report) != ERR_OK) {
        print_error("%s\n", report.mistakes[0].text);
        fail_msg("this must be valid: %s", content);
    }
    config_text_close(&text);
    return config;
}

/* Load bytes that must not be valid; `report` says why. */
static inline void config_text_invalid(const void *bytes, size_t length,
                                       struct config_report *report)
{
    struct config config;
    struct config_text text = config_text_bytes(bytes, length);
    if (config_load(text.path, NULL, &config, report) != ERR_INVALID) {
        fail_msg("this must be refused: %.*s", (int)length, (const char *)bytes);
    }
    config_text_close(&text);
}

/* Exactly one mistake, on `line`, whose text holds `what`. */
static inline void config_text_refused_bytes(const void *bytes, size_t length, unsigned line,
                                             const char *what)
{
    static struct config_report report;
    char where[16];
    config_text_invalid(bytes, length, &report);
    (void)snprintf(where, sizeof where, ":%u: ", line);
    const char *found = report.mistakes[0].text;
    if (report.count != 1 || strstr(found, where) == NULL || strstr(found, what) == NULL) {
        for (size_t i = 0; i < report.count; i++) {
            print_error("%s\n", report.mistakes[i].text);
        }
        fail_msg("wanted one mistake, '%s' with '%s'", where, what);
    }
}

static inline void config_text_refused(const char *content, unsigned line, const char *what)
{
    config_text_refused_bytes(content, strlen(content), line, what);
}

/* `count` times `c` in place of the '*' of `pattern`. The caller frees it. */
static inline char *config_text_stretched(const char *pattern, char c, size_t count)
{
    const char *star = strchr(pattern, '*');
    size_t before = (size_t)(star - pattern);
    char *text = malloc(strlen(pattern) + count);
    assert_non_null(text);
    memcpy(text, pattern, before);
    memset(text + before, c, count);
    memcpy(text + before + count, star + 1, strlen(star + 1) + 1);
    return text;
}

/* The definition of the sequence `name`, which must be there. */
static inline const struct definition *config_text_sequence(const struct config *config,
                                                            const char *name)
{
    for (size_t i = 0; i < config->sequence_count; i++) {
        if (strcmp(config->sequences[i].name, name) == 0) {
            return &config->sequences[i].definition;
        }
    }
    fail_msg("no sequence '%s'", name);
    return NULL;
}

#endif
