#!/bin/sh
# fuzz.sh SECONDS: builds the fuzz targets and runs each for that long, over
# the seeds in fuzz/corpus and what earlier runs found (build/fuzz/corpus).
# 0 seconds: only these.  A finding stays in build/fuzz/.

set -eu

seconds=$1
flags="-g -O1 -fno-omit-frame-pointer -I. -Isrc
       -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined"

mkdir -p build/fuzz

for source in fuzz/*/*.c; do
    name=${source##*/}
    name=${name%.c}
    parts=$(sed -n 's/^ \* sources: *//p' "$source" |
            sed 's|[^ ][^ ]*|src/&.c|g')
    corpus=build/fuzz/corpus/$name

    mkdir -p "$corpus"

    if [ -n "$(find "$source" src -newer "build/fuzz/$name" 2> /dev/null)" ] ||
       [ ! -e "build/fuzz/$name" ]
    then
        # shellcheck disable=SC2086    # lists
        clang $flags -o "build/fuzz/$name.new" "$source" $parts \
            -lyajl -lcrypto -lpthread -lsecp256k1
        mv "build/fuzz/$name.new" "build/fuzz/$name"
    fi

    set -- -max_total_time="$seconds"

    if [ "$seconds" = 0 ]; then
        set -- -runs=0
    fi

    if ! "build/fuzz/$name" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix=build/fuzz/ -print_final_stats=1 "$@" \
        "$corpus" "fuzz/corpus/$name" > "build/fuzz/$name.log" 2>&1
    then
        tail -n 40 "build/fuzz/$name.log" >&2
        echo "$0: $name found something; see build/fuzz/$name.log" >&2
        exit 1
    fi

    echo "fuzz: $name:" "$(sed -n \
        's/^stat::number_of_executed_units: */executions /p' \
        "build/fuzz/$name.log")"
done
