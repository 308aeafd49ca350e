#!/usr/bin/perl

# Service contracts: who has one is billed hourly, and who cannot pay is paused
# and told.

use warnings;
use strict;

use lib 't/lib';

use Test::More;

use Wgw;
use Wgw::Chain;
use Wgw::Grid;


my $chain = Wgw::Chain->new();
my $now = int(time / 3600) * 3600;
my $ago = time - 7200;

$chain->twin(11, $Wgw::Grid::Sr25519);
$chain->farm(5, 11);
$chain->service(7, 11, 7341, base => 1, variable => 100, last => $ago);
$chain->service(8, 99, 7341, base => 1, variable => 100, last => $ago);
$chain->service(9, 11, 7342, base => 1, variable => 100, last => $ago,
                state => 1);

my $grid = Wgw::Grid->new('--farm', 5, '--chain', $chain->url(), '--redis',
    'redis://127.0.0.1:' . free_port(), '--admin',
    'http://127.0.0.1:' . free_port(), '--dns-file', '/dev/null',
    '--price', '2.5', '--node', 21);


sub again {
    $grid->stop();
    $grid->sql($_) for @_;
    $grid->start();

    return;
}


sub bills { return map { [@$_[0, 1]] } @{$chain->bills()} }
sub hold { return $grid->sql("select coalesce(hold, '') from workloads") }


$grid->start();
ok(wait_for(sub { @{$chain->bills()} }), 'a bill of nothing: its base fee');
is_deeply([bills()], [[7, 0]], 'of the contract that is ours, and approved');
like($chain->bills()->[0][2], qr/^\d{4}-\d\d-\d\dT\d\d:\d\dZ 0 bytes$/,
     'its text');
ok(wait_for(sub { 1 == grep { $_->{state} eq 'final' } @{$grid->bills()} }),
   'it is final');

# a GB and a half, a little less than a mUSD of which is carried on
again("insert into hours values ($now, $now)",
      'insert into reports (hour, contract, twin, bytes, time, state) values '
      . "($now, 1234, 7341, 1500000000, $now, 4)",
      "update services set last = $ago, tried = 0",
      'insert into workloads (twin, contract, name, place, version, spec, '
      . "state, at) values (7341, 1234, 'site', 0, 0, '{}', 'ok', $now)");
ok(wait_for(sub { @{$chain->bills()} == 2 }), 'then one of bytes');
is_deeply([(bills())[-1]], [[7, 3]], 'whole mUSD');
ok(wait_for(sub { 2 == grep { $_->{state} eq 'final' } @{$grid->bills()} }),
   'it is final');
is($grid->sql('select carry from services where id = 7'), 750_000_000_000,
   'and three quarters are carried on');
is($grid->status()->{this_month}{billed_musd}, 3, 'and in the status');

$chain->set(poor => 1);
$chain->service(7, 11, 7341, base => 1, variable => 100, last => $ago);
again("update services set last = $ago, tried = 0 where id = 7",
      'update services set due = 5 where id = 7');
ok(wait_for(sub { hold() }), 'who cannot pay is paused');
like(hold(), qr/^paused: the last bill of service contract 7 was not paid; put TFT into the account of twin 7341/,
     'and told');
is($grid->sql('select due from services where id = 7'), 5, 'nothing is lost');

$chain->set(poor => 0);
again("update services set last = $ago, tried = 0 where id = 7");
ok(wait_for(sub { !hold() }), 'until a bill is paid');
is_deeply([(bills())[-1]], [[7, 5]], 'of what was due');

# a clock here that is ahead of the chain's pauses nobody

$chain->set(ahead => -1800);
$chain->service(7, 11, 7341, base => 1, variable => 100, last => time - 3600);
again('update services set last = ' . (time - 3600) . ', tried = 0, due = 90 '
      . 'where id = 7');
sleep 3;
is(scalar @{$chain->bills()}, 3, 'half an hour, by the chain: no bill yet');
ok(!hold(), 'and nobody is paused');
$chain->set(ahead => 0);
again();
ok(wait_for(sub { @{$chain->bills()} == 4 }), 'when it is an hour there is');
is_deeply([(bills())[-1]], [[7, 90]], 'of all that was due');
ok(wait_for(sub { 0 == $grid->sql("select count(*) from batches where state = 0") }), 'final');

# who has two is held by the one that is unpaid, and let go with it

$chain->service(10, 11, 7341, base => 1, variable => 100, last => time);
$chain->set(poor => 1);
$chain->service(7, 11, 7341, base => 1, variable => 100, last => $ago);
again("update services set last = $ago, tried = 0 where id = 7");
ok(wait_for(sub { hold() }), 'of two contracts one is not paid');
sleep 2;
like(hold(), qr/service contract 7/, 'that holds');
is($grid->sql("select count(*) from services where active = 1"), 2,
   'whatever the other one says');
$chain->set(poor => 0);
$chain->put('ServiceContracts', pack('Q<', 7), undef);
again();
ok(wait_for(sub { !hold() }), 'a contract that is cancelled holds nobody');

$chain->put('ServiceContracts', pack('Q<', 7), undef);
again();
ok(wait_for(sub { $grid->sql('select active from services where id = 7') == 0 }),
   'a contract that is cancelled is seen');
$grid->stop();

done_testing();
