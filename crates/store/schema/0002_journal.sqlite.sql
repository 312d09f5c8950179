-- The journal: one append-only row per ledger transaction, with its postings inline (rulings A4).
--
-- `subject` is NULL where a row is about none of the numbered things, as most charges are; `prev`
-- is the position of the organization's previous row, 0 for its first. That (organization,
-- number) is unique is the owner's to guarantee and `verify`'s to check: an index for it would
-- halve the speed. Kept until its period is archived.
--
-- Here the position is the rowid, so that appending never splits a page.
CREATE TABLE journal (
    position INTEGER PRIMARY KEY,
    bucket INTEGER NOT NULL,
    org_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    prev INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    at INTEGER NOT NULL,
    occurred_at INTEGER,
    subject INTEGER,
    amount INTEGER NOT NULL,
    g1 INTEGER,
    a1 INTEGER,
    g2 INTEGER,
    a2 INTEGER,
    g3 INTEGER,
    a3 INTEGER,
    balance INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 16),
    fingerprint INTEGER NOT NULL,
    source TEXT,
    key TEXT,
    price INTEGER,
    quantity INTEGER,
    rest TEXT,
    v INTEGER NOT NULL
) STRICT;
