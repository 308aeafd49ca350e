package Wgw::Chaos::Errors;

# The error log has nothing that an actor does not expect, and what clients do
# when they go away or a backend dies is nothing of the gateway's.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Test::More;


sub does { return () }


sub allowed {
    return qr/ \[notice\] | \[info\] | \[debug\] /,
        qr/ \[warn\] .* a client request body is buffered to a temporary file/,
        qr/ \[warn\] .* an upstream response is buffered to a temporary file/,

        # who was killed cannot answer, nor can a backend in the same gateway
        qr/ \[error\] .* upstream prematurely closed connection/,
        qr/ \[error\] .* connect\(\) failed \(111: .* while connecting to up/,
        qr/ \[error\] .* (?:recv|readv)\(\) failed \(104: .* upstream/,
        qr/ \[error\] .* while (?:proxying|reading).*upstream/,

        # at a cap that is meant to be reached
        qr/ \[error\] .* transfer cut at the cap of \d+ bytes/,
        qr/ \[error\] .* request refused, over the cap of \d+ bytes/;
}


sub compare {
    my ($self) = @_;

    my @allowed = map { $_->allowed() } $self->run->actors();
    my $dir = $self->run->dir();
    my %strange;

    for my $file ("$dir/logs/error.log", "$dir/logs/output") {
        open my $log, '<', $file or next;

        while (my $line = <$log>) {
            next if $line !~ /\S/ || grep { $line =~ $_ } @allowed;

            # alike but for numbers: one of each is enough
            my $kind = $line =~ s/\d+/N/gr;

            $strange{$kind} ||= $line;
        }
    }

    Wgw::Chaos::Ledger::none('nothing unexpected in the error log',
                             map { s/\n//r } sort values %strange);
}


1;
