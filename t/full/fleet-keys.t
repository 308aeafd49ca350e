#!/usr/bin/perl

# t/fleet/keys.t, with a million keys.

use warnings;
use strict;

$ENV{FLEET_KEYS} ||= 1_000_000;

exec $^X, '-It/lib', 't/fleet/keys.t' or die "exec: $!";
