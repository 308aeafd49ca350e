#!/bin/sh
# build.sh             nginx and the modules in build/
# build.sh own         the modules for the nginx that this machine's release
#                      packages, and that nginx, in build/own
# build.sh debian12    nginx of Debian 12 and the modules in build/debian12
# build.sh debian13    nginx of Debian 13, the same
# build.sh asan        as the first, with the modules linked in and
#                      sanitizers, in build/asan
# build.sh valgrind    as asan, for memcheck instead, in build/valgrind
# build.sh matrix DIR dynamic|static
#                      NGX_SRC, in DIR, by CC with CFLAGS and LDFLAGS, for
#                      matrix.sh
# build.sh whole       as the first, with all of nginx's modules that need no
#                      library besides, in build/whole, for nginx-tests.sh
# build.sh clang       the modules once more, by clang, in build/clang
# build.sh installed   the modules for the nginx that is installed, in
#                      build/installed, from Debian's package nginx-dev
#
# A mirror may lack sources for days, and a network be absent.  Each nginx has
# several ways here, see way_*, of which the first is taken that is open; what
# was taken is said, and stays until `make clean`.
#
# Nothing is done twice: nginx is configured anew when `config`, a flag, the
# tree or the list of our sources changes, and its own makefile knows what to
# compile.
#
# nginx's configure splits paths at blanks.  So it runs in a directory made of
# links, to the tree's parts and to this checkout (as `wgw`), and sees no path
# but its own.

set -eu

unset MAKEFLAGS MAKELEVEL MFLAGS

# in the environment of nginx's configure they would be all the flags there are:
# without its own, and so without a warning
flags=${CFLAGS:-} ldflags=${LDFLAGS:-}
unset CFLAGS LDFLAGS

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

    # in nginx's repository it is not on top
    if [ ! -e "$2/configure" ]; then
        ln -s auto/configure "$2/configure"
    fi

    ln -s "$top" "$2/wgw"
}


# configure TREE WORK FLAG ...

configure() {
    tree=$1 work=$2
    shift 2

    signature="$top $tree $* $(cksum < "$tree/src/core/nginx.h")"
    config=$({ cat config && echo src/*/*.c; cat page/*; } | cksum)

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


# compile WORK TARGET WHAT [VARIABLE=VALUE]: a make that was killed may leave
# half an object, which looks made: those of its time are made again.

compile() {
    work=$1 target=$2 what=$3
    shift 3

    if [ -e "$work/compiling" ]; then
        find "$work/objs" -type f \( -name '*.o' -o -name '*.so' \
            -o -name nginx \) -newer "$work/compiling" -delete
    fi

    if in_dir "$work" make -q -f objs/Makefile "$target" > /dev/null 2>&1
    then
        return
    fi

    echo "$what: compiling"
    : > "$work/compiling"

    # the mark goes when make ends by itself, well or not
    in_dir "$work" make -j "$jobs" -f objs/Makefile "$target" "$@" \
        > "$work/$target.log" 2>&1 && status=0 || status=$?

    rm -f "$work/compiling"

    if [ "$status" != 0 ]; then
        tail -n 40 "$work/$target.log" >&2
        fail "failed; the whole output is in $work/$target.log"
    fi
}


# Our sources are compiled with more warnings than nginx has on; callbacks
# that do not use all they are given are its style.

compile_modules() {
    cflags=$(sed -n 's/^CFLAGS = *//p' "$1/objs/Makefile")

    compile "$1" modules modules \
        "CFLAGS=$cflags -Wextra -Wno-unused-parameter"
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


# ---- ways to an nginx: each leaves build/REST and says in its file `way` what
# it is, or fails and leaves nothing

way_source() {
    dir=build/source-$1

    [ -e "$dir/src/core/nginx.h" ] ||
        { rm -rf "$dir" && tools/nginx.sh tree "$1" "$dir"; }
}


way_packages() {
    dir=build/packages-$1

    "$dir/usr/sbin/nginx" -v > /dev/null 2>&1 ||
        { rm -rf "$dir" && tools/nginx.sh packages "$1" "$dir"; }
}


release=$(tools/apt.sh own)

ways="NGX_SRC=DIR; Debian 13's source, or its tarball alone (1.26: http2 on,\
 HTTP/3); this machine's own packages (stream as a module; 1.22 has no http2\
 on, no HTTP/3)"


# took DIR WAY [WAYS]: one line, once for each way that is taken

took() {
    if [ "$(cat "$1/way" 2> /dev/null)" != "$2" ]; then
        echo "nginx: $2${3:+.  Ways, in this order: $3}"
        mkdir -p "$1"
        echo "$2" > "$1/way"
    fi
}


# build TREE DIR ADD CFLAGS LDFLAGS [FLAG ...]

build() {
    tree=$1 dir=$2 add=$3 cflags=$4 ldflags=$5
    shift 5

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
        "$add=wgw" "$@"

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
    rm -f "$dir/modules/ngx_stream_module.so"
}


# for_tree TREE WORK OUT: the modules for an nginx that is there built, by
# nginx-dev's tree.  Elements of conf_flags have no blanks; those of dynamic
# modules, which would want their libraries, are not needed.

for_tree() {
    flags=$(sed -n 's/^NGX_CONF_FLAGS=(\(.*\))$/\1/p' "$1/conf_flags" |
            tr ' ' '\n' | grep -v '=dynamic$' || :)

    [ -n "$flags" ] || fail "no configure flags in $1/conf_flags"

    # shellcheck disable=SC2086
    configure "$1" "$2" $flags --with-stream --add-dynamic-module=wgw
    compile_modules "$2"

    for module in "$2"/objs/ngx_wgw_*_module.so; do
        publish "$module" "$3"
    done
}


# packaged ROOT DIR: as build, of unpacked packages; stream is a module then,
# named so that it is loaded first

packaged() {
    root=$(cd "$1" && pwd)

    for_tree "$root/usr/share/nginx/src" "$2/nginx" "$2/modules"
    publish "$root/usr/lib/nginx/modules/ngx_stream_module.so" "$2/modules"
    publish "$root/usr/sbin/nginx" "$2/bin"
}


# the nginx of a release, by the first way

of_release() {
    if way_source "$1"; then
        took "$2" "$(cat "build/source-$1/way")"
        build "build/source-$1" "$2" --add-dynamic-module "-O2 -g" ""

    elif way_packages "$1"; then
        took "$2" "$(cat "build/packages-$1/way")"
        packaged "build/packages-$1" "$2"

    else
        return 1
    fi
}


main() {
    if [ -n "${NGX_SRC:-}" ]; then
        took build "NGX_SRC, $(version "$NGX_SRC")" "$ways"
        build "$NGX_SRC" build --add-dynamic-module "-O2 -g" ""

    elif way_source trixie; then
        took build "$(cat build/source-trixie/way)" "$ways"
        build build/source-trixie build --add-dynamic-module "-O2 -g" ""

    elif way_packages "$release"; then
        took build "$(cat "build/packages-$release/way")" "$ways"
        packaged "build/packages-$release" build

    else
        fail "no nginx: none of these was open: $ways"
    fi
}


# for what needs a tree

some_tree() {
    if [ -n "${NGX_SRC:-}" ]; then
        tree=$NGX_SRC
    elif way_source trixie; then
        tree=build/source-trixie
    elif way_source bookworm; then
        tree=build/source-bookworm
    else
        echo "$0: no nginx source: neither NGX_SRC=DIR nor a mirror has one" >&2
        exit 3
    fi

    tree=$(cd "$tree" && pwd)
}


# Known noise of nginx itself is left out; its pools become mallocs.

sanitizers="-fsanitize=address,undefined -fno-omit-frame-pointer"
quiet="-fno-sanitize=alignment,nonnull-attribute,pointer-overflow"

case ${1:-} in
installed)
    for_tree /usr/share/nginx/src build/installed/nginx build/installed
    ;;
own)
    way_packages "$release" || fail "no mirror in /etc/apt has nginx's packages"
    took build/own "$(cat "build/packages-$release/way")"
    packaged "build/packages-$release" build/own
    ;;
debian12)
    of_release bookworm build/debian12 || fail "no nginx of Debian 12"
    ;;
debian13)
    of_release trixie build/debian13 || fail "no nginx of Debian 13"
    ;;
asan)
    some_tree
    build "$tree" build/asan --add-module \
        "-O1 -g $sanitizers $quiet -DNGX_DEBUG_PALLOC=1" "$sanitizers"
    ;;
valgrind)
    some_tree
    build "$tree" build/valgrind --add-module \
        "-O1 -g -DNGX_DEBUG_PALLOC=1 -DWGW_STORE_MAP=1073741824UL" ""
    ;;
matrix)
    add=--add-dynamic-module
    [ "$3" = dynamic ] || add=--add-module
    build "$NGX_SRC" "$2" "$add" "$flags" "$ldflags"
    ;;
whole)
    some_tree
    build "$tree" build/whole --add-dynamic-module "-O2 -g" "" \
        --with-mail --with-mail_ssl_module --with-http_dav_module \
        --with-http_flv_module --with-http_mp4_module \
        --with-http_random_index_module --with-http_secure_link_module \
        --with-http_gzip_static_module --with-http_degradation_module
    ;;
clang)
    some_tree
    CC=clang
    configure "$tree" build/clang/nginx --with-compat --with-threads \
        --with-stream --with-http_ssl_module --with-http_v2_module \
        --with-cc=clang --add-dynamic-module=wgw
    compile_modules build/clang/nginx
    ;;
*)
    main
    make -s build/bin/siwe-token build/bin/claim
    ;;
esac
