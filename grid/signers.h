
/*
 * signers: whether those have signed a deployment who had to.
 *
 * Each twin of the requests, of whom one is the deployment's own, must have a
 * signature that is right, required or not; of several the first one counts.
 * Their weights together are what is required, or more.  Signed is the MD5 of
 * the challenge, 16 bytes, or with the style "polka-wallet" the text <Bytes>,
 * its digits, </Bytes>.  A key is that of the twin's account on the chain.
 */

#ifndef WGW_GRID_SIGNERS_H
#define WGW_GRID_SIGNERS_H


#include "grid/chain.h"
#include "grid/deployment.h"


/* GRID_OK; GRID_FAILED or GRID_AWAY, and the error. */
int grid_signers_check(grid_chain_t *chain,
    const grid_deployment_t *deployment, const char *hash,
    char error[GRID_ERROR]);


#endif /* WGW_GRID_SIGNERS_H */
