#!/usr/bin/perl

# A zone that has no room for a key refuses it where it would be capped; who
# runs it is told before; room is had again.

use warnings;
use strict;

use Test::More;

use Wgw;
use Wgw::Bytes;


my $gw = Wgw->new(<<'EOF', meter_modules());
worker_processes 1;
pid logs/nginx.pid;
wgw_meter_zone two keys=2;
wgw_meter_zone dry keys=1;
wgw_meter_zone free keys=1;
wgw_meter_zone choice keys=1;
wgw_meter_zone strict keys=1;
wgw_meter_zone stream keys=1;
wgw_meter_zone long file=long.wgw keys=20;
wgw_meter_zone narrow keys=20 key_bytes=24;
wgw_meter_zone tokens keys=10;

events { }

http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        error_page 503 /page;
        location = /page { internal; return 200 "page of $status"; }
        location /two { wgw_meter two $arg_k cap=1000; return 200 "ok"; }
        location /dry {
            wgw_meter dry $arg_k cap=1000 dry_run;
            add_header X-Status $wgw_meter_status;
            return 200 "ok";
        }
        location /free { wgw_meter free $arg_k; return 200 "ok"; }
        location /choice {
            wgw_meter choice $arg_k cap=1000 full=other;
            return 200 "ok";
        }
        location /strict { wgw_meter strict $arg_k full=refuse; return 200 "ok"; }
        location /long { wgw_meter long $arg_k cap=1000; return 200 "ok"; }
        location /narrow { wgw_meter narrow $arg_k cap=1000; return 200 "ok"; }
        location /tokens {
            wgw_meter tokens $http_authorization cap=2000;
            return 200 "ok";
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
        location /metrics { wgw_usage prometheus; }
    }
}

stream {
    server {
        listen 127.0.0.1:%%STREAM%%;
        wgw_meter stream $remote_port cap=1000;
        return "hello";
    }
}
EOF

my $dir = $gw->dir();

$gw->start();

my $admin = $gw->port('ADMIN');
my $http = $gw->port('HTTP');


# ---- refused, and counted

is(status("/two?k=$_"), 200, 'there is room') for 1, 2;

my $before = zone('two')->{denied}{sent};
my $refused = http_get($http, '/two?k=3');

is($refused->{status}, 503, 'field 11.4: full, with a cap: refused');
ok(!exists $refused->{headers}{'retry-after'}, 'and not said for how long');
is(status('/two?k=1'), 200, 'who is there is served');
is(zone('two')->{other}{refused}, 1, 'field 11.4: counted');
is(zone('two')->{other}{requests}, 0, 'and under no cap');
cmp_ok(zone('two')->{denied}{sent}, '>', $before, 'its bytes are denied');
like(http_get($admin, '/metrics')->{body},
     qr/^wgw_meter_refused_total\{zone="two",key="",class="other"\} 1$/m,
     'field 11.4: in the metrics');
like($gw->log(), qr/\[crit\] .* "two" is full, new keys are refused/,
     'field 11.4: and in the log');

status('/dry?k=1');
is(status('/dry?k=2'), 200, 'dry_run: served');
is(http_get($http, '/dry?k=3')->{headers}{'x-status'}, 'REJECTED_DRY_RUN',
   'a verdict');
is(zone('dry')->{other}{requests}, 2, 'and counted as other');
like($gw->log(), qr/request without a record, dry run, zone "dry"/, 'said');

status("/$_?k=1") for 'free', 'choice', 'strict';
is(status('/free?k=2'), 200, 'field 11.4: no cap: counted as other');
is(zone('free')->{other}{requests}, 1, 'that is so');
is(status('/choice?k=2'), 200, 'field 11.4: full=other');
is(zone('choice')->{other}{requests}, 1, 'that is so');
is(status('/strict?k=2'), 503, 'field 11.4: full=refuse without a cap');

is(hello(), 'hello', 'stream: there is room');
is(hello(), '', 'field 11.4: stream: full, closed');
is(zone('stream')->{other}{refused}, 1, 'counted');


# ---- keys as long as they may be: all fit that `keys` allows

is(status('/long?k=' . sprintf('%0255d', $_)), 200, "field 11.4: long, $_")
    for 1 .. 20;
is(status('/long?k=21'), 503, 'and no more');

{
    my $n = 0;

    $n++ while $n < 20 && status('/narrow?k=' . sprintf('%0240d', $n)) == 200;
    is($n, 2, 'field 11.4: key_bytes=24: as many as have room');
}

my $room = zone('narrow')->{key_bytes};

is($room->{used}, 480, 'field 11.4: used');
is($room->{max}, 480, 'of so many');
like(http_get($admin, '/metrics')->{body},
     qr/^wgw_meter_key_bytes\{zone="narrow"\} 480$/m, 'field 11.4: a gauge');

ok(wait_for(sub {
    $gw->log() =~ /\[warn\] .* "narrow" is 100% full: 2 of 20 keys, 480 of/
}), 'field 11.4: an alarm');


# ---- longer keys

my $token = 'Bearer ' . 'j' x 800;
my @statuses = map { bearer($token) } 1 .. 20;

is($statuses[0], 200, 'field 11.4: a key of 807 bytes');
is($statuses[19], 429, 'field 11.4: has a cap');
is(bearer($token . 'k'), 200, 'another has its own');
is(zone('tokens')->{keys}, 2, 'two keys');
is(zone('tokens')->{other}{requests}, 0, 'none as other');
like($gw->log(), qr/\[warn\] .* key of 807 bytes is counted by its hash, zone "tokens", key "sha256:/,
     'field 11.4: and a line in the log');

my ($row) = grep { $_->{requests} < 10 && $_->{zone} eq 'tokens' }
    @{json(http_get($admin, '/v1/usage?zone=tokens')->{body})->{keys}};

is(bearer($row->{key}), 200, 'its text as a key');
is(zone('tokens')->{keys}, 3, 'field 11.4: is another key');


# ---- a file of before, with little room, gets it at a start

$gw->stop('QUIT');
unlink "$dir/long.wgw";

my $conf = slurp("$dir/nginx.conf");

spew("$dir/nginx.conf", $conf =~ s/(long.wgw keys=20)/$1 key_bytes=8/r);
$gw->start();
is(status('/long?k=short'), 200, 'little room');
is(status('/long?k=' . sprintf('%0250d', 1)), 503, 'too little');
$gw->stop('QUIT');
spew("$dir/nginx.conf", $conf);
$gw->start();
like($gw->log(), qr/long.wgw" was rewritten, 0 keys purged/, 'rewritten');
is(status('/long?k=' . sprintf('%0250d', 1)), 200, 'field 11.4: room again');
is(usage($admin, 'short')->{requests}, 1, 'with all it had');

$gw->stop('QUIT');

done_testing();


sub status { return http_get($http, $_[0])->{status} }


sub bearer {
    my ($value) = @_;

    my $answer = exchange($http, "GET /tokens HTTP/1.1\r\nHost: a\r\n"
                          . "Connection: close\r\nAuthorization: $value\r\n\r\n");

    return $answer =~ /^HTTP\/1.1 (\d+)/ ? $1 : 0;
}


sub hello {
    my $socket = connect_to($gw->port('STREAM'));
    my $got = '';

    sysread $socket, $got, 100;
    sleep 1 if $got eq '';

    return $got;
}


sub zone {
    my ($name) = @_;

    my $usage = json(http_get($admin, "/v1/usage?zone=$name&limit=1")->{body});

    return $usage->{zones}[0];
}
