#!/usr/bin/perl

# The house: which part uses which, by its #includes and, for what headers
# hide, by the linker's symbols of its object.  There is no circle, of files,
# parts or rooms, and every arrow points down (docs/architecture.md):
#
#     module files > http_*, stream_* > route, meter ... > store, table
#                  > core > crypto > format
#
# A part is a header and its .c; a .c without a header of its own belongs to
# the part whose name its name begins with.

use warnings;
use strict;

use File::Find;
use File::Path 'make_path';
use File::Temp 'tempdir';
use Test::More;


# what each room is above; features are beside each other
my %floor = (format => 1, crypto => 2, core => 3, store => 4, table => 4,
             (map { $_ => 5 } qw(names route meter claims auth router fleet)),
             # programs of their own, which nobody uses, and what they share
             (map { $_ => 8 } qw(cli grid ledger)), program => 7.5);

# features that may use another one
my %sideways = map { $_ => 1 }
    'route names',              # a route is made of a name's record
    'claims meter', 'router auth', 'router route', 'fleet meter',
    'fleet names';

# What nginx finds a module's configuration by is no arrow to who defines it.
my $handle = qr{^ngx_(http_|stream_)?wgw_\w+_module$};

my $programs = qr/cli|grid|ledger/;
my $objects = ($ENV{WGW_BUILD} || 'build') . '/nginx/objs/addon';


subtest 'the house' => sub {
    my $house = look('.', $objects);

    cmp_ok(scalar keys %{$house->{parts}}, '>', 80, 'there are parts');
    cmp_ok($house->{objects}, '>', 80, 'and their objects');

    is(join("\n", sort @{$house->{wrong}}), '', 'no circle, no arrow up');
};


# A program that is made alone has all that its parts include.

my %package = (
    'curl/curl.h' => 'libcurl4-openssl-dev', 'lmdb.h' => 'liblmdb-dev',
    'hiredis/' => 'libhiredis-dev', 'libpq-fe.h' => 'libpq-dev',
    'openssl/' => 'libssl-dev', 'secp256k1' => 'libsecp256k1-dev',
    'yajl/' => 'libyajl-dev', 'zlib.h' => 'zlib1g-dev',
);

for my $program (qw(cli ledger)) {
    my ($list) = text('tools/deps.sh') =~ /^\Q$program\E\)\n(.*?);;/ms;
    my @parts = grep { text($_) !~ /ngx_/ } glob 'src/*/*.[ch]';
    my $included = join '', map { text($_) =~ /^#include <(.*)>/mg }
        @parts, glob "$program/*.[ch]";

    is(join(' ', grep { index($included, $_) >= 0
                        && $list !~ /(?<!\S)\Q$package{$_}\E(?!\S)/ }
                 sort keys %package), '', "make $program: its packages");
}


# What a merge left, and no compiler reads.

my @files = grep { -f && -T } split /\0/, `git ls-files -z 2> /dev/null`;

SKIP: {
    skip 'no git checkout', 1 if !@files;

    is(join("\n", grep { conflict($_) } @files), '', 'no conflict is left');
}


# Each fault that this is for, planted in a copy, is found.

planted('a circle of headers',
        qr{^files in a circle: src/format/json\.h src/format/text\.h$},
        'src/format/text.h' => '#include "format/json.h"');
planted('a circle of parts', qr{^parts in a circle: format/hex format/text},
        'src/format/text.c' => '#include "format/hex.h"',
        'src/format/hex.c' => '#include "format/text.h"');
planted('an arrow up', qr{^up: format/text -> core/reply$},
        'src/format/text.c' => '#include "core/reply.h"');
planted('an arrow from a feature to its adapter',
        qr{^up: meter/meter -> meter/http_meter_v1$},
        'src/meter/meter.c' => '#include "meter/http_meter_v1.h"');
planted('an arrow between features', qr{^sideways: meter/top -> route/health$},
        'src/meter/top.c' => '#include "route/health.h"');
planted('an arrow between features, from an adapter',
        qr{^sideways: auth/http_auth -> names/record$},
        'src/auth/http_auth.c' => '#include "names/record.h"');
planted('a circle of rooms', qr{^rooms in a circle: core table$},
        'src/core/board.c' => '#include "table/window.h"',
        'src/table/window.c' => '#include "core/board.h"');
planted('an arrow to the command', qr{^up: meter/top -> cli/cli$},
        'src/meter/top.c' => '#include "cli/cli.h"');
planted('an arrow to what programs share', qr{^up: meter/top -> program/fetch$},
        'src/meter/top.c' => '#include "program/fetch.h"');
planted('an arrow from the command to an adapter',
        qr{^nginx: cli/usage -> meter/http_meter_v1$},
        'cli/usage.c' => '#include "meter/http_meter_v1.h"');
planted('a file of no room', qr{^no room: src/attic/box\.c$},
        'src/attic/box.c' => '');
planted('what is not there', qr{^src/format/text\.c: no "format/nothing\.h"$},
        'src/format/text.c' => '#include "format/nothing.h"');

# what no #include tells
planted('a symbol from above', qr{^up: format/hex -> auth/tokens$},
        'format/hex.o' => 'void planted(void);
                           void hex(void) { planted(); }',
        'auth/tokens.o' => 'void planted(void) { }');
planted('a circle of symbols',
        qr{^parts in a circle: .*table/growth .*table/window},
        'table/growth.o' => 'void a(void); void b(void) { a(); }',
        'table/window.o' => 'void b(void); void a(void) { b(); }');
planted('a variable', qr{^up: crypto/hash -> store/env$},
        'crypto/hash.o' => 'extern int planted; int hash(void);
                            int hash(void) { return planted; }',
        'store/env.o' => 'int planted;');

done_testing();


# A copy of the sources, and no objects, in which lines were added to sources
# and objects compiled.

sub planted {
    my ($name, $expected, %plants) = @_;

    my $copy = tempdir(CLEANUP => 1);

    system('cp', '-r', qw(src cli grid ledger), glob('ngx_wgw_*.c'), $copy) == 0
        or die;

    for my $file (sort keys %plants) {
        my $path = $file =~ /\.o$/ ? "$copy/objs/$file" : "$copy/$file";

        (my $folder = $path) =~ s{/[^/]*$}{};
        make_path($folder);

        if ($file =~ /\.o$/) {
            open my $cc, '|-', 'cc', '-x', 'c', '-c', '-o', $path, '-' or die;
            print $cc $plants{$file};
            close $cc or die "cc: $file";

        } else {
            open my $out, '>>', $path or die "$path: $!";
            print $out "\n$plants{$file}\n";
        }
    }

    my @wrong = @{look($copy, "$copy/objs")->{wrong}};

    ok((grep { $_ =~ $expected } @wrong), "planted: $name")
        or diag(map { "found: $_\n" } @wrong);
}


# The parts, their objects' number, and what is wrong.

sub look {
    my ($top, $objs) = @_;

    my (%files, %uses, %arrows, @wrong);

    find({ no_chdir => 1, wanted => sub {
        $files{$1} = 1 if m{^\Q$top\E/((?:src/[a-z]+|$programs)/\w+\.[ch])$};
    } }, map { "$top/$_" } qw(src cli grid ledger));

    $files{s{^\Q$top\E/}{}r} = 1 for glob "$top/ngx_wgw_*_module.c";

    for my $file (keys %files) {
        my ($room) = $file =~ m{^src/(\w+)/};

        push @wrong, "no room: $file" if $room && !$floor{$room};

        for my $header (includes("$top/$file")) {

            my $path = $header =~ m{^$programs/} ? $header : "src/$header";

            if (!$files{$path}) {
                push @wrong, "$file: no \"$header\"";
                next;
            }

            $uses{$file}{$path} = 1;
            arrow(\%arrows, part($file, \%files), part($path, \%files));
        }
    }

    my $n = symbols($objs, \%files, \%arrows);

    return { wrong => [@wrong, circles('files', \%uses), faults(\%arrows)],
             parts => { map { part($_, \%files) => 1 } keys %files },
             objects => $n };
}


sub text {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!";

    return join '', <$in>;
}


sub conflict { return text($_[0]) =~ /^(?:<{7}|>{7}) \S/m }


sub includes {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!";

    return map { m{^\s*#\s*include\s+"(.*)"} ? $1 : () } <$in>;
}


# "format/text"; a module's file is in the room "".

sub part {
    my ($file, $files) = @_;

    return "/$1" if $file =~ m{^(ngx_wgw_\w+)\.c$};

    my ($folder, $room, $name) = $file =~ m{^((?:src/)?(\w+))/(\w+)\.};
    my $part = $name;

    while (!$files->{"$folder/$part.h"}) {
        $part =~ s/_[^_]+$// or return "$room/$name";
    }

    return "$room/$part";
}


# Who uses what another object defines.

sub symbols {
    my ($objs, $files, $arrows) = @_;

    my (%defined, %used, $n);

    for my $object (glob "$objs/*/*.o build/parts/plain/{cli,grid,ledger}/*.o") {
        my ($room, $name) = $object =~ m{([^/]+)/([^/]+)\.o$};
        my $file = $name =~ /^ngx_wgw_/ ? "$name.c"
                 : $room =~ /^$programs$/ ? "$room/$name.c"
                 : "src/$room/$name.c";

        # the file may be gone, or, in a copy, not be that object's source
        next unless $files->{$file};

        my $part = part($file, $files);

        $n++;

        for (`nm -g -P $object`) {
            my ($symbol, $type) = split;

            if ($type eq 'U') {
                push @{$used{$symbol}}, $part;
            } else {
                $defined{$symbol} = $part;
            }
        }
    }

    for my $symbol (grep { $defined{$_} && $_ !~ $handle } keys %used) {
        arrow($arrows, $_, $defined{$symbol}) for @{$used{$symbol}};
    }

    return $n // 0;
}


sub arrow {
    my ($arrows, $from, $to) = @_;

    $arrows->{$from}{$to} = 1 if $from ne $to;
}


sub faults {
    my ($arrows) = @_;

    my (%rooms, @wrong);

    for my $from (keys %$arrows) {
        for my $to (keys %{$arrows->{$from}}) {
            my ($one, $other) = map { m{^(\w*)/} } $from, $to;
            my $fault = fault($from, $to);

            push @wrong, $fault if $fault;
            arrow(\%rooms, $one, $other);
        }
    }

    return (@wrong, circles('parts', $arrows), circles('rooms', \%rooms));
}


# What is wrong with one arrow.

sub fault {
    my ($from, $to) = @_;

    my ($one, $other) = map { m{^(\w*)/} } $from, $to;

    return "up: $from -> $to" if height($from) < height($to);

    # it has no nginx
    return "nginx: $from -> $to"
        if $one =~ /^$programs$/
           && ($other eq '' || $to =~ m{/(?:http|stream)_});
    return if $one eq $other || $one eq '';

    return "sideways: $from -> $to"
        if ($floor{$one} // 0) == ($floor{$other} // 0) && !$sideways{"$one $other"};

    return;
}


sub height {
    my ($part) = @_;

    my ($room, $name) = $part =~ m{^(\w*)/(\w+)$};

    return 7 if $room eq '';
    return 6 if $floor{$room} == 5 && $name =~ /^(http|stream)_/;
    return $floor{$room} // 0;
}


# Each set of nodes that lead to one another (Tarjan).

sub circles {
    my ($what, $graph) = @_;

    my (%index, %low, %on, @stack, @found);
    my $next = 0;

    my $visit;
    $visit = sub {
        my ($node) = @_;

        $index{$node} = $low{$node} = $next++;
        push @stack, $node;
        $on{$node} = 1;

        for my $to (sort keys %{$graph->{$node} || {}}) {
            if (!exists $index{$to}) {
                $visit->($to);
                $low{$node} = $low{$to} if $low{$to} < $low{$node};

            } elsif ($on{$to} && $index{$to} < $low{$node}) {
                $low{$node} = $index{$to};
            }
        }

        return if $low{$node} != $index{$node};

        my @set;

        do {
            push @set, pop @stack;
            delete $on{$set[-1]};
        } while ($set[-1] ne $node);

        push @found, "$what in a circle: " . join ' ', sort @set if @set > 1;
    };

    for my $node (sort keys %$graph) {
        $visit->($node) unless exists $index{$node};
    }

    return @found;
}
