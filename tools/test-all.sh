#!/bin/sh
# test-all.sh SUITE ...: all suites on build/, and these on the other nginx
# that there are: the one that this machine's release packages, and that of
# Debian 12 or 13, whichever has not been tested by then; then the modules by
# clang, and the fuzz targets.
#
# What could not be had is no failure, but said at the end, and in
# build/missing.

set -eu

: > build/missing
status=0
tested=


version() {
    "$1/bin/nginx" -v 2>&1 | sed 's|.*nginx/||'
}


# run BUILD [SUITE ...]

run() {
    echo "==== nginx $(version "$1"): $(cat "$1/way")"

    tools/test.sh "$@" || status=1
    tested="$tested
nginx $(version "$1"), $(cat "$1/way")"
}


missing() {
    echo "$1" >> build/missing
}


is_tested() {
    echo "$tested" | grep -q "^nginx $1"
}


run build

# The machine's own: where it is the version that was tested, a few suites
# tell whether it is as good by its packages.

if tools/build.sh own; then
    if ! is_tested "$(version build/own)"; then
        run build/own "$@"

    elif [ ! -e build/modules/ngx_stream_module.so ]; then
        run build/own t/names/names.t t/route/route.t t/route/port.t \
            t/meter/meter.t t/auth/auth.t
    fi
else
    missing "this machine's own nginx: its packages could not be fetched"
fi

for release in debian12:1.22 debian13:1.26; do
    if is_tested "${release#*:}"; then
        continue
    elif tools/build.sh "${release%:*}"; then
        run "build/${release%:*}" "$@"
    else
        missing "nginx ${release#*:}: neither its source nor its packages"
    fi
done

tools/build.sh clang && clang=0 || clang=$?

case $clang in
0)  ;;
3)  missing "the build by clang: there is no source of nginx" ;;
*)  status=1 ;;
esac

tools/fuzz.sh "${FUZZ_SECONDS:-10}" || status=1

echo
echo "Tested:$tested"

if [ -s build/missing ]; then
    echo "Not tested, since it could not be had (make full-test fails):"
    cat build/missing
fi

exit "$status"
