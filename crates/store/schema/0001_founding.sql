-- The founding tables. Written in PostgreSQL's words; SQLite's are derived (src/migrate.rs).
--
-- Every row that an organization owns begins its key with its bucket. Times are microseconds UTC,
-- money is nano-units, JSON is text. Retention is stated with each table (rulings A13).

-- Reference: the 1024 buckets, joined by bulk inserts so that they go to one shard. Kept for ever.
CREATE TABLE buckets (
    bucket INTEGER NOT NULL,
    PRIMARY KEY (bucket)
);

INSERT INTO buckets (bucket)
WITH RECURSIVE numbers (number) AS (
    SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number < 1023
)
SELECT number FROM numbers;

-- Facts about this store, such as its era. Kept for ever.
CREATE TABLE meta (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name)
);

-- Who owns a lane, and the last journal position handed out in it (rulings A1). Kept for ever.
CREATE TABLE lanes (
    lane INTEGER NOT NULL,
    owner TEXT NOT NULL,
    address TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    position BIGINT NOT NULL,
    heartbeat BIGINT NOT NULL,
    lane_count INTEGER NOT NULL,
    PRIMARY KEY (lane)
);

-- The processes that share this store. A row is removed when its process has been silent for long.
CREATE TABLE replicas (
    id TEXT NOT NULL,
    address TEXT NOT NULL,
    heartbeat BIGINT NOT NULL,
    PRIMARY KEY (id)
);

-- A platform is its house organization. Kept until the platform is deleted.
CREATE TABLE platforms (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    profile TEXT NOT NULL,
    profile_version BIGINT NOT NULL,
    settings TEXT NOT NULL,
    versions TEXT NOT NULL,
    clock BIGINT,
    clock_target BIGINT,
    book_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, org_id)
);

-- Kept as long as the books. One that is closed takes no more commands; once it is erased its name
-- is gone, and nothing says who it was (requirements N26).
CREATE TABLE organizations (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    platform_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    timezone TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at BIGINT,
    erased_at BIGINT,
    PRIMARY KEY (bucket, org_id)
);

CREATE INDEX organizations_to_erase ON organizations (closed_at)
WHERE closed_at IS NOT NULL AND erased_at IS NULL;

CREATE INDEX organizations_of_platform ON organizations (platform_id);

-- Kept until the organization is deleted: a revoked key still names who acted.
CREATE TABLE api_keys (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    hash BYTEA NOT NULL,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (bucket, org_id, number)
);

-- Who may do what in an organization; `role` is a code of MemberRole. Kept as long as the books:
-- what a removed member paid still names them.
CREATE TABLE members (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    role INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    removed_at BIGINT,
    PRIMARY KEY (bucket, org_id, number)
);

-- What may be spent in a day or a month, and what counts against it in the present window; `scope`
-- and `value` say what is counted, `period` is a code of LimitWindow. A removed one is kept as long
-- as the journal: charges name the limit they went beyond.
CREATE TABLE limits (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    scope INTEGER NOT NULL,
    value TEXT NOT NULL,
    period INTEGER NOT NULL,
    cap BIGINT NOT NULL,
    set_at BIGINT NOT NULL,
    set_after BIGINT NOT NULL,
    removed_at BIGINT,
    since BIGINT NOT NULL,
    resets_at BIGINT NOT NULL,
    charged BIGINT NOT NULL,
    held BIGINT NOT NULL,
    accrued_until BIGINT NOT NULL,
    meters TEXT NOT NULL,
    stoppable BIGINT NOT NULL,
    is_reached INTEGER NOT NULL,
    PRIMARY KEY (bucket, org_id, number)
);

CREATE INDEX limits_present ON limits (bucket, org_id) WHERE removed_at IS NULL;

-- What members are called: personal data, that can be erased at any time.
CREATE TABLE member_names (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (bucket, org_id, number)
);

-- One bounded row per organization: what is left of its grants and runs, and the tip of its chain
-- (rulings A6). `position` and `number` are those of its last ledger transaction.
CREATE TABLE wallets (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    platform_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    number BIGINT NOT NULL,
    hash BYTEA NOT NULL CHECK (length(hash) = 16),
    settled_until BIGINT NOT NULL,
    posted BIGINT NOT NULL,
    debt BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    next_number BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (bucket, org_id)
);

-- The grants that a wallet row has no room for, in burn order; its body says how many parts are
-- valid, and parts beyond them are left over. Kept as long as the wallet.
CREATE TABLE wallet_parts (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    part INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (bucket, org_id, part)
);

-- The moment at which something next falls due in a wallet, never later than the truth (rulings
-- A9); `test_platform` is the platform whose test clock it falls due on. A row lives as long as
-- something is due.
CREATE TABLE wakes (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    due BIGINT NOT NULL,
    test_platform BIGINT,
    PRIMARY KEY (bucket, org_id)
);

CREATE INDEX wakes_due ON wakes (bucket, due) WHERE test_platform IS NULL;

CREATE INDEX wakes_due_on_test_clock ON wakes (test_platform, due)
WHERE test_platform IS NOT NULL;

-- Never edited, but for when it was voided. Kept until the period that closes them is archived.
CREATE TABLE grants (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind INTEGER NOT NULL,
    amount BIGINT NOT NULL,
    priority INTEGER NOT NULL,
    expires_at BIGINT,
    purchase BIGINT,
    deposit BIGINT,
    note TEXT NOT NULL,
    effective_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    voided_at BIGINT,
    scope TEXT NOT NULL,
    PRIMARY KEY (bucket, org_id, number)
);

-- Never edited; what can still decide something is in the wallet too. Kept as long as the books:
-- charges are explained by them.
CREATE TABLE discounts (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    sku BIGINT,
    bps INTEGER NOT NULL,
    effective_from BIGINT NOT NULL,
    effective_until BIGINT,
    applies_to INTEGER NOT NULL,
    commitment BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, org_id, number)
);

-- Money from outside, once per external id of its rail (rulings A12). Kept as long as the books.
CREATE TABLE deposits (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    asked BIGINT,
    tax BIGINT NOT NULL,
    tax_bps BIGINT NOT NULL,
    rail TEXT NOT NULL,
    state INTEGER NOT NULL,
    label INTEGER NOT NULL,
    method BIGINT,
    member BIGINT,
    external TEXT,
    created_at BIGINT NOT NULL,
    quote_until BIGINT,
    seen_at BIGINT,
    decided_at BIGINT,
    paid_at BIGINT,
    grant_number BIGINT,
    refunded BIGINT NOT NULL,
    refunded_tax BIGINT NOT NULL,
    withdrawn BIGINT NOT NULL,
    withdrawn_tax BIGINT NOT NULL,
    fee BIGINT,
    conversion TEXT NOT NULL,
    documented INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (bucket, org_id, number),
    UNIQUE (bucket, org_id, rail, external)
);

CREATE INDEX deposits_undocumented ON deposits (decided_at) WHERE documented = 1;

-- Money that came and is not what was asked for, once per external id of its rail (rulings A12,
-- R16); `became` is the deposit that has it. Kept as long as the books.
CREATE TABLE arrivals (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    deposit BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    rail TEXT NOT NULL,
    external TEXT NOT NULL,
    reason INTEGER NOT NULL,
    state INTEGER NOT NULL,
    became BIGINT,
    fee BIGINT,
    conversion TEXT NOT NULL,
    note TEXT NOT NULL,
    paid_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    decided_at BIGINT,
    PRIMARY KEY (bucket, org_id, number),
    UNIQUE (bucket, org_id, rail, external)
);

CREATE INDEX arrivals_of_deposit ON arrivals (bucket, org_id, deposit);

-- Money back out, once per external id of its rail (rulings A12, R17); `taken` and `voided` say of
-- which grants. Kept as long as the books.
CREATE TABLE refunds (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    deposit BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    tax BIGINT NOT NULL,
    tax_bps BIGINT NOT NULL,
    rail TEXT NOT NULL,
    external TEXT,
    state INTEGER NOT NULL,
    taken TEXT NOT NULL,
    voided TEXT NOT NULL,
    documented INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    decided_at BIGINT,
    PRIMARY KEY (bucket, org_id, number)
);

CREATE INDEX refunds_reported ON refunds (bucket, org_id, rail, external)
WHERE external IS NOT NULL;

CREATE INDEX refunds_undocumented ON refunds (decided_at) WHERE documented = 1;

-- Payments that are contested, as their rails last told, once per external id (rulings A12, R18);
-- `taken` and `voided` say which grants miss what was withdrawn. Kept as long as the books.
CREATE TABLE disputes (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    deposit BIGINT NOT NULL,
    rail TEXT NOT NULL,
    external TEXT NOT NULL,
    state INTEGER NOT NULL,
    withdrawn BIGINT NOT NULL,
    withdrawn_tax BIGINT NOT NULL,
    taken TEXT NOT NULL,
    voided TEXT NOT NULL,
    freezes INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    decided_at BIGINT,
    PRIMARY KEY (bucket, org_id, number),
    UNIQUE (bucket, org_id, rail, external)
);

-- What documents name of a platform as the seller, or of an organization as the buyer. Personal
-- data, erased with its organization.
CREATE TABLE parties (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    tax_id TEXT NOT NULL,
    PRIMARY KEY (bucket, org_id)
);

-- Receipts, invoices and credit notes of a platform, never edited; `about` is what they are about,
-- once for each kind (rulings A12). Kept as long as the law says, names included.
CREATE TABLE documents (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind INTEGER NOT NULL,
    entity TEXT NOT NULL,
    year BIGINT NOT NULL,
    place BIGINT NOT NULL,
    customer BIGINT NOT NULL,
    about_kind INTEGER NOT NULL,
    about BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    seller_name TEXT NOT NULL,
    seller_address TEXT NOT NULL,
    seller_tax_id TEXT NOT NULL,
    buyer_name TEXT NOT NULL,
    buyer_address TEXT NOT NULL,
    buyer_tax_id TEXT NOT NULL,
    paid_by TEXT NOT NULL,
    conversion TEXT NOT NULL,
    net BIGINT NOT NULL,
    tax BIGINT NOT NULL,
    tax_bps BIGINT NOT NULL,
    corrects BIGINT,
    PRIMARY KEY (bucket, org_id, number),
    UNIQUE (bucket, org_id, entity, kind, year, place),
    UNIQUE (bucket, org_id, customer, about_kind, about, kind)
);

-- The last number that a legal entity gave to documents of a kind in a year. Kept for ever.
CREATE TABLE document_series (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    entity TEXT NOT NULL,
    kind INTEGER NOT NULL,
    year BIGINT NOT NULL,
    last BIGINT NOT NULL,
    last_issued_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, org_id, number),
    UNIQUE (bucket, org_id, entity, kind, year)
);

-- Kept until the organization removes the method.
CREATE TABLE payment_methods (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    rail TEXT NOT NULL,
    behaviour INTEGER NOT NULL,
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, org_id, number)
);

-- What a platform sells; its rows belong to its house organization. Kept for ever.
CREATE TABLE skus (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    class INTEGER NOT NULL,
    gpu_count BIGINT,
    variant_of BIGINT,
    smaller BIGINT,
    quantized BIGINT,
    commitment_bps INTEGER,
    commitment_days INTEGER,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, org_id, number),
    UNIQUE (bucket, org_id, code)
);

-- Versions of prices, never edited; `told_at` is when everybody concerned had been told of one that
-- applies to what runs. Kept for ever.
CREATE TABLE prices (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    sku BIGINT NOT NULL,
    dimension TEXT NOT NULL,
    amount BIGINT NOT NULL,
    per_units BIGINT NOT NULL,
    effective_from BIGINT NOT NULL,
    applies_to INTEGER NOT NULL,
    told_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, org_id, number)
);

CREATE INDEX prices_untold ON prices (created_at) WHERE applies_to = 1 AND told_at IS NULL;

-- Kept as long as its runs.
CREATE TABLE resources (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    sku BIGINT NOT NULL,
    labels TEXT NOT NULL,
    run BIGINT,
    created_at BIGINT NOT NULL,
    rest INTEGER NOT NULL,
    paid_until BIGINT,
    redeployed_from BIGINT,
    PRIMARY KEY (bucket, org_id, number)
);

-- Labels of usage events and holds, each set of an organization once: `name=value` in lines. A row
-- of the journal names a set by its number. Never edited; kept as long as the journal.
CREATE TABLE label_sets (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    fingerprint BIGINT NOT NULL,
    number BIGINT NOT NULL,
    labels TEXT NOT NULL,
    PRIMARY KEY (bucket, org_id, fingerprint)
);

CREATE UNIQUE INDEX label_sets_numbered ON label_sets (bucket, org_id, number);

-- One unbroken interval of a resource at one price. Kept until its period is archived.
CREATE TABLE runs (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    resource BIGINT NOT NULL,
    sku BIGINT NOT NULL,
    price BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    per_units BIGINT NOT NULL,
    discount_bps INTEGER NOT NULL,
    class INTEGER NOT NULL,
    started_at BIGINT NOT NULL,
    admitted_at BIGINT,
    stopped_at BIGINT,
    stop_reason INTEGER,
    is_waiting INTEGER NOT NULL,
    block_seconds BIGINT,
    paid_until BIGINT,
    blocks BIGINT,
    heartbeat_seconds BIGINT,
    beat_at BIGINT,
    beat_due BIGINT,
    previous BIGINT,
    next_sku BIGINT,
    origin BIGINT,
    reprices_at BIGINT,
    PRIMARY KEY (bucket, org_id, number)
);

CREATE INDEX runs_running ON runs (bucket, org_id) WHERE stopped_at IS NULL;

-- What falls due by itself: the next block, the end without a beat, an announced price.
CREATE INDEX runs_paid ON runs (bucket, org_id, paid_until)
WHERE stopped_at IS NULL AND paid_until IS NOT NULL;

CREATE INDEX runs_beating ON runs (bucket, org_id, beat_due)
WHERE stopped_at IS NULL AND beat_due IS NOT NULL;

CREATE INDEX runs_repriced ON runs (bucket, org_id, reprices_at)
WHERE stopped_at IS NULL AND reprices_at IS NOT NULL;

-- Credit set aside, resolved once. Kept until its period is archived.
CREATE TABLE holds (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    captured BIGINT,
    state INTEGER NOT NULL,
    parts TEXT NOT NULL,
    note TEXT NOT NULL,
    labels BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    resolved_at BIGINT,
    sku BIGINT,
    PRIMARY KEY (bucket, org_id, number)
);

CREATE INDEX holds_open ON holds (bucket, org_id) WHERE state = 1;

-- Campaigns of a platform; the rows, and with them the counts, belong to its house organization
-- (rulings A12). Kept for ever.
CREATE TABLE coupons (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    code TEXT NOT NULL,
    gift TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT,
    redemptions_max BIGINT NOT NULL,
    first_purchase_only INTEGER NOT NULL,
    claimed BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, org_id, number),
    UNIQUE (bucket, org_id, code)
);

-- One organization's place in the count of a coupon, once each. Kept as long as the coupon.
CREATE TABLE claims (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    coupon BIGINT NOT NULL,
    claimant BIGINT NOT NULL,
    state INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, org_id, number),
    UNIQUE (bucket, org_id, coupon, claimant)
);

CREATE INDEX claims_open ON claims (created_at) WHERE state = 1;

-- What became of a coupon in an organization; the number is the coupon's. Kept as long as the
-- books.
CREATE TABLE redemptions (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    code TEXT NOT NULL,
    gift TEXT NOT NULL,
    state INTEGER NOT NULL,
    grant_number BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, org_id, number)
);

-- What happened, as told to webhooks; charges are told from the journal (rulings A5). 35 days.
CREATE TABLE events (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind INTEGER NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (bucket, org_id, number)
);

-- Effects still to be carried out; a row is deleted when its effect is done.
CREATE TABLE outbox (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (bucket, org_id, number)
);

-- Stored answers of commands without a journal row (rulings A5, R20). Until `expires_at`.
CREATE TABLE answers (
    bucket INTEGER NOT NULL,
    org_id BIGINT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BIGINT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, org_id, key)
);
