#!/usr/bin/perl

# Sign-in as its users write it: viem, ethers, siwe and jose on the one side,
# tools/siwe-token and curl on the other.

use warnings;
use strict;

use Test::More;

use Wgw;
use Wgw::Auth;


my ($viem, $ethers, $siwe, $mixed) = map { node('wallet') } 1 .. 4;
my @addresses = map { "wgw_auth_allow $_->{address};" }
    $viem, $ethers, $siwe, $mixed;

my $gw = Wgw->new(<<"EOF");
worker_processes 2;
wgw_auth_zone keys=2000;
error_log logs/error.log debug;

events { }

http {
    access_log off;
    wgw_auth_secret secret;
    @addresses
    wgw_auth_rate off;

    server {
        listen 127.0.0.1:%%HTTP%%;
        listen [::1]:%%HTTP%%;
        server_name localhost 127.0.0.1 ::1 gw.test;

        location = /auth { wgw_auth_signin eth; }
        location /eth { wgw_auth eth; proxy_pass http://127.0.0.1:%%BACK%%; }
    }
}
EOF

my $dir = $gw->dir();

spew("$dir/secret", 's' x 32);
chmod 0600, "$dir/secret";
node('backend', port => $gw->port('BACK'));
$gw->start();

my $port = $gw->port('HTTP');

# a page's or a program's own fetch()

for my $case (
    [ 'viem', 'viem', $viem ], [ 'siwe', 'ethers', $ethers ],
    [ 'siwe', 'viem', $siwe ], [ 'viem', 'ethers', $mixed ],
) {
    my ($writes, $signs, $wallet) = @$case;

    for my $more (
        { }, { statement => 'I want in' },
        { expirationTime => (time + 60) * 1000 },
        { notBefore => (time - 5) * 1000, requestId => 'a-1' },
        { resources => [ 'https://a.example/x', 'ipfs://bafy' ] },
    ) {
        my %field = (
            domain => "localhost:$port", address => $wallet->{address},
            uri => "http://localhost:$port/auth", version => '1',
            chainId => 1, nonce => nonce(), issuedAt => time * 1000, %$more
        );

        # which takes texts
        if ($writes eq 'siwe') {
            $field{$_} = stamp($field{$_} / 1000)
                for grep { $field{$_} } qw(issuedAt expirationTime notBefore);
        }

        my $text = node('message', by => $writes, fields => \%field);
        my $sig = node('sign', by => $signs, key => $wallet->{key},
                       text => $text);
        my $url = "http://127.0.0.1:$port";

        my ($reply) = @{node('fetch', requests => [ [ "$url/auth", {
            method => 'POST', body => encoded({ msg => $text, sig => $sig })
        } ] ])};
        my $with = join ' ', sort keys %$more;

        is($reply->{status}, 200, "$writes writes, $signs signs: $with")
            or diag("$text\n$reply->{body}");

        my $key = json($reply->{body})->{headers}{'x-api-key'};
        my $jwt = node('verify', token => $key, secret => 's' x 32);
        is($jwt->{payload}{sub}, $wallet->{address}, 'jose reads the key');

        my ($answer) = @{node('fetch', requests => [ [ "$url/eth", {
            method => 'POST', headers => { 'x-api-key' => $key },
            body => rpc('eth_chainId')
        } ] ])};
        is(json($answer->{body})->{body}, rpc('eth_chainId'),
           'and the backend the call');
    }
}


# ---- for curl

# token(NAME, TEXT [, URL]): exit status, output and errors of siwe-token

sub token {
    my ($text, $url) = @_;

    spew("$dir/key", $text) if defined $text;
    $url ||= "http://127.0.0.1:$port/auth";

    my $out = qx(tools/siwe-token '$url' '$dir/key' 2> '$dir/errors');

    return ($? >> 8, $out, slurp("$dir/errors"));
}

my $digits = substr $viem->{key}, 2;

for my $case (
    [ 'digits', $digits ], [ '0x', "0x$digits" ], [ 'a line', "$digits\n" ],
    [ 'blanks', " \t0x$digits \r\n\n" ], [ 'capitals', uc $digits ],
) {
    my ($exit, $out, $errors) = token($case->[1]);

    is($exit, 0, "siwe-token, $case->[0]") or diag($errors);
    is($errors, "$viem->{address}\n", 'the address');
    like($out, qr/^x-api-key: [\w-]+\.[\w-]+\.[\w-]+\n\z/, 'a header field');
}

for my $host ('localhost', '[::1]') {
    my ($exit, $out, $errors) = token($digits, "http://$host:$port/auth");
    is($exit, 0, "siwe-token, $host") or diag($errors);
}

my ($exit, $out) = token($digits);
chomp $out;
my $reply = curl('-H', $out, '-d', rpc('eth_call'),
                 "http://127.0.0.1:$port/eth");
is($reply->{code}, 200, 'with curl');
is(json($reply->{body})->{body}, rpc('eth_call'), 'a call');

my $n = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';

for my $case (
    [ '31 bytes', substr $digits, 2 ], [ '33 bytes', "${digits}00" ],
    [ 'zero', '0' x 64 ], [ 'n', $n ], [ 'more than n', 'f' x 64 ],
    [ 'no digits', 'z' x 64 ], [ 'nothing', '' ], [ '0x', '0x' ],
    [ 'two', "$digits\n$digits\n" ], [ 'a NUL', "\0$digits" ],
) {
    my ($name, $key) = @$case;
    my ($exit, $out, $errors) = token($key);

    is($exit, 2, "siwe-token refuses $name");
    is($out, '', 'with no output');
    like($errors, qr/^siwe-token: \Q$dir\E\/key: .+\n\z/, 'but a reason');
    ok(length($key) < 8 || index($errors, substr $key, 0, 8) < 0,
       'without the key');
}

unlink "$dir/key";
my @gone = token(undef);
is("$gone[0] $gone[1]", '2 ', 'siwe-token, no file');
like($gone[2], qr/No such file/, 'which is said');

my @stranger = token(substr node('wallet')->{key}, 2);
is($stranger[0], 1, 'siwe-token, not listed');
like($stranger[2], qr/refused: this address may not sign in here/,
     'which is said');

my @closed = token($digits, 'http://127.0.0.1:' . $gw->port('CLOSED')
                            . '/auth');
is($closed[0], 1, 'siwe-token, nobody there');


# ---- what is not told

my $log = $gw->log();

like($log, qr/\[debug\]/, 'a log of all there is');
unlike($log, qr/s{32}/, 'has no secret');
unlike($log, qr/\Q$_\E/i, 'nor a wallet\'s key')
    for map { substr $_->{key}, 2 } $viem, $ethers, $siwe, $mixed;
unlike($log, qr/"sig"/, 'nor a signature');

$gw->stop();

done_testing();
