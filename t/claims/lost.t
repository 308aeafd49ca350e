#!/usr/bin/perl

# Files of claims' zones that are shortened while they are used: what was used
# up is not known any more, so that nothing is left.

use warnings;
use strict;

use Test::More;

use Wgw;
use Wgw::Claims;


my $node = 'did:web:node.example';
my $gate = 'did:web:gate.example';
my $cid = 'bafkreicbjm64cz467uke3okmmjqyr4rkkqttjgwaz7oi4dhmxq3orgkx24';

for my $lost ('public', 'total') {
    my $gw = Wgw->new('events { }');
    my $c = Wgw::Claims->new($gw->dir());
    my $dir = $gw->dir();

    $gw->configure(<<"EOF");
worker_processes 1;
wgw_claims claims gateway=$gate subject=$node;
wgw_claims_did $node @{[ $c->did('node') ]};
wgw_claims_zone file=content keys=1000;
events { }
http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        root files;
        add_header X-Class "\$wgw_content" always;
        location /ipfs/ { wgw_content public=5r/d; try_files /file =404; }
        location /v1/claims { wgw_claims_api; }
        location /v1/usage { wgw_usage json; }
    }
}
EOF

    mkdir "$dir/files";
    spew("$dir/files/file", 'x' x 100);
    $gw->start();

    my @workers = $gw->workers();

    post($gw, $c) if $lost eq 'total';

    my $class = $lost eq 'total' ? 'claim' : 'public';

    is(ask($gw), "200 $class", "$lost: served");
    truncate "$dir/content.$lost", 0 or die $!;
    ok(wait_for(sub {
        ask($gw);
        return $gw->log() =~ /\[crit\] .*content\.$lost" was damaged/;
    }), "field 11.7: $lost is shortened: in the log");

    if ($lost eq 'public') {
        is(ask($gw), '429 denied', 'field 11.7: no public quota');

    } else {
        isnt(ask($gw), '200 claim', 'field 11.7: no limit has anything left');
    }

    is(join(' ', $gw->workers()), "@workers", 'field 11.7: no worker ended');
    $gw->stop();
}

done_testing();


sub post {
    my ($gw, $c) = @_;

    my $reply = http_get($gw->port('HTTP'), '/v1/claims', method => 'POST',
        body => $c->join(
            $c->make('node', iss => $node, aud => $c->did('payer'),
                     cid => $cid, exp => 'never', pol => [ ]),
            $c->make('payer', aud => $gate, sub => $node, exp => 'never',
                     pol => [ '["<",".usage.requests.total",1000]' ])));

    is($reply->{status}, 200, 'claims') or diag($reply->{raw});
}


sub ask {
    my ($gw) = @_;

    my $reply = http_get($gw->port('HTTP'), "/ipfs/$cid");

    return "$reply->{status} " . ($reply->{headers}{'x-class'} // '');
}
