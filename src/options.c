#include "options.h"

#include "base/text.h"

#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>

const char options_usage[] =
    "Usage: seqd [-c FILE] [-C DIRECTORY] [-d DIRECTORY] [-p PORT] [-t] [-V] [-h]\n"
    "       seqd --adopt --skip N [-c FILE] [-C DIRECTORY] [-d DIRECTORY]\n"
    "       seqd --restore FILE --skip N [-c FILE] [-C DIRECTORY] [-d DIRECTORY]\n"
    "Hand out unique numbers over HTTP, never the same one twice.\n"
    "\n"
    "  -c, --config=FILE         read this configuration; without it, every default is used\n"
    "                            (no file is read by itself, not even one in /etc)\n"
    "  -C, --config-dir=DIRECTORY\n"
    "                            read its *.conf files after it, sorted; what comes later counts\n"
    "  -d, --data-dir=DIRECTORY  keep the high-water marks here; it must exist\n"
    "                            (otherwise: data_dir of the file, else $STATE_DIRECTORY)\n"
    "  -p, --port=PORT           listen on this port instead of the configured one;\n"
    "                            0 lets the kernel choose\n"
    "      --adopt               take a data directory that was copied or restored for the newest\n"
    "                            there is, move every counter forward, and exit\n"
    "      --restore=FILE        make a data directory of an empty one and what 'seqctl backup'\n"
    "                            wrote, move every counter forward, and exit\n"
    "      --skip=N              by so many numbers, 0 to 9223372036854775807: more than were\n"
    "                            issued since the copy was made\n"
    "  -t, --check               check the configuration and exit\n"
    "  -V, --version             print the version and exit\n"
    "  -h, --help                print this and exit\n"
    "\n"
    "Exit status: 0 stopped cleanly, 1 failure at the start or while running,\n"
    "2 bad usage, 3 the configuration is not valid.\n";

/* '+': a word that is no option ends the list. ':': a missing value is told apart. */
enum long_option {
    OPTION_ADOPT = 256, /* beyond every letter */
    OPTION_SKIP,
    OPTION_RESTORE,
};

static const char short_options[] = "+:c:C:d:p:tVh";
static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"config-dir", required_argument, NULL, 'C'},
    {"data-dir", required_argument, NULL, 'd'},
    {"port", required_argument, NULL, 'p'},
    {"check", no_argument, NULL, 't'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {"adopt", no_argument, NULL, OPTION_ADOPT},
    {"skip", required_argument, NULL, OPTION_SKIP},
    {"restore", required_argument, NULL, OPTION_RESTORE},
    {NULL, 0, NULL, 0},
};

static enum error take_path(const char *what, const char **ret_path, struct error_detail *detail)
{
    if (optarg[0] == '\0') {
        return error_fail(detail, ERR_INVALID, "the path of the %s is empty", what);
    }
    *ret_path = optarg;
    return ERR_OK;
}

static enum error take_port(struct options *options, struct error_detail *detail)
{
    uint64_t port = 0;
    if (text_parse_uint64(optarg, UINT16_MAX, &port) != ERR_OK) {
        return error_fail(detail, ERR_INVALID, "port is '%s', it must be 0 to %d", optarg,
                          UINT16_MAX);
    }
    options->port_given = true;
    options->port = (uint16_t)port;
    return ERR_OK;
}

static enum error take_skip(struct options *options, struct error_detail *detail)
{
    if (text_parse_uint64(optarg, INT64_MAX, &options->skip) != ERR_OK) {
        return error_fail(detail, ERR_INVALID, "skip is '%s', it must be 0 to %" PRId64, optarg,
                          INT64_MAX);
    }
    options->skip_given = true;
    return ERR_OK;
}

/* The option that getopt_long() has just refused. A long one, or its value, is the word before. */
static enum error refuse(char **argv, const char *what, struct error_detail *detail)
{
    if (optopt != 0 && argv[optind - 1][1] != '-') {
        return error_fail(detail, ERR_INVALID, "option '-%c' %s", optopt, what);
    }
    return error_fail(detail, ERR_INVALID, "option '%s' %s", argv[optind - 1], what);
}

static enum error take(int letter, char **argv, struct options *options,
                       struct error_detail *detail)
{
    switch (letter) {
    case 'c':
        return take_path("configuration", &options->config_path, detail);
    case 'C':
        return take_path("directory of the configuration", &options->config_dir, detail);
    case 'd':
        return take_path("data directory", &options->data_dir, detail);
    case 'p':
        return take_port(options, detail);
    case 't':
        options->act = ACT_CHECK;
        return ERR_OK;
    case 'V':
        options->act = ACT_VERSION;
        return ERR_OK;
    case 'h':
        options->act = ACT_HELP;
        return ERR_OK;
    case OPTION_ADOPT:
        options->act = ACT_ADOPT;
        return ERR_OK;
    case OPTION_RESTORE:
        options->act = ACT_RESTORE;
        return take_path("backup", &options->backup, detail);
    case OPTION_SKIP:
        return take_skip(options, detail);
    case ':':
        return refuse(argv, "has no value", detail);
    default:
        return refuse(argv, "is unknown, or takes no value", detail);
    }
}

/* What has to hold between the options. */
static enum error check_together(const struct options *options, struct error_detail *detail)
{
    if (options->act == ACT_CHECK && options->config_path == NULL && options->config_dir == NULL) {
        return error_fail(detail, ERR_INVALID,
                          "-t checks a file: give it with -c FILE, or more with -C DIRECTORY");
    }
    if (options->act == ACT_ADOPT && !options->skip_given) {
        return error_fail(detail, ERR_INVALID,
                          "--adopt needs --skip N: more numbers than were issued of any sequence "
                          "since the copy was made; a start of seqd proposes one");
    }
    if (options->skip_given && options->act != ACT_ADOPT && options->act != ACT_RESTORE) {
        return error_fail(detail, ERR_INVALID, "--skip goes with --adopt or --restore");
    }
    return ERR_OK;
}

enum error options_parse(int argc, char **argv, struct options *ret_options,
                         struct error_detail *detail)
{
    struct options options = {.act = ACT_SERVE};
    opterr = 0; /* the texts are ours */
    optind = 0; /* begin anew, whatever was parsed before */
    for (;;) {
        int letter = getopt_long(argc, argv, short_options, long_options, NULL);
        if (letter < 0) {
            break;
        }
        enum error error = take(letter, argv, &options, detail);
        if (error != ERR_OK) {
            return error;
        }
    }
    if (optind < argc) {
        return error_fail(detail, ERR_INVALID, "'%s' is no option", argv[optind]);
    }
    enum error error = check_together(&options, detail);
    if (error != ERR_OK) {
        return error;
    }
    *ret_options = options;
    return ERR_OK;
}
