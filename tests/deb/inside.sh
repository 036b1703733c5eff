# What runs inside the container: sourced by every command there.
url=http://127.0.0.1:8080

# One number. It waits for a service that is about to come back; every number that came is kept in `numbers`.
next() {
    local tries number
    for ((tries = 0; tries < 600; tries++)); do
        if number=$(curl -fsS --max-time 20 "$url/v1/sequences/default/next" 2>/root/next.err); then
            echo "$number" >>/root/numbers
            echo "$number"
            return
        fi
        sleep 0.05
    done
    cat /root/next.err >&2
    return 1
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

rises() { # FROM TO
    [ "$2" -gt "$1" ] || { echo "$2 does not come after $1" >&2; return 1; }
}

# Clients that ask as fast as they are answered; half of them open a connection for each request.
load_start() { # HOW-MANY
    local i
    rm -f /root/failures.*
    touch /run/load
    for ((i = 0; i < $1; i++)); do
        : >>"/root/numbers.$i" # there, should nothing have come yet when they are counted
        load_client "$i" </dev/null >/dev/null 2>&1 &
        echo $! >>/run/load.pids
    done
    disown -a
}

load_client() { # INDEX
    local header='X-Client: keeps its connection'
    [ $(($1 % 2)) = 0 ] || header='Connection: close'
    while [ -e /run/load ]; do
        curl -fsS --max-time 30 -H "$header" "$url/v1/sequences/default/next#[1-50]" >>"/root/numbers.$1" \
            2>>"/root/failures.$1" || true
    done
}

load_stop() {
    local pid
    rm -f /run/load
    while read -r pid; do
        while [ -d "/proc/$pid" ]; do sleep 0.05; done
    done </run/load.pids
    rm -f /run/load.pids
}

load_got() { cat /root/numbers.* 2>/dev/null | wc -l; }

# Wait until the clients have received `$1` more numbers.
load_goes_on() {
    local tries before
    before=$(load_got)
    for ((tries = 0; tries < 1200; tries++)); do
        [ "$(load_got)" -lt $((before + $1)) ] || return 0
        sleep 0.05
    done
    echo "the clients received $(($(load_got) - before)) numbers in a minute, not $1" >&2
    return 1
}

# Nothing that was ever received came twice, and all of it is numbers.
all_unique() {
    cat /root/numbers* >/root/all
    ! grep -vnE '^[0-9]+$' /root/all || return 1
    sort -n /root/all | uniq -d >/root/twice
    [ ! -s /root/twice ] || { echo "received twice:"; head /root/twice; return 1; }
    echo "figure: $(wc -l </root/all) numbers, 0 duplicates"
}

main_pid() {
    local pid
    pid=$(systemctl show -P MainPID seqd.service)
    [ "$pid" -gt 1 ] || { echo 'the service does not run' >&2; return 1; }
    echo "$pid"
}

# Wait until the journal of the service holds `$1` since `$2`, a time as date +%s.%N prints.
journal_says() {
    local tries
    for ((tries = 0; tries < 600; tries++)); do
        if journalctl --no-pager -o cat --since "@$2" -u seqd.service -u init.scope | grep -F -- "$1"; then
            return
        fi
        sleep 0.1
    done
    echo "the journal lacks '$1'" >&2
    return 1
}
