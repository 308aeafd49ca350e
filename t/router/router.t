#!/usr/bin/perl

# The router's sessions: what goes to a provider, what comes back, and what
# is made of it.  Numbers are those of the cases.

use warnings;
use strict;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Router;


# each service has a mock of its own name
my @services = qw(plain parallel capital extra refused malformed life near
                  past usual uses both revoked forbid redirect slow sticky
                  first second endless gzip shift named query header);

my %lines = (
    parallel => 'sessions=1', sticky => 'sessions=4',
    first => 'auth=http://127.0.0.1:%%SHARED%%/auth',
    second => 'auth=http://127.0.0.1:%%SHARED%%/auth',
    query => 'auth=http://127.0.0.1:%%QUERY%%/v1/auth?a=1&b=2',
);

my %more = (
    slow => 'check off timeout=500ms;', endless => 'check off timeout=2s;',
    header => 'header header X-Team 7; header header X-Other "a b";',
);

my ($blocks, $locations) = ('', '');

for my $name (@services) {
    my $port = $name =~ /^(first|second)$/ ? 'SHARED' : uc $name;
    my $line = $lines{$name} // '';
    my $check = ($more{$name} // '') =~ /check/ ? '' : 'check off;';
    my $rest = $more{$name} // '';
    my $domain = $name eq 'named' ? 'domain=router.example' : '';

    $blocks .= <<"EOF";
    wgw_providers $name {
        signer key $domain;
        provider http://127.0.0.1:%%$port%%/v1/$name name=$name $line;
        $check $rest
        attempts 4 timeout=5s;
    }
EOF

    $locations .= "        location = /$name { wgw_router $name; "
                . "proxy_pass \$wgw_provider; }\n";
}

my $gw = Wgw->new(<<"EOF");
worker_processes 2;

events { worker_connections 1024; }

http {
    access_log logs/access.log;
    proxy_http_version 1.1;

$blocks
    wgw_providers pair {
        signer key;
        provider http://127.0.0.1:%%BAD%%/ name=bad priority=0;
        provider http://127.0.0.1:%%GOOD%%/ name=good priority=1;
        check off;
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        client_max_body_size 16m;
        client_body_buffer_size 8k;

        add_header X-Provider \$wgw_provider_name;
        add_header X-Attempts \$wgw_provider_attempts;
        add_header X-Host \$wgw_provider_host;

$locations
        location = /pair { wgw_router pair; proxy_pass \$wgw_provider; }

        location = /defeated {
            wgw_router plain;
            proxy_set_header X-Api-Key mine;
            proxy_pass \$wgw_provider;
        }

        location /providers { wgw_router_api; }
    }
}
EOF

spew($gw->dir() . '/key', "0x$Key\n");
chmod 0600, $gw->dir() . '/key';

for my $name (grep { !/^(first|second)$/ } @services, 'shared', 'bad', 'good')
{
    mock('start', name => $name, port => $gw->port(uc $name));
}

$gw->start();


# handshakes that a provider sees in so many seconds of one request after
# another

sub storm {
    my ($name, $seconds) = @_;

    my $end = time + $seconds;
    my %status;

    while (time < $end) {
        $status{call($gw, "/$name")->{status}}++;
        sleep 0.02;
    }

    return (mock('count', name => $name)->{signins}, \%status);
}


# ---- R01, R02: the first request

my $reply = call($gw, '/plain');
is(who($reply), 'plain', 'R01: answered');
is($reply->{headers}{'x-provider'}, 'plain', 'the variable of its name');
is($reply->{headers}{'x-host'}, '127.0.0.1', 'of its host');
is($reply->{headers}{'x-attempts'}, 1, 'and of the attempts');

call($gw, '/plain') for 1 .. 5;

my $seen = mock('seen', name => 'plain');
is(scalar @{$seen->{signins}}, 1, 'R01: one POST');
is(scalar @{$seen->{calls}}, 6, 'R01: and all requests after it');
is($seen->{bare} + $seen->{denied}, 0, 'R01: none bare');

my $signin = $seen->{signins}[0];
my %fields = @{$signin->{headers}};
my $url = 'http://127.0.0.1:' . $gw->port('PLAIN') . '/v1/plain/auth';

is($signin->{method} . $signin->{url}, 'POST/v1/plain/auth', 'R01: where');
is($fields{'Content-Type'}, 'text/plain', 'R01: text/plain');
is(join(' ', sort map { lc } keys %fields),
   'content-length content-type host user-agent', 'R01: nothing else');
like($signin->{body}, qr/^\{"msg":"[^"]*","sig":"0x[0-9a-f]{130}"\}$/,
     'R01: two members');
like($signin->{msg}, qr/^127\.0\.0\.1\ wants\ you\ to\ sign\ in\ with\ your
     \ Ethereum\ account:\n$Address\n\n\nURI:\ \Q$url\E\nVersion:\ 1\n
     Chain\ ID:\ 1\nNonce:\ [A-Za-z0-9]{16}\n
     Issued\ At:\ \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n
     Expiration\ Time:\ \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/x, 'R01: the text');

is($signin->{$_}, $Address, "R02: $_ verifies it") for qw(viem ethers siwe);
is($signin->{parsed}{uri}, $url, 'R02: viem reads it');
like($signin->{sig}, qr/1[bc]$/, 'R02: v is 27 or 28');

is($seen->{calls}[0]{url}, '/v1/plain', 'the path is the provider\'s');
is($seen->{calls}[0]{headers}{host}, '127.0.0.1:' . $gw->port('PLAIN'),
   'and so is Host');
is(scalar(keys %{{ map { $_->{port} => 1 } @{$seen->{calls}} }}) < 4, 1,
   'connections are kept');

mock('revoke', name => 'plain');
is(who(call($gw, '/plain')), 'plain', 'another session');
my $nonce = qr/Nonce: (\w+)/;
my ($one) = $signin->{msg} =~ $nonce;
my ($two) = mock('seen', name => 'plain')->{signins}[0]{msg} =~ $nonce;
isnt($one, $two, 'R02: a fresh nonce');


# ---- R03: many at once

mock('set', name => 'parallel', auth => { delay => 300 });
my $all = mock('fetch', n => 60, body => '{"id":1,"method":"eth_call"}',
               url => 'http://127.0.0.1:' . $gw->port('HTTP') . '/parallel');
is(scalar(grep { $_->{status} == 200 } @$all), 60, 'R03: all served');
$seen = mock('seen', name => 'parallel');
is(scalar @{$seen->{signins}}, 1, 'R03: one handshake, over all workers');
is($seen->{bare} + $seen->{denied}, 0, 'R03: none bare');


# ---- R04, R05, R06: headers

mock('set', name => 'capital', auth => { capital => JSON::PP::true });
is(who(call($gw, '/capital')), 'capital', 'R04: Headers');

mock('set', name => 'extra', auth => { headers => {
    'X-Team' => '7', 'Host' => 'evil', 'Connection' => 'close',
    'Transfer-Encoding' => 'chunked', 'Accept' => 'mine',
} });
$reply = call($gw, '/extra', undef, headers => "X-Team: 8\r\nx-team: 9\r\n"
              . "Accept: theirs\r\nX-Mine: m\r\n");
is(who($reply), 'extra', 'R05: served');
my %raw;
my @raw = @{mock('seen', name => 'extra')->{calls}[0]{raw}};
while (my ($name, $value) = splice @raw, 0, 2) {
    push @{$raw{lc $name}}, $value;
}
is_deeply($raw{'x-team'}, [ 7 ], 'R05: replaces the client\'s, all of them');
is_deeply($raw{accept}, [ 'mine' ], 'R05: this one, too');
is_deeply($raw{'x-mine'}, [ 'm' ], 'others stay');
is_deeply($raw{host}, [ '127.0.0.1:' . $gw->port('EXTRA') ],
          'R05: Host is not the provider\'s to say');
ok(!$raw{'transfer-encoding'}, 'R05: nor how it is framed');

$reply = call($gw, '/plain', undef, headers => "X-Api-Key: theirs\r\n"
              . "x-api-key: theirs\r\nAuthorization: Bearer theirs\r\n");
is(who($reply), 'plain', 'R06: served');
$seen = mock('seen', name => 'plain')->{calls}[0];
like($seen->{headers}{'x-api-key'}, qr/^plain-\d+-$/, 'R06: our key');
ok(!exists $seen->{headers}{authorization}, 'R06: no Authorization');

is(call($gw, '/defeated')->{status}, 500, 'a key that is replaced');
is(mock('count', name => 'plain')->{calls}, 0, 'does not go out');
like($gw->log(), qr/has not the header "x-api-key"/, 'and is said');

is(who(call($gw, '/header')), 'header', 'headers of the configuration');
$seen = mock('seen', name => 'header')->{calls}[0]{headers};
is("$seen->{'x-team'} $seen->{'x-other'}", '7 a b', 'are there');


# ---- R07, R08, R27, R28: what is no session

mock('set', name => 'refused', auth => {
    status => 401, body => '{"error": "unauthorized signer"}' });
my ($n, $status) = storm('refused', 4);
is_deeply([ keys %$status ], [ 502 ], 'R07: 502');
cmp_ok($n, '<=', 4, 'R07: backs off');
cmp_ok($n, '>=', 2, 'R07: and tries again');
$seen = mock('seen', name => 'refused');
is(scalar @{$seen->{calls}}, 0, 'R07: nothing is sent');

my %bad = (
    'a 500, empty' => { status => 500, body => '' },
    'an empty 200' => { body => '' },
    'HTML' => { body => '<html>' },
    '{}' => { body => '{}' },
    'no x-api-key' => { body => '{"headers":{"a":"b"},"exp":9999999999}' },
    'a number' => { body => '{"headers":{"x-api-key":7},"exp":9999999999}' },
    'CR and LF' => {
        body => '{"headers":{"x-api-key":"a\r\nb: c"},"exp":9999999999}' },
    'an error with 200' => {
        body => '{"headers":{"x-api-key":"a"},"error":"no"}' },
    'a good body with 500' => {
        status => 500, body => '{"headers":{"x-api-key":"a"}}' },
    'a connection that closes' => { close => JSON::PP::true },
    'too much' => { body => ' ' x 20000 },
);

for my $what (sort keys %bad) {
    my $case = $what eq 'too much' ? 'R27' : 'R08';

    mock('set', name => 'malformed', auth => $bad{$what});

    # what went before is forgotten with the workers' memory
    $gw->kill();
    $gw->start();

    is(call($gw, '/malformed')->{status}, 502, "$case: $what");
}

is(mock('count', name => 'malformed')->{calls}, 0, 'R08: nothing is sent');

mock('set', name => 'endless', auth => { endless => JSON::PP::true });
is(call($gw, '/endless')->{status}, 502,
   'R27: one that does not end is cut off');

mock('set', name => 'gzip', auth => { gzip => JSON::PP::true });
is(call($gw, '/gzip')->{status}, 502, 'R28: what was not asked for');
ok(!grep({ lc eq 'accept-encoding' }
         @{mock('seen', name => 'gzip')->{signins}[0]{headers}}),
   'R28: no Accept-Encoding');


# ---- R09 to R13, R26: how long it lasts

mock('set', name => 'life', auth => { exp => 3 });
my $end = time + 7;
my %statuses;
while (time < $end) {
    $statuses{call($gw, '/life')->{status}}++;
    sleep 0.01;
}
$seen = mock('seen', name => 'life');
is_deeply([ keys %statuses ], [ 200 ], 'R09: renewed before it ends');
is($seen->{bare} + $seen->{denied}, 0, 'R09: and never without');
cmp_ok(scalar @{$seen->{signins}}, '<=', 4, 'R09: in time, not at once');

mock('set', name => 'near', auth => { exp => 4 });
($n) = storm('near', 6);
cmp_ok($n, '<=', 6, "R10: exp in 4 s: $n handshakes");
is(mock('seen', name => 'near')->{bare}, 0, 'R10: none bare');

mock('set', name => 'past', auth => { exp => -10 });
($n, $status) = storm('past', 4);
cmp_ok($n, '<=', 4, "R10: exp in the past: $n handshakes");
is_deeply([ keys %$status ], [ 502 ], 'R10: is no session');

mock('set', name => 'usual', auth => { exp => undef });
is(who(call($gw, '/usual')), 'usual', 'R11: neither exp nor uses');
my $ends = providers_of($gw)->{usual}{sessions}[0]{ends_in};
ok($ends > 3500 && $ends <= 3600, 'R11: the usual life');

mock('set', name => 'uses', auth => { uses => 3, exp => undef });
is(who(call($gw, '/uses')), 'uses', "R12: request $_") for 1 .. 10;
$seen = mock('seen', name => 'uses');
is($seen->{bare} + $seen->{denied}, 0, 'R12: no use too many');
cmp_ok(scalar @{$seen->{signins}}, '<=', 4, 'R12: nor a session');

mock('set', name => 'uses', auth => { uses => 50, exp => undef });
$all = mock('fetch', n => 200, body => '{"id":1,"method":"eth_call"}',
            url => 'http://127.0.0.1:' . $gw->port('HTTP') . '/uses');
is(scalar(grep { $_->{status} == 200 } @$all), 200,
   'R12: many at once, over workers');
is(mock('seen', name => 'uses')->{denied}, 0, 'R12: exact');

mock('set', name => 'both', auth => { uses => 2, exp => 3600 });
is(who(call($gw, '/both')), 'both', "R13: request $_") for 1 .. 3;
is(mock('seen', name => 'both')->{denied}, 0, 'R13: uses end it first');

mock('set', name => 'shift', auth => { exp => 3600, shift => 120 });
is(who(call($gw, '/shift')), 'shift', 'R26: a clock that is 2 min ahead');
$ends = providers_of($gw)->{shift}{sessions}[0]{ends_in};
ok($ends > 3590 && $ends <= 3600, 'R26: judged by its own Date');


# ---- R14, R15: taken back

is(who(call($gw, '/revoked')), 'revoked', 'R14: a session');
mock('revoke', name => 'revoked');
mock('seen', name => 'revoked');
my $body = '{"jsonrpc":"2.0","id":1,"method":"eth_call","x":"'
           . ('y' x 3000000) . '"}';
is(who(call($gw, '/revoked', $body)), 'revoked', 'R14: retried');
$seen = mock('seen', name => 'revoked');
is(scalar @{$seen->{signins}}, 1, 'R14: with one handshake');
is_deeply([ map { $_->{length} } @{$seen->{calls}} ],
          [ length $body, length $body ], 'R14: the body from its file');
is($seen->{calls}[0]{sha256}, $seen->{calls}[1]{sha256}, 'R14: the same');

mock('set', name => 'forbid', node => { forbid => 403 });
($n, $status) = storm('forbid', 6);
cmp_ok($n, '<=', 5, "R15: 403 for ever: $n handshakes");
ok($status->{403}, 'R15: which the client sees');
is(mock('seen', name => 'forbid')->{bare}, 0, 'R15: none bare');


# ---- R16, R17: redirects, patience

mock('set', name => 'redirect', auth => {
    redirect => 'http://127.0.0.1:' . $gw->port('PLAIN') . '/auth' });
mock('seen', name => 'plain');
is(call($gw, '/redirect')->{status}, 502, 'R16: not followed');
is(mock('count', name => 'plain')->{signins}, 0, 'R16: nothing signed');

mock('set', name => 'slow', auth => { hang => JSON::PP::true });
my $start = time;
is(call($gw, '/slow')->{status}, 502, 'R17: no answer, ever');
cmp_ok(time - $start, '>', 0.4, 'R17: which was given');


# ---- R18: down at start

mock('stop', name => 'bad');
is(who(call($gw, '/pair')), 'good', 'R18: the other one');
my $providers = providers_of($gw);
is($providers->{bad}{sessions}[0]{state}, 'barred', 'R18: the API shows it');
mock('again', name => 'bad', port => $gw->port('BAD'));
ok(wait_for(sub { who(call($gw, '/pair')) eq 'bad' }),
   'R18: a session is made when it is there');


# ---- R19, R20: which session

my %keys;
for my $id (1 .. 40) {
    for (1 .. 2) {
        call($gw, '/sticky', undef, headers => "Din-Session-Id: id-$id\r\n");
    }
}
$seen = mock('seen', name => 'sticky');
my %ids;
for my $call (@{$seen->{calls}}) {
    my $key = $call->{headers}{'x-api-key'};
    $ids{$call->{headers}{'din-session-id'}}{$key}++;
    $keys{$key}++;
}
is(scalar(grep { keys %$_ == 1 } values %ids), 40, 'R19: the same token');
is(scalar keys %keys, 4, 'R19: all of them are used');
is(scalar @{$seen->{signins}}, 4, 'R19: one handshake each');

call($gw, '/sticky', undef,
     headers => "Din-Session-Id: a\r\nDin-Session-Id: b\r\n") for 1 .. 12;
my @calls = @{mock('seen', name => 'sticky')->{calls}};
my %two = map { $_->{headers}{'x-api-key'} => 1 } @calls[-12 .. -1];
cmp_ok(scalar keys %two, '>', 1, 'field 11.kinds: of two sessions it is of none');

call($gw, "/$_") for qw(first second first second);
$seen = mock('seen', name => 'shared');
is(scalar @{$seen->{signins}}, 2, 'R20: a session each');
my %paths;
$paths{$_->{url}}{$_->{headers}{'x-api-key'}}++ for @{$seen->{calls}};
is(join(' ', map { scalar keys %{$paths{$_}} } sort keys %paths), '1 1',
   'R20: one for each service');
isnt((keys %{$paths{'/v1/first'}})[0], (keys %{$paths{'/v1/second'}})[0],
     'R20: which are not the same');


# ---- R24, R25: whom it is signed for

call($gw, '/named');
$signin = mock('seen', name => 'named')->{signins}[0];
like($signin->{msg}, qr/^router\.example wants/, 'R24: a fixed name');
is($signin->{$_}, $Address, "R02, R24: $_ verifies it")
    for qw(viem ethers siwe);

call($gw, '/query');
$signin = mock('seen', name => 'query')->{signins}[0];
like($signin->{body}, qr/auth\?a=1\\u0026b=2\\n/, 'R25: escaped as Go does');
is($signin->{parsed}{uri}, 'http://127.0.0.1:' . $gw->port('QUERY')
   . '/v1/auth?a=1&b=2', 'R25: the URI as it is configured');
is($signin->{url}, '/v1/auth?a=1&b=2', 'R25: and called');
is($signin->{$_}, $Address, "R02, R25: $_ verifies it")
    for qw(viem ethers siwe);


# ---- R23: reload

call($gw, '/plain');
mock('seen', name => 'plain');
$gw->reload();
is(who(call($gw, '/plain')), 'plain', 'R23: after a reload');
is(mock('seen', name => 'plain')->{signins}[0], undef,
   'R23: the session is kept');

mock('set', name => 'plain', node => { delay => 1500 });
my $pid = open my $flight, '-|';
die "fork: $!" if !defined $pid;
if (!$pid) {
    print who(call($gw, '/plain'));
    close STDOUT;
    POSIX::_exit(0);
}
sleep 0.5;
$gw->reload(old => 'stay');
is(<$flight>, 'plain', 'R23: a request in flight finishes');
close $flight;
mock('set', name => 'plain', node => {});
ok(wait_for(sub { my @workers = $gw->workers(); @workers == 2 }),
   'R23: and old workers end');

is($gw->log() =~ /$Key/i ? 1 : 0, 0, 'R21: no key in the log');
unlike($gw->log(), qr/plain-\d+-/, 'nor a session\'s');

$gw->expect(qr/none/);
$gw->stop();

done_testing();
