#!/usr/bin/perl

# The published grid_client deploys, asks, changes and deletes: what it does is
# its own, from the checks of its models to signature and waiting.

use warnings;
use strict;

use lib 't/lib';

use IPC::Open2;
use Test::More;

use Wgw;
use Wgw::Rmb;

system('tools/npm.sh') == 0 or plan skip_all => 'npm has not what it needs';

my $grid = Wgw::Rmb->new(options => [ '--recheck', 1 ]);

# its account is of sr25519
$grid->{chain}{twins}{7341} =
    '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV';
$grid->chain();
$grid->dns('www.example.com' => [ '203.0.113.10' ]);
$grid->start();

my $pid = open2(my $from, my $to, 'node', 'build/grid/client.mjs',
                $grid->{redis_port}, $grid->dir() . '/chain.json');


# ---- a name, behind which is a backend

my $backend = Wgw::Rmb::backend('hello');
my ($id) = created(client(deploy => name => 'mysite',
                          backends => [ $backend->{url} ],
                          metadata => '{"wgw":{"gb_month":5}}'));

ok($id, 'tf 1, 11: deployed by grid_client, signed with sr25519');

my $d = client(get => contract => $id)->{ok};

is($d->{workloads}[0]{result}{state}, 'ok', 'tf 1: it is ok');
is($d->{workloads}[0]{result}{data}{fqdn}, 'mysite.gw.test', 'its fqdn');
is($grid->record('mysite')->{cap_bytes}, 5e9,
   'tf 28: with the cap of its metadata');
like($grid->record('mysite')->{workload}, qr/^7341-$id-mysite$/, 'its label');

SKIP: {
    skip 'this machine has no address but loopback', 2 if !$backend->{address};

    my $reply = http_get($grid->gw->port('HTTP'), '/',
                         host => 'mysite.gw.test');

    is($reply->{status}, 200, 'tf 37: served');
    like($reply->{body}, qr/^hello mysite\.gw\.test$/m, 'by its backend');
}


# ---- changed in place

my $changed = client(update => contract => $id,
                     backends => [ 'http://192.0.2.77:8080' ]);

is($changed->{failed}, undef, 'tf 23: changed by grid_client');
is(client(get => contract => $id)->{ok}{version}, 1, 'tf 23: version 1');
is_deeply($grid->record('mysite')->{backends}, [ 'http://192.0.2.77:8080' ],
          'tf 23: in place');


# ---- a domain; passthrough

my ($fqdn) = created(client(deploy => name => 'custom',
                            fqdn => 'www.example.com',
                            backends => [ 'http://192.0.2.1' ]));

is_deeply(client(get => contract => $fqdn)->{ok}{workloads}[0]{result}{data},
          { }, 'tf 2: a domain');

my ($secure) = created(client(deploy => name => 'secure', passthrough => 1,
                              backends => [ '[2001:db8::20]:443' ]));

ok($secure, 'passthrough');
ok($grid->record('secure')->{tls_passthrough}, 'as the gateway serves it');


# ---- what is refused is told, and rolled back

my $failed = client(deploy => name => 'elsewhere', fqdn => 'no.example.com',
                    backends => [ 'http://192.0.2.1' ])->{failed};

like($failed // '', qr/no\.example\.com has no address in DNS: make the DNS/,
     'tf 4: the client shows the message');

$failed = client(deploy => name => 'looped',
                 backends => [ 'http://203.0.113.10' ])->{failed};

like($failed // '', qr/backends\[0\]/, 'tf 19: an own address');

ok(wait_for(sub {
    my $list = client(request => cmd => 'zos.deployment.list')->{ok};
    return @$list == 3;
}), 'three are left');


# ---- and deleted

is(client('delete' => contract => $id)->{failed}, undef,
   'tf 25: deleted by grid_client');
ok(wait_for(sub { !$grid->record('mysite') }), 'tf 25: its route is gone');

my ($again) = created(client(deploy => name => 'mysite',
                             backends => [ 'http://192.0.2.2' ]));

ok($again && $again != $id, 'its name can be deployed again');

is_deeply(client(request => cmd => 'zos.system.node_features_get')->{ok},
          [ qw(gateway-name-proxy gateway-fqdn-proxy) ], 'features');

# which has node's input, too
kill_all($backend->{pid});

close $to;
waitpid $pid, 0;

$grid->stop();

done_testing();


sub client {
    my ($op, %arguments) = @_;

    print {$to} $Wgw::Rmb::Json->encode({ op => $op, %arguments }), "\n";
    $to->flush();

    my $line;

    # what the client itself prints is no answer
    do { $line = readline($from) // die 'node has ended' } until $line =~ /^\{/;

    return $Wgw::Rmb::Json->decode($line);
}


sub created {
    my ($answer) = @_;

    diag($answer->{failed}) if $answer->{failed};

    return map { $_->{contractId} } @{$answer->{ok}{created} || [ ]};
}
