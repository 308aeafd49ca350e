#!/usr/bin/perl

# Directives of the route module: what is refused, and with which phrase;
# variables; what unknown, paused and passthrough names get.

use warnings;
use strict;

use lib 't/lib';

use Test::Nginx::Socket 'no_plan';
use Wgw::Blocks;

# kept from block to block
my $names = ($ENV{WGW_TEST_ROOT} || '/tmp') . "/route-names.$$";

add_block_preprocessor(sub {
    my ($block) = @_;

    my $main = $block->main_config // '';

    if ($main !~ /wgw_names|NONE/) {
        $block->set_value('main_config',
                          qq{wgw_names "$names" domain=gw.test;\n$main});
    }
});

no_shuffle();
run_tests();

__DATA__

=== wgw_route needs names
--- main_config
# NONE
--- config
    wgw_route;
--- must_die
--- error_log
no "wgw_names" directive in configuration


=== wgw_api needs names
--- main_config
# NONE
--- config
    location /v1/names { wgw_api; }
--- must_die
--- error_log
no "wgw_names" directive in configuration


=== wgw_api has a prefix
--- config
    location ~ ^/v1/names { wgw_api; }
--- must_die
--- error_log
"wgw_api" directive cannot be in location given by regular expression


=== wgw_api has a prefix, not a name
--- config
    location @names { wgw_api; }
--- must_die
--- error_log
"wgw_api" directive cannot be in location given by regular expression


=== wgw_names with a wildcard for its domain
--- main_config
wgw_names a domain=*.gw.test;
--- config
--- must_die
--- error_log
"domain=*.gw.test" must not be a wildcard


=== wgw_names twice
--- main_config
wgw_names a;
wgw_names b;
--- config
--- must_die
--- error_log
"wgw_names" directive is duplicate


=== wgw_names with an unknown parameter
--- main_config
wgw_names names size=5;
--- config
--- must_die
--- error_log
"size=5" is not a parameter of "wgw_names"


=== wgw_names with a bad domain
--- main_config
wgw_names names domain=a..b;
--- config
--- must_die
--- error_log
"domain=a..b" has an empty label


=== wgw_names with a bad address
--- main_config
wgw_names names address=gw.example;
--- config
--- must_die
--- error_log
"address=gw.example" is not an IP address


=== wgw_names with another sync
--- main_config
wgw_names names sync=never;
--- config
--- must_die
--- error_log
"sync=never" must be "on", "meta" or "off"


=== wgw_names where there is a file
--- main_config
wgw_names conf/nginx.conf;
--- user_files
--- config
--- must_die
--- error_log
Not a directory


=== wgw_route twice
--- config
    wgw_route;
    wgw_route $host;
--- must_die
--- error_log
"wgw_route" directive is duplicate


=== wgw_backend beside a server
--- http_config
    upstream wgw { server 127.0.0.1:1; wgw_backend; }
--- config
--- must_die
--- error_log
"wgw_backend" directive cannot be used together with "server"


=== a server beside wgw_backend
--- http_config
    upstream wgw { wgw_backend; server 127.0.0.1:1; }
--- config
--- must_die
--- error_log
"server" is not allowed in upstream "wgw" beside "wgw_backend"


=== pitfalls H10: zone beside wgw_backend
--- http_config
    upstream wgw { wgw_backend; zone wgw 64k; }
--- config
--- must_die
--- error_log
"zone" is not allowed in upstream "wgw" beside "wgw_backend"


=== wgw_backend with an unknown parameter
--- http_config
    upstream wgw { wgw_backend weight=5; }
--- config
--- must_die
--- error_log
invalid parameter "weight=5"


=== wgw_backend with a bad value
--- http_config
    upstream wgw { wgw_backend keepalive=many; }
--- config
--- must_die
--- error_log
invalid value "keepalive=many"


=== pitfalls B10: offload to a wildcard
--- http_config
    server { listen 127.0.0.1:19844; }
--- post_main_config
stream { server { listen 127.0.0.1:19845; wgw_route offload=0.0.0.0:19844; } }
--- config
--- must_die
--- error_log
"offload=0.0.0.0:19844" is a wildcard address


=== offload to a port nobody listens on
--- post_main_config
stream { server { listen 127.0.0.1:19845; wgw_route offload=127.0.0.1:19844; } }
--- config
--- must_die
--- error_log
"offload=127.0.0.1:19844" is no address that a server in http listens on by itself


=== offload to a wildcard listener of that port
--- http_config
    server { listen 19844; }
--- post_main_config
stream { server { listen 127.0.0.1:19845; wgw_route offload=127.0.0.1:19844; } }
--- config
--- must_die
--- error_log
"offload=127.0.0.1:19844" is no address that a server in http listens on by itself


=== offload to a stream listener
--- post_main_config
stream {
    server { listen 127.0.0.1:19844; return ""; }
    server { listen 127.0.0.1:19845; wgw_route offload=127.0.0.1:19844; }
}
--- config
--- must_die
--- error_log
"offload=127.0.0.1:19844" is no address that a server in http listens on by itself


=== offload to a listener without ssl
--- http_config
    server { listen 127.0.0.1:19844; }
--- post_main_config
stream { server { listen 127.0.0.1:19845; wgw_route offload=127.0.0.1:19844; } }
--- config
--- must_die
--- error_log
"offload=127.0.0.1:19844" is listened on without "ssl"


=== offload to a listener with the PROXY protocol
--- http_config
    server { listen 127.0.0.1:19844 ssl proxy_protocol; ssl_reject_handshake on; }
--- post_main_config
stream { server { listen 127.0.0.1:19845; wgw_route offload=127.0.0.1:19844; } }
--- config
--- must_die
--- error_log
"offload=127.0.0.1:19844" is listened on with "proxy_protocol"


=== wgw_route where datagrams come
--- post_main_config
stream { server { listen 127.0.0.1:19845; listen 127.0.0.1:19845 udp; wgw_route; } }
--- config
--- must_die
--- error_log
"wgw_route" does not go with "listen ... udp" in


=== offload without a port
--- post_main_config
stream { server { listen 127.0.0.1:19845; wgw_route offload=127.0.0.1; } }
--- config
--- must_die
--- error_log
no port in "offload=127.0.0.1"


=== an unknown name is 404, and nothing of the location runs
--- config
    wgw_route;
    location /t { return 200 "served"; }
--- request
GET /t
--- more_headers
Host: none.gw.test
--- error_code: 404


=== an error page of its own for unknown names
--- config
    wgw_route;
    error_page 404 /unknown;
    location /t { return 200 "served"; }
    location = /unknown { return 404 "we do not know $host\n"; }
--- request
GET /t
--- more_headers
Host: none.gw.test
--- error_code: 404
--- response_body
we do not know none.gw.test


=== wgw_route off inside
--- config
    wgw_route;
    location /t { return 200 "served"; }
    location = /health { wgw_route off; return 200 "well\n"; }
--- request
GET /health
--- more_headers
Host: none.gw.test
--- response_body
well


=== put names for what follows
--- config
    location /v1/names { wgw_api; }
--- pipelined_requests eval
[
    "PUT /v1/names/shop\n{\"backends\":[\"http://[2001:db8::10]:8080\"],"
    . "\"cap_bytes\":1000,\"owner\":\"bob\",\"workload\":\"7-8-shop\"}",
    "PUT /v1/names/tls\n{\"backends\":[\"https://192.0.2.10\"],"
    . "\"tls_name\":\"backend.example\"}",
    "PUT /v1/names/rest\n{\"backends\":[\"http://192.0.2.10\"],"
    . "\"state\":\"paused\"}",
    "PUT /v1/names/pass\n{\"backends\":[\"192.0.2.10:443\"],"
    . "\"tls_passthrough\":true}"
]
--- error_code eval
[201, 201, 201, 201]


=== variables
--- config
    location /t {
        return 200 "$wgw_name $wgw_backend $wgw_scheme $wgw_cap $wgw_owner $wgw_workload\n";
    }
--- request
GET /t
--- more_headers
Host: SHOP.gw.test.
--- response_body
shop.gw.test [2001:db8::10]:8080 http 1000 bob 7-8-shop


=== variables of an https name
--- config
    location /t { return 200 "$wgw_backend $wgw_scheme $wgw_tls_name<$wgw_cap>\n"; }
--- request
GET /t
--- more_headers
Host: tls.gw.test
--- response_body
192.0.2.10:443 https backend.example<>


=== variables of an unknown name are empty
--- config
    location /t { return 200 "<$wgw_name$wgw_backend$wgw_cap>\n"; }
--- request
GET /t
--- more_headers
Host: none.gw.test
--- response_body
<>


=== without a record of TLS the name asked for is used
--- config
    location /t { return 200 "$wgw_tls_name\n"; }
--- request
GET /t
--- more_headers
Host: shop.gw.test
--- response_body
shop.gw.test


=== pitfalls H8: after an internal redirect
--- config
    location /t { rewrite ^ /other last; }
    location = /other { error_page 418 = @named; return 418; }
    location @named { return 200 "$wgw_name $wgw_cap\n"; }
--- request
GET /t
--- more_headers
Host: shop.gw.test
--- response_body
shop.gw.test 1000


=== a KEY instead of the host
--- config
    wgw_route $arg_name;
    location /t { return 200 "$wgw_name\n"; }
--- request
GET /t?name=Shop.GW.test
--- more_headers
Host: none.gw.test
--- response_body
shop.gw.test


=== a KEY that is not known
--- config
    wgw_route $arg_name;
    location /t { return 200 "$wgw_name\n"; }
--- request
GET /t?name=nobody.test
--- more_headers
Host: shop.gw.test
--- error_code: 404


=== a paused name is 503
--- config
    wgw_route;
    location /t { return 200; }
--- request
GET /t
--- more_headers
Host: rest.gw.test
--- error_code: 503


=== a passthrough name is not served over http
--- config
    wgw_route;
    location /t { return 200; }
--- request
GET /t
--- more_headers
Host: pass.gw.test
--- error_code: 404


=== tf 46: two Host headers
--- config
    wgw_route;
    location /t { return 200; }
--- raw_request eval
"GET /t HTTP/1.1\r\nHost: shop.gw.test\r\nHost: tls.gw.test\r\n\r\n"
--- error_code: 400


=== tf 46: a slash in Host
--- config
    wgw_route;
    location /t { return 200; }
--- raw_request eval
"GET /t HTTP/1.1\r\nHost: shop.gw.test/x\r\n\r\n"
--- error_code: 400


=== tf 46: a Host of 300 bytes
--- config
    wgw_route;
    location /t { return 200; }
--- raw_request eval
"GET /t HTTP/1.1\r\nHost: " . ("x" x 300) . "\r\nConnection: close\r\n\r\n"
--- error_code: 404


=== tf 40: an IP literal as Host
--- config
    wgw_route;
    location /t { return 200; }
--- raw_request eval
"GET /t HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
--- error_code: 404


=== HTTP/1.0 without a Host
--- config
    wgw_route;
    location /t { return 200; }
--- raw_request eval
"GET /t HTTP/1.0\r\n\r\n"
--- error_code: 404


=== a backend of the wrong scheme is not asked
--- http_config
    upstream wgw { wgw_backend; }
--- config
    location /t { proxy_pass http://wgw; }
--- request
GET /t
--- more_headers
Host: tls.gw.test
--- error_code: 500
--- error_log
the record of "tls.gw.test" wants https backends


=== an unknown name without wgw_route has no backend
--- http_config
    upstream wgw { wgw_backend; }
--- config
    location /t { proxy_pass http://wgw; }
--- request
GET /t
--- more_headers
Host: none.gw.test
--- error_code: 502
--- error_log
no live upstreams
