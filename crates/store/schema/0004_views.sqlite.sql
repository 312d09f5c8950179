-- Views for people who read with plain SQL; docs/sql.md explains them. Nothing of ours reads them,
-- so they may be slow; a test compares them with what the program says. They are written twice,
-- because the engines take texts apart in different ways.
--
-- Amounts are nano-units (10^9 for one unit of currency), times are RFC 3339 in UTC.

-- What the journal keeps in `rest` because most rows have none of it. A cast reads the number that
-- a text begins with.
CREATE VIEW read_rest AS
WITH texts AS (
    SELECT bucket, org_id, number, position, kind, ';' || rest || ';' AS text
    FROM journal WHERE rest IS NOT NULL
),
found AS (
    SELECT
        bucket,
        org_id,
        number,
        position,
        kind,
        CASE WHEN instr(text, ';postings=') > 0
            THEN substr(text, instr(text, ';postings=') + 10) END AS postings,
        CASE WHEN instr(text, ';absorbed=') > 0
            THEN substr(text, instr(text, ';absorbed=') + 10) END AS absorbed,
        CASE WHEN instr(text, ';debt=') > 0
            THEN substr(text, instr(text, ';debt=') + 6) END AS debt,
        CASE WHEN instr(text, ';labels=') > 0
            THEN substr(text, instr(text, ';labels=') + 8) END AS labels,
        CASE WHEN instr(text, ';tax=') > 0
            THEN substr(text, instr(text, ';tax=') + 5) END AS tax
    FROM texts
)
SELECT
    bucket,
    org_id,
    number,
    position,
    kind,
    substr(postings, 1, instr(postings, ';') - 1) AS postings,
    coalesce(CAST(absorbed AS INTEGER), 0) AS absorbed,
    coalesce(CAST(debt AS INTEGER), 0) AS debt,
    CAST(labels AS INTEGER) AS labels,
    coalesce(CAST(tax AS INTEGER), 0) AS tax
FROM found;

-- What each ledger transaction did to each grant.
CREATE VIEW read_postings AS
SELECT bucket, org_id, number, kind, g1 AS grant_number, a1 AS change
FROM journal WHERE g1 IS NOT NULL
UNION ALL
SELECT bucket, org_id, number, kind, g2, a2
FROM journal WHERE g2 IS NOT NULL
UNION ALL
SELECT bucket, org_id, number, kind, g3, a3
FROM journal WHERE g3 IS NOT NULL
UNION ALL
SELECT
    r.bucket,
    r.org_id,
    r.number,
    r.kind,
    CAST(part.value AS INTEGER),
    CAST(substr(part.value, instr(part.value, ':') + 1) AS INTEGER)
FROM read_rest AS r,
    json_each('["' || replace(r.postings, ',', '","') || '"]') AS part;

-- One row for each ledger account that a ledger transaction moves: a positive amount is a credit, a
-- negative one a debit, and those of one transaction sum to zero (rulings R16).
CREATE VIEW read_entries AS
WITH moved AS (
    SELECT j.bucket, j.org_id, j.number, j.kind, j.amount, coalesce(r.tax, 0) AS tax
    FROM journal AS j
        LEFT JOIN read_rest AS r ON r.bucket = j.bucket AND r.position = j.position
)
SELECT
    bucket,
    org_id,
    number,
    CASE kind
        WHEN 1 THEN 'deposit'
        WHEN 2 THEN 'grant'
        WHEN 3 THEN 'charge'
        WHEN 4 THEN 'settlement'
        WHEN 5 THEN 'capture'
        WHEN 6 THEN 'correction'
        WHEN 7 THEN 'expiry'
        WHEN 8 THEN 'void'
        WHEN 9 THEN 'refund'
        WHEN 10 THEN 'refund_paid'
        WHEN 11 THEN 'refund_failed'
        WHEN 12 THEN 'bonus_void'
        WHEN 13 THEN 'offset'
        WHEN 14 THEN 'withdrawal'
        WHEN 15 THEN 'reinstatement'
        WHEN 16 THEN 'reversal'
        WHEN 17 THEN 'renewal'
        WHEN 18 THEN 'block'
        WHEN 19 THEN 'block_reversal'
        WHEN 22 THEN 'fee'
        WHEN 24 THEN 'arrival'
        WHEN 25 THEN 'arrival_credited'
        WHEN 26 THEN 'arrival_returned'
        WHEN 34 THEN 'commitment'
        WHEN 40 THEN 'request'
        WHEN 46 THEN 'forfeiture'
    END AS kind,
    account,
    grant_number,
    credit_nanos
FROM (
    SELECT
        bucket, org_id, number, kind,
        'cash:sandbox' AS account,
        CAST(NULL AS INTEGER) AS grant_number,
        -amount - tax AS credit_nanos
    FROM moved
    WHERE kind IN (1, 15)
    UNION ALL
    SELECT bucket, org_id, number, kind, 'cash:sandbox', NULL, amount + tax
    FROM moved
    WHERE kind IN (10, 14)
    UNION ALL
    SELECT bucket, org_id, number, kind, 'cash:sandbox', NULL, amount
    FROM moved
    WHERE kind IN (22, 26)
    UNION ALL
    SELECT bucket, org_id, number, kind, 'cash:sandbox', NULL, -amount
    FROM moved
    WHERE kind = 24
    UNION ALL
    SELECT bucket, org_id, number, kind, 'suspense', NULL, amount
    FROM moved
    WHERE kind = 24
    UNION ALL
    SELECT bucket, org_id, number, kind, 'suspense', NULL, -amount - tax
    FROM moved
    WHERE kind = 25
    UNION ALL
    SELECT bucket, org_id, number, kind, 'suspense', NULL, -amount
    FROM moved
    WHERE kind = 26
    UNION ALL
    SELECT bucket, org_id, number, kind, 'fees', NULL, -amount
    FROM moved
    WHERE kind = 22
    UNION ALL
    SELECT bucket, org_id, number, kind, 'refunds_pending:sandbox', NULL, amount + tax
    FROM moved
    WHERE kind = 9
    UNION ALL
    SELECT bucket, org_id, number, kind, 'refunds_pending:sandbox', NULL, -amount - tax
    FROM moved
    WHERE kind IN (10, 11)
    UNION ALL
    SELECT bucket, org_id, number, kind, 'revenue', NULL, amount - tax
    FROM moved
    WHERE kind IN (3, 4, 5, 6, 16, 18, 19)
    UNION ALL
    SELECT bucket, org_id, number, kind, 'tax', NULL, tax
    FROM moved
    WHERE kind IN (1, 3, 4, 5, 6, 11, 15, 16, 18, 19, 25)
    UNION ALL
    SELECT bucket, org_id, number, kind, 'tax', NULL, -tax
    FROM moved
    WHERE kind IN (9, 14)
    UNION ALL
    SELECT p.bucket, p.org_id, p.number, p.kind, 'grants', p.grant_number, p.change
    FROM read_postings AS p
    UNION ALL
    SELECT p.bucket, p.org_id, p.number, p.kind, 'promotions_unspent', NULL, -p.change
    FROM read_postings AS p
        JOIN grants AS g
            ON g.bucket = p.bucket AND g.org_id = p.org_id AND g.number = p.grant_number
    WHERE p.kind IN (2, 3, 4, 5, 6, 7, 8, 12, 16, 17, 18, 19, 46) AND g.kind IN (1, 3, 4)
    UNION ALL
    SELECT p.bucket, p.org_id, p.number, p.kind, 'breakage', NULL, -p.change
    FROM read_postings AS p
        JOIN grants AS g
            ON g.bucket = p.bucket AND g.org_id = p.org_id AND g.number = p.grant_number
    WHERE p.kind IN (2, 7, 8, 12, 17, 46) AND g.kind = 2
    UNION ALL
    SELECT p.bucket, p.org_id, p.number, p.kind, 'promotions', NULL, p.change
    FROM read_postings AS p
        JOIN grants AS g
            ON g.bucket = p.bucket AND g.org_id = p.org_id AND g.number = p.grant_number
    WHERE p.kind IN (3, 4, 5, 6, 16, 18, 19) AND g.kind IN (1, 3, 4)
    UNION ALL
    SELECT bucket, org_id, number, kind, 'absorbed', NULL, -absorbed
    FROM read_rest
    UNION ALL
    SELECT bucket, org_id, number, kind, 'debt', NULL, -debt
    FROM read_rest
) AS entries
WHERE credit_nanos <> 0;

-- The journal with words for its codes.
CREATE VIEW read_ledger AS
SELECT
    j.bucket,
    j.org_id,
    j.number,
    strftime('%Y-%m-%dT%H:%M:%SZ', j.at / 1000000, 'unixepoch') AS at,
    CASE j.kind
        WHEN 1 THEN 'deposit'
        WHEN 2 THEN 'grant'
        WHEN 3 THEN 'charge'
        WHEN 4 THEN 'settlement'
        WHEN 5 THEN 'capture'
        WHEN 6 THEN 'correction'
        WHEN 7 THEN 'expiry'
        WHEN 8 THEN 'void'
        WHEN 9 THEN 'refund'
        WHEN 10 THEN 'refund_paid'
        WHEN 11 THEN 'refund_failed'
        WHEN 12 THEN 'bonus_void'
        WHEN 13 THEN 'offset'
        WHEN 14 THEN 'withdrawal'
        WHEN 15 THEN 'reinstatement'
        WHEN 16 THEN 'reversal'
        WHEN 17 THEN 'renewal'
        WHEN 18 THEN 'block'
        WHEN 19 THEN 'block_reversal'
        WHEN 22 THEN 'fee'
        WHEN 24 THEN 'arrival'
        WHEN 25 THEN 'arrival_credited'
        WHEN 26 THEN 'arrival_returned'
        WHEN 34 THEN 'commitment'
        WHEN 40 THEN 'request'
        WHEN 46 THEN 'forfeiture'
    END AS kind,
    CASE WHEN j.kind = 3 THEN 0 ELSE coalesce(j.subject, 0) END AS subject,
    j.amount AS amount_nanos,
    coalesce(r.absorbed, 0) AS absorbed_nanos,
    coalesce(r.debt, 0) AS debt_nanos,
    coalesce(r.tax, 0) AS tax_nanos,
    j.balance AS balance_nanos,
    strftime('%Y-%m-%dT%H:%M:%SZ', j.occurred_at / 1000000, 'unixepoch') AS occurred_at,
    j.source AS event_source,
    j.key AS event_id,
    j.price,
    j.quantity,
    l.labels,
    lower(hex(j.hash)) AS hash
FROM journal AS j
    LEFT JOIN read_rest AS r ON r.bucket = j.bucket AND r.position = j.position
    LEFT JOIN label_sets AS l
        ON l.bucket = j.bucket AND l.org_id = j.org_id
            AND l.number = CASE WHEN j.kind = 3 THEN j.subject ELSE r.labels END;

-- What is left of the grants that are not used up, out of the texts of wallets and their parts.
CREATE VIEW read_open_grants AS
WITH texts AS (
    SELECT bucket, org_id, ';' || body || ';' AS text FROM wallets
),
found AS (
    SELECT
        bucket,
        org_id,
        CASE WHEN instr(text, ';grants=') > 0
            THEN substr(text, instr(text, ';grants=') + 8) END AS list,
        CASE WHEN instr(text, ';parts=') > 0
            THEN CAST(substr(text, instr(text, ';parts=') + 7) AS INTEGER) END AS parts
    FROM texts
),
lists AS (
    SELECT bucket, org_id, substr(list, 1, instr(list, ';') - 1) AS list FROM found
    UNION ALL
    SELECT p.bucket, p.org_id, p.body
    FROM found AS f
        JOIN wallet_parts AS p ON p.bucket = f.bucket AND p.org_id = f.org_id
    WHERE p.part <= f.parts
),
ones AS (
    SELECT l.bucket, l.org_id, '["' || replace(one.value, ':', '","') || '"]' AS one
    FROM lists AS l, json_each('["' || replace(l.list, ',', '","') || '"]') AS one
)
SELECT
    bucket,
    org_id,
    CAST(json_extract(one, '$[0]') AS INTEGER) AS number,
    CAST(json_extract(one, '$[2]') AS INTEGER) AS remaining,
    coalesce(CAST(json_extract(one, '$[3]') AS INTEGER), 0) AS reserved
FROM ones;

-- Grants with what is left of them, as of the last ledger transaction.
CREATE VIEW read_grants AS
SELECT
    g.bucket,
    g.org_id,
    g.number,
    CASE g.kind
        WHEN 1 THEN 'promotional'
        WHEN 2 THEN 'purchased'
        WHEN 3 THEN 'bonus'
        WHEN 4 THEN 'trial'
    END AS kind,
    g.amount AS amount_nanos,
    coalesce(o.remaining, 0) AS remaining_nanos,
    coalesce(o.reserved, 0) AS reserved_nanos,
    g.priority,
    strftime('%Y-%m-%dT%H:%M:%SZ', g.expires_at / 1000000, 'unixepoch') AS expires_at,
    g.deposit,
    g.purchase,
    g.note,
    g.scope,
    strftime('%Y-%m-%dT%H:%M:%SZ', g.created_at / 1000000, 'unixepoch') AS created_at
FROM grants AS g
    LEFT JOIN read_open_grants AS o
        ON o.bucket = g.bucket AND o.org_id = g.org_id AND o.number = g.number;

-- What each organization has, as of the second up to which its time is settled. What has run since
-- is in no row; the API computes it.
CREATE VIEW read_balances AS
SELECT
    w.bucket,
    w.org_id,
    coalesce(o.name, p.name) AS organization,
    w.platform_id,
    w.posted AS posted_nanos,
    w.debt AS debt_nanos,
    w.reserved AS held_nanos,
    w.number AS last_transaction,
    strftime('%Y-%m-%dT%H:%M:%SZ', w.settled_until / 1000000, 'unixepoch') AS settled_until
FROM wallets AS w
    LEFT JOIN organizations AS o ON o.bucket = w.bucket AND o.org_id = w.org_id
    LEFT JOIN platforms AS p ON p.bucket = w.bucket AND p.org_id = w.org_id;

-- Runs with the names of what ran. `list_nanos` is the price of `per_units` seconds before the
-- discount.
CREATE VIEW read_runs AS
SELECT
    r.bucket,
    r.org_id,
    r.number,
    r.resource,
    e.name AS resource_name,
    s.code AS sku,
    CASE r.class
        WHEN 1 THEN 'compute'
        WHEN 2 THEN 'storage'
        WHEN 3 THEN 'model'
    END AS class,
    r.amount AS list_nanos,
    r.per_units,
    r.discount_bps,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.started_at / 1000000, 'unixepoch') AS started_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.stopped_at / 1000000, 'unixepoch') AS stopped_at,
    (r.stopped_at - r.started_at) / 1000000 AS ran_seconds,
    CASE r.stop_reason
        WHEN 1 THEN 'requested'
        WHEN 2 THEN 'out_of_credit'
        WHEN 3 THEN 'frozen'
        WHEN 4 THEN 'resized'
        WHEN 5 THEN 'heartbeat_lost'
        WHEN 6 THEN 'retention_over'
    END AS stop_reason
FROM runs AS r
    JOIN wallets AS w ON w.bucket = r.bucket AND w.org_id = r.org_id
    LEFT JOIN resources AS e
        ON e.bucket = r.bucket AND e.org_id = r.org_id AND e.number = r.resource
    LEFT JOIN skus AS s
        ON s.bucket = w.platform_id >> 53 AND s.org_id = w.platform_id AND s.number = r.sku;
