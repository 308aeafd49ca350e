#!/usr/bin/perl

# What the field has found in sign-in and keys: lists beside a key, pages of
# other origins at limits, 100-continue, numbers, sizes.

use warnings;
use strict;

use Test::More;

use Digest::SHA qw(hmac_sha256);
use MIME::Base64 qw(encode_base64url);
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Auth;


my ($one, $two) = map { node('wallet') } 1 .. 2;

my $gw = Wgw->new(<<"EOF");
worker_processes 1;
wgw_auth_zone keys=2000;
wgw_rate_zone rates keys=100;
wgw_meter_zone caps keys=100 window=hour;

events { worker_connections 1024; }

http {
    access_log off;
    limit_req_zone \$binary_remote_addr zone=slow:1m rate=1r/m;

    wgw_auth_secret secret;
    wgw_auth_allow any;

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name gw.test;

        wgw_auth_cors https://app.example;

        location = /auth { wgw_auth_signin; }
        location /eth { wgw_auth eth; proxy_pass http://127.0.0.1:%%BACK%%; }

        location /admin {
            wgw_auth admin;
            wgw_auth_allow $one->{address};
            proxy_pass http://127.0.0.1:%%BACK%%;

            location /admin/deep { proxy_pass http://127.0.0.1:%%BACK%%; }
        }

        location /bare {
            wgw_auth;
            wgw_auth_bare on;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /barely {
            wgw_auth;
            wgw_auth_bare on;
            wgw_auth_allow any;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /rate {
            wgw_auth eth;
            wgw_rate rates \$binary_remote_addr rate=1r/m;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /req {
            wgw_auth eth;
            limit_req zone=slow;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /cap {
            wgw_auth eth;
            wgw_meter caps \$wgw_auth_address cap=1500;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /host {
            wgw_auth eth;
            wgw_meter caps \$host cap=1500;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /small {
            wgw_auth eth;
            client_max_body_size 1k;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /paged {
            wgw_auth eth;
            client_max_body_size 1k;
            wgw_rate rates paged rate=1r/m;
            error_page 429 /limit.txt;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location = /limit.txt { wgw_auth_cors off; root html; }

        location /rpc {
            wgw_auth_deny_methods debug_*;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /rpc4k {
            wgw_auth_deny_methods debug_*;
            client_max_body_size 4k;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /plain { root html; }

        location /wide {
            wgw_auth eth;
            proxy_pass http://127.0.0.1:%%WIDE%%;
        }

        location /v1/auth { wgw_auth_api; }
        location /v1/usage { wgw_usage json; }
    }

    server {
        listen 127.0.0.1:%%WIDE%%;
        location / {
            add_header Access-Control-Allow-Origin *;
            add_header Access-Control-Allow-Credentials true;
            add_header Vary Cookie;
            return 200 ok;
        }
    }
}
EOF

my $dir = $gw->dir();

spew("$dir/secret", 'x' x 32);
chmod 0600, "$dir/secret";
mkdir "$dir/html";
spew("$dir/html/limit.txt", "slowly\n");
mkdir "$dir/html/plain";
spew("$dir/html/plain/index.html", "plain\n");
node('backend', port => $gw->port('BACK'));
$gw->start();

my $key = key_of(signin($gw, $one, '/auth'));
my $others = key_of(signin($gw, $two, '/auth'));


# ---- a list beside the key that is asked for

is(with_key($gw, '/admin', $key)->{status}, 200,
   'field 11.17: who is on the list');
refused(with_key($gw, '/admin', $others), 403, 'field 11.17: who is not',
        like => qr/not allowed/);
is(join(' ', map { with_key($gw, '/admin/deep', $_)->{status} } $key, $others),
   '200 403', 'field 11.17: and in a location within');
is(with_key($gw, '/eth', $others)->{status}, 200, 'elsewhere');

sub token {
    my ($claims, $header) = @_;

    my $signed = join '.', map { encode_base64url($_) }
        $header || '{"alg":"HS256","typ":"JWT"}', $claims;

    return $signed . '.' . encode_base64url(hmac_sha256($signed, 'x' x 32));
}

my $until = int(time) + 600;
is(with_key($gw, '/bare', token(qq({"exp":$until})))->{status}, 200,
   'a key that says nothing of who has it');
is(with_key($gw, '/barely', token(qq({"exp":$until})))->{status}, 403,
   'field 11.17: is on no list');


# ---- pages of other origins

sub page {
    my ($path, %option) = @_;

    my $origin = $option{origin} // 'https://app.example';
    my $reply = with_key($gw, $path, exists $option{key} ? $option{key} : $key,
        headers => "Origin: $origin\r\n" . ($option{headers} // ''),
        method => $option{method} // 'GET', body => $option{body});

    return join ' ', $reply->{status},
           $reply->{raw} =~ /^Access-Control-Allow-Origin: (\S+)/mg;
}

sub preflight {
    my ($path, $more) = @_;

    return page($path, key => undef, method => 'OPTIONS', headers =>
        "Access-Control-Request-Method: POST\r\n" . ($more // ''));
}

for my $path (qw(/rate /req)) {
    my $limit = $path eq '/rate' ? 429 : 503;

    is(page($path), '200 https://app.example', "$path: the first");
    is(page($path), "$limit https://app.example",
       "field 11.19: $path: a page may read the limit");
    is(preflight($path), '204 https://app.example',
       "field 11.19: $path: a preflight meets none") for 1 .. 3;
}

my @cap = map { page('/cap') } 1 .. 4;
is($cap[-1], '429 https://app.example', 'field 11.19: /cap: a page may read it');
is(preflight('/cap'), '204 https://app.example', 'field 11.19: its preflight');

# by what is known before the key: the server's own name

page('/host') for 1 .. 4;
is(page('/host'), '429 https://app.example', 'field 11.19: a cap by host');
is(preflight('/host'), '204 https://app.example',
   'field 11.19: its preflights') for 1 .. 6;

my ($caps) = grep { $_->{zone} eq 'caps' }
             @{json(http_get($gw->port('HTTP'), '/v1/usage')->{body})->{zones}};

is($caps->{denied}{refused}, 0, 'are not refused');
cmp_ok($caps->{denied}{requests}, '>=', 7, 'and counted as denied');

is(page('/small', method => 'POST', body => 'x' x 2000),
   '413 https://app.example', 'field 11.19: a body that is too large');
is(page('/rpc4k', method => 'POST', body => 'x' x 5000),
   '413 https://app.example', 'field 11.19: a call that is');
is(preflight('/rpc'), '204 https://app.example',
   'field 11.19: a list of methods alone: a preflight');
is(page('/rpc', method => 'POST', body => rpc('eth_call')),
   '200 https://app.example', 'field 11.19: and a call');
is(page('/eth', key => 'x'), '403 https://app.example', 'a bad key');
is(page('/eth', origin => 'https://other.example'), '200', 'another origin');
is(page('/plain/'), '200', 'what is nothing of ours');

page('/paged');
is(page('/paged'), '429 https://app.example',
   'field 11.19: the page of an error');

is(page('/wide'), '200 https://app.example',
   'field 11.19: what a backend says of origins is dropped');
is(page('/wide', origin => 'https://other.example'), '200',
   'field 11.19: for all of them');

# lists that came as several fields

is(page('/eth', headers => "Origin: https://other.example\r\n"), '200',
   'field 11: a request of two origins is of none');

my $reply = http_get($gw->port('HTTP'), '/eth', host => 'gw.test',
    method => 'OPTIONS', headers => "Origin: https://app.example\r\n"
        . "Access-Control-Request-Method: POST\r\n"
        . "Access-Control-Request-Headers: x-api-key\r\n"
        . "Access-Control-Request-Headers: content-type, x-other\r\n");
is($reply->{headers}{'access-control-allow-headers'},
   'x-api-key, content-type, x-other',
   'field 11: all fields of names that are asked for');
refused(with_key($gw, '/eth', "$key, $others"), 400,
        'field 11: two keys in one field', like => qr/more than once/);
is(http_get($gw->port('HTTP'), '/v1/auth/tokens', host => 'gw.test',
            headers => "Origin: http://gw.test\r\n"
                       . "Origin: https://evil.example\r\n")->{status},
   403, 'field 11: management by two origins');


# ---- 100-continue

sub expected {
    my ($method, $path, undef, $length) = @_;

    $length //= 300000;

    my $reply = exchange($gw->port('HTTP'),
        "$method $path HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n"
        . "Expect: 100-continue\r\nContent-Length: $length\r\n\r\n");

    return join ' ', $reply =~ /^HTTP\/1\.1 (\d+)/mg;
}

is(expected(@$_), $_->[2] , "field 11.20: $_->[0] $_->[1]: no 100 before $_->[2]")
    for [ 'POST', '/eth', 401 ], [ 'POST', '/rpc', 413, 3000000 ],
        [ 'POST', '/auth', 413 ], [ 'PUT', '/v1/usage/x', 405 ],
        [ 'POST', '/v1/auth/tokens', 405 ], [ 'POST', '/small', 413 ];


# ---- numbers

for (
    [ "{\"exp\":$until.336421}", 200 ],
    [ sprintf('{"exp":%.9e}', $until), 200 ],
    [ sprintf('{"exp":%de3}', $until / 1000 + 1), 200 ],
    [ "{\"exp\":$until.0,\"iat\":1.5e9}", 200 ],
    [ "{\"exp\":$until,\"nbf\":" . int(time) . '.9}', 403 ],
    [ '{"exp":' . int(time) . '.9}', 403 ],
    [ '{"exp":1e400}', 403 ], [ '{"exp":-1e9}', 403 ],
    [ "{\"exp\":$until,\"aud\":[]}", 403 ],
    [ "{\"exp\":$until,\"aud\":null}", 403 ],
) {
    my ($claims, $status) = @$_;

    is(with_key($gw, '/bare', token($claims))->{status}, $status,
       "field 11.21: $claims");
}

for ([ 'jwt', 200 ], [ 'Jwt', 200 ], [ 'application/JWT', 200 ],
     [ 'at+jwt', 403 ], [ '', 403 ])
{
    my ($typ, $status) = @$_;

    is(with_key($gw, '/bare', token("{\"exp\":$until}",
           qq({"alg":"HS256","typ":"$typ"})))->{status}, $status,
       "field 11.21: typ \"$typ\"");
}


# ---- sizes

sub transaction {
    my ($bytes) = @_;

    return '{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction",'
           . '"params":["0x' . 'ab' x $bytes . '"]}';
}

for my $bytes (1000, 131072, 786432) {
    my $body = transaction($bytes);
    my $reply = post($gw, '/rpc', $body);

    is($reply->{status}, 200, "field 11.21: a transaction of $bytes bytes");
    is(json(Wgw::dechunk($reply))->{length}, length $body,
       'field 11.21: the backend has it');
}

sub in_chunks {
    my ($path, $body) = @_;

    my $chunked = join '', map { sprintf "%x\r\n%s\r\n", length $_, $_ }
        unpack '(a50000)*', $body;

    return http_request($gw->port('HTTP'),
        "POST $path HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n${chunked}0\r\n\r\n",
        timeout => 10);
}

$reply = in_chunks('/rpc', transaction(400000));
is(json(Wgw::dechunk($reply))->{length}, length transaction(400000),
   'field 11.21: one in chunks');

for my $reply (post($gw, '/rpc', transaction(2_000_000)),
               in_chunks('/rpc', transaction(1_500_000)),
               post($gw, '/rpc4k', transaction(3000)),
               in_chunks('/rpc4k', transaction(3000)))
{
    my $json = json($reply->{body} =~ /(\{.*\})/s ? $1 : '{}');

    is($reply->{status}, 413, 'field 11.21: too long');
    is_deeply([ @$json{qw(jsonrpc id)}, $json->{error}{code} ],
              [ '2.0', undef, -32600 ], 'field 11.21: in JSON-RPC');
}

my $recap = 'urn:recap:' . 'A' x 6000;
accepted(signin($gw, $one, '/auth', more => [ 'Resources:', "- $recap" ]),
         'field 11.21: a message with a ReCap of 6000 bytes');


# ---- half of a surrogate pair, in the bytes that CVE-2017-16516 ends us by

for my $json ('"\ud800\\\\z"', '"\ud800"', '"\ud800\"', '"\ud800\u"',
              '["\ud800\\\\z"]', '{"msg":"\ud800\\\\z"}',
              '{"method":"\udbff\\\\x","id":1}')
{
    my ($worker) = $gw->workers();

    is(post($gw, '/rpc', $json)->{json}{error}{code}, -32700,
       "field 11.21: $json as a call");
    refused(post($gw, '/auth', $json), 400, "field 11.21: $json to sign in");
    is(with_key($gw, '/bare', token($json))->{status}, 403,
       "field 11.21: $json as claims");
    is(($gw->workers())[0], $worker, 'and the worker lives');
}

$gw->stop();


# ---- a file with a time in the future

$gw = Wgw->new(<<'EOF');
worker_processes 1;
events { }
http {
    access_log off;
    wgw_auth_secret secret;
    wgw_auth_allow file=list;
    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name gw.test;
        location = /auth { wgw_auth_signin; }
    }
}
EOF

$dir = $gw->dir();
spew("$dir/secret", 'x' x 32);
chmod 0600, "$dir/secret";
spew("$dir/list", "$one->{address}\n");
utime time + 86400, time + 86400, "$dir/list";
sleep 2.2;
$gw->start();


SKIP: {
    my $strace = `which strace 2>/dev/null`;
    skip 'no strace', 1 if !$strace;

    my ($worker) = $gw->workers();
    my $pid = fork // die;

    if ($pid == 0) {
        open STDERR, '>', "$dir/trace";
        exec 'strace', '-qq', '-e', 'trace=openat', '-p', $worker;
    }

    sleep 1;
    for (1 .. 4) { signin($gw, $one, '/auth'); sleep 1.1 }
    CORE::kill 'TERM', $pid;
    waitpid $pid, 0;
    my @opens = slurp("$dir/trace") =~ /openat\([^"]*"[^"]*\/list"/g;
    cmp_ok(scalar @opens, '<=', 1,
           'field 11.21: a list with a time in the future is read once');
}

accepted(signin($gw, $one, '/auth'), 'who is on it');
spew("$dir/list.new", "$two->{address}\n");
utime time + 86400, time + 86400, "$dir/list.new";
rename "$dir/list.new", "$dir/list";
sleep 1.2;
accepted(signin($gw, $two, '/auth'), 'a change is seen');
spew("$dir/list", "$one->{address}\n");
utime time + 86400, time + 86400, "$dir/list";
sleep 1.2;
accepted(signin($gw, $one, '/auth'), 'also one of the same size and time');

$gw->stop();

done_testing();
