-- Miners, their sessions and history, circles and referrals.

CREATE TABLE miners (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    status text NOT NULL,
    lifetime_points bigint NOT NULL,
    current_streak integer NOT NULL,
    longest_streak integer NOT NULL,
    last_claim_at timestamptz,
    streak_since timestamptz,
    streak_due_at timestamptz,
    freeze_tokens integer NOT NULL,
    is_grace_period boolean NOT NULL,
    milestones_paid integer[] NOT NULL,
    broken_days integer,
    broken_milestones_paid integer[],
    broken_until timestamptz,
    referral_code text NOT NULL,
    referred_by uuid,
    circle_id uuid,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT miners_pkey PRIMARY KEY (id),
    CONSTRAINT miners_user_id_key UNIQUE (user_id),
    CONSTRAINT miners_referral_code_key UNIQUE (referral_code),
    CONSTRAINT miners_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id),
    CONSTRAINT miners_referred_by_fkey FOREIGN KEY (referred_by) REFERENCES miners (id),
    CONSTRAINT miners_role_known CHECK (role IN ('PIONEER', 'CONTRIBUTOR', 'AMBASSADOR', 'NODE_OPERATOR')),
    CONSTRAINT miners_status_known CHECK (status IN ('ACTIVE', 'SUSPENDED', 'BANNED')),
    CONSTRAINT miners_lifetime_points_not_negative CHECK (lifetime_points >= 0),
    CONSTRAINT miners_streak_not_negative CHECK (current_streak >= 0 AND longest_streak >= current_streak),
    CONSTRAINT miners_freeze_tokens_range CHECK (freeze_tokens BETWEEN 0 AND 3),
    CONSTRAINT miners_due_whole CHECK ((streak_since IS NULL) = (streak_due_at IS NULL)),
    CONSTRAINT miners_broken_whole CHECK (num_nulls(broken_days, broken_milestones_paid, broken_until) IN (0, 3)),
    CONSTRAINT miners_referral_code_form CHECK (referral_code ~ '^[A-HJ-NP-Z2-9]{8}$'),
    CONSTRAINT miners_not_own_referrer CHECK (referred_by <> id)
) WITH (fillfactor = 80);
CREATE INDEX miners_leaderboard ON miners (lifetime_points DESC, created_at, id) WHERE status = 'ACTIVE';
CREATE INDEX miners_lifetime_points ON miners (lifetime_points, id);
CREATE INDEX miners_created_at ON miners (created_at, id);
CREATE INDEX miners_circle_id ON miners (circle_id) WHERE circle_id IS NOT NULL;
COMMENT ON TABLE miners IS 'Who mines: one row per user';
COMMENT ON COLUMN miners.id IS 'The miner';
COMMENT ON COLUMN miners.user_id IS 'Whose it is';
COMMENT ON COLUMN miners.role IS 'The highest role that facts or a grant give';
COMMENT ON COLUMN miners.status IS 'Whether they may mine';
COMMENT ON COLUMN miners.lifetime_points IS 'All points ever mined, in ten-thousandths';
COMMENT ON COLUMN miners.current_streak IS 'Days of the present run, as last settled';
COMMENT ON COLUMN miners.longest_streak IS 'Days of the longest run';
COMMENT ON COLUMN miners.last_claim_at IS 'When a session was last claimed';
COMMENT ON COLUMN miners.streak_since IS 'End of the open session, or the last claim: from here lateness is counted';
COMMENT ON COLUMN miners.streak_due_at IS 'Until when the next claim is on time';
COMMENT ON COLUMN miners.freeze_tokens IS 'Missed days that can be bought off';
COMMENT ON COLUMN miners.is_grace_period IS 'Whether the last claim, or the start since, was forgiven as late';
COMMENT ON COLUMN miners.milestones_paid IS 'First days of the tiers this run was paid for';
COMMENT ON COLUMN miners.broken_days IS 'Days of the run before, while it can be recovered';
COMMENT ON COLUMN miners.broken_milestones_paid IS 'What that run was paid for';
COMMENT ON COLUMN miners.broken_until IS 'Until when it can be recovered';
COMMENT ON COLUMN miners.referral_code IS 'By which others name them as referrer';
COMMENT ON COLUMN miners.referred_by IS 'Who brought them';
COMMENT ON COLUMN miners.circle_id IS 'The circle they are in';
COMMENT ON COLUMN miners.version IS 'Raised by each change: sequence of the events about them';
COMMENT ON COLUMN miners.created_at IS 'When they registered';
COMMENT ON COLUMN miners.updated_at IS 'When they last changed';

CREATE TABLE mining_sessions (
    id uuid NOT NULL,
    miner_id uuid NOT NULL,
    status text NOT NULL,
    started_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    claim_window_hours integer NOT NULL,
    base_rate bigint NOT NULL,
    role_bonus_bps integer NOT NULL,
    circle_bonus_bps integer NOT NULL,
    referral_bonus_bps integer NOT NULL,
    streak_bonus_bps integer NOT NULL,
    hourly_rate bigint NOT NULL,
    started_in_grace boolean NOT NULL,
    configuration_version integer NOT NULL,
    claimed_at timestamptz,
    points_earned bigint,
    streak_bonus bigint,
    referral_points bigint,
    expired_at timestamptz,
    CONSTRAINT mining_sessions_pkey PRIMARY KEY (id),
    CONSTRAINT mining_sessions_miner_id_fkey FOREIGN KEY (miner_id) REFERENCES miners (id),
    CONSTRAINT mining_sessions_status_known CHECK (status IN ('ACTIVE', 'COMPLETED', 'CLAIMED', 'EXPIRED')),
    CONSTRAINT mining_sessions_ends_after_start CHECK (ends_at > started_at),
    CONSTRAINT mining_sessions_claimed_whole CHECK ((status = 'CLAIMED') = (num_nonnulls(claimed_at, points_earned, streak_bonus, referral_points) = 4)
        AND num_nonnulls(claimed_at, points_earned, streak_bonus, referral_points) IN (0, 4)),
    CONSTRAINT mining_sessions_expired_whole CHECK ((status = 'EXPIRED') = (expired_at IS NOT NULL))
);
CREATE UNIQUE INDEX mining_sessions_one_open ON mining_sessions (miner_id) WHERE status IN ('ACTIVE', 'COMPLETED');
CREATE INDEX mining_sessions_miner_started ON mining_sessions (miner_id, started_at DESC);
COMMENT ON TABLE mining_sessions IS 'Times of mining, with the rate they were started at';
COMMENT ON COLUMN mining_sessions.id IS 'The session';
COMMENT ON COLUMN mining_sessions.miner_id IS 'Whose';
COMMENT ON COLUMN mining_sessions.status IS 'As last stored: an ACTIVE one may have ended since';
COMMENT ON COLUMN mining_sessions.started_at IS 'When it began';
COMMENT ON COLUMN mining_sessions.ends_at IS 'When it is complete';
COMMENT ON COLUMN mining_sessions.claim_window_hours IS 'How long it can be claimed after';
COMMENT ON COLUMN mining_sessions.base_rate IS 'Ten-thousandths of a point an hour, before any bonus';
COMMENT ON COLUMN mining_sessions.role_bonus_bps IS 'Bonus of the role, in basis points';
COMMENT ON COLUMN mining_sessions.circle_bonus_bps IS 'Bonus of the circle, in basis points';
COMMENT ON COLUMN mining_sessions.referral_bonus_bps IS 'Bonus of referrals, in basis points';
COMMENT ON COLUMN mining_sessions.streak_bonus_bps IS 'Bonus of the streak, in basis points';
COMMENT ON COLUMN mining_sessions.hourly_rate IS 'Ten-thousandths of a point an hour, with every bonus';
COMMENT ON COLUMN mining_sessions.started_in_grace IS 'Whether its start was forgiven as a late one';
COMMENT ON COLUMN mining_sessions.configuration_version IS 'Of the section mining, when it began';
COMMENT ON COLUMN mining_sessions.claimed_at IS 'When it was paid';
COMMENT ON COLUMN mining_sessions.points_earned IS 'The reward, in ten-thousandths of a point';
COMMENT ON COLUMN mining_sessions.streak_bonus IS 'Milestones paid with it, in ten-thousandths of a point';
COMMENT ON COLUMN mining_sessions.referral_points IS 'Part of the reward owed to referrals, in ten-thousandths of a point';
COMMENT ON COLUMN mining_sessions.expired_at IS 'When it was found too late, or ended by a ban';

CREATE TABLE mining_history (
    id uuid NOT NULL,
    miner_id uuid NOT NULL,
    points bigint NOT NULL,
    source text NOT NULL,
    session_id uuid,
    earned_at timestamptz NOT NULL,
    hourly_rate bigint NOT NULL,
    streak_days integer NOT NULL,
    CONSTRAINT mining_history_pkey PRIMARY KEY (id),
    CONSTRAINT mining_history_miner_id_fkey FOREIGN KEY (miner_id) REFERENCES miners (id),
    CONSTRAINT mining_history_session_id_fkey FOREIGN KEY (session_id) REFERENCES mining_sessions (id),
    CONSTRAINT mining_history_source_known CHECK (source IN ('SESSION', 'STREAK_MILESTONE', 'ADJUSTMENT', 'STREAK_RECOVERY'))
);
-- A session pays once, whoever forgets to lock.
CREATE UNIQUE INDEX mining_history_session_pays_once ON mining_history (session_id) WHERE source = 'SESSION';
CREATE INDEX mining_history_miner_earned ON mining_history (miner_id, earned_at DESC, id DESC);
COMMENT ON TABLE mining_history IS 'Every change of a miner''s points';
COMMENT ON COLUMN mining_history.id IS 'The line';
COMMENT ON COLUMN mining_history.miner_id IS 'Whose';
COMMENT ON COLUMN mining_history.points IS 'How much, in ten-thousandths; negative for what was taken';
COMMENT ON COLUMN mining_history.source IS 'Where from';
COMMENT ON COLUMN mining_history.session_id IS 'The session that earned it';
COMMENT ON COLUMN mining_history.earned_at IS 'When';
COMMENT ON COLUMN mining_history.hourly_rate IS 'The rate then, in ten-thousandths of a point an hour';
COMMENT ON COLUMN mining_history.streak_days IS 'The streak right after';

CREATE TABLE circles (
    id uuid NOT NULL,
    owner_id uuid NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    member_count integer NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT circles_pkey PRIMARY KEY (id),
    CONSTRAINT circles_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES miners (id),
    CONSTRAINT circles_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT circles_status_follows_members CHECK (
        (status = 'INCOMPLETE' AND member_count BETWEEN 1 AND 2)
        OR (status = 'ACTIVE' AND member_count BETWEEN 3 AND 5)
        OR (status = 'DISBANDED' AND member_count = 0))
);
CREATE INDEX circles_owner_id ON circles (owner_id);
COMMENT ON TABLE circles IS 'Three to five people who vouch for each other';
COMMENT ON COLUMN circles.id IS 'The circle';
COMMENT ON COLUMN circles.owner_id IS 'Who made it';
COMMENT ON COLUMN circles.name IS 'Its name';
COMMENT ON COLUMN circles.status IS 'Follows from its members, or DISBANDED for good';
COMMENT ON COLUMN circles.member_count IS 'Active members, the owner included';
COMMENT ON COLUMN circles.version IS 'Raised by each change';
COMMENT ON COLUMN circles.created_at IS 'When it was made';
COMMENT ON COLUMN circles.updated_at IS 'When it last changed';
ALTER TABLE miners ADD CONSTRAINT miners_circle_id_fkey FOREIGN KEY (circle_id) REFERENCES circles (id);

CREATE TABLE circle_members (
    id uuid NOT NULL,
    circle_id uuid NOT NULL,
    miner_id uuid NOT NULL,
    joined_at timestamptz NOT NULL,
    left_at timestamptz,
    CONSTRAINT circle_members_pkey PRIMARY KEY (id),
    CONSTRAINT circle_members_circle_id_fkey FOREIGN KEY (circle_id) REFERENCES circles (id),
    CONSTRAINT circle_members_miner_id_fkey FOREIGN KEY (miner_id) REFERENCES miners (id)
);
CREATE UNIQUE INDEX circle_members_one_circle ON circle_members (miner_id) WHERE left_at IS NULL;
CREATE INDEX circle_members_active ON circle_members (circle_id, joined_at, id) WHERE left_at IS NULL;
COMMENT ON TABLE circle_members IS 'Who is and was in which circle';
COMMENT ON COLUMN circle_members.id IS 'The membership';
COMMENT ON COLUMN circle_members.circle_id IS 'In which circle';
COMMENT ON COLUMN circle_members.miner_id IS 'Who';
COMMENT ON COLUMN circle_members.joined_at IS 'Since when';
COMMENT ON COLUMN circle_members.left_at IS 'Until when; null for active members';

CREATE TABLE referrals (
    id uuid NOT NULL,
    referrer_id uuid NOT NULL,
    referred_id uuid NOT NULL,
    referral_code text NOT NULL,
    bonus_bps integer NOT NULL,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    activated_at timestamptz,
    CONSTRAINT referrals_pkey PRIMARY KEY (id),
    CONSTRAINT referrals_referred_id_key UNIQUE (referred_id),
    CONSTRAINT referrals_referrer_id_fkey FOREIGN KEY (referrer_id) REFERENCES miners (id),
    CONSTRAINT referrals_referred_id_fkey FOREIGN KEY (referred_id) REFERENCES miners (id),
    CONSTRAINT referrals_not_oneself CHECK (referrer_id <> referred_id),
    CONSTRAINT referrals_status_known CHECK (status IN ('PENDING', 'ACTIVE', 'INACTIVE')),
    CONSTRAINT referrals_bonus_range CHECK (bonus_bps BETWEEN 0 AND 100000)
);
CREATE INDEX referrals_referrer_id ON referrals (referrer_id, status) INCLUDE (bonus_bps);
COMMENT ON TABLE referrals IS 'Who brought whom';
COMMENT ON COLUMN referrals.id IS 'The referral';
COMMENT ON COLUMN referrals.referrer_id IS 'Who brought';
COMMENT ON COLUMN referrals.referred_id IS 'Whom';
COMMENT ON COLUMN referrals.referral_code IS 'The code that was given';
COMMENT ON COLUMN referrals.bonus_bps IS 'What it adds to the referrer''s rate while active, in basis points';
COMMENT ON COLUMN referrals.status IS 'Whether it counts';
COMMENT ON COLUMN referrals.created_at IS 'When the code was given';
COMMENT ON COLUMN referrals.activated_at IS 'When it first counted';

GRANT SELECT, INSERT, UPDATE ON miners, mining_sessions, circles, circle_members, referrals TO goodgo_app;
GRANT SELECT, INSERT ON mining_history TO goodgo_app;
-- Since when a miner is suspended: that time counts against neither their streak nor their session's claim window.

ALTER TABLE miners
    ADD COLUMN suspended_at timestamptz,
    ADD CONSTRAINT miners_suspended_since CHECK (suspended_at IS NULL OR status = 'SUSPENDED');
COMMENT ON COLUMN miners.suspended_at IS 'Since when they are suspended: their streak stands still from then on';
UPDATE miners SET suspended_at = updated_at WHERE status = 'SUSPENDED';

ALTER TABLE mining_sessions
    ADD COLUMN window_stopped_at timestamptz,
    ADD COLUMN window_extension_microseconds bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT mining_sessions_window_extension_not_negative CHECK (window_extension_microseconds >= 0);
COMMENT ON COLUMN mining_sessions.window_stopped_at IS 'Since when the claim window stands still, because its miner is suspended';
COMMENT ON COLUMN mining_sessions.window_extension_microseconds IS 'By how much suspensions that are over made the claim window longer';
UPDATE mining_sessions s SET window_stopped_at = m.suspended_at
FROM miners m WHERE m.id = s.miner_id AND m.status = 'SUSPENDED' AND s.status IN ('ACTIVE', 'COMPLETED');

GRANT SELECT, INSERT, UPDATE ON miners, mining_sessions TO goodgo_app;
-- Who is invited into which circle, and how memberships end: free places and people who left wait before the next time.

ALTER TABLE circle_members ADD COLUMN left_how text;
UPDATE circle_members SET left_how = 'LEFT' WHERE left_at IS NOT NULL;
ALTER TABLE circle_members
    ADD CONSTRAINT circle_members_left_how_known
        CHECK (left_how IN ('LEFT', 'REMOVED', 'BANNED', 'DISBANDED', 'DISBANDED_AS_OWNER')),
    ADD CONSTRAINT circle_members_left_whole CHECK ((left_at IS NULL) = (left_how IS NULL));
COMMENT ON COLUMN circle_members.left_how IS 'How it ended; null for active members';
CREATE INDEX circle_members_left_circle ON circle_members (circle_id, left_at) WHERE left_at IS NOT NULL;
CREATE INDEX circle_members_left_miner ON circle_members (miner_id, left_at) WHERE left_at IS NOT NULL;

CREATE TABLE circle_invitations (
    id uuid NOT NULL,
    circle_id uuid NOT NULL,
    invitee_id uuid NOT NULL,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    decided_at timestamptz,
    CONSTRAINT circle_invitations_pkey PRIMARY KEY (id),
    CONSTRAINT circle_invitations_circle_id_fkey FOREIGN KEY (circle_id) REFERENCES circles (id),
    CONSTRAINT circle_invitations_invitee_id_fkey FOREIGN KEY (invitee_id) REFERENCES miners (id),
    CONSTRAINT circle_invitations_status_known
        CHECK (status IN ('PENDING', 'ACCEPTED', 'DECLINED', 'CANCELLED', 'EXPIRED')),
    CONSTRAINT circle_invitations_decided_whole
        CHECK ((status IN ('ACCEPTED', 'DECLINED', 'CANCELLED')) = (decided_at IS NOT NULL)),
    CONSTRAINT circle_invitations_expire_later CHECK (expires_at > created_at)
);
CREATE UNIQUE INDEX circle_invitations_one_pending ON circle_invitations (circle_id, invitee_id) WHERE status = 'PENDING';
CREATE INDEX circle_invitations_due ON circle_invitations (expires_at) WHERE status = 'PENDING';
CREATE INDEX circle_invitations_sent ON circle_invitations (circle_id, created_at);
CREATE INDEX circle_invitations_received ON circle_invitations (invitee_id, created_at, id);
COMMENT ON TABLE circle_invitations IS 'Who was invited into which circle, and what became of it';
COMMENT ON COLUMN circle_invitations.id IS 'The invitation';
COMMENT ON COLUMN circle_invitations.circle_id IS 'Into which circle; its owner invites';
COMMENT ON COLUMN circle_invitations.invitee_id IS 'Whom';
COMMENT ON COLUMN circle_invitations.status IS 'As last stored: a PENDING one may have expired since';
COMMENT ON COLUMN circle_invitations.created_at IS 'When it was sent';
COMMENT ON COLUMN circle_invitations.expires_at IS 'Until when it can be accepted';
COMMENT ON COLUMN circle_invitations.decided_at IS 'When it was accepted, declined or cancelled';

CREATE INDEX circles_created_at ON circles (created_at, id);

GRANT SELECT, INSERT, UPDATE ON circle_invitations, circle_members TO goodgo_app;
-- Referrals are listed newest first: all of them, and those of each referrer.
CREATE INDEX referrals_created_at ON referrals (created_at, id);
CREATE INDEX referrals_referrer_created ON referrals (referrer_id, created_at, id);
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

-- Staff look for what is rare: among a million who mine, the few who were banned. And for codes by how they begin, which an
-- index in the order of a language can't find.
CREATE INDEX miners_status_created ON miners (status, created_at, id) WHERE status <> 'ACTIVE';
CREATE INDEX miners_role_created ON miners (role, created_at, id) WHERE role IN ('AMBASSADOR', 'NODE_OPERATOR');
CREATE INDEX miners_referral_code_prefix ON miners (referral_code text_pattern_ops);
CREATE INDEX circles_status_created ON circles (status, created_at, id);
CREATE INDEX referrals_status_created ON referrals (status, created_at, id) WHERE status <> 'ACTIVE';
-- A session that is not claimed holds no streak: what was due before it is due again.
ALTER TABLE miners ADD COLUMN previous_since timestamptz, ADD COLUMN previous_due_at timestamptz,
    ADD CONSTRAINT miners_previous_due_whole CHECK ((previous_since IS NULL) = (previous_due_at IS NULL)) NOT VALID;
COMMENT ON COLUMN miners.previous_since IS 'The streak_since of before the newest session, which counts again if that is not claimed';
COMMENT ON COLUMN miners.previous_due_at IS 'The streak_due_at of before the newest session, later by the days bought off or lost when that began';
CREATE INDEX miners_referral_code_trigrams ON miners USING gin (referral_code gin_trgm_ops);
CREATE INDEX miners_user_id_trigrams ON miners USING gin ((user_id::text) gin_trgm_ops);
