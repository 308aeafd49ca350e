#!/usr/bin/perl

# RMB, as rmb-peer speaks it over a real Redis: cases 29 to 36 of tf.md, every
# command, and restarts of either side.

use warnings;
use strict;

use lib 't/lib';

use MIME::Base64 qw(encode_base64 decode_base64);
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Rmb;

my $grid = Wgw::Rmb->new();

$grid->name_contract($_) for qw(mysite second);
$grid->start();

my $version = $grid->call('zos.system.version');

ok($version, 'it answers');


subtest 'commands' => sub {
    my %answers = (
        'zos.network.public_config_get' => {
            type => '', ipv4 => '203.0.113.10/32', gw4 => '', gw6 => '',
            ipv6 => '2001:db8:ffff::10/128', domain => 'gw.test'
        },
        'zos.network.interfaces' => {
            zos => [ qw(203.0.113.10 203.0.113.11 2001:db8:ffff::10) ],
            ygg => [ ]
        },
        'zos.network.has_ipv6' => JSON::PP::true,
        'zos.network.list_public_ips' => [ ],
        'zos.network.list_wg_ports' => [ ],
        'zos.network.list_private_ips' => [ ],
        'zos.storage.pools' => [ ],
        'zos.gpu.list' => [ ],
        'zos.system.node_features_get' => [ qw(gateway-name-proxy
                                               gateway-fqdn-proxy) ],
        'zos.deployment.list' => [ ],
    );

    for my $cmd (sort keys %answers) {
        is_deeply($grid->call($cmd)->{dat}, $answers{$cmd}, $cmd);
    }

    like($version->{dat}{zos}, qr/^\d+\.\d+/, 'zos.system.version');

    my $statistics = $grid->call('zos.statistics.get')->{dat};

    is_deeply($statistics->{users}, { deployments => 0, workloads => 0,
                                      last_deployment_timestamp => 0 },
              'zos.statistics.get: nobody');
    is_deeply([ sort keys %$statistics ],
              [ qw(open_connections system total used users) ], 'its members');
    cmp_ok($statistics->{open_connections}, '>', 0, 'and connections');

    for my $cmd (qw(zos.system.dmi zos.perf.get zos.location.get
                    zos.deployment.delete zos.deployment.get
                    zos.deployment.changes wgw.limit.set))
    {
        my $reply = $grid->call($cmd, { contract_id => 7 });

        ok($reply->{err}, "$cmd: " . ($reply->{err} // 'no error'));
        is($reply->{bytes}, 'null', 'and no answer');
        is($reply->{reply}{err}{code}, 255, 'its code');
    }
};


subtest 'bad payloads' => sub {
    my @bad = ('{not json', '', "\xff\xfe\x00", '[]', 'null', '7', '"x"',
               '{"contract_id":"7"}', '{"contract_id":-1}',
               '{"contract_id":1.5}');

    for my $cmd (qw(zos.deployment.deploy zos.deployment.update
                    zos.deployment.get zos.deployment.changes wgw.limit.set))
    {
        for my $bytes (@bad) {
            my $reply = $grid->call($cmd, $bytes);

            ok($reply && $reply->{err},
               sprintf 'tf 29: %s, %s', $cmd, unpack 'H*', $bytes);
        }
    }

    for my $cmd (qw(zos.deployment.get wgw.limit.set wgw.usage.get)) {
        like($grid->call($cmd, '{"contract_id":[' . '0,' x 50000 . '0]}')
                 ->{err}, qr/may have 4096/, "tf 36: $cmd with 100 kB");
    }

    like($grid->call('zos.deployment.get', undef, dat => '!!!')->{err},
         qr/base64/, 'tf 30: no base64');
};


subtest 'junk' => sub {
    my $good = $grid->envelope('zos.deployment.list');

    my @junk = ('', '{}', '[]', 'null', "\xff\x00\xfe", '{"ver":1}', '0' x 9e4,
                '[' x 1e5, '{"a":' x 1e4,
                map { my $e = { %$good, %$_ }; $Wgw::Rmb::Json->encode($e) }
                    { ref => 7 }, { src => 7341 }, { src => 'x' },
                    { exp => 'soon' }, { ret => undef }, { ret => [ ] },
                    { cmd => undef }, { dat => 7 }, { now => 'now' });

    for my $list (qw(zos.deployment.list zos.deployment.deploy
                     zos.system.version))
    {
        $grid->push_request($_, "msgbus.$list") for @junk;
        is($grid->call($list eq 'zos.deployment.deploy'
                       ? 'zos.deployment.delete' : $list) ? 1 : 0, 1,
           "tf 30: after junk in $list");
        ok(wait_for(sub { !$grid->redis('LLEN', "msgbus.$list") }),
           'which is gone');
    }
};


subtest 'envelopes' => sub {
    my $reply = $grid->call('zos.system.version', undef, src => '7341:sess-1',
                            ref => "a \"ref\" of \x{e9}");
    my $r = $reply->{reply};

    is($r->{dst}, '7341:sess-1', 'tf 31: dst is src');
    is($r->{ref}, $reply->{envelope}{ref}, 'tf 31: ref');
    is($r->{shm}, 'application/json', 'tf 31: schema');
    cmp_ok(abs($r->{now} - time), '<', 3, 'tf 31: now');
    is($r->{ver}, 1, 'tf 31: ver');
    is($r->{err}, undef, 'tf 31: no error');
    is(join(' ', sort keys %$r), 'dat dst err now ref shm ver', 'no other');

    $reply = $grid->call('zos.nothing', undef,
                         list => 'msgbus.zos.system.version');
    like($reply->{err}, qr/zos\.nothing is no command/, 'tf 33: unknown');

    is($grid->call('zos.system.version', undef, now => int(time) - 60,
                   seconds => 2), undef, 'tf 33: expired');
    ok($grid->call('zos.system.version', undef, now => 0), 'now of 0');
    ok($grid->call('zos.system.version', undef, now => int(time) + 3600),
       'a clock that is ahead');
};


subtest 'an expired deploy' => sub {
    my $d = Wgw::Rmb::deployment(Wgw::Rmb::name_workload('mysite'));

    $grid->node_contract($d);
    $grid->sign($d);
    is($grid->call('zos.deployment.deploy', $d, now => int(time) - 60,
                   seconds => 2), undef, 'tf 33: no reply');
    like($grid->call('zos.deployment.get',
                     { contract_id => $d->{contract_id} })->{err},
         qr/not found/, 'tf 33: and no work is done');
};


subtest '200 at once' => sub {
    my %refs;
    my $ret = "t.many.$$";

    for my $i (1 .. 200) {
        my $cmd = (qw(zos.system.version zos.deployment.list
                      zos.network.has_ipv6 zos.deployment.delete))[$i % 4];
        my $e = $grid->envelope($cmd, undef, ret => $ret);

        $refs{$e->{ref}} = 0;
        $grid->push_request($e);
    }

    for (1 .. 200) {
        my $popped = $grid->redis('BRPOP', $ret, 10) or last;
        $refs{json($popped->[1])->{ref}}++;
    }

    is(scalar(keys %refs), 200, 'tf 32: each of its own');
    is(scalar(grep { $_ != 1 } values %refs), 0, 'tf 32: each once');
    is($grid->redis('BRPOP', $ret, 1), undef, 'tf 32: no more');
};


subtest 'floods' => sub {
    my $d = Wgw::Rmb::deployment(Wgw::Rmb::name_workload('mysite'));

    $grid->node_contract($d);
    $grid->sign($d);

    my $e = $Wgw::Rmb::Json->encode(
        $grid->envelope('zos.system.version', undef, ret => 't.flood',
                        exp => 600));

    for (1 .. 100) {
        $grid->redis('LPUSH', 'msgbus.zos.system.version', ($e) x 100);
    }

    my $start = time;

    is($grid->call('zos.deployment.deploy', $d)->{err}, undef,
       'tf 35: deployed in a flood');
    soon($start, 20, 'tf 35: within its expiry');
    is($grid->result($d->{contract_id}, 'ok')->{state}, 'ok', 'and ok');
    ok(wait_for(sub { $grid->redis('LLEN', 't.flood') == 10000 }, 120),
       'all of the flood is answered');
    $grid->redis('DEL', 't.flood');

    # of what is answered by the thread that deploys

    my $junk = $Wgw::Rmb::Json->encode(
        $grid->envelope('zos.deployment.deploy', '{', ret => 't.flood'));

    $grid->redis('LPUSH', 'msgbus.zos.deployment.deploy', ($junk) x 100)
        for 1 .. 50;
    $start = time;
    ok($grid->call('zos.deployment.delete')->{err},
       'tf 35: another command of that thread');
    soon($start, 20, 'within its expiry');
    $grid->redis('DEL', 't.flood', 'msgbus.zos.deployment.deploy');
};


subtest 'what is too much' => sub {
    my $memory = memory();
    my $d = Wgw::Rmb::deployment(Wgw::Rmb::name_workload('second'));
    my $start = time;

    like($grid->call('zos.deployment.deploy', 'x' x 5e6)->{err},
         qr/too large/, 'tf 36: 5 MB');

    $d->{workloads}[0]{data}{backends} = [ ('http://192.0.2.1') x 1e5 ];
    like($grid->call('zos.deployment.deploy', $d)->{err}, qr/too large/,
         'tf 36: 100,000 backends');

    $d->{workloads}[0]{data}{backends} = [ ('') x 3e4 ];
    like($grid->call('zos.deployment.deploy', $d)->{err},
         qr/more values than any deployment/, 'tf 36: 30,000 backends');

    $d->{workloads}[0]{data}{backends} = [ ('') x 17 ];
    like($grid->call('zos.deployment.deploy', $d)->{err},
         qr/has 17 items, and may have 16/, 'tf 36: 17 backends');

    like($grid->call('zos.deployment.deploy', '[' x 1000 . ']' x 1000)->{err},
         qr/nested too deeply/, 'tf 36: 1,000 deep');

    like($grid->call('zos.deployment.deploy', '{"a":' . '[' x 65000)->{err},
         qr/nested too deeply/, 'tf 36: 65,000 deep');

    soon($start, 20, 'tf 36: quickly');

    # an element that is no envelope, larger than what is taken

    $grid->redis('LPUSH', 'msgbus.zos.system.version', 'x' x 3e7);
    ok($grid->call('zos.system.version'), 'tf 36: 30 MB of junk');
    cmp_ok(memory() - $memory, '<', 65536,
           'tf 36: memory is bounded') if !$ENV{WGW_BUILD}
                                          || $ENV{WGW_BUILD} !~ /asan/;
};


subtest 'Redis' => sub {
    $grid->redis_stop();

    is($grid->record('mysite')->{state}, 'ok', 'tf 34: Redis is away');
    ok(wait_for(sub { $grid->told() =~ /Redis is away/ }), 'tf 34: told');
    sleep 1;

    $grid->redis_start();
    ok($grid->call('zos.system.version'), 'tf 34: there again');
    ok(scalar(() = $grid->told() =~ /Redis is away/g) < 3, 'told once');

    is($grid->grid_stop(), 0, 'ends');
    $grid->redis_stop();
    $grid->grid_start();
    ok(wait_for(sub { $grid->told() =~ /Redis is away.*Redis is away/s }),
       'tf 34: away at the start');
    $grid->redis_start();
    ok($grid->call('zos.deployment.list')->{dat}[0], 'tf 34: then answers');

    # stopped, not gone; what it then gives to a connection that we have left
    # is lost, and asked for again

    $grid->{server}->signal('STOP');
    sleep 7;
    $grid->{server}->signal('CONT');
    ok(wait_for(sub { $grid->call('zos.system.version', undef,
                                  seconds => 3) }), 'a Redis that hung');
};


subtest 'kills' => sub {
    my $before = $grid->call('zos.deployment.list')->{dat};

    for (1 .. 3) {
        $grid->grid_stop('KILL');
        $grid->grid_start();
        is_deeply($grid->call('zos.deployment.list')->{dat}, $before,
                  'all is there after a kill');
    }
};

$grid->stop();

done_testing();


sub memory {
    return slurp("/proc/$grid->{pid}/status") =~ /VmRSS:\s+(\d+)/ ? $1 : 0;
}
