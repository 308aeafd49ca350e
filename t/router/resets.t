#!/usr/bin/perl

# Clients that go away at any moment: while a session is asked for, while a
# provider is, between two attempts, in the middle of an answer; by resets of
# HTTP/2's streams and of connections, over reloads and ends of workers.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::H2;
use Wgw::Router;


my $locations = <<'EOF';
        location = /eth {
            wgw_router eth;
            wgw_meter all $uri;
            wgw_meter usage eth/$wgw_provider_name;
            proxy_pass $wgw_provider;
            proxy_intercept_errors on;
            error_page 500 502 503 504 = @spare;
        }

        location @spare {
            wgw_router spare;
            wgw_meter usage spare/$wgw_provider_name;
            proxy_pass $wgw_provider;
        }
EOF

my $gw = Wgw->new(<<"EOF");
worker_processes 1;
worker_shutdown_timeout 2s;

wgw_meter_zone usage keys=1000;
wgw_meter_zone all keys=1000;

events { worker_connections 1024; }

http {
    access_log off;
    proxy_http_version 1.1;

    wgw_providers eth {
        signer key;
        provider http://127.0.0.1:%%A%%/a name=a;
        provider http://127.0.0.1:%%B%%/b name=b auth=off priority=1;
        count eth_call;
        check off;
        attempts 3 timeout=6s;
    }

    wgw_providers spare {
        provider http://127.0.0.1:%%B%%/s name=s auth=off;
        check off;
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        $locations
    }

    server {
        listen 127.0.0.1:%%H2%%;
        http2 on;
        $locations
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
    }
}
EOF

my $dir = $gw->dir();

spew("$dir/key", "0x$Key\n");
chmod 0600, "$dir/key";

mock('start', name => 'a', port => $gw->port('A'));
mock('start', name => 'b', port => $gw->port('B'),
     protected => JSON::PP::false);

$gw->start();

my $rpc = '{"jsonrpc":"2.0","id":7,"method":"eth_call","params":[]}';

srand 41;

# as many as are begun, of which each goes on for so many milliseconds

sub storm {
    my ($n, $ms) = @_;

    my (@clients, @sockets);

    for my $k (1 .. 3) {
        my $client = Wgw::H2->new($gw->port('H2'));
        my @streams = map { $client->request('/eth', method => 'POST',
                                             body => $rpc) } 1 .. $n;

        $client->upload();
        push @clients, [ $client, @streams ];
    }

    for my $k (1 .. $n) {
        my $socket = connect_to($gw->port('HTTP'));
        syswrite $socket, "POST /eth HTTP/1.1\r\nHost: a\r\nContent-Length: "
                          . length($rpc) . "\r\n\r\n"
                          . substr $rpc, 0, $k % 3 ? length $rpc : 10;
        push @sockets, $socket;
    }

    for my $round (1 .. 5) {
        sleep $ms / 5000;

        for (@clients) {
            my ($client, @streams) = @$_;

            $client->upload();
            $client->read(0);
            $client->take();

            for my $stream (@streams) {
                next if $stream->{end} || defined $stream->{reset};
                $client->reset($stream) if rand() < 0.2;
            }
        }

        close splice @sockets, int rand @sockets, 1 if @sockets;
    }

    $clients[0][0]->abort();
    $clients[1][0]->close();
    close $_ for @sockets;
    $clients[2][0]->run();

    return scalar grep { $_->{status} == 200 } @{$clients[2]}[1 .. $n];
}

for ([ 'while a session is asked for', { delay => 150 }, { } ],
     [ 'while a provider is', { }, { delay => 150 } ],
     [ 'between two attempts', { }, { status => 503, delay => 30 } ],
     [ 'in an answer', { }, { size => 3_000_000 } ])
{
    my ($when, $auth, $node) = @$_;

    mock('set', name => 'a', auth => $auth, node => $node);
    mock('set', name => 'b', node => { delay => 30 });
    storm(20, 250) for 1 .. 3;
    is(call($gw, '/eth')->{status}, 200, "$when: it goes on");

    # and a worker that ends meanwhile

    storm(10, 20);
    $gw->reload(old => 'stay');
    storm(10, 100);
}

mock('set', name => $_, auth => { }, node => { }) for qw(a b);

ok(wait_for(sub { call($gw, '/eth')->{status} == 200 }), 'it is well');
ok(wait_for(sub { $gw->workers() == 1 }), 'old workers end');

# each of them was somebody's, once

my %total;

for my $row (@{ json(http_get($gw->port('ADMIN'), '/v1/usage')
                     ->{body})->{keys} })
{
    $total{$row->{zone}}{$_} += $row->{$_} for qw(requests sent);
}

cmp_ok($total{all}{requests}, '>', 500, 'many requests');
is_deeply($total{usage}, $total{all}, 'those of providers are all of them');

$gw->stop();

done_testing();
