#!/usr/bin/perl

# What our endpoints are asked for, and by whom: query arguments they do not
# know (field 11.26), browsers (field 11.27), and keys in a path, which is
# taken as it was written (field 11 kinds).

use warnings;
use strict;

use Test::More;

use Wgw;


my $gw = Wgw->new(<<'EOF');
worker_processes 1;
wgw_names names domain=gw.test allow_loopback;
wgw_meter_zone keys keys=100;
wgw_meter_zone more keys=100;

events { }

http {
    access_log off;

    server {
        listen 127.0.0.1:%%ADMIN%%;
        listen [::1]:%%ADMIN%%;
        server_name admin.test;

        location /v1/names { wgw_api; }
        location /v1/usage { wgw_usage json; }
        location /v1/auth { wgw_auth_api; }
        location = /metrics { wgw_usage prometheus; }
        location = /scraped {
            wgw_usage prometheus host=metrics.test host=[2001:db8::9];
        }
        location = /any { wgw_usage prometheus host=any; }

        location /rewritten/ {
            rewrite ^/rewritten/(.*)$ /v1/usage/$1;
        }
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        location / { wgw_meter keys $http_x_key; return 200 "ok\n"; }
    }

    server {
        listen 127.0.0.1:%%AUTH%%;
        server_name 127.0.0.1;
        wgw_auth_secret secret;
        wgw_auth_allow any;
        location /auth { wgw_auth_signin; }
        location / { wgw_auth eth; return 200; }
    }
}
EOF

spew($gw->dir() . '/secret', 'x' x 44);
chmod 0600, $gw->dir() . '/secret';

$gw->start();

my $admin = $gw->port('ADMIN');
my $record = '{"backends":["http://192.0.2.1"]}';


# ---- query arguments

sub refused {
    my ($method, $path, $field, %option) = @_;

    my $reply = http_get($admin, $path, method => $method, %option);
    my $body = json($reply->{body});

    is($reply->{status}, 400, "field 11.26 $method $path");
    is($body && $body->{field}, $field, "says $field");

    return $body && $body->{error};
}

is(http_get($admin, '/v1/names/a', method => 'PUT', body => $record)
   ->{status}, 201, 'a name');

my @bulk = (headers => "Content-Type: application/x-ndjson\r\n",
            body => "\n");

refused('GET', '/v1/usage?month=2026-01', 'month');
refused('GET', '/v1/usage?Zone=keys', 'Zone');
refused('GET', '/v1/usage?zone=keys&zone=more', 'zone');
refused('GET', '/v1/usage/a?month=2026-01', 'month');
refused('GET', '/v1/usage/a?limit=1', 'limit');
refused('GET', '/metrics?month=2026-01', 'month');
refused('GET', '/v1/names?offset=1', 'offset');
refused('GET', '/v1/names?limit=1&limit=2', 'limit');
refused('GET', '/v1/names?l%69mit=1', 'l%69mit');
refused('GET', '/v1/names/a?version=1', 'version');
refused('PUT', '/v1/names/a?close=true', 'close', body => $record);
refused('DELETE', '/v1/names/a?close=yes', 'close');
refused('DELETE', '/v1/names/a?force=true', 'force');
refused('POST', '/v1/names?replace=yes', 'replace', @bulk);
refused('POST', '/v1/names?replace=true&dry_run=true', 'dry_run', @bulk);
refused('GET', '/v1/auth/tokens?address=0x1', 'address');
refused('GET', '/v1/auth/addresses?service=eth', 'service');
refused('GET', '/v1/auth/metrics?limit=1', 'limit');
refused('DELETE', '/v1/auth/tokens/AAAAAAAAAAAAAAAAAAAAAA?all=1', 'all');

is(http_get($admin, '/v1/names?&', method => 'POST', @bulk)->{status}, 200,
   'an empty argument is none');
is(http_get($admin, '/v1/names/a')->{status}, 200, 'and replaces nothing');
is(http_get($admin, '/v1/names?limit=1&after=a%2egw.test')->{status}, 200,
   'values may be escaped');
is(http_get($admin, $_)->{status}, 200, $_)
    for qw(/v1/usage? /v1/usage?zone=keys&limit=5&after=0&top=3&by=sent
           /metrics?zone=keys /v1/auth/tokens?limit=5&after=0
           /v1/auth/metrics);


# ---- backends

for my $case ([ 'http://192.0.2.1/api', 'has a path' ],
              [ 'http://192.0.2.1/?x=1', 'has a query' ],
              [ 'https://192.0.2.1#x', 'has a fragment' ],
              [ 'https://u:p@192.0.2.1', 'has user information' ])
{
    is(refused('PUT', '/v1/names/b', 'backends[0]',
               body => qq({"backends":["$case->[0]"]})),
       $case->[1], "field 11.26 a backend that $case->[1]");
}

is(http_get($admin, '/v1/names/b', method => 'PUT',
            body => '{"backends":["http://192.0.2.1/"]}')->{status}, 201,
   'the root is no path');


# ---- browsers

sub asked {
    my ($path, $host, $origin, %option) = @_;

    my $headers = join '', map { "Origin: $_\r\n" }
        ref $origin ? @$origin : defined $origin ? $origin : ();

    return http_get($admin, $path, host => $host, headers => $headers,
                    %option)->{status};
}

for my $path (qw(/v1/usage /metrics /v1/names /v1/auth/tokens)) {
    my $local = "127.0.0.1:$admin";

    is(asked($path, $_), 200, "field 11.27 $path, Host: $_")
        for $local, "localhost:$admin", "[::1]:$admin", 'LOCALHOST.',
            '127.9.9.9', 'admin.test', '[::ffff:127.0.0.1]';

    is(asked($path, $_), 403, "field 11.27 $path, Host: $_")
        for 'evil.test', "192.0.2.1:$admin", 'localhost.evil.test',
            '127.0.0.1.evil.test', '[::2]', 'metrics.test';

    is(asked($path, $local, "http://$local"), 200,
       "field 11.27 $path, its own Origin");

    is(asked($path, $local, $_), 403, "field 11.27 $path, Origin: $_")
        for 'http://evil.test', 'null', "http://evil.test/$local",
            'http://127.0.0.1:1', "ftp://$local";

    is(asked($path, $local, [ "http://$local", 'http://evil.test' ]), 403,
       "field 11.27 $path, two of them");
    is(asked("http://localhost:$admin$path", 'evil.test', 'http://evil.test'),
       403, "field 11.27 $path, a Host that is not the one asked for");
}

is(asked('/scraped', 'metrics.test:1234'), 200,
   'field 11.27 a scraper by a Host of its own');
is(asked('/scraped', 'METRICS.test'), 200, 'in any case');
is(asked('/scraped', '[2001:DB8:0::9]'), 200, 'an address in any spelling');
is(asked('/scraped', 'evil.test'), 403, 'and no other');
is(asked('/any', 'evil.test'), 200, 'field 11.27 host=any');
is(asked('/any', 'evil.test', 'http://other.test'), 403,
   'which allows no foreign Origin');


# ---- a path is as it was written

sub count {
    my ($key) = @_;
    return http_request($gw->port('HTTP'), "GET / HTTP/1.1\r\nHost: a\r\n"
                        . "Connection: close\r\nX-Key: $key\r\n\r\n");
}

sub figures {
    my ($path) = @_;

    my $reply = http_get($admin, $path);
    my $body = json($reply->{body});

    return $reply->{status} == 200 ? $body->{keys}[0]{key} . ' '
                                     . $body->{keys}[0]{requests}
                                   : $reply->{status};
}

count('a/b') for 1 .. 2;
count('a//b') for 1 .. 3;
count('c/../a/b') for 1 .. 4;
count('/lead') for 1 .. 5;
count('100%41') for 1 .. 6;
count('100A') for 1 .. 7;

is(figures('/v1/usage/a/b'), 'a/b 2', 'a key with a slash');
is(figures('/v1/usage/a%2Fb'), 'a/b 2', 'or an escaped one');
is(figures('/v1/usage/a//b'), 'a//b 3', 'field 11 kinds: two are two');
is(figures('/v1/usage/c/../a/b'), 'c/../a/b 4', 'field 11 kinds: dots stay');
is(figures('/v1/usage//lead'), '/lead 5', 'field 11 kinds: a leading one');
is(figures('/v1/usage/100%2541'), '100%41 6',
   'field 11 kinds: escapes are taken off once');
is(figures('/v1/usage/100%41'), '100A 7', 'and are');
is(figures('/rewritten/a/b'), 'a/b 2', 'after a rewrite, what that made');
is(figures('//v1/usage/a/b'), 404, 'field 11 kinds: the prefix is as it is');

is(http_get($admin, '/v1/names/x/../a')->{status}, 400,
   'field 11 kinds: a name is no path');
is(http_get($admin, '/v1/names/a/')->{status}, 400, 'nor a folder');
is(http_get($admin, '/v1/names/x/../a', method => 'DELETE')->{status}, 400,
   'field 11 kinds: which deletes nothing');
is(http_get($admin, '/v1/names/a')->{status}, 200, 'it is still there');
is(http_get($admin, '/v1/names/%61')->{status}, 200, 'escapes of a name');

# ---- two keys are two rows, and two series

count('caf' . $_) for "\xe9", "\xe9", "\xe8", "\xef\xbf\xbd", '\xe9';

sub rows {
    my $usage = json(http_get($admin, '/v1/usage?zone=keys')->{body});
    return { map { $_->{key} => $_->{requests} } grep { $_->{key} =~ /^caf/ }
             @{$usage->{keys}} };
}

is_deeply(rows(), { 'caf\\xe9' => 2, 'caf\\xe8' => 1, "caf\x{fffd}" => 1,
                    'caf\\x5cxe9' => 1 },
          'field 11 kinds: keys that are no text are told apart');

my $metrics = http_get($admin, '/metrics')->{body};
my %series;
$series{$1}++ while $metrics =~ /^(wgw_meter_requests_total\S*) /mg;
is((sort { $b <=> $a } values %series)[0], 1,
   'field 11 kinds: each series is there once');
like($metrics, qr/^wgw_meter_requests_total\{zone="keys",key="caf\\\\xe9"\} 2/m,
     'with its key');

is(json(http_get($admin, '/v1/usage/caf%E9')->{body})->{keys}[0]{requests},
   2, 'asked for by its bytes');


# ---- a header that is a list

sub etag { return http_get($admin, '/v1/names/a')->{headers}{etag} }

sub change {
    my ($match) = @_;

    return http_get($admin, '/v1/names/a', method => 'PUT', body => $record,
                    headers => "If-Match: $match\r\n")->{status};
}

my $etag = etag();

is(change($etag), 200, 'If-Match');
is(change("\"123\", $etag"), 200, 'field 11 kinds: one of a list');
is(change("W/\"123\" , $etag,"), 200, 'field 11 kinds: beside a weak one');
is(change("W/$etag"), 412, 'a weak one alone');
is(change('"123", "456"'), 412, 'field 11 kinds: none of a list');
is(change(uc $etag), 412, 'field 11 kinds: an ETag in another form')
    if uc $etag ne $etag;
is(change($etag =~ s/"/"0/r), 412, 'field 11 kinds: with a zero before');

is(http_get($admin, '/metrics', headers => "Accept: $_->[0]\r\n")
   ->{headers}{'content-type'} =~ m{^(\S+);} && $1, $_->[1],
   "field 11 kinds: Accept: $_->[0]")
    for [ 'application/openmetrics-text', 'application/openmetrics-text' ],
        [ 'text/plain, Application/OpenMetrics-Text;version=1.0.0;q=0.5',
          'application/openmetrics-text' ],
        [ 'application/openmetrics-text;q=0, text/plain', 'text/plain' ],
        [ 'application/openmetrics-text;version=1.0.0; q=0.00', 'text/plain' ],
        [ 'application/openmetrics-texts', 'text/plain' ],
        [ 'text/plain;x=application/openmetrics-text', 'text/plain' ];


# ---- bytes that nobody sees

my $mark = "\xef\xbb\xbf";

is(http_get($admin, '/v1/names/marked', method => 'PUT',
            body => "$mark$record")->{status}, 201,
   'field 11 kinds: a byte order mark before a record');
is(http_get($admin, '/v1/names', method => 'POST', headers => $bulk[1],
            body => qq($mark\r\n$mark\{"name":"one","backends":["http://)
                    . qq(192.0.2.1"]}\r\n$mark\{"name":"two","backends":)
                    . qq(["http://192.0.2.1"]}\n))->{body},
   qq({"added":2,"changed":0,"deleted":0}\n),
   'field 11 kinds: and at the seams of many');
is(refused('PUT', '/v1/names/unseen', 'owner',
           body => qq({"backends":["http://192.0.2.1"],"owner":"a\xe2\x80\x8b"})),
   'has a character that nobody sees', 'field 11 kinds: an owner');

$gw->stop();

done_testing();
