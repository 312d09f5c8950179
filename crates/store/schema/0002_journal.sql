-- The journal: one append-only row per ledger transaction, with its postings inline (rulings A4).
--
-- `subject` is NULL where a row is about none of the numbered things, as most charges are; `prev`
-- is the position of the organization's previous row, 0 for its first. That (organization,
-- number) is unique is the owner's to guarantee and `verify`'s to check: an index for it would
-- halve the speed. Kept until its period is archived.
--
-- Columns of one width lie together, so that nothing is lost to alignment: 22 bytes a row.
CREATE TABLE journal (
    bucket INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    position BIGINT NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    prev BIGINT NOT NULL,
    at BIGINT NOT NULL,
    occurred_at BIGINT,
    subject BIGINT,
    amount BIGINT NOT NULL,
    g1 BIGINT,
    a1 BIGINT,
    g2 BIGINT,
    a2 BIGINT,
    g3 BIGINT,
    a3 BIGINT,
    balance BIGINT NOT NULL,
    fingerprint BIGINT NOT NULL,
    price BIGINT,
    quantity BIGINT,
    v INTEGER NOT NULL,
    hash BYTEA NOT NULL CHECK (length(hash) = 16),
    source TEXT,
    key TEXT,
    rest TEXT,
    PRIMARY KEY (bucket, position)
);
