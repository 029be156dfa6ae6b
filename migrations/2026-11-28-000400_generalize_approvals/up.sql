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

ALTER TABLE audit_log
    ALTER COLUMN refusal TYPE jsonb USING to_jsonb(refusal),
    ADD COLUMN is_service boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN audit_log.refusal IS 'The refusal with its facts';
COMMENT ON COLUMN audit_log.is_service IS 'Whether the caller is a service';

-- Staff search miners by a part of the display name.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX users_display_name_trigrams ON users USING gin (display_name gin_trgm_ops);
