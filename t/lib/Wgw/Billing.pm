package Wgw::Billing;

# A gateway that counts hours, a chain, and wgw-grid that tells the one to the
# other, as node 21 of farm 5 of twin 11.
#
#     my $all = Wgw::Billing->new();
#     my ($gw, $chain, $grid) = @$all{qw(gw chain grid)};
#     $all->hour($start, ['"key":"","class":"unknown"', 1000], ...);

use warnings;
use strict;

use POSIX 'strftime';

use Wgw;
use Wgw::Chain;
use Wgw::Grid;


my $conf = <<"EOT";
wgw_names names domain=gw.test;
wgw_meter_zone hours file=hours keys=1000 window=hour archive=archive;

events { worker_connections 256; }

http {
    access_log off;

    $Wgw::Grid::Admin

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        wgw_meter hours \$wgw_name;
        location / { return 200 "hello\\n"; }
        location /file { root html; limit_rate 100k; }
    }
}
EOT


sub new {
    my ($class) = @_;

    my $gw = Wgw->new($conf);

    $gw->start();

    my $chain = Wgw::Chain->new();

    $chain->twin(11, $Wgw::Grid::Sr25519);
    $chain->farm(5, 11);
    $chain->node(21, 5, 11, domain => 'gw.test', ip4 => '203.0.113.10/24');

    return bless {
        gw => $gw, chain => $chain,
        grid => Wgw::Grid->new('--farm', 5, '--chain', $chain->url(),
            '--redis', 'redis://127.0.0.1:' . free_port(), '--admin',
            'http://127.0.0.1:' . $gw->port('ADMIN'), '--dns-file',
            '/dev/null'),
    }, $class;
}


# The archive's hour that begins then: lines of [MEMBERS (JSON), BYTES SENT].

sub hour {
    my ($self, $start, @lines) = @_;

    my ($from, $to) = map { strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_) }
        $start, $start + 3600;
    my $text = join '', map {
        qq({"zone":"hours",$_->[0],"start":"$from","end":"$to",)
        . qq("sent":$_->[1],"received":0}\n)
    } @lines;

    my $path = $self->archive($start);

    spew("$path.new", $text);
    chmod 0644, "$path.new";
    rename "$path.new", $path or die "$path: $!";

    return;
}


# Where that hour is.

sub archive {
    my ($self, $start) = @_;

    return $self->{gw}->dir() . '/archive/hours-'
        . strftime('%Y%m%dT%H%M%SZ', gmtime $start) . '.ndjson';
}


1;
