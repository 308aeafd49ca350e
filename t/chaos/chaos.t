#!/usr/bin/perl

# make chaos: see t/lib/Wgw/Chaos.pm.  CHAOS_SECONDS (300), CHAOS_SEED, and
# CHAOS, the actors; all, without it, but for the disk where it is not root who
# runs it.

use warnings;
use strict;

use Test::More;

use Wgw::Chaos;


my $seed = $ENV{CHAOS_SEED} || int rand 1e9;
my $seconds = $ENV{CHAOS_SECONDS} || 300;
my @all = grep { $> == 0 || $_ ne 'disk' } @Wgw::Chaos::All;
my @actors = split ' ', $ENV{CHAOS} || "@all";

srand $seed;
diag("seed $seed, $seconds s of @actors");

Wgw::Chaos->new(seconds => $seconds, actors => \@actors)->play();

done_testing();
