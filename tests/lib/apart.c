#include "apart.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cmocka.h>

void apart_tell(const struct dir *dir, void (*story)(const struct dir *dir))
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        story(dir);
        _exit(APART_WELL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == APART_NOT_POSSIBLE) {
        print_message("*** NOT TESTED: this machine lets us mount nothing\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), APART_WELL);
}

void apart_mount(const struct dir *dir, const char *size)
{
    char options[64];

    (void)snprintf(options, sizeof options, "mode=0700,size=%s", size);
    if ((unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("seqd-test", dir->path, "tmpfs", 0, options) != 0) {
        fprintf(stderr, "mount: %s\n", strerror(errno));
        _exit(APART_NOT_POSSIBLE);
    }
}

void apart_fill(const struct dir *dir)
{
    static const char bytes[4096] = "x";
    struct dir filler = dir_entry(dir, "filler");
    int fd = open(filler.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    APART_CHECK(fd >= 0, strerror(errno));
    while (write(fd, bytes, sizeof bytes) > 0) {
    }
    APART_CHECK(errno == ENOSPC, strerror(errno));
    close(fd);
}
