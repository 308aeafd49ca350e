#!/usr/bin/perl

# What `nginx -t` refuses of the router, and how.

use warnings;
use strict;

use Test::More;

use Wgw;
use Wgw::Router;


my $gw = Wgw->new('events { } http { }');
my $dir = $gw->dir();

spew("$dir/key", "$Key\n");
chmod 0600, "$dir/key";


# test(BLOCK, LOCATION, HTTP, MAIN): what it says, "" when it is good

sub test {
    my ($block, $location, $http, $main) = @_;

    $location //= 'wgw_router eth; proxy_pass $wgw_provider;';
    $http //= '';
    $main //= '';

    $gw->configure(<<"EOF");
$main
events { }
http {
    $http
    wgw_providers eth {
        $block
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        location / { $location }
    }
}
EOF

    my ($status, $output) = $gw->run('-t');

    return $status ? $output : '';
}

sub good {
    my ($name, @arguments) = @_;

    is(test(@arguments), '', $name);
}

sub bad {
    my ($name, $like, @arguments) = @_;

    like(test(@arguments), $like, $name);
}


my $one = 'signer key; provider https://p1.example/eth;';

good('the least', $one);
good('without a signer', 'provider http://p1.example auth=off;');
good('all of it', <<'EOF');
    signer key domain=router.example;
    provider https://p1.example/eth;
    provider https://p2.example/v1/eth priority=1 weight=3 sessions=4
             name=two auth=https://p2.example/auth;
    provider http://[2001:db8::5]:8545 priority=2 auth=off
             methods=trace_*,debug_traceCall;
    header https://p2.example/v1/eth X-Team 7;
    header two X-More "a b";
    check eth_blockNumber interval=5s timeout=5s rise=2 fall=2 lag=5 jump=10;
    attempts 5 timeout=30s each=10s;
    retry_errors -32601 -32000;
    resolver 127.0.0.53 ipv6=off;
EOF
good('two on one host',
     'signer key; provider http://p/a; provider http://p/b;');
good('methods', $one, 'wgw_router eth; wgw_auth_allow_methods eth_*; '
     . 'proxy_pass $wgw_provider;');
good('an if', $one, 'wgw_router eth; if ($arg_x) { set $y 1; } '
     . 'proxy_pass $wgw_provider;');


# ---- what a start makes

unlink "$dir/logs/access.log";
rmdir for glob "$dir/*_temp";

good('paths of one\'s own', $one, undef, 'access_log off; '
     . join ' ', map { "${_}_temp_path temp_$_;" }
                 qw(client_body proxy fastcgi uwsgi scgi));
is(join(' ', grep { -e } "$dir/logs/access.log", glob "$dir/*_temp"), '',
   'and no file or directory is made at another place');


# ---- keys

my %keys = (
    '0x and blanks' => " 0x$Key \r\n", 'capitals' => uc $Key,
);

for my $what (sort keys %keys) {
    spew("$dir/other", $keys{$what});
    good("R21: $what", 'signer other; provider http://p;');
}

my %bad_keys = (
    'empty' => '', '31 bytes' => substr($Key, 2), 'zero' => '0' x 64,
    'not below the order' => 'f' x 64, 'no digits' => ('zz' . substr $Key, 2),
    'too long' => $Key x 10, 'two keys' => "$Key\n$Key\n",
);

for my $what (sort keys %bad_keys) {
    spew("$dir/other", $bad_keys{$what});

    my $said = test('signer other; provider http://p;');

    like($said, qr/the key in ".*other" (is|has) .* in .*nginx\.conf:\d+/,
         "R21: $what");
    unlike($said, qr/@{[ substr $Key, 4, 20 ]}/i, 'R21: and it is not shown');
}

bad('R21: none', qr/open\(\) ".*nothere" failed/,
    'signer nothere; provider http://p;');


# ---- lines

bad('no provider', qr/has no "provider"/, 'signer key;');
bad('no signer', qr/provider "p" needs a "signer", or "auth=off"/,
    'provider http://p;');
bad('two signers', qr/duplicate directive "signer"/, "signer key; $one");
bad('an unknown line', qr/unknown directive "server"/, "$one server x;");
bad('no URL', qr/invalid URL of a provider "p1"/, 'signer key; provider p1;');
bad('another scheme', qr/neither http nor https/,
    'signer key; provider wss://p1;');
bad('user info', qr/invalid URL of a provider/,
    'signer key; provider http://a@p1;');
bad('a fragment', qr/invalid URL of a provider/,
    'signer key; provider "http://p1/#x";');
bad('no port', qr/invalid URL of a provider/,
    'signer key; provider http://p1:70000;');
bad('a query', qr/has a query: "auth="/,
    'signer key; provider "http://p1/?key=1";');
bad('a priority', qr/invalid parameter "priority=9"/, "$one provider "
    . 'http://p2 priority=9;');
bad('a weight', qr/invalid parameter "weight=0"/,
    "$one provider http://p2 weight=0;");
bad('sessions', qr/invalid parameter "sessions=65"/,
    "$one provider http://p2 sessions=65;");
bad('a parameter', qr/invalid parameter "foo=1"/,
    "$one provider http://p2 foo=1;");
bad('a name twice', qr/duplicate or too long name "x"/,
    'signer key; provider http://a name=x; provider http://b name=x;');
bad('a provider twice', qr/duplicate provider/,
    "$one provider https://p1.example/eth; provider https://p1.example/eth;");
bad('a header for nobody', qr/no provider before this line is "http:\/\/x"/,
    "$one header http://x A b;");
bad('Host', qr/invalid header "Host"/,
    "$one header https://p1.example/eth Host b;");
bad('a check', qr/invalid parameter "lag=x"/, "$one check a_b lag=x;");
bad('its method', qr/invalid method "a"b"/, $one . q( check 'a"b';));
bad('attempts', qr/invalid number "0"/, "$one attempts 0;");
bad('a code', qr/invalid code "x"/, "$one retry_errors x;");
bad('certificates', qr/no certificates in/, "$one ca key;");
bad('twice', qr/duplicate providers "eth"/, $one, undef,
    "wgw_providers eth { $one }");


good('methods to count', "$one count eth_call eth_getLogs;");
bad('none', qr/invalid number of arguments in "count"/, "$one count;");
bad('one twice', qr/empty, too long or duplicate method "a"/,
    "$one count a a;");
bad('the others', qr/duplicate method "other"/, "$one count other;");
bad('a blank', qr/invalid method "a b"/, qq($one count "a b";));
bad('too many', qr/"count" has too many methods: there may be 32/,
    "$one count " . join(' ', map { "m$_" } 1 .. 33) . ';');


# ---- meters

my $router = 'wgw_router eth; proxy_pass $wgw_provider; wgw_meter m ';

for ('', ' count=sent', ' full=other') {
    good("a key that is known late$_", $one,
         "$router a/\$wgw_provider_name$_;", undef, 'wgw_meter_zone m keys=9;');
}

for my $what ('cap=1', 'cap=$arg_cap', 'precheck', 'full=refuse') {
    bad("with $what", qr/ is known too late for .* in .*nginx\.conf:\d+/, $one,
        "$router a/\${wgw_provider_name} $what;", undef,
        'wgw_meter_zone m keys=9;');
}


# ---- locations

bad('no such providers',
    qr/"wgw_router x": there are no such "wgw_providers" in .*\.conf:\d+/, $one,
    'wgw_router x; proxy_pass $wgw_provider;');
bad('no proxy_pass', qr/its location has no "proxy_pass/, $one,
    'wgw_router eth;');
bad('headers off', qr/proxy_pass_request_headers off/, $one,
    'wgw_router eth; proxy_pass $wgw_provider; '
    . 'proxy_pass_request_headers off;');
bad('a cache', qr/"proxy_cache" cannot be used/, $one,
    'wgw_router eth; proxy_pass $wgw_provider; proxy_cache c;',
    'proxy_cache_path cache keys_zone=c:1m;');
bad('an upstream of that name', qr/upstream/, $one, undef,
    'upstream p1.example { server 127.0.0.1; }');

done_testing();
