#!/bin/sh
# servers.sh: Redis 8, Valkey and PostgreSQL 17, as Debian 13 has them, into
# build/servers, for WGW_SERVERS=redis or valkey of test.sh: only unpacked,
# with all that they need of that release; nothing is installed, and no server
# is started.
#
# build/servers/redis/bin and build/servers/valkey/bin have what suites call,
# by the names that they call it; build/servers/way says what it is.

set -eu

dir=$PWD/build/servers
release=trixie

if [ -e "$dir/way" ]; then
    exit 0
fi

command -v patchelf > /dev/null || { echo "$0: no patchelf" >&2; exit 1; }

rm -rf "$dir" "$dir".[A-Za-z0-9]*
mkdir -p build
tmp=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$tmp"

"${0%/*}/apt.sh" $release closure "$tmp/get" redis-tools valkey-tools \
    postgresql-17 postgresql-client-17 > /dev/null

for deb in "$tmp"/get/*.deb; do
    dpkg -x "$deb" "$tmp"
done

postgres=usr/lib/postgresql/17/bin

"${0%/*}/libraries.sh" "$tmp" "$dir" usr/bin/redis-check-rdb usr/bin/redis-cli \
    usr/bin/valkey-check-rdb usr/bin/valkey-cli $postgres/postgres \
    $postgres/initdb $postgres/psql $postgres/pg_dump $postgres/pg_restore

# bin NAME: the server's is that which checks dumps, by another name

bin() {
    mkdir -p "$tmp/$1/bin"
    ln -s "$dir/usr/bin/$1-check-rdb" "$tmp/$1/bin/redis-server"
    ln -s "$dir/usr/bin/$1-cli" "$tmp/$1/bin/redis-cli"

    for program in psql pg_dump pg_restore; do
        ln -s "$dir/$postgres/$program" "$tmp/$1/bin/$program"
    done
}

bin redis
bin valkey
rm -rf "$tmp/get"
mv "$tmp" "$dir"
trap - EXIT

{
    "$dir/redis/bin/redis-server" --version
    "$dir/valkey/bin/redis-server" --version
    "$dir/$postgres/postgres" --version
} > "$dir/way.new" && mv "$dir/way.new" "$dir/way"

cat "$dir/way"
