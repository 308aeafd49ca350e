package Wgw::H2;

# A client of HTTP/2 that counts the bytes of each stream, frame headers
# included, as RFC 9113 has them on the connection.
#
#     my $client = Wgw::H2->new($port, window => 3001);
#     my $stream = $client->request('/big?k=a');
#     $client->run();
#
#     $stream->{bytes}        of HEADERS, CONTINUATION and DATA frames
#     $stream->{data}         of those, payload of DATA
#     $stream->{status}       429
#     $stream->{end}          1: END_STREAM came
#     $stream->{reset}        the code of RST_STREAM, if one came

use warnings;
use strict;

use IO::Select;
use Socket qw(SO_LINGER);
use IO::Socket::SSL;
use Time::HiRes qw(sleep time);

use Wgw::Bytes qw(dial write_all);


my %indexed = (8 => 200, 9 => 204, 10 => 206, 11 => 304, 12 => 400, 13 => 404,
               14 => 500);


# new(PORT, OPTIONS): `tls`; `slow`, a tiny receive buffer; `window`, that of
# streams, which is kept open as bytes come; `pause`, seconds between reads
# (and $client->{most}, at any time, the bytes of the next one);
# `spare`, what windows are below the most there is.  Newer nginx (Debian's 1.22
# of November 2026, too) takes what it has queued for part of a window, and a
# frame that a thread sends may have come before nginx knows that it has left:
# with no room to spare its answer would be a violation.

sub new {
    my ($class, $port, %option) = @_;

    my $most = 2 ** 31 - 1 - ($option{spare} // 2 ** 20);
    my $window = $option{window} // $most;
    my $socket = dial($port, slow => $option{slow});

    if ($option{tls}) {
        IO::Socket::SSL->start_SSL($socket, SSL_alpn_protocols => [ 'h2' ],
            SSL_verify_mode => SSL_VERIFY_NONE, SSL_hostname => 'localhost')
            or die "TLS: $IO::Socket::SSL::SSL_ERROR";
    }

    my $self = bless {
        socket => $socket, buffer => '', next => 1, streams => { },
        window => $window, pause => $option{pause}, frames => [ ],
        tls => $option{tls}, limits => { 0 => 65535 }, initial => 65535,
    }, $class;

    $self->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        . frame(4, 0, 0, pack 'nN', 4, $window)
        . frame(8, 0, 0, pack 'N', $most - 65535));

    return $self;
}


sub frame {
    my ($type, $flags, $id, $payload) = @_;

    return pack('CnCCN', length($payload) >> 16, length($payload) & 0xffff,
                $type, $flags, $id) . $payload;
}


sub send {
    my ($self, $bytes) = @_;

    $self->{socket}->blocking(1);
    write_all($self->{socket}, $bytes);
}


sub field {
    my ($name, $value) = @_;

    return "\0" . integer(length $name) . $name
                . integer(length $value) . $value;
}


sub integer {
    my ($n) = @_;

    return chr $n if $n < 127;

    my $bytes = chr 127;

    for ($n -= 127; $n >= 128; $n >>= 7) {
        $bytes .= chr($n & 127 | 128);
    }

    return $bytes . chr $n;
}


# request(PATH, OPTIONS): `method`, `host`, `headers` [ [ name, value ], ... ], `body`
# (sent by run(), as far as windows allow)

sub request {
    my ($self, $path, %option) = @_;

    my $id = $self->{next};
    my $body = $option{body} // '';

    $self->{next} += 2;

    my $block = join '', map { field(@$_) }
        [ ':method', $option{method} // 'GET' ], [ ':scheme', 'http' ],
        [ ':path', $path ],
        [ ':authority', $option{host} // 'localhost' ],
        @{$option{headers} // [ ]};

    my $stream = $self->{streams}{$id} = {
        id => $id, bytes => 0, data => 0, body => $body, status => 0,
        block => length $block, length => length $body, read => '',
        keep => $option{keep},
    };

    $self->send(frame(1, 4 | (length $body ? 0 : 1), $id, $block));

    return $stream;
}


# Until all streams have ended, or CODE is true, or the connection ends.

sub run {
    my ($self, $code) = @_;

    my $end = time + 60;

    while (time < $end) {
        last if $code ? $code->($self) : $self->idle();
        $self->upload();
        last if !$self->read(0.2);
        $self->take();
    }

    return $self;
}


sub idle {
    my ($self) = @_;

    return !grep { !$_->{end} && !defined $_->{reset} }
                 values %{$self->{streams}};
}


sub upload {
    my ($self) = @_;

    for my $stream (values %{$self->{streams}}) {
        my $id = $stream->{id};
        my $limits = $self->{limits};

        $limits->{$id} //= $self->{initial};

        while (length $stream->{body} && !defined $stream->{reset}) {
            my ($n) = sort { $a <=> $b } 16384, length $stream->{body},
                      $limits->{0}, $limits->{$id};
            last if $n <= 0;

            my $part = substr $stream->{body}, 0, $n, '';

            $limits->{$_} -= $n for 0, $id;
            $stream->{uploaded} += $n;
            $self->send(frame(0, length $stream->{body} ? 0 : 1, $id, $part));
        }
    }
}


sub read {
    my ($self, $seconds) = @_;

    my $socket = $self->{socket};

    sleep $self->{pause} if $self->{pause};

    if (!($self->{tls} && $socket->pending())
        && !IO::Select->new($socket)->can_read($seconds))
    {
        return 1;
    }

    $socket->blocking(0);

    my $most = $self->{most} || ($self->{pause} ? 4096 : 65536);
    my $n = sysread $socket, $self->{buffer}, $most, length $self->{buffer};

    return 1 if defined $n && $n > 0;
    return 1 if !defined $n && Wgw::Bytes::again($self->{tls});

    $self->{closed} = 1;

    return 0;
}


sub take {
    my ($self) = @_;

    while (length $self->{buffer} >= 9) {
        my ($high, $low, $type, $flags, $id) = unpack 'CnCCN', $self->{buffer};
        my $length = ($high << 16) + $low;

        last if length $self->{buffer} < 9 + $length;

        my $payload = substr $self->{buffer}, 9, $length;

        substr $self->{buffer}, 0, 9 + $length, '';
        $self->handle($type, $flags, $id, $payload);
    }
}


sub handle {
    my ($self, $type, $flags, $id, $payload) = @_;

    my $stream = $self->{streams}{$id} // { };
    my $length = length $payload;

    if ($type == 0 || $type == 1 || $type == 9) {
        $stream->{bytes} += 9 + $length;
        $stream->{end} = 1 if $type != 9 && $flags & 1;
    }

    if ($type == 0) {
        $stream->{data} += $length;
        $stream->{read} .= $payload if $stream->{keep};

        if ($length && !$stream->{end}) {
            $self->send(frame(8, 0, $id, pack 'N', $length)
                        . frame(8, 0, 0, pack 'N', $length));
        }

    } elsif ($type == 1 && !$stream->{status}) {
        my $first = ord $payload;

        $stream->{status} = $first & 0x80 ? $indexed{$first & 0x7f}
                                          : substr $payload, 2, 3;
        $stream->{fields} = $payload;

    } elsif ($type == 3) {
        $stream->{reset} = unpack 'N', $payload;

    } elsif ($type == 4 && !($flags & 1)) {
        my %settings = unpack '(nN)*', $payload;

        if (defined $settings{4}) {
            $self->{limits}{$_} += $settings{4} - $self->{initial}
                for grep { $_ } keys %{$self->{limits}};
            $self->{initial} = $settings{4};
        }

        $self->send(frame(4, 1, 0, ''));

    } elsif ($type == 6 && !($flags & 1)) {
        $self->send(frame(6, 1, 0, $payload));

    } elsif ($type == 6) {
        $self->{pong}++;

    } elsif ($type == 7) {
        $self->{goaway} = 1;

    } elsif ($type == 8) {
        $self->{limits}{$id} //= $self->{initial};
        $self->{limits}{$id} += unpack 'N', $payload;
    }
}


# Until all has come that the other side had sent by now.

sub ping {
    my ($self) = @_;

    my $pong = ($self->{pong} // 0) + 1;

    $self->send(frame(6, 0, 0, 'wgw-ping'));
    $self->run(sub { ($self->{pong} // 0) >= $pong });
}


# Gives a stream up.

sub reset {
    my ($self, $stream) = @_;

    $self->send(frame(3, 0, $stream->{id}, pack 'N', 8));
    $stream->{reset} = -1;
}


# By a reset of the connection, for what was not read yet.

sub abort {
    my ($self) = @_;

    $self->{socket}->sockopt(SO_LINGER, pack 'ii', 1, 0);
    $self->close();
}


sub close {
    my ($self) = @_;

    close delete $self->{socket};
}


1;
