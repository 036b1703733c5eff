#include "config.h"

#include "config_file.h"
#include "config_option.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file as a whole cannot be had. Takes the report's last place if all are taken. */
__attribute__((format(printf, 4, 5))) static enum error
fault(struct config_report *report, enum error error, const char *path, const char *format, ...)
{
    struct error_detail text;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text.text, sizeof text.text, format, arguments); /* cut, it is still a text */
    va_end(arguments);
    if (report->count == CONFIG_MISTAKES_MAX) {
        report->count--;
    }
    return error_fail(&report->mistakes[report->count++], error, "%s: %.*s", path,
                      (int)sizeof text.text, text.text);
}

static void set_defaults(struct config *config)
{
    *config = (struct config){.sequences = NULL};
    size_t count = 0;
    const struct option *table = option_table(&count);
    for (size_t i = 0; i < count; i++) {
        bool general = strcmp(table[i].section, OPTION_SECTION_SEQUENCE) != 0;
        if (general && table[i].standard[0] != '\0') {
            enum error error = option_set(&table[i], config, table[i].standard, NULL);
            assert(error == ERR_OK);
        }
    }
    static const char name[] = CONFIG_SEQUENCE_DEFAULT;
    memcpy(config->http.default_sequence, name, sizeof name);
}

/* Only a regular file ends, and can be read again on a reload. */
static enum error open_file(const char *path, FILE **ret_file, struct config_report *report)
{
    /* Without O_NONBLOCK the open itself would wait for somebody to write to a pipe. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        enum error error = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
        return fault(report, error, path, "cannot open the configuration: %s", strerror(errno));
    }
    struct stat status;
    enum error error = ERR_OK;
    if (fstat(fd, &status) != 0) {
        error =
            fault(report, ERR_IO, path, "cannot examine the configuration: %s", strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        error = fault(report, ERR_INVALID, path, "%s, the configuration must be a regular file",
                      S_ISDIR(status.st_mode) ? "is a directory" : "is no regular file");
    } else if (status.st_size > CONFIG_FILE_MAX_BYTES) {
        error = fault(report, ERR_INVALID, path, "has %lld bytes, a configuration has %lld at most",
                      (long long)status.st_size, (long long)CONFIG_FILE_MAX_BYTES);
    } else {
        *ret_file = fdopen(fd, "r");
        if (*ret_file != NULL) {
            return ERR_OK;
        }
        error = fault(report, ERR_NO_MEMORY, path, "%s", strerror(errno));
    }
    close(fd);
    return error;
}

static enum error read_file(const char *path, struct config *config, struct config_report *report)
{
    FILE *file = NULL;
    enum error error = open_file(path, &file, report);
    if (error != ERR_OK) {
        return error;
    }
    error = config_file_read(file, path, config, report);
    if (error == ERR_IO) {
        (void)fault(report, error, path, "cannot read the configuration: %s", strerror(errno));
    } else if (error != ERR_OK && error != ERR_INVALID) {
        (void)fault(report, error, path, "%s", error_name(error));
    }
    fclose(file);
    return error;
}

enum error config_load(const char *path, struct config *ret_config, struct config_report *report)
{
    struct config config;
    enum error error = ERR_OK;
    report->count = 0;
    set_defaults(&config);
    if (path != NULL) {
        error = read_file(path, &config, report);
    }
    if (error == ERR_OK && config.sequence_count == 0) {
        struct config_sequence standard = {.name = CONFIG_SEQUENCE_DEFAULT};
        standard.definition = definition_default();
        error = config_append(&config, &standard);
        if (error != ERR_OK) {
            (void)fault(report, error, path == NULL ? "configuration" : path, "%s",
                        error_name(error)); /* returned below */
        }
    }
    if (error != ERR_OK) {
        config_free(&config);
        return error;
    }
    *ret_config = config;
    return ERR_OK;
}

void config_free(struct config *config)
{
    free(config->sequences);
    config->sequences = NULL;
    config->sequence_count = 0;
}

void config_adopt(struct config *in_force, struct config *fresh,
                  void (*needs_restart)(void *context, const char *section, const char *key),
                  void *context)
{
    size_t count = 0;
    const struct option *table = option_table(&count);
    for (size_t i = 0; i < count; i++) {
        const struct option *option = &table[i];
        if (strcmp(option->section, OPTION_SECTION_SEQUENCE) == 0 ||
            option_same(option, in_force, fresh)) {
            continue;
        }
        if (option->reload == OPTION_RELOADS) {
            option_copy(option, in_force, fresh);
        } else {
            needs_restart(context, option->section, option->key);
        }
    }
    config_free(in_force);
    in_force->sequences = fresh->sequences;
    in_force->sequence_count = fresh->sequence_count;
    fresh->sequences = NULL;
    fresh->sequence_count = 0;
}
