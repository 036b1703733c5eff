# What is tried of the package in a booted container; to be sourced by `check`. Each function proves one thing.

RESTART_S=1 # RestartSec of the unit

# From the end of the installation to the first number.
step_install() { # DEB
    cp "$1" "$container/root/seqd.deb"
    inside '
        apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 ./seqd.deb
        before=$(now_ms)
        number=$(next)
        took=$(($(now_ms) - before))
        [ "$number" = 1 ]
        systemctl is-active seqd.service
        [ "$took" -le 2000 ]
        echo "figure: first number $took ms after apt-get"'
}

step_installed_files() {
    inside '
        expect() { [ "$(stat -c "%a %U:%G" "$1")" = "$2" ] || { stat -c "%n %a %U:%G, not $2" "$1"; exit 1; }; }
        expect /var/lib/seqd "700 seqd:seqd"
        expect /etc/seqd/seqd.conf "644 root:root"
        expect /run/seqd "755 seqd:seqd"
        expect /run/seqd/seqd.sock "660 seqd:seqd"
        [ "$(seqctl next default)" = 2 ]
        [ "$(stat -c %U "/proc/$(main_pid)")" = seqd ]
        grep -qE "^CapBnd:.0+$" "/proc/$(main_pid)/status"
        # More than the container itself has put upon all.
        filters() { sed -n "s/^Seccomp_filters:.//p" "/proc/$1/status"; }
        [ "$(filters "$(main_pid)")" -gt "$(filters 1)" ]
        [ "$(systemctl is-enabled seqd.service)" = enabled ]
        [ "$(systemctl is-enabled seqd.socket || true)" = disabled ]
        [ "$(systemctl is-active seqd.socket || true)" = inactive ]'
}

# A crash under load: the clients go on, and nothing comes twice.
step_kill() {
    inside '
        load_start 4
        load_goes_on 500
        old=$(main_pid)
        before=$(now_ms)
        kill -KILL "$old"
        number=$(next)
        took=$(($(now_ms) - before))
        load_goes_on 500
        load_stop
        [ "$(main_pid)" != "$old" ]
        all_unique
        echo "figure: back after $took ms"'
}

step_restart() {
    inside '
        one=$(next)
        systemctl restart seqd.service
        two=$(next)
        rises "$one" "$two"
        [ "$two" = $((one + 1)) ] || { echo "a clean restart lost numbers: $one, then $two"; exit 1; }'
}

# A purge forgets the configuration, never the numbers.
step_purge_and_reinstall() {
    inside '
        one=$(next)
        apt-get purge -y seqd
        [ ! -e /etc/seqd ] && [ ! -e /usr/sbin/seqd ]
        [ -s /var/lib/seqd/data.mdb ]
        ! curl -s --max-time 2 "$url" || exit 1
        apt-get install -y --no-install-recommends ./seqd.deb
        two=$(next)
        rises "$one" "$two"
        all_unique'
}

step_all_unique() { inside 'all_unique'; }

# A process that hangs as a whole is ended by the watchdog.
step_watchdog() {
    inside '
        mkdir -p /run/systemd/system/seqd.service.d
        printf "[Service]\nWatchdogSec=2\n" >/run/systemd/system/seqd.service.d/watchdog.conf
        systemctl daemon-reload
        systemctl restart seqd.service
        one=$(next)
        old=$(main_pid)
        since=$(date +%s.%N)
        before=$(now_ms)
        kill -STOP "$old"
        journal_says "Watchdog timeout" "$since"
        two=$(next)
        took=$(($(now_ms) - before))
        rises "$one" "$two"
        [ "$(main_pid)" != "$old" ]
        echo "figure: back after $took ms with WatchdogSec=2"'
}

# ... and one that works is not, for as long as several watches last.
step_watchdog_fed() {
    inside '
        old=$(main_pid)
        count=$(systemctl show -P NRestarts seqd.service)
        fed() { systemctl show -P WatchdogTimestampMonotonic seqd.service; }
        first=$(fed)
        for ((i = 0; i < 600 && $(fed) < first + 7000000; i++)); do sleep 0.1; done
        [ "$(fed)" -ge $((first + 7000000)) ]
        [ "$(main_pid)" = "$old" ] && [ "$(systemctl show -P NRestarts seqd.service)" = "$count" ]
        rm /run/systemd/system/seqd.service.d/watchdog.conf
        systemctl daemon-reload
        systemctl restart seqd.service'
}

# However often it dies, systemd does not give it up.
step_never_given_up() {
    inside '
        for ((i = 0; i < 8; i++)); do
            kill -KILL "$(main_pid)"
            next
        done
        all_unique'
}

# The kernel ends it for want of memory. Where the container has no memory controller of its own, the host's is used.
step_out_of_memory() {
    local pid inner group=/sys/fs/cgroup/memory/seqd-check-$$
    inner=$(inside main_pid)
    if inside '[ -e "/sys/fs/cgroup$(sed -n s/^0:://p /proc/$(main_pid)/cgroup)/memory.max" ]'; then
        inside 'load_start 4; load_goes_on 100; systemctl set-property --runtime seqd.service MemoryMax=1M MemorySwapMax=0'
    elif [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
        pid=$(host_pid "$inner")
        inside 'load_start 4; load_goes_on 100'
        mkdir "$group"
        echo 65536 >"$group/memory.limit_in_bytes"
        echo "$pid" >"$group/cgroup.procs"
    else
        echo 'no memory controller on this machine' >&2
        return 1
    fi
    inside '
        old=$1
        for ((i = 0; i < 1200; i++)); do
            # What the service has to do beyond its memory: many connections at a time.
            curl -fsS --max-time 5 -Z --parallel-max 100 "$url/metrics#[1-200]" >/dev/null 2>&1 || true
            [ "$(systemctl show -P MainPID seqd.service)" = "$old" ] || break
        done
        systemctl revert seqd.service
        next
        [ "$(main_pid)" != "$old" ]
        load_goes_on 200
        load_stop
        all_unique' "$inner"
    dmesg 2>/dev/null | grep -E "Killed process .*\(seqd\)|oom-kill.*seqd" | tail -n 1 || true
    [ ! -d "$group" ] || rmdir "$group"
}

# The number that the host gives a process of the container.
host_pid() { # PID-INSIDE
    local status
    for status in /proc/[0-9]*/status; do
        if grep -qs "^NSpid:.*[[:space:]]$1\$" "$status" && grep -qs '^Name:.seqd$' "$status"; then
            sed -n 's/^Pid:[[:space:]]*//p' "$status"
            return
        fi
    done
    return 1
}

# With the socket unit no connection is refused while the service restarts, twenty times.
step_socket_restarts() {
    inside '
        systemctl stop seqd.service
        systemctl enable --now seqd.socket
        next
        systemctl start seqd.service
        load_start 4
        load_goes_on 200
        for ((i = 0; i < 20; i++)); do
            systemctl restart seqd.service
            load_goes_on 20
        done
        load_stop
        if cat /root/failures.* | grep .; then echo "a request failed"; exit 1; fi
        all_unique
        echo "figure: 20 restarts, 0 requests refused or cut off"'
}

# A crash under load with the socket unit: connections wait for the next life.
step_socket_kill() {
    inside '
        load_start 4
        load_goes_on 200
        kill -KILL "$(main_pid)"
        before=$(now_ms)
        next
        took=$(($(now_ms) - before))
        load_goes_on 200
        load_stop
        ! cat /root/failures.* | grep -F "(7)" || { echo "a connection was refused"; exit 1; }
        all_unique
        systemctl disable --now seqd.socket
        systemctl restart seqd.service
        next
        echo "figure: 0 connections refused, back after $took ms"'
}

# A mistake is named with file and line; on a reload nothing changes.
step_broken_reload() {
    inside '
        printf "[http]\nmax_count = 5\n" >/etc/seqd/conf.d/10-limit.conf
        systemctl reload seqd.service
        curl -fsS "$url/v1/sequences/default/next?count=5" >>numbers
        since=$(date +%s.%N)
        printf "[http]\nmax_count = 7\nmax_cuont = 6\n" >/etc/seqd/conf.d/20-wrong.conf
        ! systemctl reload seqd.service || { echo "the reload succeeded"; exit 1; }
        journal_says "/etc/seqd/conf.d/20-wrong.conf:3: unknown key" "$since"
        systemctl is-active seqd.service
        ! curl -fsS "$url/v1/sequences/default/next?count=6" || { echo "the limit does not count"; exit 1; }'
}

# A restart with it is refused, and tried until the file is right.
step_broken_restart() {
    inside '
        since=$(date +%s.%N)
        ! systemctl restart seqd.service || { echo "the restart succeeded"; exit 1; }
        journal_says "/etc/seqd/conf.d/20-wrong.conf:3: unknown key" "$since"
        rm /etc/seqd/conf.d/20-wrong.conf
        next
        rm /etc/seqd/conf.d/10-limit.conf
        systemctl reload seqd.service
        curl -fsS "$url/v1/sequences/default/next?count=6" >>numbers
        all_unique'
}

# What the store remembers with other numbers is refused at the start, with the line that says so.
step_conflicting_restart() {
    inside '
        printf "[sequence:default]\n\n[sequence:orders]\nstart = 10\n" >/etc/seqd/conf.d/orders.conf
        systemctl reload seqd.service
        next
        since=$(date +%s.%N)
        printf "[sequence:default]\n\n[sequence:orders]\nmin = 5\nstart = 20\n" >/etc/seqd/conf.d/orders.conf
        ! systemctl restart seqd.service || { echo "the restart succeeded"; exit 1; }
        journal_says "/etc/seqd/conf.d/orders.conf:3: " "$since"
        rm /etc/seqd/conf.d/orders.conf
        next'
}

# From the version before to this one and back, with a configuration that was edited here.
step_upgrade() { # OLD-DEB
    cp "$1" "$container/root/old.deb"
    inside '
        install_deb() { apt-get install -y --no-install-recommends --allow-downgrades \
            -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$1"; }
        apt-get purge -y seqd
        install_deb ./old.deb
        grep -q "the version before" /etc/seqd/seqd.conf
        sed -i "s/^#max_count = .*/max_count = 3/" /etc/seqd/seqd.conf
        printf "[http]\nwait_timeout = 4s\n" >/etc/seqd/conf.d/mine.conf
        systemctl restart seqd.service
        one=$(next)
        install_deb ./seqd.deb
        [ "$(dpkg-query -W -f "\${Version}" seqd)" = "$(dpkg-deb -f seqd.deb Version)" ]
        two=$(next)
        rises "$one" "$two"
        grep -q "^max_count = 3$" /etc/seqd/seqd.conf && [ -e /etc/seqd/seqd.conf.dpkg-dist ]
        ! curl -fsS "$url/v1/sequences/default/next?count=4" || { echo "the edit does not count"; exit 1; }
        install_deb ./old.deb
        three=$(next)
        rises "$two" "$three"
        grep -q "^max_count = 3$" /etc/seqd/seqd.conf
        apt-get purge -y seqd
        [ ! -e /etc/seqd/seqd.conf.dpkg-dist ]
        rm -rf /etc/seqd
        apt-get install -y --no-install-recommends ./seqd.deb
        next
        all_unique'
}

# An instance of its own: other numbers, other data; restarted by an upgrade, ended by a removal.
step_instance() {
    inside '
        printf "[http]\nlisten = 127.0.0.1:8081\nsocket = /run/seqd-shop/seqd.sock\n[sequence:default]\nstart = 500\n" >/etc/seqd/shop.conf
        systemctl enable --now seqd@shop.service
        [ "$(curl -fsS http://127.0.0.1:8081/)" = 500 ]
        [ -s /var/lib/seqd-shop/data.mdb ] && [ -S /run/seqd-shop/seqd.sock ]
        old=$(systemctl show -P MainPID seqd@shop.service)
        apt-get install -y --reinstall ./seqd.deb
        [ "$(systemctl show -P MainPID seqd@shop.service)" != "$old" ]
        [ "$(curl -fsS --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1:8081/)" = 501 ]
        apt-get remove -y seqd
        [ "$(systemctl is-active seqd@shop.service || true)" != active ]
        apt-get install -y --no-install-recommends ./seqd.deb
        systemctl disable --now seqd@shop.service
        rm /etc/seqd/shop.conf
        next'
}

# A second state directory, by an administrator's drop-in: the first is the one that counts.
step_two_state_directories() {
    inside '
        one=$(next)
        mkdir -p /run/systemd/system/seqd.service.d
        printf "[Service]\nStateDirectory=seqd-more\n" >/run/systemd/system/seqd.service.d/more.conf
        systemctl daemon-reload
        systemctl restart seqd.service
        tr "\0" "\n" <"/proc/$(main_pid)/environ" | grep -x "STATE_DIRECTORY=/var/lib/seqd:/var/lib/seqd-more"
        two=$(next)
        [ "$two" = $((one + 1)) ]
        rm /run/systemd/system/seqd.service.d/more.conf
        systemctl daemon-reload
        systemctl restart seqd.service
        next'
}

# The tests that come with the package, as Debian runs them.
step_autopkgtest() { # DEB DSC
    cp "$2" "${2%.dsc}.tar.xz" "$container/root/"
    inside '
        status=0
        # It is a container; newer versions of autopkgtest do not find that out by themselves.
        autopkgtest ./seqd.deb "./$1" --no-built-binaries --ignore-restrictions=isolation-container \
            --output-dir /root/autopkgtest -- null || status=$?
        grep -E "^serves +PASS" /root/autopkgtest/summary
        [ "$status" = 0 ]' "$(basename "$2")"
}
