#!/usr/bin/perl

# Bills of real traffic over real turns of the hour: what the client moved is
# what the chain bills, each byte once, over restarts and kills of both, clocks
# that are wrong, and a week without a chain.  Cases 54 to 57, 62, 64 and 65 of
# tf.md, as the farmer sees them.

use warnings;
use strict;

use lib 't/lib';

use File::Temp 'tempdir';
use Test::More;
use Time::HiRes 'sleep';

use Wgw;
use Wgw::Billing;
use Wgw::Clock;
use Wgw::Grid;


my $clock = tempdir(DIR => $ENV{WGW_TEST_ROOT} || '/tmp', CLEANUP => 1);

chmod 0755, $clock;
clock_start($clock) or plan skip_all => 'the clock cannot be moved here';

# a minute past the hour
clock_move(3660 - clock_now() % 3600);

my $all = Wgw::Billing->new();
my ($gw, $chain, $grid) = @$all{qw(gw chain grid)};

mkdir $gw->dir() . '/html';
spew($gw->dir() . '/html/file', 'x' x 400_000);
chmod 0644, $gw->dir() . '/html/file';

my $hour = 3600;
my %moved = (1234 => 0, 1235 => 0);

$chain->contract($_, 7341, node => 21) for keys %moved;

for (['mysite', 1234], ['other', 1235]) {
    my ($name, $contract) = @$_;

    http_get($gw->port('ADMIN'), "/v1/names/$name", method => 'PUT', body =>
        qq({"backends":["http://192.0.2.1"],"owner":"7341",)
        . qq("workload":"7341-$contract-$name"}));
}


# What a client moves, both ways.

sub traffic {
    my ($times, $name) = (@_, 'mysite');

    for (1 .. $times) {
        my $request = "GET /$_ HTTP/1.1\r\nHost: $name.gw.test\r\n"
                      . "Connection: close\r\n\r\n";
        my $reply = exchange($gw->port('HTTP'), $request);

        $moved{$name eq 'mysite' ? 1234 : 1235} += length($request)
                                                   + length $reply;
    }

    return;
}


sub nobody {
    return exchange($gw->port('HTTP'), "GET / HTTP/1.1\r\nHost: x.test\r\n"
                                       . "Connection: close\r\n\r\n");
}


sub archived {
    my ($ago) = (@_, 1);

    my $start = int(clock_now() / $hour) * $hour - $ago * $hour;
    my $path = $all->archive($start);

    return wait_for(sub { -e $path }, 15);
}


sub again {
    local $ENV{WGW_CLOCK_TIME} = 1;

    $grid->kill();

    return $grid->started();
}


sub billed {
    my %sum;

    $sum{$_->[0]} += $_->[3] for @{$chain->billed()};

    return \%sum;
}


# What was moved before this hour is billed, to the byte.

sub settled {
    my ($what) = @_;

    again();

    my $same = sub {
        my $sum = billed();

        return !grep { ($sum->{$_} || 0) != $moved{$_} } keys %moved;
    };

    ok(wait_for($same, 30), $what) or diag(explain(billed(), \%moved));

    # final, so that the next is not behind it
    wait_for(sub { !$grid->sql('select 1 from batches where state = 0') }, 30);

    my (%times, @wrong);

    for (@{$chain->billed()}) {
        my ($contract, $time, $window) = @$_;

        push @wrong, "@$_" if $window != $hour
                              || $time <= ($times{$contract} || 0);
        $times{$contract} = $time;
    }

    is_deeply(\@wrong, [], 'in windows of an hour, of which each comes later');

    return;
}


again();
wait_for(sub { $grid->sql('select 1 from begun') });


subtest 'the turn of an hour' => sub {
    traffic(5);
    traffic(2, 'other');
    nobody();

    # a part of a transfer is in this hour, the rest in the next
    my $socket = connect_to($gw->port('HTTP'));
    my $request = "GET /file HTTP/1.1\r\nHost: mysite.gw.test\r\n"
                  . "Connection: close\r\n\r\n";

    print {$socket} $request;
    $socket->flush();
    wait_for(sub {
        (http_get($gw->port('ADMIN'), '/v1/usage/mysite?zone=hours')->{body}
         =~ /"sent":(\d+)/)[0] > 50000;
    });
    clock_move($hour);

    my $reply = exchange(0, '', socket => $socket);

    cmp_ok(length $reply, '>', 400_000, 'a transfer over the turn');
    $moved{1234} += length($request) + length $reply;
    ok(archived(), 'the hour is archived');

    clock_move($hour);
    archived();
    settled('tf 54, 55, 62: both hours, and what went on over the turn');

    my @of = grep { $_->[0] == 1234 } @{$chain->billed()};

    is(scalar @of, 2, 'tf 55: in two reports');
    cmp_ok($of[0][3], '>', 50_000, 'of which the first has its part');
    is($of[1][1] - $of[0][1], $hour, 'tf 62: disjoint, and adjoining');
    cmp_ok($grid->status()->{all}{nobody_bytes}, '>', 0,
           'tf 65: unknown hosts are in a line of their own');
    is(scalar(grep { $_->[0] == 1235 } @{$chain->billed()}), 1,
       'tf 62: without usage there is no report');
};


subtest 'restarts and kills' => sub {
    traffic(3);
    $gw->stop('QUIT');
    again();
    $gw->start();
    traffic(3);
    $gw->kill();
    $gw->start();
    traffic(3);
    $gw->reload();
    traffic(3, 'other');
    clock_move($hour);
    archived();
    settled('tf 56, 57, 62: restarted, killed, reloaded within an hour');

    traffic(4);
    $gw->kill();
    clock_move(3 * $hour);
    $gw->start();
    settled('tf 62: down over the turn, and two hours more');
};


subtest 'a clock that goes back' => sub {
    traffic(3);

    my $before = billed();

    clock_leap(-5 * $hour);
    sleep 1.5;
    clock_move(61);
    wait_for(sub { $gw->log() =~ /is believed/ }, 5);
    sleep 1.5;
    traffic(3);
    again();
    clock_move(601);
    sleep 5;
    again();
    sleep 2;
    is_deeply(billed(), $before, 'tf 62: five hours back: nothing again');

    clock_leap(5 * $hour);
    sleep 1.5;
    clock_move(61);
    ok(wait_for(sub { $gw->log() =~ /leap of the clock is undone/ }, 10),
       'and right again');
    sleep 1.5;
    traffic(3);
    clock_move($hour);
    archived();
    settled('tf 62: the hour is billed once, with all that was in it');
};


subtest 'a clock that goes on' => sub {
    traffic(3);

    my $before = billed();
    my $log = length $gw->log();

    clock_leap(5 * $hour);
    sleep 1.5;
    clock_move(61);
    wait_for(sub { substr($gw->log(), $log) =~ /is believed/ }, 5);
    sleep 1.5;
    traffic(3);
    clock_move(601);
    ok(archived(5), 'what it left is in a file');
    again();
    sleep 3;
    is_deeply(billed(), $before, 'tf 62: which may go on, and is not billed');

    $log = length $gw->log();
    clock_leap(-5 * $hour);
    sleep 1.5;
    clock_move(61);
    ok(wait_for(sub { substr($gw->log(), $log) =~ /is undone/ }, 10),
       'and right again');
    sleep 1.5;
    again();
    traffic(3);
    clock_move($hour);
    archived();
    settled('tf 62: the hour is billed whole');
};


subtest 'a week without a chain' => sub {
    my $n = @{$chain->billed()};

    $chain->stop();

    for my $day (1 .. 7) {
        traffic($day);
        traffic(1, 'other') if $day % 2;
        clock_move($hour);
        archived();
        again();
        clock_move(23 * $hour);
        $gw->stop('QUIT') if $day == 3;
        $gw->start() if $day == 3;
    }

    ok(wait_for(sub {
        11 == grep { $_->{state} eq 'waiting' } @{$grid->bills()};
    }, 10), 'tf 64: eleven reports wait');
    is((grep { $_->{topic} eq 'chain' } @{$grid->status()->{missing}}), 1,
       'and the status says why');

    $chain->start();
    settled('tf 64: the chain is back: all of it, and in order');
    is(@{$chain->billed()} - $n, 11, 'each once');
};


subtest 'half a year off' => sub {
    traffic(2);
    again();
    $grid->kill();
    $gw->kill();
    clock_move(180 * 24 * $hour);
    $gw->start();
    settled('the last hour before that is billed, too');
};

$grid->stop();
$gw->stop();

done_testing();
