#!/usr/bin/perl

# seeds.pl DIRECTORY: what t/vectors has, a file each, in a directory for
# each fuzz target that reads such things.

use warnings;
use strict;

use Digest::SHA qw(sha1_hex);
use Encode qw(encode_utf8);
use File::Path qw(make_path);
use JSON::PP;
use MIME::Base64 qw(decode_base64 encode_base64);

my $dir = shift or die "usage: $0 DIRECTORY\n";


sub vectors {
    my ($name, $folder) = @_;

    $folder ||= 'ucan';

    open my $file, '<', "t/vectors/$folder/$name.json" or die "$name: $!\n";
    local $/;

    return JSON::PP->new->utf8->decode(<$file>);
}


sub seed {
    my ($target, $bytes) = @_;

    make_path("$dir/$target");

    my $path = "$dir/$target/" . sha1_hex($bytes);

    open my $file, '>:raw', $path or die "$path: $!\n";
    print $file $bytes;
    close $file or die "$path: $!\n";
}


# DAG-CBOR, good enough for a seed

sub head {
    my ($type, $n) = @_;

    return pack 'C', $type << 5 | $n if $n < 24;
    return pack 'CC', $type << 5 | 24, $n if $n < 1 << 8;
    return pack 'Cn', $type << 5 | 25, $n if $n < 1 << 16;
    return pack 'CN', $type << 5 | 26, $n if $n < 1 << 32;
    return pack 'CQ>', $type << 5 | 27, $n;
}

sub cbor {
    my ($v) = @_;

    return "\xf6" if !defined $v;
    return $v ? "\xf5" : "\xf4" if JSON::PP::is_bool($v);
    return head(4, scalar @$v) . join '', map { cbor($_) } @$v
        if ref $v eq 'ARRAY';

    if (ref $v eq 'HASH') {
        my $slash = $v->{'/'};

        if (ref $slash eq 'HASH') {
            my $bytes = decode_base64($slash->{bytes});
            return head(2, length $bytes) . $bytes;
        }

        return head(5, scalar keys %$v)
            . join '', map { cbor($_) . cbor($v->{$_}) }
              sort { length $a <=> length $b || $a cmp $b } keys %$v;
    }

    return head(0, $v) if $v =~ /^\d{1,16}$/;
    return head(1, -1 - $v) if $v =~ /^-[1-9]\d{0,15}$/;
    return "\xfb" . pack 'd>', $v if $v =~ /^-?\d+\.\d+$/;

    utf8::encode(my $text = $v);

    return head(3, length $text) . $text;
}


my @tokens = map { decode_base64($_->{b64}) }
             @{ vectors('tokens')->{vectors} },
             @{ vectors('iso-made')->{vectors} };

for my $chain (@{ vectors('chains')->{vectors} }) {
    my @links = map { decode_base64($_->{b64}) } @{ $chain->{tokens} };
    my $whole = "\xa1\x66ctn-v1" . head(4, scalar @links)
                . join '', map { head(2, length $_) . $_ } sort @links;

    seed('container', "\@$whole");
    seed('container', 'B' . encode_base64($whole, ''));
    push @tokens, @links;
}

for my $token (@tokens) {
    seed('token', $token);
    seed('cbor', $token);
}

seed('cbor', pack 'H*', $_->{hex}) for @{ vectors('cbor')->{vectors} };
seed('cid', $_->{cid}) for @{ vectors('iso-made')->{vectors} };
seed('cid', $_->{did}) for @{ vectors('dids')->{vectors} };

my $policies = vectors('policy');

seed('policy', cbor([$_->{policy}, $policies->{args}]))
    for @{ $policies->{vectors} };
seed('policy', cbor([[['==', $_->{selector}, 1], ['!=', $_->{selector}, 1]],
                     $policies->{args}]))
    for @{ vectors('selectors')->{vectors} };
seed('policy', cbor([[['like', '.s', $_->{pattern}]], { s => $_->{text} }]))
    for @{ vectors('globs')->{vectors} };

for my $deployment (@{ vectors('deployments', 'tf') }) {
    seed('deployment', encode_utf8($_->{wire_json}))
        for values %{ $deployment->{signed} };
}

seed('rmb', encode_utf8($_->{request}))
    for @{ vectors('rmb', 'tf')->{exchanges} };
