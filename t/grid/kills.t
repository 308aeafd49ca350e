#!/usr/bin/perl

# kill -9 of wgw-grid at random moments, and of the gateway's workers now and
# then, while users deploy, change, take out, add, cancel and deploy again:
# nothing is lost, doubled or half applied, and in the end the gateway serves
# what was deployed and nothing else.
#
# KILLS=N and SEED=N; t/full/grid-kills.t has a thousand.

use warnings;
use strict;

use lib 't/lib';

use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Rmb;

my $kills = $ENV{KILLS} || 25;
my $seed = $ENV{SEED} || time % 1e6;
my $users = 8;

srand $seed;
diag("SEED=$seed") if $ENV{KILLS};

my $grid = Wgw::Rmb->new();
my (%live, %wrong, %done, @ended);

$grid->name_contract("n$_") for 1 .. $users * 3;
$grid->gw->expect(qr/exited on signal 9/);
$grid->start();
wait_for(sub { $grid->call('zos.system.version', undef, seconds => 2) });
$grid->grid_stop('KILL');

my $killer = killer();

step(1 + int rand $users) until kills() >= $kills || waitpid $killer, WNOHANG;

spew($grid->dir() . '/finish', '');
waitpid $killer, 0;
is($?, 0, 'it ended by no other means');
is(kills(), $kills, "wgw-grid was killed $kills times");

$grid->grid_start();

note(join ', ', map { "$_: $done{$_}" } sort keys %done);
cmp_ok($done{$_} || 0, '>', 0, "$_ under kills")
    for qw(deploy change swap cancel);

is(join("\n", sort keys %wrong), '', 'nothing was half applied, or doubled');


# ---- in the end

my (%serve, @lost);

for my $user (sort keys %live) {
    my $d = $live{$user};
    my $got = $grid->settled($d->{contract_id}, 'ok', seconds => 60);

    push @lost, "contract $d->{contract_id} is " . $Wgw::Rmb::Json->encode($got)
        if !same($got, $d)
           || grep { $_->{result}{state} ne 'ok' } @{$got->{workloads}};

    for my $w (@{$d->{workloads}}) {
        $serve{"$w->{data}{name}.gw.test"} =
            "7341-$d->{contract_id}-$w->{name} $w->{data}{backends}[0]";
    }
}

is(join("\n", @lost), '', 'no deployment was lost');

my %served;

ok(wait_for(sub {
    my $list = json(http_get($grid->gw->port('ADMIN'), '/v1/names?limit=1000')
                    ->{body});

    %served = map { $_->{name} => "$_->{workload} $_->{backends}[0]" }
              @{$list->{names}};

    return join(',', %served{sort keys %served})
           eq join(',', %serve{sort keys %serve});
}, 60), 'the gateway serves what was deployed, and nothing else')
    or diag(explain({ serve => \%serve, served => \%served }));

for my $id (@ended) {
    my $state = $grid->result($id, 'deleted', seconds => 60)->{state};

    is($state, 'deleted', "contract $id is ended") if $state ne 'deleted';
}

my $list = $grid->call('zos.deployment.list')->{dat};

is(scalar @$list, scalar keys %live, 'and is listed once');

for my $d (values %live) {
    my $changes = $grid->call('zos.deployment.changes',
                              { contract_id => $d->{contract_id} })->{dat};
    my %inits;

    $inits{"$_->{name} of version $_->{version}"}++
        for grep { $_->{result}{state} eq 'init' } @$changes;

    is(join(' ', grep { $inits{$_} > 1 } sort keys %inits), '',
       "contract $d->{contract_id}: nothing was begun twice")
        if grep { $_ > 1 } values %inits;
}

$grid->stop();

done_testing();


# ---- the killer: a process that starts it, kills it, and starts it again

sub killer {
    my $killer = fork // die "fork: $!";

    return $killer if $killer;

    srand $seed + 1;

    for my $n (1 .. $kills + 1) {
        my $starts = starts();
        my $pid = $grid->grid_start();

        # at any moment of its start, or of its work
        if ($n > $kills) {
            wait_for(sub { -e $grid->dir() . '/finish' }, 600);

        } elsif (rand > 0.3) {
            wait_for(sub { starts() > $starts }, 30);
            sleep rand 0.8;

        } else {
            sleep rand 0.3;
        }

        my @workers = $grid->gw->workers();

        CORE::kill 'KILL', $workers[rand @workers] if @workers && rand() < 0.2;

        # it must not have ended by itself
        POSIX::_exit(1) if waitpid $pid, WNOHANG;

        CORE::kill 'KILL', $pid;
        waitpid $pid, 0;
        spew($grid->dir() . '/kills', $n) if $n <= $kills;
    }

    POSIX::_exit(0);
}


sub kills { return slurp($grid->dir() . '/kills') || 0 }


sub starts { return scalar(() = $grid->told() =~ /account 5/g) }


# ---- one user's next step

sub step {
    my ($user) = @_;

    my $d = $live{$user};
    my @names = map { 'n' . ($user * 3 - $_) } 0 .. 2;

    if (!$d) {
        $d = Wgw::Rmb::deployment(workload($names[0], 0));
        $grid->node_contract($d);
        $live{$user} = $d if sent('deploy', undef, $d);
        return;
    }

    my $next = $Wgw::Rmb::Json->decode($Wgw::Rmb::Json->encode($d));
    my $version = ++$next->{version};
    my $what = int rand 5;

    if ($what == 0) {
        push @ended, $d->{contract_id};
        $grid->contract($d->{contract_id}, state => 'Deleted');
        delete $live{$user};
        $done{cancel}++;
        return;
    }

    if ($what < 3) {
        $next->{workloads}[0] = workload($next->{workloads}[0]{data}{name},
                                         $version);
        $what = 'change';

    } else {
        # one goes, another one comes
        my %has = map { $_->{data}{name} => 1 } @{$next->{workloads}};
        my ($free) = grep { !$has{$_} } @names;

        shift @{$next->{workloads}} if @{$next->{workloads}} > 1 || rand > 0.5;
        push @{$next->{workloads}}, workload($free, $version);
        $what = 'swap';
    }

    $grid->contract($d->{contract_id},
                    deployment_hash => Wgw::Rmb::challenge_hash($next));
    $live{$user} = $next if sent($what, $d, $next);
}


sub workload {
    my ($name, $version) = @_;

    return Wgw::Rmb::name_workload($name, version => $version, backends => [
        sprintf 'http://192.0.2.%d:%d', 1 + rand 250, 1 + rand 60000 ]);
}


# Sent until it is there.  What is there in between is the old or the new one.

sub sent {
    my ($what, $old, $new) = @_;

    my $id = $new->{contract_id};
    my $cmd = $old ? 'zos.deployment.update' : 'zos.deployment.deploy';

    $grid->sign($new);

    for (1 .. 200) {
        my $reply = $grid->call($cmd, $new, seconds => 1);
        my $got = $grid->call('zos.deployment.get', { contract_id => $id },
                              seconds => 1);

        next if !$got;

        if ($reply && !$reply->{err} && !same($got->{dat}, $new)) {
            $wrong{"contract $id: done, and not there"} = 1;
        }

        if (same($got->{dat}, $new)) {
            $done{$what}++;
            return 1;
        }

        if ($got->{dat} && !same($got->{dat}, $old)) {
            $wrong{"contract $id: neither the old nor the new one: "
                   . $Wgw::Rmb::Json->encode($got->{dat})} = 1;
            return 1;
        }

        $wrong{"contract $id was there, and is not"} = 1
            if $old && !$got->{dat} && $got->{err} =~ /not found/;
    }

    $wrong{"contract $id: not in 200 attempts"} = 1;

    return 0;
}


# But for results and order.

sub same {
    my ($a, $b) = @_;

    return 0 if !$a || !$b;

    my ($left, $right) = map {
        my $d = $_;

        join ' ', $d->{version}, sort map {
            "$_->{name}:$_->{version}:$_->{data}{name}:@{$_->{data}{backends}}"
        } @{$d->{workloads}};
    } $a, $b;

    return $left eq $right;
}
