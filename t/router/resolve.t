#!/usr/bin/perl

# Hosts of providers are looked up while nginx runs: names that are not
# found stop no start, and addresses may change.

use warnings;
use strict;

use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Router;


my $gw = Wgw->new(<<'EOF');
worker_processes 2;

events { }

http {
    proxy_http_version 1.1;

    wgw_providers eth {
        signer key;
        provider http://moves.test:%%A%%/a name=moves;
        provider http://nowhere.test:%%A%%/a name=nowhere priority=1 auth=off;
        resolver 127.0.0.1:%%DNS%% ipv6=off;
        check off timeout=1s;
        attempts 3 timeout=10s;
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        location = /eth { wgw_router eth; proxy_pass $wgw_provider; }
        location /providers { wgw_router_api; }
    }
}
EOF

my $dir = $gw->dir();

spew("$dir/key", "$Key\n");
chmod 0600, "$dir/key";

# two machines, with one port
mock('start', name => 'a', port => $gw->port('A'), address => '127.0.0.1');
mock('start', name => 'b', port => $gw->port('A'), address => '127.0.0.2');

my $pid = server($gw->port('DNS'), "$dir/zone");

spew("$dir/zone", '');
$gw->start();

is(call($gw, '/eth')->{status}, 502, 'a name that is not found');
is(providers_of($gw)->{moves}{addresses}, 0, 'has no address');

spew("$dir/zone", '127.0.0.1');
ok(wait_for(sub { who(call($gw, '/eth')) eq 'a' }), 'and then it has');

spew("$dir/zone", '127.0.0.2');
ok(wait_for(sub { who(call($gw, '/eth')) eq 'b' }), 'it moves');

spew("$dir/zone", '');
sleep 6;
is(who(call($gw, '/eth')), 'b', 'what was known is kept');

like($gw->log(), qr/provider's host nowhere\.test could not be resolved/,
     'what is not found is said');

kill 'KILL', $pid;
waitpid $pid, 0;

$gw->stop();

done_testing();


# Answers questions for moves.test with the address in a file.

sub server {
    my ($port, $zone) = @_;

    my $socket = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'udp'
    ) or die "udp $port: $!";

    my $pid = fork;
    die "fork: $!" if !defined $pid;

    return $pid if $pid;

    while ($socket->recv(my $question, 512)) {
        my ($id) = unpack 'n', $question;
        my ($name, $rest) = ('', substr $question, 12);

        while (my $len = ord substr $rest, 0, 1) {
            $name .= substr($rest, 1, $len) . '.';
            substr $rest, 0, $len + 1, '';
        }

        my $asked = substr $question, 12, length($name) + 5;
        my $address = slurp($zone);
        my $found = $name eq 'moves.test.' && $address;

        my $answer = pack('n6', $id, $found ? 0x8180 : 0x8183, 1,
                          $found ? 1 : 0, 0, 0) . $asked;

        if ($found) {
            $answer .= pack 'n n n N n a4', 0xc00c, 1, 1, 1, 4,
                       pack 'C4', split /\./, $address;
        }

        $socket->send($answer);
    }

    POSIX::_exit(0);
}
