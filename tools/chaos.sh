#!/bin/sh
# chaos.sh: t/chaos with the build in build/.  With CHAOS_LOSE=1 the meter
# module is made once more, so that it loses some of what it is told to count,
# and the test must fail.

set -eu

if [ -z "${CHAOS_LOSE:-}" ]; then
    exec tools/test.sh build t/chaos/chaos.t
fi

lose=$PWD/build/chaos
rm -rf "$lose"
mkdir -p "$lose"

# what make would do if this part had changed, with other names for what is
# made

(
    cd build/nginx
    make -n -W wgw/src/table/counter.c -f objs/Makefile modules 2> /dev/null |
        awk '/^cc|^gcc|^clang/ { on = /-c / || /ngx_wgw_meter_module\.so/ }
             on' |
        sed -e "s|objs/addon/table/counter\.o|$lose/counter.o|" \
            -e "s|-o objs/ngx_wgw_meter_module\.so|-o $lose/meter.so|" \
            -e 's| -c | -c -DWGW_CHAOS_LOSE=1 |' > "$lose/make.sh"
    sh -e "$lose/make.sh"
)

if CHAOS_MODULES="$lose/meter.so" tools/test.sh build t/chaos/chaos.t; then
    echo "$0: a loss was not seen" >&2
    exit 1
fi

echo "chaos: the loss was seen"
