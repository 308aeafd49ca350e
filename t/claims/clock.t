#!/usr/bin/perl

# Windows of contents and claims when a clock moves: it passes, is set
# forward by an hour, and back.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Claims;
use Wgw::Clock;


my $node = 'did:web:asia.web3.storage';
my $gate = 'did:web:w3s.link';
my $cid = 'bafkreicbjm64cz467uke3okmmjqyr4rkkqttjgwaz7oi4dhmxq3orgkx24';
my $other = 'bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e';

my $gw = Wgw->new('events { }');
my $dir = $gw->dir();
my $c = Wgw::Claims->new($dir);

mkdir "$dir/files";
spew("$dir/files/file", 'x' x 100);

$gw->configure(<<"EOF");
worker_processes 2;
wgw_claims claims gateway=$gate subject=$node;
wgw_claims_did $node @{[ $c->did('node') ]};
wgw_claims_zone file=content keys=1000;
events { worker_connections 256; }
http {
    add_header X-Class "\$wgw_content" always;

    server {
        listen 127.0.0.1:%%HTTP%%;
        root files;
        location /ipfs/ {
            wgw_content public=3r/m;
            try_files /file =404;
        }
    }
    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/claims { wgw_claims_api; }
    }
}
EOF

clock_start($dir) or plan skip_all => 'the clock cannot be moved here';

# ten seconds into a minute

clock_move(3600 + 10 - clock_now() % 60);
$gw->start();


# how many requests of five are served, and by what

sub five {
    my ($asked) = @_;

    my %seen;

    # what the workers have seen of the time is as old as their last event
    http_get($gw->port('HTTP'), '/none') for 1 .. 4;

    for (1 .. 5) {
        my $reply = http_get($gw->port('HTTP'), "/ipfs/$asked");
        $seen{ $reply->{headers}{'x-class'} }++;
    }

    return join ' ', map { "$_:$seen{$_}" } sort keys %seen;
}

# ten seconds into it, however long the test took

sub next_minute { clock_move(70 - clock_now() % 60) }


is(five($cid), 'denied:2 public:3', 'egress 2: three of five');
next_minute();
is(five($cid), 'denied:2 public:3', 'egress 3: the next minute');

clock_leap(3600);
is(five($cid), 'denied:2 public:3', 'egress 22: an hour forward: another');

clock_leap(-3600);
is(five($cid), 'denied:5', 'egress 21: an hour back: nothing is free');
next_minute();
is(five($cid), 'denied:2 public:3', 'egress 21: and a minute later it is');

clock_leap(10 * 365 * 86400);
is(five($cid), 'denied:2 public:3', 'egress 22: ten years forward');
clock_leap(-10 * 365 * 86400);
is(five($cid), 'denied:5', 'egress 21: and back');
next_minute();
is(five($cid), 'denied:2 public:3', 'egress 21: a minute is a minute');


# ---- a token's limit

my $reply = http_get($gw->port('ADMIN'), '/v1/claims', method => 'POST',
    body => $c->join(
        $c->make('node', iss => $node, aud => $c->did('alice'),
                 cid => $other, exp => 'never'),
        $c->make('alice', aud => $gate, sub => $node, exp => 'never',
                 pol => ['["<",".usage.requests.minute",1]'])));
is($reply->{status}, 200, 'posted') or diag($reply->{body});

is(five($other), 'claim:1 denied:1 public:3', 'egress 57: one by the token');
next_minute();
is(five($other), 'claim:1 denied:1 public:3', 'egress 57: and in the next');

clock_leap(-3600);
unlike(five($other), qr/claim/, 'egress 21: an hour back: none');

# a clock is believed after a minute

clock_move(30), sleep 1.2, five($other) for 1 .. 4;
next_minute();
sleep 1.2;
like(five($other), qr/claim:1/, 'egress 21: then it is a minute\'s again');


# ---- a revocation

my $revoked = $c->make('node', iss => $node, aud => $c->did('bob'),
                       cid => $other, exp => 7200);

sub post {
    my ($token) = @_;

    return http_get($gw->port('ADMIN'), '/v1/claims', method => 'POST',
                    body => $token);
}

my $id = json(post($revoked)->{body})->{tokens}[0]{id};

is(http_get($gw->port('ADMIN'), "/v1/claims/$id", method => 'DELETE')
       ->{status}, 204, 'a token is revoked');

clock_leap(10 * 365 * 86400);
sleep 1.2;
is(post($c->make('node', iss => $node, aud => $c->did('carl'),
                 cid => $other, exp => 'never'))->{status}, 200,
   'ten years forward: another is posted');
$gw->reload();
sleep 2;
clock_leap(-10 * 365 * 86400);
sleep 1.2;
like(post($revoked)->{body}, qr/revoked/,
     'and, after a reload, back: it is still revoked');

$gw->stop();

done_testing();
