#include "filesystem.h"

#include "failure.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/statfs.h>

struct refused {
    uint64_t type; /* f_type, see statfs(2) */
    const char *objection;
};

static const char in_memory[] = "is kept in memory and forgotten with the next boot";
static const char over_network[] = "lies on another machine";
static const char shared[] = "is shared by several machines";

static const struct refused refused[] = {
    {0x01021994, in_memory},    /* tmpfs */
    {0x858458F6, in_memory},    /* ramfs */
    {0x6969, over_network},     /* NFS */
    {0x517B, over_network},     /* SMB, as it was */
    {0xFF534D42, over_network}, /* CIFS */
    {0xFE534D42, over_network}, /* SMB 2 and later */
    {0x01021997, over_network}, /* 9p, of virtual machines too */
    {0x5346414F, over_network}, /* AFS, in the kernel … */
    {0x6B414653, over_network}, /* … and another one */
    {0x73757245, over_network}, /* Coda */
    {0x564C, over_network},     /* NCP */
    {0x00C36400, over_network}, /* Ceph */
    {0x786F4256, over_network}, /* VirtualBox's shared folders */
    {0x01161970, shared},       /* GFS2 */
    {0x7461636F, shared},       /* OCFS2 */
    {0x0BD00BD0, shared},       /* Lustre */
    {0x47504653, shared},       /* GPFS */
    {0xAAD7AAEA, shared},       /* Panasas */
    /* sshfs, GlusterFS, virtiofs and S3 look like a disk of this machine that is read this way. */
    {0x65735546, "is FUSE, behind which may be another machine"},
};

const char *filesystem_objection(uint64_t type)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (refused[i].type == type) {
            return refused[i].objection;
        }
    }
    return NULL;
}

enum error filesystem_check(int fd, const char *path, struct error_detail *detail)
{
    struct statfs status;
    const char *objection;

    if (fstatfs(fd, &status) != 0) {
        return error_fail(detail, failure_of_errno(errno),
                          "cannot tell the file system of '%s': %s", path, strerror(errno));
    }
    /* Signed and as wide as a long, while the numbers are 32 bits. */
    objection = filesystem_objection((uint32_t)status.f_type);
    if (objection != NULL) {
        return error_fail(detail, ERR_INVALID,
                          "the file system of the data directory '%s' %s; give seqd a directory on "
                          "a disk of this machine, or say 'filesystem = any' where you know better",
                          path, objection);
    }
    return ERR_OK;
}
