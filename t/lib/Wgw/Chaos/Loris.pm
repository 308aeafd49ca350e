package Wgw::Chaos::Loris;

# A slow loris: a crowd of connections, each of which says a byte from time to
# time, in a header or in a body, and never has said all.  Others are served
# meanwhile, and each is sent away when its time is over.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use IO::Select;
use Time::HiRes qw(sleep time);

use Wgw::Bytes qw(dial get);
use Wgw::Chaos::Client;

my ($crowd, $timeout) = (60, 3);

# what one says: it lasts longer than it may
my $head = "GET /file HTTP/1.1\r\nHost: a\r\n";
my $long = 10_000;
my $post = "POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: $long\r\n\r\n";


sub http { return <<"EOF" }
    server {
        listen 127.0.0.1:%%LORIS%%;
        client_header_timeout ${timeout}s;
        client_body_timeout ${timeout}s;
        reset_timedout_connection on;
        root html;
        wgw_meter names loris;
        location /post { proxy_pass http://127.0.0.1:%%BACK%%/; }
        location /well { wgw_meter names \$arg_k; return 200 "0123456789"; }
    }
EOF


sub does { return ('header', 'body', 'sent away', 'served meanwhile') }

sub clients { my ($self) = @_; return (loris => sub { $self->crowd(@_) }) }


sub crowd {
    my ($self, $state) = @_;

    my $start = time;
    my @crowd = map { $self->one() } 1 .. $crowd;
    my $end = time + 3 * $timeout + 6;

    # bodies are bounded by the silence between two bytes: these are silent
    while (@crowd && time < $end) {
        $self->talk($_) for @crowd;
        @crowd = grep { !$self->gone($_) } @crowd;
        $self->well($state);
        sleep 0.3;
    }

    $self->run->ledger->wrong(scalar(@crowd) . ' slow ones are still there')
        if @crowd;
    $self->run->ledger->add('names loris', $start, $crowd * ($long + 2000),
                            { });
}


sub one {
    my ($self) = @_;

    my $what = rand() < 0.5 ? 'header' : 'body';
    my $socket = dial($self->run->port('LORIS'));

    $socket->blocking(0);
    syswrite $socket, $what eq 'body' ? $post : $head;
    $self->did($what);

    return { socket => $socket, what => $what, start => time };
}


sub talk {
    my ($self, $one) = @_;

    # a body's time begins anew with each byte: so this one is silent at last
    syswrite $one->{socket}, 'x'
        if $one->{what} eq 'header' || time < $one->{start} + $timeout;
}


sub gone {
    my ($self, $one) = @_;

    return 0 if !IO::Select->new($one->{socket})->can_read(0);

    my $n = sysread $one->{socket}, my $bytes, 65536;

    return 0 if $n;

    $self->did('sent away');

    return 1;
}


# Who is not slow, has its answer at once.

sub well {
    my ($self, $state) = @_;

    my $key = "$state->{name}-" . int time;
    my $text = Wgw::Bytes::request($key, get('/well'));
    my $start = time;

    eval {
        my $client = $state->{client}
            ||= Wgw::Chaos::Client->new($self->run->port('LORIS'));

        $self->run->ledger->attempt("names $key", length($text) + 1000,
                                    sub { $client->ask($text) });
        $self->did('served meanwhile');
        1;
    } or $self->{run}->ledger->fault($state->{name}, $@);

    delete $state->{client} if $@;

    $self->run->ledger->wrong('an answer took ' . (time - $start) . ' s')
        if !$@ && time > $start + 20;
}


1;
