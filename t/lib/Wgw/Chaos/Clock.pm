package Wgw::Chaos::Clock;

# Leaps of the gateway's clock, forward for seconds and back, by an hour to
# ten years; less often backward and forth.  None lasts so long that it is to
# be believed, so that in the end no window but that of the start has anything.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw::Clock;

my @leaps = (3600, 86400, 40 * 86400, 3653 * 86400);


sub before {
    my ($self) = @_;

    clock_start($self->run->dir) or die 'the clock cannot be moved here';
    $self->{month} = (gmtime)[4];
}


sub does { return ('leap', 'leap back') }


sub clients { my ($self) = @_; return (clock => sub { $self->leap(@_) }) }


sub leap {
    my ($self, $state) = @_;

    sleep 2 + rand 8;

    my $by = $leaps[rand @leaps] * (rand() < 0.8 ? 1 : -1);

    $self->did($by > 0 ? 'leap' : 'leap back');
    clock_leap($by);
    sleep 0.5 + rand 4;
    clock_leap(-$by);
}


sub compare {
    my ($self) = @_;

    my $rows = $self->run->ledger->{rows};
    my @wrong;

    delete $ENV{LD_PRELOAD};

    if ((gmtime)[4] != $self->{month}) {
        diag('a month has ended: windows are not compared');
        return;
    }

    for my $key (sort keys %$rows) {
        my $row = $rows->{$key};
        my $window = $row->{window} or next;

        push @wrong, "$key: window $window->{start}, "
                     . "$window->{sent} and $window->{received} of "
                     . "$row->{sent} and $row->{received}"
            if $window->{sent} != $row->{sent}
               || $window->{received} != $row->{received};
    }

    Wgw::Chaos::Ledger::none('a leap ends no window', @wrong);
}


sub allowed {
    return qr/ \[warn\] .* the clock may be wrong by -?\d+ s/,
        qr/ \[warn\] .* the clock is right again/;
}


1;
