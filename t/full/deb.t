#!/usr/bin/perl

# The packages of `make deb`, with apt, dpkg and systemd, in Debians of their
# own: installed with preseeded answers, run by every command of wgw, with
# certificates of an issuer, upgraded below a running gateway, nginx below both,
# removed, purged; and beside an nginx that has sites.

use warnings;
use strict;

use Cwd qw(getcwd);
use File::Path qw(make_path remove_tree);
use Test::More;

use Wgw;
use Wgw::Commands;
use Wgw::Machine;

my $why = Wgw::Machine::impossible();
plan(skip_all => $why) if $why;

my $roots = $ENV{ROOTS} || getcwd() . '/build/roots';
my %suffix = (bookworm => 'deb12', trixie => 'deb13');
my @releases = split ' ', $ENV{RELEASES} || 'bookworm trixie';

my ($m, $repo, $suffix);            # the machine, its packages

for my $release (@releases) {
    $suffix = $suffix{$release};

    subtest $release => sub {
        plan(skip_all => "build/deb has none: make deb RELEASES=$release")
            if !glob "build/deb/wgw_*~${suffix}_*.deb";

        prepare($release);

        $m = Wgw::Machine->new("$roots/deb-$release",
                               "$roots/$release-offline");
        packages();
        $m->boot();

        subtest 'each module alone'       => \&alone;
        subtest 'install'                 => \&install;
        subtest 'a name'                  => \&name;
        subtest 'passed through'          => \&passed;
        subtest 'its own addresses'       => \&own;
        subtest 'gateway.conf'            => \&settings;
        subtest 'certificates'            => \&certificates;
        subtest 'by an issuer'            => \&acme;
        subtest 'logs'                    => \&logs;
        subtest 'every command'           => sub { Wgw::Commands::all($m) };
        subtest 'killed'                  => \&killed;
        subtest 'upgrade'                 => \&upgrade;
        subtest 'another nginx below it'  => \&nginx_below;
        subtest 'remove, purge'           => \&away;

        undef $m;
        $m = Wgw::Machine->new("$roots/deb-$release",
                               "$roots/$release-offline");
        packages();
        $m->boot();

        subtest 'beside sites'            => \&beside;

        undef $m;
    };
}

done_testing();


# ---- before the boot: the network is there

# A minimal Debian with systemd, in which apt has all that wgw depends on, and
# recommends.  One that was made for less gets the rest.

sub prepare {
    my ($release) = @_;

    my $dir = "$roots/$release-offline";
    my $in = 'systemd systemd-sysv dbus iproute2 procps curl logrotate openssl';
    my $kept = 'dehydrated';

    my @wgw = glob "build/deb/{wgw,wgw-*,libnginx-mod-wgw-*}_*~${suffix}_*.deb";

    # and once more when they depend on something else
    my $ready = join "\n", "$in $kept", map { depends($_) } @wgw;

    return if -e "$dir/ready" && slurp("$dir/ready") eq $ready;

    if (!-e "$dir/ready") {
        remove_tree($dir);
        run("tools/root.sh base $release $roots/$release");
        run("tools/root.sh layer $roots/$release $dir");
        make_path("$dir/up/repo");
    }

    run("cp @wgw $dir/up/repo");
    run("tools/root.sh run $dir sh -c '"
        . 'apt-get -q update && apt-get -q -y upgrade &&'
        . " apt-get -q -y --no-install-recommends install $in &&"
        . " apt-get -q -y --no-install-recommends -d install $kept"
        . ' /repo/wgw*.deb /repo/libnginx-mod-wgw*.deb &&'
        . ' cd /repo && rm -f *.deb && apt-get -q download nginx nginx-common'
        . "' > $dir/log 2>&1");

    spew("$dir/ready", $ready);
}


sub depends {
    my ($deb) = @_;

    my $depends = `dpkg-deb -f '$deb' Depends`;
    chomp $depends;

    return $depends;
}


# The archive in the machine: what was built, and made of it and of Debian's
# nginx the next revisions, which come when their suite is named.

sub packages {
    $repo = $m->up() . '/repo';
    my $from = "$roots/" . ($suffix eq 'deb12' ? 'bookworm' : 'trixie')
               . '-offline/up/repo';

    make_path(map { "$repo/$_" } qw(now next security abi));
    run("cp $_ $repo/now")
        for glob "build/deb/{wgw,wgw-*,libnginx-mod-wgw-*}_*~${suffix}_*.deb";

    again($_, 'next', sub { s/-1~$suffix/-2~$suffix/g })
        for grep { !/dbgsym/ } glob "$repo/now/*.deb";

    for my $deb (glob "$from/nginx*.deb") {
        again($deb, 'security', sub { s/(?<=deb1[23]u)(\d+)/$1 + 1/ge });
        again($deb, 'abi', sub {
            s/(?<=deb1[23]u)(\d+)/$1 + 2/ge;
            s/nginx-abi-[\d.]+-\d+/nginx-abi-1.99.9-1/;
        });
    }

    for my $suite (qw(now next security abi)) {
        run("cd $repo/$suite && dpkg-scanpackages . > Packages 2> /dev/null");
    }
}


# A package once more with another control file.

sub again {
    my ($deb, $suite, $edit) = @_;

    my $dir = "$repo/unpacked";

    remove_tree($dir);
    run("dpkg-deb -R $deb $dir");

    local $_ = slurp("$dir/DEBIAN/control");
    $edit->();
    spew("$dir/DEBIAN/control", $_);

    run("dpkg-deb -b $dir $repo/$suite > /dev/null");
    remove_tree($dir);
}


sub run {
    my ($command) = @_;

    system($command) == 0 or die "$command: $?";
}


# suites(NAME ...): which of these apt knows from now on, beside Debian's

sub suites {
    my $list = '/etc/apt/sources.list.d/repo.list';
    my $lines = join '\n', map { "deb [trusted=yes] file:/repo/$_ ./" } @_;

    $m->ok("printf '$lines\n' > $list && apt-get -q update"
           . " -o Dir::Etc::SourceList=$list -o Dir::Etc::SourceParts=-"
           . ' -o APT::Get::List-Cleanup=0');
}


sub apt {
    my ($what) = @_;

    my ($status, $output) = $m->try('apt-get -q -y --no-install-recommends'
                  . " -o Dpkg::Options::=--force-confold $what");

    # maintainers' scripts have a terminal
    $output =~ s/\r\n/\n/g;

    return ($status, $output);
}


# ---- what is tried

sub alone {
    suites('now');
    ok_apt('install nginx libnginx-mod-stream', 'nginx');

    for my $name (qw(route meter auth)) {
        my ($status, $output) = apt("install libnginx-mod-wgw-$name");
        is($status, 0, "15.1: libnginx-mod-wgw-$name alone") or diag($output);

        like($m->ok('ls /etc/nginx/modules-enabled'),
             qr/50-mod-stream.*70-mod-wgw-$name\.conf/s, 'after stream');
        is($m->sh('nginx -t -q'), '', 'nginx takes it');

        apt("purge libnginx-mod-wgw-$name");
    }

    apt('purge nginx nginx-common libnginx-mod-stream');
}


sub ok_apt {
    my ($what, $name) = @_;

    my ($status, $output) = apt($what);
    is($status, 0, $name) or diag($output);

    return $output;
}


sub install {
    $m->ok(q{printf 'wgw wgw/domain string gw1.example\n}
           . q{wgw wgw/farm string 1234\n' | debconf-set-selections});
    ok_apt('install wgw', '15: apt installs it, asking nothing');

    is($m->sh('systemctl is-active wgw'), "active\n", 'and it runs')
        or diag($m->sh('journalctl -u wgw --no-pager'));
    is($m->sh('systemctl is-enabled wgw'), "enabled\n", 'from each boot on');

    my $listens = $m->ok('ss -Hnlt');
    like($listens, qr/ $_ /, "listening on $_")
        for qw(0\.0\.0\.0:80 \[::\]:80 0\.0\.0\.0:443 \[::\]:443);

    like($m->ok('cat /etc/wgw/gateway.conf'),
         qr/^domain=gw1\.example\n.*^farm=1234\n/ms, '15.2: both answers');
    is($m->ok('stat -c %A:%U:%G /run/wgw'), "drwxr-x---:root:wgw\n",
       'the folder of the sockets');
    unlike($m->sh('runuser -u nobody -- curl -sS --unix-socket'
                  . ' /run/wgw/admin.sock http://localhost/v1/names'),
           qr/"names"/, 'which nobody else may use');
    like($m->ok('cat /proc/$(pgrep -o -u wgw nginx)/status'),
         qr/^CapEff:\s+0+\n.*^NoNewPrivs:\s+1\n/ms, 'workers may nothing');

    is($m->sh('systemctl is-active nginx'), "inactive\n",
       "Debian's nginx, with its default site only, has made room");
    $m->sh('systemctl start nginx');
    is($m->sh('systemctl is-active nginx; systemctl is-failed nginx'),
       "inactive\ninactive\n", 'and is not started, which is no failure');

    my $answer = $m->sh("curl -si --resolve '*:80:192.0.2.1'"
                        . ' http://shop.gw1.example/a?b=c');
    like($answer, qr/^HTTP\S+ 301 /, 'port 80 sends on');
    like($answer, qr{^Location: https://shop\.gw1\.example/a\?b=c\r\n}m,
         'to https');

    $m->ok('mkdir -p /var/lib/wgw/acme/.well-known/acme-challenge &&'
           . ' echo proof > /var/lib/wgw/acme/.well-known/acme-challenge/x');
    is($m->sh('curl -s http://192.0.2.1/.well-known/acme-challenge/x'),
       "proof\n", 'but for what an authority asks');
    is($m->sh("curl -s -g 'http://[2001:db8::1]/.well-known/acme-challenge/x'"),
       "proof\n", 'on IPv6 as well');

    is(https('none', '-o /dev/null -w %{http_code}'), 404,
       'port 443: a name that is not there');
    like($m->sh('echo | openssl s_client -connect 192.0.2.1:443 -servername'
                . ' x.gw1.example | openssl x509 -noout -ext subjectAltName'),
         qr/DNS:gw1\.example, DNS:\*\.gw1\.example/, 'its certificate');
}


sub https {
    my ($name, $rest) = @_;

    return $m->sh("curl -sk --http1.1 --resolve '*:443:192.0.2.1' $rest"
                  . " https://$name.gw1.example/" . ($_[2] // ''));
}


sub usage_of {
    my $usage = json($m->ok('curl -s --unix-socket /run/wgw/admin.sock'
                            . " http://localhost/v1/usage/$_[0]"));

    return $usage->{sent} // $usage->{keys}[0]{sent};
}


my $sent = 0;                       # of the name shop, as clients saw it

sub name {
    $m->ok('mkdir -p /srv && head -c 40000000 /dev/zero > /srv/big &&'
           . ' echo shop > /srv/index.html');
    backend('backend', '192.0.2.10:8080', '');

    $m->ok('wgw names add shop http://192.0.2.10:8080');

    is(fetch('shop', ''), 200, '15: wgw names add: it is served');
    my ($least) = sort { $a <=> $b } map { took("t$_") } 1 .. 5;
    cmp_ok($least, '<', 1000, '15: within a second');

    is(usage_of('shop'), $sent, 'every byte of it is counted');
    like($m->ok('wgw names list'), qr/^shop\.gw1\.example\b/m, 'wgw lists it');
    like($m->ok('wgw usage shop'), qr/shop/, 'wgw usage');
    cmp_ok(($m->try('wgw check --json'))[0], '<=', 1, 'wgw check runs');

    isnt(($m->try('runuser -u nobody -- wgw names list'))[0], 0,
         'nobody lists nothing');
    $m->ok('usermod -a -G wgw games');
    is(($m->try('runuser -u games -- wgw names list'))[0], 0,
       'a member of the group wgw does');
}


# backend(NAME, LISTEN, MORE): an nginx that serves /srv

sub backend {
    my ($name, $listen, $more) = @_;

    $m->ok("cat > /srv/$name.conf << 'END'\n"
           . "pid /run/$name.pid; error_log /dev/null; events { }\n"
           . "http { access_log off; sendfile on; server { "
           . "listen $listen; root /srv; $more } }\nEND\n"
           . "nginx -c /srv/$name.conf");
}


# Milliseconds, from before the command begins to the end of the answer.

sub took {
    my ($new) = @_;

    my ($status, $ms) = split ' ', $m->ok('from=$(date +%s%N);'
        . " wgw -q names add $new http://192.0.2.10:8080 > /dev/null;"
        . " curl -sk -o /dev/null -w '%{http_code} ' --resolve"
        . " '*:443:192.0.2.1' https://$new.gw1.example/;"
        . ' echo $((($(date +%s%N) - from) / 1000000))');

    is($status, 200, "15: added and served, in $ms ms");
    $m->ok("wgw names rm $new");

    return $ms;
}


# the status; what came is added to $sent

sub fetch {
    my ($name, $path) = @_;

    my ($status, $body, $header) = split ' ', https($name,
        "-o /dev/null -w '%{http_code} %{size_download} %{size_header}'",
        $path);

    $sent += $body + $header;
    return $status;
}


# The other kind of name on port 443: TLS is the backend's.

sub passed {
    made('vault', '');
    backend('vault', '192.0.2.10:8443 ssl', 'ssl_certificate /srv/vault.crt;'
            . ' ssl_certificate_key /srv/vault.key;');
    $m->ok('wgw names add vault --passthrough 192.0.2.10:8443');

    is(served('vault.gw1.example', 'subject'), 'vault',
       "15.1: 443 passes a name through: the backend's certificate");
    is(served('shop.gw1.example', 'subject'), 'wgw', 'and ends TLS of others');
    is(https('vault', '-o /dev/null -w %{http_code}'), 200, 'it is served');
    cmp_ok(usage_of('vault'), '>', 0, 'and counted');
}


# docs/farmer.md: what this machine has for itself is no backend.

sub own {
    $m->ok('ip link add own type bridge && ip addr add 192.0.2.20 dev own &&'
           . ' ip link set own up && systemctl reload wgw');

    my ($status, $output) = ('', '');

    wait_for(sub {
        ($status, $output) = $m->try('wgw names add own http://192.0.2.20:22');
        return $status if $status;
        $m->ok('wgw names rm own');
        return;
    }, 5);

    is($status, 1, "15.4: a backend at one of the machine's own addresses");
    like($output, qr/own: backends\[0\] is the gateway itself/, 'is refused');
    $m->ok('ip link del own && systemctl reload wgw');
}


sub settings {
    $m->ok("sed -i 's/^domain=.*/domain = \"gw2.example\"/'"
           . ' /etc/wgw/gateway.conf && systemctl reload wgw');
    like($m->sh('sleep 1; echo | openssl s_client -connect 192.0.2.1:443'
                . ' -servername x | openssl x509 -noout -ext subjectAltName'),
         qr/DNS:gw2\.example, DNS:\*\.gw2\.example/,
         '15.2: gateway.conf says another domain: names and certificate');
    like($m->ok('wgw names add other http://192.0.2.10:8080 && wgw names list'),
         qr/^other\.gw2\.example\b/m, 'of that one');
    $m->ok('wgw names rm other');

    $m->ok('dpkg-reconfigure -f noninteractive wgw');
    like($m->ok('cat /etc/wgw/gateway.conf'), qr/^domain = "gw2\.example"$/m,
         'which holds, whatever was answered before');

    $m->ok("sed -i 's/^domain.*/domain=gw1.example/' /etc/wgw/gateway.conf");
    $m->ok('systemctl restart wgw');
    is(fetch('shop', ''), 200, 'restarted');
}


# the common name of what a client gets, which may take a second to change

sub served {
    my ($name, $what) = @_;

    return $m->sh("echo | openssl s_client -connect 192.0.2.1:443 -servername"
                  . " $name 2> /dev/null | openssl x509 -noout -$what"
                  . ' -nameopt multiline') =~ /commonName += (.*)/ ? $1 : '';
}


# One worker has it, and the others within a second.

sub becomes {
    my ($name, $what, $pattern, $why, $seconds) = @_;

    wait_for(sub { served($name, $what) =~ $pattern }, $seconds // 5);
    sleep 1;
    return like(served($name, $what), $pattern, $why);
}


sub made {
    my ($cn, $more) = @_;

    $m->ok('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256'
           . " -nodes -subj /CN=$cn -days 9 $more -keyout /srv/$cn.key"
           . " -out /srv/$cn.crt 2> /dev/null");
}


sub admin {
    return $m->ok('curl -s --unix-socket /run/wgw/admin.sock'
                  . " http://localhost$_[0]");
}


sub certificates {
    my $tls = '/etc/wgw/tls/gateway';

    is($m->ok('stat -c %a:%U:%G /var/lib/wgw/certs'), "750:root:wgw\n",
       '15: certificates come at run time');
    is($m->ok('stat -c %a:%U:%G /var/lib/wgw/certs/.self/privkey.pem'),
       "640:root:wgw\n", 'one was made');
    is(served('shop.gw1.example', 'subject'), 'wgw', 'and is served');
    is($m->ok('ls /etc/wgw/tls'), '', 'nothing has to be in /etc/wgw/tls');

    # one that is there is for all

    made('own', '');
    $m->ok("cp /srv/own.key $tls.key && cp /srv/own.crt $tls.crt &&"
           . ' systemctl reload wgw');
    becomes('shop.gw1.example', 'subject', qr/^own$/, "one's own certificate");
    is($m->ok("stat -c %a $tls.key"), "600\n", 'whose key is as it was');

    $m->ok('systemctl restart wgw');
    is(served('shop.gw1.example', 'subject'), 'own', 'from each start on');

    # but for those that have one, without a reload

    made('wild', "-addext 'subjectAltName=DNS:gw1.example,DNS:*.gw1.example'");
    $m->ok('wgw-certs-hook install /srv/wild.crt /srv/wild.key');
    becomes('shop.gw1.example', 'subject', qr/^wild$/, 'a wildcard');
    is(served('other.example', 'subject'), 'own', 'and others as before');
    like(admin('/v1/certificates'), qr/"issuer":"wild"/, '/v1/certificates');
    like(admin('/'), qr/<html/i, 'the page');

    # one that is none

    $m->ok("cp /srv/wild.key $tls.key && systemctl reload wgw");
    like($m->ok('journalctl -u wgw --no-pager -n 20'),
         qr/gateway\.key is not the key of .*; it is not served/,
         'a key of another is said');
    is(served('other.example', 'subject'), 'own', 'what was served goes on');
    is($m->ok('systemctl is-active wgw'), "active\n", 'as the gateway does');

    $m->ok("rm $tls.* && systemctl reload wgw");
    becomes('other.example', 'subject', qr/^wgw$/, 'gone');
    $m->ok('cd /var/lib/wgw/certs && rm _.gw1.example gw1.example');
    becomes('shop.gw1.example', 'subject', qr/^wgw$/, 'all are');
}


# A name of another domain gets its certificate with nothing else done, from
# pebble, which is a program of this machine, in the network of the other.

sub acme {
    for my $program (qw(pebble pebble-challtestsrv)) {
        plan(skip_all => "no $program here")
            if system("command -v $program > /dev/null") != 0;
    }

    is($m->sh('systemctl is-enabled wgw-acme; systemctl is-active wgw-acme'),
       "disabled\ninactive\n", '15: wgw-acme.service is not enabled');

    my @pids = issuer();

    ok_apt('install dehydrated', 'what the package recommends');
    $m->ok("sed -i 's|^WGW_ACME=.*|WGW_ACME=\"--ca https://127.0.0.1:14000/dir"
           . " --ca-file /srv/pebble.crt --interval 1 --retry 2\"|'"
           . ' /etc/default/wgw-acme && systemctl enable --now wgw-acme');
    $m->ok('wgw names add www.own.example http://192.0.2.10:8080');

    becomes('www.own.example', 'issuer', qr/^Pebble/,
            'docs/farmer.md: a name has its certificate', 300)
        or diag($m->sh('journalctl -u wgw-acme --no-pager;'
                       . ' cat /var/lib/wgw/orders/logs/*'));
    is($m->ok('stat -L -c %a:%U:%G'
              . ' /var/lib/wgw/certs/www.own.example/privkey.pem'),
       "640:root:wgw\n", 'its key is for the workers');
    is($m->ok('stat -c %a:%U /var/lib/wgw/orders'), "700:root\n",
       'the account is for root');
    is($m->ok('systemctl is-active wgw-acme'), "active\n", 'it goes on');
    is(served('shop.gw1.example', 'subject'), 'wgw',
       'names of the domain are not asked for');

    $m->ok('systemctl disable --now wgw-acme && wgw names rm www.own.example');
    kill 'KILL', @pids;
    waitpid $_, 0 for @pids;
}


# An issuer that goes to port 80, and a DNS with the machine's address.

sub issuer {
    my $dir = $ENV{WGW_TEST_ROOT};

    made('pebble', '-addext subjectAltName=IP:127.0.0.1');
    spew("$dir/pebble.$_", $m->ok("cat /srv/pebble.$_")) for 'crt', 'key';
    spew("$dir/pebble.json", <<"END");
{ "pebble": {
    "listenAddress": "127.0.0.1:14000",
    "managementListenAddress": "127.0.0.1:15000",
    "certificate": "$dir/pebble.crt", "privateKey": "$dir/pebble.key",
    "httpPort": 80, "tlsPort": 443,
    "ocspResponderURL": "", "externalAccountBindingRequired": false
} }
END

    local $ENV{PEBBLE_VA_NOSLEEP} = 1;

    my @pids = ($m->start_near("$dir/dns.log", 'pebble-challtestsrv',
            '-defaultIPv6', '', '-defaultIPv4', '192.0.2.1',
            '-dns01', '127.0.0.1:8053', '-http01', '', '-https01', '',
            '-tlsalpn01', '', '-management', '127.0.0.1:8055'),
        $m->start_near("$dir/pebble.log", 'pebble', '-config',
            "$dir/pebble.json", '-dnsserver', '127.0.0.1:8053'));

    wait_for(sub { $m->sh('ss -Hnlt') =~ /:14000 / }, 20);
    like($m->sh('ss -Hnlt'), qr/:14000 /, 'an issuer')
        or diag(slurp("$dir/pebble.log"));

    return @pids;
}


sub logs {
    like($m->ok('cat /var/log/wgw/access.log'),
         qr/^192\.0\.2\.1 shop\.gw1\.example .* 200 /m, '15.1: a log');
    $m->ok('logrotate -f /etc/logrotate.d/wgw && sleep 1');
    fetch('shop', '');
    like(wait_for(sub { $m->ok('cat /var/log/wgw/access.log') }, 5),
         qr/^192\.0\.2\.1 shop/m, 'which is rotated');
    is($m->ok('stat -c %a:%U:%G /var/log/wgw/access.log'), "640:wgw:adm\n",
       'and read by adm');
}


sub killed {
    my $master = $m->ok('cat /run/wgw/nginx.pid');

    $m->ok("kill -KILL $master");
    wait_for(sub {
        $m->sh('cat /run/wgw/nginx.pid') !~ /^(?:\Q$master\E)?$/
            && $m->sh('systemctl is-active wgw') eq "active\n"
    }, 60);

    is(fetch('shop', ''), 200, '15.1: the master was killed: served again');
    is(usage_of('shop'), $sent, 'and nothing counted is lost');
}


# Downloads that go on meanwhile, slowly, and end afterwards: the master there
# is another one, the bytes are all there and all counted.  One ends TLS here,
# of the other TLS itself is counted.

sub below_download {
    my ($what, $do) = @_;

    my $master = $m->ok('cat /run/wgw/nginx.pid');
    $m->ok('rm -f /srv/go');

    my $passed = usage_of('vault');
    my @pids = map { slow_download($_) } qw(shop vault);

    sleep 2;
    my $output = $do->();
    my $new = $m->ok('cat /run/wgw/nginx.pid');

    isnt($new, $master, "$what: another master") or diag($output);
    is(fetch('shop', ''), 200, 'which serves at once');
    is($m->ok('cat /srv/got.*'), '', 'while the downloads go on');

    $m->ok('touch /srv/go');
    waitpid $_, 0 for @pids;

    for my $name (qw(shop vault)) {
        my ($status, $body, $header) = split ' ', $m->ok("cat /srv/got.$name");

        is($status, 200, "of $name: it comes to its end");
        is($body, 40000000, 'whole');
        $sent += $body + $header if $name eq 'shop';
    }

    cmp_ok(usage_of('vault') - $passed, '>', 40000000, 'vault is counted');

    wait_for(sub { usage_of('shop') >= $sent }, 10);
    is(usage_of('shop'), $sent, 'with its bytes counted');

    wait_for(sub { $m->ok('systemctl show -P MainPID wgw') eq $new }, 30);
    is($m->ok('systemctl show -P MainPID wgw'), $new,
       'the old one is gone, and systemd knows the new one');
    is($m->sh('systemctl is-active wgw'), "active\n", 'active all the time');
}


sub slow_download {
    my ($name) = @_;

    return $m->start("curl -skN --http1.1 --resolve '*:443:192.0.2.1'"
        . " -w '%{stderr}%{http_code} %{size_download} %{size_header}'"
        . " https://$name.gw1.example/big 2> /srv/got.$name | {"
        . ' while [ ! -e /srv/go ]; do head -c 65536 > /dev/null; sleep 0.3;'
        . ' done; cat > /dev/null; }', '/dev/null');
}


sub upgrade {
    below_download('15.1: upgrade', sub {
        suites('now', 'next');
        my $output = ok_apt('upgrade', 'apt upgrades wgw and its modules');
        like($m->ok('dpkg -l wgw'), qr/-2~$suffix/, 'it is the new one');
        return $output;
    });
}


sub nginx_below {
    below_download("15.1: nginx's security update", sub {
        suites('now', 'next', 'security');
        return ok_apt('upgrade', 'apt upgrades nginx');
    });

    my $master = $m->ok('cat /run/wgw/nginx.pid');

    suites('now', 'next', 'security', 'abi');
    my $output = ok_apt('upgrade', 'an nginx that the modules do not fit');
    like($output, qr/kept back:.*\bnginx\b/s, 'stays away, since they'
         . ' depend on nginx-abi');

    # forced in by who knows better: the running one goes on

    $m->ok('cp /usr/sbin/nginx /srv/nginx.fits && sed -i'
           . " 's/8,4,8,00/8,4,8,99/' /usr/sbin/nginx");
    $output = $m->sh('dpkg-trigger --by-package=wgw /usr/sbin/nginx;'
                     . ' dpkg --triggers-only wgw');
    like($output, qr/goes on with what it runs, since nginx refuses/,
         'one that was forced in is refused, and that is said');
    is($m->ok('cat /run/wgw/nginx.pid'), $master, 'the old one runs');
    is(fetch('shop', ''), 200, 'and serves');
    $m->ok('mv /srv/nginx.fits /usr/sbin/nginx');
}


sub away {
    ok_apt('remove wgw', '15.1: remove');
    is($m->sh('pgrep -u wgw nginx'), '', 'it runs no more');
    is($m->sh('systemctl is-active nginx'), "active\n",
       "Debian's nginx has its ports back");
    like($m->ok('ls /var/lib/wgw'), qr/^meter\n(?:.*\n)?names\n/m,
         'names and counters stay');

    ok_apt('install wgw', 'installed again');
    is(fetch('shop', ''), 200, 'with its names');
    is(usage_of('shop'), $sent, 'and counters');

    ok_apt("purge wgw wgw-cli 'libnginx-mod-wgw-*'", 'purge');
    is($m->ok('find /etc /usr /var /run /srv -xdev -name "*wgw*"'
              . ' ! -path "/var/cache/*" ! -path "/var/lib/apt/*"'
              . ' ! -path "/var/lib/systemd/*" ! -path "/var/log/journal/*"'
              . ' ! -path "/run/log/*" ! -path "/run/systemd/*"'),
       '', 'nothing is left');
    is($m->sh('nginx -t -q'), '', 'nginx is as it was');
}


sub beside {
    suites('now');
    ok_apt('install nginx', 'an nginx');
    $m->ok("cat > /etc/nginx/sites-available/mine << 'END'\n"
           . "server { listen 80; listen [::]:80; server_name mine.example;"
           . " location / { return 200 \"mine\\n\"; } }\nEND\n"
           . 'ln -s ../sites-available/mine /etc/nginx/sites-enabled &&'
           . ' systemctl reload nginx');

    $m->ok(q{echo wgw wgw/domain string gw1.example | debconf-set-selections});
    my $output = ok_apt('install wgw', '15.1: installed beside its sites');

    isnt($m->sh('systemctl is-active wgw'), "active\n", 'wgw does not start');
    is($m->sh('systemctl is-active nginx'), "active\n", 'nginx goes on');
    is($m->sh('curl -s -H "Host: mine.example" http://192.0.2.1/'), "mine\n",
       'with its site');

    my ($main) = $output =~ /outside http,\n\n(.*?)\n\n/s;
    my ($http) = $output =~ /within http\n\n(.*?)\n\n/s;
    ok($main && $http, 'apt shows the lines to include') or diag($output);

    $m->ok("printf '%s\\n' '$main' >> /etc/nginx/nginx.conf && sed -i"
           . " 's|^http {|&\\n$http|' /etc/nginx/nginx.conf");
    is($m->sh('nginx -t -q && systemctl restart nginx'), '', 'pasted');
    $m->ok('wgw names add shop http://192.0.2.10:8080');
    is(https('shop', '-o /dev/null -w %{http_code}'), 502,
       'they make it a gateway, too (whose backend is not there)');
    is($m->sh('curl -s -H "Host: mine.example" http://192.0.2.1/'), "mine\n",
       'with its site');

    $m->ok('systemctl stop nginx && systemctl start nginx');
    isnt($m->sh('systemctl start wgw; systemctl is-active wgw'), "active\n",
         'wgw still does not start over it');

    like(ok_apt('remove wgw', 'removed'), qr{/etc/nginx includes files of},
         'it says what to take out');
}
