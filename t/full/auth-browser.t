#!/usr/bin/perl

# A page of another origin, in Chromium with a wallet, signs in and calls.

use warnings;
use strict;

use Test::More;

use Wgw;
use Wgw::Auth;


my $chromium = $ENV{CHROMIUM} || 'chromium';

plan(skip_all => "no $chromium here: CHROMIUM=PATH names another")
    if system("command -v '$chromium' > /dev/null") != 0;

my $wallet = node('wallet');

my $gw = Wgw->new(<<"EOF");
worker_processes 2;
wgw_auth_zone keys=2000;

events { }

http {
    log_format page '\$request_method \$uri \$status \$http_origin';
    access_log logs/access.log page;
    wgw_auth_secret secret;
    wgw_auth_allow $wallet->{address};
    wgw_auth_cors http://localhost:%%PAGE%%;

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name 127.0.0.1;

        location = /auth {
            wgw_auth_signin eth;
            wgw_auth_domain localhost:%%PAGE%%;
        }
        location /eth {
            wgw_auth eth;
            wgw_auth_deny_methods debug_*;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }
    }

    server {
        listen 127.0.0.1:%%PAGE%%;
        listen [::1]:%%PAGE%%;
        listen 127.0.0.1:%%EVIL%%;
        listen [::1]:%%EVIL%%;
        root html;
        access_log off;
    }
}
EOF

my $dir = $gw->dir();
my $base = 'http://127.0.0.1:' . $gw->port('HTTP');

mkdir "$dir/html";
spew("$dir/secret", 's' x 32);
chmod 0600, "$dir/secret";
spew("$dir/html/index.html", <<"EOF");
<!DOCTYPE html>
<title>wallet</title>
<script>
const base = '$base';
const json = { 'Content-Type': 'application/json' };

async function signIn() {
    const [address] = await ethereum.request({ method: 'eth_requestAccounts' });
    const now = Date.now();
    const msg = `\${location.host} wants you to sign in with your Ethereum `
        + `account:\\n\${address}\\n\\nTo call eth.\\n\\nURI: \${base}/auth\\n`
        + `Version: 1\\nChain ID: 1\\nNonce: \${now}abcdef\\n`
        + `Issued At: \${new Date(now).toISOString()}\\n`
        + `Expiration Time: \${new Date(now + 60000).toISOString()}`;
    const hex = '0x' + Array.from(new TextEncoder().encode(msg),
        (b) => b.toString(16).padStart(2, '0')).join('');
    const sig = await ethereum.request(
        { method: 'personal_sign', params: [hex, address] });

    return fetch(base + '/auth', { method: 'POST', headers: json,
                                   body: JSON.stringify({ msg, sig }) });
}

async function call(method, headers) {
    const reply = await fetch(base + '/eth', {
        method: 'POST', headers: { ...json, ...headers },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] }),
    });
    return { status: reply.status, body: await reply.json() };
}

async function run() {
    const reply = await signIn();
    const answer = await reply.json();
    const key = answer.headers['x-api-key'];

    return {
        origin: location.origin, status: reply.status,
        exp: answer.exp,
        good: await call('eth_blockNumber', { 'X-Api-Key': key }),
        denied: await call('debug_traceCall', { 'X-Api-Key': key }),
        bad: await call('eth_blockNumber', { 'X-Api-Key': 'x' }),
        none: await call('eth_blockNumber', {}),
    };
}
</script>
EOF

node('backend', port => $gw->port('BACK'));
$gw->start();

my @pages = map { 'http://localhost:' . $gw->port($_) . '/' } qw(PAGE EVIL);

open my $pipe, '-|', 'node', 'build/npm/browser.mjs', $chromium,
    $wallet->{key}, @pages or die "node: $!";
my @lines = <$pipe>;
close $pipe;

is($?, 0, 'the browser ran');

my ($good, $evil) = map { json($_) } @lines;

is($good->{status}, 200, 'a page signs in') or diag(@lines);
cmp_ok($good->{exp} // 0, '>', time + 60, 'for an hour');
is($good->{good}{status}, 200, 'it calls');
is(json($good->{good}{body}{body})->{method}, 'eth_blockNumber',
   'the backend');
is($good->{good}{body}{headers}{'x-api-key'}, undef, 'which sees no key');
is($good->{denied}{body}{error}{code}, -32601, 'it can read a refusal');
is($good->{bad}{status}, 403, 'of a key');
like($good->{bad}{body}{error}, qr/api key/, 'and why');
is($good->{none}{status}, 401, 'or of none');

my $origin = 'http://localhost:' . $gw->port('PAGE');
my $log = slurp("$dir/logs/access.log");

like($log, qr{^OPTIONS /auth 204 \Q$origin\E$}m, 'a preflight of sign-in');
like($log, qr{^OPTIONS /eth 204 \Q$origin\E$}m, 'and one of a call');

like($evil->{failed}, qr/Failed to fetch/, 'a page of another origin fails');

my $other = 'http://localhost:' . $gw->port('EVIL');

unlike($log, qr{^POST \S+ 200 \Q$other\E$}m, 'at its preflight');
like($log, qr{^OPTIONS /auth 405 \Q$other\E$}m, 'which is refused');

$gw->stop();

done_testing();
