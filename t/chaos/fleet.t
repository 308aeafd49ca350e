#!/usr/bin/perl

# make chaos FLEET=4: see t/lib/Wgw/FleetChaos.pm.  CHAOS_SECONDS (300) and
# CHAOS_SEED.

use warnings;
use strict;

use Test::More;

use Wgw::FleetChaos;
use Wgw::LedgerChaos 'chaos';


chaos($ENV{CHAOS_SECONDS} || 300, class => 'Wgw::FleetChaos',
      nodes => $ENV{FLEET} || 4);

done_testing();
