#!/usr/bin/perl

# Sign-in over machines: a message is good once in the fleet, and a revocation
# is all machines', also of those that were away.

use warnings;
use strict;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Auth;
use Wgw::Redis qw(redis);


my $wallet = node('wallet');
my $redis = redis();
my @gw = map { gateway("n$_", 'fleet') } 0, 1;
my ($one, $two) = @gw;

$_->start() for @gw;

# messages that were signed before a machine knew Redis are not taken
ok(wait_for(sub {
    sleep 0.5;
    return 2 == grep { signed($_, text($_)) == 200 } @gw;
}), 'both give keys') or diag($one->log());


subtest 'a message is good once' => sub {
    my $body = text($one);

    is(signed($one, $body), 200, 'here');
    my $again = post($two, '/auth', $body);
    is($again->{status}, 401, 'and not there');
    like($again->{body}, qr/was used before/, 'for that reason');
    is(signed($one, $body), 401, 'nor here again');

    # of two at the same time one wins, many times
    my $both = 0;

    for (1 .. 10) {
        $body = text($two);

        my @status = map { $_->{status} } at_once($body);
        $both += 1 != grep { $_ == 200 } @status;
    }

    is($both, 0, 'of two at once one');
};


subtest 'a revocation is all machines\'' => sub {
    my $key = key_of(signin($one, $wallet, '/auth'));

    is(with_key($two, '/eth', $key)->{status}, 200, 'a key of one is good');
    is(revoke($one, $wallet->{address}), 204, 'its address is revoked');

    my $start = time;
    ok(wait_for(sub { with_key($two, '/eth', $key)->{status} == 403 }),
       'by the other, too');
    soon($start, 1.5, 'within a second');

    sleep 1.1;
    $key = key_of(signin($two, $wallet, '/auth'));
    is(with_key($one, '/eth', $key)->{status}, 200, 'a new key is good');

    # an agent that begins hears all revocations again
    $two->reload();
    sleep 1;
    is(with_key($two, '/eth', $key)->{status}, 200, 'also after a reload');

    $two->stop();
    is(revoke($one, $wallet->{address}), 204, 'while one is away');
    $two->start();

    my $seen = 0;
    my $last = 0;

    for (1 .. 40) {
        $last = with_key($two, '/eth', $key)->{status};
        $seen += $last == 200;
        sleep 0.05;
    }

    is($seen, 0, 'it never serves what was revoked meanwhile');
    is($last, 403, 'and knows it');
};


subtest 'secrets are rotated' => sub {
    # an agent that begins within three seconds of a start takes it for one
    sleep 3.5;

    my $key = key_of(signin($one, $wallet, '/auth'));
    my $client = using($key);

    # the sequence of docs/fleet.md: one machine after the other, each time
    for my $step ([ 'old new', 'old' ], [ 'new old', 'new' ]) {
        for my $gw (@gw) {
            configure($gw, $step->[0]);
            $gw->reload();

            for my $from (@gw) {
                my $new = key_of(signin($from, $wallet, '/auth'));

                is(join(' ', map { with_key($_, '/eth', $new)->{status} }
                        @gw), '200 200',
                   "$step->[0]: what is given now is good at both");
            }
        }
    }

    is(join(' ', refusals($client)), '', 'no request was refused meanwhile');
    is(join(' ', map { with_key($_, '/eth', $key)->{status} } @gw), '200 200',
       'the key of before is good still');

    my $last = key_of(signin($two, $wallet, '/auth'));

    for my $gw (@gw) {
        configure($gw, 'new');
        $gw->reload();
        is(with_key($gw, '/eth', $last)->{status}, 200, 'new: the new ones');
        is(with_key($gw, '/eth', $key)->{status}, 403, 'not the old one');
    }
};


subtest 'Redis is away' => sub {
    my $open = gateway('n2', 'fleet=open');
    $open->start();

    ok(wait_for(sub { sleep 0.5; signed($open, text($open)) == 200 }),
       'it gives keys');

    $redis->signal('STOP');

    my $start = time;
    is(signed($one, text($one)), 503, 'closed: none is given');
    soon($start, 3, 'and it is said soon');
    is(signed($open, text($open)), 200, 'open: it is good here');

    $redis->signal('CONT');
    ok(wait_for(sub { sleep 0.5; signed($one, text($one)) == 200 }),
       'back again');

    $open->stop();
};


subtest 'Redis is full' => sub {
    $redis->cli(qw(CONFIG SET maxmemory 1));
    is(signed($one, text($one)), 503, 'none is given');
    ok(wait_for(sub { $one->log() =~ /\[error\] .* sign-ins are not shared, /
                      && $one->log() =~ / trying again: Redis: OOM / }),
       'and the log says why');

    $redis->cli(qw(CONFIG SET maxmemory 0));
    ok(wait_for(sub { sleep 0.5; signed($one, text($one)) == 200 }),
       'there is room again');
    ok(wait_for(sub { $one->log() =~ /sign-ins are shared again/ }),
       'as the log says');
    is(scalar(() = $one->log() =~ /sign-ins are not shared/g), 1, 'once');
};


subtest 'Redis is full, and has lost its data' => sub {
    my $said = () = $one->log() =~ /sign-ins are not shared/g;

    $redis->cli(qw(CONFIG SET maxmemory 1));
    $redis->cli('DEL', grep { /:sentinel:/ } split /\n/,
                       $redis->cli('--scan'));
    ok(wait_for(sub { $said + 1 == (() = $one->log()
                                         =~ /are not shared, .*: OOM /g) }),
       'is said before somebody signs in') or diag($one->log());

    $redis->cli(qw(CONFIG SET maxmemory 0));
    ok(wait_for(sub { sleep 0.5; signed($one, text($one)) == 200 }),
       'there is room again');
};


subtest 'a key of that name is somebody else\'s' => sub {
    my $said = () = $one->log() =~ /sign-ins are not shared/g;
    my $again = () = $one->log() =~ /sign-ins are shared again/g;
    my $reads = sub {
        my ($n) = $redis->cli(qw(INFO commandstats))
                  =~ /^cmdstat_xread:calls=(\d+)/m;
        return $n;
    };

    $redis->cli(qw(RENAME wgw:said kept));
    $redis->cli(qw(SET wgw:said mine));
    ok(wait_for(sub { $one->log() =~ / trying again: Redis: WRONGTYPE / }),
       'is said');

    my $until = $reads->() + 40;
    ok(wait_for(sub { $reads->() > $until }), 'the streams are read on');
    is(scalar(() = $one->log() =~ /sign-ins are not shared/g), $said + 1,
       'once');
    is(scalar(() = $one->log() =~ /sign-ins are shared again/g), $again,
       'and not that it is over');

    $redis->cli(qw(RENAME kept wgw:said));
    ok(wait_for(sub { $again + 1 == (() = $one->log()
                                          =~ /sign-ins are shared again/g) }),
       'until it is') or diag($one->log());
};


subtest 'Redis has lost its data' => sub {
    my $body = text($one);

    is(signed($one, $body), 200, 'used');
    my $old = text($two);

    sleep 1.1;
    $redis->cli('FLUSHALL');
    sleep 1;

    is(signed($two, $body), 401, 'not good there');
    is(signed($two, $old), 401, 'nor what was signed before');
    ok(wait_for(sub { sleep 1; signed($two, text($two)) == 200 }),
       'what is signed after that is');
};

$_->stop() for @gw;
done_testing();


# A client that uses a key at both without a pause, and says what was refused.

sub using {
    my ($key) = @_;

    defined(my $pid = open my $pipe, '-|') or die "fork: $!";
    return [ $pid, $pipe ] if $pid;

    my $stop = 0;

    $SIG{TERM} = sub { $stop = 1 };
    $| = 1;

    until ($stop) {
        for my $gw (@gw) {
            my $status = with_key($gw, '/eth', $key)->{status};

            print "$status\n" if $status != 200;
        }
    }

    POSIX::_exit(0);
}


sub refusals {
    my ($client) = @_;

    kill 'TERM', $client->[0];
    chomp(my @lines = readline $client->[1]);
    close $client->[1];

    my %status = map { $_ => 1 } @lines;

    return sort keys %status;
}


sub gateway {
    my ($name, $mode) = @_;

    my $gw = Wgw->new('events { }');

    @$gw{qw(name mode)} = ($name, $mode);
    configure($gw, 'old');
    spew($gw->dir() . '/old', 'z' x 32);
    spew($gw->dir() . '/new', 'y' x 32);
    chmod 0600, map { $gw->dir() . "/$_" } qw(old new);

    return $gw;
}


# Its secrets: of the first keys are given, all are taken.

sub configure {
    my ($gw, $secrets) = @_;

    $gw->configure(<<"EOF");
worker_processes 2;
wgw_fleet redis://127.0.0.1:@{[$redis->port()]} node=$gw->{name};
wgw_auth_zone file=tokens keys=2000 $gw->{mode};

events { worker_connections 512; }

http {
    access_log off;
    keepalive_timeout 0;
    wgw_auth_rate off;
    wgw_auth_wallet_rate off;
    wgw_auth_wallet_keys off;
    wgw_auth_secret $secrets;
    wgw_auth_allow any;

    server {
        listen 127.0.0.1:%%HTTP%% reuseport;
        server_name gw.test;

        location = /auth { wgw_auth_signin; }
        location /eth { wgw_auth eth; empty_gif; }
        location /v1/auth { wgw_auth_api; }
    }
}
EOF
}


sub text {
    my ($gw) = @_;

    my $text = message($gw, $wallet->{address}, '/auth');

    return Wgw::Auth::body_of($text, node('sign', by => 'viem',
        key => $wallet->{key}, text => $text));
}


sub signed { return post($_[0], '/auth', $_[1])->{status} }


sub at_once {
    my ($body) = @_;

    my @sockets = map { Wgw::connect_to($_->port('HTTP')) } @gw;

    for my $socket (@sockets) {
        my $length = length $body;

        syswrite $socket, "POST /auth HTTP/1.1\r\nHost: gw.test\r\n"
                          . "Content-Length: $length\r\n\r\n$body";
    }

    return map { { status => (Wgw::exchange(0, '', socket => $_)
                              =~ /^HTTP\/1.1 (\d+)/)[0] // 0 } } @sockets;
}


sub revoke {
    my ($gw, $address) = @_;

    return http_get($gw->port('HTTP'), "/v1/auth/addresses/$address",
                    host => 'localhost', method => 'DELETE')->{status};
}
