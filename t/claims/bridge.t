#!/usr/bin/perl

# tools/claims-bridge: what a content-claims service says in UCAN 0.9, said
# again in 1.0, and paid by.  The service is the package's own, and so is who
# publishes there.

use warnings;
use strict;

use IO::Socket::INET;
use IO::Socket::UNIX;
use MIME::Base64 qw(decode_base64);
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);

use Wgw;
use Wgw::Claims;
use Wgw::Node;


plan skip_all => 'the packages of content claims cannot be had: npm cannot '
                 . 'be reached'
    if !Wgw::Node::have();

my $node = Wgw::Node->new('claims.mjs');
my $gw = Wgw->new('events { }');
my $c = Wgw::Claims->new($gw->dir());
my $dir = $gw->dir();

my $gate = 'did:web:w3s.link';
my $asia = 'did:web:asia.web3.storage';
my $service_did = 'did:web:claims.web3.storage';
my $named = 'did:web:alice.example';

my $port = $node->call('service', port => free_port(), did => $service_did);
my $bridge = free_port();

my $operator = $c->did('operator');
my $key = "$dir/keys/operator";
my ($storage, $alice, $bob, $space)
    = map { $node->call('did', name => $_) } qw(storage alice bob space);

# what is issued within one is the same
my $hour = int(time() / 3600);

my %bridges;


sub command {
    my (@options) = @_;

    open my $pipe, '-|', 'sh', '-c', 'exec node build/bridge/claims-bridge.mjs '
        . '"$@" 2>&1', 'sh', @options or die "node: $!";
    my @lines = <$pipe>;
    close $pipe;

    return ($? >> 8, join '', @lines);
}

sub launch {
    my ($listen, @options) = @_;

    my $log = "$dir/bridge." . ($listen =~ s/\W/_/gr);

    unlink $log;

    my $pid = fork // die "fork: $!";

    if (!$pid) {
        open STDERR, '>>', $log or die "$log: $!";
        exec 'node', 'build/bridge/claims-bridge.mjs', '--listen', $listen,
            '--service', "http://127.0.0.1:$port", '--key', $key,
            '--gateway', $gate, '--node', $storage, '--node', $asia,
            '--did', "$asia=$bob", '--did', "$asia=$storage",
            '--payer', "$alice=$named", @options
            or POSIX::_exit(1);
    }

    $bridges{$listen} = { pid => $pid, log => $log };
    wait_for(sub { (-e $log ? slurp($log) : '') =~ /answers at/ })
        or die 'the bridge does not start: ' . slurp($log);
}

sub finish {
    my ($listen) = @_;

    my $pid = $bridges{$listen}{pid};

    kill 'TERM', $pid;
    ok(wait_for(sub { waitpid($pid, WNOHANG) == $pid }), "$listen ends")
        or kill 'KILL', $pid;
    delete $bridges{$listen};
}

sub said { return slurp($bridges{$_[0] // "127.0.0.1:$bridge"}{log}) }

sub content { return $node->call('cid', text => $_[0]) }

sub path {
    return '/claims/multihash/' . $node->call('multihash', cid => $_[0]);
}

sub ask {
    my ($path, %option) = @_;

    return $node->call('get', port => $option{port} // $bridge,
                       path => $path, method => $option{method} // 'GET');
}

# the tokens for a content, the commitments first

sub tokens {
    my ($cid) = @_;

    my $reply = ask(path($cid));

    return if $reply->{status} != 200;

    my @sorted = sort {
        ($b->{iss} eq $operator) <=> ($a->{iss} eq $operator)
    } @{ $node->call('container', bytes => $reply->{body}) };

    return @sorted;
}

END {
    my $status = $?;

    kill 'KILL', $_->{pid} for values %bridges;
    $? = $status;
}


# ---- what it is started with

my ($code, $text) = command('--help');
is($code, 0, 'help');
like($text, qr/^usage: claims-bridge/, 'says how');

($code, $text) = command('--key', $key, '--print-did');
is($text, "$operator\n", 'the DID of a key that tools/claim made');

my @needed = ('--service', "http://127.0.0.1:$port", '--key', $key,
              '--gateway', $gate, '--node', $storage);

for my $row (['no service', qr/--service is missing/, @needed[2 .. 7]],
             ['no node', qr/--node is missing/, @needed[0 .. 5]],
             ['no loopback', qr/must be a loopback address/, @needed,
              '--listen', '0.0.0.0:8647'],
             ['no DID', qr/"alice" is no DID/, @needed, '--node', 'alice'],
             ['no name', qr/needs one did:web/, @needed, '--payer',
              "$alice=$bob"],
             ['no number', qr/--life must be from 60/, @needed, '--life',
              '1h'],
             ['an unknown option', qr/--bogus/, @needed, '--bogus'])
{
    my ($what, $expected, @options) = @$row;

    ($code, $text) = command(@options);
    is($code, 2, "$what: refused");
    like($text, $expected, "$what: and why");
}

spew("$dir/open", '1' x 64);
chmod 0644, "$dir/open";
spew("$dir/secret", 'deadbeef' x 9);
chmod 0600, "$dir/secret";

for my $row (['open', qr/may be read by others/],
             ['secret', qr/is not 64 hexadecimal digits/],
             ['none', qr/ENOENT/])
{
    my ($name, $expected) = @$row;

    ($code, $text) = command('--key', "$dir/$name", '--print-did');
    is($code, 2, "a key that is $name: refused");
    like($text, $expected, "a key that is $name: and why");
    unlike($text, qr/1111|dead/, "a key that is $name: never shown");
}


# ---- what is said again

launch("127.0.0.1:$bridge", '--timeout', '2', '--answer', '100000',
       '--claims', '4', '--asks', '2', '--fresh', '3600');

my $url = 'https://asia.w3s.link/ipfs/';
my $one = content('one');
my $ends = time() + 900;

$node->call('commit', by => 'storage', as => $asia, to => 'alice', cid => $one,
            urls => ["$url$one"], exp => int $ends);

is_deeply($node->call('read', port => $port, cid => $one),
          ['assert/location'], 'the service\'s own client reads it');

my @tokens = tokens($one);
is(scalar @tokens, 1, 'a commitment: one token');
is($tokens[0]{iss}, $operator, 'by the operator');
is($tokens[0]{sub}, $operator, 'in whose name it is');
is($tokens[0]{aud}, $alice, 'to whom it was made');
is($tokens[0]{cmd}, '/assert/location', 'its command');
is($tokens[0]{exp}, int $ends, 'it ends when that does');
like($tokens[0]{pol}, qr/"\.url","\Q$url$one\E"/, 'where the content is');

my $never = content('never');
$node->call('commit', by => 'storage', as => $asia, to => 'alice',
            cid => $never, urls => ["$url$never"], exp => 'never');
my ($token) = tokens($never);
cmp_ok($token->{exp} - time(), '>', 3590, 'what never ends lives for --life');
cmp_ok($token->{exp} - time(), '<=', 7200, 'and not for ever');

my $reply = ask(path(content('nothing')));
is($reply->{status}, 404, 'of what nobody claims there is nothing');

my $before = $node->call('asked');
ask(path($one)) for 1 .. 3;
ask(path(content('nothing'))) for 1 .. 3;
is($node->call('asked'), $before, 'answers are kept, also those that are none');

for my $row (['/', 404], ['/claims/cid/' . $one, 404],
             ['/claims/multihash/Qmx', 400], ['/claims/multihash/z', 400],
             ['/claims/multihash/' . 'z' x 200, 400],
             ['/claims/multihash/' . 'z' x 201, 404])
{
    is(ask($row->[0])->{status}, $row->[1], "$row->[1] to $row->[0]");
}

is(ask(path($one), method => 'POST')->{status}, 405, 'POST is refused');


# ---- delegated to the gateway: both tokens, the payer by its name

my $two = content('two');
$node->call('commit', by => 'storage', as => $asia, to => 'alice',
            on => [$gate], cid => $two, urls => ["$url$two", "$url$two?x"]);

@tokens = tokens($two);
is(scalar @tokens, 2, 'delegated to the gateway: two tokens');
is($tokens[0]{aud}, $named, 'the payer by the name it has with the operator');
like($tokens[0]{pol}, qr/\["or",\[/, 'either place will do');
is($tokens[1]{iss}, $named, 'who delegates');
is($tokens[1]{aud}, $gate, 'to the gateway');
is($tokens[1]{sub}, $operator, 'what the operator has committed');

my $three = content('three');
$node->call('commit', by => 'storage', as => $storage, to => 'bob',
            on => [$gate], cid => $three, urls => ["$url$three"]);
is(join(' ', map { $_->{aud} } tokens($three)), $bob,
   'one without such a name delegates by itself');


# ---- published at the service itself: the space pays

my $four = content('four');
my %published = (port => $port, by => 'storage', did => $service_did,
                 urls => ["$url$four"], cid => $four);

my $done = $node->call('publish', %published, space => 'space');
ok($done->{ok}, 'published by the package\'s client') or diag(explain($done));
is(join(' ', map { $_->{aud} } tokens($four)), $space,
   'a claim told to the service is for its space');

my $five = content('five');
$node->call('publish', %published, cid => $five);
is_deeply([tokens($five)], [], 'and for nobody without one');
like(said(), qr/nobody to pay: no space/, 'which is said');


# ---- what must not be believed

sub left {
    my ($what, $reason, %claim) = @_;

    my $cid = content($what);

    $node->call('commit', by => 'storage', as => $asia, to => 'alice',
                cid => $cid, urls => ["$url$cid"], %claim);
    is(ask(path($cid))->{status}, 404, "$what: left out");

    my $multihash = $node->call('multihash', cid => $cid);
    my ($line) = grep { /\Q$multihash\E/ } split /\n/, said();
    like($line, $reason, "$what: and why");
}

left('another node', qr/no --node: "did:key/, by => 'mallory',
     as => $node->call('did', name => 'mallory'));
left('another\'s name', qr/not has a valid signature/, by => 'mallory');
left('an unknown did:web', qr/no --did for/, as => 'did:web:elsewhere');
left('a signature flipped', qr/is not what its CID says/, last => 40);
left('expired', qr/has expired/, exp => int(time()) - 10);
left('another content', qr/another content/, about => content('else'));
left('another claim', qr/no location/, can => 'assert/other');
left('delegated by a stranger', qr/is not authorized/, on => ['alice', $gate],
     break => 'stranger');
left('a proof that is not there', qr/is not authorized/, on => [$gate],
     break => 'linked');
left('nowhere', qr/no or too many locations/, urls => []);
left('the gateway pays', qr/cannot pay/, to => $gate);
left('the operator pays', qr/cannot pay/, to => $operator);
left('no signature', qr/not has a valid signature/, break => 'absent');

my $flipped = content('flipped');
$node->call('misbehave', how => { flip => 40 });
$node->call('commit', by => 'storage', as => $asia, to => 'alice',
            cid => $flipped, urls => ["$url$flipped"]);
is(ask(path($flipped))->{status}, 404, 'a bit changed on the way: left out');
like(said(), qr/\Q@{[ $node->call('multihash', cid => $flipped) ]}\E.*a\ block
                \ is\ not\ what/x, 'a bit changed on the way: and why');
$node->call('misbehave', how => {});

my $many = content('many');
$node->call('commit', by => 'storage', as => $asia, to => "did:web:p$_.example",
            cid => $many, urls => ["$url$many"]) for 1 .. 6;
is(scalar(tokens($many)), 4, 'no more claims than --claims');

my $mixed = content('mixed');
$node->call('commit', by => 'mallory', as => $asia, to => 'bob', cid => $mixed,
            urls => ["$url$mixed"]);
$node->call('commit', by => 'storage', as => $asia, to => 'alice',
            cid => $mixed, urls => ["$url$mixed"]);
is(join(' ', map { $_->{aud} } tokens($mixed)), $alice,
   'a bad claim takes no good one with it');


# ---- a service that fails

sub fails {
    my ($what, $status, $reason, %how) = @_;

    my $cid = content($what);

    $node->call('commit', by => 'storage', as => $asia, to => 'alice',
                cid => $cid, urls => ["$url$cid"]);
    $node->call('misbehave', how => \%how);

    my $reply = ask(path($cid));
    is($reply->{status}, $status, "$what: $status");
    like(decode_base64($reply->{body}), $reason, "$what: and why");

    $node->call('misbehave', how => {});
    is(scalar(tokens($cid)), 1, "$what: asked anew");
}

fails('too large', 502, qr/too large/, large => 200_000);
fails('no CAR', 502, qr/no CAR/, body => 'AAAA');
fails('an error', 502, qr/the service says 500/, status => 500);
fails('another page', 502, qr/cannot be asked/, status => 302,
      headers => { Location => "http://127.0.0.1:$port/other" });
fails('too slow', 504, qr/too slow/, delay => 3000);


# ---- one ask for all who want to know, and no more than --asks

sub begin {
    my ($path) = @_;

    my $socket = IO::Socket::INET->new("127.0.0.1:$bridge") or die $!;
    print $socket "GET $path HTTP/1.0\r\n\r\n";
    return $socket;
}

sub status {
    my ($socket) = @_;

    local $/;
    return readline($socket) =~ m{^HTTP/1\.\d (\d+)} ? $1 : 0;
}

$node->call('misbehave', how => { delay => 1000 });
$before = $node->call('asked');
my $path = path(content('asked together'));
my @together = map { begin($path) } 1 .. 10;
is(join(' ', map { status($_) } @together), '404 ' x 9 . 404,
   'ten ask for one content');
is($node->call('asked') - $before, 1, 'the service is asked once');

@together = map { begin(path(content("apart $_"))) } 1 .. 3;
is(join(' ', sort map { status($_) } @together), '404 404 503',
   'three contents at once are more than two');
$node->call('misbehave', how => {});

# ---- the same tokens after a restart; a bounded memory; a socket

my $body = ask(path($two))->{body};
finish("127.0.0.1:$bridge");
launch("127.0.0.1:$bridge", '--keep', '600', '--fresh', '3600',
       '--answer', '4000000');

SKIP: {
    my $again = ask(path($two))->{body};

    skip 'another hour has begun', 1 if int(time() / 3600) != $hour;
    is($again, $body, 'after a restart the same tokens');
}

$before = $node->call('asked');
ask(path(content($_))) for 'keep 1', 'keep 2', 'keep 3', 'keep 1';
is($node->call('asked') - $before, 4, 'what is kept is bounded');
ask(path(content('keep 1')));
is($node->call('asked') - $before, 4, 'and the last is kept');

my $socket = "$dir/socket";
launch("unix:$socket");
is((stat $socket)[2] & 0777, 0660, 'a socket for its group');

my ($twice, $said) = command(@needed, '--listen', "unix:$socket");
is($twice, 2, 'a socket that is in use: refused');
like($said, qr/is in use/, 'and why');

kill 'KILL', $bridges{"unix:$socket"}{pid};
waitpid delete($bridges{"unix:$socket"})->{pid}, 0;
ok(-S $socket, 'one that a kill has left');
launch("unix:$socket");

my $client = IO::Socket::UNIX->new($socket) or die $!;
print $client 'GET ' . path($one) . " HTTP/1.0\r\n\r\n";
is(status($client), 200, 'is taken over, and answers');
finish("unix:$socket");


# ---- what a gateway takes: 256 KB

my $large = content('large');
my @urls = map { $url . $_ x 900 } 'a' .. 'h';

$node->call('commit', by => 'storage', as => $asia,
            to => "did:web:p$_.example", cid => $large, urls => \@urls)
    for 1 .. 40;
$reply = ask(path($large));
cmp_ok(length decode_base64($reply->{body}), '<', 262144,
       'no larger than a gateway takes');
cmp_ok(length decode_base64($reply->{body}), '>', 200000, 'but not much less');
like(said(), qr/more than a container takes/, 'which is said');


# ---- what it says is paid by

mkdir "$dir/files";
spew("$dir/files/file", 'x' x 100);

$gw->configure(<<"EOF");
worker_processes 2;
wgw_claims claims gateway=$gate subject=$operator;
wgw_claims_did $named $operator;
wgw_claims_zone file=content keys=1000;
wgw_meter_zone payers file=payers keys=100;
events { worker_connections 256; }
http {
    add_header X-Class "\$wgw_content" always;
    add_header X-Payer "\$wgw_payer" always;

    upstream bridge {
        server unix:$dir/looked;
        keepalive 4;
    }

    server {
        listen 127.0.0.1:%%HTTP%%;
        root files;
        location ~ ^/looked/(.+) {
            wgw_content \$1 public=9r/d url=$url\$1 lookup=/claims
                        fresh=1s;
            wgw_meter payers \$wgw_payer;
            try_files /file =404;
        }
        location = /claims {
            internal;
            proxy_pass http://bridge/claims/multihash/\$wgw_multihash;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
        location /ipfs/ {
            wgw_content required url=$url\$wgw_cid;
            wgw_meter payers \$wgw_payer;
            try_files /file =404;
        }
    }
    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/claims { wgw_claims_api; }
        location /v1/usage { wgw_usage json; }
    }
}
EOF

$gw->start();

sub post {
    my ($container) = @_;

    my $reply = http_get($gw->port('ADMIN'), '/v1/claims', method => 'POST',
                         body => $container);
    is($reply->{status}, 200, 'the gateway takes it') or diag($reply->{body});
}

sub class {
    my ($cid, $under) = @_;

    my $reply = http_get($gw->port('HTTP'), '/' . ($under // 'ipfs')
                                            . "/$cid");

    return "$reply->{status} " . ($reply->{headers}{'x-class'} // '') . ' '
        . ($reply->{headers}{'x-payer'} // '');
}

# both tokens are there

post(decode_base64($reply->{body}));
post(decode_base64(ask(path($two))->{body}));
is(class($two), "200 claim $named",
   '13.5: who has delegated to the gateway pays');
is(class($three), '403 denied ', 'and for nothing else');

# the other one is the payer's own, once for all that is committed to it

post(decode_base64(ask(path($one))->{body}));
is(class($one), '403 denied ', 'a commitment alone is not enough');

my $carol = $node->call('signer', kind => 'Ed25519', name => 'carol');
my @contents = map { content("carol $_") } 1, 2;

for my $cid (@contents) {
    $node->call('commit', by => 'storage', as => $asia, to => $carol,
                cid => $cid, urls => ["$url$cid"]);
    post(decode_base64(ask(path($cid))->{body}));
}

my $auth = $node->call('delegate', by => 'carol', sub => $operator,
                       aud => $gate);
post(decode_base64($auth->{token}));     # a tag of the candidate
is(class($_), "200 claim $carol",
   '13.5, egress 46: with the payer\'s own delegation it is')
    for @contents;

# a commitment is for a place

my $elsewhere = content('elsewhere');
$node->call('commit', by => 'storage', as => $asia, to => $carol,
            cid => $elsewhere, urls => ["https://other.example/$elsewhere"]);
post(decode_base64(ask(path($elsewhere))->{body}));
is(class($elsewhere), '403 denied ', 'a commitment for another place');

finish("127.0.0.1:$bridge");
launch("127.0.0.1:$bridge", '--any-url', '--service',
       "http://127.0.0.1:$port/under/a/path/");
post(decode_base64(ask(path($elsewhere))->{body}));
is(class($elsewhere), "200 claim $carol", 'for any, where that is set');

is(usage($gw->port('ADMIN'), $carol)->{requests}, 3, 'each counted once');


# ---- as the backend of look-ups

launch("unix:$dir/looked", '--fresh', '0');
chmod 0666, "$dir/looked";

my ($both, $half, $bad) = map { content("looked $_") } qw(both half bad);

$node->call('commit', by => 'storage', as => $asia, to => 'alice',
            on => [$gate], cid => $both, urls => ["$url$both"]);
$node->call('commit', by => 'storage', as => $asia, to => $carol,
            cid => $half, urls => ["$url$half"]);
$node->call('commit', by => 'mallory', as => $asia, to => $carol,
            cid => $bad, urls => ["$url$bad"]);

is(class($both, 'looked'), '200 unknown_first public',
   '13.5: what nobody knows is served, and looked up');
class($_, 'looked') for $half, $bad;

ok(wait_for(sub { class($both, 'looked') eq "200 claim $named" }),
   '13.5: then who has delegated it pays');
ok(wait_for(sub { class($half, 'looked') eq "200 claim $carol" }),
   '13.5: so with the payer\'s own delegation');
ok(wait_for(sub { class($bad, 'looked') eq '200 public public' }),
   '13.5: and nobody for what is forged');

# later, when it comes

$node->call('forget', cid => $bad);
$node->call('commit', by => 'storage', as => $asia, to => $carol,
            cid => $bad, urls => ["$url$bad"]);
ok(wait_for(sub { class($bad, 'looked') eq "200 claim $carol" }),
   '13.5: until there is a claim that is not');

$gw->stop();

done_testing();
