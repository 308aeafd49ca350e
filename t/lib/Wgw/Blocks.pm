package Wgw::Blocks;

# For suites of Test::Nginx, after `use Test::Nginx::Socket 'no_plan'`: every
# block fails on an alert, an emerg or a sanitizer's line.  A block that says
# itself what must not be logged has these added; one with `must_die` is about
# an emerg and may have that.
#
# make test loads our modules into every block's server.

use warnings;
use strict;

use Test::Nginx::Socket;


add_block_preprocessor(sub {
    my ($block) = @_;

    my @bad = ('[alert]', 'Sanitizer', 'runtime error:');

    push @bad, '[emerg]' if !defined $block->must_die;

    my $own = $block->no_error_log;

    if (ref $own) {
        return;
    }

    if (defined $own) {
        unshift @bad, grep { length } split /\n/, $own;
    }

    $block->set_value('no_error_log', join "\n", @bad);
});


1;
