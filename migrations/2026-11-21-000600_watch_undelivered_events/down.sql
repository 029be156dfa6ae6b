DROP INDEX reconciliation_runs_finished_at;
DROP INDEX outbox_undelivered;
