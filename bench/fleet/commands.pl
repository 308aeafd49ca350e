#!/usr/bin/perl

# Commands a second that a Redis is asked for: by a machine with nothing to ask,
# for each key that is used without a pause, and near its cap.  FLEET_SECONDS=10.

use warnings;
use strict;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Redis qw(redis);


my $seconds = $ENV{FLEET_SECONDS} || 10;
my $meter = 'wgw_meter_zone %s file=%s keys=2000 fleet;';
my $redis = redis();

my %zones = (
    'one zone of caps' => sprintf($meter, 'a', 'a'),
    'two' => join(' ', map { sprintf $meter, $_, $_ } 'a', 'b'),
    'one, and sign-ins' => sprintf($meter, 'a', 'a')
        . ' wgw_auth_zone file=tokens keys=2000 fleet;',
);

for my $name ('one zone of caps', 'two', 'one, and sign-ins') {
    my $gw = gateway(1, $zones{$name}, 10**12);

    figure("nothing to ask, $name", per_second());
    $gw->stop();
}

for my $case ([ 1, 1, 1 ], [ 1, 10, 1 ], [ 4, 1, 1 ], [ 4, 10, 1 ],
              [ 4, 10, 0 ])
{
    my ($nodes, $keys, $far) = @$case;
    my @gw = map { gateway($_, $zones{'one zone of caps'},
                           $far ? 10**8 / $keys : 10**5) } 1 .. $nodes;
    my $idle = per_second();
    my @clients = map { load($_, $keys) } @gw;

    sleep 4 if $far;

    my $busy = per_second();

    kill 'KILL', @clients;
    waitpid $_, 0 for @clients;

    figure("$nodes machines, $keys keys, " . ($far ? 'far from' : 'up to')
         . ' their cap: more for each key and machine',
         ($busy - $idle) / $nodes / $keys);
    $_->stop() for @gw;
    $redis->cli('FLUSHALL');
}

figure('bytes of a key in Redis, of four machines', memory());
done_testing();


sub figure { diag(sprintf '%8.2f  %s', $_[1], $_[0]) }


sub gateway {
    my ($n, $zones, $cap) = @_;

    my $fleet = 'redis://127.0.0.1:' . $redis->port();
    my $signin = $zones =~ /auth/ ? 'server_name gw.test; '
                                    . 'location /auth { wgw_auth_signin; }'
                                  : '';
    my $gw = Wgw->new(<<"EOF");
wgw_fleet $fleet node=n$n nodes=4;
$zones

events { }

http {
    access_log off;
    keepalive_requests 1000000;

    wgw_auth_secret secret;
    wgw_auth_allow any;

    server {
        listen 127.0.0.1:%%HTTP%%;
        $signin
        wgw_meter a \$arg_k cap=$cap count=sent;
        return 200 "@{[ 'x' x 1000 ]}";
    }
}
EOF

    spew($gw->dir() . '/secret', 'z' x 32);
    chmod 0600, $gw->dir() . '/secret';
    $gw->start();
    sleep 4;

    return $gw;
}


sub number {
    return $redis->cli('INFO', 'stats') =~ /total_commands_processed:(\d+)/
           ? $1 : die 'no number';
}


sub per_second {
    my $first = number();
    my $start = time;

    sleep $seconds;

    # but for the question itself
    return (number() - $first - 1) / (time - $start);
}


# A client that asks for each of the keys in turn.

sub load {
    my ($gw, $keys) = @_;

    defined(my $pid = fork) or die "fork: $!";
    return $pid if $pid;

    my (@socket, $bytes);

    $SIG{TERM} = 'DEFAULT';
    $SIG{PIPE} = 'IGNORE';

    # a connection that was refused something has ended
    for (my $n = 0;; $n++) {
        my $socket = $socket[$n % $keys] //= connect_to($gw->port('HTTP'));
        my $key = 'k' . $n % $keys;

        syswrite $socket, "GET /?k=$key HTTP/1.1\r\nHost: a\r\n\r\n";

        undef $socket[$n % $keys]
            if !sysread($socket, $bytes, 65536) || $bytes =~ /^HTTP\/1.1 429/;

        sleep 0.001;
    }
}


sub memory {
    my @gw = map { gateway($_, $zones{'one zone of caps'}, 10**12) } 1 .. 4;
    my @clients = map { load($_, 1) } @gw;

    sleep 6;
    kill 'KILL', @clients;
    waitpid $_, 0 for @clients;

    my ($key) = split /\n/, $redis->cli('KEYS', '*:lease:*');
    my $bytes = $redis->cli('MEMORY', 'USAGE', $key);

    $_->stop() for @gw;

    return $bytes;
}
