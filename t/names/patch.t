#!/usr/bin/perl

# PATCH of a name: a merge patch (RFC 7396), all or nothing.

use warnings;
use strict;

use JSON::PP ();
use Test::More;

use Wgw;


my $gw = Wgw->new(<<'EOT');
worker_processes 2;
wgw_names names domain=gw.test;
events { }
http {
    server { listen 127.0.0.1:%%ADMIN%%; location /v1/names { wgw_api; } }
}
EOT

$gw->start();

my $admin = $gw->port('ADMIN');
my $backend = 'http://[2001:db8::10]:8080';

sub request {
    my ($method, $name, $body, $headers) = @_;

    return http_get($admin, "/v1/names/$name", method => $method,
                    body => ref $body ? JSON::PP->new->encode($body) : $body,
                    headers => $headers // '');
}

my $whole = { backends => [ $backend ], cap_bytes => 1000, owner => 'me',
              workload => '7' };
my $put = request('PUT', 'shop', $whole);
is($put->{status}, 201, 'a name');

my $type = "Content-Type: application/merge-patch+json\r\n";
my $patch = request('PATCH', 'shop', '{"cap_bytes":2000}', $type);
my $record = json($patch->{body});

is($patch->{status}, 200, 'start 10.8 one member');
is($record->{cap_bytes}, 2000, 'is another');
is($record->{owner}, 'me', 'the others stay');
is("@{$record->{backends}}", $backend, 'backends, too');
isnt($patch->{headers}{etag}, $put->{headers}{etag}, 'a new ETag');
is(request('GET', 'shop.gw.test')->{body}, $patch->{body}, 'as it is stored');

my $etag = $patch->{headers}{etag};
is(request('PATCH', 'shop', '{}')->{headers}{etag}, $etag,
   'nothing changes nothing');
is(request('PATCH', 'shop', '{"cap_bytes":2000}')->{headers}{etag}, $etag,
   'nor does what is so');

$record = json(request('PATCH', 'shop', '{"owner":null,"cap_bytes":null,'
                       . '"state":"paused"}', $type)->{body});
is($record->{owner}, '', 'start 10.8 null is the default');
is($record->{cap_bytes}, 0, 'of numbers, too');
is($record->{state}, 'paused', 'beside other changes');
is($record->{workload}, '7', 'what is not named stays');

$record = json(request('PATCH', 'shop', {
    backends => [ '192.0.2.1:443' ], tls_passthrough => JSON::PP::true
})->{body});
is("@{$record->{backends}}", '192.0.2.1:443', 'another kind of backend');

# what is refused changes nothing

my $before = request('GET', 'shop')->{body};

for (
    [ '{"tls_passthrough":false}', 'backends[0]', 'what no longer fits' ],
    [ '{"backends":null}', 'backends', 'a required member' ],
    [ '{"backends":[]}', 'backends', 'none of them' ],
    [ '{"cap_bytes":5,"owner":7}', 'owner', 'the second of two' ],
    [ '{"colour":"red"}', 'colour', 'an unknown member' ],
    [ '{"colour":null}', 'colour', 'a null for one' ],
    [ '{"owner":"a","owner":"b"}', 'owner', 'one twice' ],
    [ '{"name":"other"}', 'name', 'another name' ],
    [ '{"cap_bytes":-1}', 'cap_bytes', 'a bad number' ],
    [ '[]', '', 'an array' ],
    [ '', '', 'nothing' ],
    [ '{"owner":"a"', '', 'a part' ],
    [ '{"owner":"a"}}', '', 'more' ],
    [ '{"owner":"a"} 1', '', 'something after it' ],
) {
    my ($body, $field, $what) = @$_;
    my $reply = request('PATCH', 'shop', $body, $type);

    is($reply->{status}, 400, "start 10.8 refused: $what");
    is((json($reply->{body}) || { })->{field} // '', $field, 'by its member')
        or diag($reply->{body});
}

is(request('GET', 'shop')->{body}, $before, 'and nothing was changed');

is(request('PATCH', 'none', '{"owner":"a"}')->{status}, 404,
   'start 10.8 no such name');
is(request('PATCH', 'shop?x=1', '{}')->{status}, 400, 'an argument');
is(request('PATCH', 'shop', 'x' x 70000)->{status}, 413, 'a long body');

my $text = request('PATCH', 'shop', '{}', "Content-Type: text/plain\r\n");
is($text->{status}, 415, 'start 10.8 another type');
like($text->{headers}{'accept-patch'}, qr{application/merge-patch\+json},
     'with Accept-Patch');
is(request('PATCH', 'shop', '{}', "Content-Type: $_\r\n")->{status}, 200, $_)
    for 'application/json', 'application/json; charset=utf-8',
        'Application/Merge-Patch+JSON';

# conditions

$etag = request('GET', 'shop')->{headers}{etag};

is(request('PATCH', 'shop', '{"owner":"x"}', "If-Match: $put->{headers}{etag}\r\n")
   ->{status}, 412, 'start 10.8 If-Match: another');
is(request('PATCH', 'shop', '[]', "If-Match: $put->{headers}{etag}\r\n")
   ->{status}, 412, 'before the patch is looked at');
is(request('PATCH', 'shop', '{"owner":"x"}', "If-Match: $etag\r\n")->{status},
   200, 'If-Match: this one');
is(request('PATCH', 'none', '{"owner":"x"}', "If-Match: *\r\n")->{status}, 412,
   'If-Match: any');
is(request('PATCH', 'shop', '{"owner":"x"}', "If-None-Match: *\r\n")->{status},
   412, 'If-None-Match');

# changes of the same name at once: none is lost

request('PUT', 'many', $whole);

my @members = ('owner', 'workload');
my @children;

for my $member (@members) {
    my $pid = fork;
    die 'fork' if !defined $pid;

    if (!$pid) {
        request('PATCH', 'many', { $member => "v$_" }) for 1 .. 60;
        POSIX::_exit(0);
    }

    push @children, $pid;
}

waitpid $_, 0 for @children;

$record = json(request('GET', 'many')->{body});
is("$record->{owner} $record->{workload}", 'v60 v60',
   'start 10.8 of two at once none is lost');

$gw->kill();
$gw->start();
is(json(request('GET', 'many')->{body})->{owner}, 'v60', 'and it is stored');

$gw->stop();

done_testing();
