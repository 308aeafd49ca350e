package Wgw::Chaos::Full;

# Tables that run full: one that refuses, and grows at times, by a reload with
# more keys; one in which what does not fit is counted together.  A key that
# was let in stays in; a client uses those it has and new ones.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw::Chaos::Client;

my $step = 150;
my $most = 14;


sub main {
    my ($self) = @_;

    my $keys = $step * (1 + ($self->{grown} // 0));

    return <<"EOF";
wgw_meter_zone small file=small.wgw keys=$keys;
wgw_meter_zone spill file=spill.wgw keys=50;
EOF
}


sub http { return <<'EOF' }
    server {
        listen 127.0.0.1:%%FULL%%;
        location /small {
            wgw_meter small $arg_k cap=100000000000;
            return 200 "0123456789";
        }
        location /spill {
            wgw_meter spill $arg_k full=other;
            return 200 "0123456789";
        }
    }
EOF


sub clients {
    my ($self) = @_;

    return map { ("full-$_" => sub { $self->client(@_) }) } 1, 2;
}


sub client {
    my ($self, $state) = @_;

    my $client = $state->{client}
        ||= Wgw::Chaos::Client->new($self->run->port('FULL'));
    my $zone = rand() < 0.7 ? 'small' : 'spill';
    my $in = $state->{keep}{$zone} ||= [ ];
    my $n = $state->{keep}{n}++;

    # names of some length, since their text takes room, too
    my $new = !@$in || rand() < 0.2;
    my $key = $new ? "$state->{name}-$n-" . 'x' x rand 200 : $in->[rand @$in];
    my $text = "GET /$zone?k=$key HTTP/1.1\r\nHost: a\r\n\r\n";

    my $got = $self->run->ledger->attempt("$zone $key", 1000, sub {
        my $got = $client->ask($text);

        # only the client knows of a refusal; its bytes are no key's
        $got->{key} = "$zone *denied" if $got->{status} == 503;

        return $got;
    });

    if ($got->{status} == 200 && $new) {
        push @$in, $key;

    } elsif ($got->{status} == 503 && !$new) {
        $self->run->ledger->wrong("a key that was in is refused: $key");

    } elsif ($got->{ok} && $got->{status} !~ /^(?:200|503)$/) {
        $self->run->ledger->wrong("status $got->{status} of a full table");
    }

    sleep rand 0.05;
}


sub does { return qw(exchange grow) }


sub acts {
    my ($self) = @_;

    return if ($self->{grown} // 0) >= $most
              || time < ($self->{next} //= time + 10);

    return [ grow => sub {
        $self->{grown}++;
        $self->{next} = time + 20;
        $self->run->configure();
        kill 'HUP', $self->run->gw->pid();
    } ];
}


# What has no row of its own went to `other`.

sub compare {
    my ($self) = @_;

    my $ledger = $self->run->ledger;
    my ($keys, $rows) = ($ledger->{keys}, $ledger->{rows});
    my $other = $keys->{'spill *other'} = { sure => 1, map { $_ => 0 }
                                            qw(least most n sent received) };

    for my $key (grep { /^spill [^*]/ && !$rows->{$_} } keys %$keys) {
        my $k = delete $keys->{$key};

        $other->{$_} += $k->{$_} for qw(least most n sent received);
        $other->{sure} &&= $k->{sure};
    }

    for my $zone (qw(small spill)) {
        my $at = $ledger->{zones}{$zone};

        diag("$zone: $at->{keys} of $at->{keys_max} keys");
        cmp_ok($at->{keys}, '<=', $at->{keys_max}, "$zone: no more keys");
    }
}


sub allowed {
    return qr/ \[crit\] .* "(?:small|spill)" is full, new keys are /,
        qr/ \[crit\] .* "(?:small|spill)" is full, counted together/,
        qr/ \[warn\] .* "(?:small|spill)" is \d+% full/,
        qr/ \[error\] .* request refused, zone "small" has no room/;
}


1;
