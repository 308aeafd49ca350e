#!/usr/bin/perl

# Usage of names: what the route module knows of them beside what was counted.

use warnings;
use strict;

use Test::More;

use Wgw;


my $gw = Wgw->new(<<'EOT');
worker_processes 2;
wgw_names names domain=gw.test allow_loopback;
wgw_meter_zone names keys=100 file=meter archive=archive;
events { }
http {
    upstream wgw { wgw_backend; }
    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        wgw_meter names $wgw_name cap=$wgw_cap;
        location / { proxy_pass http://wgw; }
    }
    server {
        listen 127.0.0.1:%%BACKEND%%;
        location / { return 200 "hello\n"; }
    }
    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
        location /v1/usage { wgw_usage json; }
        location /metrics { wgw_usage prometheus; }
    }
}
EOT

$gw->start();

my $admin = $gw->port('ADMIN');
my $http = $gw->port('HTTP');
my $backend = 'http://127.0.0.1:' . $gw->port('BACKEND');

sub put {
    my ($name, %member) = @_;

    $member{backends} = [ $backend ];

    return http_get($admin, "/v1/names/$name", method => 'PUT',
                    body => JSON::PP->new->encode(\%member))->{status};
}

sub patch {
    my ($name, $body) = @_;

    return http_get($admin, "/v1/names/$name", method => 'PATCH',
                    body => $body)->{status};
}

sub ask { return http_get($http, '/', host => $_[0]) }

sub denied {
    return json(http_get($admin, '/v1/usage')->{body})->{zones}[0]{denied};
}


# ---- connections that end before there is a request

for my $bytes ("\n", 'G', "nonsense\r\n", "GET / HTTP/9.9\r\n\r\n") {
    my $client = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$http")
        or die "no connection: $!";

    print $client $bytes;
    shutdown $client, 1;
    my @answer = <$client>;

    is(http_get($admin, '/v1/names')->{status}, 200,
       sprintf 'issue 15 "%s" and no more', $bytes =~ s/[\r\n]//gr);
}

unlike($gw->log(), qr/signal 11/, 'is no end of a worker');


# ---- a paused name's refusals are nobody's

is(put('shop', cap_bytes => 100_000), 201, 'a name');
is(ask('shop.gw.test')->{status}, 200, 'is served');

my $before = wait_for(sub {
    my $usage = usage($admin, 'shop.gw.test');
    return $usage && $usage->{requests} == 1 && $usage;
});
my $denied = denied();

is(patch('shop', '{"state":"paused"}'), 200, 'paused');

my $reply = ask('shop.gw.test');
is($reply->{status}, 503, 'start 10.8 a paused name');

my $later = wait_for(sub {
    my $now = denied();
    return $now->{requests} > $denied->{requests} && $now;
});

is($later->{requests} - $denied->{requests}, 1, 'is denied, once');
is($later->{sent} - $denied->{sent}, $reply->{received}, 'with its bytes');
is_deeply(usage($admin, 'shop.gw.test'), $before, 'the key has none of it');

is(patch('shop', '{"state":"ok"}'), 200, 'on again');
is(ask('shop.gw.test')->{status}, 200, 'and served');
ok(wait_for(sub { usage($admin, 'shop.gw.test')->{requests} == 2 }),
   'and counted');
is(usage($admin, 'shop')->{cap}, 100_000, 'under its cap');
is(patch('shop', '{"cap_bytes":0}'), 200, 'which is taken away');
is(ask('shop.gw.test')->{status}, 200, 'served');
ok(wait_for(sub { usage($admin, 'shop')->{requests} == 3 }), 'counted');
is(usage($admin, 'shop')->{cap}, undef, 'field 15: and shown under none');


# ---- whose it is, and what has counted nothing

is(put('rich', cap_bytes => 5000, owner => 'alice "a"', workload => '77'), 201,
   'a name of somebody');

for my $name ('rich', 'rich.gw.test') {
    my $usage = usage($admin, $name);

    is($usage->{key}, 'rich.gw.test', "start 10.8 usage of $name, unused");
    is($usage->{sent} + $usage->{received} + $usage->{requests}, 0, 'zeros');
    is($usage->{cap}, 5000, 'under its cap');
    is("$usage->{owner}/$usage->{workload}", 'alice "a"/77', 'whose it is');
    like($usage->{window}{start}, qr/^\d{4}-\d\d-01T00:00:00Z$/, 'its window');
}

is(put('free'), 201, 'a name without a cap');
is(usage($admin, 'free'), undef, 'is not there before it counts');
is(ask('free.gw.test')->{status}, 200, 'is served');
is(ask('rich.gw.test')->{status}, 200, 'as the other');
ok(wait_for(sub { usage($admin, 'rich')->{requests} == 1 }),
   'start 10.8 the short name, used');
is(usage($admin, 'rich')->{owner}, 'alice "a"', 'with its owner');
is(usage($admin, 'free')->{owner}, '', 'or none');
is(patch('rich', '{"owner":"bob"}'), 200, 'of another');
is(usage($admin, 'rich')->{owner}, 'bob', 'at once');
is(usage($admin, 'rich')->{requests}, 1, 'the count goes on');

put("idle$_", cap_bytes => 10 * $_, owner => "o$_") for 1 .. 7;
put("loose$_") for 1 .. 3;

my (@keys, %seen);
my $after = '';

for (1 .. 20) {
    my $page = json(http_get($admin, "/v1/usage?limit=3$after")->{body});

    cmp_ok(scalar @{$page->{keys}}, '<=', 3, 'a page');
    push @keys, @{$page->{keys}};
    last if !defined $page->{next};
    $after = "&after=$page->{next}";
}

$seen{$_->{key}}++ for @keys;

is_deeply(\%seen, { map { ("$_.gw.test" => 1) } 'shop', 'free', 'rich',
                    map { "idle$_" } 1 .. 7 },
          'start 10.8 all that counted or have a cap, once');
is((grep { $_->{key} eq 'idle3.gw.test' } @keys)[0]{owner}, 'o3',
   'each with its owner');
is((grep { $_->{key} eq 'idle3.gw.test' } @keys)[0]{cap}, 30, 'and cap');

my $whole = json(http_get($admin, '/v1/usage')->{body});
is(scalar @{$whole->{keys}}, 10, 'in one page as well');
is($whole->{next}, undef, 'which is the last');

$gw->kill();
$gw->start();
is(scalar @{json(http_get($admin, '/v1/usage')->{body})->{keys}}, 10,
   'after a kill as well');


# ---- earlier windows

my $month = '2026-09';
my $file = $gw->dir() . '/archive/names-20260901T000000Z.ndjson';
my $line = '{"zone":"names","key":"%s","start":"2026-09-01T00:00:00Z",'
         . '"end":"2026-10-01T00:00:00Z","sent":%d,"received":2}' . "\n";

spew($file, join '', (map { sprintf $line, $_->[0], $_->[1] }
    [ 'rich.gw.test', 11 ], [ 'gone.gw.test', 12 ], [ 'x\\"y', 13 ]),
    '{"zone":"names","key":"","class":"denied","start":"2026-09-01T00:00:00Z",'
    . '"end":"2026-10-01T00:00:00Z","sent":5,"received":6}' . "\n");

my $past = json(http_get($admin, "/v1/usage?window=$month")->{body});
is(scalar @{$past->{keys}}, 4, 'start 10.8 an earlier window');
is($past->{keys}[0]{sent}, 11, 'as it was archived');
is($past->{keys}[0]{owner}, 'bob', 'and whose it is');
is($past->{keys}[1]{owner}, '', 'or was');
is($past->{keys}[2]{key}, 'x"y', 'any key');
is($past->{keys}[3]{class}, 'denied', 'and the classes');
is($past->{next}, undef, 'all of it');

my $one = json(http_get($admin, "/v1/usage/rich?window=$month")->{body});
is(join(',', map { "$_->{key} $_->{sent}" } @{$one->{keys}}),
   'rich.gw.test 11', 'start 10.8 of one name, by its short one');

my $first = json(http_get($admin, "/v1/usage?window=$month&limit=3")->{body});
my $rest = json(http_get($admin, "/v1/usage?window=$month&limit=3"
                         . "&after=$first->{next}")->{body});
is(scalar(@{$first->{keys}}) . scalar(@{$rest->{keys}}), '31', 'in pages');
is($rest->{keys}[0]{class}, 'denied', 'one after the other');

is(http_get($admin, "/v1/usage?window=$_->[0]")->{status}, $_->[1],
   "start 10.8 ?window=$_->[0]")
    for [ '2026-08', 404 ], [ '2026-13', 400 ], [ '2026', 400 ],
        [ '2026-09-01', 400 ], [ '../../..', 400 ], [ '', 400 ],
        [ '2026-0x', 400 ];
is(http_get($admin, '/v1/usage?month=2026-09')->{status}, 400,
   'another word is refused');

$gw->stop();

done_testing();
