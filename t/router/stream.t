#!/usr/bin/perl

# Large answers: 300 MB go through a worker whose memory stays flat, buffered
# and not, over HTTP/1 and HTTP/2, to who reads at once and to who does not.

use warnings;
use strict;

use IO::Select;
use Test::More;
use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Router;


# what is freed stays, for the sanitizer to look at
plan skip_all => 'memory is not the gateway\'s alone'
    if ($ENV{WGW_BUILD} // '') =~ /asan/;

my $size = 300_000_000;
my $spare = 8192;               # KB that a worker may grow by

my $gw = Wgw->new(<<'EOF');
worker_processes 1;

events { worker_connections 256; }

http {
    access_log off;
    proxy_http_version 1.1;

    wgw_providers eth {
        signer key;
        provider http://127.0.0.1:%%BAD%%/ name=bad auth=off;
        provider http://127.0.0.1:%%BIG%%/ name=big priority=1;
        retry_errors -32601;
        check off;
        attempts 3 timeout=60s;
    }

    server {
        listen 127.0.0.1:%%HTTP%%;

        location = /unbuffered {
            wgw_router eth;
            proxy_buffering off;
            proxy_pass $wgw_provider;
        }

        location = /buffered {
            wgw_router eth;
            proxy_max_temp_file_size 0;
            proxy_pass $wgw_provider;
        }
    }

    server {
        listen 127.0.0.1:%%H2%%;
        http2 on;

        location = /unbuffered {
            wgw_router eth;
            proxy_buffering off;
            proxy_pass $wgw_provider;
        }
    }
}
EOF

spew($gw->dir() . '/key', "$Key\n");
chmod 0600, $gw->dir() . '/key';

mock('start', name => 'bad', port => $gw->port('BAD'),
     protected => JSON::PP::false);
mock('start', name => 'big', port => $gw->port('BIG'));
mock('set', name => 'bad', node => { status => 503 });

$gw->start();

is(who(call($gw, '/unbuffered')), 'big', 'the one that answers');
is(who(call($gw, '/buffered')), 'big', 'buffered, too');

my ($worker) = $gw->workers();

mock('set', name => 'big', node => { size => $size });


# KB, now

sub resident {
    return slurp("/proc/$worker/status") =~ /VmRSS:\s*(\d+)/ && $1;
}


# Sends a request, reads all of its answer, and returns how much that was and
# by how much the worker grew meanwhile; `pause` after each 10 MB.

sub fetch {
    my ($path, $pause) = @_;

    my $socket = Wgw::connect_to($gw->port('HTTP'));
    my $body = '{"id":1,"method":"eth_getLogs"}';

    print $socket "POST $path HTTP/1.0\r\nHost: x\r\nContent-Length: "
                  . length($body) . "\r\n\r\n$body";

    my ($before, $most, $all, $next) = (resident(), 0, 0, 0);

    while (sysread $socket, my $data, 1 << 20) {
        $all += length $data;
        next if $all < $next;

        sleep $pause;
        $next += 10_000_000;

        my $now = resident();
        $most = $now if $now > $most;
    }

    return ($all, $most - $before);
}


for my $path ('/unbuffered', '/buffered') {
    for my $pause (0, 0.05) {
        my $what = $path . ($pause ? ', to who reads slowly' : '');
        my ($all, $grown) = fetch($path, $pause);

        cmp_ok($all, '>', $size, "$what: all of it");
        cmp_ok($grown, '<', $spare, "$what: flat memory ($grown KB)");
    }
}

SKIP: {
    skip 'no HTTP/2 in curl', 2 if `curl --version` !~ /HTTP2/;

    my ($before, $most) = (resident(), 0);

    open my $curl, '-|', 'curl', '-s', '--http2-prior-knowledge', '-d',
        '{"id":1,"method":"eth_getLogs"}', '-o', '/dev/null', '-w',
        '%{http_code} %{size_download}',
        'http://127.0.0.1:' . $gw->port('H2') . '/unbuffered' or die;

    my $select = IO::Select->new($curl);

    while (!$select->can_read(0.05)) {
        my $now = resident();
        $most = $now if $now > $most;
    }

    is(<$curl>, "200 $size", 'HTTP/2: all of it');
    cmp_ok($most - $before, '<', $spare,
           'HTTP/2: flat memory (' . ($most - $before) . ' KB)');
}

is(($gw->workers())[0], $worker, 'by one worker');

$gw->stop();

done_testing();
