#!/usr/bin/perl

# Bills under kills: wgw-grid is killed at random moments, some of the chain's
# answers are lost, calls fail, other extrinsics take its nonce, and in the end
# each hour of each contract is billed, and once.  Cases 62 and 64 of tf.md.

use warnings;
use strict;

use lib 't/lib';

use POSIX 'strftime';
use Test::More;
use Time::HiRes 'sleep';

use Wgw;
use Wgw::Chain;
use Wgw::Grid;

my $kills = $ENV{WGW_KILLS} || 40;
my $seed = $ENV{WGW_SEED} || time;

srand $seed;
diag("WGW_SEED=$seed WGW_KILLS=$kills");

my $gw = Wgw->new(<<'EOF');
wgw_names names domain=gw.test;
wgw_meter_zone hours file=hours keys=1000 window=hour archive=archive;

events { worker_connections 256; }

http {
    access_log off;

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
        location /v1/usage { wgw_usage json; }
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        wgw_meter hours $wgw_name;
        return 200 "hello\n";
    }
}
EOF

$gw->start();

my $chain = Wgw::Chain->new();
my $now = int(time / 3600) * 3600;
my @contracts = 1 .. 20;
my %expected;

$chain->twin(11, $Wgw::Grid::Sr25519);
$chain->farm(5, 11);
$chain->node(21, 5, 11, domain => 'gw.test', ip4 => '203.0.113.10/24');
$chain->contract($_, 7341, node => 21) for @contracts;

my $grid = Wgw::Grid->new('--farm', 5, '--chain', $chain->url(), '--redis',
    'redis://127.0.0.1:' . free_port(), '--admin',
    'http://127.0.0.1:' . $gw->port('ADMIN'), '--dns-file', '/dev/null');


sub hour {
    my ($ago) = @_;

    my $start = $now - 3600 * $ago;
    my $text = '';

    for my $contract (@contracts) {
        my $bytes = 1 + int rand 1e6;

        $expected{$contract}{$start} = $bytes;
        $text .= qq({"zone":"hours","key":"$contract.gw.test","owner":"7341",)
            . qq("workload":"7341-$contract-x","start":"x","end":"x",)
            . qq("sent":$bytes,"received":0}\n);
    }

    my $path = $gw->dir() . '/archive/hours-'
        . strftime('%Y%m%dT%H%M%SZ', gmtime $start) . '.ndjson';

    spew("$path.new", $text);
    chmod 0644, "$path.new";
    rename "$path.new", $path or die "$path: $!";

    return;
}


$grid->start();
wait_for(sub { $grid->told() =~ /: account/ });
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
