#!/usr/bin/perl

# wgw_auth_zone: whose room it is, what revoking needs, what a reload keeps,
# and its file.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Auth;


# ---- files

# A name in the directory that is prepared by somebody else.

{
    my $gw = Wgw->new(<<'EOF');
wgw_auth_zone file=state/tokens keys=200;
wgw_meter_zone names file=state/names keys=200;
events { }
http {
    wgw_auth_deny_methods debug_*;
    wgw_meter names $host;
    server { listen 127.0.0.1:%%HTTP%%; }
}
EOF

    my $dir = $gw->dir();

    mkdir "$dir/state";
    spew("$dir/victim", 'precious');
    symlink '../victim', "$dir/state/tokens.tmp";
    link "$dir/victim", "$dir/state/names.tmp";

    $gw->start();
    is(slurp("$dir/victim"), 'precious',
       'field 11.18: what a temporary name leads to is left alone');
    ok(-f "$dir/state/$_" && !-e "$dir/state/$_.tmp",
       "field 11.18: state/$_ is made all the same") for qw(tokens names);
    $gw->stop();

    chmod 0777, "$dir/state";
    my ($status, $output) = $gw->run('-t');
    isnt($status, 0, 'field 11.18: a directory that everybody may write to');
    like($output, qr/\[emerg\] wgw table "\S+" is in a directory that /,
         'field 11.18: is refused');

    chmod 01777, "$dir/state";
    ($status) = $gw->run('-t');
    is($status, 0, 'field 11.18: but not where names are owned');
    chmod 0755, "$dir/state";
}

done_testing();
