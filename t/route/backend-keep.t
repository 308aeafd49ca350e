#!/usr/bin/perl

# Kept connections to backends beside other directives of nginx: what they
# may not be used for, and failures that are met on them.

use warnings;
use strict;

use POSIX ();
use Test::More;

use Wgw;


my $gw = Wgw->new(<<'CONF');
worker_processes 1;
wgw_names names domain=gw.test allow_loopback;

events { }

http {
    access_log off;
    log_format backend '$status $wgw_backend $upstream_addr';

    proxy_cache_path cache keys_zone=cache:1m;

    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Connection "";
    proxy_ssl_server_name on;
    proxy_ssl_name $wgw_tls_name;
    proxy_next_upstream error http_503;

    upstream wgw { wgw_backend fail_timeout=60s; }

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;

        location / { proxy_pass $wgw_scheme://wgw; }

        location /logged {
            access_log logs/backend.log backend;
            proxy_pass $wgw_scheme://wgw;
        }

        location /told {
            access_log logs/backend.log backend;
            proxy_set_header X-Backend $wgw_backend;
            proxy_pass $wgw_scheme://wgw;
        }

        location /direct {
            access_log logs/backend.log backend;
            proxy_pass http://$wgw_backend;
        }

        location /grpc { grpc_pass grpc://wgw; }

        location /bound {
            proxy_bind 127.0.0.2;
            proxy_pass $wgw_scheme://wgw;
        }

        location /client {
            proxy_ssl_certificate $wgw_owner.crt;
            proxy_ssl_certificate_key $wgw_owner.key;
            proxy_pass $wgw_scheme://wgw;
        }

        location /cached {
            proxy_cache cache;
            proxy_cache_key $scheme$host$request_uri;
            proxy_cache_valid 1h;
            proxy_pass $wgw_scheme://wgw;
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }

    server {
        listen 127.0.0.1:%%FIRST%%;
        location / { return 200 "first $host $remote_addr $connection\n"; }
        location /bad { return 503; }
    }

    server {
        listen 127.0.0.1:%%SECOND%%;
        location / { return 200 "second $host $remote_addr $connection\n"; }
    }

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        ssl_certificate backend.crt;
        ssl_certificate_key backend.key;
        ssl_verify_client optional_no_ca;
        location / { return 200 "$ssl_client_s_dn $ssl_session_reused\n"; }
    }
}
CONF

my $dir = $gw->dir();

certificate($_) for qw(backend alice bob);

$gw->start();

my $http = $gw->port('HTTP');
my ($first, $second) = map { 'http://127.0.0.1:' . $gw->port($_) }
    qw(FIRST SECOND);


# ---- proxy_bind

put('one', { backends => [ $first ] });

my $kept = body('one', '/');

like($kept, qr/^first one\.gw\.test 127\.0\.0\.1 /, 'a connection');
is(body('one', '/'), $kept, 'is kept');
like(body('one', '/bound'), qr/ 127\.0\.0\.2 /, 'but not for proxy_bind');
is(body('one', '/'), $kept, 'nor is a bound one for others');


# ---- two protocols

my ($port, $backend) = listener();

put('both', { backends => [ "http://127.0.0.1:$port" ] });

is(body('both', '/'), "one\n", 'HTTP/1.1');
is(get('both', '/grpc')->{status}, 502, 'grpc_pass to the same address');
unlike($gw->log(), qr/no connection data found/, 'has a connection of its own');
is(body('both', '/'), "two\n", 'and HTTP/1.1 the one that was kept');

kill 'KILL', $backend;
waitpid $backend, 0;


# ---- $wgw_backend takes no turn of its own

put('turns', { backends => [ $first, $second ] });

for my $path (qw(/logged /told /direct)) {
    spew("$dir/logs/backend.log", '');

    my %turns;
    $turns{(split / /, body('turns', $path))[0]}++ for 1 .. 10;

    is_deeply(\%turns, { first => 5, second => 5 }, "$path: in turn");

    my @lines = wait_for(sub {
        my @found = split /\n/, slurp("$dir/logs/backend.log");
        return @found == 10 ? [ @found ] : undef;
    });

    is(scalar(grep { !/^200 (\S+) \1$/ } @{$lines[0] || [ '' ]}), 0,
       'and the variable has the one that was used');
}


# ---- a failure that is a reply

put('two', { backends => [ $first, $second ] });

my %seen = map { (split / /, body('two', '/'))[0] => 1 } 1 .. 4;
is_deeply([ sort keys %seen ], [ qw(first second) ], 'connections to both');

like(body('two', '/bad'), qr/^second /, '503, and the next one asked');

my $failed = () = $gw->log() =~ /backend \S+ of "two\S+ failed/g;
is($failed, 1, 'a failure on a kept connection is one');

%seen = map { (split / /, body('two', '/'))[0] => 1 } 1 .. 10;
is_deeply([ keys %seen ], [ 'second' ], 'and remembered');


# ---- all backends, of names asked for once

put('*.wild.test', { backends => [ $second, "http://127.0.0.1:"
                                   . $gw->port('ADMIN') ] });

my %statuses;
$statuses{get("n$_.wild.test", '/x')->{status}}++ for 1 .. 20;
is_deeply(\%statuses, { 200 => 10, 404 => 10 },
          'a wildcard: the backends take turns over all its names');


# ---- client certificates

for my $name (qw(alice bob)) {
    put($name, { backends => [ 'https://127.0.0.1:' . $gw->port('TLS') ],
                 tls_name => 'backend.test', tls_verify => JSON::PP::false(),
                 owner => "$dir/$name" });
}

for (1 .. 3) {
    like(body('alice', '/client'), qr/^CN=alice /, "alice's certificate");
    like(body('bob', '/client'), qr/^CN=bob /, "bob's");
}


# ---- a cache, as README says

like(body('one', '/cached'), qr/^first one\.gw\.test /, 'cached');
like(body('two', '/cached'), qr/^second two\.gw\.test /, 'of another name');
is(body('one', '/cached'), body('one', '/cached'), 'and from the cache');

$gw->stop();

done_testing();


sub get {
    my ($name, $path) = @_;

    $name .= '.gw.test' if $name !~ /\./;

    return http_get($http, $path, host => $name);
}

sub body { return get(@_)->{body} }

sub put {
    my ($name, $record) = @_;

    my $reply = http_get($gw->port('ADMIN'), "/v1/names/$name",
                         method => 'PUT',
                         body => JSON::PP->new->encode($record));

    like($reply->{status}, qr/^20[01]$/, "put $name") or diag($reply->{body});
}


# A backend that says, in HTTP/1.1, how many requests the connection has had,
# and ends a connection that begins otherwise.

sub listener {
    my $listen = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 16)
        or die $@;

    my $pid = fork;
    return ($listen->sockport(), $pid) if $pid;

    while (my $client = $listen->accept()) {
        next if fork;

        my @words = qw(one two three);

        while (sysread $client, my $request, 4096) {
            last if $request !~ m{^GET };
            my $body = (shift @words) . "\n";
            syswrite $client, "HTTP/1.1 200 OK\r\nContent-Length: "
                              . length($body) . "\r\n\r\n$body";
        }

        POSIX::_exit(0);
    }

    POSIX::_exit(0);
}


sub certificate {
    my ($name) = @_;

    my @command = (
        'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:prime256v1', '-nodes', '-days', 30,
        '-subj', "/CN=$name", '-keyout', "$dir/$name.key",
        '-out', "$dir/$name.crt"
    );

    system("@command >/dev/null 2>&1") == 0 or die "openssl: $?";
    chmod 0644, "$dir/$name.key";
}
