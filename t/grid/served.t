#!/usr/bin/perl

# What a deployment gets: routing, certificates and metering of workloads that
# came over RMB, by a gateway that is set up as the packages do it.  Cases 37
# to 55 of tf.md, as the user who deployed sees them.

use warnings;
use strict;

use lib 't/lib';

use IO::Socket::SSL;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Grid;
use Wgw::Rmb;
use Wgw::Tls;


my $proxy = <<'EOF';
proxy_pass $wgw_scheme://wgw;
            proxy_http_version 1.1;
            proxy_read_timeout 2s;
            proxy_set_header Host $wgw_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $upgraded;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $wgw_host;
EOF

my $probe = Wgw::Rmb::backend('probe');
my $here = $probe->{address};

kill_all($probe->{pid});
plan skip_all => 'this machine has no address but loopback' if !$here;

my $grid = Wgw::Rmb->new(options => [ '--recheck', 1 ], conf => <<"EOF");
worker_processes 2;
wgw_names names domain=gw.test address=203.0.113.10 address=203.0.113.11
    address=2001:db8:ffff::10;
wgw_meter_zone names file=usage keys=20000;
wgw_meter_zone hours file=hours keys=20000 window=hour archive=archive;
wgw_certs certs;

events { worker_connections 512; }

http {
    access_log off;
    map \$http_upgrade \$upgraded { default upgrade; "" ""; }
    upstream wgw { wgw_backend; }

    $Wgw::Grid::Admin

    server {
        listen 127.0.0.1:%%PLAIN%%;
        server_name "" ~.;
        wgw_meter names \$wgw_name cap=\$wgw_cap;
        wgw_meter hours \$wgw_name;

        location / { return 301 https://\$host\$request_uri; }

        location ^~ /.well-known/acme-challenge/ {
            root acme;
            try_files \$uri \@name;
        }

        location \@name {
            wgw_route;
            $proxy
        }
    }

    server {
        listen 127.0.0.1:%%INNER%% ssl;
        http2 on;
        server_name "" ~.;
        ssl_certificate \$wgw_cert;
        ssl_certificate_key \$wgw_cert_key;
        wgw_route;
        wgw_meter names \$wgw_name cap=\$wgw_cap;
        wgw_meter hours \$wgw_name;
        client_max_body_size 0;

        location / {
            $proxy
        }
    }
}

stream {
    server {
        listen 127.0.0.1:%%TLS%%;
        preread_timeout 2s;
        wgw_route offload=127.0.0.1:%%INNER%%;
        wgw_meter names \$wgw_name cap=\$wgw_cap;
        wgw_meter hours \$wgw_name;
        proxy_pass \$wgw_backend;
    }
}
EOF


# ---- the user's backends: an nginx of their own

my $back = Wgw->new(<<'EOF');
worker_processes 1;
events { }
http {
    access_log off;

    server {
        listen 0.0.0.0:%%ONE%%;
        location / { return 200 "one|$http_host|$http_x_forwarded_for|$http_x_forwarded_proto|$server_protocol\n"; }
        location /big { root html; }
    }

    server {
        listen 0.0.0.0:%%TWO%%;
        location / { return 200 "two\n"; }
        location /.well-known/ { return 200 "the backend's own\n"; }
    }

    server {
        listen 0.0.0.0:%%SECURE%% ssl;
        ssl_certificate backend.crt;
        ssl_certificate_key backend.key;
        location / { return 200 "secure $host\n"; }
    }
}
EOF

certificate($back->dir(), 'backend');
mkdir $back->dir() . '/html';
spew($back->dir() . '/html/big', 'b' x 20_000_000);
chmod 0644, $back->dir() . '/html/big';
$back->start();

my ($one, $two, $secure) = map { "$here:" . $back->port($_) }
    qw(ONE TWO SECURE);

# one that never answers, and one that is not there
my $hangs = IO::Socket::IP->new(LocalHost => '0.0.0.0', Listen => 64,
                                LocalPort => 0);
my $silent = "$here:" . $hangs->sockport();
my $nobody = "$here:" . free_port();
my $echo = echo();

$grid->name_contract($_) for qw(mysite secure ws pair hung none late many);
$grid->dns('www.example.com' => [ '203.0.113.10' ]);
$grid->start();

my ($tls, $plain) = map { $grid->gw->port($_) } qw(TLS PLAIN);
my %id;

deployed('mysite', backends => [ "http://$one" ]);
deployed('secure', backends => [ $secure ], passthrough => 1);
deployed('ws', backends => [ "http://$here:$echo->{port}" ]);


subtest 'tf 37: what a backend sees' => sub {
    my ($reply) = ask('mysite.gw.test', '/', headers =>
        "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: gopher\r\n");

    like($reply, qr/^one\|mysite\.gw\.test\|127\.0\.0\.1\|https\|HTTP\/1\.1$/m,
         'Host unchanged, the client and https; what it said itself is gone');
};


subtest 'tf 38, 39, 40: names' => sub {
    like((ask('mysite.gw.test', '/', host => $_))[0], qr/^one\|/m, "tf 38: $_")
        for 'MYSITE.gw.test:443', 'mysite.gw.test.', 'MySite.GW.test';

    my $reply = http_get($plain, '/a/b?c=d', host => 'mysite.gw.test');

    is($reply->{status}, 301, 'tf 39: http');
    is($reply->{headers}{location}, 'https://mysite.gw.test/a/b?c=d',
       'tf 39: to https, with path and query');

    my $before = used('mysite');

    is(status($tls, $_->[0], $_->[1]), $_->[2], "tf 40: @$_")
        for ['other.gw.test', 'other.gw.test', 404],
            ['mysite.gw.test', 'x.example', 404],
            ['', '203.0.113.10', 404], ['gw.test', 'gw.test', 404];
    is(used('mysite'), $before, 'tf 40: counted to no user');
};


subtest 'tf 41, 47, 53: passthrough' => sub {
    is(subject(client($tls, 'secure.gw.test')), 'backend',
       'tf 41: the certificate is the backend\'s');
    is(talk(client($tls, 'secure.gw.test'), 'secure.gw.test'),
       'secure secure.gw.test', 'tf 41: as is what it says');
    like(pieces($tls, 7, hello('secure.gw.test')), qr/backend/,
         'tf 41: a hello in pieces');
    like(pieces($tls, 700, hello('secure.gw.test',
                                 extension(0x1234, 'k' x 12000))),
         qr/backend/, 'tf 41: of many bytes');
    like((ask('mysite.gw.test', '/', sni => 'secure.gw.test'))[0],
         qr/secure mysite/, 'tf 47: another\'s Host goes to that backend only');
    is(status($tls, 'mysite.gw.test', 'secure.gw.test'), 421,
       'tf 46: nor the other way');

    my $acme = client($tls, 'secure.gw.test', undef,
                      SSL_alpn_protocols => [ 'acme-tls/1' ]);

    # this backend does not speak it: but it is who refuses, or answers
    ok(!$acme || subject($acme) eq 'backend', 'tf 53: acme-tls/1 is forwarded');
    like(pieces($tls, 5000, hello('secure.gw.test', extension(16,
             pack('n/a*', pack 'C/a*', 'http/1.1')))), qr/backend/,
         'tf 53: as is any other');
};


subtest 'tf 42, 54, 55: bytes, and what its owner is told' => sub {
    my $before = used('mysite');
    my ($reply, $bytes) = ask('mysite.gw.test', '/big');

    is(length($reply) > 20_000_000, 1, 'tf 42: a large one');
    is(used('mysite') - $before, $bytes, 'tf 54: to the byte');

    $before = used('secure');
    is(talk(client($tls, 'secure.gw.test'), 'secure.gw.test'),
       'secure secure.gw.test', 'passed through');
    cmp_ok(used('secure') - $before, '>', 500,
           'tf 54: with its handshake, as nobody here sees into it');

    # a WebSocket
    $before = used('ws');

    my $socket = client($tls, 'ws.gw.test');
    my $head = "GET / HTTP/1.1\r\nHost: ws.gw.test\r\nUpgrade: websocket\r\n"
               . "Connection: Upgrade\r\n\r\n";
    my $got = '';

    print {$socket} $head;
    sysread $socket, $got, 4096, length $got or last
        until $got =~ /\r\n\r\n/;
    like($got, qr/^HTTP\/1\.1 101 /, 'tf 42: a WebSocket');

    print {$socket} 'm' x 10_000;

    until ($got =~ /\r\n\r\nm{10000}/) {
        sysread $socket, $got, 65536, length $got or last;
    }

    ok(wait_for(sub { used('ws') - $before == length($head) + 10_000
                                              + length $got }),
       'tf 55: counted while it is open, to the byte');
    close $socket;

    # an upload without a length
    $before = used('mysite');
    $socket = client($tls, 'mysite.gw.test');
    $head = "POST / HTTP/1.1\r\nHost: mysite.gw.test\r\nConnection: close\r\n"
            . "Transfer-Encoding: chunked\r\n\r\n"
            . sprintf("%x\r\n%s\r\n", 50_000, 'u' x 50_000) x 4 . "0\r\n\r\n";
    print {$socket} $head;
    $got = '';
    1 while sysread $socket, $got, 65536, length $got;
    like($got, qr/^one\|/m, 'tf 42: chunks');
    is(used('mysite') - $before, length($head) + length $got,
       'tf 54: counted as they came');
};


subtest 'tf 43: HTTP/2' => sub {
    my $curl = curl('-k', '--http2', '--resolve',
                    "mysite.gw.test:$tls:127.0.0.1",
                    "https://mysite.gw.test:$tls/");

    is($curl->{code}, 200, 'a client of HTTP/2');
    like($curl->{body}, qr/^one\|mysite\.gw\.test/, 'at a backend of 1.1');
};


subtest 'tf 44: backends that fail' => sub {
    deployed('none', backends => [ "http://$nobody" ]);
    deployed('hung', backends => [ "http://$silent" ]);
    deployed('pair', backends => [ "http://$one", "http://$two" ]);

    is(status($tls, 'none.gw.test', 'none.gw.test'), 502, 'refused: 502');
    is(status($tls, 'hung.gw.test', 'hung.gw.test'), 504, 'hangs: 504');
    is(status($tls, 'mysite.gw.test', 'mysite.gw.test'), 200, 'others do not');

    my %said;

    $said{word('pair.gw.test')}++ for 1 .. 20;
    is(join(' ', sort keys %said), 'one two', 'of two both are used');

    # in place: one of both is not there
    my $d = Wgw::Rmb::deployment(Wgw::Rmb::name_workload('pair', version => 1,
        backends => [ "http://$nobody", "http://$two" ]));

    $d->{version} = 1;
    $d->{contract_id} = $id{pair};
    is($grid->deploy($d, update => 1)->{err}, undef, 'changed');
    is($grid->settled($id{pair}, 'ok')->{version}, 1, 'ok');
    is_deeply([ map { word('pair.gw.test') } 1 .. 5 ], [ ('two') x 5 ],
              'the dead one is skipped');
};


subtest 'tf 45, 46: hostile clients' => sub {
    my @slow = map { connect_to($tls) } 1 .. 50;

    syswrite $_, "\x16" for @slow;

    my $start = time;

    is(status($tls, 'mysite.gw.test', 'mysite.gw.test'), 200,
       'tf 45: fifty who say one byte');
    soon($start, 2, 'tf 45: delay nobody');
    is(exchange(0, '', socket => $slow[0], timeout => 6), '',
       'tf 45: and have no answer');
    soon($start, 5, 'tf 45: but are closed');

    for (["Host: mysite.gw.test\r\nHost: ws.gw.test\r\n", 'twice'],
         ["Host: mysite.gw.test/x\r\n", 'with a slash'],
         ["Host: mysite\0.gw.test\r\n", 'with a NUL'],
         ['Host: ' . 'a' x 5000 . "\r\n", 'of 5000 bytes'])
    {
        my ($host, $what) = @$_;
        my $socket = client($tls, 'mysite.gw.test');

        print {$socket} "GET / HTTP/1.1\r\n${host}Connection: close\r\n\r\n";

        my $line = <$socket> // '';

        like($line, qr/^HTTP\/1\.1 4\d\d /, "tf 46: Host $what");
    }
};


subtest 'tf 48: deployments come and go under load' => sub {
    my ($n, $bad) = (0, 0);

    for my $round (1 .. 3) {
        my $d = Wgw::Rmb::deployment(
            Wgw::Rmb::name_workload('late', backends => [ "http://$two" ]));

        $grid->deploy($d);

        my $end = time + 10;
        my $state = '';

        # new, it is live at once in all workers
        until ($state eq 'ok' || time > $end) {
            $bad++ if word('mysite.gw.test') ne 'one';
            $n++;
            $state = $grid->call('zos.deployment.get',
                { contract_id => $d->{contract_id} })
                ->{dat}{workloads}[0]{result}{state};
        }

        $bad += grep { word('late.gw.test') ne 'two' } 1 .. 6;
        $grid->contract($d->{contract_id}, state => 'Deleted');
        $grid->result($d->{contract_id}, 'deleted');
        $bad++ if word('mysite.gw.test') ne 'one';
        $bad += grep { status($tls, 'late.gw.test', 'late.gw.test') != 404 }
                1 .. 4;
    }

    is($bad, 0, "no request failed, of $n and more");
};


subtest 'tf 49: among ten thousand names' => sub {
    is(http_get($grid->gw->port('ADMIN'), '/v1/names', method => 'POST',
                headers => "Content-Type: application/x-ndjson\r\n",
                body => join '', map {
                    qq({"name":"n$_","backends":["http://192.0.2.1"]}\n)
                } 1 .. 10_000)->{status}, 200, 'ten thousand more');

    my $start = time;

    deployed('many', backends => [ "http://$two" ]);
    is(word('many.gw.test'), 'two', 'one is deployed, and live');
    soon($start, 5, 'as soon as among few');
    is(word('mysite.gw.test'), 'one', 'and the first is there');
};


subtest 'tf 50, 51, 52: certificates' => sub {
    my $dir = $grid->gw->dir();

    put_certificate('gw.test', 'gw.test', '*.gw.test');
    ok(wait_for(sub { cn('mysite.gw.test') eq 'gw.test' }),
       'tf 50: the wildcard\'s is in use');
    is(cn($_), 'gw.test', "tf 50: of each name, without another: $_")
        for qw(ws.gw.test pair.gw.test);

    deployed('www.example.com', backends => [ "http://$two" ]);
    is(word('www.example.com'), 'two',
       'tf 51: a domain works before it has one');

    system 'mkdir', '-p', "$dir/acme/.well-known/acme-challenge";
    spew("$dir/acme/.well-known/acme-challenge/token", 'proof');
    system 'chmod', '-R', 'a+rX', "$dir/acme";

    is(http_get($plain, '/.well-known/acme-challenge/token',
                host => 'www.example.com')->{body}, 'proof',
       'tf 51: what an authority asks for on port 80');
    is(http_get($plain, '/.well-known/acme-challenge/other',
                host => 'www.example.com')->{body}, "the backend's own\n",
       'tf 51: of a backend\'s own client, too');

    put_certificate('www.example.com', 'www.example.com');
    ok(wait_for(sub { cn('www.example.com') eq 'www.example.com' }),
       'tf 51: in use without a restart');

    $grid->gw->stop('QUIT');
    $grid->gw->start();
    is(cn('www.example.com'), 'www.example.com', 'tf 52: after one as well');
    is(cn('mysite.gw.test'), 'gw.test', 'tf 52: and the wildcard\'s');

    put_certificate('www.example.com', 'renewed', 'www.example.com');
    ok(wait_for(sub { cn('www.example.com') eq 'renewed' }),
       'tf 52: renewed');
};


kill_all($echo->{pid});
$grid->gw->expect(qr/upstream|connect\(\) failed|client |SSL_/);
$grid->stop();
$back->stop();

done_testing();


sub deployed {
    my ($name, %option) = @_;

    my $w = $name =~ /\./ ? Wgw::Rmb::fqdn_workload($name, %option)
                          : Wgw::Rmb::name_workload($name, %option);
    my $d = Wgw::Rmb::deployment($w);

    is($grid->deploy($d)->{err}, undef, "$name: deployed");
    is($grid->result($d->{contract_id}, 'ok')->{state}, 'ok', 'ok');

    return $id{$name} = $d->{contract_id};
}


# What its owner is told of what it moved, both ways.

sub used {
    my ($name) = @_;

    my $row = $grid->call('wgw.usage.get',
                          { contract_id => $id{$name} })->{dat}{workloads}[0];
    my ($zone) = grep { $_->{zone} eq 'names' } @{$row->{zones}};

    return $zone ? $zone->{sent} + $zone->{received} : 0;
}


# A request over TLS: (what came, whole; how many bytes went and came in TLS)

sub ask {
    my ($name, $path, %option) = @_;

    my $socket = client($tls, $option{sni} // $name) or return ('', 0);
    my $request = "GET $path HTTP/1.1\r\nHost: " . ($option{host} // $name)
        . "\r\nConnection: close\r\n" . ($option{headers} // '') . "\r\n";
    my $reply = '';

    print {$socket} $request;
    1 while sysread $socket, $reply, 65536, length $reply;

    return ($reply, length($request) + length $reply);
}


sub word { return ((ask($_[0], '/'))[0] =~ /\r\n\r\n(\w+)/)[0] // '' }

sub cn { return subject(client($tls, $_[0])) }


# By the hook, as clients of an authority do it: for NAME, with common name CN

sub put_certificate {
    my ($name, $cn, @more) = @_;

    my $dir = $grid->gw->dir();
    my $san = join ',', map { "DNS:$_" } grep { /\./ } $cn, @more;

    system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
           . " -nodes -days 30 -subj /CN=$cn -addext"
           . " 'subjectAltName=$san' -keyout $dir/new.key -out $dir/new.crt"
           . ' 2> /dev/null') == 0 or die 'openssl';

    local $ENV{WGW_CERTS} = "$dir/certs";
    local $ENV{WGW_GROUP} = (getgrgid((stat "$dir/certs")[5]))[0];

    my $out = qx(tools/wgw-certs-hook deploy_cert $name $dir/new.key $dir/new.crt $dir/new.crt 2>&1);

    is($?, 0, "a certificate of $name") or diag($out);

    return;
}


# A server that takes an upgrade, and says what it hears.

sub echo {
    my $port = free_port();
    my $listen = IO::Socket::IP->new(LocalHost => '0.0.0.0', Listen => 16,
                                     LocalPort => $port, ReuseAddr => 1)
        or die "no port: $!";
    my $pid = fork // die "fork: $!";

    return { port => $port, pid => $pid } if $pid;

    open $_, '>', '/dev/null' for \*STDOUT, \*STDERR;
    local $SIG{CHLD} = 'IGNORE';

    my $parent = getppid;

    while (getppid == $parent) {
        my $socket = IO::Select->new($listen)->can_read(0.5)
                     && $listen->accept() or next;

        if (!fork) {
            my $head = '';

            until ($head =~ /\r\n\r\n/) {
                sysread $socket, $head, 4096, length $head
                    or POSIX::_exit(0);
            }

            syswrite $socket, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n"
                . "Connection: Upgrade\r\n\r\n";

            while (sysread $socket, my $bytes, 65536) {
                syswrite $socket, $bytes;
            }

            POSIX::_exit(0);
        }

        close $socket;
    }

    POSIX::_exit(0);
}
