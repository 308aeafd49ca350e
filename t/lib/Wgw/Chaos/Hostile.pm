package Wgw::Chaos::Hostile;

# What nobody means well by: headers that come a byte at a time, or never end,
# lengths, chunks and frames that are none, and who asks and goes away.  It
# costs the gateway no worker, and none of it is answered as if it was good.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use IO::Select;
use Time::HiRes qw(sleep time);

use Wgw::Bytes qw(dial write_all);

my $most = 2_000_000;


sub http { return <<'EOF' }
    server {
        listen 127.0.0.1:%%HOSTILE%%;
        client_header_timeout 3s;
        client_body_timeout 3s;
        root html;
        wgw_meter names hostile;
        location /post { proxy_pass http://127.0.0.1:%%BACK%%/; }
    }

    server {
        listen 127.0.0.1:%%HOSTILE2%%;
        http2 on;
        root html;
        wgw_meter names hostile;
    }
EOF


sub does { return qw(attack crawl leave) }


sub clients {
    my ($self) = @_;

    return map { ("hostile-$_" => sub { $self->attack(@_) }) } 1, 2;
}


my $get = "GET /file HTTP/1.1\r\nHost: a\r\n";

# name, where, bytes, and what an answer may be

my @attacks = (
    [ 'a chunk that is none', 'HOSTILE', "POST /post HTTP/1.1\r\nHost: a\r\n"
      . "Transfer-Encoding: chunked\r\n\r\nzzz\r\n", qr/^HTTP\/1.1 4/ ],
    [ 'two lengths', 'HOSTILE', "POST /post HTTP/1.1\r\nHost: a\r\n"
      . "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", qr/^HTTP\/1.1 4/ ],
    [ 'bytes', 'HOSTILE', join('', map { chr } 128 .. 255) . "\r\n\r\n",
      qr/^(?:HTTP\/1.1 4|<html>)/ ],
    [ 'no preface', 'HOSTILE2', "\0" x 100, qr/./ ],
    [ 'windows that overflow', 'HOSTILE2',
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
      . "\0\0\4\x08\0\0\0\0\0\x7f\xff\xff\xff" x 3, qr/./ ],
);


sub attack {
    my ($self) = @_;

    return $self->crawl() if rand() < 0.3;
    return $self->leave() if rand() < 0.3;

    my ($name, $port, $bytes, $may) = @{$attacks[rand @attacks]};

    my $answer = $self->talk($port, sub { write_all($_[0], $bytes) });

    $self->run->ledger->wrong("$name: " . substr $answer, 0, 100)
        if length $answer && $answer !~ $may;

    $self->did('attack');
    sleep rand 0.2;
}


# A request that comes a byte at a time, and is not finished.

sub crawl {
    my ($self) = @_;

    my $end = time + rand 5;

    $self->talk('HOSTILE', sub {
        for my $byte (split //, $get x 10) {
            last if time > $end || !syswrite $_[0], $byte;
            sleep 0.05;
        }
    }, 0);
    $self->did('crawl');
}


# Asks and is gone.

sub leave {
    my ($self) = @_;

    $self->talk('HOSTILE', sub { write_all($_[0], "$get\r\n" x 10) }, 0);
    $self->did('leave');
    sleep rand 0.1;
}


# What comes within some seconds.

sub talk {
    my ($self, $port, $code, $wait) = @_;

    my $socket = dial($self->run->port($port));
    my $start = time;
    my $answer = '';

    $code->($socket);

    for (my $end = time + ($wait // 5); time < $end; ) {
        next if !IO::Select->new($socket)->can_read(0.1);
        last if !sysread $socket, $answer, 65536, length $answer;
        last if length $answer > 1_000_000;
    }

    close $socket;
    $self->run->ledger->add('names hostile', $start, $most, { });

    return $answer;
}


sub allowed {
    return qr/ \[error\] .* client intended to send too large body/,
        qr/ \[error\] .* client sent invalid chunked body/;
}


1;
