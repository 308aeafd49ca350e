#!/usr/bin/perl

# Rates in bytes: what a client reads and writes, and how long it takes.  All
# transfers of a part run at the same time, each with a key of its own unless
# it is said that they share.

use warnings;
use strict;

use Test::More;

use IO::Select;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Bytes;
use Wgw::H2;


# at 500 kB/s, of which 50 kB go at once

my $size = 1_100_000;
my $whole = 2.1;

my $gw = Wgw->new(<<'EOC', meter_modules());
worker_processes 2;
worker_shutdown_timeout 4s;
pid logs/nginx.pid;

wgw_rate_zone keys keys=10000;
wgw_meter_zone names keys=10000;

events { worker_connections 1000; }

http {
    log_format rate '$wgw_rate_status,$wgw_meter_status $uri';
    access_log logs/access.log rate;

    client_body_buffer_size 4k;
    client_max_body_size 100m;
    proxy_http_version 1.1;
    wgw_meter_log_level warn;

    server {
        listen 127.0.0.1:%%HTTP%%;
        include paced.conf;
    }

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        include paced.conf;
    }

    server {
        listen 127.0.0.1:%%H2%%;
        http2 on;
        include paced.conf;
    }

    server {
        listen 127.0.0.1:%%H2TLS%% ssl;
        http2 on;
        include paced.conf;
    }

    server {
        listen 127.0.0.1:%%BACK%%;
        root html;
        client_body_buffer_size 100m;

        location /post { proxy_pass http://127.0.0.1:%%BACK%%/ok; }
        location /ok { return 200 "OK"; }
        location /chunked/ { alias html/; ssi on; ssi_types *; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
    }
}

stream {
    proxy_timeout 300ms;

    server {
        listen 127.0.0.1:%%DOWN%%;
        proxy_timeout 10s;
        wgw_rate keys down rate=500kB/s;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%DOWNTLS%% ssl;
        proxy_timeout 10s;
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        wgw_rate keys downtls rate=500kB/s;
        wgw_meter names downtls;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%UP%%;
        proxy_timeout 10s;
        wgw_rate keys up rate=500kB/s count=received;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%UPTLS%% ssl;
        proxy_timeout 10s;
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        wgw_rate keys uptls rate=500kB/s count=received;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%CAPPED%%;
        proxy_timeout 10s;
        wgw_rate keys capped rate=500kB/s;
        wgw_meter names capped cap=300003 count=sent;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%SLOWDOWN%%;
        wgw_rate keys slowdown rate=1kB/s;
        proxy_pass 127.0.0.1:%%PEER%%;
    }

    server {
        listen 127.0.0.1:%%SLOWUP%%;
        wgw_rate keys slowup rate=1kB/s count=received;
        proxy_pass 127.0.0.1:%%PEER%%;
    }
}
EOC

my $dir = $gw->dir();

spew("$dir/paced.conf", paced());
mkdir "$dir/html";
chmod 0755, "$dir/html";
spew("$dir/html/small", 'SMALL FILE');
spew("$dir/html/slow", 'S' x 7000);
spew("$dir/html/big", 'B' x $size);
spew("$dir/html/part", 'P' x 300_000);
spew("$dir/html/half", 'H' x ($size / 2));
spew("$dir/html/parts", '<!--#include virtual="/sf/half?$args" -->'
                        . '<!--#include virtual="/sf/half?$args" -->');

certificate($dir);
peer($gw->port('PEER'), $dir);
$gw->start();

my $serial = 0;
my $admin = $gw->port('ADMIN');
my $http = $gw->port('HTTP');
my $tls = $gw->port('TLS');


sub paced {
    my $conf = $gw->dir() && <<'EOC';
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        root html;

        wgw_rate keys $arg_k rate=500kB/s;

        location /sf/ { alias html/; sendfile on; }
        location /nosf/ { alias html/; sendfile off; }
        location /aio/ { alias html/; sendfile on; aio threads; }
        location /ssi/ { alias html/; ssi on; ssi_types *; }
        location /chunk/ {
            alias html/; sendfile on; sendfile_max_chunk 16k;
        }
        location /limit/ { alias html/; limit_rate 200k; }
        location /buffered/ { proxy_pass http://127.0.0.1:%%BACK%%/; }
        location /unbuffered/ {
            proxy_pass http://127.0.0.1:%%BACK%%/; proxy_buffering off;
        }
        location /chunked/ {
            proxy_pass http://127.0.0.1:%%BACK%%/chunked/;
        }
        location /upgrade {
            proxy_pass http://127.0.0.1:%%PEER%%;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }

        location /received/ {
            wgw_rate keys $arg_k rate=500kB/s count=received;

            location /received/buffered {
                proxy_pass http://127.0.0.1:%%BACK%%/post;
            }
            location /received/eager {
                proxy_pass http://127.0.0.1:%%BACK%%/post;
                proxy_request_buffering off;
            }
            location /received/discard { return 200 "x"; }
            location /received/upgrade {
                proxy_pass http://127.0.0.1:%%PEER%%;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection upgrade;
            }
        }

        location /both/ {
            wgw_rate keys $arg_k rate=500kB/s count=both;
            proxy_pass http://127.0.0.1:%%PEER%%;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }

        location /two/ {
            wgw_rate keys $arg_k rate=500kB/s;
            wgw_rate keys "all:$arg_k" rate=1m/s;
            alias html/;
        }

        location /burst/ {
            wgw_rate keys $arg_k rate=500kB/s burst=600kB;
            alias html/;
        }

        location /minute/ {
            wgw_rate keys $arg_k rate=30MB/m;
            alias html/;
        }

        location /free/ { wgw_rate off; alias html/; }

        location /dry/ {
            wgw_rate keys $arg_k rate=500kB/s dry_run;
            alias html/;
        }

        location /capped/ {
            wgw_meter names $arg_k cap=$arg_cap count=sent;
            alias html/; sendfile on;

            location /capped/upgrade {
                proxy_pass http://127.0.0.1:%%PEER%%;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection upgrade;
            }
        }

        location /slow/ {
            send_timeout 300ms;
            client_body_timeout 300ms;
            wgw_rate keys $arg_k rate=1kB/s;
            alias html/;

            location /slow/proxied/ {
                proxy_buffering off;
                proxy_pass http://127.0.0.1:%%BACK%%/;
            }
            location /slow/upgrade {
                proxy_pass http://127.0.0.1:%%PEER%%;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection upgrade;
            }
            location /slow/post {
                wgw_rate keys $arg_k rate=1kB/s count=received;
                proxy_pass http://127.0.0.1:%%BACK%%/post;
            }
        }

        location /ten/ {
            wgw_rate keys $arg_k rate=10kB/s;
            alias html/;
        }

        location /refused {
            wgw_rate keys $arg_k rate=1r/m;
            wgw_rate keys $arg_k rate=500kB/s;
            wgw_meter names $arg_k;
            return 200 "ok";

            location /refused/ { alias html/; }
        }
EOC

    $conf =~ s/%%(\w+)%%/$gw->port($1)/ge;

    return $conf;
}


# at_once(JOB ...): runs all of these, and returns what they return; a job is
# CODE for an array of figures, of which the first is how long it took

sub at_once {
    my (@jobs) = @_;

    my @pipes;

    for my $job (@jobs) {
        my $pid = open my $pipe, '-|';
        die "fork: $!" if !defined $pid;

        if (!$pid) {
            my @figures = eval { $job->() };

            diag($@) if $@;
            print join ' ', @figures;
            close STDOUT;
            POSIX::_exit(0);
        }

        push @pipes, $pipe;
    }

    return map { [ split ' ', join '', readline $_ ] } @pipes;
}


# took(SECONDS, EXPECTED, NAME): never less; more on a machine that is busy

sub took {
    my ($seconds, $expected, $name) = @_;

    ok($seconds > $expected * 0.85 && $seconds < $expected * 1.5 + 2,
       "$name: " . sprintf '%.2f of %.2f s', $seconds, $expected)
}


# body(PORT, PATH, OPTIONS): how many bytes of it came

sub body {
    my ($port, $path, %option) = @_;

    my $key = $option{key} // 'key' . ++$serial;
    my $text = request($key, get($path, close => 1, %option));

    return sub {
        my $reply = talk($port, $text, %option);

        $reply->{bytes} =~ s/^.*?\r\n\r\n//s;

        # sizes of chunks are lower case

        return ($reply->{took}, $reply->{bytes} =~ tr/A-Z//);
    };
}


sub h2_body {
    my ($port, $path, %option) = @_;

    my $key = 'key' . ++$serial;

    return sub {
        my $client = Wgw::H2->new($port, %option);
        my $start = time;
        my $stream = $client->request("$path?k=$key");

        $client->run();

        return (time - $start, $stream->{end} ? $stream->{data} : 0);
    };
}


# tunnel(PORT, WORDS, BYTES, OPTIONS): to the peer, after an upgrade of `uri`

sub tunnel {
    my ($port, $words, $bytes, %option) = @_;

    my $text = ($option{uri} ? upgrade("$option{uri}?k=key" . ++$serial)
                             : '')
               . "$words " . 'u' x $bytes;

    return sub {
        my $reply = talk($port, $text, %option);

        $reply->{bytes} =~ s/^HTTP.*?\r\n\r\n//s;

        return ($reply->{took}, $reply->{bytes} =~ /done$/ ? 1 : 0);
    };
}


sub cpu {
    my $ticks = 0;

    for my $pid ($gw->workers()) {
        my @stat = split ' ', slurp("/proc/$pid/stat") =~ s/.*\) //sr;
        $ticks += ($stat[11] // 0) + ($stat[12] // 0);
    }

    return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}


# ---- sent, by all ways there are

{
    my (@names, @jobs);

    for my $port ($http, $tls) {
        my %tls = (tls => $port == $tls);
        my $what = $tls{tls} ? 'TLS, ' : '';

        for my $kind (qw(sf nosf aio chunk buffered unbuffered two minute)) {
            push @names, "$what$kind";
            push @jobs, body($port, "/$kind/big", %tls);
        }

        for my $kind (qw(ssi chunked)) {
            push @names, "$what$kind";
            push @jobs, body($port, "/$kind/"
                             . ($kind eq 'ssi' ? 'parts' : 'big'), %tls);
        }

        push @names, "${what}slow reader";
        push @jobs, body($port, '/sf/big', %tls, slow => 1);
    }

    for my $kind (qw(sf nosf aio buffered unbuffered)) {
        push @names, "HTTP/2, $kind", "HTTP/2, TLS, $kind";
        push @jobs, h2_body($gw->port('H2'), "/$kind/big"),
                    h2_body($gw->port('H2TLS'), "/$kind/big", tls => 1);
    }

    push @names, 'HTTP/2, a small window';
    push @jobs, h2_body($gw->port('H2'), '/sf/big', window => 20_000);

    my @results = at_once(@jobs);

    for my $i (0 .. $#jobs) {
        is($results[$i][1], $size, "$names[$i]: all of it");
        took($results[$i][0], $whole, $names[$i]);
    }
}

{
    my @results = at_once(
        body($http, '/limit/big'), body($http, '/burst/big'),
        body($http, '/free/big'), body($http, '/sf/small'),
        body($http, '/dry/big'),
    );

    is($results[$_][1], $_ == 3 ? 9 : $size, 'all of it') for 0 .. 4;
    cmp_ok($results[0][0], '>', 3, 'limit_rate is slower');
    took($results[1][0], 1, 'a burst');
    cmp_ok($results[$_][0], '<', 0.8, 'no pause') for 2 .. 4;

    like($gw->log(), qr/\[warn\].*limiting bytes, dry run, by zone "keys"/,
         'what a dry run says');
}


# ---- tunnels, and what is received

{
    my @names = ('WebSocket down', 'WebSocket up', 'both', 'TLS, down',
                 'TLS, up', 'TLS, both', 'stream down', 'stream up',
                 'stream, TLS, down', 'stream, TLS, up', 'TLS, slow reader');

    my @jobs = (
        map({
            my @o = (tls => $_ == $tls);
            (tunnel($_, "source $size end", 0, uri => '/upgrade', @o),
             tunnel($_, "sink $size end", $size, uri => '/received/upgrade',
                    @o),
             tunnel($_, 'source ' . $size / 2 . ' sink ' . $size / 2 . ' end',
                    $size / 2, uri => '/both/', @o))
        } $http, $tls),
        tunnel($gw->port('DOWN'), "source $size end", 0),
        tunnel($gw->port('UP'), "sink $size end", $size),
        tunnel($gw->port('DOWNTLS'), "source $size end", 0, tls => 1),
        tunnel($gw->port('UPTLS'), "sink $size end", $size, tls => 1),
        tunnel($tls, "source $size end", 0, uri => '/upgrade', tls => 1,
               slow => 1),
    );

    my @posts = map {
        my $port = $_;
        map { body($port, "/received/$_", method => 'POST',
                   tls => $port == $tls,
                   headers => "Content-Length: $size\r\n",
                   body => 'p' x $size)
        } qw(buffered eager)
    } $http, $tls;

    my @results = at_once(@jobs, @posts);

    for my $i (0 .. $#jobs) {
        ok($results[$i][1], "$names[$i]: all of it");
        took($results[$i][0], $whole, $names[$i]);
    }

    for my $i (@jobs .. @jobs + $#posts) {
        is($results[$i][1], 2, 'a body: answered');
        took($results[$i][0], $whole, 'a body');
    }
}

{
    my $text = request('continue', get('/received/buffered',
        method => 'POST', close => 1,
        headers => "Expect: 100-continue\r\nContent-Length: 5\r\n",
        body => 'hello')) =~ s{/received/buffered}{/buffered/post}r;

    my @warm = at_once((body($http, '/sf/part', key => 'continue')) x 2,
                       sub {
                           sleep 0.3;
                           my $reply = talk($http, $text);
                           return (0, $reply->{bytes} =~ /100 Continue/,
                                   $reply->{bytes} =~ /OK$/);
                       });

    is("@{$warm[2]}", '0 1 1', '100-continue while others wait');
}


# ---- what a key's connections have together

{
    my $key = 'shared';
    my @sockets = map { dial($http) } 1 .. 4;
    my $tls_socket = dial($tls, tls => 1);
    my %got = map { $_ => 0 } @sockets, $tls_socket;
    my $set = IO::Select->new(@sockets, $tls_socket);
    my $start = time;
    my $now = 0;

    write_all($_, request($key, get('/sf/big')))
        for @sockets, $tls_socket;

    while ($now < 2) {
        for my $socket ($tls_socket->pending() ? $tls_socket
                                               : $set->can_read(0.1)) {
            my $n = sysread $socket, my $bytes, 65536;
            $got{$socket} += $n if $n;
        }

        $now = time - $start;
    }

    my $all = 0;
    $all += $_ for values %got;

    my ($least, $most) = (sort { $a <=> $b } values %got)[0, -1];

    took($all / 500_000 - 0.1, $now, 'five connections of a key have one rate');
    cmp_ok($least, '>', $most / 2, "shared fairly: $least, $most");

    my @others = at_once(body($http, '/sf/part'), body($tls, '/sf/part',
                                                       tls => 1));
    took($_->[0], 0.5, 'another key has its own meanwhile') for @others;
}

{
    # whoever waits and goes away leaves its turn to others

    my @sockets = map { dial($http) } 1 .. 40;

    write_all($_, request('gone', get('/ten/part'))) for @sockets;
    sleep 0.5;
    close $_ for @sockets;
    sleep 0.5;

    my ($result) = at_once(body($http, '/ten/small', key => 'gone'));

    is($result->[1], 9, 'after 40 that went away');
    cmp_ok($result->[0], '<', 2, 'their turns are free');
}


# ---- streams of one connection

{
    my ($result) = at_once(sub {
        my $client = Wgw::H2->new($gw->port('H2'));
        my @streams = map { $client->request('/sf/big?k=streams') } 1 .. 3;
        my $free = $client->request('/sf/part?k=other');
        my $start = time;
        my ($ping, $part);

        $client->run(sub {
            $part = time - $start if !$part && $free->{end};
            return time - $start > 1.5;
        });

        my $now = time - $start;
        my $before = time;

        $client->ping();
        $ping = time - $before;

        return ($now, map({ $_->{data} } @streams), $ping, $part // 100,
                $free->{data});
    });

    my ($now, @figures) = @$result;
    my ($least, undef, $most) = sort { $a <=> $b } @figures[0 .. 2];

    took(($figures[0] + $figures[1] + $figures[2]) / 500_000 - 0.1, $now,
         'three streams have one rate');
    cmp_ok($least, '>', $most / 2, "shared fairly: $least, $most");
    cmp_ok($figures[3], '<', 0.5, 'a ping is not delayed');
    is($figures[5], 300_000, 'a stream of another key');
    took($figures[4], 0.5, 'has its own');
}


# ---- together with caps

{
    my $cap = 300_003;

    my @jobs = (
        map({ my $port = $_; my $key = 'cap' . ++$serial;
              sub { talk($port, request($key, get('/capped/big',
                                                  cap => $cap)),
                         tls => $port == $tls) } } $http, $tls),
        map({ my $port = $_; my $key = 'cap' . ++$serial;
              sub { talk($port, upgrade("/capped/upgrade?k=$key&cap=$cap")
                                . 'source 1000000 end ',
                         tls => $port == $tls) } } $http, $tls),
        sub { talk($gw->port('CAPPED'), 'source 1000000 end ') },
        sub {
            my $client = Wgw::H2->new($gw->port('H2'));
            my $start = time;
            my $stream = $client->request("/capped/big?k=h2&cap=$cap");

            $client->run();

            return { received => $stream->{bytes}, took => time - $start };
        },
        (map {
            sub { talk($http, request('capshared',
                                      get('/capped/big', cap => $cap))) }
        } 1 .. 5),
    );

    my @results = at_once(map {
        my $job = $_;
        sub { my $reply = $job->(); @$reply{qw(took received)} }
    } @jobs);
    my $shared = 0;

    for my $result (@results[0 .. 5]) {
        is($result->[1], $cap, 'a cap is met to the byte');
        took($result->[0], 0.5, 'at the rate');
    }

    $shared += $_->[1] for @results[6 .. 10];
    is($shared, $cap, 'so it is by several');

    my $usage = settled($admin, 'capshared', 5);
    is($usage->{sent}, $cap, 'and counted');
}


# ---- pauses longer than timeouts, of idle and of others

{
    my $before = cpu();

    my @results = at_once(
        body($http, '/slow/slow'), body($tls, '/slow/slow', tls => 1),
        body($http, '/slow/proxied/slow'),
        h2_body($gw->port('H2'), '/slow/slow'),
        body($http, '/slow/post', method => 'POST', body => 'p' x 7000,
             headers => "Content-Length: 7000\r\n"),
        tunnel($http, 'source 7000 end', 0, uri => '/slow/upgrade'),
        tunnel($tls, 'source 7000 end', 0, uri => '/slow/upgrade', tls => 1),
        tunnel($gw->port('SLOWDOWN'), 'source 7000 end', 0),
        tunnel($gw->port('SLOWUP'), 'sink 7000 end', 7000),
    );

    is($results[$_][1], 7000, 'whole, in spite of send_timeout') for 0 .. 3;
    is($results[4][1], 2, 'in spite of client_body_timeout');
    ok($results[$_][1], 'in spite of proxy_timeout') for 5 .. 8;
    took($_->[0], 4.2, 'slowly') for @results;

    cmp_ok(cpu() - $before, '<', 0.5, 'nobody spins');
}


# ---- reload and shutdown

{
    my $old = join ' ', sort $gw->workers();
    my @results = at_once(body($http, '/sf/big'), body($http, '/ten/big'),
                          tunnel($http, 'source 9000000 end', 0,
                                 uri => '/upgrade'),
                          sub { sleep 0.5; $gw->reload() });

    is($results[0][1], $size, 'a reload does not cut it');
    took($results[0][0], $whole, 'nor change its rate');

    cmp_ok($results[1][1], '<', 100_000, 'worker_shutdown_timeout does');
    cmp_ok($results[1][0], '<', 7, 'in time');
    cmp_ok($results[2][0], '<', 7, 'also a tunnel');

    ok(wait_for(sub {
        my %now = map { $_ => 1 } children($gw->pid());
        return !grep { $now{$_} } split ' ', $old;
    }), 'the old workers are gone');
}


# ---- refused by a rate of requests: counted as denied

{
    my $before = special($admin, 'denied');

    is(http_get($http, '/refused/small?k=guest')->{status}, 200, 'first');
    my $usage = settled($admin, 'guest', 1);

    my $refused = http_get($http, '/refused/small?k=guest');
    is($refused->{status}, 429, 'second');
    ok($refused->{headers}{'retry-after'}, 'Retry-After');
    is(() = join(' ', %{$refused->{headers}}) =~ /retry-after/gi, 1, 'one');

    my $after;

    wait_for(sub {
        $after = special($admin, 'denied');
        return $after->{requests} > $before->{requests};
    });

    is($after->{requests} - $before->{requests}, 1, 'is denied');
    cmp_ok($after->{sent} - $before->{sent}, '>', 100, 'with its bytes');
    is_deeply(settled($admin, 'guest', 1), $usage, 'and not its key\'s');

    like(slurp("$dir/logs/access.log"), qr/^PASSED,PASSED \/refused\/small\n/m,
         'what the variables say of what passed');
    like(slurp("$dir/logs/access.log"),
         qr/^REJECTED,REJECTED \/refused\/small\n/m, 'what the variables say');
    like(slurp("$dir/logs/access.log"), qr/^-,- \/sf\/big$/m,
         'a rate of bytes says nothing');
}

$gw->stop();

done_testing();
