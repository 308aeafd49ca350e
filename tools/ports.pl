#!/usr/bin/perl

# ports.pl VARIABLE:PORT:ADDRESS[,ADDRESS] ...
#
# Says in one line which port cannot be had, who has it, and which variable
# changes it.  A port is tried as nginx will try it, by binding.

use warnings;
use strict;

use Socket qw(:DEFAULT inet_pton AF_INET6 IPPROTO_IPV6 IPV6_V6ONLY
              pack_sockaddr_in6);

my (%seen, @sockets);

for (@ARGV) {
    my ($variable, $port, $addresses) = split /:/, $_, 3;

    if ($port !~ /^[1-9][0-9]{0,4}$/ || $port > 65535) {
        stop("$variable=$port is no port");
    }

    if ($seen{$port + 0}) {
        stop("$variable and $seen{$port + 0} are both $port");
    }

    $seen{$port + 0} = $variable;

    for my $address (split /,/, $addresses) {
        my $error = try($address, $port);

        if ($error eq 'busy') {
            stop("port $port is in use" . holder($port)
                 . "; $variable=NUMBER chooses another");
        }

        if ($error) {
            stop("port $port of $address: $error;"
                 . " $variable=NUMBER chooses another");
        }
    }
}


sub stop {
    my ($message) = @_;

    print STDERR "make run: $message\n";
    exit 1;
}


sub try {
    my ($address, $port) = @_;

    my $v6 = $address =~ /:/;
    my $family = $v6 ? AF_INET6 : AF_INET;
    my $bytes = inet_pton($family, $address);
    my $sockaddr = $v6 ? pack_sockaddr_in6($port, $bytes)
                       : pack_sockaddr_in($port, $bytes);

    socket(my $socket, $family, SOCK_STREAM, 0) or return "$!";
    setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1) or return "$!";

    if ($v6) {
        setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, 1) or return "$!";
    }

    bind($socket, $sockaddr) or return $!{EADDRINUSE} ? 'busy' : "$!";
    listen($socket, 1) or return $!{EADDRINUSE} ? 'busy' : "$!";

    return '';
}


# The kernel tells which socket listens, and every user whose it is among
# his own processes.

sub holder {
    my ($port) = @_;

    my $hex = sprintf '%04X', $port;
    my %inode;

    for my $table ('/proc/net/tcp', '/proc/net/tcp6') {
        open my $file, '<', $table or next;

        while (<$file>) {
            my @word = split;

            if ($word[3] eq '0A' && $word[1] =~ /:$hex$/) {
                $inode{"socket:[$word[9]]"} = 1;
            }
        }
    }

    for my $fd (glob '/proc/[0-9]*/fd/*') {
        my $link = readlink $fd;

        if (defined $link && $inode{$link}) {
            my ($pid) = $fd =~ m{^/proc/([0-9]+)/};

            open my $file, '<', "/proc/$pid/comm" or next;
            chomp(my $name = <$file>);

            return " by $name (process $pid)";
        }
    }

    return '';
}
