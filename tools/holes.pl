#!/usr/bin/perl

# holes.pl MIRROR SECURITY REGEX ...: a Debian mirror on loopback that sends
# on to those two, but for what one of these matches: that is 404.  Prints its
# port, serves until it is ended.

use warnings;
use strict;

use IO::Socket::INET;

my ($mirror, $security, @holes) = @ARGV;

my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64)
    or die "listen: $!\n";

$SIG{CHLD} = 'IGNORE';
$| = 1;
print $listen->sockport, "\n";

while (1) {
    my $client = $listen->accept() or next;

    next if fork;

    serve($client);
    exit 0;
}


sub serve {
    my ($socket) = @_;

    local $/ = "\r\n\r\n";

    while (defined(my $request = <$socket>)) {
        my ($path) = $request =~ m{^(?:GET|HEAD) (/\S*) } or return;

        print $socket answer($path);
    }
}


sub answer {
    my ($path) = @_;

    my $end = "Content-Length: 0\r\n\r\n";

    return "HTTP/1.1 404 Not Found\r\n$end" if grep { $path =~ /$_/ } @holes;

    return "HTTP/1.1 302 Found\r\nLocation: $security$1\r\n$end"
        if $path =~ m{^/debian-security(/.*)};
    return "HTTP/1.1 302 Found\r\nLocation: $mirror$1\r\n$end"
        if $path =~ m{^/debian(/.*)};
    return "HTTP/1.1 404 Not Found\r\n$end";
}
