#!/usr/bin/perl

# egress 153: a Redis Cluster of three: keys are asked for where they are,
# MOVED and ASK are followed, and a cluster that is down is waited for.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Fleet qw(bounds until_used);
use Wgw::Redis qw(cluster move_slot);


my @servers = cluster();

ok(wait_for(sub { state_of('ok') == 3 }), 'there is a cluster');

my $fleet = Wgw::Fleet->new(2_000_000, 2, fleet => 'redis://127.0.0.1:'
                            . $servers[1]->port());

ok($fleet->connected(3), 'all three are connected')
    or diag(($fleet->gw())[0]->log());


subtest 'keys of all shards' => sub {
    my %keys;

    for (my $i = 0; keys %keys < 3; $i++) {
        $keys{owner("key$i")} ||= "key$i";
    }

    for my $key (values %keys) {
        until_used($fleet, $key, 0.998, 20);
        bounds($fleet, $key, 0.99);
    }
};


subtest 'ASK and MOVED: a slot moves while it is used' => sub {
    until_used($fleet, 'moved', 0.3, 20);

    move_slot(\@servers, slot('moved'), owner('moved'), sub {
        cmp_ok($_[0], '>', 0, 'there are leases to move');
        until_used($fleet, 'moved', 0.6, 20);

        cmp_ok(Wgw::Fleet::total($fleet->used('moved')), '>=', 0.5 * 2_000_000,
               'ASK is followed');
    });

    until_used($fleet, 'moved', 0.998, 30);
    bounds($fleet, 'moved', 0.99);
};


subtest 'CLUSTERDOWN: a master is away' => sub {
    until_used($fleet, 'down', 0.3, 20);

    $servers[2]->stop();
    ok(wait_for(sub { state_of('fail') >= 1 }), 'the cluster is down');

    my ($gw) = $fleet->gw();
    my $start = time;

    http_get($gw->port('HTTP'), '/?k=down') for 1 .. 50;
    soon($start, 5, 'no request waits');

    $servers[2]->start();
    ok(wait_for(sub { state_of('ok') == 3 }, 30), 'it is up again');

    until_used($fleet, 'down', 0.998, 40);
    bounds($fleet, 'down', 0.99);
};

$_->expect(qr/trying again|connected with/) for $fleet->gw();
$_->stop() for $fleet->gw();
done_testing();


sub state_of {
    my ($state) = @_;

    return scalar grep { $_->pid() && $_->cli('CLUSTER', 'INFO')
                         =~ /^cluster_state:$state/ } @servers;
}


sub slot {
    my ($key) = @_;

    return $servers[0]->cli('CLUSTER', 'KEYSLOT', "{$key}");
}


# The number of the server that has a key's slot.

sub owner {
    my ($key) = @_;

    my $slot = slot($key);

    for my $line (split /\n/, $servers[0]->cli('CLUSTER', 'NODES')) {
        my ($port, @ranges) = $line =~ /:(\d+)@.* connected (.*)/
            ? ($1, split(' ', $2)) : next;

        for (@ranges) {
            my ($first, $last) = /^(\d+)-?(\d*)$/ or next;

            if ($slot >= $first && $slot <= ($last || $first)) {
                return (grep { $servers[$_]->port() == $port } 0 .. 2)[0];
            }
        }
    }

    die "no owner of $key";
}
