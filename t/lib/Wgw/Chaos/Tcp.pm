package Wgw::Chaos::Tcp;

# Sessions of TCP; the key is the client's port.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Wgw::Bytes qw(talk);


sub stream { return <<'EOF' }
    server {
        listen 127.0.0.1:%%STREAM%%;
        wgw_meter names stream-$remote_port;
        proxy_pass 127.0.0.1:%%PEER%%;
    }
EOF


sub before { $_[0]->run->peer() }

sub clients { my ($self) = @_; return ('tcp-1' => sub { $self->both(@_) }) }


sub both {
    my ($self) = @_;

    my $size = 1 + int rand 3_000_000;
    my $text = "source $size sink 50000 end " . 'u' x 50_000;

    # where nothing is known of the port, nothing was sent
    $self->run->ledger->attempt('-', length($text) + $size + 1000, sub {
        my $got = talk($self->run->port('STREAM'), $text);

        return { %$got, ok => $got->{bytes} =~ /\.\.done\z/ ? 1 : 0,
                 key => "names stream-$got->{port}" };
    });
}


1;
