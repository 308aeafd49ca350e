#!/usr/bin/perl

# The status page in Chromium: figures are what the client counted, the plot
# moves, names are changed, and nothing from outside becomes markup.
# PAGE_SHOTS=DIR keeps pictures of it.

use warnings;
use strict;

use Test::More;

use Digest::SHA qw(sha256_hex);
use IPC::Open2;
use JSON::PP ();
use POSIX 'strftime';

use Wgw;


my $chromium = $ENV{CHROMIUM} || 'chromium';

plan(skip_all => "no $chromium here: CHROMIUM=PATH names another")
    if system("command -v '$chromium' > /dev/null") != 0;

my $gw = Wgw->new(<<'EOF');
worker_processes 2;
wgw_names names domain=gw.test allow_loopback;
wgw_certs certs;
wgw_meter_zone names file=meter keys=20000;
wgw_meter_zone keys keys=100;

events { }

http {
    access_log off;
    client_max_body_size 64m;

    upstream wgw { wgw_backend; }

    server {
        listen 127.0.0.1:%%HTTP%%;
        wgw_route;
        wgw_meter names $wgw_name cap=$wgw_cap;
        location / { proxy_pass http://wgw; }
    }

    server {
        listen 127.0.0.1:%%KEYS%%;
        location / {
            wgw_meter keys $http_x_key;
            return 200 "ok\n";
        }
    }

    server {
        listen 127.0.0.1:%%ADMIN%%;
        location = / { wgw_page; }
        location /v1/names { wgw_api; }
        location /v1/usage { wgw_usage json; }
        location = /metrics { wgw_usage prometheus; }
        location = /v1/grid { wgw_grid_status; }
        location /v1/certificates { wgw_certs_api; }
    }

    server {
        listen 127.0.0.1:%%BACK%%;
        location / { root html; }
    }
}
EOF

my $dir = $gw->dir();

mkdir "$dir/html";
spew("$dir/html/file", 'x' x 100000);
$gw->start();

my $shots = $ENV{PAGE_SHOTS} || "$dir/shots";
mkdir $shots;

my $admin = $gw->port('ADMIN');
my $page = "http://127.0.0.1:$admin/";
my $json = JSON::PP->new->allow_nonref->canonical;

my $pid = open2(my $from, my $to, 'node', 'build/npm/page.mjs', $chromium);
$to->autoflush();


# ---- what the browser is told

sub say_ {
    my (%command) = @_;

    print $to $json->encode(\%command) . "\n";
    my $line = <$from>;
    my $answer = $json->decode($line // '{"error":"the browser is gone"}');

    fail("$command{(sort keys %command)[0]}: $answer->{error}")
        if $answer->{error};

    return $answer->{value};
}

sub text { return say_(eval => "document.querySelector('$_[0]').innerText") }

sub shot {
    my ($name, @of) = @_;

    say_(shot => "$shots/$name.png", @of);
    return sha256_hex(slurp("$shots/$name.png"));
}

sub put {
    my ($name, %members) = @_;

    return http_get($admin, "/v1/names/$name", method => 'PUT',
        body => $json->encode({
            backends => ['http://127.0.0.1:' . $gw->port('BACK')],
            %members }))->{status};
}

# the bytes of an answer, as the client saw them
sub fetch {
    my ($name, $path) = @_;

    my $request = "GET $path HTTP/1.1\r\nHost: $name\r\n"
                  . "Connection: close\r\n\r\n";

    return (length exchange($gw->port('HTTP'), $request), length $request);
}


# ---- nothing yet

say_(view => [1280, 1400]);
say_(goto => $page);

is(text('#rows'), 'There is no name yet.', 'an empty store');
is(text('#top .none'), 'Nobody yet.', 'and nobody moved anything');
shot('empty');


# ---- figures

is(put('shop', cap_bytes => 1000000, owner => 'Ann & "Bo" <b>bold</b>'), 201,
   'a name, with a label of markup');

my ($sent, $received) = (0, 0);

for (1 .. 3) {
    my ($out, $in) = fetch('shop.gw.test', '/file');
    $sent += $out;
    $received += $in;
}

my $row = 'tr[data-name="shop.gw.test"]';

ok(say_(wait => "document.querySelectorAll('$row data')[0]?.value"
                . " === '$sent'"), 'sent is what the client got');
is(say_(eval => "document.querySelectorAll('$row data')[1].value"),
   $received, 'received what it sent');
is(say_(eval => "document.querySelector('$row meter').value"),
   $sent + $received, 'and the bar both');
like(text($row), qr/owner Ann & "Bo" <b>bold<\/b>/, 'a label is text');
is(say_(eval => "document.querySelectorAll('$row b').length"), 0,
   'not markup');

my $key = '<img src=x onerror=alert(1)>"\'&';

http_get($gw->port('KEYS'), '/', headers => "X-Key: $key\r\n");

ok(say_(wait => "document.querySelector('#top').innerText.includes('<img')"),
   'nor is a key');
is(say_(eval => "document.querySelectorAll('img').length"), 0, 'no element');


# ---- the plot moves under load

my $before = shot('plot1', of => '#traffic svg');

fetch('shop.gw.test', '/file') for 1 .. 4;
sleep 11;

ok(say_(wait => 'true') && shot('plot2', of => '#traffic svg') ne $before,
   'two pictures under load differ in the plot');

my ($spent) = http_get($admin, '/v1/usage/shop.gw.test?zone=names')->{body}
              =~ /"sent":(\d+)/;

my $minutes = say_(eval => <<'EOF');
[...document.querySelectorAll('#traffic-table tbody tr')].reduce(
    (n, row) => n + Number(row.querySelector('data').value), 0)
EOF

cmp_ok($minutes, '>=', $spent, 'the table beside it has all of it');


# ---- names are changed

ok(say_(wait => "document.querySelector('$row button') !== null"),
   'a name has a button');

say_(eval => "document.querySelector('$row button').click()");
ok(say_(wait => "document.getElementById('edit').open"), 'it opens a dialog');
is(say_(eval => "document.getElementById('f-cap').value"), '0.001',
   'with the cap in GB');
shot('edit');

say_(eval => <<'EOF');
document.getElementById('f-cap').value = '2.5';
document.getElementById('f-paused').checked = true;
document.getElementById('f-save').click();
EOF

ok(say_(wait => "!document.getElementById('edit').open"), 'it is saved');

my $record = json(http_get($admin, '/v1/names/shop')->{body});

is($record->{cap_bytes}, 2500000000, 'the cap');
is($record->{state}, 'paused', 'the state');
is($record->{owner}, 'Ann & "Bo" <b>bold</b>', 'and nothing else');

say_(eval => "document.querySelector('$row button').click()");
say_(wait => "document.getElementById('edit').open");
say_(eval => <<'EOF');
document.getElementById('f-backends').value = 'http://127.0.0.1:99999';
document.getElementById('f-save').click();
EOF
ok(say_(wait => "!document.querySelector('#edit .error').hidden"),
   'a bad backend is refused');
like(text('#edit .error'), qr/^backends\[0\] /, 'and said which');
say_(eval => "document.getElementById('f-close').click()");

say_(eval => "document.querySelector('$row button').click()");
say_(wait => "document.getElementById('edit').open");
say_(eval => "document.getElementById('f-delete').click()");
ok(say_(wait => "document.getElementById('confirm').open"),
   'a delete is asked for');
is(http_get($admin, '/v1/names/shop')->{status}, 200, 'and not done yet');
is(say_(eval => "document.activeElement.id"), 'c-no',
   'the focus is on what keeps it');
shot('confirm');
say_(eval => "document.getElementById('c-yes').click()");
ok(say_(wait => "!document.getElementById('edit').open"), 'then it is');
is(http_get($admin, '/v1/names/shop')->{status}, 404, 'the name is gone');

say_(eval => "document.getElementById('add').click()");
say_(wait => "document.getElementById('edit').open");
say_(eval => "document.getElementById('f-name').value = 'new';"
    . "document.getElementById('f-backends').value = 'http://127.0.0.1:"
    . $gw->port('BACK') . "';"
    . "document.getElementById('f-save').click()");
ok(say_(wait => "document.querySelector('tr[data-name=\"new.gw.test\"]')"
                . " !== null"), 'a name is added');


# ---- the grid

sub grid {
    my (%members) = @_;

    return http_get($admin, '/v1/grid', method => 'PUT', body =>
        $json->encode({
            as_of => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime), contracts => 3,
            names => 2, balance => 1234567890, missing => [],
            last_report => '2026-11-27T12:00:00Z',
            this_month => { bytes => 4500000000, billed_musd => 2750 },
            %members }))->{status};
}

is(say_(eval => "document.getElementById('grid').hidden"), JSON::PP::true,
   'field 19.7: no grid, no row');

my $evil = '<img src=x onerror=alert(1)><script>alert(2)</script>"\'&';

is(grid(missing => [{ topic => 'chain', what => "the chain said $evil",
                      cure => "</td><b>$evil</b>" }]), 204,
   'field 19.7: a daemon says what it is');
ok(say_(wait => "!document.getElementById('grid').hidden"),
   'field 19.7: and has a row');

for (['contracts', '3'], ['names', '2'], ['balance', '123.46 TFT'],
     ['last report', '2026-11-27T12:00:00Z'],
     ['earned this month', '2.750 USD'], ['reported this month', '4.50 GB'])
{
    my ($what, $value) = @$_;

    is(say_(eval => "[...document.querySelectorAll('#grid dt')].find((e) =>"
            . " e.textContent === '$what').nextSibling.textContent"), $value,
       "field 19.7: $what");
}

like(text('#grid'), qr/the chain said \Q$evil\E/, 'field 19.7: texts are text');
is(say_(eval => "document.querySelectorAll('#grid img, #grid script, #grid b')"
        . ".length"), 0, 'and no markup');
unlike(text('#grid'), qr/Stale/, 'field 19.7: and are of now');
shot('grid', of => '#grid');

is(grid(as_of => '2026-11-27T00:00:00Z'), 204, 'one that ended long ago');
ok(say_(wait => "document.getElementById('grid').innerText.includes('Stale: "
        . "wgw-grid has said nothing since 2026-11-27T00:00:00Z')"),
   'field 19.7: what is stale is said to be');
is(grid(as_of => undef), 204, 'one that does not say when');
ok(say_(wait => "document.getElementById('grid').innerText.includes('Stale: "
        . "wgw-grid has said nothing since null')"),
   'field 19.7: is as stale');
grid();
ok(say_(wait => "!document.getElementById('grid').innerText"
        . ".includes('Stale')"), 'field 19.7: until it is there again');


# ---- what is gone

sub becomes {
    my ($change) = @_;

    my $conf = slurp("$dir/nginx.conf");

    spew("$dir/nginx.conf", $change->($conf));
    $gw->reload();
    return $conf;
}

sub said {
    my ($text) = @_;

    return wait_for(sub { text('#state') eq $text })
           || diag('said: ' . text('#state')) && 0;
}

my $conf = becomes(sub { $_[0] =~ s/wgw_page;/return 404;/r
                              =~ s/wgw_grid_status;/return 404;/r });

ok(said('not all is new: /: 404'), 'a page that is not there says so');
is(say_(eval => "document.getElementById('grid').hidden"), JSON::PP::true,
   'an endpoint that is not leaves no old figures');

becomes(sub { $_[0] =~ s/location = \/ \{ return 404;/location = \/ { return 200 hi;/r });
ok(said('not all is new: /: another page'), 'another one in its place');

becomes(sub { $conf });
is(put('later'), 201, 'a name comes meanwhile');
ok(said(''), 'it is there again');
ok(say_(wait => "document.querySelector('tr[data-name=\"later.gw.test\"]')"
                . " !== null"), 'and has what came');


# ---- certificates

mkdir "$dir/certs/mixed.example";
spew("$dir/certs/mixed.example/$_", slurp("$dir/certs/.self/$_"))
    for 'fullchain.pem', 'privkey.pem';
say_(goto => $page);

my $mixed = "[...document.querySelectorAll('#certificates tbody tr')]"
            . ".find((e) => e.innerText.includes('mixed.example'))"
            . "?.lastChild.innerText";

ok(wait_for(sub { (say_(eval => $mixed) // '') =~ /^\d+$/ }),
   'a certificate, and its days');
spew("$dir/certs/mixed.example/privkey.pem", 'half');
ok(wait_for(sub { (say_(eval => $mixed) // '') eq 'damaged' }),
   'one that no handshake can do with');


# ---- ten thousand names

is(http_get($admin, '/v1/names?replace=true', method => 'POST',
    headers => "Content-Type: application/x-ndjson\r\n",
    body => join('', map {
        qq({"name":"n$_","backends":["http://127.0.0.1:9"],)
        . qq("cap_bytes":1000000000}\n) } 10000 .. 19999))->{status}, 200,
   '10,000 names');

say_(goto => $page);
is(say_(eval => "document.querySelectorAll('tr[data-name]').length"), 50,
   'a page has fifty');
shot('many');

say_(goto => $page . '?after=' . say_(eval => <<'EOF'));
new URL(document.getElementById('next').href).searchParams.get('after')
EOF
like(text('tr[data-name] th'), qr/^n10050\.gw\.test/, 'and there is a next');

say_(eval => <<'EOF');
document.getElementById('q').value = 'N1777';
document.getElementById('q').dispatchEvent(new Event('input'));
EOF
ok(say_(wait => "document.querySelectorAll('tr[data-name]').length === 10"),
   'names are searched, in either case');
is(say_(eval => "location.search"), '?q=N1777', 'the address says so');


# ---- small, dark, and without a script

for my $dark (0, 1) {
    my $look = $dark ? 'dark' : 'light';

    say_(view => [1280, 1000], dark => $dark ? \1 : \0);
    say_(goto => $page);
    shot($look);

    say_(view => [390, 1600], dark => $dark ? \1 : \0);
    say_(goto => $page);
    shot("phone-$look");

    is(say_(eval => "document.documentElement.scrollWidth"), 390,
       "$look: a phone need not scroll sideways");
}

# the contrast of all text with what is behind it: 4.5 to 1 (WCAG 1.4.3)
my $contrast = <<'EOF';
(() => {
  const rgb = (text) => text.match(/[\d.]+/g).map(Number);
  const part = (c) => (c /= 255) <= 0.03928 ? c / 12.92
                                            : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) =>
    0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = (node) => {
    for ( ; node; node = node.parentElement) {
      const c = rgb(getComputedStyle(node).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  let least = 21;
  for (const node of document.querySelectorAll('body *')) {
    if (!node.checkVisibility() || !node.innerText) continue;
    const [a, b] = [light(rgb(getComputedStyle(node).color)),
                    light(behind(node))].sort((x, y) => y - x);
    least = Math.min(least, (a + 0.05) / (b + 0.05));
  }
  return least;
})()
EOF

for my $dark (0, 1) {
    say_(view => [1280, 1000], dark => $dark ? \1 : \0);
    say_(goto => $page);
    cmp_ok(say_(eval => $contrast), '>=', 4.5,
           ($dark ? 'dark' : 'light') . ': texts can be read');
}

is(say_(eval => <<'EOF'), 0, 'each field has a label, each button a name');
[...document.querySelectorAll('input, textarea, button')].filter((e) =>
    !(e.labels && e.labels.length) && !e.textContent.trim()
    && !e.ariaLabel).length
EOF

# an endpoint that is not there is asked for once; a change was refused
my @told = grep { !/status of 404/ } @{ say_(told => \1) };
is(scalar(grep { !/status of 400/ } @told), 0,
   'nothing is blocked, and nothing fails')
    or diag(explain(\@told));

say_(view => [1280, 1000], script => \0);
say_(goto => $page);
shot('without-script');



close $to;
waitpid($pid, 0);
$gw->stop();

done_testing();
