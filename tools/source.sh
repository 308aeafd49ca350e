#!/bin/sh
# source.sh DIR SUITE: nginx of a Debian suite, whichever revision it offers,
# unpacked with Debian's patches into DIR.

set -eu

dir=$1 suite=$2

mkdir -p build
tmp=$(mktemp -d build/source.XXXXXX)
trap 'rm -rf "$tmp"' EXIT

"${0%/*}/suite.sh" "$suite" source nginx "$tmp"

if ! dpkg-source --no-check -x "$tmp"/nginx_*.dsc "$tmp/nginx" \
     > "$tmp/log" 2>&1
then
    cat "$tmp/log" >&2
    exit 1
fi

mv "$tmp/nginx" "$dir"
