package Wgw::FleetChaos;

# A fleet under a load on shared caps, rates and limits of claims, whose
# accounts go through the same Redis to PostgreSQL, while anything of it is
# killed, stopped, cut off or emptied at random; then what clients had against
# caps, tables and database.
#
# Time goes by in rounds: each has a cap and a claim of its own. Of a round in
# which Redis lost its data while a node could not say what it had, what that
# node used may come on top, and nothing else.

use warnings;
use strict;

use base 'Wgw::LedgerChaos';

use File::Temp 'tempdir';
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Chaos::Client;
use Wgw::Chaos::Errors;
use Wgw::Chaos::Ledger;
use Wgw::Claims;
use Wgw::Redis ();


my $round = 12;
my $cap = 500_000;
my $limit = 300;
my $body = 'x' x 1000;

# requests a minute, and at once
my ($rate, $burst) = (1200, 80);

# what is used of a cap, as 1/64 of it is left in a zone's first window
my $nearly = 0.97;

# seconds in which nodes say again what they have, as these tests see it
my $again = 4;

my $owner = 'did:web:node.example';
my $gate = 'did:web:gate.example';


sub new {
    my ($class, %option) = @_;

    my $self = $class->SUPER::new(%option);

    $self->{dir} = tempdir('wgw-fleet-XXXXXX', DIR => '/tmp', CLEANUP => 1);
    $self->{tokens} = Wgw::Claims->new($self->{dir});
    $self->{began} = time;
    $self->{away} = [ ];
    $self->{losses} = [ ];
    $self->{second} = Wgw::Redis::redis();
    $self->{second}->master($self->{redis});

    # of each node, and of the ledger
    $self->{proxies} = [ map { Wgw::Redis::proxy($self->{redis}->port()) }
                         0 .. $self->{nodes} ];

    return $self;
}


sub redis_url { return "redis://127.0.0.1:$_[0]{proxies}[0]{port}" }


sub gateway {
    my ($self, $n) = @_;

    my $did = $self->{tokens}->did('node');

    my $gw = Wgw->new(<<"EOC");
worker_processes  2;

wgw_fleet       redis://127.0.0.1:$self->{proxies}[$n]{port} node=gw$n
                nodes=$self->{nodes};
wgw_journal     journal  node=gw$n every=1s segment=256k;

wgw_meter_zone  names   file=names   keys=1000;
wgw_meter_zone  caps    file=caps    keys=1000 fleet=closed;
wgw_meter_zone  payers  file=payers  keys=1000;
wgw_rate_zone   rates   keys=100 fleet;

wgw_claims      claims gateway=$gate subject=$owner;
wgw_claims_did  $owner $did;
wgw_claims_zone file=content keys=1000 fleet=closed;

events { worker_connections 512; }

http {
    access_log off;
    keepalive_requests 100000;

    server {
        listen 127.0.0.1:%%HTTP%%;

        location /cap {
            wgw_meter caps \$arg_k cap=$cap count=sent;
            return 200 "$body";
        }

        location /rate {
            wgw_rate rates \$arg_k rate=${rate}r/m burst=$burst;
            empty_gif;
        }

        location /ipfs/ {
            add_header X-Payer \$wgw_payer always;
            wgw_content public=0r/m;
            wgw_meter payers \$wgw_payer;
            empty_gif;
        }

        location / {
            wgw_meter names \$arg_k;
            return 200 "$body";
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
        location /v1/claims { wgw_claims_api; }
        location /metrics { wgw_usage prometheus; }
    }
}
EOC

    $gw->expect(qr/exited on signal 9/);
    $gw->start();

    return $gw;
}


sub before {
    my ($self) = @_;

    ok(wait_for(sub {
        $self->{nodes} == grep { $self->metric($_, 'nodes') == $self->{nodes} }
                               @{$self->{gw}};
    }), 'all nodes know of each other');

    $self->{from} = time;
    $self->{others} = [ map { $self->child($_) } sub { $self->post(@_) },
                        sub { $self->watch(@_) } ];
}


sub metric {
    my ($self, $gw, $name) = @_;

    my $text = http_get($gw->port('ADMIN'), '/metrics')->{body};

    return $text =~ /^wgw_fleet_$name\{zone="caps"\} (\d+)$/m ? $1 : 0;
}


# What all together may pass a second, of their rate, as each counts nodes: who
# is cut off for ten seconds is not counted by the others, and passes its part.

sub watch {
    my ($self, $state) = @_;

    my $seen = $state->{seen} ||= { map { $_ => $self->{nodes} }
                                    1 .. $self->{nodes} };
    my $from = $state->{from} // $self->{from};
    my $most = 0;

    for my $n (keys %$seen) {
        my $now = $self->metric($self->{gw}[$n - 1], 'nodes') || $seen->{$n};

        $most += 1 / ($now < $seen->{$n} ? $now : $seen->{$n});
        $seen->{$n} = $now;
    }

    $state->{from} = time;
    $state->{most} += $most * ($state->{from} - $from);
    $state->{end} = sub { spew("$self->{dir}/rate", $state->{most}) };

    sleep 0.4;
}


# ---- rounds

sub at { return int((time - $_[0]{began}) / $round) }


sub content { return Wgw::Claims::content(1, $_[0]) }


# Who pays for the content of the round is told to all nodes.

sub post {
    my ($self, $state) = @_;

    my $at = $self->at();
    my $tokens = $self->{tokens};

    if (!$state->{$at}) {
        my $payer = $tokens->did("payer-$at");

        $state->{$at} = { map { $_ => 1 } 1 .. $self->{nodes} };
        $state->{text} = $tokens->join(
            $tokens->make('node', iss => $owner, aud => $payer,
                          cid => content($at), exp => 'never', pol => [ ]),
            $tokens->make("payer-$at", aud => $gate, sub => $owner,
                          exp => 'never', pol => [
                          qq(["<",".usage.requests.total",$limit]) ]));
    }

    for my $n (keys %{$state->{$at}}) {
        my $reply = http_get($self->{gw}[$n - 1]->port('ADMIN'), '/v1/claims',
                             method => 'POST', body => $state->{text},
                             timeout => 2);

        delete $state->{$at}{$n} if $reply->{status} == 200;
    }

    sleep 0.05;
}


# ---- clients

# One counts by "zone key", and writes it down in the end: how many answers
# were whole, their bytes, and how many were not.

sub client {
    my ($self, $n) = @_;

    my $file = "$self->{dir}/client-" . ++$self->{clients};
    my $port = $self->{gw}[$n]->port('HTTP');
    my %counts;

    push @{$self->{files}}, $file;

    return $self->child(sub {
        my ($state) = @_;

        $state->{end} ||= sub {
            spew($file, join '', map { "$_ @{$counts{$_}}\n" } keys %counts);
        };

        $self->ask($state, $port, \%counts);
    });
}


sub ask {
    my ($self, $state, $port, $counts) = @_;

    my $at = $self->at();
    my $key = 'k' . int rand 5;

    for my $it ([ "/?k=$key", "names $key" ], ([ "/cap?k=c$at", "caps c$at" ])
                x 4, [ '/rate?k=all', 'rates all' ],
                [ '/ipfs/' . content($at), "payers $at" ])
    {
        my $client = $state->{client} ||= Wgw::Chaos::Client->new($port);
        my $got = eval {
            $client->ask("GET $it->[0] HTTP/1.1\r\nHost: a\r\n\r\n");
        };

        if (!$got || !$got->{ok} || $got->{cut}) {
            delete $state->{client};
            $counts->{$it->[1]}[2]++;
            $counts->{$it->[1]}[$_] //= 0 for 0, 1;
            sleep 0.05;
            next;
        }

        # there is no public quota
        my $free = ($got->{headers}{'x-payer'} // '') eq 'public';

        if ($got->{status} == 200 && !$free) {
            my $count = $counts->{$it->[1]} ||= [ 0, 0, 0 ];

            $count->[0]++;
            $count->[1] += $got->{received};

        } elsif ($got->{status} != 429) {
            $counts->{"strange $got->{status}"} ||= [ 1, 0, 0 ];
        }
    }

    sleep 0.01;
}


# ---- what happens

sub actors {
    my ($self) = @_;

    return $self->SUPER::actors(), [ replies => 3 ], [ partition => 3 ],
           [ failover => 2 ];
}


# away(NODE, CODE): that node can say nothing meanwhile

sub away {
    my ($self, $n, $code) = @_;

    my $it = { n => $n, from => time };

    push @{$self->{away}}, $it;
    $code->();
    $it->{to} = time;
}


sub number {
    my ($self, $gw) = @_;

    return (grep { $self->{gw}[$_ - 1] == $gw } 1 .. $self->{nodes})[0];
}


sub kill_gateway {
    my ($self, $gw) = @_;

    $self->away($self->number($gw), sub { $self->SUPER::kill_gateway($gw) });
}


sub kill_replies {
    my ($self, $gw) = @_;

    my $n = $self->number($gw);

    $self->away($n, sub {
        $self->{proxies}[$n]->set(loss => 0.05, $self->to());
        sleep 1 + rand 3;
        $self->{proxies}[$n]->set($self->to());
    });
}


# Sometimes Redis loses its data meanwhile.

sub kill_partition {
    my ($self, $gw) = @_;

    my $n = $self->number($gw);

    $self->away($n, sub {
        $self->{proxies}[$n]->set(cut => 1, $self->to());
        sleep rand 2;
        $self->kill_flush() if rand() < 0.2;
        sleep rand 3;
        $self->{proxies}[$n]->set($self->to());
    });
}


# What is lost is said again before the next thing happens, but sometimes.

sub lost {
    my ($self, $code) = @_;

    my $it = { from => time };

    push @{$self->{losses}}, $it;
    $code->();
    $it->{to} = time;
    sleep $again if rand() < 0.8;
}


sub kill_redis {
    my ($self) = @_;

    $self->lost(sub { $self->SUPER::kill_redis() });
}


sub kill_flush {
    my ($self) = @_;

    $self->lost(sub { $self->SUPER::kill_flush() });
}


# The replica, which may be behind, is the master from now on.

sub kill_failover {
    my ($self) = @_;

    my ($old, $new) = @$self{qw(redis second)};

    $self->lost(sub {
        $old->stop();
        $new->master();
        @$self{qw(redis second)} = ($new, $old);
        $_->set($self->to()) for @{$self->{proxies}};
    });

    $old->master($new);
    $old->start();
}


sub to { return (to => $_[0]{redis}->port()) }


# ---- the verdict

sub verdict {
    my ($self) = @_;

    $self->{seconds} = time - $self->{from};
    $self->{last} = $self->at();
    kill 'TERM', @{$self->{others}};
    waitpid $_, 0 for @{$self->{others}};
    $_->set($self->to()) for @{$self->{proxies}};

    $self->counted();

    my $tables = $self->same();

    $self->clients_had($tables);
    $self->caps($tables);
    $self->rates();
    $self->logs();

    is($self->{ledger}->events() =~ s/gap ?//gr, '',
       'nothing is alarmed but what Redis lost');
}


sub counted {
    my ($self) = @_;

    my %all;

    for my $file (@{$self->{files}}) {
        for (split /\n/, slurp($file)) {
            my ($zone, $key, @n) = split / /;

            $key = $self->{tokens}->did("payer-$key") if $zone eq 'payers';
            $all{"$zone $key"}[$_] += $n[$_] for 0 .. 2;
        }
    }

    my $requests = 0;
    $requests += $_->[0] + $_->[2] for values %all;

    $self->{all} = \%all;
    diag(join ' ', sprintf('%d whole answers and others in %d s;', $requests,
                           $self->{seconds}),
         map { "$_ $self->{kills}{$_}" } sort keys %{$self->{kills}});
    is(join(' ', grep { /^strange/ } sort keys %all), '',
       'answers are 200 or 429');
    cmp_ok($requests, '>', 20 * $self->{seconds}, 'there was a load');
}


# The rows of each node, by "zone key", and the same from the database.

sub same {
    my ($self) = @_;

    my ($tables, @other);

    my $same = wait_for(sub {
        my %sums;

        $tables = [ map { $self->rows($_) } @{$self->{gw}} ];

        for my $rows (@$tables) {
            $sums{$_} += $rows->{$_}{sent} for keys %$rows;
        }

        my %db = map { split /\|/ } split /\n/, $self->{db}->sql(
            "SELECT zone || ' ' || key, sum(sent) FROM wgw.usage_month "
            . 'WHERE class = 0 GROUP BY zone, key');

        @other = map { "$_: " . ($sums{$_} // 0) . ', ' . ($db{$_} // 0) }
            grep { ($sums{$_} // 0) != ($db{$_} // 0) } keys %{{ %sums, %db }};
        return !@other;
    }, 90);

    ok($same, 'the database has what the tables have')
        or diag(join "\n", @other);

    return $tables;
}


sub rows {
    my ($self, $gw) = @_;

    my %rows;

    for my $zone (qw(names caps payers)) {
        my $reply = http_get($gw->port('ADMIN'),
                             "/v1/usage?zone=$zone&limit=1000");

        $rows{"$zone $_->{key}"} = $_ for @{json(Wgw::dechunk($reply))->{keys}};
    }

    return \%rows;
}


sub sum {
    my ($tables, $key, $column) = @_;

    my $sum = 0;
    $sum += $_->{$key}{$column} // 0 for @$tables;

    return $sum;
}


# All that clients had is counted, but for what workers that were killed had
# just written, to each of their two clients one; and no more than they may
# have had.

sub clients_had {
    my ($self, $tables) = @_;

    my $kills = $self->workers_killed();
    my ($missing, $had, @more) = (0, 0);

    for my $key (grep { /^(?:names|caps|payers) / } keys %{$self->{all}}) {
        my ($whole, $bytes, $broken) = @{$self->{all}{$key}};
        my $sent = sum($tables, $key, 'sent');

        $had += $bytes;
        $missing += $bytes - $sent if $bytes > $sent;
        push @more, "$key: $sent of $bytes"
            if $sent > $bytes + 1400 * $broken;
    }

    diag(sprintf '%d bytes, %d not counted by %d workers that were killed',
         $had, $missing, $kills);
    cmp_ok($missing, '<=', 2 * 1400 * $kills, 'all that clients had');
    is("@more", '', 'and no more');
}


# ---- caps

sub caps {
    my ($self, $tables) = @_;

    my (@passed, %reached, %n);
    my ($over, $allowed) = (0, 0);

    for my $at (0 .. $self->{last}) {
        my $payer = $self->{tokens}->did("payer-$at");

        for ([ "caps c$at", 'sent', $cap, 1 ],
             [ "payers $payer", 'requests', $limit, 0 ])
        {
            my ($key, $column, $most, $by) = @$_;
            my $had = ($self->{all}{$key} // [ 0, 0, 0 ])->[$by];
            my $used = sum($tables, $key, $column);
            my $more = $self->more($tables, $at, $key, $column);

            $used = $had if $had > $used;
            $n{$column}++;
            $reached{$column}++ if $used >= $nearly * $most;
            push @passed, "$key: $used of $most and $more, clients $had, nodes "
                . join ' ', map { $_->{$key}{$column} // 0 } @$tables
                if $used > $most + $more;

            next if $column ne 'sent';
            $allowed = $more if $more > $allowed;
            $over = $used - $most if $used - $most > $over;
        }
    }

    diag(sprintf 'caps: %d, %d used to 97 %%; limits: %d, %d used to 97 %%',
         map { $_ // 0 } map { ($n{$_}, $reached{$_}) } qw(sent requests));
    diag(sprintf 'over by %d bytes of %d at most, where %d were allowed: what '
         . 'a node had used that was away when Redis lost its data', $over,
         $cap, $allowed);
    is(join("\n", @passed), '', 'no cap and no limit is passed');
    cmp_ok($reached{sent} // 0, '>', 0, 'some are reached');
}


# What nodes had used of a round's key that were away when Redis lost its data
# or in the seconds in which they were to say it again.

sub more {
    my ($self, $tables, $at, $key, $column) = @_;

    my $from = $self->{began} + $at * $round;
    my %nodes;

    for my $loss (@{$self->{losses}}) {
        next if $loss->{to} < $from || $loss->{from} > $from + $round + 1;

        for my $away (@{$self->{away}}) {
            $nodes{$away->{n}} = 1 if $away->{from} < $loss->{to} + $again
                                      && $away->{to} + 1 > $loss->{from};
        }
    }

    my $sum = 0;
    $sum += $tables->[$_ - 1]{$key}{$column} // 0 for keys %nodes;

    return $sum;
}


# Who is killed has forgotten what of its burst was used.

sub rates {
    my ($self) = @_;

    my $starts = $self->{kills}{gateway} // 0;
    my $passed = $self->{all}{'rates all'}[0];
    my $most = $rate / 60 * slurp("$self->{dir}/rate")
             + ($burst + $self->{nodes}) * (1 + $starts / $self->{nodes});

    diag(sprintf 'rate: %d of %d passed', $passed, $most);
    cmp_ok($passed, '<=', $most, 'the rate is that of all');
}


# ---- logs

my @allowed = (
    qr/ \[(?:notice|info|debug)\] /,
    qr/ exited on signal 9/,

    # Redis, as nodes see it
    qr/ wgw fleet: "[^"]+": [^"]+, trying again/,
    qr/ wgw fleet: connected with "/,

    # refused
    qr/ \[error\] .* transfer cut at the cap of \d+ bytes/,
    qr/ \[error\] .* request refused, over the cap of \d+ bytes/,
    qr/ \[error\] .* limiting requests, .* by zone "rates"/,

    # the first start
    qr/ wgw journal "\.\/journal" is not there yet: a new epoch begins/,

    # who was killed leaves its last record half written
    qr/ wgw journal .* its last record was not whole, and is left out/,
);

sub logs {
    my ($self) = @_;

    my @dirs = map { $_->dir() } @{$self->{gw}};

    Wgw::Chaos::Ledger::none('nothing unexpected in the logs',
                             Wgw::Chaos::Errors::strange(\@dirs, @allowed));
}


1;
