#include "confirm.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum outcome confirm(const struct arguments *arguments, const char *question)
{
    char line[16];
    if (arguments_has(arguments, OPTION_YES) || isatty(STDIN_FILENO) != 1) {
        return OUTCOME_OK;
    }
    fprintf(stderr, "%s [y/N] ", question);
    bool yes = fgets(line, sizeof line, stdin) != NULL &&
               (strcmp(line, "y\n") == 0 || strcmp(line, "yes\n") == 0);
    if (!yes) {
        return outcome_fail(OUTCOME_FAILED, "nothing was changed");
    }
    return OUTCOME_OK;
}
