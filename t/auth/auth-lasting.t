#!/usr/bin/perl

# What a key has opened, when the key has gone: WebSockets, and responses that
# go on; and what may not be opened where methods are limited.

use warnings;
use strict;

use Test::More;

use IO::Select;
use IO::Socket::IP;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Auth;


my ($one, $two) = map { node('wallet') } 1 .. 2;

my $gw = Wgw->new(<<"EOF");
worker_processes 2;
wgw_auth_zone keys=2000;

events { worker_connections 1024; }

http {
    access_log logs/access.log;
    wgw_auth_secret secret;
    wgw_auth_allow file=list;

    server {
        listen 127.0.0.1:%%HTTP%% reuseport;
        server_name gw.test;

        proxy_http_version 1.1;
        proxy_set_header Upgrade \$http_upgrade;
        proxy_set_header Connection upgrade;

        location = /auth { wgw_auth_signin; }
        location = /short/auth { wgw_auth_signin; wgw_auth_ttl 60s; }
        location = /two/auth { wgw_auth_signin; wgw_auth_uses 2; }
        location /ws { wgw_auth eth; proxy_pass http://127.0.0.1:%%BACK%%; }
        location /checked {
            wgw_auth eth;
            wgw_auth_recheck on;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }
        location /slow {
            wgw_auth eth;
            proxy_buffering off;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }
        location /rpc {
            wgw_auth_deny_methods debug_*;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }
        location /v1/auth { wgw_auth_api; }
    }
}
EOF

my $dir = $gw->dir();

sub list { spew("$dir/list.new", join '', map { "$_->{address}\n" } @_);
           rename "$dir/list.new", "$dir/list" }

spew("$dir/secret", 'x' x 32);
chmod 0600, "$dir/secret";
list($one, $two);

# Upgrades whatever asks for it, and echoes; else a response without an end.

my $backend = fork // die "fork: $!";

if ($backend == 0) {
    my $listen = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 64,
        LocalPort => $gw->port('BACK'), ReuseAddr => 1) or die $!;
    local $SIG{CHLD} = 'IGNORE';

    while (my $client = $listen->accept()) {
        next if fork;

        $client->recv(my $head, 8192);

        if ($head =~ /^Upgrade: /mi) {
            $client->send("HTTP/1.1 101 Switching Protocols\r\n"
                          . "Upgrade: websocket\r\n"
                          . "Connection: Upgrade\r\n\r\n");
            for ( ; ; ) {
                $client->recv(my $data, 8192);
                exit if !length $data;
                $client->send($data);
            }
        }

        $client->send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        local $SIG{PIPE} = 'DEFAULT';

        for (1 .. 300) {
            syswrite($client, "tick\n") or exit;
            sleep 0.1;
        }

        exit;
    }
}

END { CORE::kill 'TERM', $backend if $backend }

wait_for(sub { IO::Socket::IP->new(PeerHost => '127.0.0.1',
                                   PeerPort => $gw->port('BACK')) });
$gw->start();


sub opened {
    my ($path, $key, $upgrade) = @_;

    my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1',
                                     PeerPort => $gw->port('HTTP')) or die $!;

    $socket->send("GET $path HTTP/1.1\r\nHost: gw.test\r\n"
                  . ($upgrade ? "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                              : '')
                  . "X-Api-Key: $key\r\n\r\n");

    return $socket;
}

sub heard {
    my ($socket, $regex, $seconds) = @_;

    my $data = '';

    return wait_for(sub {
        if (IO::Select->new($socket)->can_read(0.05)) {
            my $got = sysread $socket, my $more, 8192;
            $data .= $more if $got;
            return 'closed' if !$got;
        }

        return $data =~ $regex ? $data : 0;
    }, $seconds || 5) || 'nothing';
}

sub echo {
    my ($socket) = @_;

    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, 'ping';

    return heard($socket, qr/ping/);
}

sub websocket {
    my ($path, $key) = @_;

    my $socket = opened($path, $key, 1);
    my $head = heard($socket, qr/\r\n\r\n/);

    like($head, qr/^HTTP\/1\.1 101/, 'a WebSocket');

    return $socket;
}

sub closed_within {
    my ($socket, $seconds) = @_;

    return heard($socket, qr/(?!)/, $seconds) eq 'closed';
}

sub revoke {
    my ($what) = @_;

    return http_get($gw->port('HTTP'), "/v1/auth/$what", host => 'gw.test',
                    method => 'DELETE')->{status};
}

sub id_of {
    my ($key) = @_;

    return node('verify', token => $key, secret => 'x' x 32)->{payload}{jti};
}


# ---- revoked

my $key = key_of(signin($gw, $one, '/auth'));
my $others = key_of(signin($gw, $two, '/auth'));
my @sockets = map { websocket('/ws', $key) } 1 .. 4;
my $other = websocket('/ws', $others);
my $slow = opened('/slow', $key);

like(heard($slow, qr/tick/), qr/^HTTP\/1\.1 200/, 'and a long response');
is(echo($_), 'ping', 'they go on') for @sockets, $other;
is(revoke('tokens/' . id_of($key)), 204, 'the key is revoked');
ok(closed_within($_, 2.5), 'field 11.13: a WebSocket ends, in each worker')
    for @sockets;
ok(closed_within($slow, 2.5), 'field 11.13: a long response, too');
is(echo($other), 'ping', 'field 11.13: that of another key goes on');

is(revoke("addresses/$two->{address}"), 204, 'an address is revoked');
ok(closed_within($other, 2.5), 'field 11.13: its WebSockets end');
like($gw->log(), qr/\[info\].* ending a request, the api key was revoked/,
     'field 11.13: the log says why');

# a list that is looked at

$key = key_of(signin($gw, $two, '/auth'));
my ($checked, $not) = map { websocket($_, $key) } '/checked', '/ws';
sleep 1.1;
list($one);
ok(closed_within($checked, 3.5), 'field 11.13: an address that is taken off');
is(echo($not), 'ping', 'where the list is looked at');
list($one, $two);
close $not;


# ---- uses

$key = key_of(signin($gw, $one, '/two/auth'));
my $socket = websocket('/ws', $key);
is(echo($socket), 'ping', 'a WebSocket') for 1 .. 5;
is(with_key($gw, '/ws', $key, headers => "Upgrade: x\r\n")->{status}, 101,
   'field 11.13: is one use, whatever goes through it');
is(with_key($gw, '/ws', $key)->{status}, 403, 'of two');
is(echo($socket), 'ping', 'and goes on when there is none left');
close $socket;


# ---- upgrades where methods are limited

for my $upgrade ('websocket', 'h2c', 'TLS/1.0', 'x, websocket') {
    my $reply = post($gw, '/rpc', rpc('eth_call'),
                     headers => "Content-Type: application/json\r\nUpgrade: $upgrade\r\n"
                                . "Connection: Upgrade\r\n");

    refused($reply, 400, "field 11.14: POST with Upgrade: $upgrade");
}

is(post($gw, '/rpc', rpc('debug_x'))->{json}{error}{code}, -32601,
   'a list that holds');


# ---- the key ends

$key = key_of(signin($gw, $one, '/short/auth'));
my $until = time + 60;
$socket = websocket('/ws', $key);
sleep 30;
$slow = opened('/slow', $key);
like(heard($slow, qr/tick/), qr/^HTTP\/1\.1 200/, 'a long response');
is(echo($socket), 'ping', 'half of its time');
sleep $until - time - 4;
is(echo($socket), 'ping', 'nearly all of it');
ok(closed_within($socket, 30), 'field 11.13: it ends with its key');
cmp_ok(time - $until, '>', -3, 'and not before');
like(heard($slow, qr/tick/), qr/tick/,
     'field 11.13: a response that has begun is finished');
close $slow;

$gw->stop();

done_testing();
