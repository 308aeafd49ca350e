#!/usr/bin/perl

# What is counted is what the client's socket read and wrote: to the byte, in
# both directions, plain and over TLS.  Numbers are those of the cases.

use warnings;
use strict;

use Test::More;

use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Bytes;


my $gw = Wgw->new(<<'EOF', meter_modules());
worker_processes 2;
pid logs/nginx.pid;
wgw_meter_zone names file=names.wgw keys=10000;

events { worker_connections 1000; }

http {
    client_body_buffer_size 4k;
    large_client_header_buffers 4 8k;
    client_max_body_size 100m;
    proxy_http_version 1.1;

    proxy_cache_path cache keys_zone=cache:1m;

    upstream flaky {
        server 127.0.0.1:%%NOBODY%% max_fails=0;
        server 127.0.0.1:%%BACK%%;
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        listen 127.0.0.1:%%TLS%% ssl;

        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;

        root html;
        error_page 418 @page;

        wgw_meter names $arg_k;

        location /return { return 200 "0123456789"; }
        location /empty { return 204; }
        location /teapot { return 418; }
        location @page { rewrite ^ /page.html break; }
        location /gone { return 444; }
        location /moved { rewrite ^ /small last; }
        location /aio/ { alias html/; sendfile on; aio threads; }
        location /gzip/ {
            alias html/; gzip on; gzip_types *; gzip_min_length 1;
        }
        location /ssi/ { alias html/; ssi on; ssi_types *; }
        location /auth/ { alias html/; auth_request /allowed; }
        location /mirror/ { alias html/; mirror /mirrored; }
        location = /allowed { internal; return 204; }
        location = /mirrored {
            internal; proxy_pass http://127.0.0.1:%%BACK%%/small;
        }
        location /buffered/ { proxy_pass http://127.0.0.1:%%BACK%%/; }
        location /unbuffered/ {
            proxy_pass http://127.0.0.1:%%BACK%%/; proxy_buffering off;
        }
        location /cached/ {
            proxy_pass http://127.0.0.1:%%BACK%%/;
            proxy_cache cache;
            proxy_cache_key $uri;
            proxy_cache_valid 1h;
        }
        location /stale/ {
            proxy_pass http://127.0.0.1:%%BACK%%/;
            proxy_cache cache;
            proxy_cache_key stale$uri;
            proxy_cache_valid 1s;
            proxy_cache_use_stale updating;
            proxy_cache_background_update on;
        }
        location /slice/ {
            slice 100k;
            proxy_pass http://127.0.0.1:%%BACK%%/;
            proxy_cache cache;
            proxy_cache_key slice$uri$slice_range;
            proxy_set_header Range $slice_range;
            proxy_cache_valid 1h;
        }
        location /retry/ { proxy_pass http://flaky/; }
        location /xaccel/ { proxy_pass http://127.0.0.1:%%BACK%%; }
        location /eager/ {
            proxy_pass http://127.0.0.1:%%BACK%%/;
            proxy_request_buffering off;
        }
        location /upgrade {
            proxy_pass http://127.0.0.1:%%PEER%%;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }
    }

    # not metered: the backends, and the figures

    server {
        listen 127.0.0.1:%%BACK%%;
        root html;

        location /post { proxy_pass http://127.0.0.1:%%BACK%%/return; }
        location /return { return 200 "ok"; }
        location /xaccel/ { add_header X-Accel-Redirect /small; return 200; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;

        location /v1/usage { wgw_usage json; }
    }
}

stream {
    server {
        listen 127.0.0.1:%%STREAM%%;
        wgw_meter names stream;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%STREAMTLS%% ssl;
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        wgw_meter names streamtls;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%RETURN%%;
        wgw_meter names return;
        return "$wgw_meter_status $wgw_sent $remote_addr\n";
    }
}
EOF

my $dir = $gw->dir();

mkdir "$dir/html";
chmod 0755, "$dir/html";
spew("$dir/html/small", 'small file');
spew("$dir/html/s$_", 's' x 50_000) for 0, 1;
spew("$dir/html/page.html", 'short and stout');
spew("$dir/html/text", join '', map { "line $_\n" } 1 .. 50000);
spew("$dir/html/mib", 'x' x 1048576);
spew("$dir/html/parts", 'a<!--#include virtual="/ssi/text" -->'
                        . 'b<!--#include virtual="/ssi/small" -->'
                        . 'c<!--#include virtual="/ssi/text" -->');

certificate($dir);
peer($gw->port('PEER'), $dir);
$gw->start();

my $serial = 0;
my $admin = $gw->port('ADMIN');


for my $tls (0, 1) {
    truth($tls, 111, '1 MiB file', get('/mib'));
    truth($tls, 115, 'HEAD', get('/mib', method => 'HEAD'));
    truth($tls, 115, '204', get('/empty'));
    truth($tls, 115, '304', get('/small', headers =>
          "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n"));
    truth($tls, 116, 'range', get('/mib', headers =>
          "Range: bytes=0-99\r\n"));
    truth($tls, 117, 'gzip', get('/gzip/text', headers =>
          "Accept-Encoding: gzip\r\n"));
    truth($tls, 121, 'SSI, subrequests', get('/ssi/parts'));
    truth($tls, 121, 'auth_request', get('/auth/small'));
    truth($tls, 121, 'mirror', get('/mirror/small'));
    truth($tls, 124, 'internal redirect', get('/moved'));
    truth($tls, 124, 'X-Accel-Redirect', get('/xaccel/x'));
    truth($tls, 124, 'error_page', get('/teapot'));
    truth($tls, 124, '404', get('/nothing'));
    truth($tls, 124, 'return', get('/return'));
    truth($tls, 0, 'HTTP/1.0', get('/small', version => '1.0'), once => 1);
    truth($tls, 119, 'proxied, buffered', get('/buffered/mib'));
    truth($tls, 119, 'proxied, not buffered', get('/unbuffered/mib'));
    truth($tls, 111, 'sendfile in threads', get('/aio/mib'));
    truth($tls, 119, 'cache, a miss or hit', get('/cached/mib'));
    truth($tls, 119, 'cache, hits', get('/cached/mib'));
    truth($tls, 129, 'slices', get('/slice/mib'));
    truth($tls, 129, 'slices, hits', get('/slice/mib'));
    truth($tls, 129, 'slices, a range', get('/slice/mib', headers =>
          "Range: bytes=99999-300000\r\n"));
    truth($tls, 116, 'ranges', get('/mib', headers =>
          "Range: bytes=0-99,2000-3999\r\n"));
    truth($tls, 128, 'a second attempt', get('/retry/mib')) for 1 .. 2;

    talk($gw->port('HTTP'), request('warm', get("/stale/s$tls", close => 1)));
    sleep 2;
    truth($tls, 120, 'stale, updated behind', get("/stale/s$tls"));

    my $length = "Content-Length: 300000\r\n";
    my $body = 'b' x 300000;
    my $chunks = join('', map { sprintf "%x\r\n%s\r\n", $_, 'c' x $_ }
                          1, 9, 5000, 20000)
                 . "0\r\n\r\n";

    for my $path ('/return', '/buffered/post', '/eager/post', '/mib') {
        truth($tls, 0, "POST $path", get($path, method => 'POST',
              headers => $length, body => $body));
        truth($tls, 0, "POST, chunked, $path", get($path, method => 'POST',
              headers => "Transfer-Encoding: chunked\r\n",
              body => $chunks));
        truth($tls, 0, "POST, in pieces, $path", get($path,
              method => 'POST', headers => "Content-Length: 9000\r\n",
              body => 'p' x 9000), piece => 900);
    }

    truth($tls, 127, '100-continue', get('/buffered/post',
          method => 'POST', headers => "${length}Expect: 100-continue\r\n",
          body => $body));

    truth($tls, 0, 'long request line and header', get('/small', headers =>
          'X: ' . 'h' x 5000 . "\r\nY: " . 'h' x 7000 . "\r\n",
          query => 'q' x 6000));
    truth($tls, 0, 'a header in pieces', get('/small', headers =>
          'X: ' . 'h' x 3000 . "\r\n"), piece => 700);
    truth($tls, 0, 'nothing is sent', get('/gone'), once => 1);

    pipeline($tls, $_) for 0, 1000, 100;
    upgraded($tls, $_) for 0, 1;
    stream($tls);
}


# ---- those that have no key

my $before = settled($admin, undef, 0, 'unknown');

for my $case (
    [ 'a bad header', "GET / HTTP/1.1\r\nHost: x\r\nBad header\r\n\r\n" ],
    [ 'a bad host', "GET / HTTP/1.1\r\nHost: x y\r\nX: y\r\n\r\n" ],
    [ 'no host', "GET / HTTP/1.1\r\n\r\n" ],
    [ 'a bad request line', "FOO\x01 / HTTP/1.1\r\nHost: x\r\n\r\n" ],
    [ 'a bad version', "GET / HTTP/7.1\r\nHost: x\r\n\r\n" ],
    [ 'an endless header', "GET / HTTP/1.1\r\nX: " . 'x' x 8190 ],
    [ 'an endless line', 'GET /' . 'x' x 8190 ],
    [ 'a client that leaves', "GET / HTTP/1.1\r\nHost: lo", shut => 1 ],
    [ 'one that leaves at once', 'GE', shut => 1 ],
    [ 'in pieces', "GET / HTTP/1.1\r\nHost: x\r\nBad header\r\n\r\n",
      piece => 10 ],
    [ 'an empty key', request('', get('/small', close => 1)) ],
) {
    my ($name, $text, %option) = @$case;

    my $got = talk($gw->port('HTTP'), $text, %option);
    my $after = settled($admin, undef, $before->{requests} + 1, 'unknown');

    is($after->{requests} - $before->{requests}, 1, "$name: unknown");
    is($after->{sent} - $before->{sent}, $got->{received}, 'sent');
    is($after->{received} - $before->{received}, $got->{sent}, 'received');

    $before = $after;
}


# ---- open ones are counted while they last

{
    my $key = 'live' . ++$serial;
    my $socket = dial($gw->port('HTTP'));
    my $text = upgrade("/upgrade?k=$key") . 'source 100000 keep ';

    write_all($socket, $text);

    my $answer = read_some($socket, 100_000 + 76);

    my $usage = wait_for(sub {
        my $usage = usage($admin, $key);
        return $usage && $usage->{sent} == length $answer ? $usage : undef;
    });

    ok($usage, '125: an open session is counted within seconds');
    is($usage->{received}, length $text, 'in both directions');
    close $socket;

    $key = 'abort' . ++$serial;
    $socket = dial($gw->port('HTTP'), slow => 1);
    write_all($socket, request($key, get('/mib')) x 10);
    $answer = read_some($socket, 100_000);
    close $socket;

    $usage = settled($admin, $key);
    cmp_ok($usage->{sent}, '>=', length $answer, '118: an abort');
    cmp_ok($usage->{sent}, '<', 10_000_000, '118: is not all');
}


# ---- the client goes while a thread is sending: all that came is counted

for my $n (0 .. 23) {
    my $key = 'gone' . ++$serial;
    my $socket = dial($gw->port('HTTP'));

    write_all($socket, request($key, get('/aio/mib')) x 10);

    my $answer = read_some($socket, 1000 << $n % 12);

    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    close $socket;

    cmp_ok(settled($admin, $key, 1)->{sent}, '>=', length $answer,
           "118: gone after $n");
}

is(read_some(dial($gw->port('RETURN')), 100), "PASSED 0 127.0.0.1\n",
   'stream variables');
is(settled($admin, 'return')->{sent}, 19, 'return in stream');

$gw->stop('QUIT');

done_testing();


# ---- cases

# One request twice on a connection, unless `once`.

sub truth {
    my ($tls, $case, $name, $r, %option) = @_;

    my $key = 'truth' . ++$serial;
    my $text = request($key, $r);

    $text .= request($key, { %$r, close => 1 }) if !$option{once};

    my $got = talk($gw->port($tls ? 'TLS' : 'HTTP'), $text, tls => $tls,
                   %option);
    my $usage = settled($admin, $key, $option{once} ? 1 : 2);

    $name = "$case: $name" . ($tls ? ', TLS' : '');

    is($usage->{sent}, $got->{received}, "$name, sent")
        or diag(substr $got->{bytes}, 0, 300);
    is($usage->{received}, length $text, "$name, received");
}


# Requests of all sorts on one connection, each with a key of its own.

sub pipeline {
    my ($tls, $piece) = @_;

    my $one = "Content-Length: 2000\r\n";
    my $two = "Transfer-Encoding: chunked\r\n";

    my @requests = (
        get('/mib'),
        get('/return', method => 'POST', headers => $one, body => 'x' x 2000),
        get('/buffered/post', method => 'POST', headers => $one,
            body => 'x' x 2000),
        get('/small'),
        get('/buffered/post', method => 'POST', headers => $two,
            body => "3e8\r\n" . 'y' x 1000 . "\r\n0\r\n\r\n"),
        get('/return', method => 'POST', headers => $two,
            body => "3e8\r\n" . 'z' x 1000 . "\r\n0\r\n\r\n"),
        get('/eager/post', method => 'POST', headers => $two,
            body => "3e8\r\n" . 'z' x 1000 . "\r\n0\r\n\r\n"),
        get('/ssi/parts'),
        get('/small', close => 1),
    );

    my @keys = map { 'pipe' . ++$serial } @requests;
    my @text = map { request($keys[$_], $requests[$_]) } 0 .. $#requests;

    my $got = talk($gw->port($tls ? 'TLS' : 'HTTP'), join('', @text),
                   tls => $tls, piece => $piece);
    my $sum = 0;

    for my $n (0 .. $#keys) {
        my $usage = settled($admin, $keys[$n], 1);

        is($usage->{received}, length $text[$n],
           "123: pipelined request $n, pieces of $piece, received");
        $sum += $usage->{sent} // 0;
    }

    is($sum, $got->{received}, '122: the sum of what was sent');
}


sub upgraded {
    my ($tls, $early) = @_;

    my $key = 'ws' . ++$serial;
    my $text = upgrade("/upgrade?k=$key")
               . 'source 500000 sink 300000 end ' . 'u' x 300000;

    my $got = talk($gw->port($tls ? 'TLS' : 'HTTP'), $text, tls => $tls,
                   piece => $early ? 0 : 300);
    my $usage = settled($admin, $key, 1);

    is($usage->{sent}, $got->{received}, "125: upgraded, sent");
    is($usage->{received}, length $text, "125: upgraded, received");
    is(sunk(), 300000, 'all of it');
}


sub stream {
    my ($tls) = @_;

    my $key = $tls ? 'streamtls' : 'stream';
    my $text = 'source 400000 sink 300000 end ' . 'u' x 300000;
    my $got = talk($gw->port(uc $key), $text, tls => $tls);
    my $usage = settled($admin, $key, 1);

    is($usage->{sent}, $got->{received}, "$key, sent");
    is($usage->{received}, length $text, "$key, received");
    is($usage->{requests}, 1, 'one session');
    is(sunk(), 300000, 'all of it');
}
