#!/usr/bin/perl

# Usage of names: what the route module knows of them beside what was counted.

use warnings;
use strict;

use Test::More;

use Wgw;


my $gw = Wgw->new(<<'EOT');
worker_processes 2;
wgw_names names domain=gw.test allow_loopback;
wgw_meter_zone names keys=100 file=meter;
events { }
http {
    upstream wgw { wgw_backend; }
    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        wgw_meter names $wgw_name cap=$wgw_cap;
        location / { proxy_pass http://wgw; }
    }
    server {
        listen 127.0.0.1:%%BACKEND%%;
        location / { return 200 "hello\n"; }
    }
    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
        location /v1/usage { wgw_usage json; }
        location /metrics { wgw_usage prometheus; }
    }
}
EOT

$gw->start();

my $admin = $gw->port('ADMIN');
my $http = $gw->port('HTTP');
my $backend = 'http://127.0.0.1:' . $gw->port('BACKEND');

sub put {
    my ($name, %member) = @_;

    $member{backends} = [ $backend ];

    return http_get($admin, "/v1/names/$name", method => 'PUT',
                    body => JSON::PP->new->encode(\%member))->{status};
}

sub patch {
    my ($name, $body) = @_;

    return http_get($admin, "/v1/names/$name", method => 'PATCH',
                    body => $body)->{status};
}

sub ask { return http_get($http, '/', host => $_[0]) }

sub denied {
    return json(http_get($admin, '/v1/usage')->{body})->{zones}[0]{denied};
}


# ---- a paused name's refusals are nobody's

is(put('shop', cap_bytes => 100_000), 201, 'a name');
is(ask('shop.gw.test')->{status}, 200, 'is served');

my $before = wait_for(sub {
    my $usage = usage($admin, 'shop.gw.test');
    return $usage && $usage->{requests} == 1 && $usage;
});
my $denied = denied();

is(patch('shop', '{"state":"paused"}'), 200, 'paused');

my $reply = ask('shop.gw.test');
is($reply->{status}, 503, 'start 10.8 a paused name');

my $after = wait_for(sub {
    my $now = denied();
    return $now->{requests} > $denied->{requests} && $now;
});

is($after->{requests} - $denied->{requests}, 1, 'is denied, once');
is($after->{sent} - $denied->{sent}, $reply->{received}, 'with its bytes');
is_deeply(usage($admin, 'shop.gw.test'), $before, 'the key has none of it');

is(patch('shop', '{"state":"ok"}'), 200, 'on again');
is(ask('shop.gw.test')->{status}, 200, 'and served');
ok(wait_for(sub { usage($admin, 'shop.gw.test')->{requests} == 2 }),
   'and counted');

$gw->stop();

done_testing();
