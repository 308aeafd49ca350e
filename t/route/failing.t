#!/usr/bin/perl

# Which backends fail: as seen by the requests of all workers, until one
# works again.

use warnings;
use strict;

use Test::More;

use Wgw;


my $gw = Wgw->new(<<'EOF');
worker_processes 2;
wgw_names names domain=gw.test allow_loopback;

events { }

http {
    access_log off;
    upstream wgw { wgw_backend; }

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        location / { proxy_pass http://wgw; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }

    server {
        listen 127.0.0.1:%%BACK%%;
        return 200 "here\n";
    }
}
EOF

$gw->start();

my $admin = $gw->port('ADMIN');
my $good = 'http://127.0.0.1:' . $gw->port('BACK');
my $bad = 'http://127.0.0.1:' . free_port();

sub put {
    my ($name, @backends) = @_;

    my $list = join ',', map { qq("$_") } @backends;

    return http_get($admin, "/v1/names/$name", method => 'PUT',
                    body => qq({"backends":[$list]}))->{status};
}

sub failing {
    my ($query) = @_;

    my $reply = http_get($admin, '/v1/names?failing=true' . ($query // ''));

    return json($reply->{body});
}

sub get { return http_get($gw->port('HTTP'), '/', host => $_[0]) }

put('one', $bad);
put('two', $good, $bad);
put('fine', $good);

is_deeply(failing(), { names => [], next => undef }, 'none in the beginning');

is(get('one.gw.test')->{status}, 502, 'a backend that is not there');
is(get('one.gw.test')->{status}, 502, 'twice');
is(get('fine.gw.test')->{status}, 200, 'and one that is');

my $found = failing();

is_deeply([ map { $_->{name} } @{ $found->{names} } ],
          [ 'one.gw.test', 'two.gw.test' ], 'the names that have it');
is($found->{names}[0]{failing}[0]{backend}, $bad, 'it is named');
is($found->{names}[0]{failing}[0]{failures}, 2, 'how often');
cmp_ok($found->{names}[0]{failing}[0]{since}, '<=', 5, 'and when');
is(scalar @{ $found->{names}[1]{failing} }, 1, 'one of two');
is($found->{names}[0]{state}, 'ok', 'with its record');

$found = failing('&limit=1');
is(scalar @{ $found->{names} }, 1, 'a page of one');
is($found->{next}, 'one.gw.test', 'and where it goes on');
is(failing('&after=one.gw.test')->{names}[0]{name}, 'two.gw.test', 'the next');

is(http_get($admin, '/v1/names?failing=yes')->{status}, 400, 'true or not');

# the port comes to life

my $port = ($bad =~ /(\d+)$/)[0];
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5,
    LocalPort => $port, ReuseAddr => 1) or die "$port: $!";

my $child = fork;

if ($child == 0) {
    my $client = $server->accept() or exit 1;
    sysread $client, my $buffer, 4096;
    syswrite $client, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    exit 0;
}

close $server;

is(get('one.gw.test')->{status}, 204, 'it works');
waitpid $child, 0;
is_deeply(failing()->{names}, [], 'none is left');

$gw->stop();

done_testing();
