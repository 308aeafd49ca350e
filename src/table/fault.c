
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "table/fault.h"


static void fault_install(void);
static void fault_handler(int signo, siginfo_t *info, void *context);
static int fault_mend(const wgw_fault_t *fault, char *address);


static wgw_fault_t      *fault_list;
static size_t            fault_page;
static struct sigaction  fault_old;     /* what was there before */


void
wgw_fault_add(wgw_fault_t *fault)
{
    if (fault_page == 0) {
        fault_install();
    }

    fault->next = fault_list;
    fault_list = fault;
}


void
wgw_fault_remove(wgw_fault_t *fault)
{
    wgw_fault_t  **p;

    for (p = &fault_list; *p; p = &(*p)->next) {
        if (*p == fault) {
            *p = fault->next;
            return;
        }
    }
}


static void
fault_install(void)
{
    struct sigaction  action;

    fault_page = (size_t) sysconf(_SC_PAGESIZE);

    memset(&action, 0, sizeof(action));

    action.sa_sigaction = fault_handler;
    action.sa_flags = SA_SIGINFO;
    (void) sigemptyset(&action.sa_mask);

    (void) sigaction(SIGBUS, &action, &fault_old);
}


/* The instruction is tried again: what is not ours meets what was before. */

static void
fault_handler(int signo, siginfo_t *info, void *context)
{
    int           err;
    char         *address;
    wgw_fault_t  *fault;

    (void) context;

    err = errno;
    address = info->si_addr;

    for (fault = fault_list; fault; fault = fault->next) {

        if (address >= fault->start
            && (size_t) (address - fault->start) < fault->size
            && fault_mend(fault, address) == 0)
        {
            *fault->lost = 1;
            errno = err;
            return;
        }
    }

    (void) sigaction(signo, &fault_old, NULL);

    errno = err;
}


static int
fault_mend(const wgw_fault_t *fault, char *address)
{
    char  *page;

    page = fault->start
           + (size_t) (address - fault->start) / fault_page * fault_page;

    return mmap(page, fault_page, PROT_READ|PROT_WRITE,
                MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED, -1, 0)
           == MAP_FAILED ? -1 : 0;
}
