#!/usr/bin/perl

# Passthrough and its backends: retries, the memory of failures, the PROXY
# protocol.

use warnings;
use strict;

use IO::Socket::UNIX;
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Tls;


my $gw = Wgw->new(<<'EOF');
worker_processes 2;
wgw_names names domain=gw.test allow_loopback;

events { worker_connections 1024; }

http {
    access_log off;

    upstream wgw { wgw_backend; }

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        location / {
            proxy_pass $wgw_scheme://wgw;
            proxy_connect_timeout 500ms;
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }

    server {
        listen 127.0.0.1:%%BACKEND%% ssl;
        ssl_certificate backend.crt;
        ssl_certificate_key backend.key;
        location / { return 200 "backend\n"; }
    }

    server {
        listen 127.0.0.1:%%PLAIN%%;
        location / { return 200 "plain\n"; }
    }
}

stream {
    log_format sessions '$wgw_name $status [$upstream_addr] $wgw_backend';
    log_format addresses '$remote_addr $server_addr $server_port';
    access_log logs/addresses.log addresses;
    access_log logs/stream.log sessions;
    proxy_connect_timeout 500ms;

    server {
        listen 127.0.0.1:%%TLS%%;
        listen [::1]:%%TLS%%;
        wgw_route;
        proxy_pass $wgw_backend;
    }

    server {
        listen 127.0.0.1:%%ONCE%%;
        wgw_route;
        proxy_pass $wgw_backend;
        proxy_next_upstream off;
    }

    server {
        listen 127.0.0.1:%%ALL%%;
        wgw_route;
        proxy_pass $wgw_backend;
        proxy_protocol on;
    }

    server {
        listen 127.0.0.1:%%BEHIND%% proxy_protocol;
        listen [::1]:%%BEHIND%% proxy_protocol;
        listen unix:behind.sock proxy_protocol;
        set_real_ip_from 127.0.0.1;
        set_real_ip_from ::1;
        set_real_ip_from unix:;
        wgw_route;
        proxy_pass $wgw_backend;
    }

    server {
        listen 127.0.0.1:%%INSIDE%% proxy_protocol;
        set_real_ip_from 127.0.0.1;
        wgw_route;
        proxy_pass $wgw_backend;
        proxy_ssl on;
    }

    map $wgw_backend $mapped {
        ''       127.0.0.1:%%PLAIN%%;
        default  $wgw_backend;
    }

    server {
        listen 127.0.0.1:%%MAPPED%%;
        wgw_route;
        proxy_pass $mapped;
    }

    server {
        listen 127.0.0.1:%%STATIC%%;
        wgw_route;
        proxy_pass 127.0.0.1:%%BACKEND%%;
    }
}
EOF

my $dir = $gw->dir();

certificate($dir, 'backend');

$gw->start();

my $tls = $gw->port('TLS');
my $good = '127.0.0.1:' . $gw->port('BACKEND');

sub through {
    my ($name, $backends, %more) = @_;

    put_name($gw, $name, { backends => $backends, tls_passthrough => true,
                           %more });
}

# The line of the log that one connection makes.

sub session {
    my ($port, $name, $address) = @_;

    my $before = length slurp("$dir/logs/stream.log");

    my $client = client($port, "$name.gw.test", $address);
    my $subject = subject($client);

    undef $client;

    my $line = wait_for(sub {
        my $new = substr slurp("$dir/logs/stream.log"), $before;
        return $new =~ /^(.*)\n/ ? $1 : '';
    });

    return "$subject: $line";
}


# ---- retries

my ($dead1, $dead2, $dead3) = map { '127.0.0.1:' . free_port() } 1 .. 3;

through('one', [ $good ]);
is(session($tls, 'one'), "backend: one.gw.test 200 [$good] $good",
   'one backend, which the log has');

through('dead', [ $dead1 ]);
is(session($tls, 'dead'), "none: dead.gw.test 502 [$dead1] $dead1",
   'one that refuses');
is(session($tls, 'dead'), "none: dead.gw.test 502 [$dead1] $dead1",
   'is tried each time: there is no other');

through('two', [ $dead1, $good ]);
is(session($tls, 'two'),
   "backend: two.gw.test 200 [$dead1, $good] $good",
   'the second, when the first refuses');
is(session($tls, 'two'), "backend: two.gw.test 200 [$good] $good",
   'which is remembered') for 1 .. 8;
like($gw->log(), qr/\[warn\].* backend $dead1 of "two\.gw\.test" failed/,
     'and logged');

through('other', [ $dead1, $good ]);
is(session($tls, 'other'), "backend: other.gw.test 200 [$good] $good",
   'for another name, too');

through('none', [ $dead2, $dead3 ]);
is(session($tls, 'none'), "none: none.gw.test 502 [$dead2, $dead3] $dead3",
   'none that works');
like(session($tls, 'none'),
     qr/^none: none\.gw\.test 502 \[($dead2, $dead3|$dead3, $dead2)\]/,
     'all are tried when all are known to fail');

my $dead4 = '127.0.0.1:' . free_port();

through('once', [ $dead4, $good ]);
is(session($gw->port('ONCE'), 'once'),
   "none: once.gw.test 502 [$dead4] $dead4", 'proxy_next_upstream off');
is(session($gw->port('ONCE'), 'once'),
   "backend: once.gw.test 200 [$good] $good",
   'the next session goes elsewhere');

# a backend that does not answer at all: its queue is full

my $full = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 1)
    or die "listen: $!";
my $slow = '127.0.0.1:' . $full->sockport();
my @filling = map {
    IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $full->sockport(),
                        Blocking => 0)
} 1 .. 4;

sleep 0.2;
through('slow', [ $slow, $good ]);

my $start = time;
is(session($tls, 'slow'), "backend: slow.gw.test 200 [$slow, $good] $good",
   'the second, when the first does not answer');
cmp_ok(time - $start, '>', 0.4, 'after proxy_connect_timeout');
is(session($tls, 'slow'), "backend: slow.gw.test 200 [$good] $good",
   'which is remembered as well');

# http and stream remember together

my $dead5 = '127.0.0.1:' . free_port();
my $plain = '127.0.0.1:' . $gw->port('PLAIN');

put_name($gw, 'web', { backends => [ "http://$dead5", "http://$plain" ] });
is(http_get($gw->port('HTTP'), '/', host => 'web.gw.test')->{body}, "plain\n",
   'http finds out');
through('after', [ $dead5, $good ]);
is(session($tls, 'after'), "backend: after.gw.test 200 [$good] $good",
   'and stream knows');

is(session($gw->port('MAPPED'), 'two'),
   "backend: two.gw.test 200 [$good] $good", '$wgw_backend by a map');
is(session($gw->port('STATIC'), 'one'),
   "backend: one.gw.test 200 [$good] $good", 'a proxy_pass of its own');


# ---- PROXY protocol

my $sink = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 8)
    or die "listen: $!";
my $sink6 = IO::Socket::IP->new(LocalHost => '::1', Listen => 8)
    or die "listen: $!";
my $at = '127.0.0.1:' . $sink->sockport();

# What a backend gets before and of the hello, and the client's own port.

sub received {
    my ($port, $name, $address, $listener) = @_;

    my $client = connect_to($port, $address);
    my $hello = hello("$name.gw.test");

    syswrite $client, $hello;

    my $backend = ($listener || $sink)->accept();
    my $bytes = '';

    while ($bytes !~ /\Q$hello\E\z/ && length $bytes < 4096) {
        sysread $backend, $bytes, 4096, length $bytes or last;
    }

    return (substr($bytes, 0, -length $hello), $client->sockport(),
            substr($bytes, -length $hello) eq $hello);
}

through('proxy', [ $at ], proxy_protocol => true);
through('bare', [ $at ]);
through('proxy6', [ '[::1]:' . $sink6->sockport() ], proxy_protocol => true);

my ($head, $from, $rest) = received($tls, 'proxy');
is($head, "PROXY TCP4 127.0.0.1 127.0.0.1 $from $tls\r\n",
   'PROXY protocol, IPv4');
ok($rest, 'and the hello, whole, after it');

($head, $from, $rest) = received($tls, 'proxy', '::1');
is($head, "PROXY TCP6 ::1 ::1 $from $tls\r\n", 'IPv6');

($head, $from, $rest) = received($tls, 'proxy6', '127.0.0.1', $sink6);
is($head, "PROXY TCP4 127.0.0.1 127.0.0.1 $from $tls\r\n",
   'IPv4 to a backend on IPv6');

($head, $from, $rest) = received($tls, 'bare');
is($head, '', 'none for a name that did not ask');
ok($rest, 'just the hello');

($head, $from, $rest) = received($gw->port('ALL'), 'bare');
like($head, qr/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 $from \d+\r\n$/,
     'nginx\'s own "proxy_protocol on" is for all names');
($head, $from, $rest) = received($gw->port('ALL'), 'proxy');
like($head, qr/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 $from \d+\r\n$/,
     'and not sent twice');

through('proxy', [ $dead1, $at ], proxy_protocol => true);
($head, $from, $rest) = received($tls, 'proxy');
is($head, "PROXY TCP4 127.0.0.1 127.0.0.1 $from $tls\r\n",
   'to the second backend as well');

# behind another proxy: two addresses of one family (field 11.22)

through('proxy', [ $at ], proxy_protocol => true);

sub behind {
    my ($line, $peer) = @_;

    my $client = $peer eq 'unix' ? IO::Socket::UNIX->new("$dir/behind.sock")
                                 : connect_to($gw->port('BEHIND'), $peer);

    syswrite $client, "$line\r\n" . hello('proxy.gw.test');
    my $backend = $sink->accept();
    my $got = readline $backend;

    return $got =~ s/\r\n//r;
}

my $v4 = 'PROXY TCP4 203.0.113.7 192.0.2.1 4711 443';
my $v6 = 'PROXY TCP6 2001:db8::7 2001:db8::1 4711 443';
my $behind = $gw->port('BEHIND');

is(behind($v4, '127.0.0.1'), "PROXY TCP4 203.0.113.7 127.0.0.1 4711 $behind",
   'field 11.22 IPv4 over IPv4');
is(behind($v6, '::1'), "PROXY TCP6 2001:db8::7 ::1 4711 $behind",
   'field 11.22 IPv6 over IPv6');
is(behind($v6, '127.0.0.1'), $v6, 'field 11.22 IPv6 over IPv4');
is(behind($v4, '::1'), $v4, 'field 11.22 IPv4 over IPv6');
is(behind($v4, 'unix'), $v4, 'field 11.22 IPv4 over a unix socket');
is(behind($v6, 'unix'), $v6, 'field 11.22 IPv6 over a unix socket');
is(behind('PROXY TCP6 2001:db8::7 :: 4711 443', '127.0.0.1'),
   'PROXY UNKNOWN', 'field 11.22 nothing to say: UNKNOWN');

ok(wait_for(sub {
       return slurp("$dir/logs/addresses.log")
              =~ /^2001:db8::7 127\.0\.0\.1 $behind$/m;
   }), 'the log has the own address');

{
    my $client = connect_to($gw->port('INSIDE'));
    syswrite $client, "$v6\r\n" . hello('proxy.gw.test');
    my $backend = $sink->accept();

    is(readline($backend) =~ s/\r\n//r, $v6, 'field 11.22 before TLS');
    is(getc $backend, "\x16", 'which follows');
}

my $reply = http_get($gw->port('ADMIN'), '/v1/names/wrong', method => 'PUT',
                     body => '{"backends":["http://192.0.2.1"],'
                             . '"proxy_protocol":true}');
is($reply->{status}, 400, 'refused with an http backend');
is(json($reply->{body})->{field}, 'proxy_protocol', 'by its name');

$gw->stop();

done_testing();
