-- What is written behind the journal, in bulk, and can be rebuilt from it (rulings A11).
--
-- On SQLite these tables live in a file of their own.

-- Finds a ledger transaction by its number. Kept as long as the journal's rows.
CREATE TABLE journal_index (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (bucket, org_id, number)
);

-- The last position of each lane that is indexed; it commits with the rows it speaks of.
CREATE TABLE index_watermark (
    lane INTEGER NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (lane)
);
