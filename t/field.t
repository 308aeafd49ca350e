#!/usr/bin/perl

# What others report of gateways, libraries and daemons like the parts of this
# one: each report that was tried is a case here, reduced to what it comes to,
# with its kind.  Repositories and numbers are GitHub's.
#
# Where a report was tried that is not here:
#
#     field 11.1 to 11.10     of metering: t/meter/field.t, meter-*.t
#     field 11.11 to 11.21    of sign-in and keys: t/auth/auth-field.t,
#                             auth-lasting.t, auth-zone.t
#     field 20.15, 20.16      of what machines share: t/fleet/field.t
#     field 20.17 to 20.19    of UCAN libraries: t/claims/field.t
#     field 20.20             of the chain's encoding: t/unit/grid/scale.c
#     field 20.21             of commands: t/cli/field.t
#     field 20.22             of what goes to PostgreSQL: t/ledger/ledger.t

use warnings;
use strict;

use Test::More;

use IO::Socket::IP;
use POSIX ();
use Time::HiRes qw(sleep time);

use Wgw;


my (@children, $services);

# services of an odd provider and a good one, which is the last choice
my %pairs = (two => '', codes => 'retry_errors -32601;',
             map { ("busy$_" => '') } 1 .. 6);
my $conf = <<'EOF';
worker_processes 1;
wgw_names store domain=gw.test allow_loopback sync=off;
wgw_meter_zone names file=names.wgw keys=1000;
wgw_meter_zone keys keys=1000;

events { }

http {
    access_log off;
    proxy_http_version 1.1;

    upstream names { wgw_backend; }

    proxy_cache_path cache keys_zone=cache:1m;

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        wgw_meter names $wgw_name;
        location = /cached {
            proxy_pass http://names;
            proxy_cache cache;
            proxy_cache_valid any 1m;
            proxy_cache_key $host$arg_k;
        }
        location = /key { wgw_meter keys $http_x_key; return 200; }
        location / {
            proxy_pass http://names;
            proxy_set_header Host $host;
            proxy_set_header Connection "";
            proxy_read_timeout 2s;
            proxy_next_upstream error timeout invalid_header;
        }
    }

    server {
        listen 127.0.0.1:%%H2%%;
        http2 on;
        wgw_route;
        location / {
            proxy_pass http://names;
            proxy_set_header Host $host;
        }
    }

    wgw_providers one {
        provider http://127.0.0.1:%%ODD%%/ name=odd auth=off;
        check off;
        attempts 2 timeout=5s;
    }

%%PAIRS%%

    wgw_providers dead {
        provider http://127.0.0.1:%%DEAD%%/ name=dead auth=off;
        provider http://127.0.0.1:%%GOOD%%/ name=good auth=off priority=1;
        attempts 2 timeout=5s;
    }

    server {
        listen 127.0.0.1:%%ROUTER%%;
        location /one { wgw_router one; proxy_pass $wgw_provider; }
        location /dead { wgw_router dead; proxy_pass $wgw_provider; }
        location /denied {
            wgw_router one;
            wgw_auth_deny_methods admin_*;
            proxy_pass $wgw_provider;
        }
%%LOCATIONS%%
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
        location /v1/usage { wgw_usage json; }
        location = /metrics { wgw_usage prometheus; }
    }
}
EOF

$conf =~ s/%%PAIRS%%/join '', map { pair($_, $pairs{$_}) } sort keys %pairs/e;
$conf =~ s/%%LOCATIONS%%/join '', map { "        location \/$_ { wgw_router $_; "
                         . "proxy_pass \$wgw_provider; }\n" } sort keys %pairs/e;

my $gw = Wgw->new($conf);
my $dir = $gw->dir();

backend('GOOD');
backend('ODD');
$gw->start();
put('good', 'GOOD');
put('odd', 'ODD');
put('both', 'ODD', 'GOOD');


# ---- answers that are none

# nginx/nginx 378 ("HTTP/2 000") and 1501: what does not begin as HTTP is taken
# for HTTP/0.9, and passed on without a header.  On a connection that is kept
# it then stands for the answers to whatever is asked next.  Kind: bytes of one
# tenant that count as another one's.

{
    my $forged = whole('forged');

    for my $start ("odd\r\n", "HTTP/1.1 099 Odd\r\n\r\n",
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: odd\r\n\r\n")
    {
        my $name = 'field 20.1: ' . $start =~ s/\r\n.*//sr;

        says('ODD', $start . $forged);

        my $got = kept(map { [ '/', "$_.gw.test" ] } qw(odd good));

        is($got->[0]{status}, 502, "$name: no answer");
        is($got->[1]{body}, 'good', "$name: the next one is of whom it asks");

        $got = kept(map { [ '/', "$_.gw.test" ] } qw(both good));
        is($got->[0]{body}, 'good', "$name: another backend is asked");
        is($got->[1]{body}, 'good', "$name: and then the next one");

        is(call('/one')->{status}, 502, "$name: of a provider: none");
        is(call('/two')->{body}, 'good', "$name: another provider is asked");
    }
}


# nginx/nginx 1427 (and 1241, freenginx/nginx 3, mitmproxy/mitmproxy 2229): one of
# 1xx is taken for the answer, and the answer for whatever follows.  nginx knows
# 103 since 1.29, no other.

for my $interim ("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nX-Hint: 1\r\n\r\n",
                 "HTTP/1.1 100 Continue\r\n\r\n" x 3)
{
    my ($name) = $interim =~ /^HTTP\/1.1 (\d+)/;

    says('ODD', $interim . "HTTP/1.1 404 No\r\nContent-Length: 5\r\n"
                . "X-Final: 1\r\n\r\nfinal" . whole('forged'));

    my $got = kept(map { [ '/', "$_.gw.test" ] } qw(odd good));
    my @statuses = $got->[0]{raw} =~ /^HTTP\/1.1 (\d+)/mg;

    is($statuses[-1], 404, "field 20.2: after $name, the answer's status");
    like($got->[0]{raw}, qr/X-Final: 1\r\n(?:.*\r\n)?\r\nfinal\z/s,
         "field 20.2: $name: and all of it");
    unlike($got->[0]{raw} =~ s/.*(?=HTTP\/1.1 404)//sr, qr/X-Hint/,
           "field 20.2: $name: nothing of what came before is in it");
    is($got->[1]{body}, 'good', "field 20.2: $name: the next one is its own");

    # nor does a cache take one for the other
    $got = kept(([ "/cached?k=$name", 'odd.gw.test' ]) x 2,
                [ '/', 'good.gw.test' ]);
    is(join(' ', map { ($_->{raw} =~ /^HTTP\/1.1 (\d+)/mg)[-1]
                       . ' ' . $_->{body} =~ s/.*\r\n//sr } @$got),
       '404 final 404 final 200 good', "field 20.2: $name: of a cache");

    my $reply = call('/one');
    is($reply->{status}, 404, "field 20.2: $name, of a provider");
    is($reply->{body}, 'final', "field 20.2: $name: its answer");
}

says('ODD', "HTTP/1.1 100 Continue\r\n\r\n" x 1000);
is(kept([ '/', 'odd.gw.test' ])->[0]{status}, 502,
   'field 20.2: answers before the answer without an end');


# ---- what providers answer to a router

# duolahypercho/codex-router 573, apify/crawlee-python 1995: Retry-After may be
# a date, and may be nonsense; who reads it as a number asks again at once.
# Kind: a field with two forms, of which one is read.

for my $case ([ 'a date', date(time + 20), 5 ], [ 'seconds', 20, 5 ],
              [ 'a number without end', '9' x 40, 5 ],
              [ 'a date long ago', date(time - 5000), 0 ],
              [ 'less than nothing', -20, 0 ], [ 'words', 'soon', 0 ])
{
    my ($what, $after, $waits) = @$case;

    # who was told of before is to be asked again: a service of its own
    my $service = 'busy' . ++$services;

    says('ODD', "HTTP/1.1 429 Busy\r\nRetry-After: $after\r\n"
                . "Content-Length: 0\r\n\r\n");
    is(call("/$service")->{body}, 'good', "field 20.3: $what: another one");

    says('ODD', '');
    sleep 1.3;
    is(call("/$service")->{body}, $waits ? 'good' : 'odd',
       "field 20.3: $what: it is "
       . ($waits ? 'left alone' : 'asked again after a second'));
}


# erpc/erpc 163: some providers answer a call that they do not know with an
# error of JSON-RPC and 400; the next one may know it.  Kind: an error that is
# seen with one status only.

for my $status (200, 400, 404, 405) {
    my $error = '{"jsonrpc":"2.0","id":1,"error":{"code":-32601}}';

    says('ODD', whole($error, $status));
    is(call('/codes')->{body}, 'good', "field 20.4: -32601 with $status");
}

says('ODD', whole('bad', 400));
is(call('/codes')->{status}, 400, 'field 20.4: 400 of another kind is an answer');

# and what has no body is not waited for
{
    my $start = time;

    says('ODD', "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    is(http_get($gw->port('ROUTER'), '/codes', method => 'HEAD')->{status},
       200, 'field 20.4: HEAD');
    soon($start, 1.5, 'field 20.4: at once');
}


# erpc/erpc 214, 751, 1168: an empty result is a result.  Kind: what is empty is
# taken for what is not there, and asked for again.

for my $result ('null', '[]', '""', '"0x"', '"0x0"', 'false', '{}') {
    my $answer = qq({"jsonrpc":"2.0","id":1,"result":$result});

    says('ODD', whole($answer));
    is(call('/codes')->{body}, $answer, "field 20.5: $result is an answer");
}


# erpc/erpc 449: a provider that is not there at all, from the start, was asked
# for ever, since only failing answers had counted.

is(call('/dead')->{body}, 'good', "field 20.6: nobody is at the first one's port")
    for 1 .. 3;


# emeraldpay/dshackle 148, paritytech/jsonrpsee 830: answers of a batch in
# another order.  They go as they came, and an error in any of them is seen.
{
    my $batch = '[{"jsonrpc":"2.0","id":1,"method":"a"},'
                . '{"jsonrpc":"2.0","id":2,"method":"b"}]';
    my $answer = '[{"jsonrpc":"2.0","id":2,"result":"b"},'
                 . '{"jsonrpc":"2.0","id":1,"result":"a"}]';

    says('ODD', whole($answer));
    is(call('/codes', $batch)->{body}, $answer, 'field 20.7: in its order');

    $answer =~ s/"result":"a"/"error":{"message":"no","code":-32601}/;
    says('ODD', whole($answer));
    is(call('/codes', $batch)->{body}, 'good', 'field 20.7: an error, the last');
}


# ethereum/go-ethereum 35587: "metho\u0064" is "method".  paritytech/jsonrpc 649:
# "Method" is, to some.  Kind: two readers of one body.

for my $member ('metho\u0064', '\u006d\u0065thod', 'method', 'Method', 'METHOD') {
    my $body = qq({"jsonrpc":"2.0","id":1,"$member":"admin_peers"});

    is(call('/denied', $body)->{json}{error}{code}, $member =~ /^M/ ? -32600
                                                                    : -32601,
       "field 20.8: $member: refused");
    $body =~ s/,"id"/,"method":"eth_call","id"/;
    is(call('/denied', $body)->{json}{error}{code}, -32600,
       "field 20.8: $member beside another: refused");
}


# ---- names

# httpwg/http2-spec 968, nghttp2/nghttp2 2896: :authority and host that differ.
# Whatever is done, the name that is routed, counted and sent to the backend is
# one.  Kind: two readers of one request.
{
    says('ODD', '');

    my ($status, $body) = two_hosts('good.gw.test', 'odd.gw.test');

    ok($status =~ /^4/ || $body eq 'good',
       "field 20.9: of two names it is the authority's: $status $body");
}


# vozlt/nginx-module-vts 142 and 231, knyar/nginx-lua-prometheus 144: one byte in
# a label, which a client has sent, and nothing of all metrics can be read.

{
    my @keys = ('a"b', 'a\\b', "a\xffb", "a\xc3\xa4b", "a\tb", "a{b}", 'a\\');

    http_get($gw->port('HTTP'), '/key', host => 'good.gw.test',
             headers => "X-Key: $_\r\n") for @keys;

    my $metrics = Wgw::dechunk(http_get($gw->port('ADMIN'), '/metrics'));
    my $label = qr/[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"/;
    my @bad = grep { !/^(?:#.*|[a-z_:]+(?:\{$label(?:,$label)*\})? -?[\d.e+]+)$/ }
              split /\n/, $metrics;

    is(join("\n", @bad), '', 'field 20.10: each line is one of Prometheus');
    ok(utf8::decode(my $copy = $metrics), 'field 20.10: and all of it is UTF-8');
    cmp_ok(scalar(() = $metrics =~ /^wgw_meter_sent_bytes_total\{.*zone="keys"/mg),
           '>=', @keys, 'field 20.10: with a row for each');
}


# ---- certificates

SKIP: {
    skip 'there is no openssl', 12 if system('command -v openssl > /dev/null');

    mkdir "$dir/certs";

    my $good = cert('good', 'DNS.1=a.example', 'DNS.2=*.a.example');

    # dehydrated-io/dehydrated 772: it calls its hook with names that no hook
    # knows, and one that fails then has it stop
    is(hook($_), 0, "field 20.11: $_") for qw(unchanged_cert sync_cert startup_hook
        this_hookscript_is_broken__dehydrated_is_working_fine);

    # the same, 458: a folder where the link is to be
    is(hook('install', @$good), 0, 'field 20.12: a certificate of two names');
    is(join(' ', sort map { s/.*\///r } glob "$dir/certs/*.example"),
       '_.a.example a.example', 'field 20.12: has two links');

    my $other = cert('other', 'DNS.1=b.example', 'DNS.2=c.example');

    mkdir "$dir/certs/c.example";
    isnt(hook('install', @$other), 0, 'field 20.12: a folder is there');
    ok(!-e "$dir/certs/b.example", 'field 20.12: so none of it is done');

    # testssl/testssl.sh 383 and Node.js' CVE-2021-44532: names are read from
    # what openssl prints, which has no quotes.  Kind: a text for people, read
    # by a program
    my $forged = cert('forged', 'DNS.1=d.example', 'URI.1=http://x/, DNS:a.example');
    my $before = readlink "$dir/certs/a.example";

    isnt(hook('install', @$forged), 0, 'field 20.13: a name within an address');
    is(readlink("$dir/certs/a.example"), $before, 'field 20.13: is none of it');

    # nginx/njs-acme 52: a key that is renewed before its certificate, and is
    # there without it
    isnt(hook('install', $good->[0], $other->[1]), 0, "field 20.14: another's key");
    is(readlink("$dir/certs/a.example"), $before, 'field 20.14: both stay');
}


$gw->expect(qr/upstream sent (?:no valid HTTP\/1\.0 header|status \d+, which|too big)/,
            qr/connect\(\) failed \(111/);
$gw->stop();
kill 'KILL', @children;
waitpid $_, 0 for @children;
done_testing();


sub pair {
    my ($name, $more) = @_;

    return <<"EOF";
    wgw_providers $name {
        provider http://127.0.0.1:%%ODD%%/ name=odd auth=off;
        provider http://127.0.0.1:%%GOOD%%/ name=good auth=off priority=1;
        check off;
        attempts 2 timeout=5s;
        $more
    }
EOF
}


# ---- backends: what one says is in a file, which says() writes; without it is
# its name

sub says {
    my ($name, $text) = @_;

    spew("$dir/$name", $text);
}


# An answer with a body and its length.

sub whole {
    my ($body, $status) = @_;

    return 'HTTP/1.1 ' . ($status // 200) . " X\r\nContent-Length: "
           . length($body) . "\r\n\r\n$body";
}


sub backend {
    my ($name) = @_;

    my $listen = IO::Socket::IP->new(
        LocalHost => '127.0.0.1', LocalPort => $gw->port($name),
        Listen => 64, ReuseAddr => 1) or die $!;
    my $pid = fork // die "fork: $!";

    if ($pid) {
        push @children, $pid;
        return;
    }

    $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);

    while (my $socket = $listen->accept()) {
        my $in = '';

        while ($in !~ /\r\n\r\n/) {
            sysread $socket, $in, 65536, length $in or last;
        }

        my $body = lc $name;

        syswrite $socket, slurp("$dir/$name")
            || "HTTP/1.1 200 OK\r\nContent-Length: " . length($body)
               . "\r\nConnection: close\r\n\r\n$body";
        close $socket;
    }

    POSIX::_exit(0);
}


sub put {
    my ($name, @backends) = @_;

    my $urls = join ',', map { '"http://127.0.0.1:' . $gw->port($_) . '"' }
                         @backends;

    my $reply = http_get($gw->port('ADMIN'), "/v1/names/$name",
        method => 'PUT', body => qq({"backends":[$urls]}));

    die $reply->{raw} if $reply->{status} !~ /^20[01]$/;
}


# ---- certificates

# cert(NAME, LINES of [alt]): [ certificate, key ]

sub cert {
    my ($name, @alt) = @_;

    spew("$dir/$name.cnf", join "\n", '[req]', 'distinguished_name = dn',
         'x509_extensions = v3', 'prompt = no', '[dn]', "CN = $name", '[v3]',
         'subjectAltName = @alt', '[alt]', @alt, '');
    system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
           . " -days 30 -config $dir/$name.cnf -keyout $dir/$name.key"
           . " -out $dir/$name.crt 2> /dev/null") == 0 or die 'openssl';

    return [ "$dir/$name.crt", "$dir/$name.key" ];
}


sub hook {
    local $ENV{WGW_CERTS} = "$dir/certs";
    local $ENV{WGW_GROUP} = (getgrgid $))[0];

    return system("tools/wgw-certs-hook @_ > /dev/null 2>&1") >> 8;
}


# ---- clients

sub date {
    return POSIX::strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime $_[0]);
}


# Status and body of a request of HTTP/2 with both.

sub two_hosts {
    my ($authority, $host) = @_;

    my $out = `nghttp -v -H ':authority: $authority' -H 'host: $host' http://127.0.0.1:@{[ $gw->port('H2') ]}/ 2>&1`;
    my ($status) = $out =~ /:status: (\d+)/;
    my ($body) = $out =~ /^(good|odd)/m;

    return ($status // "none: $out", $body // '');
}


# kept([ PATH, HOST ], ...): requests one after the other on one connection; of
# an answer that has no end nothing more is read within a second

sub kept {
    my (@requests) = @_;

    my $socket = connect_to($gw->port('HTTP'));

    return [ map {
        my ($path, $host) = @$_;
        my $raw = exchange(0, "GET $path HTTP/1.1\r\nHost: $host\r\n\r\n",
                           socket => $socket, timeout => 3,
                           until => qr/\r\n0\r\n\r\n\z
                                       |Content-Length:\ (\d+)\r\n.*?\r\n\r\n
                                        (??{ ".{$1}" })\z/sxi);
        my ($status) = $raw =~ m{^HTTP/1\.1 (\d+)};
        my ($body) = $raw =~ /\r\n\r\n(.*)/s;

        { status => $status // 0, body => $body // '', raw => $raw };
    } @requests ];
}


sub call {
    my ($path, $body) = @_;

    my $reply = http_get($gw->port('ROUTER'), $path, method => 'POST',
        headers => "Content-Type: application/json\r\n",
        body => $body // '{"jsonrpc":"2.0","id":1,"method":"eth_call"}');

    $reply->{body} = Wgw::dechunk($reply);
    $reply->{json} = $reply->{body} =~ /^[\[{]/ ? json($reply->{body}) : { };

    return $reply;
}
