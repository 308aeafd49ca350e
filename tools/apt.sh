#!/bin/sh
# apt.sh RELEASE source DIR PACKAGE      the newest source that is whole
# apt.sh RELEASE tarball DIR PACKAGE     the newest upstream tarball, alone
# apt.sh RELEASE packages DIR PACKAGE... .debs, all of one version where they
#                                        are of one source
# apt.sh RELEASE closure DIR PACKAGE...  .debs of these and of all they need,
#                                        to be unpacked, not installed
# apt.sh own                             the release of this machine
# apt.sh mirror                          its mirror of Debian
# apt.sh security                        and that of security updates
#
# Fetches from a Debian release, with its updates and its security ones, into
# DIR; prints the version.  The mirrors are those that the machine has; its
# apt configuration is read, not changed, and neither are its lists, so that
# any user may do this.  An index may name files that its mirror has not: each
# version is tried, the newest first, until one comes whole.  One that is out
# of date, as those of mirrors are that have stopped, is taken: it is signed,
# and nothing of it is installed but a test's own tools.
#
# WGW_APT=DIR is read in place of /etc/apt, WGW_KEYRING=FILE is trusted in
# place of Debian's keyring.

set -eu

etc=${WGW_APT:-/etc/apt}


# "URI suite component ..." of each source the machine has, in both formats

sources() {
    cat "$etc/sources.list" "$etc"/sources.list.d/*.list 2> /dev/null |
        sed -n 's/^[ \t]*deb\(-src\)\?[ \t]\+\(\[[^]]*\][ \t]*\)\?//p'

    for file in "$etc"/sources.list.d/*.sources; do
        grep -v '^#' "$file" 2> /dev/null || :
        echo
    done | awk '
        BEGIN { RS = ""; FS = "\n" }
        {
            split("", field)
            for (i = 1; i <= NF; i++) {
                if ($i !~ /^[ \t]/) {
                    key = tolower($i)
                    sub(/:.*/, "", key)
                    sub(/^[^:]*:/, "", $i)
                }
                field[key] = field[key] " " $i
            }
            if (field["enabled"] ~ /no/) {
                next
            }
            n = split(field["uris"], uri, " ")
            m = split(field["suites"], suite, " ")
            for (i = 1; i <= n; i++) {
                for (j = 1; j <= m; j++) {
                    print uri[i], suite[j], field["components"]
                }
            }
        }'
}


# Those that may be Debian itself.  Others use the same names, which does no
# harm: they cannot sign as Debian, and the next is tried.

names="bookworm|trixie|forky|sid|(old)?stable|testing|unstable"

mirrors() {
    sources | awk -v names="^($names)/?$" '
        $2 ~ names && (" " $0 " ") ~ / main / && $1 !~ /^cdrom:/ &&
        !seen[$1]++ {
            print $1
        }'
}


# where the machine gets security updates; without such a line, where mirrors
# have them: beside

security_mirrors() {
    {
        sources | awk -v names="^($names)(-security|/updates)$" '
            $2 ~ names && $1 !~ /^cdrom:/ { print $1 }'

        mirrors | sed -n 's|/debian/*$|/debian-security|p'
    } | awk '!seen[$0]++'
}


keyring() {
    for file in "${WGW_KEYRING:-}" \
                /usr/share/keyrings/debian-archive-keyring.gpg \
                /usr/share/keyrings/debian-archive-keyring.pgp
    do
        if [ -e "$file" ]; then
            echo "$file"
            return
        fi
    done

    echo "$0: there is no Debian keyring (package debian-archive-keyring)" >&2
    return 1
}


own() {
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

    echo "${codename:-sid}"
}


# an apt of its own in $tmp; one run by root fetches as the user _apt.  It
# knows of no package that is installed, or it would take the newer one of this
# machine for the wanted one of an older release.

prepare() {
    mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/get"
    : > "$tmp/status"
    chmod 755 "$tmp"

    if [ "$(id -u)" = 0 ] && id _apt > /dev/null 2>&1; then
        chown _apt "$tmp/get"
    fi

    cat > "$tmp/apt.conf" << END
Dir::Etc::SourceList "$tmp/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "$tmp/lists";
Dir::State::Status "$tmp/status";
Dir::Cache "$tmp/cache";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::Check-Valid-Until "false";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
}


# lines for $release from one mirror; a suite that is not there is passed over

write_sources() {
    options="[signed-by=$keyring]"

    for suite in "$release" "$release-updates"; do
        echo "$type $options $1 $suite main"
    done

    for uri in $(security_mirrors); do
        echo "$type $options $uri $release-security main"
    done
}


private() {
    command=$1
    shift

    "$command" -c "$tmp/apt.conf" -q "$@"
}


# versions PACKAGE: those that the lists have, the newest first

versions() {
    if [ "$type" = deb-src ]; then
        private apt-cache showsrc --only-source "$1" 2> /dev/null
    else
        private apt-cache show "$1" 2> /dev/null
    fi | sed -n 's/^Version: *//p' | sort -u | newest_first
}


newest_first() {
    sorted=

    while read -r version; do
        before=
        after=

        for other in $sorted; do
            if dpkg --compare-versions "$other" gt "$version"; then
                before="$before $other"
            else
                after="$after $other"
            fi
        done

        sorted="$before $version$after"
    done

    echo "$sorted"
}


# one version into $tmp/get, or nothing

get() {
    version=$1
    shift

    rm -rf "$tmp"/get/*

    case $what in
    source)
        (cd "$tmp/get" &&
         private apt-get source --download-only --only-source "$1=$version")
        ;;
    tarball)
        (cd "$tmp/get" &&
         private apt-get source --download-only --only-source --tar-only \
             "$1=$version")
        ;;
    closure)
        first=$1
        shift
        private apt-get -o APT::Install-Recommends=false \
            -o Debug::NoLocking=1 install -y --download-only \
            "$first=$version" "$@" &&
            mv "$tmp"/cache/archives/*.deb "$tmp/get"
        ;;
    packages)
        # what has not this version is of another source

        wanted=

        for package in "$@"; do
            case " $(versions "$package") " in
            *" $version "*) wanted="$wanted $package=$version" ;;
            *)              wanted="$wanted $package" ;;
            esac
        done

        # shellcheck disable=SC2086    # a list
        (cd "$tmp/get" && private apt-get download $wanted)
        ;;
    esac >> "$tmp/log" 2>&1
}


case $1 in
own)
    own
    exit 0
    ;;
mirror)
    mirrors | head -n 1
    exit 0
    ;;
security)
    security_mirrors | head -n 1
    exit 0
    ;;
*)
    release=$1 what=$2 dir=$3
    shift 3
    ;;
esac

type=deb-src

if [ "$what" = packages ] || [ "$what" = closure ]; then
    type=deb
fi

keyring=$(keyring)
tmp=$(mktemp -d /tmp/wgw-apt.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
prepare

for mirror in $(mirrors); do
    write_sources "$mirror" > "$tmp/sources.list"
    private apt-get update >> "$tmp/log" 2>&1 || :

    for version in $(versions "$1"); do
        if get "$version" "$@"; then
            mkdir -p "$dir"
            cp "$tmp/get"/* "$dir"
            echo "$version"
            exit 0
        fi
    done
done

if [ -n "${WGW_APT_LOG:-}" ]; then
    cp "$tmp/log" "$WGW_APT_LOG"
fi

exit 1
