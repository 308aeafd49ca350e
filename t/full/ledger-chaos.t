#!/usr/bin/perl

# egress 130 to 138, at random for ten minutes: what clients counted is in
# the database.  LEDGER_SECONDS=600: the same as t/ledger/chaos.t, for longer.

use warnings;
use strict;

use lib 't/lib';

use Test::More;

use Wgw::LedgerChaos 'chaos';


chaos($ENV{LEDGER_SECONDS} // 600);

done_testing();
