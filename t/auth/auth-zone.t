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


# ---- what revoking needs

sub id_of {
    my ($key) = @_;

    return node('verify', token => $key, secret => 'x' x 32)->{payload}{jti};
}

sub revoke {
    my ($gw, $what) = @_;

    return http_get($gw->port('HTTP'), "/v1/auth/$what", host => 'gw.test',
                    method => 'DELETE')->{status};
}

sub check { return with_key($_[0], '/ok', $_[1])->{status} }

{
    my $gw = provider('wgw_auth_zone keys=40;', 'wgw_auth_wallet_keys off;');

    $gw->start();

    my @keys = map { key_of(signin($gw, $wallets[$_], '/auth')) } 0 .. 2;
    my ($of) = statuses($gw, 60, $wallets[3]);

    cmp_ok($of->{503}, '>', 0, 'a zone that is full');
    is(revoke($gw, 'tokens/' . id_of($keys[0])), 204,
       'field 11.12: a key is revoked');
    is(revoke($gw, "addresses/$wallets[1]{address}"), 204,
       'field 11.12: an address is revoked');
    is(revoke($gw, 'tokens/' . 'A' x 22), 204,
       'field 11.12: and a key that is not in the list');
    is(join(' ', map { check($gw, $_) } @keys), '403 403 204',
       'field 11.12: these, and no other');
    is(revoke($gw, "addresses/$wallets[3]{address}"), 204,
       'field 11.12: and who filled it');
    $gw->stop();
}


# ---- at once again

{
    my $gw = provider('');

    $gw->start();

    my %of;

    for (1 .. 20) {
        my $old = key_of(signin($gw, $wallets[0], '/auth'));

        revoke($gw, "addresses/$wallets[0]{address}");

        my $reply = signin($gw, $wallets[0], '/auth');

        $of{$reply->{status} . ' ' . check($gw, key_of($reply))}++;
        $of{check($gw, $old)}++;
    }

    is_deeply(\%of, { '200 204' => 20, 403 => 20 },
              'field 11.16: a wallet that was revoked gets a good key at once');
    $gw->stop();
}


# ---- reloads

# A message that was used and a key that was revoked, before; and after.

sub before {
    my ($gw) = @_;

    my $text = message($gw, $wallets[0]{address}, '/auth',
                       expires => stamp(time + 3));
    my $used = body_of($text, node('sign', by => 'viem',
                                   key => $wallets[0]{key}, text => $text));

    accepted(post($gw, '/auth', $used), 'a message');

    my ($dead, $of_dead, $good) = map {
        key_of(signin($gw, $_, '/auth'))
    } @wallets[1, 2, 3];

    is(revoke($gw, 'tokens/' . id_of($dead)), 204, 'a key');
    is(revoke($gw, "addresses/$wallets[2]{address}"), 204, 'and an address');

    return { used => $used, dead => $dead, of_dead => $of_dead,
             good => $good };
}

sub after {
    my ($gw, $was, $name) = @_;

    refused(post($gw, '/auth', $was->{used}), 401,
            "field 11.15: $name: the message", like => qr/used before/);
    is(join(' ', map { check($gw, $was->{$_}) } qw(dead of_dead good)),
       '403 403 204', "field 11.15: $name: the keys");
    accepted(signin($gw, $wallets[0], '/auth'), "$name: another message");
}

{
    my $gw = provider('wgw_auth_zone keys=20;',
                      'wgw_auth_skew 0; wgw_auth_max_age 60;'
                      . 'wgw_auth_wallet_keys off; wgw_auth_ttl 60;');

    $gw->start();

    my $was = before($gw);

    my $text = message($gw, $wallets[1]{address}, '/auth', expires => undef,
                       issued => stamp(time - 57));
    my $open = body_of($text, node('sign', by => 'viem',
                                   key => $wallets[1]{key}, text => $text));
    accepted(post($gw, '/auth', $open), 'a message without an end');

    sleep 4;

    # others take the places of those that have ended

    statuses($gw, 60, $wallets[3]);

    $gw->configure(provider_conf('wgw_auth_zone keys=400;',
                                 'wgw_auth_skew 1h; wgw_auth_max_age 2h;'));
    $gw->reload();
    after($gw, $was, 'more skew and more keys');
    refused(post($gw, '/auth', $open), 401,
            'field 11.15: one without an end', like => qr/used before/);

    my @of = map { signin($gw, $wallets[0], '/auth', expires => $_)->{status} }
        undef, map { stamp(time + $_) } 1, 5, 30, 60;
    is(join(' ', @of), '200 200 200 200 200',
       'field 11.15: new messages are as good as ever');
    $gw->stop();
}

{
    my $gw = provider('');

    $gw->start();

    my $was = before($gw);

    for my $zone (
        'keys=70000', 'file=tokens keys=1000', 'file=other keys=2000',
        'file=tokens keys=1000', 'keys=500',
    ) {
        $gw->configure(provider_conf("wgw_auth_zone $zone;"));
        $gw->reload();
        like($gw->log(), qr/\[notice\].* wgw_auth_zone was taken over, 0 notes/,
             "$zone: said");
        after($gw, $was, $zone);
    }

    # a file of another life

    my $other = provider('wgw_auth_zone file=tokens keys=300;');
    $other->start();
    $other->stop();
    system('cp', $other->dir() . '/tokens', $gw->dir() . '/foreign');
    chmod 0666, $gw->dir() . '/foreign';

    for ([ 'file=foreign keys=300', qr/cannot take over what/ ],
         [ 'keys=3', qr/has too few keys for the \d+ notes/ ])
    {
        my ($zone, $regex) = @$_;

        $gw->configure(provider_conf("wgw_auth_zone $zone;"));
        $gw->expect(qr/\[emerg\]/);
        CORE::kill 'HUP', $gw->pid();
        ok(wait_for(sub { $gw->log() =~ $regex }),
           "field 11.15: $zone: refused");
        after($gw, $was, 'and all is as it was');
    }

    # nothing of it for a while

    $gw->configure('events { } http { server { listen 127.0.0.1:%%HTTP%%; } }');
    $gw->reload();
    $gw->configure(provider_conf(''));
    $gw->reload();
    after($gw, $was, 'without a provider, and with one again');
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
    like($output, qr/\[emerg\] .*wgw table "\S+" is in a directory that /,
         'field 11.18: is refused');

    chmod 01777, "$dir/state";
    ($status) = $gw->run('-t');
    is($status, 0, 'field 11.18: but not where names are owned');
    chmod 0755, "$dir/state";
}

# ---- a file that is shortened while it is used

for my $size (100_000, 4096, 0) {
    my $gw = provider('wgw_auth_zone file=tokens keys=2000;');
    my $dir = $gw->dir();

    $gw->start();

    my $first = signin($gw, $wallets[0], '/auth');
    my $key = key_of($first);
    my @workers = $gw->workers();

    is(with_key($gw, '/ok', $key)->{status}, 204, 'a key');
    truncate "$dir/tokens", $size or die $!;
    ok(wait_for(sub { $gw->log() =~ /\[crit\] .*tokens" was damaged/ }),
       "field 11.7: shortened to $size: in the log");

    refused(with_key($gw, '/ok', $key), 503,
            'field 11.7: a key that cannot be looked up',
            like => qr/cannot be looked up/);
    refused(signin($gw, $wallets[1], '/auth'), 503, 'field 11.7: a sign-in');
    is(http_get($gw->port('HTTP'), "/v1/auth/addresses/$wallets[0]{address}",
                method => 'DELETE')->{status}, 503, 'field 11.7: a revocation');
    is(join(' ', $gw->workers()), "@workers", 'field 11.7: no worker has ended');

    $gw->expect(qr/tokens" (is truncated|is not a wgw table)/);
    CORE::kill 'HUP', $gw->pid();
    ok(wait_for(sub { $gw->log() =~ /tokens" (is truncated|is not a wgw)/ }),
       'a reload is refused');
    $gw->stop();
}

done_testing();
