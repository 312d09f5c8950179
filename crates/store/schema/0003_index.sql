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

-- The sorted runs of usage-event keys, one set for each lane (src/keys/README.md). A row is kept
-- until its bodies are deleted.
CREATE TABLE key_runs (
    lane INTEGER NOT NULL,
    run BIGINT NOT NULL,
    state TEXT NOT NULL,
    keys BIGINT NOT NULL,
    first_position BIGINT NOT NULL,
    last_position BIGINT NOT NULL,
    chunks BIGINT NOT NULL,
    filter_lines BIGINT NOT NULL,
    PRIMARY KEY (lane, run)
);

-- Bodies of sorted runs; `id` is run × 2^32 + number. Kept as long as their run.
CREATE TABLE key_chunks (
    lane INTEGER NOT NULL,
    id BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (lane, id)
);

-- Bodies of the filters of sorted runs, with ids alike. Kept as long as their run.
CREATE TABLE key_filters (
    lane INTEGER NOT NULL,
    id BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (lane, id)
);
