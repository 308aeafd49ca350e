#!/bin/sh
# matrix.sh "SUITE ..." [DIR ...]: Debian 12's nginx, Debian 13's, and each of
# these trees, with the modules in files of their own and linked in, by gcc and
# by clang, with plain flags and with Debian's for hardened builds: all are
# built, none with a warning, and six of them, which cover what they can of all
# pairs, run the suites.  The programs beside nginx are built in the same four
# ways.  At the end a line for each; the exit status is 1 if any failed.
#
# matrix.sh cover VERSION ...: which six.  `MATRIX=build` runs no suite, and
# `MATRIX=cover` builds no more than these six.  What is built is in
# build/matrix/VERSION-LINK-CC-FLAGS, logs and all, and what passed there is
# not made twice.

set -eu

unset MAKEFLAGS MAKELEVEL MFLAGS

what=${MATRIX:-all}
status=0
summary=


# line NAME RESULT

line() {
    summary="$summary
$1: $2"
    echo "==== $1: $2"
}


# failed NAME RESULT

failed() {
    status=1
    line "$1" "FAILED, $2"
}


version() {
    sed -n 's/^#define NGINX_VERSION *"\(.*\)"/\1/p' "$1/src/core/nginx.h" \
        2> /dev/null || :
}


# ---- which

# all VERSION ...: "VERSION LINK CC FLAGS", a line each

all() {
    for v; do
        for link in dynamic static; do
            for cc in gcc clang; do
                for flags in plain hardened; do
                    echo "$v $link $cc $flags"
                done
            done
        done
    done
}


# cover: of such lines six, each the one that has most words, and pairs of
# them, which no line before it has; of two versions all pairs are among them

cover() {
    awk '
        { line[NR] = $0 }

        # how many of line k are new; with `take` they are not any more
        function pairs(k, take,    f, i, j, n, pair) {
            split(line[k], f)
            for (i = 1; i <= 4; i++) {
                for (j = i; j <= 4; j++) {
                    pair = i f[i] " " j f[j]
                    n += !(pair in seen)
                    if (take) { seen[pair] = 1 }
                }
            }
            return n
        }

        END {
            for (n = 0; n < 6; n++) {
                best = 0
                for (k = 1; k <= NR; k++) {
                    if (!taken[k] && (!best || pairs(k) > pairs(best))) {
                        best = k
                    }
                }
                taken[best] = 1
                pairs(best, 1)
                print line[best]
            }
        }'
}


# ---- flags

# takes CC FLAG: whether that compiler on this machine has it

takes() {
    echo 'int planted;' |
        "$1" -Werror "$2" -x c -c -o /dev/null - > /dev/null 2>&1
}


# cflags CC FLAGS: without debug information, which takes a third of the time;
# -fPIC is for modules' sake, which are no programs; and what Debian's newer
# releases add.  nginx's makefile may have them twice, so that a macro has to
# have one value only.

cflags() {
    case $2 in
    plain)  echo -O2 -g0 ;;
    hardened)
        printf '%s' "$(debian CPPFLAGS | sed 's/-D_FORTIFY_SOURCE=[0-9]//')" \
            " $(debian CFLAGS)" \
            " -g0 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fPIC"

        for flag in -fstack-clash-protection -fcf-protection=full \
                    -fzero-call-used-regs=used-gpr \
                    -ftrivial-auto-var-init=pattern
        do
            ! takes "$1" "$flag" || printf ' %s' "$flag"
        done
        ;;
    esac
}


ldflags() {
    [ "$1" = plain ] || debian LDFLAGS
}


debian() {
    DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get "$1"
}


# ---- builds

# build TREE LINK CC FLAGS: in $dir

build() {
    if ! NGX_SRC=$1 CC=$3 CFLAGS=$(cflags "$3" "$4") LDFLAGS=$(ldflags "$4") \
        tools/build.sh matrix "$dir" "$2" > "$dir.log" 2>&1
    then
        tail -n 40 "$dir.log"
        failed "$name" "not built, see $dir.log"
        return 1
    fi

    if grep -h 'warning:' "$dir.log" "$dir"/nginx/*.log; then
        failed "$name" "built with warnings"
        return 1
    fi
}


# programs CC FLAGS: in a folder of links, as nginx in build.sh

programs() {
    name="wgw, wgw-grid, wgw-ledger, $1, $2" dir=build/matrix/programs-$1-$2
    mkdir -p "$dir"

    for part in Makefile src cli grid ledger page docs tools t fuzz; do
        [ -e "$dir/$part" ] || ln -s "$PWD/$part" "$dir/$part"
    done

    # a flag for the linker is none for clang when it compiles
    if ! make --no-print-directory -C "$dir" -j "$(nproc)" \
        CC="$1 $(cflags "$1" "$2") $(ldflags "$2") $(quiet "$1")" \
        cli-files grid-files ledger-files > "$dir.log" 2>&1
    then
        tail -n 40 "$dir.log"
        failed "$name" "not built, see $dir.log"

    elif grep 'warning:' "$dir.log"; then
        failed "$name" "built with warnings"

    else
        line "$name" built
    fi
}


quiet() {
    [ "$1" != clang ] || echo -Wno-unused-command-line-argument
}


# ---- suites

# suites: in $dir

suites() {
    # shellcheck disable=SC2086    # a list
    if tools/test.sh "$dir" $list > "$dir/test.log" 2>&1; then
        line "$name" "passed, $(files "$dir/test.log") suites"
        return
    fi

    grep '^#' "$dir/test.log" || tail -n 20 "$dir/test.log"

    failed "$name" \
        "of $(files "$dir/test.log") suites: $(bad "$dir/test.log")"
}


files() {
    sed -n 's/^Files=\([0-9]*\),.*/\1/p' "$1"
}


bad() {
    sed -n 's/^\(t[^ ]*\) *(Wstat:.*/\1/p' "$1" | tr '\n' ' ' | sed 's/ $//'
}


# ---- trees

# add TREE: unless there is one of its version

add() {
    v=$(version "$1")

    if [ -z "$v" ]; then
        failed "$1" "no nginx source tree"

    elif ! echo "$trees" | grep -q "^$v "; then
        versions="$versions $v"
        trees="$trees
$v $1"
    fi
}


if [ "$1" = cover ]; then
    shift
    all "$@" | cover
    exit
fi

list=$1
shift

trees=
versions=

for tree; do
    add "$tree"
done

# those of Debian, where the mirror has them or SRC does

for release in bookworm:1.22 trixie:1.26; do
    case "$versions " in
    *" ${release#*:}."*)  continue ;;
    esac

    tree=build/source-${release%:*}

    if [ -e "$tree/src/core/nginx.h" ] ||
       { rm -rf "$tree" && tools/nginx.sh tree "${release%:*}" "$tree"; }
    then
        add "$tree"
    else
        failed "nginx ${release#*:}" "no source: name a tree in SRC"
    fi
done

mkdir -p build/matrix
begin=$(date +%s)

# shellcheck disable=SC2086    # lists
covering=$(all $versions | cover)

if [ "$what" != cover ]; then
    for cc in gcc clang; do
        for flags in plain hardened; do
            programs "$cc" "$flags"
        done
    done
fi

make -s build/bin/siwe-token build/bin/claim build/bin/wgw

# the six first, of which most is told

# shellcheck disable=SC2086
{
    echo "$covering" | sed 's/$/ run/'
    [ "$what" = cover ] || all $versions | grep -vxF "$covering"
} > build/matrix/plan

while read -r v link cc flags run <&3; do
    name="nginx $v, $link, $cc, $flags" dir=build/matrix/$v-$link-$cc-$flags

    build "$(echo "$trees" | sed -n "s/^$v //p")" "$link" "$cc" "$flags" ||
        continue

    if [ -z "$run" ] || [ "$what" = build ]; then
        line "$name" built
    else
        suites
    fi
done 3< build/matrix/plan

echo
echo "$summary" | sed 1d
echo "in $(($(date +%s) - begin)) s"

exit $status
