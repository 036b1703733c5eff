# plant: errors planted in the source, one at a time, in a copy of the tree; a program must find each.
#
#   . tests/lib/plant.sh
#   plant_begin TOP FOLDER-OF-THE-BUILD
#   plant PROGRAM SAYS NAME FILE PERL-SUBSTITUTION [VARIABLE=value ...]
#   plant_end
#
# The substitution is done to FILE as a whole, PROGRAM (its path below TOP) is built and run with the variables, and has
# to fail; what it says that matches SAYS (grep -E) is shown. plant_end sums up, and fails where one was not found.

plant_begin() { # TOP BUILD
    plant_top=$1 plant_build=$2
    plant_work=$(mktemp -d)
    trap 'rm -rf "$plant_work"' EXIT
    plant_passed=0 plant_failed=0
    mkdir -p "$plant_work/tree/$(dirname "$plant_build")"
    cp -a "$plant_top"/{Makefile,src,include,tests,packaging} "$plant_work/tree/"
    cp -a "$plant_top/$plant_build" "$plant_work/tree/$plant_build"
}

plant_failure() { # TEXT
    echo "FAILED: $1"
    plant_failed=$((plant_failed + 1))
}

plant_one() {
    local program=$1 says=$2 name=$3 file=$4 how=$5 said
    shift 5
    perl -0pi -e "$how" "$plant_work/tree/$file"
    if cmp -s "$plant_work/tree/$file" "$plant_top/$file"; then
        plant_failure "'$name' changes nothing in $file: the code has moved on, plant it anew"
    elif ! make -s -C "$plant_work/tree" CFLAGS="${CFLAGS--O2 -g} -Wno-error" "$program" >"$plant_work/log" 2>&1; then
        plant_failure "'$name' does not build"
        tail -5 "$plant_work/log"
    elif said=$(env "$@" "$plant_work/tree/$program" 2>&1); then
        plant_failure "'$name' was not found: $*"
    else
        echo "planted: $name: $(grep -m1 -oE "$says" <<<"$said")"
        plant_passed=$((plant_passed + 1))
    fi
}

plant() {
    plant_one "$@"
    cp "$plant_top/$4" "$plant_work/tree/$4" # as new, so that it is built again
}

plant_end() {
    echo "$plant_passed passed, $plant_failed failed"
    [ "$plant_failed" = 0 ]
}
