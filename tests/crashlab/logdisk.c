/* logdisk: a disk image as a file in a FUSE file system, with a log of all that reaches it.
 *
 *   logdisk IMAGE LOG MOUNTPOINT     stays in the foreground until it is unmounted
 *
 * MOUNTPOINT/disk   the image: put a loop device on it
 * MOUNTPOINT/mark   what an application has answered: "INDEX VALUE", logged in order with the rest
 * MOUNTPOINT/fail   "write N": the next N writes of the disk fail with EIO; "flush N": flushes
 *
 * The log: a header of 24 bytes for each event (type, length, offset or index, value; 32, 32, 64
 * and 64 bits, little-endian), and the bytes of a write behind it. Its order is the order in which
 * the disk saw things, so any state that a power cut could have left can be rebuilt from it.
 *
 * Threads: libfuse's; one lock holds for all that changes. */
#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum event {
    EVENT_WRITE = 1,
    EVENT_FLUSH = 2,
    EVENT_MARK = 3,
    EVENT_FAULT = 4,
};

struct header {
    uint32_t type;
    uint32_t length;
    uint64_t at;
    uint64_t value;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int image_fd;
static int log_fd;
static off_t image_bytes;
static unsigned failing_writes;  /* lock */
static unsigned failing_flushes; /* lock */

static void put(enum event type, uint64_t at, uint64_t value, const void *data, size_t length)
{
    struct header header = {
        .type = (uint32_t)type, .length = (uint32_t)length, .at = at, .value = value};
    if (write(log_fd, &header, sizeof header) != (ssize_t)sizeof header ||
        (length > 0 && write(log_fd, data, length) != (ssize_t)length)) {
        perror("logdisk: cannot write the log");
        abort();
    }
}

static int on_getattr(const char *path, struct stat *status, struct fuse_file_info *file)
{
    (void)file;
    memset(status, 0, sizeof *status);
    status->st_nlink = 1;
    if (strcmp(path, "/") == 0) {
        status->st_mode = S_IFDIR | 0700;
        return 0;
    }
    status->st_mode = S_IFREG | 0600;
    if (strcmp(path, "/disk") == 0) {
        status->st_size = image_bytes;
        return 0;
    }
    return strcmp(path, "/mark") == 0 || strcmp(path, "/fail") == 0 ? 0 : -ENOENT;
}

static int on_open(const char *path, struct fuse_file_info *file)
{
    file->direct_io = strcmp(path, "/disk") != 0;
    return 0;
}

static int on_truncate(const char *path, off_t size, struct fuse_file_info *file)
{
    (void)path;
    (void)size;
    (void)file;
    return 0; /* a shell's '>' on mark and fail; a loop device does not ask for it */
}

static int on_read(const char *path, char *to, size_t size, off_t at, struct fuse_file_info *file)
{
    (void)file;
    if (strcmp(path, "/disk") != 0) {
        return 0;
    }
    ssize_t length = pread(image_fd, to, size, at);
    return length < 0 ? -errno : (int)length;
}

static int take_mark(const char *text)
{
    unsigned long long index;
    unsigned long long value;
    char *rest = NULL;
    index = strtoull(text, &rest, 10);
    value = strtoull(rest, &rest, 10);
    if (*rest != '\n') {
        return -EINVAL;
    }
    put(EVENT_MARK, index, value, NULL, 0);
    return 0;
}

static int take_fault(const char *text)
{
    static const char write_word[] = "write ";
    static const char flush_word[] = "flush ";
    if (strncmp(text, write_word, strlen(write_word)) == 0) {
        failing_writes = (unsigned)strtoul(text + strlen(write_word), NULL, 10);
    } else if (strncmp(text, flush_word, strlen(flush_word)) == 0) {
        failing_flushes = (unsigned)strtoul(text + strlen(flush_word), NULL, 10);
    } else {
        return -EINVAL;
    }
    return 0;
}

static int write_disk(const char *data, size_t size, off_t at)
{
    if (failing_writes > 0) {
        failing_writes--;
        put(EVENT_FAULT, (uint64_t)at, 0, NULL, 0);
        return -EIO;
    }
    put(EVENT_WRITE, (uint64_t)at, 0, data, size);
    ssize_t length = pwrite(image_fd, data, size, at);
    return length < 0 ? -errno : (int)length;
}

static int on_write(const char *path, const char *data, size_t size, off_t at,
                    struct fuse_file_info *file)
{
    char text[64] = "";
    int result;
    (void)file;
    memcpy(text, data, size < sizeof text - 1 ? size : sizeof text - 1);
    pthread_mutex_lock(&lock);
    if (strcmp(path, "/disk") == 0) {
        result = write_disk(data, size, at);
    } else {
        result = strcmp(path, "/mark") == 0 ? take_mark(text) : take_fault(text);
        result = result == 0 ? (int)size : result;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static int on_fsync(const char *path, int data_only, struct fuse_file_info *file)
{
    int result = 0;
    (void)data_only;
    (void)file;
    if (strcmp(path, "/disk") != 0) {
        return 0;
    }
    pthread_mutex_lock(&lock);
    if (failing_flushes > 0) {
        failing_flushes--;
        put(EVENT_FAULT, 0, 1, NULL, 0);
        result = -EIO;
    } else {
        put(EVENT_FLUSH, 0, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static int on_fallocate(const char *path, int mode, off_t at, off_t length,
                        struct fuse_file_info *file)
{
    (void)path;
    (void)mode;
    (void)at;
    (void)length;
    (void)file;
    return -EOPNOTSUPP; /* so that the loop device writes zeros where it would punch holes */
}

static const struct fuse_operations operations = {
    .getattr = on_getattr,
    .open = on_open,
    .truncate = on_truncate,
    .read = on_read,
    .write = on_write,
    .fsync = on_fsync,
    .fallocate = on_fallocate,
};

int main(int argc, char **argv)
{
    struct stat status;
    if (argc != 4) {
        fputs("Usage: logdisk IMAGE LOG MOUNTPOINT\n", stderr);
        return 2;
    }
    image_fd = open(argv[1], O_RDWR | O_CLOEXEC);
    log_fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (image_fd < 0 || log_fd < 0 || fstat(image_fd, &status) != 0) {
        perror("logdisk: cannot open the image or the log");
        return 1;
    }
    image_bytes = status.st_size;
    char *arguments[] = {argv[0], argv[3], (char[]){"-f"}, NULL};
    return fuse_main(3, arguments, &operations, NULL);
}
