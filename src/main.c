/* main: reads the command line and the configuration, opens the store, starts the service over it,
 * and lives by signals: SIGTERM and SIGINT stop (a second one hurries the stop), SIGHUP reloads. */

#include "announce.h"
#include "base/log.h"
#include "base/version.h"
#include "config.h"
#include "exhaustion.h"
#include "inherit.h"
#include "machine.h"
#include "options.h"
#include "reload.h"
#include "rescue.h"
#include "service.h"
#include "store/store_lmdb.h"
#include "watchdog.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum exit_status {
    EXIT_CLEAN = 0,
    EXIT_FAILED = 1,  /* at the start, or while running */
    EXIT_USAGE = 2,   /* the command line */
    EXIT_INVALID = 3, /* the configuration */
};

#define OTHER_FILES 64      /* descriptors beside those of connections, … */
#define FILES_OF_A_THREAD 4 /* … and of each thread that serves: two, and as many for TLS */

static_assert((int)CONFIG_IDENTITY_ALL == (int)STORE_LMDB_IDENTITY_ALL &&
                  (int)CONFIG_IDENTITY_FILE == (int)STORE_LMDB_IDENTITY_FILE &&
                  (int)CONFIG_IDENTITY_MACHINE == (int)STORE_LMDB_IDENTITY_MACHINE &&
                  (int)CONFIG_IDENTITY_NONE == (int)STORE_LMDB_IDENTITY_NONE,
              "the option's words are the store's");
static_assert(CONFIG_LEDGER_SIZE_MIN == STORE_LMDB_LEDGER_SIZE_MIN &&
                  CONFIG_LEDGER_SIZE_MAX == STORE_LMDB_LEDGER_SIZE_MAX,
              "the configuration accepts what the store does");
static_assert(CONFIG_MAP_SIZE_MIN == STORE_LMDB_MAP_SIZE_MIN &&
                  CONFIG_MAP_SIZE_MAX == STORE_LMDB_MAP_SIZE_MAX,
              "the option's range is the store's");

struct seqd {
    struct options options;
    struct config config; /* in force */
    char directory[PATH_MAX];
    struct store *store;
    struct service service;
    struct reload reload;
    struct watchdog watchdog;
    struct exhaustion exhaustion;
    int signals_fd;
    bool reload_again; /* SIGHUP came while a reload was running */
};

/* ---- before anything else ---- */

/* A daemon that was started with standard error closed must not write its log into the data file
 * that happens to get that descriptor. */
static bool hold_standard_files(void)
{
    int fd = 0;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0) {
        return false;
    }
    close(fd);
    return true;
}

/* Is standard error the journal, which reads "<4>" as a priority? systemd.exec(5): JOURNAL_STREAM
 * holds device and inode of the stream that it passed, which may have been redirected since. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char own[64];
    if (stream == NULL || fstat(STDERR_FILENO, &status) != 0) {
        return false;
    }
    (void)snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, own) == 0;
}

/* ---- configuration ---- */

/* What the command line calls the configuration; NULL when it names none. */
static const char *named(const struct options *options)
{
    return options->config_path != NULL ? options->config_path : options->config_dir;
}

/* One address, the first that is configured, and this port. */
static void replace_port(struct endpoints *listen, uint16_t port)
{
    struct endpoints only = {.count = 1, .items = {{.address = "127.0.0.1"}}};
    if (listen->count > 0) {
        only.items[0] = listen->items[0];
    }
    only.items[0].port = port;
    *listen = only;
}

/* Read the configuration; the command line has the last word. Logs every mistake. */
static enum error load(const struct options *options, struct config *ret_config)
{
    struct config_report report;
    enum error error = config_load(options->config_path, options->config_dir, ret_config, &report);
    if (error != ERR_OK) {
        for (size_t i = 0; i < report.count; i++) {
            log_error("%s", report.mistakes[i].text);
        }
        if (report.count == CONFIG_MISTAKES_MAX) {
            log_error("%s: there may be more, reading stops after %d mistakes", named(options),
                      CONFIG_MISTAKES_MAX);
        }
        return error;
    }
    if (options->port_given) {
        replace_port(&ret_config->http.listen, options->port);
    }
    return ERR_OK;
}

static enum exit_status check(const struct options *options)
{
    struct config config;
    if (load(options, &config) != ERR_OK) {
        return EXIT_INVALID;
    }
    config_free(&config);
    printf("%s: the configuration is valid\n", named(options));
    return EXIT_CLEAN;
}

/* Command line, configuration, or the first of what systemd's StateDirectory= made. */
static bool choose_directory(struct seqd *seqd)
{
    const char *from_systemd = getenv("STATE_DIRECTORY");
    const char *chosen = seqd->options.data_dir;
    size_t length = 0;
    if (chosen == NULL && seqd->config.data_dir[0] != '\0') {
        chosen = seqd->config.data_dir;
    }
    if (chosen != NULL) {
        length = strlen(chosen);
    } else if (from_systemd != NULL) {
        chosen = from_systemd;
        length = strcspn(from_systemd, ":");
    }
    if (length == 0) {
        log_error("no data directory is named: give -d DIRECTORY, or data_dir in section [seqd], "
                  "or run under systemd with StateDirectory=");
        return false;
    }
    if (length >= sizeof seqd->directory) {
        log_error("the path of the data directory has %zu bytes, %zu at most", length,
                  sizeof seqd->directory - 1);
        return false;
    }
    memcpy(seqd->directory, chosen, length);
    seqd->directory[length] = '\0';
    return true;
}

/* ---- what the process needs ---- */

/* Signals are read from a descriptor, so none interrupts a thread. Before any thread is started. */
static bool take_signals(int *ret_fd)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    /* A client that went away, and a file beyond its limit, are errors of a write, not the end. */
    if (sigaction(SIGPIPE, &ignore, NULL) != 0 || sigaction(SIGXFSZ, &ignore, NULL) != 0 ||
        pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0) {
        return false;
    }
    *ret_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return *ret_fd >= 0;
}

/* The next signal that came; 0 when there is none. */
static int next_signal(const struct seqd *seqd)
{
    struct signalfd_siginfo info;
    ssize_t length = read(seqd->signals_fd, &info, sizeof info);
    return length == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

static void raise_file_limit(const struct config *config)
{
    struct rlimit limit;
    bool grpc = config->grpc.listen.count > 0;
    unsigned connections = config->http.max_connections + (grpc ? config->grpc.max_connections : 0);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    rlim_t usual = processors > 0 ? (rlim_t)processors : 1;
    rlim_t threads = (config->http.threads != 0 ? config->http.threads : usual) +
                     (config->grpc.threads != 0 ? config->grpc.threads : usual);
    rlim_t wanted = connections + OTHER_FILES + FILES_OF_A_THREAD * threads;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
        return;
    }
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted) {
        log_warning("max_connections is %u, but this process may open %ju files only, serving as "
                    "many connections as fit",
                    connections, (uintmax_t)limit.rlim_cur);
    }
}

/* ---- reload ---- */

static void log_restart(void *context, const char *section, const char *key)
{
    (void)context;
    log_warning("%s in section [%s] has changed, keeping the old value until the next start", key,
                section);
}

static void notify_ready(void)
{
    (void)sd_notify(0, "READY=1"); /* without systemd: does nothing */
}

static void start_reload(struct seqd *seqd)
{
    if (seqd->reload.running) {
        seqd->reload_again = true;
        return;
    }
    if (named(&seqd->options) == NULL) {
        log_notice("SIGHUP: there is no configuration file to read again");
        return;
    }
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now().ns / 1000);
    struct config fresh = {.sequences = NULL};
    if (load(&seqd->options, &fresh) != ERR_OK || !reload_fits(&seqd->reload, &fresh)) {
        log_error("%s: cannot take it over, keeping the configuration in force",
                  named(&seqd->options));
        config_free(&fresh);
        notify_ready();
        return;
    }
    config_adopt(&seqd->config, &fresh, log_restart, NULL);
    reload_begin(&seqd->reload);
}

static void finish_reload(struct seqd *seqd)
{
    size_t failures = reload_end(&seqd->reload);
    if (failures == 0 && seqd->reload.unread == 0) {
        log_notice("%s: the configuration is reloaded", named(&seqd->options));
    } else if (failures == 0) {
        log_warning("%s: the configuration is reloaded, but not all that it names",
                    named(&seqd->options));
    } else {
        log_warning("%s: the configuration is reloaded, but up to %zu sequences are not as it says",
                    named(&seqd->options), failures);
    }
    notify_ready();
    if (seqd->reload_again) {
        seqd->reload_again = false;
        start_reload(seqd);
    }
}

/* ---- the life ---- */

/* Until something is to be done. */
static int wait_ms(const struct seqd *seqd, struct instant now)
{
    int watchdog_ms = watchdog_wait_ms(&seqd->watchdog, now);
    int exhaustion_ms = exhaustion_wait_ms(&seqd->exhaustion, now);

    return watchdog_ms >= 0 && watchdog_ms < exhaustion_ms ? watchdog_ms : exhaustion_ms;
}

/* Until a signal says stop. */
static enum exit_status live(struct seqd *seqd)
{
    struct pollfd watched[] = {{.fd = seqd->signals_fd, .events = POLLIN},
                               {.fd = seqd->reload.done_fd, .events = POLLIN}};
    for (;;) {
        if (poll(watched, 2, wait_ms(seqd, clock_now())) < 0 && errno != EINTR) {
            log_error("cannot wait for signals (%s), stopping", strerror(errno));
            return EXIT_FAILED;
        }
        watchdog_tick(&seqd->watchdog, clock_now());
        exhaustion_tick(&seqd->exhaustion, clock_now());
        if ((watched[1].revents & POLLIN) != 0) {
            finish_reload(seqd);
        }
        int signal_number = next_signal(seqd);
        if (signal_number == SIGHUP) {
            start_reload(seqd);
        } else if (signal_number != 0) {
            log_notice("SIG%s: stopping", sigabbrev_np(signal_number));
            return EXIT_CLEAN;
        }
    }
}

/* Did somebody lose patience with the stop? */
static bool asked_again(void *context)
{
    int signal_number = next_signal(context);
    if (signal_number != SIGTERM && signal_number != SIGINT) {
        return false;
    }
    log_notice("SIG%s again: not waiting for requests any longer", sigabbrev_np(signal_number));
    return true;
}

static void stop(struct seqd *seqd)
{
    (void)sd_notify(0, "STOPPING=1\nSTATUS=Finishing what is on its way"); /* likewise */
    struct service_patience patience = {.over = asked_again, .context = seqd};
    unsigned cut_off = service_stop(&seqd->service, &patience);
    if (cut_off > 0) {
        log_warning("requests not finished in time: %u, cutting them off", cut_off);
    }
}

static struct store_lmdb_options store_options(const struct seqd *seqd)
{
    struct store_lmdb_options options = {
        .directory = seqd->directory,
        .map_size_bytes = seqd->config.map_size_bytes,
        .map_size_max_bytes = seqd->config.map_size_max_bytes,
        .any_filesystem = seqd->config.any_filesystem,
        .identity = (enum store_lmdb_identity)seqd->config.identity,
        .ledger_age_ms = seqd->config.ledger_age_ms,
        .ledger_size_bytes = seqd->config.ledger_size_bytes,
        .no_ledger = seqd->config.ledger_age_ms == 0,
    };
    if (seqd->config.witness[0] != '\0') {
        options.witness = seqd->config.witness;
    }
    machine_id(options.machine);
    return options;
}

/* From an open store to a closed one. */
static enum exit_status serve_store(struct seqd *seqd)
{
    struct error_detail detail = {.text = ""};
    if (reload_init(&seqd->reload, &seqd->service, &seqd->config) != ERR_OK) {
        log_error("cannot start: no descriptor for reloads: %s", strerror(errno));
        return EXIT_FAILED;
    }
    enum error error = service_start(&seqd->service, seqd->store, &seqd->config, &detail);
    enum exit_status status = EXIT_FAILED;
    if (error != ERR_OK) {
        log_error("cannot start: %s (%s)", detail.text, error_name(error));
    } else {
        char shown[ANNOUNCE_SIZE];
        announce(&seqd->service, seqd->config.access.tokens[0] != '\0', seqd->directory, shown);
        watchdog_init(&seqd->watchdog, &seqd->service, shown);
        exhaustion_init(&seqd->exhaustion, seqd->service.registry);
        status = live(seqd);
        exhaustion_fini(&seqd->exhaustion);
        stop(seqd);
    }
    reload_fini(&seqd->reload);
    return status;
}

static enum exit_status serve(struct seqd *seqd)
{
    if (load(&seqd->options, &seqd->config) != ERR_OK) {
        return EXIT_INVALID;
    }
    enum exit_status status = EXIT_USAGE;
    log_set_level(seqd->config.log_level);
    if (!choose_directory(seqd)) {
        goto free_config;
    }
    status = EXIT_FAILED;
    struct error_detail detail = {.text = ""};
    if (inherit_sockets(&seqd->config.http, &detail) != ERR_OK) {
        log_error("cannot start: %s", detail.text);
        goto free_config;
    }
    if (!take_signals(&seqd->signals_fd)) {
        log_error("cannot start: signals cannot be taken: %s", strerror(errno));
        goto free_config;
    }
    raise_file_limit(&seqd->config);

    struct store_lmdb_options options = store_options(seqd);
    enum error error = store_lmdb_open(&options, &seqd->store, &detail);
    if (error != ERR_OK) {
        log_error("cannot start: %s (%s)", detail.text, error_name(error));
        goto close_signals;
    }
    status = serve_store(seqd);
    store_close(seqd->store);
    if (status == EXIT_CLEAN) {
        log_notice("stopped");
    }
close_signals:
    close(seqd->signals_fd);
free_config:
    config_free(&seqd->config);
    return status;
}

/* ---- a data directory that is a copy ---- */

static bool act_on(const struct seqd *seqd)
{
    struct store_lmdb_options options = store_options(seqd);
    const struct options *given = &seqd->options;
    if (given->act == ACT_ADOPT) {
        return rescue_adopt(&options, given->skip);
    }
    return rescue_restore(&options, given->backup, given->skip_given ? &given->skip : NULL);
}

static enum exit_status rescue(struct seqd *seqd)
{
    if (load(&seqd->options, &seqd->config) != ERR_OK) {
        return EXIT_INVALID;
    }
    log_set_level(seqd->config.log_level);
    enum exit_status status = EXIT_USAGE;
    if (choose_directory(seqd)) {
        status = act_on(seqd) ? EXIT_CLEAN : EXIT_FAILED;
    }
    config_free(&seqd->config);
    return status;
}

int main(int argc, char **argv)
{
    static struct seqd seqd;
    struct error_detail detail = {.text = ""};
    if (!hold_standard_files()) {
        return EXIT_FAILED;
    }
    log_set_prefix(stderr_is_journal());
    if (options_parse(argc, argv, &seqd.options, &detail) != ERR_OK) {
        fprintf(stderr, "seqd: %s\n%s", detail.text, options_usage);
        return EXIT_USAGE;
    }
    switch (seqd.options.act) {
    case ACT_SERVE:
        return (int)serve(&seqd);
    case ACT_CHECK:
        return (int)check(&seqd.options);
    case ACT_ADOPT:
    case ACT_RESTORE:
        return (int)rescue(&seqd);
    case ACT_VERSION:
        printf("seqd %s\n", SEQD_VERSION);
        return EXIT_CLEAN;
    case ACT_HELP:
        fputs(options_usage, stdout);
        return EXIT_CLEAN;
    }
    return EXIT_USAGE;
}
