#!/usr/bin/perl

# The status page without a script: its document, what it says, and to whom.
# What a browser makes of it is in t/full/page-browser.t.

use warnings;
use strict;

use Test::More;

use Digest::SHA qw(sha256_base64);

use Wgw;


my $gw = Wgw->new(<<'EOF');
worker_processes 2;
wgw_names names domain=gw.test allow_loopback;
wgw_meter_zone names keys=100;
wgw_meter_zone keys keys=10;

events { }

http {
    access_log off;

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_meter names $wgw_name cap=$wgw_cap;
        return 200 "hello\n";
    }

    server {
        listen 127.0.0.1:%%KEYS%%;
        location / { wgw_meter keys $arg_key; return 200 "ok\n"; }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        server_name admin.test;

        location = / { wgw_page; }
        location = /other { wgw_page names=/n usage=/u claims=off; }
        location /if/ { wgw_page; if ($arg_q) { set $x 1; } }
        location = /gzip { gzip on; wgw_page; }
        location /v1/names { wgw_api; }
        location = /v1/grid { wgw_grid_status; }
    }
}
EOF

$gw->start();

my $admin = $gw->port('ADMIN');

sub page {
    my ($query, %option) = @_;

    return http_get($admin, $option{path} // "/$query", %option);
}

sub put {
    my ($name, $record) = @_;

    is(http_get($admin, "/v1/names/$name", method => 'PUT',
                body => $record)->{status}, 201, "put $name");
}


# ---- the document

my $reply = page('');

is($reply->{status}, 200, 'a page');
is($reply->{headers}{'content-type'}, 'text/html; charset=utf-8', 'of HTML');
is($reply->{headers}{'cache-control'}, 'no-store', 'that nobody keeps');
is($reply->{headers}{'content-length'}, length $reply->{body}, 'and whole');
unlike($reply->{body}, qr/<!--wgw:/, 'no mark is left');
unlike($reply->{body}, qr{(?:src|href)="?(?:https?:)?//}, 'all in itself');
like($reply->{body}, qr/There is no name yet/, 'no name');

my $policy = $reply->{headers}{'content-security-policy'};
my ($style) = $reply->{body} =~ m{<style>(.*?)</style>}s;
my ($script) = $reply->{body} =~ m{<script>(.*?)</script>}s;

for my $part ([ style => $style ], [ script => $script ]) {
    my $hash = sha256_base64($part->[1]);
    $hash .= '=' while length($hash) % 4;

    like($policy, qr/$part->[0]-src 'sha256-\Q$hash\E'(?:;|$)/,
         "the policy allows its $part->[0]");
}

unlike($policy, qr/unsafe/, 'and no other');
(my $markup = $reply->{body}) =~ s{<(style|script)>.*?</\1>}{}gs;

unlike($markup, qr{ style=| on\w+=}, "nor has it any");


# ---- what it says

put('shop', '{"backends":["http://127.0.0.1:9"],"cap_bytes":1000,'
            . '"owner":"<i>&\"\'","state":"paused"}');
put('idle', '{"backends":["http://127.0.0.1:9"]}');

my $got = http_get($gw->port('HTTP'), '/', host => 'shop.gw.test');
my $html = page('')->{body};

like($html, qr/data-name="shop\.gw\.test"/, 'a name');
like($html, qr/<meter max="1000"[^>]* value="@{[$got->{sent}
     + $got->{received}]}"/, 'with what it used');
like($html, qr/<data value="$got->{received}">/, 'and what was sent');
like($html, qr/owner &lt;i&gt;&amp;&quot;&#39;</, 'its owner as text');
like($html, qr/class="warn">paused/, 'it is paused');
like($html, qr/data-name="idle\.gw\.test".*?0 B, no cap/s,
     'a name without traffic or cap');

http_get($gw->port('KEYS'), '/?key=%3Cscript%3E%00%ff');
like(page('')->{body}, qr/%3Cscript%3E%00%ff/, 'a key as it came');
like(page('')->{body}, qr/aria-label="1 of 10 keys"/, 'how full a zone is');


# ---- pages and search

for my $n (10 .. 70) {
    http_get($admin, "/v1/names/n$n", method => 'PUT',
             body => '{"backends":["http://127.0.0.1:9"]}');
}

my ($query, %seen, $pages);

for ($query = '', $pages = 0; defined $query && $pages < 5; $pages++) {
    my $body = page($query)->{body};

    $seen{$1}++ while $body =~ /data-name="([^"]+)"/g;
    ($query) = $body =~ /id="next" rel="next" href="([^#"]+)/;
}

is($pages, 2, 'two pages');
is(scalar keys %seen, 63, 'have all names');
is((grep { $_ != 1 } values %seen), 0, 'each once');

my $found = page('?q=N1')->{body};
my @names = $found =~ /data-name="([^"]+)"/g;

is("@names", join(' ', map { "n$_.gw.test" } 10 .. 19), 'a search');
like($found, qr/value="n1"/, 'which the field has');
like(page('?q=%22%3E%3Cb%3E')->{body}, qr/value="&quot;&gt;&lt;b&gt;"/,
     'as text');
like(page('?q=nothere')->{body}, qr/No name has that in it/, 'or nothing');


# ---- more names than one page looks at

is(http_get($admin, '/v1/names', method => 'POST',
    headers => "Content-Type: application/x-ndjson\r\n",
    body => join('', map {
        qq({"name":"n$_","backends":["http://127.0.0.1:9"]}\n) }
        100000 .. 120200))->{status}, 200, '20,201 names');

my $far = page('?q=n1201')->{body};

like($far, qr/None of the names that were looked at has that in it/,
     'a search that is not done does not say that there is none');
like(http_get($admin, $far =~ /id="next" rel="next" href="([^#"]+)/
              ? '/' . $1 =~ s/&amp;/&/gr : '/none')->{body},
     qr/data-name="n120100\.gw\.test"/, 'and goes on');


# ---- who may see it, and how

is(page('?nosuch=1')->{status}, 400, 'an argument that it does not know');
is(page('?q=' . 'x' x 254)->{status}, 400, 'or a long one');
is(page('', method => 'POST', body => 'x')->{status}, 405, 'POST');
is(page('', host => 'evil.test')->{status}, 403, 'another host');
is(page('', host => 'admin.test')->{status}, 200, 'the server\'s name');
is(page('', headers => "Origin: http://evil.test\r\n")->{status}, 403,
   'another origin');
is(page('', path => '/if/?q=a')->{status}, 200, 'in an `if` as well');
is(page('', path => '/gzip', headers => "Accept-Encoding: gzip\r\n")
   ->{headers}{'content-encoding'}, 'gzip', 'and compressed, which is asked for');

my $other = page('', path => '/other')->{body};

like($other, qr/"names":"\/n","usage":"\/u"/, 'other paths');
like($other, qr/"claims":""/, 'and none');
unlike($other, qr{>Claims</a>}, 'no link then');


# ---- what wgw-grid says of itself

sub grid {
    my ($method, $body, %more) = @_;

    return http_get($admin, '/v1/grid', method => $method, body => $body,
                    %more);
}

is(grid('GET')->{body}, 'null', 'field 19.7: nothing yet');

my $said = '{"as_of":"2026-11-27T12:00:00Z","missing":[{"what":"<b>\u0001"}]}';

is(grid('PUT', $said)->{status}, 204, 'field 19.7: a daemon says something');
is(grid('GET')->{body}, $said, 'field 19.7: which is there as it was said');
is(grid('GET')->{headers}{'content-type'}, 'application/json', 'as JSON');
is(grid('PUT', $_)->{status}, 400, 'field 19.7: no object: '
   . substr $_, 0, 20)
    for '', '[]', '7', '{', '{"a":1}x', '{"a":"\ud800"}', "{\"a\":\"\xff\"}",
        '{"a":' . '[' x 100 . ']' x 100 . '}';
is(grid('PUT', '{"a":"' . 'x' x 131072 . '"}')->{status}, 413,
   'field 19.7: or too much');
is(grid('PUT', '{"a":"' . 'x' x 131064 . '"}')->{status}, 204,
   'field 19.7: as much as there may be');
is(length grid('GET')->{body}, 131072, 'is there');
is(grid('PUT', $said)->{status}, 204, 'and something small again');
is(grid('DELETE')->{status}, 405, 'another method');
is(grid('DELETE')->{headers}{allow}, 'GET, HEAD, PUT', 'and which there are');
is(grid('PUT', '{}', headers => "Origin: http://evil.test\r\n")->{status}, 403,
   'field 19.7: not by another site');
is(grid('GET', undef, host => 'evil.test')->{status}, 403, 'nor to one');
is(grid('GET')->{body}, $said, 'field 19.7: none of that changed it');


# ---- the traffic of all workers is kept over a reload

my ($total) = (0);

sub total {
    my $sum = 0;
    my ($table) = page('')->{body}
        =~ m{id="traffic-table".*?<tbody>(.*?)</tbody>}s;

    while ($table =~ m{<tr><th.*?<data value="(\d+)">}g) {
        $sum += $1;
    }

    return $sum;
}

ok(wait_for(sub { total() >= $got->{received} }), 'traffic is there');
$total = total();
$gw->reload();
ok(wait_for(sub { total() >= $total }), 'and stays');
is(grid('GET')->{body}, $said, 'field 19.7: what wgw-grid said, too');


# ---- what nginx -t says

for my $case (
    [ 'wgw_page x=1;', qr/invalid parameter "x=1"/ ],
    [ 'wgw_page names=v1;', qr/"names=v1" must have a path, or "off"/ ],
    [ 'wgw_page; wgw_page;', qr/"wgw_page" directive is duplicate/ ],
) {
    my $bad = Wgw->new("events { } http { server { listen "
                       . "127.0.0.1:%%P%%; location = / { $case->[0] } } }");

    like($bad->run('-t'), $case->[1], $case->[0]);
}

my $none = Wgw->new('events { } http { server { listen 127.0.0.1:%%P%%; '
                    . 'location = / { wgw_page; } } }');

$none->start();
like(http_get($none->port('P'), '/')->{body}, qr/Nothing is metered/,
     'without a zone');
$none->stop();

$gw->stop();

done_testing();
