package Wgw::Postgres;

# A PostgreSQL of a test, in a folder of its own, reached by a unix socket;
# root's runs as an unprivileged user, as it refuses root.  WGW_POSTGRES is a
# folder of versions in place of Debian's.

use warnings;
use strict;

use base 'Exporter';
our @EXPORT_OK = qw(postgres);

use File::Temp 'tempdir';
use POSIX ();

use Wgw ();


my $owner = $$;
my @all;


# postgres(): initialized and started; undef: there is none here

sub postgres {
    my (%option) = @_;

    my $versions = $ENV{WGW_POSTGRES} // '/usr/lib/postgresql';
    my ($bin) = reverse sort { version($a) <=> version($b) }
        glob "$versions/*/bin";

    return if !defined $bin || !-x "$bin/initdb";

    my $self = bless {
        bin => $bin, option => \%option,
        dir => tempdir('wgw-pg-XXXXXX', DIR => '/tmp', CLEANUP => 1),
    }, __PACKAGE__;

    push @all, $self;

    if ($> == 0) {
        my $name = defined getpwnam 'postgres' ? 'postgres' : 'nobody';

        @$self{qw(uid gid)} = (getpwnam $name)[2, 3];
        chown $self->{uid}, $self->{gid}, $self->{dir} or die "chown: $!";
    }

    chmod 0755, $self->{dir};

    $self->run("$bin/initdb", '-D', "$self->{dir}/data", '-U', 'wgw', '-N',
               '-A', 'trust', '-E', 'UTF8', '--locale=C') == 0
        or die "initdb: " . Wgw::slurp("$self->{dir}/output");

    $self->start();

    return $self;
}


sub version { return $_[0] =~ m{/(\d+)/bin} ? $1 : 0 }


# As that user: the exit code, or, with `background`, the pid.

sub run {
    my ($self, @command) = @_;

    my $pid = $self->background(@command);

    waitpid $pid, 0;

    return $?;
}


sub background {
    my ($self, @command) = @_;

    my $pid = fork;
    die "fork: $!" if !defined $pid;

    if (!$pid) {
        open STDOUT, '>>', "$self->{dir}/output";
        open STDERR, '>&', \*STDOUT;
        chdir $self->{dir};

        if (defined $self->{uid}) {
            $) = "$self->{gid} $self->{gid}";
            $( = $self->{gid};
            ($<, $>) = ($self->{uid}) x 2;
        }

        exec { $command[0] } @command or POSIX::_exit(127);
    }

    return $pid;
}


sub start {
    my ($self) = @_;

    $self->{pid} = $self->background(
        "$self->{bin}/postgres", '-D', "$self->{dir}/data", '-h', '',
        '-k', $self->{dir}, '-c', 'shared_buffers=16MB', '-c',
        'max_connections=30', '-c', 'autovacuum=off', '-c', 'jit=off', '-c',
        'max_wal_size=256MB', '-c', 'unix_socket_permissions=0777',
        $self->{option}{sync} ? () : ('-F'));

    Wgw::wait_for(sub { $self->sql('SELECT 1') eq '1' }, 60)
        or die "postgres: " . Wgw::slurp("$self->{dir}/output");

    return $self;
}


sub info { return "host=$_[0]{dir} user=wgw dbname=postgres" }
sub pid { return $_[0]{pid} }
sub dir { return $_[0]{dir} }


# What psql prints of a query: rows in lines, columns between bars.

sub sql {
    my ($self, $sql) = @_;

    my $pid = open my $pipe, '-|';
    die "fork: $!" if !defined $pid;

    if (!$pid) {
        open STDERR, '>>', "$self->{dir}/output";
        exec 'psql', '-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1',
            '-d', $self->info(), '-c', $sql or POSIX::_exit(127);
    }

    my $out = do { local $/; <$pipe> } // '';
    close $pipe;
    chomp $out;

    return $out;
}


# All of it, at once, with signal 9.

sub kill {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;

    Wgw::kill_all($pid);
}


sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;

    CORE::kill 'INT', $pid;
    waitpid $pid, 0;
}


END {
    my $status = $?;

    if ($$ == $owner) {
        $_->kill() for grep { $_->{pid} } @all;
    }

    $? = $status;
}


1;
