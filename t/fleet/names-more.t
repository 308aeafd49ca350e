#!/usr/bin/perl

# 18.5: names over machines: many at once, a cluster of three, records that
# cannot be here, and a Redis that somebody else writes to.

use warnings;
use strict;

use IO::Select;
use IO::Socket::IP;
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Names qw(alike at bulk change everywhere gateway get line metric names
                  on served told);
use Wgw::Redis qw(cluster move_slot redis);


# the user that docs/fleet.md has
my ($user) = slurp('docs/fleet.md') =~ /^    (user wgw on .*\n(?:     .*\n)*)/m;
$user =~ s/\s+/ /g;
$user =~ s/>\S+/>secret/;
$user =~ s/^user wgw //;

my $redis = redis('maxmemory-policy' => 'noeviction', user => "wgw $user");
my @gw = map { one_of("gw$_") } 1 .. 3;
my ($one, $two, $three) = @gw;

$_->start() for @gw;

ok(change($one, PUT => 'first', on(1)) == 201
   && everywhere(\@gw, 'first', at(1)), 'by the user that docs have');


subtest 'many at once' => sub {
    my $reply = bulk($one, join '', map { line($_, $_ % 200) } 1 .. 5000);

    is($reply->{status}, 200, 'they are taken');
    ok(wait_for(sub { served($three, 'n5000') ne '404'
                      && told(\@gw, 0.01) }, 30), 'all know them');
    ok(alike(\@gw), 'and have the same');

    $reply = bulk($two, join('', map { line($_, $_ % 200 + ($_ < 500)) }
                                 100 .. 2500), '?replace=true');

    is(json($reply->{body})->{deleted}, 2600, 'the set is replaced');
    ok(wait_for(sub { served($one, 'n5000') eq '404'
                      && told(\@gw, 0.01) }, 30), 'all know');
    ok(alike(\@gw), 'and have the same');
    is(served($three, 'n300'), at(101), 'what was changed');
    is($redis->cli('HLEN', 'wgw:{names}:rows') - 2, 2401, 'so has Redis');

    # what is told again is not read by who comes too late: nobody loses a name
    $redis->cli('FLUSHALL');
    ok(wait_for(sub {
        $redis->cli('XTRIM', 'wgw:{names}:log', 'MAXLEN', 0);
        $redis->cli('HLEN', 'wgw:{names}:rows') == 2403
    }, 30), 'which is told again, when it has lost it');
    ok(told(\@gw), 'and all know');
    ok(alike(\@gw), 'and have the same');
    is(1 + names($one) =~ tr/\n//, 2401, 'all of it');
};


subtest 'a new machine gets all' => sub {
    my $new = one_of('gw4');

    # with a name of its own, and one that is others', too
    $new->configure($new->conf() =~ s/ follow / /r);
    $new->start();
    change($new, PUT => 'own', on(3));
    change($new, PUT => 'n200', on(4));
    $new->stop();

    $new->configure($new->conf() =~ s/(domain=gw.test)/$1 follow/r);
    $new->start();

    ok(wait_for(sub { alike([ $one, $new ], 0.01) }, 60), 'it has them');
    ok(everywhere([ @gw, $new ], 'own', at(3)), 'all have its own');
    is(served($new, 'n200'), at(1), 'and it theirs');

    $new->stop();
};


subtest 'an empty set is a set' => sub {
    is(bulk($one, "\n", '?replace=true')->{status}, 200, 'of none');
    ok(wait_for(sub { names($three) eq '' && told(\@gw, 0.01) }, 60),
       'all have none');
    is($redis->cli('HLEN', 'wgw:{names}:rows') - 2, 0, 'so has Redis');
};


subtest 'a reload' => sub {
    for my $i (1 .. 5) {
        $one->reload() if $i % 2;
        is(change($one, PUT => "reload$i", on($i)), 201, 'put');
        ok(everywhere(\@gw, "reload$i", at($i)), 'served by all');
    }
};


subtest 'connections of a name that is deleted' => sub {
    my $slow = one_of('gw5', 'allow_loopback');

    $slow->configure($slow->conf()
                     =~ s/return 200 [^;]*;/proxy_pass http:\/\/b;/r
                     =~ s/(http \{)/$1 upstream b { wgw_backend; }/r);

    my $backend = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 5)
        or die;

    $slow->start();
    is(change($slow, PUT => 'slow', { backends =>
       [ 'http://127.0.0.1:' . $backend->sockport() ] }), 201, 'a name');

    my $client = connect_to($slow->port('HTTP'));
    syswrite $client, "GET / HTTP/1.1\r\nHost: slow.gw.test\r\n\r\n";
    ok($backend->accept(), 'a request waits for its backend');

    # where it cannot be, since its backend is loopback
    ok(wait_for(sub { $two->log() =~ /record of "slow.gw.test" is refused/ }),
       'another machine refuses it');
    is(served($two, 'slow'), 404, 'and does not serve it');
    ok(wait_for(sub { metric($two, 'refused_total') >= 1 }),
       'which is counted');

    is(change($two, PUT => 'slow', on(9)), 201, 'it is put there');
    ok(wait_for(sub {
        (get($slow, 'slow')->{backends} // [ '' ])->[0] =~ /192/
    }), 'and changed here');
    is(change($two, DELETE => 'slow?close=true'), 204, 'and deleted');

    my $end = time + 20;
    my $read = '';
    my $n = 1;
    my $select = IO::Select->new($client);

    while ($n && time < $end) {
        $n = sysread $client, $read, 4096 if $select->can_read(0.1);
    }

    is($n, 0, 'its connection ends on the other machine');
    $slow->stop();
};


subtest 'a record that is refused, until it is not' => sub {
    my $loop = one_of('gw6', 'allow_loopback');

    $loop->start();

    is(change($loop, PUT => 'loop', on(1)), 201, 'a name');
    ok(everywhere([ @gw, $loop ], 'loop', at(1)), 'served by all');

    my $own = { backends => [ 'http://127.0.0.1:81' ] };
    is(change($loop, PUT => 'loop', $own), 200, 'put on loopback');
    ok(wait_for(sub { $one->log() =~ /record of "loop.gw.test" is refused/ }),
       'refused by another');
    is(served($one, 'loop'), at(1), 'who has what it had');

    $one->configure($one->conf() =~ s/ follow / follow allow_loopback /r);
    $one->reload();

    ok(everywhere([ $one ], 'loop', '127.0.0.1:81'), 'until it can');
    is(change($loop, DELETE => 'loop'), 204, 'deleted');
    ok(everywhere(\@gw, 'loop', 404), 'at all');
    $loop->stop();
};


subtest 'somebody else writes there' => sub {
    my $set = names($one);

    $redis->cli('HSET', 'wgw:{names}:rows', 'bad.gw.test', 'nonsense',
                'Bad Name', '9 9 {}', 'b.gw.test', '99 1 {"backends":[]}',
                'c.gw.test', '99 1 ' . 'x' x 70000);
    my $far = '9007199254740992';
    $redis->cli('XADD', 'wgw:{names}:log', "$far-0", 'x', 'y');
    $redis->cli('HSET', 'wgw:{names}:rows', 'reload1.gw.test',
                "$far 1 {\"backends\":[\"http://192.0.2.99\"]}");
    sleep 0.5;
    $redis->cli('HSET', 'wgw:{names}:rows', '#v', $far);

    ok(wait_for(sub { $one->log() =~ /names have a version of the future/ }),
       'a version of the future is not followed');
    is(names($_), $set, 'names are as they were') for @gw;

    $redis->cli('HSET', 'wgw:{names}:rows', '#v', 'x', '#epoch', 'y');
    sleep 1;
    is(names($_), $set, 'also without a version') for @gw;

    $redis->cli('DEL', 'wgw:{names}:rows', 'wgw:{names}:log',
                'wgw:{names}:gone');
    $redis->cli('SET', 'wgw:{names}:rows', 'a string');
    sleep 1;
    is(names($_), $set, 'nor with another key there') for @gw;
    is(change($one, PUT => 'still', on(8)), 201, 'changes are taken');

    $redis->cli('FLUSHALL');
    ok(everywhere(\@gw, 'still', at(8)), 'and told when it is right');
    is(change($one, PUT => "reload$_", on(50 + $_)), 200, 'so are others')
        for 1 .. 3;
    ok(everywhere(\@gw, "reload$_", at(50 + $_)), 'everywhere') for 1 .. 3;
    ok(alike(\@gw), 'all have the same');
};


$_->stop() for @gw;


subtest 'a cluster of three' => sub {
    my @servers = cluster();

    ok(wait_for(sub {
        3 == grep { $_->cli('CLUSTER', 'INFO') =~ /cluster_state:ok/ } @servers
    }, 20), 'there is a cluster');

    my @two = map { gateway("gw$_", 'redis://127.0.0.1:'
                                    . $servers[$_]->port()) } 1 .. 2;

    $_->start() for @two;

    is(change($two[0], PUT => 'shop', on(1)), 201, 'put at one');
    ok(everywhere(\@two, 'shop', at(1)), 'served by both');
    is(change($two[1], PUT => 'shop', on(2)), 200, 'put at the other');
    ok(everywhere(\@two, 'shop', at(2)), 'served by both');

    # the slot moves while it is used
    my $slot = $servers[0]->cli('CLUSTER', 'KEYSLOT', 'wgw:{names}:rows');
    my ($from) = grep {
        $servers[$_]->cli('CLUSTER', 'COUNTKEYSINSLOT', $slot) > 0 } 0 .. 2;
    my $master = move_slot(\@servers, $slot, $from, sub {
        is(change($two[0], PUT => 'moved', on(3)), 201, 'put meanwhile');
        sleep 0.5;
    });

    ok(everywhere(\@two, 'moved', at(3)), 'served by both');
    ok(alike(\@two), 'they have the same');

    # its master is away for a while
    $master->signal('STOP');
    is(change($two[0], PUT => 'down', on(4)), 201, 'put while it is down');
    sleep 3;
    $master->signal('CONT');
    ok(everywhere(\@two, 'down', at(4)), 'served by both in the end');

    $_->stop() for @two;
};


subtest 'one process' => sub {
    my @two = map { gateway("gw$_", 'redis://127.0.0.1:' . $redis->port()
                                    . ' prefix=one') } 1 .. 2;

    $two[1]->configure("master_process off;\n" . $two[1]->conf()
                       =~ s/worker_processes 2;/worker_processes 1;/r
                       =~ s/ reuseport//gr);

    $two[0]->start();

    is(change($two[0], PUT => 'shop', on(1)), 201, 'put');

    my $pid = fork // die;

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        $two[1]->exec_nginx('-g', 'daemon off;');
    }

    ok(everywhere(\@two, 'shop', at(1)), 'served by one process');
    is(change($two[1], PUT => 'other', on(2)), 201, 'put there');
    ok(everywhere(\@two, 'other', at(2)), 'served by both');

    kill 'KILL', $pid;
    waitpid $pid, 0;
    $two[0]->stop();
};


done_testing();


sub one_of {
    my ($name, @more) = @_;

    my $gw = gateway($name, 'redis://127.0.0.1:' . $redis->port()
                     . ' user=wgw password_file=password', @more);

    spew($gw->dir() . '/password', "secret\n");

    return $gw;
}
