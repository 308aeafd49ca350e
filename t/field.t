#!/usr/bin/perl

# What others report of gateways, libraries and daemons like the parts of this
# one: each report that was tried is a case here, reduced to what it comes to,
# with its kind.  Repositories and numbers are GitHub's.
#
# Where a report was tried that is not here:
#
#     field 11.1 to 11.10     of metering: t/meter/field.t, meter-*.t
#     field 11.11 to 11.21    of sign-in and keys: t/auth/auth-field.t,
#                             auth-lasting.t, auth-zone.t

use warnings;
use strict;

use Test::More;

use IO::Socket::IP;
use POSIX ();
use Time::HiRes qw(sleep time);

use Wgw;


my (%said, @children);

my $gw = Wgw->new(<<'EOF');
worker_processes 1;
wgw_names store domain=gw.test allow_loopback sync=off;
wgw_meter_zone names file=names.wgw keys=1000;

events { }

http {
    access_log off;
    proxy_http_version 1.1;

    upstream names { wgw_backend; }

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        wgw_meter names $wgw_name;
        location / {
            proxy_pass http://names;
            proxy_set_header Host $host;
            proxy_set_header Connection "";
            proxy_read_timeout 2s;
            proxy_next_upstream error timeout invalid_header;
        }
    }

    wgw_providers one {
        provider http://127.0.0.1:%%ODD%%/ name=odd auth=off;
        check off;
        attempts 2 timeout=5s;
    }

    wgw_providers two {
        provider http://127.0.0.1:%%ODD%%/ name=odd auth=off;
        provider http://127.0.0.1:%%GOOD%%/ name=good auth=off priority=1;
        check off;
        attempts 2 timeout=5s;
    }

    server {
        listen 127.0.0.1:%%ROUTER%%;
        location /one { wgw_router one; proxy_pass $wgw_provider; }
        location /two { wgw_router two; proxy_pass $wgw_provider; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
        location /v1/usage { wgw_usage json; }
    }
}
EOF

my $dir = $gw->dir();

backend('GOOD');
backend('ODD');
$gw->start();
put('good', 'GOOD');
put('odd', 'ODD');
put('both', 'ODD', 'GOOD');


# ---- answers that are none

# nginx/nginx 378 ("HTTP/2 000") and 1501: what does not begin as HTTP is taken
# for HTTP/0.9, and passed on without a header.  On a connection that is kept
# it then stands for the answers to whatever is asked next.  Kind: bytes of one
# tenant that count as another one's.

{
    my $forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";

    says('ODD', "odd\r\n$forged");

    my $got = kept(map { [ '/', "$_.gw.test" ] } qw(odd good));

    is($got->[0]{status}, 502, 'field 20.1: an answer that is none: 502');
    is($got->[1]{body}, 'good', 'field 20.1: the next one is of whom it asks');

    $got = kept(map { [ '/', "$_.gw.test" ] } qw(both good));
    is($got->[0]{body}, 'good', 'field 20.1: another backend is asked');
    is($got->[1]{body}, 'good', 'field 20.1: and then the next one');

    is(call('/one')->{status}, 502, 'field 20.1: of a provider: 502');
    is(call('/two')->{body}, 'good', 'field 20.1: another provider is asked');
}


$gw->expect(qr/upstream sent no valid HTTP\/1\.0 header/);
$gw->stop();
kill 'KILL', @children;
waitpid $_, 0 for @children;
done_testing();


# ---- backends: what one says is in a file, which says() writes; without it is
# its name

sub says {
    my ($name, $text) = @_;

    spew("$dir/$name", $text);
}


sub backend {
    my ($name) = @_;

    my $listen = IO::Socket::IP->new(
        LocalHost => '127.0.0.1', LocalPort => $gw->port($name),
        Listen => 64, ReuseAddr => 1) or die $!;
    my $pid = fork // die "fork: $!";

    if ($pid) {
        push @children, $pid;
        return;
    }

    $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);

    while (my $socket = $listen->accept()) {
        my $in = '';

        while ($in !~ /\r\n\r\n/) {
            sysread $socket, $in, 65536, length $in or last;
        }

        my $body = lc $name;

        syswrite $socket, slurp("$dir/$name")
            || "HTTP/1.1 200 OK\r\nContent-Length: " . length($body)
               . "\r\nConnection: close\r\n\r\n$body";
        close $socket;
    }

    POSIX::_exit(0);
}


sub put {
    my ($name, @backends) = @_;

    my $urls = join ',', map { '"http://127.0.0.1:' . $gw->port($_) . '"' }
                         @backends;

    my $reply = http_get($gw->port('ADMIN'), "/v1/names/$name",
        method => 'PUT', body => qq({"backends":[$urls]}));

    die $reply->{raw} if $reply->{status} !~ /^20[01]$/;
}


# ---- clients

# kept([ PATH, HOST ], ...): requests one after the other on one connection; of
# an answer that has no end nothing more is read within a second

sub kept {
    my (@requests) = @_;

    my $socket = connect_to($gw->port('HTTP'));

    return [ map {
        my ($path, $host) = @$_;
        my $raw = exchange(0, "GET $path HTTP/1.1\r\nHost: $host\r\n\r\n",
                           socket => $socket, timeout => 3,
                           until => qr/\r\n0\r\n\r\n\z
                                       |Content-Length:\ (\d+)\r\n.*?\r\n\r\n
                                        (??{ ".{$1}" })\z/sxi);
        my ($status) = $raw =~ m{^HTTP/1\.1 (\d+)};
        my ($body) = $raw =~ /\r\n\r\n(.*)/s;

        { status => $status // 0, body => $body // '', raw => $raw };
    } @requests ];
}


sub call {
    my ($path, $body) = @_;

    return http_get($gw->port('ROUTER'), $path, method => 'POST',
        headers => "Content-Type: application/json\r\n",
        body => $body // '{"jsonrpc":"2.0","id":1,"method":"eth_call"}');
}
