package Wgw::Chaos::Websocket;

# Upgraded connections, bytes both ways at the same time.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Wgw::Bytes qw(talk upgrade);


sub http { return <<'EOF' }
    server {
        listen 127.0.0.1:%%UPGRADE%%;
        location / {
            wgw_meter names $arg_k;
            proxy_pass http://127.0.0.1:%%PEER%%;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }
    }
EOF


sub before { $_[0]->run->peer() }


sub clients {
    my ($self) = @_;

    return map { ("ws-$_" => sub { $self->both(@_) }) } 1, 2;
}


sub both {
    my ($self, $state) = @_;

    my $key = "$state->{name}-" . int time;
    my $size = 1 + int rand 3_000_000;
    my $text = upgrade("/upgrade?k=$key")
               . "source $size sink 50000 end " . 'u' x 50_000;

    $self->run->ledger->attempt("names $key", length($text) + $size + 1000,
    sub {
        my $got = talk($self->run->port('UPGRADE'), $text);

        return { %$got, ok => $got->{bytes} =~ /\.\.done\z/ ? 1 : 0 };
    });
}


1;
