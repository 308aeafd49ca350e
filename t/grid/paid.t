#!/usr/bin/perl

# docs/grid.md, "From an empty machine with one address", step by step, with a
# chain of the tests': registered as a node, started, deployed to, used, and
# after the hour reported to the chain, as the farmer then sees it.

use warnings;
use strict;

use lib 't/lib';

use File::Temp 'tempdir';
use Test::More;
use Time::HiRes 'sleep';

use Wgw;
use Wgw::Chain;
use Wgw::Clock;
use Wgw::Grid;
use Wgw::Rmb;


my $clock = tempdir(DIR => $ENV{WGW_TEST_ROOT} || '/tmp', CLEANUP => 1);

chmod 0755, $clock;
clock_start($clock) or plan skip_all => 'the clock cannot be moved here';
clock_move(3660 - clock_now() % 3600);

my $rmb = Wgw::Rmb->new();
my $gw = $rmb->gw();
my $chain = Wgw::Chain->new();
my $grid = Wgw::Grid->new('--farm', 5, '--chain', $chain->url(), '--redis',
    "redis://127.0.0.1:$rmb->{redis_port}", '--admin',
    'http://127.0.0.1:' . $gw->port('ADMIN'), '--dns-file',
    $rmb->dir() . '/dns.json', '--recheck', 1);

sub run { return Wgw::Grid::run_program(@_, '--state', $grid->dir() . '/state') }

sub start {
    local $ENV{WGW_CLOCK_TIME} = 1;

    return $grid->started();
}


# 1: the gateway; 2: DNS, later; 3: an account with a twin and a farm

$gw->start();
$chain->twin(11, $Wgw::Grid::Sr25519);
$chain->farm(5, 11);


# 4 and 5: started before it is a node, it says what is missing

start();

my ($code, $said) = run('status');

is($code, 0, 'the status of a gateway that is not ready');
like($said, qr/^ *(?:missing)? *the gateway is no node of farm 5, so nobody can deploy to it\n +cure: wgw-grid register --farm ID/m,
     'no node, and its cure');
ok(wait_for(sub { (run('status'))[1] =~ /Redis is away/ }), 'no Redis');
$grid->stop();
$rmb->redis_start();


# 6: what will be sent is printed, and asked for

my @register = ('register', $grid->arguments('--domain', 'gw.test', '--ip4',
                '203.0.113.10/24', '--gw4', '203.0.113.1'));

($code, $said) = Wgw::Grid::run_program(@register);
is($code, 1, 'register: without a yes nothing is done');
like($said, qr/create_node.*send it\? \(yes\)/s, 'and it asks');
($code, $said) = Wgw::Grid::run_program(@register, '--yes');
is($code, 0, 'with one it is a node') or diag($said);
like($said, qr/it is node 77/, 'of this number');


# 7: started; the records that are missing, and their cure

start();
($code, $said) = run('status');
like($said, qr/^node +77$/m, 'the node');
like($said, qr/gw\.test has no address in DNS\n +cure: the DNS record  gw\.test\. A 203\.0\.113\.10$/m,
     'a record to make');
$rmb->dns('gw.test' => [ '203.0.113.10' ],
          'wgw-grid.gw.test' => [ '203.0.113.10' ]);
$grid->stop();
start();
($code, $said) = run('status');
like($said, qr/^missing +nothing$/m, 'made: nothing is missing') or diag($said);
like($said, qr/^balance +1000\.0000000 TFT$/m, 'the balance');


# a user deploys: a name contract, a node contract, a deployment

# of any time: the daemon's clock is not this one's
my @now = (now => 0);
my $backend = Wgw::Rmb::backend('hello');
my $d = Wgw::Rmb::deployment(Wgw::Rmb::name_workload('mysite',
    backends => [ $backend->{url} ]));

$d->{contract_id} = 1234;
$rmb->sign($d);
$chain->twin(7341, $Wgw::Grid::Ed25519);
$chain->contract(99, 7341, name => 'mysite');
$chain->contract(1234, 7341, node => 77,
                 hash => Wgw::Rmb::challenge_hash($d));

is($rmb->call('zos.deployment.deploy', $d, @now)->{bytes}, 'null', 'deployed');
is($rmb->result(1234, 'ok', @now)->{data}{fqdn}, 'mysite.gw.test',
   'over JSON-RPC: contracts and key are right');

my $request = "GET / HTTP/1.1\r\nHost: mysite.gw.test\r\n"
              . "Connection: close\r\n\r\n";
my $moved = length($request)
            + length exchange($gw->port('HTTP'), $request);

ok($moved, 'and used');


# after the hour: reported, final, and seen

clock_move(3600);
sleep 4;
$grid->stop();
start();
ok(wait_for(sub { @{$chain->billed()} }, 30), 'reported to the chain');
is_deeply([ map { [ @$_[0, 2, 3] ] } @{$chain->billed()} ],
          [ [ 1234, 3600, $moved ] ], 'to the byte');
ok(wait_for(sub { (run('bills'))[1] =~ /report +1234 +7341 +$moved +0  final/ },
            30), 'wgw-grid bills: final');

my $page;

ok(wait_for(sub {
    $page = json(http_get($gw->port('ADMIN'), '/v1/grid')->{body});
    $page && $page->{this_month}{bytes};
}, 30), 'and on the page');
is_deeply([ @$page{qw(contracts names)}, $page->{this_month}{bytes} ],
          [ 1, 1, $moved ], 'a contract, a name, and what it moved');


# who cannot pay the chain is in its grace period: paused, and told

$chain->contract(1234, 7341, node => 77, state => 'GracePeriod',
                 hash => Wgw::Rmb::challenge_hash($d));
like($rmb->result(1234, 'paused', seconds => 20, @now)->{message},
     qr/grace period: put TFT/, 'tf 61: paused and told');
is(http_get($gw->port('HTTP'), '/', host => 'mysite.gw.test')->{status}, 503,
   'tf 61: its traffic stops');
$chain->contract(1234, 7341, node => 77,
                 hash => Wgw::Rmb::challenge_hash($d));
is($rmb->result(1234, 'ok', seconds => 20, @now)->{state}, 'ok', 'tf 61: resumed');


# the chain goes away, and comes back: all is as it was

$chain->stop();
sleep 3;
is($rmb->result(1234, 'ok', @now)->{state}, 'ok', 'tf 26: away, nothing is removed');
ok($rmb->record('mysite'), 'tf 26: it is served');
$chain->start();
$chain->put('Contracts', pack('Q<', 1234), undef);
is($rmb->result(1234, 'deleted', seconds => 30, @now)->{state}, 'deleted',
   'tf 25: cancelled: deleted');
ok(!$rmb->record('mysite'), 'and not served');

is($grid->stop(), 0, 'it ends');
kill_all($backend->{pid});
$gw->expect(qr/connect\(\) failed|upstream/);
$rmb->redis_stop();
$gw->stop();

done_testing();
