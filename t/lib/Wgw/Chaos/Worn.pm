package Wgw::Chaos::Worn;

# What the processes take: the master, which has gone through all the reloads,
# and the workers, in the calm, from its beginning to its end.  Descriptors are
# those of the start once nobody is connected.  No process is left of those that
# were killed, drained or replaced, as a zombie or at work.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Test::More;
use Time::HiRes qw(sleep);

use Wgw;

# KB of memory of its own that a process may have taken on: allocators keep
# what was needed at once
my $more = 12 * 1024;

# stores that were opened at the first use, and threads' pipes
my $descriptors = 12;


# Of all workers, in a row: the most, of both.

sub taken {
    my (@pids) = @_;

    my %taken = (memory => 0, descriptors => 0);

    for my $pid (@pids) {
        my ($memory) = slurp("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m;
        my $fds = () = glob "/proc/$pid/fd/*";

        $taken{memory} = $memory if ($memory // 0) > $taken{memory};
        $taken{descriptors} = $fds if $fds > $taken{descriptors};
    }

    return \%taken;
}


sub after {
    my ($self) = @_;

    sleep 0.5;
    $self->{master} = taken($self->run->gw->pid());
    $self->{start} = taken($self->run->gw->workers());
}


sub does { return () }


# A client that looks when the calm is a quarter over.

sub clients { my ($self) = @_; return (worn => sub { $self->look(@_) }) }


sub look {
    my ($self, $state) = @_;

    my $run = $self->run;

    if (!$state->{looked} && $run->calm(0.75)) {
        my ($pid) = slurp($run->dir() . '/logs/nginx.pid') =~ /(\d+)/;
        my $taken = taken(children($pid));

        spew($run->dir() . '/worn', "$taken->{memory} "
             . join ' ', children($pid));
        $state->{looked} = 1;
    }

    sleep 0.2;
}


sub calmed {
    my ($self) = @_;

    my $gw = $self->run->gw;

    # until connections that clients had are seen closed
    wait_for(sub {
        return taken($gw->workers())->{descriptors}
               <= $self->{start}{descriptors} + $descriptors;
    }, 15);

    # and those who served them are gone
    wait_for(sub { $self->{left} = [ $self->left() ]; !@{$self->{left}} }, 15);

    $self->{end} = taken($gw->workers());
    $self->{pids} = [ $gw->workers() ];
    $self->{last} = taken($gw->pid());
}


# Who should not be there: nginx's processes with this error log open that are
# not the master or its children, and zombies of its.

sub left {
    my ($self) = @_;

    my $gw = $self->run->gw;
    my $log = $gw->dir() . '/logs/error.log';
    my %mine = map { $_ => 1 } $gw->pid(), $gw->workers();
    my @left;

    for my $proc (glob '/proc/[0-9]*') {
        my ($pid, $name, $state, $parent)
            = slurp("$proc/stat") =~ /^(\d+) \((.*)\) (\S) (\d+)/s or next;

        push @left, "$pid ($name) is a zombie"
            if $state eq 'Z' && $mine{$parent};
        push @left, "$pid ($name) is still there"
            if !$mine{$pid} && $name =~ /^nginx/
               && grep { (readlink // '') eq $log } glob "$proc/fd/*";
    }

    return @left;
}


sub compare {
    my ($self) = @_;

    Wgw::Chaos::Ledger::none('no process is left', @{$self->{left}});

    my ($early, @pids) = split ' ', slurp($self->run->dir() . '/worn');
    my ($start, $end) = @$self{'start', 'end'};

    my %early = map { $_ => 1 } @pids;

    Wgw::Chaos::Ledger::none('in the calm no worker was started',
                             grep { !$early{$_} } @{$self->{pids}});

    cmp_ok($end->{descriptors}, '<=', $start->{descriptors} + $descriptors,
           'descriptors of the workers are those of the start');
    cmp_ok($end->{memory}, '<=', ($early // 0) + $more,
           'their memory is that of the calm');
    cmp_ok($self->{last}{descriptors}, '<=',
           $self->{master}{descriptors} + $descriptors,
           'descriptors of the master');
    cmp_ok($self->{last}{memory}, '<=', $self->{master}{memory} + $more,
           'and its memory');

    diag(sprintf 'worker: %d then %d descriptors, %d then %d KB; '
                 . 'master: %d then %d descriptors, %d then %d KB',
         $start->{descriptors}, $end->{descriptors}, $early // 0,
         $end->{memory},
         map { ($self->{master}{$_}, $self->{last}{$_}) }
             qw(descriptors memory));
}


1;
