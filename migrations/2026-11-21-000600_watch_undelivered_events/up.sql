-- How long the oldest undelivered event waits is asked every few seconds.
CREATE INDEX outbox_undelivered ON outbox (written_at) WHERE delivered_at IS NULL;
CREATE INDEX reconciliation_runs_finished_at ON reconciliation_runs (finished_at);
