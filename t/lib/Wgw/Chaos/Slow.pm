package Wgw::Chaos::Slow;

# Slow readers over HTTP/1, HTTP/2 and TCP: some are silent for seconds, some
# take a little at a time; most take all in the end, some go away.  What they
# did not take may wait in the sockets' buffers, which are small here.
#
# A client in four uses a key that all of them share for four seconds, under a
# cap that they reach: silent ones must not use it up for the others, nor may
# more go out than it allows.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw::Bytes qw(dial get write_all);
use Wgw::Chaos::Client;
use Wgw::H2;

my $size = 4_000_000;
my $cap = 6_000_000;

# what may be in buffers of both sides that is never read
my $spare = 1_500_000;


sub http { return <<'EOF' }
    server {
        listen 127.0.0.1:%%SLOW%% sndbuf=64k;
        root html;
        wgw_meter names $arg_k cap=$arg_cap;
    }

    server {
        listen 127.0.0.1:%%SLOW2%% sndbuf=64k;
        http2 on;
        root html;
        wgw_meter names $arg_k cap=$arg_cap;
    }
EOF


sub stream { return <<'EOF' }
    server {
        listen 127.0.0.1:%%SLOWTCP%% sndbuf=64k;
        wgw_meter names slow-tcp-$remote_port;
        proxy_pass 127.0.0.1:%%PEER%%;
    }
EOF


sub before {
    my ($self) = @_;

    $self->run->peer();
    $self->run->file('big', $size);
}


sub clients {
    my ($self) = @_;

    return (map { ("slow-h1-$_" => sub { $self->http1(@_) }) } 1 .. 3),
           (map { ("slow-h2-$_" => sub { $self->http2(@_) }) } 1 .. 3),
           (map { ("slow-tcp-$_" => sub { $self->tcp(@_) }) } 1, 2);
}


# A key, and the query's other argument.

sub key {
    my ($name) = @_;

    return rand() < 0.75 ? ("$name-" . time * 1000 % 1e12, '')
                         : ('slow-cap-' . int(time / 4), "&cap=$cap");
}


# How to read: called with what has come by now, it sleeps, and returns how
# much is to be read next; 0 to go away.

sub manner {
    my $after = rand $size;
    my $leaves = rand() < 0.25;

    if (rand() < 0.5) {
        my $silent = 1 + rand 5;

        return sub {
            return 65536 if $_[0] < $after || !$silent;
            sleep $silent;
            $silent = 0;
            return $leaves ? 0 : 65536;
        };
    }

    my $end = time + 1 + rand 5;

    return sub {
        return $leaves ? 0 : 65536 if time > $end;
        sleep 0.02;
        return 4096;
    };
}


sub http1 {
    my ($self, $state) = @_;

    my ($key, $query) = key($state->{name});
    my $how = manner();
    my $text = Wgw::Bytes::request($key, get('/big'))
        =~ s/(\?k=\S+)/$1$query/r;
    my $client = Wgw::Chaos::Client->new($self->run->port('SLOW'), slow => 1);

    $self->run->ledger->attempt("names $key", $size + 1000, sub {
        return outcome($client->ask($text, sub { $how->($_[0]{received}) }),
                       $query);
    });
}


# What a refusal cost is the account's of refusals.  Without a cap all comes;
# a gateway that was told to end lets it.

sub outcome {
    my ($got, $query) = @_;

    $got->{key} = '-' if $got->{status} == 429;
    $got->{ok} = 0 if $got->{cut} && !$query;

    if ($got->{left}) {
        $got->{ok} = 1;
        $got->{spare} = $spare;
    }

    return $got;
}


sub http2 {
    my ($self, $state) = @_;

    my ($key, $query) = key($state->{name});
    my $how = manner();
    my $client = Wgw::H2->new($self->run->port('SLOW2'), slow => 1,
                              rand() < 0.5 ? (window => 65535) : ());

    $self->run->ledger->attempt("names $key", $size + 20_000, sub {
        my $stream = $client->request("/big?k=$key$query");
        my $left;

        $client->run(sub {
            my $most = $how->($stream->{data});

            $client->{most} = $most;
            $left = !$most;

            return $left || $stream->{end} || defined $stream->{reset};
        });

        $left ? $client->abort() : $client->close();

        my $cut = defined $stream->{reset};

        return outcome({
            ok => $stream->{end} || $cut ? 1 : 0, cut => $cut, left => $left,
            sent => $stream->{block}, received => $stream->{bytes},
            status => $stream->{status},
        }, $query);
    });
}


sub tcp {
    my ($self) = @_;

    my $how = manner();
    my $text = "source $size sink 1000 end " . 'u' x 1000;
    my $whole = $size + length '..done';
    my $socket = dial($self->run->port('SLOWTCP'), slow => 1);
    my $got = { ok => 0, sent => length $text, received => 0 };

    $self->run->ledger->attempt('names slow-tcp-' . $socket->sockport(),
                                $size + 2000, sub {
        write_all($socket, $text);

        while ($got->{received} < $whole) {
            my $most = $how->($got->{received});

            if (!$most) {
                return { %$got, ok => 1, spare => $spare };
            }

            my $n = sysread $socket, my $bytes, $most or return $got;

            $got->{received} += $n;
        }

        return { %$got, ok => 1 };
    });
}


# No shared key is over its cap, whoever was killed.

sub compare {
    my ($self) = @_;

    my $rows = $self->run->ledger->{rows};
    my @keys = grep { /^names slow-cap-/ } keys %$rows;
    my $reached = grep { $rows->{$_}{sent} + $rows->{$_}{received} == $cap }
                       @keys;

    diag(scalar(@keys) . " shared caps, $reached reached to the byte");
    Wgw::Chaos::Ledger::none('no cap is passed', grep {
        $rows->{$_}{sent} + $rows->{$_}{received} > $cap
    } @keys);
}


1;
