#!/usr/bin/perl

# wgw_auth_zone: whose room it is, what revoking needs, what a reload keeps,
# and its file.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Auth;


# A client of its own for each test: what it sends is signed beforehand.

my @wallets = map { node('wallet') } 1 .. 4;

sub provider {
    my ($zone, $http) = @_;

    my $gw = Wgw->new(provider_conf($zone, $http));

    spew($gw->dir() . '/secret', 'x' x 32);
    chmod 0600, $gw->dir() . '/secret';

    return $gw;
}

sub provider_conf {
    my ($zone, $http) = @_;

    return <<"EOF";
worker_processes 1;
$zone
events { worker_connections 1024; }
http {
    access_log off;
    wgw_auth_rate off;
    wgw_auth_secret secret;
    wgw_auth_allow any;
    @{[ $http // '' ]}
    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name gw.test;
        location = /auth { wgw_auth_signin; }
        location /eth { wgw_auth eth; return 204; proxy_pass http://127.0.0.1:1; }
        location = /ok { wgw_auth eth; try_files /none =204; }
        location /v1/auth { wgw_auth_api; }
    }
}
EOF
}

sub statuses {
    my ($gw, $n, @wallets) = @_;

    my %of;
    my $last;

    for my $i (1 .. $n) {
        $last = signin($gw, $wallets[$i % @wallets], '/auth');
        $of{$last->{status}}++;
    }

    return (\%of, $last);
}


# ---- one wallet

{
    my $gw = provider('');

    $gw->start();
    my ($of) = statuses($gw, 480, $wallets[0]);
    is_deeply($of, { 200 => 480 },
              'field 11.11: 16 sessions of 30 services start at once');
    $gw->stop();
}

{
    my $gw = provider('wgw_auth_zone keys=400;');

    $gw->start();
    my ($of, $last) = statuses($gw, 150, $wallets[0]);
    is_deeply($of, { 200 => 100, 429 => 50 },
              'field 11.11: a wallet has its share of a zone');
    refused($last, 429, 'field 11.11: and is told so', like => qr/too many keys/);
    cmp_ok($last->{headers}{'retry-after'}, '>', 3500,
           'field 11.11: and until when');
    ($of) = statuses($gw, 40, $wallets[1]);
    is_deeply($of, { 200 => 40 }, 'field 11.11: there is room for others');
    like(http_get($gw->port('HTTP'), '/v1/auth/metrics', host => 'gw.test')
             ->{body}, qr/result="wallet_keys"} 50\n/, 'field 11.11: counted');
    $gw->stop();
}

{
    my $gw = provider('wgw_auth_zone keys=400;',
                      'wgw_auth_wallet_keys 3; wgw_auth_wallet_rate 5r/m;');

    $gw->start();

    my $text = message($gw, $wallets[0]{address}, '/auth');
    my $body = body_of($text, node('sign', by => 'viem',
                                   key => $wallets[0]{key}, text => $text));

    accepted(post($gw, '/auth', $body), 'a message');
    refused(post($gw, '/auth', $body), 401, 'field 11.11: sent again')
        for 1 .. 8;
    refused(signin($gw, $wallets[0], '/auth', by => 'viem',
                   uri => 'http://other.test/auth'), 401, 'a bad one')
        for 1 .. 8;

    my ($of) = statuses($gw, 2, $wallets[0]);
    is_deeply($of, { 200 => 2 },
              'field 11.11: which is not charged to who signed it');
    refused(signin($gw, $wallets[0], '/auth'), 429, 'a fourth key',
            like => qr/too many keys/);

    my $reply = signin($gw, $wallets[0], '/auth');
    $reply = signin($gw, $wallets[0], '/auth');
    refused($reply, 429, 'field 11.11: a rate of its own',
            like => qr/too many sign-ins of this address/);
    cmp_ok($reply->{headers}{'retry-after'}, '<=', 13, 'with a time to wait');
    accepted(signin($gw, $wallets[1], '/auth'), 'of nobody else');
    $gw->stop();
}


# ---- files

# A name in the directory that is prepared by somebody else.

{
    my $gw = Wgw->new(<<'EOF');
wgw_auth_zone file=state/tokens keys=200;
wgw_meter_zone names file=state/names keys=200;
events { }
http {
    wgw_auth_deny_methods debug_*;
    wgw_meter names $host;
    server { listen 127.0.0.1:%%HTTP%%; }
}
EOF

    my $dir = $gw->dir();

    mkdir "$dir/state";
    spew("$dir/victim", 'precious');
    symlink '../victim', "$dir/state/tokens.tmp";
    link "$dir/victim", "$dir/state/names.tmp";

    $gw->start();
    is(slurp("$dir/victim"), 'precious',
       'field 11.18: what a temporary name leads to is left alone');
    ok(-f "$dir/state/$_" && !-e "$dir/state/$_.tmp",
       "field 11.18: state/$_ is made all the same") for qw(tokens names);
    $gw->stop();

    chmod 0777, "$dir/state";
    my ($status, $output) = $gw->run('-t');
    isnt($status, 0, 'field 11.18: a directory that everybody may write to');
    like($output, qr/\[emerg\] wgw table "\S+" is in a directory that /,
         'field 11.18: is refused');

    chmod 01777, "$dir/state";
    ($status) = $gw->run('-t');
    is($status, 0, 'field 11.18: but not where names are owned');
    chmod 0755, "$dir/state";
}

done_testing();
