#!/usr/bin/perl

# wgw names import and export: a hundred thousand names there and back, in flat
# memory, from a file and from a pipe; all or none.

use warnings;
use strict;

use Digest::SHA qw(sha256_hex);
use IO::Pty;
use POSIX ();
use Test::More;

use Wgw;
use Wgw::Cli;


my $NAMES = 100000;

my $gw = cli_gateway(http => '
    server {
        listen  127.0.0.1:%%SMALL%%;
        client_max_body_size  1k;
        location /v1/names { wgw_api; }
    }');
my $dir = $gw->dir();
my $said;

$gw->start();


# sorted, as an export is

open my $file, '>', "$dir/names.ndjson" or die;

for my $n (1 .. $NAMES) {
    printf $file qq({"name":"n%06d","backends":["http://192.0.2.1:%d"],)
        . qq("cap_bytes":%d,"owner":"%s"}\n), $n, 1 + $n % 65535, $n * 1000,
        $n % 7 ? '' : "owner \\\"$n\\\" \x{c3}\x{a4}";
}

close $file;


subtest 'there and back' => sub {
    $said = wgw('names', 'import', "$dir/names.ndjson");
    is($said->{exit}, 0, 'an import') or diag($said->{err});
    is($said->{out}, "100,000 added, 0 changed, 0 deleted\n", 'is counted');
    is($said->{err}, '', 'without progress, as nobody watches');

    $said = wgw('names', 'export', "$dir/out.ndjson");
    is($said->{exit}, 0, 'an export') or diag($said->{err});
    like($said->{err}, qr/^100,000 names in /, 'is counted');
    ok(!-e "$dir/out.ndjson.new", 'its file has its name');

    is(lines("$dir/out.ndjson"), $NAMES, 'a line each');
    is_deeply(wgw_json('names', 'import', '--replace', "$dir/out.ndjson"),
              { added => 0, changed => 0, deleted => 0 },
              'which changes nothing');

    my $record = wgw_json('names', 'show', 'n000007');
    is($record->{owner}, "owner \"7\" \x{e4}", 'texts are whole');
    is($record->{cap_bytes}, 7000, 'and figures');

    my $program = wgw_program();
    is(system("'$program' --config $dir/gateway.conf names export | cmp - "
              . "$dir/out.ndjson"), 0, 'the same on stdout');
    is(system("'$program' --config $dir/gateway.conf names import --replace "
              . "- < $dir/out.ndjson > $dir/said"), 0, 'and from a pipe');
    is(slurp("$dir/said"), "0 added, 0 changed, 0 deleted\n", 'all of it');
};


subtest 'flat memory' => sub {
    plan skip_all => 'sanitizers keep what was freed'
        if wgw_program() =~ m{/asan/};

    my @names = ('names', 'import', '--replace', "$dir/out.ndjson");

    cmp_ok(peak(@names), '<', 40000, 'an import takes less than 40 MB');
    cmp_ok(peak('names', 'export', "$dir/out2.ndjson"), '<', 40000,
           'an export as well');
};


subtest 'all or none' => sub {
    spew("$dir/bad.ndjson", <<'EOF');
{"name":"new","backends":["http://192.0.2.1:80"]}

{"name":"worse","backends":["http://192.0.2.1:99999"]}
EOF
    $said = wgw('names', 'import', "$dir/bad.ndjson");
    is($said->{exit}, 1, 'a bad line');
    like($said->{err},
         qr/^wgw: nothing was imported: line 3: backends\[0\] has a port/,
         'is named');
    is(wgw('names', 'show', 'new')->{exit}, 4, 'nothing was');
    is(wgw_json('names', 'import', "$dir/bad.ndjson")->{line}, 3, 'as JSON');

    spew("$dir/some.ndjson", <<'EOF');
{"name":"new","backends":["http://192.0.2.1:80"]}
{"name":"n000001","delete":true}
EOF
    is(wgw('names', 'import', "$dir/some.ndjson")->{out},
       "1 added, 0 changed, 1 deleted\n", 'a name and a delete');
    is(wgw('names', 'import', "$dir/none")->{exit}, 4, 'no such file');
    is(wgw('names', 'import', $dir)->{exit}, 1, 'a directory');
    is(wgw('names', 'export', "$dir/none/x")->{exit}, 1, 'no such place');

    # as nginx says it, of a file whose size is known, and of a pipe
    my $small = 'http://127.0.0.1:' . $gw->port('SMALL');

    for my $from ("$dir/names.ndjson", '-') {
        $said = wgw({ in => "$dir/names.ndjson" }, '--url', $small, 'names',
                    'import', $from);
        is($said->{exit}, 1, 'a body that is too large');
        like($said->{err}, qr/nothing was imported: .*client_max_body_size/,
             'is told');
    }

    # one line more than a change may have
    spew("$dir/more.ndjson", join '', map { qq({"name":"m$_","delete":true}\n)
                                          } 0 .. $NAMES);
    $said = wgw('names', 'import', "$dir/more.ndjson");
    is($said->{exit}, 1, 'too many') or diag($said->{out});
    like($said->{err}, qr/^wgw: nothing was imported: /, 'are refused');
};


# on a terminal it says how far it is, and leaves no trace

subtest 'progress' => sub {
    my $pty = IO::Pty->new();
    my $pid = fork;
    die 'fork' if !defined $pid;

    if (!$pid) {
        $pty->make_slave_controlling_terminal();
        open STDERR, '>&', $pty->slave() or POSIX::_exit(126);
        open STDOUT, '>', '/dev/null';
        exec wgw_program(), '--config', "$dir/gateway.conf", 'names',
            'import', '--replace', "$dir/out.ndjson" or POSIX::_exit(127);
    }

    $pty->close_slave();

    my $seen = '';
    while (sysread $pty, $seen, 4096, length $seen) { }
    waitpid $pid, 0;

    is($?, 0, 'an import');
    like($seen, qr/\rimporting: [\d.]+ MB/, 'says how much went');
    like($seen, qr/waiting for the end|\d%/, 'and how far that is');
    like($seen, qr/\r\x1b\[K$/, 'and clears it');
};


subtest 'a list of many' => sub {
    is(lines_of(wgw('names', 'list')->{out}), $NAMES + 1, 'is whole');
    is(scalar(() = wgw('names', 'list', '--json')->{out} =~ /"name":/g),
       $NAMES, 'as JSON, too');
    is(scalar(() = wgw('usage', '--json')->{out} =~ /"key":/g), $NAMES,
       'and all with a cap have usage');
};

$gw->stop();

$said = wgw('names', 'export', "$dir/gone.ndjson");
is($said->{exit}, 3, 'an export without a gateway');
ok(!-e "$dir/gone.ndjson" && !-e "$dir/gone.ndjson.new", 'leaves no file');

done_testing();


sub lines {
    my ($path) = @_;

    return lines_of(slurp($path));
}

sub lines_of {
    my ($text) = @_;

    return $text =~ tr/\n//;
}


# The most memory it had, in kB.

sub peak {
    my (@arguments) = @_;

    my $pid = fork;
    die 'fork' if !defined $pid;

    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec wgw_program(), '--config', "$dir/gateway.conf", @arguments
            or POSIX::_exit(127);
    }

    my $peak = 0;

    while (waitpid($pid, POSIX::WNOHANG) == 0) {
        my ($now) = slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+)/m;
        $peak = $now if ($now || 0) > $peak;
        select undef, undef, undef, 0.005;
    }

    is($?, 0, "@arguments[0, 1]");

    return $peak || 1 << 30;
}
