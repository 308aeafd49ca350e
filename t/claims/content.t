#!/usr/bin/perl

# Who pays for a content, and what nobody pays for.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Claims;


my $cid = 'bafkreicbjm64cz467uke3okmmjqyr4rkkqttjgwaz7oi4dhmxq3orgkx24';
my @same = (
    $cid, 'QmSjXkfRtEG4meQCTfetoyLPYpPPcSZT5HsHTTeFtkacAi',
    'bafybeicbjm64cz467uke3okmmjqyr4rkkqttjgwaz7oi4dhmxq3orgkx24',
    'k2cwuea9zmyoi4flxdsgnigtkm9u0vdttvdlno9d1otxym3ww6g2iwnr',
);
my $node = 'did:web:asia.web3.storage';
my $gate = 'did:web:w3s.link';

my $gw = Wgw->new('events { }');
my $c = Wgw::Claims->new($gw->dir());
my $dir = $gw->dir();

# contents of their own, for each test

sub content { return Wgw::Claims::content(@_) }

mkdir "$dir/files";
mkdir "$dir/files/$_" for qw(ipfs big required dry free two blocked key);
spew("$dir/files/file", 'x' x 100);
spew("$dir/files/large", 'x' x 1_000_000);

sub configure {
    my ($claims) = @_;

    $gw->configure(<<"EOF");
worker_processes 2;
wgw_claims claims gateway=$gate subject=$node $claims;
wgw_claims_did $node @{[ $c->did('node') ]};
wgw_claims_zone file=content keys=1000;
wgw_meter_zone payers file=payers keys=100;
wgw_meter_zone tokens keys=1000;
events { worker_connections 512; }
http {
    keepalive_requests 100000;
    map_hash_bucket_size 128;
    map \$arg_n \$first { default 0; }
    add_header X-Class "\$wgw_content" always;
    add_header X-Payer "\$wgw_payer" always;
    add_header X-Claim "\$wgw_claim" always;

    map \$uri \$blocked { default 1; /blocked/@{[ content(900) ]} 0; }

    server {
        listen 127.0.0.1:%%HTTP%%;
        root files;

        location /ipfs/ {
            wgw_content public=5r/d url=https://asia.w3s.link/ipfs/\$wgw_cid;
            wgw_meter payers \$wgw_payer;
            wgw_meter tokens \$wgw_claim label=payer:\$wgw_payer
                                        label=class:\$wgw_content;
            try_files /file =404;
        }

        location /ipfs/large/ { wgw_content off; }

        location ~ ^/big/(.+) {
            wgw_content \$1 public=5r/d;
            try_files /large =404;
        }

        location ~ ^/slow/(.+) {
            wgw_content \$1;
            limit_rate 250k;
            try_files /large =404;
        }

        location ~ ^/required/(.+) {
            wgw_content \$1 required;
            try_files /file =404;
        }

        location ~ ^/dry/(.+) {
            wgw_content \$1 public=1r/d dry_run;
            try_files /file =404;
        }

        location ~ ^/return/(.+) {
            wgw_content \$1 public=2r/d;
            wgw_meter payers \$wgw_payer;
            return 200 "12345";
        }

        location ~ ^/moved/(.+) {
            wgw_content \$1 public=1r/d;
            wgw_meter payers \$wgw_payer;
            return 302 /elsewhere/\$1;
        }

        location ~ ^/none/(.+) {
            wgw_content \$1 public=1r/d;
            return 404;
        }

        location ~ ^/required-return/(.+) {
            wgw_content \$1 required;
            error_page 403 = \@own;
            return 200 "12345";
        }

        location \@own { return 403 "own"; }

        location ~ ^/free/(.+) {
            wgw_content \$1 public=off;
            try_files /file =404;
        }

        location ~ ^/blocked/(.+) {
            wgw_content \$1 limit=\$blocked;
            try_files /file =404;
        }

        location ~ ^/capped/(.+) {
            wgw_content \$1;
            wgw_meter payers capped cap=1;
            try_files /file =404;
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/claims { wgw_claims_api; }
        location /v1/usage { wgw_usage json; }
    }
}
EOF
}

configure('');
$gw->start();

sub get {
    my ($path, $headers) = @_;

    return http_get($gw->port('HTTP'), $path,
                    headers => CORE::join '', map { "$_\r\n" }
                               @{ $headers || [] });
}

sub class {
    my ($path, $headers) = @_;

    my $reply = get($path, $headers);

    return "$reply->{status} " . ($reply->{headers}{'x-class'} // '');
}

sub payer { return get(@_)->{headers}{'x-payer'} // '' }

sub post {
    my (@tokens) = @_;

    my $reply = http_get($gw->port('ADMIN'), '/v1/claims', method => 'POST',
                         body => $c->join(@tokens));
    is($reply->{status}, 200, 'posted') or diag($reply->{body});

    return @{ json($reply->{body})->{tokens} };
}

# a commitment to somebody, for a content

sub site {
    my ($name, $content, @pol) = @_;

    return $c->make('node', iss => $node, aud => $c->did($name),
                    cid => $content, exp => 'never', pol => \@pol);
}

sub auth {
    my ($name, @pol) = @_;

    return $c->make($name, aud => $gate, sub => $node, pol => \@pol);
}

# ---- what nobody pays for

is(class("/ipfs/$cid"), '200 public', "egress 1: $_ of five") for 1 .. 3;
is(class("/ipfs/$same[$_]"), '200 public', "egress 4: as another CID")
    for 1, 3;

my $reply = get("/ipfs/$same[2]");
is($reply->{status}, 429, 'egress 2, 4: the sixth');
is($reply->{body}, "$same[2] is currently rate limited, please try again "
   . "later\n", 'egress 2: names the CID');
like($reply->{headers}{'retry-after'}, qr/^\d+$/, 'egress 2: Retry-After');
cmp_ok($reply->{headers}{'retry-after'}, '<=', 86400, 'within the window');
is($reply->{headers}{'ratelimit-policy'}, '"public";q=5;w=86400',
   'egress 2: RateLimit-Policy');
like($reply->{headers}{ratelimit}, qr/^"public";r=0;t=\d+$/,
     'egress 2: nothing is left');
is($reply->{headers}{'x-class'}, 'denied', 'egress 15: denied');
is($reply->{headers}{'x-payer'}, undef, 'nobody pays for it');

$reply = get("/ipfs/$cid", ['Accept: application/json']);
is(json($reply->{body})->{cid}, $cid, 'egress 2: as JSON for who accepts it');
is($reply->{headers}{'content-type'}, 'application/json', 'of that type');

is(class('/ipfs/' . content(1)), '200 public', 'egress 5: another content');
is(class('/ipfs/nonsense'), '200 ', 'egress 19: no CID, not limited');

is(class('/dry/' . content(2)), '200 public', 'dry run, within the limit');
is(class('/dry/' . content(2)), '200 denied_dry_run',
   'egress 16: served, and said');

is(class('/required/' . content(3)), '403 denied', 'where claims are required');
is(class('/free/' . content(4)), '200 public', 'without a public limit')
    for 1 .. 7;

is(class('/blocked/' . content(900)), '403 denied', 'egress 18: blocked');
is(class('/blocked/' . content(901)), '200 public', 'egress 18: another');

# what the rewrite phase answers

my $returned = content(5);
is(class("/return/$returned"), '200 public', "a return, $_ of two") for 1, 2;
$reply = get("/return/$returned");
is($reply->{status}, 429, 'a return is refused, too');
is($reply->{headers}{'x-class'}, 'denied', 'as denied');
like($reply->{headers}{'retry-after'}, qr/^\d+$/, 'with Retry-After');
is($reply->{headers}{'ratelimit-policy'}, '"public";q=2;w=86400',
   'and the others');
unlike($reply->{body}, qr/12345/, 'and without what it would have said');

my $moved = content(6);
is(class("/moved/$moved"), '302 public', 'a redirect');
is(class("/moved/$moved"), '429 denied', 'is refused, too');

my $gone = content(7);
is(class("/none/$gone"), '404 ', 'an error that is returned costs nothing')
    for 1 .. 3;
is(class('/required-return/' . content(8)), '403 denied',
   'where claims are required');
is(get('/required-return/' . content(8))->{body}, 'own',
   'with a page of its own');

is(http_request($gw->port('HTTP'), "GET /ipfs/$cid HTTP/1.1\r\n\r\n")
   ->{status}, 400, 'what is no request is not decided');

$gw->kill();
$gw->start();
is(class("/ipfs/$cid"), '429 denied', 'the quota survives a kill');


# ---- who pays

my $one = content(10);
my ($site) = post(site('alice', $one), auth('alice'));

is(class("/ipfs/$one"), '200 claim', 'egress 23: a claim');
is(payer("/ipfs/$one"), $c->did('alice'), 'egress 23: its payer');

my $chain = get("/ipfs/$one")->{headers}{'x-claim'};

ok(wait_for(sub {
    my $reply = http_get($gw->port('ADMIN'), "/v1/usage/$chain?zone=tokens");
    my ($row) = $reply->{status} == 200 ? @{ json($reply->{body})->{keys} } : ();
    $row && $row->{payer} eq $c->did('alice') && $row->{class} eq 'claim';
}), 'claims 13.6: usage of a chain names payer and class');
like(get("/ipfs/$one")->{headers}{'x-claim'}, qr/^[0-9a-f]{64},[0-9a-f]{64}$/,
     'the chain');
is(class("/ipfs/$one"), '200 claim', 'S28: without a limit') for 1 .. 10;

is(class('/ipfs/' . content(11)), '200 public', 'not for another content');

my $two = content(12);
is(class("/ipfs/$two"), '200 public', 'before it is known');
post(site('alice', $two));
is(class("/ipfs/$two"), '200 claim', 'egress 61: effective at once');

# the group of the document: per content to the group, once to the gateway

my $three = content(13);
my $group = $c->did('group');
my $member = $c->make('bob', aud => $group, sub => $node,
                      pol => ['["==",".query.token","zrptvx"]']);
post(site('bob', $three), $member);
is(class("/ipfs/$three?token=zrptvx"), '200 public',
   'egress 27: a group without access');
post($c->make('group', aud => $gate, sub => $node,
              pol => ['["==",".headers.origin","example.com"]']));
is(class("/ipfs/$three?token=zrptvx", ['Origin: example.com']), '200 claim',
   'egress 24: with it');
is(payer("/ipfs/$three?token=zrptvx", ['Origin: example.com']),
   $c->did('bob'), 'egress 24: who has the commitment pays');
is(class("/ipfs/$three?token=zrptvx"), '200 public', 'S27: no origin');
is(class("/ipfs/$three?token=other", ['Origin: example.com']), '200 public',
   'S27: another token');
is(class("/ipfs/$three?token=a&token=zrptvx", ['Origin: example.com']),
   '200 public', 'egress 64: a token twice');
is(class("/ipfs/$three?token=zrpt%76x", ['Origin: example.com']),
   '200 claim', 'a token with an escape');

# what is left of the quota of content 13: none

is(class("/ipfs/$three?token=zrptvx", ['Origin: https://example.com']),
   '200 public', 'egress 63: an origin is not a host');
is(class("/ipfs/$three", ['Origin: https://example.com']), '429 denied',
   'S9: or the public limit');

my $four = content(14);
post(site('carl', $four, qq(["==",".url","https://asia.w3s.link/ipfs/$four"])),
     auth('carl', '["not",["==",".headers[\"x-block\"]?","1"]]',
          '["any",".headers",["==",".","yes"]]'));
is(class("/ipfs/$four", ['X-Any: yes']), '200 claim',
   'S25: the url that the gateway would fetch; all of the headers');
is(class("/ipfs/$four"), '200 public', 'without such a header');
is(class("/ipfs/$four", ['X-Any: yes', 'X-Block: 1']), '200 public',
   'egress 65: a header that must not be');

my $five = content(15);
post(site('dora', $five),
     auth('dora', '["not",["==",".headers[\"x-block\"]","1"]]'));
is(class("/ipfs/$five"), '200 public', 'egress 65: unknown opens nothing');


# ---- limits of tokens

my $minute = '["<",".usage.requests.day",4]';
my $six = content(16);
my ($root, $leaf) = post(site('erna', $six), auth('erna', $minute));

is(class("/ipfs/$six"), '200 claim', "egress 57: $_ of four") for 1 .. 4;
is(class("/ipfs/$six"), '200 public', 'egress 54: the public one then')
    for 1 .. 5;
is(class("/ipfs/$six"), '429 denied', 'egress 54: and then none');

my $seven = content(17);
post(site('erna', $seven));
is(class("/ipfs/$seven"), '200 public',
   'egress 55: the limit of a token that is about any content holds for all');

my $eight = content(18);
post(site('fred', $eight, $minute), site('fred', content(19), $minute),
     auth('fred'));
is(class("/ipfs/$eight"), '200 claim', 'a limit of one content') for 1 .. 4;
is(class("/ipfs/$eight"), '200 public', 'egress 56: is used up');
is(class('/ipfs/' . content(19)), '200 claim', 'egress 56: not the other\'s');

my $nine = content(20);
post(site('gina', $nine), auth('gina', '["<",".usage.requests.total",2]'),
     site('hans', $nine), auth('hans'));
my %seen;
$seen{payer("/ipfs/$nine")}++ for 1 .. 40;
is($seen{$c->did('gina')}, 2, 'egress 53: one has two');
is($seen{$c->did('hans')}, 38, 'egress 53: the other all the rest');

my $ten = content(21);
post(site('ines', $ten), auth('ines', '["<",".usage.requests.total",3]'));
get("/ipfs/$ten") for 1 .. 3;
$gw->stop();
$gw->start();
is(class("/ipfs/$ten"), '200 public', 'egress 58: used up after a restart');

my $eleven = content(22);
post(site('jack', $eleven), auth('jack', '["<",".usage.requests.day",0]'));
is(class("/ipfs/$eleven"), '200 public', 'a limit of none');

# a refusal by others costs nothing

my $twelve = content(23);
post(site('kate', $twelve), auth('kate', '["<",".usage.requests.total",2]'));
is(get("/capped/$twelve")->{status}, 429, 'egress 17: a cap refuses');
is(get("/capped/$twelve")->{status}, 429, 'egress 17: again');
is(class("/ipfs/$twelve"), '200 claim', "egress 17: not charged, $_ of two")
    for 1, 2;
is(class("/ipfs/$twelve"), '200 public', 'egress 17: charged for these');


# ---- limits on bytes: cut in flight

my $bytes = content(24);
post(site('lena', $bytes), auth('lena', '["<",".usage.bytes.month",300000]'));

my $raw = exchange($gw->port('HTTP'),
                   "GET /big/$bytes?n=1 HTTP/1.1\r\nHost: a\r\n"
                   . "Connection: close\r\n\r\n");
is(length $raw, 300000, 'egress 94: exactly the limit, and cut');
like($raw, qr/^X-Class: claim\r$/m, 'which was a claim');
is(class("/ipfs/$bytes"), '200 public', 'and nothing is left of it');
is(class("/ipfs/$bytes?n=2"), '200 public',
   'whatever the first variable of the configuration is');


# ---- revocation

is(class("/ipfs/$one"), '200 claim', 'a claim that is cached');
is(http_get($gw->port('ADMIN'), "/v1/claims/$site->{id}",
            method => 'DELETE')->{status}, 204, 'is revoked');
is(class("/ipfs/$one"), '200 public', 'egress 43: the next request sees it');


# a backend gets the path as it came: what it sees is what is counted

my $other = content(97);
my $raw_path = sub {
    exchange($gw->port('HTTP'), "GET $_[0] HTTP/1.1\r\nHost: a\r\n"
                                . "Connection: close\r\n\r\n")
        =~ m{^HTTP/1.1 (\d+)} ? $1 : 0;
};

is($raw_path->($_), 400, "field 11.kinds: $_")
    for "/ipfs//$other", "/x/../ipfs/$other", "/ipfs/$other/../$cid",
        "/ipfs/$cid/%2e%2e/$other", "/ipfs/$cid/..%2f$other",
        "/ipfs/$cid/x/../..", "/ipfs/%62" . substr($other, 1),
        "/%69pfs/$other";
is($raw_path->("/ipfs/$other/a/../file?x=/../y"), 200,
   'field 11.kinds: dots within a content');
is($raw_path->("/ipfs/$other#x"), 200, 'and what is no part of the path');

# a return is paid for, and counted

my $paid = content(9);
post(site('tina', $paid), auth('tina', '["<",".usage.requests.total",2]'));
is(class("/return/$paid"), '200 claim', 'a return that is paid for, $_ of two')
    for 1, 2;
is(class("/return/$paid"), '200 public', 'and used up');
ok(wait_for(sub {
       my $row = usage($gw->port('ADMIN'), $c->did('tina'));
       $row && $row->{requests} == 2;
   }), 'both are counted for its payer');


# fragments are no part of a DID

my $fragment = content(27);
post($c->make('node', iss => "$node#owner", aud => $c->did('quin') . '#key',
              sub => $node, cid => $fragment),
     $c->make('quin', aud => "$gate#owner", sub => "$node?x=1"));
is(class("/ipfs/$fragment"), '200 claim', 'egress 45: with fragments');


# ---- each as likely, and counted

my $thirteen = content(25);
post(site('mary', $thirteen), auth('mary'), site('nils', $thirteen),
     auth('nils'), site('olaf', $thirteen),
     auth('olaf', '["==",".headers.origin","x"]'));

my $n = 10000;
my %paid;
my $socket = connect_to($gw->port('HTTP'));

for (1 .. $n / 100) {
    my $text = "GET /ipfs/$thirteen HTTP/1.1\r\nHost: a\r\n\r\n" x 100;
    my ($got, $buffer) = (0, '');

    syswrite $socket, $text;

    while ($got < 100 && sysread $socket, $buffer, 65536, length $buffer) {
        while ($buffer =~ s/^.*?X-Payer: ([^\r]+)\r.*?\r\n\r\nx{100}//s) {
            $paid{$1}++;
            $got++;
        }
    }
}

my ($mary, $nils) = map { $paid{$c->did($_)} // 0 } qw(mary nils);
is($mary + $nils, $n, 'egress 51: all of them are paid for');
cmp_ok(abs($mary - $n / 2), '<=', 200, "egress 51: $mary and $nils");
is($paid{$c->did('olaf')}, undef, 'egress 52: not by who wants an origin');

my $usage = wait_for(sub {
    my $reply = http_get($gw->port('ADMIN'), '/v1/usage');
    my ($text) = $reply->{body} =~ /(\{[^{}]*\Q@{[ $c->did('mary') ]}\E.*?\})/s;
    $text && $text =~ /"requests":$mary\b/ ? $text : undef;
});
ok($usage, 'egress 51: each payer counted for its own, exactly')
    or diag(http_get($gw->port('ADMIN'), '/v1/usage')->{body});

close $socket;

# at once over two workers: exactly the limit

my $limit = content(26);
post(site('paul', $limit), auth('paul', '["<",".usage.requests.total",500]'));

my @pids;

for my $child (1 .. 4) {
    my $pid = fork // die;

    if ($pid == 0) {
        my $mine = 0;
        my $s = connect_to($gw->port('HTTP'));

        for (1 .. 400) {
            my $answer = exchange(undef,
                "GET /free/$limit HTTP/1.1\r\nHost: a\r\n\r\n",
                socket => $s, until => qr/\r\n\r\nx{100}/);
            $mine++ if $answer =~ /^X-Class: claim\r/m;
        }

        spew("$dir/child$child", $mine);
        POSIX::_exit(0);
    }

    push @pids, $pid;
}

waitpid $_, 0 for @pids;

my $sum = 0;
$sum += slurp("$dir/child$_") for 1 .. 4;
is($sum, 500, 'a limit is exact over all workers');


# ---- the origin as a host, and a seed

$gw->stop();
configure('origin=host seed=7');
$gw->start();

is(class("/ipfs/$three?token=zrptvx", ['Origin: https://example.com']),
   '200 claim', 'egress 63: a host of the origin, where that is set');
is(class("/ipfs/$three?token=zrptvx", ['Origin: https://example.com:8443']),
   '200 claim', 'egress 63: with a port');

$gw->stop();


# ---- a claim that ends during a transfer

configure('skew=0s');
$gw->start();

my $ends = content(28);
post(site('rosa', $ends), $c->make('rosa', aud => $gate, sub => $node,
                                   exp => 2));
my $began = time;
$reply = get("/slow/$ends");
is($reply->{headers}{'x-class'}, 'claim', 'egress 60: it began as a claim');
is(length $reply->{body}, 1_000_000, 'egress 60: and is whole');
cmp_ok(time - $began, '>', 3, 'egress 60: after the claim had ended');
is(class("/ipfs/$ends"), '200 public', 'egress 60: the next one is not');

$gw->stop();


# ---- the budget of what nobody pays for

sub budget {
    my ($line) = @_;

    $gw->configure(<<"EOF");
wgw_claims claims gateway=$gate subject=$node;
wgw_claims_did $node @{[ $c->did('node') ]};
wgw_claims_zone keys=1000;
events { }
http {
    wgw_content_budget $line;
    server {
        listen 127.0.0.1:%%HTTP%%;
        root files;
        location /ipfs/ { wgw_content public=3r/d; try_files /file =404; }
    }
}
EOF
    $gw->start();
}

budget('4r/d alarm=50% hard');

is(get('/ipfs/' . content(50 + $_))->{status}, 200, "S4: $_ of four")
    for 1 .. 2;
like($gw->log(), qr/\[warn\].*wgw_content_budget: 2 of 4 requests/,
     'egress 14: the alarm');
is(get('/ipfs/' . content(50 + $_))->{status}, 200, "S4: $_ of four")
    for 3 .. 4;
like($gw->log(), qr/\[error\].*wgw_content_budget: 4 of 4 requests/,
     'egress 14: used up');
$reply = get('/ipfs/' . content(55));
is($reply->{status}, 429, 'egress 14: a hard budget refuses');
is($reply->{headers}{'ratelimit-policy'}, '"budget";q=4;w=86400',
   'and says that it is it');
is(get("/ipfs/$three?token=zrptvx", ['Origin: example.com'])->{status}, 200,
   'not what is paid for');
$gw->stop();

budget('2r/d');
is(get('/ipfs/' . content(50 + $_))->{status}, 200,
   'egress 14: others only tell') for 1 .. 4;
$gw->stop();


# ---- what is refused in the configuration

sub config {
    my ($main, $location, $phrase) = @_;

    $gw->configure(<<"EOF");
$main
events { }
http { server { listen 127.0.0.1:%%HTTP%%; location / { $location } } }
EOF

    my ($code, $text) = $gw->run('-t');
    ok($code != 0 && index($text, $phrase) >= 0, $phrase) or diag($text);
}

sub config_budget {
    my ($line, $phrase) = @_;

    $gw->configure("events { }\nhttp { wgw_content_budget $line; }\n");

    my ($code, $text) = $gw->run('-t');
    ok($code != 0 && index($text, $phrase) >= 0, $phrase) or diag($text);
}

config_budget('0r/d', '"0r/d" is no budget');
config_budget('5', '"5" is no rate');
config_budget('5r/d alarm=101%', 'invalid parameter "alarm=101%"');
config_budget('5r/d x', 'invalid parameter "x"');

my $main = "wgw_claims claims gateway=$gate subject=$node;";
my $zone = 'wgw_claims_zone file=content keys=1000;';

config('', 'wgw_content;', 'no "wgw_claims" directive');
config($main, 'wgw_content;', 'no "wgw_claims_zone" directive');
config("$main $zone", 'wgw_content; wgw_content;', 'is duplicate');
config("$main $zone", 'wgw_content public=5;', '"public=5" is no rate');
config("$main $zone", 'wgw_content public=5r/s;', '"public=5r/s" is no rate');
config("$main $zone", 'wgw_content public=9999999999r/m;', 'is out of range');
config("$main $zone", 'wgw_content $uri x=1;',
       '"x=1" is not a parameter of "wgw_content"');

done_testing();
