-- The journal: one append-only row per ledger transaction, with its postings inline (rulings A4).
--
-- `prev` is the position of the organization's previous row, 0 for its first. That (organization,
-- number) is unique is the owner's to guarantee and `verify`'s to check: an index for it would
-- halve the speed. Kept until its period is archived.
CREATE TABLE journal (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    position BIGINT NOT NULL,
    prev BIGINT NOT NULL,
    kind INTEGER NOT NULL,
    at BIGINT NOT NULL,
    occurred_at BIGINT,
    subject BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    g1 BIGINT,
    a1 BIGINT,
    g2 BIGINT,
    a2 BIGINT,
    g3 BIGINT,
    a3 BIGINT,
    balance BIGINT NOT NULL,
    hash BYTEA NOT NULL CHECK (length(hash) = 16),
    fingerprint BIGINT NOT NULL,
    source TEXT,
    key TEXT,
    price BIGINT,
    quantity BIGINT,
    rest TEXT,
    v INTEGER NOT NULL,
    PRIMARY KEY (bucket, position)
);
