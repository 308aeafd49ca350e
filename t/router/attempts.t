#!/usr/bin/perl

# What becomes of a request when a provider fails: attempts, bodies, answers.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Router;


my $have_v6 = -e '/proc/net/if_inet6';

my $gw = Wgw->new(<<"EOF");
worker_processes 2;

events { worker_connections 1024; }

http {
    access_log logs/access.log;
    proxy_http_version 1.1;
    client_max_body_size 16m;
    client_body_buffer_size 8k;

    map \$http_upgrade \$upgrade { default upgrade; '' ''; }

    # a is asked first; b wants no key
    wgw_providers three {
        signer key;
        provider http://127.0.0.1:%%A%%/a name=a;
        provider http://127.0.0.1:%%B%%/b name=b priority=1 auth=off;
        provider http://127.0.0.1:%%C%%/c name=c priority=2;
        check off;
        attempts 3 timeout=6s each=1s;
        retry_errors -32601 -32000;
    }

    wgw_providers two {
        signer key;
        provider http://127.0.0.1:%%A%%/a name=a;
        provider http://127.0.0.1:%%C%%/c name=c priority=1;
        check off;
        attempts 2 timeout=2s;
    }

    wgw_providers routed {
        provider http://127.0.0.1:%%B%%/b name=b auth=off;
        provider http://127.0.0.1:%%D%%/d name=d auth=off
                 methods=trace_*,debug_traceCall;
        check off;
    }

    wgw_providers secure {
        signer key;
        provider https://localhost:%%TLS%%/s name=good priority=1;
        provider https://127.0.0.1:%%TLS%%/s name=wrong;
        ca tls.crt;
        check off;
    }

    wgw_providers untrusted {
        signer key;
        provider https://localhost:%%TLS%%/s name=untrusted;
        check off;
    }

    wgw_providers own {
        signer key;
        provider http://127.0.0.1:%%HTTP%%/node name=own
                 auth=http://127.0.0.1:%%HTTP%%/auth;
        check eth_blockNumber interval=300ms;
    }

@{[ $have_v6 ? '
    wgw_providers six {
        signer key;
        provider http://[::1]:%%SIX%%/v1/six name=six;
        check off;
    }' : '' ]}

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name 127.0.0.1;

        add_header X-Provider \$wgw_provider_name always;
        add_header X-Attempts \$wgw_provider_attempts always;
        add_header X-Upstreams \$upstream_addr always;

        location = /three { wgw_router three; proxy_pass \$wgw_provider; }
        location = /two { wgw_router two; proxy_pass \$wgw_provider; }
        location = /secure { wgw_router secure; proxy_pass \$wgw_provider; }
        location = /own { wgw_router own; proxy_pass \$wgw_provider; }

        location = /untrusted {
            wgw_router untrusted;
            proxy_pass \$wgw_provider;
        }

        location = /routed {
            wgw_router routed;
            wgw_auth_deny_methods admin_*;
            proxy_pass \$wgw_provider;
        }

        location = /unbuffered {
            wgw_router three;
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_pass \$wgw_provider;
        }

        location = /socket {
            wgw_router three;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection \$upgrade;
            proxy_pass \$wgw_provider;
        }

        location = /plain { proxy_pass http://127.0.0.1:%%B%%/plain; }

        location = /page {
            wgw_router two;
            error_page 502 504 = /sorry;
            proxy_pass \$wgw_provider;
        }
        location = /sorry { return 200 "sorry"; }

        location = /auth {
            wgw_auth_signin;
            wgw_auth_secret secret;
            wgw_auth_allow $Address;
        }

        location = /node {
            wgw_auth eth;
            wgw_auth_secret secret;
            proxy_pass http://127.0.0.1:%%E%%/node;
        }

        location /providers { wgw_router_api; }
@{[ $have_v6 ? 'location = /six { wgw_router six;
                                  proxy_pass $wgw_provider; }' : '' ]}
    }

    server {
        listen 127.0.0.1:%%H2%%;
        http2 on;
        location = /three { wgw_router three; proxy_pass \$wgw_provider; }
    }
}
EOF

my $dir = $gw->dir();

spew("$dir/key", "0x$Key\n");
spew("$dir/secret", 'a secret of more than sixteen bytes');
chmod 0600, "$dir/key", "$dir/secret";

system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
       . "-nodes -days 3 -subj /CN=localhost "
       . "-addext subjectAltName=DNS:localhost -keyout $dir/tls.key "
       . "-out $dir/tls.crt 2>/dev/null") == 0 or die;

for my $name (qw(a b c d e)) {
    mock('start', name => $name, port => $gw->port(uc $name),
         $name =~ /[bde]/ ? (protected => JSON::PP::false) : ());
}

mock('start', name => 'tls', port => $gw->port('TLS'),
     tls => { key => slurp("$dir/tls.key"), cert => slurp("$dir/tls.crt") });
mock('start', name => 'six', port => $gw->port('SIX'), address => '::1')
    if $have_v6;

$gw->start();

sub fails {
    my ($name, %how) = @_;

    mock('set', name => $name, node => \%how);
}

sub well { fails($_) for qw(a b c d e) }
sub forget { mock('seen', name => $_) for qw(a b c d e) }

# standings and sessions begin anew
sub afresh { well(); $gw->kill(); $gw->start(); forget() }


# ---- statuses

my $reply;

# the mock's libraries take their time once, and who answered meanwhile is
# known to be well
ok(wait_for(sub { who(call($gw, '/three')) eq 'a' }), 'the first');
afresh();
call($gw, '/three');
forget();

for my $status (500, 502, 503, 504, 429) {
    fails('a', status => $status);
    $reply = call($gw, '/three');
    is(who($reply), 'b', "$status: another one");
    is("$reply->{headers}{'x-provider'} $reply->{headers}{'x-attempts'}",
       'b 2', 'as the variables say');
    afresh();
    call($gw, '/three');
    forget();
}

for my $status (400, 404, 418) {
    fails('a', status => $status);
    $reply = call($gw, '/three');
    is($reply->{status}, $status, "$status is an answer");
    is($reply->{headers}{'x-attempts'}, 1, 'of the first');
}

afresh();
fails('a', status => 500);
fails('b', status => 503, body => 'from b');
fails('c', status => 502, body => 'from c');
$reply = call($gw, '/three');
is($reply->{status}, 502, 'the client sees the last answer');
like($reply->{body}, qr/from c/, 'all of it');
is($reply->{headers}{'x-attempts'}, 3, 'after three attempts');
like($reply->{headers}{'x-upstreams'},
     qr/^127[.\d:]+ : 127[.\d:]+ : 127[.\d:]+$/, '$upstream_addr has all');

my $seen = mock('seen', name => 'b');
ok(!exists $seen->{calls}[0]{headers}{'x-api-key'},
   'the key of one never goes to another');


# ---- no answer

afresh();
fails('a', close => JSON::PP::true);
is(who(call($gw, '/three')), 'b', 'a connection that is closed');

afresh();
mock('stop', name => 'a');
is(who(call($gw, '/three')), 'b', 'R18: one that is not there');
mock('again', name => 'a', port => $gw->port('A'));

afresh();
fails('a', hang => JSON::PP::true);
is(who(call($gw, '/three')), 'b', 'R17: one that hangs, until each=');

afresh();
fails($_, hang => JSON::PP::true) for qw(a c);
is(call($gw, '/two')->{status}, 504, 'R17: one limit over all attempts');
is(call($gw, '/page')->{body}, 'sorry', 'and error_page has the last word');

# a connection that was kept, and is closed while a request goes out
afresh();
call($gw, '/three') for 1 .. 4;
mock('stop', name => 'a');
mock('again', name => 'a', port => $gw->port('A'));
is(who(call($gw, '/three')), 'a', 'a kept connection that has died')
    for 1 .. 4;


# ---- JSON-RPC's own errors

afresh();
fails('a', code => -32601);
$reply = call($gw, '/three');
is(who($reply), 'b', 'a code that is listed');
fails('a', code => -32601, chunked => 50);
is(who(call($gw, '/three')), 'b', 'in chunks');
fails('a', code => -32602);
$reply = call($gw, '/three');
is($reply->{json}{error}{code}, -32602, 'one that is not');
is($reply->{headers}{'x-provider'}, 'a', 'is an answer');
fails('a', body => '{"result":"' . ('x' x 100000) . '"}');
is(length call($gw, '/three')->{json}{result}, 100000, 'a long answer');
fails('a', chunked => 50, body => '{"result":"' . ('x' x 100000) . '"}');
is(length call($gw, '/three')->{json}{result}, 100000, 'in chunks');
fails($_, code => -32000) for qw(a b c);
is(call($gw, '/three')->{json}{error}{code}, -32000, 'all of them: the last');


# ---- bodies and answers

afresh();
fails('a', status => 500);

for my $path ('/three', '/unbuffered') {
    my $body = '{"id":1,"method":"eth_call","x":"' . ('y' x 3000000) . '"}';

    forget();
    is(who(call($gw, $path, $body)), 'b', "$path: a body in a file");
    my ($one, $two) = map { mock('seen', name => $_)->{calls}[0] } qw(a b);
    is($two->{length}, length $body, 'all of it');
    is($one ? $one->{sha256} : $two->{sha256}, $two->{sha256}, 'the same');
    afresh();
    fails('a', status => 500);
}

afresh();
fails('a', size => 50000000);
for my $path ('/three', '/unbuffered') {
    is(length(Wgw::dechunk(call($gw, $path))), 50000000,
       "$path: a large answer");
}

SKIP: {
    my $help = `curl --version`;
    skip 'no HTTP/2 in curl', 2 if $help !~ /HTTP2/;

    afresh();
    fails('a', status => 500);
    my $curl = curl('--http2-prior-knowledge', '-d', '{"id":1,"method":"m"}',
                    'http://127.0.0.1:' . $gw->port('H2') . '/three');
    is($curl->{code}, 200, 'HTTP/2: another one');
    like($curl->{body}, qr/"result":"b"/, 'which answers');
}

afresh();
$reply = exchange($gw->port('HTTP'), "GET /socket HTTP/1.1\r\nHost: x\r\n"
    . "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    . "Sec-WebSocket-Version: 13\r\n"
    . "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    . "\x81\x82\0\0\0\0hi", until => qr/a hi/, timeout => 5);
like($reply, qr/^HTTP\/1.1 101 .*a hi/s, 'a WebSocket');

is(who(call($gw, '/plain')), 'b', 'a proxy_pass of the user\'s, same host');


# ---- methods

forget();
my %calls = (eth_call => 'b', trace_block => 'd', debug_traceCall => 'd');

for my $method (sort keys %calls) {
    is(who(call($gw, '/routed', qq({"id":1,"method":"$method"}))),
       $calls{$method}, "$method goes to $calls{$method}");
}

is(call($gw, '/routed', '{"id":1,"method":"admin_peers"}')->{json}{error}
   {code}, -32601, 'what is denied goes nowhere');
is(scalar @{mock('seen', name => 'd')->{calls}}, 2, 'and d gets no more');


# ---- TLS, IPv6, our own provider

is(who(call($gw, '/secure')), 'tls', 'R22: TLS');
is($gw->log() =~ /certificate verify failed|IP address mismatch/ ? 1 : 0, 1,
   'R22: another name in the certificate is said');
$seen = mock('seen', name => 'tls');
is(scalar(grep { $_->{url} eq '/s' } @{$seen->{calls}}), 1,
   'R22: only the one that verifies is called');
is(scalar @{$seen->{signins}}, 1, 'R22: and signed in at');
is(call($gw, '/untrusted')->{status}, 502, 'R22: not trusted');
is(scalar @{mock('seen', name => 'tls')->{signins}}, 0, 'R22: nothing sent');

if ($have_v6) {
    is(who(call($gw, '/six')), 'six', 'R25: IPv6');
    my $signin = mock('seen', name => 'six')->{signins}[0];
    like($signin->{msg}, qr/^::1 wants/, 'R25: its domain, as Go has it');
    is($signin->{url}, '/v1/six/auth', 'R25: its prefix');
    is($signin->{ethers}, $Address, 'R25: signed');
}

is(who(call($gw, '/own')), 'e', 'our own provider');
ok(wait_for(sub { providers_of($gw)->{own}{standing} eq 'healthy' }),
   'and its checks sign in');
ok(!exists mock('seen', name => 'e')->{calls}[0]{headers}{'x-api-key'},
   'the key stays there');

$gw->stop();

done_testing();
