package Wgw::Grid;

# wgw-grid alone, with what it is told on its command line.
#
#     my $grid = Wgw::Grid->new('--farm', 5, ...);    # and --state of its own
#     $grid->start(); $grid->kill(); $grid->stop();
#     $grid->told();                                  # what it said
#     my $status = $grid->status();                   # `status --json`
#     $grid->sql('update ...');                       # in its state
#
# $Words are t/vectors/tf/keys.json's "substrate_dev".

use warnings;
use strict;

use File::Temp 'tempdir';
use IPC::Open3;
use POSIX ();

use Wgw;


our $Words = 'bottom drive obey lake curtain smoke basket hold race lonely '
    . 'fit walk';
our $Sr25519 = pack 'H*', '46ebddef8cd9bb167dc30878d7113b7e'
    . '168e6f0646beffd77d69d39bad76b47a';
our $Ed25519 = pack 'H*', '345071da55e5dccefaaa440339415ef9'
    . 'f2663338a38f7da0df21be5ab4e055ef';

# which is built once, whatever nginx is
our ($Program) = grep { -x }
    map { "$_/bin/wgw-grid" } $ENV{WGW_BUILD} || 'build', 'build';

# of a gateway's configuration: what wgw-grid asks
our $Admin = <<'EOF';
server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
        location /v1/usage { wgw_usage json; }
        location = /v1/grid { wgw_grid_status; }
    }
EOF

chomp $Admin;

my $owner = $$;
my @grids;


sub new {
    my ($class, @options) = @_;

    my $dir = tempdir(DIR => $ENV{WGW_TEST_ROOT} || '/tmp', CLEANUP => 1);
    my $self = bless { dir => $dir, options => \@options }, $class;

    $self->words("$Words\n");
    push @grids, $self;

    return $self;
}


sub dir { return $_[0]{dir} }
sub told { return slurp("$_[0]{dir}/told") }


sub words {
    my ($self, $words) = @_;

    spew("$self->{dir}/words", $words);
    chmod 0600, "$self->{dir}/words";

    return;
}


sub arguments {
    my ($self, @more) = @_;

    return ('--mnemonic-file', "$self->{dir}/words", '--state',
            "$self->{dir}/state", @{$self->{options}}, @more);
}


# It runs until stop() or kill(); what it says is added to what it said.

sub start {
    my ($self) = @_;

    $self->{pid} = fork // die "fork: $!";

    if ($self->{pid} == 0) {
        $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);
        open STDERR, '>>', "$self->{dir}/told" or POSIX::_exit(126);
        exec $Program, $self->arguments() or POSIX::_exit(127);
    }

    return $self->{pid};
}


# The same, until it says who it is: only what it says now is told() then.

sub started {
    my ($self) = @_;

    unlink "$self->{dir}/told";
    $self->start();

    return wait_for(sub { $self->told() =~ /wgw-grid [\d.]+: account/ });
}


sub end {
    my ($self, $signal) = @_;

    return if !$self->{pid};

    CORE::kill $signal, $self->{pid};
    waitpid delete $self->{pid}, 0;

    return $?;
}


sub stop { return $_[0]->end('TERM') }
sub kill { return $_[0]->end('KILL') }


# A start that is to end by itself: (exit code, what it said)

sub run {
    my ($self, @more) = @_;

    return run_program($self->arguments(@more));
}


sub run_program {
    my (@arguments) = @_;

    my $pid = open3(my $in, my $out, undef, 'timeout', 20, $Program,
                    @arguments);

    close $in;

    my $said = do { local $/; <$out> } // '';

    waitpid $pid, 0;

    return ($? >> 8, $said);
}


sub status {
    my ($self) = @_;

    my ($code, $said) = run_program('status', '--json', '--state',
                                    "$self->{dir}/state");

    return $code ? undef : json($said);
}


sub bills {
    my ($self, @more) = @_;

    my ($code, $said) = run_program('bills', '--json', '--state',
                                    "$self->{dir}/state", @more);

    return $code ? undef : json($said)->{bills};
}


sub sql {
    my ($self, $sql) = @_;

    open my $sqlite, '-|', 'sqlite3', '-cmd', '.timeout 5000',
        "$self->{dir}/state/grid.db", $sql or die "sqlite3: $!";
    my @rows = <$sqlite>;

    close $sqlite;
    chomp @rows;

    return wantarray ? @rows : $rows[0];
}


END {
    my $status = $?;

    if ($$ == $owner) {
        $_->kill() for @grids;
    }

    $? = $status;
}


1;
