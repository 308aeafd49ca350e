#!/bin/sh
# install.sh: what `make modules` built, where Debian's nginx looks for it,
# below DESTDIR.  Ours come after stream, which is 50.

set -eu

root=${DESTDIR:-}

mkdir -p "$root/usr/lib/nginx/modules" \
         "$root/usr/share/nginx/modules-available" \
         "$root/etc/nginx/modules-enabled"

for file in build/installed/ngx_wgw_*_module.so; do
    module=${file##*/}
    name=$(echo "${module%_module.so}" | sed 's/^ngx_/mod-/; s/_/-/g').conf

    install -m 644 "$file" "$root/usr/lib/nginx/modules"

    echo "load_module modules/$module;" \
        > "$root/usr/share/nginx/modules-available/$name"

    ln -sf "/usr/share/nginx/modules-available/$name" \
        "$root/etc/nginx/modules-enabled/70-$name"
done
