#!/usr/bin/perl

# DELETE ...?close=true: live connections of a name end, in every worker, and
# nobody else's.

use warnings;
use strict;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Tls;


my $backend = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 128)
    or die "listen: $!";
my $at = '127.0.0.1:' . $backend->sockport();

my $gw = Wgw->new(<<'EOF');
worker_processes 2;
wgw_names names domain=gw.test allow_loopback;

events { worker_connections 1024; }

http {
    access_log off;

    upstream wgw { wgw_backend; }

    server {
        listen 127.0.0.1:%%HTTP%% reuseport;
        listen 127.0.0.1:%%TLS%% ssl;
        http2 on;
        ssl_certificate gateway.crt;
        ssl_certificate_key gateway.key;
        wgw_route;

        location / {
            proxy_pass $wgw_scheme://wgw;
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $http_connection;
        }

        location /file { root .; limit_rate 1000; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }
}

stream {
    server {
        listen 127.0.0.1:%%PASS%% reuseport;
        wgw_route;
        proxy_pass $wgw_backend;
    }
}
EOF

my $dir = $gw->dir();

certificate($dir, 'gateway');
spew("$dir/file", 'x' x 1000000);

$gw->start();

my ($http, $pass) = map { $gw->port($_) } qw(HTTP PASS);

# Says yes to an upgrade and echoes; begins a body that does not end; echoes
# what is no HTTP.

my $server = fork;
die 'fork' if !defined $server;

if (!$server) {
    while (my $client = $backend->accept()) {
        next if fork;
        close $backend;
        serve($client);
        POSIX::_exit(0);
    }
}

END {
    my $status = $?;
    kill_all($server) if $server;
    $? = $status;
}


# ---- connections of two names, in both workers

sub names {
    put_name($gw, $_, { backends => [ "http://$at" ] }) for qw(web stay);
    put_name($gw, $_, { backends => [ $at ], tls_passthrough => true })
        for qw(tls keep);
}

sub del {
    my ($name, $args) = @_;

    return http_get($gw->port('ADMIN'), "/v1/names/$name" . ($args || ''),
                    method => 'DELETE')->{status};
}

sub upgrade {
    my ($host) = @_;

    my $socket = connect_to($http);
    print $socket "GET / HTTP/1.1\r\nHost: $host.gw.test\r\n"
        . "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    my $head = exchange($http, '', socket => $socket, until => qr/\r\n\r\n/,
                        timeout => 5);

    return $head =~ /^HTTP\/1.1 101 / ? $socket : undef;
}

sub download {
    my ($host, $path, $version) = @_;

    my $socket = connect_to($http);
    print $socket "GET $path HTTP/$version\r\nHost: $host.gw.test\r\n\r\n";
    my $reply = exchange($http, '', socket => $socket,
                         until => qr/\r\n\r\n.+/s, timeout => 5);

    like($reply, qr/^HTTP\/1\.\d 200 /, "$path begins");

    return $socket;
}

sub session {
    my ($name) = @_;

    my $socket = connect_to($pass);
    my $hello = hello("$name.gw.test");

    syswrite $socket, $hello;
    my $echo = exchange($pass, '', socket => $socket, until => qr/\Q$hello\E/,
                        timeout => 5);

    return $echo eq $hello ? $socket : undef;
}

# Whether it echoes, or has ended; 'silent' if neither.

sub state_of {
    my ($socket, $wait) = @_;

    local $SIG{PIPE} = 'IGNORE';

    my $select = IO::Select->new($socket);
    my $end = time + ($wait || 3);

    syswrite $socket, 'ping';

    while (time < $end) {
        next if !$select->can_read(0.05);
        my $n = sysread $socket, my $bytes, 65536;
        return 'ended' if !$n;
        return 'lives' if $bytes =~ /ping/;
    }

    return 'silent';
}

# Whether the last of these ended, or "N live".  By themselves they do not.

sub ended {
    my (@sockets) = @_;

    my $end = time + 20;
    my $select = IO::Select->new(@sockets);

    while ($select->count() && time < $end) {
        for my $socket ($select->can_read(0.05)) {
            my $n = sysread $socket, my $bytes, 65536;
            $select->remove($socket) if !$n;
        }
    }

    return $select->count() ? $select->count() . ' live' : 'ended';
}

names();

my %before = sockets();

my @upgraded = map { upgrade('web') } 1 .. 8;
my @downloads = ((map { download('web', '/file', '1.1') } 1 .. 4),
                 (map { download('web', '/endless', '1.1') } 1 .. 4));
my @sessions = map { session('tls') } 1 .. 8;
my ($stay, $keep) = (upgrade('stay'), session('keep'));

is(scalar(grep { $_ } @upgraded, @sessions, $stay, $keep), 18, 'all are open');
is(state_of($_), 'lives', 'and live') for $upgraded[0], $sessions[0];

my %with = sockets();

cmp_ok($with{$_}, '>', $before{$_}, 'each worker has some') for keys %with;

is(del('web'), 204, 'without close');
is(del('tls', '?close=false'), 204, 'or with close=false');
sleep 1.3;
is(state_of($_), 'lives', 'they go on') for @upgraded, @sessions;

names();
is(del('web', '?close=true'), 204, 'close=true');
is(ended(@upgraded, @downloads), 'ended', 'ends WebSockets and downloads');
is(del('tls', '?close=true'), 204, 'close=true of a passthrough name');
is(ended(@sessions), 'ended', 'ends its sessions');
is(state_of($_), 'lives', 'but no others') for $stay, $keep;

is(http_get($http, '/', host => 'web.gw.test')->{status}, 404,
   'the name is gone');


# ---- a name that is put again at once

names();

my ($old, $older) = (upgrade('web'), session('tls'));

del($_, '?close=true') for qw(web tls);
names();

my ($new, $newer) = (upgrade('web'), session('tls'));

is(ended($old, $older), 'ended', 'the old ones end');
is(state_of($_, 1.5), 'lives', 'the new ones live') for $new, $newer;
sleep 1.2;
is(state_of($_), 'lives', 'and are not ended later') for $new, $newer;


# ---- how it ends

my $cut = download('web', '/unbounded', '1.0');
del('web', '?close=true');
my ($n, $start) = (1, time);
while ($n && time < $start + 20) { $n = sysread $cut, my $bytes, 65536 }
ok(!defined $n && $!{ECONNRESET},
   'a body without a length ends by a reset: it does not look whole');

names();

my $h2 = open my $curl, '-|', 'curl', '-sk', '--http2', '--max-time', 10,
    '-o', '/dev/null', '-w', '%{http_version} %{exitcode}', '--resolve',
    "web.gw.test:${\$gw->port('TLS')}:127.0.0.1",
    "https://web.gw.test:${\$gw->port('TLS')}/file";
sleep 1;
del('web', '?close=true');
my $said = <$curl> // '';
is($said, '2 92', 'HTTP/2: the stream is reset');

names();


# ---- a reload in between

my $before = upgrade('web');
$gw->reload(old => 'stay');
del('web', '?close=true');
is(ended($before), 'ended', 'an old worker, which drains, ends its as well');


# ---- requests of another form

for my $args ('?close', '?close=1', '?close=true&x=1', '?x=true') {
    is(del('stay', $args), 400, "DELETE $args: refused");
}

is(http_get($gw->port('ADMIN'), '/v1/names/stay?close=true', method => 'PUT',
            body => qq({"backends":["http://$at"]}))->{status}, 400,
   'PUT takes no close');
is(del('none', '?close=true'), 404, 'a name that is not there');
is(state_of($stay), 'lives', 'nothing happened');

# an old worker that is terminated is no good place for open connections

close $_ for $stay, $keep, $new, $newer, $cut;
wait_for(sub { $gw->workers() == 2 });

$gw->stop();

done_testing();


# How many sockets each worker has.

sub sockets {
    my %sockets;

    for my $worker ($gw->workers()) {
        $sockets{$worker} = grep { (readlink $_ // '') =~ /^socket/ }
            glob "/proc/$worker/fd/*";
    }

    return %sockets;
}

sub serve {
    my ($client) = @_;

    my $bytes = '';

    sysread $client, $bytes, 65536;

    if ($bytes =~ /^GET/) {
        if ($bytes =~ /upgrade: /i) {
            syswrite $client, "HTTP/1.1 101 Switching Protocols\r\n"
                . "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n";

        } elsif ($bytes =~ /unbounded/) {
            syswrite $client, "HTTP/1.0 200 OK\r\n\r\nsome";

        } else {
            syswrite $client, "HTTP/1.1 200 OK\r\n"
                . "Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n";
        }

    } else {
        syswrite $client, $bytes;
    }

    while (sysread $client, $bytes, 65536) {
        syswrite $client, $bytes;
    }
}
