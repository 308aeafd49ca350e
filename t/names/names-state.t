#!/usr/bin/perl

# The store under stress: reloads, binary upgrade, a full disk, single
# process mode, another format, changes beside traffic.

use warnings;
use strict;

use File::Spec;
use File::Temp;
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;


my $http = <<'EOF';
http {
    access_log off;
    keepalive_requests 1000000;

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        location / { return 200 "$wgw_name $wgw_cap\n"; }
    }
}
EOF

my $gw = Wgw->new(<<"EOF");
worker_processes 2;
env ASAN_OPTIONS;
wgw_names names domain=gw.test;
events { worker_connections 1024; }
$http
EOF

my $binary = File::Spec->rel2abs($ENV{TEST_NGINX_BINARY}
                                 || 'build/bin/nginx');
my $dir = $gw->dir();

$gw->start();
put('fixed', 1);


# ---- changes beside traffic

my $reader = child(sub {
    my $bad = 0;
    my $socket = connect_to($gw->port('HTTP'));

    while (!-e "$dir/stop") {
        my $reply = exchange(undef,
            "GET / HTTP/1.1\r\nHost: fixed.gw.test\r\n\r\n",
            socket => $socket, until => qr/\r\n\r\n.*\n/);

        $bad++ if $reply !~ /^HTTP\/1\.1 200 .*\nfixed\.gw\.test 1\n$/s;
    }

    return $bad > 255 ? 255 : $bad;
});

my $writer = connect_to($gw->port('ADMIN'));
my ($wrong, $n) = (0, 0);

for my $round (1 .. 100) {
    my @batch = map { "w" . ($_ + 50 * ($round % 7)) } 1 .. 50;

    for my $method (qw(PUT DELETE)) {
        my $body = $method eq 'PUT'
            ? '{"backends":["http://192.0.2.7"],"cap_bytes":7}' : '';

        my ($answers, $count) = ('', 0);

        syswrite $writer, join '', map {
            "$method /v1/names/$_ HTTP/1.1\r\nHost: localhost\r\n"
            . "Content-Length: " . length($body) . "\r\n\r\n$body"
        } @batch;

        while ($count < @batch) {
            sysread $writer, $answers, 65536, length $answers or last;
            $count = () = $answers =~ /\r\n\r\n/g;
        }

        $n += () = $answers =~ /HTTP\/1\.1 20[14] /g;
    }
}

is($n, 10000, 'tf 48: 10,000 adds and deletes');

spew("$dir/stop", '');
is(ended($reader), 0, 'tf 48: no request of another name failed');
unlink "$dir/stop";


# ---- changes by another instance, after the last look of this one's workers

my $beside = Wgw->new(<<"EOF");
wgw_names $dir/names domain=gw.test;
events { }
$http
EOF

my $file = "$dir/names/data.mdb";
my @sizes;

$beside->start();

for (1 .. 2) {
    is(seen('fixed'), 'fixed.gw.test 1', 'a name is looked up');
    put('beside', $_, $beside) for 1 .. 300;
    push @sizes, -s $file;
}

cmp_ok($sizes[1] - $sizes[0], '<', 500_000,
       'pitfalls B1: an idle worker keeps no page from being used again');

$beside->stop();


# ---- reloads under changes

my @writers = map { my $w = $_; child(sub {
    my ($failed, $i) = (0, 0);

    until (-e "$dir/stop") {
        $i++;
        my $reply = http_get($gw->port('ADMIN'), "/v1/names/r$w",
                             method => 'PUT', body => record($i));
        $failed++ if $reply->{status} !~ /^20[01]$/;
        my $seen = seen("r$w");
        $failed++ if $seen ne "r$w.gw.test $i";
    }

    return $failed > 255 ? 255 : $failed;
}) } 1 .. 3;

for (1 .. 6) {
    $gw->reload();
}

spew("$dir/stop", '');
is(ended($_), 0, 'pitfalls H5: no change is lost or stale over reloads')
    for @writers;
unlink "$dir/stop";

my $failed = () = $gw->log() =~ /open socket .* left in connection/g;
is($failed, 0, 'and no connection was left open');


# ---- binary upgrade, which nginx does only as a daemon

$gw->stop('QUIT');

my ($status, $output) = $gw->run('-g', 'daemon on;');
is($status, 0, 'a daemon') or diag($output);

my $old = wait_for(sub { pid('nginx.pid') });
ok(wait_for(sub { children($old) == 2 }), 'with workers');

kill 'USR2', $old;

my $new = wait_for(sub { pid('nginx.pid.oldbin') && pid('nginx.pid') });
ok($new && $new != $old, 'USR2: a second master');
ok(wait_for(sub { children($new) == 2 }), 'with workers');

# connections are accepted by both masters' workers

my ($stale, %served) = (0);

for my $i (1 .. 200) {
    put('both', $i);
    $stale++ if seen('both') ne "both.gw.test $i";
}

is($stale, 0, 'pitfalls B1: 200 changes, none stale in workers of either');

kill 'QUIT', $old;
ok(wait_for(sub { !alive($old) }), 'the old one quits');

put('both', 1000);
is(seen('both'), 'both.gw.test 1000', 'the new one serves and writes');

kill 'TERM', $new;
ok(wait_for(sub { !alive($new) }), 'and ends');
$gw->check_log();


# ---- a check beside it, another format

($status, $output) = $gw->run('-t');
is($status, 0, 'nginx -t of a store that nobody uses');

my $foreign = Wgw->new(<<"EOF");
wgw_names names;
events { }
$http
EOF

mkdir $foreign->dir() . '/names';
spew($foreign->dir() . '/names/data.mdb', 'x' x 8192);

($status, $output) = $foreign->run('-t');
isnt($status, 0, 'a foreign file is refused');
like($output, qr/\[emerg\] names "\.\/names": mdb_env_open\(\) failed/,
     'with its name');
is(slurp($foreign->dir() . '/names/data.mdb'), 'x' x 8192,
   'and stays as it was');


# ---- a store of somebody else

# who may be unable to read the checkout: with copies of what is run

my $copies = File::Temp::tempdir(DIR => $ENV{WGW_TEST_ROOT} || '/tmp',
                                 CLEANUP => 1);
chmod 0755, $copies;
system('cp', $binary, @{$gw->{modules}}, $copies) == 0 or die 'cp';

my $other = Wgw->new(<<"EOF", modules => [ glob "$copies/*.so" ]);
wgw_names names;
events { }
$http
EOF

$other->{binary} = "$copies/nginx";

mkdir $other->dir() . '/names';
chmod 0, $other->dir() . '/names';
chmod 0777, $other->dir(), $other->dir() . '/logs';

for my $arguments ([ '-t' ], [ '-g', 'daemon off;' ]) {
    my $nobody = open my $pipe, '-|';
    die 'fork' if !defined $nobody;

    if (!$nobody) {
        open STDERR, '>&', \*STDOUT;
        $) = $> = getpwnam 'nobody' if $> == 0;
        ($(, $<) = ($), $>);
        $other->exec_nginx(@$arguments);
    }

    $output = do { local $/; <$pipe> };
    close $pipe;

    isnt($?, 0, "@$arguments: another user's store is refused");
    like($output, qr/\[emerg\] names "\.\/names": \w+\(\).* failed \(13: /,
         'with its name');
}


# ---- single process mode

my $single = Wgw->new(<<"EOF");
master_process off;
wgw_names names domain=gw.test;
events { }
$http
EOF

my $pid = fork;
die 'fork' if !defined $pid;
$single->exec_nginx('-g', 'daemon off;') if !$pid;

ok(wait_for(sub { connect_to($single->port('ADMIN')) }), 'single process');

for my $round (1 .. 3) {
    is(http_get($single->port('ADMIN'), '/v1/names/one', method => 'PUT',
                body => record($round))->{status}, $round == 1 ? 201 : 200,
       'a change');
    is(http_get($single->port('HTTP'), '/', host => 'one.gw.test')->{body},
       "one.gw.test $round\n", 'is served');
}

# (nginx itself accepts no more after a reload in this mode)

kill 'TERM', $pid;
ok(wait_for(sub { waitpid($pid, WNOHANG) == $pid }), 'and it ends');
$single->check_log();


# ---- a full disk

{
    my $full = Wgw->new(<<"EOF");
worker_processes 2;
wgw_names disk/names domain=gw.test;
events { }
$http
EOF

    mkdir $full->dir() . '/disk';

    # a limit of the processes' files does for a disk, without mounting

    my $shell = fork;
    die 'fork' if !defined $shell;

    if (!$shell) {
        chdir $full->dir();
        exec 'bash', '-c', 'trap "" XFSZ; ulimit -f 512; exec "$@"', 'bash',
            $binary, '-p', './', '-c', 'nginx.conf', '-g', 'daemon off;'
            or POSIX::_exit(1);
    }

    ok(wait_for(sub { connect_to($full->port('ADMIN')) }), 'a small disk');

    my ($i, $reply) = (0);

    for ($i = 0; $i < 5000; $i++) {
        $reply = http_get($full->port('ADMIN'), "/v1/names/f$i",
                          method => 'PUT',
                          body => '{"backends":["http://192.0.2.7"],'
                          . '"owner":"' . 'x' x 255 . '"}');
        last if $reply->{status} != 201;
    }

    is($reply->{status}, 507, 'full: 507');
    like($reply->{body}, qr/nothing was changed/, 'which says so');
    is(http_get($full->port('ADMIN'), "/v1/names/f$i")->{status}, 404,
       'and nothing was');
    is(http_get($full->port('HTTP'), '/', host => 'f0.gw.test')->{status},
       200, 'the rest is served');
    is(http_get($full->port('ADMIN'), '/v1/names/f0', method => 'DELETE')
       ->{status}, 204, 'and something can be deleted');

    kill 'TERM', $shell;
    ok(wait_for(sub { waitpid($shell, WNOHANG) == $shell }), 'it ends');
    $full->check_log();
}

done_testing();


sub pid {
    my ($file) = @_;

    return slurp("$dir/logs/$file") =~ /^(\d+)$/m ? $1 : 0;
}

sub record {
    return qq({"backends":["http://[2001:db8::10]:8080"],"cap_bytes":$_[0]});
}

sub put {
    my ($name, $cap, $of) = @_;

    my $reply = http_get(($of || $gw)->port('ADMIN'), "/v1/names/$name",
                         method => 'PUT', body => record($cap));

    diag($reply->{raw}) if $reply->{status} !~ /^20[01]$/;
}

sub seen {
    my ($name) = @_;

    my $line = http_get($gw->port('HTTP'), '/', host => "$name.gw.test")
               ->{body};
    chomp $line;

    return $line;
}

sub child {
    my ($code) = @_;

    my $pid = fork;
    die 'fork' if !defined $pid;

    if (!$pid) {
        my $status = $code->();
        POSIX::_exit($status);
    }

    return $pid;
}

sub ended {
    my ($pid) = @_;

    my $gone = wait_for(sub { waitpid($pid, WNOHANG) == $pid }, 60);

    kill 'KILL', $pid if !$gone;

    return $gone ? $? >> 8 : 'did not end';
}
