-- Callers of transfers, versions of wallets, and runs of the checker that people request (docs/LEDGER.md).

ALTER TABLE transfers
    ADD COLUMN caller_issuer text,
    ADD COLUMN caller text,
    ADD CONSTRAINT transfers_caller_whole CHECK ((caller_issuer IS NULL) = (caller IS NULL));
COMMENT ON COLUMN transfers.caller_issuer IS 'Issuer of the caller''s token; null for jobs and demo data';
COMMENT ON COLUMN transfers.caller IS 'Subject of the caller''s token; null for jobs and demo data';

-- The list of all transfers, newest first; also serves what the BRIN index did.
DROP INDEX transfers_posted_at;
CREATE INDEX transfers_posted_at ON transfers (posted_at, transaction_id, leg);

CREATE OR REPLACE VIEW entries AS
    SELECT owner_id, transaction_id, leg, reason, reference_kind, reference_id, currency, amount, posted_at,
           debit_wallet AS wallet, 'DEBIT'::text AS side, debit_bucket AS bucket, debit_sequence AS sequence, debit_after AS balance_after,
           origin, correlation_id, caller_issuer, caller, debit_wallet, debit_bucket, debit_sequence, debit_after,
           credit_wallet, credit_bucket, credit_sequence, credit_after
    FROM transfers
    UNION ALL
    SELECT owner_id, transaction_id, leg, reason, reference_kind, reference_id, currency, amount, posted_at,
           credit_wallet, 'CREDIT'::text, credit_bucket, credit_sequence, credit_after,
           origin, correlation_id, caller_issuer, caller, debit_wallet, debit_bucket, debit_sequence, debit_after,
           credit_wallet, credit_bucket, credit_sequence, credit_after
    FROM transfers;

ALTER TABLE wallets ADD COLUMN version bigint NOT NULL DEFAULT 0;
UPDATE wallets SET version = sequence;
COMMENT ON COLUMN wallets.version IS 'Number of changes of the row, a freeze too';

ALTER TABLE reconciliation_runs
    ADD COLUMN status text NOT NULL DEFAULT 'PASSED',
    ADD COLUMN mismatch_count bigint NOT NULL DEFAULT 0,
    ALTER COLUMN finished_at DROP NOT NULL,
    ALTER COLUMN transfers_checked DROP NOT NULL,
    ALTER COLUMN wallets_checked DROP NOT NULL;
UPDATE reconciliation_runs
    SET status = CASE WHEN mismatches = '[]' THEN 'PASSED' ELSE 'FAILED' END,
        mismatch_count = jsonb_array_length(mismatches),
        mismatches = (SELECT coalesce(jsonb_agg(mismatch || '{"check": "TRACE"}'), '[]') FROM jsonb_array_elements(mismatches) mismatch);
ALTER TABLE reconciliation_runs
    ALTER COLUMN status DROP DEFAULT,
    ALTER COLUMN mismatch_count DROP DEFAULT,
    ADD CONSTRAINT reconciliation_runs_status_known CHECK (status IN ('RUNNING', 'PASSED', 'FAILED', 'ABORTED')),
    ADD CONSTRAINT reconciliation_runs_finished CHECK ((finished_at IS NULL) = (status = 'RUNNING'));
DROP INDEX reconciliation_runs_finished_at;
CREATE INDEX reconciliation_runs_started_at ON reconciliation_runs (started_at, id);
CREATE UNIQUE INDEX reconciliation_runs_one_at_a_time ON reconciliation_runs (status) WHERE status = 'RUNNING';
COMMENT ON TABLE reconciliation_runs IS 'Runs of the ledger''s checker over all owners; at most one at a time';
COMMENT ON COLUMN reconciliation_runs.status IS 'State of the run';
COMMENT ON COLUMN reconciliation_runs.finished_at IS 'End of the run; null while it runs';
COMMENT ON COLUMN reconciliation_runs.transfers_checked IS 'Number of transfers; null until the run has ended';
COMMENT ON COLUMN reconciliation_runs.wallets_checked IS 'Number of wallets; null until the run has ended';
COMMENT ON COLUMN reconciliation_runs.mismatch_count IS 'Number of violations of rules';
COMMENT ON COLUMN reconciliation_runs.mismatches IS 'The first 100 violations; an empty list when the ledger is right';

GRANT UPDATE (version) ON wallets TO goodgo_app;
GRANT UPDATE (status, finished_at, transfers_checked, wallets_checked, mismatch_count, mismatches) ON reconciliation_runs TO goodgo_app;

-- The mining reads them with its configuration, by the function.
CREATE TABLE issuance_pauses (
    currency smallint NOT NULL,
    from_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL,
    CONSTRAINT issuance_pauses_pkey PRIMARY KEY (currency, from_at),
    CONSTRAINT issuance_pauses_order CHECK (from_at <= until_at)
);
COMMENT ON TABLE issuance_pauses IS 'Spans in which a currency''s daily issuance ceiling was reached: to the end of the UTC day, or until it was raised';
COMMENT ON COLUMN issuance_pauses.currency IS 'Number of the currency';
COMMENT ON COLUMN issuance_pauses.from_at IS 'Time of the count that found the ceiling reached';
COMMENT ON COLUMN issuance_pauses.until_at IS 'End of the span';
CREATE FUNCTION issuance_pauses_of(code text) RETURNS TABLE (from_at timestamptz, until_at timestamptz)
    LANGUAGE sql STABLE
    AS $$
    SELECT p.from_at, p.until_at FROM issuance_pauses p JOIN currencies c ON c.number = p.currency WHERE c.code = $1 ORDER BY 1
$$;
COMMENT ON FUNCTION issuance_pauses_of IS 'Spans in which the issuance ceiling of a currency was reached';
GRANT SELECT, INSERT ON issuance_pauses TO goodgo_app;
GRANT UPDATE (until_at) ON issuance_pauses TO goodgo_app;

CREATE TABLE link_keys (
    id smallint NOT NULL,
    key bytea NOT NULL,
    CONSTRAINT link_keys_pkey PRIMARY KEY (id),
    CONSTRAINT link_keys_single CHECK (id = 1),
    CONSTRAINT link_keys_length CHECK (octet_length(key) >= 32)
);
COMMENT ON TABLE link_keys IS 'Key that signs links, shared by all instances: one row';
COMMENT ON COLUMN link_keys.id IS 'Always 1';
COMMENT ON COLUMN link_keys.key IS 'Random bytes; another value ends all links';
INSERT INTO link_keys (id, key)
    SELECT 1, decode(replace(string_agg(gen_random_uuid()::text, ''), '-', ''), 'hex') FROM generate_series(1, 3);
GRANT SELECT ON link_keys TO goodgo_app;

-- Counts, and ceilings that were only looked at, do not fix the scale of a currency; a recorded rate does.
ALTER TABLE fx_positions DROP CONSTRAINT fx_positions_currency_fkey;
CREATE OR REPLACE FUNCTION currency_is_used(wanted text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    nil constant uuid := '00000000-0000-0000-0000-000000000000';
    known smallint;
BEGIN
    SELECT number INTO known FROM currencies WHERE code = wanted FOR UPDATE;
    RETURN EXISTS (SELECT FROM wallets WHERE currency = known AND (owner_id <> nil OR sequence > 0))
        OR EXISTS (SELECT FROM transfers WHERE owner_id = nil AND currency = known)
        OR EXISTS (SELECT FROM rate_snapshots WHERE from_currency = known OR to_currency = known);
END $$;
COMMENT ON FUNCTION currency_is_used IS 'Whether a currency has postings or recorded rates; locks it against the first one';
CREATE OR REPLACE FUNCTION set_currency(wanted text, decimals smallint, shown smallint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    nil constant uuid := '00000000-0000-0000-0000-000000000000';
    known currencies;
    next smallint;
BEGIN
    SELECT * INTO known FROM currencies WHERE code = wanted FOR UPDATE;
    IF known.scale = decimals THEN
        UPDATE currencies SET display_decimals = shown WHERE number = known.number AND display_decimals <> shown;
        RETURN;
    END IF;
    SELECT max(number) + 1 INTO next FROM currencies;
    IF known.number IS NOT NULL THEN
        IF currency_is_used(wanted) THEN
            RAISE EXCEPTION 'the currency % has postings: its scale is fixed', wanted;
        END IF;
        DELETE FROM dual_control_sums WHERE currency = known.number AND amount = 0;
        DELETE FROM deposit_sums WHERE currency = known.number AND amount = 0;
        DELETE FROM fx_positions WHERE currency = known.number;
        DELETE FROM issuance_counts WHERE currency = known.number;
        DELETE FROM issuance_pauses WHERE currency = known.number;
        DELETE FROM wallets WHERE owner_id = nil AND currency = known.number;
        DELETE FROM currencies WHERE number = known.number;
    END IF;
    INSERT INTO currencies (number, code, scale, display_decimals) VALUES (next, wanted, decimals, shown);
    INSERT INTO wallets (id, owner_kind, owner_id, kind, currency, created_at)
        SELECT (place << 8) | next, 'SYSTEM', nil, kind, next, app_now()
        FROM unnest(ARRAY['MINING', 'TREASURY', 'FEES', 'FX', 'REVENUE', 'EXTERNAL', 'TRANSIT', 'SUSPENSE'])
            WITH ORDINALITY AS kinds (kind, place);
END $$;
