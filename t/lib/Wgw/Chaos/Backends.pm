package Wgw::Chaos::Backends;

# Names whose backends are bad: one is there by turns, one answers anything but
# what was asked for, or nothing.  Where a good one stands beside, each request
# is answered by it, and every answer is of what was asked for: a connection
# that is kept is never another one's.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Chaos::Server;

my %backends = (
    'backend-well' => [ 'WELL' ],
    'backend-gone' => [ 'GONE', 'WELL' ],
    'backend-bad' => [ 'BAD', 'WELL' ],
    'backend-alone' => [ 'BAD' ],
);
my @names = sort keys %backends;


sub needs { return ('names') }


sub http { return <<'EOF' }
    server {
        listen 127.0.0.1:%%BACKENDS%%;
        wgw_route;
        wgw_meter names $arg_k;
        location / {
            proxy_pass http://names;
            proxy_set_header Host $host;
            proxy_set_header Connection "";
            proxy_connect_timeout 1s;
            proxy_read_timeout 1s;
            proxy_next_upstream error timeout invalid_header http_503;
        }
    }
EOF


sub before {
    my ($self) = @_;

    for my $name (qw(WELL GONE BAD)) {
        push @{$self->{pids}},
             Wgw::Chaos::Server::start($self->run->port($name), lc $name);
    }
}


# The names, which nobody changes.

sub after {
    my ($self) = @_;

    for my $name (@names) {
        my $urls = join ',', map { '"http://127.0.0.1:' . $self->run->port($_)
                                   . '"' } @{$backends{$name}};

        my $reply = http_get($self->run->port('ADMIN'), "/v1/names/$name",
            method => 'PUT', headers => "Content-Type: application/json\r\n",
            body => qq({"backends":[$urls],"owner":"backends"}));

        die "$name: $reply->{raw}" if $reply->{status} != 201;
    }

    spew($self->run->dir() . '/expected/backends',
         join '', map { "$_.gw.example backends\n" } @names);
}


sub does { return ('exchange', 'failed', map { "well, $_" } @names[1 .. 3]) }


sub clients {
    my ($self) = @_;

    return map { ("backends-$_" => sub { $self->ask(@_) }) } 1, 2;
}


sub ask {
    my ($self, $state) = @_;

    my $name = $names[rand @names];
    my $host = "$name.gw.example";
    my $key = "$state->{name}-" . int time;
    my $path = '/' . (rand() < 0.1 ? int rand 500_000 : int rand 2000)
               . "?k=$key";
    my $text = "GET $path HTTP/1.1\r\nHost: $host\r\n\r\n";

    # what a backend has broken off is as long as it is
    my $got = $self->ask_on($state, 'BACKENDS', "names $key", 510_000, $text);

    $self->see($name, "$host $path", $got);
    sleep rand 0.02;
}


sub see {
    my ($self, $name, $asked, $got) = @_;

    my $status = $got->{status};
    my $of = $got->{headers}{'x-asked'};

    $self->run->ledger->wrong("asked for $asked, answered for $of")
        if defined $of && $of ne $asked;

    $self->did($status == 200 ? "well, $name" : 'failed') if $status;

    $self->run->ledger->wrong("$name has a good backend, and is $status")
        if $status !~ /^(?:0|200)$/ && $name ne 'backend-alone';
}


sub calmed {
    my ($self) = @_;

    kill 'KILL', @{$self->{pids}};
    waitpid $_, 0 for @{$self->{pids}};
}


sub allowed {
    return qr/ \[error\] .* upstream sent (?:invalid|no valid|too big|dup)/,
        qr/ \[error\] .* upstream timed out \(110: /,
        qr/ \[(?:warn|error)\] .* backend 127\.0\.0\.1:\d+ of "\S+" failed/;
}


1;
