#!/bin/sh
# nginx-tests.sh DIR [FILE.t ...]: nginx's own tests, a checkout of nginx-tests,
# on an nginx with all of its modules that need no library besides (build/whole;
# where there is no source, the one in build/) three times: as it is, with the
# modules loaded, and with every request and session metered besides.  What a
# file says must be the same each time: files whose result differs are run twice
# more, alone, in both ways, as some depend on how busy a machine is.  The exit
# status is 1 if one differs still.
#
# Results are in build/nginx-tests/: a line for each file, its name and "ok",
# "skipped" or what failed.

set -eu

if [ ! -e "${1:-}/lib/Test/Nginx.pm" ]; then
    echo 'make nginx-tests TESTS=DIR: which checkout of nginx-tests?' >&2
    exit 2
fi

tests=$(cd "$1" && pwd)
shift

tools/build.sh whole && built=0 || built=$?

case $built in
0)  build=$PWD/build/whole ;;
3)  build=$PWD/build ;;
*)  exit 1 ;;
esac

out=$PWD/build/nginx-tests
work=$(mktemp -d /tmp/wgw-nginx-tests.XXXXXX)

trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

rm -rf "$out"
mkdir -p "$out"

unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

# what its workers open is not under a folder of root's alone

cp -r "$build/bin" "$build/modules" "$work"
chmod 755 "$work"
export TEST_NGINX_BINARY="$work/bin/nginx"


# The configuration of a way, in the environment.  A counter file would be
# every test server's at once: the zones live in memory.

environment() {
    unset TEST_NGINX_GLOBALS_HTTP TEST_NGINX_GLOBALS_STREAM

    # the tests' folders are their user's alone
    export TEST_NGINX_GLOBALS=
    [ "$(id -u)" != 0 ] || TEST_NGINX_GLOBALS='user root; '

    [ "$1" != bare ] || return 0

    for module in "$work"/modules/ngx_stream_module.so \
                  "$work"/modules/ngx_wgw_*_module.so
    do
        [ ! -e "$module" ] ||
            TEST_NGINX_GLOBALS="${TEST_NGINX_GLOBALS}load_module $module; "
    done

    [ "$1" = metered ] || return 0

    TEST_NGINX_GLOBALS="${TEST_NGINX_GLOBALS}wgw_meter_zone wgw_tests keys=1000; "
    export TEST_NGINX_GLOBALS_HTTP='wgw_meter wgw_tests $remote_addr cap=1000g;'
    export TEST_NGINX_GLOBALS_STREAM="$TEST_NGINX_GLOBALS_HTTP"
}


# run WAY JOBS FILE ...: lines of "FILE RESULT"

run() {
    environment "$1"
    jobs=$2
    shift 2

    (cd "$tests" && printf '%s\n' "$@" |
        nice xargs -P "$jobs" -n 1 "$work/one") | sort
}


# The result of a file: its exit status is the number of tests that failed.

cat > "$work/one" << 'EOF'
#!/bin/sh
text=$(timeout 600 perl "$1" 2> /dev/null < /dev/null) && status=0 || status=$?

case $status:$text in
0:1..0*)  echo "$1 skipped" ;;
0:*)      echo "$1 ok" ;;
*)        echo "$1 failed" $(echo "$text" | grep '^not ok' | grep -v '# TODO' |
              sed 's/^not ok \([0-9]*\).*/\1/') ;;
esac
EOF
chmod 755 "$work/one"


# files whose lines differ

differing() {
    diff "$1" "$2" | sed -n 's/^[<>] \([^ ]*\) .*/\1/p' | sort -u
}


count() {
    awk '{ n[$2 == "ok" || $2 == "skipped" ? $2 : "failed"]++ }
         END { printf "%d ok, %d skipped, %d failed", n["ok"], n["skipped"],
                      n["failed"] }' "$1"
}


if [ $# = 0 ]; then
    set -- $(cd "$tests" && echo *.t)
fi

status=0

echo "$("$build/bin/nginx" -v 2>&1), $# files of nginx-tests"

for way in bare loaded metered; do
    run $way "${JOBS:-$(nproc)}" "$@" > "$out/$way"
    echo "$way: $(count "$out/$way")"
done

for way in loaded metered; do
    for file in $(differing "$out/bare" "$out/$way"); do
        same=

        for try in 1 2; do
            run bare 1 "$file" > "$work/bare"
            run $way 1 "$file" > "$work/way"

            [ -z "$(differing "$work/bare" "$work/way")" ] || continue
            same=1
            break
        done

        if [ -z "$same" ]; then
            echo "$file: $(cut -d ' ' -f 2- "$work/bare"); $way:" \
                "$(cut -d ' ' -f 2- "$work/way")"
            status=1
        fi
    done
done

exit "$status"
