DROP INDEX reconciliation_runs_finished_at;
DROP INDEX outbox_unannounced;
CREATE INDEX outbox_unannounced ON outbox (written_at) WHERE announced_at IS NULL;
DROP INDEX outbox_undelivered;
