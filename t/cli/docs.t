#!/usr/bin/perl

# docs/cli.md: its commands are run, in their order, and say what it shows but
# for figures; each command and option there is, is in it; and the pages of the
# manual that are made of docs/ are without a fault.

use warnings;
use strict;

use Test::More;

use Wgw;
use Wgw::Cli;


my $text = slurp('docs/cli.md');


subtest 'the pages of the manual' => sub {
    for my $page (split /\n/, `$^X tools/man.pl --pages`) {
        my $made = `$^X tools/man.pl $page 2>&1`;
        is($?, 0, "$page is made");
        spew("$ENV{WGW_TEST_ROOT}/$page", $made);

        SKIP: {
            skip 'no mandoc here', 1
                if !grep { -x "$_/mandoc" } split /:/, $ENV{PATH};

            is(`mandoc -Tlint -W warning $ENV{WGW_TEST_ROOT}/$page 2>&1`, '',
               'without a fault');
            my $seen = `mandoc -Tutf8 $ENV{WGW_TEST_ROOT}/$page | col -b`;
            unlike($seen, qr/\]\(|\*\*|`|\\[ef(]/, 'and without marks');
        }
    }

    my $wgw = slurp("$ENV{WGW_TEST_ROOT}/wgw.8");
    like($wgw, qr/^\.SS "wgw names add NAME BACKEND \.\.\."$/m, 'commands');

    # what is to be pasted has hyphens, and no line is a request
    like($wgw, qr/\\-\\-password\\-file/, 'options');
    unlike($wgw, qr/^'/m, 'no line begins with a quote');

    my $route = slurp("$ENV{WGW_TEST_ROOT}/ngx_wgw_route_module.5");
    like($route, qr/^\.SS "wgw_names"$/m, 'directives');
    like($route, qr/^Syntax: +wgw_names PATH/m, 'with their syntax');
};


subtest 'each command and option' => sub {
    my $help = wgw('help')->{out};
    my @commands = $help =~ /^    ([a-z]+(?: [a-z]+)?)(?= |$)/mg;

    cmp_ok(scalar @commands, '>=', 17, 'there are commands');

    for my $command (@commands) {
        my ($line) = $help =~ /^    (\Q$command\E.*?) {2,}/m;
        like($text, qr/^### .*wgw \Q$command\E/m, "wgw $command");

        my $own = wgw(split(/ /, $command), '--help')->{out};
        my @options = $own =~ /(--[a-z-]+)/g;

        for my $option (grep { $_ ne '--password-file' } @options) {
            like($text, qr/`[^`]*\Q$option\E\b/, "its $option");
        }
    }

    my $conf = slurp('docs/gateway.conf.md');
    my %names;

    for my $file (glob 'cli/*.c') {
        my $source = slurp($file);
        $names{$1} = 1
            while $source =~ /cli_conf_get\([^"]*?"(\w+)"/g;
    }

    cmp_ok(scalar keys %names, '>', 8, 'there are settings');
    like($conf, qr/^\|[^|]*`\Q$_\E`/m, "the setting $_") for sort keys %names;
};


# a gateway, a name that moves something, and a key

plan skip_all => 'state belongs to root' if $> != 0;

my $gw = cli_gateway(domain => 'gw1.example');
my $dir = $gw->dir();
my $backend = '127.0.0.1:' . $gw->port('BACKEND');

mkdir "$dir/root";
$gw->start();

my @runs = runs($text);
cmp_ok(scalar @runs, '>', 15, 'there are commands to run');

for my $run (@runs) {
    my ($command, $shown) = @$run;

    if ($command =~ /^wgw usage/) {
        http_get($gw->port('HTTP'), '/100k.bin', host => 'shop.gw1.example')
            if !usage($gw->port('ADMIN'), 'shop')->{requests};
        wait_for(sub { usage($gw->port('ADMIN'), 'shop')->{cap} > 2e11 });
    }

    if ($command eq 'wgw tokens') {
        spew("$dir/wallet", 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efc'
                            . 'ae784d7bf4f2ff80');
        my $din = 'http://127.0.0.1:' . $gw->port('DIN');
        is(system("build/bin/siwe-token $din/auth $dir/wallet > $dir/key"), 0,
           'a key');
    }

    my $said = wgw({ in => '/dev/null', dir => $dir }, here(split ' ',
                   $command =~ s/^wgw //r));
    my $output = there($said->{out} . $said->{err});

    is(figures($output), figures($shown), $command) or diag($output);
}

$gw->stop();

done_testing();


# runs(TEXT): [ COMMAND, OUTPUT ] of each block that begins with "$ "

sub runs {
    my ($text) = @_;

    my @runs;

    for my $line (split /\n/, $text) {
        if ($line =~ /^ {4}\$ (wgw .*)/) {
            push @runs, [ $1, '' ];

        } elsif ($line =~ /^ {4}(.*)/) {
            $runs[-1][1] .= "$1\n" if @runs && defined $runs[-1][1]
                                      && !$runs[-1][2];

        } elsif ($line ne '') {
            $runs[-1][2] = 1 if @runs;
        }
    }

    return @runs;
}


# An argument, or what was said, with the test's addresses and paths.

sub here {
    return map { s/192\.0\.2\.10:8080/$backend/r
                 =~ s{^/root/}{$dir/root/}r
                 =~ s{^names\.ndjson$}{$dir/names.ndjson}r } @_;
}

sub there {
    my ($text) = @_;

    return $text =~ s/\Q$backend\E/192.0.2.10:8080/gr
           =~ s{\Q$dir/root\E}{/root}gr =~ s{\Q$dir/state\E}{/var/lib/wgw}gr
           =~ s{\Q$dir/names\E}{names}gr;
}


# Figures are of the day; columns are as wide as they need to be.

sub figures {
    my ($text) = @_;

    return $text =~ s/^file +archive.*\n//mgr
           =~ s/^[\w-]{22}(?=  0x)/ID/mgr
           =~ s/\d+[hm] \d+[ms]/SPAN/gr
           =~ s/(?<![\w.])\d[\d.,]*(?: [kMGT]?B)?(?![\w.])/N/gr
           =~ s/\d{4}-\d\d-\d\d/DATE/gr =~ s/ +/ /gr =~ s/ +$//mgr;
}
