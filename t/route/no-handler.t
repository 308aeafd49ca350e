#!/usr/bin/perl

# From nginx 1.27.1 on a stream server may have no content handler: its
# sessions end, and nothing else does (field 11.29).

use warnings;
use strict;

use Test::More;

use Wgw;


my $gw = Wgw->new('');

plan skip_all => 'a stream server must have a handler here'
    if $gw->version() lt '1.027001';

$gw->configure(<<'EOF');
worker_processes 1;
wgw_names names domain=gw.test allow_loopback;
wgw_meter_zone keys keys=10;
wgw_rate_zone rates keys=10;

events { }

stream {
    server {
        listen 127.0.0.1:%%METER%%;
        wgw_meter keys $remote_addr cap=1MB;
    }

    server {
        listen 127.0.0.1:%%RATE%%;
        wgw_rate rates $remote_addr rate=100r/s;
    }

    server {
        listen 127.0.0.1:%%BYTES%%;
        wgw_rate rates $remote_addr rate=1MB/s;
    }

    server {
        listen 127.0.0.1:%%ALL%%;
        wgw_meter keys $remote_addr;
        wgw_rate rates $remote_addr rate=100r/s;
        wgw_rate rates $remote_addr rate=1MB/s;
    }

    server {
        listen 127.0.0.1:%%ROUTE%%;
        wgw_route;
        wgw_meter keys $wgw_name;
    }

    server {
        listen 127.0.0.1:%%GOOD%%;
        wgw_meter keys $remote_addr;
        return good;
    }
}
EOF

$gw->start();

my ($worker) = $gw->workers();

for my $port (qw(METER RATE BYTES ALL ROUTE)) {
    is(exchange($gw->port($port), "x\n", timeout => 3), '',
       "field 11.29 $port: no handler");
    is(exchange($gw->port('GOOD'), ''), 'good', 'others go on');
}

is(($gw->workers())[0], $worker, 'in the same worker');

$gw->stop();

done_testing();
