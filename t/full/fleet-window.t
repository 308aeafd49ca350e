#!/usr/bin/perl

# egress 155: the window turns while Redis is away, of a minute here: what each
# mode begins with.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Fleet qw(until_used used_up);
use Wgw::Redis qw(redis);


my $cap = 4_000_000;

for my $mode (qw(closed share open)) {
    subtest "egress 155: $mode" => sub {
        my $redis = redis();
        my $fleet = Wgw::Fleet->new($cap, 2, redis => $redis, mode => $mode,
                                    zone => 'window=minute');
        my @gw = $fleet->gw();

        ok($fleet->connected(), 'all are connected');

        # not used in the last eight seconds, so that nothing is asked ahead
        sleep 60 - time() % 60 + 1 if time() % 60 > 40;
        until_used($fleet, 'k', 0.3, 10);
        $redis->stop();
        sleep 60 - time() % 60 + 1;

        my $seen = used_up($fleet, 'k');

        diag(sprintf '%s: %.1f %% of the cap', $mode, 100 * $seen / $cap);

        my ($least, $most) = $mode eq 'closed' ? (0, 0.05)
                             : $mode eq 'share' ? (0.2, 1) : (1, 2);

        cmp_ok($seen, '>=', $least * $cap, 'so much at least');
        cmp_ok($seen, '<=', $most * $cap, 'and at most');

        $_->expect(qr/trying again/) for @gw;
        $_->stop() for @gw;
    };
}

done_testing();
