#!/usr/bin/perl

# Bills under kills: wgw-grid is killed at random moments, some of the chain's
# answers are lost, calls fail, other extrinsics take its nonce, and in the end
# each hour of each contract is billed, and once.  Cases 62 and 64 of tf.md.

use warnings;
use strict;

use lib 't/lib';

use Test::More;
use Time::HiRes 'sleep';

use Wgw;
use Wgw::Billing;
use Wgw::Grid;

my $kills = $ENV{WGW_KILLS} || 40;
my $seed = $ENV{WGW_SEED} || time;

srand $seed;
diag("WGW_SEED=$seed WGW_KILLS=$kills");

my $all = Wgw::Billing->new();
my ($gw, $chain, $grid) = @$all{qw(gw chain grid)};
my $now = int(time / 3600) * 3600;
my @contracts = 1 .. 20;
my %expected;

$chain->contract($_, 7341, node => 21) for @contracts;


sub hour {
    my ($ago) = @_;

    my $start = $now - 3600 * $ago;
    my @lines;

    for my $contract (@contracts) {
        my $bytes = 1 + int rand 1e6;

        $expected{$contract}{$start} = $bytes;
        push @lines, [qq("key":"$contract.gw.test","owner":"7341",)
                      . qq("workload":"7341-$contract-x"), $bytes];
    }

    $all->hour($start, @lines);

    return;
}


$grid->started();
sleep 1;
$grid->kill();
$grid->sql("update begun set hour = $now - 200 * 3600");

my $ago = 5 + $kills;

for (1 .. $kills) {
    hour($ago--) if $ago > 4;

    my $how = int rand 8;

    $chain->set(drop => $how == 0 ? 1 : 0, fail => $how == 1 ? 1 : 0,
                hold => $how == 2 ? 1 : 0);
    $chain->account($Wgw::Grid::Sr25519, nonce() + 1, 1e9)
        if $how == 3 && nonce() < 50;

    $grid->start();
    sleep 0.05 + rand 1.5;
    $grid->kill();
}

# the fake knows nonces of one byte
cmp_ok(nonce(), '<', 64, 'there were nonces enough');
$chain->set(drop => 0, fail => 0, hold => 0);
$grid->sql('update reports set after = 0');
$grid->start();
wait_for(sub {
    !$grid->sql('select count(*) from reports where state != 2')
}, 120);
is($grid->sql('select count(*) from reports where state != 2'), 0,
   'all of them are final');
$grid->stop();

my (%billed, %times);
my $twice = 0;

for (@{$chain->billed()}) {
    my ($contract, $time, $window, $bytes) = @$_;

    $billed{$contract} += $bytes;
    $twice += $times{$contract}{$time}++;
}

is($twice, 0, 'none twice');

my %sums = map { my $c = $_; my $sum = 0;
                 $sum += $_ for values %{$expected{$c}}; ($c => $sum) }
    @contracts;

is_deeply(\%billed, \%sums, 'each byte of each contract, once');
is(scalar(map { keys %{$times{$_}} } @contracts),
   scalar(map { keys %{$expected{$_}} } @contracts), 'in as many reports');

$gw->stop();

done_testing();


sub nonce {
    return unpack 'V', $chain->value('Account', $Wgw::Grid::Sr25519);
}
