package Wgw::Chaos::Server;

# Backends of Wgw::Chaos, outside the gateway: a process each.
#
#     my $pid = Wgw::Chaos::Server::start($port, 'well');
#
#     well    says in a field X-Asked what host and path it was asked for, and
#             has as many bytes as the path says; a JSON-RPC call it answers
#             with its parameter
#     gone    likewise, while it is there: it goes away and comes again
#     bad     each connection has a fault of its own, of the list below

use warnings;
use strict;

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(sleep time);

# name => what is answered; nothing: the connection ends, undef: silence
my %faults = (
    close => '', reset => '', silent => undef,
    garbage => join('', map { chr } 128 .. 255) x 4,
    'half a header' => "HTTP/1.1 200 OK\r\nContent-Le",
    'half a body' => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf",
    'a chunk that is none' => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
                              . "\r\n\r\nzz\r\n",
    'a large header' => "HTTP/1.1 200 OK\r\nX: " . 'x' x 100_000 . "\r\n\r\n",
    error => "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno",
    'two lengths' => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                     . "Content-Length: 3\r\n\r\nno!",
    'no end' => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx",
);
my @faults = sort keys %faults;


sub start {
    my ($port, $manner) = @_;

    my $pid = fork // die "fork: $!";

    return $pid if $pid;

    $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);
    $SIG{PIPE} = 'IGNORE';

    while (1) {
        serve($port, $manner, $manner eq 'gone' ? time + 0.3 + rand 3 : 0);
        sleep 0.3 + rand 3;
    }
}


# Until then, if that is not 0: what is connected is gone with it.

sub serve {
    my ($port, $manner, $until) = @_;

    my $listen = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 128,
        ReuseAddr => 1, Blocking => 0) or die "$port: $!";

    my $select = IO::Select->new($listen);
    my %in;

    while (!$until || time < $until) {
        POSIX::_exit(0) if getppid() == 1;

        for my $socket ($select->can_read(0.2)) {
            if ($socket == $listen) {
                my $new = $listen->accept() or next;

                $in{$new} = '';
                $select->add($new);
                next;
            }

            next if sysread($socket, $in{$socket}, 65536, length $in{$socket})
                    && ($manner eq 'bad' ? spoil($socket)
                                         : answer($socket, \$in{$socket}));

            $select->remove($socket);
            delete $in{$socket};
            close $socket;
        }
    }
}


# All requests that are there; 0 when no more can be answered.

sub answer {
    my ($socket, $in) = @_;

    while ($$in =~ /^(\S+) (\S+) [^\r]*\r\n(.*?\r\n)\r\n/s) {
        my ($path, $fields, $head) = ($2, $3, $+[0]);
        my ($length) = $fields =~ /^Content-Length: *(\d+)/mi;
        my ($host) = $fields =~ /^Host: *([^\r]*)/mi;

        return 1 if length $$in < $head + ($length // 0);

        my $call = substr $$in, $head, $length // 0;
        my ($size) = $path =~ m{^/(\d+)};
        my $body = $call =~ /^\{.*"id":(\d+).*"params":\["(\w*)/s
            ? qq({"jsonrpc":"2.0","id":$1,"result":"$2"})
            : $call =~ /"id":(\d+)/
            ? qq({"jsonrpc":"2.0","id":$1,"result":"0x10"})
            : 'w' x ($size // 0);

        substr $$in, 0, $head + ($length // 0), '';

        my $out = "HTTP/1.1 200 OK\r\nX-Asked: $host $path\r\nContent-Length: "
                  . length($body) . "\r\n\r\n$body";

        while (length $out) {
            my $n = syswrite $socket, $out or return 0;
            substr $out, 0, $n, '';
        }
    }

    return 1;
}


sub spoil {
    my ($socket) = @_;

    my $name = $faults[rand @faults];
    my $text = $faults{$name} // return 1;

    syswrite $socket, $text;
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0
        if $name eq 'reset';

    return $name eq 'no end';
}


1;
