#!/usr/bin/perl

# Traffic while deployments change: what is open goes on to its end on the old
# backend, nothing of another workload fails, and a chosen address is the only
# one that answers.

use warnings;
use strict;

use lib 't/lib';

use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Rmb;

my $grid = Wgw::Rmb->new();
my $finish = $grid->dir() . '/finish';
my $old = Wgw::Rmb::backend('old', $finish);

if (!$old->{address}) {
    kill_all($old->{pid});
    plan skip_all => 'this machine has no address but loopback';
}

my $new = Wgw::Rmb::backend('new', $finish);

$grid->name_contract($_) for qw(shop more);
$grid->start();

my $port = $grid->gw->port('HTTP');
my $d = Wgw::Rmb::deployment(
    Wgw::Rmb::name_workload('shop', backends => [ $old->{url} ]));

$grid->deploy($d);
is($grid->result($d->{contract_id}, 'ok')->{state}, 'ok', 'deployed');
like(ask('/'), qr/^old shop\.gw\.test$/m, 'served, with its Host');


# ---- one more workload, under requests

my $load = load();

sleep 0.5;
$d->{version} = 1;
push @{$d->{workloads}}, Wgw::Rmb::name_workload('more', version => 1);
is($grid->deploy($d, update => 1)->{err}, undef, 'tf 20: one more');
is($grid->settled($d->{contract_id}, 'ok')->{version}, 1, 'tf 20: version 1');

# and without it again
$d->{version} = 2;
pop @{$d->{workloads}};
is($grid->deploy($d, update => 1)->{err}, undef, 'tf 22: one less');
ok(wait_for(sub { !$grid->record('more') }), 'tf 22: gone');
sleep 0.5;


# ---- in place, with a transfer that is under way

my $slow = connect_to($port);

print {$slow} "GET /slow HTTP/1.1\r\nHost: shop.gw.test\r\n"
    . "Connection: close\r\n\r\n";
$slow->flush();
like(exchange(0, '', socket => $slow, until => qr/shop\.gw\.test\n/), qr/^old/m,
     'a transfer on the old backend');

$d->{version} = 3;
$d->{workloads}[0]{version} = 3;
$d->{workloads}[0]{data}{backends} = [ $new->{url} ];
is($grid->deploy($d, update => 1)->{err}, undef, 'tf 23: in place');
ok(wait_for(sub { ask('/') =~ /^new/m }), 'tf 23: the new backend');

my ($requests, $failed) = $load->();

cmp_ok($requests, '>', 20, 'there were requests all the time');
is($failed, 0, 'tf 20, 22, 23: and none failed');

spew($finish, '');
like(exchange(0, '', socket => $slow), qr/end\.$/,
     'tf 23: the transfer went on to its end');


# ---- an address

$d->{version} = 4;
$d->{workloads}[0]{version} = 4;
$d->{workloads}[0]{metadata} = '{"wgw":{"ip":"203.0.113.11"}}';
is($grid->deploy($d, update => 1)->{err}, undef, 'tf 27: an address');
is($grid->settled($d->{contract_id}, 'ok')->{version}, 4, 'ok');
is(http_get($port, '/', host => 'shop.gw.test')->{status}, 404,
   'tf 27: on another one it is unknown');


# ---- a gateway that hangs, then is there again

my @workers = $grid->gw->workers();

CORE::kill 'STOP', @workers;

my $other = Wgw::Rmb::deployment(Wgw::Rmb::name_workload('more'));

is($grid->deploy($other)->{err}, undef, 'deployed while the gateway hangs');
sleep 1;
is($grid->result($other->{contract_id}, 'init', seconds => 2)->{state}, 'init',
   'it waits');
CORE::kill 'CONT', @workers;
is($grid->result($other->{contract_id}, 'ok', seconds => 40)->{state}, 'ok',
   'then it is ok');

kill_all($_->{pid}) for $old, $new;
$grid->stop();

done_testing();


sub ask { return http_get($port, $_[0], host => 'shop.gw.test')->{raw} }


# Requests by a process of its own, until they are counted.

sub load {
    my $dir = $grid->dir();
    my $pid = fork // die "fork: $!";

    if (!$pid) {
        my ($n, $bad) = (0, 0);

        until (-e "$dir/enough") {
            $bad++ if http_get($port, '/', host => 'shop.gw.test')->{status}
                      != 200;
            $n++;
            sleep 0.01;
        }

        spew("$dir/load", "$n $bad");
        POSIX::_exit(0);
    }

    return sub {
        spew("$dir/enough", '');
        waitpid $pid, 0;

        return split ' ', slurp("$dir/load");
    };
}
