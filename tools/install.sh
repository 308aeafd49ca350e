#!/bin/sh
# install.sh           puts what `make modules` built where Debian's nginx looks
#                      for it, below DESTDIR, and enables it once; and what
#                      `make cli` built where commands and manuals are,
#                      and the scripts for certificates in /usr/sbin
# install.sh remove    takes it away again
#
# Ours come after stream, which is 50.  A module that the configuration loads
# by itself is not enabled a second time, which nginx would refuse.

set -eu

root=${DESTDIR:-}
modules=$root/usr/lib/nginx/modules
available=$root/usr/share/nginx/modules-available
enabled=$root/etc/nginx/modules-enabled
completions=$root/usr/share/bash-completion/completions
scripts="wgw-acme wgw-certs-hook"


# ngx_wgw_route_module.so: mod-wgw-route.conf

conf_of() {
    echo "${1%_module.so}" | sed 's/^ngx_/mod-/; s/_/-/g; s/$/.conf/'
}


# whether nginx.conf, or what may be included there, says load_module

loaded_by_hand() {
    grep -rqs "^[^#]*load_module.*$1" "$root/etc/nginx/nginx.conf" \
        "$root/etc/nginx/conf.d"
}


# man8/wgw.8: where a page of the manual goes

man_of() {
    echo "$root/usr/share/man/man${1##*.}/$1"
}


put_command() {
    mkdir -p "$root/usr/bin" "$completions"

    install -m 755 build/bin/wgw "$root/usr/bin"
    install -m 644 build/completion/wgw "$completions"
    echo "installed $root/usr/bin/wgw"

    mkdir -p "$root/usr/sbin"

    for script in $scripts; do
        install -m 755 "tools/$script" "$root/usr/sbin"
        echo "installed $root/usr/sbin/$script"
    done

    # a daemon of its own, if it was built: make ledger

    if [ -x build/bin/wgw-ledger ]; then
        install -m 755 build/bin/wgw-ledger "$root/usr/bin"
        echo "installed $root/usr/bin/wgw-ledger"
    fi

    for page in build/man/*; do
        to=$(man_of "${page##*/}")
        mkdir -p "${to%/*}"
        install -m 644 "$page" "$to"
    done
}


put() {
    mkdir -p "$modules" "$available" "$enabled"

    for file in build/installed/ngx_wgw_*_module.so; do
        module=${file##*/}
        conf=$(conf_of "$module")

        install -m 644 "$file" "$modules"
        echo "load_module modules/$module;" > "$available/$conf"
        echo "installed $modules/$module"

        if loaded_by_hand "$module"; then
            rm -f "$enabled/70-$conf"
            echo "    which $root/etc/nginx loads itself: not enabled again"
        else
            ln -sf "/usr/share/nginx/modules-available/$conf" \
                "$enabled/70-$conf"
            echo "    enabled by $enabled/70-$conf"
        fi
    done

    cat << 'END'

nginx loads the modules from its next start on; a reload is not enough after
an update.  Do not write load_module for them.  Once, as root (a certificate
of your own goes where this makes one to try):

END
    example 'sh gateway'

    cat << 'END'

And /etc/nginx/nginx.conf, or what of it yours has not:

END
    example 'whole gateway'

    cat << 'END'

`nginx -t` says what is wrong; docs/ has each directive.  make uninstall takes
the modules away, and leaves /var/lib/wgw.
END
}


# The lines of an example in the README.

example() {
    awk -v mark="<!-- conf: $1 -->" '
        $0 == mark               { on = 1; next }
        on && /^[^ ]/            { exit }
        on && (/[^ ]/ || begun)  { begun = 1; line[++n] = $0; if (/[^ ]/) m = n }
        END { for (i = 1; i <= m; i++) print line[i]; exit m == 0 }
    ' README.md
}


remove() {
    for module in ngx_wgw_route_module.so ngx_wgw_meter_module.so \
        ngx_wgw_auth_module.so
    do
        conf=$(conf_of "$module")

        for file in "$enabled/70-$conf" "$available/$conf" "$modules/$module"
        do
            if [ -e "$file" ] || [ -L "$file" ]; then
                rm -f "$file"
                echo "removed $file"
            fi
        done
    done

    for file in "$root/usr/bin/wgw" "$root/usr/bin/wgw-ledger" \
        "$completions/wgw" $(pages) \
        $(for script in $scripts; do echo "$root/usr/sbin/$script"; done)
    do
        if [ -e "$file" ]; then
            rm -f "$file"
            echo "removed $file"
        fi
    done
}


pages() {
    for page in wgw.8 wgw-acme.8 wgw-certs-hook.8 wgw.conf.5 \
        ngx_wgw_route_module.5 ngx_wgw_meter_module.5 ngx_wgw_auth_module.5
    do
        man_of "$page"
    done
}


case ${1:-} in
remove) remove ;;
*)      put_command && put ;;
esac
