package Wgw::Chaos::Client;

# A client of HTTP/1.1 that keeps its connection and counts what it writes and
# reads.
#
#     my $client = Wgw::Chaos::Client->new($port);
#     my $got = $client->ask($text);
#
#     $got->{ok}              the answer is whole, or was cut at a cap
#     $got->{sent}            bytes, of the request
#     $got->{received}        of the answer: header and body
#     $got->{status}          0: there was none
#     $got->{headers}         of it, by small names
#     $got->{cut}             the connection ended within the body

use warnings;
use strict;

use IO::Select;
use Time::HiRes qw(time);

use Wgw::Bytes qw(dial write_all);


# new(PORT, OPTIONS): as those of dial()

sub new {
    my ($class, $port, %option) = @_;

    return bless { port => $port, option => \%option }, $class;
}


# ask(TEXT, PAUSE): PAUSE is called before each read with what has come by
# then, and returns how much is to be read next; 0 gives the answer up.

sub ask {
    my ($self, $text, $pause) = @_;

    $self->write($text);

    return $self->answer($pause);
}


sub write {
    my ($self, $text) = @_;

    $self->{socket} ||= dial($self->{port}, %{$self->{option}});
    $self->{sent} = length $text;

    write_all($self->{socket}, $text);
}


sub answer {
    my ($self, $pause) = @_;

    my $got = { ok => 0, sent => $self->{sent}, received => 0, status => 0,
                headers => { } };
    my $length;
    my $tail = '';

    while (!defined $length || $got->{received} < $length) {
        my $most = $pause ? $pause->($got) : 65536;
        my $bytes;

        if (!$most) {
            $self->drop();
            return { %$got, left => 1 };
        }

        my $n = $self->read(\$bytes, $most);

        if (!$n) {
            $self->drop();
            $got->{cut} = $got->{ok} = 1 if defined $n && defined $length;
            return $got;
        }

        $got->{received} += $n;

        if (!defined $length) {
            $got->{head} .= $bytes;
            $length = head($got);
        }

        # in chunks: until the last one, which is at the end of what comes
        if (($got->{headers}{'transfer-encoding'} // '') eq 'chunked') {
            $tail = substr $tail . $bytes, -7;
            $length = $got->{received} + ($tail ne "\r\n0\r\n\r\n");
        }
    }

    $got->{ok} = 1;
    $self->drop() if ($got->{headers}{connection} // '') eq 'close';

    return $got;
}


# The length of the whole answer once its header is there.

sub head {
    my ($got) = @_;

    my ($head) = $got->{head} =~ /^(.*?\r\n\r\n)/s or return;
    my ($line, @lines) = split /\r\n/, $head;

    ($got->{status}) = $line =~ /^HTTP\/1\.1 (\d+)/;

    for (@lines) {
        my ($name, $value) = split /: */, $_, 2;
        $got->{headers}{lc $name} = $value;
    }

    return length($head) + ($got->{headers}{'content-length'} // 0);
}


# As sysread, of a gateway that answers within a minute.

sub read {
    my ($self, $bytes, $most) = @_;

    IO::Select->new($self->{socket})->can_read(60)
        or die "no answer within a minute";

    return sysread $self->{socket}, $$bytes, $most;
}


sub drop { delete $_[0]{socket} }


1;
