-- Approvals of any command: its values as JSON, the person it is about. Refusals in the audit log with their facts.
ALTER TABLE approvals
    DROP CONSTRAINT approvals_command_known,
    ADD COLUMN subject uuid,
    ADD COLUMN proposal jsonb;
UPDATE approvals a SET
    command = 'mining.miner_points_adjust',
    subject = (SELECT user_id FROM miners WHERE id = a.subject_id),
    proposal = jsonb_build_object('minerId', a.subject_id, 'points', a.amount);
ALTER TABLE approvals
    DROP COLUMN subject_id,
    DROP COLUMN amount,
    ALTER COLUMN proposal SET NOT NULL;
COMMENT ON COLUMN approvals.command IS 'Name of the command';
COMMENT ON COLUMN approvals.subject IS 'Person the command is about, who may not decide';
COMMENT ON COLUMN approvals.proposal IS 'Values of the command';

-- Earlier refusals have a code, but no aggregate: they are kept, and shown as null.
ALTER TABLE audit_log
    ALTER COLUMN refusal TYPE jsonb USING
        CASE WHEN refusal IS NOT NULL THEN jsonb_build_object('aggregate', '', 'name', refusal) END,
    ADD COLUMN is_service boolean NOT NULL DEFAULT false;
ALTER TABLE audit_log DISABLE TRIGGER USER;
-- Roles of services are scopes, which have a colon.
UPDATE audit_log SET is_service = true
WHERE EXISTS (SELECT FROM unnest(roles) AS role WHERE role LIKE '%:%')
    OR actor !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
UPDATE audit_log SET action = renamed.name
FROM (VALUES
    ('approvals.approve', 'platform.approval_approve'),
    ('approvals.decline', 'platform.approval_decline'),
    ('configuration.mining_update', 'platform.mining_configuration_update'),
    ('configuration.streak_update', 'platform.streak_configuration_update'),
    ('configuration.referral_update', 'platform.referral_configuration_update'),
    ('configuration.system_update', 'platform.system_configuration_update'),
    ('mining.miner_adjust_points', 'mining.miner_points_adjust'),
    ('mining.miner_reset_streak', 'mining.miner_streak_reset'),
    ('mining.miner_set_role', 'mining.miner_node_operator_grant'),
    ('mining.circle_disband', 'mining.circle_force_disband')) AS renamed (before, name)
WHERE action = renamed.before;
ALTER TABLE audit_log ENABLE TRIGGER USER;
-- Entries name their callers as users.
INSERT INTO users (id, display_name, registered_at)
SELECT actor::uuid, 'Staff', min(occurred_at) FROM audit_log
WHERE NOT is_service
GROUP BY actor
ON CONFLICT DO NOTHING;
COMMENT ON COLUMN audit_log.refusal IS 'The refusal with its facts';
COMMENT ON COLUMN audit_log.is_service IS 'Whether the caller is a service';

-- Staff search miners by a part of the display name, the referral code or the user id.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX users_display_name_trigrams ON users USING gin (display_name gin_trgm_ops);
CREATE INDEX miners_referral_code_trigrams ON miners USING gin (referral_code gin_trgm_ops);
CREATE INDEX miners_user_id_trigrams ON miners USING gin ((user_id::text) gin_trgm_ops);

-- Jobs are named as in the API.
UPDATE jobs SET name = renamed.name
FROM (VALUES
    ('circle-invitations', 'circle_invitation_expiry'),
    ('mining-sessions', 'mining_session_completion'),
    ('partitions', 'partition_maintenance'),
    ('ledger-check', 'reconciliation')) AS renamed (before, name)
WHERE jobs.name = renamed.before;
