#!/usr/bin/perl

# Ways to an nginx, with a mirror of our own on loopback in which files are
# missing, as they are at real ones: which way is taken, what is said, what
# runs then, and the exit codes.  And that no step that was interrupted is in
# the way of the next.

use warnings;
use strict;

use Cwd qw(getcwd);
use Digest::MD5;
use Digest::SHA;
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use Test::More;

use Wgw;

my $top = getcwd();
my $own = `tools/apt.sh own`;
chomp $own;

plan(skip_all => "no releases of Debian $own are known here")
    if $own ne 'bookworm' && $own ne 'trixie';

my $packages = "build/packages-$own";

if (!-d "$packages/from") {
    system 'rm', '-rf', $packages;
    system('tools/nginx.sh', 'packages', $own, $packages) == 0
        or plan(skip_all => "this machine's apt has no nginx");
}

my $root = tempdir(DIR => $ENV{WGW_TEST_ROOT} || '/tmp', CLEANUP => !$ENV{LEAVE});
my $mirror = "$root/mirror";
my $other = $own eq 'trixie' ? 'bookworm' : 'trixie';
our $valid = '';                    # a line of each Release

chmod 0755, $root;
key();

my $web = Wgw->new(<<"EOF");
worker_processes 1;
events { }
http { access_log off; server { listen 127.0.0.1:%%HTTP%%; root $mirror; } }
EOF

$web->start();
machine();

# The tree that is fetched is as small as one can be; the packages are those
# of this machine's release.

my %tree = map { $_ => source('1.26.3', $_) } qw(1 2 3);
my @debs = glob "$packages/from/*.deb";


# ---- a source, by the newest revision that is whole

fill(trixie => [ 1, 2 ], 'trixie-security' => [ 3 ]);
way('start 10.A2: the newest, of security', qr/source \(1\.26\.3-3\)$/);

hole('trixie-security', qr/-3\.dsc$/);
way('start 10.A2: the newest .dsc is missing', qr/source \(1\.26\.3-2\)$/);

hole('trixie', qr/-2\.debian\.tar\.xz$/);
way('start 10.A2: and a part of the next', qr/source \(1\.26\.3-1\)$/);

hole('trixie', qr/-1\.dsc$/);
way('start 10.A2: only the tarball', qr/tarball \(1\.26\.3\), WITHOUT/);

hole($_, qr/orig/) for 'trixie', 'trixie-security';
way('start 10.A2: no source', undef);

fill(trixie => [ ], 'trixie-security' => [ 3 ]);
way('start 10.A2: only in security', qr/source \(1\.26\.3-3\)$/);

{
    local $valid = 'Valid-Until: ' . gmtime_rfc(-86400) . "\n";

    fill(trixie => [ 1 ]);
    way('start 10.A2: the index is out of date', qr/source \(1\.26\.3-1\)$/);
}


# ---- all sources are missing: this release's packages, built and run

fill();

my ($status, $output) = build();

is($status, 0, 'start 10.A1: no source at all: make builds');
is(scalar(() = $output =~ /^nginx: .*/mg), 1, 'and says in one line');
like($output, qr/^nginx: Debian \d+'s packages .*Ways, in this order: /m,
     'which way that was, and which there are');
like($output, qr/1\.22 has no http2 on, no HTTP\/3/, 'what each gives');

SKIP: {
    skip('a test of the first build only', 2)
        if ($ENV{WGW_BUILD} // 'build') ne 'build';

    local $ENV{WGW_BUILD} = 'build';
    my $answer = runs();

    is($answer, "http backend, asked for hello.gw.localhost\n",
       'start 10.A1: make run serves');
    is(mended(), 0, 'start 10.A4: half an object is made again');
    like(changed_page(), qr{wgw/src/meter/page\.c},
         'a page that changed is compiled in');
}


# ---- tests, without the other release, and without anything

only_one_suite();

($status, $output) = tests();

is($status, 0, 'start 10.A2: the other nginx cannot be had: tests pass')
    or diag($output);
like($output, qr/^Tested:\nnginx \S+, Debian \d+'s packages/m,
     'what was tested is said');
like($output, qr/^Not tested,.*\nnginx 1\.2\d: neither its source nor/m,
     'and what could not be had');
cmp_ok(-s "$root/copy/build/missing", '>', 0,
       'which makes make full-test fail');

spew("$root/copy/t/one.t",
     "use Test::More; ok(0, 'planted'); done_testing();\n");
($status, $output) = tests();

is($status, 1, 'start 10.A2: what fails fails them');
like($output, qr/^Failed, nginx .*:\n[^\n]*'planted'\n(?s:.{0,400})\z/m,
     'and is said last');

remove_tree("$root/copy/build", $mirror);
mkdir $mirror;

($status, $output) = build();

isnt($status, 0, 'start 10.A3: nothing to be had: make fails');
like($output, qr/no nginx: none of these was open: NGX_SRC=DIR; /,
     'and says what was tried');


# ---- interrupted

fill(trixie => [ 1 ]);
make_path("$root/copy/build/source-trixie.Ab3dEf/nginx", "$root/copy/build/x");
way('start 10.A4: what a killed run left', qr/source/);
is(scalar(glob "$root/copy/build/source-trixie.??????") // '', '', 'is gone');

$web->stop();

done_testing();


# ---- what is done in the copy of the checkout

sub copy {
    if (!-d "$root/copy") {
        mkdir "$root/copy";
        system("tar --exclude ./build --exclude ./run --exclude ./.git -c ."
               . " | tar -x -C '$root/copy'") == 0 or die 'tar';
    }

    return "$root/copy";
}


sub shell {
    my ($command) = @_;

    my $dir = copy();

    delete local @ENV{qw(NGX_SRC MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES T
                         WGW_BUILD)};
    local $ENV{WGW_APT} = "$root/apt";
    local $ENV{WGW_KEYRING} = "$root/key.gpg";
    local $ENV{WGW_APT_LOG} = "$root/apt.log";
    local $ENV{APT_CONFIG} = "$root/apt/apt.conf";

    my $text = `cd '$dir' && { $command\n} 2>&1`;

    return ($? >> 8, $text);
}


sub way {
    my ($name, $expected) = @_;

    my $dir = 'build/source-trixie';
    my ($code, $text) = shell("rm -rf $dir; tools/nginx.sh tree trixie $dir");
    my $way = slurp("$root/copy/$dir/way");

    if (!$expected) {
        isnt($code, 0, $name);
        ok(!-e "$root/copy/$dir", "$name: nothing is left");
        return;
    }

    is($code, 0, $name) or diag($text, slurp("$root/apt.log"));
    chomp $way;
    like($way, $expected, "$name: is said");
    ok(-e "$root/copy/$dir/src/core/nginx.h", "$name: is there");
    system 'rm', '-rf', "$root/copy/$dir";
}


sub build { return shell('tools/build.sh') }
sub tests { return shell('FUZZ_SECONDS=0 tools/test-all.sh t/one.t') }


# the gateway of the copy, asked once

sub runs {
    my %port = map { $_ => free_port() }
               qw(HTTP TLS ADMIN INNER DIN DEMO_HTTP DEMO_HTTPS DEMO_TLS
                  DEMO_RPC);

    local %ENV = (%ENV, map { ("PORT_$_" => $port{$_}) } keys %port);
    my $pid = fork // die "fork: $!";

    if (!$pid) {
        chdir copy();
        open STDOUT, '>', "$root/run.log";
        open STDERR, '>&', \*STDOUT;
        exec 'tools/run.sh' or POSIX::_exit(127);
    }

    wait_for(sub { slurp("$root/run.log") =~ /Ctrl-C/ || !alive($pid) }, 60);

    my $answer = curl("http://hello.gw.localhost:$port{HTTP}/")->{body};

    kill 'TERM', $pid;
    waitpid $pid, 0;
    diag(slurp("$root/run.log")) if $answer !~ /backend/;

    return $answer;
}


# a make killed while it wrote an object

sub mended {
    my $objs = "$root/copy/build/nginx/objs";
    my ($object) = glob "$objs/addon/format/text.o";

    spew("$objs/../compiling", '');
    utime time - 60, time - 60, "$objs/../compiling";
    spew($object, substr slurp($object), 0, 100);

    my ($code, $text) = build();
    diag($text) if $code;

    return $code || (-s $object < 1000 ? 1 : 0);
}


# what make would do if the page's text was another one

sub changed_page {
    my $make = 'make -n -W objs/wgw_page_text.h -f objs/Makefile';

    return qx(cd '$root/copy/build/nginx' &&
              $make objs/addon/meter/page.o 2>&1);
}


sub only_one_suite {
    my $dir = copy();

    system("rm -rf '$dir'/fuzz/*/ '$dir'/t/*.t '$dir'/t/*/*.t");
    spew("$dir/t/one.t", "use Test::More; ok(1); done_testing();\n");

    # which needs nothing of npm
    make_path(map { "$dir/build/$_" } qw(npm bridge grid));
    spew("$dir/$_", "{ }\n")
        for 't/clients/package.json', 'build/npm/installed',
            'tools/claims-bridge/package.json', 'build/bridge/installed',
            't/grid/package.json', 'build/grid/installed';
}


# ---- the mirror

sub key {
    my $home = "$root/gnupg";
    mkdir $home, 0700;

    system("gpg --homedir '$home' --batch -q --passphrase ''"
           . " --quick-gen-key mirror\@wgw.test rsa2048 sign 1d"
           . " > '$root/gpg.log' 2>&1 && gpg --homedir '$home' --batch -q"
           . " --export > '$root/key.gpg' 2>> '$root/gpg.log'") == 0
        or die slurp("$root/gpg.log");
}


# the apt sources of a machine that uses it, in both formats

sub machine {
    my $uri = 'http://127.0.0.1:' . $web->port('HTTP');

    make_path("$root/apt/sources.list.d");

    # not what this machine has told its apt, for a mirror of its own perhaps
    spew("$root/apt/apt.conf", qq{Dir::Etc::Parts "$root/apt/none";\n});
    spew("$root/apt/sources.list", "deb [arch=amd64] $uri/debian $own main\n");
    spew("$root/apt/sources.list.d/security.sources",
         "Types: deb\nURIs: $uri/debian-security\n"
         . "Suites: $own-security\nComponents: main\n");
}


# A source package with this revision: { file name => bytes }.

sub source {
    my ($version, $revision) = @_;

    my $dir = "$root/source-$revision";
    make_path("$dir/nginx-$version/src/core", "$dir/debian/source");
    spew("$dir/nginx-$version/src/core/nginx.h",
         qq{#define NGINX_VERSION "$version"\n});
    spew("$dir/debian/source/format", "3.0 (quilt)\n");
    spew("$dir/debian/changelog", "nginx ($version-$revision) x; urgency=low\n"
         . "\n  * x\n\n -- x <x\@wgw.test>  Mon, 02 Nov 2026 00:00:00 +0000\n");
    spew("$dir/debian/control", "Source: nginx\nMaintainer: x <x\@wgw.test>\n");
    spew("$dir/debian/rules", "#!/usr/bin/make -f\n");

    my $orig = "nginx_$version.orig.tar.gz";
    my $debian = "nginx_$version-$revision.debian.tar.xz";
    my @date = ('--mtime=@0', '--owner=0', '--group=0', '--sort=name');

    system("cd '$dir' && tar @date -cf - nginx-$version | gzip -n > $orig"
           . " && tar @date -cJf $debian debian") == 0 or die 'tar';

    my $dsc = "nginx_$version-$revision.dsc";
    my $head = "Format: 3.0 (quilt)\nSource: nginx\nBinary: nginx\n"
             . "Architecture: any\nVersion: $version-$revision\n"
             . "Maintainer: x <x\@wgw.test>\n";

    spew("$dir/$dsc", $head . sums($dir, $orig, $debian));

    my %files = map { $_ => slurp("$dir/$_") } $orig, $debian, $dsc;

    $head =~ s/^Source: /Package: /m;
    $head .= "Directory: pool\nSection: httpd\nPriority: optional\n";

    return { files => \%files,
             index => $head . sums($dir, $orig, $debian, $dsc) };
}


sub sums {
    my ($dir, @files) = @_;

    my @bytes = map { slurp("$dir/$_") } @files;
    my $lines = sub {
        my ($sum) = @_;
        join '', map { ' ' . $sum->($bytes[$_]) . ' ' . length($bytes[$_])
                       . " $files[$_]\n" } 0 .. $#files;
    };

    return "Checksums-Sha256:\n" . $lines->(\&Digest::SHA::sha256_hex)
         . "Files:\n" . $lines->(\&Digest::MD5::md5_hex);
}


# fill(SUITE => REVISIONS, ...): both halves of the mirror, with these sources
# and this release's packages

sub fill {
    my (%revisions) = @_;

    remove_tree($mirror);

    for my $suite (map { ($_, "$_-security") } $own, $other) {
        my $half = $suite =~ /security/ ? 'debian-security' : 'debian';
        my $base = "$mirror/$half";
        my @trees = map { $tree{$_} } @{$revisions{$suite} || [ ]};

        make_path("$base/pool");

        for my $tree (@trees) {
            spew("$base/pool/$_", $tree->{files}{$_})
                for keys %{$tree->{files}};
        }

        suite($base, $suite, join("\n", map { $_->{index} } @trees),
              $suite eq $own ? join("\n", map { deb($base, $_) } @debs) : '');
    }
}


sub deb {
    my ($base, $path) = @_;

    my ($name) = $path =~ m{([^/]+)$};
    my $bytes = slurp($path);
    $name =~ s/%3a/-/;

    spew("$base/pool/$name", $bytes);

    return `dpkg-deb -f '$path'` . "Filename: pool/$name\nSize: "
           . length($bytes) . "\nSHA256: "
           . Digest::SHA::sha256_hex($bytes) . "\n";
}


sub suite {
    my ($base, $suite, $sources, $packages) = @_;

    my $dist = "$base/dists/$suite";
    my %index = ('main/source/Sources' => $sources,
                 'main/binary-amd64/Packages' => $packages);
    my $release = "Origin: Debian\nSuite: $suite\nCodename: $suite\n"
                . "Date: " . gmtime_rfc(-172800) . "\n${valid}"
                . "Architectures: amd64\n"
                . "Components: main\nSHA256:\n";

    make_path("$dist/main/source", "$dist/main/binary-amd64");

    for my $path (sort keys %index) {
        spew("$dist/$path", $index{$path});
        $release .= ' ' . Digest::SHA::sha256_hex($index{$path}) . ' '
                 . length($index{$path}) . " $path\n";
    }

    spew("$dist/Release", $release);
    system("gpg --homedir '$root/gnupg' --batch -q --clearsign"
           . " -o '$dist/InRelease' '$dist/Release'") == 0 or die 'gpg';
}


sub gmtime_rfc {
    my ($later) = @_;

    return POSIX::strftime('%a, %d %b %Y %H:%M:%S UTC', gmtime(time + $later));
}


# what is named in the index, and is not there

sub hole {
    my ($suite, $regex) = @_;

    my $half = $suite =~ /security/ ? 'debian-security' : 'debian';

    for my $file (glob "$mirror/$half/pool/*") {
        unlink $file if $file =~ $regex;
    }
}
