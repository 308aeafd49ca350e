#!/usr/bin/perl

# `wgw-grid register`: a node and its public configuration, after a question,
# and as often as it takes.

use warnings;
use strict;

use lib 't/lib';

use Test::More;

use Wgw;
use Wgw::Chain;
use Wgw::Grid;


my $chain = Wgw::Chain->new();

$chain->twin(11, $Wgw::Grid::Sr25519);
$chain->farm(5, 11);
$chain->farm(6, 4711);

my $grid = Wgw::Grid->new('--farm', 5, '--chain', $chain->url());
my @place = ('--domain', 'gw.test', '--ip4', '203.0.113.10/24', '--gw4',
             '203.0.113.1');


sub register {
    return Wgw::Grid::run_program('register', $grid->arguments(@_));
}


my ($code, $said) = register();
is($code, 2, 'it needs an address');
like($said, qr/register needs --domain NAME, --ip4 ADDRESS\/BITS and --gw4/,
     'and says so');
is((register(@place, '--ip6', '2001:db8::1/64'))[0], 2, 'of IPv6 both');
is((register(@place, '--chain-file', '/dev/null'))[0], 2, 'and a chain');

($code, $said) = register(@place, '--farm', 6);
like($said, qr/farm 6 belongs to twin 4711/, 'the farm of another twin');

# run_program() closes its input: that is no "yes"
($code, $said) = register(@place);
is($code, 1, 'without a yes');
like($said, qr/to be signed by 5Dfh\w+ and sent:\n    TfgridModule\.create_node\n        farm 5, \d+ cores, \d+ GB of memory, \d+ GB of disk\n        in Unknown, Unknown \(0, 0\)\nsend it\? \(yes\) /,
     'what would be sent is shown');
like($said, qr/nothing was sent/, 'and nothing is');
is_deeply($chain->sent(), [], 'indeed');

($code, $said) = register(@place, '--yes', '--city', 'Ghent', '--country',
                          'Belgium');
is($code, 0, 'with --yes') or diag($said);
like($said, qr/it is node 77\n.*domain and addresses are written$/s,
     'both are sent');
is(scalar @{$chain->sent()}, 2, 'once each');
like(pack('H*', substr $chain->sent()->[0], 2), qr/\x14Ghent\x1cBelgium\x040\x040\0\0\0\0$/,
     'where it is, too');

($code, $said) = register(@place, '--yes');
is($code, 0, 'again');
like($said, qr/twin 11 is node 77 already\ndomain and addresses are there already/,
     'all is there');
is(scalar @{$chain->sent()}, 2, 'nothing is sent');

($code, $said) = register(@place, '--yes', '--ip6', '2001:db8::1/64', '--gw6',
                          '2001:db8::2');
is($code, 0, 'another address');
is(scalar @{$chain->sent()}, 3, 'is sent');

$chain->set(fail => 1);
($code, $said) = register('--yes', '--domain', 'x.test', '--ip4',
                          '10.0.0.1/8', '--gw4', '10.0.0.2');
is($code, 1, 'what the chain refuses');
like($said, qr/the chain did not take that: an address must be public/,
     'is told');

# and what it wrote is what the daemon finds
$grid = Wgw::Grid->new('--farm', 5, '--chain', $chain->url(), '--admin',
    'http://127.0.0.1:' . free_port(), '--redis',
    'redis://127.0.0.1:' . free_port(), '--dns-file', '/dev/null');
$grid->start();
ok(wait_for(sub { $grid->told() =~ /node 77, domain gw\.test, addresses 203\.0\.113\.10, 2001:db8::1$/m }),
   'the daemon is that node');
$grid->stop();

done_testing();
