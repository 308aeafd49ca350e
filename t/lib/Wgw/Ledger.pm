package Wgw::Ledger;

# wgw-ledger with a database of the test's own.

use warnings;
use strict;

use base 'Exporter';
our @EXPORT_OK = qw(ledger_program);

use POSIX ();

use Wgw ();


my $build = $ENV{WGW_BUILD} || 'build';


# It is not of an nginx, and built once; with sanitizers besides.

sub ledger_program {
    return -x "$build/bin/wgw-ledger" ? "$build/bin/wgw-ledger"
                                      : 'build/bin/wgw-ledger';
}


# new(Wgw::Postgres, OPTION ...): options of every call

sub new {
    my ($class, $db, @options) = @_;

    return bless { db => $db, options => \@options }, $class;
}


# run(ARGUMENT ...): the exit code; what it printed is in `out` and `err`.

sub run {
    my ($self, @arguments) = @_;

    my $dir = $self->{db}->dir();
    my $pid = $self->start_to("$dir/out", "$dir/err", @arguments);

    waitpid $pid, 0;

    @$self{qw(out err)} = map { Wgw::slurp("$dir/$_") } qw(out err);

    return $? & 127 ? 128 + ($? & 127) : $? >> 8;
}


# start(ARGUMENT ...): its pid

sub start {
    my ($self, @arguments) = @_;

    my $dir = $self->{db}->dir();

    return $self->start_to("$dir/daemon", "$dir/daemon", @arguments);
}


sub start_to {
    my ($self, $out, $err, @arguments) = @_;

    my $pid = fork;
    die "fork: $!" if !defined $pid;

    if (!$pid) {
        open STDOUT, '>>', $out if $out eq $err;
        open STDOUT, '>', $out if $out ne $err;
        open STDERR, $out eq $err ? '>>' : '>', $err;

        exec ledger_program(), '--database', $self->{db}->info(),
            @{$self->{options}}, @arguments or POSIX::_exit(127);
    }

    return $pid;
}


# The sum of a column of a table, of a key.

sub sum {
    my ($self, $key, %option) = @_;

    my $column = $option{column} // 'sent';
    my $table = $option{table} // 'month';
    my $zone = $option{zone} // 'names';
    my $start = $option{start} ? "AND start = '$option{start}'" : '';

    return $self->{db}->sql(
        "SELECT coalesce(sum($column), 0) FROM wgw.usage_$table "
        . "WHERE zone = '$zone' AND key = '$key' AND class = 0 $start");
}


# Of all keys of "names", by one query: [sent, received] of each.

sub sums {
    my ($self) = @_;

    return map { my ($key, @sums) = split /\|/; ($key => \@sums) }
        split /\n/, $self->{db}->sql(
            'SELECT key, sum(sent), sum(received) FROM wgw.usage_month '
            . "WHERE zone = 'names' AND class = 0 GROUP BY key");
}


# What there is to be looked at: "gap", "fork" ...

sub events {
    my ($self) = @_;

    return join ' ', split /\n/,
        $self->{db}->sql('SELECT what FROM wgw.event ORDER BY id');
}


1;
