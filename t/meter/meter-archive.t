#!/usr/bin/perl

# Closed windows are archived once, and whole: at the turn, after a time in
# which nothing ran, and by one process only.

use warnings;
use strict;

use Fcntl qw(LOCK_EX LOCK_UN);
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Bytes;
use Wgw::Clock;


my $gw = Wgw->new(<<'EOF', meter_modules());
worker_processes 3;
pid logs/nginx.pid;
wgw_meter_zone names file=names.wgw keys=100 window=minute archive=archive;

events { }

http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_meter names $arg_k cap=$arg_cap;
        location / { return 200 "0123456789"; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
    }
}
EOF

my $dir = $gw->dir();

clock_start($dir) or plan skip_all => 'the clock cannot be moved here';

my $admin = $gw->port('ADMIN');
my $http = $gw->port('HTTP');

ok(($gw->run('-t'))[0] == 0 && !-e "$dir/archive", '-t makes nothing');

# ten seconds after a turn

clock_move(70 - clock_now() % 60);
$gw->start();

my $first = minute();

ask('a') for 1 .. 3;
ask('b"');
ask('');
ask('a', 1);

my %expected = map { $_ => usage($admin, $_)->{window} } 'a', 'b%22';
my $denied = settled($admin, undef, 1, 'denied');

ok(!-e file($first), 'the window is open');
clock_move(60);

my @lines = archived($first);
my %line = map { ($_->{class} // $_->{key}) => $_ } @lines;

is(scalar @lines, 4, 'archived: four lines');
is_deeply([ sort keys %line ], [ 'a', 'b"', 'denied', 'unknown' ], 'of these');

for my $key ('a', 'b%22') {
    my $text = $key =~ s/%22/"/r;

    is($line{$text}{sent}, $expected{$key}{sent}, "$text, sent");
    is($line{$text}{received}, $expected{$key}{received}, 'received');
    is($line{$text}{start}, utc($first), 'from');
    is($line{$text}{end}, utc($first + 60), 'to');
    is($line{$text}{zone}, 'names', 'of the zone');
}

is($line{denied}{sent}, $denied->{sent}, 'denied');


# ---- once: not by new workers, nor after a kill

my @before = stat file($first);

$gw->reload();
$gw->kill();
spew("$dir/archive/names.tmp", 'half a li');
chown((stat "$dir/archive")[4, 5], "$dir/archive/names.tmp");
$gw->start();
sleep 1.5;

is((stat file($first))[1], $before[1], 'not written again');


# ---- by one only

my $second = minute();

ask('second');

open my $lock, '+<', "$dir/archive/names.lock" or die $!;
flock $lock, LOCK_EX;
clock_move(60);
sleep 5;
ok(!-e file($second), 'another writes it');
flock $lock, LOCK_UN;
@lines = archived($second);
is($lines[0]{key}, 'second', 'then it is written');
is(scalar @lines, 1, 'whole, in spite of what was left by one who was killed');


# ---- down at the turn

my $third = minute();

ask('third');
$gw->stop('QUIT');
clock_move(60);
$gw->start();
@lines = archived($third);
is($lines[0]{key}, 'third', 'down at the turn');
is(scalar @lines, 1, 'and no more');

my $fourth = minute();

ask('fourth');
$gw->kill();
clock_move(600);
$gw->start();
ok(-s file($fourth), 'down for ten windows: written at the start');
@lines = archived($fourth);
is($lines[0]{key}, 'fourth', 'with what was counted');
is((grep { $_->{key} eq 'fourth' } archived(minute() - 60)), 0,
   'and none of it in the last window');


# ---- stopped for ten windows: what is counted next waits for the archive

my $fifth = minute();

ask('fifth') for 1 .. 2;

my @workers = $gw->workers();

CORE::kill 'STOP', @workers;
clock_move(600);
CORE::kill 'CONT', @workers;
ask('sixth');
ok(-s file($fifth), 'stopped for ten windows: written before the next');
@lines = archived($fifth);
is(join(' ', map { $_->{key} } @lines), 'fifth', 'with what was counted');
is((grep { $_->{key} eq 'sixth' } @lines), 0, 'and no more');
is(usage($admin, 'sixth')->{window}{start}, utc(minute()), 'which is new');


# ---- killed between a turn and the file of the window that ended with it

my $seventh = minute();

ask('seventh');
open $lock, '+<', "$dir/archive/names.lock" or die $!;
flock $lock, LOCK_EX;
clock_move(60);
ask('eighth');
$gw->kill();
flock $lock, LOCK_UN;
clock_move(60);
$gw->start();
ok(-s file($seventh), 'two turns: the first is written at the start');
is((grep { $_->{key} eq 'seventh' } archived($seventh)), 1, 'with its key');
is((archived($seventh + 60))[0]{key}, 'eighth', 'the second as ever');


# ---- no place

ask('ninth');
rename "$dir/archive", "$dir/archived";
spew("$dir/archive", '');
clock_move(60);
ok(wait_for(sub {
    $gw->log() =~ /\[crit\] .*archive .* of zone "names" cannot be written/
}), 'an archive that cannot be written is logged');
is(ask('fifth'), 200, 'and all is served');

$gw->stop('QUIT');
delete $ENV{LD_PRELOAD};


# ---- configurations

for my $case (
    [ 'names keys=1 window=total archive=x',
      'has "archive" and a window without end' ],
    [ 'a/b keys=1 archive=x', 'has "archive" and a name that no file' ],
    [ 'names keys=1 archive=', 'invalid parameter "archive="' ],
) {
    my $bad = Wgw->new("wgw_meter_zone $case->[0];\nevents { }\n",
                       meter_modules());
    my ($status, $output) = $bad->run('-t');

    ok($status != 0, "$case->[0]");
    like($output, qr/\Q$case->[1]\E/, $case->[1]);
}

done_testing();


sub ask {
    my ($key, $cap) = @_;

    my $path = '/?k=' . $key . ($cap ? "&cap=$cap" : '');

    return http_get($http, $path)->{status};
}


sub minute { return clock_now() - clock_now() % 60 }

sub utc { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime shift) }


sub file {
    my ($start) = @_;

    return "$dir/archive/names-" . strftime('%Y%m%dT%H%M%SZ', gmtime $start)
           . '.ndjson';
}


sub archived {
    my ($start) = @_;

    wait_for(sub { -e file($start) });
    ok(-e file($start), 'there is a file of ' . utc($start));

    return map { json($_) } split /\n/, slurp(file($start));
}

