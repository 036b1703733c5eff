#include "http_process.h"

#include "base/clock.h"
#include "base/text.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define STAT_SIZE 1024

/* Where they stand in /proc/self/stat behind the name; proc_pid_stat(5). */
enum place {
    PLACE_START = 19,    /* ticks since the machine booted */
    PLACE_VIRTUAL = 20,  /* bytes */
    PLACE_RESIDENT = 21, /* pages */
    PLACES = 22,
};

static bool read_process(uint64_t ret_values[PLACES])
{
    char text[STAT_SIZE];
    char *rest = NULL;
    size_t count = 0;
    FILE *file = fopen("/proc/self/stat", "re");
    size_t length = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;

    if (file != NULL) {
        (void)fclose(file); /* was only read */
    }
    text[length] = '\0';
    char *end_of_name = strrchr(text, ')'); /* a name may have blanks and brackets */
    if (end_of_name == NULL) {
        return false;
    }
    for (char *word = strtok_r(end_of_name + 1, " ", &rest); word != NULL && count < PLACES;
         word = strtok_r(NULL, " ", &rest)) {
        if (text_parse_uint64(word, UINT64_MAX, &ret_values[count]) != ERR_OK) {
            ret_values[count] = 0; /* the state, and what is below 0 */
        }
        count++;
    }
    return count == PLACES;
}

static double seconds(clockid_t clock)
{
    struct timespec now = {0};

    (void)clock_gettime(clock, &now); /* these clocks are always there */
    return (double)now.tv_sec + (double)now.tv_nsec / (double)CLOCK_NS_PER_S;
}

static uint64_t count_files(void)
{
    DIR *directory = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (directory == NULL) {
        return 0;
    }
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    (void)closedir(directory); /* was only read */
    return count - 1;          /* the directory itself */
}

static void write_gauge(FILE *page, const char *name, const char *help, double value)
{
    fprintf(page, "# HELP %s %s\n# TYPE %s gauge\n%s %.17g\n", name, help, name, name, value);
}

void http_process_write(FILE *page)
{
    uint64_t values[PLACES];
    struct rlimit files;

    fprintf(page,
            "# HELP process_cpu_seconds_total Processor time used, in all.\n"
            "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.9f\n",
            seconds(CLOCK_PROCESS_CPUTIME_ID));
    write_gauge(page, "process_open_fds", "Open files and sockets.", (double)count_files());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        write_gauge(page, "process_max_fds", "Files and sockets that may be open.",
                    (double)files.rlim_cur);
    }
    if (read_process(values)) {
        double up = (double)values[PLACE_START] / (double)sysconf(_SC_CLK_TCK);
        write_gauge(page, "process_virtual_memory_bytes", "Address space in use.",
                    (double)values[PLACE_VIRTUAL]);
        write_gauge(page, "process_resident_memory_bytes", "Memory in use.",
                    (double)values[PLACE_RESIDENT] * (double)sysconf(_SC_PAGESIZE));
        write_gauge(page, "process_start_time_seconds", "When it started, since 1970.",
                    seconds(CLOCK_REALTIME) - (seconds(CLOCK_BOOTTIME) - up));
    }
}
