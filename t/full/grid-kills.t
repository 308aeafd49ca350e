#!/usr/bin/perl

# t/grid/kills.t, with a thousand kills.

use warnings;
use strict;

$ENV{KILLS} ||= 1000;

exec $^X, '-It/lib', 't/grid/kills.t' or die "exec: $!";
