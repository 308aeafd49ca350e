#!/usr/bin/perl

# The example of README, beside a default site as Debian has one, and what
# its backends get (field 11.25); nginx.conf.example says the same to them.

use warnings;
use strict;

use Test::More;

use Wgw;
use Wgw::Tls;


my $readme = slurp('README.md');

my ($example) = $readme =~ /^<!-- conf: whole gateway -->\n\n((?: {4}.*\n|\n)+)/m;
my $conf = ($example // '') =~ s/^    //gmr;

sub headers { return [ sort map { s/\s+/ /gr } $_[0]
                       =~ /^\s*(proxy_set_header\s+\S+\s+\S+;)/mg ] }

my ($gateway) = slurp('nginx.conf.example')
    =~ /^( {4}server \{\n {8}listen  8080;.*?^ {4}\})/ms;

is_deeply(headers($conf), headers($gateway),
          'field 11.25 README and nginx.conf.example send the same');
ok($gateway =~ /server_name\s+""\s+~\.;/ && $conf =~ /server_name\s+""\s+~\.;/,
   'field 11.25 and answer to any name');


# README's, with other ports and paths, and beside it a site of another's

my $gw = Wgw->new('');
my $dir = $gw->dir();

$conf =~ s/^\s*(user|pid|include|error_log|access_log) .*\n//mg;
$conf =~ s/listen\s+80;/listen 127.0.0.1:%%HTTP%%;/;
$conf =~ s/listen\s+\[::\]:80;/listen [::1]:%%HTTP%%;/;
$conf =~ s/listen\s+443;/listen 127.0.0.1:%%TLS%%;/;
$conf =~ s/listen\s+\[::\]:443;/listen [::1]:%%TLS%%;/;
$conf =~ s/:8444/:%%INNER%%/g;
$conf =~ s/:8642/:%%ADMIN%%/g;
$conf =~ s{/var/lib/wgw/}{}g;
$conf =~ s{/etc/nginx/wgw/gw1}{gateway}g;
$conf =~ s/domain=gw1\.example;/domain=gw1.example allow_loopback;/;
$conf =~ s{# include\s+/etc/nginx/sites-enabled/\*;.*}{
    access_log off;

    server {
        listen 127.0.0.1:%%HTTP%% default_server;
        listen [::1]:%%HTTP%% default_server;
        server_name _;
        return 200 "the default site\\n";
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name other.example;
        return 200 "another site\\n";
    }

    server {
        listen 127.0.0.1:%%BACKEND%%;
        return 200 "\$http_host|\$http_x_forwarded_host|\$http_x_forwarded_port|\$http_x_forwarded_for|\$http_x_forwarded_proto|\$http_upgrade|\$http_connection|\$http_forwarded\\n";
    }
};

certificate($dir, 'gateway');
$gw->configure("worker_processes 1;\n$conf");
$gw->start();

my ($http, $tls) = map { $gw->port($_) } qw(HTTP TLS);

put_name($gw, 'hello', { backends => [ 'http://127.0.0.1:'
                                       . $gw->port('BACKEND') ] });

sub seen {
    my ($host, $headers) = @_;

    return http_get($http, '/', host => $host, headers => $headers)->{body};
}

my $name = 'hello.gw1.example';

is(seen("$name:$http"),
   "$name:$http|$name:$http|$http|127.0.0.1|http|||\n",
   'field 11.25 Host with its port');
is(seen($name), "$name|$name|$http|127.0.0.1|http|||\n",
   'field 11.25 and without one');
is(seen("$name:$http", "X-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\n"
                       . "X-Forwarded-Host: evil\r\n"),
   "$name:$http|$name:$http|$http|127.0.0.1|http|||\n",
   'field 11.25 nothing of what the client says of itself');
like(seen($name, "Upgrade: WebSocket\r\n"), qr/\|websocket\|upgrade\|$/,
     'field 11.25 a WebSocket');
like(seen($name, "Upgrade: $_\r\n"), qr/\|\|\|$/, "field 11.25 no $_")
    for 'h2c', 'tls/1.0', 'websocket, h2c', 'websocket-x';

like(http_request($http, "GET http://$name:81/ HTTP/1.1\r\nHost: x:1\r\n"
                         . "Connection: close\r\n\r\n")->{body},
     qr/^\Q$name:81|$name:81|\E/, 'field 11.25 the host of the request line');
is(http_request($http, "GET http://x/ HTTP/1.1\r\nHost: $name\r\n"
                       . "Connection: close\r\n\r\n")->{status}, 404,
   'which is the one that is looked up');

like(curl('-k', '--resolve', "$name:$tls:127.0.0.1", "https://$name:$tls/")
     ->{body}, qr/^\Q$name:$tls|$name:$tls|$tls|127.0.0.1|https|\E/,
     'field 11.25 by TLS');
like(curl('-k', '--http1.1', '--resolve', "$name:$tls:[::1]",
          "https://$name:$tls/")->{body}, qr/^\Q$name:$tls|\E/, 'and IPv6');


# ---- beside the default site

is(http_get($http, '/', host => 'unknown.example')->{status}, 404,
   'field 11.25 a name that nobody has is the gateway\'s');
is(http_get($http, '/', host => 'unknown.example', address => '::1')
   ->{status}, 404, 'field 11.25 by IPv6 too');
is(http_request($http, "GET / HTTP/1.0\r\n\r\n")->{status}, 404,
   'field 11.25 and none at all');
is(seen('other.example'), "another site\n", 'another site has its own');

$gw->stop();

done_testing();
