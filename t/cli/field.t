#!/usr/bin/perl

# What others report of commands that show what a server says; the index is
# t/field.t.

use warnings;
use strict;

use Test::More;

use File::Temp qw(tempdir);
use IO::Socket::IP;
use JSON::PP ();
use POSIX ();

use Wgw;
use Wgw::Cli;


# kubernetes/kubernetes 101695 and 107617, eminwux/sbsh 390: what a server says
# is written to a terminal as it is, and has that done what it likes: titles, the
# clipboard, lines over others.  Kind: a text of somebody else's, for people.

my @evil = ("\e[2J\e[31mred", "\e]0;title\a", "\e]52;c;cGFzdGU=\a", "a\rb",
            "\x{9b}31mred", "\x{90}q\x{9c}", "a\x{7f}b", "a\bb", "\x{202e}dlrow",
            "a\nNAME  STATE");
my $coder = JSON::PP->new->utf8;
my $port = free_port();
my $says = tempdir(DIR => $ENV{WGW_TEST_ROOT} || '/tmp', CLEANUP => 1) . '/says';
my $server = serve();

$ENV{WGW_URL} = "http://127.0.0.1:$port";

for my $evil (@evil) {
    my $what = join ' ', map { sprintf '%02x', ord } split //, substr $evil, 0, 6;
    my $record = { name => $evil, owner => $evil, backends => [ $evil ],
                   tls_name => $evil, cap_bytes => 0, paused => JSON::PP::false,
                   failing => [ { backend => $evil, failures => 1, since => 1 } ] };

    for my $case (
        [ 'a list', { names => [ $record ], next => undef }, 'names', 'list' ],
        [ 'a record', $record, 'names', 'show', 'shop' ],
        [ 'an error', { error => $evil, field => $evil }, 'names', 'list' ],
        [ 'usage', { zones => [ { zone => $evil, window => 'month', keys => 1,
                                  keys_max => 10 } ],
                     keys => [ { zone => $evil, key => $evil, owner => $evil,
                                 sent => 1, received => 1, requests => 1,
                                 cap => 10, window => { start => $evil, sent => 1,
                                 received => 1, requests => 1 } } ],
                     next => undef }, 'usage' ],
        [ 'no JSON', "<h1>$evil</h1>", 'names', 'list' ],
    ) {
        my ($kind, $answer, @command) = @$case;

        says($kind eq 'an error' ? 400 : 200, $answer);

        my $said = wgw(@command);
        my $all = $said->{out} . $said->{err};

        utf8::decode($all);
        # the bytes are seen, but for an answer of which nothing is
        like($all, qr/\\x|not the gateway/, "field 20.21: $what: $kind: is shown");
        unlike($all, qr/[\x00-\x09\x0b-\x1f\x7f-\x9f\x{202a}-\x{202e}]/,
               "field 20.21: $what: $kind");
    }
}


# and what is written to a name that is one
{
    says(404, { error => 'is not known', field => 'name' });

    my $said = wgw('names', 'show', "\e[31mred");

    unlike($said->{out} . $said->{err}, qr/\e/, 'field 20.21: what one says oneself');
}

kill 'KILL', $server;
waitpid $server, 0;
done_testing();


sub says {
    my ($status, $answer) = @_;

    my $body = ref $answer ? $coder->encode($answer) : $answer;

    utf8::encode($body) if !ref $answer;

    spew($says, "HTTP/1.1 $status X\r\nContent-Type: application/json\r\n"
                . 'Content-Length: ' . length($body) . "\r\n"
                . "Connection: close\r\n\r\n$body");
}


sub serve {
    my $listen = IO::Socket::IP->new(LocalHost => '127.0.0.1',
        LocalPort => $port, Listen => 16, ReuseAddr => 1) or die $!;
    my $pid = fork // die "fork: $!";

    return $pid if $pid;

    $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);

    while (my $socket = $listen->accept()) {
        my $in = '';

        while ($in !~ /\r\n\r\n/) {
            sysread $socket, $in, 65536, length $in or last;
        }

        syswrite $socket, slurp($says);
        close $socket;
    }

    POSIX::_exit(0);
}
