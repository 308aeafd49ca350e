#!/usr/bin/perl

# egress 130 to 138, at random for some seconds: what clients counted is in
# the database.  LEDGER_SECONDS=20; t/full/ledger-chaos.t takes ten minutes.

use warnings;
use strict;

use lib 't/lib';

use Test::More;

use Wgw::LedgerChaos 'chaos';


chaos($ENV{LEDGER_SECONDS} // 20);

done_testing();
