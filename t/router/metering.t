#!/usr/bin/perl

# What a router's clients, services and providers used: wgw_meter on the
# router's variables, and the router's own metrics, in both formats.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Auth;
use Wgw::H2;
use Wgw::Router;


my $gw = Wgw->new(<<'EOF');
worker_processes 2;

wgw_meter_zone usage keys=1000;
wgw_meter_zone clients keys=1000;

events { worker_connections 1024; }

http {
    access_log off;
    proxy_http_version 1.1;
    client_max_body_size 16m;
    client_body_buffer_size 8k;

    wgw_auth_secret secret;
    wgw_auth_allow any;

    wgw_providers eth {
        signer key;
        provider http://127.0.0.1:%%A%%/a name=a;
        provider http://127.0.0.1:%%B%%/b name=b priority=1 auth=off;
        count eth_call eth_getLogs;
        check off;
        attempts 3 timeout=6s;
    }

    wgw_providers other {
        provider http://127.0.0.1:%%B%%/o name=b auth=off;
        check eth_blockNumber interval=200ms;
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name gw.test;

        location = /auth { wgw_auth_signin; }

        location = /eth {
            wgw_auth eth;
            wgw_router eth;
            wgw_meter clients $wgw_auth_address cap=1GB;
            wgw_meter usage $wgw_auth_address/eth/$wgw_provider_name;
            proxy_pass $wgw_provider;
        }

        location = /other {
            wgw_auth other;
            wgw_router other;
            wgw_meter usage $wgw_auth_address/other/$wgw_provider_name;
            proxy_pass $wgw_provider;
        }

        location /providers { wgw_router_api; }
    }

    server {
        listen 127.0.0.1:%%H2%%;
        http2 on;
        server_name gw.test;

        location = /eth {
            wgw_auth eth;
            wgw_router eth;
            wgw_meter usage $wgw_auth_address/eth/$wgw_provider_name;
            proxy_pass $wgw_provider;
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
        location = /metrics { wgw_usage prometheus; }
    }
}
EOF

my $dir = $gw->dir();

spew("$dir/key", "0x$Key\n");
spew("$dir/secret", 'a secret of more than sixteen bytes');
chmod 0600, "$dir/key", "$dir/secret";

mock('start', name => 'a', port => $gw->port('A'));
mock('start', name => 'b', port => $gw->port('B'),
     protected => JSON::PP::false);

$gw->start();


my @wallets = map { node('wallet') } 1, 2;
my @keys = map { key_of(signin($gw, $_, '/auth')) } @wallets;

my %used;       # "client/service/provider": requests, sent, received


# A request of a client, and what it is to be counted as: of who answered,
# which on a machine that is busy is not the first one.

sub used {
    my ($client, $service, $body) = @_;

    my $reply = with_key($gw, "/$service", $keys[$client], method => 'POST',
                         body => $body // rpc('eth_call'));
    my $provider = $reply->{json}{result} // "nobody: $reply->{raw}";
    my $usage = $used{"$wallets[$client]{address}/$service/$provider"} //= {};

    $usage->{requests}++;
    $usage->{sent} += $reply->{received};
    $usage->{received} += $reply->{sent};

    return $provider;
}

# What was counted, as `used` would have it.

sub counted {
    my ($key) = @_;

    my $usage = usage($gw->port('ADMIN'), $key) // {};

    return { map { $_ => $usage->{$_} } qw(requests sent received) };
}


# ---- clients, services, providers

ok(wait_for(sub { used(0, 'eth') eq 'a' }), 'the first one');
used(0, 'eth') for 1 .. 3;
used(1, 'eth');
is(used(0, 'other'), 'b', 'of the other service');
used(0, 'eth', '{"id":1,"method":"eth_call","x":"' . 'y' x 3_000_000 . '"}');

# one that is given up is of who answered in the end
mock('set', name => 'a', node => { status => 503 });
is(used(0, 'eth'), 'b', 'one that is given up') for 1 .. 2;
used(1, 'eth', '{"id":1,"method":"eth_getLogs","x":"' . 'z' x 1_000_000
     . '"}');
mock('set', name => 'a', node => {});

is_deeply(counted($_), $used{$_}, "14.6: exactly: $_") for sort keys %used;

my ($address) = $wallets[1]{address};
my %all;

for my $key (grep { m{^$address/eth/} } keys %used) {
    $all{$_} += $used{$key}{$_} for qw(requests sent received);
}

is_deeply(counted($address), \%all, '14.6: and all of them under their cap');

# who is refused is not known to any provider
is(with_key($gw, '/eth', 'no.such.key')->{status}, 403, 'one without a key');
is_deeply(counted($_), $used{$_}, "14.6: is nobody's: $_")
    for grep { m{^$address} } sort keys %used;


# ---- HTTP/2, and a transfer in flight

my $big = "$wallets[0]{address}/eth/b";
my $before = counted($big);
my $size = 20_000_000;

$gw->kill();
$gw->start();

mock('set', name => 'a', node => { status => 500 });
mock('set', name => 'b', node => { size => $size });

# the zone is in memory, and has gone
is(counted($big)->{requests}, undef, 'a new table');

my $client = Wgw::H2->new($gw->port('H2'));
my $stream = $client->request('/eth', method => 'POST', host => 'gw.test',
    headers => [ [ 'x-api-key', $keys[0] ] ], body => rpc('eth_getLogs'));
$client->run();

is("$stream->{status} $stream->{data}", "200 $size", 'HTTP/2: all of it');
ok(wait_for(sub { (counted($big)->{sent} // 0) == $stream->{bytes} }),
   '14.6: HTTP/2, exactly');
is(counted($big)->{requests}, 1, '14.6: one request');
$client->close();

my $socket = Wgw::connect_to($gw->port('HTTP'));
my $rpc = rpc('eth_getLogs');
print $socket "POST /eth HTTP/1.0\r\nHost: gw.test\r\nX-Api-Key: $keys[1]\r\n"
              . 'Content-Length: ' . length($rpc) . "\r\n\r\n$rpc";
sysread $socket, my $part, 100;
$big = "$address/eth/b";
ok(wait_for(sub { (counted($big)->{sent} // 0) > 100_000 }),
   '14.6: it is counted while it goes on');
close $socket;

mock('set', name => $_, node => {}) for qw(a b);


# ---- metrics

sub metrics {
    my ($accept) = @_;

    my $reply = http_get($gw->port('HTTP'), '/providers/metrics',
                         headers => $accept ? "Accept: $accept\r\n" : '');

    return ($reply->{headers}{'content-type'}, Wgw::dechunk($reply));
}

# calls by method, once a request, however often it is tried
with_key($gw, '/eth', $keys[0], method => 'POST', body => $_) for
    rpc('eth_call'), rpc('eth_call'), rpc('eth_getLogs'), rpc('eth_secret'),
    rpc('ETH_CALL'), '[' . join(',', map { rpc($_) } qw(eth_call eth_call
    eth_getLogs net_version)) . ']', 'no json', '{"id":1,"method":"eth_call",'
    . '"params":["' . 'x' x 2_000_000 . '"]}';

my ($type, $text);
wait_for(sub { ($type, $text) = metrics(); $text =~ /^wgw_router_block/m });
like($type, qr{^text/plain; version=0\.0\.4}, 'Prometheus');

my %calls = $text =~ /^wgw_router_calls_total\{service="eth",
                      method="(\w+)"\}\ (\d+)$/mgx;
is_deeply(\%calls, { eth_call => 4, eth_getLogs => 4, other => 5 },
          '14.6: calls by the methods that are counted');
unlike($text, qr/wgw_router_calls_total\{service="other"/,
       'and none where none are');
unlike($text, qr/eth_secret|net_version|ETH_CALL/, 'labels are bounded');

$gw->reload();
my ($again) = (metrics())[1] =~ /method="eth_call"\} (\d+)/;
is($again, 4, 'calls are kept over a reload');

my %names = map { $_ => 1 } $text =~ /^# TYPE (\w+) /mg;
my @names = map { "wgw_router_$_" } qw(
    requests_total retries_total exhausted_total timedout_total calls_total
    attempts_total answers_total retried_total latency_seconds standing
    block_number checks_total sessions session_age_seconds handshakes_total
);
is(join(' ', sort keys %names), join(' ', sort @names), 'all that there are');

is(syntax($text, 0), '', "Prometheus' text format");

($type, $text) = metrics('application/openmetrics-text;version=1.0.0,'
                         . 'text/plain;version=0.0.4;q=0.5');
like($type, qr{^application/openmetrics-text; version=1\.0\.0}, 'OpenMetrics');
is(syntax($text, 1), '', 'OpenMetrics 1.0');

my ($buckets) = $text =~ /^wgw_router_latency_seconds_bucket\{service="eth",
                           provider="a",le="\+Inf"\}\ (\d+)/mx;
my ($count) = $text =~ /^wgw_router_latency_seconds_count\{service="eth",
                         provider="a"\}\ (\d+)/mx;
ok($count > 0 && $buckets == $count, 'the histogram has all of them');



# ---- a dashboard asks for nothing that is not there

my $dashboard = json(slurp('tools/grafana/router.json'));
my $there = $text . Wgw::dechunk(http_get($gw->port('ADMIN'), '/metrics'));
my ($expressions, %missing) = (0);

for my $panel (@{$dashboard->{panels}}) {
    for my $expression (map { $_->{expr} } @{$panel->{targets} // []}) {
        $expressions++;

        while ($expression =~ /\b(wgw_\w+)/g) {
            my $name = $1;
            $missing{$name} = 1 if $there !~ /^\Q$name\E\{/m;
        }
    }
}

cmp_ok($expressions, '>', 15, 'the dashboard has expressions');

is(join(' ', sort keys %missing), '', 'whose metrics are there');

my %rows = map { $_->{title} => 1 } grep { $_->{type} eq 'row' }
           @{$dashboard->{panels}};
ok($rows{'DIN router'}, 'in a row of their own');

$gw->stop();

done_testing();


# What is wrong with a page of metrics: families in one piece, with a HELP and
# a TYPE that fit their samples, labels as they must be, no series twice.

sub syntax {
    my ($page, $open) = @_;

    my ($family, $kind, %seen, %series, $end);

    my %suffix = (
        counter => $open ? '_total' : '', gauge => '',
        histogram => '_bucket|_count|_sum',
    );

    return 'no line feed at the end' if $page !~ /\n\z/;

    for my $line (split /\n/, $page) {
        return "after the end: $line" if $end;

        if ($line eq '# EOF') {
            return 'an end' if !$open;
            $end = 1;

        } elsif ($line =~ /^# HELP ([a-z_:]+) \S.*\.$/) {
            return "twice: $line" if $seen{$1}++;
            ($family, $kind) = ($1);

        } elsif ($line =~ /^# TYPE (\S+) (counter|gauge|histogram)$/) {
            my ($name, $type) = ($1, $2);

            return "without HELP: $line" if ($family // '') ne $name || $kind;
            return "a counter: $line"
                if $type eq 'counter' && $open == ($name =~ /_total$/ ? 1 : 0);
            $kind = $type;

        } elsif ($line =~ /^(\w+)\{(.*)\} (\S+)$/) {
            my ($name, $labels, $value) = ($1, $2, $3);

            return "of no family: $line"
                if !$kind || $name !~ /^\Q$family\E(?:$suffix{$kind})$/;
            return "twice: $line" if $series{"$name\{$labels"}++;
            return "a value: $line" if $value !~ /^\d+(\.\d+)?$/;

            my $label = qr/[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"/;
            return "labels: $line" if $labels !~ /^$label(,$label)*$/;

        } else {
            return $line;
        }
    }

    return $open && !$end ? 'no end' : '';
}
