#!/usr/bin/perl

# Certificates at run time: found by the name that a client asks for, put
# there by tools/wgw-certs-hook, renewed under load, never missing.

use warnings;
use strict;

use Test::More;

use IO::Socket::SSL;
use POSIX ();

use Wgw;


my $conf = <<'EOF';
worker_processes 2;
wgw_names names domain=gw.test allow_loopback;
wgw_certs certs;

events { }

http {
    access_log off;

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        ssl_certificate $wgw_cert;
        ssl_certificate_key $wgw_cert_key;
        return 200 "hello\n";
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
        location /v1/certificates { wgw_certs_api; }
    }
}
EOF

my $gw = Wgw->new($conf);
my $dir = $gw->dir();
my $admin = $gw->port('ADMIN');

is($gw->run('-t') =~ /test is successful/, 1, 'nginx -t');
ok(!-e "$dir/certs", 'makes nothing');

$gw->start();


# make_cert(FILE, DAYS, NAME ...): FILE.crt, FILE.key, signed by itself

sub make_cert {
    my ($file, $days, @names) = @_;

    my $san = join ',', map { "DNS:$_" } @names;

    system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
           . " -nodes -days $days -subj /CN=$file -addext"
           . " 'subjectAltName=$san' -keyout $dir/$file.key"
           . " -out $dir/$file.crt 2> /dev/null") == 0 or die 'openssl';
}

sub hook {
    my (@arguments) = @_;

    local $ENV{WGW_CERTS} = "$dir/certs";
    local $ENV{WGW_GROUP} = (getgrgid((stat "$dir/certs")[5]))[0];

    my $out = qx(tools/wgw-certs-hook @arguments 2>&1);

    return ($? >> 8, $out);
}

# the common name of the certificate that a client gets, or what went wrong

sub served {
    my ($name) = @_;

    my $client = IO::Socket::SSL->new(
        PeerAddr => '127.0.0.1', PeerPort => $gw->port('TLS'),
        SSL_verify_mode => SSL_VERIFY_NONE, Timeout => 10,
        defined $name ? (SSL_hostname => $name) : ());

    return "none: $SSL_ERROR" if !$client;
    return $client->peer_certificate('commonName');
}

sub becomes {
    my ($name, $cn) = @_;

    my $got;

    wait_for(sub { ($got = served($name)) eq $cn });
    return $got;
}

sub certificates { return json(http_get($admin, '/v1/certificates'
                                        . ($_[0] // ''))->{body}) }


# ---- none yet

is(served('shop.example'), 'wgw', 'a certificate of our own');
is(served(), 'wgw', 'also for a client that asks for nobody');
is((stat "$dir/certs")[2] & 0777, 0750, 'its folder');
is((stat "$dir/certs/.self/privkey.pem")[2] & 07777,
   $> == 0 ? 0640 : 0600, 'and its key is not for everybody');

like(qx(openssl x509 -in $dir/certs/.self/fullchain.pem -noout -ext subjectAltName),
     qr/DNS:gw\.test, DNS:\*\.gw\.test/, 'it is for the domain');

my $own = slurp("$dir/certs/.self/fullchain.pem");

$gw->reload();
is(slurp("$dir/certs/.self/fullchain.pem"), $own, 'and stays');

is_deeply(certificates(), { certificates => [], next => undef }, 'a list');


# ---- put there

make_cert('shop', 90, 'shop.example', 'www.shop.example');
make_cert('wild', 10, '*.gw.test', 'gw.test');

my ($exit, $out) = hook('install', "$dir/shop.crt", "$dir/shop.key");

is($exit, 0, 'installed') or diag($out);
is($out, "shop.example: installed\nwww.shop.example: installed\n", 'both');
is(becomes('shop.example', 'shop'), 'shop', 'served without a reload');
is(becomes('SHOP.example', 'shop'), 'shop', 'in either case');
is(becomes('www.shop.example', 'shop'), 'shop', 'by its other name');
is(served('x.shop.example'), 'wgw', 'and not below it');

hook('install', "$dir/wild.crt", "$dir/wild.key");
is(becomes('any.gw.test', 'wild'), 'wild', 'a wildcard');
is(becomes('gw.test', 'wild'), 'wild', 'the domain itself');
is(served('a.b.gw.test'), 'wgw', 'one label only');

make_cert('own', 90, 'any.gw.test');
hook('install', "$dir/own.crt", "$dir/own.key");
is(becomes('any.gw.test', 'own'), 'own', "a name's own goes first");

for my $name ('../../etc', 'a/b', '.self', '..', "a\x01b", '_.gw.test',
              'x' x 255) {
    like(served($name), qr/^(wgw|wild|none: .*)$/, 'no path: ' . length $name);
}


# ---- not put there

make_cert('other', 90, 'other.example');

($exit, $out) = hook('install', "$dir/other.crt", "$dir/shop.key");
is($exit, 1, 'a key of another');
like($out, qr/is not the key of/, 'it is said');
($exit, $out) = hook('install', "$dir/other.key", "$dir/other.key");
like($out, qr/has no certificate/, 'no certificate');
ok(!-e "$dir/certs/other.example", 'nothing was put');

SKIP: {
    skip 'not root', 3 if $> != 0;

    hook('install', "$dir/other.crt", "$dir/other.key");
    is(becomes('other.example', 'other'), 'other', 'then it is');
    chmod 0600, "$dir/certs/other.example/privkey.pem";
    is(becomes('other.example', 'wgw'), 'wgw', 'what workers cannot read');
    like($gw->log(), qr/certificate of "other\.example" is not readable/,
         'is said');
}


# ---- one for all others

make_cert('all', 90, 'none.gw.test');
($exit, $out) = hook('default', "$dir/all.crt", "$dir/all.key");
is($exit, 0, 'issue 15 one for all others') or diag($out);
is(becomes('nobody.example', 'all'), 'all', 'who have none of their own');
is(becomes('shop.example', 'shop'), 'shop', 'and not for those that do');

{
    delete local $ENV{WGW_GROUP};
    local $ENV{WGW_CERTS} = "$dir/certs";

    is(system("tools/wgw-certs-hook default $dir/all.crt $dir/all.key"
              . " > /dev/null"), 0, 'once more, by nobody told for whom');
}

is((stat "$dir/certs/.default/privkey.pem")[5], (stat "$dir/certs")[5],
   "it is the folder's group that reads the key");
is_deeply([ map { $_->{name} } grep { $_->{name} =~ /^\./ }
            @{ certificates()->{certificates} } ], [], 'it is no name');

SKIP: {
    skip 'not root', 2 if $> != 0;

    chmod 0600, "$dir/certs/.default/privkey.pem";
    is(becomes('nobody.example', 'wgw'), 'wgw', 'what workers cannot read');
    is(served('shop.example'), 'shop', 'is in the way of nobody else');
}

unlink "$dir/certs/.default";
is(becomes('nobody.example', 'wgw'), 'wgw', 'it is gone');


# ---- the list, and who has none

my @list = @{ certificates()->{certificates} };
my ($shop) = grep { $_->{name} eq 'shop.example' } @list;
my ($wild) = grep { $_->{name} eq '_.gw.test' } @list;

is_deeply($shop->{names}, [ 'shop.example', 'www.shop.example' ], 'names');
is($shop->{issuer}, 'shop', 'an issuer');
ok($shop->{self_signed}, 'itself');
like($wild->{not_after}, qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'an end');
is($list[0]{name}, '_.gw.test', 'in order');

my $page = certificates('?limit=2');
is(scalar @{ $page->{certificates} }, 2, 'a page');
is(certificates("?after=$page->{next}")->{certificates}[0]{name},
   $list[2]{name}, 'and the next one');

for my $name (qw(shop.example new.example sub.gw.test *.star.example)) {
    http_get($admin, "/v1/names/$name", method => 'PUT',
             body => '{"backends":["http://127.0.0.1:9"]}');
}

http_get($admin, '/v1/names/pass.example', method => 'PUT',
         body => '{"backends":["127.0.0.1:9"],"tls_passthrough":true}');
http_get($admin, '/v1/names/paused.example', method => 'PUT',
         body => '{"backends":["http://127.0.0.1:9"],"state":"paused"}');

is_deeply(certificates('?missing=true'),
          { names => [ 'new.example' ], next => undef }, 'who has none');
is_deeply(certificates('?due=60')->{names}, [ 'new.example' ], 'or soon');
is_deeply(certificates('?due=100')->{names}, [ 'new.example', 'shop.example' ],
          'or later');

is(http_get($admin, "/v1/certificates?$_")->{status}, 400, "refused: $_")
    for 'missing=1', 'due=0', 'due=x', 'limit=0', 'x=y';
is(http_get($admin, '/v1/certificates', host => 'evil.test')->{status}, 403,
   'a foreign host');


# ---- renewed under load: no handshake fails, each has the one or the other

my $end = time + 6;
my @children;

for (1 .. 3) {
    my $child = fork;

    if ($child == 0) {
        my $bad = 0;

        while (time < $end) {
            my $cn = served('shop.example');
            $bad++ if $cn ne 'shop' && $cn ne 'new';
        }

        require POSIX;
        POSIX::_exit($bad > 100 ? 100 : $bad);
    }

    push @children, $child;
}

make_cert('new', 90, 'shop.example');

for my $n (1 .. 20) {
    my $file = $n % 2 ? 'new' : 'shop';
    hook('install', "$dir/$file.crt", "$dir/$file.key");
    select undef, undef, undef, 0.2;
}

my $failed = 0;

for my $child (@children) {
    waitpid $child, 0;
    $failed += $? >> 8;
}

is($failed, 0, 'twenty renewals, and every handshake ends well');

# what no link names stays a minute, for workers that have just looked

my @folders = glob "$dir/certs/.[0-9]*";
cmp_ok(scalar @folders, '>=', 20, 'those before stay');
system('touch', '-d', '2 minutes ago', @folders, "$dir/certs/.1.a.link");

my $before = readlink "$dir/certs/shop.example";

hook('install', "$dir/new.crt", "$dir/new.key");
ok(-d "$dir/certs/$before", 'the one before has a minute from now');
ok(-e "$dir/certs/$_/privkey.pem", "$_ is whole")
    for qw(shop.example www.shop.example any.gw.test _.gw.test);

@folders = glob "$dir/certs/.[0-9]*";
cmp_ok(scalar @folders, '<=', 6, 'old ones are gone') or diag("@folders");


# ---- a wildcard is no pattern for files where the hook happens to be

{
    my $here = POSIX::getcwd();

    local $ENV{WGW_CERTS} = "$dir/certs";
    local $ENV{WGW_GROUP} = (getgrgid((stat "$dir/certs")[5]))[0];

    mkdir "$dir/cwd";
    mkdir "$dir/cwd/any.gw.test";
    chdir "$dir/cwd" or die;
    qx(sh -c 'cp $dir/wild.crt *.gw.test' 2>&1);
    $out = qx($here/tools/wgw-certs-hook install $dir/wild.crt $dir/wild.key);
    chdir $here;
    is($out, "*.gw.test: installed\ngw.test: installed\n", 'the names it has');
}

is(becomes('any.gw.test', 'own'), 'own', 'others keep their own');


# ---- what a handshake would fail of: another one is served, and it is said

sub folder {
    my ($name, $cert, $key) = @_;

    mkdir "$dir/certs/$name", 0755;
    spew("$dir/certs/$name/fullchain.pem", $cert);
    spew("$dir/certs/$name/privkey.pem", $key);
}

my ($cert, $key) = (slurp("$dir/shop.crt"), slurp("$dir/shop.key"));

folder('mixed.example', $cert, slurp("$dir/other.key"));
folder('empty.example', '', $key);
folder('half.example', substr($cert, 0, 200), $key);
folder('keyless.example', $cert, substr($key, 0, 100));
folder('chain.example', $cert . substr($cert, 0, 200), $key);
folder('mixed.gw.test', $cert, slurp("$dir/other.key"));

is(served("$_.example"), 'wgw', "$_: the last resort")
    for qw(mixed empty half keyless chain);
is(served('mixed.gw.test'), 'wild', 'or a wildcard');
like($gw->log(), qr/certificate of "\w+\.example" is damaged, or its key is/,
     'is said');

http_get($admin, "/v1/names/$_.example", method => 'PUT',
         body => '{"backends":["http://127.0.0.1:9"]}') for 'mixed', 'empty';
is_deeply(certificates('?due=1')->{names},
          [ 'empty.example', 'mixed.example', 'new.example' ],
          'they are due') or diag(explain(certificates('?due=1')));

folder('alone.example', $cert, $key);
unlink "$dir/certs/alone.example/privkey.pem";

sub state {
    my ($name) = @_;

    my ($found) = grep { $_->{name} eq $name }
                  @{ certificates()->{certificates} };

    return $found->{state} // 'none';
}

for my $name (qw(mixed half keyless chain alone)) {
    ok(wait_for(sub { state("$name.example") eq 'damaged' }),
       "$name: the list says it") or diag(state("$name.example"));
}

is(state('shop.example'), 'ok', 'and that the others are well');

my ($empty) = grep { $_->{name} eq 'empty.example' }
              @{ certificates()->{certificates} };
is_deeply($empty, { name => 'empty.example', state => 'damaged',
                    not_before => undef, not_after => undef, issuer => '',
                    self_signed => json('[false]')->[0], names => [] },
          'of which nothing is known');
is(state('new.example'), 'none', 'what is not there is not listed');

SKIP: {
    skip 'not root', 4 if $> != 0;

    is(state('other.example'), 'unreadable', 'what workers cannot read');
    chmod 0600, "$dir/certs/other.example/fullchain.pem";
    is(state('other.example'), 'unreadable', 'neither key nor certificate');

    http_get($admin, '/v1/names/other.example', method => 'PUT',
             body => '{"backends":["http://127.0.0.1:9"]}');
    ok(scalar(grep { $_ eq 'other.example' }
                   @{ certificates('?due=1')->{names} }),
       'so is what workers cannot read');
    ok(!grep({ $_ eq 'other.example' }
             @{ certificates('?missing=true')->{names} }), 'it is not missing');
}

system('rm', '-rf', glob "$dir/certs/{mixed,empty,half,keyless,chain,alone}.*");


# ---- our own: never with a key of another, whatever was killed

$key = slurp("$dir/certs/.self/privkey.pem");
spew("$dir/certs/.self/privkey.pem", slurp("$dir/other.key"));
$gw->reload();
is(becomes('nobody.example', 'wgw'), 'wgw', 'it is mended at the start');
is(slurp("$dir/certs/.self/privkey.pem"), slurp("$dir/other.key"),
   'a key that is there stays');


# ---- a directory that workers cannot enter, and files of another group

SKIP: {
    skip 'not root', 5 if $> != 0;

    my $group = (stat "$dir/certs/.self/privkey.pem")[5];

    chown 0, 0, glob "$dir/certs/.self{,/*}";
    $gw->reload();
    is((stat "$dir/certs/.self$_")[5], $group, "given to the workers: .self$_")
        for '', '/privkey.pem';
    unlike($gw->log(), qr/are not readable/, 'that is well');

    chmod 0700, "$dir/certs";
    $gw->reload();
    ok(wait_for(sub {
        $gw->log() =~ /certificates ".*certs" are not readable for the workers/
    }), 'that is not, and is said');
    is_deeply(certificates('?due=1')->{names}, [],
              'no certificate would change that');
    chmod 0750, "$dir/certs";
}


# ---- a store that workers cannot use

SKIP: {
    skip 'not root', 3 if $> != 0;

    my ($uid, $gid) = (stat "$dir/names")[4, 5];

    $gw->expect(qr/names ".*": \w+\(\).* failed \(13: |exited on signal 9/);
    chown 0, 0, "$dir/names", glob "$dir/names/*";
    chmod 0700, "$dir/names";
    kill 'KILL', $gw->workers();

    my $reply;

    ok(wait_for(sub {
        $reply = http_get($admin, '/v1/certificates?due=1');
        ($reply->{status} // 0) == 503
    }), 'who is due is not known') or diag($reply->{status});
    is(json($reply->{body} || '{}')->{error},
       'the store of names is not available', 'and it is said');

    chown $uid, $gid, "$dir/names", glob "$dir/names/*";
    chmod 0750, "$dir/names";
    ok(wait_for(sub {
        (http_get($admin, '/v1/certificates?due=1')->{status} // 0) == 200
    }), 'until it is again');
}


# ---- what nginx -t says

my $late = Wgw->new('events { } http { server { listen 127.0.0.1:%%P%% ssl; '
                    . 'ssl_certificate $wgw_cert; '
                    . 'ssl_certificate_key $wgw_cert_key; } } '
                    . 'wgw_certs certs;');

like($late->run('-t'), qr/test is successful/, 'wgw_certs behind its use');

for my $case (
    [ 'wgw_certs certs; wgw_certs certs;', '', qr/"wgw_certs" directive is dup/ ],
    [ '', 'ssl_certificate $wgw_cert; ssl_certificate_key $wgw_cert_key;',
      qr/no "wgw_certs" directive in configuration for "\$wgw_cert/ ],
    [ '', 'location /c { wgw_certs_api; }',
      qr/no "wgw_certs" directive in configuration for "wgw_certs_api"/ ],
    [ 'wgw_certs /nothere/at/all;', '', qr/certificates "\/nothere\/at\/all" / ],
) {
    my $bad = Wgw->new("$case->[0] events { } http { server { listen "
                       . "127.0.0.1:%%P%%; $case->[1] } }");

    like($bad->run('-t'), $case->[2], $case->[0] || $case->[1]);
}

$gw->stop();

done_testing();
