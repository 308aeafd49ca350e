
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/screen.h"


#define SCREEN_ENTER  "\033[?1049h\033[?25l"
#define SCREEN_LEAVE  "\033[?25h\033[?1049l"


static void screen_enter(cli_screen_t *screen);
static void screen_leave(cli_screen_t *screen);
static void screen_size(cli_screen_t *screen);
static void screen_caught(int signal);
static int screen_pending(cli_screen_t *screen);
static const char *screen_line(const char *text, int columns);


static volatile sig_atomic_t  screen_ended;
static volatile sig_atomic_t  screen_stopped;
static volatile sig_atomic_t  screen_resized;

static const int  screen_signals[] = {
    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH
};


int
cli_screen_begin(cli_screen_t *screen)
{
    size_t            i;
    sigset_t          set;
    struct sigaction  action;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)
        || tcgetattr(STDIN_FILENO, &screen->before) != 0)
    {
        return -1;
    }

    memset(&action, 0, sizeof(action));
    action.sa_handler = screen_caught;
    sigemptyset(&action.sa_mask);
    sigemptyset(&set);

    /* blocked but while it waits: none is missed, none cuts a drawing */

    for (i = 0; i < sizeof(screen_signals) / sizeof(int); i++) {
        (void) sigaction(screen_signals[i], &action, NULL);
        sigaddset(&set, screen_signals[i]);
    }

    (void) sigprocmask(SIG_BLOCK, &set, &screen->mask);

    screen_enter(screen);

    return 0;
}


static void
screen_caught(int signal)
{
    if (signal == SIGTSTP) {
        screen_stopped = 1;

    } else if (signal == SIGWINCH) {
        screen_resized = 1;

    } else {
        screen_ended = 1;
    }
}


static void
screen_enter(cli_screen_t *screen)
{
    struct termios  now;

    now = screen->before;
    now.c_lflag &= ~(tcflag_t) (ICANON|ECHO);
    now.c_cc[VMIN] = 1;
    now.c_cc[VTIME] = 0;

    (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &now);

    fputs(SCREEN_ENTER, stdout);
    fflush(stdout);

    screen_size(screen);
}


static void
screen_leave(cli_screen_t *screen)
{
    fputs(SCREEN_LEAVE, stdout);
    fflush(stdout);

    (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &screen->before);
}


static void
screen_size(cli_screen_t *screen)
{
    struct winsize  size;

    screen->rows = 24;
    screen->columns = 80;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row
        && size.ws_col)
    {
        screen->rows = size.ws_row;
        screen->columns = size.ws_col;
    }
}


void
cli_screen_end(cli_screen_t *screen)
{
    screen_leave(screen);
    (void) sigprocmask(SIG_SETMASK, &screen->mask, NULL);
}


int
cli_screen_wait(cli_screen_t *screen, double seconds)
{
    int              n, rc;
    char             key;
    double           left, end;
    struct pollfd    in = { STDIN_FILENO, POLLIN, 0 };
    struct timespec  ts;

    end = cli_progress_clock() + seconds;

    for ( ;; ) {
        rc = screen_pending(screen);
        if (rc != CLI_SCREEN_TIME) {
            return rc;
        }

        left = end - cli_progress_clock();
        left = left < 0 ? 0 : left;

        ts.tv_sec = (time_t) left;
        ts.tv_nsec = (long) ((left - (double) ts.tv_sec) * 1e9);

        n = ppoll(&in, 1, &ts, &screen->mask);

        if (n == 0) {
            return CLI_SCREEN_TIME;
        }

        if (n > 0) {
            return read(STDIN_FILENO, &key, 1) == 1 ? (unsigned char) key
                                                    : CLI_SCREEN_END;
        }

        if (errno != EINTR) {
            return CLI_SCREEN_END;
        }
    }
}


static int
screen_pending(cli_screen_t *screen)
{
    if (screen_ended) {
        return CLI_SCREEN_END;
    }

    if (screen_stopped) {
        screen_stopped = 0;

        screen_leave(screen);
        (void) raise(SIGSTOP);
        screen_enter(screen);

        return CLI_SCREEN_DRAW;
    }

    if (screen_resized) {
        screen_resized = 0;
        screen_size(screen);

        return CLI_SCREEN_DRAW;
    }

    return CLI_SCREEN_TIME;
}


void
cli_screen_draw(cli_screen_t *screen, const char *text)
{
    int  row;

    fputs("\033[H", stdout);

    for (row = 0; row < screen->rows && *text; row++) {
        fputs(row ? "\r\n" : "", stdout);
        text = screen_line(text, screen->columns);
        fputs("\033[K", stdout);
    }

    fputs("\033[J", stdout);
    fflush(stdout);
}


/* A line of it; a continuation byte of UTF-8 takes no column. */

static const char *
screen_line(const char *text, int columns)
{
    for ( /* void */ ; *text && *text != '\n'; text++) {
        columns -= (*text & 0xc0) != 0x80;

        if (columns >= 0) {
            fputc(*text, stdout);
        }
    }

    return *text ? text + 1 : text;
}
