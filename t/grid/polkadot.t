#!/usr/bin/perl

# Extrinsics and addresses against the chain's own libraries, @polkadot/types
# and @polkadot/keyring: what wgw-grid signs is what they sign.

use warnings;
use strict;

use lib 't/lib';

use Test::More;

use Wgw;
use Wgw::Chain;
use Wgw::Grid;
use Wgw::Node;
use Wgw::Scale;

plan skip_all => 'npm has not what this needs' if !Wgw::Node::have();


my $node = Wgw::Node->new('grid.mjs');
my $gw = Wgw->new(<<"EOF");
wgw_names names domain=gw.test;
wgw_meter_zone hours file=hours keys=1000 window=hour archive=archive;
events { }
http {
    $Wgw::Grid::Admin
}
EOF

$gw->start();


subtest 'identity' => sub {
    for my $kind ('ed25519', 'sr25519') {
        my $other = $node->call('identity', phrase => $Wgw::Grid::Words,
                                kind => $kind, message => '0x00');
        my $mine = $kind eq 'ed25519' ? $Wgw::Grid::Ed25519
                                      : $Wgw::Grid::Sr25519;

        is($other->{key}, '0x' . unpack('H*', $mine), "tf 68: $kind");
    }
};


# Reports of COUNT contracts by an account of KIND: [extrinsic, chain]

sub sent {
    my ($kind, $count) = @_;

    my $chain = Wgw::Chain->new(spec => 125, index => 12);
    my $now = int(time / 3600) * 3600;
    my $grid = Wgw::Grid->new('--farm', 5, '--chain', $chain->url(),
        '--redis', 'redis://127.0.0.1:' . free_port(), '--admin',
        'http://127.0.0.1:' . $gw->port('ADMIN'), '--dns-file', '/dev/null',
        '--key', $kind);

    $chain->twin(11, $kind eq 'ed25519' ? $Wgw::Grid::Ed25519
                                        : $Wgw::Grid::Sr25519);
    $chain->farm(5, 11);
    $chain->node(21, 5, 11);
    $chain->contract($_, 7341, node => 21) for 1 .. $count;

    $grid->start();
    wait_for(sub { $grid->told() =~ /account 5D/ });
    $grid->stop();
    $grid->sql("insert into hours values ($now, $now);"
        . join '', map { "insert into reports (hour, contract, twin, bytes, time)"
                         . " values ($now, $_, 7341, 1000 + $_, $now + 3600);" }
        1 .. $count);
    $grid->start();

    my $sent = wait_for(sub { $chain->sent()->[0] });

    up($chain->ups()->[0], $kind);
    wait_for(sub { $count == grep { $_->{state} eq 'final' }
                   @{$grid->bills()} });
    is(scalar(grep { $_->{state} eq 'final' } @{$grid->bills()}), $count,
       "$kind, $count: final");
    $grid->stop();

    return $sent;
}


# What says that the node is up.

sub up {
    my ($bytes, $kind) = @_;

    my $is = $node->call('extrinsic', bytes => $bytes,
        metadata => '0x' . unpack('H*', metadata(index => 12)),
        genesis => "0x$Wgw::Chain::Genesis", spec => 125, transaction => 2,
        phrase => $Wgw::Grid::Words, kind => $kind);

    is($is->{call}, 'tfgridModule.reportUptimeV2', "$kind: up");
    ok($is->{valid}, 'its signature is right');
    ok($is->{same}, 'and its bytes are theirs') if $kind eq 'ed25519';

    return;
}


for my $case (['ed25519', 1], ['sr25519', 1], ['ed25519', 70],
              ['sr25519', 200])
{
    my ($kind, $count) = @$case;

    my $sent = sent($kind, $count);
    my $is = $node->call('extrinsic', bytes => $sent,
        metadata => '0x' . unpack('H*', metadata(index => 12)),
        genesis => "0x$Wgw::Chain::Genesis", spec => 125, transaction => 2,
        phrase => $Wgw::Grid::Words, kind => $kind);

    is($is->{call}, 'smartContractModule.addNruReports', "$kind: the call");
    is(scalar @{$is->{arguments}[0]}, $count, 'of all');
    is($is->{arguments}[0][-1]{nru}, 1000 + $count, 'as they are');
    ok($is->{valid}, 'tf 63: its signature is right');
    ok($is->{same}, 'tf 63: and its bytes are theirs')
        if $kind eq 'ed25519';              # the other kind is random
}

$gw->stop();

done_testing();
