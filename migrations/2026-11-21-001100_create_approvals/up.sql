-- Commands that wait for a second person, and the work that jobs look for.

CREATE TABLE approvals (
    id uuid NOT NULL,
    command text NOT NULL,
    subject_id uuid NOT NULL,
    amount bigint NOT NULL,
    reason text NOT NULL,
    requested_by uuid NOT NULL,
    requested_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    status text NOT NULL,
    decided_by uuid,
    decided_at timestamptz,
    decision_reason text,
    CONSTRAINT approvals_pkey PRIMARY KEY (id),
    CONSTRAINT approvals_command_known CHECK (command IN ('MINER_ADJUST_POINTS')),
    CONSTRAINT approvals_status_known CHECK (status IN ('PENDING', 'APPROVED', 'DECLINED')),
    CONSTRAINT approvals_expire_later CHECK (expires_at > requested_at),
    CONSTRAINT approvals_decided_whole CHECK ((status = 'PENDING') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
    CONSTRAINT approvals_declined_with_reason CHECK ((status = 'DECLINED') = (decision_reason IS NOT NULL)),
    CONSTRAINT approvals_takes_two CHECK (decided_by <> requested_by)
);
CREATE INDEX approvals_requested ON approvals (requested_at, id);
CREATE INDEX approvals_subject ON approvals (subject_id);
COMMENT ON TABLE approvals IS 'Commands that wait, or waited, for a second person';
COMMENT ON COLUMN approvals.id IS 'The approval';
COMMENT ON COLUMN approvals.command IS 'What is to be done';
COMMENT ON COLUMN approvals.subject_id IS 'To which miner';
COMMENT ON COLUMN approvals.amount IS 'How much, in the smallest unit; negative for what is to be taken';
COMMENT ON COLUMN approvals.reason IS 'Why, in the words of who asked';
COMMENT ON COLUMN approvals.requested_by IS 'Who asked: the subject of their token';
COMMENT ON COLUMN approvals.requested_at IS 'When they asked';
COMMENT ON COLUMN approvals.expires_at IS 'Until when it can be decided';
COMMENT ON COLUMN approvals.status IS 'As last stored: a PENDING one may have expired since';
COMMENT ON COLUMN approvals.decided_by IS 'Who decided: somebody else';
COMMENT ON COLUMN approvals.decided_at IS 'When they decided';
COMMENT ON COLUMN approvals.decision_reason IS 'Why it was declined';
GRANT SELECT, INSERT ON approvals TO goodgo_app;
GRANT UPDATE (status, decided_by, decided_at, decision_reason) ON approvals TO goodgo_app;

-- What the job for sessions looks for: those that run by their end, and those that wait by the end of their claim window.
-- In UTC without a zone, where adding hours depends on nothing.
CREATE FUNCTION claim_window_end(ends_at timestamptz, hours integer, extension_microseconds bigint) RETURNS timestamp
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (ends_at AT TIME ZONE 'UTC') + hours * interval '1 hour' + extension_microseconds * interval '1 microsecond';
COMMENT ON FUNCTION claim_window_end IS 'When a session can''t be claimed any more, in UTC, but for pauses';
CREATE INDEX mining_sessions_running ON mining_sessions (ends_at, id) WHERE status = 'ACTIVE';
CREATE INDEX mining_sessions_waiting
    ON mining_sessions (claim_window_end(ends_at, claim_window_hours, window_extension_microseconds), id)
    WHERE status = 'COMPLETED' AND window_stopped_at IS NULL;

-- Drops a daily partition nobody needs any more, if there is one: of keys of more than two days ago, or of events of more
-- than seven that were all delivered. Only one: its parent is locked until the end of the transaction, and commands lock
-- both parents. Gives up where somebody reads for long; the next run tries again.
CREATE FUNCTION drop_old_daily_partition() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '1s'
    AS $$
DECLARE
    today date := (app_now() AT TIME ZONE 'UTC')::date;
    child record;
    undelivered boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(727275);
    FOR child IN
        SELECT parent.relname AS parent, part.relname AS name, to_date(right(part.relname, 8), 'YYYYMMDD') AS day
        FROM pg_inherits
        JOIN pg_class parent ON parent.oid = inhparent
        JOIN pg_class part ON part.oid = inhrelid
        WHERE parent.oid IN ('idempotency_keys'::regclass, 'outbox'::regclass)
        ORDER BY day
    LOOP
        -- A key of the last moment of a day is kept for 48 hours: until the end of the second day after.
        CONTINUE WHEN child.day >= today - CASE child.parent WHEN 'outbox' THEN 7 ELSE 2 END;
        IF child.parent = 'outbox' THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE delivered_at IS NULL)', child.name) INTO undelivered;
            CONTINUE WHEN undelivered;
        END IF;
        BEGIN
            EXECUTE format('DROP TABLE %I', child.name);
            RETURN true;
        EXCEPTION WHEN lock_not_available THEN
            RETURN false;
        END;
    END LOOP;
    RETURN false;
END $$;
COMMENT ON FUNCTION drop_old_daily_partition IS 'Drops a daily partition nobody needs any more; answers whether it did';
