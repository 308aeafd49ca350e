#!/bin/sh
# full-test.sh [PART ...]: all that shows that wgw is right, one part after
# another, each as a command of its own that anybody can run; a part that fails
# does not end it.  At the end, and in build/full-test/result, a table of what
# ran, how long, and how it ended; the exit status is 1 if any part failed.
#
# A part that cannot be run here (no tests of nginx's were given, this is not
# root) is in the table as such, and fails nothing.  With names only these parts
# run.  FUZZ_SECONDS, CHAOS_SECONDS, LEDGER_SECONDS, KILLS, SRC, TESTS and
# RELEASES are as for the commands themselves.

set -eu

# what was given to make is in the environment, too; T= is each part's own
unset MAKEFLAGS MAKELEVEL MFLAGS T FULL

out=build/full-test
few="t/route/route.t t/meter/meter.t t/auth/auth.t t/route/port.t \
t/meter/meter-bytes.t"

parts="test whole timed asan lint valgrind matrix fuzz chaos router-chaos \
fleet-chaos ledger-chaos servers grid-kills idle planted clients packages \
fresh nginx-tests dist"


# command PART: what it runs

command() {
    case $1 in
    test)          echo make test ;;
    whole)         echo '! grep . build/missing' ;;
    timed)         echo WGW_TIMED=1 make test "T='$timed'" ;;
    asan)          echo make asan ;;
    lint)          echo make lint ;;
    valgrind)      echo make valgrind ;;
    matrix)        echo "make matrix T='$few'" ;;
    fuzz)          echo "make fuzz FUZZ_SECONDS=${FUZZ_SECONDS:-60}" ;;
    chaos)         echo make chaos ;;
    router-chaos)  echo make test T=t/chaos/router.t ;;
    fleet-chaos)   echo make chaos FLEET=4 ;;
    ledger-chaos)  echo make test T=t/full/ledger-chaos.t ;;
    servers)       echo "tools/servers.sh && $(others redis) &&" \
                       "$(others valkey)" ;;
    grid-kills)    echo make test T=t/full/grid-kills.t ;;
    idle)          echo make bench-idle ;;
    planted)       echo make test T=t/full/planted.t ;;
    clients)       echo "tools/deps.sh full && make test T='$clients'" ;;
    packages)      echo "make deb && make test T=t/full/deb.t" ;;
    fresh)         echo make fresh ;;
    nginx-tests)   echo "make nginx-tests TESTS='${TESTS:-}'" ;;
    dist)          echo "make dist T='t/run.t $few'" ;;
    *)             echo "$0: there is no part $1, but: $parts" >&2
                   return 2 ;;
    esac
}


# suites that talk to other servers than this release has

others() {
    echo "WGW_SERVERS=$1 make test T='$(echo t/fleet/*.t t/ledger/*.t)'"
}


# why a part cannot be run here, or nothing

missing() {
    case $1 in
    nginx-tests)
        [ -n "${TESTS:-}" ] || echo "TESTS=DIR was not given"
        ;;
    packages | fresh)
        [ "$(id -u)" = 0 ] || echo "this is not root"
        ;;
    idle)
        [ "$(nproc)" -gt 1 ] || echo "it needs two processors"
        ;;
    dist)
        [ -z "$(git status --porcelain --untracked-files=no 2>&1)" ] ||
            echo "there are changes that are not committed, or there is no git"
        ;;
    esac
}


# the suites in t/full that no part has by itself

clients=$(echo t/full/*.t | tr ' ' '\n' |
    grep -v -e /planted -e /ledger-chaos -e /grid-kills -e /deb | tr '\n' ' ')

# those that say how soon something is done, one by one

timed=$(grep -l 'soon(\$start' t/*.t t/*/*.t | tr '\n' ' ')

[ $# != 0 ] || set -- $parts

for part; do
    command "$part" > /dev/null
done

mkdir -p "$out"
: > "$out/result"
status=0

for part; do
    why=$(missing "$part")
    begin=$(date +%s)

    if [ -n "$why" ]; then
        result="not run: $why"

    else
        echo "==== $part: $(command "$part")"

        if sh -c "$(command "$part")" > "$out/$part.log" 2>&1 < /dev/null
        then
            result=passed
        else
            result="FAILED, see $out/$part.log"
            status=1
            tail -n 20 "$out/$part.log"
        fi

        echo "==== $part: $result"
    fi

    printf '| %-12s | %6d s | %s |\n' "$part" $(($(date +%s) - begin)) \
        "$result" >> "$out/result"
done

echo
echo "$(git log -1 --format=%h 2> /dev/null || echo "no git"), $(date +%F)," \
    "$(build/bin/nginx -v 2>&1), $(nproc) processors"
cat "$out/result"

exit "$status"
