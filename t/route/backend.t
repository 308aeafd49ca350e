#!/usr/bin/perl

# The balancer: several backends, failures, kept connections, and TLS that is
# never shared between names.

use warnings;
use strict;

use POSIX ();
use Test::More;

use Wgw;


my $gw = Wgw->new(<<'EOF');
worker_processes 2;
wgw_names names domain=gw.test allow_loopback;

events { worker_connections 1024; }

http {
    log_format tls '$ssl_server_name $host $connection';

    access_log off;
    keepalive_requests 100000;

    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Connection "";
    proxy_ssl_server_name on;
    proxy_ssl_name $wgw_tls_name;
    proxy_read_timeout 1s;

    upstream wgw { wgw_backend fail_timeout=60s; }
    upstream once { wgw_backend keepalive=0; }
    upstream probing { wgw_backend fail_timeout=2s; }

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        location / { proxy_pass $wgw_scheme://wgw; }
    }

    server {
        listen 127.0.0.1:%%NOREUSE%%;
        wgw_route;
        proxy_ssl_session_reuse off;
        location / { proxy_pass $wgw_scheme://once; }
    }

    server {
        listen 127.0.0.1:%%PROBING%%;
        wgw_route;
        add_header X-Worker $pid;
        location / { proxy_pass $wgw_scheme://probing; }
    }

    server {
        listen 127.0.0.1:%%RESUME%%;
        wgw_route;
        proxy_ssl_protocols TLSv1.2 TLSv1.3;
        location / { proxy_pass $wgw_scheme://once; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }

    server {
        listen 127.0.0.1:%%PLAIN%%;
        location / { return 200 "plain $host $connection\n"; }
    }

    server {
        listen 127.0.0.1:%%SECOND%%;
        location / { return 200 "second $host $connection\n"; }
    }

    server {
        listen 127.0.0.1:%%CLOSES%%;
        keepalive_requests 2;
        location / { return 200 "closes $host $connection\n"; }
    }

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        ssl_certificate backend.crt;
        ssl_certificate_key backend.key;
        access_log logs/tls.log tls;
        location / {
            return 200 "tls $ssl_server_name $host $ssl_session_reused\n";
        }
    }
}
EOF

my $dir = $gw->dir();

certificate('backend', 'DNS:a.gw.test,DNS:b.gw.test,DNS:strict.gw.test,'
            . 'IP:127.0.0.1');
certificate('other', 'DNS:a.gw.test');

my $ca = slurp("$dir/backend.crt");
my $other = slurp("$dir/other.crt");

$gw->start();

my ($http, $noreuse, $resume, $tls) = map { $gw->port($_) }
    qw(HTTP NOREUSE RESUME TLS);


# ---- cleartext

my @plain = map { "http://127.0.0.1:" . $gw->port($_) } qw(PLAIN SECOND);

put('one', { backends => [ $plain[0] ] });
put('two', { backends => [ @plain ] });
put('down', { backends => [ 'http://127.0.0.1:' . free_port() ] });
put('half', { backends => [ 'http://127.0.0.1:' . free_port(), @plain ] });
put('closes', { backends => [ 'http://127.0.0.1:' . $gw->port('CLOSES') ] });

like(body($http, 'one'), qr/^plain one\.gw\.test /, 'tf 37: Host unchanged');

my %seen;
$seen{(split / /, body($http, 'two'))[0]}++ for 1 .. 20;
is(join(' ', sort keys %seen), 'plain second', 'tf 44: both backends used');

is(http_get($http, '/', host => 'down.gw.test')->{status}, 502,
   'tf 44: a backend that refuses: 502');
like(body($http, 'one'), qr/^plain/, 'tf 44: other names unaffected');

my $failed = () = $gw->log() =~ /backend \S+ of "half/g;
is($failed, 0, 'no failure of "half" yet');

my @statuses = map { http_get($http, '/', host => 'half.gw.test')->{status} }
    1 .. 40;
is(scalar(grep { $_ != 200 } @statuses), 0,
   'tf 44: of three backends the dead one is skipped');

$failed = () = $gw->log() =~ /backend \S+ of "half/g;
cmp_ok($failed, '>', 0, 'it was tried');
cmp_ok($failed, '<=', 2, 'and then spared, by both workers');


# ---- a failure is remembered, by all workers, and probed by one request

my $dead = free_port();
put('shared', { backends => [ "http://127.0.0.1:$dead", $plain[0] ] });

my @workers = workers($gw->port('PROBING'));
is(scalar @workers, 2, 'a connection to each worker');

my $failures = 0;

is(ask($workers[0], 'shared'), 200, 'worker A meets the dead backend');
is(failures(), 1, 'and says so');

is(scalar(grep { ask($workers[1], 'shared') != 200 } 1 .. 20), 0,
   'worker B serves');
is(failures(), 0, "worker A's failure spares worker B's requests");

my ($asked, $probes) = (0, 0);
my $end = time + 8;

while (time < $end && $probes < 2) {
    $asked++ for grep { ask($_, 'shared') == 200 } @workers;
    $probes += failures();
    select undef, undef, undef, 0.01;
}

is($probes, 2, 'after fail_timeout it is tried again');
cmp_ok($asked, '>', 100, 'by one request of many, each time');

my $back = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $dead,
                               Listen => 64, ReuseAddr => 1);
my $alive = fork;

if (!$alive) {
    while (my $client = $back->accept()) {
        sysread $client, my $request, 4096;
        syswrite $client, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                          . "Connection: close\r\n\r\nback\n";
    }

    POSIX::_exit(0);
}

my %answers;

for (1 .. 300) {
    $answers{(ask($_, 'shared', 1))}++ for @workers;
    last if ($answers{back} || 0) > 20;
    select undef, undef, undef, 0.02;
}

cmp_ok($answers{back} || 0, '>', 20, 'when it is back, both workers use it');

kill 'KILL', $alive;
waitpid $alive, 0;

my @pairs = pipeline($http, 'GET', map { 'one' } 1 .. 1000);
my %connections = map { (split / /)[2] => 1 } @pairs;
is(scalar @pairs, 1000, '1000 requests of one client');
cmp_ok(scalar keys %connections, '<=', 50,
       'at least 95 % reuse a backend connection');

for my $method (qw(GET POST)) {
    my @bodies = pipeline($http, $method, map { 'closes' } 1 .. 50);

    is(scalar(grep { /^closes/ } @bodies), 50,
       "$method: a kept connection that the backend closed costs nothing");
}

my $silent = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 16);
put('silent', { backends => [ 'http://127.0.0.1:' . $silent->sockport() ] });
is(http_get($http, '/', host => 'silent.gw.test')->{status}, 504,
   'tf 44: a backend that hangs: 504');


# ---- TLS: verification

my $backend = [ "https://127.0.0.1:$tls" ];

put('a', { backends => $backend, tls_ca => $ca });
put('b', { backends => $backend, tls_ca => $ca });
put('loose', { backends => $backend, tls_verify => false() });
put('strict', { backends => $backend });
put('wrong', { backends => $backend, tls_ca => $ca });
put('named', { backends => $backend, tls_ca => $ca,
               tls_name => 'b.gw.test' });
put('ip', { backends => $backend, tls_ca => $ca, tls_name => '127.0.0.1' });
put('foreign', { backends => $backend, tls_ca => $other,
                 tls_name => 'a.gw.test' });

# each is asked after all others, over the same address, several times

my %expected = (
    a => 200, b => 200, loose => 200, strict => 502, wrong => 502,
    named => 200, ip => 200, foreign => 502,
);

for (
    [ $http, 'kept connections' ], [ $noreuse, 'no session reuse' ],
    [ $resume, 'resumed sessions' ],
) {
    my ($port, $what) = @$_;

    for my $round (1 .. 3) {
        for my $name (sort keys %expected) {
            is(http_get($port, '/', host => "$name.gw.test")->{status},
               $expected{$name}, "$what, round $round: $name");
        }
    }
}

ok(scalar(grep { / r$/ } map { body($resume, 'a') } 1 .. 6),
   'sessions are resumed');
like(body($noreuse, 'a'), qr/ \.$/, 'and not where that is off');
like(body($http, 'a'), qr/^tls a\.gw\.test a\.gw\.test /, 'SNI is the name');
like(body($http, 'named'), qr/^tls b\.gw\.test named\.gw\.test /,
     'or the tls_name');

put('loose', { backends => $backend, tls_verify => true() });

for my $port ($http, $noreuse, $resume) {
    is(http_get($port, '/', host => 'loose.gw.test')->{status}, 502,
       'raised verification holds at once');
}

put('a', { backends => $backend, tls_ca => $other });
is(http_get($http, '/', host => 'a.gw.test')->{status}, 502,
   'as does another CA');
put('a', { backends => $backend, tls_ca => $ca });
put('loose', { backends => $backend, tls_verify => false() });


# ---- TLS: two names on one address

for my $pair ([ 'a', 'b' ], [ 'a', 'loose' ]) {
    spew("$dir/logs/tls.log", '');

    my @names = map { $pair->[$_ & 1] } 1 .. 5000;
    my @bodies = pipeline($http, 'GET', @names);

    is(scalar @bodies, 5000, "@$pair: 5000 interleaved requests");

    my (%names, $mixed);

    wait_for(sub { () = slurp("$dir/logs/tls.log") =~ /\n/g; });

    for (split /\n/, slurp("$dir/logs/tls.log")) {
        my ($sni, $host, $connection) = split / /;

        $mixed++ if $sni ne $host;
        $names{$connection}{$host} = 1;
    }

    ok(!$mixed, "@$pair: SNI is always Host");
    is(scalar(grep { keys %$_ > 1 } values %names), 0,
       "@$pair: no connection served two names");
    cmp_ok(scalar keys %names, '<=', 250, "@$pair: connections are reused");
}

$gw->stop();

done_testing();


sub true { return $JSON::PP::true }
sub false { return $JSON::PP::false }

sub put {
    my ($name, $record) = @_;

    my $reply = http_get($gw->port('ADMIN'), "/v1/names/$name",
                         method => 'PUT',
                         body => JSON::PP->new->encode($record));

    ok($reply->{status} =~ /^20[01]$/, "put $name")
        or diag($reply->{body});
}

sub body {
    my ($port, $name) = @_;

    my $body = http_get($port, '/', host => "$name.gw.test")->{body};
    chomp $body;

    return $body;
}

# A kept connection to each worker of this port.

sub workers {
    my ($port) = @_;
    my %workers;

    for (1 .. 200) {
        my $socket = connect_to($port) or die 'no connection';
        my ($pid) = answer($socket, 'one') =~ /^X-Worker: (\d+)/m;

        $workers{$pid} ||= $socket;
        last if keys %workers == 2;
    }

    return values %workers;
}

# The status of a request on a kept connection, or the start of its body.

sub ask {
    my ($socket, $name, $body) = @_;
    my $answer = answer($socket, $name);

    return $answer =~ ($body ? qr/\r\n\r\n(\w+)/ : qr/^HTTP\S+ (\d+)/)
           ? $1 : 0;
}

sub answer {
    my ($socket, $name) = @_;
    my $answer = '';

    syswrite $socket, "GET / HTTP/1.1\r\nHost: $name.gw.test\r\n\r\n";

    until ($answer =~ /\r\n\r\n.*\n/s) {
        sysread $socket, $answer, 65536, length $answer or last;
    }

    return $answer;
}

# How often "shared" failed since the last call.

sub failures {
    my $now = () = $gw->log() =~ /backend \S+ of "shared/g;
    my $new = $now - $failures;

    $failures = $now;

    return $new;
}

# The bodies of requests for these names, on one connection.

sub pipeline {
    my ($port, $method, @names) = @_;

    my $socket = connect_to($port) or die 'no connection';
    my @bodies;

    while (my @batch = splice @names, 0, 50) {
        my $text = join '', map {
            "$method / HTTP/1.1\r\nHost: $_.gw.test\r\n"
            . ($method eq 'POST' ? "Content-Length: 5\r\n\r\nhello" : "\r\n")
        } @batch;

        my $answer = '';
        my @answers;

        syswrite $socket, $text;

        while (@answers < @batch) {
            sysread $socket, $answer, 65536, length $answer or last;
            @answers = $answer =~ /\r\n\r\n([^\r\n]*)\n/g;
        }

        push @bodies, @answers;
    }

    return @bodies;
}

sub certificate {
    my ($name, $names) = @_;

    system("openssl req -x509 -newkey ec -nodes -days 30 -subj /CN=$name "
           . '-pkeyopt ec_paramgen_curve:prime256v1 '
           . "-addext subjectAltName=$names "
           . "-keyout $dir/$name.key -out $dir/$name.crt 2> /dev/null") == 0
        or die 'openssl req';
}
