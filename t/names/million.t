#!/usr/bin/perl

# A million names, 10,000 changes, four workers: a name that was added is
# served by every worker when the API has replied, one that was deleted by
# none, and all that time no request for another name fails.

use warnings;
use strict;

use POSIX ();
use Test::More;

use Wgw;


my $NAMES = 1000000;
my $CHANGES = 10000;
my $WORKERS = 4;

my $gw = Wgw->new(<<'EOF');
worker_processes 4;
wgw_names names domain=gw.test;

events { worker_connections 1024; }

http {
    access_log off;
    keepalive_requests 1000000000;
    client_max_body_size 256m;

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        location / { return 200 "$wgw_name $wgw_cap $pid\n"; }
    }
}
EOF

my $dir = $gw->dir();

$gw->start();

my $record = '"backends":["http://192.0.2.1:80"]';

my $reply = http_get($gw->port('ADMIN'), '/v1/names?replace=true',
    method => 'POST', timeout => 300,
    headers => "Content-Type: application/x-ndjson\r\n",
    body => join '', map { sprintf qq({"name":"n%07d",%s}\n), $_, $record }
            1 .. $NAMES);

is($reply->{status}, 200, 'a million names') or diag($reply->{body});
is(json($reply->{body})->{added}, $NAMES, 'are added');


# ---- beside the changes: names of the million, and one that is not there

my $reader = fork;

if (!$reader) {
    my $socket = connect_to($gw->port('HTTP'));
    my ($asked, $bad) = (0, 0);

    srand 3;

    until (-e "$dir/stop") {
        my $name = sprintf 'n%07d.gw.test', 1 + int rand $NAMES;

        $bad++ if get($socket, $name) !~ /^200 \Q$name\E /;
        $bad++ if get($socket, 'none.gw.test') !~ /^404 /;
        $asked++;
    }

    spew("$dir/read", "$asked $bad");
    POSIX::_exit(0);
}


# ---- a connection to each worker

my %workers;

for (1 .. 1000) {
    my $socket = connect_to($gw->port('HTTP'));
    my ($pid) = get($socket, 'n0000001.gw.test') =~ / (\d+)$/;

    $workers{$pid} ||= $socket;
    last if keys %workers == $WORKERS;
}

is(scalar keys %workers, $WORKERS, 'a connection to each worker');

my $admin = connect_to($gw->port('ADMIN'));
my ($stale, $failed) = (0, 0);

for my $n (1 .. $CHANGES / 2) {
    my $cap = $n + 1;

    $failed++ if change($admin, 'PUT', "x$n", qq({$record,"cap_bytes":$cap}))
                 != 201;

    for (values %workers) {
        $stale++ if get($_, "x$n.gw.test") !~ /^200 x$n\.gw\.test $cap /;
    }

    $failed++ if change($admin, 'DELETE', "x$n") != 204;

    for (values %workers) {
        $stale++ if get($_, "x$n.gw.test") !~ /^404 /;
    }
}

spew("$dir/stop", '');
waitpid $reader, 0;

my ($asked, $bad) = split ' ', slurp("$dir/read");

is($failed, 0, "$CHANGES changes");
is($stale, 0, 'every worker serves each as soon as the API has replied');
cmp_ok($asked, '>', $CHANGES / 10, "$asked requests for others beside them");
is($bad, 0, 'are all answered well');

$gw->stop();

done_testing();


# Status and body of a request on a kept connection.

sub get {
    my ($socket, $name) = @_;

    return ask($socket, "GET / HTTP/1.1\r\nHost: $name\r\n\r\n");
}

sub change {
    my ($socket, $method, $name, $body) = @_;

    $body //= '';

    my $answer = ask($socket, "$method /v1/names/$name HTTP/1.1\r\n"
        . "Host: localhost\r\nContent-Length: " . length($body)
        . "\r\n\r\n$body");

    return (split / /, $answer)[0];
}

sub ask {
    my ($socket, $request) = @_;
    my $answer = '';

    syswrite $socket, $request;

    while (sysread $socket, $answer, 65536, length $answer) {
        my ($head, $body) = split /\r\n\r\n/, $answer, 2;

        next if !defined $body;

        my ($length) = $head =~ /^Content-Length: (\d+)/m;

        next if length $body < ($length || 0);
        chomp $body;

        return (split / /, $head)[1] . " $body";
    }

    return '0 closed';
}
