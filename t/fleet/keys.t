#!/usr/bin/perl

# egress 156: many keys, each used a little: Redis is asked for none of them,
# and the agent takes no memory for them.  FLEET_KEYS=20000.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Fleet;
use Wgw::Redis qw(redis);


my $keys = $ENV{FLEET_KEYS} || 20_000;
my $redis = redis();
my $fleet = Wgw::Fleet->new(80_000_000, 2, redis => $redis,
                            keys => $keys + 100);
my @gw = $fleet->gw();

ok($fleet->connected(), 'all are connected');
sleep 2;

my $before = taken($gw[0]);
my $idle = commands(4) / 4;
my $from = number();
my $start = time;

ask($gw[0], $_ * 1000, 1000) for 0 .. $keys / 1000 - 1;

my $took = time - $start;
my $rate = (number() - $from) / $took;
my $after = taken($gw[0]);

diag(sprintf '%d keys in %.1f s: %.1f commands a second, %.1f before; the '
     . 'agent has %d KB, %d KB before', $keys, $took, $rate, $idle, $after,
     $before);
cmp_ok($rate, '<', 2 * $idle + 10, 'commands are as many as before');
cmp_ok($after, '<', $before + 4096, 'so is memory');
is(($fleet->metric('leased_keys'))[0], 0, 'nobody is looked after');

my $usage = usage($gw[0]->port('ADMIN'), 'k' . ($keys - 1));
cmp_ok($usage->{window}{sent}, '>', 1000, 'the last is counted');

# one of them is used up to the cap of all: it is leased
Wgw::Fleet::until_used($fleet, 'k7', 0.05, 20);
cmp_ok(($fleet->metric('grants_total'))[0], '>', 0, 'one that is used is');

$_->stop() for @gw;
done_testing();


sub number {
    return $redis->cli('INFO', 'stats') =~ /total_commands_processed:(\d+)/
           ? $1 : die 'no number';
}


sub commands {
    my ($seconds) = @_;

    my $first = number();

    sleep $seconds;

    return number() - $first;
}


# KB of the agent

sub taken {
    my ($gw) = @_;

    my ($agent) = grep { slurp("/proc/$_/cmdline") =~ /cache manager/ }
                       children($gw->pid());

    return slurp("/proc/$agent/status") =~ /^RssAnon:\s+(\d+)/m ? $1 : 0;
}


# One request for each of these keys, a hundred at once.

sub ask {
    my ($gw, $first, $n) = @_;

    for (my $i = 0; $i < $n; $i += 100) {
        my $text = join '', map {
            "GET /?k=k" . ($first + $i + $_) . " HTTP/1.1\r\nHost: a\r\n"
            . ($_ == 99 ? "Connection: close\r\n" : '') . "\r\n"
        } 0 .. 99;

        my $answers = Wgw::exchange($gw->port('HTTP'), $text);
        my $good = () = $answers =~ /HTTP\/1.1 200/g;

        fail("$good of 100 are served") if $good != 100;
    }
}
