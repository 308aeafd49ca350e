package Wgw::Claims;

# Tokens for tests, made by tools/claim.c.
#
#     my $c = Wgw::Claims->new($gw->dir());
#     my $alice = $c->did('alice');            # a key of that name
#     my $token = $c->make('alice', aud => DID, sub => DID, cid => CID,
#                          pol => [JSON, ...], exp => SECONDS|'never');
#     my $all = $c->join($token, ...);         # one container

use warnings;
use strict;

use IPC::Open2;
use MIME::Base64 qw(decode_base64 encode_base64);

use Wgw;


my $build = $ENV{WGW_BUILD} || 'build';

# only one build has the tools
my $claim = -x "$build/bin/claim" ? "$build/bin/claim" : 'build/bin/claim';


sub new {
    my ($class, $dir) = @_;

    mkdir "$dir/keys";

    return bless { dir => "$dir/keys", n => 0 }, $class;
}


sub run {
    my ($self, @args) = @_;

    local $ENV{LD_PRELOAD} = '';

    # what it says besides, of signatures, is for people

    open my $errors, '>&', \*STDERR or die "dup: $!";
    open STDERR, '>', '/dev/null' if $args[0] eq 'show';

    open my $pipe, '-|', $claim, @args or die "$claim: $!";
    open STDERR, '>&', $errors or die "dup: $!";
    local $/;
    my $out = <$pipe>;
    close $pipe or die "claim @args failed";

    return $out;
}


sub did {
    my ($self, $name) = @_;

    chomp(my $did = $self->run('key', "$self->{dir}/$name"));

    return $did;
}


sub make {
    my ($self, $name, %field) = @_;

    $self->did($name);

    my @args = ('make', '-k', "$self->{dir}/$name", '-a', $field{aud});
    my %letters = (iss => 'i', sub => 's', cmd => 'c', exp => 'e', nbf => 'n',
                   meta => 'm');

    for my $key (sort keys %letters) {
        push @args, "-$letters{$key}", $field{$key} if defined $field{$key};
    }

    push @args, '-C', $field{cid} if defined $field{cid};
    push @args, map { ('-p', $_) } @{ $field{pol} || [] };

    return $self->run(@args);
}


sub join {
    my ($self, @containers) = @_;

    my @files;

    for my $text (@containers) {
        my $file = "$self->{dir}/token$$-" . $self->{n}++;
        spew($file, $text);
        push @files, $file;
    }

    return $self->run('join', @files);
}


# content(NUMBER ...): a CID, raw, of a SHA-256 that is these numbers, again and
# again: contents of their own, which there are not.

sub content {
    my (@n) = @_;

    my $bits = unpack 'B*', pack('C4', 1, 0x55, 0x12, 32)
                            . pack('N8', (@n) x (8 / @n));

    $bits .= '0' while length($bits) % 5;

    return 'b' . CORE::join '', map { ('a' .. 'z', 2 .. 7)[oct "0b$_"] }
                                $bits =~ /(.{5})/g;
}


# The bytes of the only token of a container.

sub raw {
    my ($self, $container) = @_;

    my $cbor = decode_base64(substr $container, 1);
    my ($len) = $cbor =~ /^\xa1\x66ctn-v1\x81\x59(..)/s or die 'not one token';

    return substr $cbor, 12, unpack 'n', $len;
}


1;
