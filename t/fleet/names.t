#!/usr/bin/perl

# 18.5: names over machines: what is changed at one is changed at all, also at
# those that were away, and whatever Redis forgets.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Names qw(alike at change everywhere gateway get metric names on served
                  told);
use Wgw::Redis qw(proxy redis);


my $redis = redis();
my $replica = redis(replicaof => '127.0.0.1 ' . $redis->port());
my @gw = map { gateway("gw$_", url($redis, $replica)) } 1 .. 3;
my ($one, $two, $three) = @gw;

$_->start() for @gw;


subtest 'put, patch and delete' => sub {
    is(change($one, PUT => 'first', on(1)), 201, 'put at one');
    ok(everywhere(\@gw, 'first', at(1)), 'served by all');

    my $start = time;
    is(change($one, PUT => 'shop', on(2)), 201, 'put at one');
    ok(everywhere(\@gw, 'shop', at(2)), 'served by all');
    soon($start, 1.2, 'within a second');

    is(change($two, PATCH => 'shop', { owner => 'me', cap_bytes => 7 }), 200,
       'patched at another');
    ok(wait_for(sub {
        3 == grep { (get($_, 'shop')->{cap_bytes} // 0) == 7 } @gw
    }), 'patched at all');
    ok(alike(\@gw), 'they have the same');
    is(scalar(keys %{{ map { life($_, 'shop') => 1 } @gw }}), 1,
       'and the same life');

    is(change($three, DELETE => 'shop'), 204, 'deleted at the third');
    ok(everywhere(\@gw, 'shop', 404), 'gone at all');

    is(change($one, PUT => '*.wild.gw.test', on(3)), 201, 'a wildcard');
    ok(everywhere(\@gw, 'x.wild', at(3)), 'is served by all');
};


subtest 'gateways: who serves it' => sub {
    is(change($one, PUT => 'some', { %{on(4)}, gateways => [ 'gw2', 'gw3' ] }),
       201, 'a name that two serve');
    ok(everywhere([ $two, $three ], 'some', at(4)), 'they do');
    is(served($one, 'some'), 404, 'and the third does not');

    is(get($one, 'some')->{served}, JSON::PP::false, 'it says so');
    ok(!exists get($two, 'some')->{served}, 'and the others do not');

    is(change($one, PUT => '*.gw.test', on(5)), 201, 'a wildcard beside it');
    ok(everywhere(\@gw, 'any', at(5)), 'is served by all');
    is(served($one, 'some'), 404, 'not in its place');

    is(change($one, PUT => 'some', get($one, 'some')), 200,
       'what it says can be put back');
    is(change($one, PATCH => 'some', { gateways => undef }), 200,
       'then all are to');
    ok(everywhere(\@gw, 'some', at(4)), 'and do');

    is(change($one, DELETE => '*.gw.test'), 204, 'the wildcard goes');
    ok(everywhere(\@gw, 'any', 404), 'everywhere');
};


subtest 'two change one name at the same time' => sub {
    my $same = 0;

    for my $i (1 .. 20) {
        change($one, PUT => "both$i", on(10));
        change($two, PUT => "both$i", on(11));
    }

    ok(told(\@gw), 'all is told');
    ok(alike(\@gw), 'all have the same');
    like(served($three, 'both1'), qr/^192\.0\.2\.1[01]:80$/, 'one of them');

    my $life = life($one, 'both7');
    is(life($two, 'both7'), $life, 'with one life');
};


subtest 'a machine was away' => sub {
    $three->stop();

    change($one, PUT => 'away', on(20));
    change($one, DELETE => 'first');
    change($two, PUT => 'both1', on(21));
    change($two, PATCH => 'both2', { cap_bytes => 99 });

    my $before = metric($one, 'snapshots_total');

    $three->start();

    # what it had is served at once
    isnt(served($three, 'both3'), 404, 'it serves what it has');
    ok(everywhere([ $three ], 'away', at(20)), 'and what is new');
    ok(everywhere([ $three ], 'first', 404), 'and not what is gone');
    ok(alike(\@gw), 'all have the same');
    is(metric($three, 'snapshots_total'), 0, 'by the stream');
};


subtest 'a machine was away for long' => sub {
    $three->stop();

    change($one, PUT => 'long', on(22));
    change($one, DELETE => 'away');
    change($two, PUT => 'both1', on(23));
    ok(told([ $one, $two ]), 'all is told');

    $redis->cli('XTRIM', 'wgw:{names}:log', 'MAXLEN', 0);
    $three->start();

    ok(everywhere([ $three ], 'long', at(22)), 'what is new');
    ok(everywhere([ $three ], 'away', 404), 'not what is gone');
    ok(everywhere([ $three ], 'both1', at(23)), 'what was changed');
    ok(alike(\@gw), 'all have the same');
    is(metric($three, 'snapshots_total'), 1, 'all was compared');
    is(metric($three, 'losses_total'), 0, 'nothing was lost');
    like($three->log(), qr/all names are compared with the fleet's/,
         'which it says');
};


subtest 'Redis is away, and machines are killed' => sub {
    $redis->signal('STOP');

    # until nobody is connected: what is sent now might arrive
    ok(wait_for(sub { !grep { metric($_, 'connected') } $one, $two }),
       'Redis is away');

    my $start = time;
    is(change($one, PUT => 'kept', on(30)), 201, 'put at one');
    is(change($two, DELETE => 'long'), 204, 'deleted at another');
    soon($start, 1, 'nobody waits');
    is(served($one, 'kept'), at(30), 'it is served there');
    is(metric($_, 'outbox'), 1, 'what is not told is counted') for $one, $two;

    $_->kill() for $one, $two;
    $redis->signal('CONT');
    sleep 0.5;

    is(served($three, 'kept'), 404, 'nothing was told');

    $_->start() for $one, $two;

    ok(everywhere(\@gw, 'kept', at(30)), 'then it is');
    ok(everywhere(\@gw, 'long', 404), 'both');
    ok(alike(\@gw), 'all have the same');
};


subtest 'replies are lost' => sub {
    my $proxy = proxy($redis->port());

    $two->stop();
    my $lossy = gateway('gw2', 'redis://127.0.0.1:' . $proxy->{port});
    system('cp', '-a', $two->dir() . '/names', $lossy->dir() . '/') == 0
        or die;
    $lossy->start();

    ok(told([ $lossy ]), 'it is there');
    $proxy->set(loss => 0.3);

    change($lossy, PUT => "lossy$_", on(31)) for 1 .. 30;
    sleep 3;
    change($one, PUT => "lossy$_", on(32)) for 1 .. 30;

    $proxy->set(loss => 0);
    ok(told([ $lossy ]), 'all is told');
    ok(alike([ $one, $lossy, $three ]), 'all have the same');

    # what was told, and not known to have arrived, is not told again
    my $old = grep { served($three, "lossy$_") eq at(31) } 1 .. 30;
    cmp_ok($old, '<', 30, 'what came later stays: ' . (30 - $old) . ' of 30');

    $lossy->stop();
    $two->start();
    ok(alike(\@gw), 'the other is back');
};


subtest 'Redis has lost all' => sub {
    my $set = names($one);

    $redis->cli('FLUSHALL');

    ok(wait_for(sub { $redis->cli('HLEN', 'wgw:{names}:rows') > 20 }),
       'it is told again');
    ok(wait_for(sub { !grep { metric($_, 'losses_total') < 1 } @gw }),
       'all have seen it');
    ok(told(\@gw), 'and told');
    is(names($_), $set, 'they have what they had') for @gw;

    is(change($two, PUT => 'after', on(40)), 201, 'put after that');
    ok(everywhere(\@gw, 'after', at(40)), 'served by all');

    $set = names($one);
    $redis->stop();
    $redis->start();

    my $all = 2 + 1 + $set =~ tr/\n//;
    ok(wait_for(sub { $redis->cli('HLEN', 'wgw:{names}:rows') == $all }, 20),
       'a new Redis has all');
    ok(told(\@gw), 'and it is told');
    is(names($_), $set, 'they have what they had') for @gw;
};


subtest 'Redis has lost all while a machine was away' => sub {
    $three->stop();

    change($one, DELETE => 'after');
    change($one, PUT => 'kept', on(41));
    ok(told([ $one, $two ]), 'told');

    $redis->cli('FLUSHALL');
    ok(wait_for(sub { $redis->cli('HLEN', 'wgw:{names}:rows') > 20 }),
       'told again');
    ok(told([ $one, $two ]), 'all of it');

    $three->start();
    ok(everywhere(\@gw, 'kept', at(41)), 'the newest');
    ok(told(\@gw), 'all is told');
    ok(everywhere(\@gw, 'after', 404), 'a deleted name stays so');
    ok(alike(\@gw), 'all have the same');
};


subtest 'a failover to a replica that was behind' => sub {
    ok(wait_for(sub {
        my $info = $replica->cli('INFO', 'replication');

        return $info =~ /master_link_status:up/
               && $replica->cli('HGET', 'wgw:{names}:rows', '#v')
                  eq $redis->cli('HGET', 'wgw:{names}:rows', '#v');
    }, 20), 'there is a replica');

    $replica->cli('REPLICAOF', 'NO', 'ONE');

    # what it does not hear of
    change($one, PUT => 'late1', on(50));
    change($two, DELETE => 'kept');
    change($two, PUT => 'both2', on(51));
    ok(everywhere(\@gw, 'late1', at(50))
       && everywhere(\@gw, 'kept', 404)
       && everywhere(\@gw, 'both2', at(51)), 'all know');
    ok(told(\@gw), 'all is told');

    my $set = names($one);
    my $lost = metric($one, 'losses_total');

    is($replica->cli('HEXISTS', 'wgw:{names}:rows', 'late1.gw.test'), 0,
       'but for the replica');
    $redis->stop();

    ok(wait_for(sub { metric($one, 'losses_total') > $lost }),
       'it is seen');
    ok(told(\@gw), 'and told again');
    is(names($_), $set, 'they have what they had') for @gw;
    is($replica->cli('HEXISTS', 'wgw:{names}:rows', 'late1.gw.test'), 1,
       'and so has Redis');
    is($replica->cli('HEXISTS', 'wgw:{names}:rows', 'kept.gw.test'), 0,
       'what is gone, too');
};


subtest 'two machines of one name' => sub {
    my $other = gateway('gw2', url($redis, $replica));

    $two->expect(qr/another machine is node "gw2" as well/);
    $other->expect(qr/another machine is node "gw2" as well/);
    $other->start();

    ok(alike([ @gw, $other ]), 'the other has the names');
    is(change($other, PUT => 'twice', on(60)), 201, 'and one more');
    ok(everywhere([ @gw, $other ], 'twice', at(60)), 'served by all');
    ok(wait_for(sub {
        $two->log() =~ /\[alert\].* another machine is node "gw2" as well/
    }), 'it is said');

    $other->stop();
};


$_->stop() for @gw;
done_testing();


sub url { return 'redis://' . join ',', map { '127.0.0.1:' . $_->port() } @_ }


sub life {
    my ($gw, $name) = @_;

    return (split ' ', http_get($gw->port('HTTP'), '/',
                                host => "$name.gw.test")->{body})[1];
}
