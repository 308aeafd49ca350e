#!/bin/sh
# deb.sh RELEASE ...         Debian packages for each of these releases, built
#                            against its own nginx, in a root of its own, seen
#                            by lintian, and put into build/deb; what debuggers
#                            want, into build/deb/dbgsym
# deb.sh changelog RELEASE   debian/changelog for it
#
# Needs root, debootstrap and the network.  Roots are in ROOTS, or build/roots.
# What is built is the tree as it is, committed or not.  DEB_REVISION=1 is the
# packages' own part of the version.

set -eu

# `make -C DIR deb` would have the version say which folder it is in
unset MAKEFLAGS MAKELEVEL MFLAGS

tools=${0%/*}
roots=${ROOTS:-build/roots}


fail() {
    echo "$0: $1" >&2
    exit 1
}


# 0.2.0-1~deb12: the next release's is newer

suffix() {
    case $1 in
    bookworm) echo '~deb12' ;;
    trixie)   echo '~deb13' ;;
    *)        echo "~$1" ;;
    esac
}


version() {
    echo "$(make -s version)-${DEB_REVISION:-1}$(suffix "$1")"
}


# The date is the last commit's, so that the same tree gives the same package.

changelog() {
    when=$(git log -1 --format=%cd --date=rfc2822 2> /dev/null) ||
        when=$(date -R -r CHANGES.md)

    cat << END
wgw ($(version "$1")) $1; urgency=medium

  * wgw $(make -s version); CHANGES.md has what is new.

 -- $(sed -n 's/^Maintainer: //p' debian/control)  $when
END
}


# The root to build in: what debian/control asks for, and lintian; nothing of
# it starts a server.

build_root() {
    if [ -e "$2/ready" ]; then
        return
    fi

    "$tools/root.sh" base "$1" "$roots/$1"
    rm -rf "$2"
    "$tools/root.sh" layer "$roots/$1" "$2"
    mkdir -p "$2/up/usr/sbin"
    printf '#!/bin/sh\nexit 101\n' > "$2/up/usr/sbin/policy-rc.d"
    chmod 755 "$2/up/usr/sbin/policy-rc.d"

    logged "$2/log" "$tools/root.sh" run "$2" sh -c 'apt-get -q update &&
        apt-get -q -y --no-install-recommends install build-essential \
            fakeroot lintian'
    : > "$2/ready"
}


logged() {
    log=$1
    shift

    if ! "$@" > "$log" 2>&1; then
        tail -n 40 "$log" >&2
        fail "failed; the whole output is in $log"
    fi
}


# copy DIR: what git knows or would add; without git, all but what is built

copy() {
    rm -rf "$1"
    mkdir -p "$1"

    if git ls-files > /dev/null 2>&1; then
        git ls-files -z -co --exclude-standard
    else
        find . \( -path ./build -o -path ./run \) -prune -o -type f -print0
    fi | tar -c --null -T - --ignore-failed-read | tar -x -C "$1"
}


# of what lintian says errors fail

build() {
    release=$1
    dir=$roots/$release-deb

    build_root "$release" "$dir"
    copy "$dir/up/src/wgw"
    changelog "$release" > "$dir/up/src/wgw/debian/changelog"
    rm -f "$dir"/up/src/*.*

    echo "$release: wgw $(version "$release")"
    logged "$dir/log" "$tools/root.sh" run "$dir" sh -c '
        cd /src/wgw &&
        apt-get -q -y --no-install-recommends build-dep . &&
        dpkg-buildpackage -b -us -uc -j"$(nproc)"'
    logged "$dir/lintian" "$tools/root.sh" run "$dir" sh -c '
        cd /src && lintian --allow-root --fail-on error --info wgw_*.changes'
    grep '^[EW]:' "$dir/lintian" || :

    mkdir -p build/deb/dbgsym
    rm -f build/deb/*"$(suffix "$release")"_*.deb \
        build/deb/dbgsym/*"$(suffix "$release")"_*.deb
    cp "$dir"/up/src/*.deb build/deb
    mv build/deb/*-dbgsym_*"$(suffix "$release")"_*.deb build/deb/dbgsym
}


case $1 in
changelog)
    changelog "$2"
    ;;
*)
    for release; do
        build "$release"
    done

    echo "packages are in build/deb:"
    (cd build/deb && ls -- *.deb)
    ;;
esac
