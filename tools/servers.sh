#!/bin/sh
# servers.sh: Redis 8, Valkey and PostgreSQL 17, as Debian 13 has them, into
# build/servers, for WGW_SERVERS=redis or valkey of test.sh: what
# `apt-get download` has, unpacked, with the libraries of that release; nothing
# is installed, and no server is started.
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

# the first's version is said; then what they need, and what that needs
"${0%/*}/apt.sh" $release packages "$tmp/get" redis-tools valkey-tools \
    postgresql-17 postgresql-client-17 \
    libatomic1 libc6 libcap2 libgcc-s1 libhiredis1.1.0 libjemalloc2 \
    liblua5.1-0 liblz4-1 liblzf1 liblzma5 libssl3t64 libstdc++6 libsystemd0 \
    libzstd1 zlib1g \
    libaudit1 libcap-ng0 libcom-err2 libgssapi-krb5-2 libicu76 libk5crypto3 \
    libkeyutils1 libkrb5-3 libkrb5support0 libldap2 libpam0g libpcre2-8-0 \
    libpq5 libreadline8t64 libsasl2-2 libselinux1 libtinfo6 libuuid1 libxml2 \
    libxslt1.1 > "$tmp/version"

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
