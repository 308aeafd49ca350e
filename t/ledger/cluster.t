#!/usr/bin/perl

# wgw-ledger and a Redis that is a cluster of three, and one with TLS and a
# password.

use warnings;
use strict;

use lib 't/lib';

use File::Temp 'tempdir';
use Test::More;

use Wgw;
use Wgw::Ledger;
use Wgw::Postgres 'postgres';
use Wgw::Redis qw(cluster redis);


my $db = postgres() or plan skip_all => 'no PostgreSQL here';
my $dir = tempdir('wgw-cluster-XXXXXX', DIR => '/tmp', CLEANUP => 1);
my %sent;


sub gateway {
    my ($fleet, $node) = @_;

    my $gw = Wgw->new(<<"EOC");
wgw_meter_zone  names  file=names  keys=1000;
wgw_journal     journal  every=1s;
wgw_fleet       $fleet  node=$node;

events { }

http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_meter  names  \$arg_k;
        return 200 "\$arg_k says hello\\n";
    }
}
EOC

    return $gw;
}


sub get {
    my ($gw, $key, $n) = @_;

    $sent{$key} += http_get($gw->port('HTTP'), "/?k=$key")->{received}
        for 1 .. $n;
}


sub settled {
    my ($ledger, $what) = @_;

    ok(wait_for(sub {
        !grep { $ledger->sum($_) != $sent{$_} } keys %sent;
    }, 30), $what) or diag map { "$_: $sent{$_}, " . $ledger->sum($_) . "\n" }
                           sort keys %sent;
}


subtest 'a cluster' => sub {
    my @servers = cluster();
    my $hosts = join ',', map { '127.0.0.1:' . $_->port() } @servers;

    wait_for(sub {
        3 == grep { $_->cli('CLUSTER', 'INFO') =~ /^cluster_state:ok/ }
             @servers;
    });

    my @gw = map { gateway("redis://$hosts", "node$_") } 1 .. 3;
    $_->start() for @gw;

    my $ledger = Wgw::Ledger->new($db, '--redis', "redis://$hosts");
    my $pid = $ledger->start();

    get($gw[$_ % 3], 'a', 2) for 1 .. 6;
    settled($ledger, 'egress 153: nodes whose streams are on several shards');

    my %shards = map { my $s = $_;
                       map { $_ => $s->port() }
                       grep { length } split /\n/, $s->cli('KEYS', 'wgw:acc*') }
                 @servers;
    is(scalar(grep { /\{node/ } keys %shards), 3, 'each has its stream');

    # a shard is away, and comes again without its data
    my ($away) = grep { $_->port() == $shards{'wgw:acc:{node1}'} } @servers;
    $away->signal('STOP');
    get($gw[$_ % 3], 'b', 2) for 1 .. 3;
    sleep 3;
    $away->signal('CONT');
    settled($ledger, 'egress 153: a shard that was away');

    kill 'TERM', $pid;
    waitpid $pid, 0;
    is($? >> 8, 0, 'it ends');
    $_->stop() for @gw;
};


subtest 'Sentinels' => sub {
    my $first = redis(requirepass => 'secret', masterauth => 'secret');
    my $second = redis(requirepass => 'secret', masterauth => 'secret',
                       replicaof => '127.0.0.1 ' . $first->port());
    my $none = free_port();

    $_->{cli} = [ '-a', 'secret', '--no-auth-warning' ] for $first, $second;
    spew("$dir/sentinels", "secret\n");
    chmod 0644, "$dir/sentinels";
    chmod 0755, $dir;

    my $sentinel = Wgw::Redis::sentinel($first->port(), 'secret');
    my $hosts = "redis://127.0.0.1:$none,127.0.0.1:" . $sentinel->port();

    my $gw = gateway($hosts, "s1 master=shop password_file=$dir/sentinels");
    $gw->start();

    my $ledger = Wgw::Ledger->new($db, '--redis', $hosts, '--master', 'shop',
                                  '--password-file', "$dir/sentinels");
    my $pid = $ledger->start();

    get($gw, 'e', 3);
    settled($ledger, 'who they name is asked');

    # see t/fleet/agent.t
    ok(wait_for(sub {
        my $it = $sentinel->cli(qw(SENTINEL REPLICAS shop));
        $it =~ /flags\s+slave\s/ && $it =~ /master-link-status\s+ok/;
    }, 30), 'they know another');

    $first->stop();
    get($gw, 'e', 3);
    ok(wait_for(sub { $second->cli('ROLE') =~ /^master/ }, 90),
       'and take it');
    get($gw, 'e', 3);
    settled($ledger, 'egress 152: so does the ledger');

    kill 'TERM', $pid;
    waitpid $pid, 0;
    is($? >> 8, 0, 'it ends');

    my $other = Wgw::Ledger->new($db, '--redis', $hosts, '--master', 'none');
    is($other->run('--once'), 3, 'a master that they do not know');
    like($other->{err}, qr/no host answers as master/, 'is said');

    $gw->stop();
    $_->stop() for $sentinel, $second;
};


subtest 'TLS and a password' => sub {
    my $tls = "$dir/tls";
    mkdir $tls;

    system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
           . "-nodes -days 2 -subj /CN=localhost -addext "
           . "subjectAltName=DNS:localhost,IP:127.0.0.1 "
           . "-keyout $tls/key.pem -out $tls/cert.pem 2> /dev/null") == 0
        or die;
    chmod 0755, $dir, $tls;
    chmod 0644, "$tls/key.pem";
    spew("$dir/password", "secret\n");
    spew("$dir/wrong", "other\n");
    chmod 0644, "$dir/password";

    my $port = free_port();
    my $redis = redis(port => 0, 'tls-port' => $port, requirepass => 'secret',
                      'tls-cert-file' => "$tls/cert.pem",
                      'tls-key-file' => "$tls/key.pem",
                      'tls-auth-clients' => 'no', at => $port);
    wait_for(sub { connect_to($port) });

    my $gw = gateway("rediss://127.0.0.1:$port", "tls1 tls_ca=$tls/cert.pem "
                     . "tls_name=localhost password_file=$dir/password");
    $gw->start();

    my @options = ('--redis', "rediss://localhost:$port", '--tls-ca',
                   "$tls/cert.pem");
    my $ledger = Wgw::Ledger->new($db, @options, '--password-file',
                                  "$dir/password");
    my $pid = $ledger->start();

    get($gw, 'c', 3);
    settled($ledger, 'records come by TLS');
    kill 'TERM', $pid;
    waitpid $pid, 0;

    my $wrong = Wgw::Ledger->new($db, @options, '--password-file',
                                 "$dir/wrong");
    $wrong->run('--once');
    like($wrong->{err}, qr/WRONGPASS|invalid/, 'egress 154: another password');

    my $no = Wgw::Ledger->new($db, '--redis', "rediss://localhost:$port",
                              '--password-file', "$dir/password");
    $no->run('--once');
    like($no->{err}, qr/TLS failed: self/, 'egress 154: a certificate that '
         . 'nobody vouches for');
    is($no->run('--once', '--redis', "redis://u:p\@localhost:$port"), 2,
       'a password in the URL');
    $gw->stop();
};


done_testing();
