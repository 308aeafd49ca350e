#!/usr/bin/perl

# A clock that is wrong ends no window: a leap is believed when it has lasted
# for a minute, and undone when the clock is right again.

use warnings;
use strict;

use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Bytes;
use Wgw::Clock;


my $conf = <<'EOF';
worker_processes 2;
pid logs/nginx.pid;
wgw_meter_zone names file=names.wgw keys=100 window=day archive=archive;

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

my $gw = Wgw->new($conf, meter_modules());
my $dir = $gw->dir();

clock_start($dir) or plan skip_all => 'the clock cannot be moved here';

my $admin = $gw->port('ADMIN');
my $http = $gw->port('HTTP');
my $years = 10 * 365 * 86400;

# an hour into a day

clock_move(86400 + 3600 - clock_now() % 86400);
$gw->start();

my $day = clock_now() - clock_now() % 86400;
my $file = "$dir/archive/names-" . strftime('%Y%m%dT%H%M%SZ', gmtime $day)
         . '.ndjson';

sleep 1.5;
is(ask('a', 500), 200, 'a request') for 1 .. 2;
1 while ask('a', 500) == 200;

my $used = row('a')->{window}{sent};


# ---- two seconds

clock_leap($years);
sleep 2;
is(ask('a', 500), 429, 'field 11.5: a leap: the cap holds');
is(ask('b'), 200, 'another key');
is(row('a')->{window}{start}, utc($day), 'field 11.5: the window is the same');
is(row('a')->{window}{sent}, $used, 'and what was used');
like($gw->log(), qr/\[warn\] .* "names": the clock may be wrong by 31\d+ s, /,
     'field 11.5: in the log');
clock_leap(-$years);
ok(wait_for(sub { $gw->log() =~ /"names": the clock is right again/ }),
   'field 11.5: and that it is right');
sleep 1.5;
is(row('a')->{window}{start}, utc($day), 'field 11.5: no window for years');
is(ask('a', 500), 429, 'and the cap holds');
ok(!-e $file, 'field 11.5: nothing is archived');


# ---- new workers, and a start, in a leap

clock_leap($years);
sleep 1.5;
$gw->reload();
sleep 1.5;
is(ask('a', 500), 429, 'field 11.5: a reload in a leap');
$gw->stop('QUIT');
$gw->start();
sleep 1.5;
is(ask('a', 500), 429, 'field 11.5: a start in a leap');
is(row('a')->{window}{start}, utc($day), 'the same window');
ok(!-e $file, 'field 11.5: nothing is archived');


# ---- it lasts

clock_move(61);
ok(wait_for(sub { $gw->log() =~ /clock has been steady for 60 s and is bel/ }),
   'field 11.5: it lasts: believed');
sleep 1.5;
is(ask('a', 500), 200, 'a new window');
is(ask('c'), 200, 'a new key');

my $row = row('a');

is($row->{last}{sent}, $used, 'field 11.5: what it left is there');
is($row->{last}{start}, utc($day), 'as what it was');
isnt($row->{window}{start}, utc($day), 'and another is in force');
ok(!-e $file, 'field 11.5: which may not have ended');
clock_move(600);
ok(wait_for(sub { -e $file }), 'ten minutes: it is archived');


# ---- and is undone

clock_leap(-$years);
sleep 1.5;
clock_move(61);
ok(wait_for(sub { $gw->log() =~ /"names": the leap of the clock is undone/ }),
   'field 11.5: right again: undone');
sleep 1.5;
$row = row('a');
is($row->{window}{start}, utc($day), 'field 11.5: the window of before');
cmp_ok($row->{window}{sent}, '>', $used, 'field 11.5: with what was used since');
is(ask('a', 500), 429, 'field 11.5: under its cap');
is(row('c')->{window}{sent}, row('c')->{sent}, 'also of the new key');
ok(!-e $file, 'field 11.5: its file was put aside');

my %all = map { $_ => row($_)->{window}{sent} } qw(a b c);

clock_move(86400);
ok(wait_for(sub { -e $file }), 'the day ends');

my %line = map { my $l = json($_); ($l->{key} => $l) }
           grep { !/"class"/ } split /\n/, slurp($file);

is($line{$_}{sent}, $all{$_}, "field 11.5: archived whole: $_") for sort keys %all;
is($line{a}{start}, utc($day), 'of that day');

$gw->stop('QUIT');
delete $ENV{LD_PRELOAD};

done_testing();


sub ask {
    my ($key, $cap) = @_;

    my $path = '/?k=' . $key . ($cap ? "&cap=$cap" : '');

    return http_get($http, $path)->{status};
}


sub row { return usage($admin, $_[0]) }

sub utc { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime shift) }
