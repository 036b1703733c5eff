# What the checks of the Debian package share: small Debian systems that are made once and kept, copies of them that are
# booted by systemd in a container, and the count of what was proved. To be sourced.
#
# A container is ended by `systemctl poweroff` alone. Everything has an end: commands inside by `timeout`, the container
# as a whole by CONTAINER_LIMIT_SECONDS.

roots=build/deb-roots
logs=build/deb-logs
passed=0
failed=0
CONTAINER_LIMIT_SECONDS=${CONTAINER_LIMIT_SECONDS:-1500}

say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }

finish() { # EXIT-STATUS
    echo "$passed passed, $failed failed"
    exit "$1"
}

# Run a step; the first that fails ends the check, with what it and the service said.
try() { # WHAT-IT-PROVES COMMAND...
    local what=$1 log status
    shift
    log=$logs/$(printf '%s' "${what,,}" | tr -cs 'a-z0-9' '-').log
    # Not as a condition, in which `set -e` would not count.
    set +e
    (set -e; "$@") >"$log" 2>&1
    status=$?
    set -e
    if [ "$status" = 0 ]; then
        passed=$((passed + 1))
        say "ok: $what$(sed -n 's/^figure: /, /p' "$log" | tr -d '\n')"
        return
    fi
    failed=$((failed + 1))
    say "FAILED: $what"
    tail -n 40 "$log"
    if [ -n "${init:-}" ] && [ -d "/proc/$init" ]; then
        echo '--- the journal of the service'
        inside 'journalctl --no-pager -n 40 -u seqd.service' || true
    fi
    finish 1
}

# --- Debian systems ------------------------------------------------------------------------------------------------------

host_release() { (. /etc/os-release && echo "$VERSION_CODENAME"); }

# The machine's own Debian sources, for another release.
write_sources() { # RELEASE FOLDER
    local file
    mkdir -p "$2"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        if [ -e "$file" ] && grep -v '^#' "$file" | grep -w main | grep -q . &&
            grep -v '^#' "$file" | grep -qw "$(host_release)"; then
            sed "/^#/d; s/\b$(host_release)\b/$1/g" "$file" >"$2/${file##*/}"
        fi
    done
    [ -n "$(ls "$2")" ] || { echo "no source for Debian $(host_release) in /etc/apt" >&2; return 1; }
}

proxy_of_apt() {
    apt-config dump 2>/dev/null | sed -n 's/^\(Acquire::https\?::Proxy\) "\(..*\)";$/--aptopt=\1 "\2"/p'
}

# A system with these packages, made once: its folder's name changes with what is in it.
root_of() { # RELEASE VARIANT PACKAGE,... : prints the folder
    local folder sources options
    folder=$roots/$1-$(echo "$2 $3" | sha256sum | head -c 12)
    if [ ! -e "$folder/.complete" ]; then
        say "making Debian '$1' ($2) in $folder" >&2
        sources=$(mktemp -d)
        write_sources "$1" "$sources"
        mapfile -t options < <(proxy_of_apt)
        rm -rf "$folder"
        mkdir -p "$roots"
        if ! timeout -k 10 600 mmdebstrap --quiet --aptopt='Acquire::Retries "5"' --variant="$2" --include="$3" ${options[@]+"${options[@]}"} \
            --customize-hook='printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d"' \
            --customize-hook='chmod +x "$1/usr/sbin/policy-rc.d"' \
            "$1" "$folder" "$sources"/* >"$logs/mmdebstrap-$1.log" 2>&1; then
            cat "$logs/mmdebstrap-$1.log" >&2
            return 1
        fi
        rm -rf "$sources"
        touch "$folder/.complete"
    fi
    echo "$folder"
}

# The names of what a package or source depends on: the first of alternatives, no versions, no profiles.
names_of() { tr ',\n' '\n ' | sed 's/|.*//; s/([^)]*)//g; s/<[^>]*>//g; s/ //g; /^$/d' | sort -u | paste -sd,; }

# A copy to write to. An overlay where the kernel can, else a real copy.
copy_of() { # ROOT: prints the folder
    local copy
    copy=$(mktemp -d -p "$(realpath "$roots")" run-XXXXXX)
    mkdir "$copy/upper" "$copy/work" "$copy/root"
    echo "$copy/root" >>"$logs/copies"
    chmod 0755 "$copy" "$copy/root" "$copy/upper"
    if ! mount -t overlay overlay -o "lowerdir=$(realpath "$1"),upperdir=$copy/upper,workdir=$copy/work" "$copy/root"; then
        cp -a --reflink=auto "$1/." "$copy/root/"
    fi
    echo "$copy/root"
}

drop_copy() { # FOLDER
    ! mountpoint -q "$1" || umount "$1"
    rm -rf --one-file-system "${1%/root}"
}

# What a step that failed has left behind.
drop_copies() {
    local copy
    [ -e "$logs/copies" ] || return 0
    while read -r copy; do
        [ ! -d "$copy" ] || drop_copy "$copy" || echo "cannot remove $copy"
    done <"$logs/copies"
}

# --- The container ---------------------------------------------------------------------------------------------------------

container= # the folder that is booted
nspawn=    # the process that limits and holds it
init=      # its systemd, as the host numbers it

boot() { # ROOT
    local tries
    container=$(copy_of "$1")
    rm -f "$container/usr/sbin/policy-rc.d"
    setsid timeout -k 30 "$CONTAINER_LIMIT_SECONDS" systemd-nspawn -q -D "$container" -b --register=no --keep-unit \
        --private-network --console=pipe </dev/null >"$logs/console.log" 2>&1 &
    nspawn=$!
    for ((tries = 0; tries < 600; tries++)); do
        init=$(pgrep -P "$(pgrep -P "$nspawn" -x systemd-nspawn)" -x systemd 2>/dev/null || true)
        if [ -n "$init" ] && inside 'systemctl is-system-running || true' 2>/dev/null | grep -qE 'running|degraded'; then
            say "booted $(inside '. /etc/os-release; echo "$PRETTY_NAME"; systemctl --version | head -n 1' | paste -sd ' ')"
            return
        fi
        kill -0 "$nspawn" 2>/dev/null || break
        sleep 0.1
    done
    cat "$logs/console.log"
    say 'FAILED: the container does not start on this machine; it takes root, and a kernel that lets systemd-nspawn work'
    failed=$((failed + 1))
    finish 1
}

inside() { # SHELL-COMMANDS [ARGUMENT...]
    local script=$1
    shift
    nsenter -t "$init" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        timeout -k 5 300 bash -euo pipefail -c "cd /root; [ ! -e lib ] || . ./lib; $script" inside "$@" </dev/null
}

shut_down() {
    local tries
    [ -n "$nspawn" ] || return 0
    if kill -0 "$nspawn" 2>/dev/null; then
        [ -z "$init" ] || inside 'systemctl poweroff' >/dev/null 2>&1 || true
        for ((tries = 0; tries < 600; tries++)); do
            kill -0 "$nspawn" 2>/dev/null || break
            sleep 0.1
        done
        # The signal that nspawn passes on as a wish to power off.
        kill -TERM "$nspawn" 2>/dev/null || true
        wait "$nspawn" 2>/dev/null || true
    fi
    nspawn=
    init=
    drop_copy "$container"
}
