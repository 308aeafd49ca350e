#!/usr/bin/perl

# No cap is passed by a byte, and none is left unused that could have gone.
# Numbers are those of the cases.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Bytes;


my @caps = (5, 241, 4097, 65537, 999983, 1000003);

my $big = 3_000_000;

my $gw = Wgw->new(<<'EOF', meter_modules());
worker_processes 2;
pid logs/nginx.pid;
wgw_meter_zone names file=names.wgw keys=10000;
wgw_meter_zone wide keys=1000 window=day;

events { worker_connections 1000; }

http {
    log_format meter '$status $wgw_sent $wgw_received $wgw_left '
                     '$wgw_meter_status $wgw_cut $request_uri';
    access_log logs/access.log meter;

    client_body_buffer_size 4k;
    client_max_body_size 100m;
    proxy_http_version 1.1;
    wgw_meter_log_level info;

    proxy_cache_path cache keys_zone=cache:1m;

    # the caps come with the request

    server {
        listen 127.0.0.1:%%HTTP%%;
        listen 127.0.0.1:%%TLS%% ssl;

        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;

        root html;

        wgw_meter names $arg_k cap=$arg_cap count=sent;

        location /return { return 200 "0123456789"; }
        location /long { include long.conf; return 200 "0123456789"; }
        location /nosf/ { alias html/; sendfile off; }
        location /sf/ { alias html/; sendfile on; }
        location /aio/ { alias html/; sendfile on; aio threads; }
        location /gzip/ {
            alias html/; gzip on; gzip_types *; gzip_min_length 1;
        }
        location /ssi/ { alias html/; ssi on; ssi_types *; }
        location /rate/ {
            alias html/; limit_rate 2000k; sendfile on;
            sendfile_max_chunk 64k;
        }
        location /buffered/ { proxy_pass http://127.0.0.1:%%BACK%%/; }
        location /unbuffered/ {
            proxy_pass http://127.0.0.1:%%BACK%%/; proxy_buffering off;
        }
        location /chunked/ {
            proxy_pass http://127.0.0.1:%%BACK%%/chunked/;
        }
        location /cached/ {
            proxy_pass http://127.0.0.1:%%BACK%%/slow/;
            proxy_cache cache;
            proxy_cache_key $uri;
            proxy_cache_valid 1h;
            add_header X-Cache $upstream_cache_status;
        }
        location /upgrade {
            proxy_pass http://127.0.0.1:%%PEER%%;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }

        location /both/ {
            wgw_meter names $arg_k cap=$arg_cap;
            alias html/;
        }

        location /soft/ {
            wgw_meter names $arg_k cap=$arg_cap count=sent mode=soft;
            alias html/; sendfile on;
        }

        location /dry/ {
            wgw_meter names $arg_k cap=$arg_cap count=sent dry_run;
            alias html/; sendfile on;
        }

        location /two/ {
            wgw_meter names $arg_k cap=$arg_cap count=sent;
            wgw_meter wide $arg_w cap=1000kB count=sent;
            alias html/; sendfile on;
        }

        location /received/ {
            wgw_meter names $arg_k cap=$arg_cap count=received;

            location /received/discard { return 200 "x"; }
            location /received/buffered {
                proxy_pass http://127.0.0.1:%%BACK%%/post;
            }
            location /received/eager {
                proxy_pass http://127.0.0.1:%%BACK%%/post;
                proxy_request_buffering off;
            }
            location /received/upgrade {
                proxy_pass http://127.0.0.1:%%PEER%%;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection upgrade;
            }
        }
    }

    server {
        listen 127.0.0.1:%%BACK%%;
        root html;

        location /post { proxy_pass http://127.0.0.1:%%BACK%%/ok; }
        location /ok { return 200 "ok"; }
        location /chunked/ { alias html/; ssi on; ssi_types *; }
        location /ssi/ { alias html/; }
        location /slow/ { alias html/; limit_rate 600k; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;

        location /v1/usage { wgw_usage json; }
    }
}

stream {
    wgw_meter_log_level info;

    server {
        listen 127.0.0.1:%%DOWN%%;
        wgw_meter names down cap=1000003 count=sent;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%DOWNTLS%% ssl;
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        wgw_meter names downtls cap=1000003 count=sent;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%UP%%;
        wgw_meter names up cap=777777 count=received;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%UPTLS%% ssl;
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        wgw_meter names uptls cap=777777 count=received;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%IDLE%%;
        wgw_meter names idle cap=100000;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%SOFT%%;
        wgw_meter names soft cap=100000 mode=soft;
        proxy_pass 127.0.0.1:%%PEER%%;
    }
}
EOF

my $dir = $gw->dir();

mkdir "$dir/html";
chmod 0755, "$dir/html";
spew("$dir/html/small", 'small file');
spew("$dir/html/mib", 'x' x 1048576);
spew("$dir/html/big", join '', map { chr 33 + rand 90 } 1 .. $big);
spew("$dir/html/huge", 'x' x 20_000_000);
spew("$dir/html/parts", 'a<!--#include virtual="/ssi/big" -->'
                        . 'b<!--#include virtual="/ssi/small" -->'
                        . 'c<!--#include virtual="/ssi/big" -->');

# a header of more than a MiB

spew("$dir/long.conf", join '', map { "add_header X-$_ " . 'l' x 2000 . ";\n" }
                                    1 .. 600);

certificate($dir);
peer($gw->port('PEER'), $dir);
$gw->start();

my $serial = 0;
my $admin = $gw->port('ADMIN');
my @port = ($gw->port('HTTP'), $gw->port('TLS'));


# ---- down

for my $tls (0, 1) {
    for my $kind (qw(sf/big nosf/big aio/big gzip/big ssi/parts buffered/big
                     unbuffered/big chunked/parts upgrade))
    {
        capped($tls, $kind, $_) for @caps;
    }

    capped($tls, 'rate/big', 999983);
    capped($tls, 'return', 100);

    for my $kind (qw(sf/big nosf/big aio/big buffered/big unbuffered/big
                     upgrade))
    {
        capped($tls, $kind, $_, slow => 1) for 65537, 1000003;
    }
}

capped(0, $_, 65537, version => '1.0') for 'sf/big', 'unbuffered/big';


# ---- a response that ends exactly at the cap is complete

for my $tls (0, 1) {
    my $whole = talk($port[$tls], request('exact', get('/sf/mib', close => 1)),
                     tls => $tls)->{received};

    for my $short (0, 1) {
        my $key = 'exact' . ++$serial;
        my $got = talk($port[$tls], request($key, get('/sf/mib', close => 1,
                       cap => $whole - $short)), tls => $tls);

        is($got->{received}, $whole - $short, "all but $short bytes");
        is(settled($admin, $key)->{cut}, $short, $short ? 'cut' : 'not cut');
    }
}


# ---- a header that does not fit is refused, not cut

for my $tls (0, 1) {
    for my $path ('/sf/small', '/buffered/small', '/return') {
        my $key = 'head' . ++$serial;
        my $got = talk($port[$tls], request($key, get($path, cap => 120,
                       close => 1)), tls => $tls);

        like($got->{bytes}, qr/^HTTP\/1\.1 429 .*\r\n\r\n\z/s,
             "110: $path, a header that does not fit");

        my $usage = settled($admin, $key);

        is("$usage->{sent} $usage->{refused} $usage->{cut}", '0 1 0',
           '110: costs the key nothing');
    }

    for my $cap (1_150_000, 100_000_000) {
        my $key = 'long' . ++$serial;
        my $got = talk($port[$tls], request($key, get('/long', cap => $cap,
                       close => 1)), tls => $tls);
        my $usage = settled($admin, $key);

        like($got->{bytes}, $cap > 2_000_000
             ? qr/^HTTP\/1\.1 200 .*?\r\n(?:X-\d+: l+\r\n){600}.*0123456789\z/s
             : qr/^HTTP\/1\.1 429 .*\r\n\r\n\z/s,
             "110: a header of a MiB, under $cap");
        is($usage->{sent}, $usage->{refused} ? 0 : $got->{received},
           'counted so');
    }
}


# ---- both directions, over requests; refusals keep the connection

{
    my $key = 'both' . ++$serial;
    my ($sum, $refused) = (0, 0);
    my $text = request($key, get('/both/mib', close => 1, cap => 2_500_000));

    for (1 .. 5) {
        my $got = talk($port[0], $text);

        if ($got->{bytes} =~ /^HTTP\/1\.1 429 /) {
            $refused++;

        } else {
            $sum += length($text) + $got->{received};
        }
    }

    is($sum, 2_500_000, '94: requests and responses, to the byte');
    is($refused, 2, '106: then refused');

    my $usage = settled($admin, $key);

    is($usage->{sent} + $usage->{received}, 2_500_000, '94: counted so');
    is("$usage->{requests} $usage->{refused} $usage->{cut}", '3 2 1',
       '106: and refusals apart');

    my $denied = settled($admin, undef, 0, 'denied');
    my $one = request($key, get('/both/small', cap => 2_500_000));
    my $two = request($key, get('/both/small', close => 1,
                                cap => 2_500_000));
    my $got = talk($port[0], $one . $two);
    my $after = settled($admin, undef, $denied->{requests} + 2, 'denied');

    is(() = $got->{bytes} =~ /HTTP\/1\.1 429 /g, 2,
       '106: two refusals on a connection');
    is($after->{sent} - $denied->{sent}, $got->{received},
       '15: what they cost is denied, sent');
    is($after->{received} - $denied->{received}, length $one . $two,
       '15: received');
}


# ---- up

for my $tls (0, 1) {
    for my $cap (500, 4097, 65537, 777777) {
        for my $kind (qw(discard buffered eager)) {
            my $key = 'up' . ++$serial;
            my $text = request($key, get("/received/$kind", cap => $cap,
                       method => 'POST', body => 'x' x $big, close => 1,
                       headers => "Content-Length: $big\r\n"));
            my $got = talk($port[$tls], $text, tls => $tls);
            my $usage = settled($admin, $key);

            # discarded before the request is metered: all of it, or none

            if ($kind eq 'discard') {
                cmp_ok($usage->{received} // 0, '<=', $cap,
                       "POST, $kind, not over $cap");
                next;
            }

            if ($got->{bytes} =~ /^HTTP\/1\.1 429 /) {
                is($usage->{received}, 0, "POST, $kind, refused at $cap");
                next;
            }

            is($usage->{received}, $cap, "POST, $kind, cut at $cap");
            is($usage->{cut}, 1, 'and cut');
        }
    }

    my $key = 'up' . ++$serial;
    my $text = upgrade("/received/upgrade?k=$key&cap=777777")
               . "sink $big end ";

    talk($port[$tls], $text . 'u' x $big, tls => $tls);

    is(settled($admin, $key)->{received}, 777777, '101: upgraded, up');
    is(sunk(), 777777 - length $text, '101: the peer got no more');
}


# ---- many at once

for my $case ([ 0, 'sf/big', 200 ], [ 0, 'nosf/big', 100 ],
              [ 0, 'aio/big', 50 ], [ 1, 'sf/big', 50 ],
              [ 0, 'unbuffered/big', 50 ])
{
    my ($tls, $kind, $n) = @$case;

    my $key = 'many' . ++$serial;
    my $cap = 20_000_003;
    my $text = request($key, get("/$kind", close => 1, cap => $cap));
    my @sockets = map { dial($port[$tls], tls => $tls) } 1 .. $n;
    my $sum = 0;

    write_all($_, $text) for @sockets;

    for my $socket (@sockets) {
        my $answer = drain($socket);
        $sum += length $answer if $answer !~ /^HTTP\/1\.1 429/;
    }

    is($sum, $cap, "99: $kind, $n downloads at once");
    is(settled($admin, $key)->{sent}, $cap, '99: counted so');
}


# ---- soft, dry, two meters

{
    my $key = 'soft' . ++$serial;
    my $text = request($key, get('/soft/huge', cap => 1000, close => 1));
    my $got = talk($port[0], $text);

    cmp_ok($got->{received}, '>', 1000, '100: a soft cap is passed');
    cmp_ok($got->{received}, '<=', 1000 + 2 * 1048576, '100: by 2 MiB');
    is(settled($admin, $key)->{cut}, 1, '100: and then cut');
    like(talk($port[0], $text)->{bytes}, qr/^HTTP\/1.1 429/, 'and refused');

    $key = 'dry' . ++$serial;
    $text = request($key, get('/dry/mib', cap => 1000, close => 1));
    my $one = talk($port[0], $text)->{received};

    cmp_ok($one, '>', 1048576, '16: dry run, nothing is cut');
    is(talk($port[0], $text)->{received}, $one, '16: nor refused');
    is(settled($admin, $key)->{refused}, 0, '16: nor counted as such');

    $key = 'two' . ++$serial;

    $got = talk($port[0], request($key, get('/two/mib', cap => 600_000,
                close => 1, query => 'x&w=wide')));
    is($got->{received}, 600_000, 'two meters: the narrower decides');

    $got = talk($port[0], request("$key-b", get('/two/mib', cap => 600_000,
                close => 1, query => 'x&w=wide')));
    is($got->{received}, 400_000, 'two meters: the other decides');

    $got = talk($port[0], request("$key-c", get('/two/mib', cap => 600_000,
                close => 1, query => 'x&w=wide')));
    like($got->{bytes}, qr/^HTTP\/1.1 429/, 'two meters: refused');
    is(settled($admin, "$key-c")->{refused} // 0, 0,
       '17: not for the one that has room');
}


# ---- the client is told at once, the cache fill behind goes on

{
    my $key = 'cache' . ++$serial;
    my $got = talk($port[0], request($key, get('/cached/big', close => 1,
                                               cap => 500_000)));

    is($got->{received}, 500_000, '107: cut while the cache is filled');
    is_deeply([ glob $gw->dir() . '/cache/*' ], [ ],
              '107: told before it is whole');

    my $hit = wait_for(sub {
        my $got = talk($port[0], request('hit', get('/cached/big',
                                                    close => 1)));
        return $got->{bytes} =~ /X-Cache: HIT/ ? $got : undef;
    }, 30);

    cmp_ok($hit ? $hit->{received} : 0, '>', $big, '107: the file is whole');
}


# ---- stream

is(length down('DOWN'), 1000003, 'stream, down');
is(settled($admin, 'down')->{sent}, 1000003, 'counted so');
is(length down('DOWN'), 0, 'then closed at once');
is(settled($admin, 'down')->{refused}, 1, 'and refused');

is(length down('DOWNTLS', tls => 1, slow => 1), 1000003,
   'stream, TLS, down, slow reader');
is(settled($admin, 'downtls')->{sent}, 1000003, 'counted so');

for my $tls (0, 1) {
    my $key = $tls ? 'uptls' : 'up';
    my $text = "sink $big end ";

    talk($gw->port(uc $key), $text . 'u' x $big, tls => $tls);

    is(settled($admin, $key)->{received}, 777777, "stream, $key");
    is(sunk(), 777777 - length $text, 'the peer got no more');
}

for my $key ('idle', 'soft') {
    my $first = dial($gw->port(uc $key));

    write_all($first, 'source 1000 keep ');
    is(length read_some($first, 1000), 1000, "101: $key, a session");

    down(uc $key);
    is(length drain($first), 0, "101: $key, ended when others used it up");
}


# ---- what the access log says

$gw->stop('QUIT');

my @log = split /\n/, slurp("$dir/logs/access.log");
my @cut = grep { / PASSED 1 / } @log;

cmp_ok(scalar @cut, '>', 100, 'the access log says what was cut');
is(scalar(grep { !/^\d+ \d+ \d+ 0 PASSED 1 / && !/k=many/ } @cut), 0,
   'with nothing left, unless others held it');
cmp_ok(scalar(grep { /^429 \d+ \d+ 0 REJECTED 0 / } @log), '>', 4,
       'and what was refused');
is(scalar(grep { /^200 \d+ \d+ 0 REJECTED_DRY_RUN 0 / } @log), 1,
   'and what would have been');

done_testing();


# A download that has to end at the cap, to the byte, or to be refused.

sub capped {
    my ($tls, $kind, $cap, %option) = @_;

    my $key = 'cap' . ++$serial;
    my $text = $kind eq 'upgrade'
        ? upgrade("/upgrade?k=$key&cap=$cap") . "source $big end "
        : request($key, get("/$kind", cap => $cap, close => 1, %option,
                            headers => "Accept-Encoding: gzip\r\n"));

    my $got = talk($port[$tls], $text, tls => $tls, %option);
    my $usage = settled($admin, $key);
    my $name = join ' ', $kind, ($tls ? 'TLS' : ()), %option;

    if ($got->{bytes} =~ /^HTTP\/1\.1 429 /) {
        is("$usage->{sent} $usage->{refused} $usage->{cut}", '0 1 0',
           "110: $name, refused under $cap");
        cmp_ok($cap, '<', 400, 'because nothing fits');
        return;
    }

    my $all = $option{version} ? '<=' : '==';

    cmp_ok($got->{received}, $all, $cap, "94: $name, cut at $cap");
    is("$usage->{sent} $usage->{cut} $usage->{requests}", "$cap 1 1",
       '94: counted so');
    unlike($got->{bytes}, qr/\r\n0\r\n\r\n\z/, '96: no end of chunks');
}


sub down {
    my ($port, %option) = @_;

    return talk($gw->port($port), "source $big end ", %option)->{bytes};
}
