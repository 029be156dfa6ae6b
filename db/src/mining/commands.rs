//! Mining's commands. Each runs in the caller's transaction, in this order: key, locks, decision, effects, events, answer.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use domain::access::{Person, Principal};
use domain::ids::{MinerId, SessionId, TransactionId, UserId};
use domain::mining::{
    Applied, Claim, Configuration, HistoryEntry, HistorySource, Miner, MinerStatus, MiningRefusal,
    RateFacts, ReferralCode, ReferralStatus, Role, Session, SessionStatus, Settled, StartInput,
};
use domain::money::{CurrencyCode, Minor};
use domain::wallets::{
    Leg, Origin, Posting, Reference, Side, TransferReason, WalletKind, WalletOwner,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::queries;
use super::rows::{HistoryRow, MinerChange, MinerRow, SessionRow};
use crate::idempotency::{self, Answer, Claimed, Refusal, Request};
use crate::outbox::{self, NewEvent};
use crate::schema::{miners, mining_history, mining_sessions, referrals};
use crate::text::Text as _;
use crate::wallets::posting;
use crate::{Connection, Db, DbError, Tx, configuration, users};

/// Decimals of points.
const POINTS_SCALE: u8 = 4;

impl Refusal for MiningRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::MinerNotFound => "MINER_NOT_FOUND",
            Self::MinerSuspended => "MINER_SUSPENDED",
            Self::MinerBanned => "MINER_BANNED",
            Self::MiningDisabled => "MINING_DISABLED",
            Self::SessionActive { .. } => "SESSION_ACTIVE",
            Self::SessionUnclaimed => "SESSION_UNCLAIMED",
            Self::DailySessionLimit { .. } => "DAILY_SESSION_LIMIT",
            Self::SessionNotFound => "SESSION_NOT_FOUND",
            Self::SessionAlreadyClaimed => "SESSION_ALREADY_CLAIMED",
            Self::SessionNotComplete { .. } => "SESSION_NOT_COMPLETE",
            Self::SessionExpired => "SESSION_EXPIRED",
            Self::ReferralCodeUnknown => "REFERRAL_CODE_UNKNOWN",
        }
    }

    fn field(&self) -> Option<&'static str> {
        matches!(self, Self::ReferralCodeUnknown).then_some("referralCode")
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::SessionActive { ends_at } | Self::SessionNotComplete { ends_at } => {
                vec![("endsAt", ends_at.to_rfc3339())]
            }
            Self::DailySessionLimit { limit } => vec![("limit", limit.to_string())],
            _ => Vec::new(),
        }
    }
}

/// What registering gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinerRegistered {
    /// The miner, new or not.
    pub miner_id: Uuid,
}

/// Makes a person a miner; one who is already keeps the miner they have.
///
/// A referral code makes a referral of it, active at once when the person's identity is verified or need not be.
///
/// Refusals: [`MiningRefusal::ReferralCodeUnknown`].
pub async fn miner_register(
    tx: &mut Tx,
    request: &Request,
    person: &Person,
    referral_code: Option<&str>,
) -> Result<Answer<MinerRegistered>, DbError> {
    let key = match idempotency::claim(tx, "mining.miner_register", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = register(tx, request, person, referral_code).await?;
    key.settle(tx, request, outcome).await
}

async fn register(
    tx: &mut Tx,
    request: &Request,
    person: &Person,
    referral_code: Option<&str>,
) -> Result<Result<MinerRegistered, MiningRefusal>, DbError> {
    if let Some(miner_id) = miner_of(tx.conn(), person.id).await? {
        return Ok(Ok(MinerRegistered { miner_id }));
    }
    let referrer = match referral_code {
        None => None,
        Some(text) => match lock_referrer(tx.conn(), text).await? {
            Some(referrer) => Some(referrer),
            None => return Ok(Err(MiningRefusal::ReferralCodeUnknown)),
        },
    };
    users::ensure(tx, person.id, person.name.as_deref()).await?;
    let Some(miner_id) = insert_miner(tx, person.id, referrer.as_ref()).await? else {
        // Another request of the same person was first.
        let miner_id = miner_of(tx.conn(), person.id)
            .await?
            .ok_or_else(|| DbError::inconsistent("miners", "user_id", person.id))?;
        return Ok(Ok(MinerRegistered { miner_id }));
    };
    let created = NewEvent {
        name: "MinerCreated",
        subject_kind: "miner",
        subject_id: miner_id,
        audience: Some(person.id),
        sequence: 1,
        payload: json!({"minerId": miner_id, "userId": person.id.0}),
        transaction_id: None,
    };
    outbox::append(tx, &request.request_id, created).await?;
    if let Some(referrer) = referrer {
        refer(tx, request, referrer, MinerId(miner_id), person.id).await?;
    }
    Ok(Ok(MinerRegistered { miner_id }))
}

async fn miner_of(conn: &mut Connection, user: UserId) -> Result<Option<Uuid>, DbError> {
    Ok(miners::table
        .filter(miners::user_id.eq(user.0))
        .select(miners::id)
        .first(conn)
        .await
        .optional()?)
}

/// Locks the active miner with a referral code: their role may follow from another referral.
async fn lock_referrer(conn: &mut Connection, code: &str) -> Result<Option<Miner>, DbError> {
    let Some(code) = ReferralCode::parse(code) else {
        return Ok(None);
    };
    let row: Option<MinerRow> = miners::table
        .filter(miners::referral_code.eq(code.as_str()))
        .filter(miners::status.eq(MinerStatus::Active.text()))
        .select(MinerRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    row.map(Miner::try_from).transpose()
}

/// Inserts a miner under a code nobody has; none when the person has one already.
async fn insert_miner(
    tx: &mut Tx,
    user: UserId,
    referrer: Option<&Miner>,
) -> Result<Option<Uuid>, DbError> {
    let id = tx.new_id();
    let now = tx.now();
    for _ in 0..8 {
        let code = ReferralCode::from_random(tx.ids().bytes());
        let inserted = diesel::insert_into(miners::table)
            .values((
                miners::id.eq(id),
                miners::user_id.eq(user.0),
                miners::role.eq(Role::Pioneer.text()),
                miners::status.eq(MinerStatus::Active.text()),
                miners::lifetime_points.eq(0),
                miners::current_streak.eq(0),
                miners::longest_streak.eq(0),
                miners::freeze_tokens.eq(0),
                miners::is_grace_period.eq(false),
                miners::milestones_paid.eq(Vec::<i32>::new()),
                miners::referral_code.eq(code.as_str()),
                miners::referred_by.eq(referrer.map(|referrer| referrer.id.0)),
                miners::version.eq(1),
                miners::created_at.eq(now),
                miners::updated_at.eq(now),
            ))
            .on_conflict_do_nothing()
            .execute(tx.conn())
            .await?;
        if inserted == 1 {
            return Ok(Some(id));
        }
        if miner_of(tx.conn(), user).await?.is_some() {
            return Ok(None);
        }
    }
    Err(DbError::inconsistent(
        "miners",
        "referral_code",
        "no code was free",
    ))
}

/// Records who brought whom, and what that makes of the referrer.
async fn refer(
    tx: &mut Tx,
    request: &Request,
    referrer: Miner,
    referred: MinerId,
    referred_user: UserId,
) -> Result<(), DbError> {
    let now = tx.now();
    let configuration = configuration::mining(tx.conn()).await?;
    let kyc_complete = users::is_kyc_complete(tx.conn(), referred_user).await?;
    let applied = Applied::now(kyc_complete, &configuration);
    let is_active = applied.status == ReferralStatus::Active;
    let id = tx.new_id();
    diesel::insert_into(referrals::table)
        .values((
            referrals::id.eq(id),
            referrals::referrer_id.eq(referrer.id.0),
            referrals::referred_id.eq(referred.0),
            referrals::referral_code.eq(referrer.referral_code.as_str()),
            referrals::bonus_bps.eq(applied.bonus.0),
            referrals::status.eq(applied.status.text()),
            referrals::created_at.eq(now),
            referrals::activated_at.eq(is_active.then_some(now)),
        ))
        .execute(tx.conn())
        .await?;
    if !is_active {
        return Ok(());
    }
    let role = role_of(tx.conn(), &referrer).await?;
    let version = referrer.version + 1;
    diesel::update(miners::table.find(referrer.id.0))
        .set((
            miners::role.eq(role.text()),
            miners::version.eq(version),
            miners::updated_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    let activated = NewEvent {
        name: "ReferralActivated",
        subject_kind: "miner",
        subject_id: referrer.id.0,
        audience: Some(referrer.user_id),
        sequence: version,
        payload: json!({
            "referralId": id, "referrerId": referrer.id.0, "referredUserId": referred_user.0,
            "bonusRate": applied.bonus.to_decimal().to_string(),
        }),
        transaction_id: None,
    };
    outbox::append(tx, &request.request_id, activated).await
}

/// The role that facts or a grant give a miner whose row is locked.
async fn role_of(conn: &mut Connection, miner: &Miner) -> Result<Role, DbError> {
    let active = queries::active_referrals(conn, miner.id).await?;
    let facts = facts_of(conn, miner.id).await?;
    Ok(Role::from_facts(
        miner.role == Role::NodeOperator,
        active,
        facts.circle_valid,
    ))
}

async fn facts_of(conn: &mut Connection, miner: MinerId) -> Result<RateFacts, DbError> {
    queries::rate_facts(conn, &[miner])
        .await?
        .pop()
        .map(|(_, facts)| facts)
        .ok_or_else(|| DbError::inconsistent("miners", "id", miner))
}

/// What starting a session gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStarted {
    /// Whose.
    pub miner_id: Uuid,
    /// The session.
    pub session_id: Uuid,
    /// Days of the streak after settling.
    pub streak_days: u32,
}

/// Starts a mining session.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::start`].
pub async fn session_start(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
) -> Result<Answer<SessionStarted>, DbError> {
    let key = match idempotency::claim(tx, "mining.session_start", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = start(tx, request, user).await?;
    key.settle(tx, request, outcome).await
}

async fn start(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
) -> Result<Result<SessionStarted, MiningRefusal>, DbError> {
    let now = tx.now();
    let Some(miner) = lock_miner(tx.conn(), user).await? else {
        return Ok(Err(MiningRefusal::MinerNotFound));
    };
    let latest = queries::latest_session(tx.conn(), miner.id).await?;
    let started_today = queries::sessions_started_on(tx.conn(), miner.id, now).await?;
    let facts = facts_of(tx.conn(), miner.id).await?;
    let configuration = configuration::mining(tx.conn()).await?;
    let decided = domain::mining::start(StartInput {
        miner: miner.clone(),
        latest,
        started_today,
        facts,
        configuration: &configuration,
        now,
        id: SessionId(tx.new_id()),
    });
    let start = match decided {
        Ok(start) => start,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(expired) = start.expired {
        diesel::update(mining_sessions::table.find(expired.0))
            .set((
                mining_sessions::status.eq(SessionStatus::Expired.text()),
                mining_sessions::expired_at.eq(now),
            ))
            .execute(tx.conn())
            .await?;
    }
    diesel::insert_into(mining_sessions::table)
        .values(SessionRow::from(&start.session))
        .execute(tx.conn())
        .await?;
    let mut events = MinerEvents::of(&miner, None);
    events.streak(&miner, &start.settled, &configuration);
    events.push(
        "MiningSessionStarted",
        json!({
            "minerId": miner.id.0, "sessionId": start.session.id.0,
            "endsAt": start.session.ends_at.to_rfc3339(),
            "hourlyRate": start.session.hourly_rate.to_decimal().to_string(),
        }),
    );
    let version = events.store(tx, request).await?;
    store_miner(tx, &miner, miner.lifetime_points, &start.settled, version).await?;
    Ok(Ok(SessionStarted {
        miner_id: miner.id.0,
        session_id: start.session.id.0,
        streak_days: start.settled.streak.current,
    }))
}

/// What claiming a session gives. Points are in ten-thousandths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionClaimed {
    /// Whose.
    pub miner_id: Uuid,
    /// The session.
    pub session_id: Uuid,
    /// Its reward.
    pub points_earned: i64,
    /// Milestones paid with it.
    pub streak_bonus: i64,
    /// Lifetime points after.
    pub total_points: i64,
    /// Days of the streak after.
    pub streak_days: u32,
}

/// Claims the newest session: its reward and the milestones reached go to the miner's wallet.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::claim`].
pub async fn session_claim(
    tx: &mut Tx,
    db: &Db,
    request: &Request,
    user: UserId,
) -> Result<Answer<SessionClaimed>, DbError> {
    let mut key = match idempotency::claim(tx, "mining.session_claim", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let now = tx.now();
    let Some(miner) = lock_miner(tx.conn(), user).await? else {
        return key
            .settle(tx, request, Err(MiningRefusal::MinerNotFound))
            .await;
    };
    let latest = queries::latest_session(tx.conn(), miner.id).await?;
    let configuration = configuration::mining(tx.conn()).await?;
    let outcome = match domain::mining::claim(miner.clone(), latest, &configuration, now) {
        Err(refusal) => Err(refusal),
        Ok(claim) => {
            let transaction_id = pay(tx, db, request, &miner, &claim).await?;
            key.moved(transaction_id);
            Ok(store_claim(tx, request, &miner, &claim, &configuration, transaction_id).await?)
        }
    };
    key.settle(tx, request, outcome).await
}

/// Credits the reward and the milestones to the miner's wallet.
async fn pay(
    tx: &mut Tx,
    db: &Db,
    request: &Request,
    miner: &Miner,
    claim: &Claim,
) -> Result<TransactionId, DbError> {
    let leg = |amount: Minor, reason| Leg {
        debit: Side::available(WalletOwner::SYSTEM, WalletKind::Mining, CurrencyCode::MP),
        credit: Side::available(miner.user_id, WalletKind::Main, CurrencyCode::MP),
        amount,
        reason,
    };
    let milestones = claim
        .settled
        .milestones
        .iter()
        .map(|milestone| leg(milestone.points, TransferReason::StreakMilestone));
    let posting = Posting {
        transaction_id: TransactionId(tx.new_id()),
        reference: Reference {
            kind: "mining_session",
            id: claim.session.id.to_string(),
        },
        origin: origin_of(&request.principal),
        correlation_id: Some(request.request_id.clone()),
        legs: std::iter::once(leg(claim.points_earned, TransferReason::MiningReward))
            .filter(|leg| leg.amount > Minor::ZERO)
            .chain(milestones)
            .collect(),
    };
    for posted in posting::post(tx, db, std::slice::from_ref(&posting)).await? {
        // Credits from the mining account can't be refused, short of a balance beyond 64 bits.
        posted.map_err(|refusal| DbError::inconsistent("wallets", "available", refusal))?;
    }
    Ok(posting.transaction_id)
}

fn origin_of(principal: &Principal) -> Origin {
    match principal {
        Principal::Service(_) => Origin::Service,
        Principal::Anonymous | Principal::Person(_) => Origin::User,
    }
}

async fn store_claim(
    tx: &mut Tx,
    request: &Request,
    miner: &Miner,
    claim: &Claim,
    configuration: &Configuration,
    transaction_id: TransactionId,
) -> Result<SessionClaimed, DbError> {
    let session = &claim.session;
    diesel::update(mining_sessions::table.find(session.id.0))
        .set((
            mining_sessions::status.eq(SessionStatus::Claimed.text()),
            mining_sessions::claimed_at.eq(tx.now()),
            mining_sessions::points_earned.eq(claim.points_earned.0),
            mining_sessions::streak_bonus.eq(claim.streak_bonus.0),
            mining_sessions::referral_points.eq(referral_points(session)),
        ))
        .execute(tx.conn())
        .await?;
    diesel::insert_into(mining_history::table)
        .values(history_of(tx, miner, claim))
        .execute(tx.conn())
        .await?;
    let mut events = MinerEvents::of(miner, Some(transaction_id));
    events.streak(miner, &claim.settled, configuration);
    events.points(miner, claim);
    let version = events.store(tx, request).await?;
    store_miner(tx, miner, claim.total_points, &claim.settled, version).await?;
    Ok(SessionClaimed {
        miner_id: miner.id.0,
        session_id: session.id.0,
        points_earned: claim.points_earned.0,
        streak_bonus: claim.streak_bonus.0,
        total_points: claim.total_points.0,
        streak_days: claim.settled.streak.current,
    })
}

fn referral_points(session: &Session) -> Option<i64> {
    match &session.state {
        domain::mining::SessionState::Claimed {
            referral_points, ..
        } => Some(referral_points.0),
        _ => None,
    }
}

/// A line for the reward and one for each milestone.
fn history_of(tx: &Tx, miner: &Miner, claim: &Claim) -> Vec<HistoryRow> {
    let line = |points, source| {
        HistoryRow::from(&HistoryEntry {
            id: domain::ids::HistoryId(tx.new_id()),
            miner_id: miner.id,
            points,
            source,
            session_id: Some(claim.session.id),
            earned_at: tx.now(),
            hourly_rate: claim.session.hourly_rate,
            streak_days: claim.settled.streak.current,
        })
    };
    let milestones = claim
        .settled
        .milestones
        .iter()
        .map(|milestone| line(milestone.points, HistorySource::StreakMilestone));
    std::iter::once(line(claim.points_earned, HistorySource::Session))
        .chain(milestones)
        .collect()
}

async fn lock_miner(conn: &mut Connection, user: UserId) -> Result<Option<Miner>, DbError> {
    let row: Option<MinerRow> = miners::table
        .filter(miners::user_id.eq(user.0))
        .select(MinerRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    row.map(Miner::try_from).transpose()
}

async fn store_miner(
    tx: &mut Tx,
    miner: &Miner,
    lifetime_points: Minor,
    settled: &Settled,
    version: i64,
) -> Result<(), DbError> {
    let change = MinerChange::of(lifetime_points, &settled.streak, version, tx.now());
    diesel::update(miners::table.find(miner.id.0))
        .set(change)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Events about one miner, numbered on from its version.
struct MinerEvents {
    miner_id: MinerId,
    audience: UserId,
    version: i64,
    transaction_id: Option<TransactionId>,
    events: Vec<(&'static str, serde_json::Value)>,
}

impl MinerEvents {
    fn of(miner: &Miner, transaction_id: Option<TransactionId>) -> Self {
        Self {
            miner_id: miner.id,
            audience: miner.user_id,
            version: miner.version,
            transaction_id,
            events: Vec::new(),
        }
    }

    fn push(&mut self, name: &'static str, payload: serde_json::Value) {
        self.events.push((name, payload));
    }

    /// What settling did to the streak.
    fn streak(&mut self, before: &Miner, settled: &Settled, configuration: &Configuration) {
        let (previous, new) = (before.streak.current, settled.streak.current);
        if let Some(lost) = settled.lost_days {
            self.push(
                "StreakBroken",
                json!({"minerId": before.id.0, "lostDays": lost}),
            );
        }
        if previous != new {
            let multiplier = configuration.streak.bonus_at(new).to_decimal().to_string();
            self.push(
                "StreakUpdated",
                json!({
                    "minerId": before.id.0, "previousStreak": previous, "newStreak": new,
                    "newBonusMultiplier": multiplier,
                }),
            );
        }
    }

    /// What a claim paid. Seeds name the event `PointsMined`; subscribers see `PointsUpdated`.
    fn points(&mut self, miner: &Miner, claim: &Claim) {
        let text = |points: Minor| points.to_decimal(POINTS_SCALE).to_string();
        let streak_days = claim.settled.streak.current;
        let mined = |points: Minor, source: HistorySource| {
            json!({
                "userId": miner.user_id.0, "minerId": miner.id.0, "points": text(points),
                "source": source.text(), "streakDays": streak_days, "totalPoints": text(claim.total_points),
            })
        };
        self.push(
            "PointsMined",
            mined(claim.points_earned, HistorySource::Session),
        );
        for milestone in &claim.settled.milestones {
            self.push(
                "PointsMined",
                mined(milestone.points, HistorySource::StreakMilestone),
            );
            self.push(
                "StreakMilestoneReached",
                json!({
                    "minerId": miner.id.0, "streakDays": milestone.days, "bonusPoints": text(milestone.points),
                }),
            );
        }
    }

    /// Writes the events; answers the miner's version after the last.
    async fn store(self, tx: &mut Tx, request: &Request) -> Result<i64, DbError> {
        let mut sequence = self.version;
        for (name, payload) in self.events {
            sequence += 1;
            let event = NewEvent {
                name,
                subject_kind: "miner",
                subject_id: self.miner_id.0,
                audience: Some(self.audience),
                sequence,
                payload,
                transaction_id: self.transaction_id,
            };
            outbox::append(tx, &request.request_id, event).await?;
        }
        Ok(sequence)
    }
}
