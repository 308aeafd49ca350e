#!/usr/bin/perl

# 18.5: names over machines: 100,000 at once, replaced, lost by Redis and told
# again; and a kill -9 meanwhile.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Names qw(alike at bulk change everywhere gateway line on served told);
use Wgw::Redis qw(redis);


my $redis = redis();
my @gw = map { gateway("gw$_", 'redis://127.0.0.1:' . $redis->port()) } 1 .. 3;
my ($one, $two, $three) = @gw;

$_->start() for @gw;

ok(change($one, PUT => 'first', on(1)) == 201
   && everywhere(\@gw, 'first', at(1), 10), 'they are connected');


subtest '100,000 at once' => sub {
    my $start = time;
    my $reply = bulk($one, join '', map { line($_, $_ % 200) } 1 .. 100_000);

    is($reply->{status}, 200, 'they are taken');
    diag(sprintf 'taken in %.1f s', time - $start);

    $start = time;

    # one of others is not behind them
    change($two, PUT => 'between', on(2));
    ok(everywhere([ $two, $three ], 'between', at(2), 2), 'others go on');

    ok(wait_for(sub { served($three, 'n100000') ne '404'
                      && told(\@gw, 0.01) }, 60), 'all know them');
    diag(sprintf 'told in %.1f s', time - $start);

    ok(alike(\@gw, 20), 'and have the same');
    is($redis->cli('HLEN', 'wgw:{names}:rows') - 2, 100_002, 'so has Redis');
};


subtest 'the whole set is replaced' => sub {
    my $start = time;
    my $reply = bulk($two, join('', map { line($_, $_ % 200 + ($_ < 500)) }
                                    100 .. 50_000), '?replace=true');

    is($reply->{status}, 200, 'it is');
    is(json($reply->{body})->{deleted}, 50_101, 'half of it is gone');

    ok(wait_for(sub { served($one, 'n100000') eq '404'
                      && told(\@gw, 0.01) }, 60), 'all know');
    diag(sprintf 'told in %.1f s', time - $start);
    ok(alike(\@gw, 20), 'and have the same');
    is(served($three, 'n300'), at(101), 'what was changed');
    is($redis->cli('HLEN', 'wgw:{names}:rows') - 2, 49_901, 'so has Redis');
};


subtest 'Redis has lost many' => sub {
    my $start = time;

    $redis->cli('FLUSHALL');
    sleep 0.5;
    ok(wait_for(sub { told(\@gw, 0.01) }, 60), 'told again');
    diag(sprintf 'told in %.1f s', time - $start);
    is($redis->cli('HLEN', 'wgw:{names}:rows') - 2, 49_901, 'all of them');
    ok(alike(\@gw, 20), 'nobody has lost one');
};


subtest 'bulk and kill -9' => sub {
    my $reply = bulk($one, join '', map { line($_, 7) } 1 .. 20_000);

    is($reply->{status}, 200, 'taken');
    sleep 0.15;
    $one->kill();
    $one->start();

    ok(wait_for(sub { served($three, 'n20000') eq at(7)
                      && told(\@gw, 0.01) }, 60), 'all know them');
    ok(alike(\@gw, 20), 'and have the same');
};


$_->stop() for @gw;
done_testing();
