#!/usr/bin/perl

# One TLS port: passthrough by SNI, the rest handed over to http; hellos in
# pieces, and what is no hello.

use warnings;
use strict;

use IO::Select;
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Tls;


my $gw = Wgw->new(<<'EOF');
worker_processes 2;
wgw_names names domain=gw.test address=192.0.2.1 allow_loopback;

events { worker_connections 1024; }

http {
    access_log off;
    ssl_certificate gateway.crt;
    ssl_certificate_key gateway.key;

    server {
        listen 127.0.0.1:%%INNER%% ssl;
        http2 on;
        wgw_route;

        location / {
            return 200 "offload $host $remote_addr:$remote_port $server_protocol\n";
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
        location / { return 200 "backend $host $ssl_server_name\n"; }
    }
}

stream {
    log_format sessions '$wgw_name $status $bytes_received $bytes_sent';
    access_log logs/stream.log sessions;
    proxy_half_close on;

    server {
        listen 127.0.0.1:%%TLS%%;
        listen [::1]:%%TLS%%;
        wgw_route offload=127.0.0.1:%%INNER%%;
        proxy_pass $wgw_backend;
    }

    server {
        listen 127.0.0.1:%%ONLY%%;
        wgw_route;
        proxy_pass $wgw_backend;
    }

    server {
        listen 127.0.0.1:%%SHORT%%;
        preread_timeout 1s;
        wgw_route offload=127.0.0.1:%%INNER%%;
        proxy_pass $wgw_backend;
    }
}
EOF

my $dir = $gw->dir();

certificate($dir, qw(gateway backend));

$gw->start();

my ($tls, $only) = map { $gw->port($_) } qw(TLS ONLY);
my $backend = '127.0.0.1:' . $gw->port('BACKEND');

put_name($gw, 'web', { backends => [ 'http://192.0.2.10' ] });
put_name($gw, 'pass', { backends => [ $backend ], tls_passthrough => true });
put_name($gw, 'rest', { backends => [ $backend ], tls_passthrough => true,
              state => 'paused' });
put_name($gw, 'away', { backends => [ $backend ], tls_passthrough => true,
              addresses => [ '192.0.2.1' ] });
put_name($gw, 'webaway', { backends => [ 'http://192.0.2.10' ],
                 addresses => [ '192.0.2.1' ] });


# ---- who answers

for my $address ('127.0.0.1', '::1') {
    my $client = client($tls, 'web.gw.test', $address);

    is(subject($client), 'gateway', "$address: offload: our certificate");
    like(talk($client, 'web.gw.test'),
         qr/^offload web\.gw\.test \Q$address\E:\d+ HTTP\/1\.1$/,
         "$address: the client's address is kept");

    $client = client($tls, 'pass.gw.test', $address);

    is(subject($client), 'backend', "$address: tf 41: its certificate");
    is(talk($client, 'pass.gw.test'), 'backend pass.gw.test pass.gw.test',
       "$address: passthrough");
}

my $client = client($tls, 'web.gw.test');
like(talk($client, 'web.gw.test'), qr/:${\$client->sockport()} /,
     'the port as well');

is(subject(client($tls, 'PASS.gw.test')), 'backend', 'tf 38: letter case');
is(subject(client($only, 'pass.gw.test')), 'backend', 'without offload');

is(status($tls, 'none.gw.test', 'none.gw.test'), 404,
   'tf 40: unknown SNI: our certificate and 404');
is(status($tls, '', 'web.gw.test'), 200, 'no SNI: by Host');
is(status($tls, '', 'pass.gw.test'), 404, 'tf 40: no SNI, passthrough Host');
is(status($tls, 'web.gw.test', 'pass.gw.test'), 421,
   'tf 46: SNI of one, Host of a passthrough name');
is(talk(client($tls, 'pass.gw.test'), 'web.gw.test'),
   'backend web.gw.test pass.gw.test',
   'tf 47: an offload name by a passthrough SNI reaches that backend only');

ok(!client($only, 'none.gw.test'), 'unknown without offload: closed');
ok(!client($only, 'web.gw.test'), 'as is an http name');
ok(!client($tls, 'rest.gw.test'), 'a paused name: closed');

is(subject(client($tls, 'away.gw.test')), 'gateway',
   'tf 27: not on this address: as if unknown');
is(status($tls, 'webaway.gw.test', 'webaway.gw.test'), 404,
   'tf 27: an http name too');


# ---- HTTP/2 and real clients

{
    my $reply = curl('-k', '--http2', '--resolve',
                     "web.gw.test:$tls:127.0.0.1",
                     "https://web.gw.test:$tls/");

    is($reply->{code}, 200, 'curl over HTTP/2');
    like($reply->{body}, qr/ HTTP\/2\.0$/m, 'is that');
}

like(`openssl s_client -connect 127.0.0.1:$tls -servername pass.gw.test \
          < /dev/null 2> /dev/null`,
     qr/subject=CN ?= ?backend/, 'openssl s_client');


# ---- hellos in pieces

my $hello = hello('pass.gw.test');

for my $size (1, 7, 50) {
    like(pieces($tls, $size, $hello), qr/^\x16\x03.*backend/s,
         "tf 41: a hello in pieces of $size bytes");
}

like(pieces($tls, 4000, records($hello, 40)), qr/^\x16\x03.*backend/s,
     'a hello in records of 40 bytes');
like(pieces($tls, 100, hello('pass.gw.test', padding(1700))),
     qr/^\x16\x03.*backend/s, 'a hello of post-quantum size');
like(pieces($tls, 4000, records(hello('pass.gw.test', padding(5000)), 1)),
     qr/^\x16\x03.*backend/s, 'a hello in records of one byte');
like(pieces($tls, 4000, hello('pass.gw.test', padding(12000))),
     qr/^\x16\x03.*backend/s, 'tf 41: a hello of 12 KiB');
like(pieces($tls, 1, hello('web.gw.test')), qr/^\x16\x03.*gateway/s,
     'offload, byte by byte');


# ---- hellos that are unusual

# what GREASE and ECH add has a meaning for the backend only

my $ech = pack('Cnn', 0, 1, 1) . "\x01" . pack('n/a*', 'k' x 32)
    . pack('n/a*', 'p' x 200);

like(pieces($tls, 4000, hello('pass.gw.test', extension(0x3a3a, ''),
                              extension(0xfe0d, $ech),
                              extension(0xfafa, "\0"))),
     qr/^\x16\x03.*backend/s, 'GREASE and ECH: by the outer name');
like(pieces($tls, 4000, hello('web.gw.test', extension(0x3a3a, ''),
                              extension(0xfe0d, $ech))),
     qr/^\x16\x03.*gateway/s, 'offload as well');

for my $port ($tls, $only) {
    my $two = extension(0, server_name('pass.gw.test', 'web.gw.test'));
    my $sni = extension(0, server_name('pass.gw.test'));

    unlike(pieces($port, 4000, hello(undef, $two)), qr/backend|gateway/,
           'two names in the SNI: nobody\'s');
    unlike(pieces($port, 4000, hello('pass.gw.test', $sni)),
           qr/backend|gateway/, 'two SNIs as well');
    unlike(pieces($port, 4000, hello("pass.gw.test\0.web.gw.test")),
           qr/backend|gateway/, 'tf 46: a zero in the name');
    unlike(pieces($port, 4000, sslv2()), qr/backend|gateway/,
           'the hello of SSLv2');
}

is(subject(client($tls, 'pass.gw.test')), 'backend', 'others are served');


# ---- no hello

like(pieces($tls, 1000, "GET / HTTP/1.1\r\nHost: web.gw.test\r\n\r\n"),
     qr/^HTTP\/1\.1 400 .*plain HTTP request was sent to HTTPS port/s,
     'plain HTTP on the TLS port');
is(pieces($only, 1000, "GET / HTTP/1.1\r\nHost: web.gw.test\r\n\r\n"), '',
   'without offload: closed');

my $start = time;

is(pieces($gw->port('SHORT'), 1000, substr($hello, 0, 60), 'open'), '',
   'tf 45: half a hello, then silence: closed');
cmp_ok(time - $start, '>', 0.8, 'after preread_timeout');

# the whole of it takes longer
is(pieces($gw->port('SHORT'), 1, $hello, 'slow'), '',
   'tf 45: a byte now and then: closed');

my @slow = map { connect_to($tls) } 1 .. 200;

for my $n (0 .. 4) {
    syswrite $_, substr $hello, $n, 1 for @slow;

    is(status($tls, 'web.gw.test', 'web.gw.test'), 200,
       'tf 45: served beside 200 slow ones');
}

is_deeply([ IO::Select->new(@slow)->can_read(0) ], [ ], 'which all wait on');
close $_ for @slow;

# preread_timeout is longer than this waits
is(pieces($tls, 1000, substr($hello, 0, 60), 'shut'), '',
   'FIN in the middle of a hello: closed');

is(subject(client($tls, 'pass.gw.test')), 'backend', 'others are served');

my ($worker) = $gw->workers();
my $cpu = (split ' ', slurp("/proc/$worker/stat"))[13];
my @open = map { my $s = connect_to($tls); syswrite $s, substr $hello, 0, 50;
                 $s } 1 .. 20;
sleep 0.5;
cmp_ok((split ' ', slurp("/proc/$worker/stat"))[13] - $cpu, '<', 20,
       'waiting for hellos does not spin');
close $_ for @open;


# ---- bytes

my $blob = join '', map { chr rand 256 } 1 .. 300000;
my $sink = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 4)
    or die "listen: $!";

put_name($gw, 'raw', { backends => [ '127.0.0.1:' . $sink->sockport() ],
             tls_passthrough => true });

my $raw = connect_to($tls);
my $sent = hello('raw.gw.test') . $blob;

my $pid = fork;
die 'fork' if !defined $pid;
if (!$pid) {
    my $n = 0;
    while ($n < length $sent) {
        $n += syswrite $raw, $sent, 4096, $n;
    }
    shutdown $raw, 1;
    POSIX::_exit(0);
}

my $peer = $sink->accept();
my $got = '';
while (sysread $peer, $got, 65536, length $got) { }
waitpid $pid, 0;
ok($got eq $sent, 'tf 41: every byte arrives unchanged, and the end too');

syswrite $peer, reverse $blob;
close $peer;
my $back = '';
while (sysread $raw, $back, 65536, length $back) { }
ok($back eq reverse($blob), 'and the other way, after it');

wait_for(sub { slurp("$dir/logs/stream.log") =~ /^raw/m });
like(slurp("$dir/logs/stream.log"),
     qr/^raw\.gw\.test 200 ${\length $sent} ${\length $blob}$/m,
     'the hello is counted once');


# the other side first

$raw = connect_to($tls);
$sent = hello('raw.gw.test', extension(16, pack 'n/a*', pack 'C/a*',
                                           'acme-tls/1'));
syswrite $raw, $sent;
$peer = $sink->accept();
$got = '';
while (length $got < length $sent) {
    sysread $peer, $got, 65536, length $got or last;
}
ok($got eq $sent, 'tf 53: acme-tls/1 goes to a passthrough name\'s backend');

syswrite $peer, $blob;
shutdown $peer, 1;
$back = '';
while (sysread $raw, $back, 65536, length $back) { }
ok($back eq $blob, 'tf 41: a backend that closes its half');

syswrite $raw, 'and then this';
shutdown $raw, 1;
$got = '';
while (sysread $peer, $got, 65536, length $got) { }
is($got, 'and then this', 'still gets all that comes');


# ---- changes

put_name($gw, 'pass', { backends => [ 'http://192.0.2.10' ] });
is(subject(client($tls, 'pass.gw.test')), 'gateway',
   'a name becomes offloaded at once');

$client = client($tls, 'web.gw.test');
talk($client, 'web.gw.test');
close $client;
$gw->reload();
is(status($tls, 'web.gw.test', 'web.gw.test'), 200, 'after a reload');

$gw->stop();


# ---- beside nginx's own look at the hello, and other servers it finds

my $conf = <<'EOF';
wgw_names names domain=gw.test allow_loopback;
wgw_meter_zone names keys=100;

events { }

http {
    access_log off;
    ssl_certificate gateway.crt;
    ssl_certificate_key gateway.key;

    server {
        listen 127.0.0.1:%%INNER%% ssl;
        location / { return 200 "offload $host\n"; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
        location /v1/usage { wgw_usage json; }
    }

    server {
        listen 127.0.0.1:%%BACKEND%% ssl;
        ssl_certificate backend.crt;
        ssl_certificate_key backend.key;
        location / { return 200 "backend $host\n"; }
    }
}

stream {
    wgw_meter names $ssl_preread_server_name;

    server {
        listen 127.0.0.1:%%TLS%%;
        ssl_preread on;
        wgw_route offload=127.0.0.1:%%INNER%%;
        proxy_pass $wgw_backend;
    }

    %%%SERVERS
}
EOF

my $servers = <<'EOF';
    server {
        listen 127.0.0.1:%%TLS%%;
        server_name own.gw.test;
        proxy_pass 127.0.0.1:%%BACKEND%%;
    }

    server {
        listen 127.0.0.1:%%TLS%%;
        server_name pass.gw.test shut.gw.test;
        wgw_route;
        proxy_pass $wgw_backend;
    }
EOF

my $virtual = $gw->version() ge '1.025005';

$servers = '' if !$virtual;
$conf =~ s/%%%SERVERS/$servers/;

my $beside = Wgw->new($conf);

certificate($beside->dir(), qw(gateway backend));

$beside->start();

my $port = $beside->port('TLS');

put_name($beside, 'pass', { backends => ['127.0.0.1:'
                                         . $beside->port('BACKEND')],
                            tls_passthrough => true });

is(talk(client($port, 'web.gw.test'), 'web.gw.test'), 'offload web.gw.test',
   'ssl_preread: what it has seen is still there for http');
is(talk(client($port, 'pass.gw.test'), 'pass.gw.test'),
   'backend pass.gw.test', 'and for a backend');

SKIP: {
    skip 'nginx has no server_name in stream', 4 if !$virtual;

    is(talk(client($port, 'own.gw.test'), 'own.gw.test'),
       'backend own.gw.test', 'server_name: a server of its own');
    ok(wait_for(sub {
           (usage($beside->port('ADMIN'), 'own.gw.test') // {})->{sent}
       }), 'which is metered');
    ok(!client($port, 'shut.gw.test'),
       'server_name: one without offload: closed');

    my $wrong = Wgw->new(<<'EOF');
wgw_names names;
events { }
stream {
    server { listen 127.0.0.1:%%TLS%%; ssl_preread on; return x; }
    server { listen 127.0.0.1:%%TLS%%; server_name a.test; wgw_route; }
}
EOF

    like(($wrong->run('-t'))[1],
         qr/"wgw_route" in .* is without effect: the default server .* has none/,
         'one whose default server does not look');
}

$beside->stop();


my $ended = Wgw->new(<<'EOF');
wgw_names names;
events { }
stream {
    server {
        listen 127.0.0.1:%%TLS%% ssl;
        ssl_certificate gateway.crt;
        ssl_certificate_key gateway.key;
        wgw_route;
    }
}
EOF

certificate($ended->dir(), 'gateway');
like(($ended->run('-t'))[1],
     qr/"wgw_route" does not go with "listen \.\.\. ssl" in .*nginx\.conf:/,
     'no hello is left where stream ends TLS');


# ---- few connections, and little time

my $few = Wgw->new(<<'EOF');
wgw_names names;
worker_shutdown_timeout 1s;
events { worker_connections 64; }
http {
    access_log off;
    ssl_certificate gateway.crt;
    ssl_certificate_key gateway.key;
    server {
        listen 127.0.0.1:%%INNER%% ssl;
        location / { return 200 "offload\n"; }
    }
}
stream {
    server {
        listen 127.0.0.1:%%TLS%%;
        wgw_route offload=127.0.0.1:%%INNER%%;
    }
}
EOF

certificate($few->dir(), 'gateway');
$few->start();

$port = $few->port('TLS');

my @idle = map {
    my $socket = connect_to($port);
    syswrite $socket, substr $hello, 0, $_ % 2 ? 60 : 0;
    sleep 0.005;
    $socket;
} 1 .. 100;

is(status($port, 'web.gw.test', 'web.gw.test'), 200,
   'tf 45: served when hellos are awaited on all connections there are');

my ($old) = $few->workers();

# sooner than by preread_timeout
$few->reload(old => 'stay');
ok(wait_for(sub { !alive($old) }),
   'an old worker ends after worker_shutdown_timeout');

close $_ for @idle;
$few->stop();


# ---- events that would spin

my $poll = Wgw->new(<<'EOF');
wgw_names names;
events { use poll; }
stream { server { listen 127.0.0.1:%%TLS%%; wgw_route; } }
EOF

my ($status, $output) = $poll->run('-t');
isnt($status, 0, 'pitfalls H6: poll is refused');
like($output, qr/needs\ the\ event\ method "epoll"\ or\ "kqueue",\ not\ "poll"
                 |invalid\ event\ type/x,
     'with a phrase, of nginx itself where it was built without poll');

done_testing();


sub padding {
    my ($size) = @_;

    return extension(21, "\0" x $size);
}

# A hello of SSL 2.0 that offers SSL 3.1.

sub sslv2 {
    my $body = pack('Cnnnn', 1, 0x0301, 3, 0, 16) . "\0\0\x35" . 'c' x 16;

    return pack('n', 0x8000 | length $body) . $body;
}
