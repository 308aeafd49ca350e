#!/usr/bin/perl

# What becomes of a counter file under a running gateway: deleted or replaced,
# it goes on; shortened, it is as full, and no worker ends.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw(sleep);

use Wgw;
use Wgw::Bytes;


my $gw = Wgw->new(<<'EOF', meter_modules());
worker_processes 2;
pid logs/nginx.pid;
wgw_meter_zone names file=names.wgw keys=5000 archive=archive;
wgw_meter_zone whole file=whole.wgw keys=5000;

events { }

http {
    server {
        listen 127.0.0.1:%%HTTP%%;
        location / { wgw_meter names $arg_k cap=100000; return 200 "ok"; }
        location /free { wgw_meter names $arg_k; return 200 "ok"; }
        location /whole { wgw_meter whole $arg_k cap=100000; return 200 "ok"; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location /v1/usage { wgw_usage json; }
    }
}
EOF

my $dir = $gw->dir();

$gw->start();

my $admin = $gw->port('ADMIN');
my $http = $gw->port('HTTP');

is(ask('/?k=a'), 200, 'a request') for 1 .. 3;


# ---- deleted

rename "$dir/names.wgw", "$dir/saved" or die $!;
ok(wait_for(sub { $gw->log() =~ /\[crit\] .*names.wgw" was deleted while/ }),
   'field 11.7: deleted: in the log');
is(ask('/?k=a'), 200, 'served');
is(settled($admin, 'a', 4)->{requests}, 4, 'field 11.7: it goes on');
$gw->reload();
is(ask('/?k=a'), 200, 'served');
is(settled($admin, 'a', 5)->{requests}, 5, 'field 11.7: also over a reload');
ok(!-e "$dir/names.wgw", 'without another file');
like($gw->log(), qr/names.wgw" was deleted while it is used: a reload goes on/,
     'which is logged');


# ---- replaced

system("cp $dir/saved $dir/names.wgw") == 0 or die;
ok(wait_for(sub { $gw->log() =~ /names.wgw" was replaced while/ }),
   'field 11.7: replaced: in the log') or diag($gw->log());
ask('/?k=a');
is(settled($admin, 'a', 6)->{requests}, 6, 'it goes on');
$gw->reload();
is(settled($admin, 'a', 6)->{requests}, 6, 'field 11.7: over a reload');
rename "$dir/saved", "$dir/names.wgw" or die $!;
$gw->stop('QUIT');
$gw->start();
is(settled($admin, 'a', 6)->{requests}, 6, 'put back: all is there');


# ---- shortened

for my $size (0, 4096, 300_000) {
    my @workers = $gw->workers();

    is(ask('/whole?k=w'), 200, 'the other zone');
    truncate "$dir/names.wgw", $size or die $!;
    ask("/?k=a$_") for 1 .. 20;
    ask("/free?k=a$_") for 1 .. 20;
    ok(wait_for(sub { $gw->log() =~ /\[crit\] .*names.wgw" was damaged/ }),
       "field 11.7: shortened to $size: in the log");
    sleep 1.2;
    is(join(' ', map { ask("/?k=b$_") } 1 .. 8), join(' ', (503) x 8),
       'field 11.7: what would be capped is refused');
    is(ask('/free?k=a'), 200, 'and nothing else');
    is(http_get($admin, '/v1/usage')->{status}, 200, 'usage is there');
    is(keys_of('names'), '5000 of 5000', 'and says that it is full');
    isnt(keys_of('whole'), '5000 of 5000', 'of this zone alone');
    is(ask('/whole?k=w'), 200, 'so is the other zone');
    is(join(' ', sort $gw->workers()), join(' ', sort @workers),
       'field 11.7: no worker has ended');
    unlike($gw->log(), qr/exited on signal/, 'by no signal');
    is(join('', map { slurp($_) } glob "$dir/archive/*.ndjson"), '',
       'nothing is archived');

    $gw->expect(qr/names.wgw" (is truncated|is not a wgw table)/);
    CORE::kill 'HUP', $gw->pid();
    ok(wait_for(sub { $gw->log() =~ /names.wgw" (is truncated|is not a wgw)/ }),
       'a reload is refused');
    $gw->stop('QUIT');

    my ($status, $output) = $gw->run();

    ok($status != 0, 'so is a start');
    like($output, qr/names.wgw" (is truncated|is not a wgw table)/, 'why');
    unlink "$dir/names.wgw";
    spew("$dir/logs/error.log", '');
    $gw->start();
    is(ask('/?k=a'), 200, 'another file: served');
}

$gw->stop('QUIT');

done_testing();


sub keys_of {
    my ($of) = grep { $_->{zone} eq $_[0] }
                    @{json(http_get($admin, '/v1/usage')->{body})->{zones}};

    return "$of->{keys} of $of->{keys_max}";
}

sub ask { return http_get($http, $_[0])->{status} }
