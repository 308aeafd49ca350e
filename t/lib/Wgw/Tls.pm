package Wgw::Tls;

# For tests of the TLS port: names, certificates, clients that use TLS and
# clients that only pretend to, with a hello of their own making.

use warnings;
use strict;

use base 'Exporter';

our @EXPORT = qw(
    certificate put_name true
    client subject talk status pieces
    hello extension server_name records
);

use IO::Select;
use IO::Socket::SSL;
use JSON::PP ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Test::More ();
use Time::HiRes qw(sleep time);

use Wgw;


sub true { return $JSON::PP::true }


# NAME.crt and NAME.key for each, in DIR, with that common name

sub certificate {
    my ($dir, @names) = @_;

    for my $name (@names) {
        system("openssl req -x509 -newkey ec -nodes -days 30 -subj /CN=$name "
               . '-pkeyopt ec_paramgen_curve:prime256v1 '
               . "-keyout $dir/$name.key -out $dir/$name.crt 2> /dev/null")
            == 0 or die 'openssl req';
    }
}


# A test: the names API, on the port called ADMIN, takes this record.

sub put_name {
    my ($gw, $name, $record) = @_;

    my $reply = http_get($gw->port('ADMIN'), "/v1/names/$name",
                         method => 'PUT',
                         body => JSON::PP->new->encode($record));

    Test::More::like($reply->{status}, qr/^20[01]$/, "put $name")
        or Test::More::diag($reply->{body});

    return $reply;
}


# client(PORT, SNI [, ADDRESS]): a TLS connection, or undef

sub client {
    my ($port, $name, $address, %option) = @_;

    return IO::Socket::SSL->new(
        PeerHost => $address || '127.0.0.1', PeerPort => $port, Timeout => 5,
        SSL_verify_mode => SSL_VERIFY_NONE, SSL_hostname => $name, %option
    );
}


sub subject {
    my ($client) = @_;

    return $client ? $client->peer_certificate('commonName') : 'none';
}


# The body, on a connection that stays open.

sub talk {
    my ($client, $host, $path) = @_;

    return 'no connection' if !$client;

    $path ||= '/';

    print $client "GET $path HTTP/1.1\r\nHost: $host\r\n\r\n";

    my $answer = '';

    while ($answer !~ /\r\n\r\n.*\n/s) {
        sysread $client, $answer, 65536, length $answer or last;
    }

    return $answer =~ /\r\n\r\n(.*)\n/ ? $1 : $answer;
}


# status(PORT, SNI, HOST): of a request on a new connection, 0 without reply

sub status {
    my ($port, $name, $host) = @_;

    my $client = client($port, $name) or return 0;

    print $client "GET / HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n";
    my $line = <$client> // '';

    return $line =~ /^HTTP\/1\.1 (\d+)/ ? $1 : 0;
}


# What is answered to bytes sent in pieces; with 'open' the connection is
# then left open, with 'shut' its sending side is closed, 'slow' waits
# between the pieces.

sub pieces {
    my ($port, $size, $bytes, $how) = @_;

    my $socket = connect_to($port) or return 'no connection';
    my ($answer, $end) = ('', time + 20);

    local $SIG{PIPE} = 'IGNORE';

    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;

    for my $piece (unpack "(a$size)*", $bytes) {
        syswrite $socket, $piece or last;
        sleep($how && $how eq 'slow' ? 0.1 : 0.0005);
        last if time > $end;
    }

    shutdown $socket, 1 if $how && $how eq 'shut';

    my $select = IO::Select->new($socket);

    while (time < $end) {
        next if !$select->can_read(0.1);
        sysread $socket, $answer, 65536, length $answer or return $answer;
        return $answer if $answer =~ /backend|gateway/;
    }

    return "$answer, and still open";
}


# hello(NAME, EXTENSION ...): a TLS 1.2 hello in one record, so that the
# certificate comes in the clear.  Without NAME it has no server name but
# those among the extensions.

sub hello {
    my ($name, @extensions) = @_;

    my $extensions = join '',
        (defined $name ? extension(0, server_name($name)) : ''),
        extension(10, pack 'n/a*', pack 'n*', 23, 24),
        extension(11, "\1\0"),
        extension(13, pack 'n/a*', pack 'n*', 0x0403, 0x0804),
        @extensions;

    my $body = pack('n', 0x0303) . 'r' x 32 . "\0"
        . pack('n/a*', pack 'n*', 0x0a0a, 0xc02b, 0xc02c) . "\1\0"
        . pack('n/a*', $extensions);

    my $message = pack('C', 1) . substr(pack('N', length $body), 1) . $body;

    return pack('Cnn/a*', 22, 0x0301, $message);
}


sub extension {
    my ($type, $bytes) = @_;

    return pack 'nn/a*', $type, $bytes;
}


# The contents of a server_name extension with these names.

sub server_name {
    return pack 'n/a*', join '', map { pack 'Cn/a*', 0, $_ } @_;
}


# The same message in records of that size.

sub records {
    my ($hello, $size) = @_;

    return join '', map { pack 'Cnn/a*', 22, 0x0301, $_ }
        unpack "(a$size)*", substr $hello, 5;
}


1;
