-- The audit log is read newest first, by who, what, about what, how it ended, or in which request.
CREATE INDEX audit_log_occurred_at ON audit_log (occurred_at, id);
CREATE INDEX audit_log_actor ON audit_log (actor, occurred_at, id);
CREATE INDEX audit_log_action ON audit_log (action, occurred_at, id);
CREATE INDEX audit_log_outcome ON audit_log (outcome, occurred_at, id);
CREATE INDEX audit_log_request_id ON audit_log (request_id);
DROP INDEX audit_log_entity;
CREATE INDEX audit_log_entity ON audit_log (entity_kind, entity_id, occurred_at, id);
