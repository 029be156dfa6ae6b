CREATE OR REPLACE FUNCTION currency_is_used(wanted text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    nil constant uuid := '00000000-0000-0000-0000-000000000000';
    known smallint;
BEGIN
    SELECT number INTO known FROM currencies WHERE code = wanted FOR UPDATE;
    RETURN EXISTS (SELECT FROM wallets WHERE currency = known AND (owner_id <> nil OR sequence > 0))
        OR EXISTS (SELECT FROM transfers WHERE owner_id = nil AND currency = known);
END $$;
COMMENT ON FUNCTION currency_is_used IS 'Whether a currency has postings; locks it against the first one';

-- A currency with another scale gets another number: an instance that knows only the old one can't post.
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
        DELETE FROM wallets WHERE owner_id = nil AND currency = known.number;
        DELETE FROM currencies WHERE number = known.number;
    END IF;
    INSERT INTO currencies (number, code, scale, display_decimals) VALUES (next, wanted, decimals, shown);
    INSERT INTO wallets (id, owner_kind, owner_id, kind, currency, created_at)
        SELECT (place << 8) | next, 'SYSTEM', nil, kind, next, app_now()
        FROM unnest(ARRAY['MINING', 'TREASURY', 'FEES', 'FX', 'REVENUE', 'EXTERNAL', 'TRANSIT', 'SUSPENSE'])
            WITH ORDINALITY AS kinds (kind, place);
END $$;
COMMENT ON FUNCTION set_currency IS 'Inserts a currency with its house accounts, or changes the scale of an unused one or the displayed decimals';
DELETE FROM fx_positions WHERE currency NOT IN (SELECT number FROM currencies);
ALTER TABLE fx_positions ADD CONSTRAINT fx_positions_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number);
DROP TABLE link_keys;
DROP FUNCTION issuance_pauses_of;
DROP TABLE issuance_pauses;
DELETE FROM reconciliation_runs WHERE status IN ('RUNNING', 'ABORTED');
DROP INDEX reconciliation_runs_one_at_a_time, reconciliation_runs_started_at;
ALTER TABLE reconciliation_runs
    DROP COLUMN status, DROP COLUMN mismatch_count,
    ALTER COLUMN finished_at SET NOT NULL, ALTER COLUMN transfers_checked SET NOT NULL, ALTER COLUMN wallets_checked SET NOT NULL;
CREATE INDEX reconciliation_runs_finished_at ON reconciliation_runs (finished_at);
ALTER TABLE wallets DROP COLUMN version;
DROP VIEW entries;
DROP INDEX transfers_posted_at;
CREATE INDEX transfers_posted_at ON transfers USING brin (posted_at) WITH (pages_per_range = 32);
ALTER TABLE transfers DROP COLUMN caller_issuer, DROP COLUMN caller;
CREATE VIEW entries AS
    SELECT owner_id, transaction_id, leg, reason, reference_kind, reference_id, currency, amount, posted_at,
           debit_wallet AS wallet, 'DEBIT'::text AS side, debit_bucket AS bucket, debit_sequence AS sequence, debit_after AS balance_after
    FROM transfers
    UNION ALL
    SELECT owner_id, transaction_id, leg, reason, reference_kind, reference_id, currency, amount, posted_at,
           credit_wallet, 'CREDIT'::text, credit_bucket, credit_sequence, credit_after
    FROM transfers;
COMMENT ON VIEW entries IS 'Two lines per transfer, for statements, exports and audits';
GRANT SELECT ON entries TO goodgo_app;
