#!/usr/bin/perl

# The example as its user sees it: `make run`, real clients, and what is
# there again after everything was killed.

use warnings;
use strict;

use Cwd qw(getcwd);
use File::Temp qw(tempdir);
use Test::More;

use Wgw;

$SIG{PIPE} = 'IGNORE';

my $root = tempdir(DIR => $ENV{WGW_TEST_ROOT} || '/tmp', CLEANUP => 1);

# as in a checkout that root made in a folder of his own
chmod 0700, $root;

my $run = "$root/run";
my %port = map { $_ => free_port() }
           qw(HTTP TLS ADMIN INNER DIN ROUTER DEMO_HTTP DEMO_HTTPS DEMO_TLS
              DEMO_RPC);
my $owner = $$;
my %started;

my $have_ipv6 = slurp('/proc/net/if_inet6') =~ /^0{31}1 /m;


# ---- first start

my $gw = start();

like($gw->{output}->(), qr/^  curl http/m, 'it says what to try');

if ($have_ipv6) {
    unlike($gw->{output}->(), qr/no ::1/, 'IPv6 is used');
} else {
    like($gw->{output}->(), qr/no ::1/, 'that there is no ::1 is said');
}

my $hello = "http://hello.gw.localhost:$port{HTTP}";
my $answer = "http backend, asked for hello.gw.localhost\n";

is(curl('-4', "$hello/")->{body}, $answer, 'a name, over IPv4');

if ($have_ipv6) {
    is(curl('-6', "$hello/")->{body}, $answer, 'and over IPv6');
}

is(curl('-k', tls('hello'))->{body}, $answer, 'TLS ended at the gateway');
is(curl('-k', '--http2', tls('hello'))->{body}, $answer, 'with HTTP/2');
is(curl('-k', tls('pass'))->{body},
   "passthrough backend, asked for pass.gw.localhost\n", 'TLS passed through');
is(curl("http://secure.gw.localhost:$port{HTTP}/")->{body},
   "https backend, asked for secure.gw.localhost\n", 'https to the backend');

is(seen_certificate('hello'), certificate('gateway'),
   "an offloaded name shows the gateway's certificate");
is(seen_certificate('pass'), certificate('pass'),
   "a passed through name shows the backend's");
isnt(certificate('gateway'), certificate('pass'), 'which are two');

is(curl("http://none.gw.localhost:$port{HTTP}/")->{code}, 404,
   'an unknown name');
is(curl('-k', tls('none'))->{code}, 404, 'an unknown name with TLS');

is(usage($port{ADMIN}, 'none.gw.localhost'), undef,
   'tf 65: no counter is made for it');
cmp_ok(json(http_get($port{ADMIN}, '/v1/usage')->{body})
       ->{zones}[0]{unknown}{requests}, '>=', 2, 'tf 65: it is "unknown"');

my $version = `make -s version`;
chomp $version;

like($version, qr/^\d+\.\d+\.\d+$/, 'start 10.10: make version');
is(json(http_get($port{ADMIN}, '/v1/usage')->{body})->{version}, $version,
   'usage says the same');
like(http_get($port{ADMIN}, '/metrics')->{body},
     qr/^wgw_build_info\{version="\Q$version\E"\} 1$/m, 'and metrics');
like(slurp('CHANGES.md'), qr/^## \Q$version\E$/m, 'and CHANGES.md');

for my $command ($gw->{output}->() =~ /^  (curl .*)$/mg) {
    is(system("{ $command\n} > '$root/pasted' 2>&1"), 0, "works: $command")
        or diag(slurp("$root/pasted"));
}


# ---- who pays for a content

my $ipfs = "http://ipfs.localhost:$port{HTTP}/ipfs";
my $claims = "http://127.0.0.1:$port{ADMIN}/v1/claims";
chomp(my $cid = qx(tools/claim cid '$run/ucan/paid.txt'));

my $chains = json(curl("$claims?content=$cid")->{body})->{chains};
is(scalar @$chains, 1, 'there is a claim');

# all of it in one minute, in which a pasted command may have been, too

sleep 1 while (gmtime)[0] > 40;

my @class = map {
    my $reply = http_get($port{HTTP}, "/ipfs/$cid", host => 'ipfs.localhost',
                         headers => "Origin: https://app.example\r\n");
    $reply->{headers}{'x-class'} . ($reply->{status} == 429
        && $reply->{body} =~ /^\Q$cid\E is currently rate limited/ ? '!' : '')
} 1 .. 9;

like("@class", qr/^(claim ){4,5}(public ){3}(denied! ?){1,2}$/,
     'a claim paid, its limit, the public\'s, and the 429 that names the CID');
cmp_ok(usage($port{ADMIN}, $chains->[0]{payer})->{requests}, '>=', 4,
       'who pays is counted');


# ---- a wallet signs in

my $din = "http://127.0.0.1:$port{DIN}";
my $rpc = '{"jsonrpc":"2.0","id":5,"method":"eth_blockNumber"}';
my $header = qx(tools/siwe-token $din/auth '$run/wallet.key' 2> /dev/null);
chomp $header;

like($header, qr/^x-api-key: \S{100}/, 'a key');
like(curl('-H', $header, '-d', $rpc, "$din/eth")->{body},
     qr/^\{"jsonrpc":"2.0","id":5,"result":"0x\w+"\}$/, 'it is good for /eth');
is(curl('-d', $rpc, "$din/eth")->{code}, 401, 'which nobody calls without');
like(curl('-H', $header, '-d', $rpc =~ s/eth_/debug_/r, "$din/eth")->{body},
     qr/"code":-32601/, 'nor by a method that is denied');

spew("$root/other.key", 'ab' x 32);
like(qx(tools/siwe-token $din/auth '$root/other.key' 2>&1 > /dev/null),
     qr/^0x\w{40}\nsiwe-token: refused: this address may not sign in here$/,
     'another wallet is refused, and told who it is');

my $wallet = qx(tools/siwe-token -a '$run/wallet.key');
chomp $wallet;

cmp_ok(usage($port{ADMIN}, "${wallet}eth")->{requests}, '>=', 2,
       'its calls are counted');


# ---- a router calls

my $router = "http://127.0.0.1:$port{ROUTER}/eth";
my $routed = curl('-D', "$root/headers", '-d', $rpc, $router);

is($routed->{code}, 200, 'the router calls');

# who lags is known after some checks only
ok(wait_for(sub {
       curl('-D', "$root/headers", '-d', $rpc, $router);
       return slurp("$root/headers") =~ /^X-Provider: own\r$/m;
   }), 'ours, signed in');

my $standings = wait_for(sub {
    my $list = json(http_get($port{ADMIN}, '/v1/providers')->{body});
    my $all = join ' ', map { "$_->{name}=$_->{standing}:$_->{reason}" }
                        @{$list->{providers}};
    return $all if $all =~ /warning:lag.*connect/;
    return;
});

is($standings, 'own=healthy: lags=warning:lag off=unhealthy:connect',
   'and leaves out one that lags and one that is off');


# ---- the bytes

counts('GET', '--http1.1', "$hello/");
counts('a file', '--http1.1', "$hello/600k.bin");
counts('an error page', '--http1.1', "$hello/none");
counts('TLS', '--http1.1', '-k', tls('hello'));

spew("$root/upload", 'u' x 70_000);
counts('an upload', '--http1.1', '--data-binary', "\@$root/upload", "$hello/");

my $pass = counted('pass');
curl('-k', '--http1.1', tls('pass'));
my $more = wait_for(sub {
    my $now = counted('pass');
    return $now->{requests} > $pass->{requests} ? $now : undef;
});
cmp_ok($more->{sent} - $pass->{sent}, '>', 500,
       'a passed through connection counts, handshake and all');


# ---- the cap.  One of the pasted commands was a first download.

my $capped = "http://capped.gw.localhost:$port{HTTP}/600k.bin";

my $second = curl($capped);
is($second->{code}, 200, 'the second download begins');
cmp_ok($second->{download}, '<', 600_000, 'and is cut');

my $used = counted('capped');
my $total = $used->{sent} + $used->{received};
is($total, 1_000_000, 'to the byte');

is(curl($capped)->{code}, 429, 'the third is refused');
is(curl("$hello/")->{code}, 200, 'other names go on');


# ---- kill -9

my $backend = $have_ipv6 ? "[::1]:$port{DEMO_HTTP}"
                         : "127.0.0.1:$port{DEMO_HTTP}";

my $put = curl('-X', 'PUT', '-d', qq({"backends":["http://$backend"]}),
               "http://127.0.0.1:$port{ADMIN}/v1/names/kept");
is($put->{code}, 201, 'a name of one\'s own');

my @keys = qw(hello capped pass);
my %before = map { $_ => counted($_) } @keys;
my $gateway_certificate = certificate('gateway');

kill_all($gw->{pid});

$gw = start();

unlike($gw->{output}->(), qr/installing|fetching|configuring|compiling/,
       'a second start does nothing twice');

for my $key (@keys) {
    my $after = counted($key);

    is_deeply([ @$after{qw(sent received requests)} ],
              [ @{$before{$key}}{qw(sent received requests)} ],
              "the counts of $key are there after kill -9");
}

is(curl("http://kept.gw.localhost:$port{HTTP}/")->{code}, 200,
   'the name is there');
is(curl($capped)->{code}, 429, 'the cap holds');
is(certificate('gateway'), $gateway_certificate, 'the certificates are kept');


# ---- what cannot start says so in one line

my ($status, $output) = refused(RUN => $run);
isnt($status, 0, 'a second instance is refused');
like($output, qr/already running in \Q$run\E, as process \d+/, 'with its pid');

for my $variable (qw(PORT_HTTP PORT_DEMO_TLS)) {
    my %other = map { ("PORT_$_" => free_port()) } keys %port;
    $other{$variable} = $port{HTTP};

    ($status, $output) = refused(RUN => "$root/other", %other);
    isnt($status, 0, "a busy port is refused: $variable");

    if ($variable eq 'PORT_HTTP') {
        like($output, qr/port $port{HTTP} is in use by nginx \(process \d+\); /,
             'with who has it');
        like($output, qr/PORT_HTTP=/, 'and the variable');
    }
}

($status, $output) = refused(RUN => "$root/other", PORT_TLS => 'x');
like($output, qr/PORT_TLS=x is no port/, 'a port must be one');


# ---- Ctrl-C

my $pid = nginx_pid();
my @processes = ($gw->{pid}, $pid, children($pid));

cmp_ok(scalar @processes, '>', 2, 'there are processes');

kill 'INT', -$gw->{pid};

ok(wait_for(sub { !grep { alive($_) } @processes }), 'Ctrl-C ends them all');
waitpid $gw->{pid}, 0;
delete $started{$gw->{pid}};

unlike($gw->{output}->(), qr/Error|error:/, 'without complaint');


# ---- without IPv6, on other ports: the example's names follow

for my $name (keys %port) {
    $port{$name} = free_port();
}

$gw = start('IPV6=off');

like($gw->{output}->(), qr/no ::1/, 'IPV6=off is said');
is(curl('-4', "http://hello.gw.localhost:$port{HTTP}/")->{body}, $answer,
   'and 127.0.0.1 answers');
is(curl('-k', '-4', tls('pass'))->{code}, 200, 'with TLS, too');

kill 'INT', -$gw->{pid};
waitpid $gw->{pid}, 0;
delete $started{$gw->{pid}};


# ---- every start above logged to the same file

my @bad = grep { /\[alert\]|\[emerg\]|Sanitizer|runtime error/ }
          split /\n/, slurp("$run/logs/error.log");

is(join("\n", @bad), '', 'no alerts in the log');

done_testing();


END {
    my $status = $?;
    kill_all(keys %started) if $$ == $owner;
    $? = $status;
}


# `make run` in a process group of its own, as a shell starts it.  Returns
# when the names are in and it has said what to try.

sub start {
    my (@arguments) = @_;

    my $file = "$root/output";
    my $pid = make($file, "RUN=$run", @arguments,
                   map { "PORT_$_=$port{$_}" } keys %port);

    $started{$pid} = 1;

    my $up = wait_for(sub {
        slurp($file) =~ /Ctrl-C stops it/ || !alive($pid)
    }, 60);

    if (!$up || !alive($pid)) {
        BAIL_OUT('make run does not start: ' . slurp($file)
                 . slurp("$run/logs/error.log"));
    }

    return { pid => $pid, output => sub { slurp($file) } };
}


sub refused {
    my (%variable) = @_;

    my $file = "$root/refused";
    my $pid = make($file, map { "$_=$variable{$_}" } keys %variable);

    $started{$pid} = 1;
    waitpid $pid, 0;
    my $status = $?;
    delete $started{$pid};

    my $output = slurp($file);
    my @lines = grep { !/^make(\[\d+\])?: \*\*\*/ } split /\n/, $output;

    is(scalar @lines, 1, 'one line') or diag($output);

    return ($status, $output);
}


sub make {
    my ($file, @arguments) = @_;

    unlink $file;

    my $pid = fork;
    die "fork: $!" if !defined $pid;

    return $pid if $pid;

    delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES T)};
    setpgrp 0, 0;
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', $file;
    open STDERR, '>&', \*STDOUT;
    unshift @arguments, 'BUILD=' . ($ENV{WGW_BUILD} || 'build');
    exec 'make', 'run', @arguments or POSIX::_exit(127);
}


sub nginx_pid {
    my ($pid) = slurp("$run/logs/nginx.pid") =~ /(\d+)/;

    return $pid;
}


sub tls {
    my ($name) = @_;

    return "https://$name.gw.localhost:$port{TLS}/";
}


sub certificate {
    my ($name) = @_;

    my $file = $name eq 'gateway' ? 'certs/.self/fullchain.pem'
                                  : "tls/$name.crt";

    return scalar `openssl x509 -in '$run/$file' -noout -fingerprint`;
}


sub seen_certificate {
    my ($name) = @_;

    return scalar `openssl s_client -connect 127.0.0.1:$port{TLS} \\
                       -servername $name.gw.localhost \\
                       < /dev/null 2> /dev/null |
                   openssl x509 -noout -fingerprint`;
}


sub counted {
    my ($name) = @_;

    return usage($port{ADMIN}, "$name.gw.localhost")
           || { sent => 0, received => 0, requests => 0 };
}


# What curl sent and received is what the gateway counted, once it has put
# the finished request to its account.

sub counts {
    my ($what, @arguments) = @_;

    my $old = counted('hello');
    my $curl = curl(@arguments);
    my $new = wait_for(sub {
        my $now = counted('hello');
        return $now->{requests} > $old->{requests} ? $now : undef;
    }) || counted('hello');

    is($new->{sent} - $old->{sent}, $curl->{received},
       "$what: what curl received");
    is($new->{received} - $old->{received}, $curl->{sent},
       "$what: what curl sent");
    is($new->{requests} - $old->{requests}, 1, "$what: a request");
}
