#!/usr/bin/perl

# wgw top, on a terminal: rates that are right, keys that do something, and a
# terminal that is as it was, however it ends.

use warnings;
use strict;

use IO::Pty;
use IO::Select;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Cli;


my $gw = cli_gateway();
my $dir = $gw->dir();
my $backend = 'http://127.0.0.1:' . $gw->port('BACKEND');

$gw->start();

for my $name (qw(busy idle)) {
    is(wgw('names', 'add', $name, $backend, '--cap', '1GB')->{exit}, 0,
       "the name $name");
}


# ten times 100 kB a second, and one request of the other

my $load = fork;
die 'fork' if !defined $load;

if (!$load) {
    http_get($gw->port('HTTP'), '/', host => 'idle.gw.test');

    while (getppid() != 1) {
        http_get($gw->port('HTTP'), '/100k.bin', host => 'busy.gw.test');
        sleep 0.1;
    }

    POSIX::_exit(0);
}


subtest 'for programs' => sub {
    my $said = wgw('top', '--json', '--count', '2');
    is($said->{exit}, 0, 'two looks') or diag($said->{err});

    my @looks = map { json($_) } split /\n/, $said->{out};
    is(scalar @looks, 2, 'two lines');

    my ($busy) = grep { $_->{key} eq 'busy.gw.test' } @{$looks[1]{keys}};
    cmp_ok($busy->{sent_rate}, '>', 100000, 'a rate of bytes');
    cmp_ok($busy->{sent_rate}, '<', 1100000, 'that is none of two looks');
    cmp_ok(abs($busy->{sent_rate} / $busy->{request_rate} - 100250), '<', 1000,
           'and of requests');
    is($busy->{cap}, 1000000000, 'a cap');
    is((grep { $_->{key} eq 'idle.gw.test' } @{$looks[1]{keys}}), 0,
       'who rests is not there');
};


subtest 'on a terminal' => sub {
    my $top = start('top');

    like(until_seen($top, qr{busy\.gw\.test}), qr/\x1b\[\?1049h\x1b\[\?25l/,
         'it takes the other screen, without cursor');
    like(until_seen($top, qr{[1-9]\d\d kB/s +\d+ B/s +\d+\.\d .*busy}),
         qr/\*r rate/, 'rates are shown');

    $top->{seen} = '';
    syswrite $top->{pty}, 'n';
    like(until_seen($top, qr/\*n name.*busy.*idle/s), qr/\*n name/,
         'a key changes the order');

    # a window becomes smaller
    $top->{pty}->set_winsize(6, 40);
    kill 'WINCH', $top->{pid};
    $top->{seen} = '';
    my ($small) = until_seen($top, qr/\x1b\[J.*\x1b\[J/s)
                  =~ /\x1b\[J(.*)\x1b\[J/s;
    cmp_ok(scalar(() = $small =~ /\r\n/g), '<', 6, 'fewer rows');
    is((grep { length(s/\x1b\[[\d?]*\w|\r//gr) > 40 } split /\r\n/, $small), 0,
       'and columns');

    syswrite $top->{pty}, 'q';
    ended($top, 0);
};


for my $signal (qw(INT TERM HUP)) {
    subtest "SIG$signal" => sub {
        my $top = start('top');

        until_seen($top, qr/busy/);
        kill $signal, $top->{pid};
        ended($top, 0);
    };
}


subtest 'stopped, and back' => sub {
    my $top = start('top');

    until_seen($top, qr/busy/);
    kill 'TSTP', $top->{pid};
    ok(wait_for(sub { slurp("/proc/$top->{pid}/stat") =~ /\) T / }),
       'it stops');
    like(until_seen($top, qr/\x1b\[\?1049l/), qr/\x1b\[\?25h/,
         'with the terminal as it was');
    is(stty($top), $top->{stty}, 'all of it');

    $top->{seen} = '';
    kill 'CONT', $top->{pid};
    like(until_seen($top, qr/busy/), qr/\x1b\[\?1049h/, 'and is back');
    syswrite $top->{pty}, 'q';
    ended($top, 0);
};


subtest 'no terminal, wrong options' => sub {
    my $said = wgw('top');
    is($said->{exit}, 2, 'no terminal');
    like($said->{err}, qr/this is no terminal: wgw usage, or/, 'is said');
    is(wgw('top', '--every', '0')->{exit}, 2, 'no time between looks');
    is(wgw('top', '--by', 'age')->{exit}, 2, 'no such order');
};


subtest 'the gateway ends' => sub {
    my $top = start('top');

    until_seen($top, qr/busy/);
    kill 'TERM', $load;
    waitpid $load, 0;
    $gw->stop();

    like(until_seen($top, qr/does not answer any more/),
         qr/\x1b\[\?1049l.*does not answer/s, 'it says so at the end');
    ended($top, 3);
};

done_testing();


sub start {
    my (@arguments) = @_;

    my $pty = IO::Pty->new();
    my $top = { pty => $pty, seen => '' };

    $pty->set_winsize(24, 100);
    $top->{stty} = stty($top);

    my $pid = fork;
    die 'fork' if !defined $pid;

    if (!$pid) {
        $pty->make_slave_controlling_terminal();
        open STDIN, '<&', $pty->slave() or POSIX::_exit(126);
        open STDOUT, '>&', $pty->slave() or POSIX::_exit(126);
        open STDERR, '>&', $pty->slave() or POSIX::_exit(126);
        exec wgw_program(), '--config', "$dir/gateway.conf", @arguments
            or POSIX::_exit(127);
    }

    $top->{pid} = $pid;

    return $top;
}


# What a terminal does with keys, as stty(1) says it.

sub stty {
    my ($top) = @_;

    my $name = $top->{pty}->ttyname();

    return scalar `stty -a < $name | grep -v rows`;
}


sub until_seen {
    my ($top, $regex) = @_;

    my $select = IO::Select->new($top->{pty});
    my $end = time + 20;

    until ($top->{seen} =~ $regex) {
        last if time > $end;
        next if !$select->can_read(0.1);
        sysread $top->{pty}, $top->{seen}, 65536, length $top->{seen}
            or last;
    }

    like($top->{seen}, $regex, 'it is seen');

    return $top->{seen};
}


sub ended {
    my ($top, $exit) = @_;

    my $gone = wait_for(sub { waitpid($top->{pid}, POSIX::WNOHANG)
                              == $top->{pid} });
    my $status = $?;

    ok($gone, 'it ends');
    kill_all($top->{pid}) if !$gone;
    is($status >> 8, $exit, 'with its code') if $gone;

    like(until_seen($top, qr/\x1b\[\?25h\x1b\[\?1049l/),
         qr/\x1b\[\?1049l/, 'the first screen, with a cursor');
    is(stty($top), $top->{stty}, 'and the terminal is as it was');
}
