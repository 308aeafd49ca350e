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

root=$(mktemp -d /tmp/wgw-test.XXXXXX)
trap 'rm -rf "$root"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$root"

ln -s "$PWD/$build/bin" "$root/bin"
ln -s "$PWD/$build/modules" "$root/modules"

port=$(perl -MIO::Socket::INET -e '
    print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")
          ->sockport')

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
export UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS=detect_odr_violation=0:detect_leaks=0
export WGW_BUILD="$build"

# a proxy has no business between a test and its server
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

if [ $# = 0 ]; then
    set -- t/*.t
fi

prove -I t/lib "$@"
