#!/bin/sh
# fuzz.sh SECONDS: builds the fuzz targets and runs each for that long, over
# the seeds in fuzz/corpus and what earlier runs found (build/fuzz/corpus).
# 0 seconds: only these.  A finding stays in build/fuzz/.

set -eu

unset MAKEFLAGS MAKELEVEL MFLAGS

seconds=$1

make --no-print-directory -j "$(nproc)" fuzz-targets

for source in fuzz/*/*.c; do
    [ -e "$source" ] || continue
    target=build/${source%.c}
    name=${target##*/}
    corpus=build/fuzz/corpus/$name

    mkdir -p "$corpus"

    set -- -max_total_time="$seconds"

    if [ "$seconds" = 0 ]; then
        set -- -runs=0
    fi

    if ! "$target" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
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
