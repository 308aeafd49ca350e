package Wgw::Auth;

# For tests of sign-in: wallets, messages, tokens.  Keys, signatures and
# tokens are made by the libraries that people use (t/clients/wallet.mjs),
# messages that none of these would write are written here.
#
#     my $wallet = node('wallet');                  # key, address
#     my $reply = signin($gw, $wallet, '/auth', nonce => '...');
#     my $key = key_of($reply);

use warnings;
use strict;

use base 'Exporter';

our @EXPORT = qw(
    node message body_of post signin key_of nonce stamp encoded
    with_key refused accepted rpc
);

use JSON::PP ();
use POSIX qw(strftime);
use Test::More ();

use Wgw;
use Wgw::Node;

my $node;
my $coder = JSON::PP->new->utf8->canonical->allow_nonref;

our $Name = 'gw.test';


# node(OPERATION, NAME => VALUE ...): its result

sub node {
    my ($op, %arguments) = @_;

    $node ||= Wgw::Node->new('wallet.mjs');

    return $node->call($op, %arguments);
}


sub encoded { return $coder->encode($_[0]) }


sub nonce {
    my @letters = ('A' .. 'Z', 'a' .. 'z', 0 .. 9);

    return join '', map { $letters[rand @letters] } 1 .. 16;
}


sub stamp { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }


# message(GATEWAY, ADDRESS, PATH, FIELDS): the layout of DIN routers; a field
# that is undef has no line.  `statement`; `more`: lines behind the others.

sub message {
    my ($gw, $address, $path, %field) = @_;

    my %m = (
        domain => $Name, address => $address,
        uri => "http://$Name:" . $gw->port('HTTP') . $path,
        version => 1, chain => 1, nonce => nonce(),
        issued => stamp(time), expires => stamp(time + 60),
        %field,
    );

    my $text = "$m{domain} wants you to sign in with your Ethereum account:\n"
             . "$m{address}\n\n"
             . (defined $m{statement} ? "$m{statement}\n" : '') . "\n";

    my @lines;

    for (
        [ 'URI', 'uri' ], [ 'Version', 'version' ], [ 'Chain ID', 'chain' ],
        [ 'Nonce', 'nonce' ], [ 'Issued At', 'issued' ],
        [ 'Expiration Time', 'expires' ], [ 'Not Before', 'not_before' ],
    ) {
        my ($title, $name) = @$_;
        push @lines, "$title: $m{$name}" if defined $m{$name};
    }

    return $text . join "\n", @lines, @{$m{more} || [ ]};
}


# The body as Go's encoder writes it.

sub body_of {
    my ($msg, $sig) = @_;

    my %escape = (
        "\n" => '\n', "\r" => '\r', "\t" => '\t', '"' => '\"', '\\' => '\\\\',
    );

    my ($m, $s) = map {
        (my $text = $_)
            =~ s/(["\\\x00-\x1f&<>])/$escape{$1}
                 || sprintf '\\u%04x', ord $1/gex;
        $text;
    } $msg, $sig;

    return qq({"msg":"$m","sig":"$s"});
}


# post(GATEWAY, PATH, BODY, OPTIONS): as a Go router does

sub post {
    my ($gw, $path, $body, %option) = @_;

    my $reply = http_get(
        $gw->port('HTTP'), $path, host => $Name, method => 'POST',
        headers => "User-Agent: Go-http-client/1.1\r\n"
                 . "Content-Type: text/plain\r\nAccept-Encoding: gzip\r\n",
        body => $body, %option,
    );

    $reply->{json} = $reply->{body} =~ /^[\[{]/ ? json($reply->{body}) : { };

    return $reply;
}


# signin(GATEWAY, WALLET, PATH, FIELDS): `by` is the library that signs

sub signin {
    my ($gw, $wallet, $path, %field) = @_;

    my $by = delete $field{by} || 'viem';
    my $text = message($gw, $wallet->{address}, $path, %field);

    return post($gw, $path, body_of($text,
        node('sign', by => $by, key => $wallet->{key}, text => $text)));
}


sub key_of {
    my ($reply) = @_;

    return $reply->{json}{headers}{'x-api-key'}
           // die "no key: $reply->{raw}";
}


# with_key(GATEWAY, PATH, KEY, OPTIONS)

sub with_key {
    my ($gw, $path, $key, %option) = @_;

    my $reply = http_get(
        $gw->port('HTTP'), $path, host => $Name, %option,
        headers => (defined $key ? "X-Api-Key: $key\r\n" : '')
                   . ($option{headers} // ''),
    );

    # of another server: in chunks
    my $body = Wgw::dechunk($reply);
    $reply->{json} = $body =~ /^[\[{].*[\]}]\s*\z/s ? json($body) : { };

    return $reply;
}


sub rpc {
    my ($method, $id) = @_;

    return qq({"jsonrpc":"2.0","id":) . ($id // 1)
         . qq(,"method":"$method","params":[]});
}


# Tests.  A refusal is JSON with a text that is for people, and nothing that
# was sent is in it.

sub refused {
    my ($reply, $status, $name, %option) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $error = ref $reply->{json} eq 'HASH' ? $reply->{json}{error} : undef;
    my $good = $reply->{status} =~ /^(?:$status)$/
               && defined $error && !ref $error && length $error
               && ($reply->{headers}{'content-type'} // '')
                  eq 'application/json'
               && $error =~ /^[\x20-\x7e]+$/
               && (!$option{like} || $error =~ $option{like});

    Test::More::ok($good, $name)
        or Test::More::diag("$status wanted, got: $reply->{raw}");
}


sub accepted {
    my ($reply, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $json = $reply->{json};

    Test::More::ok($reply->{status} == 200 && ref $json eq 'HASH'
                   && length($json->{headers}{'x-api-key'} // '')
                   && $json->{exp} =~ /^\d+$/ && $json->{exp} > time + 5
                   && !exists $json->{error}, $name)
        or Test::More::diag("200 wanted, got: $reply->{raw}");
}


1;
