#!/usr/bin/perl

# Sign-in while time passes, and while a clock steps.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Auth;
use Wgw::Clock;


# node and its clock are started before that of the gateway is moved
my $wallet = node('wallet');

my $gw = Wgw->new(<<"EOF");
worker_processes 2;
wgw_auth_zone keys=20000;

events { }

http {
    wgw_auth_secret secret;
    wgw_auth_allow $wallet->{address};
    wgw_auth_rate off;

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name gw.test;

        location = /auth { wgw_auth_signin; }
        location = /once { wgw_auth_signin; wgw_auth_uses 1; }
        location /eth { wgw_auth eth; proxy_pass http://127.0.0.1:%%BACK%%; }
        location /v1/auth { wgw_auth_api; }
    }
}
EOF

my $dir = $gw->dir();

spew("$dir/secret", 's' x 32);
chmod 0600, "$dir/secret";
node('backend', port => $gw->port('BACK'));

clock_start($dir) or plan skip_all => 'a clock cannot be moved here';
$gw->start();

# after all workers have seen it: their time is kept for an event

sub move {
    clock_move($_[0]);
    sleep 0.2;
    with_key($gw, '/eth', undef) for 1 .. 8;
}

sub signed {
    my ($path, %field) = @_;

    my $text = message($gw, $wallet->{address}, $path, %field);

    return body_of($text, node('sign', by => 'viem', key => $wallet->{key},
                               text => $text));
}

sub tokens {
    my $reply = http_get($gw->port('HTTP'), '/v1/auth/tokens');

    return scalar @{json($reply->{body})->{tokens}};
}


# ---- a step back

my $key = key_of(signin($gw, $wallet, '/auth'));
move(-10);

my $reply = signin($gw, $wallet, '/auth');
accepted($reply, 'P48: ten seconds back');
cmp_ok($reply->{json}{exp}, '>', time + 60, 'P48: exp is not near');
is(with_key($gw, '/eth', $key)->{status}, 200, 'P48: a key of before');
move(-60);
refused(signin($gw, $wallet, '/auth'), 401,
        'P20: a gateway that is behind by more than the skew');
move(70);


# ---- a message is used once, whatever the clock does

my $body = signed('/auth');
my $lasting = signed('/auth', expires => undef);

accepted(post($gw, '/auth', $_), 'a message') for $body, $lasting;
move(85);
refused(post($gw, '/auth', $body), 401, 'P26: within the skew');
move(15);
refused(post($gw, '/auth', $body), 401, 'P18: after its end');
accepted(post($gw, '/auth', signed('/auth', issued => stamp(clock_now()),
                                   expires => stamp(clock_now() + 60))),
         'others go on, and what has ended may be dropped');
move(-100);
refused(post($gw, '/auth', $_), 401, 'and back: it is still used')
    for $body, $lasting;
move(3500);
refused(post($gw, '/auth', $lasting), 401, 'one without an end, in its hour');
move(-3500);


# ---- keys end

my $once = key_of(signin($gw, $wallet, '/once'));
$key = key_of(signin($gw, $wallet, '/auth'));
is(with_key($gw, '/eth', $once)->{status}, 200, 'one use');

my $listed = tokens();
cmp_ok($listed, '>=', 4, 'keys are listed');

move(3590);
is(with_key($gw, '/eth', $key)->{status}, 200, 'ten seconds before its end');
refused(with_key($gw, '/eth', $once), 403, 'used up until the end',
        like => qr/used up/);
move(15);
refused(with_key($gw, '/eth', $key), 403, 'P58: after its end',
        like => qr/expired/);
refused(with_key($gw, '/eth', $once), 403, 'P58: the other');
is(tokens(), 1, 'only that is listed which was made later');
move(-3605);


# ---- revocations do not

is(with_key($gw, '/eth', $key)->{status}, 200, 'the clock is back');
is(http_get($gw->port('HTTP'), "/v1/auth/addresses/$wallet->{address}",
            method => 'DELETE')->{status}, 204, 'revoked');
refused(with_key($gw, '/eth', $key), 403, 'at once');
move(3590);
refused(with_key($gw, '/eth', $key), 403, 'until its end',
        like => qr/revoked/);
move(-3600);
refused(with_key($gw, '/eth', $key), 403, 'and with the clock back',
        like => qr/revoked/);

$gw->stop();

done_testing();
