#!/bin/sh
# test.sh BUILD [FILE ...]: runs these suites, or all of t/, with the nginx and
# the modules in BUILD.
#
# What the tests write is in a directory of its own under /tmp: workers are an
# unprivileged user, who may be unable to read the checkout.  The programs and
# modules have links there, since Test::Nginx splits paths at blanks.

set -eu

build=$1
shift

for file in "$@"; do
    if [ ! -e "$file" ]; then
        echo "$0: there is no suite $file" >&2
        exit 2
    fi
done

root=$(mktemp -d /tmp/wgw-test.XXXXXX)
trap 'rm -rf "$root"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$root"

ln -s "$PWD/$build/bin" "$root/bin"
ln -s "$PWD/$build/modules" "$root/modules"

# other servers than this machine's: WGW_SERVERS=redis or valkey, see servers.sh
if [ -n "${WGW_SERVERS:-}" ]; then
    export PATH="$PWD/build/servers/$WGW_SERVERS/bin:$PATH"
    export WGW_POSTGRES="$PWD/build/servers/usr/lib/postgresql"
fi

# the package without the service has the program, by another name
if ! command -v redis-server > /dev/null; then
    mkdir "$root/path"
    ln -s "$(command -v redis-check-rdb || echo missing)" \
        "$root/path/redis-server"
    export PATH="$root/path:$PATH"
fi

# above those that the kernel gives to clients
port=$(perl -MIO::Socket::INET -e '
    for (1 .. 1000) {
        my $port = 61000 + int rand 4500;

        if (IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1",
                                  LocalPort => $port))
        {
            print $port;
            exit;
        }
    }')

modules=

for file in "$build"/modules/*.so; do
    if [ -e "$file" ]; then
        modules="$modules $root/modules/${file##*/}"
    fi
done

export WGW_TEST_ROOT="$root"
export TEST_NGINX_BINARY="$root/bin/nginx"
export TEST_NGINX_LOAD_MODULES="${modules# }"
export TEST_NGINX_SERVROOT="$root/servroot"
export TEST_NGINX_PORT="$port"
export WGW_BUILD="$build"

# where there are none Test::Nginx would warn in each block
if [ "$build" = build/asan ]; then
    export UBSAN_OPTIONS=print_stacktrace=1
    export ASAN_OPTIONS=detect_odr_violation=0:detect_leaks=0
fi

# the make that runs this (-C makes it say which folder it is in) has no
# business with those that a test runs, nor a proxy between it and its server
unset MAKEFLAGS MAKELEVEL MFLAGS
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

if [ $# = 0 ]; then
    for file in t/*.t t/*/*.t; do
        case $file in
        t/full/* | t/chaos/* | *\**) ;;
        *)  set -- "$@" "$file" ;;
        esac
    done
fi

# TEST_JOBS suites run at once, but of those one: of Test::Nginx's, which have
# one port and one folder, and those that make things in a copy of the checkout

alone='{t/*.t,t/meter/meter.t,t/route/route.t}'

# Test::Nginx prints what a server says that is meant to refuse its
# configuration: that is no warning here.  What failed is said once more at
# the end, where a long log is looked at first.

{
    prove --timer -j "${TEST_JOBS:-1}" --rules "seq=$alone" --rules 'par=**' \
        -I t/lib "$@" 2>&1 && status=0 || status=$?
    echo "$status" > "$root/status"
} | tee "$root/log" |
    grep -a --line-buffered -v -e '^WARNING: t/.* \[emerg\] ' -e '^nginx: \[emerg\] ' || true

status=$(cat "$root/status")

if [ "$status" != 0 ]; then
    grep -a '^#' "$root/log" | head -n 200 || true

    # what test-all.sh ends with
    grep -a -A 3 -e '^ *#   Failed test' -e '^t/.*(Wstat: ' "$root/log" |
        grep -v '^--$' | head -n 40 > "$build/failed" || true
fi

exit "$status"
