#!/usr/bin/perl

# What others report of limits that are kept in Redis; the index is t/field.t.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Fleet qw(bounds until_used);
use Wgw::Redis qw(redis);


my $redis = redis();
my $fleet = Wgw::Fleet->new(4_000_000, 2, redis => $redis);
my @gw = $fleet->gw();

ok($fleet->connected(), 'all are connected') or diag($gw[0]->log());


# envoyproxy/ratelimit 1191, redis-rs/redis-rs 2115: Redis becomes a replica and
# keeps its connections, on which each write is READONLY from then on.  Kind: a
# connection that is good for nothing is kept for ever.
{
    until_used($fleet, 'writes', 0.3, 20);

    my $nobody = redis();

    $redis->cli('CONFIG', 'SET', 'replica-serve-stale-data', 'yes');
    $redis->master($nobody);
    until_used($fleet, 'writes', 2, 2);
    $redis->master();
    ok($fleet->connected(), 'field 20.15: connected again');
    until_used($fleet, 'writes', 0.99, 40);
    bounds($fleet, 'writes', 0.97);

    my @lines = grep { /replica/ } map { split /\n/, $_->log() } @gw;

    ok(@lines, 'field 20.15: and it is said');
    cmp_ok(scalar @lines, '<', 200, 'field 20.15: not without an end');
}


# alisaifee/limits 15, Consensys/ask-o11y-plugin 217: a key of Redis that was
# made, and not given its end.  Kind: two writes, of which the second may fail.
{
    until_used($fleet, "end$_", 0.05, 5) for 1 .. 3;
    sleep 1;

    my @keys = split /\n/, $redis->cli('KEYS', '*');
    my @lasting = grep { $redis->cli('TTL', $_) == -1 } @keys;

    cmp_ok(scalar(grep { /end\d/ } @keys), '>=', 3,
           'field 20.16: there are keys');

    # who the nodes are, and that this Redis is the one of before
    is(join(' ', grep { !/^wgw:(?:nodes|sentinel:\{\d+\})$/ } @lasting), '',
       'field 20.16: each has an end');
    cmp_ok(scalar @lasting, '<=', 1 + 2, 'field 20.16: but for one of a kind');
}

$_->expect(qr/./) for @gw;
$_->stop() for @gw;
done_testing();
