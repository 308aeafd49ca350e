#!/usr/bin/perl

# wgw-grid's start: who it is on the chain and what is missing, with its cure;
# what is refused; where the secret is not.  Cases 67 to 70 of tf.md.

use warnings;
use strict;

use lib 't/lib';

use IO::Socket::INET;
use POSIX ();
use Test::More;

use Wgw;
use Wgw::Chain;
use Wgw::Grid;


my $chain = Wgw::Chain->new(spare => 1);
my @nobody = ('--redis', 'redis://127.0.0.1:' . free_port(),
              '--admin', 'http://127.0.0.1:' . free_port());

$chain->twin(11, $Wgw::Grid::Sr25519);
$chain->twin(12, $Wgw::Grid::Ed25519);
$chain->farm(5, 11);
$chain->farm(6, 12);
$chain->farm(7, 4711);
$chain->node(21, 5, 11, domain => 'gw.test', ip4 => '203.0.113.10/24',
             ip6 => '2001:db8::1/64');


sub grid {
    my ($farm, @more) = @_;

    my $grid = Wgw::Grid->new('--farm', $farm, '--chain', $chain->url(),
                              @nobody, @more);

    spew($grid->dir() . '/dns', '{"GW.test":["203.0.113.10"]}');
    push @{$grid->{options}}, '--dns-file', $grid->dir() . '/dns';

    return $grid;
}


sub known {
    my ($grid) = @_;

    $grid->started();

    return $grid->status();
}


subtest 'farm and mnemonic are enough' => sub {
    my $grid = grid(5);
    my $s = known($grid);

    is($s->{account}, '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV',
       'tf 67: the address is shown');
    is_deeply([@$s{qw(kind farm_id twin_id node_id domain)}],
              ['sr25519', 5, 11, 21, 'gw.test'], 'with twin, node and domain');
    is_deeply($s->{addresses}, ['203.0.113.10', '2001:db8::1'],
              'and addresses');
    is($s->{balance}, 10_000_000_000, 'and what it has');
    like($grid->told(), qr/account 5Dfh\w+ \(sr25519\), twin 11, farm 5, node 21, domain gw\.test, addresses 203\.0\.113\.10, 2001:db8::1$/m,
         'and told');

    my %missing = map { $_->{topic} => $_ } @{$s->{missing}};

    like($missing{'dns-names'}{cure}, qr/the DNS record  \*\.gw\.test\. A 203\.0\.113\.10/,
         'a record that is missing is told');
    like($missing{gateway}{what}, qr/does not answer/, 'as is the gateway');
    ok(!$missing{dns}, 'what is there is not');

    spew($grid->dir() . '/dns', '{"GW.test":["203.0.113.10"],'
         . '"wgw-grid.gw.test":["2001:db8::1"]}');
    is($grid->stop(), 0, 'it ends when it is told to');
    $s = known($grid);
    ok(!(grep { $_->{topic} eq 'dns-names' } @{$s->{missing}}),
       'a record that was made is seen');
    $grid->stop();
};


subtest 'the kind of the account' => sub {
    is(known(my $grid = grid(6))->{kind}, 'ed25519',
       'tf 68: is that of the farm');
    is($grid->status()->{account},
       '5DFJF7tY4bpbpcKPJcBTQaKuCDEPCpiz8TRjpmLeTtweqmXL', 'its address');
    $grid->stop();

    my ($code, $said) = grid(6, '--key', 'sr25519')->run();
    is($code, 1, 'unless another one was said');
    like($said, qr/farm 6 belongs to twin 12, which is not of this mnemonic: its account is 5Dfh\w+ \(sr25519\)$/m,
         'which is told');

    $grid = grid(5);
    $grid->words("  0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e\n"
                 =~ s/^ +//r);
    is(known($grid)->{twin_id}, 11, 'tf 68: a seed does as well');
    $grid->stop();
};


subtest 'what is refused' => sub {
    my ($code, $said) = grid(7)->run();

    is($code, 1, 'tf 67: the farm of another twin');
    like($said, qr/farm 7 belongs to twin 4711, which is not of this mnemonic: its account is 5Dfh\w+ \(sr25519\) or 5DFJ\w+ \(ed25519\)/,
         'tf 67: is told with the accounts');

    like((grid(8)->run())[1], qr/there is no farm 8 on this network/,
         'tf 67: a farm that is not there');

    for (['abandon ' x 12, qr/has a checksum that does not fit/],
         ['abandon ' x 11, qr/has another number of words than 12, 15/],
         [$Wgw::Grid::Words =~ s/lake/lakes/r, qr/has a word that is not in/],
         ['', qr/is empty: 12 to 24 words/], ['0x12', qr/is no seed: 0x and 64/])
    {
        my ($words, $expected) = @$_;
        my $grid = grid(5);

        $grid->words($words);
        my ($code, $said) = $grid->run();

        is($code, 1, 'tf 67: no phrase');
        like($said, qr/^wgw-grid: the mnemonic of \S+ $expected/m,
             'tf 67: and why');
        unlike($said, qr/abandon|lake|bottom/, 'tf 67: without a word of it');
    }

    my $grid = grid(5);
    chmod 0640, $grid->dir() . '/words';
    like(($grid->run())[1], qr/may be read by others: chmod 600 \S+words/,
         'a file that others read');

    unlink $grid->dir() . '/words';
    like(($grid->run())[1], qr/words: No such file/, 'or that is not there');
};


subtest 'the command line' => sub {
    for ([[], qr/--farm is missing/], [['--farm', 5], qr/--mnemonic-file is mis/],
         [['--farm', 'x', '--mnemonic-file', 'y'], qr/--farm "x" is no number/],
         [['--farm'], qr/--farm needs a value, ID/],
         [['--moon'], qr/unknown option --moon/],
         [['status', '--json=1'], qr/--json takes no value/],
         [['dance'], qr/command "dance" is none of status, bills/],
         [['status', '--network', 'x'], qr/--network "x" is none of main, test/],
         [['status', '--address', 'x'], qr/--address "x" is no IP address/],
         [['status', '--domain', '-..'], qr/--domain "-\.\." has/],
         [['status', '--chain', 'ftp://x'], qr/--chain "ftp:\/\/x" is neither/],
         [['bills', '--price', '1.2345'], qr/--price "1\.2345" is no number/],
         [['bills', '--month', '2026-13', '--state', '/nowhere'],
          qr/--month "2026-13" is no month/])
    {
        my ($code, $said) = Wgw::Grid::run_program(@{$_->[0]});

        is($code, 2, "@{$_->[0]}");
        like($said, $_->[1], 'and why');
    }

    like((Wgw::Grid::run_program('--help'))[1], qr/--farm ID/, 'help');
    like((Wgw::Grid::run_program('--version'))[1], qr/^wgw-grid \d/,
         'its version');
};


subtest 'where the secret is not' => sub {
    my $grid = grid(5);

    known($grid);

    my $pid = $grid->{pid};
    my ($secret) = 'fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e';
    my $status = slurp("/proc/$pid/status");

    unlike(slurp("/proc/$pid/cmdline") . slurp("/proc/$pid/environ"),
           qr/bottom|drive|obey/, 'tf 67: not in ps');
    like(slurp("/proc/$pid/limits"), qr/Max core file size\s+0\s+0/,
         'in no core');
    is((stat "/proc/$pid/mem")[4], 0, 'nor does its user read its memory')
        if $> == 0;

    $grid->stop();

    my $all = join '', map { slurp($_) } glob($grid->dir() . '/state/*'),
        $grid->dir() . '/told';

    unlike($all, qr/bottom|$secret/, 'tf 67: nor in the log or the state');
    ok(index($all, pack 'H*', $secret) < 0, 'as bytes');
};


subtest 'as the unit runs it' => sub {
    plan skip_all => 'no setpriv here, or not root'
        if $> != 0 || system('setpriv --version > /dev/null 2>&1') != 0;

    my $grid = grid(5);
    my $program = $Wgw::Grid::Program;

    spew($grid->dir() . '/unit', "#!/bin/sh\numask 077\nexec setpriv "
         . '--bounding-set=-all --inh-caps=-all --no-new-privs '
         . "$program \"\$@\"\n");
    chmod 0755, $grid->dir() . '/unit';

    {
        local $Wgw::Grid::Program = $grid->dir() . '/unit';
        is(known($grid)->{twin_id}, 11, 'root without its capabilities will do');
    }

    my $status = slurp("/proc/$grid->{pid}/status");

    like($status, qr/^CapEff:\s+0+$/m, 'indeed');
    unlike($status, qr/^VmLck:\s+0 kB$/m, 'the secret is in locked memory')
        if ($ENV{WGW_BUILD} // '') !~ /asan/;       # which locks none
    is((stat $grid->dir() . '/state/grid.db')[2] & 077, 0,
       'and nobody else reads the state');
    $grid->stop();

    SKIP: {
        skip 'no systemd-analyze here', 1
            if system('systemd-analyze --version > /dev/null 2>&1') != 0;

        my $unit = slurp('debian/wgw-grid.service');

        # which is not installed here
        $unit =~ s{/usr/bin/wgw-grid}{/bin/true};
        spew($grid->dir() . '/wgw-grid.service', $unit);
        unlike(`systemd-analyze verify --man=no $grid->{dir}/wgw-grid.service 2>&1`,
               qr/wgw-grid/, 'systemd takes the unit as it is');
    }
};


subtest 'without a chain' => sub {
    my $grid = grid(5);

    known($grid);
    $grid->kill();
    $chain->stop();

    my $s = known($grid);
    is_deeply([@$s{qw(twin_id node_id domain)}], [11, 21, 'gw.test'],
              'tf 69: it is what it was');
    ok((grep { $_->{topic} eq 'chain' } @{$s->{missing}}),
       'and says that the chain is away');
    $grid->stop();

    $s = known(my $new = grid(5));
    is($s->{account}, '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV',
       'tf 69: the first start, too, shows the address');
    is($s->{twin_id}, 0, 'and knows no twin');
    $new->stop();

    $chain->start();
    is(known($new)->{twin_id}, 11, 'until the chain is there');
    $new->stop();
};


subtest 'a chain that says strange things' => sub {
    for my $junk ('', 'x', '{}', '[]', '{"result":null}', '{"result":7}',
                  '{"result":"0x"}', '{"result":"0xzz"}', '[' x 5000,
                  '{"result":{"specVersion":1}}', '{"error":{"code":"x"}}')
    {
        $chain->set(junk => $junk);

        my $s = known(my $grid = grid(5));

        ok((grep { $_->{topic} eq 'chain' } @{$s->{missing}}),
           'is as one that is away: ' . substr $junk, 0, 30);
        is($grid->stop(), 0, 'and ends nothing');
    }

    $chain->set(junk => undef);

    # one that does not answer is passed over
    my $grid = Wgw::Grid->new('--farm', 5, @nobody, '--chain',
                              'http://127.0.0.1:' . free_port(),
                              '--chain', $chain->url());
    is(known($grid)->{twin_id}, 11, 'another one is asked');
    $grid->stop();
};


subtest 'one of several nodes that lies' => sub {
    my $bad = Wgw::Chain->new();

    for my $lie (
        { junk => 'x' }, { junk => '{"result":7}' }, { junk => '{}' },
        { junk => '{"result":"0xzz"}' }, { junk => '{"result":[7]}' },
        { junk => '{"error":{"code":-32005,"message":"too many requests"}}' },
        { junk => '{"result":"0x' . '0' x 200_000 . '"}' },
        { lies => '0x00' }, { lies => '0x' . 'ff' x 5000 }, { lies => '0x' },
    ) {
        $bad->set(junk => undef, lies => undef, %$lie);

        my $grid = Wgw::Grid->new('--farm', 5, @nobody, '--chain', $bad->url(),
                                  '--chain', $chain->url());
        my $s = known($grid);
        my ($what) = map { substr "$_ $lie->{$_}", 0, 40 } keys %$lie;

        is_deeply([ @$s{qw(twin_id node_id)} ], [ 11, 21 ],
                  "another one is asked: $what");
        is($grid->stop(), 0, 'and it ends');
    }
};


subtest 'one that never ends its answer' => sub {
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8);
    my $pid = fork // die "fork: $!";

    if (!$pid) {
        local $SIG{PIPE} = 'IGNORE';

        while (my $socket = $listen->accept()) {
            syswrite $socket, "HTTP/1.1 200 OK\r\n\r\n{\"result\":\"0x";

            for (1 .. 200) {
                syswrite $socket, '0' x 1_000_000 or last;
            }
        }

        POSIX::_exit(0);
    }

    my $grid = Wgw::Grid->new('--farm', 5, @nobody, '--chain',
        'http://127.0.0.1:' . $listen->sockport(), '--chain', $chain->url());

    is(known($grid)->{twin_id}, 11, 'is cut, and another one is asked');

    my ($peak) = slurp("/proc/$grid->{pid}/status") =~ /VmHWM:\s+(\d+)/;

    # memcheck has a shadow of it all
    my $most = ($ENV{WGW_BUILD} // '') =~ /valgrind/ ? 600_000 : 200_000;

    cmp_ok($peak, '<', $most, 'with memory that is bounded: kB');
    is($grid->stop(), 0, 'and it ends');
    kill_all($pid);
};


subtest 'the state' => sub {
    my $grid = grid(5);

    known($grid);

    my ($code, $said) = $grid->run();
    like($said, qr/another wgw-grid works in/, 'one daemon at a time');

    $grid->stop();
    $grid->sql("update steps set done = 99 where noun = 'hours'");
    like(($grid->run())[1], qr/was written by a newer wgw-grid/,
         'tf 70: a newer state is refused');

    my $db = $grid->dir() . '/state/grid.db';
    unlink glob("$db-*");
    my $bytes = slurp($db);
    spew($db, substr($bytes, 0, length($bytes) / 2));
    like(($grid->run())[1], qr/grid\.db is damaged|malformed/,
         'tf 70: as is half of one');

    spew($db, substr($bytes, 0, 4096) . 'x' x (length($bytes) - 4096));
    like(($grid->run())[1], qr/grid\.db is damaged|malformed/, 'and junk');

    spew($db, 'x' x 8192);
    like(($grid->run())[1], qr/not a database|damaged/, 'and what is none');
};

done_testing();
