#!/usr/bin/perl

# man.pl PAGE: a page of the manual, of the reference in docs/, or of the head
# of a script: wgw.8 and the like, see below.  Also: man.pl --pages, their
# names.
#
# Of Markdown it knows what docs/ has: headings, paragraphs, blocks of code,
# lists, tables, `code`, **strong**, links.  A table becomes a list, its first
# column the tags.

use warnings;
use strict;
use utf8;
use open qw(:std :utf8);

use POSIX qw(strftime);


my %pages = (
    'wgw.8' => {
        name => 'wgw', says => 'the gateway from a terminal',
        docs => [ 'cli.md' ],
        also => [ 'wgw.conf(5)', 'ngx_wgw_route_module(5)', 'nginx(8)' ],
    },
    'wgw-grid.8' => {
        name => 'wgw-grid',
        says => 'makes a gateway one of the ThreeFold grid',
        docs => [ 'grid.md' ],
        also => [ 'wgw(8)', 'wgw.conf(5)' ],
    },
    'wgw-ledger.8' => {
        name => 'wgw-ledger',
        says => 'what many gateways have counted, in PostgreSQL',
        docs => [ 'ledger.md' ],
        also => [ 'wgw(8)', 'ngx_wgw_meter_module(5)', 'psql(1)' ],
    },
    map({ ("$_->[0].8" => {
        name => $_->[0], says => $_->[1], docs => [ "tools/$_->[0]" ],
        also => [ 'wgw(8)', $_->[2], 'ngx_wgw_route_module(5)' ],
    }) } [ 'wgw-acme', 'certificates for the names of a gateway',
           'wgw-certs-hook(8)' ],
         [ 'wgw-certs-hook', 'puts a certificate where nginx finds it',
           'wgw-acme(8)' ]),
    'wgw.conf.5' => {
        name => 'wgw.conf', says => 'the settings of a gateway',
        docs => [ 'gateway.conf.md' ],
        also => [ 'wgw(8)', 'ngx_wgw_route_module(5)',
                  'ngx_wgw_meter_module(5)', 'ngx_wgw_auth_module(5)' ],
    },
    'ngx_wgw_route_module.5' => {
        name => 'ngx_wgw_route_module',
        says => 'nginx: from names to backends, changed while it runs',
        docs => [ 'route.md', 'api.md' ],
        also => [ 'wgw(8)', 'ngx_wgw_meter_module(5)' ],
    },
    'ngx_wgw_meter_module.5' => {
        name => 'ngx_wgw_meter_module',
        says => 'nginx: bytes by name, caps and rates',
        docs => [ 'meter.md', 'claims.md' ],
        also => [ 'wgw(8)', 'ngx_wgw_route_module(5)' ],
    },
    'ngx_wgw_auth_module.5' => {
        name => 'ngx_wgw_auth_module',
        says => 'nginx: wallets sign in, and requests to a DIN are routed',
        docs => [ 'auth.md', 'router.md' ],
        also => [ 'wgw(8)', 'ngx_wgw_meter_module(5)' ],
    },
);

my $asked = shift // '';

if ($asked eq '--pages') {
    print map { "$_\n" } sort keys %pages;
    exit;
}

my $page = $pages{$asked} or die "$0: no page \"$asked\"\n";
my ($section) = $asked =~ /\.(\d)$/;
my @files = map { m{/} ? $_ : "docs/$_" } @{$page->{docs}};
my $version = slurp('src/core/version.h') =~ /WGW_VERSION\s+"(.*)"/ ? $1 : '';

# the time of what it is made of, or the package's
my $time = $ENV{SOURCE_DATE_EPOCH}
         // (sort { $b <=> $a } map { (stat)[9] } @files)[0];

print join '', map { "$_\n" }
    '.\" made by tools/man.pl of ' . join(', ', @files),
    sprintf('.TH %s %d %s "wgw %s" wgw', uc $page->{name}, $section,
            strftime('%Y-%m-%d', gmtime $time), $version),
    '.nh', '.ad l', '.SH NAME', "$page->{name} \\- " . text($page->{says});

print sheet(source($files[$_]), $_) for 0 .. $#files;

print ".SH SEE ALSO\n",
    join(",\n", map { my ($name, $n) = /(.*)\((\d)\)/;
                      ".BR $name ($n)" =~ s/-/\\-/gr } @{$page->{also}})
    =~ s/\),\n/) ,\n/gr, "\n";


# A file of docs/, or what a script says of itself, which is Markdown as well.

sub source {
    my ($path) = @_;

    my $text = slurp($path);

    return $text if $path =~ m{^docs/};

    my ($head) = $text =~ /\A#![^\n]*\n((?:#[^\n]*\n)+)/;

    $head =~ s/^# ?//gm;
    $head =~ s/^( {4}.*)$/$1 =~ tr{`}{}dr/gme;

    return "# $page->{name}\n\n$head";
}


sub slurp {
    my ($path) = @_;

    open my $file, '<', $path or die "$0: $path: $!\n";
    local $/;

    return scalar <$file>;
}


# A file of docs/; the first one's beginning is the page's description.

sub sheet {
    my ($text, $n) = @_;

    my $out = '';
    my ($section, $begun) = ('', 0);

    for my $block (blocks($text)) {
        my ($kind, @what) = @$block;

        if ($kind eq 'heading') {
            my ($level, $title) = @what;

            if ($level == 1) {
                $section = $n ? $title : 'Description';
                $out .= '.SH ' . title($section) . "\n";

            } elsif ($level == 2) {
                $section = $title;
                $out .= '.SH ' . title($title) . "\n";

            } elsif ($title =~ /^Variables/) {
                $out .= '.SH ' . title($title) . "\n";

            } else {
                if ($section =~ /^Description$|^The |^Names over/
                    && $title =~ /^wgw_/)
                {
                    $section = 'Directives';
                    $out .= ".SH DIRECTIVES\n";
                }

                $out .= '.SS ' . quoted($title) . "\n";
            }

            $begun = 0;
            next;
        }

        $out .= $kind eq 'code' ? code($begun, @what)
              : $kind eq 'item' ? ".IP " . ($what[0] =~ /\d/ ? "$what[0]. 4"
                                            : '\(bu 2') . "\n"
                                  . lines($what[1])
              : $kind eq 'table' ? table(@what)
              : ($begun ? ".PP\n" : '') . lines($what[0]);
        $begun = 1;
    }

    # a heading of which nothing comes is none
    $out =~ s/^\.SH [^\n]*\n(?=\.SH)//mg;

    return $out;
}


# [ heading => LEVEL, TITLE ], [ code => LINES ], [ item => N, TEXT ],
# [ table => ROWS ], [ text => TEXT ]

sub blocks {
    my ($text) = @_;

    my (@blocks, @code, @rows, $fence, $open);

    for my $line (split(/\n/, $text), '') {

        if (defined $fence) {
            if ($line =~ /^```/) {
                push @blocks, [ code => @code ];
                (@code, $fence) = ();
            } else {
                push @code, $line;
            }
            next;
        }

        if (@rows && $line !~ /^\|/) {
            push @blocks, [ table => @rows ];
            @rows = ();
        }

        if ($line =~ /^ {4}(.*)/ && !$open) {
            push @code, $1;
            next;
        }

        if ($line eq '' && @code) {
            push @code, '';
            next;
        }

        if (@code) {
            pop @code while @code && $code[-1] eq '';
            push @blocks, [ code => @code ];
            @code = ();
        }

        if ($line =~ /^```/) {
            ($fence, $open) = (1, undef);

        } elsif ($line =~ /^<!--/) {
            $open = undef;

        } elsif ($line =~ /^(#+) (.*)/) {
            push @blocks, [ heading => length $1, $2 ];
            $open = undef;

        } elsif ($line =~ /^\|(.*)\|\s*$/) {
            push @rows, [ map { s/^\s+|\s+$//gr =~ s/\\\|/|/gr }
                          split /(?<!\\)\|/, $1, -1 ];
            $open = undef;

        } elsif ($line =~ /^(?:([0-9]+)\.|[*-]) +(.*)/) {
            $open = [ item => $1 // '', $2 ];
            push @blocks, $open;

        } elsif ($line =~ /\S/) {
            if ($open) {
                $open->[-1] .= "\n" . $line =~ s/^\s+//r;
            } else {
                $open = [ text => $line ];
                push @blocks, $open;
            }

        } else {
            $open = undef;
        }
    }

    pop @code while @code && $code[-1] eq '';
    push @blocks, [ code => @code ] if @code;

    return @blocks;
}


sub code {
    my ($begun, @lines) = @_;

    return ($begun ? ".PP\n" : '') . ".nf\n.RS 4\n"
        . join('', map { guarded(escape($_, 1)) . "\n" } @lines)
        . ".RE\n.fi\n";
}


# The header's words, where there are any, stand before their column's.

sub table {
    my ($head, $rule, @rows) = @_;

    my $out = '';

    for my $row (@rows) {
        my ($tag, @rest) = @$row;

        $out .= ".TP\n" . guarded(text($tag)) . "\n";

        for my $i (0 .. $#rest) {
            my $name = $head->[$i + 1] // '';

            $rest[$i] = "$name: $rest[$i]"
                if $name ne '' && @rest > 1 && $rest[$i] ne '';
        }

        $out .= lines(join "\n", map { /[^\s.;:,]$/ && @rest > 1 ? "$_." : $_ }
                      grep { $_ ne '' } @rest);
        $out .= "\\&\n" if !grep { $_ ne '' } @rest;
    }

    return $out;
}


sub lines {
    my ($text) = @_;

    my @lines = map { s/^\s+|\s+$//gr } split /\n/, text($text);

    return join '', map { guarded($_) . "\n" } grep { $_ ne '' } @lines;
}


# No line begins with what roff would take for a request.

sub guarded {
    my ($line) = @_;

    return $line =~ /^[.']/ ? "\\&$line" : $line;
}


sub text {
    my ($text) = @_;

    my $out = '';

    for my $piece (split /(``.*?``|`[^`]*`)/s, $text) {
        if ($piece =~ /^`+(.*?)`+$/s) {
            $out .= '\fB' . escape($1 =~ s/\s+/ /gr, 1) . '\fR';
            next;
        }

        $piece =~ s/\[([^\]]*)\]\([^)]*\)/$1/g;
        $piece = escape($piece, 0);
        $piece =~ s/\*\*([^*]+)\*\*/\\fB$1\\fR/g;
        $out .= $piece;
    }

    # what a link, or strong words, had around code
    $out =~ s/\[((?:[^\[\]]|\\f.)*)\]\([^)\s]*\)/$1/g;

    return $out;
}


sub escape {
    my ($text, $code) = @_;

    $text =~ s/\\/\\e/g;
    $text =~ s/-/\\-/g if $code;
    $text =~ s/'/\\(aq/g if $code;
    $text =~ s/\^/\\(ha/g if $code;
    $text =~ s/~/\\(ti/g if $code;
    $text =~ s/\t/    /g;
    $text =~ s/([^\x00-\x7f])/sprintf '\[u%04X]', ord $1/ge;

    return $text;
}


sub title {
    my ($title) = @_;

    return quoted(uc $title);
}

sub quoted {
    my ($title) = @_;

    $title =~ s/`//g;

    return '"' . escape($title, 0) =~ s/"/\\(dq/gr . '"';
}
