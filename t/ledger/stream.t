#!/usr/bin/perl

# From gateways through a Redis to PostgreSQL: what clients counted, whatever
# is killed, lost or deleted.

use warnings;
use strict;

use lib 't/lib';

use Digest::SHA 'sha256_hex';
use File::Copy 'copy';
use File::Temp 'tempdir';
use Test::More;

use Wgw;
use Wgw::Journal;
use Wgw::Ledger;
use Wgw::Postgres 'postgres';
use Wgw::Redis 'redis';


my $db = postgres() or plan skip_all => 'no PostgreSQL here';
my $redis = redis();
my $ledger = Wgw::Ledger->new($db, '--redis',
                              'redis://127.0.0.1:' . $redis->port(),
                              '--gap-wait', 20);


# ---- entries of the test's own

my $dir = tempdir('wgw-stream-XXXXXX', DIR => '/tmp', CLEANUP => 1);


sub put {
    my ($node, $bytes) = @_;

    open my $cli, '|-', "redis-cli -p " . $redis->port()
        . " -x XADD 'wgw:acc:{$node}' '*' d > /dev/null" or die;
    binmode $cli;
    print $cli $bytes;
    close $cli or die;
}


subtest 'entries' => sub {
    my $j = Wgw::Journal->new("$dir/s1", 's1');

    $redis->cli('SADD', 'wgw:acc', 's1');
    put('s1', $j->add({ key => 'x', sent => 10 }));
    put('s1', $j->add({ key => 'x', sent => 30 }));
    put('s1', $j->{records}[1]);

    $ledger->run('--once');
    is($ledger->sum('x'), 30, 'egress 130: a record twice counts once');
    like($redis->cli('HGET', 'wgw:ledger:{s1}', 'ack'),
         qr/^$j->{epoch} 2 [0-9a-f]{64}$/, 'and is acknowledged');
    $ledger->run('seen');

    put('s1', 'nonsense');
    put('s1', $j->add({ key => 'x', sent => 31 }));
    is($ledger->run('--once'), 4, 'what is no record');
    like($ledger->{out}, qr/s1: damage/, 'is told');
    is($ledger->sum('x'), 31, 'and what follows is applied');
    $ledger->run('seen');

    # the ids of a stream that was deleted may be smaller
    my $pid = $ledger->start();
    put('s1', $j->add({ key => 'x', sent => 40 }));
    ok(wait_for(sub { $ledger->sum('x') == 40 }), 'it follows');
    $redis->cli('DEL', 'wgw:acc:{s1}');
    system("redis-cli -p " . $redis->port() . " -x XADD 'wgw:acc:{s1}' 5-1 d"
           . " < " . file($j->add({ key => 'x', sent => 50 }))
           . " > /dev/null");
    ok(wait_for(sub { $ledger->sum('x') == 50 }), 'egress 132: deleted');

    # record 6 is not there
    $j->add({ key => 'x', sent => 60 });
    put('s1', $j->add({ key => 'x', sent => 70 }));
    ok(wait_for(sub { $redis->cli('HGET', 'wgw:ledger:{s1}', 'want')
                      =~ /^$j->{epoch} 6$/ }),
       'egress 135: what is missing is asked for');
    is($ledger->sum('x'), 50, 'and waited for');
    put('s1', $j->{records}[5]);
    put('s1', $j->{records}[6]);
    ok(wait_for(sub { $ledger->sum('x') == 70 }), 'until it comes');
    is($ledger->events(), 'damage', 'which is no alarm');

    kill 'TERM', $pid;
    waitpid $pid, 0;
    is($? >> 8, 0, 'it ends when told to');

    # and what does not come is told
    $j->add({ key => 'x', sent => 80 });
    put('s1', $j->add({ key => 'x', sent => 90 }));
    is($ledger->run('--once', '--gap-wait', 1), 4, 'or does not');
    is($ledger->sum('x'), 90, 'no byte is lost');
    like($ledger->{out}, qr/s1: gap: records 8 to 8 /, 'it is told');
    $ledger->run('seen');
};


sub file {
    my ($bytes) = @_;

    open my $file, '>:raw', "$dir/bytes" or die;
    print $file $bytes;
    close $file;

    return "$dir/bytes";
}


# ---- a gateway

my $gw = Wgw->new(sprintf <<'EOC', $redis->port());
worker_processes  2;

wgw_meter_zone  names  file=names  keys=1000;
wgw_journal     journal  every=1s;
wgw_fleet       redis://127.0.0.1:%d  node=gw1;

events { }

http {
    server {
        listen 127.0.0.1:%%%%HTTP%%%%;
        wgw_meter  names  $arg_k;
        return 200 "$arg_k says hello\n";
    }
}
EOC

$gw->expect(qr/exited on signal 9/);

my $port = $gw->port('HTTP');
my (%sent, $daemon);


sub get {
    my ($key, $n) = @_;

    for (1 .. $n // 1) {
        $sent{$key} += http_get($port, "/?k=$key")->{received};
    }
}


sub settled {
    my ($what) = @_;

    ok(wait_for(sub {
        !grep { $ledger->sum($_) != $sent{$_} } keys %sent;
    }, 30), $what) or diag map { "$_: $sent{$_}, " . $ledger->sum($_) . "\n" }
                           sort keys %sent;
}


$gw->start();
$daemon = $ledger->start();


subtest 'a gateway' => sub {
    get('a', 5);
    get('b', 2);
    settled('what clients counted is in the database');
    is($db->sql("SELECT name FROM wgw.node WHERE name LIKE 'gw%'"), 'gw1',
       'of the node');
};


subtest 'a stream that is deleted' => sub {
    $redis->cli('DEL', 'wgw:acc:{gw1}');
    get('a', 3);
    settled('egress 132: goes on');

    kill 'STOP', $daemon;
    get('a', 3);
    sleep 2;
    $redis->cli('DEL', 'wgw:acc:{gw1}');
    get('a', 1);
    sleep 2;
    kill 'CONT', $daemon;
    settled('egress 132: records that were never read come again');
    unlike($ledger->events(), qr/gap.*gap/, 'without an alarm');
};


subtest 'a Redis that is away' => sub {
    $redis->stop();
    get('a', 4);
    sleep 2;
    $redis->start();
    settled('started empty');

    $redis->signal('STOP');
    get('b', 4);
    sleep 1;
    $redis->signal('CONT');
    settled('stopped for a while');

    $redis->cli('FLUSHALL');
    get('a');
    settled('emptied');
};


subtest 'a Redis that refuses' => sub {
    $redis->cli(qw(ACL SETUSER default -sadd));
    get('a', 2);
    ok(wait_for(sub { $gw->log() =~ /\[error\] .*does not reach the ledger, /
                      && $gw->log() =~ / trying again: Redis: NOPERM / }),
       'is said');

    $redis->cli(qw(ACL SETUSER default +sadd));
    get('a', 1);
    settled('and nothing is lost');
    ok(wait_for(sub { $gw->log() =~ /" reaches the ledger again/ }),
       'it is right again');
    is(scalar(() = $gw->log() =~ /does not reach the ledger/g), 1, 'once');
};


subtest 'the rights that docs/fleet.md names' => sub {
    my ($rights) = slurp('docs/fleet.md')
                   =~ /^    user wgw on >\.\.\. (.*?)\n\n/ms;
    my $strict = redis(user => 'wgw on >secret ' . $rights =~ s/\s+/ /gr,
                       requirepass => 'other');
    my $at = $strict->port();
    my $other = Wgw->new(slurp($gw->dir() . '/nginx.conf')
                         =~ s/^.*?(?=worker_processes)//sr
                         =~ s{127\.0\.0\.1:\d+  node=gw1}
                             {127.0.0.1:$at user=wgw password_file=password node=strict}r
                         =~ s/listen \S+;/listen 127.0.0.1:%%HTTP%%;/r);

    $strict->{cli} = [ qw(-a other --no-auth-warning) ];
    spew($other->dir() . '/password', "secret\n");
    $other->start();
    http_get($other->port('HTTP'), '/?k=s');

    ok(wait_for(sub { $strict->cli('XLEN', 'wgw:acc:{strict}') =~ /^[1-9]/ }),
       'are enough for a journal') or diag($other->log());
    is($strict->cli('SMEMBERS', 'wgw:acc'), 'strict', 'of a node');
    $other->stop();
};


subtest 'replies that are lost' => sub {
    my $proxy = Wgw::Redis::proxy($redis->port());
    my $other = Wgw->new(slurp($gw->dir() . '/nginx.conf')
                         =~ s/^.*?(?=worker_processes)//sr
                         =~ s/127\.0\.0\.1:\d+  node=gw1/127.0.0.1:$proxy->{port}  node=lost/r
                         =~ s/listen \S+;/listen 127.0.0.1:%%HTTP%%;/r);

    $other->start();

    for my $n (1 .. 3) {
        $sent{l} += http_get($other->port('HTTP'), '/?k=l')->{received};
        settled("egress 131: $n");

        # what is added now is added, and nobody is told so, nor that it was read
        kill 'STOP', $daemon;
        $proxy->set(loss => 1);
        $sent{l} += http_get($other->port('HTTP'), '/?k=l')->{received};
        sleep 2;
        $proxy->set();
        sleep 2;
        kill 'CONT', $daemon;
    }

    settled('egress 131: counted once');
    $other->stop();
};


subtest 'the ledger is killed' => sub {
    for my $n (1 .. 3) {
        kill 'KILL', $daemon;
        waitpid $daemon, 0;
        get('a', $n);
        $daemon = $ledger->start();
    }

    settled('egress 133: nothing is lost');

    my $other = $ledger->start();
    get('a', 3);
    get('c', 3);
    settled('egress 134: two at once');

    kill 'KILL', $daemon;
    waitpid $daemon, 0;
    get('c', 3);
    settled('the other one takes over');
    $daemon = $other;
};


subtest 'the gateway is killed' => sub {
    for my $n (1 .. 3) {
        get('a', $n);
        $gw->kill();
        $gw->start();
    }

    settled('nothing is lost');
};


subtest 'the database is restored from a backup' => sub {
    system("pg_dump -d '" . $db->info() . "' -n wgw -Fc -f $dir/dump");
    get('a', 3);
    settled('it goes on');

    kill 'KILL', $daemon;
    waitpid $daemon, 0;
    $redis->cli('DEL', 'wgw:acc:{gw1}');
    $db->sql('DROP SCHEMA wgw CASCADE');
    system("pg_restore -d '" . $db->info() . "' $dir/dump");
    $daemon = $ledger->start();
    get('b');
    settled('and asks for what is missing');
};


subtest 'the gateway is restored from an older copy' => sub {
    my $top = $gw->dir();

    settled('before');
    $gw->kill();
    mkdir "$top/copy";
    system("cp -a $top/names $top/journal $top/copy") == 0 or die;
    $gw->start();

    get('a', 5);
    settled('it goes on');
    $gw->kill();
    system("rm -rf $top/names $top/journal && mv $top/copy/* $top") == 0
        or die;
    $gw->start();

    ok(wait_for(sub {
        $gw->log() =~ /is older than what the ledger has of it/;
    }), 'it sees that the ledger is ahead');
    sleep 2;

    get('a', 4);
    get('d', 2);
    settled('and counts from there: nothing is lost, nothing twice');
    like($ledger->events(), qr/epoch/, 'it is told');
};


kill 'TERM', $daemon;
waitpid $daemon, 0;
is($? >> 8, 0, 'wgw-ledger ends when told to');

$gw->stop();

done_testing();
