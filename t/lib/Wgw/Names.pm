package Wgw::Names;

# Gateways whose names are a fleet's, and what tests of these ask of them.

use warnings;
use strict;

use base 'Exporter';
our @EXPORT_OK = qw(alike at bulk change everywhere gateway get line metric
                    names on served told);

use JSON::PP ();
use Test::More ();

use Wgw;


# gateway(NAME, FLEET [, MORE ...]): `MORE` are parameters of wgw_names.

sub gateway {
    my ($name, $fleet, @more) = @_;

    my $gw = Wgw->new(<<"EOF");
worker_processes 2;
wgw_fleet $fleet node=$name;
wgw_names names domain=gw.test follow @more;

events { worker_connections 512; }

http {
    access_log off;
    keepalive_timeout 0;

    server {
        listen 127.0.0.1:%%ADMIN%%;

        location /v1/names { wgw_api; }
        location /metrics { wgw_usage prometheus; }
    }

    server {
        listen 127.0.0.1:%%HTTP%% reuseport;

        location / { wgw_route; return 200 "\$wgw_backend \$wgw_life\n"; }
    }
}
EOF

    return $gw;
}


# A backend, by a number; the record that has it; and a line of bulk(), by the
# name's number and the backend's.

sub at { return "192.0.2.$_[0]:80" }
sub on { return { backends => [ 'http://' . at($_[0]) ] } }


sub line {
    my ($i, $last) = @_;

    return sprintf "{\"name\":\"n%d\",\"backends\":[\"http://192.0.2.%d\"]}\n",
                   $i, $last;
}


# change(GATEWAY, METHOD, NAME, RECORD): the status

sub change {
    my ($gw, $method, $name, $record) = @_;

    my %body = $record ? (body => JSON::PP->new->canonical->encode($record))
                       : ();

    return Wgw::http_get($gw->port('ADMIN'), "/v1/names/$name",
                         method => $method, %body)->{status};
}


sub bulk {
    my ($gw, $lines, $query) = @_;

    return Wgw::http_get($gw->port('ADMIN'), '/v1/names' . ($query // ''),
                         method => 'POST', body => $lines, timeout => 120,
                         headers => "Content-Type: application/x-ndjson\r\n");
}


sub get {
    my ($gw, $name) = @_;

    my $reply = Wgw::http_get($gw->port('ADMIN'), "/v1/names/$name");

    return $reply->{status} == 200 ? Wgw::json($reply->{body}) : { };
}


# served(GATEWAY, NAME): by which backend, or the status that is not 200

sub served {
    my ($gw, $name) = @_;

    my $reply = Wgw::http_get($gw->port('HTTP'), '/', host => "$name.gw.test");

    return $reply->{status} if $reply->{status} != 200;
    return (split ' ', $reply->{body})[0];
}


# everywhere(GATEWAYS, NAME, EXPECTED [, SECONDS]): served so by all in the end

sub everywhere {
    my ($gateways, $name, $expected, $seconds) = @_;

    my @got;

    my $all = wait_for(sub {
        @got = map { served($_, $name) } @$gateways;
        return @$gateways == grep { $_ eq $expected } @got;
    }, $seconds);

    Test::More::diag("$name: @got") if !$all;

    return $all;
}


# All its records, a line each, without what is each machine's own. As text: of
# 100,000 records that is a hundred times faster.

sub names {
    my ($gw) = @_;

    my ($after, $all) = ('', '');

    while (defined $after) {
        my $text = Wgw::dechunk(Wgw::http_get($gw->port('ADMIN'),
            '/v1/names?limit=1000' . ($after && "&after=$after")));

        $text =~ s/^\{"names":\[// or return 'none';
        $after = $text =~ s/\],"next":(?:null|"(.*)")\}\n$// ? $1 : undef;

        $text =~ s/,"served":false\}/}/g;
        $text =~ s/\},\{"name":/}\n{"name":/g;
        $all .= ($all ne '' && $text ne '' ? "\n" : '') . $text;
    }

    return $all;
}


# alike(GATEWAYS [, SECONDS]): they have the same records in the end

sub alike {
    my ($gateways, $seconds) = @_;

    return wait_for(sub {
        my %sets = map { names($_) => 1 } @$gateways;
        return 1 == keys %sets;
    }, $seconds);
}


sub metric {
    my ($gw, $name) = @_;

    my $text = Wgw::dechunk(Wgw::http_get($gw->port('ADMIN'), '/metrics'));

    return $text =~ /^wgw_fleet_names_$name (\d+)$/m ? $1 : -1;
}


# told(GATEWAYS [, SECONDS]): all have told, and heard, what there was

sub told {
    my ($gateways, $seconds) = @_;

    return wait_for(sub {
        return !grep { metric($_, 'outbox') != 0
                       || metric($_, 'lag_milliseconds') > 300 } @$gateways;
    }, $seconds);
}

1;
