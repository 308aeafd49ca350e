#!/usr/bin/perl

# Four nodes, one cap: what they let through is never more than the cap, and
# nearly all of it, whatever becomes of Redis.  Numbers are those of the cases.
# What was used, and how far from the cap, is printed.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Fleet qw(bounds load_on p99 total until_used);
use Wgw::Redis qw(redis);


my $redis = redis();
my $fleet = Wgw::Fleet->new(8_000_000, 4, redis => $redis);
my @gw = $fleet->gw();
my @proxies = $fleet->proxies();

ok($fleet->connected(), 'all are connected') or diag($gw[0]->log());


subtest 'egress 150: restarted empty, four times' => sub {
    for my $i (1 .. 4) {
        until_used($fleet, 'empty', 0.2 * $i, 30);
        $redis->stop();
        until_used($fleet, 'empty', 1, 1);
        $redis->start();
    }

    until_used($fleet, 'empty', 0.998, 60);
    bounds($fleet, 'empty', 0.99);
};


subtest 'egress 151: evicted' => sub {
    my @children = load_on('evicted', @gw);

    for (1 .. 6) {
        sleep 1;
        $redis->cli('DEL', split /\n/, $redis->cli('KEYS', '*:lease:*'));
    }

    kill 'KILL', @children;
    waitpid $_, 0 for @children;

    until_used($fleet, 'evicted', 0.998, 60);
    bounds($fleet, 'evicted', 0.99);
};


subtest 'egress 152: a snapshot of some seconds ago' => sub {
    until_used($fleet, 'snapshot', 0.2, 30);
    $redis->cli('SAVE');
    until_used($fleet, 'snapshot', 0.5, 30);

    my $old = slurp($redis->dir() . '/dump.rdb');

    $redis->stop();
    spew($redis->dir() . '/dump.rdb', $old);
    $redis->start();

    until_used($fleet, 'snapshot', 0.998, 60);
    bounds($fleet, 'snapshot', 0.99);

    unlink $redis->dir() . '/dump.rdb';
};


subtest 'egress 146: one reply of twenty is lost' => sub {
    $_->set(loss => 0.05) for @proxies;
    until_used($fleet, 'lost', 0.998, 60);
    $_->set() for @proxies;

    bounds($fleet, 'lost', 0.95);
};


subtest 'a partition' => sub {
    until_used($fleet, 'apart', 0.2, 30);
    $proxies[1]->set(cut => 1);
    until_used($fleet, 'apart', 0.8, 5);
    $proxies[1]->set();
    until_used($fleet, 'apart', 0.998, 60);

    bounds($fleet, 'apart', 0.99);
};


subtest 'egress 147: a node is killed with leases in hand' => sub {
    until_used($fleet, 'dies', 0.3, 30);

    my $used = $fleet->used('dies')->[3];

    $gw[3]->kill('KILL');
    until_used($fleet, 'dies', 0.98, 15, @gw[0 .. 2]);

    bounds($fleet, 'dies', 0.7, $used);

    $gw[3]->start();
};


subtest 'egress 158: what is idle comes back' => sub {
    ok($fleet->connected(), 'all are connected');

    until_used($fleet, 'idle', 0.1, 10, $gw[0]);
    sleep 12;
    until_used($fleet, 'idle', 0.998, 60, @gw[1 .. 3]);

    bounds($fleet, 'idle', 0.99);
};


subtest 'egress 138: reloads, agents and workers killed' => sub {
    my @children = load_on('killed', @gw);

    for my $i (1 .. 8) {
        sleep 0.5;
        $gw[$i % 4]->reload() if $i % 2;
        kill 'KILL', (children($gw[$i % 4]->pid()))[-1];
    }

    kill 'KILL', @children;
    waitpid $_, 0 for @children;

    until_used($fleet, 'killed', 0.98, 60);

    # a worker that is killed keeps what it held
    bounds($fleet, 'killed', 0.9);
};

$_->expect(qr/exited on signal 9/) for @gw;
$_->stop() for @gw;
done_testing();
