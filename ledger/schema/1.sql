-- The ledger of wgw: what meters of many nodes have read, and what that makes
-- an hour, a day, a month.  Times are UTC.

CREATE TABLE wgw.node (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL UNIQUE,

    -- the position: the last record that was applied
    epoch        bigint NOT NULL DEFAULT 0,
    seq          bigint NOT NULL DEFAULT 0,
    hash         bytea NOT NULL DEFAULT '',
    read_to      timestamptz,
    applied_at   timestamptz
);

-- What is counted: a key of a zone.  class: 0 a key, 1 without a key,
-- 2 keys that did not fit their table, 3 refusals.  Others than 0 have no key.
CREATE TABLE wgw.account (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    zone         text NOT NULL,
    class        smallint NOT NULL,
    key          text NOT NULL,
    life         bigint NOT NULL,
    kind         text NOT NULL,
    labels       jsonb NOT NULL DEFAULT '{}',
    UNIQUE (zone, class, key, life)
);

CREATE INDEX account_kind ON wgw.account (kind, key);

-- What a node's meter showed last.
CREATE TABLE wgw.reading (
    node         integer NOT NULL REFERENCES wgw.node,
    account      bigint NOT NULL REFERENCES wgw.account,
    sent         bigint NOT NULL,
    received     bigint NOT NULL,
    requests     bigint NOT NULL,
    PRIMARY KEY (node, account)
) WITH (fillfactor = 70);

CREATE TABLE wgw.hour (
    account      bigint NOT NULL REFERENCES wgw.account,
    node         integer NOT NULL REFERENCES wgw.node,
    start        timestamptz NOT NULL,
    sent         bigint NOT NULL,
    received     bigint NOT NULL,
    requests     bigint NOT NULL,
    PRIMARY KEY (account, node, start)
) WITH (fillfactor = 70);

CREATE INDEX hour_start ON wgw.hour USING brin (start);

CREATE TABLE wgw.day (
    account      bigint NOT NULL REFERENCES wgw.account,
    node         integer NOT NULL REFERENCES wgw.node,
    start        date NOT NULL,
    sent         bigint NOT NULL,
    received     bigint NOT NULL,
    requests     bigint NOT NULL,
    PRIMARY KEY (account, node, start)
) WITH (fillfactor = 70);

CREATE TABLE wgw.month (
    account      bigint NOT NULL REFERENCES wgw.account,
    node         integer NOT NULL REFERENCES wgw.node,
    start        date NOT NULL,
    sent         bigint NOT NULL,
    received     bigint NOT NULL,
    requests     bigint NOT NULL,
    PRIMARY KEY (account, node, start)
) WITH (fillfactor = 70);

CREATE INDEX month_start ON wgw.month (start);

-- Each record that was applied: a second one of the same number is another.
CREATE TABLE wgw.record (
    node         integer NOT NULL REFERENCES wgw.node,
    epoch        bigint NOT NULL,
    seq          bigint NOT NULL,
    hash         bytea NOT NULL,
    starts       timestamptz NOT NULL,
    ends         timestamptz NOT NULL,
    rows         integer NOT NULL,
    applied_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (node, epoch, seq, hash)
);

CREATE INDEX record_applied ON wgw.record USING brin (applied_at);

-- What somebody should look at: gap, fork, epoch, backward, damage.
CREATE TABLE wgw.event (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT now(),
    node         integer REFERENCES wgw.node,
    what         text NOT NULL,
    note         text NOT NULL,
    seen_at      timestamptz
);

-- What a kind of keys, or one key of it, pays: a gigabyte is 10^9 bytes, both
-- directions; the last price at a month's beginning holds for the month.
CREATE TABLE wgw.price (
    kind         text NOT NULL,
    key          text NOT NULL DEFAULT '',
    since        date NOT NULL DEFAULT '2000-01-01',
    per_gb       numeric NOT NULL DEFAULT 0,
    per_million  numeric NOT NULL DEFAULT 0,
    currency     text NOT NULL DEFAULT '',
    PRIMARY KEY (kind, key, since)
);


CREATE VIEW wgw.usage_hour AS
    SELECT a.kind, a.zone, a.class, a.key, h.start,
           sum(h.sent) AS sent, sum(h.received) AS received,
           sum(h.requests) AS requests
    FROM wgw.hour h JOIN wgw.account a ON a.id = h.account
    GROUP BY a.kind, a.zone, a.class, a.key, h.start;

CREATE VIEW wgw.usage_day AS
    SELECT a.kind, a.zone, a.class, a.key, h.start,
           sum(h.sent) AS sent, sum(h.received) AS received,
           sum(h.requests) AS requests
    FROM wgw.day h JOIN wgw.account a ON a.id = h.account
    GROUP BY a.kind, a.zone, a.class, a.key, h.start;

CREATE VIEW wgw.usage_month AS
    SELECT a.kind, a.zone, a.class, a.key, h.start,
           sum(h.sent) AS sent, sum(h.received) AS received,
           sum(h.requests) AS requests
    FROM wgw.month h JOIN wgw.account a ON a.id = h.account
    GROUP BY a.kind, a.zone, a.class, a.key, h.start;


-- Whoever starts anew may meet the same again: it is told once.
CREATE FUNCTION wgw.note(p_node integer, p_what text, p_note text)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO wgw.event (node, what, note)
    SELECT p_node, p_what, p_note
    WHERE NOT EXISTS (SELECT FROM wgw.event e
                      WHERE e.node IS NOT DISTINCT FROM p_node
                            AND e.what = p_what AND e.note = p_note)
$$;


-- The rows of a record: what was read, less what was read before, is added
-- to the hour the record begins in.  Rows are taken in one order everywhere,
-- so that no two who apply wait for each other.
CREATE FUNCTION wgw.apply_rows(p_node integer, p_from timestamptz,
    p_rows json, p_unknown_base boolean)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    backward integer;
BEGIN
    -- a row without labels says nothing of them
    INSERT INTO wgw.account AS a (zone, class, key, life, kind, labels)
    SELECT DISTINCT ON (z, c, k, l) z, c, k, l, d, coalesce(b, '{}')
    FROM json_to_recordset(p_rows)
         AS r(z text, c smallint, k text, l bigint, d text, b jsonb)
    ORDER BY z, c, k, l
    ON CONFLICT (zone, class, key, life) DO UPDATE
        SET kind = excluded.kind,
            labels = CASE excluded.labels WHEN '{}' THEN a.labels
                                          ELSE excluded.labels END
        WHERE a.kind <> excluded.kind
              OR (excluded.labels <> '{}' AND a.labels <> excluded.labels);

    WITH r AS (
        SELECT DISTINCT ON (a.id) a.id, r.s, r.v, r.q,
               coalesce(r.bs, n.sent, x.s, 0) AS fs,
               coalesce(r.bv, n.received, x.v, 0) AS fv,
               coalesce(r.bq, n.requests, x.q, 0) AS fq
        FROM json_to_recordset(p_rows)
             AS r(z text, c smallint, k text, l bigint, s bigint, v bigint,
                  q bigint, bs bigint, bv bigint, bq bigint)
             JOIN wgw.account a
             ON (a.zone, a.class, a.key, a.life) = (r.z, r.c, r.k, r.l)
             LEFT JOIN wgw.reading n
             ON n.node = p_node AND n.account = a.id
             LEFT JOIN LATERAL (SELECT r.s, r.v, r.q WHERE p_unknown_base) x
             ON true
        ORDER BY a.id, r.s DESC
    ), d AS MATERIALIZED (
        SELECT id, s, v, q, greatest(s - fs, 0) AS ds,
               greatest(v - fv, 0) AS dv, greatest(q - fq, 0) AS dq,
               s < fs OR v < fv OR q < fq AS back
        FROM r
        ORDER BY id
    ), reading AS (
        INSERT INTO wgw.reading (node, account, sent, received, requests)
        SELECT p_node, id, s, v, q FROM d ORDER BY id
        ON CONFLICT (node, account) DO UPDATE
            SET sent = excluded.sent, received = excluded.received,
                requests = excluded.requests
    ), hour AS (
        INSERT INTO wgw.hour AS h
        SELECT id, p_node, date_trunc('hour', p_from, 'UTC'), ds, dv, dq
        FROM d WHERE ds > 0 OR dv > 0 OR dq > 0 ORDER BY id
        ON CONFLICT (account, node, start) DO UPDATE
            SET sent = h.sent + excluded.sent,
                received = h.received + excluded.received,
                requests = h.requests + excluded.requests
    ), day AS (
        INSERT INTO wgw.day AS h
        SELECT id, p_node, (p_from AT TIME ZONE 'UTC')::date, ds, dv, dq
        FROM d WHERE ds > 0 OR dv > 0 OR dq > 0 ORDER BY id
        ON CONFLICT (account, node, start) DO UPDATE
            SET sent = h.sent + excluded.sent,
                received = h.received + excluded.received,
                requests = h.requests + excluded.requests
    ), month AS (
        INSERT INTO wgw.month AS h
        SELECT id, p_node,
               date_trunc('month', p_from AT TIME ZONE 'UTC')::date,
               ds, dv, dq
        FROM d WHERE ds > 0 OR dv > 0 OR dq > 0 ORDER BY id
        ON CONFLICT (account, node, start) DO UPDATE
            SET sent = h.sent + excluded.sent,
                received = h.received + excluded.received,
                requests = h.requests + excluded.requests
    )
    SELECT count(*) FILTER (WHERE back) INTO backward FROM d;

    RETURN backward;
END
$$;


-- One record, and the position behind it: both or neither.  Answers
--
--     applied    it was
--     known      it had been
--     gap        something is missing before it, and it was not, unless
--                p_anyway is true
--
-- kind 1 is all readings as of record p_seq, which is not itself applied:
-- they take the place of what is missing before it, but the position stays.
-- p_follows are epoch and seq of such readings that were applied before.
CREATE FUNCTION wgw.apply(p_node text, p_epoch bigint, p_seq bigint,
    p_hash bytea, p_prev bytea, p_kind integer, p_from timestamptz,
    p_to timestamptz, p_note text, p_count integer, p_rows json,
    p_anyway boolean, p_follows_epoch bigint, p_follows_seq bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n        wgw.node%ROWTYPE;
    other    boolean;
    backward integer;
BEGIN
    INSERT INTO wgw.node (name) VALUES (p_node) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT n FROM wgw.node WHERE name = p_node FOR UPDATE;

    IF p_kind = 1 THEN
        IF (p_epoch, p_seq) <= (n.epoch, n.seq) THEN
            RETURN 'known';
        END IF;

        IF n.epoch > 0 AND p_epoch = n.epoch AND NOT p_anyway THEN
            RETURN 'gap';
        END IF;

        backward := wgw.apply_rows(n.id, p_from, p_rows, n.epoch = 0);
        RETURN 'applied';
    END IF;

    IF EXISTS (SELECT FROM wgw.record r
               WHERE r.node = n.id AND r.epoch = p_epoch AND r.seq = p_seq
                     AND r.hash = p_hash)
       OR p_epoch < n.epoch
    THEN
        RETURN 'known';
    END IF;

    IF p_epoch = n.epoch AND p_seq <= n.seq THEN

        -- another record of a number that was applied, or one too old to know
        IF NOT EXISTS (SELECT FROM wgw.record r
                       WHERE r.node = n.id AND r.epoch = p_epoch
                             AND r.seq = p_seq)
        THEN
            RETURN 'known';
        END IF;

        PERFORM wgw.note(n.id, 'fork', format(
            'record %s of epoch %s came in two forms: the node was restored '
            'from a copy, or two nodes have its name', p_seq, p_epoch));

    ELSIF p_epoch > n.epoch THEN
        IF p_seq <> 1 AND (p_follows_epoch, p_follows_seq)
                          IS DISTINCT FROM (p_epoch, p_seq - 1)
        THEN
            IF NOT p_anyway THEN
                RETURN 'gap';
            END IF;

            PERFORM wgw.note(n.id, 'gap', format(
                'records up to %s of epoch %s are missing', p_seq - 1,
                p_epoch));
        END IF;

        IF n.epoch > 0 THEN
            PERFORM wgw.note(n.id, 'epoch', format(
                'epoch %s follows record %s of epoch %s%s', p_epoch, n.seq,
                n.epoch, CASE p_note WHEN '' THEN '' ELSE ': ' || p_note END));
        ELSIF p_follows_epoch = p_epoch THEN
            PERFORM wgw.note(n.id, 'gap', format(
                'this ledger begins with record %s of epoch %s: what was '
                'counted before is not in it', p_seq, p_epoch));
        END IF;

    ELSIF p_seq > n.seq + 1 THEN
        IF (p_follows_epoch, p_follows_seq)
           IS DISTINCT FROM (p_epoch, p_seq - 1) AND NOT p_anyway
        THEN
            RETURN 'gap';
        END IF;

        PERFORM wgw.note(n.id, 'gap', format(
            'records %s to %s of epoch %s are missing', n.seq + 1, p_seq - 1,
            p_epoch));

    ELSIF n.hash <> p_prev THEN
        PERFORM wgw.note(n.id, 'fork', format(
            'record %s of epoch %s does not follow from the one before it',
            p_seq, p_epoch));
    END IF;

    IF p_kind = 4 THEN
        DELETE FROM wgw.reading r USING wgw.account a
        WHERE r.node = n.id AND a.id = r.account
              AND a.zone = (SELECT p_rows -> 0 ->> 'z');
    END IF;

    backward := wgw.apply_rows(n.id, p_from, p_rows, false);

    IF backward > 0 THEN
        PERFORM wgw.note(n.id, 'backward', format(
            'record %s of epoch %s has %s keys that had counted more before: '
            'of them, what it counted up to it is not known', p_seq, p_epoch,
            backward));
    END IF;

    INSERT INTO wgw.record (node, epoch, seq, hash, starts, ends, rows)
    VALUES (n.id, p_epoch, p_seq, p_hash, p_from, p_to, p_count);

    UPDATE wgw.node
    SET epoch = p_epoch, seq = p_seq, hash = p_hash,
        read_to = greatest(read_to, p_to), applied_at = now()
    WHERE id = n.id;

    RETURN 'applied';
END
$$;


-- Forgets records and hours that are older; days and months stay.
CREATE FUNCTION wgw.prune(p_records interval, p_hours interval)
RETURNS void LANGUAGE sql AS $$
    DELETE FROM wgw.record r USING wgw.node n
    WHERE n.id = r.node AND r.applied_at < now() - p_records
          AND (r.epoch, r.seq) < (n.epoch, n.seq);
    DELETE FROM wgw.hour WHERE start < now() - p_hours;
$$;
