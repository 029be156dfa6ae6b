ALTER TABLE mining_sessions DROP COLUMN window_stopped_at, DROP COLUMN window_extension_microseconds;
ALTER TABLE miners DROP COLUMN suspended_at;
