#!/usr/bin/perl

# The agent and the servers it finds: a password, TLS, a list of hosts, those
# that Sentinels name, and what is said of what is wrong.  Numbers are those of
# the cases.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Bytes qw(certificate);
use Wgw::Fleet;
use Wgw::Redis qw(redis);


subtest 'egress 154: a password' => sub {
    # the rights that docs/fleet.md names
    my $redis = redis(user => 'wgw on >secret ~wgw:* +@hash +@string '
                      . '+@keyspace +@stream +@connection +info '
                      . '+cluster|slots', requirepass => 'other');

    my $gw = node("redis://localhost:" . $redis->port(),
                  'user=wgw password_file=password');

    spew($gw->dir() . '/password', "wrong\n");
    $gw->start();

    ok(wait_for(sub { $gw->log() =~ /user or password is refused, trying/ }),
       'a wrong one is said');
    is(connected($gw), 0, 'nothing is connected');
    is(get($gw), 429, 'a cap of this node alone is not given');

    spew($gw->dir() . '/password', "secret\n");
    $gw->reload();

    ok(wait_for(sub { connected($gw) == 1 }), 'the right one');
    ok(wait_for(sub { get($gw) == 200 }), 'then it is served');
    ok(wait_for(sub { metric($gw, 'grants_total') > 0 }), 'by a lease');
    unlike($gw->log(), qr/secret/, 'it is not logged');

    $gw->expect(qr/user or password is refused/);
    $gw->stop();

    $gw = node("redis://127.0.0.1:" . $redis->port());
    $gw->start();
    ok(wait_for(sub { $gw->log() =~ /a password is required, trying/ }),
       'none');
    $gw->expect(qr/a password is required/);
    $gw->stop();
    $redis->stop();
};


subtest 'a list of hosts: the one that is a master' => sub {
    my $first = redis();
    my $second = redis(replicaof => '127.0.0.1 ' . $first->port());
    my $none = Wgw::free_port();

    my $gw = node("redis://127.0.0.1:$none,127.0.0.1:" . $second->port()
                  . ',127.0.0.1:' . $first->port());
    $gw->start();

    ok(wait_for(sub { connected($gw) == 1 }), 'it is found');
    like($gw->log(), qr/is a replica/, 'behind a replica');

    $second->cli('REPLICAOF', 'NO', 'ONE');
    $first->stop();

    ok(wait_for(sub { connected($gw) == 1 && metric($gw, 'losses_total') > 1 }),
       'the other one, and what it has is not believed for a while');
    ok(wait_for(sub { get($gw) == 200 }), 'it goes on');

    $gw->stop();
    $second->stop();
};


subtest 'egress 152: Sentinels' => sub {
    my $first = redis();
    my $second = redis(replicaof => '127.0.0.1 ' . $first->port());

    my $sentinel = Wgw::Redis::sentinel($first->port());

    my $gw = node('redis://127.0.0.1:' . $sentinel->port(), 'master=shop');
    $gw->start();

    ok(wait_for(sub { connected($gw) == 1 }), 'who they name')
        or diag($gw->log());
    ok(wait_for(sub { get($gw) == 200 }), 'is asked');

    # A Sentinel asks the master for its replicas every ten seconds, and takes
    # none that it has not heard of.
    ok(wait_for(sub {
        my $it = $sentinel->cli(qw(SENTINEL REPLICAS shop));
        $it =~ /flags\s+slave\s/ && $it =~ /master-link-status\s+ok/;
    }, 30), 'they know another');

    $first->stop();

    ok(wait_for(sub { $second->cli('ROLE') =~ /^master/ }, 90),
       'they take another');
    ok(wait_for(sub { connected($gw) == 1 }, 30), 'it is found')
        or diag($gw->log());

    $gw->expect(qr/trying again|connected with/);
    $gw->stop();
    $_->stop() for $sentinel, $second;
};


subtest 'egress 154: TLS' => sub {
    my $gw = node("rediss://127.0.0.1:%%REDIS%%", 'tls_ca=cert.pem '
                  . 'tls_name=localhost');
    my $dir = $gw->dir();

    certificate($dir);

    my $redis = redis(port => 0, 'tls-port' => $gw->port('REDIS'),
                      'tls-cert-file' => "$dir/cert.pem",
                      'tls-key-file' => "$dir/key.pem",
                      'tls-auth-clients' => 'no',
                      at => $gw->port('REDIS'));

    $gw->start();
    ok(wait_for(sub { connected($gw) == 1 }), 'the certificate is good')
        or diag($gw->log());
    ok(wait_for(sub { get($gw) == 200 }), 'and it is asked');
    $gw->stop();

    my $other = node('rediss://127.0.0.1:' . $gw->port('REDIS'));
    $other->start();
    ok(wait_for(sub { $other->log() =~ /TLS handshake failed, trying again/ }),
       'the system does not know it') or diag($other->log());
    is(connected($other), 0, 'nothing is connected');
    $other->expect(qr/TLS handshake failed|certificate verify/);
    $other->stop();
    $redis->stop();
};


subtest 'noeviction is demanded' => sub {
    my $redis = redis(maxmemory => '100mb',
                      'maxmemory-policy' => 'allkeys-lru');
    my $gw = node('redis://127.0.0.1:' . $redis->port());

    $gw->start();
    ok(wait_for(sub { $gw->log() =~ /has not "maxmemory-policy noeviction"/ }),
       'it is said');
    $gw->expect(qr/noeviction/);
    $gw->stop();
    $redis->stop();
};


subtest 'the agent is killed, and is back' => sub {
    my $redis = redis();
    my $gw = node('redis://127.0.0.1:' . $redis->port());

    $gw->start();
    ok(wait_for(sub { connected($gw) == 1 }), 'connected');

    my ($agent) = grep { slurp("/proc/$_/cmdline") =~ /cache manager/ }
                       children($gw->pid());
    ok($agent, 'it is the helper process');

    kill 'KILL', $agent;
    ok(wait_for(sub {
        my ($new) = grep { slurp("/proc/$_/cmdline") =~ /cache manager/ }
                         children($gw->pid());
        return $new && $new != $agent;
    }), 'another one');

    sleep 1.6;
    ok(wait_for(sub { metric($gw, 'silent_milliseconds') < 1000 }),
       'which asks');
    ok(wait_for(sub { get($gw) == 200 }), 'it grants');

    $gw->expect(qr/exited on signal 9/);
    $gw->stop();
    $redis->stop();
};


subtest 'master_process off: the only process is the agent' => sub {
    my $redis = redis();
    my $gw = node("redis://127.0.0.1:" . $redis->port());
    my $conf = $gw->conf() =~ s/^worker_processes 2;/master_process off;/r;

    $gw->configure("wgw_journal journal node=n0 every=1s;\n"
                   . "wgw_auth_zone file=tokens keys=100 fleet;\n$conf");

    my $pid = fork // die;

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        $gw->exec_nginx('-g', 'daemon off;');
    }

    ok(wait_for(sub { (eval { connected($gw) } // 0) == 1 }),
       'it is connected') or diag($gw->log());
    ok(wait_for(sub { get($gw) == 200 }), 'it grants');
    ok(wait_for(sub { -s (glob $gw->dir() . '/journal/*')[0] }),
       'it keeps the books');

    kill 'QUIT', $pid;
    waitpid $pid, 0;
    is($?, 0, 'it ends');
    $redis->stop();
};

done_testing();


sub node {
    my ($fleet, $more) = @_;

    return Wgw::Fleet::node({ cap => 1_000_000, mode => 'closed',
                              more => $more }, 0, $fleet, 4);
}


sub metric {
    my ($gw, $name) = @_;

    my $text = http_get($gw->port('ADMIN'), '/metrics')->{body};

    return $text =~ /^wgw_fleet_$name\{zone="keys"\} (\d+)$/m ? $1 : 0;
}


sub connected {
    my ($gw) = @_;

    return metric($gw, 'silent_milliseconds') < 1400
           ? metric($gw, 'connected') : 0;
}


sub get {
    my ($gw) = @_;

    return http_get($gw->port('HTTP'), '/?k=shop')->{status};
}
