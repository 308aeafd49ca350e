#!/usr/bin/perl

# What metrics count as good while a provider is not: sign-ins that nobody
# answers are granted at no moment, and checks that cannot be made take nothing
# from those that were good.

use warnings;
use strict;

use Test::More;

use Wgw;
use Wgw::Router;


my $gw = Wgw->new(<<'EOF');
worker_processes 2;

events { }

http {
    access_log off;
    proxy_http_version 1.1;

    wgw_providers eth {
        signer key;
        provider http://127.0.0.1:%%A%%/a name=a;
        check eth_blockNumber interval=100ms timeout=1s rise=2 fall=2;
    }

    server {
        listen 127.0.0.1:%%HTTP%%;

        location = /eth { wgw_router eth; proxy_pass $wgw_provider; }
        location /providers { wgw_router_api; }
    }
}
EOF

spew($gw->dir() . '/key', "0x$Key\n");
chmod 0600, $gw->dir() . '/key';

mock('start', name => 'a', port => $gw->port('A'));

$gw->start();

sub count {
    my ($of, $result) = @_;

    return http_get($gw->port('HTTP'), '/providers/metrics')->{body}
           =~ /^wgw_router_${of}_total\{[^}]*result="$result"\} (\d+)$/m
           ? $1 : -1;
}

# what was seen of it until the other one had grown by so many
sub meanwhile {
    my ($of, $good, $bad, $n) = @_;

    my $end = count($of, $bad) + $n;
    my %seen;

    ok(wait_for(sub {
        $seen{count($of, $good)} = 1;
        return count($of, $bad) >= $end;
    }), "$of: $n are $bad");

    return join ' ', sort { $a <=> $b } keys %seen;
}

ok(wait_for(sub { count('checks', 'good') >= 5 }), 'checks are good');

my $checked = count('checks', 'good');
my $granted = count('handshakes', 'granted');

is($granted, 1, 'by one sign-in');
is(count('handshakes', 'failed'), 0, 'and none that failed');

mock('set', name => 'a', auth => { hang => JSON::PP::true });
mock('revoke', name => 'a');

is(meanwhile('handshakes', 'granted', 'failed', 2), $granted,
   'a sign-in that nobody answers is granted at no moment');

my $good = count('checks', 'good');

cmp_ok($good, '>=', $checked, 'checks that were good stay so');
is(meanwhile('checks', 'good', 'failed', 5), $good,
   'those that cannot be made take nothing from them');

mock('set', name => 'a', auth => { });

ok(wait_for(sub { count('checks', 'good') > $good }, 90), 'they go on');
is(count('handshakes', 'granted'), $granted + 1, 'by another sign-in');

$gw->stop();

done_testing();
