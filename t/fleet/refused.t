#!/usr/bin/perl

# A Redis that answers and takes nothing is as one that is away: what each mode
# lets through, also where it was so from the start; and it is said once.

use warnings;
use strict;

use lib 't/lib';

use Test::More;

use Wgw;
use Wgw::Fleet qw(load_on total until_used used_up);
use Wgw::Redis qw(redis);


my $cap = 4_000_000;
my $refused = qr/\[error\] .*: zone "keys" is granted nothing, .*: Redis: /;
my %used;


for my $mode (qw(closed share open)) {
    subtest "a full Redis: $mode" => sub {
        my $redis = redis();
        my $fleet = Wgw::Fleet->new($cap, 2, redis => $redis, mode => $mode);
        my @gw = $fleet->gw();

        ok($fleet->connected(), 'all are connected') or diag($gw[0]->log());
        ok(wait_for(sub { 2 == grep { $_ == 2 } $fleet->metric('nodes') }),
           'both live');

        $redis->cli(qw(CONFIG SET maxmemory 1));
        $used{$mode} = used_up($fleet, 'k');

        diag(sprintf '%s: %.1f %% of the cap', $mode,
             100 * $used{$mode} / $cap);

        like($_->log(), qr/${refused}OOM/, 'the log says why') for @gw;
        is_deeply([ $fleet->metric('connected') ], [ 1, 1 ], 'it answers');
        is_deeply([ map { $_ > 0 } $fleet->metric('shares_total') ],
                  [ map { $_ eq 'share' } $mode, $mode ], 'shares');

        # what was let through meanwhile is the fleet's again
        $redis->cli(qw(CONFIG SET maxmemory 0));
        http_get($_->port('HTTP'), '/?k=other') for @gw;
        my @load = load_on('other', @gw);

        ok(wait_for(sub { 2 == grep { $_->log() =~ /is granted again/ } @gw }),
           'there is room again');
        kill 'TERM', @load;
        waitpid $_, 0 for @load;

        is(http_get($_->port('HTTP'), '/?k=k')->{status}, 429, 'no more')
            for $mode eq 'open' ? @gw : ();
        $_->stop() for @gw;
    };
}

cmp_ok($used{closed}, '<', 0.1 * $cap, 'closed is what was in hand');
cmp_ok($used{share}, '>', 0.25 * $cap, 'share has shares');
cmp_ok($used{share}, '<=', $cap, 'within the cap, as the load is alike');
cmp_ok($used{open}, '>', $cap, 'open is a cap for each');
cmp_ok($used{open}, '<=', 2 * $cap, 'and no more');


subtest 'full from the start' => sub {
    my $redis = redis(maxmemory => 1);
    my $fleet = Wgw::Fleet->new($cap, 1, redis => $redis, mode => 'share');
    my ($gw) = $fleet->gw();

    ok(wait_for(sub { $gw->log() =~ /${refused}OOM/ }), 'is said');
    cmp_ok(used_up($fleet, 'k'), '>', 0.25 * $cap, 'and a share is taken');

    $redis->cli(qw(CONFIG SET maxmemory 0));
    ok($fleet->connected(), 'there is room again');
    $gw->stop();
};


subtest 'a right that is missing' => sub {
    my $redis = redis();
    my $fleet = Wgw::Fleet->new($cap, 1, redis => $redis, mode => 'open');
    my ($gw) = $fleet->gw();

    ok($fleet->connected(), 'it is connected');
    $redis->cli(qw(ACL SETUSER default -hset));
    is(used_up($fleet, 'k') > 0.9 * $cap, 1, 'stops nobody');
    like($gw->log(), qr/${refused}NOPERM/, 'and the log says why');
    $gw->stop();
};


subtest 'one key is somebody else\'s' => sub {
    my $redis = redis();
    my $fleet = Wgw::Fleet->new(1_000_000_000, 1, redis => $redis);
    my ($gw) = $fleet->gw();
    my ($key, @load);

    ok($fleet->connected(), 'it is connected');
    @load = (load_on('w', $gw), load_on('k', $gw));
    ok(wait_for(sub {
        ($key) = grep { /\{w\}/ } split /\n/, $redis->cli('--scan');
        return defined $key;
    }), 'both are granted something');
    $redis->cli('SET', $key, 'mine');

    ok(wait_for(sub { $gw->log() =~ /${refused}WRONGTYPE/ }), 'is said');

    my ($grants) = $fleet->metric('grants_total');
    ok(wait_for(sub { ($fleet->metric('grants_total'))[0] >= $grants + 3 }),
       'the other is granted more');
    is(scalar(() = $gw->log() =~ /is granted nothing/g), 1, 'once');
    is(scalar(() = $gw->log() =~ /is granted again/g), 0,
       'and not that it is over');

    kill 'TERM', @load;
    waitpid $_, 0 for @load;
    $gw->stop();
};

subtest 'what was lost cannot be said again yet' => sub {
    my $redis = redis();
    my $fleet = Wgw::Fleet->new($cap, 2, redis => $redis);
    my ($one, $two) = $fleet->gw();

    ok($fleet->connected(), 'all are connected');
    until_used($fleet, 'k', 0.6, 60, $one);
    cmp_ok(total($fleet->used('k')), '>=', 0.6 * $cap, 'one has used most');

    my @keys = split /\n/, $redis->cli('--scan');
    my @losses = $fleet->metric('losses_total');

    # another Redis, as it were, in which there is no room
    open my $cli, '|-', 'redis-cli -p ' . $redis->port() . ' > /dev/null'
        or die "redis-cli: $!";
    print $cli map { "$_\n" } 'MULTI',
        (map { "SET $_ " . 'f' x 32 } grep { /:sentinel:/ } @keys),
        (map { "DEL $_" } grep { /:lease:/ } @keys),
        'CONFIG SET maxmemory 1', 'EXEC';
    close $cli;

    ok(wait_for(sub { ($fleet->metric('losses_total'))[0] > $losses[0] }),
       'one has seen it');
    sleep 5;                            # in which all is said again

    $redis->cli(qw(CONFIG SET maxmemory 0));
    until_used($fleet, 'k', 1.2, 15, $two);
    cmp_ok(total($fleet->used('k')), '<=', $cap, 'not above the cap');
    cmp_ok(total($fleet->used('k')), '>=', 0.7 * $cap, 'and more is granted');
    $_->stop() for $one, $two;
};

done_testing();
