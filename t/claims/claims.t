#!/usr/bin/perl

# The store of claims and its endpoint.

use warnings;
use strict;

use Compress::Zlib ();
use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Claims;
use Wgw::Clock;


my $cid = 'bafkreicbjm64cz467uke3okmmjqyr4rkkqttjgwaz7oi4dhmxq3orgkx24';
my $v0 = 'QmSjXkfRtEG4meQCTfetoyLPYpPPcSZT5HsHTTeFtkacAi';
my $other = 'bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e';
my $node = 'did:web:asia.web3.storage';
my $gate = 'did:web:w3s.link';

my $gw = Wgw->new('events { }');
my $c = Wgw::Claims->new($gw->dir());
my $key = $c->did('node');
my $rotated = $c->did('rotated');

sub configure {
    my ($keys) = @_;

    my $dids = join "\n", map { "wgw_claims_did $node $_;" } @$keys;

    $gw->configure(<<"EOF");
worker_processes 2;
wgw_claims claims gateway=$gate subject=$node;
$dids
wgw_claims_zone file=content keys=1000;
events { worker_connections 256; }
http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        location /v1/claims { wgw_claims_api; }
        location /ipfs/ { return 200 "\$wgw_cid \$wgw_multihash\\n"; }
    }
    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name ~^[a-z0-9]+\\.ipfs\\.gate\\.test\$;
        location / { return 200 "\$wgw_cid\\n"; }
    }
}
EOF
}

configure([$key, $rotated]);
$gw->start();

sub api {
    my ($method, $path, $body) = @_;

    return http_get($gw->port('HTTP'), "/v1/claims$path", method => $method,
                    (defined $body ? (body => $body) : ()));
}

sub post { return api('POST', '', $_[0]) }

sub refused {
    my ($body, $reason, $index, $what) = @_;

    my $reply = post($body);
    my $error = json($reply->{body});

    is($reply->{status}, 400, "$what: 400");
    is($error->{error}, $reason, "$what: why");
    is($error->{field}, "tokens[$index]", "$what: which") if defined $index;
}


# ---- variables

my $page = http_get($gw->port('HTTP'), "/ipfs/$v0/a.html")->{body};
my ($shown, $multihash) = split ' ', $page;

like($shown, qr/^bafybei/, 'egress 4: a v0 CID is shown as v1');
is($multihash, 'z' . $v0, 'a multihash as the claims service takes it');

is(http_get($gw->port('HTTP'), '/', host => "$cid.ipfs.gate.test")->{body},
   "$cid\n", 'a CID of the host');
is(http_get($gw->port('HTTP'), '/ipfs/nonsense')->{body}, " \n", 'no CID');


# ---- what is posted

my $alice = $c->did('alice');

my $site = $c->make('node', iss => $node, aud => $alice, cid => $cid,
                    exp => 'never');
my $auth = $c->make('alice', aud => $gate, sub => $node,
                    pol => ['["==",".headers.origin","example.com"]']);

my $reply = post($c->join($site, $auth));
is($reply->{status}, 200, 'egress 23: two tokens are taken');
my $answer = json($reply->{body});
is($answer->{added}, 2, 'both are new');
is(scalar @{ $answer->{tokens} }, 2, 'and named');

$reply = post($c->join($site, $auth));
is(json($reply->{body})->{added}, 0, 'egress 62: again, and none is added');
is_deeply(json($reply->{body})->{tokens}, $answer->{tokens},
          'egress 62: with the same answer');

is(post($c->raw($site))->{status}, 200, 'a token as it is');
is(post("\xef\xbb\xbf" . $c->join($site) =~ s/\n?\z/\r\n/r)->{status}, 200,
   'field 11.kinds: a container that an editor has saved');

my $list = json(api('GET', "?content=$v0")->{body});
is(scalar @{ $list->{tokens} }, 1, 'listed by content, whatever CID');
is($list->{tokens}[0]{iss}, $node, 'what it says');
is($list->{tokens}[0]{content}, $multihash, 'its content');
is($list->{tokens}[0]{pol}[0][1], '.content', 'its policy');
is($list->{chains}[0]{payer}, $alice, 'the chain and who pays');
is(scalar @{ $list->{chains}[0]{tokens} }, 2, 'the tokens of the chain');
is($list->{reason}, undef, 'no reason where there is one');

$list = json(api('GET', "?audience=$gate")->{body});
is(scalar @{ $list->{tokens} }, 1, 'listed by audience');
is($list->{tokens}[0]{iss}, $alice, 'which is the other one');

$list = json(api('GET', "?payer=$alice")->{body});
is(scalar @{ $list->{tokens} }, 1, 'listed by payer');
is($list->{tokens}[0]{iss}, $node, 'the first of the chain');
is(scalar @{ json(api('GET', "?payer=$gate")->{body})->{tokens} }, 0,
   'the gateway is no payer');

$list = json(api('GET', '?limit=1')->{body});
is(scalar @{ $list->{tokens} }, 1, 'all, by pages');
ok($list->{next}, 'and there is more');
$list = json(api('GET', "?limit=1&after=$list->{next}")->{body});
is(scalar @{ $list->{tokens} }, 1, 'the second page');
is($list->{next}, undef, 'is the last');

my $first = $answer->{tokens}[0];

for my $name ($first->{id}, $first->{cid}) {
    my $one = api('GET', "/$name");
    is($one->{status}, 200, "by $name");
    is(json($one->{body})->{id}, $first->{id}, 'is that one');
}

is(api('GET', '/' . 'ab' x 32)->{status}, 404, 'another id is not known');
is(api('GET', '/xyz')->{status}, 400, 'no id at all');
is(api('PUT', '/' . 'ab' x 32)->{status}, 405, 'no method for it');
is(api('GET', "?content=$cid&audience=$gate")->{status}, 400, 'two lists');
is(api('GET', '?limit=0')->{status}, 400, 'no limit at all');

$list = json(api('GET', "?content=$other")->{body});
is($list->{reason}, 'chain:no-path', 'egress 27: no chain for another');


# ---- containers

my $raw = $c->join($site, $auth);
my $cbor = decode_base64(substr $raw, 1);
my $gzip = Compress::Zlib::memGzip($cbor);
my $url = encode_base64($cbor, '');
$url =~ tr{+/}{-_};
$url =~ s/=+$//;

is(post("\@$cbor")->{status}, 200, 'egress 91: a raw container');
is(post("C$url")->{status}, 200, 'egress 91: of base64url');
is(post("M$gzip")->{status}, 200, 'egress 91: of gzip');
is(post('O' . encode_base64($gzip, ''))->{status}, 200,
   'egress 91: of base64 of gzip');

is(post('P' . (encode_base64($gzip, '') =~ tr{+/}{-_}r =~ s/=+$//r))->{status},
   200, 'egress 91: of base64url of gzip');

# the samples that were there before varsig had a version: they are taken
# apart, and refused for that

my @old = map { s/\x48\x34\x01(\xed\x01)\xed\x01(\x13\x71)/\x45\x34$1$2/r }
          map { $c->raw($_) } $site, $auth;
my $old = "\xa1\x66ctn-v1\x82"
          . CORE::join('', map { "\x59" . pack('n/a*', $_) } sort @old);

for my $form (["\@$old", 'raw'], ['B' . encode_base64($old, ''), 'base64'],
              ['M' . Compress::Zlib::memGzip($old), 'gzip'],
              ['O' . encode_base64(Compress::Zlib::memGzip($old), ''),
               'base64 of gzip'])
{
    refused($form->[0], 'varsig:unsupported', 0,
            "egress 91: varsig v0, $form->[1]");
}

refused($old[1], 'varsig:unsupported', 0, 'egress 91: varsig v0, alone');

is(json(post('B?')->{body})->{error}, 'container:base64', 'no base64');
is(json(post("M$cbor")->{body})->{error}, 'container:gzip', 'no gzip');
is(json(post("M${gzip}x")->{body})->{error}, 'container:gzip',
   'something behind the gzip');
is(json(post('M' . substr $gzip, 0, -9)->{body})->{error}, 'container:gzip',
   'a gzip cut');
is(json(post("\@\xa0")->{body})->{error}, 'container:shape', 'no ctn-v1');

my $cpu = $gw->cpu();
my $bomb = Compress::Zlib::memGzip("\0" x (64 << 20));
is(post("M$bomb")->{status}, 413, 'egress 92: a bomb is stopped');
cmp_ok($gw->cpu() - $cpu, '<', 2, 'egress 92: at once');
is(post("\@" . 'x' x 300000)->{status}, 413, 'a submission too large');


# ---- the whole or nothing

my $bad = $c->raw($auth);
substr($bad, 10, 1) = chr(ord(substr $bad, 10, 1) ^ 1);

refused($bad, 'signature:bad', 0, 'egress 49: a bit changed');
refused('', 'cbor:truncated', 0, 'egress 72: nothing');
refused(substr($c->raw($auth), 0, -1), 'cbor:truncated', 0,
        'egress 72: truncated');

my $new = $c->make('alice', aud => $c->did('bob'), sub => $node);
my $group = "\@\xa1\x66ctn-v1\x83"
          . CORE::join('', map { "\x59" . pack('n/a*', $_) }
                       $c->raw($new), $bad, $c->raw($site));

refused($group, 'signature:bad', 1, 'egress 50: one of three');
$list = json(api('GET', '?audience=' . $c->did('bob'))->{body});
is(scalar @{ $list->{tokens} }, 0, 'egress 50: none of them is stored');

refused($c->make('alice', aud => $gate, sub => $node, exp => -61),
        'time:expired', 0, 'egress 34: 61 s ago');
is(post($c->make('alice', aud => $gate, sub => $node, exp => -50))->{status},
   200, 'egress 35: within the skew');
is(post($c->make('alice', aud => $gate, sub => $node, nbf => 100))->{status},
   200, 'one whose time is to come');
refused($c->make('alice', iss => 'did:web:unknown.example', aud => $gate),
        'did:unresolved', 0, 'egress 44: a did:web without a key');
refused($c->make('alice', iss => $node, aud => $gate), 'signature:bad', 0,
        'egress 44: by another key');
is(post($c->make('rotated', iss => $node, aud => $alice))->{status}, 200,
   'a second key of the did:web');

# the tool makes none that the gateway would refuse
my $week = '["<",".usage.requests.week",1]';
my $pol = '["<",".usage.requests.minute",100]';
(my $made = $c->raw($c->make('alice', aud => $gate, pol => [$pol])))
    =~ s/minute/fortni/;
refused($made, 'policy:usage', 0, 'egress 59: an unknown unit');
is(post($c->make('alice', aud => $gate, sub => $node, pol => [$pol]))
   ->{status}, 200, 'a limit');


# ---- revocation

my $third = $c->make('alice', aud => $gate, sub => $node, exp => 'never');
my $named = json(post($third)->{body})->{tokens}[0];

is(api('DELETE', "/$named->{cid}")->{status}, 204, 'egress 41: by CID');
is(api('GET', "/$named->{id}")->{status}, 404, 'it is gone');
refused($third, 'revoked:revoked', 0, 'egress 41: and does not come back');

my $fourth = $c->make('alice', aud => $gate, sub => $node, exp => 'never');
chomp(my $json = $c->run('show', do {
    spew($gw->dir() . '/fourth', $fourth); $gw->dir() . '/fourth' }));
my $ahead = json($json);

is(api('DELETE', "/$ahead->{id}")->{status}, 204,
   'egress 41: by id, before it came');
refused($fourth, 'revoked:revoked', 0, 'and it is refused then');

my $fifth = $c->make('alice', aud => $gate, sub => $node, exp => 'never');
spew($gw->dir() . '/fifth', $fifth);
$ahead = json($c->run('show', $gw->dir() . '/fifth'));
is(api('DELETE', "/$ahead->{cid}")->{status}, 204, 'by CID, before it came');
refused($fifth, 'revoked:revoked', 0, 'refused as well');


# ---- all workers, a kill, nginx -t beside it, another key

my ($status, $output) = $gw->run('-t');
is($status, 0, 'nginx -t beside it') or diag($output);

$list = json(api('GET', '?limit=1000')->{body});
my $count = @{ $list->{tokens} };
cmp_ok($count, '>', 5, 'there are tokens');

for (1 .. 5) {
    my $n = @{ json(api('GET', '?limit=1000')->{body})->{tokens} };
    is($n, $count, 'any worker has all of them');
}

$gw->kill();
$gw->start();

is(scalar @{ json(api('GET', '?limit=1000')->{body})->{tokens} }, $count,
   'they survive a kill');
refused($third, 'revoked:revoked', 0, 'as does a revocation');

is(scalar @{ json(api('GET', "?content=$cid")->{body})->{chains} }, 6,
   'chains of two commitments, by both keys, and three delegations');

configure([$rotated]);
$gw->reload();

$list = json(api('GET', "?content=$cid")->{body});
is(scalar @{ $list->{chains} }, 3,
   'egress 44: a removed key\'s tokens are no good any more');

$gw->stop();


# ---- what has ended leaves the store, without being asked

SKIP: {
    skip 'the clock cannot be moved here', 1 if !clock_start($gw->dir());

    $gw->start();

    my $ends = $c->make('alice', aud => $gate, sub => $node, exp => 600);
    my @more = map { $c->make('alice', aud => $gate, sub => $node, exp => 600,
                              nbf => $_) } 1 .. 70;
    my $id = json(post($ends)->{body})->{tokens}[0]{id};
    post($c->join(@more));

    my $revoked = $c->make('alice', aud => $gate, sub => $node, exp => 630);
    my $gone = json(post($revoked)->{body})->{tokens}[0]{id};
    api('DELETE', "/$gone");

    $gw->stop();
    clock_move(3600 + 300);
    $gw->start();
    sleep 1.5;
    is(api('GET', "/$id")->{status}, 200, 'a token that ended lately is kept');

    $gw->stop();
    clock_move(600);
    $gw->start();

    ok(wait_for(sub { api('GET', "/$id")->{status} == 404 }),
       'one that ended an hour ago leaves by itself');

    my $left = wait_for(sub {
        my $list = json(api('GET', '?limit=1000')->{body})->{tokens};
        my @ended = grep { defined $_->{exp} && $_->{exp} < clock_now() - 3600 }
                         @$list;
        return !@ended;
    });
    ok($left, 'all of them do, however many');
    is(api('GET', "/$first->{id}")->{status}, 200, 'what has no end stays');

    $gw->stop();
    delete @ENV{qw(LD_PRELOAD WGW_CLOCK)};
}


# ---- no room for limits

$gw->configure(<<"EOF");
wgw_claims claims gateway=$gate subject=$node;
wgw_claims_zone keys=2;
events { }
http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        location /v1/claims { wgw_claims_api; }
    }
}
EOF

$gw->start();

my @status = map {
    post($c->make('alice', aud => $gate, sub => $node, pol => [$pol]))
        ->{status}
} 1 .. 20;

is($status[0], 200, 'a limit has its record');
is($status[-1], 507, 'and is refused where there is none');
like($gw->log(), qr/\[crit\].*wgw_claims_zone is full/, 'which is said');
is(post($c->make('alice', aud => $gate, sub => $node))->{status}, 200,
   'a token without a limit needs none');

$gw->stop();


# ---- what is refused in the configuration

sub config {
    my ($main, $phrase) = @_;

    $gw->configure(<<"EOF");
$main
events { }
http { server { listen 127.0.0.1:%%HTTP%%; } }
EOF

    my ($code, $text) = $gw->run('-t');
    ok($code != 0 && index($text, $phrase) >= 0, $phrase) or diag($text);
}

config("wgw_claims claims subject=$node;", 'must have "gateway" parameter');
config("wgw_claims claims gateway=$gate;", 'must have "subject" parameter');
config("wgw_claims claims gateway=w3s.link subject=$node;", 'is not a DID');
config("wgw_claims claims gateway=$gate subject=$node subject=$node;",
       'is duplicate');
config("wgw_claims claims gateway=$gate subject=$node skew=2h;",
       'is not a time of at most an hour');
config("wgw_claims claims gateway=$gate subject=$node x=1;",
       'is not a parameter of "wgw_claims"');
config("wgw_claims_did $key $key;", 'is not a DID that has keys');
config("wgw_claims_did $node did:key:z6Mk;", 'is not a usable did:key');
config('wgw_claims_zone file=content;', 'must have "keys" parameter');
config('wgw_claims_zone keys=0;', 'invalid parameter "keys=0"');
config("wgw_names claims; wgw_claims claims gateway=$gate subject=$node;",
       'claims');

$gw->configure(<<'EOF');
events { }
http { server { listen 127.0.0.1:%%HTTP%%; location / { wgw_claims_api; } } }
EOF

($status, $output) = $gw->run('-t');
like($output, qr/no "wgw_claims" directive in configuration/, 'api alone');

done_testing();
