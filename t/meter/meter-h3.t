#!/usr/bin/perl

# HTTP/3: what is counted is what the client's stream carried, and no cap is
# passed by a byte.  Numbers are those of the cases.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(time);

use Wgw;
use Wgw::Bytes;


plan skip_all => 'no gtlsclient (Debian: ngtcp2-client)'
    if system('which gtlsclient >/dev/null 2>&1') != 0;

my $gw = Wgw->new(<<'EOF', meter_modules());
pid logs/nginx.pid;
wgw_meter_zone names keys=1000;
wgw_rate_zone rates keys=1000;

events { }

http {
    client_max_body_size 100m;

    server {
        listen 127.0.0.1:%%QUIC%% quic;
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        root html;

        wgw_meter names $arg_k cap=$arg_cap count=sent;

        location /paced/ {
            wgw_rate rates $arg_k rate=1500kB/s;
            alias html/;
        }
        location /paced/post {
            wgw_rate rates $arg_k rate=250kB/s count=received;
            proxy_pass http://127.0.0.1:%%BACK%%/post;
        }
        location /cookies {
            add_header Set-Cookie "a=0123456789012345678901234567890123456789";
            add_header Set-Cookie "b=0123456789012345678901234567890123456789";
            return 200 "0123456789";
        }
        location /return { return 200 "0123456789"; }
        location /proxied/ { proxy_pass http://127.0.0.1:%%BACK%%/; }
        location /post { proxy_pass http://127.0.0.1:%%BACK%%/ok; }
        location /received {
            wgw_meter names $arg_k cap=$arg_cap count=received;
            proxy_pass http://127.0.0.1:%%BACK%%/post;
            proxy_request_buffering off;
        }
    }

    server {
        listen 127.0.0.1:%%BACK%%;
        root html;
        location /post { proxy_pass http://127.0.0.1:%%BACK%%/ok; }
        location /ok { return 200 "ok"; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
    }
}
EOF

my $nginx = $gw->version();
my ($flags) = `$ENV{TEST_NGINX_BINARY} -V 2>&1` =~ /configure arguments: (.*)/;

plan skip_all => "nginx $nginx has no HTTP/3"
    if $flags !~ /--with-http_v3_module/;

my $dir = $gw->dir();

mkdir "$dir/html";
chmod 0755, "$dir/html";
spew("$dir/html/big", 'b' x 3_000_000);
spew("$dir/html/small", 'small');
spew("$dir/body", 'u' x 500_000);
certificate($dir);
$gw->start();

my $serial = 0;
my $admin = $gw->port('ADMIN');


# ---- truth

for my $path ('/big', '/small', '/return', '/nothing', '/proxied/big') {
    my $key = 'truth' . ++$serial;
    my $got = h3("$path?k=$key");
    my $usage = settled($admin, $key, 1);

    is($usage->{sent}, $got->{received}, "114: $path, sent");
    is($usage->{received}, $got->{sent}, "114: $path, received");
}

{
    my $key = 'post' . ++$serial;
    my $got = h3("/post?k=$key", '-d', "$dir/body");
    my $usage = settled($admin, $key, 1);

    is($usage->{received}, $got->{sent}, '114: POST, received');
    is($usage->{sent}, $got->{received}, '114: POST, sent');
}


# ---- caps

for my $path ('/big', '/proxied/big') {
    for my $cap (241, 4097, 65537, 1000003) {
        my $key = 'cap' . ++$serial;
        my $got = h3("$path?k=$key&cap=$cap");
        my $usage = settled($admin, $key);

        is($usage->{sent}, $cap, "98: $path, cut at $cap");
        is($usage->{cut}, 1, '98: and cut');
        cmp_ok($got->{received}, '<=', $cap, '98: no more came');
        cmp_ok($got->{received}, '>=', $cap - 65536, '114: nor much less');
        is($got->{reset}, $got->{received}, '98: by RESET_STREAM');

        # the socket is of all connections

        $got = h3("/small?k=other");
        is($got->{status}, 200, 'others are served');
    }
}

{
    my $key = 'head' . ++$serial;
    my $got = h3("/return?k=$key&cap=5");
    my $usage = settled($admin, $key);

    is($got->{status}, 429, '110: a header that does not fit');
    is("$usage->{sent} $usage->{refused}", '0 1', '110: costs nothing');
}

for my $cap (65, 90, 110) {
    my $key = 'short' . ++$serial;
    my $got = h3("/cookies?k=$key&cap=$cap");
    my $usage = settled($admin, $key);

    is($got->{status}, 429, "field 11.9 a header over $cap: a refusal of HTTP/3");
    is($got->{retry}, 1, 'field 11.9 that says when');
    ok($got->{fin}, 'field 11.9 and ends the stream as it should');
    is("$usage->{sent} $usage->{refused}", '0 1', 'field 11.9 it costs nothing');
}


# ---- up

{
    my $key = 'up' . ++$serial;

    h3("/received?k=$key&cap=200000", '-d', "$dir/body");

    my $usage = settled($admin, $key);

    is($usage->{received}, 200_000, '98: an upload, to the byte');
    is($usage->{cut}, 1, 'cut');
    is(h3("/small?k=other")->{status}, 200, 'others are served');
}

# ---- rates of bytes: 1.9 s each

for my $job (['/paced/big', 2_850_000 / 1_500_000],
             ['/paced/post', 475_000 / 250_000, '-d', "$dir/body"])
{
    my ($path, $expected, @options) = @$job;
    my $key = 'pace' . ++$serial;
    my $start = time;
    my $got = h3("$path?k=$key", @options);
    my $took = time - $start;
    my $usage = settled($admin, $key, 1);

    is($usage->{sent}, $got->{received}, "$path, sent");
    is($usage->{received}, $got->{sent}, "$path, received");
    cmp_ok($took, '>', $expected * 0.85,
           sprintf '%s: %.2f of %.2f s', $path, $took, $expected);
}

$gw->stop('QUIT');

done_testing();


# What the client's first stream carried, both ways, and the final size of a
# reset one.

sub h3 {
    my ($path, @arguments) = @_;

    my $port = $gw->port('QUIC');
    my $got = { sent => 0, received => 0, reset => -1, status => 0 };

    my $pid = open my $pipe, '-|';
    die "fork: $!" if !defined $pid;

    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec {'timeout'} 'timeout', 20, 'gtlsclient', '--exit-on-all-streams-close',
             @arguments, '127.0.0.1', $port, "https://localhost:$port$path"
            or POSIX::_exit(127);
    }

    while (my $line = <$pipe>) {
        if ($line =~ /frm ([rt])x .* STREAM\(.*id=0x0 .*offset=(\d+) len=(\d+)/)
        {
            my $what = $1 eq 'r' ? 'received' : 'sent';

            $got->{$what} = $2 + $3 if $2 + $3 > $got->{$what};
            $got->{fin} = 1 if $1 eq 'r' && $line =~ /fin=1/;
        }

        $got->{status} = $1 if $line =~ /\[?:status: (\d+)/;
        $got->{retry} = 1 if $line =~ /\[?retry-after: \d+/i;
        $got->{reset} = $1
            if $line =~ /rx .*RESET_STREAM.*id=0x0 .*final_size=(\d+)/;
    }

    close $pipe;

    return $got;
}
