#!/usr/bin/perl

# Uses of a key over three machines: all of them, wherever it is used, and no
# more, whatever is killed or lost.

use warnings;
use strict;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Auth;
use Wgw::Redis qw(proxy redis);


my $wallet = node('wallet');
my $redis = redis();
my @proxies = map { proxy($redis->port()) } 0 .. 2;
my @gw = map { gateway($_) } 0 .. 2;

$_->start() for @gw;

given($_, '/auth') for @gw;


subtest 'all of them' => sub {
    my $key = given($gw[0], '/auth');

    is(with_key($gw[0], '/eth', $key)->{status}, 200, 'here');

    my $reply = with_key($gw[1], '/eth', $key);
    is($reply->{status}, 503, 'another has none yet');
    is($reply->{headers}{'retry-after'}, 1, 'it says when to come again');
    like($reply->{body}, qr/has its uses on other machines, which are asked/,
         'and why');

    sleep 1;
    is(with_key($gw[1], '/eth', $key)->{status}, 200, 'then it has');
    is(2 + drain($key), 60, 'sixty, one machine after the other');
};


subtest 'one' => sub {
    my $key = given($gw[0], '/once');

    is(with_key($gw[2], '/eth', $key)->{status}, 503, 'not there yet');
    sleep 1;
    is(with_key($gw[2], '/eth', $key)->{status}, 200, 'it has gone there');
    is(drain($key), 0, 'and is nowhere else');
};


subtest 'at once' => sub {
    for my $n (1, 2) {
        my $key = given($gw[$n - 1], '/auth');

        is(load($key, 2) + drain($key), 60, "sixty, from number $n");
    }
};


subtest 'what is lost' => sub {
    my $key = given($gw[0], '/auth');
    my @clients = clients($key);

    for my $n (0 .. 5) {
        sleep 0.4;
        kill 'KILL', grep { slurp("/proc/$_/cmdline") =~ /cache manager/ }
                     children($gw[$n % 3]->pid());
        $redis->cli('FLUSHALL') if $n == 3;
        $gw[1]->reload() if $n == 4;
        $proxies[$n % 3]->set(loss => 0.2) if $n < 3;
    }

    $_->set() for @proxies;

    my $used = ended(@clients) + drain($key);

    diag("$used of 60 with agents killed, replies and Redis' data lost");
    cmp_ok($used, '<=', 60, 'is never used twice');
    cmp_ok($used, '>', 0, 'some are used');
};


subtest 'a machine is killed, and is back' => sub {
    my $key = given($gw[0], '/auth');

    with_key($gw[1], '/eth', $key);
    sleep 1;

    my $used = grep { with_key($gw[1], '/eth', $key)->{status} == 200 } 1 .. 9;
    is($used, 9, 'it has some');

    $gw[1]->kill();
    $gw[1]->start();
    given($gw[1], '/auth');

    $used += drain($key);
    is($used, 60, 'what its file has is not lost, nor had twice');
};


subtest 'Redis is away' => sub {
    my $key = given($gw[0], '/auth');

    $redis->signal('STOP');
    sleep 3;

    my $start = time;
    is(with_key($gw[0], '/eth', $key)->{status}, 200, 'what is here is good');

    my $reply = with_key($gw[1], '/eth', $key);
    is($reply->{status}, 503, 'what is not cannot be asked for');
    like($reply->{body}, qr/cannot be asked/, 'which is said');
    soon($start, 0.5, 'at once');

    $redis->signal('CONT');
    ok(wait_for(sub {
        sleep 0.2;
        return with_key($gw[1], '/eth', $key)->{status} == 200;
    }), 'then it is');
};


subtest 'a key that was revoked' => sub {
    my $key = given($gw[0], '/auth');

    with_key($gw[1], '/eth', $key);
    http_get($gw[0]->port('HTTP'), "/v1/auth/addresses/$wallet->{address}",
             host => 'localhost', method => 'DELETE');

    ok(wait_for(sub {
        3 == grep { with_key($_, '/eth', $key)->{status} == 403 } @gw;
    }), 'is nowhere good');
};

$_->expect(qr/exited on signal 9/) for @gw;
$_->stop() for @gw;
done_testing();


sub gateway {
    my ($n) = @_;

    my $gw = Wgw->new(<<"EOF");
worker_processes 2;
wgw_fleet redis://127.0.0.1:$proxies[$n]{port} node=n$n nodes=3;
wgw_auth_zone file=tokens keys=2000 fleet;

events { worker_connections 512; }

http {
    access_log off;
    wgw_auth_rate off;
    wgw_auth_wallet_rate off;
    wgw_auth_wallet_keys off;
    wgw_auth_secret secret;
    wgw_auth_allow any;

    server {
        listen 127.0.0.1:%%HTTP%% reuseport;
        server_name gw.test;

        location = /auth { wgw_auth_signin; wgw_auth_uses 60; }
        location = /once { wgw_auth_signin; wgw_auth_uses 1; }
        location /eth { wgw_auth eth; empty_gif; }
        location /v1/auth { wgw_auth_api; }
    }
}
EOF

    spew($gw->dir() . '/secret', 'z' x 32);
    chmod 0600, $gw->dir() . '/secret';

    return $gw;
}


# A key. Messages are not taken that were signed before a machine knew Redis, or
# Redis lost its data.

sub given {
    my ($gw, $path) = @_;

    my $reply;

    wait_for(sub {
        $reply = signin($gw, $wallet, $path);
        sleep 0.3 if $reply->{status} != 200;
        return $reply->{status} == 200;
    });

    return key_of($reply);
}


# How often it is still good, at any: until all say that it is used up.

sub drain {
    my ($key) = @_;

    my $used = 0;
    my $end = time + 60;

    while (time < $end) {
        my @status = map { with_key($_, '/eth', $key)->{status} } @gw;

        $used += grep { $_ == 200 } @status;
        last if 3 == grep { $_ == 403 } @status;

        sleep 0.2 if !grep { $_ == 200 } @status;
    }

    return $used;
}


# A client at each machine.

sub clients {
    my ($key) = @_;

    my @clients;

    for my $gw (@gw) {
        defined(my $pid = open my $pipe, '-|') or die "fork: $!";

        if (!$pid) {
            my $stop = 0;

            $SIG{TERM} = sub { $stop = 1 };
            $| = 1;

            until ($stop) {
                my $status = with_key($gw, '/eth', $key)->{status};

                print "used\n" if $status == 200;
                sleep($status == 200 ? 0.05 : 0.2);
            }

            POSIX::_exit(0);
        }

        push @clients, [ $pid, $pipe ];
    }

    return @clients;
}


sub ended {
    my $used = 0;

    for (@_) {
        my ($pid, $pipe) = @$_;

        kill 'TERM', $pid;
        $used += () = <$pipe>;
        close $pipe;
    }

    return $used;
}


sub load {
    my ($key, $seconds) = @_;

    my @clients = clients($key);

    sleep $seconds;

    return ended(@clients);
}
