DROP FUNCTION ensure_daily_partitions;
DROP TABLE audit_log, outbox, idempotency_keys, configurations, demo_people, users;
DROP FUNCTION refuse_change, app_now;
DROP TABLE app_clock;
DROP SEQUENCE outbox_id_seq, audit_log_id_seq;
