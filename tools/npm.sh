#!/bin/sh
# npm.sh: the wallets and libraries that the tests of sign-in use, and the
# programs in t/clients, in build/npm.  Nothing is fetched when all is there.

set -eu

dir=build/npm
list=t/clients/package.json

mkdir -p "$dir"

if ! cmp -s "$list" "$dir/installed"; then
    rm -f "$dir/installed"
    cp "$list" "$dir/package.json"

    echo "npm: installing wallets for the tests"

    if ! (cd "$dir" && npm install --no-package-lock --no-audit --no-fund \
          --ignore-scripts --legacy-peer-deps) > "$dir/log" 2>&1
    then
        tail -n 20 "$dir/log" >&2
        exit 1
    fi

    cp "$list" "$dir/installed"
fi

# modules are looked up from where a program is
for file in t/clients/*.mjs; do
    if ! cmp -s "$file" "$dir/${file##*/}"; then
        cp "$file" "$dir/${file##*/}.$$"
        mv "$dir/${file##*/}.$$" "$dir/${file##*/}"
    fi
done
