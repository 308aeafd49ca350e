#!/bin/sh
# build.sh             nginx and the modules in build/, from NGX_SRC or from
#                      Debian 13's source package
# build.sh debian12    the same from Debian 12's, in build/debian12
# build.sh asan        as the first, with the modules linked in and
#                      sanitizers, in build/asan
# build.sh installed   the modules for the nginx that is installed, in
#                      build/installed, from Debian's package nginx-dev
#
# Nothing is done twice: nginx is configured anew when `config`, a flag, the
# tree or the list of our sources changes, and its own makefile knows what to compile.
#
# nginx's configure splits paths at blanks.  So it runs in a directory made of
# links, to the tree's parts and to this checkout (as `wgw`), and sees no path
# but its own.

set -eu

unset MAKEFLAGS MAKELEVEL MFLAGS

top=$PWD
jobs=$(nproc)


fail() {
    echo "$0: $1" >&2
    exit 1
}


# logged LOG COMMAND ...: its output is shown only when it fails

logged() {
    log=$1
    shift

    if ! "$@" > "$log" 2>&1; then
        tail -n 40 "$log" >&2
        fail "failed; the whole output is in $log"
    fi
}


# link_tree TREE WORK: a directory in which nginx can be configured

link_tree() {
    rm -rf "$2"
    mkdir -p "$2"

    for part in auto conf configure contrib html man src; do
        if [ -e "$1/$part" ]; then
            ln -s "$1/$part" "$2/$part"
        fi
    done

    ln -s "$top" "$2/wgw"
}


# configure TREE WORK FLAG ...

configure() {
    tree=$1 work=$2
    shift 2

    signature="$top $tree $* $(cksum < "$tree/src/core/nginx.h")"
    config=$({ cat config && echo src/*/*.c; } | cksum)

    if [ "$(cat "$work/signature" 2> /dev/null)" != "$signature" ]; then
        link_tree "$tree" "$work"

    elif [ "$(cat "$work/config" 2> /dev/null)" = "$config" ]; then
        return
    fi

    rm -f "$work/signature" "$work/config"
    echo "nginx $(version "$tree"): configuring"

    save_headers "$work"
    logged "$work/configure.log" in_dir "$work" ./configure "$@"
    restore_headers "$work"

    echo "$signature" > "$work/signature"
    echo "$config" > "$work/config"
}


version() {
    sed -n 's/^#define NGINX_VERSION *"\(.*\)"/\1/p' "$1/src/core/nginx.h"
}


in_dir() (
    cd "$1"
    shift
    "$@"
)


# A changed `config` seldom changes the headers that configure writes, and
# all of nginx depends on them: those that stay the same keep their time.

save_headers() {
    rm -rf "$1/saved"
    mkdir "$1/saved"
    cp -p "$1"/objs/ngx_auto_*.h "$1/saved" 2> /dev/null || :
}


restore_headers() {
    for header in "$1"/saved/*.h; do
        if cmp -s "$header" "$1/objs/${header##*/}"; then
            cp -p "$header" "$1/objs"
        fi
    done
}


# compile WORK TARGET WHAT [VARIABLE=VALUE]

compile() {
    work=$1 target=$2 what=$3
    shift 3

    if ! in_dir "$work" make -q -f objs/Makefile "$target" > /dev/null 2>&1
    then
        echo "$what: compiling"
        logged "$work/$target.log" \
            in_dir "$work" make -j "$jobs" -f objs/Makefile "$target" "$@"
    fi
}


# Our sources are compiled with more warnings than nginx has on; callbacks
# that do not use all they are given are its style.

compile_modules() {
    cflags=$(sed -n 's/^CFLAGS = *//p' "$1/objs/Makefile")

    compile "$1" modules modules "CFLAGS=$cflags -Wextra"
}


# publish FILE DIR: a running nginx maps these files, so they are replaced,
# never written to

publish() {
    to=$2/${1##*/}
    mkdir -p "$2"

    if ! cmp -s "$1" "$to"; then
        cp "$1" "$to.new"
        mv "$to.new" "$to"
    fi
}


# build DIR SUITE ADD CFLAGS LDFLAGS: nginx of NGX_SRC or of a Debian suite

build() {
    dir=$1 suite=$2 add=$3 cflags=$4 ldflags=$5
    tree=${NGX_SRC:-build/source${suite:+-$suite}}

    if [ -z "${NGX_SRC:-}" ] && [ ! -e "$tree" ]; then
        echo "nginx: fetching the source package of Debian ${suite:-13}"
        tools/source.sh "$tree" "${suite:-trixie}"
    fi

    [ -e "$tree/src/core/nginx.h" ] || fail "no nginx source tree in $tree"
    tree=$(cd "$tree" && pwd)

    set -- --prefix=. --with-cc="${CC:-cc}" --with-cc-opt="$cflags" \
        --with-ld-opt="$ldflags" \
        --with-compat --with-debug --with-pcre-jit --with-threads \
        --with-http_ssl_module --with-http_v2_module \
        --with-http_realip_module --with-http_stub_status_module \
        --with-http_auth_request_module --with-http_slice_module \
        --with-http_addition_module --with-http_sub_module \
        --with-http_gunzip_module --with-stream --with-stream_ssl_module \
        --with-stream_ssl_preread_module --with-stream_realip_module \
        "$add=wgw"

    if grep -q -e --with-http_v3_module "$tree/auto/options"; then
        set -- "$@" --with-http_v3_module
    fi

    configure "$tree" "$dir/nginx" "$@"

    if [ "$add" = --add-module ]; then
        compile "$dir/nginx" binary "nginx $(version "$tree"), all in one"

    else
        compile "$dir/nginx" binary "nginx $(version "$tree")"
        compile_modules "$dir/nginx"

        for module in "$dir"/nginx/objs/ngx_wgw_*_module.so; do
            publish "$module" "$dir/modules"
        done
    fi

    publish "$dir/nginx/objs/nginx" "$dir/bin"
}


# conf_flags holds a bash array, whose elements have no blanks.

installed() {
    tree=/usr/share/nginx/src
    flags=$(sed -n 's/^NGX_CONF_FLAGS=(\(.*\))$/\1/p' "$tree/conf_flags")

    [ -n "$flags" ] || fail "no configure flags in $tree/conf_flags"

    # shellcheck disable=SC2086
    configure "$tree" build/installed/nginx $flags --with-stream \
        --add-dynamic-module=wgw
    compile_modules build/installed/nginx

    for module in build/installed/nginx/objs/ngx_wgw_*_module.so; do
        publish "$module" build/installed
    done
}


# Known noise of nginx itself is left out; its pools become mallocs.

sanitizers="-fsanitize=address,undefined -fno-omit-frame-pointer"
quiet="-fno-sanitize=alignment,nonnull-attribute,pointer-overflow"

case ${1:-} in
installed)
    installed
    ;;
debian12)
    NGX_SRC=''
    build build/debian12 bookworm --add-dynamic-module "-O2 -g" ""
    ;;
asan)
    build build/asan "" --add-module \
        "-O1 -g $sanitizers $quiet -DNGX_DEBUG_PALLOC=1" "$sanitizers"
    ;;
*)
    build build "" --add-dynamic-module "-O2 -g" ""
    make -s build/bin/siwe-token
    ;;
esac
