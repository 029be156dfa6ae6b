//! Generated from the migrations by `script/generate`; a test fails when it is stale.

diesel::table! {
    /// Offset of the platform's clock to the machine's; one row, zero in production
    app_clock (singleton) {
        /// Always true, because there is one row
        singleton -> Bool,
        /// Added to the machine's time
        offset_microseconds -> Int8,
    }
}

diesel::table! {
    /// Commands that wait, or waited, for a second person
    approvals (id) {
        /// Id of the approval
        id -> Uuid,
        /// Name of the command
        command -> Text,
        /// Person the command is about, who may not decide
        subject -> Nullable<Uuid>,
        /// Values of the command
        proposal -> Jsonb,
        /// Reason of the person who requested it
        reason -> Text,
        /// Subject of the token of the person who requested it
        requested_by -> Uuid,
        /// Time of the request
        requested_at -> Timestamptz,
        /// Time until which it can be decided
        expires_at -> Timestamptz,
        /// State as last stored; a PENDING one may have expired since
        status -> Text,
        /// Subject of the token of the person who decided, another one
        decided_by -> Nullable<Uuid>,
        /// Time of the decision
        decided_at -> Nullable<Timestamptz>,
        /// Reason it was declined
        decision_reason -> Nullable<Text>,
    }
}

diesel::table! {
    /// Commands of staff and services, also refused and denied ones; append-only
    audit_log (id) {
        /// Order of insertion
        id -> Int8,
        /// Time of the command
        occurred_at -> Timestamptz,
        /// Issuer of the caller's token
        issuer -> Text,
        /// Subject of the caller's token
        actor -> Text,
        /// Whether the caller is a service
        is_service -> Bool,
        /// Roles or scopes of the caller
        roles -> Array<Text>,
        /// Name of the command
        action -> Text,
        /// Kind of the object
        entity_kind -> Nullable<Text>,
        /// Key of the object
        entity_id -> Nullable<Text>,
        /// Reason that the caller gave
        reason -> Nullable<Text>,
        /// The object before
        before -> Nullable<Jsonb>,
        /// The object after
        after -> Nullable<Jsonb>,
        /// Whether it was applied, refused or denied
        outcome -> Text,
        /// The refusal with its facts
        refusal -> Nullable<Jsonb>,
        /// Number of equal denied commands within the minute; 1 for other outcomes
        attempts -> Int4,
        /// Request of the command
        request_id -> Nullable<Text>,
        /// Transaction of the ledger, if money or points moved
        transaction_id -> Nullable<Uuid>,
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
    /// All versions of all sections; the highest is in force
    configurations (section, version) {
        /// Name of the section
        section -> Text,
        /// Number, from 1 without gaps
        version -> Int4,
        /// Values of the section, under the names of the API
        body -> Jsonb,
        /// Time it came into force
        updated_at -> Timestamptz,
        /// Subject of the author's token, or system
        updated_by -> Text,
        /// Reason of the change
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
    /// Named people of the demo data; empty in production
    demo_people (name) {
        /// Argument of goodgo token --as
        name -> Text,
        /// The person
        user_id -> Uuid,
    }
}

diesel::table! {
    /// First answers of commands by caller, operation and key; dropped by the day after two days
    idempotency_keys (home_id, caller, operation, key, day) {
        /// Owner whom a service's command names, else the caller
        home_id -> Uuid,
        /// UTC day of created_at
        day -> Date,
        /// Issuer and subject of the caller's token
        caller -> Text,
        /// Name of the command
        operation -> Text,
        /// Key that the caller chose
        key -> Text,
        /// SHA-256 of the command's input; another input under the same key is refused
        request_hash -> Bytea,
        /// Whether the answer is a refusal
        is_refused -> Bool,
        /// The first answer
        answer -> Jsonb,
        /// Transaction of the ledger, if money or points moved
        transaction_id -> Nullable<Uuid>,
        /// Time it was stored
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// Background jobs; all times are of the machine's clock
    jobs (name) {
        /// Name of the job
        name -> Text,
        /// Time of the next run
        due_at -> Timestamptz,
        /// Instance that runs it; null while none does
        holder -> Nullable<Uuid>,
        /// End of the holder's lease, unless renewed
        leased_until -> Nullable<Timestamptz>,
        /// Time of the last start
        started_at -> Nullable<Timestamptz>,
        /// Time of the last end
        finished_at -> Nullable<Timestamptz>,
        /// Time of the last successful end
        succeeded_at -> Nullable<Timestamptz>,
        /// Number of finished runs
        runs -> Int8,
        /// Number of failed runs since the last success
        failures -> Int8,
        /// Error of the last run; null after a success
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
    /// Events, inserted in the transaction of their cause, announced to subscribers and delivered to the platform
    outbox (subject_id, day, event_id) {
        /// Key of the subject: of a miner the user, of others their id
        subject_id -> Uuid,
        /// UTC day of occurred_at
        day -> Date,
        /// Id by which consumers drop duplicates
        event_id -> Uuid,
        /// Hash of the audience, or of the subject without one; decides the broker's queue
        lane -> Int2,
        /// Name of the event, in the past tense
        name -> Text,
        /// Kind of the subject
        subject_kind -> Text,
        /// User whose subscriptions receive it
        audience_id -> Nullable<Uuid>,
        /// Version of the subject after the event; raised under its lock
        sequence -> Int8,
        /// Fields of the event
        payload -> Jsonb,
        /// Transaction of the ledger, if money or points moved
        transaction_id -> Nullable<Uuid>,
        /// Request or job that caused it
        request_id -> Nullable<Text>,
        /// Time of the event by the platform's clock
        occurred_at -> Timestamptz,
        /// Time it was inserted by the machine's clock; orders the events of a subject
        written_at -> Timestamptz,
        /// Time it was announced to all instances by the machine's clock; null before
        announced_at -> Nullable<Timestamptz>,
        /// Time it was delivered to the broker by the machine's clock (without a broker, announced); null before
        delivered_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Users, merchants, advertisers and calling services; the row is inserted when one is first seen
    owners (owner_id, owner_kind) {
        /// Id of the owner within its kind; nil for the platform
        owner_id -> Uuid,
        /// Kind of the owner
        owner_kind -> Text,
        /// Whether debits of all wallets are refused
        is_frozen -> Bool,
        /// Time it was first seen
        created_at -> Timestamptz,
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
    /// People of the platform, as known from their tokens and events
    users (id) {
        /// Subject of the person's tokens
        id -> Uuid,
        /// Name of the token, or Miner and four random characters
        display_name -> Text,
        /// Time the person was first seen
        registered_at -> Timestamptz,
        /// Time the identity was verified; null before
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
    owners,
    reconciliation_runs,
    referrals,
    transfers,
    users,
    wallets,
);
