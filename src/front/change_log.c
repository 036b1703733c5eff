#include "change_log.h"

#include "base/log.h"

#include <inttypes.h>

static const char *action_done(const struct admin_request *admin)
{
    switch (admin->action) {
    case ADMIN_CREATE:
        return admin->created ? "created" : "found as it was to be created";
    case ADMIN_ALTER:
        return "altered";
    case ADMIN_ADVANCE:
        return "advanced";
    case ADMIN_DROP:
        return "dropped";
    case ADMIN_BACKUP:
        return "backed up";
    case ADMIN_LEDGER:
        break;
    }
    return "changed";
}

static const char *action_name(const struct admin_request *admin)
{
    switch (admin->action) {
    case ADMIN_CREATE:
        return "create";
    case ADMIN_ALTER:
        return "alter";
    case ADMIN_ADVANCE:
        return "advance";
    case ADMIN_DROP:
        return "drop";
    case ADMIN_BACKUP:
        return "back up";
    case ADMIN_LEDGER:
        break;
    }
    return "change";
}

void change_log(const struct admin_request *admin, const char *peer)
{
    if (admin->action == ADMIN_LEDGER) {
        return;
    }
    if (admin->action == ADMIN_BACKUP && admin->error == ERR_OK) {
        log_notice("backed up by %s", peer);
    } else if (admin->action == ADMIN_BACKUP) {
        log_notice("%s wanted a backup, which was refused (%s: %s)", peer, error_name(admin->error),
                   admin->detail.text);
    } else if (admin->error == ERR_OK && admin->rewound) {
        log_warning("sequence '%s': moved backward by %s, numbers from %" PRId64 " to %" PRId64
                    " may come again, as was forced",
                    admin->name, peer, admin->repeat_first, admin->repeat_last);
    } else if (admin->error == ERR_OK) {
        log_notice("sequence '%s': %s by %s", admin->name, action_done(admin), peer);
    } else {
        log_notice("sequence '%s': %s wanted to %s it, which was refused (%s: %s)", admin->name,
                   peer, action_name(admin), error_name(admin->error), admin->detail.text);
    }
}
