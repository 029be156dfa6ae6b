-- What all contexts share: time, people, configuration, idempotency, events, audit.

CREATE TABLE app_clock (
    singleton boolean NOT NULL DEFAULT true,
    offset_microseconds bigint NOT NULL DEFAULT 0,
    CONSTRAINT app_clock_pkey PRIMARY KEY (singleton),
    CONSTRAINT app_clock_one_row CHECK (singleton),
    CONSTRAINT app_clock_never_back CHECK (offset_microseconds >= 0)
);
COMMENT ON TABLE app_clock IS 'How far the development clock is ahead of the machine''s; one row, zero in production';
COMMENT ON COLUMN app_clock.singleton IS 'Always true: there is one row';
COMMENT ON COLUMN app_clock.offset_microseconds IS 'Added to the machine''s time';
INSERT INTO app_clock DEFAULT VALUES;

CREATE FUNCTION app_now() RETURNS timestamptz
    LANGUAGE sql VOLATILE
    AS $$ SELECT clock_timestamp() + offset_microseconds * interval '1 microsecond' FROM app_clock $$;
COMMENT ON FUNCTION app_now IS 'The time of the system: the only clock that rules are judged by';

CREATE TABLE users (
    id uuid NOT NULL,
    display_name text NOT NULL,
    registered_at timestamptz NOT NULL,
    kyc_completed_at timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 100)
);
COMMENT ON TABLE users IS 'People of the platform, as far as their tokens and events told';
COMMENT ON COLUMN users.id IS 'The subject of their tokens';
COMMENT ON COLUMN users.display_name IS 'The name of their token, or Miner and four random characters';
COMMENT ON COLUMN users.registered_at IS 'When they were first seen';
COMMENT ON COLUMN users.kyc_completed_at IS 'When their identity was verified; null before';

CREATE TABLE demo_people (
    name text NOT NULL,
    user_id uuid NOT NULL,
    CONSTRAINT demo_people_pkey PRIMARY KEY (name),
    CONSTRAINT demo_people_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id)
);
COMMENT ON TABLE demo_people IS 'The named people of the demo data; empty in production';
COMMENT ON COLUMN demo_people.name IS 'What goodgo token --as takes';
COMMENT ON COLUMN demo_people.user_id IS 'Who it is at the moment';

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
COMMENT ON TABLE configurations IS 'Every version of every section; the highest is in force';
COMMENT ON COLUMN configurations.section IS 'Which part of the system it configures';
COMMENT ON COLUMN configurations.version IS 'Counts from 1';
COMMENT ON COLUMN configurations.body IS 'The section''s values, named as in the API';
COMMENT ON COLUMN configurations.updated_at IS 'When it came into force';
COMMENT ON COLUMN configurations.updated_by IS 'Who set it';
COMMENT ON COLUMN configurations.reason IS 'Why';
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
    day date NOT NULL,
    caller text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    is_refused boolean NOT NULL,
    answer jsonb NOT NULL,
    transaction_id uuid,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (caller, operation, key, day),
    CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 128),
    CONSTRAINT idempotency_keys_hash_length CHECK (octet_length(request_hash) = 32)
) PARTITION BY RANGE (day);
COMMENT ON TABLE idempotency_keys IS 'First answers of commands, by caller, operation and key; kept for two days and dropped by the day';
COMMENT ON COLUMN idempotency_keys.day IS 'UTC day it was stored';
COMMENT ON COLUMN idempotency_keys.caller IS 'Issuer and subject of the token';
COMMENT ON COLUMN idempotency_keys.operation IS 'Name of the command';
COMMENT ON COLUMN idempotency_keys.key IS 'What the caller chose';
COMMENT ON COLUMN idempotency_keys.request_hash IS 'SHA-256 of the command''s input: another input under the same key is refused';
COMMENT ON COLUMN idempotency_keys.is_refused IS 'Whether the answer was a refusal';
COMMENT ON COLUMN idempotency_keys.answer IS 'The first answer';
COMMENT ON COLUMN idempotency_keys.transaction_id IS 'The ledger''s transaction, if money or points moved';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When it was stored';

CREATE SEQUENCE outbox_id_seq;
CREATE TABLE outbox (
    id bigint NOT NULL DEFAULT nextval('outbox_id_seq'),
    day date NOT NULL,
    event_id uuid NOT NULL,
    name text NOT NULL,
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    audience_id uuid,
    sequence bigint NOT NULL,
    payload jsonb NOT NULL,
    transaction_id uuid,
    request_id text,
    occurred_at timestamptz NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    announced_at timestamptz,
    delivered_at timestamptz,
    CONSTRAINT outbox_pkey PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);
CREATE INDEX outbox_unannounced ON outbox (written_at) WHERE announced_at IS NULL;
CREATE INDEX outbox_written_at ON outbox USING brin (written_at);
CREATE INDEX outbox_transaction_id ON outbox (transaction_id) WHERE transaction_id IS NOT NULL;
COMMENT ON TABLE outbox IS 'Events, written with what they tell of; announced to subscribers, delivered to the platform';
COMMENT ON COLUMN outbox.id IS 'Order of writing, not of commit';
COMMENT ON COLUMN outbox.day IS 'UTC day it occurred';
COMMENT ON COLUMN outbox.event_id IS 'Its id for consumers, who drop what they have seen';
COMMENT ON COLUMN outbox.name IS 'What happened, in the past tense';
COMMENT ON COLUMN outbox.subject_kind IS 'What kind of thing it happened to';
COMMENT ON COLUMN outbox.subject_id IS 'To which one';
COMMENT ON COLUMN outbox.audience_id IS 'The user whose subscriptions hear of it';
COMMENT ON COLUMN outbox.sequence IS 'The subject''s version right after, raised under its lock';
COMMENT ON COLUMN outbox.payload IS 'The event''s fields';
COMMENT ON COLUMN outbox.transaction_id IS 'The ledger''s transaction, if money or points moved';
COMMENT ON COLUMN outbox.request_id IS 'The request that caused it';
COMMENT ON COLUMN outbox.occurred_at IS 'When it happened';
COMMENT ON COLUMN outbox.written_at IS 'Machine time it was written: the announcers'' clock';
COMMENT ON COLUMN outbox.announced_at IS 'Machine time it was announced to all instances; null before';
COMMENT ON COLUMN outbox.delivered_at IS 'Machine time the platform had it (without a broker: when it was announced); null before';

CREATE SEQUENCE audit_log_id_seq;
CREATE TABLE audit_log (
    id bigint NOT NULL DEFAULT nextval('audit_log_id_seq'),
    occurred_at timestamptz NOT NULL,
    issuer text NOT NULL,
    actor text NOT NULL,
    roles text[] NOT NULL,
    action text NOT NULL,
    entity_kind text,
    entity_id text,
    reason text,
    before jsonb,
    after jsonb,
    outcome text NOT NULL,
    refusal text,
    request_id text,
    transaction_id uuid,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id),
    CONSTRAINT audit_log_outcome_known CHECK (outcome IN ('APPLIED', 'REFUSED', 'FORBIDDEN')),
    CONSTRAINT audit_log_refusal_said CHECK ((outcome = 'REFUSED') = (refusal IS NOT NULL))
);
CREATE INDEX audit_log_entity ON audit_log (entity_kind, entity_id);
CREATE INDEX audit_log_transaction_id ON audit_log (transaction_id) WHERE transaction_id IS NOT NULL;
COMMENT ON TABLE audit_log IS 'What staff and services did or tried; append-only';
COMMENT ON COLUMN audit_log.id IS 'Order of writing';
COMMENT ON COLUMN audit_log.occurred_at IS 'When';
COMMENT ON COLUMN audit_log.issuer IS 'Who vouched for the actor';
COMMENT ON COLUMN audit_log.actor IS 'Who: the subject of the token';
COMMENT ON COLUMN audit_log.roles IS 'Roles or scopes they had';
COMMENT ON COLUMN audit_log.action IS 'Name of the command';
COMMENT ON COLUMN audit_log.entity_kind IS 'What kind of thing it was about';
COMMENT ON COLUMN audit_log.entity_id IS 'Which one';
COMMENT ON COLUMN audit_log.reason IS 'Why, in their words';
COMMENT ON COLUMN audit_log.before IS 'The thing before';
COMMENT ON COLUMN audit_log.after IS 'The thing after';
COMMENT ON COLUMN audit_log.outcome IS 'Whether it was applied';
COMMENT ON COLUMN audit_log.refusal IS 'The refusal''s code';
COMMENT ON COLUMN audit_log.request_id IS 'The request it came with';
COMMENT ON COLUMN audit_log.transaction_id IS 'The ledger''s transaction, if money or points moved';

CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$;
COMMENT ON FUNCTION refuse_change IS 'Keeps append-only tables append-only, for their owner too';
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Makes the daily partitions from today to `days_ahead`. Made first and attached after, so that writers of the
-- parent go on; one caller at a time.
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
COMMENT ON FUNCTION ensure_daily_partitions IS 'Makes missing daily partitions from today on; answers how many';

GRANT SELECT ON app_clock, users, demo_people, configurations, idempotency_keys, outbox, audit_log TO goodgo_app;
GRANT INSERT ON users, demo_people, configurations, idempotency_keys, outbox, audit_log TO goodgo_app;
GRANT UPDATE ON users, demo_people TO goodgo_app;
GRANT UPDATE (announced_at, delivered_at) ON outbox TO goodgo_app;
GRANT USAGE ON SEQUENCE outbox_id_seq, audit_log_id_seq TO goodgo_app;
