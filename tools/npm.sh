#!/bin/sh
# npm.sh: the wallets and libraries that tests use, and the programs in
# t/clients, in build/npm; tools/claims-bridge with what it needs, in
# build/bridge; and the grid's client of t/grid, in build/grid.  Nothing is
# fetched when all is there.

set -eu

# What the system trusts, as apt and curl do: Node.js has a list of its own, in
# which the authority of a site's own network is not.

authorities=/etc/ssl/certs/ca-certificates.crt

if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -e "$authorities" ]; then
    export NODE_EXTRA_CA_CERTS="$authorities"
fi


# lists and programs of $1, in $2: modules are looked up from where a
# program is

put() {
    dir=$2
    list=$1/package.json

    mkdir -p "$dir"

    if ! cmp -s "$list" "$dir/installed"; then
        rm -f "$dir/installed"
        cp "$list" "$dir/package.json"

        echo "npm: installing what $1 needs"

        if ! (cd "$dir" && npm install --no-package-lock --no-audit \
              --no-fund --ignore-scripts --legacy-peer-deps) \
             > "$dir/log" 2>&1
        then
            tail -n 20 "$dir/log" >&2
            exit 1
        fi

        cp "$list" "$dir/installed"
    fi

    for file in "$1"/*.mjs; do
        if ! cmp -s "$file" "$dir/${file##*/}"; then
            cp "$file" "$dir/${file##*/}.$$"
            mv "$dir/${file##*/}.$$" "$dir/${file##*/}"
        fi
    done
}


# of suites that run at once the first one installs

mkdir -p build
exec 9> build/npm.lock
flock 9

put t/clients build/npm
put tools/claims-bridge build/bridge
put t/grid build/grid
