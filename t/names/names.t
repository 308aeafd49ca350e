#!/usr/bin/perl

# The names API: records, conditions, pages, refusals; and that what was
# replied is what every worker serves, over reloads, kills and restarts.

use warnings;
use strict;

use Test::More;

use Wgw;


my $gw = Wgw->new(<<'EOF');
worker_processes 2;
wgw_names names domain=gw.test address=192.0.2.1 address=2001:db8:ffff::10
    allow_loopback;

events { }

http {
    access_log off;

    gzip on;
    gzip_types application/json;
    gzip_min_length 1;

    server {
        listen 127.0.0.1:%%ADMIN%%;
        server_name admin.example;

        location /v1/names { wgw_api; }

        location /if {
            if ($host) { set $x 1; }
            wgw_api;
        }

        location /limited {
            wgw_api;
            limit_except GET { deny 192.0.2.0/24; }
        }

        location /denied {
            wgw_api;
            limit_except GET { deny all; }
        }
    }

    server {
        listen 127.0.0.1:%%HTTP%%;

        location / { return 200 "$wgw_name|$wgw_cap|$wgw_owner\n"; }
    }
}
EOF

$gw->start();

my $admin = $gw->port('ADMIN');
my $v6 = 'http://[2001:db8::10]:8080';


# ---- records

my $reply = put('shop', { backends => [ $v6 ], cap_bytes => 1000 });

is($reply->{status}, 201, 'a new name');
like($reply->{headers}{etag}, qr/^"[0-9a-f]+"$/, 'has an ETag');
is($reply->{headers}{'content-type'}, 'application/json', 'is JSON');

is_deeply(json($reply->{body}), {
    name => 'shop.gw.test', backends => [ $v6 ], tls_passthrough => bool(0),
    cap_bytes => 1000, addresses => [ ], tls_name => '',
    tls_verify => bool(1), tls_ca => '',
    proxy_protocol => bool(0), owner => '', workload => '',
    state => 'ok', gateways => [ ],
}, 'the reply is the stored record');

my $etag = $reply->{headers}{etag};

is(put('shop', { backends => [ $v6 ], cap_bytes => 1000 })->{headers}{etag},
   $etag, 'the same again is no change');

$reply = put('SHOP.gw.test.', { backends => [ $v6 ], cap_bytes => 2000 });

is($reply->{status}, 200, 'tf 23: changed in place, by its full name');
isnt($reply->{headers}{etag}, $etag, 'with a new ETag');

$reply = get('shop');

is($reply->{status}, 200, 'get');
is(json($reply->{body})->{cap_bytes}, 2000, 'the new record');

is(put('shop', json($reply->{body}))->{headers}{etag},
   $reply->{headers}{etag}, 'what get says can be put back');

is(get('none')->{status}, 404, 'get of an unknown name');
is(json(get('none')->{body})->{field}, 'name', 'says so');

is(get('shop', method => 'HEAD')->{body}, '', 'HEAD has no body');


# ---- conditions

$etag = get('shop')->{headers}{etag};

is(put('shop', { backends => [ $v6 ] }, 'If-Match: "1"')->{status}, 412,
   'If-Match of another version');
is(put('shop', { backends => [ $v6 ] }, 'If-Match: junk')->{status}, 412,
   'If-Match that is no ETag');
is(put('none', { backends => [ $v6 ] }, 'If-Match: *')->{status}, 412,
   'If-Match: * without a record');
is(put('shop', { backends => [ $v6 ] }, 'If-None-Match: *')->{status}, 412,
   'If-None-Match: * with one');
is(get('shop')->{headers}{etag}, $etag, 'nothing was changed');

$reply = put('shop', { backends => [ $v6 ], cap_bytes => 5 },
             "If-Match: $etag");
is($reply->{status}, 200, 'If-Match of this version');

is(request('DELETE', 'shop', '', "If-Match: $etag")->{status}, 412,
   'DELETE with an old ETag');

is(http_get($admin, '/v1/names/shop', headers => "If-None-Match: "
   . "$reply->{headers}{etag}\r\n")->{status}, 304, 'GET, not modified');


# ---- refusals

for (
    [ 'tf 14', { }, 'backends' ],
    [ 'tf 14', { backends => [ ] }, 'backends' ],
    [ 'tf 14', { backends => $v6 }, 'backends' ],
    [ 'tf 14', { backends => [ $v6 ], tls_passthrough => 'yes' },
      'tls_passthrough' ],
    [ 'tf 15', { backends => [ 'http://example.com' ] }, 'backends[0]' ],
    [ 'tf 15', { backends => [ $v6, 'http://[2001:db8::1]:0' ] },
      'backends[1]' ],
    [ 'tf 19', { backends => [ 'http://192.0.2.1:80' ] }, 'backends[0]' ],
    [ 'tf 19', { backends => [ 'http://[::ffff:192.0.2.1]:80' ] },
      'backends[0]' ],
    [ 'tf 27', { backends => [ $v6 ], addresses => [ '192.0.2.9' ] },
      'addresses[0]' ],
    [ 'tf 28', { backends => [ $v6 ], cap_bytes => -1 }, 'cap_bytes' ],
    [ 'tf 28', { backends => [ $v6 ], cap_bytes => '5' }, 'cap_bytes' ],
    [ 'colour', { backends => [ $v6 ], colour => 'red' }, 'colour' ],
    [ 'name', { name => 'other', backends => [ $v6 ] }, 'name' ],
    [ 'state', { backends => [ $v6 ], state => 'gone' }, 'state' ],
) {
    my ($case, $record, $field) = @$_;

    $reply = put('bad', $record);

    is($reply->{status}, 400, "$case: refused");
    is(json($reply->{body})->{field}, $field, "$case: names $field");
}

is(request('PUT', 'bad', '{"backends":')->{status}, 400, 'broken JSON');
is(request('PUT', 'bad', '')->{status}, 400, 'no body');
is(request('PUT', 'bad', 'x' x 70000)->{status}, 413, 'a long body');

for my $chunk ('x' x 70000, 'x' x 1000) {
    my $chunks = sprintf "%x\r\n%s\r\n", length $chunk, $chunk;

    # it never ends: what is refused is not read

    my $reply = http_request($admin,
        "PUT /v1/names/bad HTTP/1.1\r\nHost: localhost\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n" . $chunks x 70,
        until => qr/\}\n/, timeout => 5);

    is($reply->{status}, 413, 'an endless body');
    like($reply->{body}, qr/"error":"a record has at most 65536 bytes"/,
         'as an error');
}

is(request('PUT', '_acme-challenge', '{}')->{status}, 400,
   'tf 17: _acme-challenge');
is(request('PUT', 'a..b', '{}')->{status}, 400, 'tf 17: an empty label');
is(request('PUT', 'x' x 64, '{}')->{status}, 400, 'tf 17: a long label');
is(get('bad')->{status}, 404, 'none of it was stored');

$reply = request('POST', 'shop', '{}');
is($reply->{status}, 405, 'another method');
is($reply->{headers}{allow}, 'GET, HEAD, PUT, PATCH, DELETE', 'Allow');

$reply = request('DELETE', '', '');
is($reply->{status}, 405, 'DELETE of everything');

is(request('PUT', 'shop?x=1', '{}')->{status}, 400, 'an argument');

$reply = get('shop', headers => "Accept-Encoding: gzip\r\n");
like($reply->{headers}{etag}, qr/^"/, 'gzip on: the ETag is a strong one');
is(put('shop', { backends => [ $v6 ], cap_bytes => 2001 },
       "If-Match: $reply->{headers}{etag}")->{status}, 200,
   'and good for If-Match');


# ---- who may ask

for (
    [ 200, 'localhost', '' ],
    [ 200, "localhost:$admin", '' ],
    [ 200, '127.0.0.1', '' ],
    [ 200, "[::1]:$admin", '' ],
    [ 200, 'admin.example', '' ],
    [ 200, "localhost:$admin", "Origin: http://localhost:$admin\r\n" ],
    [ 403, 'evil.example', '' ],
    [ 403, '192.0.2.1', '' ],
    [ 403, 'localhost', "Origin: http://evil.example\r\n" ],
    [ 403, 'localhost', "Origin: null\r\n" ],
    [ 403, 'localhost', "Origin: http://evil.localhost\r\n" ],
) {
    my ($status, $host, $headers) = @$_;

    is(http_get($admin, '/v1/names', host => $host, headers => $headers)
       ->{status}, $status, "Host $host $headers" =~ s/\r\n//r);
}

is(http_get($admin, '/if', host => 'admin.example')->{status}, 200,
   'in "if"');
is(http_get($admin, '/if', host => 'evil.example')->{status}, 403,
   'in "if" for others');

my $record = JSON::PP->new->encode({ backends => [ $v6 ] });

for ([ limited => 201, 204 ], [ denied => 403, 403 ]) {
    my ($where, $put, $delete) = @$_;

    is(http_get($admin, "/$where/limited", method => 'PUT', body => $record)
       ->{status}, $put, "$where, limit_except: PUT");
    is(http_get($admin, "/$where/limited", method => 'DELETE')->{status},
       $delete, 'DELETE');
    is(http_get($admin, "/$where")->{status}, 200, 'GET');
}

is(http_get($admin, '/limited', method => 'POST', body => "\n" x 1100000,
            headers => "Content-Type: application/x-ndjson\r\n")->{status},
   200, 'a body longer than 1m');


# ---- pages

put("n$_", { backends => [ $v6 ] }) for 1 .. 5;

my @names = names('/v1/names');
is_deeply([ map { $_->{name} } @names ],
          [ (map { "n$_.gw.test" } 1 .. 5), 'shop.gw.test' ], 'a list');

my ($path, @paged) = ('/v1/names?limit=2');

for (1 .. 10) {
    my $page = json(http_get($admin, $path)->{body});

    cmp_ok(scalar @{$page->{names}}, '<=', 2, 'a page of two');
    push @paged, @{$page->{names}};

    last if !defined $page->{next};
    $path = "/v1/names?limit=2&after=$page->{next}";
}

is_deeply(\@paged, \@names, 'its pages together');

is(http_get($admin, '/v1/names?limit=0')->{status}, 400, 'limit=0');
is(http_get($admin, '/v1/names?limit=1001')->{status}, 400, 'limit=1001');
is(http_get($admin, '/v1/names?after=a..b')->{status}, 400, 'a bad after');


# ---- every worker, at once

my $stale = 0;

for my $n (1 .. 300) {
    put('shop', { backends => [ $v6 ], cap_bytes => $n });
    $stale++ if seen('shop') ne "shop.gw.test|$n|";
}

is($stale, 0, 'tf 48: 300 changes, live in every worker when replied');

is(request('DELETE', 'n5', '')->{status}, 204, 'delete');
is(request('DELETE', 'n5', '')->{status}, 404, 'and again');
is(seen('n5'), '||', 'tf 22: gone');
is(put('n5', { backends => [ $v6 ], owner => 'bob' })->{status}, 201,
   'tf 22: put again');
is(seen('n5'), 'n5.gw.test||bob', 'and served');


# ---- wildcards

put('*.wild.example', { backends => [ $v6 ], owner => 'wild' });
put('a.wild.example', { backends => [ $v6 ], owner => 'a' });

is(seen('b.wild.example'), '*.wild.example||wild', 'a wildcard');
is(seen('c.b.wild.example'), '*.wild.example||wild', 'of more labels');
is(seen('a.wild.example'), 'a.wild.example||a', 'the exact name first');
is(seen('wild.example'), '||', 'but not the domain itself');
is(seen('A.Wild.Example.:80'), 'a.wild.example||a',
   'tf 38: letter case, final dot and port');

request('DELETE', 'a.wild.example', '');
is(seen('a.wild.example'), '*.wild.example||wild', 'wildcard again');


# ---- survival

my ($status, $output) = $gw->run('-t');
is($status, 0, 'nginx -t beside it');

$gw->reload();
is(seen('n5'), 'n5.gw.test||bob', 'kept over a reload');
put('n5', { backends => [ $v6 ], owner => 'al' });
is(seen('n5'), 'n5.gw.test||al', 'and changed after it');

for my $round (1 .. 3) {
    put('n5', { backends => [ $v6 ], cap_bytes => $round });

    my ($worker) = $gw->workers();
    kill 'KILL', $worker;
    wait_for(sub { !alive($worker) });
    wait_for(sub { $gw->workers() == 2 });

    is(seen('n5'), "n5.gw.test|$round|", 'kept when a worker is killed');
    is(put('n5', { backends => [ $v6 ], cap_bytes => $round + 10 })->{status},
       200, 'and changed then');
}

$gw->kill();
$gw->start();

is(seen('n5'), 'n5.gw.test|13|', 'kept when all are killed');
is(put('n5', { backends => [ $v6 ], cap_bytes => 14 })->{status}, 200,
   'and changed then');


# ---- beside the requests, there is no thread but for a change

{
    my $most = 0;

    is(put('thread', { backends => [ $v6 ] })->{status}, 201, 'a change');

    wait_for(sub {
        ($most) = sort { $b <=> $a }
            map { scalar(() = glob "/proc/$_/task/*") } $gw->workers();
        return $most == 1;
    });

    is($most, 1, 'a worker has one thread again');
}


$gw->expect(qr/exited on signal 9/);
$gw->stop('QUIT');
$gw->start();

is(seen('n5'), 'n5.gw.test|14|', 'kept over a restart');

$gw->stop();

done_testing();


sub bool { return $_[0] ? JSON::PP::true() : JSON::PP::false() }

sub get {
    my ($name, %option) = @_;

    return http_get($admin, "/v1/names/$name", %option);
}

sub put {
    my ($name, $record, @headers) = @_;

    return request('PUT', $name, JSON::PP->new->canonical->encode($record),
                   @headers);
}

sub request {
    my ($method, $name, $body, @headers) = @_;

    return http_get($admin, length $name ? "/v1/names/$name" : '/v1/names',
                    method => $method, body => $body,
                    headers => join '', map { "$_\r\n" } @headers);
}

sub names { return @{json(http_get($admin, $_[0])->{body})->{names}} }

sub seen {
    my ($name) = @_;

    $name .= '.gw.test' if $name !~ /\./;

    my $line = http_get($gw->port('HTTP'), '/', host => $name)->{body};
    chomp $line;

    return $line;
}
