#!/usr/bin/perl

# Keys among the rest of nginx: pages of other origins, JSON-RPC methods,
# error pages, redirects, HTTP/2, and the meter.

use warnings;
use strict;

use Test::More;

use Digest::SHA qw(sha256_hex);

use Wgw;
use Wgw::Auth;


my ($one, $two) = map { node('wallet') } 1 .. 2;

my $gw = Wgw->new(<<"EOF");
worker_processes 2;
wgw_auth_zone file=tokens keys=20000;
wgw_meter_zone wallets keys=1000;

events { worker_connections 1024; }

http {
    log_format auth '\$uri \$status \$wgw_auth_status \$wgw_auth_address '
                    '\$wgw_auth_service \$wgw_auth_token_id '
                    '\$wgw_auth_expires';
    access_log logs/access.log auth;
    client_body_buffer_size 1k;
    client_max_body_size 10m;
    proxy_http_version 1.1;
    proxy_set_header Connection "";

    wgw_auth_secret secret;
    wgw_auth_allow $one->{address};
    wgw_auth_allow $two->{address};
    wgw_auth_rate off;

    server {
        listen 127.0.0.1:%%H2%%;
        http2 on;
        server_name gw.test;

        location = /auth { wgw_auth_signin; wgw_auth_uri gw.test/auth; }

        location /rpc {
            wgw_auth eth;
            wgw_auth_allow_methods eth_* net_version;
            wgw_auth_deny_methods eth_send*;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name gw.test;

        location = /auth { wgw_auth_signin; }

        location = /cors/auth {
            wgw_auth_signin;
            wgw_auth_cors https://app.example https://b.example:8443;
        }

        location /cors/eth {
            wgw_auth eth;
            wgw_auth_cors https://app.example;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /cors/all {
            wgw_auth eth;
            wgw_auth_cors *;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /rpc {
            wgw_auth eth;
            wgw_auth_allow_methods eth_* net_version;
            wgw_auth_deny_methods eth_send*;
            wgw_auth_methods_body 64k;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /open {
            wgw_auth_deny_methods debug_* admin_*;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /page {
            wgw_auth eth;
            error_page 401 = \@login;
            error_page 403 /sorry.html;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /repeated {
            wgw_auth eth;
            error_page 400 = \@else;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location \@else { proxy_pass http://127.0.0.1:%%BACK%%; }

        location \@login { return 302 https://app.example/login; }
        location = /sorry.html { internal; return 403 "sorry"; }

        location /either {
            satisfy any;
            allow 127.0.0.1;
            deny all;
            wgw_auth eth;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /neither {
            satisfy any;
            deny all;
            wgw_auth eth;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location = /uses/auth { wgw_auth_signin; wgw_auth_uses 3; }

        location /uses/try {
            wgw_auth eth;
            root html;
            try_files \$uri \$uri/ /uses/eth;
        }

        location /uses/named {
            wgw_auth eth;
            error_page 502 = \@other;
            proxy_pass http://127.0.0.1:%%CLOSED%%;
        }

        location \@other {
            wgw_auth eth;
            proxy_set_header X-Wallet \$wgw_auth_address;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /uses/eth {
            wgw_auth eth;
            proxy_set_header X-Wallet \$wgw_auth_address;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /uses/base {
            wgw_auth base;
            error_page 502 = /uses/eth;
            proxy_pass http://127.0.0.1:%%CLOSED%%;
        }

        location /metered/eth {
            wgw_auth eth;
            wgw_meter wallets \$wgw_auth_address\$wgw_auth_service cap=20000;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /metered/base {
            wgw_auth base;
            wgw_meter wallets \$wgw_auth_address\$wgw_auth_service cap=20000;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /v1/usage { wgw_usage json; }
    }
}
EOF

my $dir = $gw->dir();

spew("$dir/secret", 'x' x 32);
chmod 0600, "$dir/secret";
mkdir "$dir/html";
node('backend', port => $gw->port('BACK'));
$gw->start();

my $key = key_of(signin($gw, $one, '/auth'));

sub status {
    my ($path, $with, %option) = @_;

    return with_key($gw, $path, $with, %option)->{status};
}


# ---- pages of other origins

sub preflight {
    my ($path, $origin, $more) = @_;

    return with_key($gw, $path, undef, method => 'OPTIONS',
                    headers => "Origin: $origin\r\n"
                               . "Access-Control-Request-Method: POST\r\n"
                               . ($more // ''));
}

for my $path ('/cors/auth', '/cors/eth') {
    my $reply = preflight($path, 'https://app.example',
        "Access-Control-Request-Headers: content-type, x-api-key\r\n");
    is($reply->{status}, 204, "P68: $path, a preflight without a key");
    is($reply->{body}, '', 'P68: no body');

    my $h = $reply->{headers};
    is($h->{'access-control-allow-origin'}, 'https://app.example',
       'P68: its origin');
    like($h->{'access-control-allow-methods'}, qr/\bPOST\b/, 'P68: method');
    is(lc $h->{'access-control-allow-headers'}, 'content-type, x-api-key',
       'P68: headers');
    is($h->{vary}, 'Origin', 'P68: not for others');
    is($h->{'access-control-allow-credentials'}, undef, 'P68: no cookies');

    $reply = preflight($path, 'https://evil.example');
    isnt($reply->{status}, 204, "P68: $path, not for others");
    is($reply->{headers}{'access-control-allow-origin'}, undef,
       'P68: which are not told that they may');

    $reply = preflight($path, 'https://app.example',
                       "Access-Control-Request-Headers: a\"b<c>\r\n");
    unlike($reply->{raw}, qr/a"b/, 'P68: what is no name is not sent back');
}

is(preflight('/cors/auth', 'https://b.example:8443')->{status}, 204,
   'P42: OPTIONS where other origins may');
is(preflight('/cors/all', 'https://any.example')->{status}, 204,
   'all origins');
is(preflight('/auth', 'https://app.example')->{status}, 405,
   'P42: OPTIONS where they may not');

for my $case ([ $key, 200 ], [ undef, 401 ], [ 'x', 403 ]) {
    my ($with, $status) = @$case;
    my $reply = with_key($gw, '/cors/eth', $with,
                         headers => "Origin: https://app.example\r\n");
    is($reply->{status}, $status, 'a request of a page');
    is($reply->{headers}{'access-control-allow-origin'},
       'https://app.example', 'which may read the answer');
}

my $text = message($gw, $one->{address}, '/cors/auth');
my $bytes = body_of($text, node('sign', by => 'viem', key => $one->{key},
                                text => $text));
my $signed_in = http_get($gw->port('HTTP'), '/cors/auth', host => 'gw.test',
                         method => 'POST', body => $bytes,
                         headers => "Origin: https://app.example\r\n");
is($signed_in->{status}, 200, 'a page signs in');
is($signed_in->{headers}{'access-control-allow-origin'},
   'https://app.example', 'and may read its key');
is(with_key($gw, '/cors/eth', undef, method => 'OPTIONS',
            headers => "Origin: https://app.example\r\n")->{status}, 401,
   'an OPTIONS that is no preflight needs a key');


# ---- methods

sub call {
    my ($body, %option) = @_;

    return with_key($gw, $option{path} || '/rpc',
                    exists $option{key} ? $option{key} : $key,
                    method => 'POST', body => $body, %option);
}

sub passes {
    my ($name, $body, %option) = @_;

    my $reply = call($body, %option);
    ok($reply->{status} == 200
       && ($reply->{json}{sha256} // '') eq sha256_hex($body)
       && $reply->{json}{length} == length $body, $name)
        or diag($reply->{raw});
}

sub stays {
    my ($name, $code, $body, %option) = @_;

    my $reply = call($body, %option);
    my @errors = ref $reply->{json} eq 'ARRAY' ? @{$reply->{json}}
                                               : $reply->{json};
    my @wrong = grep {
        ($_->{jsonrpc} // '') ne '2.0' || !exists $_->{id}
        || !length($_->{error}{message} // '') || exists $_->{sha256}
    } @errors;

    ok($reply->{status} == 200 && @errors && !@wrong
       && (grep { $_->{error}{code} == $code } @errors), $name)
        or diag($reply->{raw});

    return \@errors;
}

passes('an allowed method', rpc('eth_blockNumber'));
passes('another', rpc('net_version'));
passes('a batch', '[' . rpc('eth_call') . ',' . rpc('eth_chainId', 2) . ']');
passes('its bytes as they were',
       qq( {\r\n"params":["\\u0065", 1.50e3 , {}],"method" : "eth_\\u0063all")
       . qq(,"id":"x"}\n));
passes('a name that is only a text',
       '{"id":1,"method":"eth_call","params":["debug_x","eth_sendX"]}');
passes('not JSON-RPC of this location', rpc('eth_sendX'), path => '/open');
passes('no key is needed there', rpc('eth_x'), path => '/open',
       key => undef);

stays('another method', -32601, rpc('debug_traceCall'));
stays('one that is denied', -32601, rpc('eth_sendRawTransaction'));
stays('escaped', -32601,
      '{"id":1,"method":"\u0065th_\u0073endRawTransaction"}');
stays('capitals do not help against a deny list', -32601,
      rpc('Debug_traceCall'), path => '/open', key => undef);
stays('escaped, without a key', -32601, '{"id":1,"method":"\u0064ebug_x"}',
      path => '/open', key => undef);
stays('twice', -32600, '{"id":1,"method":"eth_call","method":"debug_x"}');
stays('once escaped', -32600,
      '{"id":1,"method":"eth_call","m\u0065thod":"debug_x"}');
stays('in capitals', -32600,
      '{"id":1,"method":"eth_call","Method":"debug_x"}');
stays('no method', -32600, '{"id":1}');
stays('a number', -32600, '{"id":1,"method":1}');
stays('no call', -32600, '1');
stays('nothing in it', -32600, '[]');
stays('not JSON', -32700, '{"id":1,"method":"eth_call"');
stays('two of them', -32700, rpc('eth_call') . rpc('debug_x'));
stays('a byte order mark', -32700, "\xef\xbb\xbf" . rpc('eth_call'));
stays('nothing', -32700, ' ');
stays('too deep', -32600, '[' x 5000);

my $errors = stays('a batch with one that is refused', -32601,
    '[' . join(',', rpc('eth_call', 7), rpc('debug_x', '"a"'),
               rpc('eth_chainId', 9)) . ']');
is_deeply([ map { $_->{id} } @$errors ], [ 7, 'a', 9 ],
          'an error for each of the batch');

stays("a batch of $_ that are no calls", -32600,
      '[' . join(',', ('1') x $_) . ']') for (2, 100, 999, 1000, 1001, 9000);
stays('a batch that is too long', -32600,
      '[' . join(',', map { rpc('eth_x', $_) } 1 .. 1001) . ']');

my $large = '{"id":1,"method":"eth_call","params":["' . 'a' x 60000 . '"]}';
passes('a body in a file', $large);
(my $other = $large) =~ s/eth_call/debug_x/;
stays('and one that is refused', -32601, $other);
(my $last = $large) =~ s/\}$/,"method":"debug_x"}/;
stays('whose second method is far behind', -32600, $last);

sub too_long {
    my ($reply, $name) = @_;

    is("$reply->{status} $reply->{json}{error}{code}", '413 -32600',
       "field 11.21: $name, as JSON-RPC");
}

too_long(call($large . ' ' x 8000), 'too long');

sub chunked {
    my ($body, $size) = @_;

    my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
        $body =~ /(.{1,$size})/gs;
    my $reply = http_request($gw->port('HTTP'),
        "POST /rpc HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n"
        . "X-Api-Key: $key\r\nTransfer-Encoding: chunked\r\n\r\n"
        . "${chunks}0\r\n\r\n");
    $reply->{json} = json(Wgw::dechunk($reply));

    return $reply;
}

for my $size (1, 7, 900, 50000) {
    my $body = $size < 7 ? rpc('eth_call') : $large;
    is(chunked($body, $size)->{json}{sha256}, sha256_hex($body),
       "in chunks of $size");
    (my $bad = $body) =~ s/eth_call/debug_x/;
    is(chunked($bad, $size)->{json}{error}{code}, -32601, 'and refused');
}

too_long(chunked($large . ' ' x 8000, 5000), 'too long, in chunks');

for my $method (qw(GET HEAD PUT DELETE)) {
    my $reply = with_key($gw, '/rpc', $key, method => $method);
    is($reply->{status}, 405, "$method where methods are looked at");
}

refused(with_key($gw, '/rpc', $key), 405, 'which is said');
refused(with_key($gw, '/rpc', undef, method => 'POST', body => $other), 401,
        'a key comes first');

{
    my $first = rpc('debug_x');
    my $second = rpc('eth_call');
    my $answer = exchange($gw->port('HTTP'), join '', map {
        "POST /rpc HTTP/1.1\r\nHost: gw.test\r\nX-Api-Key: $key\r\n"
        . 'Content-Length: ' . length($_) . "\r\n\r\n$_"
    } ($first, $second), until => qr/sha256/);
    like($answer, qr/-32601.*"sha256":"@{[ sha256_hex($second) ]}"/s,
         'two on one connection');
}


# ---- HTTP/2

sub h2 {
    my ($path, @arguments) = @_;

    my $reply = curl('--http2-prior-knowledge', '-H', 'Host: gw.test',
                     @arguments, 'http://127.0.0.1:' . $gw->port('H2')
                                 . $path);
    $reply->{json} = $reply->{body} =~ /^[\[{]/ ? json($reply->{body}) : { };

    return $reply;
}

sub early {
    my ($path, $body) = @_;

    return node('http2', url => 'http://127.0.0.1:' . $gw->port('H2'),
                headers => { ':path' => $path, ':method' => 'POST',
                             ':authority' => 'gw.test',
                             'content-length' => length $body },
                body => $body);
}

sub file { spew("$dir/body", $_[0]); return '@' . "$dir/body" }

$text = message($gw, $two->{address}, '/auth');
$bytes = body_of($text, node('sign', by => 'ethers', key => $two->{key},
                             text => $text));
my $reply = h2('/auth', '--data-binary', file($bytes));
is($reply->{code}, 200, 'HTTP/2: a sign-in');
my $twos = $reply->{json}{headers}{'x-api-key'};
is(h2('/auth', '--data-binary', file($bytes))->{code}, 401,
   'HTTP/2: not twice');
is(early('/auth', 'x' x 20000), 413, 'HTTP/2: too long');
is(h2('/auth', '--data-binary', file('x' x 20000), '-H', 'Content-Length:')
       ->{code}, 413, 'HTTP/2: too long, without a length');
is(h2('/auth', '--data-binary', file(''), '-X', 'POST')->{code}, 400,
   'HTTP/2: empty');

for my $body (rpc('eth_call'), $large) {
    my $h = h2('/rpc', '-H', "x-api-key: $twos", '--data-binary',
               file($body));
    is($h->{json}{sha256}, sha256_hex($body), 'HTTP/2: a call');
    is($h->{json}{headers}{'x-api-key'}, undef, 'HTTP/2: without the key');
    $h = h2('/rpc', '-H', "x-api-key: $twos", '-H', 'Content-Length:',
            '--data-binary', file($body));
    is($h->{json}{sha256}, sha256_hex($body), 'HTTP/2: without a length');
}

is(h2('/rpc', '-H', "x-api-key: $twos", '--data-binary', file($other))
       ->{json}{error}{code}, -32601, 'HTTP/2: refused');
is(early('/rpc', $large), 401, 'HTTP/2: no key');


# ---- error pages and other modules

my $page = with_key($gw, '/page', undef);
is($page->{status}, 302, 'error_page 401');
is($page->{headers}{location}, 'https://app.example/login', 'goes there');
$page = with_key($gw, '/page', 'x');
is($page->{status} . $page->{body}, '403sorry', 'error_page 403');
is(status('/page', $key), 200, 'and a good key');

$page = with_key($gw, '/repeated', $key,
                 headers => "X-A: 1\r\nX-Api-Key: x\r\nX-B: 2\r\n");
is($page->{json}{headers}{'x-a'} . $page->{json}{headers}{'x-b'}, '12',
   'error_page 400');
is($page->{json}{headers}{'x-api-key'}, undef, 'which gets neither key');

my $either = with_key($gw, '/either', undef);
is($either->{status}, 200, 'satisfy any: by address');
$either = with_key($gw, '/either', $key);
is($either->{status}, 200, 'satisfy any: by key');
is($either->{json}{headers}{'x-api-key'}, undef, 'without the key');
$either = with_key($gw, '/either', 'bad');
is($either->{status}, 200, 'satisfy any: by address, with a bad key');
is($either->{json}{headers}{'x-api-key'}, undef, 'nor does that go on');
refused(with_key($gw, '/either', 'bad', headers => "x-api-key: worse\r\n"),
        400, 'two are refused');
like(status('/neither', undef), qr/^40[13]$/, 'satisfy any: no key');
like(status('/neither', 'x'), qr/^40[13]$/, 'satisfy any: a bad key');
is(status('/neither', $key), 200, 'satisfy any: the key');


# ---- redirects

sub uses { return key_of(signin($gw, $one, '/uses/auth')) }

for my $path (qw(/uses/eth /uses/try /uses/named)) {
    my $three = uses();
    my @all = map { with_key($gw, $path, $three) } 1 .. 4;

    is(join(' ', map { $_->{status} } @all), '200 200 200 403',
       "$path: one use for a request");
    is($all[0]{json}{headers}{'x-api-key'}, undef, "$path: no key");
    is($all[0]{json}{headers}{'x-wallet'}, $one->{address},
       "$path: whose it is") ;
}

my $from = uses();
is(join(' ', map { status('/uses/base', $from) } 1 .. 4), '200 200 200 403',
   'from one service to another');

is(with_key($gw, '/uses/try', undef)->{status}, 401, 'no key, no file');


# ---- the meter

sub usage_of {
    my ($wallet, $service) = @_;

    return usage($gw->port('HTTP'), $wallet->{address} . $service);
}

is(status('/metered/eth', $key), 200, 'metered') for 1 .. 3;
is(status('/metered/base', $key), 200, 'another service');
is(status('/metered/eth', $twos), 200, 'another wallet');
is(status('/metered/eth', undef), 401, 'nobody');
is(status('/metered/eth', 'x'), 403, 'a bad key');

my ($eth, $base, $theirs) = (usage_of($one, 'eth'), usage_of($one, 'base'),
                             usage_of($two, 'eth'));
is($eth->{total}{requests} // $eth->{requests}, 3, 'three requests');
is($base->{total}{requests} // $base->{requests}, 1, 'one of another service');
is($theirs->{total}{requests} // $theirs->{requests}, 1, 'one of another');

my ($last_status, $served) = (200, 0);

for (1 .. 200) {
    $last_status = status('/metered/eth', $key);
    last if $last_status != 200;
    $served++;
}

is($last_status, 429, "the cap of a wallet and service, after $served");
is(status('/metered/base', $key), 200, 'not that of another service');
is(status('/metered/eth', $twos), 200, 'nor of another wallet');


# ---- variables

my $log = slurp("$dir/logs/access.log");

like($log, qr{^/auth 200 signed_in $one->{address} }m, 'signed_in');
like($log, qr{^/rpc 200 ok $one->{address} eth [\w-]{22} \d{10}$}m, 'ok');
like($log, qr{^/cors/eth 401 missing - - - -$}m, 'missing');
like($log, qr{^/cors/eth 403 malformed - - - -$}m, 'malformed');
like($log, qr{^/uses/eth 403 exhausted - }m, 'exhausted');

$gw->stop();

done_testing();
