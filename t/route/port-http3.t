#!/usr/bin/perl

# HTTP/3 on UDP beside the TLS port on TCP, for the same names.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Tls;


my $gw = Wgw->new(<<'EOF');
worker_processes 2;
wgw_names names domain=gw.test address=192.0.2.1 address=127.0.0.2
          allow_loopback;

events { worker_connections 1024; }

http {
    access_log off;
    ssl_certificate gateway.crt;
    ssl_certificate_key gateway.key;

    upstream wgw { wgw_backend; }

    server {
        listen 127.0.0.1:%%TLS%% quic reuseport;
        listen %%ANY%% quic reuseport;
        listen 127.0.0.1:%%INNER%% quic;
        listen 127.0.0.1:%%INNER%% ssl;
        wgw_route;
        add_header Alt-Svc 'h3=":%%TLS%%"';

        location / {
            return 200 "$wgw_name $server_protocol $remote_addr $server_port $wgw_owner\n";
        }

        location /proxied {
            proxy_pass $wgw_scheme://wgw;
            proxy_set_header Host $host;
        }

        location /file { alias file; limit_rate 1000; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
    }

    server {
        listen 127.0.0.1:%%BACKEND%%;
        location / { return 200 "backend $host $request_method\n"; }
    }
}

stream {
    server {
        listen 127.0.0.1:%%TLS%%;
        wgw_route offload=127.0.0.1:%%INNER%%;
        proxy_pass $wgw_backend;
    }
}
EOF

my (undef, $built) = $gw->run('-V');

plan(skip_all => 'nginx before 1.25 has no HTTP/3')
    if $built !~ /--with-http_v3_module/;
plan(skip_all => 'no gtlsclient (package ngtcp2-client)')
    if !grep { -x "$_/gtlsclient" } split /:/, $ENV{PATH};

my $dir = $gw->dir();

certificate($dir, 'gateway');
spew("$dir/file", 'x' x 100000);
mkdir "$dir/got";

$gw->start();

my $tls = $gw->port('TLS');
my $backend = '127.0.0.1:' . $gw->port('BACKEND');

put_name($gw, 'web', { backends => [ "http://$backend" ], owner => '42' });
put_name($gw, 'two', { backends => [ "http://$backend" ] });
put_name($gw, 'rest', { backends => [ "http://$backend" ],
                        state => 'paused' });
put_name($gw, 'away', { backends => [ "http://$backend" ],
                        addresses => [ '192.0.2.1' ] });
put_name($gw, 'here', { backends => [ "http://$backend" ],
                        addresses => [ '127.0.0.2' ] });
put_name($gw, 'pass', { backends => [ $backend ], tls_passthrough => true });

# The status, and the body, of one request.  The client's SNI is "localhost"
# whatever the name is.

sub h3 {
    my ($host, $path, $address, $port) = @_;

    $address ||= '127.0.0.1';
    $port ||= $tls;

    unlink glob "$dir/got/*";

    open my $pipe, '-|', "timeout 10 gtlsclient --no-quic-dump --no-http-dump"
        . " --timeout=5s --exit-on-all-streams-close --download=$dir/got"
        . " $address $port https://$host$path 2>&1"
        or die "gtlsclient: $!";
    my $output = do { local $/; <$pipe> } // '';
    close $pipe;

    my ($status) = $output =~ /\[:status: (\d+)\]/;
    my ($file) = glob "$dir/got/*";

    diag($output) if !$status;

    return (($status || 0) . ' ' . ($file ? slurp($file) : ''), $output);
}

my $port = $gw->port('TLS');

is((h3('web.gw.test', '/x'))[0],
   "200 web.gw.test HTTP/3.0 127.0.0.1 $port 42\n", 'variables');
is((h3('web.gw.test', '/proxied'))[0],
   "200 backend web.gw.test GET\n", 'to the backend');
is((h3('two.gw.test', '/x'))[0],
   "200 two.gw.test HTTP/3.0 127.0.0.1 $port \n",
   'another name of that certificate');

like((h3('none.gw.test', '/x'))[0], qr/^404 /,
     'tf 40: an unknown name');
like((h3('pass.gw.test', '/x'))[0], qr/^421 /,
     'tf 46: Host of a passthrough name, and another SNI');
like((h3('rest.gw.test', '/x'))[0], qr/^503 /,
     'a paused name');
like((h3('away.gw.test', '/x'))[0], qr/^404 /,
     'tf 27: not on this address');

my $any = $gw->port('ANY');

is((h3('here.gw.test', '/proxied', '127.0.0.2', $any))[0],
   "200 backend here.gw.test GET\n",
   'tf 27: on this one, of all that are listened on');
like((h3('here.gw.test', '/proxied', '127.0.0.1', $any))[0], qr/^404 /,
     'and no other');


# ---- TCP on the same port

my $client = client($tls, 'web.gw.test');

print $client "GET /x HTTP/1.1\r\nHost: web.gw.test\r\n"
    . "Connection: close\r\n\r\n";

my $answer = join '', <$client>;

like($answer, qr/^Alt-Svc: h3=":$tls"\r$/m, 'TCP says where HTTP/3 is');
like($answer, qr/^web\.gw\.test HTTP\/1\.1 127\.0\.0\.1 $port 42$/m,
     'pitfalls B10: and goes to the TCP listener of two at that address');


# ---- changes

put_name($gw, 'new', { backends => [ "http://$backend" ] });
is((h3('new.gw.test', '/proxied'))[0],
   "200 backend new.gw.test GET\n", 'a new name');

my $pid = fork;
die 'fork' if !defined $pid;

if (!$pid) {
    sleep 1.5;
    http_get($gw->port('ADMIN'), '/v1/names/web?close=true',
             method => 'DELETE');
    POSIX::_exit(0);
}

my (undef, $output) = h3('web.gw.test', '/file');

waitpid $pid, 0;
my ($file) = glob "$dir/got/*";
cmp_ok(-s $file, '>', 0, 'a download');
cmp_ok(-s $file, '<', 100000, 'is cut by close=true');

$gw->reload();
is((h3('two.gw.test', '/proxied'))[0],
   "200 backend two.gw.test GET\n", 'after a reload');

$gw->stop();

done_testing();
