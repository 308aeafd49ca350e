#!/bin/sh
# valgrind.sh [SUITE ...]: runs these suites, or some of each kind, with nginx,
# its workers and helpers, and with wgw, wgw-grid and wgw-ledger under memcheck:
# each access to memory that is not theirs, each decision by what was never
# written, and each block that nobody knows any more when a process ends, is
# printed, with where it came from, and the exit status is 1.
#
# nginx's pools are mallocs there, so that each of their blocks has bounds and
# an end.  What is nginx's own is in tools/valgrind.supp, with reasons.  All is
# ten to thirty times slower than usual.

set -eu

unset MAKEFLAGS MAKELEVEL MFLAGS

if [ $# = 0 ]; then
    set -- t/route/route.t t/meter/meter.t t/auth/auth.t t/claims/content.t \
        t/router/router.t t/route/port.t t/names/names.t t/fleet/leases.t \
        t/ledger/ledger.t t/grid/start.t t/grid/deploy.t t/cli/cli.t
fi

tools/build.sh valgrind

logs=$(mktemp -d /tmp/wgw-valgrind.XXXXXX)
trap 'rm -rf "$logs"' EXIT
trap 'exit 1' HUP INT TERM
chmod 1777 "$logs"               # workers write there


# wrap PROGRAM: of that name in build/valgrind/bin.  A process has a log of its
# own, which is empty if there is nothing to say.

wrap() {
    cat > "build/valgrind/bin/${1##*/}.new" << END
#!/bin/sh
case \$* in -v | -V)  exec "$PWD/$1" "\$@" ;; esac

exec valgrind --quiet --leak-check=full --show-leak-kinds=definite \\
    --errors-for-leak-kinds=definite --trace-children=yes --num-callers=24 \\
    --vgdb=no --suppressions="$PWD/tools/valgrind.supp" \\
    --log-file="$logs/${1##*/}-%p" "$PWD/$1" "\$@"
END
    chmod 755 "build/valgrind/bin/${1##*/}.new"
    mv "build/valgrind/bin/${1##*/}.new" "build/valgrind/bin/${1##*/}"
}


wrap build/valgrind/nginx/objs/nginx

for program in wgw wgw-grid wgw-ledger; do
    wrap "build/bin/$program"
done

status=0

WGW_TIMEOUT=200 TEST_NGINX_TIMEOUT=60 tools/test.sh build/valgrind "$@" ||
    status=1

find "$logs" -size 0 -delete
rm -rf build/valgrind/found
cp -r "$logs" build/valgrind/found

if [ -n "$(ls build/valgrind/found)" ]; then
    cat build/valgrind/found/*
    echo "$0: memcheck found something, see build/valgrind/found" >&2
    status=1
fi

exit "$status"
