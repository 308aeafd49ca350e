#!/bin/sh
# dist.sh [SUITE ...]: the tarball of this version, of what is committed, in
# build/dist, with the release's notes out of CHANGES.md; then it is unpacked
# elsewhere, where git knows nothing of it, built and tested: all suites, or
# these, or, with "none", none.  The same commit makes the same bytes.

set -eu

version=$(make --no-print-directory -s version)
name=wgw-$version
dist=$PWD/build/dist

if [ -n "$(git status --porcelain --untracked-files=no)" ]; then
    echo "$0: there are changes that are not committed" >&2
    exit 1
fi

mkdir -p "$dist"
rm -f "$dist/$name".*

git archive --format=tar --prefix="$name/" HEAD | gzip -9 -n \
    > "$dist/$name.tar.gz"

awk -v head="## $version" '$0 == head { on = 1; next } /^## / { on = 0 } on' \
    CHANGES.md > "$dist/$name.notes"

if ! grep -q . "$dist/$name.notes"; then
    echo "$0: CHANGES.md says nothing of $version" >&2
    exit 1
fi

(cd "$dist" && sha256sum "$name.tar.gz" | tee "$name.sha256")

work=$(mktemp -d /tmp/wgw-dist.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
chmod 755 "$work"

tar -xzf "$dist/$name.tar.gz" -C "$work"
cd "$work/$name"
unset MAKEFLAGS MAKELEVEL MFLAGS

case ${1-} in
none)  make build ;;
'')    make test ;;
*)     make test T="$*" ;;
esac

echo "$dist/$name.tar.gz: built and tested"
