#!/usr/bin/perl

# Deployments, as users send them and as the gateway then serves them: cases 1
# to 28 of tf.md, with a real gateway, a real Redis, a chain and a DNS of
# files.  Redis and rmb-peer's lists are those of t/grid/rmb.t.

use warnings;
use strict;

use lib 't/lib';

use Test::More;
use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Rmb;

*deployment = \&Wgw::Rmb::deployment;
*name_workload = \&Wgw::Rmb::name_workload;
*fqdn_workload = \&Wgw::Rmb::fqdn_workload;

my $grid = Wgw::Rmb->new(options => [ '--recheck', 1 ]);

$grid->name_contract($_) for qw(mysite secure ws again other capped chosen
                                tls moved);
$grid->name_contract('theirs', twin_id => 7342);
$grid->dns('www.example.com' => [ '203.0.113.10' ],
           'two.example.com' => [ '192.0.2.9', '203.0.113.10' ],
           'eleven.example.com' => [ '203.0.113.11' ],
           'six.example.com' => [ '2001:db8:ffff::10' ],
           'elsewhere.example.com' => [ '192.0.2.9' ],
           map { $_ => [ '203.0.113.10' ] } 'x.gw.test', 'notgw.test');
$grid->start();


subtest 'a name' => sub {
    my $d = deployment(name_workload('mysite'));
    my $reply = $grid->deploy($d);

    is($reply->{err}, undef, 'tf 1: deployed');
    is($reply->{bytes}, 'null', 'tf 1: the reply is null');

    my $got = $grid->settled($d->{contract_id}, 'ok');
    my $w = $got->{workloads}[0];

    is($w->{result}{state}, 'ok', 'tf 1: then it is ok');
    is_deeply($w->{result}{data}, { fqdn => 'mysite.gw.test' }, 'its fqdn');
    is_deeply($w->{data}, $d->{workloads}[0]{data}, 'its data as it was sent');
    is_deeply($got->{signature_requirement}{requests},
              $d->{signature_requirement}{requests}, 'and its requirement');

    my $record = $grid->record('mysite');

    is_deeply($record->{backends}, [ 'http://[2001:db8::10]:8080' ],
              'the gateway serves it');
    is($record->{owner}, 7341, 'for this twin');
    is($record->{workload}, "7341-$d->{contract_id}-mysite", 'this workload');

    is($grid->deploy($d)->{err} =~ /exists/, 1, 'tf 8: again: exists');
    is_deeply($grid->record('mysite'), $record, 'the first one is untouched');

    my $changes = $grid->call('zos.deployment.changes',
                              { contract_id => $d->{contract_id} })->{dat};

    is(join(' ', map { $_->{result}{state} } @$changes), 'init ok',
       'its changes in order');

    my $other = deployment(name_workload('mysite', workload => 'b'));

    $grid->deploy($other);
    like($grid->result($other->{contract_id}, 'error')->{message},
         qr/mysite\.gw\.test is deployed already/, 'tf 7: the same name again');
    is_deeply($grid->record('mysite'), $record, 'the first one is untouched');
};


subtest 'domains' => sub {
    my %ok = ('www.example.com' => 2, 'two.example.com' => 3,
              'eleven.example.com' => 3, 'six.example.com' => 3,
              'notgw.test' => 5);

    for my $fqdn (sort keys %ok) {
        my $d = deployment(fqdn_workload($fqdn));

        $grid->deploy($d);
        is_deeply($grid->result($d->{contract_id}, 'ok')->{data}, { },
                  "tf $ok{$fqdn}: $fqdn");
        ok($grid->record($fqdn), 'is served');
    }

    my %bad = ('elsewhere.example.com' => [ 4, qr/leads to another place/ ],
               'nowhere.example.com' => [ 4, qr/has no address in DNS: make/ ],
               'x.gw.test' => [ 5, qr/below this gateway's domain/ ],
               'X.GW.Test' => [ 5, qr/below this gateway's domain/ ],
               'gw.test' => [ 5, qr/below this gateway's domain/ ],
               'WWW.Example.com' => [ 7, qr/is deployed already/ ]);
    my %deployed;

    for my $fqdn (sort keys %bad) {
        my $d = $deployed{$fqdn} = deployment(fqdn_workload($fqdn));

        $grid->deploy($d);
        like($grid->result($d->{contract_id}, 'error')->{message},
             $bad{$fqdn}[1], "tf $bad{$fqdn}[0]: $fqdn");
    }

    $grid->dns('nowhere.example.com' => [ '203.0.113.11' ]);
    is($grid->result($deployed{'nowhere.example.com'}{contract_id}, 'ok',
                     seconds => 20)->{state}, 'ok', 'tf 4: DNS is cured');
};


subtest 'names' => sub {
    for my $name (qw(unreserved theirs)) {
        my $d = deployment(name_workload($name));

        $grid->deploy($d);
        like($grid->result($d->{contract_id}, 'error')->{message},
             qr/"$name" is (not reserved|reserved by another twin)/,
             "tf 6: $name");
        is($grid->record($name), undef, 'is not served');
    }
};


subtest 'senders' => sub {
    my $d = $grid->sign(deployment(name_workload('again')));

    $grid->node_contract($d);
    like($grid->call('zos.deployment.deploy', $d, twin => 7342)->{err},
         qr/twin_id is 7341, and the sender is twin 7342/, 'tf 9: the sender');

    my $r = $d->{signature_requirement};
    my $good = $r->{signatures}[0]{signature};

    my %signatures = (
        'a flipped bit' => [ { signature => ($good =~ s/^(.)/
                               sprintf '%x', 1 ^ hex $1/er) } ],
        'not hex' => [ { signature => 'x' x 128 } ],
        'too short' => [ { signature => 'ab' } ],
        'of another kind' => [ { signature => $good,
                                 signature_type => 'sr25519' } ],
        'none' => [ ],
        'of another twin' => [ { signature => $good, twin_id => 7342 } ],
    );

    for my $what (sort keys %signatures) {
        local $r->{signatures} = [ map { {
            twin_id => 7341, signature_type => 'ed25519', %$_
        } } @{$signatures{$what}} ];

        like($grid->call('zos.deployment.deploy', $d)->{err}, qr/sign/,
             "tf 10: $what");
    }

    $d = deployment(name_workload('again'));
    $d->{signature_requirement}{requests} = [ ];
    like($grid->deploy($d)->{err}, qr/must be among/, 'tf 10: no requests');

    $d = deployment(name_workload('again'));
    $d->{signature_requirement}{weight_required} = 2;
    like($grid->deploy($d)->{err}, qr/weight of 1, and 2/, 'tf 10: the weight');

    $d = deployment(name_workload('again'));
    push @{$d->{signature_requirement}{requests}},
        { twin_id => 7342, required => JSON::PP::false, weight => 1 };
    like($grid->deploy($d)->{err}, qr/twin 7342 has not signed/,
         'tf 10: one of two');

    $d->{signature_requirement}{weight_required} = 2;
    $d->{signature_requirement}{signature_style} = 'polka-wallet';
    delete $d->{contract_id};
    is($grid->deploy($d, signers => [ 7341, 7342 ])->{err}, undef,
       'tf 11: both, as wallets do');
    is($grid->result($d->{contract_id}, 'ok')->{state}, 'ok', 'and ok');

    my $file = json(slurp('t/vectors/tf/deployments.json'));
    my ($v) = grep { $_->{id} eq 'name_basic' } @$file;
    local $grid->{chain}{twins}{7341} =
        '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV';
    $grid->chain();

    my $wire = $v->{signed}{sr25519}{wire_json};

    like($grid->call('zos.deployment.deploy', $wire =~ s/mysite/nysite/r)
             ->{err}, qr/sr25519, is not of this/, 'tf 10: sr25519, changed');
    $grid->contract(1000, type => 'node', node_id => 11,
                    deployment_hash => $v->{challenge_hash_md5_hex});
    is($grid->call('zos.deployment.deploy', $wire)->{err}, undef,
       'tf 11: sr25519, of the vectors');
    like($grid->result(1000, 'error')->{message}, qr/is deployed already/,
         'is right, and its name another one\'s');
};


subtest 'contracts' => sub {
    my %contracts = (
        unknown => [ undef, qr/is not on the chain: make/ ],
        node => [ { node_id => 12 }, qr/is for node 12, and this is node 11/ ],
        hash => [ { deployment_hash => '0' x 32 }, qr/has the hash 0{32}/ ],
        type => [ { type => 'name', name => 'q', node_id => 0 },
                  qr/is no node contract/ ],
        twin => [ { twin_id => 7342 }, qr/is of another twin/ ],
    );

    for my $what (sort keys %contracts) {
        my ($members, $phrase) = @{$contracts{$what}};
        my $d = deployment(name_workload('other'),
                           name_workload('moved'));

        $d->{contract_id} = $grid->{contract}++;
        $grid->node_contract($d, %$members) if $members;

        is($grid->deploy($d, contract => 1)->{err}, undef, "tf 12: $what");

        my $got = $grid->settled($d->{contract_id}, 'error');

        is(scalar(grep { $_->{result}{message} =~ $phrase }
                  @{$got->{workloads}}), 2, 'each workload is told');
    }

    # what a client does with one that is in error: cancel, which is forgotten

    my $late = deployment(name_workload('unreserved', workload => 'e'));

    $grid->deploy($late);
    $grid->result($late->{contract_id}, 'error');
    delete $grid->{chain}{contracts}{$late->{contract_id}};
    $grid->chain();
    like($grid->result($late->{contract_id}, 'deleted')->{message},
         qr/not on the chain any more/, 'in error, then cancelled: deleted');

    my $d = deployment(name_workload('moved', workload => 'late'));

    $d->{contract_id} = $grid->{contract}++;
    $grid->deploy($d, contract => 1);
    is($grid->result($d->{contract_id}, 'error')->{state}, 'error', 'early');
    $grid->node_contract($d);
    is($grid->result($d->{contract_id}, 'ok', seconds => 20)->{state}, 'ok',
       'and ok when its contract is there');
    $grid->contract($d->{contract_id}, state => 'Deleted');
    is($grid->result($d->{contract_id}, 'deleted')->{state}, 'deleted',
       'and deleted with it');
};


subtest 'forms' => sub {
    my $bad = sub {
        my ($case, $what, $phrase, $d) = @_;

        my $reply = $grid->deploy($d);
        like($reply->{err}, $phrase, "tf $case: $what");
    };

    my $d = deployment(name_workload('again'));
    $d->{version} = 1;
    $bad->(13, 'version 1', qr/version is 1.*must be 0/, $d);

    $d = deployment(name_workload('again', version => 1));
    $bad->(13, 'a workload of version 1', qr/version 1, above/, $d);

    $d = deployment(name_workload('again', workload => 'a-b'));
    $bad->(13, 'a-b', qr/"a-b" must be 1 to 36 of/, $d);

    $d = deployment(map { name_workload('again', workload => 'a') } 1, 2);
    $bad->(13, 'a name twice', qr/"a" is that of another/, $d);

    $d = deployment(name_workload('again'));
    $d->{workloads}[0]{type} = 'zmachine';
    $bad->(14, 'another type', qr/"zmachine" is not served here/, $d);

    $d = deployment(name_workload('again', backends => [ ]));
    $bad->(14, 'no backends', qr/backends is empty/, $d);

    $d = deployment(name_workload('again',
                                  backends => [ 'http://203.0.113.11' ]));
    $bad->(19, 'an own backend', qr/backends/, $d);

    $d = deployment(name_workload('again',
                                  backends => [ 'https://192.0.2.1' ]));
    $bad->(15, 'https', qr/is https, which is for wgw\.backends/, $d);

    $d = deployment(name_workload('again', passthrough => 1,
                                  backends => [ '127.0.0.1:443' ]));
    $bad->(16, 'loopback', qr/loopback/, $d);

    $d = deployment(name_workload('_acme-challenge', workload => 'a'));
    $bad->(17, '_acme-challenge', qr/the gateway's own/, $d);

    is(scalar @{$grid->call('zos.deployment.list', undef,
                            twin => 7342)->{dat}}, 0, 'nothing was kept');

    $d = deployment(name_workload('ws'));
    $d->{unknown} = { deeper => [ 1 ] };
    $d->{workloads}[0]{data}{__type} = 'gateway-name-proxy';
    $d->{workloads}[0]{data}{network} = undef;
    $d->{workloads}[0]{result} = { created => 0, state => '', message => '',
                                   data => undef };
    is($grid->deploy($d)->{err}, undef, 'tf 18: what is not known');
    is($grid->result($d->{contract_id}, 'ok')->{state}, 'ok', 'tf 18: ok');
};


subtest 'updates' => sub {
    my $d = deployment(name_workload('secure', workload => 'one'));

    $grid->deploy($d);
    is($grid->result($d->{contract_id}, 'ok')->{state}, 'ok', 'deployed');

    # another one is added

    $grid->name_contract('second');
    $d->{version} = 1;
    push @{$d->{workloads}}, name_workload('second', version => 1,
                                           workload => 'two');
    is($grid->deploy($d, update => 1)->{err}, undef, 'tf 20: one more');

    my $got = $grid->settled($d->{contract_id}, 'ok');

    is($got->{version}, 1, 'tf 20: version 1');
    is(scalar @{$got->{workloads}}, 2, 'tf 20: both are ok');
    ok($grid->record($_), "$_ is served") for qw(secure second);

    # changed in place

    $d->{version} = 2;
    $d->{workloads}[0]{version} = 2;
    $d->{workloads}[0]{data}{backends} = [ 'http://192.0.2.20:81' ];
    is($grid->deploy($d, update => 1)->{err}, undef, 'tf 23: a backend');
    is($grid->settled($d->{contract_id}, 'ok')->{version}, 2, 'tf 23: ok');
    is_deeply($grid->record('secure')->{backends}, [ 'http://192.0.2.20:81' ],
              'tf 23: in place');

    # what is refused leaves all as it is

    my %bad = (
        21 => [ sub { $_[0]{version} = 4 }, qr/version is 4, and must be 3/ ],
        23 => [ sub { $_[0]{workloads}[0]{data}{backends} =
                          [ 'http://[2001:db8::9]' ] }, qr/was changed: its version must be 3/ ],
        24 => [ sub { $_[0]{workloads}[0]{version} = 3;
                      $_[0]{workloads}[0]{data}{name} = 'again' },
                qr/another type or name/ ],
        25 => [ sub { push @{$_[0]{workloads}},
                      name_workload('ws', workload => 'three') },
                qr/"three" is new: its version must be 3/ ],
    );

    for my $case (sort keys %bad) {
        my $copy = $Wgw::Rmb::Json->decode($Wgw::Rmb::Json->encode($d));

        $copy->{version} = 3;
        $bad{$case}[0]->($copy);
        like($grid->deploy($copy, update => 1)->{err}, $bad{$case}[1],
             "tf 21: refused");
    }

    is_deeply($grid->record('secure')->{backends}, [ 'http://192.0.2.20:81' ],
              'nothing was changed');

    my $unknown = deployment(name_workload('again', version => 1));
    $unknown->{version} = 1;
    like($grid->deploy($unknown, update => 1)->{err}, qr/not found/,
         'tf 21: of an unknown deployment');

    # the contract must say it first

    $d->{version} = 3;
    $d->{workloads} = [ $d->{workloads}[0] ];
    like($grid->deploy($d, update => 1, contract => 1)->{err},
         qr/update the contract first/, 'tf 21: before its contract');

    # one is taken out, and can be deployed again

    is($grid->deploy($d, update => 1)->{err}, undef, 'tf 22: one less');
    ok(wait_for(sub { !$grid->record('second') }), 'tf 22: its route is gone');
    is(scalar @{$grid->settled($d->{contract_id}, 'ok')->{workloads}}, 1,
       'tf 22: it is not shown');

    my $again = deployment(name_workload('second'));

    $grid->deploy($again);
    is($grid->result($again->{contract_id}, 'ok')->{state}, 'ok',
       'tf 22: its name can be deployed again');

    my $changes = $grid->call('zos.deployment.changes',
                              { contract_id => $d->{contract_id} })->{dat};

    is(join(' ', map { "$_->{name}:$_->{result}{state}" } @$changes),
       'one:init one:ok two:init two:ok one:init one:ok two:deleted',
       'all of it is in its changes');
};


subtest 'who may see' => sub {
    my $d = deployment(name_workload('tls', workload => 'seen'));

    $grid->deploy($d);
    $grid->settled($d->{contract_id}, 'ok');

    for my $cmd (qw(get changes)) {
        like($grid->call("zos.deployment.$cmd",
                         { contract_id => $d->{contract_id} }, twin => 7342)
                 ->{err}, qr/not found/, "tf 24: $cmd by another twin");
    }

    is($grid->call('zos.deployment.list', undef, twin => 7342)->{bytes}, '[]',
       'tf 24: the list of another twin');
    cmp_ok(scalar(grep { $_->{contract_id} == $d->{contract_id} }
                  @{$grid->call('zos.deployment.list')->{dat}}), '==', 1,
           'its own has it');
    like($grid->call('zos.deployment.delete',
                     { contract_id => $d->{contract_id} })->{err},
         qr/cancel that on the chain/, 'tf 25: delete');

    $grid->contract($d->{contract_id}, state => 'Deleted');

    my $result = $grid->result($d->{contract_id}, 'deleted');

    is($result->{state}, 'deleted', 'tf 25: cancelled');
    like($result->{message}, qr/was cancelled/, 'and told');
    ok(!$grid->record('tls'), 'tf 25: its route is gone');

    $d = deployment(name_workload('tls', workload => 'again'));
    $grid->deploy($d);
    is($grid->result($d->{contract_id}, 'ok')->{state}, 'ok',
       'its name can be deployed again');

    # cancelled and deployed again before anybody looked

    delete $grid->{chain}{contracts}{$d->{contract_id}};
    my $new = deployment(name_workload('tls', workload => 'new'));
    $grid->deploy($new);
    is($grid->result($new->{contract_id}, 'ok')->{state}, 'ok',
       'also at once, by another contract');
    is($grid->result($d->{contract_id}, 'deleted')->{state}, 'deleted',
       'which ends the first one');
};


subtest 'contracts of names, and a chain that is away' => sub {
    my $d = deployment(name_workload('other', workload => 'o'));

    $grid->deploy($d);
    is($grid->result($d->{contract_id}, 'ok')->{state}, 'ok', 'deployed');

    $grid->chain_away();
    sleep 3;
    is($grid->result($d->{contract_id}, 'ok')->{state}, 'ok',
       'tf 26: the chain is away');
    ok($grid->record('other'), 'tf 26: nothing is removed');

    like($grid->deploy(deployment(name_workload('again')), contract => 1)
             ->{err} // '', qr/contract_id|chain could not be asked/,
         'and who deploys is told');

    $grid->chain_back();

    my ($id) = grep { $grid->{chain}{contracts}{$_}{name} eq 'other' }
               keys %{$grid->{chain}{contracts}};

    $grid->contract($id, twin_id => 7342);

    my $result = $grid->result($d->{contract_id}, 'deleted', seconds => 15);

    is($result->{state}, 'deleted', 'tf 26: a name of another twin now');
    like($result->{message}, qr/belongs to another twin now/, 'told');
    ok(!$grid->record('other'), 'tf 26: and is not served');
};


subtest 'a name that is cancelled' => sub {
    my $id = $grid->name_contract('shortlived');
    my $d = deployment(name_workload('shortlived'));

    $grid->deploy($d);
    is($grid->result($d->{contract_id}, 'ok')->{state}, 'ok', 'deployed');
    $grid->contract($id, state => 'Deleted');

    my $result = $grid->result($d->{contract_id}, 'deleted', seconds => 15);

    is($result->{state}, 'deleted', 'tf 26: its name was cancelled');
    like($result->{message}, qr/deleted by the system/, 'told');
    ok(!$grid->record('shortlived'), 'tf 26: and is not served');

    # a chain that has forgotten everybody has not caught up

    $id = $grid->name_contract('trusted');
    $d = deployment(name_workload('trusted'));
    $grid->deploy($d);
    is($grid->result($d->{contract_id}, 'ok')->{state}, 'ok', 'deployed');

    my $all = $grid->{chain};

    $grid->{chain} = { contracts => { }, twins => { 11 => $all->{twins}{11} } };
    $grid->chain();
    sleep 3;
    ok($grid->record('trusted'), 'tf 26: an empty chain removes nothing');
    $grid->{chain} = $all;
    $grid->chain();
};


subtest 'paused and resumed' => sub {
    $grid->name_contract('shop');

    my $d = deployment(name_workload('shop'));

    $grid->deploy($d);
    $grid->settled($d->{contract_id}, 'ok');
    $grid->contract($d->{contract_id}, state => 'GracePeriod');

    my $result = $grid->result($d->{contract_id}, 'paused');

    is($result->{state}, 'paused', 'tf 61: in its grace period');
    like($result->{message}, qr/grace period: put TFT/, 'told');
    is_deeply($result->{data}, { fqdn => 'shop.gw.test' }, 'still readable');
    is($grid->record('shop')->{state}, 'paused', 'tf 61: traffic stops');
    is(http_get($grid->gw->port('HTTP'), '/', host => 'shop.gw.test')
           ->{status}, 503, 'tf 61: 503');

    $grid->contract($d->{contract_id}, state => 'Created');
    is($grid->result($d->{contract_id}, 'ok')->{state}, 'ok', 'tf 61: resumed');
    is($grid->record('shop')->{state}, 'ok', 'traffic flows');
};


subtest 'wishes' => sub {
    my $wish = sub {
        my ($json, %option) = @_;

        return deployment(name_workload('chosen', workload => 'w',
                                        metadata => $json, %option));
    };

    for my $bad ('{"wgw":{"gb_month":-1}}', '{"wgw":{"gb_month":"1.5"}}',
                 '{"wgw":{"gb_month":9007199254740993}}',
                 '{"wgw":{"gb_month":1.5}}')
    {
        like($grid->deploy($wish->($bad))->{err}, qr/gb_month/, "tf 28: $bad");
    }

    like($grid->deploy($wish->('{"wgw":{"ip":"203.0.113.12"}}'))->{err},
         qr/203\.0\.113\.12 is no address of this gateway/, 'tf 27: an ip');

    my $d = $wish->('{"wgw":{"gb_month":100,"ip":"203.0.113.11","backends":'
                    . '["https://192.0.2.7:8443"],"tls_verify":false}}');

    is($grid->deploy($d)->{err}, undef, 'wishes');
    $grid->settled($d->{contract_id}, 'ok');

    my $record = $grid->record('chosen');

    is($record->{cap_bytes}, 100e9, 'tf 28: a cap');
    is_deeply($record->{addresses}, [ '203.0.113.11' ], 'tf 27: an address');
    is_deeply($record->{backends}, [ 'https://192.0.2.7:8443' ],
              'https backends');
    ok(!$record->{tls_verify}, 'whose certificate is not verified');

    my $got = $grid->settled($d->{contract_id}, 'ok');

    is($got->{workloads}[0]{metadata}, $d->{workloads}[0]{metadata},
       'the metadata is sent back');

    # without a deployment

    is($grid->call('wgw.limit.set', { contract_id => $d->{contract_id},
                                      gb_month => 7 })->{bytes}, 'null',
       'tf 60: a limit is set');
    ok(wait_for(sub { $grid->record('chosen')->{cap_bytes} == 7e9 }),
       'tf 60: at once');
    like($grid->call('wgw.limit.set', { contract_id => $d->{contract_id},
                                        gb_month => 7 }, twin => 7342)->{err},
         qr/not found/, 'not by another twin');
    like($grid->call('wgw.limit.set', { contract_id => $d->{contract_id},
                                        name => 'none', gb_month => 7 })
             ->{err}, qr/not found/, 'nor of another workload');
    like($grid->call('wgw.limit.set', { contract_id => $d->{contract_id} })
             ->{err}, qr/gb_month is missing/, 'nor without a limit');

    $grid->gw->reload();
    is($grid->record('chosen')->{cap_bytes}, 7e9, 'and stays');
};


subtest 'usage' => sub {
    $grid->name_contract('used');

    my $d = deployment(name_workload('used'));

    $grid->deploy($d);
    $grid->settled($d->{contract_id}, 'ok');
    http_get($grid->gw->port('HTTP'), '/', host => 'used.gw.test',
             timeout => 1);

    my $of = { contract_id => $d->{contract_id} };
    my $usage = $grid->call('wgw.usage.get', $of)->{dat};
    my $row = $usage->{workloads}[0];

    is($row->{fqdn}, 'used.gw.test', 'tf 66: by its owner');
    is($row->{contract_id}, $d->{contract_id}, 'its contract');
    is(join(' ', sort map { $_->{zone} } @{$row->{zones}}), 'hours names',
       'its zones');
    is($usage->{next}, undef, 'all of it');
    like($grid->call('wgw.usage.get', $of, twin => 7342)->{err},
         qr/not found/, 'tf 66: by another twin');
    is_deeply($grid->call('wgw.usage.get', undef, twin => 7342)->{dat},
              { workloads => [ ], next => undef }, 'who has nothing');
    is($grid->call('wgw.usage.get', $of, twin => 11)->{dat}{workloads}[0]
           {twin_id}, 7341, 'tf 66: by the farm');

    my ($pages, $after, %seen) = (0, 0);

    do {
        my $page = $grid->call('wgw.usage.get', { after => $after,
                                                  limit => 5 })->{dat};

        $seen{"$_->{contract_id}-$_->{name}"}++ for @{$page->{workloads}};
        $after = $page->{next};
        $pages++;
    } while ($after && $pages < 50);

    cmp_ok($pages, '>', 2, 'in pages');
    is((grep { $_ > 1 } values %seen), 0, 'each once');
};


subtest 'what the owner of the gateway serves' => sub {
    $grid->name_contract('owned');
    http_get($grid->gw->port('ADMIN'), '/v1/names/owned', method => 'PUT',
             body => '{"backends":["http://192.0.2.1"]}');

    my $d = deployment(name_workload('owned'));

    $grid->deploy($d);
    like($grid->result($d->{contract_id}, 'error')->{message},
         qr/owned\.gw\.test is served here already/, 'is not taken');
    is_deeply($grid->record('owned')->{backends}, [ 'http://192.0.2.1:80' ],
              'nor changed');
    $grid->contract($d->{contract_id}, state => 'Deleted');
    is($grid->result($d->{contract_id}, 'deleted')->{state}, 'deleted',
       'nor, with its contract,');
    ok($grid->record('owned'), 'deleted');
};


subtest 'over a restart' => sub {
    my $before = $grid->call('zos.deployment.list')->{dat};

    is($grid->grid_stop(), 0, 'ends');
    is($grid->record('mysite')->{state}, 'ok', 'tf 69: what is served is');
    $grid->grid_start();
    is_deeply($grid->call('zos.deployment.list')->{dat}, $before,
              'tf 69: all is known as before');
};

$grid->stop();

done_testing();
