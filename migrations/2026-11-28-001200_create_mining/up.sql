-- Miners, their sessions and history, circles and referrals.
--
-- A miner's rows are keyed by the user, a circle's by the circle, a referral's by the referrer's user.

CREATE TABLE miners (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    role text NOT NULL,
    status text NOT NULL,
    lifetime_points bigint NOT NULL,
    current_streak integer NOT NULL,
    longest_streak integer NOT NULL,
    last_claim_at timestamptz,
    streak_since timestamptz,
    streak_due_at timestamptz,
    previous_since timestamptz,
    previous_due_at timestamptz,
    freeze_tokens integer NOT NULL,
    is_grace_period boolean NOT NULL,
    milestones_paid integer[] NOT NULL,
    broken_days integer,
    broken_milestones_paid integer[],
    broken_until timestamptz,
    suspended_at timestamptz,
    referral_code text NOT NULL,
    referred_by uuid,
    circle_id uuid,
    is_circle_valid boolean NOT NULL DEFAULT false,
    circle_left_at timestamptz,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT miners_pkey PRIMARY KEY (user_id),
    CONSTRAINT miners_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id),
    CONSTRAINT miners_role_known CHECK (role IN ('PIONEER', 'CONTRIBUTOR', 'AMBASSADOR', 'NODE_OPERATOR')),
    CONSTRAINT miners_status_known CHECK (status IN ('ACTIVE', 'SUSPENDED', 'BANNED')),
    CONSTRAINT miners_lifetime_points_not_negative CHECK (lifetime_points >= 0),
    CONSTRAINT miners_streak_not_negative CHECK (current_streak >= 0 AND longest_streak >= current_streak),
    CONSTRAINT miners_freeze_tokens_range CHECK (freeze_tokens BETWEEN 0 AND 3),
    CONSTRAINT miners_due_whole CHECK ((streak_since IS NULL) = (streak_due_at IS NULL)),
    CONSTRAINT miners_previous_due_whole CHECK ((previous_since IS NULL) = (previous_due_at IS NULL)),
    CONSTRAINT miners_broken_whole CHECK (num_nulls(broken_days, broken_milestones_paid, broken_until) IN (0, 3)),
    CONSTRAINT miners_suspended_since CHECK (suspended_at IS NULL OR status = 'SUSPENDED'),
    CONSTRAINT miners_referral_code_form CHECK (referral_code ~ '^[A-HJ-NP-Z2-9]{8}$'),
    CONSTRAINT miners_not_own_referrer CHECK (referred_by <> user_id),
    CONSTRAINT miners_valid_circle CHECK (circle_id IS NOT NULL OR NOT is_circle_valid)
) WITH (fillfactor = 80);
CREATE INDEX miners_id ON miners (id);
CREATE INDEX miners_leaderboard ON miners (lifetime_points DESC, created_at, id) WHERE status = 'ACTIVE';
CREATE INDEX miners_lifetime_points ON miners (lifetime_points, id);
CREATE INDEX miners_created_at ON miners (created_at, id);
-- Staff search rare states among many miners, and parts of codes and ids.
CREATE INDEX miners_status_created ON miners (status, created_at, id) WHERE status <> 'ACTIVE';
CREATE INDEX miners_role_created ON miners (role, created_at, id) WHERE role IN ('AMBASSADOR', 'NODE_OPERATOR');
CREATE INDEX miners_referral_code_trigrams ON miners USING gin (referral_code gin_trgm_ops);
CREATE INDEX miners_user_id_trigrams ON miners USING gin ((user_id::text) gin_trgm_ops);
COMMENT ON TABLE miners IS 'Users who mine, one row each';
COMMENT ON COLUMN miners.user_id IS 'User, whose id is the key of all rows of the miner';
COMMENT ON COLUMN miners.id IS 'Public id of the miner';
COMMENT ON COLUMN miners.role IS 'Highest role that facts or a grant give';
COMMENT ON COLUMN miners.status IS 'Whether the miner may mine';
COMMENT ON COLUMN miners.lifetime_points IS 'All points ever mined, in ten-thousandths';
COMMENT ON COLUMN miners.current_streak IS 'Days of the current run, as last settled';
COMMENT ON COLUMN miners.longest_streak IS 'Days of the longest run';
COMMENT ON COLUMN miners.last_claim_at IS 'Time of the last claim';
COMMENT ON COLUMN miners.streak_since IS 'End of the open session, or the last claim; lateness is counted from here';
COMMENT ON COLUMN miners.streak_due_at IS 'Time until which the next claim is on time';
COMMENT ON COLUMN miners.previous_since IS 'streak_since before the newest session, which counts again if that is not claimed';
COMMENT ON COLUMN miners.previous_due_at IS 'streak_due_at before the newest session, later by the days bought off or lost at its start';
COMMENT ON COLUMN miners.freeze_tokens IS 'Number of missed days that can be bought off';
COMMENT ON COLUMN miners.is_grace_period IS 'Whether the last claim, or the start since, was late and forgiven';
COMMENT ON COLUMN miners.milestones_paid IS 'First days of the tiers that this run was paid for';
COMMENT ON COLUMN miners.broken_days IS 'Days of the previous run while it can be recovered';
COMMENT ON COLUMN miners.broken_milestones_paid IS 'First days of the tiers that the previous run was paid for';
COMMENT ON COLUMN miners.broken_until IS 'Time until which the previous run can be recovered';
COMMENT ON COLUMN miners.suspended_at IS 'Start of the suspension; the streak stands still from then on';
COMMENT ON COLUMN miners.referral_code IS 'Code by which others name the miner as referrer';
COMMENT ON COLUMN miners.referred_by IS 'User who referred the miner';
COMMENT ON COLUMN miners.circle_id IS 'Circle of the miner';
COMMENT ON COLUMN miners.is_circle_valid IS 'Whether the circle has enough members for the bonus';
COMMENT ON COLUMN miners.circle_left_at IS 'Last time the miner left a circle in a way that starts the cooldown';
COMMENT ON COLUMN miners.version IS 'Raised by each change; sequence of the events about the miner';
COMMENT ON COLUMN miners.created_at IS 'Time of registration';
COMMENT ON COLUMN miners.updated_at IS 'Time of the last change';

CREATE TABLE referral_codes (
    code text NOT NULL,
    user_id uuid NOT NULL,
    CONSTRAINT referral_codes_pkey PRIMARY KEY (code)
);
COMMENT ON TABLE referral_codes IS 'Miner of each referral code';
COMMENT ON COLUMN referral_codes.code IS 'Referral code, unique on the platform';
COMMENT ON COLUMN referral_codes.user_id IS 'User of the miner';

CREATE TABLE mining_sessions (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    status text NOT NULL,
    started_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    claim_window_hours integer NOT NULL,
    window_stopped_at timestamptz,
    window_extension_microseconds bigint NOT NULL DEFAULT 0,
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
    CONSTRAINT mining_sessions_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT mining_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES miners (user_id),
    CONSTRAINT mining_sessions_status_known CHECK (status IN ('ACTIVE', 'COMPLETED', 'CLAIMED', 'EXPIRED')),
    CONSTRAINT mining_sessions_ends_after_start CHECK (ends_at > started_at),
    CONSTRAINT mining_sessions_window_extension_not_negative CHECK (window_extension_microseconds >= 0),
    CONSTRAINT mining_sessions_claimed_whole CHECK ((status = 'CLAIMED') = (num_nonnulls(claimed_at, points_earned, streak_bonus, referral_points) = 4)
        AND num_nonnulls(claimed_at, points_earned, streak_bonus, referral_points) IN (0, 4)),
    CONSTRAINT mining_sessions_expired_whole CHECK ((status = 'EXPIRED') = (expired_at IS NOT NULL))
);
CREATE UNIQUE INDEX mining_sessions_one_open ON mining_sessions (user_id) WHERE status IN ('ACTIVE', 'COMPLETED');
CREATE INDEX mining_sessions_user_started ON mining_sessions (user_id, started_at DESC);
-- The end of a session's claim window, in UTC without a time zone, where adding hours is immutable.
CREATE FUNCTION claim_window_end(ends_at timestamptz, hours integer, extension_microseconds bigint) RETURNS timestamp
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (ends_at AT TIME ZONE 'UTC') + hours * interval '1 hour' + extension_microseconds * interval '1 microsecond';
COMMENT ON FUNCTION claim_window_end IS 'Time until which a session can be claimed, in UTC, without pauses';
-- Candidates of the job mining_session_completion.
CREATE INDEX mining_sessions_running ON mining_sessions (ends_at, id) WHERE status = 'ACTIVE';
CREATE INDEX mining_sessions_waiting
    ON mining_sessions (claim_window_end(ends_at, claim_window_hours, window_extension_microseconds), id)
    WHERE status = 'COMPLETED' AND window_stopped_at IS NULL;
COMMENT ON TABLE mining_sessions IS 'Sessions with the rate at their start';
COMMENT ON COLUMN mining_sessions.user_id IS 'User of the miner';
COMMENT ON COLUMN mining_sessions.id IS 'Id of the session';
COMMENT ON COLUMN mining_sessions.status IS 'State as last stored; an ACTIVE one may have ended since';
COMMENT ON COLUMN mining_sessions.started_at IS 'Time of the start';
COMMENT ON COLUMN mining_sessions.ends_at IS 'Time it is complete';
COMMENT ON COLUMN mining_sessions.claim_window_hours IS 'Hours after the end in which it can be claimed';
COMMENT ON COLUMN mining_sessions.window_stopped_at IS 'Time since which the claim window is stopped by a suspension';
COMMENT ON COLUMN mining_sessions.window_extension_microseconds IS 'Extension of the claim window by ended suspensions';
COMMENT ON COLUMN mining_sessions.base_rate IS 'Ten-thousandths of a point per hour before any bonus';
COMMENT ON COLUMN mining_sessions.role_bonus_bps IS 'Bonus of the role in basis points';
COMMENT ON COLUMN mining_sessions.circle_bonus_bps IS 'Bonus of the circle in basis points';
COMMENT ON COLUMN mining_sessions.referral_bonus_bps IS 'Bonus of referrals in basis points';
COMMENT ON COLUMN mining_sessions.streak_bonus_bps IS 'Bonus of the streak in basis points';
COMMENT ON COLUMN mining_sessions.hourly_rate IS 'Ten-thousandths of a point per hour with every bonus';
COMMENT ON COLUMN mining_sessions.started_in_grace IS 'Whether the start was late and forgiven';
COMMENT ON COLUMN mining_sessions.configuration_version IS 'Version of the section mining at the start';
COMMENT ON COLUMN mining_sessions.claimed_at IS 'Time of the claim';
COMMENT ON COLUMN mining_sessions.points_earned IS 'Reward in ten-thousandths of a point';
COMMENT ON COLUMN mining_sessions.streak_bonus IS 'Milestones paid with it, in ten-thousandths of a point';
COMMENT ON COLUMN mining_sessions.referral_points IS 'Part of the reward that is due to referrals, in ten-thousandths of a point';
COMMENT ON COLUMN mining_sessions.expired_at IS 'Time it was stored as expired, or ended by a ban';

CREATE TABLE mining_history (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    points bigint NOT NULL,
    source text NOT NULL,
    session_id uuid,
    earned_at timestamptz NOT NULL,
    hourly_rate bigint NOT NULL,
    streak_days integer NOT NULL,
    CONSTRAINT mining_history_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT mining_history_user_id_fkey FOREIGN KEY (user_id) REFERENCES miners (user_id),
    CONSTRAINT mining_history_session_fkey FOREIGN KEY (user_id, session_id) REFERENCES mining_sessions (user_id, id),
    CONSTRAINT mining_history_source_known CHECK (source IN ('SESSION', 'STREAK_MILESTONE', 'ADJUSTMENT', 'STREAK_RECOVERY'))
);
-- A session pays once, even if a command forgets to lock.
CREATE UNIQUE INDEX mining_history_session_pays_once ON mining_history (user_id, session_id) WHERE source = 'SESSION';
CREATE INDEX mining_history_user_earned ON mining_history (user_id, earned_at DESC, id DESC);
COMMENT ON TABLE mining_history IS 'Changes of miners'' points';
COMMENT ON COLUMN mining_history.user_id IS 'User of the miner';
COMMENT ON COLUMN mining_history.id IS 'Id of the entry';
COMMENT ON COLUMN mining_history.points IS 'Change in ten-thousandths of a point; negative when taken';
COMMENT ON COLUMN mining_history.source IS 'Cause of the change';
COMMENT ON COLUMN mining_history.session_id IS 'Session that earned the points';
COMMENT ON COLUMN mining_history.earned_at IS 'Time of the change';
COMMENT ON COLUMN mining_history.hourly_rate IS 'Rate at that time in ten-thousandths of a point per hour';
COMMENT ON COLUMN mining_history.streak_days IS 'Days of the streak after the change';

CREATE TABLE circles (
    id uuid NOT NULL,
    owner_user_id uuid NOT NULL,
    owner_miner_id uuid NOT NULL,
    name text NOT NULL,
    name_folded text COLLATE "C" NOT NULL,
    status text NOT NULL,
    member_count integer NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT circles_pkey PRIMARY KEY (id),
    CONSTRAINT circles_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT circles_status_follows_members CHECK (
        (status = 'INCOMPLETE' AND member_count BETWEEN 1 AND 2)
        OR (status = 'ACTIVE' AND member_count BETWEEN 3 AND 5)
        OR (status = 'DISBANDED' AND member_count = 0))
);
CREATE INDEX circles_created_at ON circles (created_at, id);
CREATE INDEX circles_status_created ON circles (status, created_at, id);
CREATE INDEX circles_name_grams ON circles USING gin (search_grams(name_folded));
COMMENT ON TABLE circles IS 'Security circles of three to five miners';
COMMENT ON COLUMN circles.id IS 'Id of the circle';
COMMENT ON COLUMN circles.owner_user_id IS 'User of the owner';
COMMENT ON COLUMN circles.owner_miner_id IS 'Public id of the owner';
COMMENT ON COLUMN circles.name IS 'Name of the circle';
COMMENT ON COLUMN circles.name_folded IS 'Name without differences of case, which the program folds; searches compare it';
COMMENT ON COLUMN circles.status IS 'State that follows from the number of members, or DISBANDED for good';
COMMENT ON COLUMN circles.member_count IS 'Number of active members including the owner';
COMMENT ON COLUMN circles.version IS 'Raised by each change; sequence of the events about the circle';
COMMENT ON COLUMN circles.created_at IS 'Time it was created';
COMMENT ON COLUMN circles.updated_at IS 'Time of the last change';

CREATE TABLE circle_members (
    circle_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    miner_id uuid NOT NULL,
    joined_at timestamptz NOT NULL,
    left_at timestamptz,
    left_how text,
    CONSTRAINT circle_members_pkey PRIMARY KEY (circle_id, id),
    CONSTRAINT circle_members_circle_id_fkey FOREIGN KEY (circle_id) REFERENCES circles (id),
    CONSTRAINT circle_members_left_how_known
        CHECK (left_how IN ('LEFT', 'REMOVED', 'BANNED', 'DISBANDED', 'DISBANDED_AS_OWNER')),
    CONSTRAINT circle_members_left_whole CHECK ((left_at IS NULL) = (left_how IS NULL))
);
CREATE UNIQUE INDEX circle_members_once ON circle_members (circle_id, user_id) WHERE left_at IS NULL;
CREATE INDEX circle_members_active ON circle_members (circle_id, joined_at, id) WHERE left_at IS NULL;
CREATE INDEX circle_members_left ON circle_members (circle_id, left_at) WHERE left_at IS NOT NULL;
COMMENT ON TABLE circle_members IS 'Present and former members of circles; miners.circle_id holds that a miner is in one at most';
COMMENT ON COLUMN circle_members.circle_id IS 'The circle';
COMMENT ON COLUMN circle_members.id IS 'Id of the membership';
COMMENT ON COLUMN circle_members.user_id IS 'User of the member';
COMMENT ON COLUMN circle_members.miner_id IS 'Public id of the member';
COMMENT ON COLUMN circle_members.joined_at IS 'Time of joining';
COMMENT ON COLUMN circle_members.left_at IS 'Time of leaving; null for active members';
COMMENT ON COLUMN circle_members.left_how IS 'Way the membership ended; null for active members';

CREATE TABLE circle_invitations (
    circle_id uuid NOT NULL,
    id uuid NOT NULL,
    invitee_user_id uuid NOT NULL,
    invitee_miner_id uuid NOT NULL,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    decided_at timestamptz,
    CONSTRAINT circle_invitations_pkey PRIMARY KEY (circle_id, id),
    CONSTRAINT circle_invitations_circle_id_fkey FOREIGN KEY (circle_id) REFERENCES circles (id),
    CONSTRAINT circle_invitations_status_known
        CHECK (status IN ('PENDING', 'ACCEPTED', 'DECLINED', 'CANCELLED', 'EXPIRED')),
    CONSTRAINT circle_invitations_decided_whole
        CHECK ((status IN ('ACCEPTED', 'DECLINED', 'CANCELLED')) = (decided_at IS NOT NULL)),
    CONSTRAINT circle_invitations_expire_later CHECK (expires_at > created_at)
);
CREATE UNIQUE INDEX circle_invitations_one_pending ON circle_invitations (circle_id, invitee_user_id) WHERE status = 'PENDING';
CREATE INDEX circle_invitations_due ON circle_invitations (expires_at) WHERE status = 'PENDING';
CREATE INDEX circle_invitations_sent ON circle_invitations (circle_id, created_at);
CREATE INDEX circle_invitations_received ON circle_invitations (invitee_user_id, created_at, id);
COMMENT ON TABLE circle_invitations IS 'Invitations into circles';
COMMENT ON COLUMN circle_invitations.circle_id IS 'The circle, whose owner invites';
COMMENT ON COLUMN circle_invitations.id IS 'Id of the invitation';
COMMENT ON COLUMN circle_invitations.invitee_user_id IS 'User of the invitee';
COMMENT ON COLUMN circle_invitations.invitee_miner_id IS 'Public id of the invitee';
COMMENT ON COLUMN circle_invitations.status IS 'State as last stored; a PENDING one may have expired since';
COMMENT ON COLUMN circle_invitations.created_at IS 'Time it was sent';
COMMENT ON COLUMN circle_invitations.expires_at IS 'Time until which it can be accepted';
COMMENT ON COLUMN circle_invitations.decided_at IS 'Time it was accepted, declined or cancelled';

CREATE TABLE referrals (
    referrer_user_id uuid NOT NULL,
    referred_user_id uuid NOT NULL,
    id uuid NOT NULL,
    referrer_miner_id uuid NOT NULL,
    referred_miner_id uuid NOT NULL,
    referral_code text NOT NULL,
    bonus_bps integer NOT NULL,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    activated_at timestamptz,
    CONSTRAINT referrals_pkey PRIMARY KEY (referrer_user_id, referred_user_id),
    CONSTRAINT referrals_referrer_user_id_fkey FOREIGN KEY (referrer_user_id) REFERENCES miners (user_id),
    CONSTRAINT referrals_not_oneself CHECK (referrer_user_id <> referred_user_id),
    CONSTRAINT referrals_status_known CHECK (status IN ('PENDING', 'ACTIVE', 'INACTIVE')),
    CONSTRAINT referrals_bonus_range CHECK (bonus_bps BETWEEN 0 AND 100000)
);
CREATE INDEX referrals_status ON referrals (referrer_user_id, status) INCLUDE (bonus_bps);
CREATE INDEX referrals_created_at ON referrals (created_at, id);
CREATE INDEX referrals_referrer_created ON referrals (referrer_user_id, created_at, id);
CREATE INDEX referrals_status_created ON referrals (status, created_at, id) WHERE status <> 'ACTIVE';
COMMENT ON TABLE referrals IS 'Referrals of one miner by another; miners.referred_by is the reverse';
COMMENT ON COLUMN referrals.referrer_user_id IS 'User of the referrer';
COMMENT ON COLUMN referrals.referred_user_id IS 'User of the referred miner';
COMMENT ON COLUMN referrals.id IS 'Public id of the referral';
COMMENT ON COLUMN referrals.referrer_miner_id IS 'Public id of the referrer';
COMMENT ON COLUMN referrals.referred_miner_id IS 'Public id of the referred miner';
COMMENT ON COLUMN referrals.referral_code IS 'Code that was applied';
COMMENT ON COLUMN referrals.bonus_bps IS 'Addition to the referrer''s rate while active, in basis points';
COMMENT ON COLUMN referrals.status IS 'State of the referral';
COMMENT ON COLUMN referrals.created_at IS 'Time the code was applied';
COMMENT ON COLUMN referrals.activated_at IS 'Time it first became active';

GRANT SELECT, INSERT, UPDATE ON miners, mining_sessions, circles, circle_members, circle_invitations, referrals TO goodgo_app;
GRANT SELECT, INSERT ON referral_codes, mining_history TO goodgo_app;
