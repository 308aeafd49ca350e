package Wgw::Chaos;

# make chaos: a gateway under load of many kinds while it is reloaded,
# upgraded and killed, in part and whole; then what it counted is compared
# with what the clients did, to the byte.
#
#     my $run = Wgw::Chaos->new(seconds => 300, actors => [ 'http', 'slow' ]);
#     $run->play();
#
# An actor is a package in t/lib/Wgw/Chaos, named as in CHAOS="http slow": what
# it needs in the configuration, its clients, each a process, what it does to
# the gateway, and what it looks at in the end (Wgw::Chaos::Actor).  The time
# goes by in turns of storm, in which processes are killed, and lull, in which
# who is slow may end; in the last fifth, the calm, the gateway is left alone
# but for its clients, and what its workers take is looked at.

use warnings;
use strict;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Bytes ();
use Wgw::Chaos::Ledger;


# in this order their parts stand in the configuration
our @All = qw(disk kills http http2 websocket tcp slow loris hostile oversize
              clock full names backends claims signin router errors worn);

# seconds of each storm and each lull
our ($Storm, $Lull) = (12, 18);


sub new {
    my ($class, %option) = @_;

    my $self = bless {
        seconds => $option{seconds}, kills => [ ], pids => { },
    }, $class;

    $self->{gw} = Wgw->new('events { }');
    $self->{ledger} = Wgw::Chaos::Ledger->new($self);

    # who is always there: what it says of the log and of the processes
    $self->cast(@{$option{actors}}, 'errors', 'worn');
    $self->configure();

    return $self;
}


# Who plays: these, and whom they need.

sub cast {
    my ($self, @names) = @_;

    my %cast;

    while (defined(my $name = shift @names)) {
        next if $cast{$name};

        die "no such actor: $name\n" if !grep { $_ eq $name } @All;

        my $package = 'Wgw::Chaos::' . ucfirst $name;

        eval "require $package; 1" or die $@;
        $cast{$name} = $package->new($self, $name);
        push @names, $cast{$name}->needs();
    }

    $self->{actors} = [ map { $cast{$_} // () } @All ];
}


sub gw { return $_[0]{gw} }
sub dir { return $_[0]{gw}->dir() }
sub port { return $_[0]{gw}->port($_[1]) }
sub ledger { return $_[0]{ledger} }
sub actors { return @{$_[0]{actors}} }


sub actor {
    my ($self, $name) = @_;

    return (grep { $_->name() eq $name } $self->actors())[0];
}


# The configuration as the actors want it now; a reload or start uses it.

sub configure {
    my ($self) = @_;

    my $part = sub {
        my ($name) = @_;
        return join '', map { $_->$name() } $self->actors();
    };

    $self->{gw}->configure(<<"EOT");
worker_processes 2;
wgw_meter_zone names file=names.wgw keys=500000;
pid logs/nginx.pid;

# who is upgraded has the clock of before
env LD_PRELOAD;
env WGW_CLOCK;

@{[ $part->('main') ]}

events { worker_connections 1000; }

http {
    access_log off;
    client_body_buffer_size 16k;
    proxy_http_version 1.1;
    keepalive_requests 1000000;
    map_hash_bucket_size 128;

@{[ $part->('http') ]}

    server {
        listen 127.0.0.1:%%BACK%%;
        root html;
        location = / { return 200 "ok"; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
@{[ $part->('admin') ]}
    }
}

stream {
@{[ $part->('stream') ]}
}
EOT
}


sub play {
    my ($self) = @_;

    my $gw = $self->{gw};
    my $dir = $self->dir();

    mkdir "$dir/html";
    chmod 0755, "$dir/html";
    $self->file('file', 100_000);
    $self->file('mib', 1048576);

    $_->before() for $self->actors();
    $gw->start(daemon => 1);
    $self->{end} = time + $self->{seconds};
    $_->after() for $self->actors();

    $self->employ();
    $self->act();

    my @fell = grep { waitpid($_, 0); $? } keys %{$self->{pids}};

    $_->calmed() for $self->actors();
    sleep 1.5;

    $self->quit();
    $gw->start(daemon => 1);
    $self->{ledger}->load();
    Wgw::Chaos::Ledger::none('all clients end well',
                             map { $self->{pids}{$_} } @fell);
    $self->performed();
    $_->compare() for $self->actors();
    $self->{ledger}->compare();
    $gw->stop('QUIT');
}


# Whether each actor did what it is there for, and how often.

sub performed {
    my ($self) = @_;

    my $done = $self->{ledger}{done};
    my @idle;

    for my $actor ($self->actors()) {
        my $name = $actor->name();
        my @does = map { "$name: $_" } $actor->does() or next;
        my @not = grep { !$done->{$_} } @does;

        push @idle, @not if $self->{seconds} >= 120 || @not == @does;
        diag("$name: ", join ', ', map { $done->{$_} . s/^\w+://r }
                                   grep { /^$name:/ } sort keys %$done);
    }

    Wgw::Chaos::Ledger::none('each actor did what it is there for', @idle);
}


sub file {
    my ($self, $name, $size) = @_;

    spew($self->dir() . "/html/$name", 'f' x $size);
}


# A peer to be proxied to, for all who need one.

sub peer {
    my ($self) = @_;

    Wgw::Bytes::peer($self->port('PEER'), $self->dir())
        if !$self->{peer}++;
}


# ---- time

sub over { return time >= $_[0]{end} }


# Whether it is the calm, and only so much of it is left, of 1.

sub calm {
    my ($self, $left) = @_;

    return time >= $self->{end} - $self->{seconds} / 5 * ($left // 1);
}


sub storm {
    my ($self) = @_;

    my $at = time - ($self->{end} - $self->{seconds});

    return $at - int($at / ($Storm + $Lull)) * ($Storm + $Lull) < $Storm;
}


# killed(CODE): does that, and remembers when

sub killed {
    my ($self, $code) = @_;

    my $from = time;

    $code->();
    push @{$self->{kills}}, [ $from, time ];
}


# ---- clients

sub employ {
    my ($self) = @_;

    for my $actor ($self->actors()) {
        my %clients = $actor->clients();

        for my $name (sort keys %clients) {
            my $pid = fork;
            die "fork: $!" if !defined $pid;

            if ($pid) {
                $self->{pids}{$pid} = $name;
                next;
            }

            $self->work($actor, $name, $clients{$name});
            POSIX::_exit(0);
        }
    }
}


# Until the time is over; CODE returns after each of what it does.

sub work {
    my ($self, $actor, $name, $code) = @_;

    my $seed = 0;
    $seed = ($seed * 31 + ord) % 65536 for split //, $name;

    srand($seed + int rand 1e6);
    $SIG{ALRM} = 'DEFAULT';
    $SIG{PIPE} = 'IGNORE';
    alarm $self->{seconds} + 120;

    $self->{ledger}->begin($name, $actor->name());

    my $state = { name => $name };

    while (!$self->over()) {
        next if eval { $code->($state); 1 };

        # a gateway that was killed: the state is that of a new client
        my $keep = $state->{keep};

        $self->{ledger}->fault($name, $@);
        $state = { name => $name, keep => $keep };
        sleep 0.02;
    }

    # what is left open is told how it ends
    eval { $state->{end}->() if $state->{end}; 1 }
        or $self->{ledger}->fault($name, $@);

    $self->{ledger}->finish();
}


# ---- what happens to the gateway

sub act {
    my ($self) = @_;

    while (!$self->over()) {
        sleep 0.5 + rand 2;

        next if $self->calm();

        my @acts = map {
            my $actor = $_;
            map { [ $actor, @$_ ] } $actor->acts($self->storm());
        } $self->actors();

        # chance alone would leave one out now and then
        my @new = grep { !$self->{ledger}{done}{$_->[0]->name() . ": $_->[1]"} }
                  @acts;

        @acts = @new if @new && rand() < 0.5;

        my $act = $acts[rand @acts] or next;
        my ($actor, $name, $code) = @$act;

        $actor->did($name);
        $code->();
    }
}


# What is open yet ends well, by the last of the signals.

sub quit {
    my ($self) = @_;

    my $gw = $self->{gw};
    my $last = delete $gw->{pid};

    kill 'QUIT', $last;
    ok(wait_for(sub { !alive($last) }, 60), 'the gateway quits');
}


1;
