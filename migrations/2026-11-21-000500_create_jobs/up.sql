-- Which background job is due, runs and ran: one row each, taken by one instance at a time.

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
COMMENT ON TABLE jobs IS 'Background jobs; all times are the machine''s';
COMMENT ON COLUMN jobs.name IS 'Which job';
COMMENT ON COLUMN jobs.due_at IS 'When it is to run next';
COMMENT ON COLUMN jobs.holder IS 'The instance that runs it; null while nobody does';
COMMENT ON COLUMN jobs.leased_until IS 'Until when it is the holder''s, unless renewed: a dead instance holds nothing for long';
COMMENT ON COLUMN jobs.started_at IS 'When it was last taken';
COMMENT ON COLUMN jobs.finished_at IS 'When it last came to an end';
COMMENT ON COLUMN jobs.succeeded_at IS 'When it last came to a good end';
COMMENT ON COLUMN jobs.runs IS 'How often it came to an end';
COMMENT ON COLUMN jobs.failures IS 'How often in a row that was a bad one';
COMMENT ON COLUMN jobs.last_error IS 'What went wrong the last time; null after a good end';

GRANT SELECT, INSERT, UPDATE ON jobs TO goodgo_app;
