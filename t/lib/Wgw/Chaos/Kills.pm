package Wgw::Chaos::Kills;

# Reloads, upgrades of the binary, signal 9 for a worker and for all of it.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Time::HiRes qw(sleep);

use Wgw;


sub before {
    my ($self) = @_;

    $self->run->gw->expect(qr/exited on signal 9/);
}


sub acts {
    my ($self, $storm) = @_;

    # a master does not start another one while its own is there

    my $drains = $self->{old} && alive($self->{old});

    return map { my $name = $_; [ $name => sub { $self->$name() } ] }
           qw(reload reload reload), $drains ? () : 'upgrade',
           $storm ? qw(worker worker all) : ();
}


sub does { return qw(reload upgrade worker all) }


sub reload { kill 'HUP', $_[0]->run->gw->pid() }


sub worker {
    my ($self) = @_;

    my @workers = $self->run->gw->workers() or return;

    $self->run->killed(sub { kill 'KILL', $workers[rand @workers] });
}


# All: a master that drains would, once it has ended, take the pid file of the
# one that is started here away.

sub all {
    my ($self) = @_;

    my $gw = $self->run->gw;

    $self->run->killed(sub {
        $gw->kill();
        kill_all(delete $self->{old}) if $self->{old};
    });

    wait_for(sub { !connect_to($gw->port('ADMIN')) });
    $gw->start(daemon => 1);
}


# Once the new master has its workers the old one is to quit; slow readers may
# hold it for a while, whose end is not waited for.

sub upgrade {
    my ($self) = @_;

    my $gw = $self->run->gw;
    my $old = $gw->pid();
    my $read = sub {
        return (slurp($gw->dir() . "/logs/$_[0]") =~ /(\d+)/)[0] // 0;
    };

    kill 'USR2', $old;

    my $new = wait_for(sub {
        my $pid = $read->('nginx.pid');
        return $pid != $old && $read->('nginx.pid.oldbin') && $pid;
    }, 20);

    if (!$new) {
        $self->run->ledger->{wrong}[0] = 'USR2: no second master';
        return;
    }

    wait_for(sub { children($new) >= 2 });
    sleep rand 1;

    kill 'QUIT', $old;
    $self->{old} = $old;
    wait_for(sub { !alive($old) }, 60);
    $gw->{pid} = $new;
}


sub allowed { return qr/ \[alert\] .* exited on signal 9/ }


1;
