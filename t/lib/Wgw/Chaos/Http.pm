package Wgw::Chaos::Http;

# Requests of HTTP/1.1 on kept connections: short, of a file under a cap, with
# a body, and long ones, at a rate.  Each second has a key of its own.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Time::HiRes qw(sleep);

use Wgw::Bytes qw(get);


# nginx's own limit_rate would have a leap of the clock last

sub main { return <<'EOF' }
wgw_rate_zone paced keys=1000;
EOF


sub http { return <<'EOF' }
    server {
        listen 127.0.0.1:%%HTTP%%;
        root html;

        wgw_meter names $arg_k;

        location /return { return 200 "0123456789"; }
        location /cap {
            wgw_meter names $arg_k cap=100000000000;
            alias html/file;
        }
        location /post { proxy_pass http://127.0.0.1:%%BACK%%/; }
        location /long {
            wgw_rate paced $connection rate=300k/s;
            alias html/mib;
        }
    }
EOF


sub clients {
    my ($self) = @_;

    return (map { ("h1-$_" => sub { $self->short(@_) }) } 1 .. 3),
           (map { ("long-$_" => sub { $self->long(@_) }) } 1, 2);
}


sub short {
    my ($self, $state) = @_;

    my $key = "$state->{name}-" . int time;
    my $text = (
        Wgw::Bytes::request($key, get('/return')),
        Wgw::Bytes::request($key, get('/cap')),
        Wgw::Bytes::request($key, get('/post', method => 'POST',
            headers => "Content-Length: 20000\r\n", body => 'p' x 20_000)),
    )[rand 3];

    $self->ask($state, $key, $text, 120_000);
    sleep rand 0.01;
}


sub long {
    my ($self, $state) = @_;

    my $key = "$state->{name}-" . int time;

    $self->ask($state, $key, Wgw::Bytes::request($key, get('/long')),
               1_060_000);
}


sub ask {
    my ($self, $state, $key, $text, $most) = @_;

    $self->ask_on($state, 'HTTP', "names $key", length($text) + $most, $text);
}


1;
