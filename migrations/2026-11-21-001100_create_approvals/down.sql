DROP FUNCTION drop_old_daily_partitions();
DROP INDEX mining_sessions_waiting, mining_sessions_running;
DROP TABLE approvals;
