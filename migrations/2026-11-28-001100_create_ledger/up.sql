-- The double-entry ledger: wallets, and transfers between them (docs/LEDGER.md).
--
-- The primary key of a table begins with its distribution key, the owner (docs/SCALE.md).

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
COMMENT ON TABLE currencies IS 'Currencies of the ledger';
COMMENT ON COLUMN currencies.number IS 'Low byte of the id of every wallet of this currency';
COMMENT ON COLUMN currencies.code IS 'Code, upper case';
COMMENT ON COLUMN currencies.scale IS 'Decimals of the smallest unit; never changes once used';
COMMENT ON COLUMN currencies.display_decimals IS 'Decimals shown to people';
INSERT INTO currencies (number, code, scale, display_decimals) VALUES
    (1, 'MP', 4, 4), (2, 'PT', 4, 4), (3, 'PPOINT', 4, 4), (4, 'STAR', 0, 0), (5, 'FZ', 4, 4),
    (6, 'FUZE', 6, 6), (7, 'USDT', 6, 6), (8, 'USD', 6, 6), (9, 'VND', 6, 0);

CREATE TABLE wallets (
    owner_id uuid NOT NULL,
    id bigint NOT NULL,
    owner_kind text NOT NULL,
    kind text NOT NULL,
    currency smallint NOT NULL,
    for_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    available bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0,
    sequence bigint NOT NULL DEFAULT 0,
    is_frozen boolean NOT NULL DEFAULT false,
    last_posted_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT wallets_pkey PRIMARY KEY (owner_id, id),
    CONSTRAINT wallets_owner_key UNIQUE (owner_id, owner_kind, currency, kind, for_id),
    CONSTRAINT wallets_owner_fkey FOREIGN KEY (owner_id, owner_kind) REFERENCES owners (owner_id, owner_kind),
    CONSTRAINT wallets_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT wallets_id_carries_currency CHECK ((id & 255) = currency),
    -- A side of a transfer is a wallet of the transfer's owner or an account of nil, so their ids must differ.
    CONSTRAINT wallets_house_ids CHECK ((id < 65536) = (owner_id = '00000000-0000-0000-0000-000000000000')),
    CONSTRAINT wallets_owner_kind_known CHECK (owner_kind IN ('USER', 'MERCHANT', 'ADVERTISER', 'SYSTEM')),
    CONSTRAINT wallets_kind_known CHECK (kind IN ('MAIN', 'BILLING_PREPAID', 'BILLING_CREDIT', 'TREASURY', 'MINING',
        'CAMPAIGN_TREASURY', 'ESCROW', 'PROCEEDS', 'CLEARING', 'FEES', 'FX', 'REVENUE', 'EXTERNAL', 'SUSPENSE', 'TRANSIT')),
    CONSTRAINT wallets_for_campaigns_only CHECK ((for_id <> '00000000-0000-0000-0000-000000000000') = (kind IN ('ESCROW', 'PROCEEDS'))),
    CONSTRAINT wallets_held_not_negative CHECK (held >= 0),
    CONSTRAINT wallets_available_not_negative CHECK (available >= 0 OR kind = 'BILLING_CREDIT'),
    CONSTRAINT wallets_house_keeps_no_balance CHECK (kind NOT IN ('TREASURY', 'MINING', 'ESCROW', 'PROCEEDS', 'FEES', 'FX', 'REVENUE', 'EXTERNAL', 'TRANSIT')
        OR (available = 0 AND held = 0 AND sequence = 0))
) WITH (fillfactor = 50);
COMMENT ON TABLE wallets IS 'Balances: one row per owner, currency, kind and campaign, inserted by the first posting';
COMMENT ON COLUMN wallets.owner_id IS 'Id of the owner within its kind; nil for the house as a whole';
COMMENT ON COLUMN wallets.id IS 'Random number of the owner''s wallet with the currency''s number in the low byte; below 65536 for accounts of nil';
COMMENT ON COLUMN wallets.owner_kind IS 'Kind of the owner; equal ids of two kinds are two owners';
COMMENT ON COLUMN wallets.kind IS 'Purpose of the wallet';
COMMENT ON COLUMN wallets.currency IS 'Number of the currency';
COMMENT ON COLUMN wallets.for_id IS 'Campaign of ESCROW and PROCEEDS; nil for the other kinds';
COMMENT ON COLUMN wallets.available IS 'Spendable amount in the smallest unit';
COMMENT ON COLUMN wallets.held IS 'Amount reserved by holds in the smallest unit';
COMMENT ON COLUMN wallets.sequence IS 'Number of entries of the wallet';
COMMENT ON COLUMN wallets.is_frozen IS 'Whether debits are refused; a copy of the owner''s state';
COMMENT ON COLUMN wallets.last_posted_at IS 'Time of the last transfer; null before the first';
COMMENT ON COLUMN wallets.created_at IS 'Time the row was inserted';

-- No foreign keys to wallets: they are never deleted, and the check costs 43 % on the hottest path; the checker proves it.
CREATE TABLE transfers (
    owner_id uuid NOT NULL,
    posted_at timestamptz NOT NULL,
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
    CONSTRAINT transfers_pkey PRIMARY KEY (owner_id, posted_at, transaction_id, leg),
    CONSTRAINT transfers_amount_positive CHECK (amount > 0),
    CONSTRAINT transfers_two_sides CHECK ((debit_wallet, debit_bucket) IS DISTINCT FROM (credit_wallet, credit_bucket)),
    CONSTRAINT transfers_one_currency CHECK ((debit_wallet & 255) = currency AND (credit_wallet & 255) = currency),
    CONSTRAINT transfers_debit_bucket_known CHECK (debit_bucket IN ('AVAILABLE', 'HELD')),
    CONSTRAINT transfers_credit_bucket_known CHECK (credit_bucket IN ('AVAILABLE', 'HELD')),
    CONSTRAINT transfers_debit_written CHECK ((debit_sequence IS NULL) = (debit_after IS NULL)),
    CONSTRAINT transfers_credit_written CHECK ((credit_sequence IS NULL) = (credit_after IS NULL)),
    CONSTRAINT transfers_origin_known CHECK (origin IN ('USER', 'STAFF', 'SERVICE', 'JOB', 'SEED'))
) PARTITION BY RANGE (posted_at);
CREATE INDEX transfers_transaction_id ON transfers (transaction_id);
CREATE INDEX transfers_reference ON transfers (reference_kind, reference_id);
CREATE INDEX transfers_posted_at ON transfers USING brin (posted_at) WITH (pages_per_range = 32);
COMMENT ON TABLE transfers IS 'Append-only: each row debits an amount from one wallet and credits it to another; a row never joins the wallets of two owners';
COMMENT ON COLUMN transfers.owner_id IS 'Owner of the wallets of both sides, house accounts aside';
COMMENT ON COLUMN transfers.posted_at IS 'Time of the posting; never before an earlier transfer of the same wallets';
COMMENT ON COLUMN transfers.transaction_id IS 'Business event, which all its transfers share';
COMMENT ON COLUMN transfers.leg IS 'Number of the row within the transaction, from 0';
COMMENT ON COLUMN transfers.reason IS 'Cause of the transfer';
COMMENT ON COLUMN transfers.reference_kind IS 'Kind of the object that caused the transfer';
COMMENT ON COLUMN transfers.reference_id IS 'Id of the object that caused the transfer';
COMMENT ON COLUMN transfers.origin IS 'Capacity in which the caller acted';
COMMENT ON COLUMN transfers.correlation_id IS 'Id of the request that caused the transfer';
COMMENT ON COLUMN transfers.currency IS 'Number of the currency';
COMMENT ON COLUMN transfers.amount IS 'Amount in the smallest unit';
COMMENT ON COLUMN transfers.debit_wallet IS 'Id of the debited wallet, of the owner or of nil';
COMMENT ON COLUMN transfers.debit_bucket IS 'Debited part of the wallet';
COMMENT ON COLUMN transfers.debit_sequence IS 'Sequence of the debited wallet after the transfer; null where no running balance is kept';
COMMENT ON COLUMN transfers.debit_after IS 'Balance of the debited part after the transfer; null where no running balance is kept';
COMMENT ON COLUMN transfers.credit_wallet IS 'Id of the credited wallet, of the owner or of nil';
COMMENT ON COLUMN transfers.credit_bucket IS 'Credited part of the wallet';
COMMENT ON COLUMN transfers.credit_sequence IS 'Sequence of the credited wallet after the transfer; null where no running balance is kept';
COMMENT ON COLUMN transfers.credit_after IS 'Balance of the credited part after the transfer; null where no running balance is kept';

-- Makes the partitions of this month and the next two. The indexes that guard each wallet's sequence can't be unique on
-- the parent, because they don't contain the time. Triggers are made on each partition, because a distributed table
-- takes none, and fire in replication too.
CREATE FUNCTION ensure_transfer_partitions() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC'
    AS $$
DECLARE
    month date := date_trunc('month', app_now());
    child text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(727276);
    FOR ahead IN 0 .. 2 LOOP
        child := 'transfers' || to_char(month, '"_p"YYYYMM');
        IF to_regclass(child) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE transfers INCLUDING ALL)', child);
            EXECUTE format('CREATE UNIQUE INDEX %I ON %I (owner_id, debit_wallet, debit_sequence) WHERE debit_sequence IS NOT NULL',
                           child || '_debit_sequence', child);
            EXECUTE format('CREATE UNIQUE INDEX %I ON %I (owner_id, credit_wallet, credit_sequence) WHERE credit_sequence IS NOT NULL',
                           child || '_credit_sequence', child);
            EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', child);
            EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', child);
            EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only, ENABLE ALWAYS TRIGGER no_truncate', child);
            EXECUTE format('ALTER TABLE transfers ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                           child, month::timestamptz, (month + interval '1 month')::timestamptz);
            made := made + 1;
        END IF;
        month := month + interval '1 month';
    END LOOP;
    RETURN made;
END $$;
COMMENT ON FUNCTION ensure_transfer_partitions IS 'Makes missing monthly partitions of transfers; returns their number';
SELECT ensure_transfer_partitions();

CREATE VIEW entries AS
    SELECT owner_id, transaction_id, leg, reason, reference_kind, reference_id, currency, amount, posted_at,
           debit_wallet AS wallet, 'DEBIT'::text AS side, debit_bucket AS bucket, debit_sequence AS sequence, debit_after AS balance_after
    FROM transfers
    UNION ALL
    SELECT owner_id, transaction_id, leg, reason, reference_kind, reference_id, currency, amount, posted_at,
           credit_wallet, 'CREDIT'::text, credit_bucket, credit_sequence, credit_after
    FROM transfers;
COMMENT ON VIEW entries IS 'Two lines per transfer, for statements, exports and audits';

-- The accounts of the house as a whole, one of each kind per currency.
INSERT INTO wallets (id, owner_kind, owner_id, kind, currency, created_at)
    SELECT (place << 8) | number, 'SYSTEM', '00000000-0000-0000-0000-000000000000', kind, number, app_now()
    FROM currencies, unnest(ARRAY['MINING', 'TREASURY', 'FEES', 'FX', 'REVENUE', 'EXTERNAL', 'TRANSIT', 'SUSPENSE'])
        WITH ORDINALITY AS kinds (kind, place);

CREATE TABLE reconciliation_runs (
    id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    transfers_checked bigint NOT NULL,
    wallets_checked bigint NOT NULL,
    mismatches jsonb NOT NULL,
    CONSTRAINT reconciliation_runs_pkey PRIMARY KEY (id)
);
CREATE INDEX reconciliation_runs_finished_at ON reconciliation_runs (finished_at);
COMMENT ON TABLE reconciliation_runs IS 'Reports of the ledger''s checker over all owners';
COMMENT ON COLUMN reconciliation_runs.id IS 'Id of the run';
COMMENT ON COLUMN reconciliation_runs.started_at IS 'Start of the run';
COMMENT ON COLUMN reconciliation_runs.finished_at IS 'End of the run';
COMMENT ON COLUMN reconciliation_runs.transfers_checked IS 'Number of transfers';
COMMENT ON COLUMN reconciliation_runs.wallets_checked IS 'Number of wallets';
COMMENT ON COLUMN reconciliation_runs.mismatches IS 'Violations of rules; an empty list when the ledger is right';

CREATE TABLE dual_control_sums (
    owner_id uuid NOT NULL,
    currency smallint NOT NULL,
    hour timestamptz NOT NULL,
    for_kind text NOT NULL,
    for_id uuid NOT NULL,
    amount bigint NOT NULL,
    CONSTRAINT dual_control_sums_pkey PRIMARY KEY (owner_id, currency, hour, for_kind, for_id),
    CONSTRAINT dual_control_sums_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT dual_control_sums_for_kind_known CHECK (for_kind IN ('ALL', 'USER', 'MERCHANT', 'ADVERTISER', 'SYSTEM')),
    CONSTRAINT dual_control_sums_all_is_nil CHECK (for_kind <> 'ALL' OR for_id = '00000000-0000-0000-0000-000000000000'),
    CONSTRAINT dual_control_sums_amount_not_negative CHECK (amount >= 0)
);
COMMENT ON TABLE dual_control_sums IS 'Gross sums of what people did without a second person, by hour, for each owner and for all';
COMMENT ON COLUMN dual_control_sums.owner_id IS 'The person who did it';
COMMENT ON COLUMN dual_control_sums.currency IS 'Number of the currency';
COMMENT ON COLUMN dual_control_sums.hour IS 'Start of the hour';
COMMENT ON COLUMN dual_control_sums.for_kind IS 'Kind of the owner whose points or money moved, or ALL for the sum over all owners';
COMMENT ON COLUMN dual_control_sums.for_id IS 'Id of the owner whose points or money moved; nil for ALL';
COMMENT ON COLUMN dual_control_sums.amount IS 'Sum in the smallest unit; what was taken counts like what was given';

GRANT SELECT ON currencies, wallets, transfers, entries, dual_control_sums, reconciliation_runs TO goodgo_app;
GRANT INSERT ON wallets, transfers, dual_control_sums, reconciliation_runs TO goodgo_app;
GRANT UPDATE (amount) ON dual_control_sums TO goodgo_app;
GRANT UPDATE (available, held, sequence, last_posted_at, is_frozen) ON wallets TO goodgo_app;
