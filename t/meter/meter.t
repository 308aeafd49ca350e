#!/usr/bin/perl

# The meter's directives, variables and output, one request at a time.

use warnings;
use strict;

use Test::Nginx::Socket 'no_plan';

use Wgw::Blocks;


no_long_string();
no_shuffle();
run_tests();


__DATA__

=== TEST 1: variables of a request that is metered
--- main_config
wgw_meter_zone names keys=100;
--- config
    wgw_meter names $host cap=1k;
    location /t {
        return 200 "$wgw_meter_status|$wgw_sent|$wgw_received|$wgw_left|$wgw_cut\n";
    }
--- request
GET /t
--- response_body
||||



=== TEST 2: variables in a content handler, after PREACCESS
--- main_config
wgw_meter_zone names keys=100;
--- config
    wgw_meter names $host cap=1k;
    location /t {
        ssi on;
        ssi_types *;
    }
--- user_files
>>> t
<!--#echo var="wgw_meter_status" -->|<!--#echo var="wgw_left" -->|<!--#echo var="wgw_cut" -->
--- raw_request eval
"GET /t HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"
--- response_body
PASSED|969|0



=== TEST 3: a request that is not metered has no variables
--- main_config
wgw_meter_zone names keys=100;
--- config
    wgw_meter names $host;
    location /t {
        wgw_meter off;
        return 200 "[$wgw_meter_status$wgw_sent$wgw_left]\n";
    }
--- request
GET /t
--- response_body
[]



=== TEST 4: usage, JSON
--- main_config
wgw_meter_zone names keys=100 window=hour;
--- config
    location /t { wgw_meter names $arg_k cap=5kB; return 200 "ok"; }
    location /v1/usage { wgw_usage json; }
--- pipelined_requests eval
["GET /t?k=a\"b", "GET /t?k=%ff", "GET /v1/usage"]
--- response_body_like eval
["ok", "ok", qr/^\{"keys":\[
\{"zone":"names","key":"a\\"b","sent":\d+,"received":\d+,"requests":1,
"refused":0,"cut":0,"held":0,"cap":5000,
"window":\{"start":"\d{4}-\d\d-\d\dT\d\d:00:00Z","sent":\d+,"received":\d+\},
"last":\{"start":"\d{4}-\d\d-\d\dT\d\d:00:00Z","sent":0,"received":0\}\},
\{"zone":"names","key":"%ff",.*\}\],"next":null,"zones":\[\{"zone":"names",
"keys_max":100,"keys":2,"unknown":\{"sent":0,.*\},"other":\{.*\},
"denied":\{.*\}\}\],"version":"[\d.]+"\}\n\z/xs]
--- response_headers_like eval
["", "", "Content-Type: application\/json\nCache-Control: no-store"]



=== TEST 5: usage, one key; an unknown one
--- main_config
wgw_meter_zone names keys=100 window=total;
--- config
    location /t { wgw_meter names $arg_k; return 200 "ok"; }
    location /v1/usage { wgw_usage json; }
--- pipelined_requests eval
["GET /t?k=a.example", "GET /v1/usage/a.example", "GET /v1/usage/b.example",
 "GET /v1/usagefoo", "GET /v1/usage?zone=none"]
--- response_body_like eval
["ok", qr/^\{"keys":\[\{"zone":"names","key":"a.example","sent":\d+,
"received":\d+,"requests":1,"refused":0,"cut":0,"held":0,"cap":null,
"window":\{"start":null,"sent":\d+,"received":\d+\},
"last":\{"start":null,"sent":0,"received":0\}\}\],"next":null\}\n\z/x,
'^\{"error":"is not known","field":"key"\}$',
'^\{"error":"no such resource"\}$',
'^\{"error":"is not known","field":"zone"\}$']
--- error_code eval
[200, 200, 404, 404, 404]



=== TEST 6: usage, pages
--- main_config
wgw_meter_zone names keys=100;
wgw_meter_zone more keys=100;
--- config
    location /t {
        wgw_meter names $arg_k;
        wgw_meter more $arg_k;
        return 200 "ok";
    }
    location /v1/usage { wgw_usage json; }
--- pipelined_requests eval
["GET /t?k=a", "GET /t?k=b", "GET /t?k=c", "GET /v1/usage?limit=2",
 "GET /v1/usage?limit=2&after=5", "GET /v1/usage?limit=2&after=4294967300",
 "GET /v1/usage?zone=more&limit=3"]
--- response_body_like eval
["ok", "ok", "ok",
 '^\{"keys":\[\{"zone":"names","key":"a".*"key":"b".*\],"next":5,',
 '^\{"keys":\[\{"zone":"names","key":"c".*"zone":"more","key":"a".*\],"next":4294967300,',
 '^\{"keys":\[\{"zone":"more","key":"b".*"key":"c".*\],"next":null,',
 '^\{"keys":\[\{"zone":"more","key":"a".*"key":"c".*\],"next":null,"zones":\[\{"zone":"more"[^\[]*\],"version":"[\d.]+"\}$']



=== TEST 7: usage, bad queries
--- config
    location /v1/usage { wgw_usage json; }
--- pipelined_requests eval
["GET /v1/usage?limit=0", "GET /v1/usage?limit=10001", "GET /v1/usage?limit=x",
 "GET /v1/usage?after=-1", "GET /v1/usage?after=9999999999999999999"]
--- response_body eval
[(qq({"error":"must be a number from 1 to 10000","field":"limit"}\n)) x 3,
 (qq({"error":"must be the \\"next\\" of a page","field":"after"}\n)) x 2]
--- error_code eval
[400, 400, 400, 400, 400]



=== TEST 8: usage, other methods
--- config
    location /v1/usage { wgw_usage json; }
--- request
POST /v1/usage
some body
--- response_body
{"error":"method is not allowed"}
--- response_headers
Allow: GET, HEAD
--- error_code: 405



=== TEST 9: usage, HEAD
--- config
    location /v1/usage { wgw_usage json; }
--- request
HEAD /v1/usage
--- response_body
--- response_headers_like
Content-Length: \d+
--- error_code: 200



=== TEST 10: Prometheus
--- main_config
wgw_meter_zone names keys=100;
--- config
    location /t { wgw_meter names $arg_k; return 200 "ok"; }
    location = /metrics { wgw_usage prometheus; }
--- pipelined_requests eval
['GET /t?k=a"\\b', "GET /t", "GET /metrics"]
--- response_body_like eval
["ok", "ok", qr/^
\#\ HELP\ wgw_meter_sent_bytes_total\ .*\n
\#\ TYPE\ wgw_meter_sent_bytes_total\ counter\n
wgw_meter_sent_bytes_total\{zone="names",key="a\\"\\\\b"\}\ [1-9]\d*\n
wgw_meter_sent_bytes_total\{zone="names",key="",class="unknown"\}\ [1-9]\d*\n
wgw_meter_sent_bytes_total\{zone="names",key="",class="other"\}\ 0\n
wgw_meter_sent_bytes_total\{zone="names",key="",class="denied"\}\ 0\n
(?:.*\n)*
wgw_meter_requests_total\{zone="names",key="a\\"\\\\b"\}\ 1\n
(?:.*\n)*
\#\ TYPE\ wgw_meter_window_bytes\ gauge\n
wgw_meter_window_bytes\{zone="names",key="a\\"\\\\b",window="this",direction="received"\}\ [1-9]\d*\n
(?:.*\n)*
wgw_meter_keys\{zone="names"\}\ 1\n
(?:.*\n)*
wgw_meter_keys_max\{zone="names"\}\ 100\n
(?:.*\n)*
wgw_build_info\{version="[\d.]+"\}\ 1\n
\z/x]
--- response_headers_like eval
["", "", 'Content-Type: text\/plain; version=0\.0\.4; charset=utf-8']



=== TEST 11: a full zone counts in other
--- main_config
wgw_meter_zone names keys=1;
--- config
    location /t { wgw_meter names $arg_k; return 200 "ok"; }
    location /v1/usage { wgw_usage json; }
--- pipelined_requests eval
["GET /t?k=a", "GET /t?k=b", "GET /t?k=c", "GET /v1/usage"]
--- response_body_like eval
["ok", "ok", "ok", '"keys":1,.*"other":\{"sent":[1-9]\d*,"received":[1-9]\d*,"requests":2,']



=== TEST 12: field 11.4: a key that is too long counts by its hash
--- main_config
wgw_meter_zone names keys=100;
--- config
    location /t { wgw_meter names $arg_k; return 200 "ok"; }
    location /v1/usage { wgw_usage json; }
--- pipelined_requests eval
["GET /t?k=" . "a" x 255, "GET /t?k=" . "b" x 256, "GET /v1/usage",
 "GET /v1/usage/" . "b" x 256, "GET /t?k=sha256:0", "GET /v1/usage/sha256:0"]
--- response_body_like eval
["ok", "ok",
 '"key":"sha256:69783923010e99687c31035cf20f1394ea6bb6047396b2fae9ea600f085c33eb",'
 . '"sent":[1-9]\d*,.*"keys":2,.*"other":\{"sent":0,',
 '^\{"keys":\[\{"zone":"names","key":"sha256:[0-9a-f]{64}",.*"requests":1,',
 "ok", '"key":"sha256:[0-9a-f]{64}",.*"requests":1,']



=== TEST 13: an inner level replaces the outer
--- main_config
wgw_meter_zone names keys=10;
--- http_config
    wgw_meter names http;
--- config
    wgw_meter names server;
    location /a { return 200 "ok"; }
    location /b { wgw_meter names location-$arg_k; return 200 "ok"; }
    location /c { wgw_meter off; return 200 "ok"; }
    location /v1/usage { wgw_meter off; wgw_usage json; }
--- pipelined_requests eval
["GET /a", "GET /b?k=x", "GET /c", "GET /v1/usage"]
--- response_body_like eval
["ok", "ok", "ok", '^\{"keys":\[[^\[]*"key":"server"[^\[]*"key":"location-x"[^\[]*\],"next":null,"zones":\[\{"zone":"names","keys_max":10,"keys":2,']



=== TEST 14: refused, with another status and a page
--- main_config
wgw_meter_zone names keys=10;
--- config
    error_page 402 /pay;
    location /p { wgw_meter names key cap=1; wgw_meter_status 402; proxy_pass http://127.0.0.1:1; }
    location /pay { return 200 "pay $wgw_meter_status\n"; }
--- request
GET /p
--- response_body
pay REJECTED
--- error_code: 402
--- error_log
request refused, over the cap of 1 bytes, zone "names", key "key"



=== TEST 15: refused in the header filter
--- main_config
wgw_meter_zone names keys=10;
--- config
    error_page 402 /pay;
    location /t { wgw_meter names key cap=1; wgw_meter_status 402; return 200 "ok"; }
    location /pay { return 200 "pay\n"; }
--- request
GET /t
--- response_body
pay
--- error_code: 402
--- error_log
request refused, over the cap of 1 bytes, zone "names", key "key"



=== TEST 16: the log level
--- main_config
wgw_meter_zone names keys=10;
--- config
    wgw_meter_log_level warn;
    location /t { wgw_meter names key cap=1; proxy_pass http://127.0.0.1:1; }
--- request
GET /t
--- error_code: 429
--- error_log
[warn]



=== TEST 17: a cap that is no number
--- main_config
wgw_meter_zone names keys=10;
--- config
    set $cap 10x;
    location /t { wgw_meter names key cap=$cap; return 200 "ok\n"; }
--- request
GET /t
--- response_body
ok
--- error_log
invalid cap "10x" in a variable, zone "names" is not capped for this request



=== TEST 18: no cap: 0, or empty
--- main_config
wgw_meter_zone names keys=10;
--- config
    set $cap '';
    location /a { wgw_meter names key cap=$cap; return 200 "ok\n"; }
    location /b { wgw_meter names key cap=0; return 200 "ok\n"; }
--- pipelined_requests eval
["GET /a", "GET /b"]
--- response_body eval
["ok\n", "ok\n"]
--- no_error_log
[error]



=== TEST 19: zones may be defined later
--- http_config
    wgw_meter names $host;
--- config
    location /t { return 200 "ok\n"; }
--- post_main_config
wgw_meter_zone names keys=10;
--- request
GET /t
--- response_body
ok



=== TEST 20: an unknown zone
--- config
    wgw_meter nowhere $host;
--- must_die
--- error_log eval
qr/\[emerg\] .* unknown wgw_meter_zone "nowhere" in \S+:\d+/



=== TEST 21: a zone without keys
--- main_config
wgw_meter_zone names window=day;
--- config
--- must_die
--- error_log
zone "names" must have "keys" parameter



=== TEST 22: no keys
--- main_config
wgw_meter_zone names keys=0;
--- config
--- must_die
--- error_log
invalid parameter "keys=0"



=== TEST 23: too many keys
--- main_config
wgw_meter_zone names keys=16000001;
--- config
--- must_die
--- error_log
invalid parameter "keys=16000001"



=== TEST 24: a window that does not exist
--- main_config
wgw_meter_zone names keys=10 window=week;
--- config
--- must_die
--- error_log
invalid parameter "window=week"



=== TEST 25: a reset day that does not exist
--- main_config
wgw_meter_zone names keys=10 reset_day=32;
--- config
--- must_die
--- error_log
invalid parameter "reset_day=32"



=== TEST 26: a reset day of another window
--- main_config
wgw_meter_zone names keys=10 window=day reset_day=3;
--- config
--- must_die
--- error_log
"wgw_meter_zone" directive has "reset_day" without "window=month"



=== TEST 27: a zone twice
--- main_config
wgw_meter_zone names keys=10;
wgw_meter_zone names keys=10;
--- config
--- must_die
--- error_log
zone "names" is duplicate



=== TEST 28: a zone twice at a level
--- main_config
wgw_meter_zone names keys=10;
--- config
    wgw_meter names $host;
    wgw_meter names $uri;
--- must_die
--- error_log
"wgw_meter" directive is duplicate



=== TEST 29: no key
--- main_config
wgw_meter_zone names keys=10;
--- config
    wgw_meter names;
--- must_die
--- error_log
"wgw_meter" directive must have a zone and a key



=== TEST 30: off and a zone
--- main_config
wgw_meter_zone names keys=10;
--- config
    wgw_meter off;
    wgw_meter names $host;
--- must_die
--- error_log
"wgw_meter" directive is "off" at this level already



=== TEST 31: a bad cap
--- main_config
wgw_meter_zone names keys=10;
--- config
    wgw_meter names $host cap=10X;
--- must_die
--- error_log
invalid cap "10X", must be a size or a variable



=== TEST 32: a cap with a unit that is none
--- main_config
wgw_meter_zone names keys=10;
--- config
    wgw_meter names $host cap=10KB;
--- must_die
--- error_log
invalid cap "10KB", must be a size or a variable



=== TEST 33: a cap that is too large
--- main_config
wgw_meter_zone names keys=10;
--- config
    wgw_meter names $host cap=9008TB;
--- must_die
--- error_log
invalid cap "9008TB", must be a size or a variable



=== TEST 34: a cap of two variables
--- main_config
wgw_meter_zone names keys=10;
--- config
    wgw_meter names $host cap=$arg_a$arg_b;
--- must_die
--- error_log
invalid cap "$arg_a$arg_b", must be a size or a variable



=== TEST 35: an unknown variable
--- main_config
wgw_meter_zone names keys=10;
--- config
    wgw_meter names $nothing;
--- must_die
--- error_log
unknown "nothing" variable



=== TEST 36: a bad parameter
--- main_config
wgw_meter_zone names keys=10;
--- config
    wgw_meter names $host count=all;
--- must_die
--- error_log
invalid parameter "count=all"



=== TEST 37: a bad status
--- config
    wgw_meter_status 200;
--- must_die
--- error_log
value must be between 400 and 599



=== TEST 38: a bad log level
--- config
    wgw_meter_log_level debug;
--- must_die
--- error_log
invalid value "debug"



=== TEST 39: a bad format
--- config
    location /t { wgw_usage xml; }
--- must_die
--- error_log
invalid value "xml", it must be "json" or "prometheus"



=== TEST 40: too many meters
--- main_config eval
join '', map { "wgw_meter_zone z$_ keys=10;\n" } 1 .. 9
--- config eval
join '', map { "wgw_meter z$_ \$host;\n" } 1 .. 9
--- must_die
--- error_log
"wgw_meter" directive is given too often at this level



=== TEST 41: eight meters
--- main_config eval
join '', map { "wgw_meter_zone z$_ keys=10;\n" } 1 .. 8
--- config eval
join('', map { "wgw_meter z$_ \$host cap=${_}GB;\n" } 1 .. 8)
. 'location /t { return 200 "ok"; } location /v1/usage { wgw_usage json; }'
--- pipelined_requests eval
["GET /t", "GET /v1/usage/localhost"]
--- response_body_like eval
["ok", join '.*', map { qq{"zone":"z$_","key":"localhost"} } 1 .. 8]



=== TEST 42: dry run
--- main_config
wgw_meter_zone names keys=10;
--- config
    location /t { wgw_meter names $arg_k cap=10 dry_run; ssi on; ssi_types *; }
--- user_files
>>> t
<!--#echo var="wgw_meter_status" -->
--- request
GET /t?k=a
--- response_body
REJECTED_DRY_RUN
--- error_log
request over the cap, dry run of 10 bytes, zone "names", key "a"



=== TEST 43: 106: when to ask again
--- main_config
wgw_meter_zone names keys=10 window=hour;
wgw_meter_zone minute keys=10 window=minute;
wgw_meter_zone month keys=10;
wgw_meter_zone total keys=10 window=total;
--- config
    location /hour { wgw_meter names key cap=1; return 200; }
    location /minute { wgw_meter minute key cap=1; proxy_pass http://127.0.0.1:1; }
    location /month { wgw_meter month key cap=1; return 200; }
    location /total { wgw_meter total key cap=1; return 200; }
--- pipelined_requests eval
["GET /minute", "GET /hour"]
--- error_code eval
[429, 429]
--- response_headers_like eval
["Retry-After: ([1-9]|[1-5]\\d|60)", "Retry-After: [1-9]\\d{0,3}"]



=== TEST 44: 106: months are long, and a total has no end
--- main_config
wgw_meter_zone month keys=10 window=month;
--- config
    location /month { wgw_meter month key cap=1; return 200; }
--- request
GET /month
--- error_code: 429
--- response_headers_like
Retry-After: [1-9]\d{0,4}



=== TEST 45: no window, no time
--- main_config
wgw_meter_zone total keys=10 window=total;
--- config
    location /total { wgw_meter total key cap=1; return 200; }
--- request
GET /total
--- error_code: 429
--- response_headers
Retry-After:



=== TEST 46: a header that does not fit
--- main_config
wgw_meter_zone minute keys=10 window=minute;
--- config
    location /t { wgw_meter minute key cap=120 count=sent; return 200 "ok"; }
--- request
GET /t
--- error_code: 429
--- response_headers_like
Retry-After: ([1-9]|[1-5]\d|60)



=== TEST 47: 95: precheck
--- main_config
wgw_meter_zone names keys=10;
--- config
    location /t { wgw_meter names t cap=1000 precheck; root html; }
    location /p { wgw_meter names p cap=1000 precheck; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/back/t/big; }
    location /back/ { wgw_meter off; alias html/; }
--- user_files eval
">>> t/big\n" . 'x' x 2000 . "\n>>> t/small\nsmall"
--- request eval
["GET /t/big", "GET /p", "GET /t/small", "HEAD /t/big"]
--- error_code eval
[429, 429, 200, 200]



=== TEST 48: 95: precheck, a request body
--- main_config
wgw_meter_zone names keys=10;
--- config
    location /t { wgw_meter names t cap=1000 precheck; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/back; }
    location /back { wgw_meter off; return 200 "ok"; }
--- request eval
["POST /t\n" . 'x' x 2000, "POST /t\n" . 'x' x 100]
--- error_code eval
[429, 200]



=== TEST 49: precheck without a length, with a range, and dry
--- main_config
wgw_meter_zone names keys=10;
--- config
    wgw_meter names $arg_k cap=5000 precheck;
    location /t { root html; }
    location /dry { wgw_meter names dry cap=1000 precheck dry_run; add_header X $wgw_meter_status; alias html/t/big; }
--- user_files eval
">>> t/big\n" . 'x' x 20000
--- more_headers eval
["Range: bytes=0-9\n", ""]
--- request eval
["GET /t/big?k=a", "GET /dry"]
--- error_code eval
[206, 200]



=== TEST 50: no precheck of nothing
--- main_config
wgw_meter_zone names keys=10;
--- config
    wgw_meter names key cap=1k prechecks;
--- request
GET /
--- must_die
--- error_log
invalid parameter "prechecks"



=== TEST 51: the keys that have most
--- main_config
wgw_meter_zone names keys=10;
wgw_meter_zone more keys=10;
--- config
    wgw_meter names $arg_k;
    wgw_meter more $arg_m;
    location /t { return 200 "0123456789"; }
    location /v1/usage { wgw_meter off; wgw_usage json; }
    location /metrics { wgw_meter off; wgw_usage prometheus; }
--- pipelined_requests eval
["GET /t?k=a", "GET /t?k=b", "GET /t?k=b", "GET /t?k=c&m=a", "GET /t?k=b", "GET /t?k=c&long=request",
 "GET /v1/usage?zone=names&top=2", "GET /v1/usage?top=3&by=requests", "GET /v1/usage?zone=names&top=9&by=received",
 "GET /metrics?top=1"]
--- response_body_like eval
[("0123456789") x 6,
 '"key":"b".*"key":"c".*\],"next":null',
 '^\{"keys":\[\{"zone":"names","key":"b"[^\[]*"zone":"names","key":"c"[^\[]*"zone":"names","key":"a"[^\[]*\],"next":null',
 '"key":"b".*"key":"c".*"key":"a".*\],"next":null',
 'wgw_meter_requests_total\{zone="names",key="b"\} 3\nwgw_meter_requests_total\{zone="names",key="",class="unknown"']



=== TEST 52: top, bad queries
--- main_config
wgw_meter_zone names keys=10;
--- config
    location /v1/usage { wgw_usage json; }
--- pipelined_requests eval
["GET /v1/usage?top=0", "GET /v1/usage?top=1001", "GET /v1/usage?top=x", "GET /v1/usage?top=1&by=cap", "GET /v1/usage?top=1&zone=none"]
--- error_code eval
[400, 400, 400, 400, 404]
--- response_body_like eval
['"field":"top"', '"field":"top"', '"field":"top"', '"field":"by"', '"field":"zone"']



=== TEST 53: OpenMetrics
--- main_config
wgw_meter_zone names keys=10;
--- config
    location /metrics { wgw_usage prometheus; }
--- request
GET /metrics
--- more_headers
Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2
--- response_headers
Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8
--- response_body_like eval
qr/^# HELP wgw_meter_sent_bytes Bytes.*?\n# TYPE wgw_meter_sent_bytes counter\nwgw_meter_sent_bytes_total\{.*\n# EOF\n\z/s



=== TEST 54: labels and strings are escaped
--- main_config
wgw_meter_zone names keys=10;
--- config
    location /t { wgw_meter names $http_x; return 200 "ok"; }
    location /v1/usage { wgw_usage json; }
    location /metrics { wgw_usage prometheus; }
--- more_headers eval
"X: a\"b\\c\xff"
--- pipelined_requests eval
["GET /t", "GET /v1/usage", "GET /metrics"]
--- response_body_like eval
["ok", qr/"key":"a\\"b\\\\c\\\\xff"/, qr/wgw_meter_requests_total\{zone="names",key="a\\"b\\\\c[^"]*"\} 1\n/]



=== TEST 55: a key behind the location, wherever the usage is
--- main_config
wgw_meter_zone names keys=10;
--- config
    merge_slashes off;
    location /t { wgw_meter names $arg_k; return 200 "ok"; }
    location /v1/usage/ { wgw_usage json; }
    location /v2/usage { wgw_usage json; }
    location ~ ^/v./all$ { wgw_usage json; }
--- pipelined_requests eval
["GET /t?k=/a", "GET /t?k=b", "GET /v1/usage//a", "GET /v2/usage//a",
 "GET /v2/usage/", "GET /v3/all"]
--- response_body_like eval
["ok", "ok", qr/^\{"keys":\[\{[^{]*"key":"\/a"[^\[]*\],"next"/,
 qr/^\{"keys":\[\{[^{]*"key":"\/a"[^\[]*\],"next"/,
 qr/"key":"\/a".*"key":"b"/, qr/"key":"\/a".*"key":"b"/]



=== TEST 56: a key is escaped in the log
--- main_config
wgw_meter_zone names keys=10;
--- config
    location /t { wgw_meter names $uri cap=1; return 200 "ok"; }
--- request
GET /t%0Anext%22
--- error_code: 429
--- error_log
request refused, over the cap of 1 bytes, zone "names", key "/t\nnext\""



=== TEST 57: a cap that is no number, too
--- main_config
wgw_meter_zone names keys=10;
--- config
    location /t { wgw_meter names key cap=$uri; return 200 "ok"; }
--- request
GET /t%0Anext
--- response_body: ok
--- error_log
invalid cap "/t\nnext" in a variable



=== TEST 58: usage in "if" and in "limit_except"
--- main_config
wgw_meter_zone names keys=10;
--- config
    location /if {
        if ($host) { set $x 1; }
        wgw_usage json;
    }
    location /limited {
        wgw_usage json;
        limit_except POST { allow all; }
    }
--- pipelined_requests eval
["GET /if", "GET /limited"]
--- response_body_like eval
[qr/^\{"keys":\[\]/, qr/^\{"keys":\[\]/]
