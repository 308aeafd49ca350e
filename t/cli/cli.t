#!/usr/bin/perl

# The command wgw against a gateway: each command, over a unix socket and over
# HTTP, for people and for programs; what it refuses, and by which exit code.

use warnings;
use strict;

use Test::More;

use Wgw;
use Wgw::Cli;


my $gw = cli_gateway();
my $dir = $gw->dir();
my $backend = 'http://127.0.0.1:' . $gw->port('BACKEND');
my ($said, $record);

$gw->start();


subtest 'help, and what is no command' => sub {
    like(wgw('help')->{out}, qr/^    names add NAME BACKEND/m, 'commands');
    like(wgw('names', 'add', '--help')->{out}, qr/--cap SIZE/, 'options');
    is(wgw('help', 'cap')->{exit}, 0, 'help of one');
    like(wgw('--version')->{out}, qr/^wgw \d+\.\d+\.\d+$/, 'its version');

    is(wgw()->{exit}, 2, 'no command');
    is(wgw('frobnicate')->{exit}, 2, 'an unknown one');
    like(wgw('names')->{err}, qr/no command "names"/, 'half of one');
    like(wgw('names', 'list', '--nothing')->{err},
         qr/unknown option --nothing: see wgw names list --help/,
         'an unknown option');
    like(wgw('names', 'add', 'x')->{err},
         qr/too few arguments: wgw names add/, 'too few arguments');
    is(wgw('names', 'list', 'x')->{exit}, 2, 'too many');
    like(wgw('names', 'add', '--cap')->{err}, qr/--cap needs a value/,
         'an option without its value');
    is(wgw('names', 'list', '--json=1')->{exit}, 2, 'a value of a flag');
    like(wgw_json('names', 'x')->{error}, qr/no command/, 'as JSON too');
};


subtest 'a name is added' => sub {
    $said = wgw('names', 'add', 'shop', $backend, '--cap', '1.5GB',
                '--owner', 'Ann', '-w', '17');
    is($said->{exit}, 0, 'a name') or diag($said->{err});
    like($said->{out}, qr/^name            shop\.gw\.test$/m, 'is said');
    like($said->{out}, qr/^cap             1\.50 GB$/m, 'with its cap');
    is($said->{err}, '', 'and nothing else');
    is(get('shop')->{body}, "hello\n", 'it is served');

    $said = wgw('names', 'add', 'shop', $backend);
    is($said->{exit}, 5, 'it is there already');
    like($said->{err}, qr/^wgw: shop: is there already; --force/, 'is said');
    is(wgw('names', 'add', '--force', 'shop', $backend, '--cap=2GB')->{exit},
       0, 'replaced');

    $record = wgw_json('names', 'show', 'shop');
    is($record->{cap_bytes}, 2000000000, 'as JSON');
    is($record->{owner}, '', 'what was not said is a default');
};


subtest 'what is refused names the field' => sub {
    $said = wgw('names', 'add', 'bad', 'http://192.0.2.1:99999');
    is($said->{exit}, 1, 'a bad backend');
    like($said->{err}, qr/^wgw: bad: backends\[0\] has a port/, 'its field');

    my $error = wgw_json('names', 'add', 'bad', 'http://192.0.2.1:99999');
    is($error->{field}, 'backends[0]', 'as JSON too');
    is($error->{status}, 400, 'with its status');

    $said = wgw('names', 'add', 'bad', $backend, '--cap', '5XB');
    is($said->{exit}, 2, 'a size that is none');
    like($said->{err}, qr/--cap "5XB" is no size/, 'is said');
    like(wgw('names', 'add', 'ca', 'https://127.0.0.1:9', '--tls-ca',
             "$dir/nothing")->{err}, qr{$dir/nothing: No such file},
         'a file that is not there');
    is(wgw('names', 'show', 'bad')->{exit}, 4, 'there is no such name');
    is(wgw('names', 'add', 'bad', $backend, map { ('-a', "127.0.0.$_") }
           1 .. 17)->{exit}, 2, 'too many of an option');
};


subtest 'kinds of names' => sub {
    is(wgw('names', 'add', 'pass', '--passthrough', '127.0.0.1:9',
           '--proxy-protocol')->{exit}, 0, 'passed through');
    like(wgw('names', 'show', 'pass')->{out}, qr/^tls +passed through$/m,
         'it is');
    is(wgw('names', 'add', 'tls', 'https://127.0.0.1:9', '--no-verify',
           '--tls-name', 'x.example')->{exit}, 0, 'an https backend');
    $record = wgw_json('names', 'show', 'tls');
    ok(!$record->{tls_verify} && $record->{tls_name} eq 'x.example',
       'as said');
    is(wgw('names', 'add', 'late', $backend, '--paused')->{exit}, 0, 'paused');
    is(get('late')->{status}, 503, 'it is');
    is(wgw('names', 'add', 'umlaut', $backend, '--owner',
           "\x{c3}\x{a4} \\ \"")->{exit}, 0, 'an owner to be escaped');
    is(wgw_json('names', 'show', 'umlaut')->{owner}, "\x{e4} \\ \"",
       'as it was');

    $said = wgw('names', 'list');
    like($said->{out}, qr/^NAME +STATE +TLS +CAP +OWNER +BACKENDS$/m,
         'a list');
    like($said->{out},
         qr/^shop\.gw\.test    ok      ended   2\.00 GB  -      http/m,
         'in columns');
    like($said->{out},
         qr/^pass\.gw\.test    ok      passed        -  -      127/m,
         'that are aligned') or diag($said->{out});
    is(scalar @{wgw_json('names', 'list')->{names}}, 5, 'as JSON');
};


subtest 'cap, pause, resume' => sub {
    $said = wgw('cap', 'shop', '100GB');
    is($said->{exit}, 0, 'another cap');
    like($said->{err}, qr/^shop\.gw\.test has a cap of 100 GB$/, 'is said');
    is(wgw_json('cap', 'shop', '1k')->{cap_bytes}, 1024, 'as JSON');
    is(wgw('cap', 'shop', 'none', '-q')->{err}, '', 'none, quietly');
    is(wgw_json('names', 'show', 'shop')->{cap_bytes}, 0, 'no cap');
    is(wgw('cap', 'nobody', '1GB')->{exit}, 4, 'of no name');
    is(wgw('cap', 'shop', '-5')->{exit}, 2, 'a cap that is none');
    is(wgw('cap', 'shop', '--', '-5')->{exit}, 2, 'nor this one');

    is(wgw('pause', 'shop', 'umlaut')->{exit}, 0, 'two are paused');
    is(get('shop')->{status}, 503, 'and not served');
    $said = wgw('resume', 'nobody', 'shop', 'umlaut');
    is($said->{exit}, 4, 'one that is not there');
    like($said->{err}, qr/nobody: there is no such name/, 'is told');
    is(get('shop')->{status}, 200, 'the others are served again');
};


subtest 'usage' => sub {
    is(get('shop', '/100k.bin')->{status}, 200, 'a download');
    wait_for(sub { (usage($gw->port('ADMIN'), 'shop') || {})->{sent}
                   > 100000 });

    $said = wgw('usage', 'shop');
    like($said->{out}, qr/^NAME +SINCE \d{4}-\d\d-01 +CAP +USED +BEFORE THAT/,
         'since the first');
    like($said->{out}, qr/^shop\.gw\.test +10\d kB +- +- +0 B +10\d kB/m,
         'of a name') || diag($said->{out});

    # a cap is the meter's with the next request
    wgw('cap', 'shop', '1MB');
    get('shop');
    like(wait_for(sub { my $out = wgw('usage', 'shop')->{out};
                        $out =~ /1\.00 MB/ && $out }) || '',
         qr/^shop\.gw\.test +10\d kB +1\.00 MB +10%/m, 'of its cap');

    like(wgw('usage', '--month')->{out},
         qr/^NAME .*SENT +RECEIVED +CAP +LEFT$/m, 'of this month');
    is(wgw_json('usage', 'shop')->{keys}[0]{key}, 'shop.gw.test', 'as JSON');
    is(wgw('usage', 'nobody')->{exit}, 4, 'of nobody');
    is(wgw('usage', '--month=1999-01')->{exit}, 4, 'without an archive');
    is(wgw('usage', '--month=last')->{exit}, 2, 'of what is no month');
    is(wgw_json('usage', '--top', '1', '--by', 'sent')->{keys}[0]{key},
       'shop.gw.test', 'who has most');
    is(wgw('usage', '--top', '1', '--by', 'age')->{exit}, 1, 'by what is not');
    is(scalar(grep { $_->{zone} ne 'names' }
              @{wgw_json('usage', '--zone', 'names')->{keys}}), 0, 'a zone');

    is(wgw_json('usage')->{zones}[0]{keys_max}, 200000, 'and of zones');
    is(get('none')->{status}, 404, 'an unknown name');
    like(wait_for(sub { my $out = wgw('usage')->{out};
                        $out =~ /unknown/ && $out }) || '',
         qr/^\(unknown\) +names /m, 'what belongs to no name');
};


# what the gateway would have written when the month ended

subtest 'usage of an archive' => sub {
    my ($year, $month) = (gmtime)[5, 4];
    ($year, $month) = $month ? ($year + 1900, $month) : ($year + 1899, 12);

    my $window = sprintf '%d-%02d', $year, $month;
    my $file = "$dir/state/archive/names-" . ($window =~ s/-//r)
             . '01T000000Z.ndjson';

    spew($file, qq({"zone":"names","key":"shop.gw.test",)
         . qq("start":"$window-01T00:00:00Z","end":"2026-11-01T00:00:00Z",)
         . qq("sent":7000,"received":42}\n));
    chmod 0644, $file;

    $said = wgw('usage', "--month=$window");
    like($said->{out}, qr/^NAME +SINCE $window-01 +SENT +RECEIVED$/m,
         'an archive') or diag($said->{err});
    like($said->{out}, qr/^shop\.gw\.test +7\.04 kB +7\.00 kB +42 B$/m,
         'says so') or diag($said->{out});
    is(wgw_json('usage', 'shop', "-m", "--month=$window")->{keys}[0]{sent},
       7000, 'of a name');
};


subtest 'tokens' => sub {
    spew("$dir/wallet", 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784'
                        . 'd7bf4f2ff80');

    my $auth = 'http://127.0.0.1:' . $gw->port('DIN') . '/auth';
    my $address = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';

    is_deeply(wgw_json('tokens'), { tokens => [] }, 'no tokens');

    for (1 .. 3) {
        is(system("build/bin/siwe-token $auth $dir/wallet > $dir/key"
                  . " 2> $dir/said"), 0,
           'a key');
    }

    $said = wgw('tokens');
    like($said->{out}, qr/^ID +ADDRESS +ENDS IN +SERVICES$/m, 'tokens');
    like($said->{out}, qr/^\S{22}  \Q$address\E  +\d+[hm] \d+[ms]  eth$/m,
         'whose');
    like(wgw('tokens', 'addresses')->{out}, qr/^\Q$address\E +3$/m,
         'by wallets');

    my ($id) = map { $_->{id} } @{wgw_json('tokens')->{tokens}};

    $said = wgw('tokens', 'revoke', $id);
    is($said->{exit}, 0, 'one is revoked') or diag($said->{err});
    is(scalar @{wgw_json('tokens')->{tokens}}, 2, 'two are left');
    is(wgw('tokens', 'revoke', $address)->{exit}, 0, 'and all of a wallet');
    is(scalar @{wgw_json('tokens')->{tokens}}, 0, 'none is');
    isnt(wgw('tokens', 'revoke', '0x12')->{exit}, 0, 'of no wallet');
};


subtest 'another way to the gateway' => sub {
    my $url = 'http://127.0.0.1:' . $gw->port('ADMIN');

    is(wgw('-u', $url, 'names', 'show', 'shop')->{exit}, 0, 'a URL');
    is(wgw('names', 'show', 'shop', "--url=$url/")->{exit}, 0, 'behind it');

    local $ENV{WGW_URL} = 'http://127.0.0.1:1';

    $said = wgw('names', 'list');
    is($said->{exit}, 3, 'WGW_URL goes before the file');
    like($said->{err}, qr/does not answer.*does it run\?/, 'nobody is there');
    is(wgw('names', 'list', '-u', $url)->{exit}, 0, '--url before that');

    is(wgw('-u', 'ftp://x', 'names', 'list')->{exit}, 2, 'no such URL');
    is(wgw('-u', "unix:$dir/none.sock", 'names', 'list')->{exit}, 3,
       'no socket');
    is(wgw('--config', "$dir/none.conf", 'names', 'list')->{exit}, 4,
       'no such file');

    # what is there is something else
    is(wgw('-u', 'http://127.0.0.1:' . $gw->port('BACKEND'), 'usage')->{exit},
       4, 'no administration');
    is(wgw('-u', 'http://127.0.0.1:' . $gw->port('BACKEND') . '/index.html?',
           'names', 'list')->{exit}, 1, 'nor JSON');

};


subtest 'what nobody is to see' => sub {
    delete local $ENV{WGW_URL};

    $said = wgw('-u', 'http://me:secret@127.0.0.1:1', 'names', 'list');
    is($said->{exit}, 2, 'no password in a URL, which ps shows');
    unlike($said->{err}, qr/secret/, 'nor in a message');

    spew("$dir/pass", "me:secret\n");
    chmod 0644, "$dir/pass";
    like(wgw('--password-file', "$dir/pass", 'names', 'list')->{err},
         qr/may be read by others/, 'a password for all to read');

    chmod 0600, "$dir/pass";
    is(wgw('--password-file', "$dir/pass", 'names', 'list')->{exit}, 0,
       'and one that is not');
    spew("$dir/pass", "secret\n");
    $said = wgw('--password-file', "$dir/pass", 'names', 'list');
    is($said->{exit}, 1, 'one without a user');
    unlike($said->{err}, qr/secret/, 'is not shown');
};


subtest 'a file that is not there' => sub {
    for my $case (
        [ '--password-file', "$dir/none", 'names', 'list' ],
        [ '--config', "$dir/none", 'names', 'list' ],
        [ 'names', 'add', 'x', 'https://192.0.2.1:443',
          '--tls-ca', "$dir/none" ],
    ) {
        $said = wgw(@$case);
        is($said->{exit}, 4, "has an exit code: $case->[0]");
        like($said->{err}, qr{^wgw: \Q$dir\E/none: No such file}, 'and a name');
    }
};


subtest 'what a shell completes' => sub {
    local $ENV{WGW_CLI_CONFIG};

    like(wgw('complete', 'na')->{out}, qr/^names$/m, 'commands');
    like(wgw('complete', 'names', '')->{out}, qr/^import$/m, 'second words');

    my $options = wgw('complete', 'names', 'add', '--')->{out};
    like($options, qr/^--cap$/m, 'options');
    like($options, qr/^--json$/m, 'and those of all commands');

    is(wgw('complete', 'cap', '')->{out}, '', 'no names without a gateway');
    local $ENV{WGW_URL} = 'http://127.0.0.1:' . $gw->port('ADMIN');
    like(wgw('complete', 'cap', 'sh')->{out}, qr/^shop\.gw\.test$/m, 'names');
    unlike(wgw('complete', 'cap', 'sh')->{out}, qr/^pass/m, 'from there on');

    my $program = wgw_program();
    my $bash = qx(bash -c '. cli/wgw.bash; wgw() { "$program" "\$@"; }
        COMP_WORDS=(wgw names ex); COMP_CWORD=2; _wgw; echo \${COMPREPLY[*]}');
    is($bash, "export\n", 'in bash');
};


subtest 'the end of names' => sub {
    $said = wgw('names', 'rm', 'nobody', 'shop');
    is($said->{exit}, 4, 'one that is not there');
    is(get('shop')->{status}, 404, 'the other is gone');
    is(wgw('names', 'show', 'shop')->{exit}, 4, 'it is not there');
    is(wgw('names', 'rm', '--close', 'pass', 'tls', 'late', 'umlaut')->{exit},
       0, 'all are gone');
    is(wgw('names', 'list')->{out}, '', 'an empty list');
    is_deeply(wgw_json('names', 'list'), { names => [] }, 'as JSON');

    my $program = wgw_program();
    is(system("'$program' help > /dev/full 2> /dev/null") >> 8, 1,
       'what could not be written is a failure');
};

$gw->stop();

is(wgw('names', 'list')->{exit}, 3, 'no gateway');

done_testing();


sub get {
    my ($name, $path) = @_;

    return http_get($gw->port('HTTP'), $path || '/', host => "$name.gw.test");
}
