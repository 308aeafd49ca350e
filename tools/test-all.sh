#!/bin/sh
# test-all.sh SUITE ...: all suites on build/, two at once, since a suite waits
# more than it computes, and meanwhile these, in the same way, on the other nginx
# that there are: the one that this machine's release packages, and that of
# Debian 12 or 13, whichever has not been tested by then. The build by clang
# comes before, the fuzz targets after.
#
# What could not be had is no failure, but said at the end, and in
# build/missing; what failed is said last.

set -eu

: > build/missing
: > build/tested
: > build/failures
status=0


version() {
    "$1/bin/nginx" -v 2>&1 | sed 's|.*nginx/||'
}


# run BUILD [SUITE ...]

run() {
    nginx="nginx $(version "$1"), $(cat "$1/way")"

    echo "==== $nginx"
    echo "$nginx" >> build/tested
    rm -f "$1/failed"

    if ! TEST_JOBS=2 tools/test.sh "$@"; then
        {
            echo "Failed, $nginx:"
            cat "$1/failed" 2> /dev/null || true
        } >> build/failures

        return 1
    fi
}


# step COMMAND ...

step() {
    if ! "$@"; then
        echo "Failed: $*" >> build/failures
        status=1
    fi
}


missing() {
    echo "$1" >> build/missing
}


is_tested() {
    grep -q "^nginx $1" build/tested
}


# The machine's own: where it is the version that is tested, a few suites tell
# whether it is as good by its packages.

others() {
    failed=0

    if [ -e build/own/bin/nginx ]; then
        if ! is_tested "$(version build/own)"; then
            run build/own "$@" || failed=1

        elif [ ! -e build/modules/ngx_stream_module.so ]; then
            run build/own t/names/names.t t/route/route.t t/route/port.t \
                t/meter/meter.t t/auth/auth.t || failed=1
        fi
    fi

    for release in debian12 debian13; do
        if [ -e "build/$release/bin/nginx" ] &&
           ! is_tested "$(version "build/$release")"
        then
            run "build/$release" "$@" || failed=1
        fi
    done

    return "$failed"
}


rm -rf build/own/bin build/debian12/bin build/debian13/bin

tools/build.sh own ||
    missing "this machine's own nginx: its packages could not be fetched"

for release in debian12:1.22 debian13:1.26; do
    case " $(version build) $(version build/own 2> /dev/null) " in
    *" ${release#*:}."*)  continue ;;
    esac

    tools/build.sh "${release%:*}" ||
        missing "nginx ${release#*:}: neither its source nor its packages"
done

# a warning of clang's is told before the long part

tools/build.sh clang && clang=0 || clang=$?

case $clang in
0)  ;;
3)  missing "the build by clang: there is no source of nginx" ;;
*)  status=1; echo "Failed: the build by clang" >> build/failures ;;
esac

# what both runs use is there before either

step tools/npm.sh

echo "nginx $(version build), the first" > build/tested
(others "$@") > build/others.log 2>&1 &
others=$!

run build || status=1
wait "$others" || status=1
cat build/others.log

step tools/fuzz.sh "${FUZZ_SECONDS:-10}"

echo
echo "Tested:"
sed -n '/, the first$/!p' build/tested

if [ -s build/missing ]; then
    echo "Not tested, since it could not be had (make full-test fails):"
    cat build/missing
fi

# the end of a long log is what is looked at first
cat build/failures

exit "$status"
