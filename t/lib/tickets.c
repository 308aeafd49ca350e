
/*
 * A backend with TLS 1.3 that sends a session ticket when it was told to:
 *
 *     tickets CERTIFICATE KEY none|before|late|many|answer|answer-late|closed
 *
 * listens on a port of 127.0.0.1 that it prints, and answers each request
 * with the numbers of the connection and of the request on it.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>


static void
serve(SSL_CTX *ctx, int fd, int number, const char *when)
{
    int   i, n;
    char  body[64], out[256], in[8192];
    SSL  *ssl;

    ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);

    if (SSL_accept(ssl) != 1) {
        return;
    }

    for (n = 1; SSL_read(ssl, in, sizeof(in)) > 0; n++) {
        snprintf(body, sizeof(body), "%d %d\n", number, n);
        snprintf(out, sizeof(out),
                 "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(body), body);
        SSL_write(ssl, out, (int) strlen(out));

        if (strstr(when, "late") || strcmp(when, "closed") == 0) {
            usleep(20000);
        }

        if (strcmp(when, "late") == 0 || strcmp(when, "many") == 0) {

            for (i = 0; i < (when[0] == 'm' ? 20 : 1); i++) {
                SSL_new_session_ticket(ssl);
                SSL_do_handshake(ssl);
            }
        }

        if (strncmp(when, "answer", 6) == 0) {
            SSL_write(ssl, out, (int) strlen(out));
        }

        if (strcmp(when, "closed") == 0) {
            SSL_shutdown(ssl);
            sleep(1);
        }
    }
}


int
main(int argc, char **argv)
{
    int                 fd, s, n;
    SSL_CTX            *ctx;
    socklen_t           len;
    struct sockaddr_in  sin;

    if (argc != 4) {
        return 2;
    }

    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);

    ctx = SSL_CTX_new(TLS_server_method());

    SSL_CTX_use_certificate_chain_file(ctx, argv[1]);
    SSL_CTX_use_PrivateKey_file(ctx, argv[2], SSL_FILETYPE_PEM);
    SSL_CTX_set_num_tickets(ctx, strcmp(argv[3], "before") == 0 ? 2 : 0);

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    len = sizeof(sin);

    s = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(s, (struct sockaddr *) &sin, len) != 0
        || listen(s, 16) != 0
        || getsockname(s, (struct sockaddr *) &sin, &len) != 0)
    {
        perror("listen");
        return 1;
    }

    printf("%d\n", ntohs(sin.sin_port));
    fflush(stdout);

    for (n = 1; (fd = accept(s, NULL, NULL)) != -1; n++) {

        if (fork() == 0) {
            close(s);
            serve(ctx, fd, n, argv[3]);
            _exit(0);
        }

        close(fd);
    }

    return 1;
}
