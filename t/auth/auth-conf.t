#!/usr/bin/perl

# Configurations of the auth module that are refused, each with its phrase.

use warnings;
use strict;

use Test::More;

use Wgw;


my $gw = Wgw->new('events { }');
my $dir = $gw->dir();
my $one = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';

spew("$dir/secret", 'z' x 32);
spew("$dir/other", 'y' x 32);
spew("$dir/short", 'z' x 15);
spew("$dir/newline", 'z' x 15 . "\n");
spew("$dir/empty", '');
spew("$dir/long", 'z' x 4097);
spew("$dir/open", 'z' x 32);
spew("$dir/list", "$one\n");
spew("$dir/badlist", "# one\n$one\n0x1234\n");
chmod 0600, glob "$dir/*";
chmod 0644, "$dir/open";
mkdir "$dir/directory";

# try(MAIN, HTTP, SERVER, LOCATION): status and output of nginx -t

sub try {
    my ($main, $http, $server, $location) = @_;

    $gw->configure(<<"EOF");
$main
events { }
http {
    $http
    server {
        listen 127.0.0.1:%%HTTP%%;
        $server
        location = /auth { $location }
    }
}
EOF

    return $gw->run('-t');
}

my $base = "wgw_auth_secret secret; wgw_auth_allow $one;";

sub good {
    my ($name, @conf) = @_;

    my ($status, $output) = try(@conf);
    is($status, 0, $name) or diag($output);

    return $output;
}

sub bad {
    my ($regex, @conf) = @_;

    my ($status, $output) = try(@conf);
    ok($status != 0 && $output =~ /\[emerg\][^\n]*$regex/,
       "$regex") or diag($output);
    unlike($output, qr/z{15}/, 'without the secret');
}

# location(TEXT): in a sign-in that is good but for it

sub location { return ('', $base, 'server_name a.test;', $_[0]) }
sub signin { return location("wgw_auth_signin; $_[0]") }

good('a sign-in', signin(''));
good('the largest', signin('wgw_auth_uri https://a.test:8443/auth b.test;'
    . 'wgw_auth_domain a.test b.test:1; wgw_auth_chain 1 137;'
    . 'wgw_auth_skew 0; wgw_auth_ttl 60s; wgw_auth_max_age 1s;'
    . 'wgw_auth_uses 1000000000; wgw_auth_rate 1000000r/m;'
    . 'wgw_auth_cors https://a.example http://b.example:1 *;'
    . 'wgw_auth_log logs/a; wgw_auth_lenient on; wgw_auth_bare on;'
    . 'wgw_auth_secret secret other raw; wgw_auth_expiration on;'));
good('a place that needs a key', location('wgw_auth eth;'));
good('none', location('wgw_auth off;'));
good('an API', '', '', '', 'wgw_auth_api;');
good('a file', signin('wgw_auth_allow file=list eth base;'));
good('a table', 'wgw_auth_zone keys=1;', $base, 'server_name a.test;',
     'wgw_auth_signin;');
like(good('a secret for all', '', "wgw_auth_secret open; wgw_auth_allow any;",
          'server_name a.test;', 'wgw_auth_signin;'),
     qr/\[warn\].*secret in "\S*open" may be read by everybody/,
     'is warned of');

# what has no effect without each other

bad(qr/no\ "wgw_auth_secret"/x, '', "wgw_auth_allow $one;", 'server_name a;',
    'wgw_auth_signin;');
bad(qr/no "wgw_auth_secret"/, '', '', '', 'wgw_auth;');
bad(qr/no "wgw_auth_allow"/, '', 'wgw_auth_secret secret;',
    'server_name a.test;', 'wgw_auth_signin;');
bad(qr/"wgw_auth_recheck", but no "wgw_auth_allow"/, '',
    'wgw_auth_secret secret; wgw_auth_recheck on;', '', 'wgw_auth;');

for my $names ('', 'server_name _;', 'server_name "";',
               'server_name *.a.test;', 'server_name .a.test;',
               'server_name ~^a;')
{
    bad(qr/neither "wgw_auth_uri" nor a "server_name"/, '', $base, $names,
        'wgw_auth_signin;');
}

# services

bad(qr/service "\Q$_\E" is not 1 to 64/, location("wgw_auth $_;"))
    for ('a,b', 'a/b', 'x' x 65);
bad(qr/service "a b" is not/, location('wgw_auth_signin "a b";'));
bad(qr/service "" is not/, location('wgw_auth "";'));
bad(qr/service "a:b" is not/, signin("wgw_auth_allow $one a:b;"));
bad(qr/has too many services/,
    location("$_ " . join(' ', 1 .. 33) . ';'))
    for ('wgw_auth_signin', "wgw_auth_allow $one");

# addresses

(my $wrong = $one) =~ s/f39F/F39f/;
bad(qr/address "\Q$wrong\E" has a wrong EIP-55 checksum/,
    signin("wgw_auth_allow $wrong;"));
bad(qr/address "\Q$_\E" /, signin("wgw_auth_allow $_;"))
    for ('0x12', 'me', substr($one, 2), "${one}0");
bad(qr/address in \S*badlist:3 /, signin('wgw_auth_allow file=badlist;'));
bad(qr/"\S*none" failed \(2:/, signin('wgw_auth_allow file=none;'));
bad(qr/"\S*directory" is not a file/,
    signin('wgw_auth_allow file=directory;'));
bad(qr/"wgw_auth_allow" directive needs a name/,
    signin('wgw_auth_allow file=;'));
bad(qr/invalid number of arguments in "wgw_auth_allow"/,
    signin('wgw_auth_allow;'));

# secrets

bad(qr/secret in "\S*short" has less than 16 bytes/,
    signin('wgw_auth_secret short;'));
bad(qr/secret in "\S*newline" has less than 16 bytes/,
    signin('wgw_auth_secret newline;'));

for my $bytes ("\xef\xbb\xbf" . 'z' x 32, 'z' x 32 . "\r\n", 'z' x 32 . " \n",
               "\xc2\xa0" . 'z' x 32, 'z' x 32 . "\xe2\x80\x8b\n")
{
    spew("$dir/unseen", $bytes);
    bad(qr/secret in "\S*unseen" (?:begins|ends) with a blank, a carriage/,
        signin('wgw_auth_secret unseen;'));
    good('field 11: what is not seen counts if it is said to',
         signin('wgw_auth_secret unseen raw;'));
}

bad(qr/"wgw_auth" with "wgw_auth_allow", which "wgw_auth_recheck off" makes/,
    '', 'wgw_auth_secret secret;', '',
    "wgw_auth admin; wgw_auth_allow $one; wgw_auth_recheck off;");
good('field 11.17: which holds by itself', '', 'wgw_auth_secret secret;', '',
    "wgw_auth admin; wgw_auth_allow $one;");

good('where the line feed counts', signin('wgw_auth_secret newline raw;'));
bad(qr/secret in "\S*empty" is empty/, signin('wgw_auth_secret empty;'));
bad(qr/secret in "\S*long" is longer than 4096 bytes/,
    signin('wgw_auth_secret long;'));
bad(qr/open\(\) "\S*none" failed \(2:/, signin('wgw_auth_secret none;'));
bad(qr/"\S*directory" failed/, signin('wgw_auth_secret directory;'));

# what a message is compared with

bad(qr/"https:\/\/" /, signin('wgw_auth_uri https://;'));
bad(qr/"a.test:99999" /, signin('wgw_auth_uri a.test:99999;'));
bad(qr/"a.test\/x" /, signin('wgw_auth_domain a.test/x;'));
bad(qr/"any" |"" /, signin('wgw_auth_uri "";'));
bad(qr/invalid chain id "$_"/, signin("wgw_auth_chain $_;"))
    for ('x', '-1', '1.5', '99999999999999999999', '0x1');

# numbers and times

bad(qr/"wgw_auth_ttl" below 60s/, signin('wgw_auth_ttl 59s;'));
bad(qr/"wgw_auth_max_age" below 1s/, signin('wgw_auth_max_age 0;'));
bad(qr/"wgw_auth_ttl", .* above 100 years/, signin("$_ 101y;"))
    for qw(wgw_auth_ttl wgw_auth_max_age wgw_auth_skew);
good('a hundred years', signin('wgw_auth_ttl 36500d; wgw_auth_skew 36500d;'));
bad(qr/"wgw_auth_$_" directive invalid value/, signin("wgw_auth_$_ x;"))
    for qw(ttl skew max_age methods_body);
bad(qr/"wgw_auth_uses" directive|invalid number/, signin('wgw_auth_uses x;'));
bad(qr/must be (?:between|less|equal)/, signin('wgw_auth_uses 1000000001;'));
bad(qr/must be "off" or a number of sign-ins a minute/,
    signin("wgw_auth_rate $_;")) for ('600', '10r/s', 'on', 'r/m');
bad(qr/must be from 1r\/m to 1000000r\/m/, signin("wgw_auth_rate $_;"))
    for ('0r/m', '1000001r/m', '-1r/m', 'xr/m');
bad(qr/it must be "on" or "off"/, signin("wgw_auth_$_ yes;"))
    for qw(lenient expiration bare recheck pass_key);

# origins of pages

bad(qr/"\Q$_\E" is not an origin/, signin("wgw_auth_cors * $_;"))
    for ('app.example', 'https://app.example/', 'off', 'null', '://a',
         'https://', 'https://app.example/path');

# twice

bad(qr/"wgw_auth(?:_\w+)?" directive is duplicate/, signin("$_; $_;"))
    for ('wgw_auth_secret secret', 'wgw_auth_uri a.test',
         'wgw_auth_domain a.test', 'wgw_auth_chain 1', 'wgw_auth_cors *',
         'wgw_auth_skew 1s', 'wgw_auth_ttl 1h', 'wgw_auth_uses 1',
         'wgw_auth_max_age 1h', 'wgw_auth_rate 1r/m', 'wgw_auth_lenient on',
         'wgw_auth_expiration on', 'wgw_auth_bare on', 'wgw_auth_recheck on',
         'wgw_auth_pass_key on', 'wgw_auth_log off', 'wgw_auth_signin',
         'wgw_auth_allow_methods a', 'wgw_auth_deny_methods a',
         'wgw_auth_methods_body 1k', 'wgw_auth eth');
bad(qr/is duplicate/, '', '', '', 'wgw_auth_api; wgw_auth_api;');
bad(qr/is duplicate/, 'wgw_auth_zone keys=1; wgw_auth_zone keys=1;', '', '',
    '');

# the table

bad(qr/invalid parameter "\Q$_\E"/, "wgw_auth_zone keys=1 $_;", '', '', '')
    for ('x', 'file=', 'keys=2', 'size=1');
bad(qr/invalid number of keys "keys=\Q$_\E"/, "wgw_auth_zone keys=$_;", '',
    '', '') for ('0', '-1', 'x', '', '99999999999');
bad(qr/needs "keys="/, 'wgw_auth_zone file=a;', '', '', '');

# places

bad(qr/"wgw_auth" directive is not allowed here/, '', "$base wgw_auth eth;",
    '', '');
bad(qr/"wgw_auth_signin" directive is not allowed here/, '', $base,
    'wgw_auth_signin;', '');
bad(qr/"wgw_auth_zone" directive is not allowed here/, '',
    'wgw_auth_zone keys=1;', '', '');

# two handlers in one place are no configuration

bad(qr/"wgw_auth_\w+" directive is incompatible with "wgw_auth_\w+"/, '',
    $base, 'server_name a.test;', $_)
    for ('wgw_auth_signin; wgw_auth_api;', 'wgw_auth_api; wgw_auth_signin;');

done_testing();
