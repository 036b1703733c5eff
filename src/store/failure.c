#include "failure.h"

#include <errno.h>
#include <lmdb.h>

enum error failure_of_errno(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
        return ERR_UNAVAILABLE;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_INVALID;
    case ENOENT:
        return ERR_NOT_FOUND;
    case ENOMEM:
        return ERR_NO_MEMORY;
    default:
        return ERR_IO;
    }
}

enum error failure_of_lmdb(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return ERR_OK;
    case MDB_NOTFOUND:
        return ERR_NOT_FOUND;
    case MDB_MAP_FULL:
        return ERR_UNAVAILABLE;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_CURSOR_FULL:
    case MDB_PAGE_FULL:
    case MDB_BAD_TXN: /* what follows the first sign of damage in a transaction */
        return ERR_CORRUPT;
    case MDB_VERSION_MISMATCH:
        return ERR_FENCED;
    case MDB_PANIC:
        return ERR_IO;
    default:
        return code > 0 ? failure_of_errno(code) : ERR_IO;
    }
}
