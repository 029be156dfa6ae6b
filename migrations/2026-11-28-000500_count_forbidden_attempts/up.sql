-- Equal denied commands of a caller within a minute are one entry with a count.
ALTER TABLE audit_log ADD COLUMN attempts integer NOT NULL DEFAULT 1;
ALTER TABLE audit_log ADD CONSTRAINT audit_log_attempts_range
    CHECK (attempts >= 1 AND (attempts = 1 OR outcome = 'FORBIDDEN'));
COMMENT ON COLUMN audit_log.attempts IS 'Number of equal denied commands within the minute; 1 for other outcomes';

ALTER TABLE audit_log DISABLE TRIGGER USER;
CREATE TEMPORARY TABLE counted ON COMMIT DROP AS
    SELECT min(id) AS id, count(*) AS attempts FROM audit_log WHERE outcome = 'FORBIDDEN'
    GROUP BY issuer, actor, action, date_trunc('minute', occurred_at AT TIME ZONE 'UTC');
DELETE FROM audit_log WHERE outcome = 'FORBIDDEN' AND id NOT IN (SELECT id FROM counted);
UPDATE audit_log SET attempts = counted.attempts FROM counted WHERE audit_log.id = counted.id;
ALTER TABLE audit_log ENABLE TRIGGER USER;
CREATE UNIQUE INDEX audit_log_forbidden_key
    ON audit_log (issuer, actor, action, date_trunc('minute', occurred_at AT TIME ZONE 'UTC'))
    WHERE outcome = 'FORBIDDEN';

-- The count is the only value that may change, and it only rises.
DROP TRIGGER audit_log_append_only ON audit_log;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE ON audit_log
    FOR EACH ROW
    WHEN (NEW.attempts <= OLD.attempts
        OR to_jsonb(OLD) - 'attempts' IS DISTINCT FROM to_jsonb(NEW) - 'attempts')
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT UPDATE (attempts) ON audit_log TO goodgo_app;
