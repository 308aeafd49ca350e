
#define _GNU_SOURCE

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program/memory.h"


static void *memory_there(void *memory);


void *
wgw_alloc(size_t size)
{
    return memory_there(calloc(1, size ? size : 1));
}


void *
wgw_grow(void *memory, size_t size)
{
    return memory_there(realloc(memory, size ? size : 1));
}


char *
wgw_copy(const char *text)
{
    return memory_there(strdup(text));
}


char *
wgw_copy_bytes(const char *text, size_t len)
{
    char  *copy;

    copy = wgw_alloc(len + 1);
    memcpy(copy, text, len);

    return copy;
}


char *
wgw_format(const char *format, ...)
{
    int       n;
    char     *text;
    va_list   args;

    va_start(args, format);
    n = vasprintf(&text, format, args);
    va_end(args);

    return memory_there(n < 0 ? NULL : text);
}


static void *
memory_there(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "%s: no memory\n", program_invocation_short_name);
        _exit(1);
    }

    return memory;
}
