#!/usr/bin/perl

# make chaos: load of all kinds while the gateway is reloaded, upgraded and
# killed, in part and whole; then the table is compared with what the clients
# counted.
#
# A client uses a new key every second.  A request is sure when it ended well
# and nothing was killed shortly before its end or after; where all requests
# of a key are sure, the key's figures are those of the client, to the byte.
# Others have bounds: no more than what could have been sent, no less than
# what is left when the last second and a MiB of each transfer are lost.

use warnings;
use strict;

use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Bytes qw(get dial write_all talk peer);
use Wgw::H2;


my $seconds = $ENV{CHAOS_SECONDS} || 300;

# what a kill may still take with it: until a session's end is seen, and what
# leaves in the instant before it is counted
my ($late, $early) = (0.5, 0.02);

# a kill loses at most so much of a transfer
my ($lost_seconds, $lost_bytes) = (1.5, 1048576);

srand($ENV{CHAOS_SEED} || time);

my $modules = $ENV{CHAOS_MODULES};
my $gw = Wgw->new(<<'EOF', $modules ? (modules => [ glob $modules ]) : ());
worker_processes 2;
pid logs/nginx.pid;
wgw_meter_zone names file=names.wgw keys=200000;

events { worker_connections 1000; }

http {
    client_body_buffer_size 16k;
    proxy_http_version 1.1;
    keepalive_requests 1000000;

    server {
        listen 127.0.0.1:%%HTTP%%;
        root html;

        wgw_meter names $arg_k;

        location /return { return 200 "0123456789"; }
        location /cap {
            wgw_meter names $arg_k cap=100000000000;
            alias html/file;
        }
        location /post { proxy_pass http://127.0.0.1:%%BACK%%/; }
        location /long { alias html/mib; limit_rate 300k; }
        location /upgrade {
            proxy_pass http://127.0.0.1:%%PEER%%;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }
    }

    server {
        listen 127.0.0.1:%%H2%%;
        http2 on;
        root html;
        wgw_meter names $arg_k cap=100000000000;
    }

    server {
        listen 127.0.0.1:%%BACK%%;
        location / { return 200 "ok"; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
    }
}

stream {
    server {
        listen 127.0.0.1:%%STREAM%%;
        wgw_meter names stream-$remote_port;
        proxy_pass 127.0.0.1:%%PEER%%;
    }
}
EOF

my $dir = $gw->dir();
my $port = $gw->port('HTTP');

mkdir "$dir/html";
chmod 0755, "$dir/html";
spew("$dir/html/file", 'f' x 100_000);
spew("$dir/html/mib", 'm' x 1048576);
mkdir "$dir/clients";

$gw->expect(qr/exited on signal 9/);
peer($gw->port('PEER'), $dir);
$gw->start();

my $end = time + $seconds;
my %clients;
my %kinds = (h1 => 3, h2 => 2, ws => 2, long => 2, stream => 1);

for my $kind (sort keys %kinds) {
    for my $n (1 .. $kinds{$kind}) {
        my $pid = fork;
        die "fork: $!" if !defined $pid;

        if (!$pid) {
            client($kind, $n);
            POSIX::_exit(0);
        }

        $clients{$pid} = "$kind-$n";
    }
}

my (@kills, %done);

while (time < $end) {
    sleep 0.5 + rand 2;

    my $what = (qw(reload reload reload worker worker upgrade all))[rand 7];

    $done{$what}++;
    main->can($what)->();
}

waitpid $_, 0 for keys %clients;
sleep 1.5;

# what is left open now ends well, by the last of the signals

my $last = $gw->pid();
my $child = waitpid($last, WNOHANG) >= 0;

kill 'QUIT', $last;
ok(wait_for(sub { ($child ? waitpid($last, WNOHANG) : 0) == $last
                  || !alive($last) }), 'the gateway quits');
delete $gw->{pid};
$gw->start();
diag(join ', ', map { "$done{$_} $_" } sort keys %done);
compare();
$gw->stop('QUIT');

done_testing();


# ---- what happens to the gateway

sub reload { kill 'HUP', $gw->pid() }


sub killed {
    my ($code) = @_;

    my $from = time;

    $code->();
    push @kills, [ $from, time ];
}


sub worker {
    my @workers = $gw->workers();

    killed(sub { kill 'KILL', $workers[rand @workers] }) if @workers;
}


sub all {
    killed(sub { $gw->kill() });
    wait_for(sub { !connect_to($port) });
    $gw->start();
}


sub upgrade_done {
    my ($old) = @_;

    kill 'QUIT', $old;
    wait_for(sub { waitpid($old, WNOHANG) == $old || !alive($old) }, 30);
}


sub upgrade {
    my $old = $gw->pid();
    my $read = sub { (slurp("$dir/logs/$_[0]") =~ /(\d+)/)[0] // 0 };

    kill 'USR2', $old;

    my $new = wait_for(sub {
        my $pid = $read->('nginx.pid');
        return $pid != $old && $read->('nginx.pid.oldbin') && $pid;
    }, 10) or return;

    wait_for(sub { children($new) >= 2 }, 10);
    sleep rand 1;
    upgrade_done($old);
    $gw->{pid} = $new;
}


# ---- clients: each writes what it counted

sub client {
    my ($kind, $n) = @_;

    srand($n + ord $kind);
    $SIG{ALRM} = 'DEFAULT';
    alarm $seconds + 60;

    open my $log, '>', "$dir/clients/$kind-$n" or die $!;
    my $state = { };

    while (time < $end) {
        my $key = "$kind-$n-" . int time;
        my $start = time;
        my ($ok, $sent, $received, $most, $own) = eval {
            main->can("client_$kind")->($state, $key);
        };

        if (!defined $ok) {
            ($ok, $sent, $received, $most) = (0, 0, 0, 0);
            delete $state->{socket};
            delete $state->{client};
            sleep 0.02;
        }

        # nothing was sent: there was no connection

        next if !$most;

        printf $log "%s %d %.6f %.6f %d %d %d\n", $own // $key, $ok, $start,
                    time, $sent, $received, $most;
    }

    close $log;
}


# One exchange on a kept connection.  Returns 1 if it ended well, the bytes
# sent and received, the most it can have been, both ways, and the key, where
# that is another.

sub client_h1 {
    my ($state, $key) = @_;

    $state->{socket} ||= dial($port);

    my $text = (
        Wgw::Bytes::request($key, get('/return')),
        Wgw::Bytes::request($key, get('/cap')),
        Wgw::Bytes::request($key, get('/post', method => 'POST',
            headers => "Content-Length: 20000\r\n", body => 'p' x 20_000)),
    )[rand 3];

    return exchange_on($state, $text, 120_000);
}


sub client_long {
    my ($state, $key) = @_;

    $state->{socket} ||= dial($port);

    return exchange_on($state, Wgw::Bytes::request($key, get('/long')),
                       1_060_000);
}


sub exchange_on {
    my ($state, $text, $most) = @_;

    my $socket = $state->{socket};
    my ($answer, $length) = ('');

    $most += length $text;
    write_all($socket, $text);

    while (!defined $length || length $answer < $length) {
        my $n = sysread $socket, $answer, 65536, length $answer;

        if (!$n) {
            delete $state->{socket};
            return (0, length $text, length $answer, $most);
        }

        if (!defined $length && $answer =~ /^(.*?\r\n\r\n)/s) {
            $length = length($1) + ($1 =~ /Content-Length: (\d+)/i)[0];
        }
    }

    my $close = $answer =~ /^[^\n]*\r\n(?:[^\r\n]+\r\n)*Connection: close/i;

    delete $state->{socket} if $close;

    return (1, length $text, length $answer, $most);
}


sub client_h2 {
    my ($state, $key) = @_;

    my $client = $state->{client} ||= Wgw::H2->new($gw->port('H2'));
    my @streams = map { $client->request("/file?k=$key") } 1 .. 3;

    $client->run();

    my ($ok, $sent, $received) = (1, 0, 0);

    for my $stream (@streams) {
        $ok &&= $stream->{end};
        $sent += $stream->{block};
        $received += $stream->{bytes};
    }

    # a connection that goes away says so; streams after that do not count

    delete $state->{client} if !$ok || $client->{goaway};
    $client->{streams} = { };

    return ($ok ? 1 : 0, $sent, $received, $sent + 3 * 102_000);
}


sub client_ws {
    my ($state, $key) = @_;

    my $head = Wgw::Bytes::upgrade("/upgrade?k=$key");
    my $size = 1 + int rand 3_000_000;
    my $text = $head . "source $size sink 50000 end " . 'u' x 50_000;
    my $got = talk($port, $text);

    return ($got->{bytes} =~ /\.\.done\z/ ? 1 : 0, $got->{sent},
            $got->{received}, length($text) + $size + 1000);
}


sub client_stream {
    my ($state, $key) = @_;

    my $size = 1 + int rand 3_000_000;
    my $text = "source $size sink 50000 end " . 'u' x 50_000;
    my $got = talk($gw->port('STREAM'), $text);

    return ($got->{bytes} =~ /\.\.done\z/ ? 1 : 0, $got->{sent},
            $got->{received}, length($text) + $size + 1000,
            "stream-$got->{port}");
}


# ---- figures

sub sure {
    my ($from, $to) = @_;

    return !grep { $_->[1] > $to - $early && $_->[0] < $to + $late } @kills;
}


sub compare {
    my (%keys, %sum);

    for my $file (glob "$dir/clients/*") {
        for my $line (split /\n/, slurp($file)) {
            my ($key, $ok, $start, $to, $sent, $received, $most)
                = split ' ', $line;
            my $k = $keys{$key} ||= { sure => 1, bytes => 0, least => 0,
                                      most => 0, n => 0 };
            my $bytes = $sent + $received;

            $k->{n}++;

            if ($ok && sure($start, $to)) {
                $k->{bytes} += $bytes;
                $k->{least} += $bytes;
                $k->{most} += $bytes;
                $k->{sent} += $sent;
                $k->{received} += $received;
                next;
            }

            my $took = $to - $start || 1;
            my $lost = $lost_bytes + $bytes / $took * $lost_seconds;

            $k->{sure} = 0;
            $k->{least} += $bytes - $lost if $bytes > $lost && $took > 2;
            $k->{most} += $most;
        }
    }

    for my $key (sort keys %keys) {
        my $k = $keys{$key};
        my $usage = usage($gw->port('ADMIN'), $key)
                    // { sent => 0, received => 0, requests => 0 };
        my $counted = $usage->{sent} + $usage->{received};

        if ($k->{sure}) {
            $sum{sure}++;
            $sum{requests} += $k->{n};
            $sum{bytes} += $k->{bytes};

            if ($usage->{sent} != $k->{received}
                || $usage->{received} != $k->{sent})
            {
                $sum{wrong}++;
                diag("$key: sent $usage->{sent}, not $k->{received}; "
                     . "received $usage->{received}, not $k->{sent}");
            }

        } else {
            $sum{unsure}++;

            if ($counted < $k->{least} || $counted > $k->{most}) {
                $sum{beyond}++;
                diag("$key: $counted, not $k->{least} to $k->{most}");
            }
        }
    }

    diag(sprintf '%d keys with %d exchanges, %.0f MB, all sure; %d others, '
                 . '%d kills', $sum{sure}, $sum{requests}, $sum{bytes} / 1e6,
         $sum{unsure} // 0, scalar @kills);

    cmp_ok($sum{sure} // 0, '>', $seconds, 'there was load');
    is($sum{wrong} // 0, 0, 'finished requests are all there, none twice');
    is($sum{beyond} // 0, 0, 'what was killed is within the bounds');
}
