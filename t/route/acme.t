#!/usr/bin/perl

# The loop of tools/wgw-acme, with a dehydrated that only says what it was
# asked for: whom it orders for, in which order, and what does not end it.
# With an issuer: t/full/acme.t.

use warnings;
use strict;

use Test::More;

use Wgw;


my $gw = Wgw->new(<<'EOF');
events { }

http {
    access_log off;

    server {
        listen 127.0.0.1:%%P%%;
        root www;
    }
}
EOF

my $dir = $gw->dir();

mkdir "$dir/$_" for 'bin', 'www';

spew("$dir/bin/dehydrated", <<"EOF");
#!/bin/sh
echo "\$@" >> $dir/asked
case "\$*" in
*bad*) exit 1 ;;
*nonce*)
    echo >> $dir/nonces
    echo '{"type":"urn:ietf:params:acme:error:badNonce"}'
    [ "\$(wc -l < $dir/nonces)" -ge 3 ]
esac
EOF

chmod 0755, $dir, "$dir/www", "$dir/bin", "$dir/bin/dehydrated";
$ENV{PATH} = "$dir/bin:$ENV{PATH}";

$gw->start();

my $state = "$dir/state";

# look(NAMES, OPTION ...): whom it ordered for, in one look

sub look {
    my ($names, @options) = @_;

    spew("$dir/www/list", '{"names":[' . join(',', map { qq("$_") } @$names)
                          . '],"next":null}' . "\n");
    spew("$dir/asked", '');

    system('timeout', '60', 'tools/wgw-acme', '--once', '--state', $state,
           '--certs', "$dir/certs", '--challenges', "$dir/acme", @options,
           '--url', 'http://127.0.0.1:' . $gw->port('P') . '/list') == 0
        or fail("exit $?");

    return [ slurp("$dir/asked") =~ /--domain (\S+)/g ];
}

sub anew { system('rm', '-rf', $state) }


is_deeply(look([ 'a.example', 'b.example' ]), [ 'a.example', 'b.example' ],
          'two names');
like(slurp("$dir/asked"), qr/--no-lock/, 'a lock left behind is none');

anew();

my $long = join '.', ('x' x 63) x 3, 'y' x 61;

is_deeply(look([ $long, 'z.example' ]), [ $long, 'z.example' ],
          'a name of 253 bytes, and those behind it');
is_deeply(look([ '-x', '..', '.x', '--help', 'z.example' ]), [ 'z.example' ],
          'no options, no folders');


# ---- back-off

anew();
is_deeply(look([ 'bad.example' ]), [ 'bad.example' ], 'one that fails');
is_deeply(look([ 'bad.example' ]), [], 'is not tried at once');

my $now = time;

for my $text ('', "\n", "x y\n", "1\n", "08 09\n", "-1 -2\n", "\0\0\0",
              '3 ' . ($now + 365 * 86400) . "\n") {
    spew("$state/back-off/bad.example", $text);
    is_deeply(look([ 'bad.example' ]), [ 'bad.example' ],
              'garbage, or of another time: ' . ($text =~ s/[\n\0]/./gr));
    like(slurp("$state/back-off/bad.example"), qr/^\d+ \d+$/, 'is mended');
}

spew("$state/back-off/bad.example", '3 ' . ($now + 80000) . "\n");
is_deeply(look([ 'bad.example' ]), [], 'within a day it holds');

anew();
is(scalar @{ look([ 'nonce.example' ]) }, 3, 'another nonce is no failure');
ok(!-e "$state/back-off/nonce.example", 'for which it would wait');


# ---- in an hour

anew();
look([ 'bad1.example', 'bad2.example' ]);
spew("$state/back-off/$_.example", '1 ' . (time - 1) . "\n")
    for 'bad1', 'bad2';
is_deeply(look([ 'bad1.example', 'bad2.example', 'good.example' ],
               '--hourly', 3), [ 'good.example' ],
          'those that did not fail go first');
is_deeply(look([ 'new.example' ], '--hourly', 3), [], 'no more in an hour');

system('touch', '-d', '1 year', glob "$state/orders/*.order");
is_deeply(look([ 'new.example' ], '--hourly', 3), [], 'nor of a year to come');
system('touch', '-d', '61 minutes ago', glob "$state/orders/*.order");
is_deeply(look([ 'new.example' ], '--hourly', 3), [ 'new.example' ],
          'but then');

$gw->stop();

done_testing();
