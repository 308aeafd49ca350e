#!/usr/bin/perl

# What a gateway knows of sign-ins is known to all its workers, and outlives
# them: messages, uses, revocations; and what changes without a restart.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Auth;


my @wallets = map { node('wallet') } 1 .. 4;
my ($one, $two, $three, $four) = @wallets;

my $conf = <<"EOF";
worker_processes 2;
wgw_auth_zone file=tokens keys=20000;

events { worker_connections 1024; }

http {
    access_log off;
    keepalive_timeout 0;
    wgw_auth_rate off;
    wgw_auth_wallet_rate off;
    wgw_auth_secret old;
    wgw_auth_allow $one->{address};
    wgw_auth_allow $two->{address};
    wgw_auth_allow file=list;
    wgw_auth_log logs/audit.log;

    server {
        listen 127.0.0.1:%%HTTP%% reuseport;
        server_name gw.test;

        location = /auth { wgw_auth_signin eth base; }
        location = /ten { wgw_auth_signin eth; wgw_auth_uses 10; }
        location = /raw { wgw_auth_signin; wgw_auth_secret old raw; }
        location /eth { wgw_auth eth; proxy_pass http://127.0.0.1:%%BACK%%; }
        location /checked {
            wgw_auth eth;
            wgw_auth_recheck on;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }
        location /v1/auth { wgw_auth_api; }
    }
}
EOF

my $gw = Wgw->new($conf);
my $dir = $gw->dir();

sub secret { spew("$dir/$_[0]", $_[1]); chmod 0600, "$dir/$_[0]" }

sub list { spew("$dir/list.new", $_[0]); rename "$dir/list.new", "$dir/list" }

secret('old', "the first secret of this test\n");
secret('new', "the second secret of this test\n");
list("# nobody\n");

node('backend', port => $gw->port('BACK'));
$gw->start();

sub signed {
    my ($wallet, $path, %field) = @_;

    my $text = message($gw, $wallet->{address}, $path, %field);

    return body_of($text, node('sign', by => 'viem', key => $wallet->{key},
                               text => $text));
}

sub api {
    my ($method, $path, %option) = @_;

    my $reply = http_get($gw->port('HTTP'), "/v1/auth/$path",
                         host => 'gw.test', method => $method, %option);
    $reply->{json} = $reply->{body} =~ /^\{/ ? json($reply->{body}) : { };

    return $reply;
}

sub status { return with_key($gw, $_[1] || '/eth', $_[0])->{status} }

sub id_of {
    return node('verify', token => $_[0], secret => $_[1])->{payload}{jti};
}


# ---- messages

my @bodies = map { signed($one, '/auth') } 1 .. 8;
my @at_once = map {
    my $body = $_;
    map { [ 'http://127.0.0.1:' . $gw->port('HTTP') . '/auth',
            { method => 'POST', body => $body } ] } 1 .. 8;
} @bodies;

my $replies = node('fetch', requests => \@at_once);
my $ok = 0;

for my $i (0 .. 7) {
    my @of = map { $_->{status} } @$replies[$i * 8 .. $i * 8 + 7];
    my $good = grep { $_ == 200 } @of;
    my $refused = grep { $_ == 401 } @of;

    $ok++ if $good <= 1 && $good + $refused == 8;
}

is($ok, 8, 'P30: of eight at once, to both workers, one at most passes');

my $body = signed($one, '/auth');
accepted(post($gw, '/auth', $body), 'P30: a message');
refused(post($gw, '/auth', $body), 401, 'P30: sent again') for 1 .. 8;
$gw->reload();
refused(post($gw, '/auth', $body), 401, 'P30: and after a reload');

my $key = key_of(signin($gw, $one, '/auth'));
my $revoked = key_of(signin($gw, $one, '/auth'));
my $others = key_of(signin($gw, $two, '/auth'));
my $id = id_of($revoked, 'the first secret of this test');

is(api('DELETE', "tokens/$id")->{status}, 204, 'a key is revoked');
refused(with_key($gw, '/eth', $revoked), 403, 'at once, in all workers',
        like => qr/revoked/) for 1 .. 6;
is(status($key), 200, 'another of the same wallet is not');

my ($victim) = $gw->workers();
$gw->expect(qr/exited on signal 9/);
CORE::kill 'KILL', $victim;
wait_for(sub { my @w = $gw->workers(); @w == 2 && !grep { $_ == $victim } @w });
refused(post($gw, '/auth', $body), 401, 'P30: and after a worker was killed');
is(status($revoked), 403, 'revoked, too');
is(status($key), 200, 'the other is good');

is(api('DELETE', "addresses/$two->{address}")->{status}, 204,
   'an address is revoked');
is(status($others), 403, 'and its keys with it');

$gw->kill();
$gw->start();

refused(post($gw, '/auth', $body), 401, 'P30: and after all were killed');
is(status($revoked), 403, 'still revoked');
is(status($others), 403, 'and so is the address');
is(status($key), 200, 'the session goes on');
sleep 1.1;
accepted(signin($gw, $two, '/auth'), 'who was revoked may sign in again');
is(status(key_of(signin($gw, $two, '/auth'))), 200, 'with a key that is good');


# ---- uses

for my $round (1 .. 3) {
    my $reply = signin($gw, $one, '/ten');
    is($reply->{json}{uses}, 10, 'ten uses');

    my $ten = key_of($reply);
    $replies = node('fetch', requests => [ map {
        [ 'http://127.0.0.1:' . $gw->port('HTTP') . '/eth',
          { headers => { 'x-api-key' => $ten } } ]
    } 1 .. 60 ]);

    is(scalar(grep { $_->{status} == 200 } @$replies), 10,
       'exactly ten of sixty at once');
    is(scalar(grep { $_->{status} == 403 } @$replies), 50,
       'the others are refused');
    refused(with_key($gw, '/eth', $ten), 403, 'by name',
            like => qr/used up/);
}

my $some = key_of(signin($gw, $one, '/ten'));
status($some) for 1 .. 4;
$gw->kill();
$gw->start();
is(join(' ', map { status($some) } 1 .. 7), '200 200 200 200 200 200 403',
   'uses outlive a kill');


# ---- the list

# Every worker is asked by somebody who is on no list: it looks for a new one.

sub ask_all {
    my $bytes = signed(node('wallet'), '/auth');

    post($gw, '/auth', $bytes) for 1 .. 24;
}

sub settle { sleep 1.1; ask_all() }

# Workers that know nothing but what there was at the last reload.

sub renew {
    my @old = $gw->workers();

    CORE::kill 'KILL', @old;

    wait_for(sub {
        my @new = $gw->workers();
        @new == 2 && !grep { my $w = $_; grep { $_ == $w } @old } @new;
    });
}

sub counts {
    my ($wallet) = @_;

    return join ' ', map { signin($gw, $wallet, '/auth')->{status} } 1 .. 8;
}


refused(signin($gw, $three, '/auth'), 401, 'P46: not listed');
settle();
list("$three->{address}\n");
settle();
my $threes = key_of(signin($gw, $three, '/auth'));
is(status($threes, '/checked'), 200, 'P46: listed, without a reload');

list("$three->{address}\nthis is no address\n");
settle();
accepted(signin($gw, $three, '/auth'), 'P46: a bad file changes nothing');
like($gw->log(), qr/\[error\].*address in \S*list:2 .*stays as it was/,
     'P46: and is named, with its line');

unlink "$dir/list";
settle();
accepted(signin($gw, $three, '/auth'), 'P46: nor does one that is gone');
renew();
is(counts($three), join(' ', (200) x 8),
   'P46: also for workers that never saw it');

list("$four->{address}\n");
settle();
refused(signin($gw, $three, '/auth'), 401, 'P46: removed');
list("no address\n");
renew();
is(counts($three), join(' ', (401) x 8),
   'P46: a bad file brings back nobody that was removed');
is(counts($four), join(' ', (200) x 8), 'P46: and keeps who was added');
list("$four->{address}\n");
settle();
is(status($threes), 200, 'P46: its key lives on');
refused(with_key($gw, '/checked', $threes), 403, 'P46: unless rechecked',
        like => qr/not allowed any more/);
accepted(signin($gw, $four, '/auth'), 'P46: added');

# the same size, the same file, within the second in which it was read

for (1 .. 3) {
    sleep 1 - time + int time;
    spew("$dir/list", "$four->{address}\n");
    ask_all();
    spew("$dir/list", "$three->{address}\n");
    sleep 1; settle();
    accepted(signin($gw, $three, '/auth'), 'a change in the same second');
    refused(signin($gw, $four, '/auth'), 401, 'is seen');
    settle();
}

(my $without = $conf) =~ s/wgw_auth_allow \Q$two->{address}\E;//;
my $twos = key_of(signin($gw, $two, '/auth'));
is(status($twos, '/checked'), 200, 'P46: an address of the configuration');
$gw->configure($without);
$gw->reload();
refused(signin($gw, $two, '/auth'), 401, 'P46: removed by a reload');
is(status($twos), 200, 'P46: its key lives on');
is(status($twos, '/checked'), 403, 'P46: unless rechecked');
$gw->configure($conf);
$gw->reload();


# ---- secrets

my $raw = key_of(signin($gw, $one, '/raw'));

ok(eval { node('verify', token => $raw,
               secret => "the first secret of this test\n") },
   'P63: raw, with the line feed');
ok(eval { node('verify', token => $key,
               secret => 'the first secret of this test') },
   'P63: else without');
is(status($raw), 403, 'P63: which is another secret');

(my $both = $conf) =~ s/wgw_auth_secret old;/wgw_auth_secret new old;/;
$gw->configure($both);
$gw->reload();
is(status($key), 200, 'P64: a rotation keeps the sessions');

my $fresh = key_of(signin($gw, $one, '/auth'));
is(status($fresh), 200, 'P64: and has new ones');
ok(eval { node('verify', token => $fresh,
               secret => 'the second secret of this test') },
   'P64: minted with the first secret');

(my $only = $conf) =~ s/wgw_auth_secret old;/wgw_auth_secret new;/;
$gw->configure($only);
$gw->reload();
refused(with_key($gw, '/eth', $key), 403, 'P64: until the old one goes');
is(status($fresh), 200, 'P64: the new ones stay');


# ---- management

$gw->configure($conf);
$gw->reload();
my $listed = api('GET', 'tokens?limit=1000');
is($listed->{status}, 200, 'a list of tokens');
my @tokens = @{$listed->{json}{tokens}};
cmp_ok(scalar @tokens, '>', 10, 'of all that are good');
is($listed->{json}{next}, undef, 'on one page');

my ($this) = grep { $_->{id} eq id_of($key, 'the first secret of this test') }
    @tokens;
is($this->{address}, $one->{address}, 'with the address');
is_deeply($this->{services}, [ 'eth', 'base' ], 'the services');
cmp_ok($this->{exp} - $this->{iat}, '==', 3600, 'and times');
is(scalar(grep { $_->{id} eq $id } @tokens), 0, 'without the revoked');

my (%seen, $next);

for (1 .. 100) {
    my $page = api('GET', 'tokens?limit=3'
                          . (defined $next ? "&after=$next" : ''));
    $seen{$_->{id}}++ for @{$page->{json}{tokens}};
    $next = $page->{json}{next};
    last if !defined $next;
}

is_deeply([ sort keys %seen ], [ sort map { $_->{id} } @tokens ],
          'page by page, the same');
is(scalar(grep { $_ != 1 } values %seen), 0, 'each once');

my %addresses;
undef $next;

for (1 .. 10) {
    my $page = api('GET', 'addresses?limit=1'
                          . (defined $next ? "&after=$next" : ''));
    $addresses{$_->{address}} = $_->{tokens}
        for @{$page->{json}{addresses}};
    $next = $page->{json}{next};
    last if !defined $next;
}

my %count;
$count{$_->{address}}++ for @tokens;
is_deeply(\%addresses, \%count, 'addresses with their tokens');

refused(api('GET', "tokens?$_"), 400, "?$_")
    for qw(limit=0 limit=1001 limit=x limit=-1 after=x
           after=99999999999999999999);
refused(api('GET', 'addresses?after=0x12'), 400, '?after=0x12');
refused(api('GET', $_), 404, $_) for qw(nothing tokenss);
refused(api('DELETE', $_), 404, $_)
    for ('tokens/x', 'tokens/' . 'A' x 23, 'addresses/0x12', 'nothing/x');
refused(api('POST', 'tokens', body => '{}'), 405, 'POST');
refused(api('PUT', "tokens/$id"), 405, 'PUT');

refused(api('GET', 'tokens', host => 'evil.example'), 403, 'another Host');
refused(api('DELETE', "tokens/$id",
            headers => "Origin: https://evil.example\r\n"), 403,
        'another Origin');
refused(api('GET', 'tokens', headers => "Origin: null\r\n"), 403,
        'no Origin at all');
is(api('GET', 'tokens', headers => "Origin: http://gw.test\r\n")->{status},
   200, 'its own');
is(api('GET', 'tokens', host => '127.0.0.1')->{status}, 200, 'by address');

sub metrics {
    my %value = api('GET', 'metrics')->{body} =~ /^(wgw_\S+) (\d+)$/mg;

    return \%value;
}

my $before = metrics();
accepted(signin($gw, $one, '/auth'), 'one more');
refused(signin($gw, node('wallet'), '/auth'), 401, 'a stranger');
refused(with_key($gw, '/eth', undef), 401, 'no key');
refused(with_key($gw, '/eth', 'x'), 403, 'a bad one');
my $after = metrics();

my %more = map { $_ => $after->{$_} - $before->{$_} } keys %$after;
is_deeply({ map { $_ => $more{$_} } grep { $more{$_} } keys %more }, {
    'wgw_auth_signins_total{result="signed_in"}' => 1,
    'wgw_auth_signins_total{result="allowlist"}' => 1,
    'wgw_auth_refused_total{reason="missing"}' => 1,
    'wgw_auth_refused_total{reason="malformed"}' => 1,
    'wgw_auth_tokens' => 1,
}, 'metrics');

unlike(api('GET', 'metrics')->{body}, qr/0x|gw\.test/,
       'whose labels are bounded');


# ---- audit

my @lines = split /\n/, slurp("$dir/logs/audit.log");
my $last = json($lines[-1]);

is($last->{address}, $one->{address}, 'an audit line: address');
is_deeply($last->{services}, [ 'eth', 'base' ], 'services');
is($last->{from}, '127.0.0.1', 'from');
cmp_ok($last->{exp} - $last->{time}, '==', 3600, 'times');
ok((grep { $_->{id} eq $last->{token} }
    @{api('GET', 'tokens?limit=1000')->{json}{tokens}}), 'token');
like($last->{nonce}, qr/^\w{16}$/, 'nonce');
is(scalar(grep { !json($_) } @lines), 0, 'all of it JSON');

my $was = @lines;
rename "$dir/logs/audit.log", "$dir/logs/audit.1";
CORE::kill 'USR1', $gw->pid();
wait_for(sub { -e "$dir/logs/audit.log" });
sleep 0.3;
accepted(signin($gw, $one, '/auth'), 'after a rotation');
is(scalar(split /\n/, slurp("$dir/logs/audit.1")), $was, 'no line in the old');
is(scalar(split /\n/, slurp("$dir/logs/audit.log")), 1, 'one in the new');

unlike(slurp("$dir/logs/audit.log"), qr/eyJ/, 'no key is in it');

$gw->stop();


# ---- a full table

my $full = Wgw->new(<<"EOF");
worker_processes 1;
wgw_auth_zone keys=16;
events { }
http {
    wgw_auth_secret secret;
    wgw_auth_allow any;
    wgw_auth_wallet_keys off;
    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name gw.test;
        location = /auth { wgw_auth_signin; }
        location /v1/auth { wgw_auth_api; }
    }
}
EOF

spew($full->dir() . '/secret', 'x' x 32);
chmod 0600, $full->dir() . '/secret';
$full->start();

my ($refusal, $passed, $twice) = ('', 0, 0);
my @sent;

for (1 .. 300) {
    my $text = message($full, $one->{address}, '/auth');
    my $bytes = body_of($text, node('sign', by => 'viem',
                                    key => $one->{key}, text => $text));
    my $reply = post($full, '/auth', $bytes);

    if ($reply->{status} == 503) {
        $refusal = $reply;
        last;
    }

    accepted($reply, 'there is room') if $reply->{status} != 200;
    push @sent, $bytes;
}

ok($refusal, 'P47: a table that is full');
refused($refusal, 503, 'P47: refuses', like => qr/try again later/);
refused(post($full, '/auth', $_), '401|503', 'P47: and forgets nothing')
    for @sent;
note(scalar(@sent), ' sign-ins with keys=16');
$full->stop();

done_testing();
