#!/usr/bin/perl

# Rates: requests and connections by key, shared by all workers.  Numbers are
# those of the cases.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Bytes;


my $conf = <<'EOF';
worker_processes 2;
pid logs/nginx.pid;

events { worker_connections 500; accept_mutex off; }

wgw_rate_zone keys keys=1000;
wgw_rate_zone small keys=64;
wgw_meter_zone keys keys=1000;

http {
    log_format rate '$status $wgw_rate_status $request_uri';
    access_log logs/access.log rate;
    wgw_meter_log_level warn;

    server {
        listen 127.0.0.1:%%HTTP%% reuseport;
        listen [::1]:%%HTTP%%;

        location /one { wgw_rate keys $arg_k rate=1r/m; alias html/; }
        location /burst {
            wgw_rate keys $arg_k rate=2r/m burst=4;
            alias html/;
        }
        location /second { wgw_rate keys $arg_k rate=5r/s; alias html/; }
        location /same { wgw_rate keys $arg_k rate=1r/m; alias html/; }

        location /text {
            wgw_rate keys $arg_k rate=1r/m prefix=64;
            alias html/;
        }
        location /odd {
            wgw_rate keys $arg_k rate=3r/m prefix=61;
            alias html/;
        }
        location /composed {
            wgw_rate keys "$arg_k:x" rate=1r/m;
            alias html/;
        }
        location /addr {
            wgw_rate keys $binary_remote_addr rate=4r/m prefix=64;
            alias html/;
        }

        location /outer/ {
            wgw_rate keys $arg_k rate=6r/m;
            alias html/;

            location /outer/inner {
                wgw_rate keys $arg_k rate=7r/m burst=2;
                alias html/;
            }
            location /outer/off { wgw_rate off; alias html/; }
        }

        location /two {
            wgw_rate keys $arg_k rate=8r/m burst=9;
            wgw_rate keys $arg_l rate=8r/m;
            alias html/;
        }

        location /dry {
            wgw_rate keys $arg_k rate=9r/m dry_run;
            alias html/;
        }
        location /status {
            wgw_meter_status 503;
            wgw_rate keys $arg_k rate=11r/m;
            alias html/;
        }
        location /page {
            error_page 429 =202 /moved/f;
            wgw_rate keys $arg_k rate=12r/m;
            alias html/;
        }
        location /moved { wgw_rate keys $arg_k rate=12r/m; alias html/; }

        location /itself {
            wgw_rate keys "$arg_k$wgw_rate_status" rate=1r/m;
            alias html/;
        }

        location /small { wgw_rate small $arg_k rate=1r/m; alias html/; }
    }

    server {
        listen 127.0.0.1:%%H2%%;
        http2 on;

        location / { wgw_rate keys $arg_k rate=1r/m burst=2; alias html/; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
    }
}

stream {
    log_format rate '$status $wgw_rate_status $wgw_meter_status';
    access_log logs/stream.log rate;
    wgw_meter_log_level notice;

    server {
        listen 127.0.0.1:%%ADDRESS%%;
        wgw_rate keys $remote_addr rate=2r/m burst=1;
        wgw_meter keys address;
        return "hello";
    }

    server {
        listen 127.0.0.1:%%NAME%%;
        wgw_rate keys "name$server_port" rate=3r/m;
        wgw_meter keys name;
        return "hello";
    }

    server {
        listen 127.0.0.1:%%FREE%%;
        return "[$wgw_rate_status]";
    }
}
EOF

my $gw = Wgw->new($conf, meter_modules());
my $dir = $gw->dir();

mkdir "$dir/html";
chmod 0755, "$dir/html";
spew("$dir/html/f", 'x');

$gw->start();

my $http = $gw->port('HTTP');


# statuses(PATH, N): of N requests, one after another

sub statuses {
    my ($path, $n, %option) = @_;

    return join ' ', map { http_get($http, $path, %option)->{status} } 1 .. $n;
}


# ---- the limit, and what it says

is(statuses('/one/f?k=a', 3), '200 429 429', 'one a minute');
is(statuses('/one/f?k=b', 2), '200 429', 'another key is another\'s');
is(statuses('/one/f', 5), '200 200 200 200 200', 'no key, no limit');
is(statuses('/same/f?k=a', 1), '429', 'the same limit elsewhere is shared');
is(statuses('/burst/f?k=a', 7), '200 200 200 200 200 429 429',
   'another rate is another limit; a burst of four more');

my $reply = http_get($http, '/one/f?k=a');
like($reply->{headers}{'retry-after'}, qr/^(5\d|60)$/, '2, P44: Retry-After');

$reply = http_get($http, '/burst/f?k=a');
like($reply->{headers}{'retry-after'}, qr/^(2\d|30)$/, 'when one may go');

statuses('/second/f?k=a', 1);
$reply = http_get($http, '/second/f?k=a');
is($reply->{headers}{'retry-after'}, 1, 'at least a second');
ok(!defined http_get($http, '/second/f?k=new')->{headers}{'retry-after'},
   'none without a refusal');

is(statuses('/composed/f?k=a', 2), '200 429', 'a key with text');
is(statuses('/status/f?k=a', 2), '200 503', 'wgw_meter_status');


# ---- levels

is(statuses('/outer/f?k=a', 2), '200 429', 'outer');
is(statuses('/outer/inner/f?k=a', 4), '200 200 200 429',
   'inner replaces outer');
is(statuses('/outer/off/f?k=a', 3), '200 200 200', 'off');

is(statuses('/two/f?k=a&l=b', 5), '200 429 429 429 429', 'two limits');
is(statuses('/two/f?k=a', 9), join(' ', (200) x 9),
   'what the second refused was not taken from the first');
is(statuses('/two/f?k=a', 1), '429', 'all was taken');

is(statuses('/dry/f?k=a', 2), '200 200', 'a dry run refuses nobody');
is(statuses('/page/f?k=a', 3), '200 202 202',
   'an internal redirect is not limited again');

is(statuses('/itself/f?k=' . 'a' x 3000, 3), '200 429 429',
   'a key of what is not known yet');


# ---- prefixes

is(statuses('/text/f?k=2001:db8:1:2::1', 2), '200 429', 'an address');
is(statuses('/text/f?k=2001:db8:1:2:ffff::9', 1), '429',
   'egress 20: of the same /64');
is(statuses('/text/f?k=2001:db8:1:3::1', 1), '200', 'egress 20: of another');
is(statuses('/text/f?k=192.0.2.1', 2), '200 429', 'IPv4');
is(statuses('/text/f?k=192.0.2.2', 1), '200', 'is not cut');
is(statuses('/text/f?k=::ffff:192.0.2.3', 1), '200', 'IPv4 in IPv6');
is(statuses('/text/f?k=::ffff:192.0.2.4', 1), '200', 'is not cut either');

# an IPv4 client is one, however the way that it came by writes it

is(statuses("/text/f?k=$_", 1), '429', "field 11.kinds: $_")
    for '::ffff:192.0.2.1', '::ffff:c000:201', '::192.0.2.1', '2002:c000:201::',
        '2002:c000:201:ffff::1', '64:ff9b::192.0.2.1';
is(statuses('/text/f?k=64:ff9b::192.0.2.5', 1), '200',
   'field 11.kinds: another, by the same translator');
is(statuses('/text/f?k=2002:c000:206:1::', 1), '200', 'one of 6to4');
is(statuses('/text/f?k=2002:c000:206:2::', 1), '429',
   'field 11.kinds: has a /48 and is one');

is(statuses('/text/f?k=abcdefghijklmnop', 1), '200', 'no address');
is(statuses('/text/f?k=abcdefghXXXXXXXX', 1), '200', 'is no address');
is(statuses('/odd/f?k=2001:db8:0:8::1', 1), '200', 'a /61');
is(statuses('/odd/f?k=2001:db8:0:f::1', 1), '429', 'its last /64');
is(statuses('/odd/f?k=2001:db8:0:10::1', 1), '200', 'the next /61');
is(statuses('/addr/f', 2), '200 429', 'a binary address, IPv4');

SKIP: {
    skip 'no IPv6', 1 if !connect_to($http, '::1');

    is(statuses('/addr/f', 2, address => '::1'), '200 429', 'and IPv6');
}


# ---- all workers, and all protocols, share

{
    my %count;
    my @sockets = map { connect_to($http) } 1 .. 40;

    syswrite $_, "GET /burst/f?k=shared HTTP/1.1\r\nHost: a\r\n"
                 . "Connection: close\r\n\r\n" for @sockets;

    for my $socket (@sockets) {
        my $answer = exchange($http, '', socket => $socket);
        $count{$1}++ if $answer =~ m{^HTTP/1.1 (\d+)};
    }

    is("$count{200} $count{429}", '5 35', '40 at once: five go');
}

SKIP: {
    skip 'no HTTP/2 in curl', 3 if `curl -V` !~ /HTTP2/;

    my $url = 'http://127.0.0.1:' . $gw->port('H2') . '/f?k=h2';
    my @codes = map {
        curl('--http2-prior-knowledge', '-D', "$dir/head$_", $url)->{code}
    } 1 .. 4;

    is("@codes", '200 200 200 429', 'HTTP/2');
    like(slurp("$dir/head4"), qr/^HTTP\/2 429/m, 'it is');
    like(slurp("$dir/head4"), qr/^retry-after: \d+\r$/m, 'Retry-After, too');
}


# ---- a limit comes back as time goes by

{
    my ($n, $start, $elapsed) = (0, time, 0);
    my ($least, $last) = (0, 0);

    # of those that are asked for a turn after one, one is let through

    while ($elapsed < 2) {
        my $asks = time - $last > 0.21;

        $n++ if http_get($http, '/second/f?k=time')->{status} == 200;
        $elapsed = time - $start;
        ($least, $last) = ($least + 1, time) if $asks;
        sleep 0.02;
    }

    cmp_ok($n, '<=', 5 * $elapsed + 1, "5 a second: $n");
    cmp_ok($n, '>=', $least, "and not less: $least");
}


# ---- throw-away keys harm nobody else's limit

{
    is(statuses('/small/f?k=victim', 3), '200 429 429', 'a limit in use');

    my $granted = 0;

    for my $round (0 .. 19) {
        my $socket = connect_to($http);

        my $text = join '', map {
            "GET /small/f?k=r$round.$_ HTTP/1.1\r\nHost: a\r\n"
            . ($_ == 100 ? "Connection: close\r\n" : '') . "\r\n"
        } 1 .. 100;

        my $answer = exchange($http, $text, socket => $socket);
        $granted += () = $answer =~ m{HTTP/1.1 200}g;

        last if statuses('/small/f?k=victim', 1) ne '429';
    }

    is($granted, 2000, '2000 new keys in a table of 64: all go');
    is(statuses('/small/f?k=victim', 1), '429', 'the limit holds');
}


# ---- stream: connections

sub greetings {
    my ($port, $n) = @_;

    return join ' ', map { exchange($gw->port($port), '') || '-' } 1 .. $n;
}

is(greetings('ADDRESS', 4), 'hello hello - -', 'connections of an address');
is(greetings('NAME', 2), 'hello -', 'of another key');
is(greetings('FREE', 1), '[]', 'no limit, no status');

my $admin = $gw->port('ADMIN');
my $denied = settled($admin, undef, 3, 'denied');

is("$denied->{requests} $denied->{sent} $denied->{received}", '3 0 0',
   '15: those that are refused are denied');
is(settled($admin, 'address', 2)->{requests}, 2, 'others count');
is(settled($admin, 'name', 1)->{requests}, 1, 'under their keys');


# ---- logs

like($gw->log(),
     qr/\[warn\].*limiting requests, wait: 5\d\.\d{3}, by zone "keys"/,
     'a refusal is logged');
like($gw->log(), qr/\[warn\].*limiting requests, dry run, wait: /, 'a dry one');
like($gw->log(), qr/\[notice\].*limiting connections, wait: /, 'and stream\'s');

my $access = slurp("$dir/logs/access.log");

for my $line ('200 PASSED /one/f?k=a', '429 REJECTED /one/f?k=a',
              '200 - /one/f', '200 REJECTED_DRY_RUN /dry/f?k=a',
              '202 REJECTED /page/f?k=a', '200 - /outer/off/f?k=a')
{
    ok($access =~ /^\Q$line\E$/m, "status: $line");
}

like(slurp("$dir/logs/stream.log"),
     qr/^200 PASSED PASSED\n200 PASSED PASSED\n503 REJECTED REJECTED$/m,
     'status of stream');


# ---- reload and killed workers

$gw->reload();
is(statuses('/one/f?k=a', 1), '429', 'a reload keeps it');

$gw->expect(qr/exited on signal 9/);
CORE::kill 'KILL', $_ for $gw->workers();
wait_for(sub { $gw->workers() == 2 && connect_to($http) });
is(statuses('/one/f?k=a', 1), '429', 'so do killed workers');

(my $changed = $conf) =~ s/keys keys=1000/keys keys=2000/;
$gw->configure($changed);
$gw->reload();
is(statuses('/one/f?k=a', 2), '200 429', 'a table of another size is new');
like($gw->log(), qr/wgw zone "keys" was changed and starts anew/, 'it says so');

$gw->stop();


# ---- configurations that are refused

for my $case (
    ['', 'wgw_rate none $arg_k rate=1r/s;', 'unknown wgw_rate_zone "none" in '],
    ['wgw_meter_zone m keys=10;', 'wgw_rate m $arg_k rate=1r/s;',
     'unknown wgw_rate_zone "m"'],
    ['wgw_rate_zone z keys=0;', '', 'invalid parameter "keys=0"'],
    ['wgw_rate_zone z file=a;', '', 'invalid parameter "file=a"'],
    ['wgw_rate_zone z keys=1; wgw_rate_zone z keys=1;', '',
     'zone "z" is duplicate'],
    ['wgw_rate_zone z keys=1;', 'wgw_rate z $arg_k;',
     'must have a zone, a key and a rate'],
    ['wgw_rate_zone z keys=1;', 'wgw_rate z $arg_k burst=1;',
     'must have "rate" parameter'],
    (map { ['wgw_rate_zone z keys=1;', "wgw_rate z \$arg_k rate=$_;",
            "invalid rate \"rate=$_\""] }
         qw(1 1r 1r/h 0r/s r/s -1r/s 1.5r/s 1x/s 0k/s 9999999999r/s)),
    (map { ['wgw_rate_zone z keys=1;', "wgw_rate z \$arg_k rate=1m/s $_;",
            "invalid burst value \"$_\""] }
         qw(burst= burst=-1 burst=1x burst=1r)),
    ['wgw_rate_zone z keys=1;', 'wgw_rate z $arg_k rate=1r/s burst=1m;',
     'invalid burst value "burst=1m"'],
    ['wgw_rate_zone z keys=1;', 'wgw_rate z $arg_k rate=1/m burst=1TB;',
     'has a burst that lasts longer than a year'],
    ['wgw_rate_zone z keys=1;', 'wgw_rate z $arg_k rate=1r/s count=both;',
     'has "count" and no rate in bytes'],
    ['wgw_rate_zone z keys=1;', 'wgw_rate z $arg_k rate=1m/s count=all;',
     'invalid parameter "count=all"'],
    ['wgw_rate_zone z keys=1;', 'wgw_rate z $arg_k rate=1r/s burst=-1;',
     'invalid burst value "burst=-1"'],
    ['wgw_rate_zone z keys=1;', 'wgw_rate z $arg_k rate=1r/m burst=1000000;',
     'has a burst that lasts longer than a year'],
    ['wgw_rate_zone z keys=1;', 'wgw_rate z $arg_k rate=1r/s prefix=129;',
     'invalid parameter "prefix=129"'],
    ['wgw_rate_zone z keys=1;', 'wgw_rate z $arg_k rate=1r/s nodelay;',
     'invalid parameter "nodelay"'],
    ['wgw_rate_zone z keys=1;', 'wgw_rate off; wgw_rate z $arg_k rate=1r/s;',
     'is "off" at this level already'],
    ['wgw_rate_zone z keys=1;', 'wgw_rate z $nothing rate=1r/s;',
     'unknown "nothing" variable'],
    ['wgw_rate_zone z keys=1;', 'wgw_rate z $arg_k rate=1r/s; ' x 9,
     'is given too often at this level'],
) {
    my ($main, $http_conf, $phrase) = @$case;

    $gw->configure("events { }\n$main\nhttp { $http_conf }\n");

    my ($status, $output) = $gw->run('-t');

    ok($status && index($output, $phrase) >= 0, "nginx -t: $phrase")
        or diag($output);
}

done_testing();
