package Wgw::Service;

# A claims service for tests, a process of its own.
#
#     my $s = Wgw::Service->new($gw->dir(), $port);
#     $s->answer('zQm...', $bytes);       # what follows the request's head
#     $s->answer(undef, $bytes);          # of all that have none
#     $s->ok($body), $s->status(404)      # such bytes
#     my @asked = $s->asked();            # the paths, in order
#     $s->hang('zQm...')                  # until there is another answer
#
# What has no answer is answered with 404.

use warnings;
use strict;

use IO::Select;
use IO::Socket::IP;
use Time::HiRes qw(sleep);

use Wgw;


sub new {
    my ($class, $dir, $port) = @_;

    my $self = bless {
        dir => "$dir/service", port => $port, owner => $$
    }, $class;

    mkdir $self->{dir};

    return $self->start();
}


sub start {
    my ($self) = @_;

    my $listen = IO::Socket::IP->new(
        LocalHost => '127.0.0.1', LocalPort => $self->{port}, Listen => 512,
        ReuseAddr => 1
    ) or die "no port for the service";

    my $parent = $$;
    $self->{pid} = fork // die "fork: $!";

    if ($self->{pid} == 0) {
        $SIG{TERM} = 'DEFAULT';
        $self->serve($listen, $parent);
        POSIX::_exit(0);
    }

    return $self;
}


sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;

    CORE::kill 'TERM', $pid;
    waitpid $pid, 0;
}


sub DESTROY {
    my ($self) = @_;

    local $?;
    $self->stop() if $self->{owner} == $$;
}


sub ok {
    my ($self, $body, $fields) = @_;

    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($body) . "\r\n"
           . ($fields // '') . "Connection: close\r\n\r\n$body";
}


sub status {
    my ($self, $status, $fields) = @_;

    return "HTTP/1.1 $status X\r\nContent-Length: 0\r\n" . ($fields // '')
           . "Connection: close\r\n\r\n";
}


sub answer {
    my ($self, $multihash, $bytes) = @_;

    my $file = "$self->{dir}/" . ($multihash // 'default');

    spew("$file.new", $bytes);
    rename "$file.new", $file;
}


sub hang {
    my ($self, $multihash) = @_;

    $self->answer($multihash, 'HANG');
}


sub asked {
    my ($self) = @_;

    return split /\n/, slurp("$self->{dir}/asked");
}


sub serve {
    my ($self, $listen, $parent) = @_;

    my $select = IO::Select->new($listen);
    my (%request, %waits);

    while (getppid == $parent) {

        for my $socket ($select->can_read(0.05)) {

            if ($socket == $listen) {
                $select->add($listen->accept());
                next;
            }

            my $n = sysread $socket, $request{$socket}, 65536,
                            length($request{$socket} // '');

            if (!$n) {
                $select->remove($socket);
                delete $request{$socket};
                delete $waits{$socket};
                close $socket;
                next;
            }

            if ($request{$socket} =~ /^GET (\S+) .*\r\n\r\n/s) {
                my $path = $1;

                open my $log, '>>', "$self->{dir}/asked";
                print $log "$path\n";
                close $log;

                $waits{$socket} = [ $socket, $path ];
                delete $request{$socket};
            }
        }

        for my $key (keys %waits) {
            my ($socket, $path) = @{ $waits{$key} };
            my $bytes = $self->find($path);

            next if $bytes eq 'HANG';

            local $SIG{PIPE} = 'IGNORE';

            while (length $bytes) {
                my $n = syswrite $socket, $bytes or last;
                substr $bytes, 0, $n, '';
            }

            $select->remove($socket);
            delete $waits{$key};
            close $socket;
        }
    }
}


sub find {
    my ($self, $path) = @_;

    my ($multihash) = $path =~ m{([^/]*)$};

    for my $name ($multihash, 'default') {
        return slurp("$self->{dir}/$name") if -e "$self->{dir}/$name";
    }

    return $self->status(404);
}


1;
