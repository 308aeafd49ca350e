#!/usr/bin/perl

# A name that is added gets its certificate, from pebble, and serves it, with
# nothing else done: by tools/wgw-acme with dehydrated; by certbot and by DNS-01
# with the same hook.  Renewal under load; orders that fail back off.

use warnings;
use strict;

use Test::More;

use IO::Socket::SSL;
use POSIX ();

use Wgw;


for my $program (qw(pebble pebble-challtestsrv dehydrated certbot)) {
    plan(skip_all => "no $program here")
        if system("command -v $program > /dev/null") != 0;
}

my $gw = Wgw->new(<<'EOF');
worker_processes 2;
wgw_names names domain=gw.test allow_loopback;
wgw_certs certs;

events { }

http {
    access_log off;
    upstream wgw { wgw_backend; }

    server {
        listen 127.0.0.1:%%HTTP%%;
        listen 127.0.0.1:%%TLS%% ssl;
        ssl_certificate $wgw_cert;
        ssl_certificate_key $wgw_cert_key;
        wgw_route;

        location /.well-known/acme-challenge/ { root acme; }
        location / { proxy_pass http://wgw; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
        location /v1/certificates { wgw_certs_api; }
    }

    server {
        listen 127.0.0.1:%%BACK%%;
        return 200 "hello\n";
    }
}
EOF

my $dir = $gw->dir();
my $admin = $gw->port('ADMIN');
my $ca = 'https://localhost:' . $gw->port('PEBBLE') . '/dir';
my $group = $> == 0 ? 'www-data' : (getgrgid($)))[0];

$gw->start();


# ---- an issuer, and DNS that says 127.0.0.1 of all names

system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
       . " -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
       . " -keyout $dir/pebble.key -out $dir/pebble.crt 2> /dev/null") == 0
    or die 'openssl';

spew("$dir/pebble.json", sprintf(<<'EOF', $gw->port('PEBBLE'),
{ "pebble": {
    "listenAddress": "127.0.0.1:%d",
    "managementListenAddress": "127.0.0.1:%d",
    "certificate": "%s/pebble.crt", "privateKey": "%s/pebble.key",
    "httpPort": %d, "tlsPort": %d,
    "ocspResponderURL": "", "externalAccountBindingRequired": false
} }
EOF
    $gw->port('MANAGE'), $dir, $dir, $gw->port('HTTP'), $gw->port('TLS')));

my @pids;

# run(LOG, COMMAND ...): in the background, until the test ends

sub run_ {
    my ($log, @command) = @_;

    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        setpgrp;
        open STDOUT, '>', "$dir/$log" or POSIX::_exit(1);
        open STDERR, '>&', \*STDOUT;
        { exec @command }
        POSIX::_exit(1);
    }

    push @pids, $pid;
    return $pid;
}

END {
    my $status = $?;
    kill 'KILL', -$_ for @pids;
    waitpid $_, 0 for @pids;
    $? = $status;
}

$ENV{PEBBLE_VA_NOSLEEP} = 1;

run_('dns.log', 'pebble-challtestsrv', '-defaultIPv6', '',
     '-defaultIPv4', '127.0.0.1', '-dns01', '127.0.0.1:' . $gw->port('DNS'),
     '-http01', '', '-https01', '', '-tlsalpn01', '',
     '-management', '127.0.0.1:' . $gw->port('TXT'));
run_('pebble.log', 'pebble', '-config', "$dir/pebble.json",
     '-dnsserver', '127.0.0.1:' . $gw->port('DNS'));

ok(wait_for(sub { curl('--cacert', "$dir/pebble.crt", $ca)->{code} eq '200' },
            20), 'pebble is there') or diag(slurp("$dir/pebble.log"));


# ---- what a TLS client gets

sub served {
    my ($name) = @_;

    my $client = IO::Socket::SSL->new(
        PeerAddr => '127.0.0.1', PeerPort => $gw->port('TLS'),
        SSL_verify_mode => SSL_VERIFY_NONE, Timeout => 10,
        SSL_hostname => $name);

    return "none: $SSL_ERROR" if !$client;

    my ($issuer) = $client->peer_certificate('issuer') =~ m{CN=([^/]*)};
    my @names = $client->peer_certificate('subjectAltNames');

    return ($issuer, [ grep { /\D/ } @names ],
            Net::SSLeay::P_ASN1_INTEGER_get_hex(
                Net::SSLeay::X509_get_serialNumber(
                    $client->peer_certificate())));
}

sub put {
    my ($name) = @_;

    http_get($admin, "/v1/names/$name", method => 'PUT', body =>
        '{"backends":["http://127.0.0.1:' . $gw->port('BACK') . '"]}');
}

sub log_of { return slurp("$dir/$_[0]") }

my $agent = run_('acme.log', 'tools/wgw-acme', '--ca', $ca,
    '--ca-file', "$dir/pebble.crt", '--certs', "$dir/certs",
    '--challenges', "$dir/acme/.well-known/acme-challenge",
    '--state', "$dir/or ders", '--group', $group, '--interval', 1,
    '--retry', 3, '--url', "http://127.0.0.1:$admin/v1/certificates");

is((served('shop.example'))[0], 'wgw', 'none yet');
is(put('shop.example')->{status}, 201, 'a name is added');

ok(wait_for(sub { (served('shop.example'))[0] =~ /^Pebble/ }, 60),
   "and has pebble's certificate within a minute")
    or diag(log_of('acme.log'), log_of('pebble.log'));
is_deeply((served('shop.example'))[1], [ 'shop.example' ], 'for its name');
is(http_get($gw->port('HTTP'), '/', host => 'shop.example')->{body},
   "hello\n", 'its route works');
is((stat "$dir/certs/shop.example/privkey.pem")[2] & 07777, 0640,
   'the key is for the workers only');
is(http_get($gw->port('HTTP'), '/.well-known/acme-challenge/x',
            host => 'nobody.example')->{status}, 404,
   'no challenge for a name that is not routed');


# ---- an order that fails

my $txt = 'http://127.0.0.1:' . $gw->port('TXT');

curl('-d', '{"host":"bad.example.","addresses":["127.9.9.9"]}', "$txt/add-a");
put('bad.example');

ok(wait_for(sub { log_of('acme.log') =~ /bad\.example failed, again in 3 s/ },
            60), 'an order fails') or diag(log_of('acme.log'));
is((served('bad.example'))[0], 'wgw', 'the name is served as before');
is(http_get($gw->port('HTTP'), '/', host => 'bad.example')->{body},
   "hello\n", 'and its route works');
ok(wait_for(sub { log_of('acme.log') =~ /bad\.example failed, again in 6 s/ },
            60), 'it is tried again, and waits longer');

my @orders = grep { slurp($_) eq "bad.example\n" }
             glob "'$dir/or ders/orders/'*.order";
cmp_ok(scalar @orders, '>=', 2, 'orders are counted');
cmp_ok(scalar @orders, '<=', 3, 'not more often');

my $long = join '.', 'x' x 63, 'y' x 30, 'example';

put('good.example');
put($long);
ok(wait_for(sub { (served('good.example'))[0] =~ /^Pebble/ }, 60),
   'others are not held up');
ok(wait_for(sub { (served($long))[0] =~ /^Pebble/ }, 60),
   'nor is one that is longer than a common name') or diag(log_of('acme.log'));

http_get($admin, '/v1/names/bad.example', method => 'DELETE');

is(system('tools/wgw-acme', '--state', "$dir/or ders", '--once',
          '--certs', "$dir/certs", '--challenges', "$dir/acme") >> 8, 1,
   'only one at a time');

kill 'TERM', -$agent;
waitpid $agent, 0;


# ---- renewed under load: those that end within ten years

my $serial = (served('shop.example'))[2];
my $until = time + 15;
my $child = fork;

if ($child == 0) {
    my $bad = 0;

    while (time < $until) {
        $bad++ if (served('shop.example'))[0] !~ /^Pebble/;
    }

    POSIX::_exit($bad > 100 ? 100 : $bad);
}

is(system("tools/wgw-acme --once --ca $ca --ca-file $dir/pebble.crt"
          . " --certs $dir/certs --state '$dir/or ders' --group $group"
          . " --challenges $dir/acme/.well-known/acme-challenge --days 3650"
          . " --url http://127.0.0.1:$admin/v1/certificates"
          . " > $dir/renew.log 2>&1"), 0, 'renewed');
isnt((served('shop.example'))[2], $serial, 'another certificate is served')
    or diag(log_of('renew.log'));
ok(!-e "$dir/or ders/back-off/bad.example", 'a name that is gone is forgotten');
waitpid $child, 0;
is($? >> 8, 0, 'and no handshake failed meanwhile');


# ---- certbot, and DNS-01 for the wildcard, by the same hook

$ENV{WGW_CERTS} = "$dir/certs";
$ENV{WGW_GROUP} = $group;
$ENV{REQUESTS_CA_BUNDLE} = "$dir/pebble.crt";

put('certbot.example');

is(system("certbot certonly -n --agree-tos --register-unsafely-without-email"
          . " --server $ca --webroot -w $dir/acme -d certbot.example"
          . " --config-dir $dir/cb --work-dir $dir/cb --logs-dir $dir/cb"
          . " --deploy-hook $ENV{PWD}/tools/wgw-certs-hook"
          . " > $dir/certbot.log 2>&1"), 0, 'certbot')
    or diag(log_of('certbot.log'));
ok(wait_for(sub { (served('certbot.example'))[0] =~ /^Pebble/ }, 10),
   'its certificate is served');

spew("$dir/dns-hook", <<"EOF");
#!/bin/sh
case \$1 in
deploy_challenge) call=set-txt ;;
*)                call=clear-txt ;;
esac
curl -sS -d "{\\"host\\":\\"_acme-challenge.\$2.\\",\\"value\\":\\"\$4\\"}" \\
    $txt/\$call
EOF
chmod 0755, "$dir/dns-hook";
$ENV{WGW_DNS} = "$dir/dns-hook";

spew("$dir/dns.conf", "CA=$ca\nBASEDIR=$dir/dns\nCHALLENGETYPE=dns-01\n"
     . "HOOK=$ENV{PWD}/tools/wgw-certs-hook\n"
     . "CURL_OPTS='--cacert $dir/pebble.crt'\n");
mkdir "$dir/dns";

# dehydrated gives up when pebble wants another nonce

my $wildcard;

for (1 .. 8) {
    $wildcard = system("dehydrated -c --accept-terms -f $dir/dns.conf"
                       . " -d '*.gw.test' --alias gw.test"
                       . " > $dir/dehydrated.log 2>&1");
    last if $wildcard == 0 || log_of('dehydrated.log') !~ /badNonce/;
}

is($wildcard, 0, 'a wildcard by DNS-01') or diag(log_of('dehydrated.log'));
put('sub');
ok(wait_for(sub { (served('sub.gw.test'))[0] =~ /^Pebble/ }, 10),
   'is served for names of the domain');

$gw->stop();

done_testing();
