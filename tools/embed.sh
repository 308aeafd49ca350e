#!/bin/sh
# embed.sh NAME=FILE ...: files as text of C, on standard output, each as an
# array of bytes; called by `config`.

set -eu

echo '/* made by tools/embed.sh */'

for arg; do
    echo
    echo "static const unsigned char ${arg%%=*}[] = {"
    od -A n -v -t u1 "${arg#*=}" | sed 's/[0-9][0-9]*/&,/g'
    echo '};'
done
