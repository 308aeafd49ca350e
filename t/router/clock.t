#!/usr/bin/perl

# R26: the router's clock is two minutes behind, or leaps.  Providers with
# patience take its messages, ours among them, and how long a session lasts
# is judged by the time since it came.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Clock;
use Wgw::Router;


# ours: one whose skew is 30 s, as it is by default, and one with patience

my $ours = Wgw->new(<<"EOF");
worker_processes 1;

events { }

http {
    wgw_auth_secret secret;
    wgw_auth_allow $Address;

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name 127.0.0.1;

        location = /patient/auth { wgw_auth_signin; wgw_auth_skew 3m; }
        location = /strict/auth  { wgw_auth_signin; }

        location / { wgw_auth eth; return 200 '{"result":"ours"}'; }
    }
}
EOF

spew($ours->dir() . '/secret', 'a secret of more than sixteen bytes');
chmod 0600, $ours->dir() . '/secret';

my $provider = 'http://127.0.0.1:' . $ours->port('HTTP');

my $gw = Wgw->new(<<"EOF");
worker_processes 2;

events { }

http {
    proxy_http_version 1.1;

    wgw_providers patient {
        signer key;
        provider $provider/ name=patient auth=$provider/patient/auth;
        check off;
    }

    wgw_providers strict {
        signer key;
        provider $provider/ name=strict auth=$provider/strict/auth;
        check off;
    }

    wgw_providers undated {
        signer key;
        provider http://127.0.0.1:%%MOCK%%/ name=undated;
        check off;
    }

    server {
        listen 127.0.0.1:%%HTTP%%;

        location = /patient { wgw_router patient; proxy_pass \$wgw_provider; }
        location = /strict { wgw_router strict; proxy_pass \$wgw_provider; }
        location = /undated { wgw_router undated; proxy_pass \$wgw_provider; }

        location /providers { wgw_router_api; }
    }
}
EOF

spew($gw->dir() . '/key', "0x$Key\n");
chmod 0600, $gw->dir() . '/key';

mock('start', name => 'undated', port => $gw->port('MOCK'));
mock('set', name => 'undated',
     auth => { undated => JSON::PP::true, exp => 600 });

if (!clock_start($gw->dir())) {
    plan skip_all => 'no clock to be moved';
}

clock_leap(-120);
$gw->start();

# the others' are right, the mock's among them
delete @ENV{qw(LD_PRELOAD WGW_CLOCK)};
$ours->start();


is(who(call($gw, '/patient')), 'ours', 'R26: a provider with patience');

my $session = providers_of($gw)->{patient}{sessions}[0];
ok($session->{ends_in} > 3590 && $session->{ends_in} <= 3600,
   "R26: judged by its own Date: $session->{ends_in} s");

is(call($gw, '/strict')->{status}, 502, 'R26: one without refuses');
like($gw->log(), qr/provider "strict" .* is a refusal \(status 401\)/,
     'R26: and that is said');

# without a Date there is nothing but our own clock, by which it is longer
is(who(call($gw, '/undated')), 'undated', 'R26: a reply without Date');
$session = providers_of($gw)->{undated}{sessions}[0];
ok($session->{ends_in} > 710 && $session->{ends_in} <= 720,
   "R26: judged by our clock: $session->{ends_in} s");

# when the provider ends it, it is made anew, and nobody sees that
mock('revoke', name => 'undated');
is(who(call($gw, '/undated')), 'undated', 'R26: and it ends before that');


# ---- the clock is set

my $before = providers_of($gw)->{patient}{sessions}[0];

for my $leap (120, 86400, -90000) {
    clock_leap($leap);
    sleep 0.2;
    is(who(call($gw, '/patient')), 'ours', "R26: the clock leaps by $leap s");
}

my $after = providers_of($gw)->{patient}{sessions}[0];

is($after->{handshakes}, $before->{handshakes}, 'R26: the session stays');
ok($after->{ends_in} <= $before->{ends_in}
   && $after->{ends_in} > $before->{ends_in} - 30,
   'R26: and ends by the time since it came');

$gw->stop();
$ours->stop();

done_testing();
