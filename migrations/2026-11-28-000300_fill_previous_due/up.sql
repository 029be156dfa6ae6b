-- On its own, so that nobody who reads has to wait: what was due before the sessions that are open, a session's length and a
-- day after the last claim.
ALTER TABLE miners VALIDATE CONSTRAINT miners_previous_due_whole;
UPDATE miners m SET previous_since = m.last_claim_at, previous_due_at = m.last_claim_at + claimed.length + interval '24 hours'
FROM mining_sessions open
CROSS JOIN LATERAL (
    SELECT s.ends_at - s.started_at AS length FROM mining_sessions s
    WHERE s.miner_id = open.miner_id AND s.status = 'CLAIMED' ORDER BY s.started_at DESC LIMIT 1) AS claimed
WHERE open.miner_id = m.id AND open.status IN ('ACTIVE', 'COMPLETED') AND m.last_claim_at IS NOT NULL;
