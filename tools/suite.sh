#!/bin/sh
# suite.sh SUITE source|download PACKAGE DIR
#
# Fetches a package of another Debian suite, as its source or as a .deb,
# into DIR.  The mirror is the machine's own; its apt configuration is read,
# not changed, and neither are its lists, so that any user may do this.

set -eu

suite=$1 what=$2 package=$3 dir=$4

tmp=$(mktemp -d /tmp/wgw-suite.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/get"
chmod 755 "$tmp"

# apt run by root fetches as the user _apt
if [ "$(id -u)" = 0 ] && id _apt > /dev/null 2>&1; then
    chown _apt "$tmp/get"
fi


# "URI suite component ..." of each source the machine has, in both formats

sources() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2> /dev/null |
        sed -n 's/^[ \t]*deb\(-src\)\?[ \t]\+\(\[[^]]*\][ \t]*\)\?//p'

    for file in /etc/apt/sources.list.d/*.sources; do
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

mirrors() {
    sources | awk '
        $2 ~ /^(bookworm|trixie|forky|(old)?stable|testing|unstable|sid)\/?$/ &&
        (" " $0 " ") ~ / main / && $1 !~ /^cdrom:/ && !seen[$1]++ {
            print $1
        }'
}


keyring() {
    for file in /usr/share/keyrings/debian-archive-keyring.gpg \
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


keyring=$(keyring)

cat > "$tmp/apt.conf" << END
Dir::Etc::SourceList "$tmp/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "$tmp/lists";
Dir::Cache "$tmp/cache";
Acquire::Languages "none";
APT::Update::Error-Mode "any";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END

case $what in
source)
    type=deb-src
    command="source --download-only --only-source"
    ;;
download)
    type=deb
    command=download
    ;;
esac

# shellcheck disable=SC2086    # a command and its options
get() {
    apt-get -c "$tmp/apt.conf" -q update &&
        cd "$tmp/get" &&
        apt-get -c "$tmp/apt.conf" -q $command "$package"
}


for mirror in $(mirrors); do
    echo "$type [signed-by=$keyring] $mirror $suite main" > "$tmp/sources.list"

    if (get) >> "$tmp/log" 2>&1; then
        mkdir -p "$dir"
        cp "$tmp/get"/* "$dir"
        exit 0
    fi
done

cat "$tmp/log" >&2 2> /dev/null || :
echo "$0: no mirror in /etc/apt has $package of Debian $suite" >&2
exit 1
