#!/usr/bin/perl

# HTTP/2: what is counted is what the frames of a stream took on the
# connection, and no cap is passed by a byte.  Numbers are those of the cases.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Bytes;
use Wgw::H2;


my $big = 3_000_000;
my $huge = 30_000_000;          # no socket's buffer takes it

my $gw = Wgw->new(<<'EOF', meter_modules());
worker_processes 2;
pid logs/nginx.pid;
wgw_meter_zone names file=names.wgw keys=10000;

events { worker_connections 1000; }

http {
    log_format meter '$status $wgw_sent $wgw_meter_status $wgw_cut';
    access_log logs/access.log meter;

    client_body_buffer_size 16k;
    client_max_body_size 100m;
    proxy_http_version 1.1;
    wgw_meter_log_level info;

    proxy_cache_path cache keys_zone=cache:1m;

    server {
        listen 127.0.0.1:%%HTTP%%;
        http2 on;
        include metered.conf;
    }

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        http2 on;
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        include metered.conf;
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
EOF

my $dir = $gw->dir();

spew("$dir/metered.conf", metered());
mkdir "$dir/html";
chmod 0755, "$dir/html";
spew("$dir/html/small", 'small file');
spew("$dir/html/half", 'h' x 200_000);
spew("$dir/html/huge", 'y' x $huge);
spew("$dir/html/mib", 'x' x 1048576);
spew("$dir/html/big", join '', map { chr 33 + rand 90 } 1 .. $big);
spew("$dir/html/parts", 'a<!--#include virtual="/ssi/big" -->'
                        . 'b<!--#include virtual="/ssi/small" -->'
                        . 'c<!--#include virtual="/ssi/big" -->');

certificate($dir);
$gw->start();

my $serial = 0;
my $admin = $gw->port('ADMIN');
my @port = ($gw->port('HTTP'), $gw->port('TLS'));

my @kinds = qw(sf/big nosf/big aio/big gzip/big ssi/parts buffered/big
               unbuffered/big chunked/parts trailers/big);


# ---- truth

for my $tls (0, 1) {
    for my $path (map("/$_", @kinds), '/return', '/empty', '/nothing',
                  '/chunks/big', '/cookies')
    {
        my $key = 'truth' . ++$serial;
        my $client = Wgw::H2->new($port[$tls], tls => $tls);
        my $stream = $client->request("$path?k=$key",
            headers => [ [ 'accept-encoding', 'gzip' ] ]);

        $client->run();

        my $usage = settled($admin, $key, 1);

        is($usage->{sent}, $stream->{bytes}, "113: $path, sent");
        is($usage->{received}, $stream->{block}, "113: $path, received");
    }

    for my $path ('/buffered/post', '/eager/post') {
        my $key = 'post' . ++$serial;
        my $client = Wgw::H2->new($port[$tls], tls => $tls);
        my $stream = $client->request("$path?k=$key", method => 'POST',
                                      body => 'x' x 300_000);

        $client->run();

        my $usage = settled($admin, $key, 1);

        is($usage->{sent}, $stream->{bytes}, "POST $path, sent");
        is($usage->{received}, $stream->{block} + 300_000,
           "POST $path, received");
    }
}

{
    my $client = Wgw::H2->new($port[0]);
    my @key = map { 'payer' . ++$serial } 1 .. 3;
    my @stream = map { $client->request("/sf/big?k=$_") } @key;

    $client->run();

    is(settled($admin, $key[$_], 1)->{sent}, $stream[$_]{bytes},
       '126: streams of different payers') for 0 .. 2;
}


# ---- caps

for my $tls (0, 1) {
    for my $kind (@kinds) {
        capped($tls, $kind, $_) for 5, 241, 4097, 65537, 999983, 1000003;
    }

    for my $kind (qw(sf/big buffered/big ssi/parts)) {
        capped($tls, $kind, 65537, window => 3001);
        capped($tls, $kind, 200_003, window => 65535);
        capped($tls, $kind, 999983, slow => 1, pause => 0.0005);
    }

    capped($tls, 'rate/big', 600_011);

    # what a thread sends has to be seen to its end

    capped($tls, 'aio/big', 65537 + $_) for 1 .. 20;
}


# ---- all caps around the size of a response that is small

for my $path ('/sf/small', '/trailers/small') {
    my $key = 'whole' . ++$serial;
    my $client = Wgw::H2->new($port[0]);
    my $whole = $client->request("$path?k=$key");

    $client->run();

    my $all = $whole->{bytes};

    # the next response's date may be some bytes longer, or shorter

    for my $cap ($all - 50 .. $all + 8) {
        my $key = 'small' . ++$serial;
        my $client = Wgw::H2->new($port[0]);
        my $stream = $client->request("$path?k=$key&cap=$cap");

        $client->run();

        my $usage = settled($admin, $key);

        if ($stream->{end} && $stream->{status} == 200) {
            cmp_ok($stream->{bytes}, '<=', $cap, "$path, $cap: complete");
            is($usage->{sent}, $stream->{bytes}, 'counted so');

        } elsif ($stream->{status} == 200) {
            is($stream->{reset}, 2, "$path, $cap: reset");
            is($usage->{sent}, $stream->{bytes}, 'counted so');
            cmp_ok($stream->{bytes}, '<=', $cap, 'not over');

        } else {
            is($stream->{status}, 429, "$path, $cap: refused");
            is($usage->{sent}, 0, 'for nothing');
        }

        ok($stream->{end}, 'complete when it fits')
            if $cap == $all + 8 && $path eq '/sf/small';
    }
}


# ---- a header that does not fit is replaced by one that says so

for my $path ('/sf/small', '/return', '/cookies', '/buffered/small') {
    my $key = 'head' . ++$serial;
    my $client = Wgw::H2->new($port[0]);
    my $one = $client->request("$path?k=$key&cap=40");
    my $two = $client->request("/sf/small?k=$key-other");

    $client->run();

    is($one->{status}, 429, "110: $path, a header that does not fit");
    is($one->{data}, 0, 'and nothing else');
    is($two->{status}, 200, 'others are served');

    my $usage = settled($admin, $key);

    is("$usage->{sent} $usage->{refused} $usage->{cut}", '0 1 0',
       '110: costs the key nothing');
}


# ---- five at once, four caps and none

for my $case ([ 0 ], [ 1 ], [ 0, window => 65535 ], [ 0, window => 3001 ],
              [ 0, slow => 1, pause => 0.0003 ], [ 1, window => 65535 ])
{
    my ($tls, %option) = @$case;

    my $client = Wgw::H2->new($port[$tls], tls => $tls, %option);
    my $name = join ' ', ($tls ? 'TLS' : 'plain'), %option;
    my $small = ($option{window} || 1e6) < 10000;
    my $path = $small ? '/sf/half' : '/sf/big';
    my @streams = map { [ $_, 'five' . ++$serial ] }
        $small ? (60_001, 4097, 100_003, 65537)
               : (600_001, 4097, 1_000_003, 65537);

    my $free = $client->request("$path?k=free" . ++$serial);

    for my $s (@streams) {
        push @$s, $client->request("$path?k=$s->[1]&cap=$s->[0]");
    }

    $client->run();

    ok($free->{end}, "97: $name, the one without a cap completes");
    is($free->{data}, $small ? 200_000 : $big, 'all of it');
    ok(!$client->{goaway} && !$client->{closed}, 'the connection stays');

    for my $s (@streams) {
        my $usage = settled($admin, $s->[1]);

        is($s->[2]{bytes}, $s->[0], "97: $name, cut at $s->[0]");
        is($s->[2]{reset}, 2, 'by a reset');
        is("$usage->{sent} $usage->{cut}", "$s->[0] 1", 'counted so');
    }

    my $again = $client->request('/sf/small?k=again');

    $client->run();
    is($again->{status}, 200, 'and can be used');
}


# ---- many under one cap

for my $tls (0, 1) {
    for my $kind (qw(sf/big buffered/big)) {
        many($tls, $kind);
    }
}


# ---- the client leaves

{
    my $key = 'left' . ++$serial;
    my $client = Wgw::H2->new($port[0], slow => 1);
    my $stream = $client->request("/sf/huge?k=$key&cap=100000000");
    my $other = $client->request("/sf/mib?k=$key-other");

    $client->run(sub { $stream->{data} > 300_000 });
    $client->reset($stream);
    $client->run();
    $client->ping();

    my $usage = settled($admin, $key);

    ok($other->{end}, 'a reset by the client: the other goes on');
    is($usage->{sent}, $stream->{bytes}, '118: what had left is counted');
    cmp_ok($usage->{sent}, '<', $huge, '118: which is not all');

    # what was held is free again

    $client = Wgw::H2->new($port[0]);

    my $cap = $usage->{sent} + 500_001;

    $stream = $client->request("/sf/big?k=$key&cap=$cap");
    $client->run();
    is($stream->{bytes}, 500_001, 'what was queued is not held any more');

}


# ---- the connection goes while much is being sent: all that came is counted

for my $case ([ 0, 1 ], [ 0, 3 ], [ 1, 1 ], [ 1, 3 ],
              [ 0, 1, 'aio' ], [ 0, 3, 'aio' ])
{
    my ($tls, $streams, $kind) = @$case;

    for my $cap ('', '100000000') {
        gone($tls, $kind || 'sf', $streams, $cap, 1_000 << $_) for 0 .. 10;
    }
}


# ---- up

for my $tls (0, 1) {
    for my $path ('/received/buffered', '/received/eager') {
        for my $cap (200, 4097, 65537, 777_777) {
            my $key = 'up' . ++$serial;
            my $client = Wgw::H2->new($port[$tls], tls => $tls);
            my $other = $client->request("/sf/mib?k=$key-other");
            my $stream = $client->request("$path?k=$key&cap=$cap",
                                          method => 'POST',
                                          body => 'u' x $big);

            $client->run();

            my $usage = settled($admin, $key);

            is($usage->{received}, $cap, "$path, $cap, to the byte");
            is($usage->{cut}, 1, 'cut');
            is($stream->{reset}, 2, 'by a reset');
            ok($other->{end}, 'the other completes');
        }
    }
}


# ---- the client is told at once, the cache fill behind goes on

{
    my $key = 'cache' . ++$serial;
    my $client = Wgw::H2->new($port[0]);
    my $stream = $client->request("/cached/big?k=$key&cap=500000");

    $client->run();

    is($stream->{bytes}, 500_000, '107: cut while the cache is filled');
    is_deeply([ glob $gw->dir() . '/cache/*' ], [ ],
              '107: told before it is whole');

    my $hit = wait_for(sub {
        my $client = Wgw::H2->new($port[0]);
        my $again = $client->request('/cached/big?k=hit');

        $client->run();

        return $again->{status} == 200 && $again->{fields} =~ /HIT/
               ? $again : undef;
    }, 30);

    is($hit ? $hit->{data} : 0, $big, '107: the file is whole');
}


# ---- soft

{
    my $key = 'soft' . ++$serial;
    my $client = Wgw::H2->new($port[0]);
    my $stream = $client->request("/soft/big?k=$key&cap=1000");

    $client->run();

    cmp_ok($stream->{bytes}, '<=', 1000 + 2 * 1048576, '100: soft, by 2 MiB');
    is($stream->{reset}, 2, 'then cut');
}


# ---- other clients

SKIP: {
    skip 'no nghttp', 2 if system('which nghttp >/dev/null 2>&1') != 0;

    my $out = `nghttp -nv 'http://127.0.0.1:$port[0]/sf/big?k=n&cap=99999' 2>&1`;
    my $sum = 0;

    $sum += 9 + $1
        while $out =~ /recv (?:DATA|HEADERS) frame <length=(\d+),/g;

    is($sum, 99999, 'nghttp: all of the cap');
    like($out, qr/recv RST_STREAM.*\n.*INTERNAL_ERROR/, 'and a reset');
}

my $curl = curl('--http2-prior-knowledge',
                "http://127.0.0.1:$port[0]/sf/big?k=curl&cap=99999");

is($curl->{exit}, 92, 'curl: a stream that ends by an error');


# ---- a gateway that is told to end counts all, parts of frames too

{
    my @ends = map { [ $_, Wgw::H2->new($port[0], slow => 1) ] } 1 .. 6;

    for my $end (@ends) {
        my ($n, $client) = @$end;
        my $path = $n % 2 ? '/aio/big' : '/sf/big';

        $end->[2] = $client->request("$path?k=end$n");
        $client->run(sub { $end->[2]{data} > 30_000 * $n });
    }

    # what clients said has been read, or they would get a reset

    sleep 0.3;
    $gw->stop('TERM');

    for my $end (@ends) {
        1 while $end->[1]->read(1);
    }

    $gw->start();

    for my $end (@ends) {
        my ($n, $client, $stream) = @$end;

        is(settled($admin, "end$n", 1)->{sent},
           $stream->{bytes} + length $client->{buffer},
           'what came before the end is counted');
    }
}

$gw->stop('QUIT');

done_testing();


sub capped {
    my ($tls, $kind, $cap, %option) = @_;

    my $key = 'cap' . ++$serial;
    my $client = Wgw::H2->new($port[$tls], tls => $tls, %option);
    my $stream = $client->request("/$kind?k=$key&cap=$cap",
        headers => [ [ 'accept-encoding', 'gzip' ] ]);

    $client->run();

    my $usage = settled($admin, $key);
    my $name = join ' ', $kind, ($tls ? 'TLS' : ()), %option;

    if ($stream->{status} == 429) {
        is("$usage->{sent} $usage->{refused} $usage->{cut}", '0 1 0',
           "110: $name, refused under $cap");
        cmp_ok($cap, '<', 300, 'because nothing fits');
        return;
    }

    is($stream->{bytes}, $cap, "94: $name, cut at $cap");
    is("$usage->{sent} $usage->{cut} $usage->{requests}", "$cap 1 1",
       '94: counted so');
    is($stream->{reset}, 2, '97: by a reset');
    ok(!$client->{goaway}, 'of the stream');
}


# Ten connections with twenty streams each.

sub many {
    my ($tls, $kind) = @_;

    my $key = 'many' . ++$serial;
    my $cap = 20_000_003;
    my @clients = map { Wgw::H2->new($port[$tls], tls => $tls) } 1 .. 10;
    my @streams;

    for my $client (@clients) {
        push @streams, map { $client->request("/$kind?k=$key&cap=$cap") }
                           1 .. 20;
    }

    my $end = time + 30;

    while (time < $end && grep { !$_->idle() } @clients) {
        for my $client (grep { !$_->idle() && !$_->{closed} } @clients) {
            $client->read(0);
            $client->take();
        }
    }

    my $sum = 0;

    $sum += $_->{bytes} for grep { $_->{status} == 200 } @streams;

    my $usage = settled($admin, $key);

    cmp_ok($sum, '<=', $cap, "99: $kind, 200 streams at once, not over");
    cmp_ok($sum, '>=', $cap - 200, '99: and used up');
    is($usage->{sent}, $sum, '99: counted so');
    is(scalar(grep { !$_->{end} && !defined $_->{reset} } @streams), 0,
       '99: each has an end');
}


# A client that reads fast and resets the connection in the middle.

sub gone {
    my ($tls, $kind, $streams, $cap, $bytes) = @_;

    my $client = Wgw::H2->new($port[$tls], tls => $tls);
    my @key = map { 'gone' . ++$serial } 1 .. $streams;
    my @streams = map { $client->request("/$kind/big?k=$_&cap=$cap") } @key;

    $client->run(sub { $streams[-1]{data} > $bytes });
    $client->abort();

    for my $i (0 .. $#key) {
        my $usage = settled($admin, $key[$i], 1);
        my $name = join ' ', "118: $kind, gone after $bytes",
                             ($tls ? 'TLS' : ()),
                             ($cap ? 'capped' : ());

        cmp_ok($usage->{sent}, '>=', $streams[$i]{bytes}, $name);
        cmp_ok($usage->{sent}, '<=', $big + 5_000, 'and not more than all');
    }
}


sub metered {
    my $conf = <<'EOF';
root html;

wgw_meter names $arg_k cap=$arg_cap count=sent;

location /return { return 200 "0123456789"; }
location /empty { return 204; }
location /cookies {
    add_header Set-Cookie "a=0123456789012345678901234567890123456789";
    add_header Set-Cookie "b=0123456789012345678901234567890123456789";
    alias html/small;
}
location /nosf/ { alias html/; sendfile off; }
location /sf/ { alias html/; sendfile on; }
location /aio/ { alias html/; sendfile on; aio threads; }
location /chunks/ { alias html/; http2_chunk_size 1000; }
location /gzip/ { alias html/; gzip on; gzip_types *; gzip_min_length 1; }
location /ssi/ { alias html/; ssi on; ssi_types *; }
location /rate/ { alias html/; limit_rate 2000k; }
location /trailers/ {
    alias html/; sendfile on; add_trailer X-Sum "0123456789";
}
location /buffered/ { proxy_pass http://127.0.0.1:%%BACK%%/; }
location /unbuffered/ {
    proxy_pass http://127.0.0.1:%%BACK%%/; proxy_buffering off;
}
location /eager/ {
    proxy_pass http://127.0.0.1:%%BACK%%/; proxy_request_buffering off;
}
location /chunked/ { proxy_pass http://127.0.0.1:%%BACK%%/chunked/; }
location /cached/ {
    proxy_pass http://127.0.0.1:%%BACK%%/slow/;
    proxy_cache cache;
    proxy_cache_key $uri;
    proxy_cache_valid 1h;

    # in characters that are as long in Huffman's code, so not encoded
    add_header X-Cache "\\\\\\\\$upstream_cache_status\\\\\\\\";
}
location /soft/ {
    wgw_meter names $arg_k cap=$arg_cap count=sent mode=soft;
    alias html/;
}
location /received/ {
    wgw_meter names $arg_k cap=$arg_cap count=received;

    location /received/buffered {
        proxy_pass http://127.0.0.1:%%BACK%%/post;
    }
    location /received/eager {
        proxy_pass http://127.0.0.1:%%BACK%%/post;
        proxy_request_buffering off;
    }
}
EOF

    $conf =~ s/%%(\w+)%%/$gw->port($1)/ge;

    return $conf;
}
