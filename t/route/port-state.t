#!/usr/bin/perl

# The TLS port while nginx reloads, is replaced by another binary, or was
# killed.

use warnings;
use strict;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Tls;


my $conf = <<'EOF';
worker_processes 2;
wgw_names names domain=gw.test allow_loopback;

events { worker_connections 1024; }

http {
    access_log off;
    ssl_certificate gateway.crt;
    ssl_certificate_key gateway.key;

    server {
        listen 127.0.0.1:%%INNER%% ssl;
        listen 127.0.0.1:%%DIRECT%% ssl;
        listen unix:%%DIR%%/private/offload.sock ssl;
        wgw_route;
        location / { return 200 "offload $host\n"; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }

    server {
        listen 127.0.0.1:%%BACKEND%% ssl;
        ssl_certificate backend.crt;
        ssl_certificate_key backend.key;
        location / { return 200 "backend $host\n"; }
    }
}

stream {
    server {
        listen 127.0.0.1:%%TLS%%;
        wgw_route offload=127.0.0.1:%%INNER%%;
        proxy_pass $wgw_backend;
    }

    server {
        listen 127.0.0.1:%%UNIX%%;
        wgw_route offload=unix:%%DIR%%/private/offload.sock;
        proxy_pass $wgw_backend;
    }
}
EOF

my $gw = Wgw->new($conf =~ s/%%DIR%%/./gr);
my $dir = $gw->dir();

$gw->configure($conf =~ s/%%DIR%%/$dir/gr);

# nobody else has a way to a socket that nginx makes with mode 0666

mkdir "$dir/private", 0750;

certificate($dir, qw(gateway backend));

# only a daemon is replaced by another binary

my ($status, $output) = $gw->run('-g', 'daemon on;');
is($status, 0, 'a daemon') or diag($output);

my $old = wait_for(sub { pid('nginx.pid') });
ok(wait_for(sub { children($old) == 2 }), 'with workers');
$gw->{pid} = $old;

my ($tls, $direct, $unix) = map { $gw->port($_) } qw(TLS DIRECT UNIX);
my $socket = "$dir/private/offload.sock";

put_name($gw, 'web', { backends => [ 'http://192.0.2.10' ] });
put_name($gw, 'pass', { backends => [ '127.0.0.1:' . $gw->port('BACKEND') ],
                        tls_passthrough => true });


# ---- a unix socket

for my $name (qw(web pass)) {
    is(talk(client($unix, "$name.gw.test"), "$name.gw.test"),
       ($name eq 'web' ? 'offload' : 'backend') . " $name.gw.test",
       "$name: offload to a unix socket in a 0750 folder");
}

$gw->kill();
ok(-S $socket, 'pitfalls B11: a killed nginx leaves its socket');

($status, $output) = $gw->run('-t');
is($status, 0, 'a check') or diag($output);
ok(-S $socket, 'does not touch it');

($status, $output) = $gw->run('-g', 'daemon on;');
is($status, 0, 'the next start replaces it') or diag($output);

$old = wait_for(sub { pid('nginx.pid') });
ok(wait_for(sub { children($old) == 2 }), 'with workers');
$gw->{pid} = $old;

like($gw->log(), qr/\[notice\].* removed "\Q$socket\E"/, 'and says so');
is(talk(client($unix, 'web.gw.test'), 'web.gw.test'), 'offload web.gw.test',
   'and serves');

# a socket that somebody else answers on, and what is no socket

($status, $output) = $gw->run('-g', 'pid other.pid;');
isnt($status, 0, 'a second nginx does not start');
ok(-S $socket, 'nor takes a live socket away');
$gw->expect(qr/bind\(\) to .* failed|still could not bind/);
is(talk(client($unix, 'web.gw.test'), 'web.gw.test'), 'offload web.gw.test',
   'which still serves');

$gw->reload();
ok(-S $socket, 'a reload does not either');

my $file = Wgw->new(<<'EOF');
wgw_names names;
events { }
http { server { listen unix:./file; } }
EOF

spew($file->dir() . '/file', 'precious');
($status, $output) = $file->run('-g', 'daemon on;');
isnt($status, 0, 'no start where a file has the name of a socket');
is(slurp($file->dir() . '/file'), 'precious', 'which stays what it is');

unlike($gw->log() =~ s/.*?removed "//sr, qr/removed "/, 'removed once only');


# ---- a hello that is not complete when its worker is told to end

for my $name (qw(web pass)) {
    my $hello = hello("$name.gw.test");
    my $half = connect_to($tls);
    my $silent = connect_to($tls);

    syswrite $half, substr $hello, 0, 60;
    sleep 0.3;

    $gw->reload(old => 'stay');
    sleep 0.3;

    syswrite $half, substr $hello, 60;
    syswrite $silent, $hello;

    my $who = $name eq 'web' ? qr/gateway/ : qr/backend/;

    like(exchange($tls, '', socket => $half, until => $who, timeout => 5),
         $who, "$name: the rest of a hello after a reload");
    like(exchange($tls, '', socket => $silent, until => $who, timeout => 5),
         $who, "$name: the whole of it after a reload");
}


# ---- new connections all the time

my @ports = ([ web => $tls ], [ pass => $tls ], [ web => $direct ]);
my @clients = map { start_client($_ % 3, @{$ports[$_ % 3]}) } 0 .. 5;

for (1 .. 10) {
    $gw->reload(old => 'stay');
    sleep 0.2;
}

kill 'USR2', $old;

my $new = wait_for(sub { pid('nginx.pid.oldbin') && pid('nginx.pid') });
ok($new && wait_for(sub { children($new) == 2 }), 'USR2: a second master');

kill 'QUIT', $old;
ok(wait_for(sub { !alive($old) }),
   'the first one quits');
sleep 0.3;

my @failed = (0, 0, 0);
my @served = (0, 0, 0);

for my $client (@clients) {
    kill 'TERM', $client->{pid};
    waitpid $client->{pid}, 0;

    my ($served, @why) = split /\n/, slurp($client->{file});

    $served[$client->{kind}] += $served;
    $failed[$client->{kind}] += @why;
    diag("$client->{name}: $_") for @why;
}

cmp_ok($served[$_], '>', 5, 'enough were tried') for 0 .. 2;

is($failed[2], 0, 'in 10 reloads and USR2, "listen ssl" fails none');
is($failed[0], 0, 'and the port none that is handed over');
is($failed[1], 0, 'and none that passes through');

kill 'TERM', $new;
ok(wait_for(sub { !alive($new) }), 'the second one ends');
delete $gw->{pid};
$gw->check_log();

done_testing();


sub pid {
    my ($name) = @_;

    return slurp("$dir/logs/$name") =~ /^(\d+)/ ? $1 : 0;
}

# Opens connections until it is told to end; the file has the number of
# those that were served, then a line for each that was not.

sub start_client {
    my ($kind, $name, $port) = @_;

    my $file = File::Temp->new(DIR => $dir, UNLINK => 0)->filename();
    my $pid = fork;

    die 'fork' if !defined $pid;

    if ($pid) {
        return { pid => $pid, kind => $kind, name => $name, file => $file };
    }

    my ($end, $served, @failed) = (0, 0);
    my $body = $name eq 'web' ? 'offload' : 'backend';

    local $SIG{TERM} = sub { $end = 1 };
    local $SIG{PIPE} = 'IGNORE';

    until ($end) {
        my $client = client($port, "$name.gw.test");
        my $answer = $client ? talk($client, "$name.gw.test") : 'no TLS';

        if ($answer eq "$body $name.gw.test") {
            $served++;

        } elsif (!$end) {
            push @failed, sprintf '%.3f: "%s"', time, $answer;
        }

        sleep 0.002;
    }

    spew($file, join "\n", $served, @failed, '');
    POSIX::_exit(0);
}
