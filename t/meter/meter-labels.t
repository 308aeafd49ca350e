#!/usr/bin/perl

# Labels of keys: whose a name is, and whatever else a variable tells, kept with
# the counters, so that archives, which are written beside, have them, too.

use warnings;
use strict;

use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Bytes;
use Wgw::Clock;


plan skip_all => 'modules from elsewhere' if $ENV{WGW_MODULES};

my $conf = <<'EOF';
worker_processes 2;
pid logs/nginx.pid;
wgw_names names domain=gw.example allow_loopback;
wgw_meter_zone names file=names.wgw keys=100 window=minute archive=archive;
wgw_meter_zone keys file=keys.wgw keys=100 window=minute archive=archive;
wgw_meter_zone mute keys=100;
wgw_meter_zone few keys=2000 label_bytes=64;

events { }

http {
    upstream names { wgw_backend; }

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        wgw_meter names $wgw_name;
        wgw_meter mute $wgw_name label=off;
        location / { return 200 "0123456789"; }
    }

    server {
        listen 127.0.0.1:%%KEYS%%;
        wgw_meter keys $arg_k label=payer:$arg_p label=class:$http_x_class;
        location / { return 200 "0123456789"; }
        location /few {
            wgw_meter few $arg_k label=a:$arg_p label=b:$arg_p label=c:$arg_p
                                 label=d:$arg_p;
            return 200 "0123456789";
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/names { wgw_api; }
        location /v1/usage { wgw_usage json; }
        location /metrics { wgw_usage prometheus; }
    }
}
EOF

my $gw = Wgw->new($conf);
my $dir = $gw->dir();
my $clock = clock_start($dir);

clock_move(70 - clock_now() % 60) if $clock;
$gw->start();

my $admin = $gw->port('ADMIN');


# ---- names: by themselves

is(put('shop', owner => 'alice "a"', workload => '77'), 201, 'a name');
is(name('shop'), 200, 'a request') for 1 .. 3;
is(whose('names', 'shop'), 'alice "a"/77', 'start 10.8: whose it is');
is(info('names', 'shop.gw.example'), 'owner="alice \"a\"",workload="77"',
   'start 10.8: a metric says it, too');
is(info('mute', 'shop.gw.example'), undef, 'label=off: no metric');

is(patch('shop', '{"workload":"78"}'), 200, 'another workload');

my $seen = wait_for(sub {
    name('shop');
    return (info('names', 'shop.gw.example') // '') =~ /workload="78"/;
});

ok($seen, 'start 10.8: a change is seen within a second');
cmp_ok(usage($admin, 'shop')->{requests}, '>', 3, 'and the count goes on');
is(scalar rows('names', 'shop'), 1, 'in the same life');

my $before = settled_requests('names', 'shop');

is(put('shop', owner => 'bob', workload => '78'), 200, 'another owner');
is(name('shop'), 200, 'a request');

my @lives = rows('names', 'shop');

is(scalar @lives, 2, 'two lives');
is("$lives[0]{owner}/$lives[0]{requests}", 'bob/1', 'the new one');
is("$lives[1]{owner}/$lives[1]{workload}/$lives[1]{requests}",
   "alice \"a\"/78/$before", 'start 10.8: the old one stays who it was');


# ---- any key: what the directive says

is(key('/?k=bafy1&p=did:key:z6Mk', 'claim'), 200, 'a key with labels');
is(labels('keys', 'bafy1'), 'did:key:z6Mk claim', 'claims 13.6: two');
is(key('/?k=none'), 200, 'a key without');
is(labels('keys', 'none'), '- -', 'has none');
is(info('keys', 'none'), undef, 'in metrics neither');

my $long = 'y' x 255;

is(key("/?k=long&p=$long"), 200, 'a long value');
is(labels('keys', 'long'), "$long -", 'whole');
is(key("/?k=longer&p=${long}y"), 200, 'one that is too long');
like(labels('keys', 'longer'), qr/^sha256:[0-9a-f]{64} -$/, 'by its hash');
is(key('/?k=odd&p=a', "x\"\xff\xc3\xa4"), 200, 'odd bytes');
is((rows('keys', 'odd'))[0]{class}, "x\"\\xff\x{e4}",
   'are escaped, for JSON');
is(info('keys', 'odd'), "payer=\"a\",class=\"x\\\"\\\\xff\xc3\xa4\"",
   'and for metrics');

my $first = minute();


# ---- a kill, and the archive

is(key('/?k=bafy1&p=did:key:z6Mj', 'public'), 200, 'others for the same key');

ok(wait_for(sub {
    key('/?k=bafy1&p=did:key:z6Mj', 'public');
    return labels('keys', 'bafy1') eq 'did:key:z6Mj public';
}), 'are its labels');

sleep 1.2;
$gw->kill();
$gw->start();
is(labels('keys', 'bafy1'), 'did:key:z6Mj public', 'kept over kill -9');
is(info('names', 'shop.gw.example'), 'owner="bob",workload="78"', 'of names');

SKIP: {
    skip 'the clock cannot be moved here', 7 if !$clock;

    clock_move(60);

    my @lines = archived('keys', $first);
    my ($line) = grep { $_->{key} eq 'bafy1' } @lines;

    is("$line->{payer} $line->{class}", 'did:key:z6Mj public',
       'claims 13.6: the archive names payer and class');

    @lines = grep { $_->{key} eq 'shop.gw.example' }
             archived('names', $first);
    is(join(' ', sort map { "$_->{owner}/$_->{workload}" } @lines),
       'alice "a"/78 bob/78', 'start 10.8: and whose a name was, in each life');

    is(http_get($admin, '/v1/names/shop', method => 'DELETE')->{status}, 204,
       'the name is gone');

    my $window = strftime('%Y-%m-%dT%H:%M', gmtime $first);
    my $past = json(http_get($admin, "/v1/usage/shop.gw.example?window=$window")
                    ->{body});

    is(join(' ', sort map { $_->{owner} } @{$past->{keys}}), 'alice "a" bob',
       'start 10.8: an earlier window says whose it was');
    is((rows('names', 'shop.gw.example'))[0]{owner}, 'bob',
       'and so does usage');
}


# ---- no room for labels: the key counts, keeps what it had, and it is said

$gw->expect(qr/has no room for the labels of a key/);

my $p = 'p' x 240;

for my $n (1 .. 200) {
    key("/few?k=k$n&p=$p");
}

my $zone = zone('few');

is($zone->{keys}, 200, 'full of labels: keys count');
cmp_ok($zone->{label_bytes}{used}, '>', 0.98 * $zone->{label_bytes}{max},
       'no room for labels');
like($gw->log(), qr/zone "few" has no room for the labels of a key, it keeps/,
     'the log says so');
ok(wait_for(sub {
    $gw->log() =~ /"few" is \d+% full: .* bytes for them, \d+ of \d+ for lab/
}), 'and how full it is');
like(http_get($admin, '/metrics')->{body},
     qr/^wgw_meter_label_bytes\{zone="few"\} $zone->{label_bytes}{used}$/m,
     'a gauge');
$gw->stop();


# ---- a file, and memory, of before

my $old = $conf =~ s/label=(?:payer|class):\S+?(?=[ ;])//gr;

$old =~ s/wgw_meter names \$wgw_name;/wgw_meter names \$wgw_name label=off;/;
unlink "$dir/keys.wgw", "$dir/names.wgw";
$gw->configure($old);
$gw->start();
is(version("$dir/keys.wgw"), 2, 'without labels the format of before');
is(key('/?k=bafy2&p=alice'), 200, 'counted') for 1 .. 3;
is(key('/few?k=one&p=x'), 200, 'in memory');
is(settled($admin, 'bafy2', 3)->{requests}, 3, 'three times');

$gw->expect(qr/has no room for the labels of a key/);
$gw->configure($conf);
$gw->reload();
is(key('/?k=bafy2&p=alice'), 200, 'after a reload with labels');
is(settled($admin, 'bafy2', 4)->{requests}, 4, 'the count goes on');
is(labels('keys', 'bafy2'), '- -', 'without them, as others use the file');
like($gw->log(), qr/of a key, a start makes some when nobody uses the file/,
     'which the log says');
$gw->stop();
$gw->start();
is(version("$dir/keys.wgw"), 3, 'a start makes room');
is(settled($admin, 'bafy2', 4)->{requests}, 4, 'for what was counted');
is(key('/?k=bafy2&p=alice'), 200, 'a request');
is(labels('keys', 'bafy2'), 'alice -',
   'start 10.8: a file of before has labels');

key('/few?k=one&p=x');
is((rows('few', 'one'))[0]{requests}, 1, 'memory ended with the master');

my $more = $conf =~ s/label_bytes=64/label_bytes=512/r;

$gw->configure($more);
$gw->reload();
key('/few?k=one&p=x');
ok(wait_for(sub { (rows('few', 'one'))[0]{requests} == 2 }),
   'memory keeps its counts over a reload that wants more room for labels');
$gw->stop();


# ---- configurations

for my $case (
    [ 'label=x:$arg_a label=x:$arg_b', 'has two labels of one name' ],
    [ 'label=a:$arg_a label=b:$arg_a label=c:$arg_a label=d:$arg_a '
      . 'label=e:$arg_a', 'has more than 4 labels' ],
    [ 'label=key:$arg_a', 'the name of label "key" is a member of usage' ],
    [ 'label=9a:$arg_a', 'the name of label "9a" must be of a-z, 0-9 and _' ],
    [ 'label=__name__:$arg_a',
      'the name of label "__name__" must not begin with "__"' ],
    [ 'label=' . 'a' x 33 . ':$arg_a', 'must have 1 to 32 characters' ],
    [ 'label=a:text', 'invalid parameter "label=a:text"' ],
    [ 'label=a', 'invalid parameter "label=a"' ],
    [ 'label=off label=a:$arg_a', 'invalid parameter "label=a:$arg_a"' ],
    [ 'label=a:$arg_a label=off', 'invalid parameter "label=off"' ],
) {
    refused("wgw_meter_zone z keys=1;\nevents { }\nhttp { server { listen "
            . "127.0.0.1:8080; wgw_meter z \$arg_k $case->[0]; } }",
            $case->[1]);
}

refused("wgw_meter_zone z keys=1 label_bytes=$_;\nevents { }",
        "invalid parameter \"label_bytes=$_\"") for 63, 2049, 'x';

done_testing();


sub refused {
    my ($text, $error) = @_;

    my $bad = Wgw->new("$text\n", meter_modules());
    my ($status, $output) = $bad->run('-t');

    ok($status != 0 && index($output, $error) >= 0, $error)
        or diag($output);
}


sub put {
    my ($name, %member) = @_;

    $member{backends} = [ 'http://127.0.0.1:1' ];

    return http_get($admin, "/v1/names/$name", method => 'PUT',
                    body => JSON::PP->new->encode(\%member))->{status};
}


sub patch {
    my ($name, $body) = @_;

    return http_get($admin, "/v1/names/$name", method => 'PATCH',
                    body => $body)->{status};
}


sub name {
    return http_get($gw->port('HTTP'), '/', host => "$_[0].gw.example")
           ->{status};
}


sub key {
    my ($path, $class) = @_;

    return http_get($gw->port('KEYS'), $path,
                    headers => defined $class ? "X-Class: $class\r\n" : '')
           ->{status};
}


sub rows {
    my ($zone, $key) = @_;

    my $reply = http_get($admin, "/v1/usage/$key?zone=$zone");

    return $reply->{status} == 200 ? @{ json($reply->{body})->{keys} } : ();
}


sub whose {
    my ($row) = rows(@_);

    return "$row->{owner}/$row->{workload}";
}


sub labels {
    my ($row) = rows(@_);

    return join ' ', map { $_ // '-' } $row->{payer}, $row->{class};
}


sub info {
    my ($zone, $key) = @_;

    my $series = qr/^wgw_meter_key_info\{zone="$zone",key="\Q$key\E"/m;

    return http_get($admin, '/metrics')->{body}
           =~ /$series,(?!life)(.*)\} 1$/m ? $1 : undef;
}


sub settled_requests {
    my ($zone, $key) = @_;

    sleep 1.2;

    return (rows($zone, $key))[0]{requests};
}


sub zone {
    my ($name) = @_;

    return (grep { $_->{zone} eq $name }
            @{ json(http_get($admin, '/v1/usage')->{body})->{zones} })[0];
}


sub version { return unpack 'x12 V', slurp($_[0]) }

sub minute { return clock_now() - clock_now() % 60 }


sub archived {
    my ($zone, $start) = @_;

    my $file = "$dir/archive/$zone-" . strftime('%Y%m%dT%H%M%SZ', gmtime $start)
               . '.ndjson';

    wait_for(sub { -e $file });
    ok(-e $file, "an archive of $zone");

    return map { json($_) } split /\n/, slurp($file);
}
