#!/usr/bin/perl

# A disk that is full: what cannot be written down is refused, and was not
# done; what is served goes on; and when there is room, so does all else.

use warnings;
use strict;

use lib 't/lib';

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Rmb;

my $grid = Wgw::Rmb->new();
my (@accepted, @refused);

$grid->name_contract("f$_") for 0 .. 60;
$grid->start();

my $first = deploy(0);

is($grid->result($first->{contract_id}, 'ok')->{state}, 'ok', 'deployed');
is($grid->grid_stop(), 0, 'stopped');

# dash counts blocks of 512 bytes
$grid->{kilobytes} = 500;
$grid->grid_start();

for my $n (1 .. 60) {
    my $d = deploy($n);
    my $reply = $d->{reply};

    if (!$reply->{err}) {
        push @accepted, $d;
        next;
    }

    like($reply->{err}, qr/could not write it down, and nothing was changed/,
         'no room is told') if !@refused;
    push @refused, $d;
    last if @refused == 5;
}

cmp_ok(scalar @refused, '==', 5, 'the disk is full after ' . @accepted);
ok($grid->call('zos.system.version'), 'it answers');
is($grid->record('f0')->{state}, 'ok', 'what is served is served');

my $told = length $grid->told();

sleep 3;
cmp_ok(length($grid->told()) - $told, '<', 20000, 'it does not fill its log');

is($grid->grid_stop(), 0, 'it ends');
delete $grid->{kilobytes};
$grid->grid_start();

my @lost = grep {
    $grid->result($_->{contract_id}, 'ok', seconds => 20)->{state} ne 'ok'
} $first, @accepted;

is(scalar @lost, 0, 'with room again: what was accepted is there, and ok');

for my $d (@refused) {
    like($grid->call('zos.deployment.get',
                     { contract_id => $d->{contract_id} })->{err},
         qr/not found/, 'what was refused is not');
}

is($grid->deploy($refused[0], contract => 1)->{err}, undef, 'nor in the way');

$grid->stop();

done_testing();


# The deployment, with its reply.

sub deploy {
    my ($n) = @_;

    my $w = Wgw::Rmb::name_workload("f$n");
    my $d = Wgw::Rmb::deployment($w);

    $w->{description} = 'x' x 8000;

    my $reply = $grid->deploy($d);

    $d->{reply} = $reply;

    return $d;
}
