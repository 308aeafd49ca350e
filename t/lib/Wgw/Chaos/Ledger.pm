package Wgw::Chaos::Ledger;

# What clients counted, and what the gateway did.
#
# Each client writes a line for each exchange.  It is sure when it ended well
# and nothing was killed shortly before its end or after; where all exchanges
# of a key are sure, the key's figures are those of the clients, to the byte.
# What a client left unread may or may not have been sent: `spare` says how
# much that can be.  Such a client does not see a kill while it is silent, and
# a connection that comes between listen() and the next system calls of a start
# has sockets of the system's own size, which is megabytes: a kill in its time,
# or shortly before, makes it one of the others.  These have bounds: no more
# than what could have been moved, no less than what is left when the last
# second and a MiB of each are lost, which is what a kill may cost
# (docs/meter.md).
#
# A key is written "ZONE KEY", with its life behind it if it has lives, and
# "ZONE *CLASS" for a class.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(time);

use Wgw;

# what a kill may still take with it: until a session's end is seen, which
# takes a loaded machine a while, and what leaves in the instant before it is
# counted
our ($Late, $Early) = (2, 0.02);

# until a start after a kill is over, on a loaded machine
our $Start = 10;

# a kill loses at most so much of a transfer
our ($LostSeconds, $LostBytes) = (1.5, 1048576);

my $fields = '%d %.6f %.6f %d %d %d %d %s';


sub new {
    my ($class, $run) = @_;

    my $self = bless { run => $run, dir => $run->dir() . '/clients' }, $class;

    mkdir $self->{dir};

    return $self;
}


# ---- in a client

sub begin {
    my ($self, $name, $actor) = @_;

    $self->{actor} = $actor;
    open $self->{log}, '>', "$self->{dir}/$name" or die "$name: $!";
}


sub finish {
    my ($self) = @_;

    printf { $self->{log} } "+ %d %s\n", $self->{done}{$_}, $_
        for sort keys %{$self->{done}};
    close $self->{log};
}


# attempt(KEY, MOST, CODE): one exchange, which moves MOST bytes at most.
# CODE returns { ok, sent, received, spare, key }, or nothing where nothing
# was sent; `key` is another one, of which the answer told.  Returns it.

sub attempt {
    my ($self, $key, $most, $code) = @_;

    my $start = time;
    my $got = eval { $code->() };
    my $error = $@;

    if ($got) {
        $self->add($got->{key} // $key, $start, $most, $got);

    } elsif ($error && $error !~ /^connect/) {
        $self->add($key, $start, $most, { });
    }

    die $error if $error;

    return $got;
}


sub add {
    my ($self, $key, $start, $most, $got) = @_;

    $self->did("$self->{actor}: exchange") if $got->{ok};

    return if $key eq '-';

    printf { $self->{log} } "$fields\n", $got->{ok} // 0, $start, time,
        $got->{sent} // 0, $got->{received} // 0, $got->{spare} // 0, $most,
        $key;
}


# did(WHAT): once more, in a client or beside them.

sub did { $_[0]{done}{$_[1]}++ }


# Something that must not be, whatever was killed.

sub wrong {
    my ($self, $text) = @_;

    $text =~ s/[\s\0-\x1f\x7f-\xff]+/ /g;
    print { $self->{log} } '! ', scalar localtime, " $text\n";
}


# What ended a client's turn: a gateway that is not there, for example.

sub fault {
    my ($self, $name, $text) = @_;

    return $self->wrong($text) if $text =~ /^no answer/;

    $text =~ s/[\s\0-\x1f\x7f-\xff]+/ /g;
    print { $self->{log} } "? $text\n";
}


# ---- at the end: what the clients wrote, and the gateway's rows

sub load {
    my ($self) = @_;

    for my $file (glob "$self->{dir}/*") {
        my $name = $file =~ s{.*/}{}r;

        open my $in, '<', $file or die "$file: $!";

        while (my $line = <$in>) {
            chomp $line;

            if ($line =~ /^([!?]) /) {
                push @{$self->{$1 eq '!' ? 'wrong' : 'faults'}},
                     $line =~ s{^..}{$name: }r;
                next;
            }

            if ($line =~ /^\+ (\d+) (.*)/) {
                $self->{done}{$2} += $1;
                next;
            }

            $self->take(split / /, $line, 8);
        }
    }

    $self->{rows} = { $self->rows() };
}


sub take {
    my ($self, $ok, $start, $to, $sent, $received, $spare, $most, $key) = @_;

    my $k = $self->{keys}{$key} ||= { sure => 1, least => 0, most => 0,
                                      n => 0, sent => 0, received => 0 };
    my $bytes = $sent + $received;

    $k->{n}++;

    my $from = $spare ? $start - $Start : $to - $Early;

    if ($ok && !$self->killed($from, $to + $Late)) {
        $k->{least} += $bytes;
        $k->{most} += $bytes + $spare;
        $k->{sent} += $sent;
        $k->{received} += $received;
        $k->{sure} = 0 if $spare;
        $k->{still}++;
        return;
    }

    my $took = $to - $start || 1;
    my $lost = $LostBytes + $bytes / $took * $LostSeconds;

    $k->{sure} = 0;
    $k->{least} += $bytes - $lost if $bytes > $lost && $took > 2;
    $k->{most} += $most;
}


# Whether something was, between these.

sub killed {
    my ($self, $from, $to) = @_;

    return grep { $_->[1] > $from && $_->[0] < $to } @{$self->{run}{kills}};
}


# All that the gateway counted, by page: as keys are written here.

sub rows {
    my ($self) = @_;

    my $port = $self->{run}->port('ADMIN');
    my %rows;

    my $first = json(Wgw::dechunk(http_get($port, '/v1/usage?limit=1')));

    for my $zone (@{$first->{zones}}) {
        my $name = $zone->{zone};

        for my $class (qw(unknown other denied)) {
            $rows{"$name *$class"} = $zone->{$class};
        }

        $self->{zones}{$name} = $zone;

        for (my $after = ''; defined $after; ) {
            my $page = json(Wgw::dechunk(http_get($port,
                "/v1/usage?zone=$name&limit=1000$after")));

            for my $row (@{$page->{keys}}) {
                my $life = $row->{life};

                $rows{"$name $row->{key}" . (defined $life ? " $life" : '')}
                    = $row;
            }

            $after = $page->{next};
            $after = "&after=$after" if defined $after;
        }
    }

    return %rows;
}


# ---- the comparison

sub compare {
    my ($self) = @_;

    my %sum = map { $_ => 0 } qw(sure unsure n bytes);
    my @wrong = @{$self->{wrong} || []};
    my (@exact, @beyond);

    for my $key (sort keys %{$self->{keys}}) {
        my $k = $self->{keys}{$key};
        my $row = $self->{rows}{$key} // { sent => 0, received => 0 };
        my $counted = $row->{sent} + $row->{received};

        $row->{met} = 1;
        $sum{n} += $k->{n};

        if ($k->{sure}) {
            $sum{sure}++;
            $sum{bytes} += $k->{least};

            next if $row->{sent} == $k->{received}
                    && $row->{received} == $k->{sent};

            push @exact, "$key: sent $row->{sent}, not $k->{received}; "
                         . "received $row->{received}, not $k->{sent}";
            next;
        }

        $sum{unsure}++;

        next if $counted >= $k->{least} && $counted <= $k->{most};

        push @beyond, "$key: $counted, not $k->{least} to $k->{most}"
                      . " ($k->{n} exchanges)";
    }

    my @strange = grep { !/ \*/ && !$self->{rows}{$_}{met}
                         && ($self->{rows}{$_}{sent}
                             || $self->{rows}{$_}{received}) }
                  sort keys %{$self->{rows}};

    diag(sprintf '%d exchanges; %d keys, %.0f MB, all sure; %d others; '
                 . '%d kills; %d turns of clients ended early', $sum{n},
         $sum{sure}, $sum{bytes} / 1e6, $sum{unsure},
         scalar @{$self->{run}{kills}}, scalar @{$self->{faults} || []});

    my %faults;

    $faults{s/\d+/N/gr}++ for @{$self->{faults}};
    diag(map { "$faults{$_} times, $_\n" } sort keys %faults);

    cmp_ok($sum{sure}, '>', 0, 'there was load');
    none('what is sure is there, and not twice', @exact);
    none('what was killed or left is within the bounds', @beyond);
    none('no key that nobody used', @strange);
    none('clients saw nothing wrong', @wrong);
}


# A test: that there is none of these.

sub none {
    my ($name, @wrong) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is(scalar @wrong, 0, $name)
        or diag(map { "$_\n" } grep { defined } @wrong[0 .. 19]);
}


1;
