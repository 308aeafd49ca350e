package Wgw::Chaos::Names;

# Names that are made, deleted, and made anew for another owner, while they are
# asked for, and while a transfer of before goes on.  Each change is seen by
# the next request, what a life counted is that life's, and in the end exactly
# those names are there that should be, each with its owner.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Chaos::Client;
use Wgw::Chaos::Disk;

my $names = 4;


sub main {
    my ($self) = @_;

    my $store = Wgw::Chaos::Disk::path($self->run, 'store');

    return <<"EOF";
wgw_names $store domain=gw.example allow_loopback;
wgw_meter_zone lives file=lives.wgw keys=200000;
EOF
}


sub http { return <<'EOF' }
    upstream names { wgw_backend; }

    server {
        listen 127.0.0.1:%%NAMES%%;
        wgw_route;
        wgw_meter lives $wgw_name cap=$wgw_cap;
        location / { proxy_pass http://names; proxy_set_header Host back; }
        location = /life { wgw_meter off; return 200 "$wgw_life"; }
    }
EOF


sub admin { return <<'EOF' }
        location /v1/names { wgw_api; }
EOF


sub before { mkdir $_[0]->run->dir() . '/expected' }


sub does { return qw(put patch delete transfer) }


sub clients {
    my ($self) = @_;

    return map { ("names-$_" => sub { $self->change(@_) }) } 1, 2;
}


# One name: it is changed, and asked for before and after.

sub change {
    my ($self, $state) = @_;

    my $names_of = $state->{keep}{names} ||= { };
    my $name = "$state->{name}-" . int(rand $names) . '.gw.example';
    my $has = $names_of->{$name} ||= { };

    $state->{end} = sub { $self->expect($state->{name}, $names_of) };

    # what was asked of a gateway that was killed may be done or not
    return $self->settle($state, $name, $has) if $has->{asked};

    $self->get($state, $name, $has) for 1 .. rand 6;

    my $transfer = rand() < 0.3 && $has->{owner}
                   ? $self->begin($name, $has) : undef;
    my $what = rand();

    if ($what < 0.2) {
        $has->{asked} = { };

    } elsif ($what < 0.4 && $has->{owner}) {
        $has->{asked} = { owner => 'owner-' . int(rand 1e9), patch => 1 };

    } elsif ($what < 0.8 || !$has->{owner}) {
        $has->{asked} = { owner => 'owner-' . int(rand 1e9) };

    } else {
        $has->{asked} = { owner => $has->{owner} };     # the same record
    }

    my $done = eval {
        $self->settle($state, $name, $has);
        $self->get($state, $name, $has) for 1 .. 1 + rand 3;
        1;
    };

    my $error = $@;

    $transfer->() if $transfer;
    die $error if !$done;

    sleep rand 0.1;
}


# Asks until it is done.

sub settle {
    my ($self, $state, $name, $has) = @_;

    my ($owner, $patch) = @{$has->{asked}}{'owner', 'patch'};
    my $back = $self->run->port('BACK');
    my $method = $patch ? 'PATCH' : $owner ? 'PUT' : 'DELETE';
    my $body = $patch ? qq({"owner":"$owner"})
             : $owner ? qq({"backends":["http://127.0.0.1:$back"],)
                        . qq("owner":"$owner","cap_bytes":100000000000}) : '';

    my $reply = http_get($self->run->port('ADMIN'), "/v1/names/$name",
                         method => $method, body => $body,
                         headers => "Content-Type: application/json\r\n");

    # of a gateway that is gone, or is going
    my $gone = $reply->{status} =~ /^(?:0|503)$/;

    $self->full($state, $name, $has) if $reply->{status} == 507;
    $has->{asked}{maybe} = 1 if $gone;
    die "connect: no answer" if $gone;

    $self->did(lc $method);
    $self->run->ledger->wrong("$name: a change is answered $reply->{raw}")
        if $reply->{status} !~ ($owner ? qr/^20[01]$/ : qr/^(?:204|404)$/);

    my $life = $owner ? $self->life($name) : '';

    $self->run->ledger->wrong("$name: $owner has the life of $has->{owner}")
        if $owner && $has->{owner} && $owner ne $has->{owner}
           && $life eq $has->{life};
    $self->run->ledger->wrong("$name: another life for $owner")
        if $owner && $has->{owner} && $owner eq $has->{owner}
           && $life ne $has->{life};

    delete @$has{keys %$has};
    @$has{'owner', 'life'} = ($owner, $life) if $owner;
}


# There was no room for it: all is as before, unless it was asked for before.

sub full {
    my ($self, $state, $name, $has) = @_;

    $self->did('no room');
    $self->get($state, $name, $has) if !$has->{asked}{maybe};
    sleep 0.1;
    die "connect: the disk is full";
}


sub life {
    my ($self, $name) = @_;

    my $reply = http_get($self->run->port('NAMES'), '/life', host => $name);

    die "connect: no life" if $reply->{status} =~ /^(?:0|503)$/;

    $self->run->ledger->wrong("$name: put, and its life is $reply->{raw}")
        if $reply->{body} !~ /^\d{16}$/;

    return $reply->{body};
}


sub get {
    my ($self, $state, $name, $has) = @_;

    my $there = $has->{owner};
    my $path = rand() < 0.2 ? '/file' : '/';
    my $text = "GET $path HTTP/1.1\r\nHost: $name\r\n\r\n";
    my $key = $there ? "lives $name $has->{life}" : '-';

    # of a backend that was killed, too: it is the key's nevertheless
    my $got = $self->ask_on($state, 'NAMES', $key, 120_000, $text);
    my $status = $got->{status};

    $self->run->ledger->wrong("$name, " . ($there // 'deleted')
                              . ": status $status")
        if $got->{ok} && $status != ($there ? 200 : 404)
           && $status !~ /^50[234]$/;
}


# A transfer that began in one life, and ends in another.

sub begin {
    my ($self, $name, $has) = @_;

    my $client = Wgw::Chaos::Client->new($self->run->port('NAMES'), slow => 1);
    my $text = "GET /mib HTTP/1.1\r\nHost: $name\r\n\r\n";
    my $key = "lives $name $has->{life}";
    my $start = time;

    $client->write($text);
    $self->did('transfer');

    # it has begun when something is there
    sleep 0.2;

    return sub {
        my $got = eval { $client->answer() } // { };

        $got->{ok} = 0 if $got->{cut};
        $self->run->ledger->add($key, $start, 1_060_000, $got);
        $client->drop();
    };
}


# ---- the names that are to be there

sub expect {
    my ($self, $file, $names) = @_;

    for my $name (keys %$names) {
        my $has = $names->{$name};

        wait_for(sub { eval { $self->settle({ }, $name, $has); 1 } })
            if $has->{asked};
    }

    spew($self->run->dir() . "/expected/$file", join '', map {
        "$_ $names->{$_}{owner}\n"
    } grep { $names->{$_}{owner} } keys %$names);
}


sub compare {
    my ($self) = @_;

    my $dir = $self->run->dir();
    my $reply = http_get($self->run->port('ADMIN'), '/v1/names?limit=1000');
    my $there = json(Wgw::dechunk($reply))->{names};

    is(join("\n", sort map { "$_->{name} $_->{owner}" } @$there),
       join("\n", sort map { split /\n/, slurp($_) } glob "$dir/expected/*"),
       'the names that are there');

    $self->newest();
}


# The newest life of a name has no number in the list: that which is not there.

sub newest {
    my ($self) = @_;

    my ($keys, $rows) = @{$self->run->ledger}{'keys', 'rows'};

    for my $name (grep { /^lives \S+$/ && !/\*/ } keys %$rows) {
        my @lives = sort grep { /^\Q$name\E \d+$/ && !$rows->{$_} }
                         keys %$keys;

        # one whose only request a worker took with it has no row
        pop @lives while @lives > 1 && !$keys->{$lives[-1]}{still};

        $rows->{$lives[-1]} = delete $rows->{$name} if @lives;
    }
}


sub allowed {
    return qr/ \[error\] .* backend 127\.0\.0\.1:\d+ of "\S+" failed/;
}


1;
