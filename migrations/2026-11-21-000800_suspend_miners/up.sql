-- Since when a miner is suspended: that time counts against neither their streak nor their session's claim window.

ALTER TABLE miners
    ADD COLUMN suspended_at timestamptz,
    ADD CONSTRAINT miners_suspended_since CHECK (suspended_at IS NULL OR status = 'SUSPENDED');
COMMENT ON COLUMN miners.suspended_at IS 'Since when they are suspended: their streak stands still from then on';
UPDATE miners SET suspended_at = updated_at WHERE status = 'SUSPENDED';

ALTER TABLE mining_sessions
    ADD COLUMN window_stopped_at timestamptz,
    ADD COLUMN window_extension_microseconds bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT mining_sessions_window_extension_not_negative CHECK (window_extension_microseconds >= 0);
COMMENT ON COLUMN mining_sessions.window_stopped_at IS 'Since when the claim window stands still, because its miner is suspended';
COMMENT ON COLUMN mining_sessions.window_extension_microseconds IS 'By how much suspensions that are over made the claim window longer';
UPDATE mining_sessions s SET window_stopped_at = m.suspended_at
FROM miners m WHERE m.id = s.miner_id AND m.status = 'SUSPENDED' AND s.status IN ('ACTIVE', 'COMPLETED');

GRANT SELECT, INSERT, UPDATE ON miners, mining_sessions TO goodgo_app;
