#!/bin/sh
# deps.sh build|test|full|roots|bench|lint|valgrind|nginx-tests|modules|cli|
# ledger: installs Debian packages that are missing.  When all are there,
# nothing is asked of apt or of the network.
#
# None of them starts a server, now or at the next boot: redis-tools has the
# program of redis-server (see test.sh), and PostgreSQL gets no database.

set -eu


fail() {
    echo "$0: $1" >&2
    exit 1
}


case $1 in
build)
    set -- gcc libc6-dev make dpkg-dev libpcre2-dev zlib1g-dev libssl-dev \
        liblmdb-dev libyajl-dev libsecp256k1-dev libcurl4-openssl-dev \
        libsodium-dev libsqlite3-dev libhiredis-dev libpq-dev openssl \
        ca-certificates curl perl
    ;;
cli)
    set -- gcc libc6-dev make zlib1g-dev libssl-dev liblmdb-dev libyajl-dev \
        libsecp256k1-dev libcurl4-openssl-dev libhiredis-dev perl
    ;;
ledger)
    set -- gcc libc6-dev make zlib1g-dev libssl-dev liblmdb-dev libyajl-dev \
        libsecp256k1-dev libcurl4-openssl-dev libhiredis-dev libpq-dev perl
    ;;
test)
    set -- libtest-nginx-perl libio-socket-ssl-perl perl clang \
        libclang-rt-dev curl openssl \
        nghttp2-client ngtcp2-client procps lmdb-utils libsecp256k1-dev \
        patchelf gnupg mandoc libio-pty-perl redis-tools sqlite3 \
        postgresql postgresql-client

    # another Node.js than Debian's has its own npm
    if ! command -v node > /dev/null || ! command -v npm > /dev/null; then
        set -- "$@" nodejs npm
    fi
    ;;
full)
    set -- pebble dehydrated certbot

    if [ -z "${CHROMIUM:-}" ] && ! command -v chromium > /dev/null; then
        set -- "$@" chromium
    fi
    ;;
roots)
    set -- debootstrap util-linux mount git systemd-container perl dpkg-dev
    ;;
bench)
    set -- python3 valgrind gcc libc6-dev make liblmdb-dev libyajl-dev \
        libssl-dev libsecp256k1-dev patchelf
    ;;
nginx-tests)
    set -- perl libio-socket-ssl-perl libcryptx-perl libfcgi-perl \
        libcache-memcached-perl libprotocol-websocket-perl
    ;;
lint)
    set -- cppcheck clang clang-tidy
    ;;
valgrind)
    set -- valgrind libc6-dbg
    ;;
modules)
    # apt would install nginx as well, and Debian start it
    if [ ! -e /usr/sbin/nginx ]; then
        fail "no nginx is installed, for which to build modules"
    fi

    set -- gcc libc6-dev make nginx-dev libnginx-mod-stream libssl-dev \
        liblmdb-dev libyajl-dev libsecp256k1-dev libhiredis-dev
    ;;
esac


# OpenResty's Test::Nginx is packaged from Debian 14 on: its file, which suits
# any release, is fetched, and what it depends on comes from this one.

fetch() {
    for release in forky sid; do
        if "${0%/*}/apt.sh" $release packages "$tmp/$1" "$1" > /dev/null; then
            echo "$tmp/$1"/*.deb
            return
        fi
    done

    echo "no mirror in /etc/apt has $1" >&2
    return 1
}


# no_cluster DIR: what postgresql-common reads before it makes a database, and
# starts it

no_cluster() {
    as_root mkdir -p "$1"
    echo 'create_main_cluster = false' > "$tmp/cluster"
    chmod 644 "$tmp/cluster"
    as_root cp "$tmp/cluster" "$1/wgw-tests.conf"
}


install() {
    # another apt may be at work, or have been killed
    as_root apt-get -q -o DPkg::Lock::Timeout=600 update || :
    as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a || :

    for package in "$@"; do
        shift

        if [ "$package" = libtest-nginx-perl ] &&
           ! apt-cache show "$package" > /dev/null 2>&1
        then
            package=$(fetch "$package") || return
        fi

        case $package in
        postgresql*) no_cluster /etc/postgresql-common/createcluster.d ;;
        esac

        set -- "$@" "$package"
    done

    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=600 \
        --no-install-recommends install "$@" && status=0 || status=$?

    as_root rm -f /etc/postgresql-common/createcluster.d/wgw-tests.conf
    return "$status"
}


as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}


if ! command -v dpkg-query > /dev/null; then
    echo "$0: this is not Debian, so nothing is checked or installed; what" \
         "is needed is there called: $*"
    exit 0
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" \
            2> /dev/null || :)
missing=

for package in "$@"; do
    if ! echo "$installed" | grep -qx "installed $package"; then
        missing="$missing $package"
    fi
done

if [ -z "$missing" ]; then
    exit 0
fi

if [ "$(id -u)" != 0 ] && ! command -v sudo > /dev/null; then
    fail "neither root nor sudo here; let root do: apt-get install$missing"
fi

echo "installing:$missing"

tmp=$(mktemp -d /tmp/wgw-deps.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"

# shellcheck disable=SC2086    # a list
if ! install $missing > "$tmp/log" 2>&1; then
    tail -n 20 "$tmp/log" >&2
    fail "apt-get could not install:$missing"
fi
