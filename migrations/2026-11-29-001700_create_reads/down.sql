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
