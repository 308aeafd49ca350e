#!/usr/bin/perl

# What others report of UCAN libraries; the index is t/field.t.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Claims;


my $node = 'did:web:node.example';
my $gate = 'did:web:gate.example';
my ($gw, $n) = (Wgw->new('events { }'), 0);
my $dir = $gw->dir();
my $c = Wgw::Claims->new($dir);

mkdir "$dir/files";
spew("$dir/files/file", 'x' x 100);

$gw->configure(<<"EOF");
worker_processes 1;
wgw_claims claims gateway=$gate subject=$node skew=0s;
wgw_claims_did $node @{[ $c->did('node') ]};
wgw_claims_zone keys=1000;
events { }
http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        root files;
        location /ipfs/ {
            wgw_content required;
            try_files /file =404;
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/claims { wgw_claims_api; }
    }
}
EOF
$gw->start();


# storacha/ucanto 198, oddsdk/ts-odd 130, gitlawb/node 331: a delegation that says
# it lasts longer than what it stands on, or has no end.  Kind: one token of a
# chain is looked at, and not all.

for my $outlives ('never', 1000) {
    my $cid = content();
    my $name = "payer$n";

    post($c->make('node', iss => $node, aud => $c->did($name), cid => $cid,
                  exp => 3, pol => [ ]),
         $c->make($name, aud => $gate, sub => $node, exp => $outlives,
                  pol => [ ]));
    is(status($cid), 200, "field 20.17: $outlives: it is good");
    ok(wait_for(sub { status($cid) == 403 }),
       "field 20.17: $outlives: as long as what it stands on");
}


# ucan-wg/go-ucan 46: what selectors find: fields of lists, places that are not
# there, and what becomes of "not" then.  Kind: what is not known opens.

for my $case (
    [ 1, '["==",".method","GET"]' ],
    [ 0, '["not",["==",".nothing","GET"]]' ],
    [ 0, '["not",["==",".method.inner","GET"]]' ],
    [ 0, '["not",["==",".method[0]","P"]]' ],
    [ 0, '["not",["like",".nothing","*"]]' ],
    [ 0, '["not",["any",".nothing",["==",".",1]]]' ],
    [ 0, '["all",".nothing",["==",".",1]]' ],
    [ 0, '["==",".headers[99]",null]' ], [ 0, '["==",".nothing","GET"]' ],
    [ 1, '["not",["==",".method","PUT"]]' ],
    [ 1, '["or",[["==",".nothing",1],["==",".method","GET"]]]' ],
    [ 0, '["and",[["==",".nothing",1],["==",".method","GET"]]]' ],
) {
    is(holds($case->[1]), $case->[0], "field 20.18: $case->[1]");
}


# ucan-wg/go-ucan 100: "!=" was not there; of another type it is true, of nothing
# it is not.

for my $case (
    [ 1, '["!=",".method","PUT"]' ], [ 0, '["!=",".method","GET"]' ],
    [ 1, '["!=",".method",5]' ], [ 0, '["!=",".nothing","GET"]' ],
    [ 0, '["not",["!=",".nothing","GET"]]' ],
) {
    is(holds($case->[1]), $case->[0], "field 20.19: $case->[1]");
}

$gw->stop();
done_testing();


sub content { return Wgw::Claims::content(++$n) }


sub post {
    my (@tokens) = @_;

    my $reply = http_get($gw->port('ADMIN'), '/v1/claims', method => 'POST',
                         body => $c->join(@tokens));

    die $reply->{raw} if $reply->{status} != 200;
}


sub status { return http_get($gw->port('HTTP'), "/ipfs/$_[0]")->{status} }


# Whether a content is paid for by a chain with that statement.

sub holds {
    my ($statement) = @_;

    my $cid = content();
    my $name = "payer$n";

    post($c->make('node', iss => $node, aud => $c->did($name), cid => $cid,
                  exp => 'never', pol => [ ]),
         $c->make($name, aud => $gate, sub => $node, exp => 'never',
                  pol => [ $statement ]));

    return status($cid) == 200 ? 1 : 0;
}
