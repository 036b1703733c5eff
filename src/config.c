#include "config.h"

#include "config_file.h"
#include "config_option.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

/* Add `path` to the files of `config`, a copy. */
static enum error add_path(struct config *config, const char *path, struct config_report *report)
{
    if (config->file_count == CONFIG_FILES_MAX) {
        return fault(report, ERR_INVALID, path, "more files than a configuration may have, %d",
                     CONFIG_FILES_MAX);
    }
    char **grown = reallocarray(config->files, config->file_count + 1, sizeof *grown);
    if (grown != NULL) {
        config->files = grown;
        grown[config->file_count] = strdup(path);
    }
    if (grown == NULL || grown[config->file_count] == NULL) {
        return fault(report, ERR_NO_MEMORY, path, "%s", error_name(ERR_NO_MEMORY));
    }
    config->file_count++;
    return ERR_OK;
}

static enum error read_file(struct config_reader *reader, const char *path)
{
    FILE *file = NULL;
    struct config_report *report = reader->report;
    enum error error = add_path(reader->config, path, report);
    if (error == ERR_OK) {
        error = open_file(path, &file, report);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = config_file_read(reader, file);
    if (error == ERR_IO) {
        (void)fault(report, error, path, "cannot read the configuration: %s", strerror(errno));
    } else if (error != ERR_OK && error != ERR_INVALID) {
        (void)fault(report, error, path, "%s", error_name(error));
    }
    fclose(file);
    return error;
}

/* An editor's backup, and what dpkg leaves beside a changed file, end otherwise. */
static int is_wanted(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    size_t suffix = strlen(CONFIG_FILE_SUFFIX);
    return entry->d_name[0] != '.' && length >= suffix &&
           strcmp(entry->d_name + length - suffix, CONFIG_FILE_SUFFIX) == 0;
}

/* By bytes, whatever the locale: the order decides what counts. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Keep reading after mistakes, so that one look at the report shows all; stop at all else. */
static bool goes_on(enum error error, const struct config_report *report)
{
    return error == ERR_OK || (error == ERR_INVALID && report->count < CONFIG_MISTAKES_MAX);
}

static enum error read_entry(struct config_reader *reader, const char *directory, const char *name)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof path) {
        return fault(reader->report, ERR_INVALID, directory,
                     "the path of '%s' has %zu bytes at most", name, sizeof path - 1);
    }
    return read_file(reader, path);
}

static enum error read_directory(struct config_reader *reader, const char *directory)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_wanted, compare_names);
    if (count < 0) {
        enum error error = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
        return fault(reader->report, error, directory,
                     "cannot read the directory of the configuration: %s", strerror(errno));
    }
    enum error error = ERR_OK;
    for (int i = 0; i < count; i++) {
        if (goes_on(error, reader->report)) {
            enum error next = read_entry(reader, directory, entries[i]->d_name);
            error = next == ERR_OK ? error : next;
        }
        free(entries[i]);
    }
    free(entries);
    return error;
}

/* All that is named, to the end or to the first thing that cannot be had. */
static enum error read_all(struct config_reader *reader, const char *path, const char *directory)
{
    enum error error = path != NULL ? read_file(reader, path) : ERR_OK;
    if (directory != NULL && goes_on(error, reader->report)) {
        enum error next = read_directory(reader, directory);
        error = next == ERR_OK ? error : next;
    }
    if (goes_on(error, reader->report)) {
        enum error next = config_file_finish(reader);
        error = next == ERR_OK ? error : next;
    }
    return error;
}

enum error config_load(const char *path, const char *directory, struct config *ret_config,
                       struct config_report *report)
{
    struct config config;
    struct config_reader reader = {.config = &config, .report = report};
    report->count = 0;
    set_defaults(&config);
    enum error error = read_all(&reader, path, directory);
    if (error == ERR_OK && config.sequence_count == 0) {
        struct config_sequence standard = {.name = CONFIG_SEQUENCE_DEFAULT};
        standard.definition = definition_default();
        error = config_append(&config, &standard);
        if (error != ERR_OK) {
            (void)fault(report, error, "configuration", "%s", error_name(error)); /* and below */
        }
    }
    if (error != ERR_OK) {
        config_free(&config);
        return error;
    }
    *ret_config = config;
    return ERR_OK;
}

void config_where(const struct config *config, struct config_place place,
                  struct error_detail *ret_where)
{
    if (place.line == 0) {
        (void)error_fail(ret_where, ERR_OK, "the defaults"); /* for the text alone */
    } else {
        (void)error_fail(ret_where, ERR_OK, "%s:%u", config->files[place.file], place.line);
    }
}

void config_free(struct config *config)
{
    free(config->sequences);
    config->sequences = NULL;
    config->sequence_count = 0;
    for (size_t i = 0; i < config->file_count; i++) {
        free(config->files[i]);
    }
    free(config->files);
    config->files = NULL;
    config->file_count = 0;
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
    in_force->files = fresh->files;
    in_force->file_count = fresh->file_count;
    fresh->sequences = NULL;
    fresh->sequence_count = 0;
    fresh->files = NULL;
    fresh->file_count = 0;
}
