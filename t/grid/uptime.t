#!/usr/bin/perl

# That the node is up is told to the chain, as zos does it, while the gateway
# answers: section 10 of tf.md.

use warnings;
use strict;

use lib 't/lib';

use Test::More;

use Wgw;
use Wgw::Billing;
use Wgw::Grid;


my $all = Wgw::Billing->new();
my ($gw, $chain, $grid) = @$all{qw(gw chain grid)};
my $now = int(time / 3600) * 3600;

$chain->contract(1234, 7341, node => 21);


sub missing {
    return join ' ', map { $_->{topic} } @{$grid->status()->{missing}};
}


sub kinds {
    return $grid->sql('select group_concat(kind || state) from batches');
}


subtest 'it is up' => sub {
    $grid->started();

    my $up = wait_for(sub { $chain->uptimes()->[0] });
    my ($boot) = slurp('/proc/uptime') =~ /^(\d+)/;

    cmp_ok(abs($up->[0] - $boot), '<', 10, 'the machine\'s uptime');
    cmp_ok(abs($up->[1] - time), '<', 10, 'and when that was');
    like($chain->ups()->[0], qr/1926.{16}.{16}$/, 'in one call');
    ok(wait_for(sub { kinds() eq 'uptime1' }, 20), 'it is final');

    $grid->kill();
    $grid->started();
    sleep 2;
    is(scalar @{$chain->ups()}, 1, 'a restart says it not again');

    $grid->kill();
    $grid->sql('update batches set made = made - 2399');
    $grid->started();
    ok(wait_for(sub { @{$chain->uptimes()} == 2 }), '40 minutes later it is');
    wait_for(sub { kinds() eq 'uptime1,uptime1' }, 20);
    $grid->kill();
};


subtest 'a clock that was wrong' => sub {
    $grid->sql('update batches set made = made + 86400');
    $grid->started();
    ok(wait_for(sub { @{$chain->uptimes()} == 3 }), 'delays nothing');
    wait_for(sub { kinds() =~ /^(uptime1,?){3}$/ }, 20);
    $grid->kill();
};


subtest 'what waits is of now' => sub {
    $grid->sql('update batches set made = made - 90000');
    $chain->set(drop => 1);

    my $n = @{$chain->ups()};

    $grid->started();
    wait_for(sub { @{$chain->ups()} > $n });
    $grid->kill();

    my ($nonce) = $grid->sql('select nonce from batches where state = 0');

    $grid->sql('update batches set made = made - 31 where state = 0');
    $chain->set(drop => 0);
    $grid->started();
    ok(wait_for(sub { @{$chain->uptimes()} == 4 }), 'it is sent anew');
    cmp_ok(abs($chain->uptimes()->[3][1] - time), '<', 12, 'with this time');
    wait_for(sub { !$grid->sql('select 1 from batches where state = 0') }, 20);
    is($grid->sql('select nonce from batches order by id desc limit 1'), $nonce,
       'and the same nonce');
    $grid->kill();
};


subtest 'a gateway that is down is not up' => sub {
    $grid->sql('update batches set made = made - 90000');
    $gw->stop();
    $grid->started();
    sleep 3;
    is(scalar @{$chain->uptimes()}, 4, 'nothing is said');
    like(missing(), qr/gateway/, 'but to the farmer');
    $grid->kill();
    $gw->start();
};


subtest 'a chain without it' => sub {
    # one is under way, and cannot be signed for that chain any more
    $chain->set(drop => 1);

    my $n = @{$chain->ups()};

    $grid->started();
    wait_for(sub { @{$chain->ups()} > $n });
    $grid->kill();
    $grid->sql('update batches set made = made - 90000');
    is($grid->sql('select kind from batches where state = 0'), 'uptime',
       'one waits');

    $chain->set(drop => 0, no_uptime => 1, spec => 160);
    $all->hour($now - 7200, [ '"key":"a","workload":"7341-1234-x"', 5000 ]);
    $grid->sql("update begun set hour = $now - 40 * 3600");
    $grid->started();
    ok(wait_for(sub { missing() =~ /uptime/ }), 'is told of');
    like($grid->told(), qr/the node is shown as down: .*report_uptime_v2/,
         'with what it has not');
    ok(wait_for(sub { @{$chain->billed()} }, 20), 'and stops no bill');
    is($grid->stop(), 0, 'it ends as ever');
};

$gw->stop();

done_testing();
