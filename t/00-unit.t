#!/usr/bin/perl

# The unit tests of the parts: the programs that `make unit` built from
# t/unit, each a subtest.

use warnings;
use strict;

use Test::More;

my @sources = sort glob 't/unit/*/*.c';

cmp_ok(scalar @sources, '>', 0, 'there are unit tests');

for my $source (@sources) {
    my ($name) = $source =~ m{t/unit/(.+)\.c$};

    subtest $name => sub { run("build/unit/$name") };
}

done_testing();


sub run {
    my ($program) = @_;

    my ($tests, $plan, $passed) = (0, -1, 1);

    open my $pipe, '-|', "exec $program 2>&1" or die "$program: $!";

    while (my $line = <$pipe>) {
        chomp $line;

        if ($line =~ /^(not )?ok \d+ - (.*)/) {
            $tests++;
            $passed = ok(!$1, $2);

        } elsif ($line =~ /^1\.\.(\d+)$/) {
            $plan = $1;

        } else {
            if ($line =~ /Sanitizer|runtime error:/) {
                $passed = fail('no sanitizer line');
            }

            # what belongs to a failure is shown
            $passed ? note($line) : diag($line);
        }
    }

    close $pipe;

    is($?, 0, 'the program succeeds');
    is($tests, $plan, 'all of its tests ran');
}
