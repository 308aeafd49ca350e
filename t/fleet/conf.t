#!/usr/bin/perl

# Configurations of a fleet that are refused, each with its phrase; and those
# that are not, without a Redis.

use warnings;
use strict;

use Test::More;

use Wgw;


my $gw = Wgw->new('events { }');
my $dir = $gw->dir();

spew("$dir/password", "secret\n");
spew("$dir/empty", "\n");
spew("$dir/long", 'x' x 600);
chmod 0600, glob "$dir/*";
mkdir "$dir/keys.wgw.lease.d";

my $zone = 'wgw_meter_zone keys file=keys.wgw keys=100 fleet;';
my $meter = 'wgw_meter keys $host cap=1m;';

# try(MAIN [, LOCATION [, ANOTHER]]): status and output of nginx -t

sub try {
    my ($main, $location, $other) = @_;

    $location //= '';
    $other //= '';

    $gw->configure(<<"EOF");
$main
events { }
http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        location / { $location }
        location /other/ { $other }
    }
}
EOF

    return $gw->run('-t');
}

sub good {
    my ($name, @conf) = @_;

    my ($status, $output) = try(@conf);
    is($status, 0, $name) or diag($output);
}

sub bad {
    my ($phrase, @conf) = @_;

    my ($status, $output) = try(@conf);
    isnt($status, 0, "refused: $phrase");
    like($output, qr/\[emerg\].*\Q$phrase\E/, "... says so");
}


good('a host', "wgw_fleet redis://127.0.0.1:6379; $zone", $meter);
good('several, a database',
     "wgw_fleet redis://a.example,192.0.2.1:7000,[2001:db8::1]:7001,[::1]/3;");
good('all of it', "wgw_fleet redis://a node=gw-1.x nodes=3 prefix=p "
     . 'user=wgw password_file=password master=mymaster;');
good('TLS', 'wgw_fleet rediss://a tls_name=redis.example tls_verify=off;');
good('modes', "wgw_fleet redis://a; " . join ' ', map {
     "wgw_meter_zone $_ file=$_.wgw keys=100 fleet=$_;" }
     qw(share open closed));
good('lines that mean the same', "wgw_fleet redis://a; $zone", $meter,
     $meter);
good('and one without a cap', "wgw_fleet redis://a; $zone", $meter,
     'wgw_meter keys $uri;');

good('rates and claims', 'wgw_fleet redis://a; wgw_rate_zone r keys=9 fleet;'
     . 'wgw_claims_zone file=claims keys=10 fleet=closed;',
     'wgw_rate r $host rate=10r/s;');

bad('invalid URL "a:6379", must be redis://HOST:PORT or rediss://HOST:PORT',
    'wgw_fleet a:6379;');
bad('invalid host "" in the URL', 'wgw_fleet redis://;');
bad('invalid host "a:0" in the URL', 'wgw_fleet redis://a:0;');
bad('invalid host "a:x" in the URL', 'wgw_fleet redis://a:x;');
bad('invalid host "" in the URL', 'wgw_fleet redis://a,;');
bad('invalid host "[::1" in the URL', 'wgw_fleet redis://[::1;');
bad('invalid host "u:p@a" in the URL', 'wgw_fleet redis://u:p@a;');
bad('invalid database in URL "redis://a/x"', 'wgw_fleet redis://a/x;');
bad('invalid parameter "nodes=0"', 'wgw_fleet redis://a nodes=0;');
bad('invalid parameter "other=1"', 'wgw_fleet redis://a other=1;');
bad('invalid parameter "node="', 'wgw_fleet redis://a node=;');
bad('invalid node "a/b", must be up to 63 letters, digits and any of "._-"',
    'wgw_fleet redis://a node=a/b;');
bad('invalid prefix "a:b", must be up to 32 letters',
    'wgw_fleet redis://a prefix=a:b;');
bad('has "user" without "password_file"', 'wgw_fleet redis://a user=u;');
bad('No such file', 'wgw_fleet redis://a password_file=none;');
bad('invalid password in', 'wgw_fleet redis://a password_file=empty;');
bad('must be of 1 to 512 bytes', 'wgw_fleet redis://a password_file=long;');
bad('has parameters of TLS without "tls"',
    'wgw_fleet redis://a tls_verify=off;');
bad('must have both "tls_certificate" and "tls_key"',
    'wgw_fleet rediss://a tls_certificate=x;');
bad('No such file', 'wgw_fleet rediss://a tls_ca=none.pem;');
bad('"wgw_fleet" directive is duplicate',
    'wgw_fleet redis://a; wgw_fleet redis://b;');

good('names', 'wgw_names names follow; wgw_fleet redis://a;');
bad('"wgw_names" has "follow", and there is no "wgw_fleet"',
    "wgw_names names\n follow;");
bad('"wgw_names" directive is duplicate',
    'wgw_fleet redis://a; wgw_names one follow; wgw_names two follow;');
bad('"follow=1" is not a parameter of "wgw_names"',
    'wgw_fleet redis://a; wgw_names names follow=1;');

bad('zone "keys" has "fleet", and there is no "wgw_fleet"', $zone, $meter);
bad('has "fleet" without "file"',
    'wgw_fleet redis://a; wgw_meter_zone keys keys=100 fleet;');
bad('invalid parameter "fleet=all"',
    'wgw_fleet redis://a; wgw_meter_zone k file=k.wgw keys=100 fleet=all;');

bad('zone "r" has "fleet", and a rate of bytes is this machine\'s alone',
    'wgw_fleet redis://a; wgw_rate_zone r keys=9 fleet;',
    'wgw_rate r $host rate=1MB/s;');
bad('zone "r" has "fleet", and there is no "wgw_fleet"',
    'wgw_rate_zone r keys=9 fleet;', 'wgw_rate r $host rate=1r/s;');
bad('has "fleet" without "file"',
    'wgw_fleet redis://a; wgw_claims_zone keys=10 fleet;');

for my $other ('cap=2m', 'cap=1m count=sent', 'cap=$arg_cap') {
    bad('zone "keys" has "fleet", and another line has another "cap" or '
        . '"count"', "wgw_fleet redis://a; $zone", $meter,
        "wgw_meter keys \$host $other;");
}

spew("$dir/nginx.conf", '');
rename "$dir/keys.wgw.lease.d", "$dir/keys.wgw.lease";
bad('wgw lease', "wgw_fleet redis://a; $zone", $meter);

done_testing();
