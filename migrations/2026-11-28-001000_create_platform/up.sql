-- What all contexts share: clock, owners, users, configuration, idempotency keys, events, audit log, jobs, approvals.
--
-- The primary key of a table begins with its distribution key (docs/SCALE.md).

CREATE TABLE app_clock (
    singleton boolean NOT NULL DEFAULT true,
    offset_microseconds bigint NOT NULL DEFAULT 0,
    CONSTRAINT app_clock_pkey PRIMARY KEY (singleton),
    CONSTRAINT app_clock_one_row CHECK (singleton),
    CONSTRAINT app_clock_never_back CHECK (offset_microseconds >= 0)
);
COMMENT ON TABLE app_clock IS 'Offset of the platform''s clock to the machine''s; one row, zero in production';
COMMENT ON COLUMN app_clock.singleton IS 'Always true, because there is one row';
COMMENT ON COLUMN app_clock.offset_microseconds IS 'Added to the machine''s time';
INSERT INTO app_clock DEFAULT VALUES;

-- PL/pgSQL keeps the plan; a function in plain SQL is planned anew by every statement that calls it.
CREATE FUNCTION app_now() RETURNS timestamptz
    LANGUAGE plpgsql VOLATILE
    AS $$ BEGIN RETURN (SELECT clock_timestamp() + offset_microseconds * interval '1 microsecond' FROM app_clock); END $$;
COMMENT ON FUNCTION app_now IS 'Time of the platform''s clock, by which rules are judged';

CREATE TABLE owners (
    owner_id uuid NOT NULL,
    owner_kind text NOT NULL,
    is_frozen boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    CONSTRAINT owners_pkey PRIMARY KEY (owner_id, owner_kind),
    CONSTRAINT owners_kind_known CHECK (owner_kind IN ('USER', 'MERCHANT', 'ADVERTISER', 'SERVICE', 'SYSTEM'))
);
COMMENT ON TABLE owners IS 'Users, merchants, advertisers and calling services; the row is inserted when one is first seen';
COMMENT ON COLUMN owners.owner_id IS 'Id of the owner within its kind; nil for the platform';
COMMENT ON COLUMN owners.owner_kind IS 'Kind of the owner';
COMMENT ON COLUMN owners.is_frozen IS 'Whether debits of all wallets are refused';
COMMENT ON COLUMN owners.created_at IS 'Time it was first seen';
INSERT INTO owners (owner_id, owner_kind, created_at) VALUES ('00000000-0000-0000-0000-000000000000', 'SYSTEM', app_now());

CREATE TABLE users (
    id uuid NOT NULL,
    display_name text NOT NULL,
    display_name_folded text COLLATE "C" NOT NULL,
    registered_at timestamptz NOT NULL,
    kyc_completed_at timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 100)
);
COMMENT ON TABLE users IS 'People of the platform, as known from their tokens and events';
COMMENT ON COLUMN users.id IS 'Subject of the person''s tokens';
COMMENT ON COLUMN users.display_name IS 'Name of the token, or Miner and four random characters';
COMMENT ON COLUMN users.display_name_folded IS 'Name without differences of case, which the program folds; searches compare it';
COMMENT ON COLUMN users.registered_at IS 'Time the person was first seen';
COMMENT ON COLUMN users.kyc_completed_at IS 'Time the identity was verified; null before';

CREATE TABLE demo_people (
    name text NOT NULL,
    user_id uuid NOT NULL,
    CONSTRAINT demo_people_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE demo_people IS 'Named people of the demo data; empty in production';
COMMENT ON COLUMN demo_people.name IS 'Argument of goodgo token --as';
COMMENT ON COLUMN demo_people.user_id IS 'The person';

CREATE TABLE configurations (
    section text NOT NULL,
    version integer NOT NULL,
    body jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT configurations_pkey PRIMARY KEY (section, version),
    CONSTRAINT configurations_section_known CHECK (section IN ('mining', 'streak', 'referral')),
    CONSTRAINT configurations_version_positive CHECK (version >= 1)
);
COMMENT ON TABLE configurations IS 'All versions of all sections; the highest is in force';
COMMENT ON COLUMN configurations.section IS 'Name of the section';
COMMENT ON COLUMN configurations.version IS 'Number, from 1 without gaps';
COMMENT ON COLUMN configurations.body IS 'Values of the section, under the names of the API';
COMMENT ON COLUMN configurations.updated_at IS 'Time it came into force';
COMMENT ON COLUMN configurations.updated_by IS 'Subject of the author''s token, or system';
COMMENT ON COLUMN configurations.reason IS 'Reason of the change';
INSERT INTO configurations (section, version, body, updated_at, updated_by, reason) VALUES
    ('mining', 1, '{"baseRate": 2500, "sessionDurationHours": 24, "maxSessionsPerDay": 1, "isGloballyEnabled": true, "claimWindowHours": 168}',
     app_now(), 'system', 'default'),
    ('streak', 1, '{"gracePeriodEnabled": true, "gracePeriodHours": 24, "recoveryCost": 500000, "freezeTokenDays": 7, "tiers": [
        {"minDays": 1, "maxDays": 2, "bonus": 0, "milestone": 0},
        {"minDays": 3, "maxDays": 6, "bonus": 1000, "badgeName": "3-day", "milestone": 0},
        {"minDays": 7, "maxDays": 13, "bonus": 2500, "badgeName": "7-day", "milestone": 500000},
        {"minDays": 14, "maxDays": 29, "bonus": 5000, "badgeName": "14-day", "milestone": 1000000},
        {"minDays": 30, "maxDays": 59, "bonus": 10000, "badgeName": "30-day", "milestone": 3000000},
        {"minDays": 60, "maxDays": 89, "bonus": 12500, "badgeName": "60-day", "milestone": 5000000},
        {"minDays": 90, "bonus": 15000, "badgeName": "90-day", "milestone": 10000000}]}',
     app_now(), 'system', 'default'),
    ('referral', 1, '{"bonusPerReferral": 2500, "maxBonus": 10000, "kycRequired": true, "maxReferralLevels": 1}',
     app_now(), 'system', 'default');

CREATE TABLE idempotency_keys (
    home_id uuid NOT NULL,
    day date NOT NULL,
    caller text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    is_refused boolean NOT NULL,
    answer jsonb NOT NULL,
    transaction_id uuid,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (home_id, caller, operation, key, day),
    CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 128),
    CONSTRAINT idempotency_keys_hash_length CHECK (octet_length(request_hash) = 32)
) PARTITION BY RANGE (day);
COMMENT ON TABLE idempotency_keys IS 'First answers of commands by caller, operation and key; dropped by the day after two days';
COMMENT ON COLUMN idempotency_keys.home_id IS 'Owner whom a service''s command names, else the caller';
COMMENT ON COLUMN idempotency_keys.day IS 'UTC day of created_at';
COMMENT ON COLUMN idempotency_keys.caller IS 'Issuer and subject of the caller''s token';
COMMENT ON COLUMN idempotency_keys.operation IS 'Name of the command';
COMMENT ON COLUMN idempotency_keys.key IS 'Key that the caller chose';
COMMENT ON COLUMN idempotency_keys.request_hash IS 'SHA-256 of the command''s input; another input under the same key is refused';
COMMENT ON COLUMN idempotency_keys.is_refused IS 'Whether the answer is a refusal';
COMMENT ON COLUMN idempotency_keys.answer IS 'The first answer';
COMMENT ON COLUMN idempotency_keys.transaction_id IS 'Transaction of the ledger, if money or points moved';
COMMENT ON COLUMN idempotency_keys.created_at IS 'Time it was stored';

CREATE TABLE outbox (
    subject_id uuid NOT NULL,
    day date NOT NULL,
    event_id uuid NOT NULL,
    lane smallint NOT NULL,
    name text NOT NULL,
    subject_kind text NOT NULL,
    audience_id uuid,
    sequence bigint NOT NULL,
    payload jsonb NOT NULL,
    transaction_id uuid,
    request_id text,
    occurred_at timestamptz NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    announced_at timestamptz,
    delivered_at timestamptz,
    CONSTRAINT outbox_pkey PRIMARY KEY (subject_id, day, event_id),
    CONSTRAINT outbox_lane_range CHECK (lane BETWEEN 0 AND 255)
) PARTITION BY RANGE (day);
CREATE INDEX outbox_unannounced ON outbox (written_at, sequence) WHERE announced_at IS NULL;
CREATE INDEX outbox_undelivered ON outbox (written_at, sequence) WHERE delivered_at IS NULL;
CREATE INDEX outbox_written_at ON outbox USING brin (written_at);
CREATE INDEX outbox_transaction_id ON outbox (transaction_id) WHERE transaction_id IS NOT NULL;
COMMENT ON TABLE outbox IS 'Events, inserted in the transaction of their cause, announced to subscribers and delivered to the platform';
COMMENT ON COLUMN outbox.subject_id IS 'Key of the subject: of a miner the user, of others their id';
COMMENT ON COLUMN outbox.day IS 'UTC day of occurred_at';
COMMENT ON COLUMN outbox.event_id IS 'Id by which consumers drop duplicates';
COMMENT ON COLUMN outbox.lane IS 'Hash of the audience, or of the subject without one; decides the broker''s queue';
COMMENT ON COLUMN outbox.name IS 'Name of the event, in the past tense';
COMMENT ON COLUMN outbox.subject_kind IS 'Kind of the subject';
COMMENT ON COLUMN outbox.audience_id IS 'User whose subscriptions receive it';
COMMENT ON COLUMN outbox.sequence IS 'Version of the subject after the event; raised under its lock';
COMMENT ON COLUMN outbox.payload IS 'Fields of the event';
COMMENT ON COLUMN outbox.transaction_id IS 'Transaction of the ledger, if money or points moved';
COMMENT ON COLUMN outbox.request_id IS 'Request or job that caused it';
COMMENT ON COLUMN outbox.occurred_at IS 'Time of the event by the platform''s clock';
COMMENT ON COLUMN outbox.written_at IS 'Time it was inserted by the machine''s clock; orders the events of a subject';
COMMENT ON COLUMN outbox.announced_at IS 'Time it was announced to all instances by the machine''s clock; null before';
COMMENT ON COLUMN outbox.delivered_at IS 'Time it was delivered to the broker by the machine''s clock (without a broker, announced); null before';

CREATE SEQUENCE audit_log_id_seq;
CREATE TABLE audit_log (
    id bigint NOT NULL DEFAULT nextval('audit_log_id_seq'),
    occurred_at timestamptz NOT NULL,
    issuer text NOT NULL,
    actor text NOT NULL,
    is_service boolean NOT NULL DEFAULT false,
    roles text[] NOT NULL,
    action text NOT NULL,
    entity_kind text,
    entity_id text,
    reason text,
    before jsonb,
    after jsonb,
    outcome text NOT NULL,
    refusal jsonb,
    attempts integer NOT NULL DEFAULT 1,
    request_id text,
    transaction_id uuid,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id),
    CONSTRAINT audit_log_outcome_known CHECK (outcome IN ('APPLIED', 'REFUSED', 'FORBIDDEN')),
    CONSTRAINT audit_log_refusal_said CHECK ((outcome = 'REFUSED') = (refusal IS NOT NULL)),
    CONSTRAINT audit_log_attempts_range CHECK (attempts >= 1 AND (attempts = 1 OR outcome = 'FORBIDDEN'))
);
CREATE INDEX audit_log_occurred_at ON audit_log (occurred_at, id);
CREATE INDEX audit_log_actor ON audit_log (actor, occurred_at, id);
CREATE INDEX audit_log_action ON audit_log (action, occurred_at, id);
CREATE INDEX audit_log_outcome ON audit_log (outcome, occurred_at, id);
CREATE INDEX audit_log_entity ON audit_log (entity_kind, entity_id, occurred_at, id);
CREATE INDEX audit_log_request_id ON audit_log (request_id);
CREATE INDEX audit_log_transaction_id ON audit_log (transaction_id) WHERE transaction_id IS NOT NULL;
-- Equal denied commands of a caller within a minute are one entry with a count.
CREATE UNIQUE INDEX audit_log_forbidden_key
    ON audit_log (issuer, actor, action, date_trunc('minute', occurred_at AT TIME ZONE 'UTC'))
    WHERE outcome = 'FORBIDDEN';
COMMENT ON TABLE audit_log IS 'Commands of staff and services, also refused and denied ones; append-only';
COMMENT ON COLUMN audit_log.id IS 'Order of insertion';
COMMENT ON COLUMN audit_log.occurred_at IS 'Time of the command';
COMMENT ON COLUMN audit_log.issuer IS 'Issuer of the caller''s token';
COMMENT ON COLUMN audit_log.actor IS 'Subject of the caller''s token';
COMMENT ON COLUMN audit_log.is_service IS 'Whether the caller is a service';
COMMENT ON COLUMN audit_log.roles IS 'Roles or scopes of the caller';
COMMENT ON COLUMN audit_log.action IS 'Name of the command';
COMMENT ON COLUMN audit_log.entity_kind IS 'Kind of the object';
COMMENT ON COLUMN audit_log.entity_id IS 'Key of the object';
COMMENT ON COLUMN audit_log.reason IS 'Reason that the caller gave';
COMMENT ON COLUMN audit_log.before IS 'The object before';
COMMENT ON COLUMN audit_log.after IS 'The object after';
COMMENT ON COLUMN audit_log.outcome IS 'Whether it was applied, refused or denied';
COMMENT ON COLUMN audit_log.refusal IS 'The refusal with its facts';
COMMENT ON COLUMN audit_log.attempts IS 'Number of equal denied commands within the minute; 1 for other outcomes';
COMMENT ON COLUMN audit_log.request_id IS 'Request of the command';
COMMENT ON COLUMN audit_log.transaction_id IS 'Transaction of the ledger, if money or points moved';

CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$;
COMMENT ON FUNCTION refuse_change IS 'Refuses changes of append-only tables to everybody';
-- The count is the only value that may change, and it only rises.
CREATE TRIGGER audit_log_append_only BEFORE UPDATE ON audit_log
    FOR EACH ROW
    WHEN (NEW.attempts <= OLD.attempts
        OR to_jsonb(OLD) - 'attempts' IS DISTINCT FROM to_jsonb(NEW) - 'attempts')
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE audit_log
    ENABLE ALWAYS TRIGGER audit_log_append_only,
    ENABLE ALWAYS TRIGGER audit_log_no_delete,
    ENABLE ALWAYS TRIGGER audit_log_no_truncate;

-- Creates the daily partitions from today to `days_ahead`. They are created first and attached after, so that writers of
-- the parent do not wait; one caller at a time.
CREATE FUNCTION ensure_daily_partitions(days_ahead integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    today date := (app_now() AT TIME ZONE 'UTC')::date;
    parent text;
    child text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(727275);
    FOREACH parent IN ARRAY ARRAY['idempotency_keys', 'outbox'] LOOP
        FOR ahead IN 0 .. days_ahead LOOP
            child := parent || to_char(today + ahead, '"_p"YYYYMMDD');
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', child, parent);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                           parent, child, today + ahead, today + ahead + 1);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
COMMENT ON FUNCTION ensure_daily_partitions IS 'Creates missing daily partitions from today on; returns their number';

-- Drops one daily partition that is no longer needed, if there is one: keys older than two days, or delivered events older
-- than seven. Only one, because its parent is locked until the end of the transaction, and commands lock both parents.
-- Returns false when a reader holds the partition for longer than the lock timeout; the next run tries again.
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
COMMENT ON FUNCTION drop_old_daily_partition IS 'Drops one daily partition that is no longer needed; returns whether it did';

CREATE TABLE jobs (
    name text NOT NULL,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    holder uuid,
    leased_until timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    succeeded_at timestamptz,
    runs bigint NOT NULL DEFAULT 0,
    failures bigint NOT NULL DEFAULT 0,
    last_error text,
    CONSTRAINT jobs_pkey PRIMARY KEY (name),
    CONSTRAINT jobs_held_for_a_time CHECK ((holder IS NULL) = (leased_until IS NULL)),
    CONSTRAINT jobs_counts_not_negative CHECK (runs >= 0 AND failures >= 0)
);
COMMENT ON TABLE jobs IS 'Background jobs; all times are of the machine''s clock';
COMMENT ON COLUMN jobs.name IS 'Name of the job';
COMMENT ON COLUMN jobs.due_at IS 'Time of the next run';
COMMENT ON COLUMN jobs.holder IS 'Instance that runs it; null while none does';
COMMENT ON COLUMN jobs.leased_until IS 'End of the holder''s lease, unless renewed';
COMMENT ON COLUMN jobs.started_at IS 'Time of the last start';
COMMENT ON COLUMN jobs.finished_at IS 'Time of the last end';
COMMENT ON COLUMN jobs.succeeded_at IS 'Time of the last successful end';
COMMENT ON COLUMN jobs.runs IS 'Number of finished runs';
COMMENT ON COLUMN jobs.failures IS 'Number of failed runs since the last success';
COMMENT ON COLUMN jobs.last_error IS 'Error of the last run; null after a success';

CREATE TABLE approvals (
    id uuid NOT NULL,
    command text NOT NULL,
    subject uuid,
    proposal jsonb NOT NULL,
    reason text NOT NULL,
    requested_by uuid NOT NULL,
    requested_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    status text NOT NULL,
    decided_by uuid,
    decided_at timestamptz,
    decision_reason text,
    CONSTRAINT approvals_pkey PRIMARY KEY (id),
    CONSTRAINT approvals_status_known CHECK (status IN ('PENDING', 'APPROVED', 'DECLINED')),
    CONSTRAINT approvals_expire_later CHECK (expires_at > requested_at),
    CONSTRAINT approvals_decided_whole CHECK ((status = 'PENDING') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
    CONSTRAINT approvals_declined_with_reason CHECK ((status = 'DECLINED') = (decision_reason IS NOT NULL)),
    CONSTRAINT approvals_takes_two CHECK (decided_by <> requested_by)
);
CREATE INDEX approvals_requested ON approvals (requested_at, id);
COMMENT ON TABLE approvals IS 'Commands that wait, or waited, for a second person';
COMMENT ON COLUMN approvals.id IS 'Id of the approval';
COMMENT ON COLUMN approvals.command IS 'Name of the command';
COMMENT ON COLUMN approvals.subject IS 'Person the command is about, who may not decide';
COMMENT ON COLUMN approvals.proposal IS 'Values of the command';
COMMENT ON COLUMN approvals.reason IS 'Reason of the person who requested it';
COMMENT ON COLUMN approvals.requested_by IS 'Subject of the token of the person who requested it';
COMMENT ON COLUMN approvals.requested_at IS 'Time of the request';
COMMENT ON COLUMN approvals.expires_at IS 'Time until which it can be decided';
COMMENT ON COLUMN approvals.status IS 'State as last stored; a PENDING one may have expired since';
COMMENT ON COLUMN approvals.decided_by IS 'Subject of the token of the person who decided, another one';
COMMENT ON COLUMN approvals.decided_at IS 'Time of the decision';
COMMENT ON COLUMN approvals.decision_reason IS 'Reason it was declined';

-- For parts of codes and ids, which are ASCII.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Staff search people and circles by a part of the name. pg_trgm takes letters from the locale of the database, and knows
-- none beyond ASCII in the locale C.
CREATE FUNCTION search_grams(folded text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ARRAY(
        SELECT DISTINCT substr(folded, start, length)
        FROM generate_series(1, 3) AS length, generate_series(1, char_length(folded) - length + 1) AS start);
COMMENT ON FUNCTION search_grams IS 'All parts of one to three characters, by which indexes find a text';
CREATE INDEX users_display_name_grams ON users USING gin (search_grams(display_name_folded));

GRANT SELECT ON app_clock, owners, users, demo_people, configurations, idempotency_keys, outbox, audit_log TO goodgo_app;
GRANT INSERT ON owners, users, demo_people, configurations, idempotency_keys, outbox, audit_log TO goodgo_app;
GRANT UPDATE (is_frozen) ON owners TO goodgo_app;
GRANT UPDATE ON users, demo_people TO goodgo_app;
GRANT UPDATE (announced_at, delivered_at) ON outbox TO goodgo_app;
GRANT UPDATE (attempts) ON audit_log TO goodgo_app;
GRANT USAGE ON SEQUENCE audit_log_id_seq TO goodgo_app;
GRANT SELECT, INSERT, UPDATE ON jobs TO goodgo_app;
GRANT SELECT, INSERT ON approvals TO goodgo_app;
GRANT UPDATE (status, decided_by, decided_at, decision_reason) ON approvals TO goodgo_app;
