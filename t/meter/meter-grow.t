#!/usr/bin/perl

# A table of counters grows while it is used, becomes one again at a start,
# and smaller; keys that rest go.  No byte is lost by any of it.

use warnings;
use strict;

use Test::More;

use POSIX qw(_exit);
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Bytes;
use Wgw::Clock;


my $conf = <<'EOF';
worker_processes 2;
pid logs/nginx.pid;
wgw_meter_zone names file=FILE keys=KEYS MORE;
wgw_meter_zone memory keys=KEYS;

events { worker_connections 500; }

http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_meter names $arg_k;
        wgw_meter memory $arg_k;
        location / { return 200 "0123456789"; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
    }
}
EOF

my $gw = Wgw->new(conf(10), meter_modules());
my $dir = $gw->dir();
my $admin = $gw->port('ADMIN');
my $http = $gw->port('HTTP');
my %counted;

$gw->start();

my $small = -s "$dir/names.wgw";


# ---- a reload under load

{
    my @pids = map { load($_) } 1 .. 3;

    sleep 0.5;
    $gw->configure(conf(60));
    $gw->reload();
    gather(@pids);
}

ask("key$_") for 0 .. 29;
same('grown by a reload under load');

is($_->{keys_max}, 60, "zone $_->{zone}: of 60 keys") for zones();
is($_->{keys}, 30, "zone $_->{zone}: each once") for zones();
cmp_ok(-s "$dir/names.wgw", '>', $small, 'the file has grown');
like($gw->log(), qr/\[notice\] .*names.wgw" has grown to 60 keys, in 2 /,
     'that is logged');


# ---- what is only tested changes nothing

{
    my @before = (stat "$dir/names.wgw")[1, 7];

    $gw->configure(conf(1000));
    is(($gw->run('-t'))[0], 0, '-t: more keys');
    $gw->configure(conf(20));

    my ($status, $output) = $gw->run('-t');

    is($status, 0, '-t: fewer keys');
    like($output, qr/\[warn\] .*made with 60 keys: only a start, not a reload/,
         'a warning');

    my @after = (stat "$dir/names.wgw")[1, 7];

    is("@after", "@before", 'the file is as before');
}


# ---- fewer keys at a reload are refused

$gw->expect(qr/was made with keys=60 window=month, the configuration says/);
kill 'HUP', $gw->pid();
ok(wait_for(sub { $gw->log() =~ /says keys=20/ }), 'fewer keys: refused');
ask('key1');
same('and it goes on');


# ---- a start: one segment

$gw->configure(conf(60));
$gw->kill();
$gw->start();
like($gw->log(), qr/names.wgw" was rewritten, 0 keys purged/, 'rewritten');
same('killed, and one segment', 'names');

my $one = -s "$dir/names.wgw";

$gw->stop('QUIT');
$gw->configure(conf(29));

{
    my ($status, $output) = $gw->run();

    ok($status != 0, 'more keys in use than are to be');
    like($output, qr/has more keys in use than the configuration says/, 'why');
    $gw->expect(qr/has more keys in use than the configuration says/);
}

is(-s "$dir/names.wgw", $one, 'the file is as before');

$gw->configure(conf(30));
$gw->start();
cmp_ok(-s "$dir/names.wgw", '<', $one, 'smaller at a start');
same('with all it had', 'names');
$gw->stop('QUIT');

$gw->configure(conf(200));
$gw->start();
cmp_ok(-s "$dir/names.wgw", '>', $one, 'larger at a start');

my $others = other('names');

ask("key$_") for 0 .. 149;
same('with all it had', 'names');
is(other('names'), $others, 'and room');


# ---- killed while it grows

my $keys = 200;

for my $n (1 .. 8) {
    $keys += 3000;
    $gw->configure(conf($keys));
    kill 'HUP', $gw->pid();
    sleep 0.003 * rand 10;

    # it must not fork while its children are looked for
    kill 'STOP', $gw->pid();
    wait_for(sub { slurp('/proc/' . $gw->pid() . '/stat') =~ /\) T / });
    $gw->kill();
    $gw->start();
}

same('killed while it grew, eight times', 'names');
$gw->stop('QUIT');


# ---- two that start at once: one rewrites, both use what it made

{
    my $two = Wgw->new(conf($keys + 100, "$dir/names.wgw"), meter_modules());
    my $first = $http;

    for my $n (1 .. 5) {
        $keys += 100;
        $gw->start();
        $gw->configure(conf($keys));
        $two->configure(conf($keys, "$dir/names.wgw"));
        $gw->reload();
        $gw->stop('QUIT');

        my $pid = fork;
        die "fork: $!" if !defined $pid;

        $two->exec_nginx('-g', 'daemon off; error_log logs/error.log notice;')
            if !$pid;

        $gw->start();
        wait_for(sub { children($pid) == 2 });

        for my $port ($two->port('HTTP'), $first) {
            $http = $port;
            ask("key$_") for 0 .. 9;
        }

        same("$n. two at once", 'names');
        kill 'QUIT', $pid;
        waitpid $pid, 0;
        is($?, 0, 'the other ends');
        $gw->stop('QUIT');
    }

    $two->check_log();
}


# ---- a second master with more keys; only a daemon has one

{
    $gw->run('-g', 'daemon on;');

    my $old = wait_for(sub { pid('nginx.pid') });

    wait_for(sub { children($old) == 2 });
    ask("key$_") for 0 .. 29;
    $gw->configure(conf($keys + 500));
    kill 'USR2', $old;

    my $new = wait_for(sub { pid('nginx.pid.oldbin') && pid('nginx.pid') });

    ok($new && $new != $old, 'USR2: a second master');
    wait_for(sub { children($new) == 2 });
    ask("key$_") for 0 .. 199;
    same('both masters count', 'names');
    like($gw->log(), qr/has grown to @{[$keys + 500]} keys, in 2 segments/,
         'one has more keys');
    kill 'QUIT', $old;
    wait_for(sub { !alive($old) });
    ask("key$_") for 0 .. 199;
    same('one is gone', 'names');
    kill 'QUIT', $new;
    ok(wait_for(sub { !alive($new) }), 'and the other');
    $gw->check_log();
}


# ---- a full disk

SKIP: {
    mkdir "$dir/disk";

    if (system("mount -t tmpfs -o size=1m none $dir/disk 2>/dev/null") != 0) {
        skip 'no tmpfs can be mounted here', 8;
    }

    $gw->configure(conf(100, 'disk/names.wgw'));
    $gw->start();
    %counted = ();
    ask("key$_") for 0 .. 49;

    my $size = -s "$dir/disk/names.wgw";

    $gw->expect(qr/disk\/names.wgw" cannot be grown \(28: No space left/);
    $gw->configure(conf(100_000, 'disk/names.wgw'));
    kill 'HUP', $gw->pid();
    ok(wait_for(sub { $gw->log() =~ /cannot be grown \(28/ }), 'a full disk');
    is(-s "$dir/disk/names.wgw", $size, 'the file is as before');
    ask("key$_") for 0 .. 49;
    same('and it goes on', 'names');

    $gw->configure(conf(2000, 'disk/names.wgw'));
    $gw->reload();
    $gw->stop('QUIT');
    $gw->start();
    like($gw->log(), qr/\[warn\] .*names.wgw" cannot be rewritten \(28/,
         'no room for another file');
    same('the segments are used as they are', 'names');
    $gw->stop('QUIT');

    system("umount $dir/disk") == 0 or die 'umount';
}


# ---- keys that rest

SKIP: {
    skip 'the clock cannot be moved here', 1 if !clock_start($dir);

    clock_move(70 - clock_now() % 60);
    $gw->configure(conf(20, 'rest.wgw',
                        'window=minute purge=2 archive=archive'));
    $gw->start();
    ask('old') for 1 .. 3;
    ask('');

    my $usage = settled($admin, 'old', 3);

    for my $key (qw(new newer newest)) {
        clock_move(60);
        sleep 1.2;
        ask($key);
    }

    $gw->reload();
    ok(usage($admin, 'old'), 'a reload purges nothing');
    $gw->stop('QUIT');
    $gw->start();
    ok(!usage($admin, 'old'), 'idle for two whole windows: gone at a start');
    ok(usage($admin, $_), "$_: stays") for qw(new newer newest);
    is((zones())[0]{unknown}{requests}, 1, 'so does unknown');
    like($gw->log(), qr/rest.wgw" was rewritten, 1 keys purged/, 'logged');

    my ($file) = glob "$dir/archive/names-purged-*.ndjson";
    my @lines = map { json($_) } split /\n/, slurp($file // '');

    is(scalar @lines, 1, 'archived');
    is_deeply($lines[0], {
        zone => 'names', key => 'old', cut => 0, refused => 0,
        map { $_ => $usage->{$_} } qw(sent received requests)
    }, 'with all it counted');

    # without an archive none goes

    $gw->stop('QUIT');
    rename "$dir/archive", "$dir/archived";
    spew("$dir/archive", '');
    clock_move(180);
    $gw->expect(qr/wgw archive .* cannot be written/);

    my ($status, $output) = $gw->run();

    like($output, qr/cannot be written, no key is purged/,
         'without an archive');
    unlink "$dir/archive";
    rename "$dir/archived", "$dir/archive";
    $gw->configure(conf(20, 'rest.wgw', 'window=minute'));
    $gw->start();
    ok(usage($admin, 'new'), 'no key goes');
    $gw->stop('QUIT');
    delete $ENV{LD_PRELOAD};
}


# ---- configurations

for my $case (
    [ 'file=x keys=1 window=total purge=1',
      'has "purge" and a window without end' ],
    [ 'keys=1 purge=1', 'has "purge" without "file"' ],
    [ 'file=x keys=1 purge=0', 'invalid parameter "purge=0"' ],
    [ 'file=x keys=1 purge=4000', 'invalid parameter "purge=4000"' ],
) {
    my $bad = Wgw->new("wgw_meter_zone names $case->[0];\nevents { }\n",
                       meter_modules());
    my ($status, $output) = $bad->run('-t');

    ok($status != 0, $case->[0]);
    like($output, qr/\Q$case->[1]\E/, $case->[1]);
}

done_testing();


sub conf {
    my ($keys, $file, $more) = @_;

    my $text = $conf;

    $file ||= 'names.wgw';
    $more ||= '';
    $text =~ s/KEYS/$keys/g;
    $text =~ s/FILE/$file/;
    $text =~ s/ MORE/ $more/;

    return $text;
}


sub pid {
    my ($name) = @_;

    return slurp("$dir/logs/$name") =~ /^(\d+)/ ? $1 : undef;
}


# What a client got is what was to be counted.

sub ask {
    my ($key) = @_;

    my $got = talk($http, request($key, get('/', close => 1)));

    $counted{$key} += $got->{received};
}


# A process that asks, for two seconds, and leaves what it got in a file.

sub load {
    my ($number) = @_;

    my $pid = fork;
    die "fork: $!" if !defined $pid;

    return $pid if $pid;

    my $end = time + 2;

    srand $number;
    %counted = ();
    ask('key' . int rand 30) while time < $end;
    spew("$dir/load.$$", join "\n", %counted);
    _exit(0);
}


sub gather {
    my (@pids) = @_;

    for my $pid (@pids) {
        waitpid $pid, 0;

        my %more = split /\n/, slurp("$dir/load.$pid");

        $counted{$_} += $more{$_} for keys %more;
    }
}


sub zones {
    return @{json(http_get($admin, '/v1/usage?limit=1')->{body})->{zones}};
}


sub other {
    my ($name) = @_;

    my ($zone) = grep { $_->{zone} eq $name } zones();

    return $zone->{other}{sent};
}


# Keys and `other` have what the client got, no key more than that.

sub same {
    my ($name, @zones) = @_;

    my $want = 0;

    $want += $_ for values %counted;

    for my $zone (@zones ? @zones : qw(names memory)) {
        my ($got, $over, %seen);

        wait_for(sub {
            my $reply = http_get($admin, "/v1/usage?zone=$zone&limit=10000");
            my $page = json($reply->{body});
            my ($self) = grep { $_->{zone} eq $zone } @{$page->{zones}};

            $got = $self->{other}{sent};
            $over = 0;
            %seen = ();

            for my $key (@{$page->{keys}}) {
                $got += $key->{sent};
                $seen{$key->{key}}++;
                $over++ if $key->{sent} > ($counted{$key->{key}} // 0);
            }

            return $got == $want;
        });

        is($got, $want, "$name: all bytes, $zone");
        is($over, 0, 'no key has more than its own');
        is((grep { $_ != 1 } values %seen), 0, 'and each is listed once');
    }
}
