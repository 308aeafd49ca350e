
/*
 * curve: a server that does for each request what a sign-in cannot do without,
 * the recovery of an address, and nothing else; or not even that.
 *
 * It takes requests that are whole after a line without text and as many bytes
 * as Content-Length says, on connections that are kept.
 */

#ifndef CURVE_H_INCLUDED
#define CURVE_H_INCLUDED


#define CURVE_ANSWER  343               /* bytes, as bench/auth/run's ANSWER */


/*
 * Calls work(data, n) before each answer, n counting them; ends when the
 * socket cannot be had, with 1.
 */
int curve_serve(int port, void (*work)(void *data, long n), void *data);


#endif /* CURVE_H_INCLUDED */
