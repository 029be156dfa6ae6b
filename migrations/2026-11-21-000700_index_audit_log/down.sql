DROP INDEX audit_log_entity;
CREATE INDEX audit_log_entity ON audit_log (entity_kind, entity_id);
DROP INDEX audit_log_request_id;
DROP INDEX audit_log_outcome;
DROP INDEX audit_log_action;
DROP INDEX audit_log_actor;
DROP INDEX audit_log_occurred_at;
