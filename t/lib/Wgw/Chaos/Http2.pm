package Wgw::Chaos::Http2;

# Three streams at a time on connections of HTTP/2 that are kept.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Time::HiRes qw(sleep);

use Wgw::H2;


sub http { return <<'EOF' }
    server {
        listen 127.0.0.1:%%H2%%;
        http2 on;
        root html;
        wgw_meter names $arg_k cap=100000000000;
    }
EOF


sub clients {
    my ($self) = @_;

    return map { ("h2-$_" => sub { $self->streams(@_) }) } 1, 2;
}


sub streams {
    my ($self, $state) = @_;

    my $key = "$state->{name}-" . int time;

    $self->run->ledger->attempt("names $key", 310_000, sub {
        my $client = $state->{client} ||= Wgw::H2->new($self->run->port('H2'));
        my @streams = map { $client->request("/file?k=$key") } 1 .. 3;

        $client->run();

        my $got = { ok => 1, sent => 0, received => 0 };

        for my $stream (@streams) {
            $got->{ok} = 0 if !$stream->{end};
            $got->{sent} += $stream->{block};
            $got->{received} += $stream->{bytes};
        }

        # a connection that goes away says so; streams after that do not count

        delete $state->{client} if !$got->{ok} || $client->{goaway};
        $client->{streams} = { };

        return $got;
    });

    sleep rand 0.01;
}


1;
