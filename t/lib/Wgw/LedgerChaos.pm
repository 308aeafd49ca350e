package Wgw::LedgerChaos;

# Two gateways, a Redis, a PostgreSQL and two ledgers under load, of which one
# is killed again and again, at random; then what is in the database against
# what clients counted.

use warnings;
use strict;

use base 'Exporter';
our @EXPORT_OK = qw(chaos);

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Ledger;
use Wgw::Postgres 'postgres';
use Wgw::Redis 'redis';


my $keys = 5;
my $body = 'hello ' x 40;


# chaos(SECONDS [, OPTION => VALUE ...]): tests

sub chaos {
    my ($seconds, %option) = @_;

    my $self = ($option{class} // __PACKAGE__)->new(%option);

    $self->{ledger} = Wgw::Ledger->new(
        $self->{db}, '--redis', $self->redis_url(), '--gap-wait', 20);
    is($self->{ledger}->run('migrate'), 0, 'a schema');

    $self->{gw} = [ map { $self->gateway($_) } 1 .. $self->{nodes} ];
    $self->{daemons} = [ map { $self->{ledger}->start() } 1, 2 ];
    $self->before();

    my @clients = map { $self->client($_) } (0 .. $self->{nodes} - 1) x 2;
    my $end = time + $seconds;

    while (time < $end) {
        $self->something();
        sleep 0.1 + rand 0.8;
    }

    kill 'TERM', @clients;
    waitpid $_, 0 for @clients;

    $self->verdict();
    kill 'KILL', @{$self->{daemons}};
    waitpid $_, 0 for @{$self->{daemons}};
    $_->kill() for @{$self->{gw}};
}


sub new {
    my ($class, %option) = @_;

    my $db = postgres() or plan skip_all => 'no PostgreSQL here';
    my $seed = $ENV{CHAOS_SEED} // int rand 2**31;

    srand $seed;
    note "CHAOS_SEED=$seed";

    return bless { db => $db, redis => redis(), kills => { }, nodes => 2,
                   %option }, $class;
}


sub redis_url { return 'redis://127.0.0.1:' . $_[0]{redis}->port() }

# what is to be done before clients come
sub before { }


sub gateway {
    my ($self, $n) = @_;

    my $gw = Wgw->new(sprintf <<'EOC', $self->{redis}->port(), $n, $body);
worker_processes  2;

wgw_meter_zone  names  file=names  keys=1000;
wgw_journal     journal  every=1s  segment=16k;
wgw_fleet       redis://127.0.0.1:%d  node=gw%d;

events { }

http {
    access_log off;

    server {
        listen 127.0.0.1:%%%%HTTP%%%%;
        location / { wgw_meter  names  $arg_k; return 200 "%s"; }
        location /v1/usage { wgw_usage json; }
    }
}
EOC

    $gw->expect(qr/exited on signal 9|worker process \d+ exited/);
    $gw->start();

    return $gw;
}


# A client writes a line for each request: what it had of it, and whether
# that was all.

sub client {
    my ($self, $n) = @_;

    my $file = $self->{gw}[$n]->dir() . "/client-$$-" . ++$self->{clients};
    my $port = $self->{gw}[$n]->port('HTTP');

    push @{$self->{files}}, $file;

    open my $out, '>', $file or die "$file: $!";
    $out->autoflush(1);

    return $self->child(sub {
        my $key = 'k' . int rand $keys;
        my $reply = http_get($port, "/?k=$key", timeout => 5);
        my $whole = $reply->{status} == 200 && $reply->{body} eq $body;

        print $out "$key ", $whole ? 1 : 0, " $reply->{received}\n";
        sleep 0.01 + rand 0.02;
    });
}


# A process that does it again and again until it is told to end; it is given a
# hash for what it needs to remember, `end` of which is called then.

sub child {
    my ($self, $code) = @_;

    my $seed = int rand 2**31;

    defined(my $pid = fork) or die "fork: $!";
    return $pid if $pid;

    my $stop = 0;
    my %state;

    $SIG{TERM} = sub { $stop = 1 };
    $SIG{PIPE} = 'IGNORE';
    srand $seed;

    $code->(\%state) until $stop;
    $state{end}->() if $state{end};
    POSIX::_exit(0);
}


# What may happen, and how often beside the others.

sub actors {
    return [ worker => 3 ], [ helper => 3 ], [ gateway => 2 ], [ reload => 1 ],
        [ redis => 2 ], [ flush => 1 ], [ hang => 1 ], [ postgres => 2 ],
        [ ledger => 3 ];
}


sub something {
    my ($self) = @_;

    my @actors = $self->actors();
    my $all = 0;
    $all += $_->[1] for @actors;

    my $dice = rand $all;

    for my $actor (@actors) {
        $dice -= $actor->[1];
        next if $dice >= 0;

        my $name = $actor->[0];
        my $call = "kill_$name";

        $self->{kills}{$name}++;
        $self->$call($self->{gw}[rand $self->{nodes}]);
        return;
    }
}


sub children_of {
    my ($gw, $what) = @_;

    return grep { slurp("/proc/$_/cmdline") =~ $what } children($gw->pid());
}


sub kill_worker {
    my ($self, $gw) = @_;

    my @workers = children_of($gw, qr/worker process/) or return;
    kill 'KILL', $workers[rand @workers];
}


sub kill_helper {
    my ($self, $gw) = @_;

    kill 'KILL', children_of($gw, qr/cache manager/);
}


sub kill_gateway {
    my ($self, $gw) = @_;

    $gw->kill();
    $gw->start();
}


sub kill_reload { kill 'HUP', $_[1]->pid() }


sub kill_redis {
    my ($self) = @_;

    $self->{redis}->stop();
    sleep rand 1;
    $self->{redis}->start();
}


sub kill_flush { $_[0]{redis}->cli('FLUSHALL') }


sub kill_hang {
    my ($self) = @_;

    $self->{redis}->signal('STOP');
    sleep rand 1;
    $self->{redis}->signal('CONT');
}


sub kill_postgres {
    my ($self) = @_;

    $self->{db}->kill();
    sleep rand 1;
    $self->{db}->start();
}


sub kill_ledger {
    my ($self) = @_;

    my $n = int rand 2;

    kill 'KILL', $self->{daemons}[$n];
    waitpid $self->{daemons}[$n], 0;
    $self->{daemons}[$n] = $self->{ledger}->start();
}


# A gateway has two.

sub workers_killed {
    my ($self) = @_;

    return ($self->{kills}{worker} // 0) + 2 * ($self->{kills}{gateway} // 0);
}


# Whole answers are in the database; of those that were not whole as much as
# an answer has may be, and of each worker that was killed one may be missing
# that it had just written.

sub verdict {
    my ($self) = @_;

    my (%whole, %broken, $requests);
    my $size = 0;

    for my $file (@{$self->{files}}) {
        for (split /\n/, slurp($file)) {
            my ($key, $whole, $received) = split / /;

            $requests++;
            $whole{$key} += $received if $whole;
            $broken{$key}++ if !$whole;
            $size = $received if $whole && $received > $size;
        }
    }

    my $kills = $self->workers_killed();

    note join ' ', "$requests requests,",
        map { "$_ $self->{kills}{$_}" } sort keys %{$self->{kills}};
    cmp_ok($requests, '>', 100, 'there was a load');

    for my $key (sort keys %whole) {
        my $tables;

        my $same = wait_for(sub {
            $tables = 0;

            for my $gw (@{$self->{gw}}) {
                my $usage = usage($gw->port('HTTP'), $key) or next;
                $tables += $usage->{sent};
            }

            return $self->{ledger}->sum($key) eq $tables;
        }, 60);

        ok($same, "$key: the database has what the tables have")
            or diag $self->{ledger}->sum($key), " and $tables";
        cmp_ok($tables, '>=', $whole{$key} - $kills * $size,
               "$key: all that clients had");
        cmp_ok($tables, '<=', $whole{$key} + ($broken{$key} // 0) * $size,
               "$key: and no more");
        note "$key: clients $whole{$key}, tables $tables, not whole "
             . ($broken{$key} // 0);
    }

    is($self->{ledger}->events() =~ s/gap ?//gr, '',
       'nothing is alarmed but what Redis lost');
}


1;
