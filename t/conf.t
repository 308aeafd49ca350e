#!/usr/bin/perl

# What `nginx -t` says: what a start says, at the line that is wrong, and
# without a trace of it on the disk.

use warnings;
use strict;

use Test::More;

use Wgw;


my $gw = Wgw->new('events { }');
my $dir = $gw->dir();
my $build = $ENV{WGW_BUILD} || 'build';
my $root = $> == 0;

chmod 0755, $dir;


# ---- lines

# lines(NAME, REGEX, LINE ...): the line with <- is the one that is named

sub lines {
    my ($name, $regex, @lines) = @_;

    my ($at) = grep { $lines[$_] =~ s/\s*<-$// } 0 .. $#lines;
    my $gap = "\n" x 3;

    $gw->configure(join("\n", @lines) . "\n");

    # what is put before it are whole lines
    my $conf = slurp("$dir/nginx.conf");
    my $before = () = substr($conf, 0, index($conf, $lines[0])) =~ /\n/g;
    my ($status, $output) = $gw->run('-t');
    my $line = $before + $at + 1;

    ok($status != 0
       && $output =~ /\[emerg\][^\n]*$regex[^\n]* in \S*nginx\.conf:$line\b/,
       "start 10.5 $name") or diag("wanted line $line: $output");
}

spew("$dir/secret", 'z' x 32);
chmod 0600, "$dir/secret";

sub http {
    my (@server) = @_;

    return ('events { }', 'http {', 'server {', 'listen 127.0.0.1:%%HTTP%%;',
            @server, 'location /last {', 'proxy_pass http://127.0.0.1:1;', '}',
            '}', '}');
}

lines('a key without a secret', '"wgw_auth", but no "wgw_auth_secret"',
      http('location /eth {', 'wgw_auth eth; <-', '}'));
lines('a sign-in without a secret',
      '"wgw_auth_signin", but no "wgw_auth_secret"',
      http('server_name a.test;', 'location = /auth {',
           'wgw_auth_signin; <-', '}'));
lines('a sign-in for nobody', 'but no "wgw_auth_allow"',
      http('server_name a.test;', 'wgw_auth_secret secret;',
           'location = /auth {', 'wgw_auth_signin; <-', '}'));
lines('a sign-in without a name', 'neither "wgw_auth_uri" nor',
      http('wgw_auth_secret secret;', 'wgw_auth_allow any;',
           'location = /auth {', 'wgw_auth_signin; <-', '}'));
lines('recheck of nothing', '"wgw_auth_recheck", but no',
      http('wgw_auth_secret secret;', 'wgw_auth_recheck on;',
           'location /eth {', 'wgw_auth; <-', '}'));
lines('a location in another', 'no "wgw_auth_secret"',
      http('location /a {', 'location /a/b {', 'wgw_auth; <-', '}', '}'));
lines("$_->[0] $_->[1]", $_->[2],
      http("$_->[0] $_->[1]; <-", 'location /a { }'))
    for ([ 'wgw_auth_ttl', '59s', 'below 60s' ],
         [ 'wgw_auth_max_age', '0', 'below 1s' ],
         [ 'wgw_auth_skew', '101y', 'above 100 years' ]);

lines('no names', 'no "wgw_names" directive .* for "wgw_route"',
      http('wgw_route; <-'));
lines('no names for an API', 'no "wgw_names" .* for "wgw_api"',
      http('location /v1/names {', 'wgw_api; <-', '}'));
lines('an unknown zone', 'unknown wgw_meter_zone "m"',
      http('location /a {', 'wgw_meter m $host; <-', '}'));
lines('an unknown zone of rates', 'unknown wgw_rate_zone "r"',
      http('location /a {', 'wgw_rate r $host rate=1r/s; <-', '}'));

for my $other ('keepalive 8', 'server 127.0.0.1:1', 'zone wgw 64k') {
    my ($word) = $other =~ /^(\w+)/;

    lines("start 10.7 $word beside wgw_backend",
          qq{"$word" is not allowed in upstream "wgw" beside "wgw_backend"},
          'wgw_names names;', 'events { }', 'http {', 'upstream wgw {',
          'wgw_backend; <-', "$other;", '}', '}');
}

lines('start 10.7 keepalive before wgw_backend', '"keepalive" is not allowed',
      'wgw_names names;', 'events { }', 'http {', 'upstream wgw {',
      'keepalive 8;', 'wgw_backend; <-', '}', '}');

for my $stream ($gw->run('-V')) {
    last if $stream !~ /--with-stream\b/;

    lines('a hand-over to nobody', '"offload=127.0.0.1:1" is no address',
          'wgw_names names;', 'events { }', 'stream {', 'server {',
          'listen 127.0.0.1:%%TLS%%;', 'wgw_route offload=127.0.0.1:1; <-',
          'proxy_pass $wgw_backend;', '}', '}');
    lines('no names in stream', 'no "wgw_names" directive',
          'events { }', 'stream {', 'server {', 'listen 127.0.0.1:%%TLS%%;',
          'wgw_route; <-', '}', '}');
    lines('an unknown zone in stream', 'unknown wgw_meter_zone "m"',
          'events { }', 'stream {', 'server {', 'listen 127.0.0.1:%%TLS%%;',
          'wgw_meter m x; <-', 'proxy_pass 127.0.0.1:1;', '}', '}');
}

lines('names of a zone', 'wgw table "\S+none/m" cannot be made',
      http('location /a {', 'wgw_meter m $host;', '}'),
      'wgw_meter_zone m keys=10', 'file=none/m; <-');


# ---- sizes

for my $cap ('1GiB', '1T', '1.5GB', '512MiB', '1t') {
    $gw->configure("wgw_meter_zone m keys=1;\n"
                   . join "\n", http("wgw_meter m \$host cap=$cap;"));
    my ($status, $output) = $gw->run('-t');
    is($status, 0, "start 10.7 cap=$cap") or diag($output);
}

lines('start 10.7 a cap that is none', 'invalid cap "10KB", .* TB .* GiB',
      'wgw_meter_zone m keys=1;', http('wgw_meter m $host cap=10KB; <-'));


# ---- places: the same words from -t and from a start

# said(NAME, REGEX, CONF): both refuse, and nothing is there afterwards

sub said {
    my ($name, $regex, $conf) = @_;

    $gw->configure("$conf\nevents { }\n");

    my $before = tree($dir);
    my ($status, $test) = $gw->run('-t');

    ok($status != 0 && $test =~ /\[emerg\][^\n]*$regex/, "start 10.5 $name: -t")
        or diag($test);
    is(tree($dir), $before, 'which leaves nothing behind');

    ($status, my $start) = $gw->run('-g', 'daemon off;');
    ok($status != 0, 'a start ends');

    my ($said) = $test =~ /(\[emerg\][^\n]*)/;
    my ($says) = $start =~ /(\[emerg\][^\n]*)/;

    is(pid_less($says), pid_less($said), 'with the same words');
}

sub pid_less {
    my ($line) = @_;

    $line //= '';
    $line =~ s/^\[emerg\] \d+#\d+: //;
    $line =~ s/^\[emerg\] //;

    return $line;
}

# all that is there, but for nginx's own files

sub tree {
    my ($top) = @_;

    return join "\n", grep { !m{/logs(/|$)|nginx\.conf|_temp$|output$} }
        map { chomp; $_ } `find '$top' -printf '%p %s %T@ %i %m\n' | sort`;
}

mkdir "$dir/closed";
mkdir "$dir/there";
spew("$dir/plain", 'x');
symlink 'there', "$dir/link";

said('a directory that is not there', 'cannot be made \(2:.* in \S+:\d+',
     'wgw_meter_zone m keys=10 file=none/m;');
said('one of tokens', 'cannot be made',
     "wgw_auth_zone keys=10 file=none/t;\n" . used());
said('one for names', 'names "\S+none/names": .*\(2:',
     'wgw_names none/names;');
said('one for an archive', 'wgw archive "\S+none/a" cannot be made',
     'wgw_meter_zone m keys=10 archive=none/a;');
said('a file for an archive', 'wgw archive "\S+plain" cannot be written',
     'wgw_meter_zone m keys=10 archive=plain;');
said('a file for names', 'names "\S+plain": ', 'wgw_names plain;');

said('two spellings of a path', 'already used by zone "a"',
     "wgw_meter_zone a keys=10 file=there/m;\n"
     . "wgw_meter_zone b keys=10 file=./there//m;");
said('a link to its directory', 'already used by zone "a"',
     "wgw_meter_zone a keys=10 file=there/m;\n"
     . "wgw_meter_zone b keys=10 file=link/m;");
said('one file for two modules',
     'already used by zone "(?:a|wgw_auth_zone)"',
     "wgw_meter_zone a keys=10 file=there/new;\n"
     . "wgw_auth_zone keys=10 file=link/new;\n" . used());

sub used { return 'http { server { location / { wgw_auth_api; } } }' }

SKIP: {
    skip 'root tests users', 8 if !$root;

    chmod 0755, "$dir/closed";

    said('an archive that workers cannot write',
         'cannot be written to by the workers\' user \(13:.* in \S+:\d+',
         'wgw_meter_zone m keys=10 archive=closed;');

    chown scalar(getpwnam 'nobody'), -1, "$dir/closed";
    chmod 0555, "$dir/closed";

    is(as_nobody('-t', 'wgw_meter_zone m keys=10 file=closed/m;'),
       as_nobody('start', 'wgw_meter_zone m keys=10 file=closed/m;'),
       'start 10.5 a directory that cannot be written to: same words');
    like(as_nobody('-t', 'wgw_meter_zone m keys=10 file=closed/m;'),
         qr/cannot be made \(13:.* in \S+:\d+/, 'and these');
}

# as somebody else, who may be unable to read the checkout

sub as_nobody {
    my ($what, $conf) = @_;

    my $copies = "$dir/copies";

    if (!-e $copies) {
        mkdir $copies;
        system('cp', $gw->{binary}, @{$gw->{modules}}, $copies) == 0
            or die 'cp';
        chmod 0777, $dir, "$dir/logs";
    }

    my $other = Wgw->new("$conf\nevents { }\n",
                         modules => [ glob "$copies/*.so" ]);
    spew("$dir/other.conf", slurp($other->dir() . '/nginx.conf'));

    my $pid = open my $pipe, '-|';
    die 'fork' if !defined $pid;

    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        $) = $> = getpwnam 'nobody';
        ($(, $<) = ($), $>);
        chdir $dir;
        exec "$copies/nginx", '-p', './', '-c', 'other.conf',
            $what eq '-t' ? '-t' : ('-g', 'daemon off;');
    }

    my $output = do { local $/; <$pipe> };
    close $pipe;

    my ($line) = $output =~ /(\[emerg\][^\n]*)/;

    return pid_less($line);
}

# a small disk, in a mount namespace of its own

SKIP: {
    skip 'no mount namespaces', 12
        if !$root || system('unshare -m true 2>/dev/null') != 0;

    mkdir "$dir/small";

    my $two = "wgw_meter_zone a keys=400 file=small/a;\n"
            . "wgw_meter_zone b keys=400 file=small/b;";

    for my $case (
        [ 'a zone', 'wgw_meter_zone m keys=10000 file=small/m;', 200 ],
        [ 'names', 'wgw_names small/names;', 100 ],
        [ 'tokens', "wgw_auth_zone keys=10000 file=small/t;\n" . used(), 200 ],
        [ 'zones together', $two, 100 ],
    ) {
        my ($name, $conf, $size) = @$case;

        $gw->configure("$conf\nevents { }\n");

        my $output = `unshare -m sh -c 'cd "$dir" &&
            mount -t tmpfs -o size=${size}k tmpfs small &&
            "$gw->{binary}" -p ./ -c nginx.conf -t 2>&1;
            ls small; echo -----;
            "$gw->{binary}" -p ./ -c nginx.conf -g "daemon off;" 2>&1'`;

        my ($test, $start) = split /^-----\n/m, $output;
        my ($said) = $test =~ /(\[emerg\][^\n]*)/;
        my ($says) = $start =~ /(\[emerg\][^\n]*)/;

        like($said // '', qr/No space left on device/,
             "start 10.5 too small a disk for $name: -t") or diag($output);
        is(pid_less($says), pid_less($said), 'the same words')
            or diag($output);
        unlike($test, qr/^(?:[a-z]|names|m|t)$/m, 'and nothing is made');
    }
}

# FUSE, for each kind of file

SKIP: {
    my $so = "$dir/disk.so";

    skip 'sanitizers come first', 16 if $build =~ /asan/;
    skip 'no compiler', 16
        if system('cc', '-shared', '-fPIC', '-o', $so, 't/lib/disk.c', '-ldl');

    mkdir "$dir/fuse";
    chmod 0777, "$dir/fuse";

    local $ENV{LD_PRELOAD} = $so;
    local $ENV{WGW_FUSE} = '/fuse';

    for my $case (
        [ 'names', 'wgw_names fuse/names;' ],
        [ 'meters', 'wgw_meter_zone m keys=10 file=fuse/m;' ],
        [ 'tokens', "wgw_auth_zone keys=10 file=fuse/t;\n" . used() ],
        [ 'archives', 'wgw_meter_zone m keys=10 archive=fuse;' ],
    ) {
        said("$case->[0] on FUSE",
             'is on a network or user-space file system, .* in \S+:\d+',
             $case->[1]);
    }
}


# ---- beside a running server

unlink "$dir/link";

my $live = Wgw->new(<<'EOT');
wgw_names names allow_loopback;
wgw_meter_zone m keys=100 file=meter archive=archive;
wgw_auth_zone keys=100 file=tokens;
events { }
http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        location / { wgw_meter m $host; return 200 "ok"; }
        location /names { wgw_api; }
        location /auth { wgw_auth_api; }
        location /v1/usage { wgw_usage json; }
    }
}
EOT

$live->start();
is(http_get($live->port('HTTP'), '/names/a.test', method => 'PUT',
            body => '{"backends":["http://127.0.0.1:1"]}')->{status}, 201,
   'a name');
http_get($live->port('HTTP'), '/');

my $before = tree($live->dir());
my ($status, $output) = $live->run('-t');

is($status, 0, 'start 10.5 -t beside a running server') or diag($output);
is(tree($live->dir()), $before, 'changes nothing');
is(http_get($live->port('HTTP'), '/')->{status}, 200, 'which serves on');

my $growing = slurp($live->dir() . '/nginx.conf');
$growing =~ s/keys=100 file=meter/keys=1000000 file=meter/;
spew($live->dir() . '/nginx.conf', $growing);

($status, $output) = $live->run('-t');
is($status, 0, 'nor does that of a growth') or diag($output);

# the last requests may have been written in between, not more
my $then = tree($live->dir());
s/^(\S+ \d+) \S+/$1/gm for $before, $then;
is($then, $before, 'before the reload');

$live->stop();

done_testing();
