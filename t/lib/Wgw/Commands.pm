package Wgw::Commands;

# Every command of `wgw` against the package, on a machine of Wgw::Machine
# where it runs: what it says, its exit code, and what has changed by it.
#
#     Wgw::Commands::all($machine);
#
# Each is tried by root, and by games, a member of the group wgw; what only
# root can do is refused to the latter.  Names are of the domain gw1.example;
# their backend is http://192.0.2.10:8080.

use warnings;
use strict;

use Test::More;

use Wgw;


my $backend = 'http://192.0.2.10:8080';
my $shown = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';

my ($m, $who, $name);               # of the user who types


sub all {
    ($m) = @_;

    for my $user ('root', 'games') {
        ($who, $name) = ($user, "of-$user");

        subtest "$who: names" => \&names;
        subtest "$who: import, export" => \&bulk;
        subtest "$who: cap, pause, resume" => \&limits;
        subtest "$who: usage" => \&usage_;
        subtest "$who: top" => \&top;
        subtest "$who: tokens" => \&tokens;
        subtest "$who: check" => \&check;
        subtest "$who: what is beside it" => \&beside;
        subtest "$who: backup, restore" => $who eq 'root' ? \&backup
                                                          : \&no_backup;

        wgw("names rm $name");
    }

    ($who) = 'nobody';
    subtest 'nobody' => \&nobody;

    # it is off when its owner lets go of it
    undef $m;
}


# the exit code, and what was printed, either way

sub wgw {
    my ($arguments) = @_;

    my $as = $who eq 'root' ? '' : "runuser -u $who -- ";

    return $m->try("${as}wgw $arguments");
}


sub is_wgw {
    my ($arguments, $status, $pattern, $what) = @_;

    my ($got, $output) = wgw($arguments);

    is($got, $status, "wgw $arguments: $what") or diag($output);
    like($output, $pattern, '... says so') if $pattern;

    return $output;
}


sub of_json {
    my ($arguments, $status) = @_;

    return json(is_wgw("--json $arguments", $status // 0, undef, 'as JSON'));
}


sub status_of {
    my ($of, $path) = @_;

    return $m->sh('curl -sk --http1.1 -o /dev/null -w %{http_code}'
                  . " --resolve '*:443:192.0.2.1'"
                  . " https://$of.gw1.example/" . ($path // ''));
}


# The status becomes this one, within the second that is promised, and what a
# busy machine takes.

sub becomes {
    my ($of, $status, $what) = @_;

    wait_for(sub { status_of($of) eq $status });
    is(status_of($of), $status, $what);
}


# ---- each of them

sub names {
    is_wgw("names add $name $backend --cap 1GB --owner Ann", 0,
           qr/^name +$name\.gw1\.example\n.*^cap +1\.00 GB$/ms, 'added');
    is(status_of($name), 200, 'it is served');
    is_wgw("names add $name $backend", 5, qr/is there already/, 'twice');
    is_wgw("names add --force $name $backend --cap 2GB", 0, undef, 'replaced');
    is_wgw('names add bad http://192.0.2.10:99999', 1,
           qr/^wgw: bad: backends\[0\] has a port out of range$/, 'refused');
    is_wgw('names add bad http://127.0.0.1:80', 1, qr/^wgw: bad: backends/,
           'nor one of this machine');
    is_wgw('names add bad', 2, qr/too few arguments/, 'no backend');

    is_wgw("names show $name", 0, qr/^backends +\Q$backend\E$/m, 'shown');
    is(of_json("names show $name")->{cap_bytes}, 2_000_000_000, 'its cap');
    is_wgw('names show nobody', 4, qr/no such name/, 'none');

    is_wgw('names list', 0, qr/^$name\.gw1\.example +ok +ended +2\.00 GB/m,
           'listed');
    is(scalar(grep { $_->{name} eq "$name.gw1.example" }
              @{of_json('names list')->{names}}), 1, 'in the list');

    is_wgw("names rm $name nobody", 4, qr/nobody: there is no such name/,
           'removed, but for one that is not there');
    is(status_of($name), 404, 'it is served no more');
    is_wgw("names add $name $backend", 0, undef, 'added again');
}


sub bulk {
    my $file = "/tmp/$name.ndjson";

    is_wgw("names export $file", 0, qr/^\d+ names in \Q$file\E$/, 'exported');

    my @lines = split /\n/, $m->ok("cat $file");
    is(scalar @lines, scalar @{of_json('names list')->{names}},
       'a line for each');
    is_wgw('names export', 0, qr/^\{"name":"$name\.gw1\.example"/m,
           'without a file');

    is_wgw("names rm $name", 0, undef, 'removed');
    is_wgw("names import $file", 0, qr/^1 added, 0 changed, 0 deleted$/m,
           'imported');
    is(status_of($name), 200, 'it is served again');

    $m->ok("printf '%s\\n' '{\"name\":\"$name\",\"delete\":true}'"
           . " '{\"name\":\"bad\"}' > $file.bad");
    is_wgw("names import $file.bad", 1, qr/nothing was imported: line 2:/,
           'one bad line');
    is(status_of($name), 200, 'and nothing has changed');

    $m->ok("{ cat $file; echo '{\"name\":\"more\",\"backends\":"
           . "[\"$backend\"]}'; } > $file.more");
    is_wgw("names import --replace $file.more", 0,
           qr/^1 added, 0 changed, 0 deleted$/m, 'the whole set');
    is(status_of('more'), 200, 'with what is new');
    is_wgw("names import --replace - < $file", 0,
           qr/^0 added, 0 changed, 1 deleted$/m, 'from standard input');
    is(status_of('more'), 404, 'without what is not there');
}


sub limits {
    is_wgw("cap $name 1", 0, qr/^$name\.gw1\.example has a cap of 1 B$/,
           'a cap');
    becomes($name, 429, 'it is used up');
    is_wgw("cap $name none", 0, undef, 'no cap');
    becomes($name, 200, 'served again');
    is(of_json("cap $name 100GB")->{cap_bytes}, 100_000_000_000, 'as said');
    is_wgw("cap $name much", 2, qr/is no size/, 'no size');
    is_wgw('cap nobody 1GB', 4, undef, 'of no name');

    is_wgw("pause $name", 0, qr/is paused/, 'paused');
    is(status_of($name), 503, 'it is');
    is_wgw("resume $name", 0, qr/is served/, 'resumed');
    is(status_of($name), 200, 'it is served');
    is_wgw('pause nobody', 4, undef, 'no name');
    is_wgw('resume nobody', 4, undef, 'no name');
}


sub usage_ {
    my $before = sent();
    my $bytes = 0;

    $bytes += $_ for split / /, $m->ok('curl -sk --http1.1 -o /dev/null'
        . " --resolve '*:443:192.0.2.1' -w '%{size_header} %{size_download}'"
        . " https://$name.gw1.example/big");

    wait_for(sub { sent() == $before + $bytes });
    is(sent() - $before, $bytes, 'what curl got is what is counted');

    is_wgw("usage $name", 0, qr/^$name\.gw1\.example +\S+ MB/m, 'of one');
    is_wgw('usage', 0, qr/^$name\.gw1\.example /m, 'of all');
    is_wgw("usage $name --month", 0, qr/^NAME.*SENT +RECEIVED +CAP +LEFT$/m,
           'of this month');
    is_wgw('usage --month', 0, qr/^$name\.gw1\.example /m, 'of all in it');
    is_wgw('usage --month=1999-01', 4, undef, 'no such archive');
    is_wgw('usage nobody', 4, undef, 'no such name');
}


sub sent {
    my ($status, $output) = wgw("--json usage $name");

    return json($output)->{keys}[0]{sent};
}


# Something is moved while it looks.

sub top {
    my $load = "for i in 1 2 3 4 5 6 7 8; do curl -sk -o /dev/null --resolve"
               . " '*:443:192.0.2.1' https://$name.gw1.example/; sleep 0.5;"
               . ' done';
    my $pid = $m->start($load, '/dev/null');

    my @lines = split /\n/, is_wgw('top --json --count 2', 0, undef, 'live');
    waitpid $pid, 0;

    is(scalar @lines, 2, 'a line for each look');
    is((grep { $_->{key} eq "$name.gw1.example" }
        map { @{json($_)->{keys}} } @lines) > 0, 1, 'with who moves');

    my ($status, $output) = $m->try('TERM=xterm script -qec "'
        . ($who eq 'root' ? '' : "runuser -u $who -- ")
        . 'wgw top --count 1" /dev/null');
    is($status, 0, 'on a terminal') or diag($output);
    like($output, qr/\Q$name\E/, 'with names');
    is_wgw('top', 2, undef, 'without one');
}


# A wallet signs in at a DIN provider that is put beside; it is a program of
# ours that does, in the machine's network.

sub tokens {
    $m->ok("cat > /etc/wgw/conf.d/din.conf << 'END'\n" . <<'EOF'
server {
    listen       192.0.2.1:8545;
    server_name  192.0.2.1;

    wgw_auth_secret  /etc/wgw/secret;
    wgw_auth_allow   any  eth;

    location = /auth { wgw_auth_signin; }
    location /eth {
        wgw_auth   eth;
        root       /srv;
        try_files  /index.html =404;
    }
}
EOF
           . "END\nopenssl rand -base64 32 > /etc/wgw/secret &&"
           . ' chmod 600 /etc/wgw/secret && systemctl reload wgw');

    wait_for(sub { $m->sh('ss -Hnlt') =~ / 192\.0\.2\.1:8545 / });
    is_deeply(of_json('tokens'), { tokens => [] }, 'no keys');

    my @keys = map { signed_in() } 1 .. 3;

    is(called($_), 200, 'a key') for @keys;
    is(called('x: y'), 401, 'and none');
    is_wgw('tokens', 0, qr/^\S{22}  \Q$shown\E +\d+[hm] \d+[ms]  eth$/m,
           'it is listed');
    is_wgw('tokens addresses', 0, qr/^\Q$shown\E +3$/m, 'by wallets');

    my ($id) = map { $_->{id} } @{of_json('tokens')->{tokens}};
    is_wgw("tokens revoke -- $id", 0, qr/is revoked/, 'one');
    is(scalar @{of_json('tokens')->{tokens}}, 2, 'two are left');
    is_wgw("tokens revoke $shown", 0, undef, "all of a wallet's");
    is_deeply(of_json('tokens addresses'), { addresses => [] }, 'none is');
    is(called($_), 403, 'and it opens nothing') for @keys;
    is_wgw('tokens revoke 0x12', 4, qr/is not 0x and 40/, 'no wallet');

    $m->ok('rm /etc/wgw/conf.d/din.conf /etc/wgw/secret &&'
           . ' systemctl reload wgw');
    wait_for(sub { $m->sh('ss -Hnlt') !~ / 192\.0\.2\.1:8545 / });
}


sub signed_in {
    my $wallet = "$ENV{WGW_TEST_ROOT}/wallet";

    spew($wallet, 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf'
                  . '4f2ff80');

    return $m->near('build/bin/siwe-token', 'http://192.0.2.1:8545/auth',
                    $wallet) =~ s/\s+\z//r;
}


sub called {
    my ($header) = @_;

    return $m->sh("curl -s -o /dev/null -w %{http_code} -H '$header'"
                  . ' http://192.0.2.1:8545/eth');
}


# There is no DNS here, which it finds.

sub check {
    my $found = of_json('check', 1);
    my %of;

    push @{$of{$_->{what}}}, $_->{finding} for @{$found->{findings}};

    is_deeply([ sort keys %of ], [ qw(certificate clock configuration disk dns
                                      gateway limits ports) ],
              'it looks at all') or diag(explain($found));
    is_deeply($of{$_}, [ map { 'fine' } @{$of{$_}} ], "$_: fine")
        for 'gateway', 'ports', $who eq 'root' ? 'configuration' : ();
    is((grep { $_ eq 'wrong' } @{$of{dns}}) > 0, 1, 'no DNS');
    is((grep { $_->{finding} ne 'fine' && $_->{cure} eq '' }
        @{$found->{findings}}), 0, 'each has its cure');
    is_wgw('check', 1, qr/^\d+ wrong, \d+ doubtful, \d+ fine$/m, 'for people');

    return if $who ne 'root';

    $m->ok('echo "wgw_cap 5;" > /etc/wgw/conf.d/broken.conf');
    is_wgw('check', 1, qr/^wrong +configuration +.*broken\.conf:1\n +->/m,
           'a bad line, and where');
    $m->ok('rm /etc/wgw/conf.d/broken.conf');
}


sub beside {
    is_wgw('--version', 0, qr/^wgw \d+\.\d+\.\d+$/, 'its version');
    is_wgw('help', 0, qr/^    names add NAME BACKEND/m, 'help');
    is_wgw('frobnicate', 2, undef, 'no command');
    is_wgw('-u http://192.0.2.1:1 names list', 3, qr/does not answer/,
           'no gateway');

    my $as = $who eq 'root' ? '' : "runuser -u $who -- ";

    is($m->sh("${as}bash -c '. /usr/share/bash-completion/completions/wgw;"
              . ' COMP_WORDS=(wgw cap of-); COMP_CWORD=2; _wgw;'
              . " echo \${COMPREPLY[*]}'"),
       "$name.gw1.example\n", 'names are completed');

    is($m->sh('ls /usr/share/man/man8/wgw*.8.gz | wc -l'), "3\n",
       'pages of the manual');
    like($m->sh("$as/usr/sbin/$_ --help"), qr/^\Q$_\E: .*\n(?:.*\n)+ {4}/,
         "$_ --help") for 'wgw-acme', 'wgw-certs-hook';
}


# What came after a backup is not there after its restore; all else is.

sub backup {
    my @before = counted();

    is_wgw('backup /root/b1', 0, qr{/root/b1 is whole, and was read again},
           'made while it runs');
    is($m->sh('stat -c %a:%U /root/b1'), "700:root\n", "for root's eyes");
    is_wgw('backup /root/b1', 5, undef, 'it is there');
    is(of_json('backup /root/b2')->{entries}[0]{path} ne '', 1, 'what is in');

    is_wgw('restore --check /root/b1', 0, qr{/root/b1 is whole$}m, 'whole');
    is_wgw('restore /root/b1', 5, qr/stop it first/, 'while it runs');
    is_wgw('restore /root/none', 4, undef, 'there is none');

    is_wgw("names rm $name", 0, undef, 'a name goes');
    is_wgw("names add later $backend", 0, undef, 'and one comes');
    is_wgw('restore --names /root/b1', 0, qr/^1 added, 0 changed, 1 deleted$/m,
           'names alone');
    is_wgw("names rm $name", 0, undef, 'it goes again');
    is_wgw("names add later $backend", 0, undef, 'the other as well');

    $m->ok('systemctl stop wgw');
    is_wgw('names list', 3, undef, 'it does not answer');
    is_wgw('restore /root/b1', 0, undef, 'restored');
    $m->ok('systemctl start wgw');

    is_wgw('names show later', 4, undef, 'what came later is not there');
    is_deeply([ counted() ], \@before, 'what was counted is');
    is(status_of($name), 200, 'the name is served');
    is($m->sh('ls -d /var/lib/wgw/before-restore-* | wc -l'), "1\n",
       'what was there is kept');
    $m->ok('echo flipped | dd of=/root/b1/names/data.mdb bs=1 seek=9000'
           . ' conv=notrunc 2> /dev/null');
    is_wgw('restore --check /root/b1', 1, qr/data\.mdb/, 'one that is not');
    $m->ok('rm -rf /root/b1 /root/b2 /var/lib/wgw/before-restore-*');
}


sub counted {
    return @{of_json("usage $name")->{keys}[0]}{qw(sent received requests)};
}


sub no_backup {
    is_wgw('backup /tmp/b1', 1, qr/Permission denied/, 'for root only');
    is($m->sh('ls -d /tmp/b1* 2> /dev/null'), '', 'nothing is left of it');
    is_wgw('restore /root/b1', 1, qr/Permission denied/, 'for root only');
}


sub nobody {
    for my $command ('names list', 'names add x http://192.0.2.10:8080',
                     'usage', 'tokens', 'cap of-root 1GB', 'pause of-root',
                     'top --json --count 1')
    {
        is_wgw($command, 3, qr/Permission denied|does not answer|connect/i,
               'refused');
    }
}


1;
