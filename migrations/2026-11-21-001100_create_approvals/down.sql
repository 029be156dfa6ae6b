DROP FUNCTION drop_old_daily_partition();
DROP INDEX mining_sessions_waiting, mining_sessions_running;
DROP FUNCTION claim_window_end;
DROP TABLE approvals;
