#!/usr/bin/perl

# A gateway that is its own backend (field 11.28).

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Tls;


my $conf = <<'EOF';
worker_processes 1;
wgw_names names domain=gw.test allow_loopback;

events { worker_connections 256; }

http {
    log_format hops '$host $status "$http_cdn_loop"';
    access_log logs/access.log hops;

    upstream wgw { wgw_backend; }

    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Connection "";
    proxy_ssl_server_name on;
    proxy_ssl_name $wgw_tls_name;

    server {
        listen 127.0.0.1:%%HTTP%%;
        listen 127.0.0.1:%%INNER%% ssl;
        ssl_certificate gateway.crt;
        ssl_certificate_key gateway.key;
        wgw_route;
        location / { proxy_pass $wgw_scheme://wgw; }
    }

    # without the directive that refuses

    server {
        listen 127.0.0.1:%%BARE%%;
        location / { proxy_pass $wgw_scheme://wgw; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }

    server {
        listen 127.0.0.1:%%BACKEND%%;
        location / { return 200 "$http_cdn_loop\n"; }
    }
}

stream {
    server {
        listen 127.0.0.1:%%TLS%%;
        listen 127.0.0.2:%%TLS%%;
        wgw_route offload=127.0.0.1:%%INNER%%;
        proxy_pass $wgw_backend;
        proxy_connect_timeout 1s;
    }
}
EOF

my ($one, $two) = map { Wgw->new($conf) } 1 .. 2;

for my $gw ($one, $two) {
    certificate($gw->dir(), 'gateway');
    $gw->start();
}

sub at { my ($gw, $port) = @_; return '127.0.0.1:' . $gw->port($port) }

sub get {
    my ($gw, $name, %option) = @_;

    return http_get($gw->port($option{port} || 'HTTP'), '/',
                    host => "$name.gw.test", %option);
}

sub lines {
    my ($gw, $name) = @_;

    sleep 0.2;
    return grep { /^$name\./ } split /\n/, slurp($gw->dir()
                                                . '/logs/access.log');
}


# ---- http

put_name($one, 'good', { backends => [ 'http://' . at($one, 'BACKEND') ] });

my $first = get($one, 'good')->{body};

like($first, qr/^wgw-[0-9a-f]{16}$/, 'field 11.28 the backend is told');
is(get($one, 'good')->{body}, $first, 'the same each time');
is(get($one, 'good', headers => "CDN-Loop: other; a=b\r\n")->{status}, 200,
   "another's id is none of ours");
like(get($one, 'good', headers => "CDN-Loop: other; a=b\r\n")->{body},
     qr/^other; a=b, wgw-[0-9a-f]{16}$/, 'and goes on')
    if $one->version() ge '1.023000';

put_name($one, 'self', { backends => [ 'http://' . at($one, 'HTTP') ] });

is(get($one, 'self')->{status}, 508, 'field 11.28 its own backend: 508');
is(scalar(lines($one, 'self')), 2, 'found when it comes back');
like($one->log(), qr/a backend of "self\.gw\.test" leads back here/,
     'and said');

for my $line ("CDN-Loop: a, $first", "CDN-Loop: a\r\nCDN-Loop: b,$first") {
    $line =~ s/\n$//;
    is(get($one, 'good', headers => "$line\r\n")->{status}, 508,
       'field 11.28 found in a list, and in the second of two fields');
}

is(get($one, 'self', port => 'BARE')->{status}, 508,
   'field 11.28 by a server without "wgw_route" as well');

put_name($one, 'bare', { backends => [ 'http://' . at($one, 'BARE') ] });
is(get($one, 'bare', port => 'BARE')->{status}, 500,
   'field 11.28 or with none of them');
is(scalar(lines($one, 'bare')), 2, 'found when it comes back');

put_name($one, 'tls', { backends => [ 'https://' . at($one, 'TLS') ],
                        tls_verify => JSON::PP::false() });
is(get($one, 'tls')->{status}, 508, 'field 11.28 by TLS and its hand-over');

put_name($one, 'round', { backends => [ 'http://' . at($two, 'HTTP') ] });
put_name($two, 'round', { backends => [ 'http://' . at($one, 'HTTP') ] });
is(get($one, 'round')->{status}, 508, 'field 11.28 by another gateway');
is(scalar(lines($two, 'round')), 1, 'which had it once');

put_name($one, 'chain', { backends => [ 'http://' . at($two, 'HTTP') ] });
put_name($two, 'chain', { backends => [ 'http://' . at($two, 'BACKEND') ] });
is(get($one, 'chain')->{status}, 200, 'two gateways in a row are no loop');

$one->reload();
is(get($one, 'good')->{body}, $first, 'the id outlives a reload');


# ---- passthrough

sub sessions {
    my ($name, $address, @backends) = @_;

    put_name($one, $name, { backends => \@backends,
                            tls_passthrough => true });

    my $before = length $one->log();
    is(subject(client($one->port('TLS'), "$name.gw.test", $address)), 'none',
       "field 11.28 passed through to itself, $name: closed");
    sleep 0.2;

    return scalar(() = substr($one->log(), $before) =~ /leads back here/g);
}

my $tls = $one->port('TLS');

is(sessions('pass', '127.0.0.1', "127.0.0.1:$tls"), 1, 'at once');
is(sessions('other', '127.0.0.1', "127.0.0.2:$tls"), 1,
   'after one round by another address');
is(sessions('both', '127.0.0.1', "127.0.0.1:$tls", "127.0.0.2:$tls"), 1,
   'with two of its addresses');

$one->stop();
$two->stop();

done_testing();
