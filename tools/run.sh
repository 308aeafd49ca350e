#!/bin/sh
# run.sh: starts nginx.conf.example in the foreground, prefix run/ (RUN=DIR
# for another), and adds the names of the example.  BUILD=build/own: with the
# nginx of that build.
#
# nginx runs in run/ with relative paths only: workers, who are an
# unprivileged user, then need no right to search the folders above.

set -eu

umask 022

top=$PWD
run=${RUN:-run}
build=$top/${BUILD:-build}

export PORT_HTTP="${PORT_HTTP:-8080}"
export PORT_TLS="${PORT_TLS:-8443}"
export PORT_ADMIN="${PORT_ADMIN:-8642}"
export PORT_INNER="${PORT_INNER:-8444}"
export PORT_DIN="${PORT_DIN:-8545}"
export PORT_ROUTER="${PORT_ROUTER:-8546}"
export PORT_DEMO_HTTP="${PORT_DEMO_HTTP:-9080}"
export PORT_DEMO_HTTPS="${PORT_DEMO_HTTPS:-9443}"
export PORT_DEMO_TLS="${PORT_DEMO_TLS:-9444}"
export PORT_DEMO_RPC="${PORT_DEMO_RPC:-9545}"


fail() {
    echo "make run: $1" >&2
    exit 1
}


# loopback has ::1, and nobody said not to use it

have_ipv6() {
    [ "${IPV6:-on}" != off ] &&
        grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 \
            2> /dev/null
}


# The pid file of a killed nginx stays, and its number may be another's now.

check_instance() {
    pid=$(cat logs/nginx.pid 2> /dev/null) || return 0

    if [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = nginx ] &&
       [ "$(readlink "/proc/$pid/cwd")" = "$(pwd -P)" ]
    then
        fail "already running in $run, as process $pid; kill $pid stops it,\
 RUN=DIR (and PORT_...) starts another"
    fi
}


check_ports() {
    perl "$top/tools/ports.pl" \
        "PORT_HTTP:$PORT_HTTP:0.0.0.0${any6}" \
        "PORT_TLS:$PORT_TLS:0.0.0.0${any6}" \
        "PORT_ADMIN:$PORT_ADMIN:127.0.0.1" \
        "PORT_INNER:$PORT_INNER:127.0.0.1" \
        "PORT_DIN:$PORT_DIN:127.0.0.1" \
        "PORT_ROUTER:$PORT_ROUTER:127.0.0.1" \
        "PORT_DEMO_HTTP:$PORT_DEMO_HTTP:$backend" \
        "PORT_DEMO_HTTPS:$PORT_DEMO_HTTPS:$backend" \
        "PORT_DEMO_TLS:$PORT_DEMO_TLS:$backend" \
        "PORT_DEMO_RPC:$PORT_DEMO_RPC:$backend"
}


# certificate FILE NAME ...: self-signed, once; the key before what proves
# that both are there

certificate() {
    file=$1
    shift

    if [ -e "tls/$file.crt" ]; then
        return
    fi

    names=$(printf ',DNS:%s' "$@")

    if ! (umask 077 &&
          openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
              -nodes -days 3650 -subj "/CN=$file" \
              -addext "subjectAltName=${names#,}" \
              -keyout "tls/$file.key" -out "tls/$file.new") \
          > logs/openssl.log 2>&1
    then
        fail "openssl makes no certificate: $(tail -n 1 logs/openssl.log)"
    fi

    chmod 644 "tls/$file.new"
    mv "tls/$file.new" "tls/$file.crt"
}


# What an nginx wants otherwise than the example has it, as a script of sed.
# Before 1.25.1 http2 is a parameter of `listen`; a distribution's has stream
# as a module, and the system's paths instead of those below the prefix.

for_this_nginx() {
    case $("$build/bin/nginx" -v 2>&1) in
    */1.2[0-4].* | */1.25.0)  ;;
    *)
        printf '%s\n' \
            's/^\( *\)\(listen .* ssl\) http2;/\1\2;\n\1http2   on;/'
        ;;
    esac

    if [ -e "$build/modules/ngx_stream_module.so" ]; then
        printf '%s\n' \
            's/^# *\(load_module .*ngx_stream_module\.so;\).*/\1/'
    fi

    case $("$build/bin/nginx" -V 2>&1) in
    *--http-client-body-temp-path=/*)
        paths=

        for kind in client_body proxy fastcgi scgi uwsgi; do
            paths="$paths\\n    ${kind}_temp_path  temp_$kind;"
        done

        printf '%s\n' "s/^http {/&$paths/"
        ;;
    esac
}


# The example with this start's ports, in two steps, since one port may be
# another's default.

configuration() {
    echo "# Made by make run from nginx.conf.example; changes here get lost."

    if [ -n "$user" ]; then
        echo "user  $user $(id -gn "$user");"
    fi

    sed -e 's/\b8080\b/@HTTP@/g'        -e 's/\b8443\b/@TLS@/g' \
        -e 's/\b8642\b/@ADMIN@/g'       -e 's/\b8444\b/@INNER@/g' \
        -e 's/\b9080\b/@DEMO_HTTP@/g'   -e 's/\b9443\b/@DEMO_HTTPS@/g' \
        -e 's/\b9444\b/@DEMO_TLS@/g'    -e 's/\b8545\b/@DIN@/g' \
        -e 's/\b9545\b/@DEMO_RPC@/g'   -e 's/\b8546\b/@ROUTER@/g' \
        -e "$ipv6_edit" -e "$(for_this_nginx)" "$top/nginx.conf.example" |
    sed -e "s/@HTTP@/$PORT_HTTP/g"      -e "s/@TLS@/$PORT_TLS/g" \
        -e "s/@ADMIN@/$PORT_ADMIN/g"    -e "s/@INNER@/$PORT_INNER/g" \
        -e "s/@DEMO_HTTP@/$PORT_DEMO_HTTP/g" \
        -e "s/@DEMO_HTTPS@/$PORT_DEMO_HTTPS/g" \
        -e "s/@DEMO_TLS@/$PORT_DEMO_TLS/g" \
        -e "s/@DIN@/$PORT_DIN/g"        -e "s/@DEMO_RPC@/$PORT_DEMO_RPC/g" \
        -e "s/@ROUTER@/$PORT_ROUTER/g"
}


user=

if [ "$(id -u)" = 0 ]; then
    for user in ${RUN_USER:-www-data nobody}; do
        ! id "$user" > /dev/null 2>&1 || break
    done

    id "$user" > /dev/null 2>&1 || fail "there is no user $user (RUN_USER)"
fi

if have_ipv6; then
    backend=::1 any6=,:: ipv6_edit=
    export DEMO_HOST="[::1]"
else
    echo "no ::1 here: the example's backends are on 127.0.0.1, IPv4 only"
    backend=127.0.0.1 any6=
    ipv6_edit='/listen *\[::\]/d; s/\[::1\]/127.0.0.1/g'
    export DEMO_HOST=127.0.0.1
fi

mkdir -p "$run"
cd "$run"

[ -w . ] || fail "$run belongs to $(stat -c %U .): start as that user or root"

check_instance
check_ports

mkdir -p logs tls www

certificate secure secure.gw.localhost
certificate pass pass.gw.localhost

if [ ! -e www/600k.bin ]; then
    head -c 600000 /dev/zero > www/600k.bin
fi

# What a DIN provider needs: a secret that nobody else has, and a list of
# wallets, which has one that was made for this gateway.

if [ ! -e secret ]; then
    (umask 077 && openssl rand -base64 32 > secret.new)
    mv secret.new secret
fi

if [ ! -e wallet.key ]; then
    (umask 077 && openssl rand -hex 32 > wallet.key.new)
    mv wallet.key.new wallet.key
fi

if [ ! -e allow ]; then
    {
        echo "# Wallets that may sign in at port $PORT_DIN, one a line."
        echo "# This one's key is in wallet.key:"
        "$top/build/bin/siwe-token" -a wallet.key
    } > allow.new
    mv allow.new allow
fi

# Two contents, and who pays for one of them: a storage node commits it to
# Alice, who lets the gateway serve it to pages of app.example, five times a
# minute.  The keys are the example's own.

claim=$top/build/bin/claim

mkdir -p ucan www/ipfs

for content in paid public; do
    echo "the example's $content content" > "ucan/$content.txt"
    cp "ucan/$content.txt" "www/ipfs/$("$claim" cid "ucan/$content.txt")"
done

node=$("$claim" key ucan/node.key)
alice=$("$claim" key ucan/alice.key)

echo "wgw_claims_did  did:web:node.localhost  $node;" > claims.keys.new
mv -f claims.keys.new claims.keys

if [ ! -e ucan/tokens ]; then
    "$claim" make -k ucan/node.key -i did:web:node.localhost -a "$alice" \
        -C "$("$claim" cid ucan/paid.txt)" -e never > ucan/commitment
    "$claim" make -k ucan/alice.key -a did:web:ipfs.localhost \
        -s did:web:node.localhost -e never \
        -p '["==",".headers.origin","https://app.example"]' \
        -p '["<",".usage.requests.minute",5]' > ucan/delegation
    "$claim" join ucan/commitment ucan/delegation > ucan/tokens.new
    mv ucan/tokens.new ucan/tokens
fi

# The router signs in at that provider with a key of its own, which only the
# workers' master reads.

if [ ! -e router.key ]; then
    (umask 077 && openssl rand -hex 32 > router.key.new)

    {
        echo "# The example's router, whose key is in router.key:"
        "$top/build/bin/siwe-token" -a router.key.new
    } >> allow

    mv router.key.new router.key
fi

# made beside and moved into place: no link that waits there is written to
configuration > nginx.conf.new
mv -f nginx.conf.new nginx.conf
ln -sfn "$build/modules" modules

if [ -n "$user" ]; then
    chown "$user:" . logs
fi

# in between a shell that ends, so that the helper is no child of nginx's
("$top/tools/demo.sh" $$ &)

[ -x "$build/bin/nginx" ] || fail "there is no nginx in $build"

exec "$build/bin/nginx" -p ./ -c nginx.conf -g 'daemon off;'
