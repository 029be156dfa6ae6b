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
        /// First person the command is about; null without one
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
        /// Owners the command is about, by kind and id, who may not decide; empty before this column, when subject counts
        subjects -> Jsonb,
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
    /// Merchants of campaigns, for reads by the id alone
    campaign_ids (id) {
        /// Id of the campaign
        id -> Uuid,
        /// Merchant
        merchant_id -> Uuid,
    }
}

diesel::table! {
    /// Services that may mint rewards from the treasuries of rewards campaigns
    campaign_treasuries (owner_id, currency) {
        /// The rewards campaign, owner of the wallet
        owner_id -> Uuid,
        /// Number of the currency
        currency -> Int2,
        /// Name of the service, as the newest funding has it
        issuer -> Text,
        /// Time of the newest funding
        named_at -> Timestamptz,
    }
}

diesel::table! {
    /// Vouchers of a campaign per person
    campaign_users (merchant_id, campaign_id, user_id) {
        /// Merchant of the campaign
        merchant_id -> Uuid,
        /// Campaign
        campaign_id -> Uuid,
        /// Person
        user_id -> Uuid,
        /// Vouchers that the person acquired, but those that were refunded in full
        acquired -> Int4,
    }
}

diesel::table! {
    /// Offers of merchants with vouchers that their escrow covers
    campaigns (merchant_id, id) {
        /// Merchant
        merchant_id -> Uuid,
        /// Id of the campaign
        id -> Uuid,
        /// Name
        name -> Text,
        /// Name as lists are ordered by it
        name_folded -> Text,
        /// Description; null without one
        description -> Nullable<Text>,
        /// Name and description as searches compare them
        text_folded -> Text,
        /// Number of the currency of the vouchers
        currency -> Int2,
        /// Value of a voucher in the smallest unit
        face_value -> Int8,
        /// Number of vouchers
        total_vouchers -> Int4,
        /// Way to acquire a voucher
        acquisition_type -> Text,
        /// Number of the currency of the price; null for a free one
        price_currency -> Nullable<Int2>,
        /// Price of a voucher in the smallest unit; null for a free one
        price -> Nullable<Int8>,
        /// Time from which vouchers can be acquired
        starts_at -> Timestamptz,
        /// Time of the end
        ends_at -> Timestamptz,
        /// Days a voucher is valid after it was acquired
        voucher_validity_days -> Int4,
        /// Vouchers per person; 0 for no limit
        max_per_user -> Int4,
        /// Whether a voucher keeps its remainder after a redemption
        allow_partial_redemption -> Bool,
        /// State
        status -> Text,
        /// Time of creation
        created_at -> Timestamptz,
        /// Time of the last change
        updated_at -> Timestamptz,
        /// Number of its events
        version -> Int8,
        /// Time its vouchers were revoked; null unless they were
        revoked_at -> Nullable<Timestamptz>,
        /// Reason of the revocation; null unless revoked
        revocation_reason -> Nullable<Text>,
        /// Vouchers that could be redeemed when it was revoked; null unless revoked
        vouchers_to_revoke -> Nullable<Int4>,
    }
}

diesel::table! {
    /// Invitations into circles
    circle_invitations (circle_id, id) {
        /// The circle, whose owner invites
        circle_id -> Uuid,
        /// Id of the invitation
        id -> Uuid,
        /// User of the invitee
        invitee_user_id -> Uuid,
        /// Public id of the invitee
        invitee_miner_id -> Uuid,
        /// State as last stored; a PENDING one may have expired since
        status -> Text,
        /// Time it was sent
        created_at -> Timestamptz,
        /// Time until which it can be accepted
        expires_at -> Timestamptz,
        /// Time it was accepted, declined or cancelled
        decided_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Present and former members of circles; miners.circle_id holds that a miner is in one at most
    circle_members (circle_id, id) {
        /// The circle
        circle_id -> Uuid,
        /// Id of the membership
        id -> Uuid,
        /// User of the member
        user_id -> Uuid,
        /// Public id of the member
        miner_id -> Uuid,
        /// Time of joining
        joined_at -> Timestamptz,
        /// Time of leaving; null for active members
        left_at -> Nullable<Timestamptz>,
        /// Way the membership ended; null for active members
        left_how -> Nullable<Text>,
    }
}

diesel::table! {
    /// Security circles of three to five miners
    circles (id) {
        /// Id of the circle
        id -> Uuid,
        /// User of the owner
        owner_user_id -> Uuid,
        /// Public id of the owner
        owner_miner_id -> Uuid,
        /// Name of the circle
        name -> Text,
        /// Name without differences of case, which the program folds; searches compare it
        name_folded -> Text,
        /// State that follows from the number of members, or DISBANDED for good
        status -> Text,
        /// Number of active members including the owner
        member_count -> Int4,
        /// Raised by each change; sequence of the events about the circle
        version -> Int8,
        /// Time it was created
        created_at -> Timestamptz,
        /// Time of the last change
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// References of the clearing accounts: the text behind the owner ids of their wallets
    clearing_accounts (owner_id, currency) {
        /// Owner of the wallet: UUIDv5 of issuer, type and id
        owner_id -> Uuid,
        /// Number of the currency
        currency -> Int2,
        /// Name of the service
        issuer -> Text,
        /// Kind of object in the service's own words
        reference_type -> Text,
        /// Key of the object at the service
        reference_id -> Text,
        /// Time of the first posting
        opened_at -> Timestamptz,
        /// Time since which it is not at zero; null at zero
        open_since -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Amounts paid from clearing accounts outside of settlements
    clearing_releases (owner_id, id) {
        /// Owner of the clearing account
        owner_id -> Uuid,
        /// Id of the release
        id -> Uuid,
        /// Number of the currency
        currency -> Int2,
        /// Amount in the smallest unit
        amount -> Int8,
        /// Kind of the owner who was paid; null for the platform's revenue
        payee_kind -> Nullable<Text>,
        /// Owner who was paid; null for the platform's revenue
        payee_id -> Nullable<Uuid>,
        /// Key given by the caller, unique per account; null without one
        external_id -> Nullable<Text>,
        /// Reason of the caller
        reason -> Text,
        /// Transaction of the ledger
        transaction_id -> Uuid,
        /// Time of the release
        created_at -> Timestamptz,
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
    /// Exchanges between two wallets of a person
    conversions (owner_id, id) {
        /// The person
        owner_id -> Uuid,
        /// Id of the conversion
        id -> Uuid,
        /// Name of the service that requested it; wallets for people
        issuer -> Text,
        /// Key given by the caller, unique per issuer and person; null without one
        external_id -> Nullable<Text>,
        /// Notes of the caller: pairs of texts
        metadata -> Jsonb,
        /// Number of the currency given
        from_currency -> Int2,
        /// Number of the currency received
        to_currency -> Int2,
        /// Amount given in the smallest unit
        given -> Int8,
        /// Amount at the rate in the smallest unit, before the fee
        gross -> Int8,
        /// Amount received in the smallest unit
        received -> Int8,
        /// Fee in hundredths of a percent of the result
        fee_bps -> Int4,
        /// Recorded rate; null for a rate of the configuration
        rate_id -> Nullable<Uuid>,
        /// Version of the section wallet whose rate was used; null for a recorded rate
        rate_version -> Nullable<Int4>,
        /// Time of the conversion
        created_at -> Timestamptz,
        /// Transaction of the ledger
        transaction_id -> Uuid,
    }
}

diesel::table! {
    /// Currencies of the ledger
    currencies (number) {
        /// Low byte of the id of every wallet of this currency
        number -> Int2,
        /// Code, upper case
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
    /// Deposits of each service by UTC day, for its ceiling
    deposit_sums (owner_id, currency, day) {
        /// The calling service
        owner_id -> Uuid,
        /// Number of the currency
        currency -> Int2,
        /// UTC day
        day -> Date,
        /// Sum in the smallest unit
        amount -> Int8,
    }
}

diesel::table! {
    /// Payments from outside, each credited once
    deposits (owner_id, id) {
        /// Owner credited at once; nil for a deposit that had no known owner
        owner_id -> Uuid,
        /// Id of the deposit
        id -> Uuid,
        /// Number of the currency
        currency -> Int2,
        /// Amount in the smallest unit
        amount -> Int8,
        /// Name of the provider
        provider -> Text,
        /// Key of the payment at the provider
        reference -> Text,
        /// Kind of the owner whom the payment named; null without one
        named_kind -> Nullable<Text>,
        /// Owner whom the payment named, also when nobody knew them
        named_id -> Nullable<Uuid>,
        /// Kind of the credited owner; null while unmatched
        credited_kind -> Nullable<Text>,
        /// Credited owner; null while unmatched
        credited_id -> Nullable<Uuid>,
        /// Time it was recorded
        received_at -> Timestamptz,
        /// Time it reached the owner's wallet; null while unmatched
        credited_at -> Nullable<Timestamptz>,
        /// Transaction of the ledger that recorded it
        transaction_id -> Uuid,
        /// Number of its events
        version -> Int8,
    }
}

diesel::table! {
    /// Gross sums of what people did without a second person, by hour, for each owner and for all
    dual_control_sums (owner_id, currency, hour, for_kind, for_id) {
        /// The person who did it
        owner_id -> Uuid,
        /// Number of the currency
        currency -> Int2,
        /// Start of the hour
        hour -> Timestamptz,
        /// Kind of the owner whose points or money moved, or ALL for the sum over all owners
        for_kind -> Text,
        /// Id of the owner whose points or money moved; nil for ALL
        for_id -> Uuid,
        /// Sum in the smallest unit; what was taken counts like what was given
        amount -> Int8,
    }
}

diesel::table! {
    /// Directory: payments at providers, each used once, and the objects that they became
    external_references (reference, provider, space) {
        /// PAYMENT for deposits, PAYOUT for withdrawals
        space -> Text,
        /// Name of the provider
        provider -> Text,
        /// Key of the payment at the provider
        reference -> Text,
        /// Key of the object's row: its owner
        owner_id -> Uuid,
        /// Id of the object
        object_id -> Uuid,
    }
}

diesel::table! {
    /// Balances of the conversion accounts, counted each second
    fx_positions (currency) {
        /// Number of the currency
        currency -> Int2,
        /// Time until which transfers are summed once and for all
        closed_until -> Timestamptz,
        /// Sum of these transfers in the smallest unit
        closed -> Int8,
        /// Balance at the last count in the smallest unit
        amount -> Int8,
        /// Time of the last count, by the clock of the machine
        counted_at -> Timestamptz,
    }
}

diesel::table! {
    /// Amounts reserved in wallets until they are released or settled, exactly once
    holds (owner_id, id) {
        /// Owner of the wallet
        owner_id -> Uuid,
        /// Id of the hold
        id -> Uuid,
        /// Kind of the owner
        owner_kind -> Text,
        /// Number of the currency
        currency -> Int2,
        /// Amount in the smallest unit
        amount -> Int8,
        /// Name of the service that placed it; wallets for withdrawals
        issuer -> Text,
        /// Issuer and type of the service's object, or kind of an object of the platform
        reference_kind -> Text,
        /// Id of the object
        reference_id -> Text,
        /// Reason in the issuer's words
        reason -> Text,
        /// Key given by the issuer, unique per issuer and owner; null without one
        external_id -> Nullable<Text>,
        /// Notes of the issuer: pairs of texts
        metadata -> Jsonb,
        /// State
        status -> Text,
        /// Cause of the release; null unless released
        release_reason -> Nullable<Text>,
        /// Time it was placed
        created_at -> Timestamptz,
        /// Time from which it can only be released; null for those that do not expire
        expires_at -> Nullable<Timestamptz>,
        /// Time of release or settlement; null while held
        ended_at -> Nullable<Timestamptz>,
        /// Number of its events
        version -> Int8,
    }
}

diesel::table! {
    /// Transfers between accounts of the house; the external reference is used once
    house_transfers (reference) {
        /// External reference
        reference -> Text,
        /// Account that gave the amount
        from_kind -> Text,
        /// Account that received the amount
        to_kind -> Text,
        /// Number of the currency
        currency -> Int2,
        /// Amount in the smallest unit
        amount -> Int8,
        /// Reason of the person who requested it
        reason -> Text,
        /// Transaction of the ledger
        transaction_id -> Uuid,
        /// Time of the transfer
        created_at -> Timestamptz,
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
    /// Amounts issued on the present UTC day, counted every second
    issuance_counts (currency) {
        /// Number of the currency
        currency -> Int2,
        /// Time of the count
        counted_at -> Timestamptz,
        /// Amount issued on the UTC day of the count
        issued -> Int8,
        /// Balance of the treasury; negative for what it issued
        treasury -> Int8,
        /// Time before which nothing can be posted any more
        closed_at -> Timestamptz,
        /// Amount mined on its UTC day before closed_at
        closed_mined -> Int8,
        /// Balance of the treasury at closed_at
        closed_treasury -> Int8,
        /// Balance of the treasury at the start of the UTC day of closed_at
        opening_treasury -> Int8,
    }
}

diesel::table! {
    /// Spans in which a currency's daily issuance ceiling was reached: to the end of the UTC day, or until it was raised
    issuance_pauses (currency, from_at) {
        /// Number of the currency
        currency -> Int2,
        /// Time of the count that found the ceiling reached
        from_at -> Timestamptz,
        /// End of the span
        until_at -> Timestamptz,
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
    /// Key that signs links, shared by all instances: one row
    link_keys (id) {
        /// Always 1
        id -> Int2,
        /// Random bytes; another value ends all links
        key -> Bytea,
    }
}

diesel::table! {
    /// Users who mine, one row each
    miners (user_id) {
        /// User, whose id is the key of all rows of the miner
        user_id -> Uuid,
        /// Public id of the miner
        id -> Uuid,
        /// Highest role that facts or a grant give
        role -> Text,
        /// Whether the miner may mine
        status -> Text,
        /// All points ever mined, in ten-thousandths
        lifetime_points -> Int8,
        /// Days of the current run, as last settled
        current_streak -> Int4,
        /// Days of the longest run
        longest_streak -> Int4,
        /// Time of the last claim
        last_claim_at -> Nullable<Timestamptz>,
        /// End of the open session, or the last claim; lateness is counted from here
        streak_since -> Nullable<Timestamptz>,
        /// Time until which the next claim is on time
        streak_due_at -> Nullable<Timestamptz>,
        /// streak_since before the newest session, which counts again if that is not claimed
        previous_since -> Nullable<Timestamptz>,
        /// streak_due_at before the newest session, later by the days bought off or lost at its start
        previous_due_at -> Nullable<Timestamptz>,
        /// Number of missed days that can be bought off
        freeze_tokens -> Int4,
        /// Whether the last claim, or the start since, was late and forgiven
        is_grace_period -> Bool,
        /// First days of the tiers that this run was paid for
        milestones_paid -> Array<Int4>,
        /// Days of the previous run while it can be recovered
        broken_days -> Nullable<Int4>,
        /// First days of the tiers that the previous run was paid for
        broken_milestones_paid -> Nullable<Array<Int4>>,
        /// Time until which the previous run can be recovered
        broken_until -> Nullable<Timestamptz>,
        /// Start of the suspension; the streak stands still from then on
        suspended_at -> Nullable<Timestamptz>,
        /// Code by which others name the miner as referrer
        referral_code -> Text,
        /// User who referred the miner
        referred_by -> Nullable<Uuid>,
        /// Circle of the miner
        circle_id -> Nullable<Uuid>,
        /// Whether the circle has enough members for the bonus
        is_circle_valid -> Bool,
        /// Last time the miner left a circle in a way that starts the cooldown
        circle_left_at -> Nullable<Timestamptz>,
        /// Raised by each change; sequence of the events about the miner
        version -> Int8,
        /// Time of registration
        created_at -> Timestamptz,
        /// Time of the last change
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Changes of miners' points
    mining_history (user_id, id) {
        /// User of the miner
        user_id -> Uuid,
        /// Id of the entry
        id -> Uuid,
        /// Change in ten-thousandths of a point; negative when taken
        points -> Int8,
        /// Cause of the change
        source -> Text,
        /// Session that earned the points
        session_id -> Nullable<Uuid>,
        /// Time of the change
        earned_at -> Timestamptz,
        /// Rate at that time in ten-thousandths of a point per hour
        hourly_rate -> Int8,
        /// Days of the streak after the change
        streak_days -> Int4,
    }
}

diesel::table! {
    /// Sessions with the rate at their start
    mining_sessions (user_id, id) {
        /// User of the miner
        user_id -> Uuid,
        /// Id of the session
        id -> Uuid,
        /// State as last stored; an ACTIVE one may have ended since
        status -> Text,
        /// Time of the start
        started_at -> Timestamptz,
        /// Time it is complete
        ends_at -> Timestamptz,
        /// Hours after the end in which it can be claimed
        claim_window_hours -> Int4,
        /// Time since which the claim window is stopped by a suspension
        window_stopped_at -> Nullable<Timestamptz>,
        /// Extension of the claim window by ended suspensions
        window_extension_microseconds -> Int8,
        /// Ten-thousandths of a point per hour before any bonus
        base_rate -> Int8,
        /// Bonus of the role in basis points
        role_bonus_bps -> Int4,
        /// Bonus of the circle in basis points
        circle_bonus_bps -> Int4,
        /// Bonus of referrals in basis points
        referral_bonus_bps -> Int4,
        /// Bonus of the streak in basis points
        streak_bonus_bps -> Int4,
        /// Ten-thousandths of a point per hour with every bonus
        hourly_rate -> Int8,
        /// Whether the start was late and forgiven
        started_in_grace -> Bool,
        /// Version of the section mining at the start
        configuration_version -> Int4,
        /// Time of the claim
        claimed_at -> Nullable<Timestamptz>,
        /// Reward in ten-thousandths of a point
        points_earned -> Nullable<Int8>,
        /// Milestones paid with it, in ten-thousandths of a point
        streak_bonus -> Nullable<Int8>,
        /// Part of the reward that is due to referrals, in ten-thousandths of a point
        referral_points -> Nullable<Int8>,
        /// Time it was stored as expired, or ended by a ban
        expired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Orders for which vouchers were redeemed
    orders (merchant_id, id) {
        /// Merchant
        merchant_id -> Uuid,
        /// Key of the order at the merchant
        id -> Uuid,
        /// Number of the currency
        currency -> Int2,
        /// Amount in the smallest unit
        amount -> Int8,
        /// Part that vouchers pay, in the smallest unit
        covered -> Int8,
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
        /// Causes for which debits of all wallets are refused, each lifted by itself
        freezes -> Array<Text>,
        /// Number of its events
        version -> Int8,
    }
}

diesel::table! {
    /// Figures of campaigns by quarter of an hour; stripes keep commands of one campaign apart
    promotion_rollups (merchant_id, campaign_id, quarter, stripe) {
        /// Merchant of the campaign
        merchant_id -> Uuid,
        /// Campaign
        campaign_id -> Uuid,
        /// Start of the quarter of an hour
        quarter -> Timestamptz,
        /// Stripe, 0 to 15
        stripe -> Int2,
        /// Vouchers that were acquired
        issued -> Int4,
        /// Redemptions that are not voided
        redeemed -> Int4,
        /// Value that they used, in the smallest unit
        used -> Int8,
        /// Surplus that they took, in the smallest unit
        refunded -> Int8,
        /// Value that was returned of them, in the smallest unit
        returned -> Int8,
    }
}

diesel::table! {
    /// Recorded rates of pairs of currencies
    rate_snapshots (id) {
        /// Id of the rate
        id -> Uuid,
        /// Number of the currency that is given
        from_currency -> Int2,
        /// Number of the currency that is received
        to_currency -> Int2,
        /// Units of the currency received for one unit of the currency given, in decimal digits
        rate -> Text,
        /// Time it was observed at its source
        observed_at -> Timestamptz,
        /// Time it was recorded
        recorded_at -> Timestamptz,
        /// Issuer of the token of the caller who recorded it
        issuer -> Text,
        /// Subject of the token of the caller who recorded it
        actor -> Text,
        /// Whether it can be used
        status -> Text,
        /// Person who accepted it; null unless it had jumped
        decided_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    /// Runs of the ledger's checker over all owners; at most one at a time
    reconciliation_runs (id) {
        /// Id of the run
        id -> Uuid,
        /// Start of the run
        started_at -> Timestamptz,
        /// End of the run; null while it runs
        finished_at -> Nullable<Timestamptz>,
        /// Number of transfers; null until the run has ended
        transfers_checked -> Nullable<Int8>,
        /// Number of wallets; null until the run has ended
        wallets_checked -> Nullable<Int8>,
        /// The first 100 violations; an empty list when the ledger is right
        mismatches -> Jsonb,
        /// State of the run
        status -> Text,
        /// Number of violations of rules
        mismatch_count -> Int8,
    }
}

diesel::table! {
    /// Uses of vouchers
    redemptions (merchant_id, id) {
        /// Merchant of the campaign
        merchant_id -> Uuid,
        /// Id of the redemption
        id -> Uuid,
        /// Campaign of the voucher
        campaign_id -> Uuid,
        /// Voucher
        voucher_id -> Uuid,
        /// Holder of the voucher
        user_id -> Uuid,
        /// Key of the order; null without one, at the till
        order_id -> Nullable<Uuid>,
        /// Amount of the order in the smallest unit
        order_amount -> Int8,
        /// Value used for the order, in the smallest unit
        used -> Int8,
        /// Surplus that goes to the merchant, in the smallest unit
        refunded -> Int8,
        /// Value returned to the voucher, in the smallest unit
        returned -> Int8,
        /// Part of the price that it earns the merchant, in the smallest unit; 0 for a free voucher
        price_share -> Int8,
        /// Part of the price share that was returned, in the smallest unit
        price_returned -> Int8,
        /// State
        status -> Text,
        /// Caller who redeemed it
        redeemed_by -> Text,
        /// Time of the redemption
        redeemed_at -> Timestamptz,
        /// Time it is voided if not settled; null once it has ended
        settle_expires_at -> Nullable<Timestamptz>,
        /// Time it was settled or voided; null while pending
        ended_at -> Nullable<Timestamptz>,
        /// Posting of the settlement; null before it
        transaction_id -> Nullable<Uuid>,
        /// Number of its events
        version -> Int8,
    }
}

diesel::table! {
    /// Miner of each referral code
    referral_codes (code) {
        /// Referral code, unique on the platform
        code -> Text,
        /// User of the miner
        user_id -> Uuid,
    }
}

diesel::table! {
    /// Referrals of one miner by another; miners.referred_by is the reverse
    referrals (referrer_user_id, referred_user_id) {
        /// User of the referrer
        referrer_user_id -> Uuid,
        /// User of the referred miner
        referred_user_id -> Uuid,
        /// Public id of the referral
        id -> Uuid,
        /// Public id of the referrer
        referrer_miner_id -> Uuid,
        /// Public id of the referred miner
        referred_miner_id -> Uuid,
        /// Code that was applied
        referral_code -> Text,
        /// Addition to the referrer's rate while active, in basis points
        bonus_bps -> Int4,
        /// State of the referral
        status -> Text,
        /// Time the code was applied
        created_at -> Timestamptz,
        /// Time it first became active
        activated_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Transactions that were reversed, each once
    reversals (owner_id, transaction_id) {
        /// Home of the first transfer of the reversed transaction
        owner_id -> Uuid,
        /// The reversed transaction
        transaction_id -> Uuid,
        /// The transaction that reversed it
        reversal_id -> Uuid,
        /// Reason of the person who requested it
        reason -> Text,
        /// Time of the reversal
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// Rewards paid from the treasuries of rewards campaigns, once per campaign, claimant and claim
    rewards (owner_id, user_id, claim_reference) {
        /// The rewards campaign, owner of the treasury
        owner_id -> Uuid,
        /// The claimant
        user_id -> Uuid,
        /// Key of the claim
        claim_reference -> Text,
        /// Id of the reward
        id -> Uuid,
        /// Name of the service that minted it
        issuer -> Text,
        /// Number of the currency
        currency -> Int2,
        /// Amount in the smallest unit
        amount -> Int8,
        /// Transaction of the ledger
        transaction_id -> Uuid,
        /// Time of the reward
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// Final uses of holds, one per hold
    settlements (owner_id, id) {
        /// Owner of the hold's wallet
        owner_id -> Uuid,
        /// Id of the settlement
        id -> Uuid,
        /// The settled hold
        hold_id -> Uuid,
        /// SETTLED: part of the foreign key, so that the hold stays settled
        hold_status -> Text,
        /// Kind of the owner
        owner_kind -> Text,
        /// Number of the currency
        currency -> Int2,
        /// Name of the service
        issuer -> Text,
        /// Outcome for the hold's owner
        outcome -> Text,
        /// Amount moved to the clearing account in the smallest unit; the rest of the hold was released
        amount -> Int8,
        /// Amounts paid from the clearing account: kind and id of the owner, amount
        payouts -> Jsonb,
        /// Transaction of the ledger
        transaction_id -> Uuid,
        /// Time of the settlement
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// Append-only: each row debits an amount from one wallet and credits it to another; a row never joins the wallets of two owners
    transfers (owner_id, posted_at, transaction_id, leg) {
        /// Owner of the wallets of both sides, house accounts aside
        owner_id -> Uuid,
        /// Time of the posting; never before an earlier transfer of the same wallets
        posted_at -> Timestamptz,
        /// Business event, which all its transfers share
        transaction_id -> Uuid,
        /// Number of the row within the transaction, from 0
        leg -> Int2,
        /// Cause of the transfer
        reason -> Text,
        /// Kind of the object that caused the transfer
        reference_kind -> Text,
        /// Id of the object that caused the transfer
        reference_id -> Text,
        /// Capacity in which the caller acted
        origin -> Text,
        /// Id of the request that caused the transfer
        correlation_id -> Nullable<Text>,
        /// Number of the currency
        currency -> Int2,
        /// Amount in the smallest unit
        amount -> Int8,
        /// Id of the debited wallet, of the owner or of nil
        debit_wallet -> Int8,
        /// Debited part of the wallet
        debit_bucket -> Text,
        /// Sequence of the debited wallet after the transfer; null where no running balance is kept
        debit_sequence -> Nullable<Int8>,
        /// Balance of the debited part after the transfer; null where no running balance is kept
        debit_after -> Nullable<Int8>,
        /// Id of the credited wallet, of the owner or of nil
        credit_wallet -> Int8,
        /// Credited part of the wallet
        credit_bucket -> Text,
        /// Sequence of the credited wallet after the transfer; null where no running balance is kept
        credit_sequence -> Nullable<Int8>,
        /// Balance of the credited part after the transfer; null where no running balance is kept
        credit_after -> Nullable<Int8>,
        /// Issuer of the caller's token; null for jobs and demo data
        caller_issuer -> Nullable<Text>,
        /// Subject of the caller's token; null for jobs and demo data
        caller -> Nullable<Text>,
    }
}

diesel::table! {
    /// Amounts that the platform's treasury gave to those of rewards campaigns
    treasury_fundings (owner_id, id) {
        /// The rewards campaign, owner of the wallet
        owner_id -> Uuid,
        /// Id of the funding
        id -> Uuid,
        /// Number of the currency
        currency -> Int2,
        /// Amount in the smallest unit
        amount -> Int8,
        /// Name of the service that may mint rewards from it
        issuer -> Text,
        /// Key given by the caller, unique per campaign; null without one
        external_id -> Nullable<Text>,
        /// Reason of the caller
        reason -> Text,
        /// Transaction of the ledger
        transaction_id -> Uuid,
        /// Time of the funding
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// Redemptions by the holders of their vouchers, for reads by the person
    user_redemptions (user_id, redemption_id) {
        /// Holder
        user_id -> Uuid,
        /// Redemption
        redemption_id -> Uuid,
        /// Merchant of the campaign
        merchant_id -> Uuid,
        /// Time of the redemption
        redeemed_at -> Timestamptz,
    }
}

diesel::table! {
    /// Vouchers by their holders, for reads by the person
    user_vouchers (user_id, voucher_id) {
        /// Holder
        user_id -> Uuid,
        /// Voucher
        voucher_id -> Uuid,
        /// Merchant of the campaign
        merchant_id -> Uuid,
        /// Time it was acquired
        claimed_at -> Timestamptz,
        /// Time until which it can be redeemed
        expires_at -> Timestamptz,
        /// State of the voucher
        status -> Text,
    }
}

diesel::table! {
    /// People of the platform, as known from their tokens and events
    users (id) {
        /// Subject of the person's tokens
        id -> Uuid,
        /// Name of the token, or Miner and four random characters
        display_name -> Text,
        /// Name without differences of case, which the program folds; searches compare it
        display_name_folded -> Text,
        /// Time the person was first seen
        registered_at -> Timestamptz,
        /// Time the identity was verified; null before
        kyc_completed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Count and sum of each owner's operations by hour, for velocity rules
    velocity_sums (owner_id, owner_kind, currency, operation, hour) {
        /// Owner of the wallets
        owner_id -> Uuid,
        /// Kind of the owner
        owner_kind -> Text,
        /// Number of the currency
        currency -> Int2,
        /// Kind of operation
        operation -> Text,
        /// Start of the hour
        hour -> Timestamptz,
        /// Number of operations
        count -> Int4,
        /// Sum of their amounts in the smallest unit
        amount -> Int8,
    }
}

diesel::table! {
    /// Vouchers by their codes, which are unique on the platform
    voucher_codes (code) {
        /// Code
        code -> Text,
        /// Merchant of the campaign
        merchant_id -> Uuid,
        /// Voucher
        voucher_id -> Uuid,
    }
}

diesel::table! {
    /// Vouchers of campaigns, each of which is backed by escrow
    vouchers (merchant_id, id) {
        /// Merchant of the campaign
        merchant_id -> Uuid,
        /// Id of the voucher
        id -> Uuid,
        /// Campaign
        campaign_id -> Uuid,
        /// Number within the campaign, from 1
        number -> Int4,
        /// Code, a secret of the holder
        code -> Text,
        /// State
        status -> Text,
        /// Value that is left in the smallest unit; of an expired one the value that it had left
        remaining -> Int8,
        /// Time of creation
        created_at -> Timestamptz,
        /// Part of its price that no redemption has earned, in the smallest unit
        unearned -> Int8,
        /// Holder; null before it was acquired
        owner_id -> Nullable<Uuid>,
        /// Time it was acquired
        claimed_at -> Nullable<Timestamptz>,
        /// End of its validity
        expires_at -> Nullable<Timestamptz>,
        /// Time until which it can be redeemed: after its validity if value came back
        usable_until -> Nullable<Timestamptz>,
        /// Time of the last redemption; null before the first
        redeemed_at -> Nullable<Timestamptz>,
        /// Time it was revoked; null unless it was
        revoked_at -> Nullable<Timestamptz>,
        /// Reason of the revocation; null unless revoked
        revocation_reason -> Nullable<Text>,
        /// Whether its holder was told that it expires soon
        is_warned -> Bool,
        /// Time of the last change
        updated_at -> Timestamptz,
        /// Number of its events
        version -> Int8,
    }
}

diesel::table! {
    /// Balances: one row per owner, currency, kind and campaign, inserted by the first posting
    wallets (owner_id, id) {
        /// Id of the owner within its kind; nil for the house as a whole
        owner_id -> Uuid,
        /// Random number of the owner's wallet with the currency's number in the low byte; below 65536 for accounts of nil
        id -> Int8,
        /// Kind of the owner; equal ids of two kinds are two owners
        owner_kind -> Text,
        /// Purpose of the wallet
        kind -> Text,
        /// Number of the currency
        currency -> Int2,
        /// Campaign of ESCROW and PROCEEDS; nil for the other kinds
        for_id -> Uuid,
        /// Spendable amount in the smallest unit
        available -> Int8,
        /// Amount reserved by holds in the smallest unit
        held -> Int8,
        /// Number of entries of the wallet
        sequence -> Int8,
        /// Whether debits are refused; a copy of the owner's state
        is_frozen -> Bool,
        /// Time of the last transfer; null before the first
        last_posted_at -> Nullable<Timestamptz>,
        /// Time the row was inserted
        created_at -> Timestamptz,
        /// Number of changes of the row, a freeze too
        version -> Int8,
    }
}

diesel::table! {
    /// Payments out of the platform, held until they end
    withdrawals (owner_id, id) {
        /// Owner of the wallet
        owner_id -> Uuid,
        /// Id of the withdrawal
        id -> Uuid,
        /// Kind of the owner
        owner_kind -> Text,
        /// Number of the currency
        currency -> Int2,
        /// Amount in the smallest unit
        amount -> Int8,
        /// Hold of the amount
        hold_id -> Uuid,
        /// Account or address to pay to, in the provider's notation
        destination -> Text,
        /// Name of the service that requested it; wallets for people
        issuer -> Text,
        /// Key given by the caller, unique per issuer and owner; null without one
        external_id -> Nullable<Text>,
        /// Notes of the caller: pairs of texts
        metadata -> Jsonb,
        /// State
        status -> Text,
        /// Time of the request
        requested_at -> Timestamptz,
        /// Time processing began; null before that
        processed_at -> Nullable<Timestamptz>,
        /// Time it was completed, failed or cancelled; null before that
        ended_at -> Nullable<Timestamptz>,
        /// Reason of the failure; null unless failed
        failure_reason -> Nullable<Text>,
        /// Provider of the payment; null unless completed
        payout_provider -> Nullable<Text>,
        /// Key of the payment at the provider; null unless completed
        payout_reference -> Nullable<Text>,
        /// Number of times the provider gave no clear answer
        attempts -> Int4,
        /// Time at which the provider is asked next; null when it need not be asked
        next_attempt_at -> Nullable<Timestamptz>,
        /// Number of its events
        version -> Int8,
        /// Person who requested it, who may not decide about it; null for one that a service requested
        requested_by -> Nullable<Uuid>,
    }
}

diesel::joinable!(campaign_treasuries -> currencies (currency));
diesel::joinable!(circle_invitations -> circles (circle_id));
diesel::joinable!(circle_members -> circles (circle_id));
diesel::joinable!(clearing_accounts -> currencies (currency));
diesel::joinable!(conversions -> rate_snapshots (rate_id));
diesel::joinable!(deposit_sums -> currencies (currency));
diesel::joinable!(deposits -> currencies (currency));
diesel::joinable!(dual_control_sums -> currencies (currency));
diesel::joinable!(holds -> currencies (currency));
diesel::joinable!(house_transfers -> currencies (currency));
diesel::joinable!(miners -> users (user_id));
diesel::joinable!(mining_history -> miners (user_id));
diesel::joinable!(mining_sessions -> miners (user_id));
diesel::joinable!(orders -> currencies (currency));
diesel::joinable!(referrals -> miners (referrer_user_id));
diesel::joinable!(rewards -> currencies (currency));
diesel::joinable!(settlements -> currencies (currency));
diesel::joinable!(treasury_fundings -> currencies (currency));
diesel::joinable!(velocity_sums -> currencies (currency));
diesel::joinable!(wallets -> currencies (currency));
diesel::joinable!(withdrawals -> currencies (currency));

diesel::allow_tables_to_appear_in_same_query!(
    app_clock,
    approvals,
    audit_log,
    campaign_ids,
    campaign_treasuries,
    campaign_users,
    campaigns,
    circle_invitations,
    circle_members,
    circles,
    clearing_accounts,
    clearing_releases,
    configurations,
    conversions,
    currencies,
    demo_people,
    deposit_sums,
    deposits,
    dual_control_sums,
    external_references,
    fx_positions,
    holds,
    house_transfers,
    idempotency_keys,
    issuance_counts,
    issuance_pauses,
    jobs,
    link_keys,
    miners,
    mining_history,
    mining_sessions,
    orders,
    outbox,
    owners,
    promotion_rollups,
    rate_snapshots,
    reconciliation_runs,
    redemptions,
    referral_codes,
    referrals,
    reversals,
    rewards,
    settlements,
    transfers,
    treasury_fundings,
    user_redemptions,
    user_vouchers,
    users,
    velocity_sums,
    voucher_codes,
    vouchers,
    wallets,
    withdrawals,
);
