# SEQUENCE THREADS NUMBERS: print THREADS x NUMBERS numbers, by the snippet of docs/CLIENTS.md beside this file.
. ./take.sh
pids=
for _ in $(seq "$2"); do
    take "$1" "$3" &
    pids="$pids $!"
done
for pid in $pids; do
    wait "$pid" || exit
done
