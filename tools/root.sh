#!/bin/sh
# root.sh base RELEASE DIR     a minimal Debian of that release, by debootstrap
# root.sh layer BELOW DIR      a root on top of another, which stays as it is
# root.sh run DIR COMMAND ...  runs it there as root, with the network of here
# root.sh boot DIR             boots its systemd, in the foreground, with a
#                              network of its own, by systemd-nspawn: its child
#                              is what nsenter takes
#
# Needs root.  The mirror is the machine's own.  What is mounted is mounted in
# a namespace of its own, and so gone with the command; what it started ends
# with it, too.
#
# A layer is a directory: `up` has its files, `below` names what it is on top
# of, `root` is where both are seen as one.

set -eu

tools=${0%/*}


fail() {
    echo "$0: $1" >&2
    exit 1
}


# Lines of apt's for RELEASE: its own, updates and security ones; MIRROR and
# SECURITY instead of those of this machine.

sources() {
    main=${MIRROR:-$("$tools/apt.sh" mirror)}
    security=${SECURITY:-$("$tools/apt.sh" security)}

    echo "deb $main $1 main"
    echo "deb $main $1-updates main"
    echo "deb $security $1-security main"
}


# DIR is there whole or not at all.  What is written is lost at a power loss,
# and nobody cares.

base() {
    release=$1 dir=$2

    if [ -e "$dir/up/etc/os-release" ]; then
        return
    fi

    [ "$(id -u)" = 0 ] || fail "only root makes a root"
    command -v debootstrap > /dev/null || fail "there is no debootstrap"

    mkdir -p "$dir"
    rm -rf "$dir/new"
    echo "$release: debootstrap"

    if ! debootstrap --variant=minbase "$release" "$dir/new" \
        "$("$tools/apt.sh" mirror)" > "$dir/log" 2>&1
    then
        tail -n 5 "$dir/log" >&2
        fail "debootstrap failed, see $dir/log"
    fi

    sources "$release" > "$dir/new/etc/apt/sources.list"
    echo force-unsafe-io > "$dir/new/etc/dpkg/dpkg.cfg.d/root"
    mkdir -p "$dir/root"
    mv "$dir/new" "$dir/up"
}


layer() {
    below=$(cd "$1" && pwd)

    mkdir -p "$2/up" "$2/work" "$2/root"

    if [ -e "$below/below" ]; then
        echo "$below/up:$(cat "$below/below")" > "$2/below"
    else
        echo "$below/up" > "$2/below"
    fi
}


mount_root() {
    if [ -e "$1/below" ]; then
        mount -t overlay overlay -o \
            "lowerdir=$(cat "$1/below"),upperdir=$1/up,workdir=$1/work" \
            "$1/root"
    else
        mount --bind "$1/up" "$1/root"
    fi
}


# The host's cgroups may be of the old kind, which a new systemd has to be
# told to take.

booted() {
    mount_root "$1"
    echo vm > "$1/root/etc/hostname"
    rm -f "$1/root/etc/machine-id"
    : > "$1/root/etc/machine-id"

    exec systemd-nspawn -q -D "$1/root" --boot --private-network \
        --register=no --keep-unit --console=pipe --link-journal=no \
        --setenv=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 \
        > "$1/console" 2>&1 < /dev/null
}


# in the namespaces that `run` made

inside() {
    dir=$1
    shift

    mount_root "$dir"
    mount -t proc proc "$dir/root/proc"
    mount -t sysfs -o ro sysfs "$dir/root/sys" 2> /dev/null || :
    mount --rbind /dev "$dir/root/dev"
    cp /etc/resolv.conf "$dir/root/etc/resolv.conf"

    exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        TERM=dumb DEBIAN_FRONTEND="${DEBIAN_FRONTEND:-noninteractive}" \
        chroot "$dir/root" "$@"
}


what=$1
shift

case $what in
base | layer | inside | booted)
    "$what" "$@"
    ;;
boot)
    exec unshare --mount "$0" booted "$(cd "$1" && pwd)"
    ;;
run)
    dir=$(cd "$1" && pwd)
    shift

    # --kill-child: who ends this ends all
    exec unshare --mount --pid --fork --kill-child \
        "$0" inside "$dir" "$@"
    ;;
*)
    fail "what is $what?"
    ;;
esac
