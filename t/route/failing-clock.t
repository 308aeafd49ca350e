#!/usr/bin/perl

# How long ago a backend failed, after the clock was set back since.

use warnings;
use strict;

use Test::More;

use Wgw;
use Wgw::Clock;


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
}
EOF

if (!clock_start($gw->dir())) {
    plan skip_all => 'no clock to be moved';
}

$gw->start();

my $admin = $gw->port('ADMIN');
my $bad = 'http://127.0.0.1:' . free_port();

sub since {
    my $reply = http_get($admin, '/v1/names?failing=true');

    return json($reply->{body})->{names}[0]{failing}[0]{since};
}

is(http_get($admin, '/v1/names/one', method => 'PUT',
            body => qq({"backends":["$bad"]}))->{status}, 201, 'a name');
is(http_get($gw->port('HTTP'), '/', host => 'one.gw.test')->{status}, 502,
   'a backend that is not there');
cmp_ok(since(), '<', 60, 'has failed just now');

clock_leap(-7200);
ok(wait_for(sub { since() < 60 }), 'also when the clock was set back')
    or diag(since());

clock_leap(7200 + 300);
ok(wait_for(sub { since() >= 300 }), 'and passes as the clock does');

$gw->stop();

done_testing();
