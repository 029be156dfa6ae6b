-- A session that is not claimed counts for nothing: what was due before it is due again.
ALTER TABLE miners ADD COLUMN previous_since timestamptz, ADD COLUMN previous_due_at timestamptz,
    ADD CONSTRAINT miners_previous_due_whole CHECK ((previous_since IS NULL) = (previous_due_at IS NULL));
COMMENT ON COLUMN miners.previous_since IS 'The streak_since of before the open session, which counts again if that is not claimed';
COMMENT ON COLUMN miners.previous_due_at IS 'The streak_due_at of before the open session';
-- Sessions that are open were started after a claim of a session of a day.
UPDATE miners m SET previous_since = m.last_claim_at, previous_due_at = m.last_claim_at + interval '48 hours'
FROM mining_sessions s
WHERE s.miner_id = m.id AND s.status IN ('ACTIVE', 'COMPLETED') AND m.last_claim_at IS NOT NULL;
