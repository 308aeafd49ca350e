#!/usr/bin/perl

# Two nodes and one cap, and Redis hangs; t/full/fleet.t is the whole of it.
# Numbers are those of the cases.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Fleet qw(bounds p99 until_used);
use Wgw::Redis qw(redis);


my $redis = redis();
my $fleet = Wgw::Fleet->new(4_000_000, 4, redis => $redis);
my @gw = $fleet->gw();

ok($fleet->connected(), 'all are connected') or diag($gw[0]->log());


subtest 'egress 145: a saturating load' => sub {
    until_used($fleet, 'all', 0.998, 30);
    bounds($fleet, 'all', 0.99);
};


subtest 'egress 149: Redis hangs, nobody waits' => sub {
    my @before = latencies('calm');

    until_used($fleet, 'hangs', 0.3, 20);
    $redis->signal('STOP');

    my @after = latencies('calm2');

    ok(wait_for(sub { (grep { $_ > 1500 }
                            $fleet->metric('silent_milliseconds')) == 4 }),
       'metrics say that nobody answers');

    # of the last thousandth this one may have some
    my @status = map { http_get($gw[0]->port('HTTP'), '/?k=all')->{status} }
                     1 .. 20;
    is($status[-1], 429, 'what is used up is refused at once');

    $redis->signal('CONT');
    until_used($fleet, 'hangs', 0.998, 30);

    bounds($fleet, 'hangs', 0.99);

    diag(sprintf 'p99 %.2f ms, with Redis stopped %.2f ms',
         1000 * p99(@before), 1000 * p99(@after));
    cmp_ok(p99(@after), '<', 3 * p99(@before) + 0.5, 'no request waits');
};


subtest 'egress 150: restarted empty' => sub {
    until_used($fleet, 'empty', 0.4, 20);
    $redis->stop();
    $redis->start();
    until_used($fleet, 'empty', 0.998, 30);

    bounds($fleet, 'empty', 0.99);
    ok(wait_for(sub { ($fleet->metric('losses_total'))[0] >= 2 }),
       'the loss is said');
};


subtest 'nodes are counted' => sub {
    ok(wait_for(sub { 4 == grep { $_ == 4 } $fleet->metric('nodes') }),
       'all four live');

    # workers read it twice a second
    sleep 0.7;
};

subtest 'a rate is divided' => sub {
    my $start = time;
    my $passed = 0;

    for my $gw (@gw) {
        my $all = join '', map { "GET /rate?k=a HTTP/1.1\r\nHost: a\r\n"
                                 . ($_ == 150 ? "Connection: close\r\n" : '')
                                 . "\r\n" } 1 .. 150;
        my $answers = Wgw::exchange($gw->port('HTTP'), $all);

        $passed += () = $answers =~ /HTTP\/1.1 200/g;
    }

    my $more = 400 / 60 * (time - $start);

    cmp_ok($passed, '<=', 404 + $more, 'four nodes give one burst');
    cmp_ok($passed, '>=', 396, 'all of it');
};

subtest 'the alerts are of metrics that there are' => sub {
    my $text = http_get($gw[0]->port('ADMIN'), '/metrics')->{body};

    # those of names are another module's
    my %names = map { $_ => 1 } grep { !/^wgw_fleet_names_/ }
        slurp('tools/prometheus/fleet.yml') =~ /\b(wgw_fleet_\w+)/g;

    cmp_ok(scalar keys %names, '>', 3, 'there are alerts');
    like($text, qr/^\Q$_\E\{/m, $_) for sort keys %names;
};

$_->stop() for @gw;
done_testing();


sub latencies {
    my ($key) = @_;

    my @took;

    for (1 .. 200) {
        my $start = time;
        http_get($gw[0]->port('HTTP'), "/?k=$key");
        push @took, time - $start;
    }

    return @took;
}
