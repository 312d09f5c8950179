-- What is written behind the journal, in bulk, and can be rebuilt from it (rulings A11).
--
-- On SQLite these tables live in a file of their own, this one. A body of a sorted run fills one
-- page and is found in one descent, because its id is the rowid; there is only one lane.

-- Finds a ledger transaction by its number. Kept as long as the journal's rows.
CREATE TABLE journal_index (
    bucket INTEGER NOT NULL,
    org_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (bucket, org_id, number)
) STRICT, WITHOUT ROWID;

-- The last position of each lane that is indexed; it commits with the rows it speaks of.
CREATE TABLE index_watermark (
    lane INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (lane)
) STRICT, WITHOUT ROWID;

-- The sorted runs of usage-event keys, one set for each lane (src/keys/README.md). A row is kept
-- until its bodies are deleted.
CREATE TABLE key_runs (
    lane INTEGER NOT NULL,
    run INTEGER NOT NULL,
    state TEXT NOT NULL,
    keys INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    filter_lines INTEGER NOT NULL,
    PRIMARY KEY (lane, run)
) STRICT, WITHOUT ROWID;

-- Bodies of sorted runs; `id` is run × 2^32 + number. Kept as long as their run.
CREATE TABLE key_chunks (
    id INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- Bodies of the filters of sorted runs, with ids alike. Kept as long as their run.
CREATE TABLE key_filters (
    id INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
