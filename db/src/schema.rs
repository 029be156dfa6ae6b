//! Generated from the migrations by `script/generate`; a test fails when it is stale.

diesel::table! {
    /// How far the development clock is ahead of the machine's; one row, zero in production
    app_clock (singleton) {
        /// Always true: there is one row
        singleton -> Bool,
        /// Added to the machine's time
        offset_microseconds -> Int8,
    }
}

diesel::table! {
    /// Commands that wait, or waited, for a second person
    approvals (id) {
        /// The approval
        id -> Uuid,
        /// Name of the command
        command -> Text,
        /// Why, in the words of who asked
        reason -> Text,
        /// Who asked: the subject of their token
        requested_by -> Uuid,
        /// When they asked
        requested_at -> Timestamptz,
        /// Until when it can be decided
        expires_at -> Timestamptz,
        /// As last stored: a PENDING one may have expired since
        status -> Text,
        /// Who decided: somebody else
        decided_by -> Nullable<Uuid>,
        /// When they decided
        decided_at -> Nullable<Timestamptz>,
        /// Why it was declined
        decision_reason -> Nullable<Text>,
        /// Person the command is about, who may not decide
        subject -> Nullable<Uuid>,
        /// Values of the command
        proposal -> Jsonb,
    }
}

diesel::table! {
    /// What staff and services did or tried; append-only
    audit_log (id) {
        /// Order of writing
        id -> Int8,
        /// When
        occurred_at -> Timestamptz,
        /// Who vouched for the actor
        issuer -> Text,
        /// Who: the subject of the token
        actor -> Text,
        /// Roles or scopes they had
        roles -> Array<Text>,
        /// Name of the command
        action -> Text,
        /// What kind of thing it was about
        entity_kind -> Nullable<Text>,
        /// Which one
        entity_id -> Nullable<Text>,
        /// Why, in their words
        reason -> Nullable<Text>,
        /// The thing before
        before -> Nullable<Jsonb>,
        /// The thing after
        after -> Nullable<Jsonb>,
        /// Whether it was applied
        outcome -> Text,
        /// The refusal with its facts
        refusal -> Nullable<Jsonb>,
        /// The request it came with
        request_id -> Nullable<Text>,
        /// The ledger's transaction, if money or points moved
        transaction_id -> Nullable<Uuid>,
        /// Whether the caller is a service
        is_service -> Bool,
        /// Number of equal denied commands within the minute; 1 for other outcomes
        attempts -> Int4,
    }
}

diesel::table! {
    /// Who was invited into which circle, and what became of it
    circle_invitations (id) {
        /// The invitation
        id -> Uuid,
        /// Into which circle; its owner invites
        circle_id -> Uuid,
        /// Whom
        invitee_id -> Uuid,
        /// As last stored: a PENDING one may have expired since
        status -> Text,
        /// When it was sent
        created_at -> Timestamptz,
        /// Until when it can be accepted
        expires_at -> Timestamptz,
        /// When it was accepted, declined or cancelled
        decided_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Who is and was in which circle
    circle_members (id) {
        /// The membership
        id -> Uuid,
        /// In which circle
        circle_id -> Uuid,
        /// Who
        miner_id -> Uuid,
        /// Since when
        joined_at -> Timestamptz,
        /// Until when; null for active members
        left_at -> Nullable<Timestamptz>,
        /// How it ended; null for active members
        left_how -> Nullable<Text>,
    }
}

diesel::table! {
    /// Three to five people who vouch for each other
    circles (id) {
        /// The circle
        id -> Uuid,
        /// Who made it
        owner_id -> Uuid,
        /// Its name
        name -> Text,
        /// Follows from its members, or DISBANDED for good
        status -> Text,
        /// Active members, the owner included
        member_count -> Int4,
        /// Raised by each change
        version -> Int8,
        /// When it was made
        created_at -> Timestamptz,
        /// When it last changed
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Every version of every section; the highest is in force
    configurations (section, version) {
        /// Which part of the system it configures
        section -> Text,
        /// Counts from 1
        version -> Int4,
        /// The section's values, named as in the API
        body -> Jsonb,
        /// When it came into force
        updated_at -> Timestamptz,
        /// Who set it
        updated_by -> Text,
        /// Why
        reason -> Text,
    }
}

diesel::table! {
    /// What the ledger counts
    currencies (number) {
        /// Low byte of the key of every wallet of this currency
        number -> Int2,
        /// Its code, upper case
        code -> Text,
        /// Decimals of the smallest unit; never changes once used
        scale -> Int2,
        /// Decimals shown to people
        display_decimals -> Int2,
    }
}

diesel::table! {
    /// The named people of the demo data; empty in production
    demo_people (name) {
        /// What goodgo token --as takes
        name -> Text,
        /// Who it is at the moment
        user_id -> Uuid,
    }
}

diesel::table! {
    /// First answers of commands, by caller, operation and key; kept for two days and dropped by the day
    idempotency_keys (caller, operation, key, day) {
        /// UTC day it was stored
        day -> Date,
        /// Issuer and subject of the token
        caller -> Text,
        /// Name of the command
        operation -> Text,
        /// What the caller chose
        key -> Text,
        /// SHA-256 of the command's input: another input under the same key is refused
        request_hash -> Bytea,
        /// Whether the answer was a refusal
        is_refused -> Bool,
        /// The first answer
        answer -> Jsonb,
        /// The ledger's transaction, if money or points moved
        transaction_id -> Nullable<Uuid>,
        /// When it was stored
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// Background jobs; all times are the machine's
    jobs (name) {
        /// Which job
        name -> Text,
        /// When it is to run next
        due_at -> Timestamptz,
        /// The instance that runs it; null while nobody does
        holder -> Nullable<Uuid>,
        /// Until when it is the holder's, unless renewed: a dead instance holds nothing for long
        leased_until -> Nullable<Timestamptz>,
        /// When it was last taken
        started_at -> Nullable<Timestamptz>,
        /// When it last came to an end
        finished_at -> Nullable<Timestamptz>,
        /// When it last came to a good end
        succeeded_at -> Nullable<Timestamptz>,
        /// How often it came to an end
        runs -> Int8,
        /// How often in a row that was a bad one
        failures -> Int8,
        /// What went wrong the last time; null after a good end
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    /// Who mines: one row per user
    miners (id) {
        /// The miner
        id -> Uuid,
        /// Whose it is
        user_id -> Uuid,
        /// The highest role that facts or a grant give
        role -> Text,
        /// Whether they may mine
        status -> Text,
        /// All points ever mined, in ten-thousandths
        lifetime_points -> Int8,
        /// Days of the present run, as last settled
        current_streak -> Int4,
        /// Days of the longest run
        longest_streak -> Int4,
        /// When a session was last claimed
        last_claim_at -> Nullable<Timestamptz>,
        /// End of the open session, or the last claim: from here lateness is counted
        streak_since -> Nullable<Timestamptz>,
        /// Until when the next claim is on time
        streak_due_at -> Nullable<Timestamptz>,
        /// Missed days that can be bought off
        freeze_tokens -> Int4,
        /// Whether the last claim, or the start since, was forgiven as late
        is_grace_period -> Bool,
        /// First days of the tiers this run was paid for
        milestones_paid -> Array<Int4>,
        /// Days of the run before, while it can be recovered
        broken_days -> Nullable<Int4>,
        /// What that run was paid for
        broken_milestones_paid -> Nullable<Array<Int4>>,
        /// Until when it can be recovered
        broken_until -> Nullable<Timestamptz>,
        /// By which others name them as referrer
        referral_code -> Text,
        /// Who brought them
        referred_by -> Nullable<Uuid>,
        /// The circle they are in
        circle_id -> Nullable<Uuid>,
        /// Raised by each change: sequence of the events about them
        version -> Int8,
        /// When they registered
        created_at -> Timestamptz,
        /// When they last changed
        updated_at -> Timestamptz,
        /// Since when they are suspended: their streak stands still from then on
        suspended_at -> Nullable<Timestamptz>,
        /// The streak_since of before the newest session, which counts again if that is not claimed
        previous_since -> Nullable<Timestamptz>,
        /// The streak_due_at of before the newest session, later by the days bought off or lost when that began
        previous_due_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Every change of a miner's points
    mining_history (id) {
        /// The line
        id -> Uuid,
        /// Whose
        miner_id -> Uuid,
        /// How much, in ten-thousandths; negative for what was taken
        points -> Int8,
        /// Where from
        source -> Text,
        /// The session that earned it
        session_id -> Nullable<Uuid>,
        /// When
        earned_at -> Timestamptz,
        /// The rate then, in ten-thousandths of a point an hour
        hourly_rate -> Int8,
        /// The streak right after
        streak_days -> Int4,
    }
}

diesel::table! {
    /// Times of mining, with the rate they were started at
    mining_sessions (id) {
        /// The session
        id -> Uuid,
        /// Whose
        miner_id -> Uuid,
        /// As last stored: an ACTIVE one may have ended since
        status -> Text,
        /// When it began
        started_at -> Timestamptz,
        /// When it is complete
        ends_at -> Timestamptz,
        /// How long it can be claimed after
        claim_window_hours -> Int4,
        /// Ten-thousandths of a point an hour, before any bonus
        base_rate -> Int8,
        /// Bonus of the role, in basis points
        role_bonus_bps -> Int4,
        /// Bonus of the circle, in basis points
        circle_bonus_bps -> Int4,
        /// Bonus of referrals, in basis points
        referral_bonus_bps -> Int4,
        /// Bonus of the streak, in basis points
        streak_bonus_bps -> Int4,
        /// Ten-thousandths of a point an hour, with every bonus
        hourly_rate -> Int8,
        /// Whether its start was forgiven as a late one
        started_in_grace -> Bool,
        /// Of the section mining, when it began
        configuration_version -> Int4,
        /// When it was paid
        claimed_at -> Nullable<Timestamptz>,
        /// The reward, in ten-thousandths of a point
        points_earned -> Nullable<Int8>,
        /// Milestones paid with it, in ten-thousandths of a point
        streak_bonus -> Nullable<Int8>,
        /// Part of the reward owed to referrals, in ten-thousandths of a point
        referral_points -> Nullable<Int8>,
        /// When it was found too late, or ended by a ban
        expired_at -> Nullable<Timestamptz>,
        /// Since when the claim window stands still, because its miner is suspended
        window_stopped_at -> Nullable<Timestamptz>,
        /// By how much suspensions that are over made the claim window longer
        window_extension_microseconds -> Int8,
    }
}

diesel::table! {
    /// Events, written with what they tell of; announced to subscribers, delivered to the platform
    outbox (id, day) {
        /// Order of writing, not of commit
        id -> Int8,
        /// UTC day it occurred
        day -> Date,
        /// Its id for consumers, who drop what they have seen
        event_id -> Uuid,
        /// What happened, in the past tense
        name -> Text,
        /// What kind of thing it happened to
        subject_kind -> Text,
        /// To which one
        subject_id -> Uuid,
        /// The user whose subscriptions hear of it
        audience_id -> Nullable<Uuid>,
        /// The subject's version right after, raised under its lock
        sequence -> Int8,
        /// The event's fields
        payload -> Jsonb,
        /// The ledger's transaction, if money or points moved
        transaction_id -> Nullable<Uuid>,
        /// The request that caused it
        request_id -> Nullable<Text>,
        /// When it happened
        occurred_at -> Timestamptz,
        /// Machine time it was written: the announcers' clock
        written_at -> Timestamptz,
        /// Machine time it was announced to all instances; null before
        announced_at -> Nullable<Timestamptz>,
        /// Machine time the platform had it (without a broker: when it was announced); null before
        delivered_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// What the checker found, each time it ran
    reconciliation_runs (id) {
        /// The run
        id -> Uuid,
        /// When it began
        started_at -> Timestamptz,
        /// When it was done
        finished_at -> Timestamptz,
        /// How many transfers there were
        transfers_checked -> Int8,
        /// How many wallets there were
        wallets_checked -> Int8,
        /// What was wrong; an empty list is good news
        mismatches -> Jsonb,
    }
}

diesel::table! {
    /// Who brought whom
    referrals (id) {
        /// The referral
        id -> Uuid,
        /// Who brought
        referrer_id -> Uuid,
        /// Whom
        referred_id -> Uuid,
        /// The code that was given
        referral_code -> Text,
        /// What it adds to the referrer's rate while active, in basis points
        bonus_bps -> Int4,
        /// Whether it counts
        status -> Text,
        /// When the code was given
        created_at -> Timestamptz,
        /// When it first counted
        activated_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Append-only: each row takes an amount from one side and gives it to another, so books always balance
    transfers (id) {
        /// Order of writing
        id -> Int8,
        /// The business event it belongs to
        transaction_id -> Uuid,
        /// Which transfer of the event, from 0
        leg -> Int2,
        /// Why it moved
        reason -> Text,
        /// What kind of thing it was about
        reference_kind -> Text,
        /// Which one
        reference_id -> Text,
        /// Who caused it
        origin -> Text,
        /// The request that caused it
        correlation_id -> Nullable<Text>,
        /// Of what
        currency -> Int2,
        /// How much, in the smallest unit
        amount -> Int8,
        /// Where from
        debit_wallet -> Int8,
        /// Which part of it
        debit_bucket -> Text,
        /// The wallet's sequence after; null where no running balance is kept
        debit_sequence -> Nullable<Int8>,
        /// The bucket's balance after; null where no running balance is kept
        debit_after -> Nullable<Int8>,
        /// Where to
        credit_wallet -> Int8,
        /// Which part of it
        credit_bucket -> Text,
        /// The wallet's sequence after; null where no running balance is kept
        credit_sequence -> Nullable<Int8>,
        /// The bucket's balance after; null where no running balance is kept
        credit_after -> Nullable<Int8>,
        /// When: never before an earlier transfer of the same wallets
        posted_at -> Timestamptz,
    }
}

diesel::table! {
    /// People of the platform, as far as their tokens and events told
    users (id) {
        /// The subject of their tokens
        id -> Uuid,
        /// The name of their token, or Miner and four random characters
        display_name -> Text,
        /// When they were first seen
        registered_at -> Timestamptz,
        /// When their identity was verified; null before
        kyc_completed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Who has what: one row per owner, currency and kind, made by its first posting
    wallets (id) {
        /// Serial number, and the currency in the low byte
        id -> Int8,
        /// What kind of owner: equal ids of two kinds are two owners
        owner_kind -> Text,
        /// The owner within the kind; nil for the platform itself
        owner_id -> Uuid,
        /// What it is for
        kind -> Text,
        /// Of what
        currency -> Int2,
        /// Spendable, in the smallest unit
        available -> Int8,
        /// Reserved by holds, in the smallest unit
        held -> Int8,
        /// Sides of transfers written so far
        sequence -> Int8,
        /// Nothing may leave
        is_frozen -> Bool,
        /// Time of the last transfer
        last_posted_at -> Nullable<Timestamptz>,
        /// When it was made
        created_at -> Timestamptz,
    }
}

diesel::joinable!(circle_invitations -> circles (circle_id));
diesel::joinable!(circle_invitations -> miners (invitee_id));
diesel::joinable!(circle_members -> circles (circle_id));
diesel::joinable!(circle_members -> miners (miner_id));
diesel::joinable!(demo_people -> users (user_id));
diesel::joinable!(miners -> users (user_id));
diesel::joinable!(mining_history -> miners (miner_id));
diesel::joinable!(mining_history -> mining_sessions (session_id));
diesel::joinable!(mining_sessions -> miners (miner_id));
diesel::joinable!(wallets -> currencies (currency));

diesel::allow_tables_to_appear_in_same_query!(
    app_clock,
    approvals,
    audit_log,
    circle_invitations,
    circle_members,
    circles,
    configurations,
    currencies,
    demo_people,
    idempotency_keys,
    jobs,
    miners,
    mining_history,
    mining_sessions,
    outbox,
    reconciliation_runs,
    referrals,
    transfers,
    users,
    wallets,
);
