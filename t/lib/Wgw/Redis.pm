package Wgw::Redis;

# redis-server of a test, on a free port of loopback, in a folder of its own;
# a proxy before it that loses replies or cuts connections; and what a client
# of it needs. None is left when the test ends.

use warnings;
use strict;

use base 'Exporter';
our @EXPORT_OK = qw(cluster move_slot proxy redis);

use File::Temp 'tempdir';
use IO::Select;
use IO::Socket::IP;
use POSIX ();
use Time::HiRes qw(sleep time);

use Wgw ();


my $owner = $$;
my @all;


# redis(OPTION => VALUE ...): of redis.conf; `port` is given.

sub redis {
    my (%option) = @_;

    # by itself it takes the port 10,000 above, which may be anybody's
    $option{'cluster-port'} = Wgw::free_port() if $option{'cluster-enabled'};

    my $self = bless {
        dir => tempdir('wgw-redis-XXXXXX', DIR => '/tmp', CLEANUP => 1),
        port => delete $option{at} // Wgw::free_port(), option => \%option,
    }, __PACKAGE__;

    push @all, $self;
    $self->start();

    return $self;
}


# cluster(): three servers that are to be one; it takes them a while.

sub cluster {
    my @servers = map { redis('cluster-enabled' => 'yes',
                              'cluster-node-timeout' => 2000) } 1 .. 3;

    system('redis-cli --cluster create '
           . join(' ', map { "127.0.0.1:$_->{port}" } @servers)
           . ' --cluster-yes > /dev/null') == 0 or die 'redis-cli --cluster';

    return @servers;
}


# move_slot(SERVERS, SLOT, FROM, MEANWHILE): to the server after that one.
# MEANWHILE(KEYS) is called when its keys, so many, are there and the slot is
# not.  Which one has it then.

sub move_slot {
    my ($servers, $slot, $from, $meanwhile) = @_;

    my $to = ($from + 1) % 3;
    my ($old, $new, $third) = @$servers[$from, $to, 3 - $from - $to];
    my @id = map { $_->cli('CLUSTER', 'MYID') } $old, $new;

    $new->cli('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $id[0]);
    $old->cli('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $id[1]);

    my @keys = split /\n/, $old->cli('CLUSTER', 'GETKEYSINSLOT', $slot, 10);

    $old->cli('MIGRATE', '127.0.0.1', $new->port(), '', 0, 5000, 'KEYS',
              @keys);
    $meanwhile->(scalar @keys);

    $_->cli('CLUSTER', 'SETSLOT', $slot, 'NODE', $id[1])
        for $new, $old, $third;

    return $new;
}


# A Sentinel of its own mind, of a master that it calls "shop", which may have a
# password.

sub sentinel {
    my ($master, $password) = @_;

    my $self = bless {
        dir => tempdir('wgw-redis-XXXXXX', DIR => '/tmp', CLEANUP => 1),
        port => Wgw::free_port(), sentinel => 1,
    }, __PACKAGE__;

    push @all, $self;

    my @lines = ("monitor shop 127.0.0.1 $master 1",
                 'down-after-milliseconds shop 1000',
                 'failover-timeout shop 3000',
                 defined $password ? "auth-pass shop $password" : ());

    $self->{text} = join '', map { "sentinel $_\n" } @lines;
    $self->start();

    return $self;
}


sub port { return $_[0]{port} }
sub dir { return $_[0]{dir} }
sub pid { return $_[0]{pid} }


sub start {
    my ($self, %more) = @_;

    my %option = (port => $self->{port}, bind => '127.0.0.1', save => '""',
                  appendonly => 'no', dir => $self->{dir},
                  logfile => "$self->{dir}/log", %{$self->{option} // { }}, %more);

    delete @option{qw(save appendonly)} if $self->{sentinel};

    Wgw::spew("$self->{dir}/redis.conf",
              join('', map { "$_ $option{$_}\n" } sort keys %option)
              . ($self->{text} // ''));

    defined($self->{pid} = fork) or die "fork: $!";

    if ($self->{pid} == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec('redis-server', "$self->{dir}/redis.conf",
             $self->{sentinel} ? '--sentinel' : ()) or POSIX::_exit(1);
    }

    Wgw::wait_for(sub {
        my $up = IO::Socket::IP->new(PeerHost => '127.0.0.1',
                                     PeerPort => $self->{port});
        return $up ? 1 : 0;
    }) or die "redis-server: " . Wgw::slurp("$self->{dir}/log");

    return $self;
}


# master(ANOTHER): it is that one's replica from now on, or nobody's.

sub master {
    my ($self, $master) = @_;

    my $of = $master ? '127.0.0.1 ' . $master->port() : 'no one';

    delete $self->{option}{replicaof};
    $self->{option}{replicaof} = $of if $master;
    $self->cli('REPLICAOF', split ' ', $of) if $self->{pid};
}


sub signal {
    my ($self, $signal) = @_;

    kill $signal, $self->{pid} if $self->{pid};
}


sub stop {
    my ($self, $signal) = @_;

    my $pid = delete $self->{pid} or return;

    kill 'CONT', $pid;
    kill $signal // 'KILL', $pid;
    waitpid $pid, 0;
}


# cli(COMMAND ...): what redis-cli prints, without the newline.

sub cli {
    my ($self, @command) = @_;

    open my $pipe, '-|', 'redis-cli', '-p', $self->{port},
        @{$self->{cli} // []}, @command or die "redis-cli: $!";
    my $out = do { local $/; <$pipe> } // '';
    close $pipe;

    chomp $out;
    return $out;
}


# ---- a proxy; set(loss => 0.05) loses one reply of twenty, after which the
# connection says nothing more; set(cut => 1) is a partition; set(to => PORT)
# is where connections go from then on.

sub proxy {
    my ($to) = @_;

    my $self = bless {
        port => Wgw::free_port(),
        dir => tempdir('wgw-proxy-XXXXXX', DIR => '/tmp', CLEANUP => 1),
    }, __PACKAGE__;

    my $listen = IO::Socket::IP->new(
        LocalHost => '127.0.0.1', LocalPort => $self->{port}, Listen => 100,
        ReuseAddr => 1) or die "listen: $!";

    defined($self->{pid} = fork) or die "fork: $!";

    if ($self->{pid} == 0) {
        $SIG{TERM} = 'DEFAULT';
        pass($listen, $to, "$self->{dir}/mode");
        POSIX::_exit(0);
    }

    push @all, $self;

    return $self;
}


sub set {
    my ($self, %mode) = @_;

    Wgw::spew("$self->{dir}/new", join ' ', %mode);
    rename "$self->{dir}/new", "$self->{dir}/mode";

    # it looks ten times a second
    sleep 0.15;
}


sub pass {
    my ($listen, $to, $file) = @_;

    my $select = IO::Select->new($listen);
    my (%peer, %client, %mute, %mode);
    my $looked = 0;

    $SIG{PIPE} = 'IGNORE';
    srand;

    for (;;) {
        if (time > $looked + 0.1) {
            %mode = split ' ', Wgw::slurp($file);
            $looked = time;
        }

        for my $from ($select->can_read(0.05)) {
            if ($from == $listen) {
                my $one = $listen->accept() or next;
                my $other = $mode{cut} ? undef : IO::Socket::IP->new(
                    PeerHost => '127.0.0.1', PeerPort => $mode{to} // $to);

                if (!$other) {
                    close $one;
                    next;
                }

                @peer{$one, $other} = ($other, $one);
                $client{$one} = 1;
                $select->add($one, $other);
                next;
            }

            my $peer = $peer{$from} or next;

            if (!sysread $from, my $data, 65536) {
                $select->remove($from, $peer);
                delete @peer{$from, $peer};
                close $from;
                close $peer;

            } elsif ($mode{cut} || $mute{$from}) {
                next;

            } elsif (!$client{$from} && rand() < ($mode{loss} // 0)) {
                $mute{$from} = 1;

            } else {
                syswrite $peer, $data;
            }
        }
    }
}


END {
    if ($$ == $owner) {
        my $status = $?;

        $_->stop() for @all;
        $? = $status;
    }
}

1;
