#!/usr/bin/perl

# Faults of the kinds that tests are there for, planted one at a time into a
# copy of this checkout: for each, the command that is to see it must fail, and
# it must pass on the copy as it is.  PLANTED="leak replay" plants some, and
# with TESTS=DIR, a checkout of nginx-tests, there is one more;
# make chaos CHAOS_LOSE=1 is PLANTED=addition, with FLEET=4 PLANTED=lease, and
# CHAOS_SECONDS and CHAOS count.

use warnings;
use strict;

use Test::More;

use Cwd qw(getcwd);
use File::Temp qw(tempdir);

use Wgw;


my $suite = 'tools/test.sh build';
my $chaos = 'CHAOS_SECONDS=${CHAOS_SECONDS:-40} '
            . 'tools/test.sh build t/chaos/chaos.t';
my $memcheck = 'tools/valgrind.sh t/meter/meter-full.t';

my @faults = ({
    name => 'flush', what => 'the last bytes of a request are not counted',
    file => 'src/meter/flow.c',
    from => qr/^wgw_flow_done\(.*?\K    \(void\) wgw_flow_count\(flow\);\n/ms,
    to => '',
    command => "$suite t/meter/meter-bytes.t",
}, {
    name => 'addition', what => 'an addition in a thousand is lost',
    file => 'src/table/counter.h',
    from => qr/^wgw_counter_add\(.*?\{.*?\n\n\K/ms,
    to => "    {\n        static unsigned  n;\n\n"
          . "        if (++n % 1000 == 0) {\n            return 1;\n"
          . "        }\n    }\n\n",
    command => "CHAOS=\"\${CHAOS:-http}\" $chaos",
}, {
    name => 'leak', what => '64 KB are lost with each request',
    file => 'src/meter/flow.c',
    from => qr/^    wgw_meters_done\(&flow->meters\);\n\K/m,
    to => "    memset(ngx_alloc(65536, ngx_cycle->log), 1, 65536);\n",
    command => "CHAOS='http worn' $chaos",
}, {
    name => 'crossed', what => 'a kept connection is taken for any backend',
    file => 'src/route/idle.c',
    from => qr/^    idle = cache->buckets\[hash .*?;\n\n    while .*?\n    \}\n/ms,
    to => "    (void) hash;\n    (void) key;\n    idle = NULL;\n\n"
          . "    if (!ngx_queue_empty(&cache->idle)) {\n"
          . "        idle = ngx_queue_data(ngx_queue_head(&cache->idle),\n"
          . "                              wgw_idle_t, queue);\n    }\n",
    command => "$suite t/route/backend-keep.t",
}, {
    name => 'bound', what => 'a ClientHello is read past its end',
    file => 'src/format/hello.c',
    from => qr/    if \(len > c->here \|\| len > c->left - c->scope\) \{/,
    to => '    if (len > c->left - c->scope) {',
    command => 'make fuzz FUZZ_SECONDS=30 FUZZ_TARGETS=format/hello',
}, {
    name => 'replay', what => 'a used message is good again',
    file => 'src/auth/tokens.c',
    from => qr/^wgw_tokens_used\(.*?\n\{\n\K/ms,
    to => "    return 0;\n",
    and => [ qr/^wgw_tokens_replay\(.*?default: .*?\n        return \KWGW_TOKENS_REPLAY/ms,
             'wgw_tokens_told(t, WGW_TOKENS_OK)' ],
    command => "$suite t/auth/auth.t",
}, {
    name => 'policy', what => 'any claim permits any request',
    file => 'src/claims/http_decision.c',
    from => qr/                != WGW_POLICY_TRUE\)/,
    to => '                == WGW_POLICY_TRUE + 1000)',
    command => "$suite t/claims/content.t",
}, {
    name => 'ledger', what => 'what a record says counts again with the next',
    file => 'ledger/schema/1.sql',
    from => qr/greatest\(s - fs, 0\) AS ds/,
    to => 's AS ds',
    command => "$suite t/ledger/ledger.t",
}, {
    name => 'lease', what => 'what another node was granted is granted again',
    file => 'src/fleet/lease_key_ask.c',
    from => qr/    key_others\(l, key, q->others\);/,
    to => '    key_others(l, key, 0);',
    command => "FLEET=\${FLEET:-4} $chaos" =~ s/chaos\.t/fleet.t/r,
}, {
    name => 'lost', what => 'nobody knows a block of each request any more',
    file => 'src/meter/flow.c',
    from => qr/^    wgw_meters_done\(&flow->meters\);\n\K/m,
    to => "    memset(ngx_alloc(16, ngx_cycle->log), 1, 16);\n",
    command => $memcheck,
}, {
    name => 'unwritten', what => 'a decision is by what was never written',
    file => 'src/meter/flow.c',
    from => qr/^    wgw_meters_done\(&flow->meters\);\n\K/m,
    to => "    {\n        u_char  *p = ngx_alloc(16, ngx_cycle->log);\n\n"
          . "        if (p[8] == 77) {\n            p[0] = 1;\n"
          . "            ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0, "
          . "\"%p\", p);\n        }\n\n        ngx_free(p);\n    }\n",
    command => $memcheck,
}, {
    name => 'idle', what => 'each request has handlers that nobody asked for',
    file => 'src/auth/http_auth.c',
    from => qr/    if \(acf->used\n        && \(wgw_hook_phase/,
    to => "    if (acf\n        && (wgw_hook_phase",
    command => 'bench/idle/run',
}, {
    name => 'null', what => 'what is NULL is written to',
    file => 'src/format/hex.c',
    from => qr/^wgw_hex_encode\(.*?\n\n\K/ms,
    to => "    if (digits == NULL) {\n        digits[0] = '0';\n    }\n\n",
    command => 'tools/lint.sh src/format/hex.c',
}, {
    name => 'compiler', what => 'a line that clang alone warns of',
    file => 'src/format/hex.c',
    from => qr/^wgw_hex_encode\(.*?\n\n\K/ms,
    to => "    digits = digits;\n\n",
    command => 'MATRIX=cover tools/matrix.sh t/route/loop.t',
}, {
    name => 'metered', what => 'a metered request is refused',
    file => 'src/meter/http_meter.c', needs => 'TESTS',
    from => qr/^ngx_http_wgw_meter_handler\(.*?\n\n\K/ms,
    to => "    if (r->method == NGX_HTTP_HEAD) {\n"
          . "        return NGX_HTTP_NOT_ALLOWED;\n    }\n\n",
    command => 'tools/nginx-tests.sh "$TESTS" empty_gif.t',
});

my %wanted = map { $_ => 1 } split ' ', $ENV{PLANTED} // '';
my $top = getcwd();
my $copy = tempdir('wgw-planted.XXXXXX', TMPDIR => 1, CLEANUP => 1);

# what a build leaves there, and not what this one would
delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS WGW_BUILD WGW_TEST_ROOT),
            grep { /^TEST_NGINX/ } keys %ENV};

chmod 0755, $copy;
system("git ls-files -z | xargs -0 cp --parents -t $copy") == 0 or die 'cp';
chdir $copy or die $copy;
system('git init -q . && git add -A') == 0 or die 'git';

my (%passed, $n);

for my $fault (@faults) {
    next if %wanted && !$wanted{$fault->{name}};
    next if $fault->{needs} && !$ENV{$fault->{needs}};

    my $command = $fault->{command};

    $passed{$command} //= run('make build') && run($command) ? 1 : 0;
    ok($passed{$command}, "passes: $command") or next;

    my $text = slurp($fault->{file});
    my $planted = plant($text, $fault->{from}, $fault->{to});

    $planted = plant($planted, @{$fault->{and}}) if $fault->{and};

    ok(defined $planted, "$fault->{name}: there is where to plant it") or next;

    spew($fault->{file}, $planted);
    ok(run('make build'), "$fault->{name}: builds");
    ok(!run($command), "$fault->{name}: $fault->{what}: $command fails");
    spew($fault->{file}, $text);
}

chdir $top;
done_testing();


# The text with that put in, or undef: at one place, no other.

sub plant {
    my ($text, $from, $to) = @_;

    return undef if !defined $text;

    my $n = () = $text =~ /$from/g;

    return $n == 1 ? $text =~ s/$from/$to/r : undef;
}


sub run {
    my ($command) = @_;

    my $log = "$copy/build-" . ++$n . '.log';
    my $status = system("( $command ) > $log 2>&1 < /dev/null");

    diag("$command: exit ", $status >> 8, ', ',
         (grep { /^(Result|not ok|#   Failed)|ERROR|error:|found/ }
          split /\n/, slurp($log))[0] // '');

    return $status == 0;
}
