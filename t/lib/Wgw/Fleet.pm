package Wgw::Fleet;

# Nodes that share the cap of each key through one Redis, by a proxy each; a
# load for them, and what they let through.

use warnings;
use strict;

use base 'Exporter';
our @EXPORT_OK = qw(bounds load_on p99 total until_used used_up);

use IO::Socket::IP;
use POSIX ();
use Test::More ();
use Time::HiRes qw(sleep time);

use Wgw ();
use Wgw::Redis ();


# fleet(CAP, NUMBER, OPTION => VALUE ...): started and connected; `fleet`, the
# parameter of wgw_fleet, in place of redis://..., `mode`, `keys` of the zone,
# and `zone`, more of its parameters.

sub new {
    my ($class, $cap, $nodes, %option) = @_;

    my $self = bless { cap => $cap, %option }, $class;

    for my $i (0 .. $nodes - 1) {
        my $proxy = $option{redis} ? Wgw::Redis::proxy($option{redis}->port())
                                   : undef;

        push @{$self->{proxies}}, $proxy;
        push @{$self->{gw}}, $self->node($i, $option{fleet}
                                         // "redis://127.0.0.1:$proxy->{port}",
                                         $nodes);
    }

    for my $gw (@{$self->{gw}}) {
        $gw->start();
        $gw->stop();
        parts($gw);
        $gw->start();
    }

    return $self;
}


# A node has no part of a cap without asking in its first window: that of the
# lease file's making, which is put long ago.

sub parts {
    my ($gw) = @_;

    open my $file, '+<', $gw->dir() . '/keys.wgw.lease' or die "lease: $!";
    seek $file, 64, 0;
    print $file pack 'Q<', 0;
    close $file;
}


sub node {
    my ($self, $i, $fleet, $nodes) = @_;

    my $body = 'x' x 1000;
    my $mode = $self->{mode} // 'closed';
    my $more = $self->{more} // '';
    my $keys = $self->{keys} // 1000;
    my $zone = $self->{zone} // '';

    return Wgw->new(<<"EOF");
worker_processes 2;
wgw_fleet $fleet node=n$i nodes=$nodes $more;
wgw_meter_zone keys file=keys.wgw keys=$keys fleet=$mode $zone;
wgw_rate_zone rates keys=100 fleet;

events { worker_connections 512; }

http {
    access_log off;
    keepalive_requests 100000;

    server {
        listen 127.0.0.1:%%HTTP%%;

        location /rate {
            wgw_rate rates \$arg_k rate=400r/m burst=399;
            empty_gif;
        }

        location / {
            wgw_meter keys \$arg_k cap=$self->{cap} count=sent;
            return 200 "$body";
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
        location /metrics { wgw_usage prometheus; }
    }
}
EOF
}


sub gw { return @{$_[0]{gw}} }
sub proxies { return @{$_[0]{proxies}} }


# The value of a metric of each node.

sub metric {
    my ($self, $name) = @_;

    return map {
        my $text = Wgw::http_get($_->port('ADMIN'), '/metrics')->{body};
        $text =~ /^wgw_fleet_$name\{zone="keys"\} (\d+)$/m ? $1 : 0;
    } $self->gw();
}


sub connected {
    my ($self, $servers) = @_;

    $servers //= 1;

    return Wgw::wait_for(sub {
        return $self->gw() == grep { $_ >= $servers }
                                   $self->metric('connected');
    });
}


# ---- load

# load_on(KEY, NODE ...): a client for each, until they are killed.

sub load_on {
    my ($key, @on) = @_;

    my @children;

    for my $gw (@on) {
        defined(my $child = fork) or die "fork: $!";

        if ($child == 0) {
            $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP);
            client($gw->port('HTTP'), $key) for 1 .. 1_000_000;
            POSIX::_exit(0);
        }

        push @children, $child;
    }

    return @children;
}


# Twenty requests on a connection, and when some were refused a short pause.

sub client {
    my ($port, $key) = @_;

    my $request = "GET /?k=$key HTTP/1.1\r\nHost: a\r\n\r\n";
    my $last = $request =~ s/\r\n\r\n/\r\nConnection: close\r\n\r\n/r;

    my $s = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port,
                                Timeout => 5);
    if (!$s) {
        sleep 0.05;
        return;
    }

    syswrite $s, $request x 19 . $last;

    my $answer = '';
    1 while sysread $s, $answer, 65536, length $answer;

    sleep 0.02 if $answer =~ /^HTTP\/1.1 429/m || $answer eq '';
}


# until_used(FLEET, KEY, PART, SECONDS [, NODE ...]): loads these, or all,
# until so much of the cap is used, or time is up.

sub until_used {
    my ($self, $key, $part, $seconds, @on) = @_;

    my @children = load_on($key, @on ? @on : $self->gw());
    my $end = time + $seconds;

    while (time < $end) {
        sleep 0.1;
        last if total($self->used($key)) >= $part * $self->{cap};
    }

    kill 'KILL', @children;
    waitpid $_, 0 for @children;
}


# used_up(FLEET, KEY): likewise, until nobody lets more through, or all together
# three times the cap; what they did.

sub used_up {
    my ($self, $key) = @_;

    my ($used, $last) = (0, -1);

    while ($used < 3 * $self->{cap} && $used != $last) {
        $last = $used;
        until_used($self, $key, 4, 3);
        $used = total($self->used($key));
    }

    return $used;
}


# ---- what was used

sub used {
    my ($self, $key) = @_;

    return [ map {
        my $usage = $_->pid() ? Wgw::usage($_->port('ADMIN'), $key) : undef;
        $usage ? $usage->{window}{sent} : 0;
    } $self->gw() ];
}


sub total {
    my ($used) = @_;

    my $sum = 0;
    $sum += $_ for @$used;

    return $sum;
}


# bounds(FLEET, KEY, LEAST): never above the cap, and LEAST of it.

sub bounds {
    my ($self, $key, $least, $gone) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $used = $self->used($key);
    my $sum = total($used) + ($gone // 0);
    my $cap = $self->{cap};

    Test::More::diag(sprintf '%s: used %.3f %% (%s), over by %d bytes', $key,
                     100 * $sum / $cap, "@$used",
                     $sum > $cap ? $sum - $cap : 0);

    Test::More::cmp_ok($sum, '<=', $cap, 'not above the cap');
    Test::More::cmp_ok($sum, '>=', $least * $cap, 'nearly all of it');
}


sub p99 { return (sort { $a <=> $b } @_)[int(0.99 * @_)] }

1;
