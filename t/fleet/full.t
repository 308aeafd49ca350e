#!/usr/bin/perl

# A Redis that is full answers, and takes nothing: machines are as many as they
# were, and metrics and the log say that nothing is granted.

use warnings;
use strict;

use lib 't/lib';

use Test::More;
use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Fleet qw(load_on);
use Wgw::Redis qw(redis);


my $redis = redis();
my $fleet = Wgw::Fleet->new(1_000_000_000, 2, redis => $redis);
my @gw = $fleet->gw();

sub both {
    my ($name, $test) = @_;

    return wait_for(sub { 2 == grep { $test->($_) } $fleet->metric($name) });
}

ok($fleet->connected(), 'all are connected') or diag($gw[0]->log());
ok(both('nodes', sub { $_[0] == 2 }), 'both live');

my @load = load_on('k', @gw);
ok(both('grants_total', sub { $_[0] > 0 }), 'both are granted something');

$redis->cli(qw(CONFIG SET maxmemory 1));
like($redis->cli(qw(HSET x y z)), qr/^OOM/, 'Redis is full');

my @before = $fleet->metric('failed_total');

for my $i (0, 1) {
    ok(wait_for(sub { ($fleet->metric('failed_total'))[$i]
                          > $before[$i] + 10 }),
       "node $i: what is asked for fails, as a metric says");
    ok(wait_for(sub { $gw[$i]->log() =~ /\[error\] .*: zone "keys" is granted /
                      && $gw[$i]->log() =~ / trying again: Redis: OOM / }),
       'and the log');
}

is_deeply([ $fleet->metric('connected') ], [ 1, 1 ], 'it answers');

# whose value does not change is not counted after ten seconds
for (1 .. 30) {
    sleep 0.5;
    last if grep { $_ != 2 } $fleet->metric('nodes');
}
is_deeply([ $fleet->metric('nodes') ], [ 2, 2 ], 'both live, still');

$redis->cli(qw(CONFIG SET maxmemory 0));

for my $i (0, 1) {
    ok(wait_for(sub { $gw[$i]->log() =~ /zone "keys" is granted again/ }),
       "node $i is granted again");
}

for (1 .. 10) {
    sleep 0.5;
    last if grep { $_ != 2 } $fleet->metric('nodes');
}
is_deeply([ $fleet->metric('nodes') ], [ 2, 2 ], 'and both live');

kill 'TERM', @load;
waitpid $_, 0 for @load;
$_->stop() for @gw;

done_testing();
