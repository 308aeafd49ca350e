package Wgw::Machine;

# A Debian with systemd, booted in a root and namespaces of its own by
# tools/root.sh, with nothing but loopback for a network, on which it has the
# addresses 192.0.2.1 and 2001:db8::1 (the machine's) and 192.0.2.10 (somebody
# else's).
#
#     my $machine = Wgw::Machine->new('bookworm', "$roots/x", $below);
#     $machine->boot();
#     my $output = $machine->sh('systemctl is-active wgw');
#     my ($status, $output) = $machine->try('...');
#     my $output = $machine->ok('...');           # or die
#     $machine->off();
#
# Its files are seen, and may be written before the boot, below up().

use warnings;
use strict;

use File::Path qw(make_path remove_tree);
use POSIX ();

use Wgw;


# why there can be none here, or nothing

sub impossible {
    return 'only root boots a machine' if $> != 0;

    for my $program (qw(debootstrap systemd-nspawn nsenter dpkg-scanpackages)) {
        return "there is no $program"
            if system("command -v $program > /dev/null") != 0;
    }

    return;
}


sub new {
    my ($class, $dir, $below) = @_;

    my $self = bless { dir => $dir }, $class;

    $self->empty();
    system('tools/root.sh', 'layer', $below, $dir) == 0 or die "no $dir";

    return $self;
}


sub up { return $_[0]{dir} . '/up' }


sub empty {
    my ($self) = @_;

    remove_tree(map { "$self->{dir}/$_" } qw(up work below console));
}


sub boot {
    my ($self) = @_;

    my $pid = fork // die "fork: $!";

    if (!$pid) {
        exec 'tools/root.sh', 'boot', $self->{dir} or POSIX::_exit(127);
    }

    $self->{pid} = $pid;
    wait_for(sub { $self->{first} = first($pid); $self->{first}
                   || !alive($pid) }, 60);
    die 'no boot: ' . slurp("$self->{dir}/console") if !$self->{first};

    wait_for(sub { $self->sh('systemctl is-system-running')
                   =~ /running|degraded/ }, 120);

    $self->ok('ip link set lo up && for a in 192.0.2.1 192.0.2.10'
              . ' 2001:db8::1; do ip addr add $a dev lo; done');
}


# the systemd below a systemd-nspawn, which may be below what waits for it

sub first {
    my ($pid) = @_;

    for my $child (children($pid)) {
        my $name = slurp("/proc/$child/comm");

        return $child if $name eq "systemd\n";

        my $found = first($child);
        return $found if $found;
    }

    return;
}


# the exit status of a shell there, and what it printed

sub try {
    my ($self, $command) = @_;

    open my $in, '-|', 'nsenter', '-t', $self->{first}, '-m', '-n', '-p', '-u',
        '-i', '-r', '-w', 'env', '-i', 'HOME=/root', 'LC_ALL=C.UTF-8',
        'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'DEBIAN_FRONTEND=noninteractive',
        'bash', '-c', "{ $command\n} 2>&1 < /dev/null" or die "nsenter: $!";

    my $output = do { local $/; <$in> } // '';
    close $in;

    return ($? >> 8, $output);
}


sub sh {
    my ($self, $command) = @_;

    return ($self->try($command))[1];
}


sub ok {
    my ($self, $command) = @_;

    my ($status, $output) = $self->try($command);
    die "$command: $status\n$output" if $status;

    return $output;
}


# what a program of ours prints, in the machine's network

sub near {
    my ($self, @command) = @_;

    open my $in, '-|', 'nsenter', '-t', $self->{first}, '-n', @command
        or die "nsenter: $!";

    my $output = do { local $/; <$in> } // '';
    close $in or die "@command: $?";

    return $output;
}


# The same in the background, until kill and waitpid.

sub start_near {
    my ($self, $log, @command) = @_;

    my $pid = fork // die "fork: $!";

    if (!$pid) {
        open STDOUT, '>', $log or POSIX::_exit(1);
        open STDERR, '>&', \*STDOUT;
        { exec 'nsenter', '-t', $self->{first}, '-n', @command }
        POSIX::_exit(127);
    }

    return $pid;
}


# a process of its own; waitpid for it

sub start {
    my ($self, $command, $log) = @_;

    my $pid = fork // die "fork: $!";

    if (!$pid) {
        my ($status, $output) = $self->try($command);
        spew($log, $output);
        POSIX::_exit($status);
    }

    return $pid;
}


sub off {
    my ($self) = @_;

    if ($self->{pid}) {
        kill 'KILL', $self->{first} if $self->{first};
        waitpid $self->{pid}, 0;
        delete @$self{qw(pid first)};
    }
}


# and what it was is gone

sub DESTROY {
    my ($self) = @_;

    local ($?, $@, $!);

    $self->off();
    $self->empty() if !$ENV{LEAVE};
}


1;
