#!/bin/sh
# matrix.sh "SUITE ..." DIR ...: builds each of these nginx trees, with the
# modules, in build/matrix/VERSION, and runs the suites on it.  At the end a
# line for each tree; the exit status is 1 if any failed.

set -eu

suites=$1
shift

if [ $# = 0 ]; then
    echo 'make matrix SRC="DIR ...": which nginx trees?' >&2
    exit 2
fi

status=0
summary=


# line TREE VERSION RESULT

line() {
    summary="$summary
nginx $2, $1: $3"
}


# failed TREE VERSION RESULT

failed() {
    status=1
    line "$1" "$2" "FAILED, $3"
}


version() {
    sed -n 's/^#define NGINX_VERSION *"\(.*\)"/\1/p' "$1/src/core/nginx.h" \
        2> /dev/null || :
}


# free VERSION: build/matrix/VERSION, or VERSION-2 if another tree has that

free() {
    dir=build/matrix/$1 n=1

    while [ -n "$taken" ] && echo "$taken" | grep -qxF "$dir"; do
        n=$((n + 1))
        dir=build/matrix/$1-$n
    done

    taken="$taken
$dir"
}


# run TREE VERSION DIR

run() {
    echo "==== nginx $2, $1"

    if ! NGX_SRC=$1 tools/build.sh matrix "$3"; then
        failed "$1" "$2" "not built"
        return
    fi

    if grep -q 'warning:' "$3"/nginx/*.log; then
        grep 'warning:' "$3"/nginx/*.log
        failed "$1" "$2" "built with warnings"
        return
    fi

    # shellcheck disable=SC2086    # a list
    if tools/test.sh "$3" $suites > "$3/test.log" 2>&1; then
        line "$1" "$2" "passed, $(files "$3/test.log") suites"
        return
    fi

    grep '^#' "$3/test.log" || tail -n 20 "$3/test.log"

    failed "$1" "$2" "of $(files "$3/test.log") suites: $(bad "$3/test.log")"
}


files() {
    sed -n 's/^Files=\([0-9]*\),.*/\1/p' "$1"
}


bad() {
    sed -n 's/^\(t[^ ]*\) *(Wstat:.*/\1/p' "$1" | tr '\n' ' ' | sed 's/ $//'
}


taken=

for tree; do
    v=$(version "$tree")

    if [ -z "$v" ]; then
        failed "$tree" "?" "no nginx source tree"
        continue
    fi

    free "$v"
    run "$tree" "$v" "$dir"
done

echo "$summary" | sed 1d

exit $status
