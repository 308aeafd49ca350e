#!/usr/bin/perl

# Who is healthy, and who is asked: checks, heights, priorities, the one
# worker that checks, a provider that dies under load.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Router;


my $gw = Wgw->new(<<'EOF');
worker_processes 3;

events { worker_connections 2048; }

http {
    access_log off;
    proxy_http_version 1.1;

    wgw_providers eth {
        signer key;
        provider http://127.0.0.1:%%A%%/a name=a;
        provider http://127.0.0.1:%%B%%/b name=b;
        provider http://127.0.0.1:%%C%%/c name=c;
        provider http://127.0.0.1:%%D%%/d name=d priority=1 auth=off;
        check eth_blockNumber interval=200ms timeout=2s rise=2 fall=2
              lag=5 jump=10;
        attempts 4 timeout=30s each=4s;
    }

    wgw_providers stable {
        provider http://127.0.0.1:%%F%%/f name=sf auth=off weight=3;
        provider http://127.0.0.1:%%E%%/e name=se auth=off;
        check off;
    }

    server {
        listen 127.0.0.1:%%HTTP%%;

        location = /eth { wgw_router eth; proxy_pass $wgw_provider; }
        location = /stable { wgw_router stable; proxy_pass $wgw_provider; }
        location /providers { wgw_router_api; }
    }
}
EOF

spew($gw->dir() . '/key', "0x$Key\n");
chmod 0600, $gw->dir() . '/key';

mock('start', name => $_, port => $gw->port(uc $_)) for qw(a b c d e f);
mock('set', name => $_, protected => JSON::PP::false) for qw(d e f);

$gw->start();

sub standing {
    my ($name) = @_;

    my $of = providers_of($gw)->{$name};

    return $of->{reason} ? "$of->{standing}: $of->{reason}" : $of->{standing};
}

sub becomes {
    my ($name, $what, $test) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    wait_for(sub { standing($name) eq $what });
    is(standing($name), $what, $test);
}

# who answers twenty requests: "a b"
sub answers {
    my %who;

    $who{who(call($gw, $_[0] || '/eth'))}++ for 1 .. 20;

    return join ' ', sort keys %who;
}

sub heights {
    my %height = @_;

    mock('set', name => $_, height => $height{$_}) for keys %height;
}


# ---- healthy; priorities

becomes($_, 'healthy', "$_ is healthy") for qw(a b c d);
is(answers(), 'a b c', 'the best priority');
is(providers_of($gw)->{a}{block}, 1000, 'its block');


# ---- heights

heights(a => 1000, b => 1020, c => 1020, d => 1020);
becomes('a', 'unhealthy: outlier', 'one that stands still');
is(answers(), 'b c', 'is not asked');
heights(a => 1013);
becomes('a', 'warning: lag', 'one that lags');
is(answers(), 'b c', 'is not asked either');
heights(a => 1016);
becomes('a', 'healthy', 'one that has caught up');
heights(a => 9999);
becomes('a', 'unhealthy: outlier', 'one that jumps');
is(standing('b'), 'healthy', 'does not matter to others');
heights(a => 1020);
becomes('a', 'healthy', 'and is good again');


# ---- bad answers

my %bad = (
    'unhealthy: status' => { status => 500 },
    'unhealthy: timeout' => { hang => JSON::PP::true },
    'unhealthy: connect' => { close => JSON::PP::true },
    'unhealthy: answer' => { body => '{"error":{"code":-32000}}' },
    'warning: busy' => { status => 429 },
);

for my $what (sort keys %bad) {
    mock('set', name => 'a', check => $bad{$what});
    becomes('a', $what, $what);
    is(answers(), 'b c', 'is not asked');
    mock('set', name => 'a', check => undef);
    becomes('a', 'healthy', 'and is good again');
}

mock('set', name => 'a', auth => { status => 500, body => '' });
mock('revoke', name => 'a');
becomes('a', 'unhealthy: session', 'one without a session');
is(answers(), 'b c', 'is not asked');
mock('set', name => 'a', auth => {});
becomes('a', 'healthy', 'and is good again');


# ---- tiers

mock('set', name => $_, check => { status => 500 }) for qw(a b);
becomes($_, 'unhealthy: status', "$_ is off") for qw(a b);
is(answers(), 'c', 'the rest of the tier');
mock('set', name => 'c', check => { status => 429 });
becomes('c', 'warning: busy', 'and then');
is(answers(), 'd', 'a healthy one before one with a warning');
mock('set', name => 'd', check => { status => 500 });
becomes('d', 'unhealthy: status', 'and then');
is(answers(), 'c', 'one with a warning before the unhealthy');
mock('set', name => $_, check => undef) for qw(a b c d);
becomes($_, 'healthy', "$_ is good again") for qw(a b c d);


# ---- affinity

my %by;
for my $id (1 .. 60) {
    for (1 .. 2) {
        my $who = who(call($gw, '/eth', undef,
                           headers => "Din-Session-Id: s$id\r\n"));
        $by{$id}{$who}++;
    }
}
is(scalar(grep { keys %$_ == 1 } values %by), 60, 'R19: the same provider');
my %all = map { %$_ } values %by;
is(join(' ', sort keys %all), 'a b c', 'R19: ids spread');

my %weights;
$weights{who(call($gw, '/stable'))}++ for 1 .. 200;
cmp_ok($weights{f}, '>', 110, "weights: $weights{f} of 200");
cmp_ok($weights{f}, '<', 190, 'of 150');


# ---- one worker checks

# how many in two seconds, by the mock's own clock
sub checks {
    mock('seen', name => 'a');
    sleep 3;

    my @at = map { $_->{at} } @{mock('seen', name => 'a')->{checks}};

    return scalar grep { $_ < $at[0] + 2000 } @at;
}

my $checks = checks();
ok($checks >= 6 && $checks <= 12, "one worker checks: $checks in 2 s");

for my $worker ($gw->workers()) {
    kill 'KILL', $worker;
    sleep 0.3;
}
$gw->expect(qr/exited on signal 9/);
$checks = checks();
ok($checks >= 6 && $checks <= 12, "over kills: $checks");

$gw->reload();
$checks = checks();
ok($checks >= 6 && $checks <= 12, "over a reload: $checks");

my $metrics = http_get($gw->port('HTTP'), '/providers/metrics')->{body};
like($metrics, qr/^wgw_router_standing\{service="eth",provider="a",
     standing="healthy"\}\ 1$/mx, 'metrics');
like($metrics, qr/^wgw_router_handshakes_total\{service="eth",provider="a",
     result="granted"\}\ [1-9]/mx, 'of sessions, too');
is(http_get($gw->port('HTTP'), '/providers', method => 'POST')->{status}, 405,
   'GET only');
is(http_get($gw->port('HTTP'), '/providers', host => 'evil.example')
   ->{status}, 403, 'for this machine');


# ---- one dies under load

my $url = 'http://127.0.0.1:' . $gw->port('HTTP') . '/eth';
my @lost;

for my $round (1 .. 6) {
    mock('stop', name => 'b') if $round == 2;
    mock('set', name => 'c', node => { hang => JSON::PP::true })
        if $round == 4;
    mock('revoke', name => 'a') if $round == 5;

    my $replies = mock('fetch', url => $url, n => 100,
                       body => '{"id":1,"method":"eth_call"}');
    push @lost, map { "$round: $_->{status}" }
                grep { $_->{status} != 200 } @$replies;
}

is(join(' ', @lost), '', 'no client sees that one dies, hangs or forgets');


# ---- and costs nobody anything, once it is known

mock('set', name => $_, node => {}) for qw(a c);
becomes($_, 'healthy', "$_ is healthy") for qw(a c);
becomes('b', 'unhealthy: connect', 'b is not there');

my $before = providers_of($gw)->{b};
my $replies = mock('fetch', url => $url, n => 100,
                   body => '{"id":1,"method":"eth_call"}');

is(scalar(grep { $_->{status} == 200 } @$replies), 100, '14.4: all served');
is(providers_of($gw)->{b}{attempts}, $before->{attempts},
   '14.4: and none was tried there');

my %served;
$served{json($_->{body})->{result}}++ for @$replies;
is(join(' ', sort keys %served), 'a c', '14.4: the others of its tier served');

# it dies unseen: who comes to it goes on to another, in that order

mock('again', name => 'b', port => $gw->port('B'));
becomes('b', 'healthy', 'b is back');
mock('set', name => $_, check => { status => 500 }) for qw(a c);
becomes($_, 'unhealthy: status', "$_ is off") for qw(a c);

mock('seen', name => $_) for qw(a b c d);
mock('set', name => 'b', node => { close => JSON::PP::true });
is(who(call($gw, '/eth')), 'd', '14.4: the next tier has a healthy one');
is(join(' ', map { "$_ " . @{mock('seen', name => $_)->{calls}} } qw(a b c d)),
   'a 0 b 1 c 0 d 1', '14.4: it is asked once, and then that');

$gw->stop();

done_testing();
