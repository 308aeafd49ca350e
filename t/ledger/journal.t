#!/usr/bin/perl

# The journal of a gateway: what clients counted is in it, whatever is killed,
# and comes to PostgreSQL without a Redis.

use warnings;
use strict;

use lib 't/lib';

use File::Copy 'copy';
use Test::More;

use Wgw;
use Wgw::Ledger;
use Wgw::Postgres 'postgres';


my $db = postgres() or plan skip_all => 'no PostgreSQL here';
my $ledger = Wgw::Ledger->new($db);

my $conf = <<'EOC';
worker_processes  2;

wgw_meter_zone  names   file=names    keys=1000;
wgw_meter_zone  hours   file=hours    keys=1000  window=hour;
wgw_meter_zone  nofile  keys=100;

wgw_journal     journal  node=gw1 every=1s;

wgw_meter_zone  two     file=two      keys=2;

events { }

http {
    server {
        listen 127.0.0.1:%%HTTP%%;

        location / {
            wgw_meter  names   $arg_k;
            wgw_meter  hours   $arg_k  label=who:$arg_who;
            wgw_meter  nofile  $arg_k;
            return 200 "$arg_k says hello\n";
        }

        location /capped {
            wgw_meter  names   capped  cap=1000;
            return 200 "0123456789012345678901234567890123456789\n";
        }

        location /two {
            wgw_meter  two  $arg_k;
            return 200 "$arg_k is one of many\n";
        }

        location /v1/usage { wgw_usage json; }
        location /metrics  { wgw_usage prometheus; }
    }
}
EOC

my $gw = Wgw->new($conf);

$gw->expect(qr/exited on signal 9/);
$gw->expect(qr/\[emerg\].* in \.\/nginx\.conf:6/);

my $port = $gw->port('HTTP');
my $journal = $gw->dir() . '/journal';
my (%sent, %received);


sub get {
    my ($key, $n) = @_;

    for (1 .. $n // 1) {
        my $reply = http_get($port, "/?k=$key&who=me");

        is($reply->{status}, 200, 'served') if $reply->{status} != 200;
        $sent{$key} += $reply->{received};
        $received{$key} += $reply->{sent};
    }
}


# The process that writes.

sub helper {
    return grep { slurp("/proc/$_/cmdline") =~ /cache manager/ }
        children($gw->pid());
}


# What the journal has by now, is in the database.

sub settle {
    my ($what) = @_;
    my %sum;

    my $equal = wait_for(sub {
        my $code = $ledger->run('--once', '--from-journal', $journal,
                                '--gap-wait', 0);

        %sum = $ledger->sums();

        return $code == 0
               && !grep { ($sum{$_}[0] // 0) != $sent{$_}
                          || ($sum{$_}[1] // 0) != $received{$_} } keys %sent;
    }, 15);

    ok($equal, $what)
        or diag map { "$_: sent $sent{$_}, " . ($sum{$_}[0] // 0) . "\n" }
                sort keys %sent;
    diag $ledger->{out}, $ledger->{err} if !$equal;
}


subtest 'what is wrong' => sub {
    $gw->expect(qr{\[emerg\] .* in \./nginx\.conf:\d+$});
    mkdir $gw->dir() . '/open';
    chmod 0777, $gw->dir() . '/open';

    for (['wgw_journal j every=7s;', qr/invalid parameter "every=7s"/],
         ['wgw_journal j node=a/b;', qr{invalid parameter "node=a/b"}],
         ['wgw_journal j max=1k;', qr/invalid parameter "max=1k"/],
         ['wgw_journal j keep=1s;', qr/invalid parameter "keep=1s"/],
         ['wgw_journal j nonsense;', qr/invalid parameter "nonsense"/],
         ['wgw_journal j; wgw_journal k;', qr/"wgw_journal" directive is dup/],
         ['wgw_journal open/j;', qr/in a directory that everybody may write/])
    {
        my ($line, $message) = @$_;

        $gw->configure("$line events { } http { }");
        my ($status, $output) = $gw->run('-t');
        isnt($status, 0, "refused: $line");
        like($output, $message, 'and said');
    }

    $gw->configure($conf);
    my ($status) = $gw->run('-t');
    is($status, 0, 'this is right');
    ok(!-e $journal, '-t makes nothing');
};


subtest 'counted' => sub {
    $gw->start();
    get('a', 5);
    get('b', 3);
    settle('what clients counted is in the database');
    is($ledger->sum('a', column => 'requests'), 5, 'requests');
    is($ledger->sum('a', zone => 'hours'), $sent{a}, 'of each zone');
    is($ledger->sum('a', zone => 'nofile'), 0, 'that has a file');
    is($db->sql("SELECT labels ->> 'who' FROM wgw.account WHERE key = 'a' "
                . "AND zone = 'hours'"), 'me', 'labels');

    my $metrics = http_get($port, '/metrics')->{body};
    like($metrics, qr/^wgw_journal_record [1-9]/m, 'the last record');
    like($metrics, qr/^wgw_journal_failing 0$/m, 'and that it is written');

    my ($read) = $metrics =~ /^wgw_journal_read_seconds (\d+)/m;
    cmp_ok($read, '>', time - 60, 'lately');
    is((stat $journal)[2] & 07777, 0750, 'the folder is nobody else\'s');
};


subtest 'the helper is killed' => sub {
    for my $n (1 .. 4) {
        kill 'KILL', helper();
        get('a', $n);
    }

    settle('egress 136: nothing is lost, nothing counted twice');
};


subtest 'reloads under load' => sub {
    for my $n (1 .. 20) {
        kill 'HUP', $gw->pid();
        get("r$n");
        get('a');
    }

    settle('egress 137: the sums are those of the clients');
};


subtest 'all of it is killed' => sub {
    for my $n (1 .. 3) {
        get('a', 2);
        get('c', 1);
        $gw->kill();
        $gw->start();
    }

    settle('egress 138: nothing is lost');
};


subtest 'stopped, and started' => sub {
    get('a', 3);
    $gw->stop('QUIT');
    $gw->start();
    settle('egress 138: also what came last');
};


# As of a copy: what a machine has whose power failed.

subtest 'tables that are older than the journal' => sub {
    my $dir = $gw->dir();

    for (1 .. 3) {
        my $reply = http_get($port, '/capped');
        $sent{capped} += $reply->{received};
        $received{capped} += $reply->{sent};
    }

    settle('written down');
    $gw->kill();
    copy("$dir/names", "$dir/names.copy");
    $gw->start();

    for (1 .. 20) {
        my $reply = http_get($port, '/capped');
        last if $reply->{status} == 429;
        $sent{capped} += $reply->{received};
        $received{capped} += $reply->{sent};
    }

    get('a', 10);
    get('new', 1);
    settle('written down again');
    $gw->kill();
    copy("$dir/names.copy", "$dir/names") or die;
    $gw->start();

    like($gw->log(), qr/wgw journal ".*": \d+ keys had counted more/,
         'egress 139: it is said');
    is(http_get($port, '/capped')->{status}, 429,
       'egress 139: a cap that was used up still is');

    my $usage = usage($port, 'a');
    is($usage->{sent}, $sent{a}, 'egress 139: totals are what they were');
    is($usage->{window}{sent}, $sent{a}, 'egress 139: in this window');

    get('a', 2);
    settle('egress 139: and go on');

    $gw->kill();
    unlink "$dir/names";
    $gw->start();
    is(usage($port, 'new')->{sent}, $sent{new}, 'a table that was deleted');
    get('new', 2);
    settle('goes on as well');
};


subtest 'a journal that another process has' => sub {
    $gw->kill();
    open my $lock, '+<', "$journal/lock" or die "$journal/lock: $!";
    flock $lock, 2 or die $!;
    $gw->start();
    get('a', 1);
    ok(wait_for(sub { $gw->log() =~ /is kept by another process, which is/ }),
       'is waited for, and that is said');
    close $lock;
    settle('nothing is lost');
};


subtest 'a journal that was deleted' => sub {
    my $epochs = sub {
        return scalar(() = $gw->log() =~ /is not there yet: a new epoch/g);
    };

    $ledger->run('seen');
    $gw->kill();
    unlink glob "$journal/*.journal";

    my $before = $epochs->();

    $gw->start();
    ok(wait_for(sub { glob "$journal/*.journal" }), 'another begins');
    ok(wait_for(sub { $epochs->() > $before }), 'with a base, then told');
    get('a', 4);

    my $sum = sub { $ledger->sum('a') };
    my $code;

    ok(wait_for(sub {
        $code = $ledger->run('--once', '--from-journal', $journal);
        return $sum->() == $sent{a};
    }), 'counting goes on, nothing twice')
        or diag $sum->(), " $sent{a}";
    is($code, 4, 'and it is told');
    like($ledger->{out}, qr/: epoch: /, 'as an epoch');
    $ledger->run('seen');
};


subtest 'a journal that is deleted while it is written' => sub {
    get('a', 1);
    settle('written down');
    unlink glob "$journal/*.journal";
    get('a', 3);

    ok(wait_for(sub { $gw->log() =~ /" was deleted while it is written, and/ }),
       'is told');
    like(http_get($port, '/metrics')->{body}, qr/^wgw_journal_failing 0$/m,
         'and begins again');

    ok(wait_for(sub {
        $ledger->run('--once', '--from-journal', $journal, '--gap-wait', 0);
        return $ledger->sum('a') == $sent{a};
    }), 'nothing is lost') or diag $ledger->sum('a'), " $sent{a}";
    unlike($ledger->{out}, qr/: epoch: /, 'and the epoch goes on');
    $ledger->run('seen');
};


subtest 'a journal that is damaged' => sub {
    $gw->kill();

    my ($file) = reverse sort glob "$journal/*.journal";
    my $bytes = slurp($file);
    substr $bytes, 100, 1, chr(ord(substr $bytes, 100, 1) ^ 1);
    spew($file, $bytes);

    $gw->start();
    ok(wait_for(sub { $gw->log() =~ /journal" is damaged: a new epoch/ }),
       'a new epoch');
    get('a', 2);

    ok(wait_for(sub {
        $ledger->run('--once', '--from-journal', $journal);
        return $ledger->sum('a') == $sent{a};
    }), 'no byte is lost');
    $ledger->run('seen');
};


subtest 'a disk that does not take it' => sub {
    chmod 0550, $journal;
    rename $_, "$_.away" for glob "$journal/*.journal";

  SKIP: {
        skip 'root\'s workers are another user', 1 if $> != 0;
        chmod 0750, $journal;
        kill 'KILL', helper();
        rename $journal, "$journal.away";
        spew($journal, '');
        kill 'KILL', helper();
        get('a', 5);

        ok(wait_for(sub { $gw->log() =~ /cannot be written, counting goes/ }),
           'egress 141: is told, serving goes on');
        unlink $journal;
        rename "$journal.away", $journal;
        rename $_, s/\.away$//r for glob "$journal/*.away";

        ok(wait_for(sub {
            $ledger->run('--once', '--from-journal', $journal);
            return $ledger->sum('a') == $sent{a};
        }), 'egress 141: nothing is lost')
            or diag $ledger->sum('a'), " $sent{a}";
    }
};


subtest 'a zone that is full' => sub {
    my @sum = (0, 0);

    for my $k (1 .. 6) {
        my $reply = http_get($port, "/two?k=$k");

        $sum[0] += $reply->{received};
        $sum[1] += $reply->{sent};
    }

    like($gw->log(), qr/"two" is full, new keys are counted together/,
         'egress 142: is told');

    my $sums = 'SELECT count(DISTINCT (key, class)), sum(sent), sum(received) '
               . "FROM wgw.usage_month WHERE zone = 'two'";

    ok(wait_for(sub {
        $ledger->run('--once', '--from-journal', $journal);
        return $db->sql($sums) eq join '|', 3, @sum;
    }), 'egress 142: two keys and all others, no byte is lost')
        or diag $db->sql($sums), " @sum";
};


$gw->stop();

done_testing();
