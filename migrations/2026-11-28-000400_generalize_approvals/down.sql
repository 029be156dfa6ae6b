DROP INDEX miners_user_id_trigrams;
DROP INDEX miners_referral_code_trigrams;
DROP INDEX users_display_name_trigrams;
ALTER TABLE audit_log
    DROP COLUMN is_service,
    ALTER COLUMN refusal TYPE text USING refusal ->> 'name';
ALTER TABLE approvals
    ADD COLUMN subject_id uuid,
    ADD COLUMN amount bigint;
UPDATE approvals SET
    command = 'MINER_ADJUST_POINTS',
    subject_id = (proposal ->> 'minerId')::uuid,
    amount = (proposal ->> 'points')::bigint;
ALTER TABLE approvals
    DROP COLUMN subject,
    DROP COLUMN proposal,
    ALTER COLUMN subject_id SET NOT NULL,
    ALTER COLUMN amount SET NOT NULL,
    ADD CONSTRAINT approvals_command_known CHECK (command IN ('MINER_ADJUST_POINTS'));
CREATE INDEX approvals_subject ON approvals (subject_id);
