#include "apart.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 60    /* what takes longer hangs; a life takes milliseconds */
#define SAID_MAX 4096 /* bytes of what a process said that are shown */
#define MEMORY "/dev/shm"

static void need(bool done, const char *what)
{
    if (!done) {
        perror(what);
        exit(2);
    }
}

void *apart_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    need(memory != MAP_FAILED, "mmap");
    return memory;
}

int apart_run(int (*act)(void *context), void *context, FILE *said)
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        alarm(SECONDS);
        need(dup2(fileno(said), STDERR_FILENO) >= 0 && dup2(fileno(said), STDOUT_FILENO) >= 0,
             "dup2");
        exit(act(context));
    }
    need(waitpid(child, &status, 0) == child, "waitpid");
    return status;
}

bool apart_share_out(size_t jobs, void (*work)(void *context, size_t job), void *context)
{
    bool ended = true;

    fflush(stdout);
    for (size_t job = 0; job < jobs; job++) {
        pid_t child = fork();

        need(child >= 0, "fork");
        if (child == 0) {
            work(context, job);
            exit(0);
        }
    }
    for (size_t job = 0; job < jobs; job++) {
        int status = 0;

        ended = wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && ended;
    }
    return ended;
}

void apart_show(int status, FILE *said)
{
    char text[SAID_MAX + 1];
    size_t length;

    rewind(said);
    length = fread(text, 1, SAID_MAX, said);
    text[length] = '\0';
    printf("ended with %s %d\n%s", WIFSIGNALED(status) ? "signal" : "status",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), text);
    fflush(stdout);
}

void apart_use_memory(void)
{
    if (access(MEMORY, W_OK) == 0) {
        setenv("TMPDIR", MEMORY, 1);
    }
}
