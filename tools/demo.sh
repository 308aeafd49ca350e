#!/bin/sh
# demo.sh PID: waits for the gateway of that process, adds the example's
# names to it and prints what to try.  Works in run/; run.sh sets the ports.

set -eu

nginx=$1
api=http://127.0.0.1:$PORT_ADMIN/v1/names


request() {
    curl -sS --noproxy '*' --max-time 10 "$@"
}


# Up to 30 s; less when nginx has given up.

wait_for_gateway() {
    tries=300

    until request -o /dev/null "$api?limit=1" 2> /dev/null; do
        tries=$((tries - 1))

        if [ $tries = 0 ] || ! kill -0 "$nginx" 2> /dev/null; then
            exit 1
        fi

        sleep 0.1
    done
}


# name NAME BACKEND MEMBERS: adds it where it is missing, or still is ours
# and points to the ports of an earlier start.  What a user made of it stays.

name() {
    record="{\"backends\":[\"$2\"],\"owner\":\"make run\"$3}"
    stored=$(request -f "$api/$1" 2> /dev/null || :)

    case $stored in
    *\"$2\"*)                   return ;;
    *'"owner":"make run"'* | '') ;;
    *)                          return ;;
    esac

    answer=$(printf %s "$record" |
             request -X PUT --data-binary @- -w ' %{http_code}' "$api/$1" |
             tr '\n' ' ')

    case $answer in
    *' 20'[01]) ;;
    *)          echo "make run: $1.gw.localhost was not added: $answer" >&2 ;;
    esac
}


wait_for_gateway

ca=$(awk '{ printf "%s\\n", $0 }' tls/secure.crt)

name hello  "http://$DEMO_HOST:$PORT_DEMO_HTTP"   ''
name capped "http://$DEMO_HOST:$PORT_DEMO_HTTP"   ',"cap_bytes":1000000'
name secure "https://$DEMO_HOST:$PORT_DEMO_HTTPS" ",\"tls_ca\":\"$ca\""
name pass   "$DEMO_HOST:$PORT_DEMO_TLS"           ',"tls_passthrough":true'

admin=http://127.0.0.1:$PORT_ADMIN

answer=$(request --data-binary @ucan/tokens "$admin/v1/claims" | tr '\n' ' ')

case $answer in
*'"added":'*) ;;
*)            echo "make run: the claim was not added: $answer" >&2 ;;
esac

capped=http://capped.gw.localhost:$PORT_HTTP
record="{\"backends\":[\"http://$DEMO_HOST:$PORT_DEMO_HTTP\"]}"
din=http://127.0.0.1:$PORT_DIN
ipfs=http://ipfs.localhost:$PORT_HTTP/ipfs
claim=$(dirname "$0")/claim
paid=$("$claim" cid ucan/paid.txt)
public=$("$claim" cid ucan/public.txt)
router=http://127.0.0.1:$PORT_ROUTER
rpc='{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}'
run=${RUN:-run}

cat << END

The gateway is up.  To try, in another terminal:

  curl http://hello.gw.localhost:$PORT_HTTP/
  curl -k https://hello.gw.localhost:$PORT_TLS/
  curl http://secure.gw.localhost:$PORT_HTTP/     # its backend has https
  curl -k https://pass.gw.localhost:$PORT_TLS/    # the backend's certificate

A cap of 1,000,000 bytes a month and a file of 600,000; the third time: 429

  curl -o /dev/null -w '%{http_code}\n' $capped/600k.bin

What was counted, the names, and one of your own

  curl $admin/v1/usage            # as a page, for a browser: $admin/
  curl $admin/v1/names
  curl -X PUT -d '$record' $admin/v1/names/mine
  curl http://mine.gw.localhost:$PORT_HTTP/

A wallet signs in at a DIN provider and calls it with the key it gets

  curl -H "\$(tools/siwe-token $din/auth $run/wallet.key)" -d '$rpc' $din/eth
  curl $admin/v1/auth/tokens

A content that somebody pays for, where a page of app.example asks, five times
a minute; it and one that nobody pays for, three times a minute, then 429

  curl -i -H 'Origin: https://app.example' $ipfs/$paid
  curl -i $ipfs/$public
  curl '$admin/v1/claims?content=$paid'

A router calls providers, with a session: who answered is in X-Provider, who
is left out, and why, in the list

  curl -i -d '$rpc' $router/eth
  curl $admin/v1/providers

Logs, names and counters are in $run/.  Ctrl-C stops it.

END
