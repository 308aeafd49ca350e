
/*
 * screen: the terminal as long as something live is on it.
 *
 * It is the other screen, without cursor, keys come at once and unseen; all
 * of that is as before after the end, after each of INT, TERM, HUP and QUIT,
 * and while the process is stopped by TSTP.
 */

#ifndef WGW_CLI_SCREEN_H
#define WGW_CLI_SCREEN_H


#include <signal.h>
#include <termios.h>


#define CLI_SCREEN_TIME  0              /* the time is over */
#define CLI_SCREEN_END   (-1)           /* a signal, or no more input */
#define CLI_SCREEN_DRAW  (-2)           /* another size, or back again */


typedef struct {
    struct termios  before;
    sigset_t        mask;               /* as it was */
    int             rows;
    int             columns;
} cli_screen_t;


/* 0, or -1 when stdin or stdout is no terminal. */
int cli_screen_begin(cli_screen_t *screen);
void cli_screen_end(cli_screen_t *screen);

/* Waits for a key, which it returns, or one of the above. */
int cli_screen_wait(cli_screen_t *screen, double seconds);

/* Draws this text from the top, cut to what there is room for. */
void cli_screen_draw(cli_screen_t *screen, const char *text);


#endif /* WGW_CLI_SCREEN_H */
