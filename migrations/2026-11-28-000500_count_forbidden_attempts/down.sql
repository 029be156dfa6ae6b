REVOKE UPDATE (attempts) ON audit_log FROM goodgo_app;
DROP TRIGGER audit_log_no_delete ON audit_log;
DROP TRIGGER audit_log_append_only ON audit_log;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP INDEX audit_log_forbidden_key;
ALTER TABLE audit_log DROP COLUMN attempts;
