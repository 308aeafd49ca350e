package Wgw::Journal;

# Journals of nodes that are not there: records as src/fleet/journal.h has
# them, in files as journal_file.h has those.

use warnings;
use strict;

use Digest::SHA 'sha256';
use File::Path 'make_path';


# new(DIR, NODE [, EPOCH])

sub new {
    my ($class, $dir, $node, $epoch) = @_;

    make_path($dir);

    my $self = bless {
        dir => $dir, node => $node, epoch => $epoch // 1_700_000_000_000,
        seq => 0, prev => "\0" x 32, time => 1_793_491_200, records => [ ],
    }, $class;

    return $self->file();
}


# Begins a file: what is added from now on is in it.

sub file {
    my ($self) = @_;

    $self->{path} = sprintf '%s/%020d-%020d.journal', $self->{dir},
        $self->{epoch}, $self->{seq} + 1;

    return $self->write("wgwjrnl\1");
}


sub epoch {
    my ($self, $epoch) = @_;

    @$self{qw(epoch seq prev)} = ($epoch, 0, "\0" x 32);

    return $self->file();
}


# add(ROW, ... [, { kind => N, from => T, to => T }]); a row is
# { zone, key, sent, received, requests, base, class, labels, kind }

sub add {
    my ($self, @rows) = @_;

    my $option = @rows && $rows[-1]{row_options} ? pop @rows : { };
    my $bytes = $self->record($option, @rows);

    $self->write(frame($bytes));
    push @{$self->{records}}, $bytes;

    return $bytes;
}


sub frame {
    my ($bytes) = @_;

    return pack('V', length $bytes) . sha256($bytes) . $bytes;
}


sub record {
    my ($self, $option, @rows) = @_;

    my $kind = $option->{kind} // 0;
    my $from = $option->{from} // $self->{time};
    my $to = $option->{to} // $from + 10;

    $self->{time} = $to;
    $self->{seq}++ if $kind != 1;

    my $bytes = pack('CC', 1, $kind) . number($self->{epoch})
        . number($self->{seq}) . $self->{prev} . number($from) . number($to)
        . text($self->{node}) . text('') . number(scalar @rows)
        . join '', map { row($_) } @rows;

    $self->{prev} = sha256($bytes) if $kind != 1;

    return $bytes;
}


sub row {
    my ($r) = @_;

    my $labels = $r->{labels} // '';
    my $flags = ($r->{class} // 0) | 0x10 | (defined $r->{base} ? 4 : 0)
              | (length $labels ? 0x20 : 0);

    return pack('C', $flags) . text($r->{zone} // 'names')
        . text($r->{kind} // 'name') . text($r->{key} // '')
        . join('', map { number($_ // 0) } @$r{qw(sent received requests)})
        . (defined $r->{base} ? number($r->{base}) . number(0) x 2 : '')
        . number(0) x 3 . (length $labels ? text($labels) : '');
}


sub number {
    my ($n) = @_;

    my $bytes = '';

    while ($n >= 0x80) {
        $bytes .= chr($n & 0x7f | 0x80);
        $n >>= 7;
    }

    return $bytes . chr $n;
}


sub text { return number(length $_[0]) . $_[0] }


sub write {
    my ($self, $bytes) = @_;

    open my $file, '>>:raw', $self->{path} or die "$self->{path}: $!";
    print $file $bytes;
    close $file or die "$self->{path}: $!";

    return $self;
}


1;
