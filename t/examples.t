#!/usr/bin/perl

# The examples of README and docs, taken from there and run.
#
# A block of configuration has a comment before it that says what it is:
#
#     <!-- conf: sh NAME -->       commands that root types before ...
#     <!-- conf: whole NAME -->    ... this nginx.conf, which is started
#     <!-- conf: main -->          a part of one, for this context: main, http,
#                                  server, location, or stream; "top" is one
#                                  without "events"
#
# What has none is no configuration.  Debian's folders are below a directory
# of the test, and ports are other ones; all else is as it is written.

use warnings;
use strict;

use Test::More;

use Wgw;


plan skip_all => 'the examples are for root' if $> != 0;

my @pages = ('README.md', glob 'docs/*.md');
my (%sh, @whole);

my $gw = Wgw->new('events { }');
my $dir = $gw->dir();
my $names = 'wgw_names|wgw_meter_zone|wgw_rate_zone';

my $modules = join '', map { qq{load_module "$_";\n} } @{$gw->{modules}};
my $stream = grep { /ngx_stream_module/ } @{$gw->{modules}};

$stream ||= ($gw->run('-V'))[1] =~ /--with-stream(?!\S)/;

for my $page (@pages) {
    my ($n, $fragments) = (0, 0);

    for my $block (blocks(slurp($page))) {
        my ($mark, $name, $line, $text) = @$block;

        if (!defined $mark) {
            my ($directive) = $text =~ /^\s*((?:wgw_|proxy_|ssl_|listen\b
                |server\b|location\b|upstream\b|map\b)[^\n]*[;{])[^\n]*$/mx;

            if ($text =~ /^Syntax:|\A\w+;\n*\z/ || $text !~ /[;{]\s*(?:#.*)?$/m
                || $text =~ /^\s*[A-Z]+ +\/|^\s*\$? ?curl|^\{/m
                || $text =~ /\b[A-Z]{3,}\b.*;/)
            {
                $directive = undef;
            }

            is($directive, undef, "start 10.12 $page:$line says what it is");
            next;
        }

        if ($mark eq 'sh') {
            $sh{$name} = $text;

        } elsif ($mark eq 'whole') {
            push @whole, [ $name, "$page:$line", $text ];

        } else {
            fragment($mark, "$page:$line", $text);
        }
    }
}

cmp_ok(scalar @whole, '>=', 2, 'start 10.12 there are whole ones');

for my $whole (@whole) {
    my ($name, $where, $text) = @$whole;

    SKIP: {
        skip 'no stream here', 1 if $text =~ /^stream/m && !$stream;
        ok(main->can("try_$name"), "start 10.12 $where is known to this test");
        main->can("try_$name")->($where, start_whole($name, $where, $text));
    }
}

done_testing();


# blocks(TEXT): [ MARK, NAME, LINE, TEXT ] of each, indented or fenced

sub blocks {
    my ($text) = @_;

    my (@blocks, $mark, $name, @lines, $from, $fence);
    my $line = 0;

    for (split(/\n/, $text), '') {
        $line++;

        if (defined $fence) {
            if (/^```/) {
                push @blocks, [ $mark, $name, $from,
                                join '', map { "$_\n" } @lines ];
                ($mark, $name, $fence, @lines) = ();

            } else {
                push @lines, $_;
            }

        } elsif (/^```/) {
            ($fence, $from) = (1, $line + 1);

        } elsif (/^ {4}(.*)/) {
            $from = $line if !@lines;
            push @lines, $1;

        } elsif (/^\s*$/ && @lines) {
            push @lines, '';

        } else {
            if (@lines) {
                push @blocks, [ $mark, $name, $from,
                                join '', map { "$_\n" } @lines ];
                ($mark, $name, @lines) = ();
            }

            ($mark, $name) = ($1, $2)
                if /^<!-- conf: (\w+)(?: (\w+))? -->$/;
        }
    }

    push @blocks, [ $mark, $name, $from, join '', map { "$_\n" } @lines ]
        if grep { length } @lines;

    return @blocks;
}


# here(TEXT): with the folders and ports of the test

sub here {
    my ($text) = @_;

    $text =~ s{(?<![\w/])/((?:etc|run)/(?:nginx|wgw)|var/lib/wgw|var/log/nginx|var/www)}
              {$dir/root/$1}g;
    $text =~ s{(listen\s+(?:127\.0\.0\.1:|\[::\]:)?)(\d+)\b}{$1 . port_of($1, $2)}ge;
    $text =~ s{offload=127\.0\.0\.1:(\d+)}
              {'offload=127.0.0.1:' . $gw->port("P$1")}ge;
    $text =~ s{server 127\.0\.0\.1:(\d+)}{'server 127.0.0.1:' . $gw->port("P$1")}ge;

    return $text;
}

sub port_of {
    my ($before, $port) = @_;

    my $mine = $gw->port("P$port");

    return $before =~ /:$/ ? $mine : "127.0.0.1:$mine";
}


# A part of a configuration, in one that defines what the part uses only.

sub fragment {
    my ($context, $where, $text) = @_;

    my ($main, $http) = ('', '');

    $main .= "wgw_names names;\n"
        if $text =~ /wgw_(?:route|backend|api)|\$wgw_name/
           && $text !~ /wgw_names\s/;

    for my $zone ($text =~ /wgw_meter\s+(\w+)\s/g) {
        $main .= "wgw_meter_zone $zone keys=10;\n"
            if "$main$text" !~ /wgw_meter_zone\s+$zone\s/;
    }

    $main .= "wgw_rate_zone $1 keys=10;\n"
        if $text =~ /wgw_rate\s+(\w+)\s/ && $text !~ /wgw_rate_zone\s+$1\s/;
    $http .= "map \$http_upgrade \$websocket { default ''; }\n"
        if $text =~ /\$websocket/ && $text !~ /map \S+ \$websocket/;
    $http .= "map \$http_upgrade \$connection_upgrade { default ''; }\n"
        if $text =~ /\$connection_upgrade/
           && $text !~ /map \S+ \$connection_upgrade/;
    $http .= "upstream wgw { wgw_backend; }\n"
        if $text =~ m{/etc/wgw/proxy\.conf};
    $http .= "upstream $1 { server 127.0.0.1:1; }\n"
        if $text =~ m{proxy_pass\s+http://(\w+);};

    # the modules are loaded, and a signer's key is there

    $text =~ s/^load_module [^\n]*\n//mg;

    mkdir "$dir/secrets";
    spew("$dir/secrets/router", '1' x 64 . "\n");
    chmod 0600, "$dir/secrets/router";

    my $conf = $context eq 'top' ? $text =~ s/^http \{\n/http {\n$http/mr
             : $context eq 'main' ? $text
             : $context eq 'http' ? "http {\n$http$text}\n"
             : $context eq 'server' ? "http {\n$http server {\n$text}\n}\n"
             : $context eq 'location'
               ? "http {\n$http server { location / {\n$text}\n}\n}\n"
             : "stream { server { listen 127.0.0.1:1; $text } }\n";

    $conf = "events { }\n$main$conf";

    system('rm', '-rf', "$dir/root");
    system('mkdir', '-p', "$dir/root/var/lib/wgw", "$dir/root/var/www");
    as_packaged($text) if $text =~ m{/etc/wgw/};

    if ($text =~ m{(/etc/wgw)/redis\.password}) {
        system('mkdir', '-p', "$dir/root$1");
        spew("$dir/root$&", "secret\n");
    }

    $gw->configure(here($conf));
    my ($status, $output) = $gw->run('-t');
    is($status, 0, "start 10.12 $where: a part of $context")
        or diag($output, here($conf));
}


# What Debian's package `wgw` has, and a certificate of each name in TEXT.

sub as_packaged {
    my ($text) = @_;

    my $etc = "$dir/root/etc/wgw";

    system('mkdir', '-p', "$etc/tls", "$dir/root/run/wgw");
    spew("$etc/proxy.conf", 'proxy_pass $wgw_scheme://wgw;');

    while ($text =~ m{/etc/wgw/tls/(\w+)\.crt}g) {
        is(system("openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=$1"
                  . " -keyout $etc/tls/$1.key -out $etc/tls/$1.crt 2> $etc/said"),
           0, "a certificate of $1");
    }
}


# A whole one: its commands, its file, nginx -t and a start.

sub start_whole {
    my ($name, $where, $text) = @_;

    my $etc = "$dir/root/etc/nginx";

    system('rm', '-rf', "$dir/root");
    system('mkdir', '-p', "$etc/modules-enabled", "$dir/root/logs",
           "$dir/root/var/log/nginx",
           "$dir/root/run", "$dir/root/var/lib", "$dir/root/var/www");
    chmod 0755, map { "$dir/root/$_" } '', 'etc', 'etc/nginx', 'var',
        'var/lib', 'var/log', 'run';

    spew("$etc/modules-enabled/50.conf", $modules);

    if (defined $sh{$name}) {
        my $output = `exec 2>&1; set -e; umask 022; @{[ here($sh{$name}) ]}`;
        is($?, 0, "start 10.12 $where: its commands") or diag($output);
    }

    my $conf = here($text);

    # a test's backend is on loopback, which gateways refuse
    $conf =~ s/(wgw_names\s[^;]*)/$1 allow_loopback/;

    # the folders that nginx's package makes are below the prefix
    $conf = Wgw::own_paths($conf) if $gw->packaged();
    spew("$etc/nginx.conf", $conf);

    my @command = ($gw->{binary}, '-p', "$dir/root/", '-e',
                   "$dir/root/var/log/nginx/error.log", '-c',
                   "$etc/nginx.conf");
    my $output = `exec 2>&1; @{[ join ' ', map { "'$_'" } @command ]} -t`;

    is($?, 0, "start 10.12 $where: nginx -t") or diag($output, $conf);
    unlike($output, qr/\[(?:warn|emerg)\]/, 'and not a warning')
        or diag($output);

    my $pid = fork;
    die 'fork' if !defined $pid;

    if (!$pid) {
        exec @command, '-g', 'daemon off;';
    }

    # the administration is the server without a meter, or with locations only
    my ($admin) = $conf =~ /listen\s+127\.0\.0\.1:(\d+);
                            \s+(?:wgw_meter\s+off|location\s+\/v1)/x;
    ok(wait_for(sub { connect_to($admin) }), "start 10.12 $where: a start")
        or diag(slurp("$dir/root/var/log/nginx/error.log"));

    return ($pid, $admin);
}

sub stop_whole {
    my ($pid) = @_;

    kill 'QUIT', $pid;
    waitpid $pid, 0;
    is($?, 0, 'and an end');
}

sub backend {
    my ($port) = @_;

    my $backend = Wgw->new(<<"EOT");
events { }
http { server { listen 127.0.0.1:$port;
    location / { return 200 "\$host \$http_x_wallet\\n"; } } }
EOT
    $backend->start();

    return $backend;
}


# The gateway: a name is put, routed over http and TLS, and metered.

sub try_gateway {
    my ($where, $pid, $admin) = @_;

    my $port = free_port();
    my $backend = backend($port);

    my $put = http_get($admin, '/v1/names/shop', method => 'PUT',
                       body => qq({"backends":["http://127.0.0.1:$port"]}));
    is($put->{status}, 201, 'a name') or diag($put->{raw});

    my $reply = http_get($gw->port('P80'), '/', host => 'shop.gw1.example');
    is($reply->{status}, 200, 'start 10.12 routed');
    like($reply->{body}, qr/shop\.gw1\.example/, 'with its name');

    my $tls = curl('-k', '--connect-to', 'shop.gw1.example:443:127.0.0.1:'
                   . $gw->port('P443'), 'https://shop.gw1.example/');
    is($tls->{code}, 200, 'start 10.12 over TLS') or diag($tls->{error});

    ok(wait_for(sub { (usage($admin, 'shop') || { })->{requests} == 2 }),
       'start 10.12 and metered');
    is(http_get($admin, '/metrics')->{status}, 200, 'its metrics');
    is(http_get($gw->port('P80'), '/', host => 'none.example')->{status}, 404,
       'no other name');

    $backend->stop();
    stop_whole($pid);
}


# Sites that are counted, as people see it.

sub try_metering {
    my ($where, $pid, $admin) = @_;

    mkdir "$dir/root/var/www/shop";
    spew("$dir/root/var/www/shop/index.html", "a page\n");

    my $reply = http_get($gw->port('P80'), '/', host => 'www.shop.example');
    is($reply->{body}, "a page\n", "$where: the site is served");

    ok(wait_for(sub { (usage($admin, 'www.shop.example') || { })->{requests} }),
       'and counted');
    is(usage($admin, 'www.shop.example')->{cap}, 1000000000000, 'with its cap');
    like(http_get($admin, '/metrics')->{body},
         qr/^wgw_meter_requests_total\{zone="sites",key="www\.shop/m, 'metrics');

    my $said = command($admin, 'usage');
    like($said, qr/^www\.shop\.example .* 1\.00 TB +<1%/m, 'as wgw says it');

    stop_whole($pid);
}


# Names without a meter.

sub try_routing {
    my ($where, $pid, $admin) = @_;

    my $port = free_port();
    my $backend = backend($port);

    like(command($admin, 'names', 'add', 'shop', "http://127.0.0.1:$port"),
         qr/^name +shop\.gw1\.example$/m, "$where: a name, by wgw");
    like(http_get($gw->port('P80'), '/', host => 'shop.gw1.example')->{body},
         qr/^shop\.gw1\.example/, 'is served');
    is(http_get($gw->port('P80'), '/', host => 'none.gw1.example')->{status},
       404, 'another one is not');

    $backend->stop();
    stop_whole($pid);
}


# Sign-in without the rest.

sub try_signin {
    my ($where, $pid, $admin) = @_;

    my $backend = backend($gw->port('P18545'));
    my $key = sign_in('http://app.example/auth', 'app.example:80', 'P80');

    my $reply = http_get($gw->port('P80'), '/x', host => 'app.example',
                         headers => "$key\r\n");
    is($reply->{status}, 200, "$where: a call with a key");
    like($reply->{body}, qr/0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266/,
         'by its address');
    is(http_get($gw->port('P80'), '/x', host => 'app.example')->{status}, 401,
       'nobody without');
    like(command($admin, 'tokens'), qr/^\S{22}  0xf39F/m, 'as wgw says it');

    $backend->stop();
    stop_whole($pid);
}


# What the command says of the administration on this port.

sub command {
    my ($admin, @arguments) = @_;

    return `build/bin/wgw --url http://127.0.0.1:$admin @arguments 2>&1`;
}


# A wallet's key of URL, whose HOST:PORT is our PORT; as a header.

sub sign_in {
    my ($url, $host, $port) = @_;

    # of the address in the examples, well known
    spew("$dir/wallet", 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784'
                        . 'd7bf4f2ff80');
    mkdir "$dir/bin";
    my $curl = `sh -c 'command -v curl'`;
    chomp $curl;
    spew("$dir/bin/curl", "#!/bin/sh\nexec $curl -q -k --connect-to "
         . "$host:127.0.0.1:" . $gw->port($port) . " \"\$@\"\n");
    chmod 0755, "$dir/bin/curl";

    my $tool = ($ENV{WGW_BUILD} || 'build') . '/bin/siwe-token';
    $tool = 'build/bin/siwe-token' if !-x $tool;

    my $key = `PATH=$dir/bin:\$PATH $tool $url $dir/wallet 2>$dir/said`;
    chomp $key;
    like($key, qr/^x-api-key: /i, 'start 10.12 a wallet signs in')
        or diag(slurp("$dir/said"),
                slurp("$dir/root/var/log/nginx/error.log"));

    return $key;
}


# The provider: a wallet signs in, and calls with its key.

sub try_provider {
    my ($where, $pid, $admin) = @_;

    my $backend = backend($gw->port('P18545'));

    my $key = sign_in('https://rpc.gw1.example/auth', 'rpc.gw1.example:443',
                      'P443');
    my @to = ('-k', '--connect-to', 'rpc.gw1.example:443:127.0.0.1:'
              . $gw->port('P443'));

    my $with = curl(@to, '-H', $key, 'https://rpc.gw1.example/eth');
    is($with->{code}, 200, 'start 10.12 and calls');
    like($with->{body}, qr/0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266/,
         'by its address');
    is(curl(@to, 'https://rpc.gw1.example/eth')->{code}, 401,
       'nobody without a key');
    is(curl(@to, '-H', $key, 'https://rpc.gw1.example/base')->{code}, 403,
       'nor for another service');

    my $tokens = json(http_get($admin, '/v1/auth/tokens')->{body});
    is(scalar @{$tokens->{tokens}}, 1, 'the key is known');
    ok(wait_for(sub {
        my $usage = json(http_get($admin, '/v1/usage')->{body});
        return grep { $_->{key} =~ /^0xf39.*eth$/ } @{$usage->{keys}};
    }), 'start 10.12 and what it moved is counted');

    $backend->stop();
    stop_whole($pid);
}
