# What is tried of the package without a container; to be sourced by `check`.

EXPOSURE_MAX=12 # tenths, of systemd-analyze security

# No mistake in the units, and a sandbox that leaves little.
step_units() {
    local unit folder
    folder=$(mktemp -d)
    cp packaging/systemd/seqd* "$folder"
    # The program is not installed here; that it starts is for the container to show.
    sed -i 's|/usr/sbin/seqd|/bin/true|' "$folder"/*.service
    (cd "$folder" && SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no ./seqd.service ./seqd.socket) 2>&1 |
        tee "$folder/said" | grep -v 'is not a native service' || true
    ! grep -E 'seqd[@.]' "$folder/said" || return 1
    for unit in seqd.service seqd@.service; do
        systemd-analyze security --offline=true --threshold=$EXPOSURE_MAX "packaging/systemd/$unit" >"$folder/$unit.said"
        grep -o 'exposure level.*: [0-9.]*' "$folder/$unit.said"
    done
    echo "figure: exposure $(sed -n 's/.*exposure level.*: \([0-9.]*\).*/\1/p' "$folder/seqd.service.said")"
    rm -r "$folder"
}

# Debian's promtool comes with a server that would be started: taken out of its package instead, where it is not there.
find_promtool() { # prints its path
    local tools=$roots/tools
    if command -v promtool; then
        return
    fi
    if [ ! -x "$tools/usr/bin/promtool" ]; then
        mkdir -p "$tools"
        (cd "$tools" && apt-get -qq download prometheus && dpkg -x prometheus_*.deb . && rm prometheus_*.deb) >&2
    fi
    realpath "$tools/usr/bin/promtool"
}

# The rules are right, alert when they should, and name nothing that the daemon does not serve.
step_alerts() {
    local promtool
    promtool=$(find_promtool)
    "$promtool" check rules packaging/grafana/seqd-alerts.yml
    (cd packaging/grafana && "$promtool" test rules seqd-alerts-test.yml)
    make -s all
    SEQD=build/seqd tests/deb/metrics packaging/grafana/seqd-alerts.yml packaging/grafana/seqd-dashboard.json
}

# Whoever adds a library to the makefile adds it to the package.
step_build_depends() {
    local wanted has package
    wanted=$(make -sn --eval='print-it: ; @echo $(RUN_PACKAGES) $(TEST_PACKAGES) $(MAN_PACKAGES)' print-it NO_APT=1 | tail -n 1)
    wanted=${wanted#echo }
    has=,$(sed -n '/^Build-Depends:/,/^[^ ]/p' packaging/debian/control | grep '^ ' | names_of),
    for package in $wanted; do
        case $package in
        gcc | libc6-dev) ;; # build-essential
        *) grep -q ",$package," <<<"$has" || { echo "packaging/debian/control lacks $package"; return 1; } ;;
        esac
    done
}

# Errors and warnings never; the rest as tests/deb/lintian-explained says.
step_lintian() { # FOLDER
    local tags
    tags=$(lintian --allow-root -I --pedantic --show-overrides "$1"/*.changes | tee /dev/stderr |
        sed -n 's/^\([A-Z]\): [^:]*: \([a-z0-9.-]*\).*/\1 \2/p' | sort -u)
    ! grep -E '^[EW] ' <<<"$tags" || return 1
    while read -r _ tag; do
        [ -z "$tag" ] || grep -q "^$tag:" tests/deb/lintian-explained || { echo "not explained: $tag"; return 1; }
    done <<<"$tags"
    echo "figure: 0 errors, 0 warnings, $(grep -c . <<<"$tags" || true) explained"
}

# The same source, built elsewhere, a year later, with another umask, time zone, language and home.
step_reproducible() { # DSC
    local near far source
    near=$(mktemp -d)
    far=$(mktemp -d)/a/much/longer/path/than/the/other
    mkdir -p "$far"
    source=$(realpath "$1")
    (cd "$near" && dpkg-source -q -x "$source" tree && cd tree &&
        env -i PATH="$PATH" HOME=/root LC_ALL=C TZ=UTC DEB_BUILD_OPTIONS='nocheck parallel=1' dpkg-buildpackage -b -us -uc)
    (umask 077 && cd "$far" && dpkg-source -q -x "$source" other && cd other &&
        env -i PATH="$PATH" HOME=/nonexistent LC_ALL=C.UTF-8 LANGUAGE=de TZ=Asia/Tokyo USER=somebody \
            DEB_BUILD_OPTIONS='nocheck parallel=2' faketime -f '+400d' dpkg-buildpackage -b -us -uc)
    local deb
    for deb in "$near"/*.deb; do
        cmp "$deb" "$far/${deb##*/}"
        sha256sum "$deb" "$far/${deb##*/}"
    done
    rm -rf "$near" "${far%/a/much*}"
}

# Installed, upgraded and purged by piuparts: no file is left that should not be.
step_piuparts() { # DEB RELEASE
    local root
    root=$(root_of "$2" minbase "apt-utils,$(dpkg-deb -f "$1" Depends | names_of)" | tail -n 1)
    piuparts --existing-chroot "$(realpath "$root")" --no-upgrade-test --warn-on-others --skip-logrotatefiles-test \
        --distribution "$2" "$1"
}
