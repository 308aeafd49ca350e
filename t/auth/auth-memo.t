#!/usr/bin/perl

# A key whose MAC a worker remembers is refused as soon as any other.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Auth;


my $one = node('wallet');

my $conf = <<"EOF";
worker_processes 1;
wgw_auth_zone file=zone keys=2000;

events { }

http {
    wgw_auth_secret SECRETS;
    wgw_auth_allow $one->{address};
    wgw_auth_rate off;

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name gw.test;

        location = /auth { wgw_auth_signin eth; }
        location = /three/auth { wgw_auth_signin eth; wgw_auth_uses 3; }
        location /eth { wgw_auth eth; empty_gif; }
        location /not { wgw_auth another; empty_gif; }
        location /its { wgw_auth_secret third; wgw_auth eth; empty_gif; }
        location /v1/auth { wgw_auth_api; }
    }
}
EOF

sub configured {
    my ($secrets, $main) = @_;

    (my $text = $conf) =~ s/SECRETS/$secrets/;

    return ($main // '') . $text;
}

my $gw = Wgw->new(configured('old'));
my $dir = $gw->dir();

for (['old', 'o'], ['new', 'n'], ['third', 't']) {
    spew("$dir/$_->[0]", $_->[1] x 40);
    chmod 0600, "$dir/$_->[0]";
}

$gw->start();

sub status { return with_key($gw, $_[1] || '/eth', $_[0])->{status} }

# a key that is asked for twice is remembered

sub used {
    my ($path) = @_;

    my $key = key_of(signin($gw, $one, $path));

    is(status($key), 200, "a key of $path is good");
    is(status($key), 200, 'and still');

    return $key;
}

sub id_of {
    return node('verify', token => $_[0], secret => 'o' x 40)->{payload}{jti};
}


# one that ends sooner than a sign-in gives any

sub minted {
    my ($secret, $exp) = @_;

    return node('mint', alg => 'HS256', secret => $secret, header => { },
                payload => encoded({
                    iat => time, exp => $exp, sub => $one->{address},
                    jti => 'A' x 22, aud => 'eth',
                }));
}


# ---- revoked, expired, used up

my $key = used('/auth');
my $kept = used('/auth');

is(with_key($gw, '/v1/auth/tokens/' . id_of($key), undef,
            method => 'DELETE')->{status}, 204, 'it is revoked');
refused(with_key($gw, '/eth', $key), 403, 'and refused at once',
        like => qr/revoked/);
is(status($kept), 200, 'another one is not');

$key = used('/three/auth');
is(status($key), 200, 'the third use');
refused(with_key($gw, '/eth', $key), 403, 'is the last',
        like => qr/used up/);

my $short = minted('o' x 40, time + 4);

is(status($short), 200, 'a short one') for 1 .. 2;
ok(wait_for(sub { sleep 0.1; status($short) != 200 }), 'ends');
refused(with_key($gw, '/eth', $short), 403, 'and has expired',
        like => qr/expired/);


# ---- what is asked for besides

is(status($kept, '/not'), 403, 'a key of another service');
is(status($kept, '/its'), 403, 'and of another secret');
is(status($kept), 200, 'where it is good it is so still');


# ---- nothing but the very token

for my $at (0, 40, 60, 120, -44, -43, -2) {
    my $other = $kept;

    substr($other, $at, 1) = substr($other, $at, 1) eq 'A' ? 'B' : 'A';
    is(status($other), 403, "with another byte at $at");
}

# the last digit has two bits that no byte has
my @digits = ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_');
my ($place) = grep { $digits[$_] eq substr $kept, -1 } 0 .. 63;

is(status(substr($kept, 0, -1) . $digits[$place ^ 1]), 403,
   'with other bits that have no meaning');
is(status("${kept}A"), 403, 'longer');
is(status(substr $kept, 0, -1), 403, 'shorter');
is(status($kept), 200, 'and itself');


# ---- secrets

$gw->configure(configured('new old'));
$gw->reload();
is(status($kept), 200, 'after a rotation the old secret is good') for 1 .. 2;

my $fresh = used('/auth');

$gw->configure(configured('new'));
$gw->reload();
refused(with_key($gw, '/eth', $kept), 403, 'until it is taken away',
        like => qr/signature/) for 1 .. 2;
is(status($fresh), 200, 'the new one is');


$gw->stop();

done_testing();
