#!/usr/bin/perl

# wgw check: what is wrong is found, each with its cure; in a network of its
# own, with a DNS and an /etc of its own.

use warnings;
use strict;

use Cwd qw(getcwd);
use IO::Socket::INET;
use POSIX ();
use Test::More;

use Wgw;
use Wgw::Cli;


# A network and mounts of our own, for the ports and the resolver.

if (!$ENV{WGW_CHECK_INSIDE}) {
    plan skip_all => 'for root' if $> != 0;
    plan skip_all => 'no namespaces here'
        if system('unshare -nm true 2> /dev/null') != 0;

    $ENV{WGW_CHECK_INSIDE} = 1;
    exec 'unshare', '-nm', '--propagation', 'private', $^X, '-It/lib', $0;
}

system('ip link set lo up; ip addr add 198.51.100.7/32 dev lo;
        ip addr add 2001:db8::7/128 dev lo') == 0
    or plan skip_all => 'no ip(8) here';

my $gw = cli_gateway(http => '
    server {
        listen  127.0.0.1:%%TLS%% ssl;
        listen  [::1]:%%TLS%% ssl;
        listen  [::1]:%%HTTP%%;
        ssl_certificate      tls.crt;
        ssl_certificate_key  tls.key;
    }');
my $dir = $gw->dir();
my ($found, $said);

$gw->expect(qr/invalid parameter "keys=many"/);

certificate(90, 'gw.test', '*.gw.test');
mkdir "$dir/logs";

spew("$dir/check.conf", slurp("$dir/gateway.conf") . <<"EOF");
nginx="$gw->{binary}"
nginx_conf=$dir/nginx.conf
nginx_prefix=$dir/
http_port=@{[ $gw->port('HTTP') ]}
tls_port=@{[ $gw->port('TLS') ]}
pid=$dir/logs/nginx.pid
EOF
$ENV{WGW_CLI_CONFIG} = "$dir/check.conf";

my $dns = dns('198.51.100.7', '2001:db8::7');
$gw->start();


subtest 'a gateway that works' => sub {
    $said = wgw('check');
    is($said->{exit}, 0, 'nothing is wrong') or diag($said->{out});
    like($said->{out}, qr{^fine      configuration $dir/nginx\.conf$}m,
         'its configuration');
    like($said->{out}, qr{^fine      gateway       \d\S+, at unix:}m,
         'the gateway');
    like($said->{out}, qr{^fine      ports         \d+ is served$}m, 'ports');
    like($said->{out}, qr{^doubtful  certificate   self.signed.*\n +-> get}m,
         'a certificate that nobody trusts, and the cure');
    like($said->{out}, qr{^fine      dns           gw\.test leads to \S+ }m,
         'its name');
    like($said->{out}, qr{^fine      dns           \*\.gw\.test leads to}m,
         'and the wildcard');
    like($said->{out}, qr{ disk  .* free for $dir/state$}m, 'the disk');
    like($said->{out}, qr{ clock }, 'the clock');
    like($said->{out}, qr{ limits }, "and the kernel's limits");
    like($said->{out}, qr{^0 wrong, \d+ doubtful, \d+ fine$}m, 'a sum');

    my $json = wgw_json('check');
    is($json->{wrong}, 0, 'as JSON');
    is((grep { $_->{finding} ne 'fine' && $_->{cure} eq '' }
        @{$json->{findings}}), 0, 'no finding is without a cure');
};


subtest 'the configuration' => sub {
    my $conf = slurp("$dir/nginx.conf");

    spew("$dir/nginx.conf", $conf =~ s/keys=1000;/keys=many;/r);
    $found = finding('configuration');
    is($found->{finding}, 'wrong', 'does not pass');
    like($found->{text}, qr{^invalid parameter "keys=many" in \S+:\d+$},
         'where and why');
    is(wgw('check')->{exit}, 1, 'an exit code');
    spew("$dir/nginx.conf", $conf);
    is(finding('configuration')->{finding}, 'fine', 'mended');

    spew("$dir/other.conf", slurp("$dir/check.conf") . "nginx=/none\n");
    local $ENV{WGW_CLI_CONFIG} = "$dir/other.conf";
    like(finding('configuration')->{text}, qr/^nginx -t: No such file/,
         'no nginx');
    spew("$dir/other.conf", slurp("$dir/check.conf") . "nginx_conf=/none\n");
    is(finding('configuration')->{finding}, 'wrong', 'no file');
};


subtest 'names in the DNS' => sub {
    kill 'TERM', $dns;
    waitpid $dns, 0;
    $dns = dns('203.0.113.9');

    $found = finding('dns');
    is($found->{finding}, 'doubtful', 'another address');
    like($found->{text}, qr/^gw\.test leads to 203\.0\.113\.9, this machine/,
         'which');

    kill 'TERM', $dns;
    waitpid $dns, 0;
    $dns = dns('198.51.100.7');
    like(finding('dns')->{text}, qr/^gw\.test has no IPv6 address/, 'no AAAA');

    kill 'TERM', $dns;
    waitpid $dns, 0;
    $dns = dns();
    $found = finding('dns');
    is($found->{finding}, 'wrong', 'none');
    like($found->{cure}, qr/who serves your DNS: gw\.test  A AAAA/, 'a cure');

    spew("$dir/other.conf", slurp("$dir/check.conf") =~ s/^domain.*//mr);
    local $ENV{WGW_CLI_CONFIG} = "$dir/other.conf";
    like(finding('dns')->{text}, qr/domain is not known/, 'no domain');
    like(finding('dns', '--domain', 'x.example')->{text}, qr/^x\.example/,
         'said by an option');
};


subtest 'the certificate' => sub {
    certificate(5, 'gw.test', '*.gw.test');
    $gw->reload();
    $found = finding('certificate');
    is($found->{finding}, 'doubtful', 'ends soon');
    like($found->{text}, qr/^it ends in [45] days$/, 'when');

    certificate(-3, 'gw.test', '*.gw.test');
    $gw->reload();
    $found = finding('certificate');
    is($found->{finding}, 'wrong', 'has ended');
    like($found->{text}, qr/^it has ended [34] days ago$/, 'when');

    certificate(90, 'other.test');
    $gw->reload();
    like(finding('certificate')->{text}, qr/^it is not for gw\.test and/,
         'for another name');
};


subtest 'a zone that is full' => sub {
    $gw->stop();
    unlink "$dir/state/wallets";
    spew("$dir/nginx.conf", slurp("$dir/nginx.conf")
         =~ s{file=state/wallets  keys=1000}{file=state/wallets keys=1}r
         =~ s{file=state/meter    keys=200000}
             {file=state/labels keys=10 label_bytes=64}r);
    $gw->start();

    is(wgw_json('check')->{wrong} > 0, 1, 'it runs');
    is(scalar(grep { $_->{text} =~ /is \d+% full/ }
              @{wgw_json('check')->{findings}}), 0, 'none is');

    spew("$dir/wallet", 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae7'
                        . '84d7bf4f2ff80');
    my $din = 'http://127.0.0.1:' . $gw->port('DIN');
    my $key = `build/bin/siwe-token $din/auth $dir/wallet 2> /dev/null`;
    http_get($gw->port('DIN'), '/eth', headers => $key =~ s/\s+$/\r\n/r);

    ok(wait_for(sub { grep { $_->{text} eq 'the zone "wallets" is 100% full'
                             && $_->{cure} =~ /more keys=/ }
                      @{wgw_json('check')->{findings}} }), 'one is full');

    # blocks of 256 bytes, in room for ten of 64 and the longest
    for my $name (map { "n$_" } 1 .. 9) {
        http_get($gw->port('ADMIN'), "/v1/names/$name", method => 'PUT',
                 body => '{"backends":["http://127.0.0.1:9"],"owner":"'
                         . 'x' x 200 . '"}');
        http_get($gw->port('HTTP'), '/', host => "$name.gw.test");
    }

    my $text = 'the room for labels of the zone "names" is 86% full';

    ok(wait_for(sub { grep { $_->{text} eq $text
                             && $_->{cure} =~ /more label_bytes=/ }
                      @{wgw_json('check')->{findings}} }),
       'and the labels of another');
};


subtest 'names that workers cannot use' => sub {
    is(finding('names')->{finding}, 'fine', 'they can');

    my ($uid, $gid) = (stat "$dir/state/names")[4, 5];

    # as after a copy by root; a worker that comes then cannot open it
    $gw->expect(qr/names ".*": \w+\(\).* failed \(13: |exited on signal 9/);
    chown 0, 0, "$dir/state/names", glob "$dir/state/names/*";
    chmod 0700, "$dir/state/names";
    kill 'KILL', $gw->workers();

    ok(wait_for(sub { (finding('names')->{finding} // '') eq 'wrong' }),
       'then not');
    like(finding('names')->{text}, qr/cannot use its store: it answers 503/,
         'and it is said');
    is(finding('gateway')->{finding}, 'fine', 'by a gateway that answers');
    is(finding('configuration')->{finding}, 'fine', 'nginx -t knows nothing');

    chown $uid, $gid, "$dir/state/names", glob "$dir/state/names/*";
    chmod 0750, "$dir/state/names";
    ok(wait_for(sub { (finding('names')->{finding} // '') eq 'fine' }),
       'until it is theirs again');
};


subtest 'a disk that is read-only' => sub {
    mkdir "$dir/ro";
    is(system("mount -t tmpfs -o ro none '$dir/ro'"), 0, 'one');

    my $disk = finding('disk', '--state', "$dir/ro");

    is($disk->{finding}, 'wrong', 'is wrong, whatever is free');
    like($disk->{text}, qr{/ro is read-only}, 'and why');
    system("umount '$dir/ro'");
};


subtest 'no gateway' => sub {
    $gw->stop();

    $said = wgw('check');
    is($said->{exit}, 1, 'is wrong');
    like($said->{out}, qr{^wrong     gateway       it does not answer at unix}m,
         'the gateway');
    like($said->{out},
         qr{^wrong     ports         nobody listens on \d+\n +-> systemctl}m,
         'its ports');
    unlike($said->{out}, qr/ certificate  /, 'there is none to look at');
    is($said->{err}, '', 'findings are all there is');
    is(finding('disk', '--state', '/none')->{finding}, 'wrong', 'no state');
};

kill 'TERM', $dns;
waitpid $dns, 0;

done_testing();


sub finding {
    my ($what, @options) = @_;

    my ($first) = grep { $_->{what} eq $what }
                  @{wgw_json('check', @options)->{findings}};

    return $first || {};
}


sub certificate {
    my ($days, @names) = @_;

    my $san = join ',', map { "DNS:$_" } @names;
    my $config = "$dir/ca.conf";

    unlink glob "$dir/ca.*";
    spew("$dir/ca.index", '');
    spew("$dir/ca.serial", "01\n");
    spew($config, <<"EOF");
[ca]
default_ca=d
[d]
database=$dir/ca.index
serial=$dir/ca.serial
new_certs_dir=$dir
default_md=sha256
policy=p
x509_extensions=x
[p]
commonName=supplied
[x]
subjectAltName=$san
EOF

    my $end = POSIX::strftime('%Y%m%d%H%M%SZ', gmtime(time + $days * 86400));

    system("openssl req -newkey rsa:2048 -nodes -subj /CN=$names[0] "
           . "-keyout $dir/tls.key -out $dir/tls.csr 2> /dev/null && "
           . "openssl ca -batch -config $config -selfsign -in $dir/tls.csr "
           . "-keyfile $dir/tls.key -notext -startdate 20200101000000Z "
           . "-enddate $end -out $dir/tls.crt 2> $dir/ca.said") == 0
        or die slurp("$dir/ca.said");
}


# A DNS that gives all names these addresses, and a resolver that asks it.

sub dns {
    my (@addresses) = @_;

    spew("$dir/resolv.conf", "nameserver 127.0.0.1\noptions timeout:2\n");
    spew("$dir/nsswitch.conf", "hosts: dns\n");

    for my $file (qw(resolv.conf nsswitch.conf)) {
        next if slurp("/etc/$file") eq slurp("$dir/$file");
        system("mount --bind $dir/$file /etc/$file") == 0 or die;
    }

    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                       LocalPort => 53, Proto => 'udp')
        or die "dns: $!";
    my $pid = fork;
    die 'fork' if !defined $pid;

    if ($pid) {
        close $socket;
        return $pid;
    }

    $SIG{TERM} = 'DEFAULT';

    while (my $from = recv $socket, my $question, 512, 0) {
        my ($name, $type) = substr($question, 12)
                            =~ /^((?:[^\0].*?)?\0)(..)/s or next;
        my $wanted = unpack 'n', $type;
        my $answer = '';
        my $n = 0;

        for my $address (@addresses) {
            my $v6 = $address =~ /:/;
            next if $wanted != ($v6 ? 28 : 1);

            my $bytes = Socket::inet_pton($v6 ? Socket::AF_INET6()
                                              : Socket::AF_INET(), $address);
            $answer .= pack('nnnNn', 0xc00c, $wanted, 1, 1, length $bytes)
                     . $bytes;
            $n++;
        }

        send $socket, substr($question, 0, 2)
            . pack('nnnnn', 0x8180 | (@addresses ? 0 : 3), 1, $n, 0, 0)
            . $name . $type . pack('n', 1) . $answer, 0, $from;
    }

    POSIX::_exit(0);
}
