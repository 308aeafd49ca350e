#!/usr/bin/perl

# What a name counted belongs to the life of its record: made anew, or given
# to another owner, it starts at nothing.

use warnings;
use strict;

use Test::More;

use Wgw;
use Wgw::Bytes;


plan skip_all => 'modules from elsewhere' if $ENV{WGW_MODULES};

my $conf = <<'EOF';
worker_processes 2;
pid logs/nginx.pid;
wgw_names names domain=gw.example allow_loopback;
wgw_meter_zone names file=names.wgw keys=100;
wgw_meter_zone plain keys=100;
wgw_meter_zone named keys=100;

events { }

http {
    upstream names { wgw_backend; }

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        wgw_meter names $wgw_name cap=$wgw_cap;
        wgw_meter plain $wgw_name life=off;
        wgw_meter named "of-${wgw_name}";
        location / { return 200 "0123456789"; }
        location /life { wgw_meter off; return 200 "$wgw_life"; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
        location /v1/usage { wgw_usage json; }
        location /metrics { wgw_usage prometheus; }
    }
}
EOF

my $gw = Wgw->new($conf);
my $dir = $gw->dir();

$gw->start();

my $admin = $gw->port('ADMIN');
my $http = $gw->port('HTTP');
my $name = 'shop.gw.example';


put('a', 700);
is(ask(), 200, 'a request') for 1 .. 3;
1 while ask() == 200;

my @old = rows();

is(scalar @old, 1, 'one life');
ok(!exists $old[0]{life}, 'of which nothing is said');

my $first = life();

like($first, qr/^\d{16}$/, '$wgw_life');


# ---- put again: the same life

put('a', 700, 'http://127.0.0.1:2');
is(life(), $first, 'another backend: the same life');
is(ask(), 429, 'and what it used');


# ---- made anew

is(api('DELETE')->{status}, 204, 'deleted');
is(put('b', 700), 201, 'made anew for another');
isnt(life(), $first, 'another life');
is(ask(), 200, 'field 11.8: it starts at nothing');

my @rows = rows();

is(scalar @rows, 2, 'field 11.8: both are there');
is($rows[0]{requests}, 1, 'field 11.8: the new one');
ok(!exists $rows[0]{life}, 'is the name\'s');
is($rows[1]{life}, $first, 'field 11.8: the old one');
is($rows[1]{sent}, $old[0]{sent}, 'field 11.8: has what it had');
is($rows[1]{cap}, 700, 'and its cap');
is(zone('names')->{keys}, 2, 'two records');
is(scalar rows('plain'), 1, 'life=off: one');
is(scalar rows('named', "of-$name"), 2, 'a key that has the name in it');

my $metrics = http_get($admin, '/metrics')->{body};

like($metrics, qr/^wgw_meter_requests_total\{zone="names",key="$name"\} 1$/m,
     'field 11.8: the metric is the new one\'s');
like($metrics,
     qr/^wgw_meter_sent_bytes_total\{zone="names",key="$name",life="$first"\} $old[0]{sent}$/m,
     'field 11.8: the old one has a label');


# ---- another owner

1 while ask() == 200;
put('c', 700);
is(ask(), 200, 'field 11.8: another owner starts at nothing');
is(scalar rows(), 3, 'three lives');
is((rows())[0]{requests}, 1, 'the newest first');


# ---- a set of names that has it as it was, or another's

my $third = life();

1 while ask() == 200;
bulk('c');
is(life(), $third, 'replaced by the same: the same life');
is(ask(), 429, 'and what it used');
bulk('d');
is(ask(), 200, 'field 11.8: replaced by another\'s: nothing');


# ---- outlives the processes, and a rewrite

my @before = map { join ' ', $_->{life} // '-', $_->{sent} } rows();

$gw->kill();
$gw->start();
is(join(', ', map { join ' ', $_->{life} // '-', $_->{sent} } rows()),
   join(', ', @before), 'killed');

$gw->stop('QUIT');
$gw->configure($conf =~ s/(names.wgw keys=)100/${1}50/r);
$gw->start();
like($gw->log(), qr/was rewritten/, 'rewritten');
is(join(', ', sort map { join ' ', $_->{life} // '-', $_->{sent} } rows()),
   join(', ', sort @before), 'with all lives');
is((rows())[0]{life}, undef, 'the newest first');
is(ask(), 200, 'which goes on');


# ---- a table of before lives were kept

$gw->stop('QUIT');
unlink "$dir/names.wgw";
$gw->configure($conf =~ s/(cap=\$wgw_cap)/$1 life=off/r);
$gw->start();
ask();

my ($before) = rows();

$gw->stop('QUIT');
$gw->configure($conf);
$gw->start();
is(ask(), 200, 'a record without a life');
@rows = rows();
is(scalar @rows, 2, 'another now');
is($rows[1]{sent}, $before->{sent}, 'the old one has what it had');
is($rows[1]{life}, 0, 'as the life that was not known');

$gw->stop('QUIT');

done_testing();


sub ask { return http_get($http, '/', host => $name)->{status} }

sub life { return http_get($http, '/life', host => $name)->{body} }


sub api {
    my ($method, $body) = @_;

    return http_get($admin, "/v1/names/$name", method => $method,
                    headers => "Content-Type: application/json\r\n",
                    body => $body // '');
}


sub put {
    my ($owner, $cap, $backend) = @_;

    $backend //= 'http://127.0.0.1:1';

    return api('PUT', qq({"backends":["$backend"],"cap_bytes":$cap,)
                      . qq("owner":"$owner"}))->{status};
}


sub bulk {
    my ($owner) = @_;

    my $got = http_get($admin, '/v1/names?replace=true', method => 'POST',
        headers => "Content-Type: application/x-ndjson\r\n",
        body => qq({"name":"$name","backends":["http://127.0.0.1:1"],)
                . qq("cap_bytes":700,"owner":"$owner"}\n));

    is($got->{status}, 200, "a set with $owner");
}


sub rows {
    my ($zone, $key) = @_;

    $zone //= 'names';
    $key //= $name;

    my $got = http_get($admin, "/v1/usage/$key?zone=$zone");

    return @{json($got->{body})->{keys}};
}


sub zone {
    my ($zone) = @_;

    return json(http_get($admin, "/v1/usage?zone=$zone")->{body})->{zones}[0];
}
