-- The double-entry ledger: wallets, and transfers between them (docs/LEDGER.md).

CREATE TABLE currencies (
    number smallint NOT NULL,
    code text NOT NULL,
    scale smallint NOT NULL,
    display_decimals smallint NOT NULL,
    CONSTRAINT currencies_pkey PRIMARY KEY (number),
    CONSTRAINT currencies_code_key UNIQUE (code),
    CONSTRAINT currencies_number_fits_a_byte CHECK (number BETWEEN 1 AND 255),
    CONSTRAINT currencies_code_form CHECK (code ~ '^[A-Z0-9]{1,10}$'),
    CONSTRAINT currencies_scale_range CHECK (scale BETWEEN 0 AND 6),
    CONSTRAINT currencies_display_range CHECK (display_decimals BETWEEN 0 AND scale)
);
COMMENT ON TABLE currencies IS 'What the ledger counts';
COMMENT ON COLUMN currencies.number IS 'Low byte of the key of every wallet of this currency';
COMMENT ON COLUMN currencies.code IS 'Its code, upper case';
COMMENT ON COLUMN currencies.scale IS 'Decimals of the smallest unit; never changes once used';
COMMENT ON COLUMN currencies.display_decimals IS 'Decimals shown to people';
INSERT INTO currencies (number, code, scale, display_decimals) VALUES
    (1, 'MP', 4, 4), (2, 'PT', 4, 4), (3, 'PPOINT', 4, 4), (4, 'STAR', 0, 0), (5, 'FZ', 4, 4),
    (6, 'FUZE', 6, 6), (7, 'USDT', 6, 6), (8, 'USD', 6, 6), (9, 'VND', 6, 0);

CREATE SEQUENCE wallets_serial;
CREATE TABLE wallets (
    id bigint NOT NULL,
    owner_kind text NOT NULL,
    owner_id uuid NOT NULL,
    kind text NOT NULL,
    currency smallint NOT NULL,
    available bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0,
    sequence bigint NOT NULL DEFAULT 0,
    is_frozen boolean NOT NULL DEFAULT false,
    last_posted_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT wallets_pkey PRIMARY KEY (id),
    CONSTRAINT wallets_owner_key UNIQUE (owner_kind, owner_id, currency, kind),
    CONSTRAINT wallets_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT wallets_id_carries_currency CHECK ((id & 255) = currency),
    CONSTRAINT wallets_owner_kind_known CHECK (owner_kind IN ('USER', 'MERCHANT', 'ADVERTISER', 'SYSTEM')),
    CONSTRAINT wallets_kind_known CHECK (kind IN ('MAIN', 'BILLING_PREPAID', 'BILLING_CREDIT', 'TREASURY', 'MINING',
        'CAMPAIGN_TREASURY', 'ESCROW', 'PROCEEDS', 'CLEARING', 'FEES', 'FX', 'REVENUE', 'EXTERNAL', 'SUSPENSE')),
    CONSTRAINT wallets_held_not_negative CHECK (held >= 0),
    CONSTRAINT wallets_available_not_negative CHECK (available >= 0 OR kind = 'BILLING_CREDIT'),
    CONSTRAINT wallets_house_keeps_no_balance CHECK (kind NOT IN ('TREASURY', 'MINING', 'ESCROW', 'PROCEEDS', 'FEES', 'FX', 'REVENUE', 'EXTERNAL')
        OR (available = 0 AND held = 0 AND sequence = 0))
) WITH (fillfactor = 50);
COMMENT ON TABLE wallets IS 'Who has what: one row per owner, currency and kind, made by its first posting';
COMMENT ON COLUMN wallets.id IS 'Serial number, and the currency in the low byte';
COMMENT ON COLUMN wallets.owner_kind IS 'What kind of owner: equal ids of two kinds are two owners';
COMMENT ON COLUMN wallets.owner_id IS 'The owner within the kind; nil for the platform itself';
COMMENT ON COLUMN wallets.kind IS 'What it is for';
COMMENT ON COLUMN wallets.currency IS 'Of what';
COMMENT ON COLUMN wallets.available IS 'Spendable, in the smallest unit';
COMMENT ON COLUMN wallets.held IS 'Reserved by holds, in the smallest unit';
COMMENT ON COLUMN wallets.sequence IS 'Sides of transfers written so far';
COMMENT ON COLUMN wallets.is_frozen IS 'Nothing may leave';
COMMENT ON COLUMN wallets.last_posted_at IS 'Time of the last transfer';
COMMENT ON COLUMN wallets.created_at IS 'When it was made';

CREATE SEQUENCE transfers_id_seq;
-- No foreign keys to wallets: they are never deleted, and the check costs 43 % on the hottest path; the checker proves it.
CREATE TABLE transfers (
    id bigint NOT NULL DEFAULT nextval('transfers_id_seq'),
    transaction_id uuid NOT NULL,
    leg smallint NOT NULL,
    reason text NOT NULL,
    reference_kind text NOT NULL,
    reference_id text NOT NULL,
    origin text NOT NULL,
    correlation_id text,
    currency smallint NOT NULL,
    amount bigint NOT NULL,
    debit_wallet bigint NOT NULL,
    debit_bucket text NOT NULL,
    debit_sequence bigint,
    debit_after bigint,
    credit_wallet bigint NOT NULL,
    credit_bucket text NOT NULL,
    credit_sequence bigint,
    credit_after bigint,
    posted_at timestamptz NOT NULL,
    CONSTRAINT transfers_pkey PRIMARY KEY (id),
    CONSTRAINT transfers_amount_positive CHECK (amount > 0),
    CONSTRAINT transfers_two_sides CHECK ((debit_wallet, debit_bucket) IS DISTINCT FROM (credit_wallet, credit_bucket)),
    CONSTRAINT transfers_one_currency CHECK ((debit_wallet & 255) = currency AND (credit_wallet & 255) = currency),
    CONSTRAINT transfers_debit_bucket_known CHECK (debit_bucket IN ('AVAILABLE', 'HELD')),
    CONSTRAINT transfers_credit_bucket_known CHECK (credit_bucket IN ('AVAILABLE', 'HELD')),
    CONSTRAINT transfers_debit_written CHECK ((debit_sequence IS NULL) = (debit_after IS NULL)),
    CONSTRAINT transfers_credit_written CHECK ((credit_sequence IS NULL) = (credit_after IS NULL)),
    CONSTRAINT transfers_origin_known CHECK (origin IN ('USER', 'STAFF', 'SERVICE', 'JOB', 'SEED'))
) PARTITION BY RANGE (id);
CREATE INDEX transfers_transaction_id ON transfers (transaction_id);
CREATE INDEX transfers_reference ON transfers (reference_kind, reference_id);
CREATE INDEX transfers_posted_at ON transfers USING brin (posted_at) WITH (pages_per_range = 32);
COMMENT ON TABLE transfers IS 'Append-only: each row takes an amount from one side and gives it to another, so books always balance';
COMMENT ON COLUMN transfers.id IS 'Order of writing';
COMMENT ON COLUMN transfers.transaction_id IS 'The business event it belongs to';
COMMENT ON COLUMN transfers.leg IS 'Which transfer of the event, from 0';
COMMENT ON COLUMN transfers.reason IS 'Why it moved';
COMMENT ON COLUMN transfers.reference_kind IS 'What kind of thing it was about';
COMMENT ON COLUMN transfers.reference_id IS 'Which one';
COMMENT ON COLUMN transfers.origin IS 'Who caused it';
COMMENT ON COLUMN transfers.correlation_id IS 'The request that caused it';
COMMENT ON COLUMN transfers.currency IS 'Of what';
COMMENT ON COLUMN transfers.amount IS 'How much, in the smallest unit';
COMMENT ON COLUMN transfers.debit_wallet IS 'Where from';
COMMENT ON COLUMN transfers.debit_bucket IS 'Which part of it';
COMMENT ON COLUMN transfers.debit_sequence IS 'The wallet''s sequence after; null where no running balance is kept';
COMMENT ON COLUMN transfers.debit_after IS 'The bucket''s balance after; null where no running balance is kept';
COMMENT ON COLUMN transfers.credit_wallet IS 'Where to';
COMMENT ON COLUMN transfers.credit_bucket IS 'Which part of it';
COMMENT ON COLUMN transfers.credit_sequence IS 'The wallet''s sequence after; null where no running balance is kept';
COMMENT ON COLUMN transfers.credit_after IS 'The bucket''s balance after; null where no running balance is kept';
COMMENT ON COLUMN transfers.posted_at IS 'When: never before an earlier transfer of the same wallets';
CREATE TRIGGER transfers_append_only BEFORE UPDATE OR DELETE ON transfers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfers_no_truncate BEFORE TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Makes the next partition when the last one is half full. The indexes that guard each wallet's sequence can't be
-- unique on the parent, for they don't contain its key.
CREATE FUNCTION ensure_transfer_partitions() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    rows_each constant bigint := 100000000;
    used bigint;
    child text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(727276);
    SELECT last_value INTO used FROM transfers_id_seq;
    FOR number IN 0 .. (used + rows_each / 2) / rows_each LOOP
        child := 'transfers_p' || number;
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE transfers INCLUDING ALL)', child);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (debit_wallet, debit_sequence) WHERE debit_sequence IS NOT NULL',
                       child || '_debit_sequence', child);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (credit_wallet, credit_sequence) WHERE credit_sequence IS NOT NULL',
                       child || '_credit_sequence', child);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
                       child || '_no_truncate', child);
        EXECUTE format('ALTER TABLE transfers ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                       child, number * rows_each, (number + 1) * rows_each);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
COMMENT ON FUNCTION ensure_transfer_partitions IS 'Makes missing partitions of transfers; answers how many';
SELECT ensure_transfer_partitions();

CREATE VIEW entries AS
    SELECT id AS transfer_id, transaction_id, leg, reason, reference_kind, reference_id, currency, amount, posted_at,
           debit_wallet AS wallet, 'DEBIT'::text AS side, debit_bucket AS bucket, debit_sequence AS sequence, debit_after AS balance_after
    FROM transfers
    UNION ALL
    SELECT id, transaction_id, leg, reason, reference_kind, reference_id, currency, amount, posted_at,
           credit_wallet, 'CREDIT'::text, credit_bucket, credit_sequence, credit_after
    FROM transfers;
COMMENT ON VIEW entries IS 'The classic two lines of each transfer: statements, exports, audits';

-- The house accounts, one of each kind per currency.
INSERT INTO wallets (id, owner_kind, owner_id, kind, currency, created_at)
    SELECT (nextval('wallets_serial') << 8) | number, 'SYSTEM', '00000000-0000-0000-0000-000000000000', kind, number, app_now()
    FROM currencies, unnest(ARRAY['MINING', 'TREASURY', 'FEES', 'FX', 'REVENUE', 'EXTERNAL', 'SUSPENSE']) AS kind;

CREATE TABLE reconciliation_runs (
    id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    transfers_checked bigint NOT NULL,
    wallets_checked bigint NOT NULL,
    mismatches jsonb NOT NULL,
    CONSTRAINT reconciliation_runs_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE reconciliation_runs IS 'What the checker found, each time it ran';
COMMENT ON COLUMN reconciliation_runs.id IS 'The run';
COMMENT ON COLUMN reconciliation_runs.started_at IS 'When it began';
COMMENT ON COLUMN reconciliation_runs.finished_at IS 'When it was done';
COMMENT ON COLUMN reconciliation_runs.transfers_checked IS 'How many transfers there were';
COMMENT ON COLUMN reconciliation_runs.wallets_checked IS 'How many wallets there were';
COMMENT ON COLUMN reconciliation_runs.mismatches IS 'What was wrong; an empty list is good news';
CREATE INDEX reconciliation_runs_finished_at ON reconciliation_runs (finished_at);

GRANT SELECT ON currencies, wallets, transfers, entries, reconciliation_runs TO goodgo_app;
GRANT INSERT ON wallets, transfers, reconciliation_runs TO goodgo_app;
GRANT UPDATE (available, held, sequence, last_posted_at, is_frozen) ON wallets TO goodgo_app;
GRANT USAGE ON SEQUENCE wallets_serial, transfers_id_seq TO goodgo_app;
