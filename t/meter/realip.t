#!/usr/bin/perl

# Who asks is known when realip has had its say, of a location, too: a key is of
# that address, and what others make of $remote_addr is as without a meter.

use warnings;
use strict;

use Test::More;

use Wgw;


my $gw = Wgw->new(<<'EOT');
wgw_meter_zone names keys=100;
wgw_rate_zone who keys=100;
events { }
http {
    set_real_ip_from 127.0.0.1;
    server {
        listen 127.0.0.1:%%HTTP%%;
        listen 127.0.0.1:%%PROXY%% proxy_protocol;
        wgw_meter names $remote_addr;
        wgw_rate who $remote_addr rate=2r/m burst=1;
        add_header X-Address $remote_addr;
        location / { empty_gif; }
        location /forwarded { empty_gif; real_ip_header X-Forwarded-For; }
        location /proxy { empty_gif; real_ip_header proxy_protocol; }
    }
    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
    }
}
EOT

$gw->start();

my %asked;

for (['/', "X-Real-IP: 192.0.2.1\r\n", '192.0.2.1'],
     ['/forwarded', "X-Forwarded-For: 192.0.2.2\r\n", '192.0.2.2'],
     ['/forwarded', "X-Forwarded-For: 192.0.2.2\r\n", '192.0.2.2'],
     ['/forwarded', "X-Forwarded-For: 192.0.2.3\r\n", '192.0.2.3'],
     ['/forwarded', '', '127.0.0.1'])
{
    my ($path, $headers, $address) = @$_;
    my $reply = http_get($gw->port('HTTP'), $path, headers => $headers);

    is($reply->{status}, 200, "$path by $address");
    is($reply->{headers}{'x-address'}, $address, 'is what others see');
    $asked{$address}++;
}

my $reply = exchange($gw->port('PROXY'), "PROXY TCP4 192.0.2.4 192.0.2.9 1 2\r\n"
                     . "GET /proxy HTTP/1.0\r\nHost: a\r\n\r\n");
like($reply, qr/^X-Address: 192\.0\.2\.4\r$/m, 'by the PROXY protocol');
$asked{'192.0.2.4'}++;

is(http_get($gw->port('HTTP'), '/forwarded',
            headers => "X-Forwarded-For: 192.0.2.2\r\n")->{status}, 429,
   'a rate is of that address, too');

is(usage($gw->port('ADMIN'), $_)->{requests}, $asked{$_}, "$_ is counted")
    for sort keys %asked;

$gw->stop();

done_testing();
