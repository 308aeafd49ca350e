#!/usr/bin/perl

# What ties a kept connection to somebody, or seems to end it: NTLM and
# Negotiate (field 11.23), TLS tickets that come late (field 11.24).

use warnings;
use strict;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Tls;


my $gw = Wgw->new(<<'EOF');
worker_processes 1;
wgw_names names domain=gw.test allow_loopback;

events { }

http {
    access_log off;

    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Connection "";
    proxy_ssl_server_name on;
    proxy_ssl_name $wgw_tls_name;

    upstream wgw { wgw_backend; }

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        location / { proxy_pass $wgw_scheme://wgw; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }
}
EOF

my $dir = $gw->dir();
my (@backends, @pipes);

certificate($dir, 'backend');

system("\${CC:-cc} -O -o '$dir/tickets' t/lib/tickets.c -lssl -lcrypto") == 0
    or die 'cc';

$gw->start();

END { kill 'KILL', @backends if @backends }

sub get {
    my ($name, %option) = @_;

    return http_get($gw->port('HTTP'), $option{path} || '/',
                    host => "$name.gw.test", %option);
}

sub body { return get(@_)->{body} }


# ---- NTLM and Negotiate: the connection is who it was spoken for

my $port = server(sub { my $socket = shift; intranet($socket) });

put_name($gw, 'intranet', { backends => [ "http://127.0.0.1:$port" ] });

like(body('intranet'), qr/^1 nobody 1\n/, 'a connection');
like(body('intranet'), qr/^1 nobody 2\n/, 'is kept');

for my $line ('Authorization: NTLM type3:alice',
              'Authorization: ntlm type3:alice',
              'Authorization: Negotiate type3:alice',
              'Authorization:   Nego2 type3:alice',
              'Proxy-Authorization: NTLM type3:alice')
{
    my ($n) = body('intranet', headers => "$line\r\n") =~ /^(\d+) alice /;

    ok($n, "field 11.23 $line: alice");
    my $other = body('intranet');
    like($other, qr/^\d+ nobody 1\n/, 'and the next client is nobody');
    unlike($other, qr/^$n /, 'on another connection');
}

for my $line ('Authorization: Basic type3:alice',
              'Authorization: Bearer NTLM')
{
    my ($n) = body('intranet', headers => "$line\r\n") =~ /^(\d+) nobody/;
    like(body('intranet'), qr/^$n nobody/, "field 11.23 $line: kept");
}

# said by the backend: also in a list, and in the second of two lines

for my $path (qw(/ntlm /list /second /proxy /late)) {
    my ($n) = body('intranet', path => $path) =~ /^(\d+) /;
    unlike(body('intranet'), qr/^$n /,
           "field 11.23 a backend that asks for it, $path: not kept");
}

for my $path (qw(/basic /quoted)) {
    my ($n) = body('intranet', path => $path) =~ /^(\d+) /;
    like(body('intranet'), qr/^$n /, "field 11.23 other schemes, $path: kept");
}


# ---- tickets of TLS 1.3

for my $when (qw(none before late many)) {
    $port = tickets($when);

    put_name($gw, $when, { backends => [ "https://127.0.0.1:$port" ],
                           tls_verify => JSON::PP::false() });

    for my $n (1 .. 3) {
        is(body($when), "1 $n\n", "field 11.24 tickets $when, request $n: "
                                  . 'one connection');
        sleep 0.1;
    }
}

# bytes that nobody asked for end a connection, wherever they wait to be read

for my $when (qw(answer answer-late closed)) {
    $port = tickets($when);

    put_name($gw, $when, { backends => [ "https://127.0.0.1:$port" ],
                           tls_verify => JSON::PP::false() });

    for my $n (1 .. 3) {
        is(body($when), "$n 1\n", "field 11.24 $when, request $n: "
                                  . 'a connection of its own');
        sleep 0.1;
    }
}

$gw->stop();

done_testing();


# A backend: CODE has each connection in a process of its own, numbered.

my $number;

sub server {
    my ($code) = @_;

    my $listen = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 16)
        or die $@;

    my $pid = fork;

    if ($pid) {
        push @backends, $pid;
        return $listen->sockport();
    }

    $SIG{CHLD} = 'IGNORE';

    for ($number = 1; my $client = $listen->accept(); $number++) {
        next if fork;

        $code->($client);
        POSIX::_exit(0);
    }

    POSIX::_exit(0);
}


sub intranet {
    my ($socket) = @_;

    my ($who, $n) = ('nobody', 0);

    my %lines = (
        '/ntlm' => "WWW-Authenticate: NTLM\r\n",
        '/list' => "WWW-Authenticate: Basic realm=\"a, b\", Negotiate\r\n",
        '/second' => "WWW-Authenticate: Basic realm=a\r\n"
                     . "WWW-Authenticate: negotiate abc\r\n",
        '/proxy' => "Proxy-Authenticate: NTLM\r\n",
        '/late' => "WWW-Authenticate: Negotiate oYG==\r\n",
        '/basic' => "WWW-Authenticate: Basic realm=NTLM\r\n",
        '/quoted' => "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n",
    );

    while (sysread $socket, my $request, 8192) {
        my ($path) = $request =~ /^GET (\S+)/;

        $n++;
        $who = $1 if $request
            =~ /^(?:Proxy-)?Authorization: *(?:NTLM|Nego\S*) type3:(\w+)/im;

        my $body = "$number $who $n\n";
        my $status = $path eq '/' || $path eq '/late' ? '200 OK'
                     : $path eq '/proxy' ? '407 No' : '401 No';

        syswrite $socket, "HTTP/1.1 $status\r\n" . ($lines{$path} // '')
                          . 'Content-Length: ' . length($body)
                          . "\r\n\r\n$body";
    }
}


# The port of t/lib/tickets.c.

sub tickets {
    my ($when) = @_;

    my $pid = open my $pipe, '-|', "$dir/tickets", "$dir/backend.crt",
                   "$dir/backend.key", $when or die "tickets: $!";

    push @backends, $pid;
    push @pipes, $pipe;

    return scalar(<$pipe>) + 0;
}
