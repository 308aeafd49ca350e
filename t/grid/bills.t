#!/usr/bin/perl

# What is told to the chain: the gateway's hours, each byte once, whatever is
# restarted, away or refused; signed, numbered, and not forgotten before it is
# final.  Cases 62 to 66 of tf.md.

use warnings;
use strict;

use lib 't/lib';

use Test::More;
use Time::Local 'timegm';

use Wgw;
use Wgw::Billing;
use Wgw::Grid;


my $all = Wgw::Billing->new();
my ($gw, $chain, $grid) = @$all{qw(gw chain grid)};
my $now = int(time / 3600) * 3600;

$chain->twin(7341, 'a' x 32);
$chain->contract($_, 7341, node => 21) for 1234, 1235;
$chain->contract(1300, 7341, node => 22);
$chain->contract(1301, 7341, name => 'mysite');


# An hour of the gateway's archive; HOURS ago, and WORKLOAD => BYTES ...

sub hour {
    my ($ago, @lines) = @_;

    my $start = $now - 3600 * $ago;
    my @rows;

    while (my ($workload, $bytes) = splice @lines, 0, 2) {
        my $what = $workload =~ /^\d/
            ? qq("key":"$workload.gw.test","owner":"7341",)
              . qq("workload":"$workload")
            : qq("key":"","class":"$workload");

        push @rows, [$what, $bytes];
    }

    $all->hour($start, @rows);

    return $start + 3600;
}


# [CONTRACT, HOURS AGO (its end), BYTES] of what the chain has billed.

sub billed {
    return [map { [$_->[0], ($now - $_->[1]) / 3600, $_->[3]] }
            @{$chain->billed()}];
}


sub wgw_time {
    my ($y, $m, $d, @time) = $_[0] =~ /\d+/g;

    return timegm(reverse(@time), $d, $m - 1, $y);
}


sub states {
    return join ' ', map { "$_->{contract_id}:$_->{state}" } @{$grid->bills()};
}


sub final {
    my ($n) = @_;

    return wait_for(sub {
        $n <= grep { $_->{state} eq 'final' } @{$grid->bills()};
    }, 30);
}


sub again {
    $grid->kill();
    $grid->start();

    return;
}


$grid->start();
wait_for(sub { -e $grid->dir() . '/state/grid.db' && ($grid->sql("select count(*) from sqlite_master where name = 'begun'") // 0)
               && $grid->sql('select count(*) from begun') });
$grid->kill();
is($grid->sql('select hour from begun'), $now, 'it begins with this hour');
$grid->sql("update begun set hour = $now - 40 * 3600");


subtest 'hours become reports' => sub {
    my $end = hour(6, '7341-1234-mysite' => 1000, '7341-1234-ws' => 798,
                   '7341-1235-other' => 5_000_000_000, unknown => 77);
    hour(5, '7341-1234-mysite' => 0, unknown => 3);
    hour(4, '7341-1234-mysite' => 250, '7341-4711-gone' => 9,
         '7341-1300-theirs' => 9, '7341-1301-name' => 9, 'no-label' => 1,
         '7341-x-y' => 2, '7341-12-' => 3);
    $grid->start();
    ok(final(3), 'tf 62: they are final') or diag(states());

    is_deeply([map { @$_ } @{$chain->billed()}], [
        1234, $end, 3600, 1798, 1235, $end, 3600, 5_000_000_000,
        1234, $end + 7200, 3600, 250
    ], 'tf 63: bytes of a contract, both ways, in windows of 3600');
    like((map { substr $_, 2 } @{$chain->sent()})[0],
         qr/1a050cd204000000000000/, 'tf 63: the call, three of them');

    my @gone = map { "$_->{contract_id}: $_->{why}" }
        grep { $_->{state} eq 'void' } @{$grid->bills()};
    is_deeply([sort @gone], ['1300: the contract is of another node',
        '1301: it is no contract with a node', '4711: the contract is gone'],
        'what would spoil the call is not in it');

    is($grid->sql('select count(*) from reports where bytes = 0'), 0,
       'tf 62: without usage there is no line');
    is($grid->sql("select sum(sent) from lines where contract = 0"), 77 + 3 + 6,
       'tf 65: unknown hosts are the farmer\'s, in a line of their own');
    is($grid->status()->{all}{nobody_bytes}, 86, 'tf 65: and in the status');
};


subtest 'the status, and the page' => sub {
    my $s = $grid->status();
    my $page;

    is_deeply([@$s{qw(contracts names balance)}], [0, 0, 10_000_000_000],
              'field 19.7: contracts, names, balance');
    like($s->{last_report}, qr/^\d{4}-\d\d-\d\dT\d\d:00:00Z$/,
         'field 19.7: the last report');
    is($s->{this_month}{billed_musd} + $s->{all}{bytes}, 5_000_002_048,
       'field 19.7: what was earned');
    cmp_ok(abs(time - wgw_time($s->{as_of})), '<', 120, 'and when that was');

    ok(wait_for(sub {
        $page = json(http_get($gw->port('ADMIN'), '/v1/grid')->{body});
        $page && $page->{all}{reports} == 3;
    }, 30), 'field 19.7: the page gets it');
    is_deeply({ %$page, as_of => '' }, { %$s, as_of => '' }, 'all of it');

    my ($code, $text) = Wgw::Grid::run_program('status', '--state',
                                               $grid->dir() . '/state');
    like($text, qr/^$_ /m, "field 19.7: as text: $_")
        for qw(contracts names balance), 'last report', 'this month';
    unlike($text, qr/stale/, 'field 19.7: and not stale');

    ($code, $text) = Wgw::Grid::run_program('status', '--metrics', '--state',
                                            $grid->dir() . '/state');
    like($text, qr/^wgw_grid_$_ \d+$/m, "field 19.7: a metric: $_")
        for qw(contracts names balance last_report_timestamp_seconds
               billed_musd_total reported_bytes_total as_of_timestamp_seconds);

    $grid->kill();
    $grid->sql("update self set value = value - 400 where key = 'kept'");
    like((Wgw::Grid::run_program('status', '--state', $grid->dir() . '/state'))
         [1], qr/^as of +\S+Z, stale: does wgw-grid run/m,
         'field 19.7: what a daemon left that is gone is stale');
};


subtest 'once' => sub {
    my $before = billed();

    hour(6, '7341-1234-mysite' => 999_999);     # that is never done
    again();
    wait_for(sub { $grid->told() =~ /account.*account/s });
    sleep 2;
    is_deeply(billed(), $before, 'tf 62: after a restart, nothing again');

    hour(2, '7341-1234-mysite' => 20);
    again();
    ok(final(4), 'a later hour');
    hour(3, '7341-1234-mysite' => 30);
    again();
    ok(final(5), 'and one that came late');
    is_deeply([@{$chain->billed()}[-2, -1]],
        [[1234, $now - 3600, 3600, 20], [1234, $now - 3599, 3600, 30]],
        'tf 62: has a time behind the last, so that it counts, and once');
};


subtest 'the same bytes until they are final' => sub {
    my $n = @{$chain->sent()};

    $chain->set(drop => 1);
    hour(9, '7341-1234-mysite' => 40);
    again();
    wait_for(sub { @{$chain->sent()} > $n });
    again();
    wait_for(sub { @{$chain->sent()} > $n + 1 });
    again();
    wait_for(sub { @{$chain->sent()} > $n + 2 });

    my @sent = @{$chain->sent()}[$n .. $n + 2];
    is($sent[1], $sent[0], 'after kill -9 the same is sent');
    is($sent[2], $sent[0], 'and again');
    is_deeply([map { $_->{state} } grep { $_->{bytes} == 40 }
               @{$grid->bills()}], ['sent'], 'it is remembered');

    $chain->set(drop => 0);
    again();
    ok(final(6), 'then it is final');
    is(@{[grep { $_->[3] == 40 } @{$chain->billed()}]}, 1, 'billed once');
};


subtest 'the chain is away for days' => sub {
    $chain->stop();
    hour($_, '7341-1235-other' => 100 + $_) for reverse 10 .. 39;
    again();
    wait_for(sub { 30 <= grep { $_->{state} eq 'waiting' } @{$grid->bills()} });
    is(scalar(grep { $_->{state} eq 'waiting' } @{$grid->bills()}), 30,
       'tf 64: they are kept');
    $chain->start();
    again();
    ok(final(36), 'tf 64: later all are final') or diag(states());

    my @of = grep { $_->[0] == 1235 } @{$chain->billed()};
    my $sorted = 1;

    for (1 .. $#of) {
        $sorted &&= $of[$_][1] > $of[$_ - 1][1];
    }

    is(@of, 31, 'tf 64: complete, none twice');
    ok($sorted, 'tf 64: in order, times only grow');
};


subtest 'what comes between' => sub {
    my $n = @{$chain->sent()};

    # the call fails, or the nonce is another extrinsic's
    $chain->set(fail => 1);
    hour(7, '7341-1234-mysite' => 50);
    again();
    wait_for(sub { @{$chain->sent()} > $n });
    $chain->set(fail => 0);

    # ... also when a clock that was a year ahead has put that off
    $grid->sql('update reports set after = ' . (time + 365 * 86400)
               . ' where state = 0');
    ok(final(37), 'a call that failed is made anew');
    is(@{[grep { $_->[3] == 50 } @{$chain->billed()}]}, 1, 'billed once');
    cmp_ok($grid->sql('select count(distinct nonce) from batches'), '==',
           $grid->sql('select count(*) from batches'), 'with another nonce');

    # a new runtime, while one is under way
    $n = @{$chain->sent()};
    $chain->set(drop => 1);
    hour(8, '7341-1234-mysite' => 60);
    again();
    wait_for(sub { @{$chain->sent()} > $n });
    $chain->set(spec => 150, index => 12, spare => undef, drop => 0);
    again();
    ok(final(38), 'a new runtime is followed') or diag(states());

    my @sent = map { pack 'H*', substr $_, 2 } @{$chain->sent()}[$n, -1];
    my @nonces = map { unpack 'C', substr $_, 1 + 1 + 2 + 32 + 1 + 64 + 1 - 1 }
        map { substr $_, 0 } @sent;

    is($nonces[0], $nonces[1], 'with the same nonce');
    isnt($sent[0], $sent[1], 'signed anew');
    like($sent[1], qr/\x0c\x05\x04/, 'and the pallet where it is now');
    is(@{[grep { $_->[3] == 60 } @{$chain->billed()}]}, 1, 'billed once');
};


subtest 'what is not understood stops it' => sub {
    my $n = @{$chain->sent()};

    for ([{ spec => 151, other => 1 }, qr/add_nru_reports has other arguments than are known: \{reports:\[\{contract_id:u64,window/],
         [{ spec => 152, other => 0, extension => 1 }, qr/extension CheckMoon is not known/])
    {
        my ($set, $expected) = @$_;

        $chain->set(%$set);
        hour(40, '7341-1234-mysite' => 70);
        again();
        my $said = wait_for(sub { ($grid->told() =~ /(nothing can be reported to the chain: .*)/g)[-1] });
        like($said, $expected, 'and is told');
        my ($missing) = wait_for(sub {
            grep { $_->{topic} eq 'bills' } @{$grid->status()->{missing}} });
        like($grid->status()->{missing}[0]{what}, qr/nothing can be reported/,
             'in the status as well') if $missing;
        unlink $grid->dir() . '/told';
    }

    is(scalar @{$chain->sent()}, $n, 'nothing was sent');

    $chain->set(spec => 153, extension => 0, refuse => 1010);
    again();
    ok(wait_for(sub { $grid->told() =~ /author_submitExtrinsic: refused by the test/ }),
       'what a pool says is told');

    $chain->set(refuse => 0);
    again();
    ok(final(39), 'then it goes on');
};


subtest 'the list' => sub {
    my ($code, $said) = Wgw::Grid::run_program('bills', '--state',
                                               $grid->dir() . '/state');

    is($code, 0, 'for people');
    like($said, qr/^\d{4}-\d\d-\d\dT\d\d:00:00Z +report +1234 +7341 +1798 +0  final$/m,
         'a line of it');
    is_deeply($grid->bills('--month', '1999-01'), [], 'of a month');
    is($grid->status()->{all}{reports}, 39, 'and in the status');

    ($code, $said) = Wgw::Grid::run_program('status', '--metrics', '--state',
                                            $grid->dir() . '/state');
    like($said, qr/^# TYPE wgw_grid_reported_bytes_total counter\nwgw_grid_reported_bytes_total 5\d{9}$/m,
         'as a metric');
    $grid->stop();
};

subtest 'a contract that the chain does not know yet' => sub {
    $grid->sql("insert or ignore into hours values ($now - 3600, $now);"
        . 'insert into reports (hour, contract, twin, bytes, time) values '
        . "($now - 3600, 1236, 7341, 80, $now)");
    $grid->start();
    wait_for(sub { $grid->sql('select after from reports where contract = 1236') });
    sleep 2;
    is((map { $_->{state} } grep { $_->{contract_id} == 1236 }
        @{$grid->bills()})[0], 'waiting', 'is asked for again, for an hour');
    $chain->contract(1236, 7341, node => 21);
    $grid->sql('update reports set after = 0');
    again();
    ok(final(40), 'and billed when it is there');
    $grid->stop();
};

$gw->stop();

done_testing();
