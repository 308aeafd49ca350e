#!/usr/bin/perl

# Tokens by npm's iso-ucan: with each kind of key that it has, delegated,
# posted alone and together by its users' own means, and then paid with.

use warnings;
use strict;

use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More;

use Wgw;
use Wgw::Node;


plan skip_all => 'iso-ucan cannot be had: npm cannot be reached'
    if !Wgw::Node::have();

my $node = Wgw::Node->new('claims.mjs');
my $gate = 'did:web:w3s.link';

my %did = map { ("storage $_" => $node->call('signer', kind => $_,
                                            name => "storage $_")) }
          qw(Ed25519 secp256k1 P-256);

my $gw = Wgw->new('events { }');

mkdir $gw->dir() . '/files';
spew($gw->dir() . '/files/file', 'x' x 100);

$gw->configure(<<"EOF");
worker_processes 2;
wgw_claims claims gateway=$gate @{[ map { "subject=$_" } sort values %did ]};
wgw_claims_zone file=content keys=1000;
wgw_meter_zone payers file=payers keys=100;
events { worker_connections 256; }
http {
    add_header X-Class "\$wgw_content" always;
    add_header X-Payer "\$wgw_payer" always;
    add_header X-Claim "\$wgw_claim" always;

    server {
        listen 127.0.0.1:%%HTTP%%;
        root files;
        location /ipfs/ {
            wgw_content public=1r/d url=https://asia.w3s.link/ipfs/\$wgw_cid;
            wgw_meter payers \$wgw_payer;
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

$gw->start();

my $url = 'http://127.0.0.1:' . $gw->port('ADMIN') . '/v1/claims';


sub content { return $node->call('cid', text => $_[0]) }

sub signer {
    my ($kind, $name) = @_;

    return $did{$name} = $node->call('signer', kind => $kind, name => $name);
}

sub delegate { return $node->call('delegate', @_) }

sub post {
    my ($form, @made) = @_;

    return $node->call('post', url => $url, form => $form,
                       tokens => [map { $_->{token} } @made]);
}

sub taken {
    my ($what, $form, @made) = @_;

    my $reply = post($form, @made);

    is($reply->{status}, 200, "egress 89: $what is taken")
        or diag(explain($reply->{answer}));
    is(join(' ', sort map { $_->{cid} } @{ $reply->{answer}{tokens} }),
       join(' ', sort map { $_->{cid} } @made), 'egress 89: with its CIDs');
}

sub get {
    my ($cid, @headers) = @_;

    my ($path, $query) = split /\?/, $cid;

    my $reply = http_get($gw->port('HTTP'),
                         "/ipfs/$path" . (defined $query ? "?$query" : ''),
                         headers => join '', map { "$_\r\n" } @headers);

    return "$reply->{status} $reply->{headers}{'x-class'} "
        . ($reply->{headers}{'x-payer'} // '');
}

sub served {
    my $record = usage($gw->port('ADMIN'), $_[0]);

    return $record && $record->{requests};
}


# ---- each kind of key: a commitment, and its delegation to the gateway

for my $kind (qw(Ed25519 secp256k1 P-256)) {
    my $payer = signer($kind, "payer $kind");
    my $cid = content($kind);
    my @chain = (
        delegate(by => "storage $kind", aud => $payer, cid => $cid,
                 pol => [['==', '.url', "https://asia.w3s.link/ipfs/$cid"]]),
        delegate(by => "payer $kind", sub => $did{"storage $kind"},
                 aud => $gate, exp => time() + 3600, nbf => time() - 10,
                 meta => { purpose => 'test' },
                 pol => [['==', '.headers.origin', 'https://example.com'],
                         ['==', '.query.token', 'secret']]),
    );

    taken("a token by $kind, alone,", undef, $chain[0]);
    taken('a chain in a raw container', 'raw', @chain);

    my @shows = ('Origin: https://example.com');

    is(get("$cid?token=secret", @shows), "200 claim $payer",
       "egress 23, 47: $kind: who delegated it pays") for 1 .. 3;
    is(get("$cid?token=other", @shows), '200 public public',
       "egress 23: $kind: not without the token");
    is(get($cid), '429 denied ', "egress 2: $kind: then nobody does");

    ok(wait_for(sub { (served($payer) // 0) == 3 }),
       "egress 51: $kind: counted for its payer");
}


# ---- a group: the site's token to Alice, hers to the group, the group's

signer('P-256', 'alice');
signer('secp256k1', 'group');
my $cid = content('group');
my $storage = $did{'storage Ed25519'};

my @group = (
    delegate(by => 'storage Ed25519', aud => $did{alice}, cid => $cid),
    delegate(by => 'alice', sub => $storage, aud => $did{group}, cid => $cid),
    # any subject's: a powerline
    delegate(by => 'group', sub => undef, aud => $gate,
             pol => [['<', '.usage.requests.day', 2]]),
);

taken('a group, with a powerline, in base64url,', 'base64url',
      @group[2, 0, 1]);
is(get($cid), "200 claim $did{alice}", 'egress 24: the group\'s first')
    for 1 .. 2;
is(get($cid), '200 public public', 'egress 54: used up');

my $shown = json(http_get($gw->port('ADMIN'),
                          "/v1/claims/$group[1]{cid}")->{body});
like($shown->{id}, qr/^[0-9a-f]{64}$/,
     'egress 89: shown by the CID that iso says');


# ---- what it makes and nobody here can check

signer('RSA', 'rsa');
signer('P-384', 'p384');

for my $name (qw(rsa p384)) {
    my $reply = post('base64',
        delegate(by => 'storage Ed25519', aud => $did{$name}, cid => $cid),
        delegate(by => $name, sub => $storage, aud => $gate));

    is($reply->{status}, 400, "egress 79: by $name: refused");
    is($reply->{answer}{error}, 'varsig:unsupported', 'egress 79: and why');
}


# ---- and what iso does not look at: a signature in another's name

my $made = delegate(by => 'alice', sub => $storage, aud => $gate);
substr my $bytes = decode_base64($made->{token}), 10, 1, 'x';
my $forged = post(undef, { token => encode_base64($bytes, '') });
is($forged->{answer}{error}, 'signature:bad', 'egress 78: forged');

$gw->stop();

done_testing();
