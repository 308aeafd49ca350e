#!/usr/bin/perl

# The dashboard of tools/grafana: it is what Grafana reads, and each metric in
# it is one that the gateway has, with the labels it asks for.

use warnings;
use strict;

use Test::More;

use Wgw;


my $gw = Wgw->new(<<'EOF');
worker_processes 1;
wgw_meter_zone names keys=100;

events { }

http {
    access_log off;

    server {
        listen 127.0.0.1:%%HTTP%%;
        server_name 127.0.0.1;

        wgw_auth_secret secret;
        wgw_auth_allow any;

        location = /auth { wgw_auth_signin; }
        location = /key { wgw_auth eth; return 204; }
        location / { wgw_meter names $http_x_key cap=100; return 200 "ok\n"; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location = /metrics { wgw_usage prometheus; }
        location /v1/auth { wgw_auth_api; }
    }
}
EOF

spew($gw->dir() . '/secret', 'x' x 44);
chmod 0600, $gw->dir() . '/secret';
$gw->start();

http_get($gw->port('HTTP'), '/', headers => "X-Key: a\r\n") for 1 .. 3;
http_get($gw->port('HTTP'), '/auth', method => 'POST', body => '{}');
http_get($gw->port('HTTP'), '/key');

my $text = join '', map {
    my $reply = http_get($gw->port('ADMIN'), $_);
    ($reply->{headers}{'transfer-encoding'} // '') eq 'chunked'
        ? Wgw::dechunk($reply) : $reply->{body};
} '/metrics', '/v1/auth/metrics';

my $dashboard = json(slurp('tools/grafana/wgw.json'));

ok($dashboard, 'JSON');
is($dashboard->{uid}, 'wgw', 'a dashboard');

my (@missing, %ids, $expressions);

for my $panel (@{ $dashboard->{panels} }) {
    ok(!$ids{ $panel->{id} }++, "panel $panel->{id}: $panel->{title}");
    ok($panel->{gridPos}{x} + $panel->{gridPos}{w} <= 24, 'has its place');

    for my $target (@{ $panel->{targets} // [] }) {
        my $expression = $target->{expr};
        my ($opened, $closed) = map { scalar(() = $expression =~ /$_/g) }
                                '[({[]', '[)}\]]';

        is($opened, $closed, $expression);
        $expressions++;

        while ($expression =~ /\b(wgw_\w+)(?:\{([^}]*)\})?/g) {
            my ($metric, $labels) = ($1, $2 // '');
            my ($sample) = $text =~ /^(\Q$metric\E(?:\{.*\})? \S+)$/m;

            push @missing, $metric if !$sample;

            for my $label ($labels =~ /(\w+)!?=/g) {
                push @missing, "$metric: $label"
                    if ($sample // '') !~ /[{,]$label="/;
            }
        }

        for my $label ($target->{legendFormat} =~ /\{\{(\w+)\}\}/g) {
            push @missing, "legend: $label" if $text !~ /[{,]$label="/;
        }
    }
}

cmp_ok($expressions, '>=', 12, 'with expressions');
is("@missing", '', 'of metrics and labels that are there');

$gw->stop();

done_testing();
