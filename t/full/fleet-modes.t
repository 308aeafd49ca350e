#!/usr/bin/perl

# egress 148: Redis is gone: what each mode lets through, and that nobody waits.
# egress 157: what they let through whose caps differ.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(time);

use Wgw;
use Wgw::Fleet qw(p99 total until_used used_up);
use Wgw::Redis qw(redis);


my $cap = 4_000_000;
my %used;

for my $mode (qw(closed share open)) {
    subtest "egress 148: $mode" => sub {
        my $redis = redis();
        my $fleet = Wgw::Fleet->new($cap, 2, redis => $redis, mode => $mode);
        my @gw = $fleet->gw();

        ok($fleet->connected(), 'all are connected');
        until_used($fleet, 'k', 0.2, 20);

        my @before = latencies($gw[0], 'calm');

        $redis->stop();
        ok(wait_for(sub { 2 == grep { $_ > 1500 }
                              $fleet->metric('silent_milliseconds') }),
           'it is away');

        my @after = latencies($gw[0], 'calm');

        diag(sprintf '%s: p99 %.2f ms, without Redis %.2f ms', $mode,
             1000 * p99(@before), 1000 * p99(@after));
        cmp_ok(p99(@after), '<', 3 * p99(@before) + 0.5, 'no request waits');

        $used{$mode} = used_up($fleet, 'k');
        diag(sprintf '%s: %.1f %% of the cap', $mode,
             100 * $used{$mode} / $cap);

        my @status = map { http_get($_->port('HTTP'), '/?k=k')->{status} } @gw;
        is("@status", '429 429', 'then it is refused');

        $_->expect(qr/trying again/) for @gw;
        $_->stop() for @gw;
    };
}

cmp_ok($used{closed}, '<', $used{share}, 'closed is what was in hand');
cmp_ok($used{share}, '<=', 1.5 * $cap, 'shares are half of the cap at most');
cmp_ok($used{open}, '>', $cap, 'open is a cap for each');
cmp_ok($used{open}, '<=', 2 * $cap, 'and no more');


subtest 'egress 157: caps that differ' => sub {
    my $redis = redis();
    my @caps = (4_000_000, 1_000_000);
    my @gw = map {
        Wgw::Fleet::node({ cap => $caps[$_], mode => 'closed' }, $_,
                         'redis://127.0.0.1:' . $redis->port(), 2)
    } 0, 1;

    $_->start() for @gw;

    my $fleet = bless { cap => $caps[0], gw => \@gw }, 'Wgw::Fleet';

    # of each cap 1/64 is left in a zone's first window
    ok($fleet->connected(), 'all are connected');
    until_used($fleet, 'd', 0.97, 30);

    my $used = $fleet->used('d');

    diag("caps @caps, used @$used");
    cmp_ok(total($used), '<=', $caps[0], 'never above the higher one');
    cmp_ok(total($used), '>=', 0.9 * $caps[0], 'which is used');
    cmp_ok($used->[1], '<=', $caps[1], 'the lower one is that of its machine');
    is(http_get($gw[1]->port('HTTP'), '/?k=d')->{status}, 429,
       'which has no more once all together have as much');

    $_->stop() for @gw;
};

done_testing();


sub latencies {
    my ($gw, $key) = @_;

    my @took;

    for (1 .. 100) {
        my $start = time;
        http_get($gw->port('HTTP'), "/?k=$key");
        push @took, time - $start;
    }

    return @took;
}
