#!/usr/bin/perl

# Four nodes, one cap: what they let through is never more than the cap, and
# nearly all of it, whatever becomes of Redis.  Numbers are those of the cases.
# What was used, and how far from the cap, is printed.

use warnings;
use strict;

use IO::Socket::IP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Redis qw(redis proxy);


my $nodes = 4;
my $cap = 8_000_000;

my $redis = redis();
my @proxies = map { proxy($redis->port()) } 1 .. $nodes;
my @gw = map { node($_, 'closed') } 0 .. $nodes - 1;

$_->start() for @gw;

ok(wait_for(sub { $nodes == grep { connected($_) } @gw }),
   'all are connected') or diag($gw[0]->log());


subtest 'egress 145: a saturating load' => sub {
    run('all', 15);
    bounds('all', 0.99);
};


subtest 'egress 149: Redis hangs' => sub {
    my @before = latencies('calm');

    run('hangs', 2);
    $redis->signal('STOP');

    my @after = latencies('calm2');

    run('hangs', 2);
    $redis->signal('CONT');
    run('hangs', 15);

    bounds('hangs', 0.99);

    diag(sprintf 'p99 %.2f ms, with Redis stopped %.2f ms',
         1000 * p99(@before), 1000 * p99(@after));
    cmp_ok(p99(@after), '<', 3 * p99(@before) + 0.02, 'no request waits');
};


subtest 'egress 150: restarted empty' => sub {
    run('empty', 2);
    $redis->stop();
    run('empty', 1);
    $redis->start();
    run('empty', 20);

    bounds('empty', 0.99);
};


subtest 'egress 151: evicted' => sub {
    my $pid = background('evicted', 20);

    for (1 .. 6) {
        sleep 1;
        $redis->cli('DEL', split /\n/, $redis->cli('KEYS', '*:lease:*'));
    }

    waitpid $pid, 0;
    bounds('evicted', 0.99);
};


subtest 'egress 146: one reply of twenty is lost' => sub {
    $_->set(loss => 0.05) for @proxies;
    run('lost', 25);
    $_->set() for @proxies;

    bounds('lost', 0.95);
};


subtest 'a partition' => sub {
    my $pid = background('apart', 22);

    sleep 2;
    $proxies[1]->set(cut => 1);
    sleep 5;
    $proxies[1]->set();
    waitpid $pid, 0;

    bounds('apart', 0.99);
};


subtest 'egress 147: a node is killed with leases in hand' => sub {
    run('dies', 1);

    my $used = used('dies');

    $gw[3]->kill('KILL');
    run('dies', 15, @gw[0 .. 2]);

    my $sum = total(used('dies', @gw[0 .. 2])) + $used->{3};

    diag(sprintf 'used %.2f %%', 100 * $sum / $cap);
    cmp_ok($sum, '<=', $cap, 'not above the cap');
    cmp_ok($sum, '>=', 0.7 * $cap, 'all but what it had in hand');

    $gw[3]->start();
};


subtest 'egress 158: what is idle comes back' => sub {
    run('idle', 1, $gw[0]);
    sleep 13;
    run('idle', 12, @gw[1 .. 3]);

    bounds('idle', 0.99);
};

$_->stop() for @gw;
done_testing();


# ---- nodes

sub node {
    my ($i, $mode) = @_;

    my $body = 'x' x 1000;

    return Wgw->new(<<"EOF");
worker_processes 2;
wgw_fleet redis://127.0.0.1:$proxies[$i]{port} node=n$i nodes=4;
wgw_meter_zone keys file=keys.wgw keys=1000 fleet=$mode;

events { worker_connections 512; }

http {
    access_log off;
    keepalive_requests 100000;

    server {
        listen 127.0.0.1:%%HTTP%%;

        location / {
            wgw_meter keys \$arg_k cap=$cap count=sent;
            return 200 "$body";
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
        location /metrics { wgw_usage prometheus; }
    }
}
EOF
}


sub connected {
    my ($gw) = @_;

    return http_get($gw->port('ADMIN'), '/metrics')
           =~ /^wgw_fleet_connected\{zone="keys"\} 1$/m;
}


# ---- load

# run(KEY, SECONDS [, NODE ...]): a client for each node, for that long.

sub run {
    waitpid background(@_), 0;
}


sub background {
    my ($key, $seconds, @on) = @_;

    defined(my $pid = fork) or die "fork: $!";
    return $pid if $pid;

    my @children;

    for my $gw (@on ? @on : @gw) {
        defined(my $child = fork) or die "fork: $!";

        if ($child == 0) {
            load($gw->port('HTTP'), $key, time + $seconds);
            POSIX::_exit(0);
        }

        push @children, $child;
    }

    waitpid $_, 0 for @children;
    POSIX::_exit(0);
}


sub load {
    my ($port, $key, $end) = @_;

    my $request = "GET /?k=$key HTTP/1.1\r\nHost: a\r\n\r\n";
    my $last = $request =~ s/\r\n\r\n/\r\nConnection: close\r\n\r\n/r;

    while (time < $end) {
        my $s = IO::Socket::IP->new(PeerHost => '127.0.0.1',
                                    PeerPort => $port, Timeout => 5);
        if (!$s) {
            sleep 0.05;
            next;
        }

        syswrite $s, $request x 19 . $last;

        my $answer = '';
        1 while sysread $s, $answer, 65536, length $answer;

        sleep 0.02 if $answer !~ /^HTTP\/1.1 200/m;
    }
}


sub latencies {
    my ($key) = @_;

    my @took;

    for (1 .. 300) {
        my $start = time;
        http_get($gw[0]->port('HTTP'), "/?k=$key");
        push @took, time - $start;
    }

    return @took;
}


sub p99 { return (sort { $a <=> $b } @_)[int(0.99 * @_)] }


# ---- what was used

sub used {
    my ($key, @on) = @_;

    my (%used, $i);
    $i = 0;

    for my $gw (@on ? @on : @gw) {
        my $answer = http_get($gw->port('ADMIN'), "/v1/usage/$key");
        my ($body) = $answer =~ /\r\n\r\n(.*)/s;

        $used{$i++} = $answer =~ / 200 /
                      ? json($body)->{keys}[0]{window}{sent} : 0;
    }

    return \%used;
}


sub total {
    my ($used) = @_;

    my $sum = 0;
    $sum += $_ for values %$used;

    return $sum;
}


sub bounds {
    my ($key, $least) = @_;

    my $used = used($key);
    my $sum = total($used);

    diag(sprintf '%s: used %.3f %% (%s), over by %d bytes', $key,
         100 * $sum / $cap, join(' ', map { $used->{$_} } sort keys %$used),
         $sum > $cap ? $sum - $cap : 0);

    cmp_ok($sum, '<=', $cap, 'not above the cap');
    cmp_ok($sum, '>=', $least * $cap, 'nearly all of it');
}
