#!/bin/sh
# peers.sh: what make bench compares with, in build/peers: HAProxy, Caddy, and
# nginx with its Lua module, of the newest release of Debian that the mirrors
# have, which is often newer than this machine's.  They are only unpacked, with
# the libraries that they need, and started by programs in build/peers/bin: the
# system is not changed.
#
# PEERS_RELEASE=trixie is another release.  Without a network, or a mirror that
# has them, there are none, and bench/ says so; it then takes those that are
# installed.

set -eu

dir=build/peers
releases=${PEERS_RELEASE:-forky trixie}

if [ -e "$dir/done" ]; then
    exit 0
fi

rm -rf "$dir"
mkdir -p "$dir/bin" "$dir/root"

for release in $releases; do
    echo "peers of Debian $release, into $dir"

    if tools/apt.sh "$release" closure "$dir/debs" haproxy caddy nginx-common \
        nginx libnginx-mod-http-lua lua-resty-core redis-server > /dev/null
    then
        break
    fi
done

if [ ! -d "$dir/debs" ]; then
    echo "no peers: no mirror has them whole; those that are installed are" \
         "compared with"
    exit 0
fi

for deb in "$dir"/debs/*.deb; do
    dpkg-deb -x "$deb" "$dir/root"
done

rm -rf "$dir/debs"

set -- usr/sbin/haproxy usr/bin/caddy usr/sbin/nginx usr/bin/redis-server

"${0%/*}/libraries.sh" "$dir/root" "$PWD/$dir/root" "$@"

for program in "$@"; do
    ln -s "../root/$program" "$dir/bin"
done

echo "$release" > "$dir/done"
