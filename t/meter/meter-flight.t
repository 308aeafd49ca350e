#!/usr/bin/perl

# Transfers that are under way: caps that are raised and lowered meanwhile,
# and many tunnels and sessions under one.  Numbers are those of the cases.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Bytes;
use Wgw::H2;


my $gw = Wgw->new(<<'EOF', meter_modules());
worker_processes 2;
pid logs/nginx.pid;
wgw_names store allow_loopback sync=off;
wgw_meter_zone names keys=1000;
wgw_meter_zone minute keys=1000 window=minute;

events { worker_connections 1000; }

http {
    wgw_meter_log_level info;
    proxy_http_version 1.1;

    server {
        listen 127.0.0.1:%%HTTP%%;
        root html;

        wgw_meter names $wgw_name cap=$wgw_cap;

        location /rate { alias html/mib; limit_rate 400k; }
        location /late { proxy_pass http://127.0.0.1:%%LATE%%; }
        location /upgrade {
            wgw_meter names $arg_k cap=3000003 count=sent;
            proxy_pass http://127.0.0.1:%%PEER%%;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }
    }

    server {
        listen 127.0.0.1:%%H2%%;
        http2 on;
        root html;

        wgw_meter names $wgw_name cap=$wgw_cap;

        location /rate { alias html/mib; limit_rate 400k; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;

        location /v1/names { wgw_api; }
        location /v1/usage { wgw_usage json; }
    }
}

stream {
    server {
        listen 127.0.0.1:%%STREAM%%;
        wgw_meter names stream cap=3000003 count=sent;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%UP%%;
        wgw_meter names up cap=3000003 count=received;
        proxy_pass 127.0.0.1:%%PEER%%;
    }
}
EOF

my $dir = $gw->dir();

mkdir "$dir/html";
chmod 0755, "$dir/html";
spew("$dir/html/mib", 'x' x 1048576);

peer($gw->port('PEER'), $dir);
$gw->start();

my $admin = $gw->port('ADMIN');
my $http = $gw->port('HTTP');


# ---- caps that change

cap('a.example', 600_000);
is(during(get_slowly('a.example'), 'a.example', 10_000_000), 1,
   '105: a raised cap, the transfer goes on');

cap('b.example', 10_000_000);

my $cut = during(get_slowly('b.example'), 'b.example', 100_000);

is($cut, 0, '105: a lowered one ends it');

{
    cap('h.example', 600_000);

    my $client = Wgw::H2->new($gw->port('H2'));
    my $stream = $client->request('/rate', host => 'h.example');

    $client->run(sub { $stream->{data} > 200_000 });
    cap('h.example', 10_000_000);
    $client->run();

    is($stream->{data}, 1048576, '105: a raised cap, HTTP/2');

    $stream = $client->request('/rate', host => 'h.example');
    $client->run(sub { $stream->{data} > 200_000 });
    cap('h.example', 100_000);

    $client->run();
    is($stream->{reset}, 2, '105: a lowered one, HTTP/2');
}


# what was held for a response when it was asked for goes with that cap

{
    my $back = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 1,
                                   LocalPort => $gw->port('LATE'))
        or die "late: $!";

    cap('l.example', 100_000);

    my $client = dial($http);

    write_all($client, "GET /late HTTP/1.1\r\nHost: l.example\r\n"
                       . "Connection: close\r\n\r\n");

    my $late = $back->accept();

    for my $cap (0, 100) {
        cap('l.example', $cap);
        sleep 1.5;
    }

    write_all($late, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok");
    close $late;

    like(join('', readline $client), qr{^HTTP/1\.1 429 },
         '105: a cap that was off for a while holds');
}


# ---- many at once

for my $case ([ 'upgrade', 100 ], [ 'stream', 100 ]) {
    my ($kind, $n) = @$case;

    my $port = $kind eq 'stream' ? $gw->port('STREAM') : $http;
    my $head = $kind eq 'stream' ? '' : upgrade('/upgrade?k=upgrade');
    my @sockets = map { dial($port) } 1 .. $n;
    my $sum = 0;

    write_all($_, $head . 'source 100000 keep ') for @sockets;

    for my $socket (@sockets) {
        my $answer = read_some($socket, 100_000 + ($head ? 76 : 0));

        $sum += length $answer if $answer !~ /^HTTP\/1.1 429/;
    }

    my $usage = settled($admin, $kind);

    is($sum, 3_000_003, "99: $kind, $n at once, all of the cap");
    is($usage->{sent}, 3_000_003, '99: counted so');

    # those that got all are idle then, and ended by the sweep

    cmp_ok($usage->{cut} + $usage->{refused}, '>=', $n - 30,
           '99: each of the others was ended');
}

{
    my @sockets = map { dial($gw->port('UP')) } 1 .. 100;

    for my $socket (@sockets) {
        write_all($socket, 'sink 100000 keep ' . 'u' x 50_000);
    }

    my $usage = settled($admin, 'up');

    is($usage->{received}, 3_000_003, '99: sessions up, all of the cap');
}

$gw->stop('QUIT');

done_testing();


sub cap {
    my ($name, $cap) = @_;

    my $reply = http_get($admin, "/v1/names/$name", method => 'PUT',
        host => '127.0.0.1', headers => "Content-Type: application/json\r\n",
        body => qq({"backends":["http://127.0.0.1:9"],"cap_bytes":$cap}));

    like($reply->{status}, qr/^20[01]$/, "cap of $name");
}


# A download of a MiB that takes three seconds, begun.

sub get_slowly {
    my ($host) = @_;

    my $socket = dial($http);

    write_all($socket, "GET /rate HTTP/1.1\r\nHost: $host\r\n"
                       . "Connection: close\r\n\r\n");

    return $socket;
}


# Whether it comes whole when the cap changes.

sub during {
    my ($socket, $name, $cap) = @_;

    my $got = length read_some($socket, 200_000);

    cap($name, $cap);

    $got += length drain($socket);

    return $got > 1048576 ? 1 : 0;
}
