package Wgw::Chaos::Disk;

# A small disk, with the names, the claims and a journal of all meters on it,
# which is filled to the last block and emptied again.  It is a tmpfs that is
# mounted in a namespace of the run's own: it goes when the run ends.
#
# While there is no room a change that needs some is refused, whole, and is good
# when there is; what is there is served, and counted.  In the end the journal
# has what the meters have, whatever it could not write meanwhile.

use warnings;
use strict;

use base 'Wgw::Chaos::Actor';

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;

my $size = '160m';

my ($mounted, $owner);

# names of one change: so many more each time
my ($more, $most) = (150, 40);

# Linux's; private, and all below (mount(2))
my ($newns, $private) = (0x00020000, 0x00044000);


sub needs { return ('names') }


sub main { return <<'EOF' }
wgw_journal disk/journal node=chaos every=1s max=64m segment=16m;
EOF


sub before {
    my ($self) = @_;

    require 'syscall.ph';

    my $dir = $self->run->dir() . '/disk';
    my ($none, $root) = ('none', '/');

    mkdir $dir;

    syscall(&SYS_unshare, $newns) == 0
        && syscall(&SYS_mount, $none, $root, 0, $private, 0) == 0
        && system('mount', '-t', 'tmpfs', '-o', "size=$size,mode=0755", 'none',
                  $dir) == 0
        or die "no disk can be mounted here, which root may: $!";

    ($mounted, $owner) = ($dir, $$);
}


# Where a store is, of an actor who may be without a disk.

sub path {
    my ($run, $name) = @_;

    return $run->actor('disk') ? "disk/$name" : $name;
}


sub clients { my ($self) = @_; return (disk => sub { $self->fill(@_) }) }


sub fill {
    my ($self, $state) = @_;

    my $path = $self->run->dir() . '/disk/fill';
    my $n = $more * (1 + $state->{keep}{round}++ % $most);

    sleep 1 + rand 6;
    return if $self->run->calm();

    # quickly, all but what others may take meanwhile
    system('fallocate', '-l', room($self->run) - 4e6, $path) == 0 or return;
    open my $file, '>>', $path or die "$path: $!";

    # what is gained meanwhile is taken, too
    my $end = time + 1 + rand 3;
    my $asked;

    for (my $piece = 1 << 16; time < $end; ) {
        next if syswrite $file, 'd' x $piece;

        if ($piece > 1) {
            $piece >>= 1;
            next;
        }

        $self->did('filled') if !$asked && room($self->run) < 65536;
        $self->full($n) if !$asked++;
        sleep 0.1;
    }

    close $file;
    unlink $path or die "$path: $!";
    $self->empty($n);
}


# Many names at once, for which there may be no room: then there is none of
# them.

sub full {
    my ($self, $n) = @_;

    my $reply = $self->change(map { record($_) } 1 .. $n);

    return if $reply->{status} !~ /^(?:200|507)$/;

    my $there = http_get($self->run->port('ADMIN'), '/v1/names/' . name_of($n));

    return if !$there->{status} || $there->{status} == 503;

    $self->did($reply->{status} == 507 ? 'refused' : 'room left');
    $self->run->ledger->wrong("a change is $reply->{status}, and its last name"
                              . " $there->{status}")
        if $there->{status} != ($reply->{status} == 507 ? 404 : 200);
}


# There is room: they come, and go.

sub empty {
    my ($self, $n) = @_;

    for my $what ([ 'taken', map { record($_) } 1 .. $n ],
                  [ 'deleted', map { qq({"name":"@{[ name_of($_) ]}",)
                                     . '"delete":true}' } 1 .. $n ])
    {
        my ($did, @lines) = @$what;
        my $reply;

        wait_for(sub {
            $reply = $self->change(@lines);
            return $reply->{status} !~ /^(?:0|503)$/;
        }, 60);

        $self->did($did) if $reply->{status} == 200;
        $self->run->ledger->wrong("there is room, and a change is answered "
                                  . substr $reply->{raw}, 0, 500)
            if $reply->{status} != 200;
    }
}


sub change {
    my ($self, @lines) = @_;

    return http_get($self->run->port('ADMIN'), '/v1/names', method => 'POST',
                    headers => "Content-Type: application/x-ndjson\r\n",
                    body => join '', map { "$_\n" } @lines);
}


sub name_of { return "disk-$_[0].gw.example" }


sub record {
    return qq({"name":"@{[ name_of($_[0]) ]}","backends":["http://127.0.0.1:9"],)
           . '"owner":"' . 'o' x 200 . '"}';
}


# Bytes that are free.

sub room {
    my ($run) = @_;

    my ($blocks, $bytes) = split ' ', `stat -f -c '%a %S' @{[ $run->dir() ]}/disk`;

    return $blocks * $bytes;
}


sub does { return qw(filled refused taken deleted) }


sub calmed { unlink $_[0]->run->dir() . '/disk/fill' }


# ---- the journal has all that was counted

sub compare {
    my ($self) = @_;

    my $rows = $self->run->ledger->{rows};
    my (%counted, %last, @wrong);

    # all lives of a key together: of the last one usage has no number
    for (grep { !/ \*/ } keys %$rows) {
        my ($zone) = / / ? split / /, $_, 2 : next;

        $counted{"$zone $rows->{$_}{key}"} += $rows->{$_}{sent}
                                              + $rows->{$_}{received};
    }

    wait_for(sub {
        %last = $self->journal();
        @wrong = grep { $counted{$_} != ($last{$_} // 0) } sort keys %counted;
        return %last && !@wrong;
    });

    diag(scalar(keys %last) . ' keys in the journal');
    cmp_ok(scalar(keys %last), '>', 0, 'there is a journal');
    Wgw::Chaos::Ledger::none('the journal has what was counted', map {
        "$_: " . ($last{$_} // 0) . ", not $counted{$_}"
    } @wrong);
}


# The bytes of its last reading of each key: by zone and key, of all lives.

sub journal {
    my ($self) = @_;

    my (%last, %sum);

    open my $dump, '-|', 'build/bin/wgw-ledger', 'dump',
        $self->run->dir() . '/disk/journal' or die "wgw-ledger: $!";

    while (<$dump>) {
        $last{$1}{$3 // 0} = $4 + $5
            while /\{"zone":("[^"]*","key":"[^"]*"),("life":(\d+),)?
                   "sent":(\d+),"received":(\d+)/gx;
    }

    close $dump;

    for (keys %last) {
        my $key = s/^"|"$//gr =~ s/","key":"/ /r;

        $sum{$key} += $_ for values %{$last{$_}};
    }

    return %sum;
}


sub allowed {
    return qr/ \[crit\] .* (?:names|claims): .*(?:No space|write failed \(5:)/,
        qr/ \[crit\] .*wgw journal .* cannot be written/,
        qr/ \[warn\] .* journal .* is not there yet: a new epoch begins/;
}


END { system('umount', '-l', $mounted) if $mounted && $$ == $owner }


1;
