#!/usr/bin/perl

# One TLS port: passthrough by SNI, the rest handed over to http; hellos in
# pieces, and what is no hello.

use warnings;
use strict;

use IO::Socket::SSL;
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;


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
    preread_timeout 1s;
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

}
EOF

my $dir = $gw->dir();

certificate($_) for qw(gateway backend);

$gw->start();

my ($tls, $only) = map { $gw->port($_) } qw(TLS ONLY);
my $backend = '127.0.0.1:' . $gw->port('BACKEND');

put('web', { backends => [ 'http://192.0.2.10' ] });
put('pass', { backends => [ $backend ], tls_passthrough => $JSON::PP::true });
put('rest', { backends => [ $backend ], tls_passthrough => $JSON::PP::true,
              state => 'paused' });
put('away', { backends => [ $backend ], tls_passthrough => $JSON::PP::true,
              addresses => [ '192.0.2.1' ] });
put('webaway', { backends => [ 'http://192.0.2.10' ],
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

like(`echo | openssl s_client -connect 127.0.0.1:$tls -servername pass.gw.test 2>&1`,
     qr/subject=CN = backend/, 'openssl s_client');


# ---- hellos in pieces

my $hello = hello('pass.gw.test');

for my $size (1, 7, 50) {
    like(pieces($tls, $size, $hello), qr/^\x16\x03.*backend/s,
         "tf 41: a hello in pieces of $size bytes");
}

like(pieces($tls, 4000, records($hello, 40)), qr/^\x16\x03.*backend/s,
     'a hello in records of 40 bytes');
like(pieces($tls, 100, hello('pass.gw.test', 1700)), qr/^\x16\x03.*backend/s,
     'a hello of post-quantum size');
like(pieces($tls, 4000, hello('pass.gw.test', 12000)),
     qr/^\x16\x03.*backend/s, 'tf 41: a hello of 12 KiB');
like(pieces($tls, 1, hello('web.gw.test')), qr/^\x16\x03.*gateway/s,
     'offload, byte by byte');


# ---- no hello

like(pieces($tls, 1000, "GET / HTTP/1.1\r\nHost: web.gw.test\r\n\r\n"),
     qr/^HTTP\/1\.1 400 .*plain HTTP request was sent to HTTPS port/s,
     'plain HTTP on the TLS port');
is(pieces($only, 1000, "GET / HTTP/1.1\r\nHost: web.gw.test\r\n\r\n"), '',
   'without offload: closed');

my $start = time;

is(pieces($tls, 1000, substr($hello, 0, 60), 'open'), '',
   'tf 45: half a hello, then silence: closed');
cmp_ok(time - $start, '>', 0.8, 'after preread_timeout');
cmp_ok(time - $start, '<', 5, 'and no later');

$start = time;
is(pieces($tls, 1, $hello, 'slow'), '', 'tf 45: a byte now and then: closed');
cmp_ok(time - $start, '<', 5, 'when that time is over');

$start = time;
is(pieces($tls, 1000, substr($hello, 0, 60), 'shut'), '',
   'FIN in the middle of a hello: closed');
cmp_ok(time - $start, '<', 0.8, 'at once');

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

put('raw', { backends => [ '127.0.0.1:' . $sink->sockport() ],
             tls_passthrough => $JSON::PP::true });

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


# ---- changes

put('pass', { backends => [ 'http://192.0.2.10' ] });
is(subject(client($tls, 'pass.gw.test')), 'gateway',
   'a name becomes offloaded at once');

$client = client($tls, 'web.gw.test');
talk($client, 'web.gw.test');
close $client;
$gw->reload();
is(status($tls, 'web.gw.test', 'web.gw.test'), 200, 'after a reload');

$gw->stop();


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


sub put {
    my ($name, $record) = @_;

    my $reply = http_get($gw->port('ADMIN'), "/v1/names/$name",
                         method => 'PUT',
                         body => JSON::PP->new->encode($record));

    ok($reply->{status} =~ /^20[01]$/, "put $name")
        or diag($reply->{body});
}

sub client {
    my ($port, $name, $address) = @_;

    return IO::Socket::SSL->new(
        PeerHost => $address || '127.0.0.1', PeerPort => $port, Timeout => 5,
        SSL_verify_mode => SSL_VERIFY_NONE, SSL_hostname => $name
    );
}

sub subject {
    my ($client) = @_;

    return $client ? $client->peer_certificate('commonName') : 'none';
}

# The body, on a connection that stays open.

sub talk {
    my ($client, $host) = @_;

    return 'no connection' if !$client;

    print $client "GET / HTTP/1.1\r\nHost: $host\r\n\r\n";

    my $answer = '';

    while ($answer !~ /\r\n\r\n.*\n/s) {
        sysread $client, $answer, 65536, length $answer or last;
    }

    return $answer =~ /\r\n\r\n(.*)\n/ ? $1 : $answer;
}

sub status {
    my ($port, $name, $host) = @_;

    my $client = client($port, $name) or return 0;

    print $client "GET / HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n";
    my $line = <$client> // '';

    return $line =~ /^HTTP\/1\.1 (\d+)/ ? $1 : 0;
}

# What is answered to bytes sent in pieces; with 'open' the connection is
# then left open, with 'shut' its sending side is closed, 'slow' waits
# between the pieces.

sub pieces {
    my ($port, $size, $bytes, $how) = @_;

    my $socket = connect_to($port) or return 'no connection';
    my ($answer, $end) = ('', time + 5);

    local $SIG{PIPE} = 'IGNORE';

    setsockopt $socket, 6, 1, 1;

    for my $piece (unpack "(a$size)*", $bytes) {
        syswrite $socket, $piece or last;
        sleep($how && $how eq 'slow' ? 0.1 : 0.0005);
        last if time > $end;
    }

    shutdown $socket, 1 if $how && $how eq 'shut';

    my $select = IO::Select->new($socket);

    while (time < $end) {
        next if !$select->can_read(0.1);
        sysread $socket, $answer, 65536, length $answer or last;
        last if $answer =~ /backend|gateway/;
    }

    return $answer;
}

# A TLS 1.2 hello, so that the certificate comes in the clear; `padding`
# bytes of a padding extension.

sub hello {
    my ($name, $padding) = @_;

    my $sni = pack 'n/a*', pack 'Cn/a*', 0, $name;
    my $extensions = pack('nn/a*', 0, $sni)
        . pack('nn/a*', 10, pack 'n/a*', pack 'n*', 23, 24)
        . pack('nn/a*', 11, "\1\0")
        . pack('nn/a*', 13, pack 'n/a*', pack 'n*', 0x0403, 0x0804)
        . pack('nn/a*', 0x0a0a, '');

    $extensions .= pack 'nn/a*', 21, "\0" x $padding if $padding;

    my $body = pack('n', 0x0303) . 'r' x 32 . "\0"
        . pack('n/a*', pack 'n*', 0xc02b, 0xc02c) . "\1\0"
        . pack('n/a*', $extensions);

    my $message = pack('C', 1) . substr(pack('N', length $body), 1) . $body;

    return pack('Cnn/a*', 22, 0x0301, $message);
}

# The same message in records of that size.

sub records {
    my ($hello, $size) = @_;

    return join '', map { pack 'Cnn/a*', 22, 0x0301, $_ }
        unpack "(a$size)*", substr $hello, 5;
}

sub certificate {
    my ($name) = @_;

    system("openssl req -x509 -newkey ec -nodes -days 30 -subj /CN=$name "
           . '-pkeyopt ec_paramgen_curve:prime256v1 '
           . "-keyout $dir/$name.key -out $dir/$name.crt 2> /dev/null") == 0
        or die 'openssl req';
}
