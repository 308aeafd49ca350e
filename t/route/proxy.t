#!/usr/bin/perl

# What passes through to a backend: headers, WebSocket, events as they come,
# uploads, long bodies with flat memory, HTTP/2 in front, gRPC.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;


my $gw = Wgw->new(<<'EOF');
worker_processes 1;
wgw_names names domain=gw.test allow_loopback;

events { worker_connections 1024; }

http {
    access_log off;
    client_max_body_size 0;

    map $http_upgrade $connection_upgrade { default upgrade; '' ''; }

    upstream wgw { wgw_backend; }

    server {
        listen 127.0.0.1:%%HTTP%%;
        listen 127.0.0.1:%%TLS%% ssl;
        http2 on;
        ssl_certificate gateway.crt;
        ssl_certificate_key gateway.key;

        wgw_route;

        location / {
            proxy_pass $wgw_scheme://wgw;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
        }

        location /service/ { grpc_pass grpc://wgw; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }

    server {
        listen 127.0.0.1:%%GRPC%%;
        http2 on;
        location / {
            default_type application/grpc;
            add_header grpc-status 0;
            return 200 "$host $request_uri";
        }
    }
}
EOF

my $dir = $gw->dir();

system('openssl req -x509 -newkey ec -nodes -days 30 -subj /CN=gateway '
       . '-pkeyopt ec_paramgen_curve:prime256v1 '
       . "-keyout $dir/gateway.key -out $dir/gateway.crt 2> /dev/null") == 0
    or die 'openssl req';

my $server = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 64)
    or die "listen: $!";
my $backend = fork;
die 'fork' if !defined $backend;
serve($server) if !$backend;

$gw->start();

my ($http, $tls) = ($gw->port('HTTP'), $gw->port('TLS'));

put('app', 'http://127.0.0.1:' . $server->sockport());
put('rpc', 'http://127.0.0.1:' . $gw->port('GRPC'));


# ---- headers

my $seen = http_get($http, '/headers', host => 'app.gw.test', headers =>
    "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: gopher\r\n"
    . "X-Real-IP: 203.0.113.9\r\n")->{body};

like($seen, qr/^Host: app\.gw\.test\r$/m, 'tf 37: Host unchanged');
like($seen, qr/^X-Forwarded-For: 127\.0\.0\.1\r$/m, 'tf 37: the client');
like($seen, qr/^X-Forwarded-Proto: http\r$/m, 'tf 37: the scheme');
unlike($seen, qr/203\.0\.113\.9|gopher/, 'tf 37: client-sent ones replaced');
unlike($seen, qr/^Connection:/m, 'no Connection: the connection is kept');


# ---- WebSocket

my $socket = connect_to($http);
syswrite $socket, "GET /ws HTTP/1.1\r\nHost: app.gw.test\r\n"
    . "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

like(read_until($socket, qr/\r\n\r\n/), qr/^HTTP\/1\.1 101 /,
     'tf 42: an upgrade');

for my $message ('one', 'two', 'x' x 100000) {
    syswrite $socket, "$message\n";
    is(read_until($socket, qr/\n/), "echo $message\n",
       'a message and its echo, ' . length($message) . ' bytes');
}

close $socket;


# ---- events

# The first of them is here while the others are to come; a client that a busy
# machine lets wait may see it late, but not each time.

my ($came, $first);

for (1 .. 5) {
    $socket = connect_to($http);
    syswrite $socket, "GET /events HTTP/1.1\r\nHost: app.gw.test\r\n\r\n";

    $came = read_until($socket, qr/data: 1\n/);
    $first = $came =~ /data: 1\n\s*(?:0\r\n)?\z/;
    $came .= read_until($socket, qr/data: 4\n/) if $came !~ /data: 4\n/;
    close $socket;
    last if $first;
}

ok($first, 'tf 42: the first event before the second');
like($came, qr/data: 1\n.*data: 2\n.*data: 3\n.*data: 4\n/s, 'and all');


# ---- uploads

my $body = join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
    map { 'y' x (1000 * $_) } 1 .. 50;

my $reply = http_request($http, "POST /upload HTTP/1.1\r\nHost: app.gw.test"
    . "\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    . "${body}0\r\n\r\n");

is($reply->{body}, "1275000\n", 'tf 42: a chunked upload');


# ---- a long body

my ($worker) = $gw->workers();
my $before = resident($worker);
my $peak = 0;
my $length = 0;

$socket = connect_to($http);
syswrite $socket, "GET /big HTTP/1.1\r\nHost: app.gw.test\r\n"
    . "Connection: close\r\n\r\n";

while (my $n = sysread $socket, my $piece, 1 << 20) {
    $length += $n;
    my $now = resident($worker);
    $peak = $now if $now > $peak;
}

cmp_ok($length, '>', 300 * (1 << 20), 'tf 42: 300 MiB');
cmp_ok($peak - $before, '<', 8192, 'with flat memory, in KiB');


# ---- HTTP/2 and gRPC

$reply = curl('-k', '--http2', '--resolve', "app.gw.test:$tls:127.0.0.1",
              "https://app.gw.test:$tls/headers");

is($reply->{code}, 200, 'tf 43: an HTTP/2 client, an HTTP/1.1 backend');
like($reply->{body}, qr/^GET \/headers HTTP\/1\.1\r$/m, 'which is that');
like($reply->{body}, qr/^X-Forwarded-Proto: https\r$/m, 'told of https');

$reply = curl('-k', '--http2', '--resolve', "rpc.gw.test:$tls:127.0.0.1",
              '-H', 'Content-Type: application/grpc', '-d', "\0\0\0\0\0",
              "https://rpc.gw.test:$tls/service/Method");

is($reply->{code}, 200, 'tf 43: gRPC');
is($reply->{body}, 'wgw /service/Method', 'to its backend');

kill 'TERM', $backend;
waitpid $backend, 0;

$gw->stop();

done_testing();


sub put {
    my ($name, $address) = @_;

    is(http_get($gw->port('ADMIN'), "/v1/names/$name", method => 'PUT',
                body => qq({"backends":["$address"]}))->{status}, 201,
       "put $name");
}

sub resident { return slurp("/proc/$_[0]/status") =~ /VmRSS:\s*(\d+)/ && $1 }

sub read_until {
    my ($socket, $regex) = @_;

    my ($text, $end) = ('', time + 10);
    my $select = IO::Select->new($socket);

    while ($text !~ $regex && time < $end) {
        next if !$select->can_read(0.1);
        sysread $socket, $text, 65536, length $text or last;
    }

    return $text;
}

# A backend of our own: each connection has a process.

sub serve {
    my ($server) = @_;

    $SIG{TERM} = sub { POSIX::_exit(0) };
    $SIG{CHLD} = 'IGNORE';

    while (my $client = $server->accept()) {
        next if fork;

        while (my $head = head($client)) {
            answer($client, $head);
        }

        POSIX::_exit(0);
    }

    POSIX::_exit(0);
}

sub head {
    my ($client) = @_;

    my $head = '';

    while ($head !~ /\r\n\r\n/) {
        sysread $client, $head, 1, length $head or return;
    }

    return $head;
}

sub answer {
    my ($client, $head) = @_;

    my ($path) = $head =~ /^\S+ (\S+)/;

    if ($path eq '/ws') {
        syswrite $client, "HTTP/1.1 101 Switching Protocols\r\n"
            . "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

        my $text = '';

        while (sysread $client, $text, 65536, length $text) {
            while ($text =~ s/^(.*)\n//) {
                print $client "echo $1\n";
                $client->flush();
            }
        }

        return;
    }

    if ($path eq '/events') {
        syswrite $client, "HTTP/1.1 200 OK\r\n"
            . "Content-Type: text/event-stream\r\nX-Accel-Buffering: no\r\n"
            . "Connection: close\r\n\r\n";

        for my $n (1 .. 4) {
            syswrite $client, "data: $n\n";
            sleep 0.2;
        }

        POSIX::_exit(0);
    }

    if ($path eq '/upload') {
        my $length = 0;

        while ((my $line = <$client>) =~ /^([0-9a-f]+)\r\n/) {
            last if !hex $1;
            read $client, my $piece, 2 + hex $1;
            $length += hex $1;
        }

        <$client>;
        reply($client, "$length\n");
        return;
    }

    if ($path eq '/big') {
        my $piece = 'z' x (1 << 20);

        syswrite $client, "HTTP/1.1 200 OK\r\nContent-Length: "
            . 301 * length($piece) . "\r\n\r\n";

        for (1 .. 301) {
            my $n = 0;

            while ($n < length $piece) {
                $n += syswrite($client, $piece, 1 << 20, $n) || return;
            }
        }

        return;
    }

    reply($client, $head);
}

sub reply {
    my ($client, $body) = @_;

    syswrite $client, "HTTP/1.1 200 OK\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body";
}
