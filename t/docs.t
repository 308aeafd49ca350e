#!/usr/bin/perl

# The reference, docs/*.md, against the sources: each directive is there as
# Syntax, Default and Context, each variable and metric in a table, each
# message of the error log in a table as well; every link leads somewhere, and
# every file that is named is there.  Code fits 80 columns.

use warnings;
use strict;

use Encode 'decode';
use File::Path 'make_path';
use File::Temp 'tempdir';
use Test::More;


my @sources = sort(glob('src/*/*.c'), glob('ngx_wgw_*.c'));
my @pages = sort(glob('docs/*.md'), glob('*.md'), glob('*/README.md'));

my %text = map { $_ => slurp($_) } @sources, @pages;
my $docs = join "\n\n", map { $text{$_} } grep { m{^docs/} } @pages;

my $messages = join("\n", grep { /^\||`/ } split /\n/, $docs) =~ s/\s+/ /gr;


subtest 'directives' => sub {
    my %names;

    for my $source (@sources) {
        $names{$1} = 1
            while $text{$source} =~ /\{ ngx_string\("(wgw_\w+)"\),\s*\w+(?:CONF|_ANY)\s*\|/g;
    }

    cmp_ok(scalar keys %names, '>', 30, 'there are directives');

    for my $name (sort keys %names) {
        like($docs, qr/^\ {4}Syntax:\ {3}\Q$name\E[\ ;](?:(?!\n\n).)*?
                       ^\ {4}Default:(?:(?!\n\n).)*?
                       ^\ {4}Context:/xms,
             "$name has Syntax, Default and Context");
    }
};


subtest 'variables' => sub {
    my %names;

    for my $source (@sources) {
        $names{$1} = 1
            while $text{$source} =~ /\{ ngx_string\("(wgw_\w+)"\),(?!\s*\w+(?:CONF|_ANY)\s*\|)/g;
    }

    cmp_ok(scalar keys %names, '>', 15, 'there are variables');

    for my $name (sort keys %names) {
        like($docs, qr/^\|[^|\n]*`\$\Q$name\E`/m, "\$$name is in a table");
    }
};


subtest 'metrics' => sub {
    my %names;

    for my $source (@sources) {
        $names{$1 // $2} = 1
            while $text{$source} =~ /"(wgw_\w+_(?:total|bytes|keys_max|keys))"(?!\))|"# TYPE (wgw_\w+)/g;
    }

    cmp_ok(scalar keys %names, '>', 5, 'there are metrics');

    for my $name (sort keys %names) {
        like($docs, qr/^\|[^|\n]*`\Q$name\E`/m, "$name is in a table");
    }
};


subtest 'messages of the error log' => sub {
    my %seen;

    for my $source (@sources) {
        while ($text{$source}
               =~ /(?:ngx_(?:conf_)?log|wgw_line)_error\(\s*[^"]*?((?:"(?:[^"\\]|\\.)*"\s*)+)/gs)
        {
            my $format = join '', $1 =~ /"((?:[^"\\]|\\.)*)"/g;

            $format =~ s/\\"/"/g;
            next if $seen{$format}++;

            like($messages, message($format), "$source: $format");
        }
    }

    cmp_ok(scalar keys %seen, '>', 60, 'there are messages');
};


subtest 'links' => sub {
    for my $page (@pages) {
        my ($folder) = $page =~ m{^(.*/)?};

        while ($text{$page} =~ /\]\(([^)\s]+)\)/g) {
            my $link = $1;
            my ($file, $anchor) = split /#/, $link, 2;

            next if $file =~ /^https?:/;

            my $to = $file eq '' ? $page : ($folder // '') . $file;

            1 while $to =~ s{[^/]+/\.\./}{};

            if (!ok(-e $to, "$page: $link is there") || !defined $anchor) {
                next;
            }

            ok((grep { $_ eq $anchor } anchors($to)),
               "$page: $link has that heading");
        }
    }
};



subtest 'files' => sub {
    my $n = 0;

    for my $page (grep { $_ ne 'CHANGES.md' } @pages) {
        $n += @{[named($text{$page})]};

        is(join("\n", missing($text{$page})), '', "$page: all are there");
    }

    cmp_ok($n, '>', 100, 'files are named');

    for my $room (glob 'src/*/') {
        like($text{'docs/architecture.md'}, qr{^\| `\Q@{[substr $room, 4]}\E` \|}m,
             "$room is among the rooms");
    }

    # what is found where it is not
    is_deeply([missing('`src/route/lookup.c`, `routes.c`; `names/rows.h`')],
              [], 'a file beside another, and one of a room');
    is_deeply([missing('`src/route/lookup.c`, `rows.c` and `src/attic/box.c`')],
              ['rows.c', 'src/attic/box.c'], 'planted: no such file');
};



subtest 'columns' => sub {
    # but what a command prints is as wide as it is
    for my $page (grep { !m{^docs/(?:cli)\.md$} } @pages) {
        is(join("\n", wide($text{$page})), '', "$page: no wide code");
    }

    cmp_ok(scalar(() = $text{'README.md'} =~ /\n/g), '<=', 250,
           'README.md is read in five minutes');

    is_deeply([wide("a\n\n    " . 'x' x 76 . "\n    " . 'y' x 77)],
              ['    ' . 'y' x 77], 'planted: 81 columns');
};



# README says so; tools/deps.sh how, tools/fresh.sh sees it.

subtest 'nothing that is installed starts a server' => sub {
    my $server = qr/\b(?:redis|valkey|mosquitto|memcached|rsync)-server\b/;
    my $deps = slurp('tools/deps.sh') =~ s/#.*//gr;

    unlike($deps, $server, 'tools/deps.sh names none');
    like('redis-server sqlite3', $server, 'planted: one');
};



subtest 'tables' => sub {
    for my $page (@pages) {
        is(join("\n", uneven($text{$page})), '',
           "$page: a row has the cells of its head");
    }

    is_deeply([uneven("| a | b |\n|---|---|\n| c | d |\n| e \\| f |\n")],
              ['| e \\| f |'], 'planted: a row of another table');
};



# With files for what was built, since only its words count here.

subtest 'make install says what to write' => sub {
    my $top = tempdir(CLEANUP => 1);

    for my $file (map({ "installed/ngx_wgw_${_}_module.so" } qw(route meter auth)),
                  'bin/wgw', 'man/wgw.8', 'completion/wgw')
    {
        make_path("$top/build/$file" =~ s{/[^/]*$}{}r);
        open my $out, '>', "$top/build/$file" or die "$file: $!";
    }

    system('cp', '-r', 'tools', 'README.md', $top) == 0 or die;

    my $said = `cd '$top' && DESTDIR='$top/root' sh tools/install.sh 2>&1`;

    is($?, 0, 'it succeeds');
    like($said, qr{^installed \Q$top\E/root/usr/lib/nginx/modules/ngx_wgw_auth}m,
         'what it did');

    my ($example) = $text{'README.md'}
                    =~ /<!-- conf: whole gateway -->\n\n((?:(?: {4}.*)?\n)+)/;

    ok(index($said, $example =~ s/\n+$//r) > 0, 'and the lines to write');
};

done_testing();


sub slurp {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!";
    local $/;

    return scalar <$in>;
}


# What a text says is a file of ours, or a folder, with the folder that was
# named before it in that paragraph.  A ROOM or NAME is to be filled in.

sub named {
    my ($page) = @_;

    my @named;

    for my $paragraph (split /\n\n|\|\n/, $page) {
        my $folder = '';

        while ($paragraph =~ m{`((?:[\w.*-]+/)*(?:[\w*-]+\.(?:[cht]|pm|pl|sh))?)`}g) {
            my $name = $1;

            next if $name !~ m{\.|^(?:src|t|fuzz|tools|bench|docs)/};

            push @named, [$name, $folder];
            $folder = $1 if $name =~ m{^(.*/)};
        }
    }

    return grep { "@$_" !~ /[A-Z]{4}|\bpart\.[ch]/ } @named;
}


sub missing {
    my ($page) = @_;

    my @missing;

    for my $pair (named($page)) {
        my ($name, $folder) = @$pair;

        push @missing, $name
            unless grep { my @found = glob $_; @found && -e $found[0] }
                        $name, "src/$name", "$folder$name", "src/$folder$name";
    }

    return @missing;
}


# Rows of tables with more or fewer cells than the first.

sub uneven {
    my ($text) = @_;

    my ($head, @found);

    for my $line (split /\n/, $text) {
        my $n = () = $line =~ /(?<!\\)\|/g;

        if ($line !~ /^\|/) {
            undef $head;
            next;
        }

        $head //= $n;
        push @found, $line if $n != $head;
    }

    return @found;
}


# Lines of code that are wider than 80 columns.

sub wide {
    my ($page) = @_;

    my ($fenced, @wide);

    for (split /\n/, $page) {
        $fenced = !$fenced if /^```/;

        push @wide, $_
            if ($fenced || /^ {4}/) && length(decode('UTF-8', $_)) > 80;
    }

    return @wide;
}


# What a message of this format may be in the reference.

sub message {
    my ($format) = @_;

    my @pieces = map { quotemeta s/\s+/ /gr =~ s/\0/%/gr }
                 split /%[-*0-9.]*(?:u?[a-zA-Z]+?(?:[A-Z])?(?![a-zA-Z])|[A-Z])/,
                       $format =~ s/%%/\0/gr, -1;

    my $pattern = join '.{1,60}?', @pieces;

    return qr/$pattern/;
}


# As GitHub makes them of headings.

sub anchors {
    my ($page) = @_;

    return map { /^#+ (.*)/ ? lc($1) =~ s/[^\w\- ]//gr =~ s/ /-/gr : () }
           split /\n/, $text{$page} // slurp($page);
}
