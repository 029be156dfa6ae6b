-- How long the oldest undelivered event waits is asked every few seconds; and events are announced in order of their ids,
-- however many wait.
CREATE INDEX outbox_undelivered ON outbox (id) WHERE delivered_at IS NULL;
DROP INDEX outbox_unannounced;
CREATE INDEX outbox_unannounced ON outbox (id) WHERE announced_at IS NULL;
CREATE INDEX reconciliation_runs_finished_at ON reconciliation_runs (finished_at);
