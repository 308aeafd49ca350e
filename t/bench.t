#!/usr/bin/perl

# bench/compare: each row beside what is to be reached and the best peer, and
# the rows that are behind at the end (issue 17.5).

use warnings;
use strict;

use File::Temp 'tempdir';
use Test::More;

my $dir = tempdir(CLEANUP => 1);

local $ENV{BENCH_RUN} = $dir;


sub figures
{
    open(my $f, '>', "$dir/figures.jsonl") or die $!;
    print $f "$_\n" for @_;
    close $f or die $!;
}


sub compared
{
    my ($status) = @_;
    my $text = `python3 bench/compare 2>&1`;

    is($? >> 8, $status, "it compares, and ends with $status");

    my ($table, $behind) = split /^(?=Behind:|No row)/m, $text;

    my %rows;

    for (split /\n/, $table) {
        my (undef, $row, @cells) = split / *\| */;
        $rows{$row} = join ' | ', @cells if @cells;
    }

    return (\%rows, $behind // '');
}


subtest 'a row that is behind, by the best peer beside it' => sub {
    figures('{"part": "meter", "name": "wgw-cap-1k", "over": 0.9}',
            '{"part": "meter", "name": "wgw-cap-1k", "over": 0.7}',
            '{"part": "meter", "name": "haproxy-1k", "over": 0.8}',
            '{"part": "meter", "name": "limit_req-1k", "over": 0.2}',
            '{"part": "auth", "name": "wgw", "instructions": 14000.4}');

    my ($rows, $behind) = compared(1);

    is($rows->{'a meter with a cap, 1k keys: us over bare'},
       '+0.70 |  | +0.30 | **no** | limit_req-1k +0.20',
       'the newest figure, and the cheapest peer');
    is($rows->{'a key (HS256): instructions'},
       '+14,000 |  | +15,000 | yes | HAProxy +45,257, before',
       'one that is reached, and a peer of another day');
    like($rows->{'a route, 1k names: CPU, static = 1'},
         qr/^not measured \|  \| 1\.040 \| - \|/, 'one that was not measured');
    is($behind, "Behind:\n- a meter with a cap, 1k keys: us over bare: +0.70, "
                . "to reach +0.30; the best peer: limit_req-1k +0.20\n",
       'at the end, what is behind');
};


subtest 'nothing is behind' => sub {
    figures('{"part": "meter", "name": "wgw-cap-1k", "over": 0.3}');

    my (undef, $behind) = compared(0);

    is($behind, "No row that was measured is behind.\n", 'as it says');
};


subtest 'what a probe explains' => sub {
    my @figures = ('{"part": "meter", "name": "wgw-cap-1M", "over": 2.0, '
                   . '"over_middle": [1.8, 2.3]}');

    figures(@figures, '{"part": "meter", "name": "formats", "over": 0.1}');
    like((compared(1))[1], qr/: \+2\.00, to reach \+0\.50; .*\+8\.2, before\n/,
         'one that takes less does not');

    figures(@figures, '{"part": "meter", "name": "formats", "over": 0.51}');

    my ($rows, $behind) = compared(0);

    like($behind, qr{\Q(bench/meter/run formats)\E alone: \+0\.51\n},
         'one that takes as much does, and is said');
    like($rows->{'a meter with a cap, 1M keys, uniform: us over bare'},
         qr/^\+2\.00 \| \+1\.80 to \+2\.30 \|/, 'with its middle half');
};


subtest 'a new run' => sub {
    is(system('python3', 'bench/compare', 'new'), 0, 'begins');
    ok(!-e "$dir/figures.jsonl", 'without figures');
    is(system('python3', 'bench/compare', 'new'), 0, 'twice');
};

done_testing();
