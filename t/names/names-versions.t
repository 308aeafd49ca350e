#!/usr/bin/perl

# Changes of one name that arrive together: each is a version of its own, so
# that If-Match never holds for what another client has replaced.

use warnings;
use strict;

use Test::More;

use Wgw;


my $gw = Wgw->new(<<'CONF');
worker_processes 1;
wgw_names names domain=gw.test sync=on;

events { }

http {
    access_log off;

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }
}
CONF

$gw->start();

my $admin = $gw->port('ADMIN');
my $clients = 20;
my $cap = 0;
my (%versions, $twice, $lost, $statuses);

for my $round (1 .. 50) {
    my @sockets = map { connect_to($admin) or die $! } 1 .. $clients;
    my @caps;

    for my $socket (@sockets) {
        push @caps, ++$cap;
        syswrite $socket, request('PUT', $cap);
    }

    for my $i (0 .. $#sockets) {
        my $reply = http_request($admin, '', socket => $sockets[$i]);
        my $etag = $reply->{headers}{etag} // '';

        $statuses->{$reply->{status}}++;
        $twice++ if $versions{$etag};
        $versions{$etag} = $caps[$i];
    }

    my $reply = http_request($admin, request('GET'));
    my $stored = json($reply->{body})->{cap_bytes};

    $lost++ if $versions{$reply->{headers}{etag}} != $stored;
}

is(delete $statuses->{201}, 1, 'one is new');
is_deeply($statuses, { 200 => 50 * $clients - 1 }, 'all others are changes');
is($twice, undef, 'no ETag was given twice');
is($lost, undef, 'the stored record is the one that its ETag was given for');


# ---- of those that ask for the same version one wins

my %won;

for my $round (1 .. 20) {
    my $etag = http_request($admin, request('GET'))->{headers}{etag};
    my @sockets = map { connect_to($admin) or die $! } 1 .. $clients;

    syswrite $_, request('PUT', ++$cap, "If-Match: $etag\r\n") for @sockets;

    $won{http_request($admin, '', socket => $_)->{status}}++ for @sockets;
}

is_deeply(\%won, { 200 => 20, 412 => 20 * ($clients - 1) },
          'of changes with one If-Match one is made');


# ---- in the order they came

my @sockets = map { connect_to($admin) or die $! } 1 .. $clients;

for my $i (0 .. $#sockets) {
    syswrite $sockets[$i], request($i & 1 ? 'PUT' : 'DELETE', 1);
}

my @order = map { http_request($admin, '', socket => $_)->{status} } @sockets;

is_deeply(\@order, [ map { $_ & 1 ? 201 : 204 } 0 .. $#sockets ],
          'deleted and put again, many times');

$gw->stop();

done_testing();


sub request {
    my ($method, $caps, $headers) = @_;

    my $body = $method eq 'PUT'
        ? qq({"backends":["http://[2001:db8::1]:80"],"cap_bytes":$caps}) : '';

    return "$method /v1/names/one HTTP/1.1\r\nHost: localhost\r\n"
           . "Connection: close\r\n" . ($headers // '')
           . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}
