#!/bin/sh
# lint.sh [FILE.c ...]: cppcheck over all of our C, and clang-tidy over what
# ships, or over these files; both say nothing, or the exit status is 1.
#
# What is asked for is in .clang-tidy and tools/cppcheck.supp, with reasons.
# What clang-tidy had nothing to say of is noted in build/lint, by what the
# compiler sees of it, so that only what changed is looked at again.

set -eu

unset MAKEFLAGS MAKELEVEL MFLAGS

top=$PWD
noted=$top/build/lint


# ---- one file: from $top/build/nginx, where nginx was configured

if [ "${1-}" = one ]; then
    file=$2
    cd build/nginx

    # nginx says so itself, and some of src/ do
    case $file in
    src/* | ngx_*) ;;
    *) LINT_FLAGS="$LINT_FLAGS -D_GNU_SOURCE" ;;
    esac

    # shellcheck disable=SC2086    # a list
    seen=$({ clang-tidy --version; cat wgw/.clang-tidy
             clang -E -C $LINT_FLAGS "wgw/$file"; } | sha256sum)

    note=$noted/${seen%% *}

    if [ -e "$note" ]; then
        exit
    fi

    # shellcheck disable=SC2086
    if clang-tidy --quiet --header-filter='wgw/(src|cli|grid|ledger)/' \
        "wgw/$file" -- $LINT_FLAGS > "$note.$$" 2>&1
    then
        rm "$note.$$"
        : > "$note"
        exit
    fi

    sed "s|$top/build/nginx/wgw/||" "$note.$$"
    rm "$note.$$"
    exit 1
fi


# ---- all of them

mkdir -p "$noted"
status=0

if [ $# = 0 ]; then
    cppcheck --quiet --enable=warning,performance,portability --std=c11 \
        -j "$(nproc)" --suppressions-list=tools/cppcheck.supp \
        --error-exitcode=1 --template='{file}:{line}: {id}: {message}' \
        -D_GNU_SOURCE -Isrc -I. ngx_wgw_*.c src cli grid ledger tools \
        fuzz t/unit t/lib bench/tools || status=1

    set -- ngx_wgw_*.c src/*/*.c cli/*.c grid/*.c ledger/*.c
fi

make -s build/parts/ledger_schema.h

LINT_FLAGS="$(sed -n '/^ALL_INCS/,/^$/p' build/nginx/objs/Makefile |
    sed 's/^ALL_INCS = *//; s/\\$//' | tr -s ' \t\n' ' ') -Iwgw \
    -Iwgw/build/parts -I$(pg_config --includedir) -Wall -Wextra -Wno-unused-parameter"
export LINT_FLAGS

printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 "$0" one || status=1

[ "$status" != 0 ] || echo "lint: nothing to say of $# files"

exit "$status"
