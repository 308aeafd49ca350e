#!/usr/bin/perl

# What was counted outlives the processes that counted it: workers and whole
# gateways that are killed, reloads, and the ends they are given.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Bytes;


my $gw = Wgw->new(<<'EOF', meter_modules());
worker_processes 2;
pid logs/nginx.pid;
wgw_meter_zone names file=names.wgw keys=1000;
wgw_meter_zone tiny keys=1;

events { worker_connections 500; }

http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        root html;

        wgw_meter names $arg_k cap=$arg_cap;

        location /tiny { wgw_meter tiny $arg_k; return 200 "tiny"; }
        location /slow { alias html/; limit_rate 500k; }
        location /small { return 200 "small"; }
        location /upgrade {
            proxy_pass http://127.0.0.1:%%PEER%%;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;

        location /v1/usage { wgw_usage json; }
        location /metrics { wgw_usage prometheus; }
    }
}
EOF

my $dir = $gw->dir();

mkdir "$dir/html";
chmod 0755, "$dir/html";
spew("$dir/html/mib", 'x' x 1048576);

peer($gw->port('PEER'), $dir);
$gw->start();

my $admin = $gw->port('ADMIN');
my $http = $gw->port('HTTP');
my ($sent, $received, $requests) = (0, 0, 0);


# ---- workers, and all, are killed

load(20);
same('after requests');

$gw->expect(qr/exited on signal 9/);
CORE::kill 'KILL', $_ for $gw->workers();
wait_for(sub { $gw->workers() == 2 && connect_to($http) });
load(20);
same('136: after both workers were killed');

$gw->kill();
$gw->start();
load(20);
same('138: after all was killed, and started');

for (1 .. 3) {
    $gw->reload();
    load(5);
}

same('137: after reloads');

$gw->stop('QUIT');
$gw->start();
same('138: after a restart');


# ---- an open session: counted within a second, and at the end

{
    my $socket = dial($http);
    my $text = upgrade('/upgrade?k=open') . 'source 50000 keep ';

    write_all($socket, $text);

    my $answer = length read_some($socket, 50_076);

    wait_for(sub {
        my $usage = usage($admin, 'open');
        return $usage && $usage->{sent} == $answer;
    });

    $gw->kill();
    $gw->start();
    is(settled($admin, 'open')->{sent}, $answer,
       'killed: what was counted is there');

    $socket = dial($http);
    write_all($socket, upgrade('/upgrade?k=term') . 'source 50000 keep ');
    $answer = length read_some($socket, 50_076);
    $gw->stop('TERM');
    $gw->start();
    is(settled($admin, 'term')->{sent}, $answer,
       'terminated: counted to the last byte');
}


# ---- a killed worker's holds are not for ever

{
    my $socket = dial($http, slow => 1);

    write_all($socket, request('hold', get('/mib', cap => 3_000_000)) x 3);
    read_some($socket, 1000);
    $gw->kill();
    $gw->start();

    my $before = settled($admin, 'hold');
    my $left = 3_000_000 - $before->{sent} - $before->{received};
    my ($sum, $n) = (0, 0);

    while ($n++ < 10) {
        my $text = request('hold', get('/mib', cap => 3_000_000, close => 1));
        my $got = talk($http, $text);

        last if $got->{bytes} =~ /^HTTP\/1.1 429/;
        $sum += length($text) + $got->{received};
    }

    is($sum, $left, 'all that was left could be used');
}


# ---- a download goes on over a reload, with the old worker

{
    my $socket = dial($http);
    my $text = request('long', get('/slow/mib', close => 1));

    write_all($socket, $text);
    read_some($socket, 1000);
    $gw->reload(old => 'stay');

    my $seen = usage($admin, 'long');
    my $before = length(drain($socket));
    my $usage = settled($admin, 'long', 1);

    cmp_ok($usage->{sent}, '>', 1048576, 'all of it is counted');
    is($usage->{received}, length $text, 'in both directions');
    cmp_ok($seen ? $seen->{sent} : 0, '<', 1048576, 'and while it went');
}


# ---- a cap that is raised in flight lets it go on

{
    my $key = 'raised';
    my $one = request($key, get('/small', cap => 1000, close => 1));

    1 while talk($http, $one)->{bytes} !~ /^HTTP\/1.1 429/;

    my $two = request($key, get('/small', cap => 100_000, close => 1));

    like(talk($http, $two)->{bytes}, qr/^HTTP\/1.1 200/, 'a raised cap');
}


# ---- a full zone shouts

talk($http, request('one', get('/tiny', close => 1)));
talk($http, request('two', get('/tiny', close => 1)));
like($gw->log(), qr/\[crit\] .* wgw_meter_zone "tiny" is full/,
     '142: a full zone is logged');


# ---- ten thousand keys are all there

{
    my $more = Wgw->new(<<'EOF', meter_modules());
pid logs/nginx.pid;
wgw_meter_zone names keys=20000;

events { }

http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        keepalive_requests 100000;
        wgw_meter names $arg_k;
        location / { return 200; }
        location /v1/usage { wgw_meter off; wgw_usage json; }
        location /metrics { wgw_meter off; wgw_usage prometheus; }
    }
}
EOF

    $more->start();

    my $port = $more->port('HTTP');

    for my $n (0 .. 9) {
        my $text = join '', map { request("key$n-$_", get('/')) } 1 .. 999;

        talk($port, $text . request("key$n-0", get('/', close => 1)));
    }

    my $metrics = http_get($port, '/metrics')->{body};

    is(() = $metrics =~ /^wgw_meter_requests_total\{.*key="key/mg, 10_000,
       'metrics of 10,000 keys');
    is(() = $metrics =~ /^# TYPE wgw_meter_requests_total /mg, 1,
       'each family once');

    my ($after, %keys) = (0);

    for (1 .. 12) {
        my $page = json(http_get($port, "/v1/usage?after=$after")->{body});

        $keys{$_->{key}} += $_->{requests} for @{$page->{keys}};
        last if !defined($after = $page->{next});
    }

    is(scalar keys %keys, 10_000, 'and by pages');
    is(scalar(grep { $_ != 1 } values %keys), 0, 'each once');

    my $all = json(http_get($port, '/v1/usage?limit=10000')->{body});

    is(scalar @{$all->{keys}}, 10_000, 'and in one');
    ok(!defined $all->{next}, 'with nothing behind');

    $more->stop();
}

$gw->stop('QUIT');

done_testing();


sub load {
    my ($n) = @_;

    for (1 .. $n) {
        my $text = request('load', get('/mib', close => 1));
        my $got = talk($http, $text);

        $requests++;
        $sent += $got->{received};
        $received += length $text;
    }
}


# Finished requests are all there, none twice.

sub same {
    my ($name) = @_;

    my $usage = settled($admin, 'load', $requests);

    is("$usage->{requests} $usage->{sent} $usage->{received}",
       "$requests $sent $received", $name);
}
