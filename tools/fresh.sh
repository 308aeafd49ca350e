#!/bin/sh
# fresh.sh RELEASES HOLES [SUITE ...]: each of these Debian releases, newly
# made by debootstrap, with git and make and nothing else, runs the two
# commands of the README: `make run`, and what it prints, and `make test`, of
# these suites (all: the whole).  With the mirror as it is, and with a hole:
#
#     none      as it is
#     dsc       every .dsc of nginx: the tarball is left
#     sources   every source of nginx: packages are left
#     other     the other release, whole
#     nginx     every file of nginx: nothing can be had, which must be said
#
# "none" for SUITE: make run only.
#
# Needs root and the network; roots are in ROOTS, or build/roots.  A line for
# each at the end; the exit status is 1 if any failed.

set -eu

releases=$1 holes=$2
shift 2

tools=${0%/*}
top=$PWD
roots=${ROOTS:-build/roots}
status=0
summary=


# what is missing, as regular expressions of paths, for release $1

regex() {
    case $2 in
    none)    echo '^$' ;;
    dsc)     echo '/nginx_[^/]*\.dsc$' ;;
    sources) echo '/nginx_[^/]*\.(dsc|debian\.tar\.|orig\.tar\.)' ;;
    other)
        case $1 in
        bookworm) echo '/dists/trixie' ;;
        *)        echo '/dists/bookworm' ;;
        esac
        ;;
    nginx)   echo '/pool/(updates/)?main/n/nginx/' ;;
    *)       echo "$0: what hole is $2?" >&2 && exit 2 ;;
    esac
}


# The machine itself: only git and make.  Its network is this one's, and so are
# the authorities that an administrator here has added, which ca-certificates
# takes when it is installed.

machine() {
    "$tools/root.sh" base "$1" "$roots/$1"

    if [ ! -e "$roots/$1-git/up/usr/bin/git" ]; then
        rm -rf "$roots/$1-git"
        "$tools/root.sh" layer "$roots/$1" "$roots/$1-git"
        "$tools/root.sh" run "$roots/$1-git" sh -c 'apt-get -q update &&
            apt-get -q -y --no-install-recommends install git make &&
            rm -f /var/lib/apt/lists/*_*' > "$roots/$1-git/log" 2>&1
    fi

    mkdir -p "$roots/$1-git/up/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt \
        "$roots/$1-git/up/usr/local/share/ca-certificates" 2> /dev/null || :
}


# fresh DIR RELEASE HOLE: a layer with a clone, and the mirror with its hole

fresh() {
    rm -rf "$1"
    "$tools/root.sh" layer "$roots/$2-git" "$1"
    mkdir -p "$1/up/root" "$1/up/etc/apt"
    git clone -q --no-hardlinks "$top" "$1/up/root/wgw"

    "$tools/holes.pl" "$("$tools/apt.sh" mirror)" \
        "$("$tools/apt.sh" security)" "$(regex "$2" "$3")" > "$1/port" &
    mirror=$!

    until [ -s "$1/port" ]; do
        sleep 0.1
    done

    for line in "debian $2" "debian $2-updates" "debian-security $2-security"
    do
        echo "deb http://127.0.0.1:$(cat "$1/port")/$line main"
    done > "$1/up/etc/apt/sources.list"
}


# In the machine: starts, follows what is printed, line by line, and stops.

cat_try() {
    cat << 'END'
cd /root/wgw
make run > /tmp/run.log 2>&1 &
make=$!

until grep -q 'Ctrl-C stops it' /tmp/run.log; do
    if ! kill -0 $make 2> /dev/null; then
        cat /tmp/run.log
        exit 1
    fi
    sleep 0.5
done

bad=0
grep '^nginx: ' /tmp/run.log
# a line of its own a command, at two blanks; a comment may follow
sed -n 's/^  curl /curl /p' /tmp/run.log > /tmp/commands

while read -r command; do
    if bash -c "${command/curl/curl -sS --fail-with-body}" < /dev/null \
        > /tmp/answer 2>&1
    then
        echo "ok: $command"
    else
        echo "FAILED: $command"
        bad=1
    fi
    head -n 3 /tmp/answer
    echo
done < /tmp/commands

[ "$(wc -l < /tmp/commands)" -gt 8 ] || bad=1
kill -INT $(cat run/logs/nginx.pid)
wait $make
exit $bad
END
}


# line NAME WHAT

line() {
    summary="$summary
$1: $2"
    echo "$1: $2"
}


# seen NAME DIR HOLE WHAT STATUS PATTERN: what it ended with, as it must

seen() {
    way=$(grep -h -o -m 1 "$6" "$2/$4.log" || :)

    if [ "$3" = nginx ] && [ "$5" != 0 ] && [ -n "$way" ]; then
        line "$1" "$4 refuses: $way"

    elif [ "$3" != nginx ] && [ "$5" = 0 ]; then
        line "$1" "$4 passed: $way"

    else
        line "$1" "$4 FAILED ($5), see $roots/${2##*/}-$4.log"
        status=1
    fi
}


# both DIR RELEASE HOLE [SUITE ...]

both() {
    dir=$1 release=$2 hole=$3
    shift 3

    name="$release, hole $hole"
    failed='^.*no nginx: none of these was open'

    fresh "$dir" "$release" "$hole"

    code=0
    "$tools/root.sh" run "$dir" bash -c "$(cat_try)" > "$dir/run.log" 2>&1 ||
        code=$?
    seen "$name" "$dir" "$hole" run "$code" "^nginx: [^.]*([^)]*)\\|$failed"

    case $* in
    all)  set -- ;;
    none) finish && return ;;
    *)    set -- "T=$*" ;;
    esac

    code=0
    "$tools/root.sh" run "$dir" sh -c 'cd /root/wgw && make test "$@"' \
        make "$@" > "$dir/test.log" 2>&1 || code=$?
    seen "$name" "$dir" "$hole" test "$code" "^Files=[0-9]*, .*\\|$failed"
    no_services "$name" "$dir"

    finish
}


# What was installed may bring services, but none that would start.  That of
# PostgreSQL starts databases, of which there is none.

no_services() {
    started=$(find "$2/up/etc/systemd/system" "$2"/up/etc/rc[2-5].d \
                  \( -path '*/*.target.wants/*.service' -o -name 'S*' \) \
                  ! -name '*postgresql*' \
                  -printf '%f ' 2> /dev/null || :)

    if [ -n "$started" ]; then
        line "$1" "services FAILED, these would start: $started"
        status=1
    fi
}


# the logs stay, beside

finish() {
    kill "$mirror"

    for log in run test; do
        [ ! -e "$dir/$log.log" ] ||
            cp "$dir/$log.log" "$roots/fresh-$release-$hole-$log.log"
    done

    rm -rf "$dir"
}


mkdir -p "$roots"

for release in $releases; do
    machine "$release"

    for hole in $holes; do
        both "$roots/fresh-$release-$hole" "$release" "$hole" "$@"
    done
done

echo "$summary"
exit "$status"
