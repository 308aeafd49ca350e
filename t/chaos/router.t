#!/usr/bin/perl

# A soak: clients call without a pause while providers die, hang, answer
# errors, refuse sign-ins and forget sessions, and the gateway is reloaded.
# One provider, the last choice, is always well: no request may be lost.
# CHAOS_SECONDS (60), CHAOS_SEED.

use warnings;
use strict;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Router;


my $seconds = $ENV{CHAOS_SECONDS} || 60;
my $seed = $ENV{CHAOS_SEED} || int rand 1e9;
my $clients = 3;

srand $seed;
diag "seed $seed, $seconds s";

my $gw = Wgw->new(<<'EOF');
worker_processes 2;

events { worker_connections 2048; }

http {
    access_log off;
    proxy_http_version 1.1;

    wgw_providers eth {
        signer key;
        provider http://127.0.0.1:%%A%%/a name=a;
        provider http://127.0.0.1:%%B%%/b name=b sessions=2;
        provider http://127.0.0.1:%%C%%/c name=c auth=off;
        provider http://127.0.0.1:%%D%%/d name=d priority=1;
        check eth_blockNumber interval=500ms timeout=5s;
        attempts 6 timeout=20s each=2s;
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        location = /eth { wgw_router eth; proxy_pass $wgw_provider; }
        location /providers { wgw_router_api; }
    }
}
EOF

my $dir = $gw->dir();

spew("$dir/key", "$Key\n");
chmod 0600, "$dir/key";

mock('start', name => $_, port => $gw->port(uc $_)) for qw(a b c d);
mock('set', name => 'c', protected => JSON::PP::false);

$gw->start();
wait_for(sub {
    return !grep { $_->{standing} ne 'healthy' } values %{providers_of($gw)};
}, 60);


# ---- clients

my @pids;

for my $client (1 .. $clients) {
    my $pid = fork;
    die "fork: $!" if !defined $pid;

    if ($pid) {
        push @pids, $pid;
        next;
    }

    my ($stop, $n, $worst, %lost) = (0, 0, 0);
    $SIG{TERM} = sub { $stop = 1 };

    while (!$stop) {
        my $start = time;
        my $reply = call($gw, '/eth');
        my $took = time - $start;

        $n++;
        $worst = $took if $took > $worst;
        $lost{$reply->{status}}++ if $reply->{status} != 200;
    }

    spew("$dir/client$client", join ' ', $n, sprintf('%.2f', $worst), %lost);
    POSIX::_exit(0);
}


# ---- what happens

my %down;
my %did;
my $end = time + $seconds;
my $reload = time + 10;

my %actions = (
    stop => sub {
        my ($name) = @_;
        return if $down{$name}++;
        mock('stop', name => $name);
    },
    hang => sub { mock('set', name => $_[0],
                       node => { hang => JSON::PP::true }) },
    error => sub { mock('set', name => $_[0], node => { status => 503 }) },
    busy => sub { mock('set', name => $_[0], node => { status => 429 }) },
    close => sub { mock('set', name => $_[0],
                        node => { close => JSON::PP::true }) },
    forbid => sub { mock('set', name => $_[0], node => { forbid => 403 }) },
    refuse => sub { mock('set', name => $_[0],
                         auth => { status => 401, body => '{"error":"x"}' });
                    mock('revoke', name => $_[0]) },
    revoke => sub { mock('revoke', name => $_[0]) },
    lag => sub { mock('set', name => $_[0], height => 900 + int rand 100) },
    well => sub {
        my ($name) = @_;
        mock('again', name => $name, port => $gw->port(uc $name))
            if delete $down{$name};
        mock('set', name => $name, node => {}, auth => {}, height => 1000);
    },
);

my @names = sort keys %actions;

while (time < $end) {
    my $name = (qw(a b c))[rand 3];
    my $action = rand() < 0.4 ? 'well' : $names[rand @names];

    $did{$action}++;
    $actions{$action}->($name);

    if (time > $reload) {
        $did{reload}++;
        $gw->reload(old => 'stay');
        $reload = time + 20;
    }

    mock('forget', names => [ qw(a b c d) ]);
    sleep rand 0.8;
}

kill 'TERM', @pids;
waitpid $_, 0 for @pids;

my ($n, %lost) = (0);

for my $client (1 .. $clients) {
    my ($calls, $worst, %bad) = split / /, slurp("$dir/client$client");

    $n += $calls;
    $lost{$_} += $bad{$_} for keys %bad;
    diag "client $client: $calls calls, the slowest took $worst s";
}

diag join ', ', map { "$_ $did{$_}" } sort keys %did;

cmp_ok($n, '>', 10 * $seconds, "$n calls");
is_deeply(\%lost, {}, 'none is lost')
    or diag(substr join("\n", grep { /\[error\]|\[warn\]/ }
                        split /\n/, $gw->log()), -20000);

$gw->stop();

done_testing();
