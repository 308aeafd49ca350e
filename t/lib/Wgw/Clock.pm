package Wgw::Clock;

# The gateway's clock, which a test moves; see clock.c.  Time that passes is
# also the steady clock's, a leap is not.  Call clock_start()
# before the gateway is started.

use warnings;
use strict;

use base 'Exporter';

our @EXPORT = qw(clock_start clock_move clock_leap clock_now);

use Wgw;


my ($file, $offset, $steady) = (undef, 0, 0);


# clock_start(DIR): 0 when a clock cannot be moved here

sub clock_start {
    my ($dir) = @_;

    # sanitizers want to be first
    return 0 if ($ENV{WGW_BUILD} // '') =~ /asan/;

    system("\${CC:-cc} -O -shared -fPIC -o '$dir/clock.so' t/lib/clock.c") == 0
        or return 0;

    $file = "$dir/clock";
    clock_move(0);
    chmod 0644, $file;

    $ENV{WGW_CLOCK} = $file;
    $ENV{LD_PRELOAD} = "$dir/clock.so";

    return 1;
}


# So many seconds pass, or the clock leaps by them.

sub clock_move {
    my ($seconds) = @_;

    $steady += $seconds;
    clock_leap($seconds);
}


sub clock_leap {
    my ($seconds) = @_;

    $offset += $seconds;

    open my $out, -e $file ? '+<' : '>', $file or die "$file: $!";
    syswrite $out, pack('q<q<', $offset, $steady);
    close $out;
}


sub clock_now { return time + $offset }


1;
