//! Demo data: a town of miners, and the named people of the README.

use chrono::TimeDelta;
use diesel::{ExpressionMethods, Insertable, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ids::{HistoryId, MinerId, SessionId, TransactionId, UserId};
use domain::mining::{
    Configuration, HistoryEntry, HistorySource, MinerStatus, Rate, RateFacts, ReferralCode,
    ReferralStatus, Role, Session, SessionState, Streak,
};
use domain::money::{CurrencyCode, Minor};
use domain::time::{Timestamp, hours, plus};
use domain::wallets::{
    Leg, Origin, Posting, Reference, Side, TransferReason, WalletKind, WalletOwner,
};
use uuid::Uuid;

use crate::mining::miner::rows::HistoryRow;
use crate::mining::session::rows::SessionRow;
use crate::schema::{
    circle_members, circles, demo_people, miners, mining_history, mining_sessions, referrals, users,
};
use crate::text::Text as _;
use crate::wallets::posting;
use crate::{Db, DbError, Tx};

/// Number of miners in the town.
const TOWN: usize = 2_000;
/// Number of rows per insert: PostgreSQL allows 65,535 parameters.
const ROWS_AT_ONCE: usize = 1_000;
/// People of the demo data without a miner.
const WITHOUT_MINER: [&str; 6] = [
    "carol",
    "support",
    "finance",
    "admin",
    "merchant",
    "advertiser",
];
const GIVEN_NAMES: [&str; 16] = [
    "An", "Binh", "Chi", "Dung", "Giang", "Hanh", "Khanh", "Lan", "Minh", "Ngoc", "Phuc", "Quynh",
    "Son", "Thao", "Vinh", "Yen",
];

/// Seeds the town and the named people into an empty database. Returns false and does nothing when there are users.
pub async fn seed_if_empty(db: &Db) -> Result<bool, DbError> {
    let is_empty = db
        .read(async |conn| {
            let some: Vec<Uuid> = users::table.select(users::id).limit(1).load(conn).await?;
            Ok(some.is_empty())
        })
        .await?;
    if is_empty {
        seed_town(db).await?;
        seed_people(db).await?;
    }
    Ok(is_empty)
}

/// Creates the town: miners with histories, circles, referrals and wallets.
pub async fn seed_town(db: &Db) -> Result<(), DbError> {
    db.write("demo.town", async move |tx| {
        // Seeding may exceed the statement timeout of the server's role.
        crate::pool::batch(tx.conn(), "SET LOCAL statement_timeout = '60s'").await?;
        let configuration = crate::mining::configuration::in_force(tx.conn()).await?;
        let mut town = Town::default();
        for number in 0..TOWN {
            town.settle(tx, number, &configuration)?;
        }
        town.store(tx).await
    })
    .await
}

/// Creates a new user for each name and keeps earlier ones.
///
/// `alice` has a running session, `bob` one to claim; both are in a circle with a third miner. The others have no
/// miner.
pub async fn seed_people(db: &Db) -> Result<(), DbError> {
    db.write("demo.people", async move |tx| {
        let configuration = crate::mining::configuration::in_force(tx.conn()).await?;
        let mut town = Town::default();
        let now = tx.now();
        for (name, claims, last_claim_hours, open_hours) in [
            ("alice", 9, 7, Some(6)),
            ("bob", 4, 26, Some(25)),
            ("dina", 2, 5, None),
        ] {
            let last_claim = plus(now, -hours(last_claim_hours));
            let mut miner =
                Inhabitant::new(tx, title_case(name), plus(last_claim, -hours(24 * claims)));
            miner.claim_daily(tx, claims, last_claim, &configuration)?;
            if let Some(open_hours) = open_hours {
                miner.open(tx, plus(now, -hours(open_hours)), &configuration)?;
            }
            town.miners.push(miner);
        }
        town.circle(tx, "Night shift", &[0, 1, 2]);
        town.store(tx).await?;
        let mut people: Vec<(&str, UserId)> =
            vec![("alice", town.miners[0].user), ("bob", town.miners[1].user)];
        for name in WITHOUT_MINER {
            let user = UserId(tx.new_id());
            crate::platform::users::ensure(tx, user, Some(&title_case(name))).await?;
            people.push((name, user));
        }
        for (name, user) in people {
            diesel::insert_into(demo_people::table)
                .values((demo_people::name.eq(name), demo_people::user_id.eq(user.0)))
                .on_conflict(demo_people::name)
                .do_update()
                .set(demo_people::user_id.eq(user.0))
                .execute(tx.conn())
                .await?;
        }
        Ok(())
    })
    .await
}

fn title_case(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}

#[derive(Default)]
struct Town {
    miners: Vec<Inhabitant>,
    circles: Vec<DemoCircle>,
    referrals: Vec<DemoReferral>,
}

struct DemoCircle {
    id: Uuid,
    name: String,
    members: Vec<usize>,
    created_at: Timestamp,
}

struct DemoReferral {
    id: Uuid,
    referrer: usize,
    referred: usize,
    status: ReferralStatus,
}

struct Inhabitant {
    user: UserId,
    id: MinerId,
    name: String,
    code: ReferralCode,
    created_at: Timestamp,
    points: Minor,
    streak: Streak,
    sessions: Vec<Session>,
    history: Vec<HistoryEntry>,
    circle: Option<(Uuid, bool)>,
    referred_by: Option<MinerId>,
    active_referrals: u32,
}

impl Town {
    /// Adds one miner. Number of claims, circle and referral follow from the miner's number.
    fn settle(
        &mut self,
        tx: &Tx,
        number: usize,
        configuration: &Configuration,
    ) -> Result<(), DbError> {
        let claims = u32::try_from(number * 7 % 23).unwrap_or(0);
        let rest_hours = u32::try_from(number * 13 % 60).unwrap_or(0) + 1;
        let last_claim = plus(tx.now(), -hours(rest_hours));
        let name = format!("{} {}", GIVEN_NAMES[number % GIVEN_NAMES.len()], number + 1);
        let mut miner = Inhabitant::new(tx, name, plus(last_claim, -hours(24 * claims)));
        miner.claim_daily(tx, claims, last_claim, configuration)?;
        if number % 6 == 5 {
            let referrer = number / 6;
            miner.referred_by = Some(self.miners[referrer].id);
            let is_active = number % 4 != 3;
            self.miners[referrer].active_referrals += u32::from(is_active);
            self.referrals.push(DemoReferral {
                id: tx.new_id(),
                referrer,
                referred: number,
                status: if is_active {
                    ReferralStatus::Active
                } else {
                    ReferralStatus::Pending
                },
            });
        }
        self.miners.push(miner);
        // Circles of two to five out of every ten miners, so that both valid and incomplete ones exist.
        let size = 2 + number / 10 % 4;
        if number % 10 == size - 1 {
            let members: Vec<usize> = (number + 1 - size..=number).collect();
            let name = format!("Circle {}", number / 10 + 1);
            self.circle(tx, &name, &members);
        }
        Ok(())
    }

    fn circle(&mut self, tx: &Tx, name: &str, members: &[usize]) {
        let id = tx.new_id();
        for member in members {
            self.miners[*member].circle = Some((id, members.len() >= 3));
        }
        let youngest = members
            .iter()
            .map(|member| self.miners[*member].created_at)
            .max();
        self.circles.push(DemoCircle {
            id,
            name: name.to_owned(),
            members: members.to_vec(),
            created_at: youngest.unwrap_or(tx.now()),
        });
    }

    async fn store(&self, tx: &mut Tx) -> Result<(), DbError> {
        self.store_people(tx).await?;
        self.store_circles(tx).await?;
        self.store_referrals(tx).await?;
        let sessions: Vec<SessionRow> = self
            .miners
            .iter()
            .flat_map(|miner| &miner.sessions)
            .map(SessionRow::try_from)
            .collect::<Result<_, _>>()?;
        for rows in sessions.chunks(ROWS_AT_ONCE) {
            diesel::insert_into(mining_sessions::table)
                .values(rows)
                .execute(tx.conn())
                .await?;
        }
        let history: Vec<HistoryRow> = self
            .miners
            .iter()
            .flat_map(|miner| &miner.history)
            .map(HistoryRow::try_from)
            .collect::<Result<_, _>>()?;
        for rows in history.chunks(ROWS_AT_ONCE) {
            diesel::insert_into(mining_history::table)
                .values(rows)
                .execute(tx.conn())
                .await?;
        }
        let balances: Vec<Posting> = self
            .miners
            .iter()
            .filter(|miner| miner.points > Minor::ZERO)
            .map(|miner| miner.opening_balance(tx))
            .collect();
        for posted in posting::post(tx, &balances).await? {
            posted.map_err(|refusal| DbError::inconsistent("wallets", "available", refusal))?;
        }
        Ok(())
    }

    async fn store_people(&self, tx: &mut Tx) -> Result<(), DbError> {
        let people: Vec<_> = self
            .miners
            .iter()
            .map(|miner| {
                (
                    users::id.eq(miner.user.0),
                    users::display_name.eq(&miner.name),
                    users::registered_at.eq(miner.created_at),
                    users::kyc_completed_at.eq(Some(miner.created_at)),
                )
            })
            .collect();
        for rows in people.chunks(ROWS_AT_ONCE) {
            diesel::insert_into(users::table)
                .values(rows)
                .execute(tx.conn())
                .await?;
        }
        let now = tx.now();
        let rows: Vec<DemoMiner> = self.miners.iter().map(|miner| miner.row(now)).collect();
        for rows in rows.chunks(ROWS_AT_ONCE) {
            diesel::insert_into(miners::table)
                .values(rows)
                .execute(tx.conn())
                .await?;
        }
        Ok(())
    }

    async fn store_circles(&self, tx: &mut Tx) -> Result<(), DbError> {
        for circle in &self.circles {
            let count = i32::try_from(circle.members.len()).unwrap_or(0);
            let status = if count >= 3 { "ACTIVE" } else { "INCOMPLETE" };
            diesel::insert_into(circles::table)
                .values((
                    circles::id.eq(circle.id),
                    circles::owner_id.eq(self.miners[circle.members[0]].id.0),
                    circles::name.eq(&circle.name),
                    circles::status.eq(status),
                    circles::member_count.eq(count),
                    circles::version.eq(1),
                    circles::created_at.eq(circle.created_at),
                    circles::updated_at.eq(circle.created_at),
                ))
                .execute(tx.conn())
                .await?;
            let members: Vec<_> = circle
                .members
                .iter()
                .map(|member| self.miners[*member].id.0)
                .collect();
            let rows: Vec<_> = (0..)
                .zip(&members)
                .map(|(order, miner)| {
                    (
                        circle_members::id.eq(tx.new_id()),
                        circle_members::circle_id.eq(circle.id),
                        circle_members::miner_id.eq(*miner),
                        circle_members::joined_at.eq(circle.created_at + TimeDelta::minutes(order)),
                    )
                })
                .collect();
            diesel::insert_into(circle_members::table)
                .values(rows)
                .execute(tx.conn())
                .await?;
            diesel::update(miners::table.filter(miners::id.eq_any(members)))
                .set(miners::circle_id.eq(circle.id))
                .execute(tx.conn())
                .await?;
        }
        Ok(())
    }

    async fn store_referrals(&self, tx: &mut Tx) -> Result<(), DbError> {
        let rows: Vec<_> = self
            .referrals
            .iter()
            .map(|referral| {
                let referred = &self.miners[referral.referred];
                let is_active = referral.status == ReferralStatus::Active;
                (
                    referrals::id.eq(referral.id),
                    referrals::referrer_id.eq(self.miners[referral.referrer].id.0),
                    referrals::referred_id.eq(referred.id.0),
                    referrals::referral_code.eq(self.miners[referral.referrer].code.as_str()),
                    referrals::bonus_bps.eq(2_500),
                    referrals::status.eq(referral.status.text()),
                    referrals::created_at.eq(referred.created_at),
                    referrals::activated_at.eq(is_active.then_some(referred.created_at)),
                )
            })
            .collect();
        diesel::insert_into(referrals::table)
            .values(rows)
            .execute(tx.conn())
            .await?;
        Ok(())
    }
}

impl Inhabitant {
    fn new(tx: &Tx, name: String, created_at: Timestamp) -> Self {
        Self {
            user: UserId(tx.new_id()),
            id: MinerId(tx.new_id()),
            name,
            code: ReferralCode::from_random(tx.ids().bytes()),
            created_at,
            points: Minor::ZERO,
            streak: Streak::default(),
            sessions: Vec::new(),
            history: Vec::new(),
            circle: None,
            referred_by: None,
            active_referrals: 0,
        }
    }

    /// A session at the rate of a miner without bonuses, with the present streak.
    fn session(
        &self,
        tx: &Tx,
        started_at: Timestamp,
        configuration: &Configuration,
    ) -> Result<Session, DbError> {
        let facts = RateFacts {
            role: Role::Pioneer,
            circle_valid: false,
            referral_sum: domain::mining::Bps(0),
        };
        let rate = Rate::of(&facts, self.streak.current, configuration);
        Ok(Session {
            id: SessionId(tx.new_id()),
            miner_id: self.id,
            started_at,
            ends_at: plus(
                started_at,
                hours(configuration.mining.session_duration_hours),
            ),
            claim_window_hours: configuration.mining.claim_window_hours,
            window_stopped_at: None,
            window_extension: chrono::TimeDelta::zero(),
            rate,
            hourly_rate: rate.total()?,
            started_in_grace: false,
            configuration_version: configuration.mining.version,
            state: SessionState::Active,
        })
    }

    /// Claims one session per day, the last one at `last`.
    fn claim_daily(
        &mut self,
        tx: &Tx,
        claims: u32,
        last: Timestamp,
        configuration: &Configuration,
    ) -> Result<(), DbError> {
        let day = hours(24);
        for before in (0..claims).rev() {
            let at = plus(last, -hours(24 * before));
            let mut session = self.session(tx, plus(at, -day), configuration)?;
            session.ends_at = at;
            let earned = session.accumulated(at)?;
            let settled = self.streak.clone().on_claim(at, day, false, configuration);
            self.streak = settled.streak;
            let mut bonus = Minor::ZERO;
            self.remember(tx, &session, earned, HistorySource::Session, at);
            for milestone in settled.milestones {
                bonus = Minor(bonus.0 + milestone.points.0);
                self.remember(
                    tx,
                    &session,
                    milestone.points,
                    HistorySource::StreakMilestone,
                    at,
                );
            }
            session.state = SessionState::Claimed {
                at,
                points_earned: earned,
                milestone_points: bonus,
                referral_points: Minor::ZERO,
            };
            self.sessions.push(session);
        }
        Ok(())
    }

    /// Leaves a session open.
    fn open(
        &mut self,
        tx: &Tx,
        started_at: Timestamp,
        configuration: &Configuration,
    ) -> Result<(), DbError> {
        let session = self.session(tx, started_at, configuration)?;
        let settled = self
            .streak
            .clone()
            .on_start(started_at, session.ends_at, configuration);
        self.streak = settled.streak;
        self.sessions.push(session);
        Ok(())
    }

    fn remember(
        &mut self,
        tx: &Tx,
        session: &Session,
        points: Minor,
        source: HistorySource,
        at: Timestamp,
    ) {
        self.points = Minor(self.points.0 + points.0);
        self.history.push(HistoryEntry {
            id: HistoryId(tx.new_id()),
            miner_id: self.id,
            points,
            source,
            session_id: Some(session.id),
            earned_at: at,
            hourly_rate: session.hourly_rate,
            streak_days: self.streak.current,
        });
    }

    /// Opening balance of the points mined in the demo history.
    fn opening_balance(&self, tx: &Tx) -> Posting {
        Posting {
            transaction_id: TransactionId(tx.new_id()),
            reference: Reference {
                kind: "miner",
                id: self.id.to_string(),
            },
            origin: Origin::Seed,
            correlation_id: None,
            legs: vec![Leg {
                debit: Side::available(WalletOwner::SYSTEM, WalletKind::Mining, CurrencyCode::MP),
                credit: Side::available(self.user, WalletKind::Main, CurrencyCode::MP),
                amount: self.points,
                reason: TransferReason::OpeningBalance,
            }],
        }
    }

    fn row(&self, now: Timestamp) -> DemoMiner<'_> {
        let days = |days: u32| i32::try_from(days).unwrap_or(i32::MAX);
        let circle_valid = self.circle.is_some_and(|(_, valid)| valid);
        DemoMiner {
            id: self.id.0,
            user_id: self.user.0,
            role: Role::from_facts(false, self.active_referrals, circle_valid).text(),
            status: MinerStatus::Active.text(),
            lifetime_points: self.points.0,
            current_streak: days(self.streak.current),
            longest_streak: days(self.streak.longest),
            last_claim_at: self.streak.last_claim,
            streak_since: self.streak.due.map(|due| due.since),
            streak_due_at: self.streak.due.map(|due| due.at),
            previous_since: self.streak.previous_due.map(|due| due.since),
            previous_due_at: self.streak.previous_due.map(|due| due.at),
            freeze_tokens: days(self.streak.freeze_tokens),
            is_grace_period: false,
            milestones_paid: self
                .streak
                .milestones_paid
                .iter()
                .copied()
                .map(days)
                .collect(),
            referral_code: self.code.as_str(),
            referred_by: self.referred_by.map(|id| id.0),
            version: 1,
            created_at: self.created_at,
            updated_at: now,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = miners)]
struct DemoMiner<'a> {
    id: Uuid,
    user_id: Uuid,
    role: &'a str,
    status: &'a str,
    lifetime_points: i64,
    current_streak: i32,
    longest_streak: i32,
    last_claim_at: Option<Timestamp>,
    streak_since: Option<Timestamp>,
    streak_due_at: Option<Timestamp>,
    previous_since: Option<Timestamp>,
    previous_due_at: Option<Timestamp>,
    freeze_tokens: i32,
    is_grace_period: bool,
    milestones_paid: Vec<i32>,
    referral_code: &'a str,
    referred_by: Option<Uuid>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}
