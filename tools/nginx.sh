#!/bin/sh
# nginx.sh tree RELEASE DIR       nginx's source of a Debian release
# nginx.sh packages RELEASE DIR   its nginx, built: what `apt-get download`
#                                 has, unpacked; nothing is installed
#
# DIR is there whole or not at all; DIR/way says what it is, and DIR/from has
# what was fetched.  A source whose mirror lacks Debian's part of it is taken
# without, which is said; packages of a newer release than this machine's get
# its libraries as well, if they need them.

set -eu

what=$1 release=$2 dir=$3


number() {
    case $1 in
    bookworm) echo "Debian 12" ;;
    trixie)   echo "Debian 13" ;;
    *)        echo "Debian $1" ;;
    esac
}


fetch() {
    "${0%/*}/apt.sh" "$release" "$@"
}


# what a killed run left

rm -rf "$dir".[A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9]
mkdir -p "$(dirname "$dir")"
tmp=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM


tree() {
    if version=$(fetch source "$tmp/get" nginx); then
        if ! dpkg-source --no-check -x "$tmp"/get/nginx_*.dsc "$tmp/nginx" \
            > "$tmp/log" 2>&1
        then
            cat "$tmp/log" >&2
            return 1
        fi

        echo "$(number "$release")'s source ($version)" > "$tmp/nginx/way"

    elif version=$(fetch tarball "$tmp/get" nginx); then
        mkdir "$tmp/nginx"
        tar -xf "$tmp"/get/nginx_*.orig.tar.* -C "$tmp/nginx" \
            --strip-components 1 || return
        echo "$(number "$release")'s tarball (${version%-*}), WITHOUT" \
            "Debian's patches, which its mirror has not" > "$tmp/nginx/way"

    else
        return 1
    fi
}


# unpack WHAT DIR PACKAGE ...: packages of the release, or their closure, in
# $tmp/nginx; prints the version

unpack() {
    get=$2

    fetch "$@" || return

    for deb in "$get"/*.deb; do
        dpkg -x "$deb" "$tmp/nginx" >&2 || return
    done
}


# A newer release runs what was built for an older one.  The other way round
# it needs its libraries.

with_libraries() {
    command -v patchelf > /dev/null || return

    unpack closure "$tmp/get/libraries" nginx > /dev/null || return

    "${0%/*}/libraries.sh" "$tmp/nginx" "$PWD/$dir" usr/sbin/nginx
}


packages() {
    mkdir "$tmp/nginx"
    version=$(unpack packages "$tmp/get" nginx nginx-dev libnginx-mod-stream) ||
        return

    if [ "$release" != "$("${0%/*}/apt.sh" own)" ] &&
       ! "$tmp/nginx/usr/sbin/nginx" -v > /dev/null 2>&1
    then
        with_libraries || return
    fi

    echo "$(number "$release")'s packages ($version)" > "$tmp/nginx/way"
}


"$what" || exit 1

mv "$tmp/get" "$tmp/nginx/from"
mv "$tmp/nginx" "$dir"

# only from where it now is can one with libraries of its own be run
if [ "$what" = packages ] && ! "$dir/usr/sbin/nginx" -v > /dev/null 2>&1; then
    rm -rf "$dir"
    exit 1
fi
