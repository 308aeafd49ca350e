#!/usr/bin/perl

# wgw backup and restore: while a gateway counts, into a directory that is
# verified; and back, where usage and names are what they were.

use warnings;
use strict;

use File::Copy ();
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Cli;


plan skip_all => 'state belongs to root and to the workers' if $> != 0;

my $gw = cli_gateway();
my $dir = $gw->dir();
my $state = "$dir/state";
my $backend = 'http://127.0.0.1:' . $gw->port('BACKEND');
my $address = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
my ($said, $manifest);

$gw->start();

for my $n (1 .. 40) {
    wgw('names', 'add', "n$n", $backend, '--owner', "o$n") if $n <= 3;
}

spew("$dir/many.ndjson", join '', map {
    qq({"name":"m$_","backends":["http://192.0.2.1:80"]}\n) } 1 .. 5000);
is(wgw('names', 'import', "$dir/many.ndjson")->{exit}, 0, 'names');

spew("$dir/wallet", 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784'
                    . 'd7bf4f2ff80');
my $auth = 'http://127.0.0.1:' . $gw->port('DIN') . '/auth';
is(system("build/bin/siwe-token $auth $dir/wallet > $dir/key"
       . " 2> $dir/said"), 0, 'a key');

spew("$state/notes.txt", "a file of somebody\n");
symlink '/etc/passwd', "$state/link";
symlink '../etc', "$state/up";

# a certificate, as who renews it leaves it
mkdir "$state/certs";
mkdir "$state/certs/.a.example-1";
spew("$state/certs/.a.example-1/privkey.pem", "a key\n");
symlink '.a.example-1', "$state/certs/a.example";


# at rest: all is the same

subtest 'a backup' => sub {
    get('n1', '/100k.bin');
    get('n2', '/');
    settle();

    $said = wgw('backup', "$dir/b1");
    is($said->{exit}, 0, 'made while it runs') or diag($said->{err});
    like($said->{out}, qr{^WHAT +PATH +SIZE +ROWS$}m, 'what is in it');
    like($said->{out}, qr{^names +names/data\.mdb +\S+ \wB +5,003$}m,
         'names') or diag($said->{out});
    like($said->{out}, qr{^counters +meter +\S+ MB +2$}m, 'counters');
    like($said->{out}, qr{^notes +tokens +\S+ kB +-$}m, 'notes');
    like($said->{out}, qr{^file +notes\.txt +19 B +-$}m, 'and what else is');
    like($said->{err}, qr{link is no file, and is left out},
         'but no links that lead away');
    like($said->{err}, qr{up is no file, and is left out}, 'nor up');
    is(readlink "$dir/b1/certs/a.example", '.a.example-1',
       'links to what is beside them');
    like($said->{err}, qr{b1 is whole, and was read again$}m, 'verified');

    is((stat "$dir/b1")[2] & 07777, 0700, 'for its owner alone');
    is((stat "$dir/b1/meter")[2] & 07777, 0600, 'and each file');
    ok(!-e "$dir/b1.new" && !-e "$dir/b1/names/lock.mdb", 'and nothing else');
    cmp_ok((stat "$dir/b1/meter")[12] * 512, '<', 8000000, 'holes stay holes');

    $manifest = json(slurp("$dir/b1/manifest.json"));
    my ($meter) = grep { $_->{path} eq 'meter' } @{$manifest->{entries}};
    my $usage = wgw_json('usage', '--zone', 'names')->{keys};
    my ($sent, $requests) = (0, 0);
    $sent += $_->{sent}, $requests += $_->{requests} for @$usage;
    is($meter->{sent}, $sent, 'every byte');
    is($meter->{requests}, $requests, 'and request');

    is(wgw('backup', "$dir/b1")->{exit}, 5, 'it is there already');
    is(wgw('backup', "$dir/none/b")->{exit}, 1, 'no place for it');
    is(wgw('backup', "$dir/b2", '--state', "$dir/none")->{exit}, 4,
       'no state');
    ok(!-e "$dir/b2" && !-e "$dir/b2.new", 'leaves nothing');
    is(wgw_json('backup', "$dir/b2")->{entries}[0]{path}, 'archive',
       'as JSON');
};


# The workers' user owns the store's directory: what it puts there must not have
# root write somewhere else.

subtest 'a store with a link in it' => sub {
    my $user = (stat "$state/names")[4];

    mkdir "$dir/evil";
    mkdir "$dir/evil/names";
    File::Copy::copy("$dir/b1/names/data.mdb", "$dir/evil/names/data.mdb");
    spew("$dir/root-only", "precious\n");
    chmod 0600, "$dir/root-only";
    symlink "$dir/root-only", "$dir/evil/names/lock.mdb";
    chown $user, -1, "$dir/evil/names", glob "$dir/evil/names/*.mdb";
    chown 0, 0, "$dir/root-only";

    $said = wgw('backup', "$dir/b0", '--state', "$dir/evil");
    is($said->{exit}, 1, 'is not copied') or diag($said->{out});
    like($said->{err}, qr/data\.mdb: .*Permission denied/, 'and why');
    is(slurp("$dir/root-only"), "precious\n", 'nothing else was touched');
    ok(!-e "$dir/b0" && !-e "$dir/b0.new", 'there is no half of a backup');
};


subtest 'a restore while it runs' => sub {
    $said = wgw('restore', "$dir/b1");
    is($said->{exit}, 5, 'is refused');
    like($said->{err}, qr/a gateway uses \S+: stop it first/, 'and why');
    is((() = glob "$state/before-restore-*"), 0, 'nothing has changed');

    is(wgw('names', 'rm', 'n1')->{exit}, 0, 'a name is gone');
    is(wgw('names', 'add', 'extra', $backend)->{exit}, 0, 'another is new');
    $said = wgw('restore', '--names', "$dir/b1");
    is($said->{exit}, 0, 'its names alone') or diag($said->{err});
    is($said->{out}, "1 added, 0 changed, 1 deleted\n", 'can be put back');
    is(get('n1', '/')->{status}, 200, 'and are served');
};


subtest 'a backup that is not right' => sub {
    is(wgw('restore', '--check', "$dir/b1")->{exit}, 0, 'this one is');
    is(wgw('restore', "$dir/none")->{exit}, 4, 'none');

    for my $fault (
        [ 'a file is another', sub { patch("$_[0]/names/data.mdb", 9000) } ],
        [ 'a counter is', sub { patch("$_[0]/meter", 64) } ],
        [ 'a file is gone', sub { unlink "$_[0]/tokens" } ],
        [ 'it was cut', sub { truncate "$_[0]/wallets", 5000 } ],
        [ 'a link', sub { unlink "$_[0]/notes.txt";
                          symlink '/etc/passwd', "$_[0]/notes.txt" } ],
        [ 'a link that is another', sub { unlink "$_[0]/certs/a.example";
                          symlink '..', "$_[0]/certs/a.example" } ],
        [ 'a link that leads away', sub { manifest($_[0],
            '"target":"[^"]*"', '"target":"../../etc"') } ],
        [ 'a path that leads away', sub { manifest($_[0],
            '"path":"notes.txt"', '"path":"../notes.txt"') } ],
        [ 'a whole path', sub { manifest($_[0],
            '"path":"notes.txt"', '"path":"/etc/motd"') } ],
        [ 'another format', sub { manifest($_[0], '"wgw_backup":1',
                                           '"wgw_backup":2') } ],
        [ 'no JSON', sub { manifest($_[0], '^.', '') } ],
        [ 'figures that are others', sub { manifest($_[0], '"sent":\d+',
                                                    '"sent":1') } ],
    ) {
        my ($name, $code) = @$fault;

        system('rm', '-rf', "$dir/bad");
        is(system('cp', '-a', "$dir/b1", "$dir/bad"), 0, $name);
        $code->("$dir/bad");

        $said = wgw('restore', '--check', "$dir/bad");
        is($said->{exit}, 1, 'is refused') or diag($said->{out});
        like($said->{err}, qr{^wgw: $dir/bad/}, 'and named');
    }
};


subtest 'under load' => sub {
    my @clients = map { client($_) } 1 .. 4;

    sleep 1;
    my $low = totals();

    for my $n (3 .. 6) {
        $said = wgw('backup', "$dir/b$n");
        is($said->{exit}, 0, "backup $n") or diag($said->{err});
    }

    my $high = totals();
    kill 'TERM', @clients;
    waitpid $_, 0 for @clients;

    for my $n (3 .. 6) {
        my ($meter) = grep { $_->{path} eq 'meter' }
                      @{json(slurp("$dir/b$n/manifest.json"))->{entries}};

        cmp_ok($meter->{sent}, '>=', $low, 'nothing is missing');
        cmp_ok($meter->{sent}, '<=', $high, 'and nothing too much');
    }
};


subtest 'a restore' => sub {
    settle();

    my $before = wgw_json('usage', '--zone', 'names')->{keys};
    is(wgw('backup', "$dir/b9")->{exit}, 0, 'a backup');
    is(wgw('names', 'export', "$dir/before.ndjson")->{exit}, 0, 'its names');

    # what comes later is gone then
    get('n3', '/100k.bin') for 1 .. 3;
    wgw('names', 'rm', 'n2');
    wgw('cap', 'n3', '1GB');
    $gw->stop();

    $said = wgw('restore', "$dir/b9");
    is($said->{exit}, 0, 'restored') or diag($said->{err});
    like($said->{err}, qr{^restored; what was there is in $state/before-},
         'what was there is kept');
    is((() = glob "$state/.restore-*"), 0, 'nothing else is');
    is(slurp("$state/certs/a.example/privkey.pem"), "a key\n",
       'links lead where they led');

    my ($meter, $data) = map { [ stat "$state/$_" ] } 'meter',
                                                      'names/data.mdb';
    is($meter->[4], 0, "the zone is root's");
    is($data->[4], (getpwnam('www-data') || getpwnam('nobody')),
       "the store the workers'");
    is($meter->[2] & 07777, 0640, 'with its rights');
    cmp_ok($meter->[12] * 512, '>=', $meter->[7], 'and no hole');

    $gw->start();

    my $after = wgw_json('usage', '--zone', 'names')->{keys};
    is_deeply([ map { bare($_) } sort by_key @$after ],
              [ map { bare($_) } sort by_key @$before ], 'usage is equal');

    is(wgw('names', 'export', "$dir/after.ndjson")->{exit}, 0, 'its names');
    ok(slurp("$dir/before.ndjson") eq slurp("$dir/after.ndjson"),
       'are equal, too');

    # and it goes on from there
    get('n2', '/100k.bin');
    settle();
    my ($n2) = grep { $_->{key} eq 'n2.gw.test' } @$before;
    cmp_ok(usage($gw->port('ADMIN'), 'n2')->{sent}, '>', $n2->{sent} + 100000,
           'it counts on');

    # a message that was used is still known, and the key is
    is(scalar @{wgw_json('tokens')->{tokens}}, 1, 'keys are known');
    is(http_get($gw->port('DIN'), '/eth',
                headers => slurp("$dir/key") =~ s/\s+$/\r\n/r)->{status}, 200,
       'and good');
};


subtest 'on a machine of its own' => sub {
    $gw->stop();

    mkdir "$dir/other";
    $said = wgw('restore', "$dir/b9", '--state', "$dir/other/state");
    is($said->{exit}, 0, 'where nothing was') or diag($said->{err});
    like($said->{err}, qr/^restored$/m, 'nothing is put aside');

    rename $state, "$dir/old" or die;
    rename "$dir/other/state", $state or die;
    $gw->start();
    is(get('n1', '/')->{status}, 200, 'it serves');
};


# a state that cannot be written: all stays

subtest 'a restore that fails' => sub {
    $gw->stop();

    my @before = sort glob "$state/*";
    my $small = "$dir/small";
    mkdir $small;

    SKIP: {
        skip 'no mounts here', 3 if system("mount -t tmpfs -o size=1m none "
                                           . "$small 2> /dev/null") != 0;

        $said = wgw('restore', "$dir/b9", '--state', $small);
        is($said->{exit}, 1, 'no room');
        like($said->{err}, qr/No space left/, 'is said');
        is((() = glob "$small/* $small/.restore-*"), 0, 'nothing is there');
        system('umount', $small);
    }

    is_deeply([ sort glob "$state/*" ], \@before, 'the other is untouched');
};

done_testing();


sub get {
    my ($name, $path) = @_;

    return http_get($gw->port('HTTP'), $path, host => "$name.gw.test");
}


# All requests have been counted.

sub settle {
    my $last = '';

    wait_for(sub {
        my $now = totals();
        my $same = $now eq $last;
        $last = $now;
        sleep 0.2;
        return $same;
    });
}


# Sent bytes of the zone's keys and classes.

sub totals {
    my $page = json(http_get($gw->port('ADMIN'), '/v1/usage?zone=names')
                    ->{body});
    my $sum = 0;

    $sum += $_->{sent} for @{$page->{keys}};
    $sum += $page->{zones}[0]{$_}{sent} for qw(unknown other denied);

    return $sum;
}


sub client {
    my ($n) = @_;

    my $pid = fork;
    die 'fork' if !defined $pid;
    return $pid if $pid;

    $SIG{TERM} = sub { POSIX::_exit(0) };

    while (getppid() != 1) {
        get('n' . (1 + $n % 3), '/100k.bin');
    }

    POSIX::_exit(0);
}


sub by_key { return $a->{key} cmp $b->{key} }

sub bare {
    my ($key) = @_;

    return { %$key, held => 0 };
}


sub patch {
    my ($path, $at) = @_;

    open my $file, '+<', $path or die "$path: $!";
    seek $file, $at, 0;
    read $file, my $byte, 1;
    seek $file, $at, 0;
    print $file chr(ord($byte) ^ 1);
    close $file;
}


sub manifest {
    my ($backup, $from, $to) = @_;

    my $text = slurp("$backup/manifest.json");

    $text =~ s/$from/$to/;
    spew("$backup/manifest.json", $text);
}
