DROP FUNCTION drop_old_daily_partition, ensure_daily_partitions;
DROP TABLE approvals, jobs, audit_log, outbox, idempotency_keys, configurations, demo_people, users, owners;
DROP FUNCTION search_grams, refuse_change, app_now;
DROP TABLE app_clock;
DROP SEQUENCE audit_log_id_seq;
