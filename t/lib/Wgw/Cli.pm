package Wgw::Cli;

# A gateway for the command `wgw`, and the command itself.
#
#     my $gw = cli_gateway();                 # admin on a socket and on HTTP
#     my $said = wgw('names', 'list');        # of the socket, by gateway.conf
#     $said->{exit}, $said->{out}, $said->{err}

use warnings;
use strict;

use base 'Exporter';

our @EXPORT = qw(cli_gateway wgw wgw_json wgw_program);

use Cwd qw(getcwd);
use File::Temp qw(tempdir);
use POSIX ();

use Wgw;

my $top = getcwd();
my $build = $ENV{WGW_BUILD} || 'build';

my $conf = <<'EOF';
worker_processes 2;

wgw_names       state/names  domain=DOMAIN  allow_loopback;
wgw_meter_zone  names    file=state/meter    keys=200000  archive=state/archive;
wgw_meter_zone  wallets  file=state/wallets  keys=1000;
wgw_auth_zone   file=state/tokens  keys=1000;

events { worker_connections 1024; }

http {
    access_log  off;

    upstream wgw { wgw_backend; }

    server {
        listen  127.0.0.1:%%HTTP%%;

        wgw_route;
        wgw_meter  names  $wgw_name  cap=$wgw_cap;

        location / {
            proxy_pass          $wgw_scheme://wgw;
            proxy_http_version  1.1;
            proxy_set_header    Host  $wgw_host;
        }
    }

    server {
        listen  unix:DIR/admin/admin.sock;
        listen  127.0.0.1:%%ADMIN%%;

        wgw_meter  off;

        location /v1/names  { wgw_api; }
        location /v1/usage  { wgw_usage json; }
        location /v1/auth   { wgw_auth_api; }
    }

    server {
        listen       127.0.0.1:%%DIN%%;
        server_name  127.0.0.1;

        wgw_auth_secret  secret;
        wgw_auth_allow   any  eth;

        location = /auth { wgw_auth_signin; }

        location /eth {
            wgw_auth   eth;
            wgw_meter  wallets  $wgw_auth_address;
            return     200  "called\n";
        }
    }

    server {
        listen  127.0.0.1:%%BACKEND%%;
        location / { root www; }
    }

    HTTP_MORE
}
EOF


# cli_gateway(http => MORE, domain => NAME): as nginx.conf.example, with a
# backend of its own

sub cli_gateway {
    my (%more) = @_;

    my $http = $more{http} || '';
    my $domain = $more{domain} || 'gw.test';
    my $gw = Wgw->new('events { }');
    my $dir = $gw->dir();

    mkdir "$dir/$_" for qw(state admin www);
    spew("$dir/secret", 'a secret of the test' x 2);
    chmod 0600, "$dir/secret";
    spew("$dir/www/100k.bin", 'x' x 100000);
    spew("$dir/www/index.html", "hello\n");

    $gw->configure($conf =~ s/DIR/$dir/gr =~ s/HTTP_MORE/$http/r
                   =~ s/DOMAIN/$domain/r);

    spew("$dir/gateway.conf", "# of a test\ndomain=$domain\n"
         . "WGW_STATE=\"$dir/state\"\nurl = unix:$dir/admin/admin.sock\n");

    delete $ENV{WGW_URL};
    $ENV{WGW_CLI_CONFIG} = "$dir/gateway.conf";

    return $gw;
}


# The command: of WGW_CLI, or what is tested, or what `make build` made; below
# WGW_CLI_UNDER, which may be valgrind(1).

sub wgw_program {
    my ($program) = grep { -x $_ } $ENV{WGW_CLI} || (),
        "$top/$build/bin/wgw", "$top/build/bin/wgw";

    return $program || die 'there is no wgw: make cli';
}


# wgw([{ in => FILE }, ] ARGUMENT ...): with --config of the test

sub wgw {
    my (@arguments) = @_;

    my %option = ref $arguments[0] ? %{shift @arguments} : ();
    my $dir = tempdir(DIR => $ENV{WGW_TEST_ROOT} || '/tmp', CLEANUP => 1);

    if ($ENV{WGW_CLI_CONFIG} && !grep { /^--config/ } @arguments) {
        unshift @arguments, '--config', $ENV{WGW_CLI_CONFIG};
    }

    my $pid = fork;
    die 'fork' if !defined $pid;

    if (!$pid) {
        open STDIN, '<', $option{in} // '/dev/null' or POSIX::_exit(126);
        open STDOUT, '>', "$dir/out" or POSIX::_exit(126);
        open STDERR, '>', "$dir/err" or POSIX::_exit(126);
        $ENV{ASAN_OPTIONS} = 'detect_leaks=1';
        exec split(' ', $ENV{WGW_CLI_UNDER} // ''), wgw_program(), @arguments
            or POSIX::_exit(127);
    }

    waitpid $pid, 0;

    return { exit => $? & 127 ? 'signal ' . ($? & 127) : $? >> 8,
             out => slurp("$dir/out"), err => slurp("$dir/err") };
}


# What it says with --json, read.

sub wgw_json {
    my (@arguments) = @_;

    my $said = wgw('--json', @arguments);

    return json(length $said->{out} ? $said->{out} : $said->{err});
}


1;
