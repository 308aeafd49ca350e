
/*
 * What a connection begins with: TLS, and who is at the other end.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include <hiredis/hiredis.h>
#include <openssl/rand.h>

#include "crypto/hash.h"
#include "fleet/link.h"
#include "fleet/shards.h"


#if (NGX_SSL)
static ngx_int_t link_tls_name(wgw_link_t *link);
static void link_tls_done(ngx_connection_t *c);
#endif
static void link_auth(void *data, const redisReply *reply);
static void link_info(void *data, const redisReply *reply);
static ngx_int_t link_told(wgw_link_t *link, const redisReply *reply);
static void link_selected(void *data, const redisReply *reply);


/* of run ids, which are no secrets */
static const uint8_t  link_seed[WGW_HASH_SEED] = { 'r', 'u', 'n' };


#if (NGX_SSL)

void
wgw_link_tls(wgw_link_t *link)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = link->connection;

    if (ngx_ssl_create_connection(link->fleet->ssl, c,
                                  NGX_SSL_BUFFER|NGX_SSL_CLIENT)
        != NGX_OK)
    {
        wgw_link_close(link, "no TLS connection");
        return;
    }

    /* what waits to be sent may move in memory meanwhile */

    SSL_set_mode(c->ssl->connection, SSL_MODE_ENABLE_PARTIAL_WRITE
                                     |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    if (link_tls_name(link) != NGX_OK) {
        wgw_link_close(link, "no TLS connection");
        return;
    }

    rc = ngx_ssl_handshake(c);

    if (rc == NGX_AGAIN) {
        c->ssl->handler = link_tls_done;
        return;
    }

    link_tls_done(c);
}


/* An address is in a certificate as such, and is not sent as SNI. */

static ngx_int_t
link_tls_name(wgw_link_t *link)
{
    char               *name;
    u_char              text[256];
    ngx_str_t          *from;
    ngx_ssl_conn_t     *ssl;
    X509_VERIFY_PARAM  *param;

    ssl = link->connection->ssl->connection;
    from = link->fleet->name.len ? &link->fleet->name : &link->host.host;

    if (from->len >= sizeof(text)) {
        return NGX_ERROR;
    }

    ngx_memcpy(text, from->data, from->len);
    text[from->len] = '\0';
    name = (char *) text;

    param = SSL_get0_param(ssl);

    if (!X509_VERIFY_PARAM_set1_ip_asc(param, name)) {

        if (!SSL_set_tlsext_host_name(ssl, name)
            || !X509_VERIFY_PARAM_set1_host(param, name, from->len))
        {
            return NGX_ERROR;
        }
    }

    /* not what nginx's callback takes, which accepts all */

    SSL_set_verify(ssl, link->fleet->unverified ? SSL_VERIFY_NONE
                                                : SSL_VERIFY_PEER, NULL);

    return NGX_OK;
}


static void
link_tls_done(ngx_connection_t *c)
{
    wgw_link_t  *link;

    link = c->data;

    if (!c->ssl->handshaked) {
        wgw_link_close(link, "TLS handshake failed");
        return;
    }

    wgw_link_established(link);
}

#endif


void
wgw_link_hello(wgw_link_t *link)
{
    ngx_uint_t    n;
    wgw_text_t    args[3];
    wgw_fleet_t  *fleet;

    fleet = link->fleet;
    ngx_memzero(&link->hello, sizeof(wgw_link_hello_t));

    if (fleet->password.len) {
        n = 0;

        args[n++] = wgw_text("AUTH");

        if (fleet->user.len) {
            args[n++] = wgw_fleet_text(&fleet->user);
        }

        args[n++] = wgw_fleet_text(&fleet->password);

        if (wgw_link_send(link, 0, args, n, link_auth, link) != NGX_OK) {
            wgw_link_close(link, "no memory");
            return;
        }
    }

    args[0] = wgw_text("INFO");

    if (wgw_link_send(link, 0, args, 1, link_info, link) != NGX_OK) {
        wgw_link_close(link, "no memory");
    }
}


/* Sentinels have passwords of their own, or none. */

static void
link_auth(void *data, const redisReply *reply)
{
    wgw_link_t *link = data;

    if (reply && reply->type == REDIS_REPLY_ERROR && !link->anonymous) {
        wgw_link_close(link, "user or password is refused");
    }
}


static void
link_info(void *data, const redisReply *reply)
{
    wgw_link_t *link = data;

    u_char      db[NGX_INT_T_LEN];
    wgw_text_t  args[2];

    if (reply == NULL) {
        return;
    }

    if (link_told(link, reply) != NGX_OK) {
        wgw_link_close(link, reply->type == REDIS_REPLY_ERROR
                             && ngx_strncmp(reply->str, "NOAUTH", 6) == 0
                             ? "a password is required"
                             : "INFO is refused or is not understood");
        return;
    }

    if (link->fleet->db == 0 || link->anonymous) {
        link_selected(link, NULL);
        return;
    }

    args[0] = wgw_text("SELECT");
    args[1].data = (char *) db;
    args[1].len = ngx_sprintf(db, "%ui", link->fleet->db) - db;

    if (wgw_link_send(link, 0, args, 2, link_selected, link) != NGX_OK) {
        wgw_link_close(link, "no memory");
    }
}


static ngx_int_t
link_told(wgw_link_t *link, const redisReply *reply)
{
    wgw_text_t         info, run, mode, role, loading, memory, policy;
    wgw_link_hello_t  *hello;

    if (reply->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    info.data = reply->str;
    info.len = reply->len;

    hello = &link->hello;
    run = wgw_shard_info(info, "run_id");
    mode = wgw_shard_info(info, "redis_mode");

    if (mode.len == 0) {
        mode = wgw_shard_info(info, "server_mode");
    }

    if (run.len == 0 || mode.len == 0) {
        return NGX_ERROR;
    }

    role = wgw_shard_info(info, "role");
    loading = wgw_shard_info(info, "loading");
    memory = wgw_shard_info(info, "maxmemory");
    policy = wgw_shard_info(info, "maxmemory_policy");

    hello->run = wgw_hash(link_seed, run.data, run.len);
    hello->cluster = wgw_text_equal(mode, wgw_text("cluster"));
    hello->sentinel = wgw_text_equal(mode, wgw_text("sentinel"));
    hello->replica = wgw_text_equal(role, wgw_text("slave"));
    hello->loading = wgw_text_equal(loading, wgw_text("1"));
    hello->evicts = memory.len != 0
                    && !wgw_text_equal(memory, wgw_text("0"))
                    && !wgw_text_equal(policy, wgw_text("noeviction"));

    return NGX_OK;
}


static void
link_selected(void *data, const redisReply *reply)
{
    wgw_link_t *link = data;

    if (link->connection == NULL) {
        return;
    }

    if (reply && reply->type == REDIS_REPLY_ERROR) {
        wgw_link_close(link, "SELECT is refused");
        return;
    }

    if (reply == NULL && link->fleet->db && !link->anonymous) {
        return;
    }

    if (RAND_bytes((u_char *) &link->serial, sizeof(uint64_t)) != 1
        || link->serial == 0)
    {
        wgw_link_close(link, "no random number");
        return;
    }

    link->ready(link);
}
