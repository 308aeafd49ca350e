package Wgw::Clock;

# The gateway's clock, which a test moves; see clock.c.  Call clock_start()
# before the gateway is started.

use warnings;
use strict;

use base 'Exporter';

our @EXPORT = qw(clock_start clock_move clock_now);

use Wgw;


my ($file, $offset) = (undef, 0);


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


# By so many seconds more.

sub clock_move {
    my ($seconds) = @_;

    $offset += $seconds;

    open my $out, -e $file ? '+<' : '>', $file or die "$file: $!";
    syswrite $out, pack('q<', $offset);
    close $out;
}


sub clock_now { return time + $offset }


1;
