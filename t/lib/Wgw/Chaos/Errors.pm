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

    Wgw::Chaos::Ledger::none('nothing unexpected in the error log',
        strange([ $self->run->dir() ],
                map { $_->allowed() } $self->run->actors()));
}


# strange(DIRS, ALLOWED ...): lines of the logs of gateways in these folders,
# but for those.

sub strange {
    my ($dirs, @allowed) = @_;

    my %strange;

    for my $file (map { ("$_/logs/error.log", "$_/logs/output") } @$dirs) {
        open my $log, '<', $file or next;

        while (my $line = <$log>) {
            next if $line !~ /\S/ || grep { $line =~ $_ } @allowed;

            # alike but for numbers: one of each is enough
            my $kind = $line =~ s/\d+/N/gr;

            $strange{$kind} ||= $line;
        }
    }

    return map { s/\n//r } sort values %strange;
}


1;
