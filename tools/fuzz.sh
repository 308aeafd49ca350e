#!/bin/sh
# fuzz.sh SECONDS [ROOM/PART ...]: builds the fuzz targets and runs each, or
# these, for that long, over the seeds in fuzz/corpus, those that fuzz/seeds.pl
# takes from t/vectors, and what earlier runs found (build/fuzz/corpus).  0
# seconds: only these.  A finding stays in build/fuzz/.

set -eu

unset MAKEFLAGS MAKELEVEL MFLAGS

seconds=$1
shift

make --no-print-directory -j "$(nproc)" fuzz-targets

perl fuzz/seeds.pl build/fuzz/seeds

if [ $# = 0 ]; then
    set -- fuzz/*/*.c
fi

for source in "$@"; do
    [ "$source" != 'fuzz/*/*.c' ] || break       # there are none

    source=${source#fuzz/}
    target=build/fuzz/${source%.c}
    name=${target##*/}
    corpus=build/fuzz/corpus/$name

    mkdir -p "$corpus" "build/fuzz/seeds/$name"

    if [ "$seconds" = 0 ]; then
        limit=-runs=0
    else
        limit=-max_total_time=$seconds
    fi

    if ! "$target" -max_len=65536 -timeout=60 -rss_limit_mb=2048 \
        -artifact_prefix=build/fuzz/ -print_final_stats=1 "$limit" \
        "$corpus" "fuzz/corpus/$name" "build/fuzz/seeds/$name" \
        > "build/fuzz/$name.log" 2>&1
    then
        tail -n 40 "build/fuzz/$name.log" >&2
        echo "$0: $name found something; see build/fuzz/$name.log" >&2
        exit 1
    fi

    echo "fuzz: $name:" "$(sed -n \
        's/^stat::number_of_executed_units: */executions /p' \
        "build/fuzz/$name.log")"
done
