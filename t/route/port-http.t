#!/usr/bin/perl

# What http sees of a connection that was handed over: addresses, ports,
# limits, keepalive, HTTP/2, and a proxy in front.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Tls;


my $conf = <<'EOF';
worker_processes 2;
wgw_names names domain=gw.test address=127.0.0.1 address=192.0.2.1
          allow_loopback;

events { worker_connections 1024; }

http {
    access_log off;
    ssl_certificate gateway.crt;
    ssl_certificate_key gateway.key;

    limit_conn_zone $binary_remote_addr zone=conn:1m;
    limit_req_zone $binary_remote_addr zone=req:1m rate=1r/m;

    upstream wgw { wgw_backend; }

    server {
        listen 127.0.0.1:%%INNER%% ssl;
        listen [::1]:%%INNER%% ssl;
        listen unix:%%DIR%%/offload.sock ssl;
        http2 on;
        wgw_route;

        location / {
            return 200 "$remote_addr $server_addr:$server_port $scheme $connection_requests $server_protocol\n";
        }

        location = /front {
            return 200 "$remote_addr $proxy_protocol_addr\n";
        }

        location = /limited {
            limit_conn conn 1;
            limit_rate 100;
            alias %%DIR%%/gateway.key;
        }

        location = /rare {
            limit_req zone=req;
            limit_req_status 429;
            alias %%DIR%%/public;
        }

        location /to/ { alias %%DIR%%/; }

        location = /proxied {
            proxy_pass $wgw_scheme://wgw;
            proxy_set_header X-Forwarded-Port $server_port;
            proxy_set_header X-Real-IP $remote_addr;
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }

    server {
        listen 127.0.0.3:%%BACKEND%%;
        location / {
            return 200 "$http_x_forwarded_port $http_x_real_ip\n";
        }
    }
}

stream {
    limit_conn_zone $binary_remote_addr zone=stream:1m;

    server {
        listen 127.0.0.1:%%TLS%%;
        listen [::1]:%%TLS%%;
        wgw_route offload=127.0.0.1:%%INNER%%;
    }

    server {
        listen 127.0.0.1:%%TLS6%%;
        listen [::1]:%%TLS6%%;
        wgw_route offload=[::1]:%%INNER%%;
    }

    server {
        listen 127.0.0.1:%%UNIX%%;
        listen [::1]:%%UNIX%%;
        wgw_route offload=unix:%%DIR%%/offload.sock;
    }

    server {
        listen %%ANY%%;
        wgw_route offload=127.0.0.1:%%INNER%%;
    }

    server {
        listen 127.0.0.1:%%ONE%%;
        limit_conn stream 1;
        wgw_route offload=127.0.0.1:%%INNER%%;
    }

    server {
        listen 127.0.0.1:%%FRONT%% proxy_protocol;
        set_real_ip_from 127.0.0.1;
        wgw_route offload=127.0.0.1:%%INNER%%;
    }

    server {
        listen 127.0.0.1:%%BEFORE%%;
        proxy_pass 127.0.0.1:%%FRONT%%;
        proxy_protocol on;
    }
}
EOF

my $gw = Wgw->new($conf =~ s/%%DIR%%/./gr);
my $dir = $gw->dir();

$gw->configure($conf =~ s/%%DIR%%/$dir/gr);

certificate($dir, 'gateway');
chmod 0644, "$dir/gateway.key";
spew("$dir/public", "public\n");
mkdir "$dir/folder";

$gw->start();

local $SIG{PIPE} = 'IGNORE';

my %port = map { $_ => $gw->port($_) }
    qw(TLS TLS6 UNIX ANY ONE FRONT BEFORE BACKEND);

put_name($gw, 'web', { backends => [ "http://127.0.0.3:$port{BACKEND}" ] });


# ---- addresses and ports, whatever the families

for my $listener (qw(TLS TLS6 UNIX)) {
    for my $address ('127.0.0.1', '::1') {
        is(talk(client($port{$listener}, 'web.gw.test', $address),
                'web.gw.test'),
           "$address $address:$port{$listener} https 1 HTTP/1.1",
           "$listener from $address: both ends are the client's");
    }
}

is(talk(client($port{ANY}, 'web.gw.test', '127.0.0.2'), 'web.gw.test'),
   "127.0.0.1 127.0.0.2:$port{ANY} https 1 HTTP/1.1",
   'a wildcard listener in stream');

is(talk(client($port{TLS}, 'web.gw.test'), 'web.gw.test', '/proxied'),
   "$port{TLS} 127.0.0.1", 'X-Forwarded-Port $server_port');

my $client = client($port{TLS}, 'web.gw.test');

print $client "GET /to/folder HTTP/1.0\r\nHost: web.gw.test\r\n\r\n";
like(join('', <$client>),
     qr/^Location: https:\/\/web\.gw\.test:$port{TLS}\/to\/folder\/\r$/m,
     'a redirect has the port that the client used');


# ---- more than a request

$client = client($port{TLS}, 'web.gw.test');

for my $n (1 .. 3) {
    like(talk($client, 'web.gw.test'), qr/ https $n HTTP\/1\.1$/,
         "keepalive: request $n");
}

my @curl = ('-k', '--http2', '--resolve', "web.gw.test:$port{TLS}:127.0.0.1");
my $url = "https://web.gw.test:$port{TLS}/";

like(curl(@curl, $url, '-o', '/dev/null', $url)->{body} || 'none',
     qr/^127\.0\.0\.1 127\.0\.0\.1:$port{TLS} https \d HTTP\/2\.0$/,
     'HTTP/2');


# ---- limits

sub limited {
    my ($address) = @_;

    my $client = client($port{TLS}, 'web.gw.test', $address);

    print $client "GET /limited HTTP/1.1\r\nHost: web.gw.test\r\n\r\n";
    sysread $client, my $answer, 4096;

    return ($client, $answer =~ /^HTTP\/1\.1 (\d+)/);
}

my ($first, $status) = limited('127.0.0.1');
is($status, 200, 'limit_conn: one');
is((limited('127.0.0.1'))[1], 503, 'no second one of that address');
is((limited('::1'))[1], 200, 'but one of another');
close $first;

is(http_code('/rare', '127.0.0.1'), 200, 'limit_req: one');
is(http_code('/rare', '127.0.0.1'), 429, 'no second one of that address');
is(http_code('/rare', '::1'), 200, 'but one of another');

sub http_code {
    my ($path, $address) = @_;

    my $client = client($port{TLS}, 'web.gw.test', $address);

    print $client "GET $path HTTP/1.1\r\nHost: web.gw.test\r\n"
        . "Connection: close\r\n\r\n";

    return <$client> =~ /^HTTP\/1\.1 (\d+)/ ? $1 : 0;
}

# one in stream counts as long as the connection lasts

my $one = client($port{ONE}, 'web.gw.test');
like(talk($one, 'web.gw.test'), qr/^127/, 'limit_conn in stream: one');
ok(!client($port{ONE}, 'web.gw.test'), 'pitfalls H18: no other meanwhile');
$one->close();
ok(wait_for(sub { client($port{ONE}, 'web.gw.test') }),
   'another when it has ended');


# ---- the PROXY protocol in front

my $socket = connect_to($port{FRONT});
syswrite $socket, "PROXY TCP4 203.0.113.7 203.0.113.1 4711 443\r\n";
sleep 0.2;
$client = IO::Socket::SSL->start_SSL($socket, SSL_verify_mode => 0,
                                     SSL_hostname => 'web.gw.test');
is(talk($client, 'web.gw.test', '/front'), '203.0.113.7 203.0.113.7',
   'tf 46: PROXY protocol in front: its client');

$socket = connect_to($port{FRONT});
syswrite $socket, "PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n"
    . substr my $hello = hello('web.gw.test'), 0, 10;
sleep 0.2;
syswrite $socket, substr $hello, 10;
like(exchange(0, '', socket => $socket, until => qr/gateway/, timeout => 5),
     qr/^\x16\x03.*gateway/s, 'with a part of the hello in the same segment');

is(talk(client($port{BEFORE}, 'web.gw.test'), 'web.gw.test', '/front'),
   '127.0.0.1 127.0.0.1', 'of nginx itself');


# ---- names that answer on some addresses

put_name($gw, 'here', { backends => [ 'http://192.0.2.10' ],
                        addresses => [ '127.0.0.1' ] });
put_name($gw, 'there', { backends => [ 'http://192.0.2.10' ],
                         addresses => [ '192.0.2.1' ] });

is(status($port{TLS}, 'here.gw.test', 'here.gw.test'), 200,
   'tf 27: on its address');
is(status($port{ANY}, 'here.gw.test', 'here.gw.test'), 200,
   'or a wildcard listener');
is(status($port{UNIX}, 'here.gw.test', 'here.gw.test'), 200,
   'by a unix socket as well');
is(status($port{TLS}, 'there.gw.test', 'there.gw.test'), 404,
   'not on another');

my $other = client($port{ANY}, 'here.gw.test', '127.0.0.2');
print $other "GET / HTTP/1.0\r\nHost: here.gw.test\r\n\r\n";
like(<$other>, qr/^HTTP\/1\.1 404 /, 'nor on one that only differs in a byte');

$gw->stop();

done_testing();
