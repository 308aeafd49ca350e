#!/usr/bin/perl

# A cap of a GB, as a user deploys it: nothing moves above it, another name goes
# on, and it is raised and lowered without a restart.  Cases 54, 58 and 60 of
# tf.md.

use warnings;
use strict;

use lib 't/lib';

use Test::More;

use Wgw;
use Wgw::Rmb;


my $probe = Wgw::Rmb::backend('probe');
my $here = $probe->{address};

kill_all($probe->{pid});
plan skip_all => 'this machine has no address but loopback' if !$here;

my $back = Wgw->new(<<'EOF');
events { }
http {
    access_log off;
    sendfile on;
    server { listen 0.0.0.0:%%BACK%%; location / { root html; } }
}
EOF

mkdir $back->dir() . '/html';
spew($back->dir() . '/html/small', 'small');
system('truncate', '-s', '300M', $back->dir() . '/html/big') == 0 or die;
system 'chmod', '-R', 'a+rX', $back->dir() . '/html';
$back->start();

my $grid = Wgw::Rmb->new();
my %id;

$grid->name_contract($_) for qw(capped free);
$grid->start();

for my $name (qw(capped free)) {
    my $d = Wgw::Rmb::deployment(Wgw::Rmb::name_workload($name,
        backends => [ "http://$here:" . $back->port('BACK') ],
        metadata => $name eq 'capped' ? '{"wgw":{"gb_month":1}}' : ''));

    is($grid->deploy($d)->{err}, undef, "$name: deployed");
    is($grid->result($d->{contract_id}, 'ok')->{state}, 'ok', 'ok');
    $id{$name} = $d->{contract_id};
}


# Bytes of an exchange, both ways; what comes is not kept.

sub moved {
    my ($name, $path) = @_;

    my $socket = connect_to($grid->gw->port('HTTP'));
    my $request = "GET $path HTTP/1.1\r\nHost: $name.gw.test\r\n"
                  . "Connection: close\r\n\r\n";
    my $n = length $request;

    syswrite $socket, $request;

    while (my $got = sysread $socket, my $bytes, 1 << 20) {
        $n += $got;
    }

    return $n;
}


sub status {
    return http_get($grid->gw->port('HTTP'), '/small',
                    host => "$_[0].gw.test")->{status};
}


sub told {
    my $row = $grid->call('wgw.usage.get', { contract_id => $id{capped} })
        ->{dat}{workloads}[0];

    return (grep { $_->{zone} eq 'names' } @{$row->{zones}})[0];
}


my $all = 0;

$all += moved('capped', '/big') for 1 .. 3;
cmp_ok($all, '>', 943_000_000, 'three of 300 MiB');

my $usage = told();

is($usage->{sent} + $usage->{received}, $all, 'tf 54: counted to the byte');

my $last = moved('capped', '/big');

cmp_ok($last, '<', 60_000_000, 'tf 58: the next one is cut');
cmp_ok($all + $last, '<=', 1_000_000_000, 'tf 58: nothing moves above the cap');
cmp_ok($all + $last, '>', 990_000_000, 'tf 58: and little is left of it');
is(status('capped'), 429, 'tf 58: then it is refused');
is(status('free'), 200, 'tf 58: another name is not');

$usage = told();
is($usage->{cut}, 1, 'its owner is told what was cut');
is($usage->{cap}, 1_000_000_000, 'and by which cap');

my $limit = sub {
    return $grid->call('wgw.limit.set', { contract_id => $id{capped},
                                          gb_month => $_[0] })->{bytes};
};

is($limit->(2), 'null', 'raised');
ok(wait_for(sub { status('capped') == 200 }), 'tf 60: it flows, without a restart');
cmp_ok(moved('capped', '/big'), '>', 314_000_000, 'tf 60: whole');
is($limit->(1), 'null', 'lowered, below what was used');
ok(wait_for(sub { status('capped') == 429 }), 'tf 60: it stops');
is($limit->(0), 'null', 'taken off');
ok(wait_for(sub { status('capped') == 200 }), 'tf 60: there is none');

$grid->gw->expect(qr/over its cap|cap of/);
$grid->stop();
$back->stop();

done_testing();
