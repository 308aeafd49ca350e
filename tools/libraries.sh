#!/bin/sh
# libraries.sh ROOT DIR PROGRAM ...: programs of another release, unpacked in
# ROOT with their libraries, are to use these, and their loader, once ROOT is
# moved to DIR: both are written into our copies of the programs, which run
# from there only.

set -eu

root=$1 dir=$2
shift 2

loader=$(cd "$root" && find . -name 'ld-linux*.so*' | head -n 1)
lib=$(cd "$root" && find . -name 'libc.so.6' | head -n 1)
lib=$(dirname "${lib#./}")

[ -n "$loader" ] && [ "$lib" != . ]

for program in "$@"; do

    # libc may be in /lib where the others are in /usr/lib
    patchelf --set-interpreter "$dir/${loader#./}" --force-rpath \
        --set-rpath "$dir/$lib:$dir/usr/${lib#usr/}" "$root/$program"
done
