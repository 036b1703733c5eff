#include "environment.h"

#include "base/range.h"
#include "failure.h"
#include "readback.h"
#include "store/store_lmdb.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define TABLES_MAX 8
#define READERS_MAX 8        /* of outside tools; seqd itself reads in its write transactions */
#define LOCK_FILE_BYTES 4096 /* room for that many readers' slots, and more */
#define ZEROS_CHUNK_BYTES (64 << 10)
#define OWN_PAGES 6 /* of LMDB: two meta pages, the tree of tables, the list of free pages */

/* Of the ledger, a commit touches the end where it writes a row for each request, and the beginning
 * where it evicts a few for each: 15 rows and more fit a page. So much it may grow by. */
#define LEDGER_REACH_PAGES (STORE_REQUESTS_MAX / 2)
#define LEDGER_GROWTH_PAGES (STORE_REQUESTS_MAX / 15 + 12)

enum error environment_fail(struct environment *environment, int code, const char *what,
                            struct error_detail *detail)
{
    enum error error = failure_of_lmdb(code);

    assert(code != MDB_SUCCESS);
    environment->full = code == MDB_MAP_FULL;
    if (error == ERR_NOT_FOUND || error == ERR_INVALID) {
        error = ERR_IO; /* outside the start no file is looked for and no permission is asked */
    }
    return error_fail(detail, error, "cannot %s '%s/%s': %s", what, environment->directory->path,
                      DIRECTORY_DATA, mdb_strerror(code));
}

/* Append real zeros from `from` to `to`. ERR_UNAVAILABLE when the disk is full. */
static enum error fill(struct environment *environment, int fd, uint64_t from, uint64_t to,
                       struct error_detail *detail)
{
    static const uint8_t zeros[ZEROS_CHUNK_BYTES];

    while (from < to) {
        ssize_t written =
            pwrite(fd, zeros, (size_t)range_min(to - from, sizeof(zeros)), (off_t)from);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            errno = written == 0 ? ENOSPC : errno;
            return directory_fail(environment->directory, "write zeros to", DIRECTORY_DATA, detail);
        }
        from += (uint64_t)written;
    }
    if (fsync(fd) != 0) {
        return directory_fail(environment->directory, "sync", DIRECTORY_DATA, detail);
    }
    return ERR_OK;
}

/* How large the data file is, and how much of it LMDB uses. */
struct extent {
    int fd; /* LMDB's, borrowed */
    uint64_t page_bytes;
    uint64_t used_bytes;
    uint64_t map_bytes;
    uint64_t file_bytes;
};

static enum error measure(struct environment *environment, struct extent *ret_extent,
                          struct error_detail *detail)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat status;
    int code = mdb_env_get_fd(environment->env, &ret_extent->fd);

    code = code != MDB_SUCCESS ? code : mdb_env_info(environment->env, &info);
    code = code != MDB_SUCCESS ? code : mdb_env_stat(environment->env, &stat);
    if (code != MDB_SUCCESS) {
        return environment_fail(environment, code, "measure", detail);
    }
    if (fstat(ret_extent->fd, &status) != 0) {
        return directory_fail(environment->directory, "look at", DIRECTORY_DATA, detail);
    }
    ret_extent->page_bytes = stat.ms_psize;
    ret_extent->used_bytes =
        range_multiply_capped(range_add_capped(info.me_last_pgno, 1), stat.ms_psize);
    ret_extent->map_bytes = info.me_mapsize;
    ret_extent->file_bytes = (uint64_t)status.st_size;
    return ERR_OK;
}

/* LMDB maps its lock file, sparse, and writes through the mapping: on a full disk that kills the
 * process. With its blocks written beforehand it cannot. */
static enum error prepare_lock_file(const struct directory *directory, struct error_detail *detail)
{
    static const uint8_t zeros[LOCK_FILE_BYTES];
    enum error error = ERR_OK;
    struct stat status;
    int fd = openat(directory->fd, DIRECTORY_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0) {
        return directory_fail(directory, "open", DIRECTORY_LOCK, detail);
    }
    if (fstat(fd, &status) != 0) {
        error = directory_fail(directory, "look at", DIRECTORY_LOCK, detail);
    } else if (status.st_size < LOCK_FILE_BYTES) {
        ssize_t written;

        do {
            written = pwrite(fd, zeros, sizeof(zeros), 0);
        } while (written < 0 && errno == EINTR);
        if (written != sizeof(zeros)) {
            errno = written < 0 ? errno : ENOSPC;
            error = directory_fail(directory, "write", DIRECTORY_LOCK, detail);
        }
    }
    close(fd);
    return error;
}

static int try_open(struct environment *environment)
{
    int code = mdb_env_create(&environment->env);

    if (code != MDB_SUCCESS) {
        environment->env = NULL;
        return code;
    }
    code = mdb_env_set_mapsize(environment->env, (size_t)environment->map_size_bytes);
    code = code != MDB_SUCCESS ? code : mdb_env_set_maxdbs(environment->env, TABLES_MAX);
    code = code != MDB_SUCCESS ? code : mdb_env_set_maxreaders(environment->env, READERS_MAX);
    return code != MDB_SUCCESS
               ? code
               : mdb_env_open(environment->env, environment->directory->path, 0, 0600);
}

/* LMDB takes a lock of its table that fails for another process's, and finds its empty table
 * damaged then. Nobody else has it, so a second try tells that apart from a file that is not
 * LMDB's. */
static int open_env(struct environment *environment)
{
    int code = try_open(environment);

    if (code == MDB_INVALID) {
        environment_close(environment);
        code = try_open(environment);
    }
    return code;
}

/* Open what lies there or, where nothing does, let LMDB make it. */
static enum error open_file(struct environment *environment, struct error_detail *detail)
{
    enum error error = prepare_lock_file(environment->directory, detail);
    int code;
    int fd;

    if (error != ERR_OK) {
        return error;
    }
    environment->tables_open = false;
    code = open_env(environment);
    if (code != MDB_SUCCESS) {
        return error_fail(detail, failure_of_lmdb(code), "cannot open '%s/%s': %s",
                          environment->directory->path, DIRECTORY_DATA, mdb_strerror(code));
    }
    code = mdb_env_get_fd(environment->env, &fd);
    if (code != MDB_SUCCESS) {
        return environment_fail(environment, code, "open", detail);
    }
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return directory_fail(environment->directory, "keep to ourselves", DIRECTORY_DATA, detail);
    }
    return directory_still_holds(environment->directory, DIRECTORY_DATA, fd, detail);
}

static enum error check_extent(struct environment *environment, struct error_detail *detail)
{
    struct extent extent = {0};
    enum error error = measure(environment, &extent, detail);

    if (error == ERR_OK && extent.used_bytes > extent.file_bytes) {
        error = error_fail(detail, ERR_CORRUPT,
                           "'%s/%s' was cut: it has %" PRIu64 " bytes and uses %" PRIu64
                           "; see docs/DISK-FORMAT.md",
                           environment->directory->path, DIRECTORY_DATA, extent.file_bytes,
                           extent.used_bytes);
    }
    return error;
}

enum error environment_create(struct environment *environment, struct error_detail *detail)
{
    struct extent extent = {0};
    enum error error = open_file(environment, detail);

    if (error == ERR_OK) {
        error = measure(environment, &extent, detail);
    }
    /* Before the first transaction, so that none of its pages is a new block either. */
    if (error == ERR_OK) {
        error = fill(environment, extent.fd, extent.file_bytes, STORE_LMDB_ZEROS_BYTES, detail);
    }
    if (error != ERR_OK) {
        environment_close(environment);
    }
    return error;
}

enum error environment_open(struct environment *environment, struct error_detail *detail)
{
    /* Before LMDB sees the file: it would take an empty one for a new one, and die of a cut one. */
    enum error error =
        readback_check(environment->directory, DIRECTORY_DATA, STORE_LMDB_ZEROS_BYTES, detail);

    if (error == ERR_OK) {
        error = open_file(environment, detail);
    }
    if (error == ERR_OK) {
        error = check_extent(environment, detail);
    }
    if (error != ERR_OK) {
        environment_close(environment);
    }
    return error;
}

void environment_close(struct environment *environment)
{
    if (environment->env != NULL) {
        mdb_env_close(environment->env);
        environment->env = NULL;
    }
    environment->tables_open = false;
}

uint64_t environment_ledger_pages(struct environment *environment, MDB_txn *txn)
{
    MDB_stat stat = {0};

    if (environment->has_ledger && mdb_stat(txn, environment->ledger, &stat) == MDB_SUCCESS) {
        environment->ledger_pages = stat.ms_branch_pages + stat.ms_leaf_pages;
    }
    return environment->ledger_pages;
}

/* A data set that an earlier seqd made has none: it gets one. One that is damaged is left alone,
 * for leases do not depend on it. */
static int open_ledger(struct environment *environment, MDB_txn *txn)
{
    int code = mdb_dbi_open(txn, "ledger", MDB_CREATE, &environment->ledger);

    environment->has_ledger = code == MDB_SUCCESS;
    environment->ledger_pages = 0;
    (void)environment_ledger_pages(environment, txn); /* remembered there */
    return code == MDB_MAP_FULL ? code : MDB_SUCCESS;
}

static int open_tables(struct environment *environment, MDB_txn *txn, bool create)
{
    unsigned flags = create ? MDB_CREATE : 0;
    int code = mdb_dbi_open(txn, "meta", flags, &environment->meta);

    code =
        code != MDB_SUCCESS ? code : mdb_dbi_open(txn, "sequence", flags, &environment->sequence);
    code = code != MDB_SUCCESS ? code : mdb_dbi_open(txn, "mirror", flags, &environment->mirror);
    return code != MDB_SUCCESS ? code : open_ledger(environment, txn);
}

enum error environment_begin(struct environment *environment, bool create, MDB_txn **ret_txn,
                             struct error_detail *detail)
{
    MDB_txn *txn = NULL;
    int code;

    environment->full = false;
    code = mdb_txn_begin(environment->env, NULL, 0, &txn);
    if (code != MDB_SUCCESS) {
        return environment_fail(environment, code, "begin a transaction on", detail);
    }
    code = environment->tables_open ? MDB_SUCCESS : open_tables(environment, txn, create);
    if (code != MDB_SUCCESS) {
        enum error error = environment_fail(environment, code, "find the tables of", detail);

        environment_abort(&txn);
        return code == MDB_NOTFOUND ? ERR_CORRUPT : error;
    }
    *ret_txn = txn;
    return ERR_OK;
}

enum error environment_commit(struct environment *environment, MDB_txn **txn,
                              struct error_detail *detail)
{
    int code = mdb_txn_commit(*txn);

    *txn = NULL; /* LMDB has freed it, whatever it returned */
    if (code != MDB_SUCCESS) {
        return environment_fail(environment, code, "commit to", detail);
    }
    environment->tables_open = true;
    return ERR_OK;
}

void environment_abort(MDB_txn **txn)
{
    if (*txn != NULL) {
        mdb_txn_abort(*txn);
        *txn = NULL;
    }
}

/* The most that one transaction may copy: a leaf and a branch for each of a record's two copies,
 * LMDB's own lists of free pages, and the ledger's ends. */
static uint64_t reach_of(uint64_t page_bytes)
{
    return range_multiply_capped(4 * STORE_REQUESTS_MAX + 64 + LEDGER_REACH_PAGES, page_bytes);
}

/* The most that one transaction can copy of what there is: all of it, but for the ledger's middle.
 */
static uint64_t copied_at_most(const struct environment *environment, const struct extent *extent)
{
    uint64_t middle =
        environment->ledger_pages - range_min(environment->ledger_pages, LEDGER_REACH_PAGES);
    uint64_t still = range_multiply_capped(middle, extent->page_bytes);

    return range_min(extent->used_bytes - range_min(extent->used_bytes, still),
                     reach_of(extent->page_bytes));
}

/* The bytes used, and what the largest commit and the next need beside them: twice, for LMDB leaves
 * the pages that a transaction freed alone during the next one. */
static uint64_t room_for_commits(const struct environment *environment, const struct extent *extent)
{
    return range_add_capped(extent->used_bytes,
                            range_multiply_capped(2, copied_at_most(environment, extent)));
}

enum error environment_make_room(struct environment *environment, struct error_detail *detail)
{
    struct extent extent = {0};
    uint64_t wanted;
    enum error error = measure(environment, &extent, detail);

    if (error != ERR_OK) {
        return error;
    }
    wanted = range_add_capped(room_for_commits(environment, &extent),
                              LEDGER_GROWTH_PAGES * extent.page_bytes);
    environment->tight = wanted > environment->map_size_max_bytes;
    if (wanted <= extent.file_bytes) {
        return ERR_OK;
    }
    wanted = (wanted / STORE_LMDB_ZEROS_BYTES + 1) * STORE_LMDB_ZEROS_BYTES;
    wanted = range_min(wanted, extent.map_bytes);
    error = fill(environment, extent.fd, extent.file_bytes, wanted, detail);
    environment->tight = environment->tight || error == ERR_UNAVAILABLE;
    return error == ERR_UNAVAILABLE ? ERR_OK : error;
}

/* What `count` tables hold, and not how long the file is: pages that were freed are used again. */
static enum error measure_tables(struct environment *environment, MDB_txn *txn,
                                 const MDB_dbi *tables, size_t count, struct extent *ret_extent,
                                 struct error_detail *detail)
{
    for (size_t i = 0; i < count; i++) {
        MDB_stat stat;
        int code = mdb_stat(txn, tables[i], &stat);

        if (code != MDB_SUCCESS) {
            return environment_fail(environment, code, "measure", detail);
        }
        ret_extent->page_bytes = stat.ms_psize;
        ret_extent->used_bytes +=
            (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) *
            (uint64_t)stat.ms_psize;
    }
    return ERR_OK;
}

enum error environment_check_headroom(struct environment *environment, MDB_txn *txn,
                                      struct error_detail *detail)
{
    const MDB_dbi tables[] = {environment->meta, environment->sequence, environment->mirror,
                              environment->ledger};
    uint64_t max_bytes = environment->map_size_max_bytes;
    uint64_t records_bytes;
    struct extent extent = {0};
    enum error error = measure_tables(environment, txn, tables, 3, &extent, detail);

    records_bytes = extent.used_bytes;
    if (error == ERR_OK) {
        error = measure_tables(environment, txn, tables + 3, 1, &extent, detail);
    }
    if (error != ERR_OK) {
        return error;
    }
    /* LMDB's own pages, which are copied likewise. */
    extent.used_bytes += OWN_PAGES * extent.page_bytes;
    /* A small map needs more than its share: the largest commit copies nearly all that it holds. */
    if (records_bytes < max_bytes / 100 * STORE_LMDB_NEW_PERCENT &&
        room_for_commits(environment, &extent) <= max_bytes) {
        return ERR_OK;
    }
    return error_fail(detail, ERR_UNAVAILABLE,
                      "'%s/%s' uses %" PRIu64 " of the %" PRIu64
                      " bytes of map_size_max: the rest is for renewals of what is there, so no "
                      "new sequence is made; raise map_size_max",
                      environment->directory->path, DIRECTORY_DATA, records_bytes, max_bytes);
}

enum error environment_grow(struct environment *environment, struct error_detail *detail)
{
    struct extent extent = {0};
    enum error error = measure(environment, &extent, detail);
    uint64_t size;
    int code;

    if (error != ERR_OK) {
        return error;
    }
    if (extent.map_bytes >= environment->map_size_max_bytes) {
        return error_fail(
            detail, ERR_UNAVAILABLE, "'%s/%s' has reached its limit of %" PRIu64 " bytes",
            environment->directory->path, DIRECTORY_DATA, environment->map_size_max_bytes);
    }
    environment->full = false;
    size = range_min(range_multiply_capped(extent.map_bytes, 2), environment->map_size_max_bytes);
    code = mdb_env_set_mapsize(environment->env, (size_t)size);
    if (code != MDB_SUCCESS) {
        return environment_fail(environment, code, "map more of", detail);
    }
    environment->map_size_bytes = size;
    return ERR_OK;
}
