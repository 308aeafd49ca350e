#!/usr/bin/perl

# wgw-ledger: records of journals, each once, in a real PostgreSQL.

use warnings;
use strict;

use lib 't/lib';

use File::Copy 'copy';
use File::Temp 'tempdir';
use Test::More;

use Wgw;
use Wgw::Journal;
use Wgw::Ledger;
use Wgw::Postgres 'postgres';


my $db = postgres() or plan skip_all => 'no PostgreSQL here';
my $ledger = Wgw::Ledger->new($db);
my $dir = tempdir('wgw-ledger-XXXXXX', DIR => '/tmp', CLEANUP => 1);

my $day = 86400;
my $nov = 1_793_491_200;                # 2026-11-01


sub once {
    my ($node, @more) = @_;

    return $ledger->run('--once', '--from-journal', "$dir/$node", @more);
}


sub options { return { row_options => 1, @_ } }


subtest 'the schema' => sub {
    is($ledger->run('migrate'), 0, 'is made');
    is($ledger->run('migrate'), 0, 'and made again');
    is($db->sql('SELECT count(*) FROM wgw.migration'), 1, 'once');
};


subtest 'the first records' => sub {
    my $j = Wgw::Journal->new("$dir/n1", 'n1');

    $j->add({ key => 'a', sent => 0, base => 0 }, options(kind => 4));
    $j->add({ key => 'a', sent => 100, received => 5, requests => 1 });
    $j->add({ key => 'a', sent => 300, received => 6, requests => 3 },
            { key => 'b', sent => 7, labels => "\5owner\5alice" });

    is(once('n1'), 0, 'are applied') or diag $ledger->{err};
    is($ledger->sum('a'), 300, 'what was sent');
    is($ledger->sum('a', column => 'received'), 6, 'received');
    is($ledger->sum('a', column => 'requests'), 3, 'requests');
    is($ledger->sum('b'), 7, 'another key');
    is($db->sql("SELECT labels ->> 'owner' FROM wgw.account "
                . "WHERE key = 'b'"), 'alice', 'its label');

    is(once('n1'), 0, 'egress 130: a second time');
    is($ledger->sum('a'), 300, 'egress 130: changes nothing');

    $j->add({ key => 'a', sent => 350, received => 6, requests => 3 });
    once('n1');
    is($ledger->sum('a'), 350, 'what came since');
    is($ledger->sum('b'), 7, 'and no more');

    $main::n1 = $j;
};


subtest 'killed behind the commit' => sub {
    my $j = $main::n1;

    $j->add({ key => 'a', sent => 400, received => 6, requests => 3 });
    $j->add({ key => 'a', sent => 500, received => 6, requests => 3 });

    # a lock that the database holds stops it in the middle
    open my $psql, '|-', 'psql', '-X', '-q', '-d', $db->info() or die;

    $psql->autoflush(1);
    print $psql "BEGIN; LOCK TABLE wgw.month;\n";
    wait_for(sub { $db->sql("SELECT count(*) FROM pg_locks WHERE mode = "
                            . "'AccessExclusiveLock'") > 0 });

    my $once = $ledger->start('--once', '--from-journal', "$dir/n1");

    ok(wait_for(sub { $db->sql("SELECT count(*) FROM pg_locks "
                               . "WHERE NOT granted") > 0 }),
       'egress 133: a record is half applied');

    kill 'KILL', $once;
    waitpid $once, 0;
    print $psql "COMMIT;\n";
    close $psql;

    wait_for(sub { $db->sql("SELECT count(*) FROM pg_stat_activity WHERE "
                            . "application_name = 'wgw-ledger'") == 0 });
    is(once('n1'), 0, 'egress 133: applied again') or diag $ledger->{out};
    is($ledger->sum('a'), 500, 'egress 133: once');
};


subtest 'several at once' => sub {
    my $j = Wgw::Journal->new("$dir/n2", 'n2');
    my $sum = 0;

    for my $n (1 .. 300) {
        $sum += $n;
        $j->add({ key => 'a', sent => $sum }, { key => "k$n", sent => $n });
    }

    my @pids = map { $ledger->start('--once', '--from-journal', "$dir/n2",
                                    '--from-journal', "$dir/n1") } 1 .. 3;
    waitpid $_, 0 for @pids;
    once('n2');

    is($ledger->sum('a'), 500 + $sum, 'egress 134: the sums are right');
    is($ledger->sum('k300'), 300, 'egress 134: of each');

    # without the lock that spares them the work: still each record once
    for my $n (301 .. 400) {
        $sum += $n;
        $j->add({ key => 'a', sent => $sum });
    }

    my $apply = "SELECT wgw.apply('n2', 1700000000000, 300 + i, "
        . "('\\x' || lpad(i::text, 64, '0'))::bytea, '\\x00', 0, now(), "
        . "now(), '', 1, '[{\"z\":\"names\",\"d\":\"name\",\"k\":\"x\","
        . "\"c\":0,\"l\":0,\"s\":10,\"v\":0,\"q\":0}]', false, 0, 0) "
        . "FROM (VALUES (1)) v(i)";

    my @psql = map {
        my $pid = fork;
        if (!$pid) {
            open STDOUT, '>', '/dev/null';
            exec 'psql', '-X', '-q', '-d', $db->info(), '-c', $apply
                or POSIX::_exit(127);
        }
        $pid;
    } 1 .. 4;

    waitpid $_, 0 for @psql;
    is($ledger->sum('x'), 10, 'egress 134: four apply one record');
};


subtest 'something is missing' => sub {
    my $j = Wgw::Journal->new("$dir/n3", 'n3');

    $j->add({ key => 'g', sent => 10 });
    is(once('n3'), 4, 'what is alarmed has exit code 4');
    $ledger->run('seen');
    is(once('n3'), 0, 'and none when it was seen');

    # a record that is in no file
    $j->record({ }, { key => 'g', sent => 20 });
    $j->add({ key => 'g', sent => 30 });

    is(once('n3', '--gap-wait', 1), 4, 'egress 135: exit code');
    like($ledger->{out}, qr/n3: gap: records 2 to 2 of epoch \d+ are missing/,
         'egress 135: it is told');
    is($ledger->sum('g'), 30, 'and no byte is lost: readings are absolute');
    is($ledger->run('check'), 4, 'check tells it again');
    is($ledger->run('seen'), 0, 'seen');
    is($ledger->run('check', '--late', 10**8), 0, 'and no more');
    is($ledger->run('check', '--late', 0), 4, 'nodes that are late');
    like($ledger->{out}, qr/n3: late: /, 'are told');
};


subtest 'a journal that was trimmed' => sub {
    my $j = Wgw::Journal->new("$dir/n4", 'n4');

    $j->add({ key => 't', sent => 10 });
    once('n4');

    $j->add({ key => 't', sent => 20 }, { key => 'u', sent => 5 });
    unlink $j->{path};
    $j->file();
    $j->add({ key => 't', sent => 20 }, { key => 'u', sent => 5 },
            options(kind => 1));
    $j->add({ key => 't', sent => 25 });

    once('n4', '--gap-wait', 0);
    is($ledger->sum('t'), 25, 'readings that a file begins with');
    is($ledger->sum('u'), 5, 'take the place of what is gone');
    like($ledger->{out}, qr/n4: gap/, 'which is told');

    $db->sql('SELECT 1');
    $ledger->run('seen');

    my $fresh = Wgw::Journal->new("$dir/n5", 'n5');
    $fresh->{seq} = 9;
    $fresh->file();
    unlink glob "$dir/n5/*-00000000000000000001.journal";
    $fresh->add({ key => 'v', sent => 1000 }, options(kind => 1));
    $fresh->add({ key => 'v', sent => 1010 });

    once('n5', '--gap-wait', 0);
    is($ledger->sum('v'), 10, 'a ledger that begins in the middle');
    like($ledger->{out}, qr/n5: gap: this ledger begins with record 10/,
         'says so');
    $ledger->run('seen');
};


subtest 'a torn record, a damaged one' => sub {
    my $j = Wgw::Journal->new("$dir/n6", 'n6');

    $j->add({ key => 'c', sent => 10 });
    $j->write(substr Wgw::Journal::frame($j->record({ }, { key => 'c',
                                                           sent => 20 })),
              0, 50);

    is(once('n6'), 0, 'egress 140: what is not whole is not there yet')
        or diag $ledger->{out};
    is($ledger->sum('c'), 10, 'egress 140: and does not count');

    # the disk turns a byte
    my $k = Wgw::Journal->new("$dir/n7", 'n7');
    $k->add({ key => 'd', sent => $_ * 10 }) for 1 .. 3;

    my $bytes = slurp($k->{path});
    substr $bytes, 80, 1, 'X';
    spew($k->{path}, $bytes);
    $k->epoch($k->{epoch} + 1);
    $k->add({ key => 'd', sent => 50 });

    is(once('n7', '--gap-wait', 0), 4, 'a file that is damaged is alarmed');
    like($ledger->{out}, qr/damage/, 'and told');
    is($ledger->sum('d'), 50, 'readings after it have all');
    $ledger->run('seen');
};


subtest 'a node that was restored from a copy' => sub {
    my $j = Wgw::Journal->new("$dir/n8", 'n8');

    $j->add({ key => 'r', sent => 100 });
    copy($j->{path}, "$dir/copy");
    my %then = %$j;

    $j->add({ key => 'r', sent => 1000 });
    $j->add({ key => 'r', sent => 1100 });
    once('n8');
    is($ledger->sum('r'), 1100, 'before');

    copy("$dir/copy", $j->{path});
    @$j{keys %then} = values %then;
    $j->add({ key => 'r', sent => 150 });
    $j->add({ key => 'r', sent => 190 });
    $j->add({ key => 'r', sent => 300 });

    once('n8', '--gap-wait', 0);
    like($ledger->events(), qr/fork backward/, 'it is told');

    # the database is behind record 3: read what is new from the beginning
    my $sum = $ledger->sum('r');
    cmp_ok($sum, '>=', 1100, 'nothing is taken away');
    cmp_ok($sum, '<=', 1100 + 200, 'nothing counts twice');
    $ledger->run('seen');
};


subtest 'epochs and bases' => sub {
    my $j = Wgw::Journal->new("$dir/n9", 'n9');

    $j->add({ key => 'e', sent => 100 });
    $j->add({ key => 'e', sent => 40, base => 0 });
    once('n9');
    is($ledger->sum('e'), 140, 'a key that began anew');

    $j->epoch($j->{epoch} + 1000);
    $j->add({ key => 'e', sent => 90, base => 90 }, options(kind => 2));
    $j->add({ key => 'e', sent => 95 });
    is(once('n9'), 4, 'a new epoch is told');
    is($ledger->sum('e'), 145, 'and counted from its base');

    $j->epoch($j->{epoch} + 1000);
    $j->add({ class => 1, base => 0 }, options(kind => 4));
    $j->add({ key => 'e', sent => 3 });
    once('n9');
    is($ledger->sum('e'), 148, 'a table that is new');
    $ledger->run('seen');
};


subtest 'hours, days, months' => sub {
    my $j = Wgw::Journal->new("$dir/n10", 'n10');
    my $dec = $nov + 30 * $day;

    $j->add({ key => 'm', sent => 10 }, options(from => $dec - 10));
    $j->add({ key => 'm', sent => 11 }, options(from => $dec));
    $j->add({ key => 'm', sent => 13 }, options(from => $dec + 3600));
    $j->add({ key => 'm', sent => 2**53 | 1 }, options(from => $dec + $day));
    once('n10');

    is($ledger->sum('m', start => '2026-11-01'), 10, 'egress 143: November');
    is($ledger->sum('m', start => '2026-12-01'), '9007199254740983',
       'egress 144: December, to the byte');
    is($ledger->sum('m', table => 'day', start => '2026-12-01'), 3, 'a day');
    is($ledger->sum('m', table => 'hour', start => '2026-12-01 01:00+00'), 2,
       'an hour');
};


# airbytehq/airbyte 3476, filecoin-project/lily 186, hatchet-dev/hatchet 4619: a
# byte that PostgreSQL has no text for, and nothing behind it is ever taken.

subtest 'field 20.22: keys of any bytes' => sub {
    my $j = Wgw::Journal->new("$dir/n11", 'n11');

    $j->add({ key => "a\0b\xff'\\\n", sent => 1 }, { key => 'a"b{}', sent => 2,
              labels => "\1x\3\0\xff\"" }, { zone => 'z"', key => '{1,2}',
              sent => 3 });
    is(once('n11'), 0, 'are applied') or diag $ledger->{err};
    is($db->sql("SELECT count(*) FROM wgw.account a JOIN wgw.reading r "
                . "ON r.account = a.id JOIN wgw.node n ON n.id = r.node "
                . "WHERE n.name = 'n11'"), 3, 'each its own');

    $j->add({ key => 'behind', sent => 4 });
    is(once('n11'), 0, 'and what comes behind them') or diag $ledger->{err};
};


subtest 'the report' => sub {
    my $j = Wgw::Journal->new("$dir/n12", 'n12');
    my $may = 1_777_593_600;            # 2026-05-01

    $j->add({ zone => 'payers', kind => 'payer', key => 'did:key:alice',
              sent => 4_000_000_000, received => 1_000_000_000,
              requests => 2_000_000 },
            { zone => 'payers', kind => 'payer', key => 'did:key:bob',
              sent => 1_000_000_000, labels => "\5owner\3bob" },
            { zone => 'payers', kind => 'payer', class => 3, sent => 5 },
            options(from => $may));
    once('n12');

    is($ledger->run('price', 'payer', '', '0.02', '1', 'EUR'), 0, 'a price');
    is($ledger->run('price', 'payer', 'did:key:bob', '0.5', '0', 'EUR',
                    '2026-04-01'), 0, 'one of a key');
    is($ledger->run('price', 'payer', 'did:key:bob', '9', '0', 'EUR',
                    '2026-06-01'), 0, 'one of later');

    is($ledger->run('report', '--month', '2026-05', '--json'), 0, 'printed');
    my $report = json($ledger->{out});
    is_deeply($report->{rows}, [
        { kind => 'payer', key => 'did:key:alice', sent => 4_000_000_000,
          received => 1_000_000_000, requests => 2_000_000,
          owes => '2.100000', currency => 'EUR' },
        { kind => 'payer', key => 'did:key:bob', sent => 1_000_000_000,
          received => 0, requests => 0, owes => '0.500000',
          currency => 'EUR' },
        { kind => 'payer', key => '(denied)', sent => 5, received => 0,
          requests => 0, owes => undef },
    ], 'what each owes') or diag explain $report;

    $ledger->run('report', '--month', '2026-05');
    like($ledger->{out}, qr/^did:key:alice\ +4000000000\ +1000000000
                            \ +2000000\ +2\.100000\ EUR$/mx, 'as text');

    $ledger->run('report', '--month', '2026-05', '--by', 'owner', '--json');
    is(json($ledger->{out})->{rows}[1]{key}, 'bob', 'by a label');
    $ledger->run('report', '--day', '2026-05-01', '--kind', 'payer', '--key',
                 'did:key:bob', '--json');
    is(scalar @{json($ledger->{out})->{rows}}, 1, 'of a day, of one');

    is($ledger->run('report', '--month', '2026-13'), 2, 'no month');
    is($ledger->run('report'), 2, 'none at all');
    is($ledger->run('report', '--month', '2031-01'), 0, 'an empty one');
    like($ledger->{out}, qr/nothing was counted/, 'says so');
};


subtest 'a database from a backup' => sub {
    my $j = Wgw::Journal->new("$dir/n13", 'n13');

    $j->add({ key => 'q', sent => 10 });
    once('n13');
    $db->sql('CREATE TABLE backup AS SELECT * FROM wgw.node');

    # as of now, restored later
    is(system("pg_dump -d '" . $db->info() . "' -n wgw -Fc -f $dir/dump"), 0,
       'a backup');

    $j->add({ key => 'q', sent => 25 });
    once('n13');
    is($ledger->sum('q'), 25, 'it goes on');

    $db->sql('DROP SCHEMA wgw CASCADE');
    is(system("pg_restore -d '" . $db->info() . "' $dir/dump"), 0,
       'restored');
    is($ledger->sum('q'), 10, 'is older');
    once('n13');
    is($ledger->sum('q'), 25, 'and catches up from the journal');
};


subtest 'a database that goes away' => sub {
    my $j = Wgw::Journal->new("$dir/n14", 'n14');

    $j->add({ key => 'w', sent => 10 });

    my $pid = $ledger->start('--from-journal', "$dir/n14", '--metrics',
                             "$dir/metrics");
    ok(wait_for(sub { $ledger->sum('w') == 10 }), 'it follows');
    ok(wait_for(sub { behind('n14') >= 0 }), 'as metrics say');
    like(slurp("$dir/metrics"), qr/^wgw_ledger_connected 1$/m, 'connected');

    $db->kill();
    $j->add({ key => 'w', sent => 20 });
    sleep 1;
    ok(alive($pid), 'it waits');

    # they are written every ten seconds
    ok(wait_for(sub { slurp("$dir/metrics") =~ /^wgw_ledger_connected 0$/m },
                40),
       'metrics say that it is away');

    my $before = behind('n14');
    my $as_of = as_of();

    cmp_ok($before, '>=', 0, 'how old the last reading is');
    ok(wait_for(sub { as_of() > $as_of }, 40), 'they are written on');
    cmp_ok(behind('n14'), '>=', $before + 5, 'and it gets older');
    $db->start();
    ok(wait_for(sub { $ledger->sum('w') == 20 }, 30), 'and goes on');
    ok(wait_for(sub { $db->sql("SELECT count(*) FROM pg_locks WHERE granted "
                               . "AND locktype = 'advisory'") == 1 }),
       'with its lock: that went with the connection');

    # killed in the middle, again and again
    for my $n (3 .. 8) {
        $db->kill();
        $j->add({ key => 'w', sent => $n * 10 });
        $db->start();
    }

    ok(wait_for(sub { $ledger->sum('w') == 80 }, 30), 'each record once');
    kill 'TERM', $pid;
    waitpid $pid, 0;
    is($? >> 8, 0, 'it ends when told to');

    like(slurp("$dir/metrics"), qr/^wgw_ledger_behind_seconds\{node="n14"\}/m,
         'metrics');
};


# Of the file that the last subtest has: -1 where it is not there.

sub behind {
    my ($node) = @_;

    return slurp("$dir/metrics")
           =~ /^wgw_ledger_behind_seconds\{node="$node"\} (\d+)$/m ? $1 : -1;
}

sub as_of {
    return slurp("$dir/metrics")
           =~ /^wgw_ledger_as_of_timestamp_seconds (\d+)$/m ? $1 : 0;
}


subtest 'what is wrong is said' => sub {
    is($ledger->run('nonsense'), 2, 'no such command');
    is($ledger->run('--nonsense'), 2, 'no such option');
    is($ledger->run('--once'), 2, 'no source');
    is($ledger->run('--once', '--gap-wait', 'x', '--from-journal', $dir), 2,
       'no number');
    is($ledger->run('--once', '--database', 'host=/nowhere',
                    '--from-journal', $dir), 3, 'no database');
    is($ledger->run('dump', "$dir/nothing"), 1, 'no journal');
    is($ledger->run('dump', "$dir/n1"), 0, 'a journal as JSON');
    is(json((split /\n/, $ledger->{out})[1])->{rows}[0]{sent}, 100,
       'its rows');

    $db->sql('INSERT INTO wgw.migration VALUES (99)');
    is($ledger->run('check'), 1, 'a database that is newer');
    like($ledger->{err}, qr/newer than 1/, 'is said');
    $db->sql('DELETE FROM wgw.migration WHERE version = 99');
};


# As one whose disk is full: it takes no record, nor the event that says so.
subtest 'a database that takes nothing' => sub {
    my $j = Wgw::Journal->new("$dir/full", 'full');

    $j->add({ key => 'full', sent => 0, base => 0 }, options(kind => 4));
    $j->add({ key => 'full', sent => 70 });
    $db->sql('UPDATE wgw.event SET seen_at = now()');
    $db->sql('CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql '
             . "AS \$\$ BEGIN RAISE 'no space left on device' "
             . "USING ERRCODE = '53100'; END \$\$");
    $db->sql("CREATE TRIGGER full_disk BEFORE INSERT ON wgw.$_ "
             . 'EXECUTE FUNCTION full_disk()') for qw(record event);

    is(once('full'), 1, 'is no success');
    like($ledger->{err}, qr/is not taken: .*no space left/, 'and is said');

    $db->sql('DROP FUNCTION full_disk() CASCADE');
    is(once('full'), 0, 'it has room again') or diag $ledger->{out};
    is($ledger->sum('full'), 70, 'and nothing is lost');
};


subtest 'forgotten' => sub {
    is($ledger->run('prune', '0 days', '0 days'), 0, 'old records and hours');
    is($db->sql('SELECT count(*) FROM wgw.record')
       - $db->sql('SELECT count(*) FROM wgw.node WHERE seq > 0'), 0,
       'the last of each stays');
    once('n1');
    is($ledger->sum('b'), 7, 'nothing counts again');
};


done_testing();
