#!/usr/bin/perl

# Keys in configurations that were made with other things in mind: `if` and
# `limit_except` in our locations, lists of methods and nothing else, error
# pages of a body that was not read, redirects within a server.

use warnings;
use strict;

use Test::More;

use Wgw;
use Wgw::Auth;


my $one = node('wallet');

# nothing of it but a list of methods: no zone, no key

my $gw = Wgw->new(<<'EOF');
events { worker_connections 1024; }

http {
    access_log off;
    client_max_body_size 4k;
    wgw_auth_deny_methods debug_*;

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name gw.test;

        location /rpc { proxy_pass http://127.0.0.1:%%BACK%%; }

        location /named {
            error_page 413 @large;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location /page {
            error_page 413 /large;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location @large { proxy_pass http://127.0.0.1:%%BACK%%; }
        location /large { proxy_pass http://127.0.0.1:%%BACK%%; }

        location /off {
            error_page 413 /large.txt;
            proxy_pass http://127.0.0.1:%%BACK%%;
        }

        location = /large.txt { wgw_auth_deny_methods off; root html; }
    }
}
EOF

mkdir $gw->dir() . '/html';
spew($gw->dir() . '/html/large.txt', "too large\n");
node('backend', port => $gw->port('BACK'));
$gw->start();

sub call { return post($gw, $_[0], $_[1], timeout => 5) }

is(call('/rpc', rpc('debug_x'))->{json}{error}{code}, -32601,
   'a method that is denied, where nothing else is used');
is(call('/rpc', rpc('eth_call'))->{status}, 200, 'another');

# The body ends in an error, with a page that looks at methods, too.

sub large {
    my ($path) = @_;

    return http_request($gw->port('HTTP'),
        "POST $path HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n2000\r\n" . 'x' x 8192
        . "\r\n0\r\n\r\n", timeout => 5);
}

is(large($_)->{status}, 413, "$_: a body that is too large") for qw(/named
    /page);
like(large('/off')->{raw}, qr/^HTTP\/1\.1 413 .*too large$/s,
     'and a page that does not');

$gw->stop();


# ---- blocks in locations, and redirects

$gw = Wgw->new(<<"EOF");
wgw_auth_zone file=tokens keys=40;

events { worker_connections 1024; }

http {
    access_log off;
    wgw_auth_secret secret;
    wgw_auth_allow $one->{address};
    wgw_auth_wallet_keys off;

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name gw.test;
        root html;

        location = /auth {
            wgw_auth_signin;
            if (\$request_method = POST) { set \$x 1; }
        }

        location = /limited/auth {
            wgw_auth_signin;
            limit_except GET { allow 127.0.0.1; deny all; }
        }

        location = /backend/auth {
            wgw_auth_signin;
            if (\$arg_old) { proxy_pass http://127.0.0.1:%%BACK%%; }
        }

        location = /many/auth {
            wgw_auth_signin;
            wgw_auth_allow $one->{address} @{[ map { "s$_" } 1 .. 20 ]};
            wgw_auth_allow $one->{address} @{[ map { "s$_" } 15 .. 40 ]};
        }

        location /many/32 { wgw_auth s32; try_files /pages/index.html =404; }
        location /many/33 { wgw_auth s33; try_files /pages/index.html =404; }

        location = /exact/auth {
            wgw_auth_signin;
            wgw_auth_uri gw.test/same;
            wgw_auth_skew 0;
        }

        location = /late/auth {
            wgw_auth_signin;
            wgw_auth_uri gw.test/same;
            wgw_auth_skew 2h;
        }

        location = /once/auth { wgw_auth_signin; wgw_auth_uses 1; }

        location /v1/auth {
            wgw_auth_api;
            if (\$request_method = GET) { set \$x 1; }
        }

        location /v2/auth {
            wgw_auth_api;
            limit_except GET { allow 127.0.0.1; deny all; }
        }

        location /pages {
            wgw_auth;
            wgw_auth_cors https://app.example;
        }

        location /from {
            wgw_auth;
            wgw_auth_cors https://app.example;
            try_files /none /to/index.html;
        }

        location /to {
            wgw_auth;
            wgw_auth_cors https://b.example;
        }

        location /once/a { wgw_auth eth; error_page 403 = /once/b; }
        location /once/b { wgw_auth base; try_files /pages/index.html =404; }
    }
}
EOF

my $dir = $gw->dir();

spew("$dir/secret", 'x' x 32);
chmod 0600, "$dir/secret";
mkdir "$dir/html$_" for '', '/pages', '/to';
spew("$dir/html/$_/index.html", "hello\n") for qw(pages to);
node('backend', port => $gw->port('BACK'));
$gw->start();

my $signed = signin($gw, $one, '/auth');
accepted($signed, 'a sign-in at a location with an `if`');
accepted(signin($gw, $one, '/limited/auth'), 'with a `limit_except`');
accepted(signin($gw, $one, '/backend/auth'), 'with a backend in an `if`');
is(post($gw, '/backend/auth?old=1', 'x')->{status}, 200,
   'which is asked where it holds');
refused(post($gw, '/auth', 'x' x 2_000_000), 413, 'a body of 2 MB');

my $key = key_of($signed);

sub api {
    my ($method, $path, %option) = @_;

    return http_get($gw->port('HTTP'), $path, method => $method, %option);
}

is(api('GET', '/v1/auth/tokens', host => 'gw.test')->{status}, 200,
   'the API, by name, in an `if`');
is(api('GET', '/v1/auth/tokens', host => 'evil.test')->{status}, 403,
   'not by another name');
is(api('DELETE', "/v2/auth/addresses/$one->{address}")->{status}, 204,
   'the API in `limit_except`');
is(with_key($gw, '/pages/', $key)->{status}, 403, 'revoked');

sleep 1;

$key = key_of(signin($gw, $one, '/auth'));

sub origins {
    my ($path, $origin) = @_;

    my $reply = with_key($gw, $path, $key, headers => "Origin: $origin\r\n");

    return join ' ', $reply->{status},
           $reply->{raw} =~ /^Access-Control-Allow-Origin: (\S+)/mg;
}

is(origins('/pages/', 'https://app.example'), '200 https://app.example',
   'an index page: its origin is there once');
is(origins('/from', 'https://app.example'), '200',
   'the location that answers says who may read it');
is(origins('/from', 'https://b.example'), '200 https://b.example',
   'and not the one before');

my $once = key_of(signin($gw, $one, '/once/auth'));
is(with_key($gw, '/once/a/none', $once)->{status}, 404, 'its only use');
is(with_key($gw, '/once/a/none', $once)->{status}, 403,
   'a key that is used up is not good for the error page');

my $many = key_of(signin($gw, $one, '/many/auth'));
is(join(' ', map { with_key($gw, "/many/$_", $many)->{status} } 32, 33),
   '200 403', 'a key for forty services is one for 32');
like($gw->log(), qr/\[error\].* it is not good for "s33"/, 'which is said');


# Two places where a message is good, one for longer than the other; when it
# has ended at the first, others take what room there is.

sub short {
    my $text = message($gw, $one->{address}, '/same',
                       expires => stamp(time + 2));

    return body_of($text, node('sign', by => 'viem', key => $one->{key},
                               text => $text));
}

my $short = short();
accepted(post($gw, '/exact/auth', $short), 'a message of two seconds');
sleep 3;
refused(post($gw, '/exact/auth', $short), 401, 'it has ended');

my %others = map { post($gw, '/exact/auth', short())->{status} => 1 } 1 .. 200;
ok($others{503}, 'there is no more room');

refused(post($gw, '/late/auth', $short), 401,
        'is not good again where clocks may be wrong by more',
        like => qr/was used before/);

$gw->stop();

done_testing();
