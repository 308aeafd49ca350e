#!/usr/bin/perl

# What the field found: hostile use, slow readers, what newer versions of
# nginx have.  Numbers are those of the list.

use warnings;
use strict;

use Test::More;

use IO::Select;
use IO::Socket::IP;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Bytes;
use Wgw::H2;


my $big = 3_000_000;
my @hinting;

my $gw = Wgw->new(<<'EOF', meter_modules());
worker_processes 1;
pid logs/nginx.pid;
wgw_meter_zone names file=names.wgw keys=10000;
wgw_rate_zone rates keys=1000;
wgw_names store allow_loopback sync=off;

events { worker_connections 2000; }

http {
    log_format meter '$status $wgw_sent $wgw_meter_status $wgw_cut $uri';
    access_log logs/access.log meter;

    client_body_buffer_size 16k;
    client_max_body_size 100m;
    proxy_http_version 1.1;
    wgw_meter_log_level info;
    keepalive_requests 1000000;

    server {
        listen 127.0.0.1:%%HTTP%%;
        include metered.conf;
    }

    server {
        listen 127.0.0.1:%%H2%%;
        http2 on;
        include metered.conf;
    }

    server {
        listen 127.0.0.1:%%BACK%%;
        root html;
        error_page 405 =200 $uri;

        location /pages/ { alias html/big; }
        location /accel { add_header X-Accel-Redirect /plain/big; return 200; }
        location /take/ { proxy_pass http://127.0.0.1:%%BACK%%/; }
    }

    include newer.conf;

    server {
        listen 127.0.0.1:%%ADMIN%%;

        location /v1/usage { wgw_usage json; }
        location /metrics { wgw_usage prometheus; }
    }
}

stream {
    server {
        listen 127.0.0.1:%%UDP%% udp;
        proxy_timeout 5s;
        wgw_meter names udp cap=150500;
        proxy_pass 127.0.0.1:%%ECHO%%;
    }
}
EOF

my $dir = $gw->dir();

echo_datagrams();
spew("$dir/metered.conf", metered());
mkdir "$dir/html";
chmod 0755, "$dir/html";
spew("$dir/html/small", 'small file');
spew("$dir/html/429", 'a page of our own');
spew("$dir/html/page", 'with <!--#include virtual="/proxied/big" -->');
spew("$dir/html/big", 'b' x $big);
spew("$dir/html/huge", 'h' x 40_000_000);

my $newer = $gw->version();

spew("$dir/newer.conf", newer());
peer($gw->port('PEER'), $dir);
hinting();
$gw->start();

my $serial = 0;
my $admin = $gw->port('ADMIN');
my $http = $gw->port('HTTP');
my $h2 = $gw->port('H2');

went_through();
debt();
silence();
silence_ends();
silence_loses();
killed();
free_pages();
datagrams();
soft();
hints() if $newer ge '1.029000';
tunnel() if $newer ge '1.029003';
early() if $newer ge '1.031000';

$gw->stop('QUIT');

done_testing();


# What reached a backend is the key's, though the answer is a refusal.

sub went_through {
    my $body = 'u' x 300_000;

    for my $case ([ 'precheck', '&cap=1000000' ],
                  [ 'precheck', '&cap=1000000', 1 ],
                  [ 'sent', '&cap=40', 1 ])
    {
        my ($location, $query, $two) = @$case;
        my $key = 'through' . ++$serial;
        my $path = "/$location/take/big?k=$key$query";
        my $before = special($admin, 'denied');
        my ($status, $own);

        if ($two) {
            my $client = Wgw::H2->new($h2);
            my $stream = $client->request($path, method => 'POST',
                                          body => $body);

            $client->run();
            $status = $stream->{status};
            $own = $stream->{block};

        } else {
            my $reply = http_get($http, $path, method => 'POST',
                                 body => $body);

            $status = $reply->{status};
            $own = $reply->{sent} - length $body;
        }

        my $name = 'field 11.1 ' . ($two ? 'HTTP/2, ' : '') . $location;
        my $usage = settled($admin, $key, 1);
        my $denied = special($admin, 'denied');

        is($status, 429, "$name: refused");
        is($usage->{received}, $own + length $body,
           "$name: what reached the backend is the key's");
        is("$usage->{sent} $usage->{requests} $usage->{refused}", '0 1 1',
           "$name: the refusal itself is not");
        is($denied->{received}, $before->{received},
           "$name: and nothing of it is denied");
    }
}


# Clients of HTTP/2 that do not read: some streams each, of one key.  Their
# windows are as large as can be, so that no byte may be given back twice.

sub silent {
    my ($query, $connections, $streams) = @_;

    return map {
        my $client = Wgw::H2->new($h2, slow => 1, spare => 0);

        $client->request("/capped/big?$query") for 1 .. $streams;
        $client;
    } 1 .. $connections;
}


sub held {
    my ($key) = @_;

    my $usage = usage($admin, $key);

    return $usage ? $usage->{held} : -1;
}


# Nobody's silence uses up another's quota.

sub silence {
    my $key = 'silent' . ++$serial;
    my $cap = 30_000_000;
    my @clients = silent("k=$key&cap=$cap", 5, 40);
    my $most = 0;

    for (1 .. 20) {
        my $held = held($key);

        $most = $held if $held > $most;
        sleep 0.05;
    }

    cmp_ok($most, '<=', 5 * 90_000, 'field 11.2 held: bounded by connections');
    cmp_ok($most, '>', 5 * 9, 'field 11.2 held: and something is');

    ok(wait_for(sub { held($key) <= 5 * 17_000 }),
       'field 11.2 held: given back when readers stall');

    like(http_get($admin, '/metrics')->{body},
         qr/^wgw_meter_held_bytes\{zone="names",key="$key"\} \d+$/m,
         'field 11.2 held is in the metrics');

    my $used = usage($admin, $key)->{sent};
    my $reply = http_get($http, "/capped/huge?k=$key&cap=$cap",
                         timeout => 40);

    is($reply->{status}, 200, 'field 11.2 others are served');
    cmp_ok(length $reply->{raw}, '>=', $cap - $used - 5 * 17_000,
           'field 11.2 and have all of the quota');
    cmp_ok($used + length $reply->{raw}, '<=', $cap, 'field 11.2 no more');

    $_->abort() for @clients;

    ok(wait_for(sub { held($key) == 0 }), 'field 11.2 nothing stays held');
    cmp_ok(settled($admin, $key)->{sent}, '<=', $cap,
           'field 11.2 the cap holds');
}


# Who reads again has all that was asked for.

sub silence_ends {
    my $key = 'again' . ++$serial;
    my @clients = silent("k=$key&cap=1000000000", 2, 12);

    sleep 2.5;
    cmp_ok(held($key), '<=', 2 * 17_000, 'field 11.2 kept back');

    my $end = time + 60;

    while (time < $end && grep { !$_->idle() } @clients) {
        for my $client (grep { !$_->idle() && !$_->{closed} } @clients) {
            $client->read(0.01);
            $client->take();
        }
    }

    my @streams = map { values %{$_->{streams}} } @clients;
    my $sum = 0;

    $sum += $_->{bytes} for @streams;

    is(scalar(grep { $_->{end} && $_->{data} == $big } @streams), 24,
       'field 11.2 who reads again has all');
    is(settled($admin, $key)->{sent}, $sum, 'field 11.2 and it is counted');
    is(held($key), 0, 'field 11.2 nothing stays held');

    my $more = $clients[0]->request("/capped/small?k=$key");

    $clients[0]->run();
    is($more->{status}, 200, 'field 11.2 the connection can be used');
}


# Who reads again after the quota was used up is cut, and no byte is over.

sub silence_loses {
    my $key = 'lost' . ++$serial;
    my $cap = 20_000_003;
    my @clients = silent("k=$key&cap=$cap", 2, 12);

    wait_for(sub { held($key) <= 2 * 17_000 });

    my $reply = http_get($http, "/capped/huge?k=$key&cap=$cap",
                         timeout => 40);
    my $sum = length $reply->{raw};
    my $end = time + 30;

    while (time < $end && grep { !$_->idle() } @clients) {
        for my $client (grep { !$_->idle() && !$_->{closed} } @clients) {
            $client->read(0.01);
            $client->take();
        }
    }

    my @streams = map { values %{$_->{streams}} } @clients;

    $sum += $_->{bytes} for @streams;

    is(scalar(grep { !$_->{end} && !defined $_->{reset} } @streams), 0,
       'field 11.2 each stream has an end');
    cmp_ok($sum, '<=', $cap, 'field 11.2 no byte is over');
    is(settled($admin, $key)->{sent}, $sum, 'field 11.2 and all are counted');
    is(scalar(grep { $_->{closed} || $_->{goaway} } @clients), 0,
       'field 11.2 the connections stay');
}


# What a killed worker held is free again while the gateway runs.

sub killed {
    my $key = 'killed' . ++$serial;
    my $cap = 30_000_000;
    my @clients = silent("k=$key&cap=$cap", 2, 12);

    ok(wait_for(sub { held($key) > 1000 }), 'field 11.2 held by a worker');

    my ($worker) = $gw->workers();

    CORE::kill 'STOP', $worker;
    CORE::kill 'KILL', $worker;
    wait_for(sub { !alive($worker) && $gw->workers() });

    ok(wait_for(sub { held($key) == 0 }), 'field 11.2 free after a kill');
    ok($gw->log() =~ /what a process held that is gone is free again/,
       'field 11.2 and said');

    my $used = usage($admin, $key)->{sent};
    my $reply = http_get($http, "/capped/huge?k=$key&cap=$cap",
                         timeout => 40);

    is(length $reply->{raw}, $cap - $used, 'field 11.2 all of the rest');

    $gw->expect(qr/exited on signal 9/);
}


# A refusal may have a page, but not what a backend says: it costs nothing.

sub free_pages {
    my $before = special($admin, 'denied');
    my $client = Wgw::H2->new($h2);

    like(http_get($http, '/pages/small?k=pages')->{body}, qr/a page of our own/,
         'field 11.10 a page from a file');
    like(http_get($http, '/pages/return?k=pages')->{body}, qr/our own page/,
         'field 11.10 a page by return');

    for my $path (qw(named uri include accel)) {
        my $reply = http_get($http, "/pages/$path?k=pages");

        cmp_ok(length $reply->{raw}, '<', 1000,
               "field 11.10 $path: nothing of a backend's answer");
        is($reply->{status}, 429, "field 11.10 $path: a plain refusal")
            if $path ne 'include';

        $reply = http_get($http, "/pages/$path?k=pages", method => 'POST',
                          body => 'u' x 200_000);
        is($reply->{status}, 429, "field 11.10 $path: nor of a body")
            if $path ne 'include';

        my $stream = $client->request("/pages/$path?k=pages");

        $client->run();
        cmp_ok($stream->{bytes}, '<', 1000, "field 11.10 $path: HTTP/2");
    }

    my $sent = special($admin, 'denied')->{sent} - $before->{sent};

    cmp_ok($sent, '<', 20_000, 'field 11.10 refusals cost little');
    is(settled($admin, 'pages')->{sent}, 0, 'field 11.10 and nobody pays');
}


# Response headers of HTTP/2 wait for their turn, and debt has an end.

sub debt {
    for my $path ('/paced/return', '/paced/small') {
        my $key = 'debt' . ++$serial;
        my $client = Wgw::H2->new($h2);
        my $start = time;
        my $asked = 0;
        my $query = "$path?k=$key&pad=" . 'p' x 200;

        $client->run(sub {
            my @open = grep { !$_->{end} } values %{$client->{streams}};

            for (@open .. 99) {
                $client->request($query, method => 'HEAD');
                $asked++;
            }

            return time - $start > 2;
        });

        my $took = time - $start;
        my $bytes = 0;

        $bytes += $_->{bytes} for values %{$client->{streams}};

        cmp_ok($bytes, '<=', 20_000 * ($took + 0.3) + 10_000,
               "field 11.3 $path: headers do not pass the rate");
        cmp_ok($bytes, '>=', 20_000 * $took * 0.5,
               "field 11.3 $path: and reach it");

        $client->close();

        # what was waited for is given back, what was not has an end

        sleep 0.2;
        $start = time;
        $client = Wgw::H2->new($h2);

        my $stream = $client->request($query, method => 'HEAD');

        $client->run();
        is($stream->{status}, 200, "field 11.3 $path: served");
        soon($start, 15, "field 11.3 $path: no debt of minutes");
    }

    # request headers are charged as well, and nobody may have minutes of it

    my $key = 'owed' . ++$serial;
    my $pad = 'p' x 7000;
    my $start = time;
    my $n = 0;

    while (time - $start < 2) {
        http_get($http, "/owed/small?k=$key", headers => "X-Pad: $pad\r\n");
        $n++;
    }

    my $took = time - $start;

    cmp_ok($n * 7000, '<=', 70_000 * ($took + 0.3) + 20_000,
           'field 11.3 request headers do not pass the rate');

    $start = time;
    http_get($http, "/owed/small?k=$key");
    soon($start, 15, 'field 11.3 received: no debt of minutes');
}


# A hard cap of UDP holds to the datagram.

sub datagrams {
    my @clients = map {
        IO::Socket::IP->new(PeerHost => '127.0.0.1', Proto => 'udp',
                            PeerPort => $gw->port('UDP')) or die "udp: $!";
    } 1 .. 20;

    my ($sent, $came) = (0, 0);

    for (1 .. 30) {
        for my $client (@clients) {
            syswrite $client, 'd' x 1000;
            $sent++;
            $came += answers($client, 0.001);
        }
    }

    $came += answers($_, 0.05) for @clients;

    my $usage = settled($admin, 'udp');
    my $used = $usage->{sent} + $usage->{received};

    cmp_ok($used, '<=', 150_500, 'field 11.6 UDP: no datagram over');
    cmp_ok($used, '>', 140_000, 'field 11.6 UDP: and used up');
    is($used % 1000, 0, 'field 11.6 UDP: whole ones');
    cmp_ok($came * 1000, '<=', $usage->{sent}, 'field 11.6 UDP: counted');
    cmp_ok($usage->{cut} + $usage->{refused}, '>', 0,
           'field 11.6 UDP: sessions were ended');
}


sub answers {
    my ($socket, $seconds) = @_;

    my $n = 0;

    while (IO::Select->new($socket)->can_read($seconds)) {
        last if !sysread $socket, my $buf, 65536;
        $n++;
    }

    return $n;
}


sub echo_datagrams {
    my $socket = IO::Socket::IP->new(LocalHost => '127.0.0.1',
        LocalPort => $gw->port('ECHO'), Proto => 'udp') or die "echo: $!";

    my $pid = fork;
    die "fork: $!" if !defined $pid;

    if ($pid) {
        push @hinting, $pid;
        return;
    }

    while (1) {
        my $from = recv $socket, my $buf, 65536, 0;
        send $socket, $buf, 0, $from if defined $from;
    }
}


# A soft cap is passed by a worker's calls, however many connections there are.

sub soft {
    for my $two (0, 1) {
        my $key = 'soft' . ++$serial;
        my $path = "/soft/big?k=$key&cap=1000000";
        my @sockets;

        if ($two) {
            my @clients = map { Wgw::H2->new($h2) } 1 .. 4;

            for my $client (@clients) {
                $client->request($path) for 1 .. 10;
            }

            $_->run() for @clients;

        } else {
            for (1 .. 40) {
                push @sockets, connect_to($http);
                write_all($sockets[-1], "GET $path HTTP/1.1\r\n"
                          . "Host: localhost\r\nConnection: close\r\n\r\n");
            }

            drain($_) for @sockets;
        }

        my $usage = settled($admin, $key);

        cmp_ok($usage->{sent}, '<=', 1_000_000 + 1_100_000,
               'field 11.6 a soft cap, of a key'
               . ($two ? ', HTTP/2' : ''));
        cmp_ok($usage->{sent}, '>=', 1_000_000, 'field 11.6 is used up');
    }
}


# 103 goes whole or not at all, and what follows it is still a response.

sub hints {
    my $whole = http_get($http, '/hints/?k=whole')->{raw};
    my ($hint, $rest) = $whole =~ m{^(HTTP/1.1 103 .*?\r\n\r\n)(HTTP.*)}s;

    ok($hint, 'field 11.30 hints are sent');
    is(settled($admin, 'whole', 1)->{sent}, length $whole,
       'field 11.30 and counted');

    my $all = length $whole;
    my ($torn, $over, $differs) = (0, 0, 0);

    for my $cap (64 .. $all + 1) {
        my $key = "hint$cap";
        my $raw = http_get($http, "/hints/?k=$key&cap=$cap")->{raw};
        my $usage = settled($admin, $key, $cap >= $all ? 1 : 0);

        $raw =~ s{^HTTP/1.1 103 .*?\r\n\r\n}{}s;
        $torn++ if $raw !~ m{^HTTP/1.1 (?:200|429) .*\r\n\r\n}s;
        $over++ if $usage->{sent} > $cap;
        $differs++ if $raw =~ m{^HTTP/1.1 200} && $usage->{refused};
    }

    is("$torn $over $differs", '0 0 0',
       "field 11.30 nothing is torn, nothing over, by caps up to $all");

    ($torn, $over) = (0, 0);

    my $client = Wgw::H2->new($h2);
    my $stream = $client->request('/hints/?k=whole2');

    $client->run();
    is(settled($admin, 'whole2', 1)->{sent}, $stream->{bytes},
       'field 11.30 HTTP/2, counted');

    for my $cap (20 .. $stream->{bytes} + 1) {
        my $key = "two$cap";
        my $one = $client->request("/hints/?k=$key&cap=$cap");

        $client->run();
        $torn++ if !$one->{end} && !defined $one->{reset};
        $over++ if settled($admin, $key)->{sent} > $cap;
    }

    is("$torn $over", '0 0', 'field 11.30 HTTP/2, held');

}


# A backend that hints.

sub hinting {
    my $listen = IO::Socket::IP->new(
        LocalHost => '127.0.0.1', LocalPort => $gw->port('HINTS'),
        Listen => 100, ReuseAddr => 1
    ) or die "hints: $!";

    my $pid = fork;
    die "fork: $!" if !defined $pid;

    if ($pid) {
        push @hinting, $pid;
        return;
    }

    while (1) {
        my $socket = $listen->accept() or next;
        my $buf = '';

        while ($buf !~ /\r\n\r\n/) {
            last if !sysread $socket, $buf, 65536, length $buf;
        }

        syswrite $socket, "HTTP/1.1 103 Early Hints\r\nLink: </"
            . 'h' x 200 . ">; rel=preload\r\n\r\n"
            . "HTTP/1.1 200 OK\r\nConnection: close\r\n"
            . "Content-Length: 10\r\n\r\n0123456789";
    }
}


# Bytes behind a CONNECT are the tunnel's.

sub tunnel {
    my $port = $gw->port('TUNNEL');
    my $head = "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443"
               . "\r\n\r\n";
    my $before = special($admin, 'denied');

    exchange($port, $head . 'u' x 900, timeout => 2);

    my $usage = settled($admin, 'tunnel');

    cmp_ok($usage->{received}, '<=', 700, 'field 11.30 CONNECT: no byte over');

    my $answer = exchange($gw->port('TUNNEL2'), $head . 'sink 100 end '
                          . 'u' x 100, timeout => 5, until => qr/done/);

    like($answer, qr{^HTTP/1.1 200 .*\.\.done$}s, 'field 11.30 CONNECT: works');

    $usage = settled($admin, 'tunnel2', 1);
    is($usage->{received}, length($head) + 113, 'field 11.30 CONNECT, received');
    is($usage->{sent}, length $answer, 'field 11.30 CONNECT, sent');
}


# A body that was read before its request is handled may be in a file.

sub early {
    my $body = '{"backends":["http://127.0.0.1:9"],"owner":"' . 'o' x 60 . '"}';
    my $reply = http_get($gw->port('EARLY'), '/v1/names/a.example',
        host => '127.0.0.1', method => 'PUT', body => $body,
        headers => "Content-Type: application/json\r\n");

    like($reply->{status}, qr/^20/, 'field 11.30 a body in a file');
    like(http_get($gw->port('EARLY'), '/v1/names/a.example',
                  host => '127.0.0.1')->{body}, qr/o{60}/,
         'field 11.30 is read');
}


sub newer {
    my $conf = '';

    $conf .= <<'EOF' if $newer ge '1.029003';
server {
    listen 127.0.0.1:%%TUNNEL%%;
    location / {
        wgw_meter names tunnel cap=700;
        tunnel_pass 127.0.0.1:%%PEER%%;
    }
}
server {
    listen 127.0.0.1:%%TUNNEL2%%;
    location / {
        wgw_meter names tunnel2 cap=70000;
        tunnel_pass 127.0.0.1:%%PEER%%;
    }
}
EOF

    $conf .= <<'EOF' if $newer ge '1.031000';
server {
    listen 127.0.0.1:%%EARLY%%;
    client_body_early_read 1;
    client_body_in_file_only on;
    location /v1/names { wgw_api; }
}
EOF

    $conf =~ s/%%(\w+)%%/$gw->port($1)/ge;

    return $conf;
}


END {
    my $status = $?;
    CORE::kill 'TERM', @hinting if @hinting;
    waitpid $_, 0 for @hinting;
    $? = $status;
}


sub metered {
    my $conf = <<'EOF';
root html;

location /precheck/ {
    wgw_meter names $arg_k cap=$arg_cap count=sent precheck;
    proxy_pass http://127.0.0.1:%%BACK%%/;
}
location /sent/ {
    wgw_meter names $arg_k cap=$arg_cap count=sent;
    proxy_pass http://127.0.0.1:%%BACK%%/;
}
location /capped/ {
    wgw_meter names $arg_k cap=$arg_cap count=sent;
    alias html/;
}
location /pages/ {
    wgw_meter names $arg_k cap=1;
    error_page 429 /plain/429;
    alias html/;

    location /pages/return { error_page 429 = @own; alias html/small; }
    location /pages/named { error_page 429 = @proxied; alias html/small; }
    location /pages/uri { error_page 429 = /proxied/big; alias html/small; }
    location /pages/include { error_page 429 /ssi/page; alias html/small; }
    location /pages/accel { error_page 429 = /proxied/accel; alias html/small; }
}
location /plain/ { alias html/; }
location @own { return 200 "our own page"; }
location @proxied { proxy_pass http://127.0.0.1:%%BACK%%; }
location /proxied/ { proxy_pass http://127.0.0.1:%%BACK%%/; }
location /ssi/ { alias html/; ssi on; ssi_types *; }
location /soft/ {
    wgw_meter names $arg_k cap=$arg_cap count=sent mode=soft;
    alias html/;
}
location /paced/ {
    wgw_rate rates $arg_k rate=20kB/s;

    location /paced/return { return 200; }
    location /paced/small { alias html/small; }
}
location /hints/ {
    %%HINTING%%
    wgw_meter names $arg_k cap=$arg_cap count=sent;
    proxy_pass http://127.0.0.1:%%HINTS%%;
}
location /owed/ {
    wgw_rate rates $arg_k rate=70kB/s count=received;
    alias html/;
}
EOF

    my $hinting = $gw->version() ge '1.029000' ? 'early_hints 1;' : '';

    $conf =~ s/%%HINTING%%/$hinting/;
    $conf =~ s/%%(\w+)%%/$gw->port($1)/ge;

    return $conf;
}
