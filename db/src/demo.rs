//! Demo data: a town of miners, and the named people of the README.

use std::ops::Range;

use chrono::TimeDelta;
use domain::mining::circle::Roster;
use domain::mining::session::{self, SessionRefusal, StartInput};
use domain::mining::{
    Bps, Circle, CircleStatus, Configuration, HistoryEntry, HistorySource, Miner, RateFacts,
    ReferralCode, ReferralStatus, Role, Session,
};
use domain::money::{CurrencyCode, Minor};
use domain::platform::DisplayName;
use domain::refusal::Rejection;
use domain::time::{hours, plus};
use domain::wallets::{Issuer, Origin, Posting, PostingCause, Reference, TransferReason};

use crate::mining::circle::rows::{CircleRow, folded_name};
use crate::mining::miner::rows::{HistoryRow, MinerRow, pioneer};
use crate::mining::points::to_miner;
use crate::mining::referral::rows::{Referral, ReferralRow};
use crate::mining::session::rows::SessionRow;
use crate::prelude::*;
use crate::schema::{
    circle_members, circles, demo_people, miners, mining_history, mining_sessions, referral_codes,
    referrals, users,
};
use crate::wallets::posting;
use crate::{Db, demo_promotions, demo_wallets};

/// Issuer of the demo service's tokens.
const SERVICE_ISSUER: &str = "goodgo-dev-services";
/// Subject of the demo service's tokens.
pub const SERVICE_SUBJECT: &str = "demo-service";
/// Largest sums that the demo service deposits per day, in whole units.
const DEPOSIT_CEILINGS: [(&str, i64); 2] = [("USD", 10_000), ("VND", 250_000_000)];
/// Number of miners in the town.
const TOWN: usize = 2_000;
/// Number of rows per insert: PostgreSQL allows 65,535 parameters.
const ROWS_AT_ONCE: usize = 1_000;
/// People of the demo data without a miner.
const WITHOUT_MINER: [&str; 8] = [
    "carol",
    "support",
    "finance",
    "controller",
    "admin",
    "supervisor",
    "merchant",
    "advertiser",
];
const GIVEN_NAMES: [&str; 16] = [
    "An", "Binh", "Chi", "Dung", "Giang", "Hanh", "Khanh", "Lan", "Minh", "Ngoc", "Phuc", "Quynh",
    "Son", "Thao", "Vinh", "Yen",
];

/// Seeds the town and the named people into an empty database. Returns false and does nothing when there are users.
pub async fn seed_if_empty(db: &Db) -> Result<bool> {
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
pub async fn seed_town(db: &Db) -> Result<()> {
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
/// `alice` has a running session, `bob` one to claim; both are in a circle with a third miner, and have money, points, a hold,
/// a conversion, a withdrawal in progress, and a voucher that is used in part. `merchant` has campaigns in every state. The
/// others have no miner.
pub async fn seed_people(db: &Db) -> Result<()> {
    let (with_miners, merchant) = named_people(db).await?;
    let service = (SERVICE_ISSUER, SERVICE_SUBJECT);
    demo_wallets::seed(db, &with_miners, service).await?;
    demo_promotions::seed(db, merchant, with_miners, service).await
}

/// Creates the named people; returns those with miners, and the merchant.
async fn named_people(db: &Db) -> Result<([UserId; 2], UserId)> {
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
        town.circle(tx, "Night shift", 0..3)?;
        town.store(tx).await?;
        let mut people: Vec<(&str, UserId)> = vec![
            ("alice", town.miners[0].miner.id.user),
            ("bob", town.miners[1].miner.id.user),
        ];
        for name in WITHOUT_MINER {
            let user = UserId(tx.new_id());
            crate::platform::users::ensure(
                tx,
                user,
                DisplayName::parse(&title_case(name)).as_ref(),
            )
            .await?;
            people.push((name, user));
        }
        let merchant = people.iter().find(|(name, _)| *name == "merchant");
        let nobody = || DbError::inconsistent("demo_people", "name", "no merchant");
        let merchant = merchant.map(|(_, user)| *user).ok_or_else(nobody)?;
        for (name, user) in people {
            diesel::insert_into(demo_people::table)
                .values((demo_people::name.eq(name), demo_people::user_id.eq(user.0)))
                .on_conflict(demo_people::name)
                .do_update()
                .set(demo_people::user_id.eq(user.0))
                .execute(tx.conn())
                .await?;
        }
        name_service(tx).await?;
        let with_miners = [0, 1].map(|number: usize| town.miners[number].miner.id.user);
        Ok((with_miners, merchant))
    })
    .await
}

/// Names the demo service as an issuer and opens a conversion, in a new version of the section `wallet`.
async fn name_service(tx: &mut Tx) -> Result<()> {
    let mut section = crate::wallets::configuration::in_force(tx.conn()).await?;
    let is_named = section.issuer(SERVICE_ISSUER, SERVICE_SUBJECT).is_some();
    let is_open = demo_wallets::open_conversion(&mut section);
    if is_named && is_open {
        return Ok(());
    }
    let ceilings = DEPOSIT_CEILINGS.iter().filter_map(|(code, units)| {
        let currency = section.currency(CurrencyCode::parse(code)?)?;
        let unit = 10_i64.checked_pow(currency.scale.into())?;
        Some((currency.code, Minor(units.checked_mul(unit)?)))
    });
    let issuer = Issuer {
        name: "demo".to_owned(),
        issuer: SERVICE_ISSUER.to_owned(),
        subject: SERVICE_SUBJECT.to_owned(),
        deposit_ceilings: ceilings.collect(),
    };
    section.issuers.retain(|known| known.name != issuer.name);
    section.issuers.push(issuer);
    section.version = section.version.saturating_add(1);
    crate::platform::configuration::seed(tx, &section, section.version).await
}

fn title_case(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}

#[derive(Default)]
struct Town {
    miners: Vec<Inhabitant>,
    circles: Vec<Roster>,
    referrals: Vec<Referral>,
}

struct Inhabitant {
    name: String,
    miner: Miner,
    is_circle_valid: bool,
    active_referrals: u32,
    sessions: Vec<Session>,
    history: Vec<HistoryEntry>,
}

impl Town {
    /// Adds one miner. Number of claims, circle and referral follow from the miner's number.
    fn settle(&mut self, tx: &Tx, number: usize, configuration: &Configuration) -> Result<()> {
        let claims = u32::try_from(number * 7 % 23).unwrap_or(0);
        let rest_hours = u32::try_from(number * 13 % 60).unwrap_or(0) + 1;
        let last_claim = plus(tx.now(), -hours(rest_hours));
        let name = format!("{} {}", GIVEN_NAMES[number % GIVEN_NAMES.len()], number + 1);
        let mut miner = Inhabitant::new(tx, name, plus(last_claim, -hours(24 * claims)));
        miner.claim_daily(tx, claims, last_claim, configuration)?;
        if number % 6 == 5 {
            let referrer = number / 6;
            let owner = &mut self.miners[referrer];
            let is_active = number % 4 != 3;
            owner.active_referrals += u32::from(is_active);
            miner.miner.referred_by = Some(owner.miner.id.user);
            self.referrals.push(Referral {
                id: ReferralId {
                    referrer: owner.miner.id.user,
                    uuid: tx.new_id(),
                },
                referrer_id: owner.miner.id,
                referred_id: miner.miner.id,
                code: owner.miner.referral_code.as_str().to_owned(),
                bonus: Bps(2_500),
                status: if is_active {
                    ReferralStatus::Active
                } else {
                    ReferralStatus::Pending
                },
                created_at: miner.miner.created_at,
                activated_at: is_active.then_some(miner.miner.created_at),
            });
        }
        self.miners.push(miner);
        // Circles of two to five out of every ten miners, so that both valid and incomplete ones exist.
        let size = 2 + number / 10 % 4;
        if number % 10 == size - 1 {
            let name = format!("Circle {}", number / 10 + 1);
            self.circle(tx, &name, number + 1 - size..number + 1)?;
        }
        Ok(())
    }

    /// Adds a circle of consecutive miners, owned by the first.
    fn circle(&mut self, tx: &Tx, name: &str, members: Range<usize>) -> Result<()> {
        let members = &mut self.miners[members];
        let youngest = members.iter().map(|member| member.miner.created_at).max();
        let created_at = youngest.unwrap_or(tx.now());
        let circle = Circle {
            id: CircleId(tx.new_id()),
            owner_id: members[0].miner.id,
            name: name.to_owned(),
            status: CircleStatus::of(members.len()),
            member_count: fit("circles", "member_count", members.len())?,
            version: 1,
            created_at,
            updated_at: created_at,
        };
        for member in &mut *members {
            member.is_circle_valid = circle.is_valid();
        }
        self.circles.push(Roster {
            members: members.iter().map(|member| member.miner.id).collect(),
            circle,
        });
        Ok(())
    }

    async fn store(&mut self, tx: &mut Tx) -> Result<()> {
        macro_rules! insert {
            ($table:ident, $rows:expr) => {
                for rows in $rows.chunks(ROWS_AT_ONCE) {
                    let insert = diesel::insert_into($table::table).values(rows);
                    insert.execute(tx.conn()).await?;
                }
            };
        }
        for Inhabitant {
            miner,
            is_circle_valid,
            active_referrals,
            ..
        } in &mut self.miners
        {
            miner.role = Role::from_facts(false, *active_referrals, *is_circle_valid);
            miner.updated_at = tx.now();
        }
        let people = self.miners.iter().map(|Inhabitant { name, miner, .. }| {
            (
                users::id.eq(miner.id.user.0),
                crate::platform::users::name_columns(name),
                users::registered_at.eq(miner.created_at),
                users::kyc_completed_at.eq(miner.created_at),
            )
        });
        insert!(users, people.collect::<Vec<_>>());
        let rows = self.miners.iter();
        let rows = rows.map(|inhabitant| MinerRow::try_from(&inhabitant.miner));
        insert!(miners, rows.collect::<Result<Vec<_>, _>>()?);
        let codes = self.miners.iter().map(|Inhabitant { miner, .. }| {
            (
                referral_codes::code.eq(miner.referral_code.as_str()),
                referral_codes::user_id.eq(miner.id.user.0),
            )
        });
        insert!(referral_codes, codes.collect::<Vec<_>>());
        self.store_circles(tx).await?;
        let referrals = self.referrals.iter().map(ReferralRow::from);
        insert!(referrals, referrals.collect::<Vec<_>>());
        let sessions = self.miners.iter().flat_map(|miner| &miner.sessions);
        let sessions = sessions.map(SessionRow::try_from);
        insert!(mining_sessions, sessions.collect::<Result<Vec<_>, _>>()?);
        let history = self.miners.iter().flat_map(|miner| &miner.history);
        let history = history.map(HistoryRow::try_from);
        insert!(mining_history, history.collect::<Result<Vec<_>, _>>()?);
        let miners = self.miners.iter().map(|inhabitant| &inhabitant.miner);
        let balances: Vec<Posting> = miners
            .filter(|miner| miner.lifetime_points > Minor::ZERO)
            .map(|miner| opening_balance(tx, miner))
            .collect();
        let owners = self.miners.iter().map(|one| one.miner.id.user.into());
        crate::owners::ensure(tx.conn(), &owners.collect::<Vec<_>>()).await?;
        for posted in posting::post(tx, &balances).await? {
            posted?;
        }
        Ok(())
    }

    async fn store_circles(&self, tx: &mut Tx) -> Result<()> {
        for Roster { circle, members } in &self.circles {
            diesel::insert_into(circles::table)
                .values((CircleRow::try_from(circle)?, folded_name(circle)))
                .execute(tx.conn())
                .await?;
            let rows: Vec<_> = (0..)
                .zip(members)
                .map(|(order, miner)| {
                    (
                        circle_members::id.eq(tx.new_id()),
                        circle_members::circle_id.eq(circle.id.0),
                        circle_members::user_id.eq(miner.user.0),
                        circle_members::miner_id.eq(miner.uuid),
                        circle_members::joined_at.eq(circle.created_at + TimeDelta::minutes(order)),
                    )
                })
                .collect();
            diesel::insert_into(circle_members::table)
                .values(rows)
                .execute(tx.conn())
                .await?;
            let members = members.iter().map(|id| id.user.0);
            diesel::update(miners::table.filter(miners::user_id.eq_any(members)))
                .set((
                    miners::circle_id.eq(circle.id.0),
                    miners::is_circle_valid.eq(circle.is_valid()),
                ))
                .execute(tx.conn())
                .await?;
        }
        Ok(())
    }
}

impl Inhabitant {
    fn new(tx: &Tx, name: String, created_at: Timestamp) -> Self {
        let id = MinerId::from([tx.new_id(), tx.new_id()]);
        let code = ReferralCode::from_random(tx.ids().bytes());
        Self {
            name,
            miner: pioneer(id, code, created_at),
            is_circle_valid: false,
            active_referrals: 0,
            sessions: Vec::new(),
            history: Vec::new(),
        }
    }

    /// Starts a session without any bonus but the streak's.
    fn start(
        &self,
        tx: &Tx,
        started_at: Timestamp,
        configuration: &Configuration,
    ) -> Result<session::Start> {
        let input = StartInput {
            miner: self.miner.clone(),
            latest: None,
            started_today: 0,
            facts: RateFacts {
                role: Role::Pioneer,
                circle_valid: false,
                referral_sum: Bps(0),
            },
            configuration,
            now: started_at,
            id: SessionId {
                user: self.miner.id.user,
                uuid: tx.new_id(),
            },
        };
        session::start(input).map_err(|refused| inconsistent(&refused))
    }

    /// Claims one session per day, the last one at `last`.
    fn claim_daily(
        &mut self,
        tx: &Tx,
        claims: u32,
        last: Timestamp,
        configuration: &Configuration,
    ) -> Result<()> {
        for before in (0..claims).rev() {
            let at = plus(last, -hours(24 * before));
            let session = Session {
                ends_at: at,
                ..self.start(tx, plus(at, -hours(24)), configuration)?.session
            };
            let claim = session::claim(self.miner.clone(), Some(session), configuration, at)
                .map_err(|refused| inconsistent(&refused))?;
            self.miner.streak = claim.settled.streak;
            let reward = (claim.points_earned, HistorySource::Session);
            let milestones = claim.settled.milestones.iter();
            let milestones = milestones.map(|one| (one.points, HistorySource::StreakMilestone));
            for (points, source) in std::iter::once(reward).chain(milestones) {
                self.remember(tx, &claim.session, points, source, at);
            }
            self.sessions.push(claim.session);
        }
        Ok(())
    }

    /// Leaves a session open.
    fn open(
        &mut self,
        tx: &Tx,
        started_at: Timestamp,
        configuration: &Configuration,
    ) -> Result<()> {
        let start = self.start(tx, started_at, configuration)?;
        self.miner.streak = start.settled.streak;
        self.sessions.push(start.session);
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
        self.miner.lifetime_points = Minor(self.miner.lifetime_points.0 + points.0);
        self.history.push(HistoryEntry {
            id: HistoryId {
                user: self.miner.id.user,
                uuid: tx.new_id(),
            },
            points,
            source,
            session_id: Some(session.id),
            earned_at: at,
            hourly_rate: session.hourly_rate,
            streak_days: self.miner.streak.current,
        });
    }
}

fn inconsistent(refused: &Rejection<SessionRefusal>) -> DbError {
    DbError::inconsistent("demo", "session", format!("{refused:?}"))
}

/// Opening balance of the points mined in the demo history.
fn opening_balance(tx: &Tx, miner: &Miner) -> Posting {
    Posting {
        transaction_id: TransactionId(tx.new_id()),
        reference: Reference::to("miner", miner.id.uuid),
        cause: PostingCause::without_caller(Origin::Seed),
        legs: vec![to_miner(
            miner,
            miner.lifetime_points,
            TransferReason::OpeningBalance,
        )],
    }
}
