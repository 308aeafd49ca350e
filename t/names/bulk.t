#!/usr/bin/perl

# Many names in one call: what a line may be, all or nothing, whole sets that
# are replaced while they are served and changed, and by workers that are
# killed in the middle of it.

use warnings;
use strict;

use IO::Select;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep stat time);

use Wgw;


my $SET = 200000;               # names of a set that takes a while

my $conf = <<'EOF';
worker_processes 2;
wgw_names names domain=gw.test allow_loopback;

events { }

http {
    access_log off;

    server {
        listen 127.0.0.1:%%ADMIN%%;

        location /v1/names { wgw_api; }

        location /memory { wgw_api; client_body_buffer_size 64m; }
        location /file { wgw_api; client_body_in_file_only clean; }
        location /both { wgw_api; client_body_buffer_size 777; }
        location /small { wgw_api; client_max_body_size 1000; }
    }

    server {
        listen 127.0.0.1:%%HTTP%%;

        location / { return 200 "$wgw_name|$wgw_cap|$wgw_owner\n"; }
    }
}
EOF

my $gw = Wgw->new($conf);

$gw->start();

my $admin = $gw->port('ADMIN');
my $http = $gw->port('HTTP');


# ---- lines

my $reply = bulk(line('a') . line('b', owner => 'bob') . line('c'));

is($reply->{status}, 200, 'three names');
is($reply->{headers}{'content-type'}, 'application/json', 'is JSON');
is_deeply(json($reply->{body}), counts(3, 0, 0), 'are added');
is(seen('b'), 'b.gw.test||bob', 'and served');

counted(line('a') . line('b', owner => 'bob'), counts(0, 0, 0),
        'the same again is nothing');
counted(line('a', cap_bytes => 5) . gone('b') . line('d') . gone('none'),
        counts(1, 1, 1), 'one is changed, one deleted, one added');
is(seen('a'), 'a.gw.test|5|', 'it is changed');
is(seen('b'), '||', 'it is deleted');
counted("\r\n  \n" . line('e') =~ s/\n/\r\n/r . "\n\t\n"
        . line('F.gw.test.') =~ s/\n//r, counts(2, 0, 0),
        'CR LF, blank lines and no end of the last one');
counted('', counts(0, 0, 0), 'no line at all');
counted("\n\n", counts(0, 0, 0), 'blank ones only');
counted(line('g'), counts(1, 0, 0), 'parameters of the type',
        type => 'Application/X-NDJSON ; charset=utf-8');

my $long = '{"name":"long","backends":["http://[2001:db8::1]:80"]';

counted($long . ' ' x (65535 - length $long) . "}\n", counts(1, 0, 0),
        'a line of 65536 bytes');


# ---- refusals: nothing of them is done

my $before = names();

for (
    [ 'no JSON', "x\n", '', 1 ],
    [ 'the second line', line('x') . "{\n", '', 2 ],
    [ 'blank lines count', "\n\n" . line('x') . "\n{}", 'name', 5 ],
    [ 'no name', '{"backends":["http://[2001:db8::1]:80"]}', 'name', 1 ],
    [ 'a bad name', line('x') . line('a..b'), 'name', 2 ],
    [ 'a bad backend', line('x', backends => [ 'http://x:1' ]),
      'backends[0]', 1 ],
    [ 'an unknown member', line('x', colour => 'red'), 'colour', 1 ],
    [ 'delete and more', line('x', delete => JSON::PP::true()), 'delete', 1 ],
    [ 'delete of false', '{"name":"x","delete":false}', 'delete', 1 ],
    [ 'two on a line', line('x') =~ s/\n//r . line('y'), '', 1 ],
    [ 'a name twice', line('x') . line('y') . line('x'), 'name', 3 ],
    [ 'a name twice, spelled otherwise', line('x') . line('X.gw.test.'),
      'name', 2 ],
    [ 'three times', join('', map { line($_) } qw(z y x y x z)), 'name', 4 ],
    [ 'twice before what is worse', line('x') . line('x') . '{', 'name', 2 ],
    [ 'and after it', line('x') . "{\n" . line('x'), '', 2 ],
    [ 'put and delete', line('x') . gone('x'), 'name', 2 ],
    [ 'a long line', line('x') . $long . ' ' x (65536 - length $long)
      . "}\n", '', 2 ],
    [ 'a line without end', line('x') . 'x' x 300000, '', 2 ],
) {
    my ($case, $body, $field, $line) = @$_;

    for my $args ('', '?replace=true') {
        next if $args && $body =~ /delete/;

        refused(400, $field, "$case$args", $body, args => $args);
        is(json($reply->{body})->{line}, $line, 'and the line');
    }
}

refused(400, 'delete', 'delete in a replace', line('x') . gone('y'),
        args => '?replace=true');
is(json($reply->{body})->{line}, 2, 'and the line');

refused(400, 'replace', 'replace=false', line('x'), args => '?replace=false');
refused(400, 'replace', 'replace alone', line('x'), args => '?replace');
refused(400, 'colour', 'an argument', line('x'),
        args => '?replace=true&colour=red');
refused(400, 'If-Match', 'If-Match', line('x'), headers => "If-Match: *\r\n");
refused(400, 'If-None-Match', 'If-None-Match', line('x'),
        headers => "If-None-Match: *\r\n");
refused(415, 'Content-Type', "type '$_'", line('x'), type => $_)
    for 'application/json', 'text/plain', 'application/x-ndjson2', '';
refused(403, '', 'a foreign origin', line('x'),
        headers => "Origin: http://evil.example\r\n");

is(bulk(line('x'), path => '/v1/names/x')->{status}, 405, 'POST of one name');
is(bulk(line('x') x 20, path => '/small')->{status}, 413,
   'client_max_body_size holds');
is(http_get($admin, '/v1/names/x', method => 'PUT', body => 'x' x 70000)
   ->{status}, 413, 'PUT has its own limit');

is_deeply(names(), $before, 'none of it was stored');


# ---- many, however the body comes

my $many = join '', map { line("m$_", owner => 'x' x ($_ % 97)) } 1 .. 20000;

for my $where ('/v1/names', '/memory', '/file', '/both') {
    bulk('', args => '?replace=true');
    counted($many, counts(20000, 0, 0), "20000 lines, $where",
            path => $where);
}

bulk('', args => '?replace=true');
$reply = http_request($admin, "POST /v1/names HTTP/1.1\r\nHost: localhost\r\n"
    . "Connection: close\r\nContent-Type: application/x-ndjson\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n"
    . join('', map { sprintf "%x\r\n%s\r\n", length, $_ }
           unpack '(a9999)*', $many) . "0\r\n\r\n");
is_deeply(json($reply->{body}), counts(20000, 0, 0), 'in chunks');
is(scalar @{names()}, 20000, 'they are there');
is(seen('m19999'), 'm19999.gw.test||' . 'x' x (19999 % 97), 'as they came');

$reply = bulk(set(1, 100001));
is($reply->{status}, 413, 'more than 100000');
is(json($reply->{body})->{line}, 100001, 'counted');
is(scalar @{names()}, 20000, 'are refused');

bulk('', args => '?replace=true');

my $cpu = $gw->cpu();
counted(set(1, 100000), counts(100000, 0, 0), '100000 are not');
my $took = $gw->cpu() - $cpu;
cmp_ok($took, '<', 5, sprintf '100000 names in %.2f s', $took);


# ---- whole sets

my $etag = etag('n000001');

counted(set(1, 3) . line('new'), counts(1, 0, 99997), 'replaced',
        args => '?replace=true');
is(scalar @{names()}, 4, 'by four names');
is(etag('n000001'), $etag, 'a record that is as before has its ETag');
counted(set(1, 2) . line('n000003', owner => "2"), counts(0, 1, 1),
        'one is changed, one gone', args => '?replace=true');
is(seen('n000003'), 'n000003.gw.test||2', 'as it is served');
counted('', counts(0, 0, 3), 'an empty set', args => '?replace=true');
is_deeply(names(), [ ], 'is none');

# the same name far apart, and a bad line after many good ones

refused(400, 'name', 'a name twice in a long set',
        set(1, $SET) . line('n000007') . line('n000008'),
        args => '?replace=true');
is(json($reply->{body})->{line}, $SET + 1, 'and the first line');
refused(400, '', 'a bad line late in a long set', set(1, $SET) . "{\n",
        args => '?replace=true');
is(json($reply->{body})->{line}, $SET + 1, 'and the line');
refused(400, 'name', 'a name twice, and then a bad line',
        set(1, $SET) . line('n000007') . "{\n", args => '?replace=true');
is(json($reply->{body})->{line}, $SET + 1, 'and the first of both');
is_deeply(names(), [ ], 'nothing is changed');


# ---- served meanwhile: each look finds a set, and never an older one

bulk(set(1, 3000), args => '?replace=true');

my $watch = watch();

for my $n (2 .. 12) {
    counted(set($n, 3000), counts(0, 3000, 0), "set $n",
            args => '?replace=true');
    sleep 0.1;
}

my ($looks, $pages, @torn) = seen_by($watch);

cmp_ok($looks, '>', 20, "$looks names and $pages pages were looked at");
is(join(', ', @torn), '', 'none was missing or of an older set, or mixed');


# ---- changed meanwhile

bulk(set(1, $SET), args => '?replace=true');

my $slow = slow_replace(2);

put('n000005', owner => 'early');
put('n200000', owner => 'late');
put('other', owner => 'new');
put('n000006', owner => "1");
http_get($admin, '/v1/names/n000007', method => 'DELETE');
bulk(line('n000008', owner => 'bulk') . gone('n000009'));

ok(!$slow->{select}->can_read(0),
   'six changes are made, and the replace is not done yet');
is(seen('n000005'), 'n000005.gw.test||early', 'a change is served at once');
is(seen('n000100'), 'n000100.gw.test||1', 'and the old set otherwise');

$reply = finish($slow);
is($reply->{status}, 200, 'the replace is made');
is_deeply(json($reply->{body}), counts(0, $SET - 6, 0),
          'and counts what readers see');

is(seen('n000005'), 'n000005.gw.test||early', 'a changed name stays so');
is(seen('n200000'), 'n200000.gw.test||late', 'also where its row was last');
is(seen('other'), 'other.gw.test||new', 'a name that was added stays');
is(seen('n000006'), 'n000006.gw.test||1', 'one that was put as it was, too');
is(seen('n000007'), '||', 'a deleted one is gone');
is(seen('n000008'), 'n000008.gw.test||bulk', 'likewise with many at once');
is(seen('n000009'), '||', 'and deleted there');
is(seen('n000010'), 'n000010.gw.test||2', 'the rest is the new set');


# ---- two at once

bulk(set(1, $SET), args => '?replace=true');

my @two = (slow_replace(2, 0), slow_replace(3, 0));
my @done = map { finish($_) } @two;

is(join(' ', sort map { $_->{status} } @done), '200 409',
   'of two replaces one is refused');

my ($won, $lost) = $done[0]{status} == 200 ? (2, 1) : (3, 0);

like(json($done[$lost]{body})->{error}, qr/^another replace was started/,
     'which says why');
is_deeply(owners(), { $won => $SET }, 'the other one is served, whole');


# ---- who asked goes away, or the worker is to go

bulk(set(1, $SET), args => '?replace=true');

$slow = slow_replace(2);
close $slow->{socket};

ok(wait_for(sub { seen('n000001') eq 'n000001.gw.test||2' }),
   'done also without a client');

$slow = slow_replace(3);
ok($gw->reload(old => 'stay'), 'a reload meanwhile');
is(seen('n000001'), 'n000001.gw.test||2', 'new workers serve the old set');
put('other', owner => 'theirs');

$reply = finish($slow);
is($reply->{status}, 200, 'the worker that goes makes and answers it');
is(seen('n000001'), 'n000001.gw.test||3', 'for the new ones');
is(seen('other'), 'other.gw.test||theirs', 'a change by them stays');
ok(wait_for(sub { $gw->workers() == 2 }), 'and goes then');


# ---- killed in the middle

my $size = -s $gw->dir() . '/names/data.mdb';
my ($set, $unanswered) = (3, 0);

for my $round (1 .. 5) {
    bulk(set($set, $SET), args => '?replace=true');

    my @workers = $gw->workers();

    $slow = slow_replace($set + 1);
    sleep rand 0.3;

    if ($round < 4) {
        kill 'KILL', @workers;
        wait_for(sub { !grep { alive($_) } @workers });
        wait_for(sub { $gw->workers() == 2 });

    } else {
        $gw->kill();

        # a thread that waits for the disk outlives its process's death

        wait_for(sub { !connect_to($admin) && !connect_to($http) });
        $gw->start();
    }

    $reply = finish($slow);
    $unanswered += $reply->{status} == 0;

    # killed between the last transaction and the reply, it is the new one

    my $owners = owners();
    my $found = $owners->{$set + 1} ? $set + 1 : $set;

    is_deeply($owners, { $found => $SET }, "killed: a whole set, $round");
    is($found, $set + 1, 'the one that was replied') if $reply->{status};

    is(put('n000001', owner => 'x')->{status}, 200, 'a name can be changed');
    is(bulk(set($set + 2, 10), args => '?replace=true')->{status}, 200,
       'and all of them replaced');
    is_deeply(owners(), { $set + 2 => 10 }, 'as is served then');

    $set += 2;
}

cmp_ok($unanswered, '>', 0, "$unanswered of 5 were killed before the reply");
cmp_ok(-s $gw->dir() . '/names/data.mdb', '<=', 2 * $size,
       'what is left of them does not pile up');

$gw->expect(qr/exited on signal 9/);

$slow = slow_replace($set + 1);
$gw->stop();
finish($slow);
$gw->start();
is_deeply(owners(), { $set => 10 }, 'a fast shutdown in the middle');
is(bulk(set($set + 1, 10), args => '?replace=true')->{status}, 200,
   'can be made good');

$gw->stop('QUIT');


# ---- one process, without threads

my $single = Wgw->new("master_process off;\n$conf");

start_single($single);
($admin, $http) = ($single->port('ADMIN'), $single->port('HTTP'));

counted(set(1, 1000), counts(1000, 0, 0), 'one process: many');
counted(set(2, 500), counts(0, 500, 500), 'one process: replaced',
        args => '?replace=true');
refused(400, 'name', 'one process', line('x') x 2);
is_deeply(owners(), { 2 => 500 }, 'one process: served');

$single->stop();


# ---- no space left

my $full = Wgw->new($conf);
my $limited = $full->dir() . '/limited';

# files of at most 4 MB, which is an error, not the end of the worker

spew($limited, <<"END_OF_SCRIPT");
#!/bin/sh
trap '' XFSZ
ulimit -f 8192
exec '$full->{binary}' "\$@"
END_OF_SCRIPT

chmod 0755, $limited;
$full->{binary} = $limited;
$full->start();
($admin, $http) = ($full->port('ADMIN'), $full->port('HTTP'));

counted(set(1, 5000), counts(5000, 0, 0), 'full: there is room',
        path => '/memory');

for my $args ('', '?replace=true') {
    $reply = bulk(set(2, 90000), args => $args, path => '/memory');
    is($reply->{status}, 507, "full$args: refused");
    is_deeply(owners(), { 1 => 5000 }, 'and nothing changed');
    is(put('n000001', owner => "1", cap_bytes => 1 + length $args)->{status},
       200, 'one name can be changed');
    counted(set(1, 5000), counts(0, 1, 0), 'and a set that fits be put',
            args => '?replace=true', path => '/memory');
}

$full->stop();

done_testing();


# ---- helpers

sub counts {
    my ($added, $changed, $deleted) = @_;

    return { added => $added, changed => $changed, deleted => $deleted };
}


sub line {
    my ($name, %member) = @_;

    return JSON::PP->new->canonical->encode({
        name => $name, backends => [ 'http://[2001:db8::1]:8080' ], %member
    }) . "\n";
}


sub gone { return qq({"name":"$_[0]","delete":true}\n) }


# Names n000001 and on, whose owner is the number of the set.

sub set {
    my ($number, $names) = @_;

    return join '', map {
        sprintf '{"name":"n%06d","backends":["http://[2001:db8::1]:8080"],'
                . qq("owner":"$number"}\n), $_
    } 1 .. $names;
}


sub bulk_text {
    my ($body, %option) = @_;

    my $path = ($option{path} || '/v1/names') . ($option{args} || '');
    my $type = $option{type} // 'application/x-ndjson';

    return "POST $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
           . (length $type ? "Content-Type: $type\r\n" : '')
           . 'Content-Length: ' . length($body) . "\r\n"
           . ($option{headers} || '') . "\r\n$body";
}


sub bulk {
    my ($body, %option) = @_;

    return http_request($admin, bulk_text($body, %option), timeout => 60);
}


sub counted {
    my ($body, $counts, $case, %option) = @_;

    my $reply = bulk($body, %option);

    return is_deeply($reply->{status} == 200 ? json($reply->{body}) : $reply,
                     $counts, $case);
}


sub refused {
    my ($status, $field, $case, $body, %option) = @_;

    $reply = bulk($body, %option);

    is($reply->{status}, $status, "$case: refused");
    is(json($reply->{body})->{field} // '', $field, "names '$field'");
}


sub put {
    my ($name, %member) = @_;

    return http_get($admin, "/v1/names/$name", method => 'PUT',
                    body => line($name, %member));
}


sub etag { return http_get($admin, "/v1/names/$_[0]")->{headers}{etag} }


sub seen {
    my $line = http_get($http, '/', host => "$_[0].gw.test")->{body};
    chomp $line;

    return $line;
}


# All pages, searched as text, which is faster than as JSON.

sub pages {
    my ($regex) = @_;

    my ($after, @found) = ('');

    while (1) {
        my $page = http_get($admin, "/v1/names?limit=1000&after=$after")
                   ->{body};

        push @found, $page =~ /$regex/g;
        ($after) = $page =~ /"next":"([^"]*)"/ or last;
    }

    return @found;
}


sub names { return [ pages(qr/"name":"([^"]*)"/) ] }


sub owners {
    my %owners;

    $owners{$_}++ for pages(qr/"owner":"([^"]*)"/);

    return \%owners;
}


# A replace that is on its way for so long or, without `seconds`, has been
# writing; finish() waits for the reply.

sub slow_replace {
    my ($number, $seconds) = @_;

    my $text = bulk_text(set($number, $SET), args => '?replace=true');
    my $socket = connect_to($admin);
    my $file = $gw->dir() . '/names/data.mdb';
    my $time = (stat $file)[9];

    exchange($admin, $text, socket => $socket, timeout => 0.001);

    wait_for(sub { (stat $file)[9] != $time }) if !defined $seconds;
    sleep $seconds // 0.03;

    return { socket => $socket, select => IO::Select->new($socket) };
}


sub finish {
    my ($slow) = @_;

    return http_request($admin, '', socket => $slow->{socket},
                        timeout => 60);
}


# A process that looks at names and pages until it is told to stop.

sub watch {
    my ($read, $write);

    pipe $read, $write or die "pipe: $!";

    my $pid = fork;
    die "fork: $!" if !defined $pid;

    return { pid => $pid, read => $read } if $pid;

    my ($stop, $looks, $pages, $last, @torn) = (0, 0, 0, 0);

    local $SIG{TERM} = sub { $stop = 1 };

    until ($stop) {
        my $line = seen(sprintf 'n%06d', 1 + int rand 3000);
        my ($set) = $line =~ /\|(\d+)$/;

        push @torn, "'$line' after $last" if !$set || $set < $last;
        $last = $set if $set;

        next if $looks++ % 20;

        my (%owners, $page);

        $page = http_get($admin, '/v1/names?limit=1000')->{body};
        $owners{$_}++ for $page =~ /"owner":"([^"]*)"/g;

        my ($owner, @other) = keys %owners;

        push @torn, 'a page of ' . join '+', %owners
            if @other || $owners{$owner} != 1000 || $owner < $last;

        $last = $owner;
        $pages++;
    }

    syswrite $write, join "\n", $looks, $pages, splice @torn, 0, 5;

    POSIX::_exit(0);
}


sub seen_by {
    my ($watch) = @_;

    kill 'TERM', $watch->{pid};
    waitpid $watch->{pid}, 0;

    sysread $watch->{read}, my $text, 65536;

    return split /\n/, $text;
}


# There are no workers to wait for.

sub start_single {
    my ($gateway) = @_;

    my $pid = fork;
    die "fork: $!" if !defined $pid;

    if (!$pid) {
        $gateway->exec_nginx('-g', 'daemon off;');
    }

    $gateway->{pid} = $pid;

    wait_for(sub { connect_to($gateway->port('ADMIN')) });
}
