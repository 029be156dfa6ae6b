//! A month of two hundred people over the API, against a model that knows the outcome of each command.
//!
//! A round is 25 hours, so that no deadline is within seconds of a command. Commands about other people run one after the
//! other; then all people claim and start a session at the same time.

mod errands;
mod model;
#[path = "../../domain/src/mining/streak/model.rs"]
mod streak;
mod visits;

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::jobs::sessions::settle;
use crate::support::dice::Dice;
use crate::support::events::documented;
use crate::support::{Actor, Miner, TestApp, test};
use model::{Model, ROUND};

const PEOPLE: usize = 200;
const ROUNDS: i64 = 29;

/// The people, the model, and a source of random numbers.
struct Town<'a> {
    app: &'a TestApp,
    model: Model,
    people: Vec<Miner>,
    admins: [Actor; 2],
    dice: Dice,
}

#[test]
fn agrees_with_the_model_after_a_month() {
    test(async |app| {
        let mut town = Town::found(app).await;
        for round in 0..ROUNDS {
            town.run_errands().await;
            town.visit().await;
            app.advance(TimeDelta::hours(ROUND)).await;
            town.model.now += ROUND;
            town.model.alone = 0;
            settle(app).await;
            if round % 7 == 6 {
                app.check().await;
            }
        }
        town.compare().await;
        // All events were written with all their documented fields.
        let written = app.event_fields().await;
        assert!(written.len() > 25, "{:?}", written.keys());
        for (event, fields) in &written {
            assert_eq!(Some(fields), documented().get(event), "{event}");
        }
        let did: BTreeMap<_, _> = town.model.did.iter().collect();
        println!("In {ROUNDS} rounds: {did:?}");
        for deed in [
            "claim",
            "milestone",
            "grace",
            "frozen",
            "broken",
            "expired",
            "recover",
            "circle",
            "join",
            "leave",
            "remove",
            "disband",
            "ban",
            "suspend",
            "restore",
            "up",
            "down",
            "approve",
            "decline",
            "grant",
            "ambassador",
            "refused",
        ] {
            assert!(
                town.model.did.contains_key(deed),
                "it never happened: {deed}"
            );
        }
    });
}

impl<'a> Town<'a> {
    /// Registers all people, some with a referral code.
    async fn found(app: &'a TestApp) -> Self {
        let mut town = Self {
            app,
            model: Model::default(),
            people: Vec::new(),
            admins: [app.admin(), app.admin()],
            dice: Dice::new(1),
        };
        for number in 0..PEOPLE {
            let person = app.user();
            // The first few bring many.
            let referrer = (number > 5 && town.dice.once_in(3)).then(|| town.dice.roll(6));
            let register = match referrer {
                Some(referrer) => person.register_with(&town.people[referrer].code),
                None => person.register(),
            };
            let payload = register.await.ok();
            town.people.push(Miner::registered(person, &payload));
            town.model.register(referrer);
        }
        town
    }

    /// Compares each row with the model.
    async fn compare(&self) {
        let client = self.app.connect().await;
        let rows = client
            .query(
                "SELECT m.user_id::text, m.status, m.role, m.lifetime_points, m.longest_streak, m.freeze_tokens,
                        m.current_streak, coalesce(w.available, 0), coalesce(w.is_frozen, false), coalesce(c.name, ''),
                        (SELECT coalesce(sum(referral_points), 0)::bigint FROM mining_sessions s WHERE s.user_id = m.user_id),
                        (SELECT coalesce(sum(points) FILTER (WHERE source <> 'STREAK_RECOVERY'), 0)::bigint
                         FROM mining_history h WHERE h.user_id = m.user_id),
                        (SELECT status FROM referrals r WHERE r.referred_user_id = m.user_id)
                 FROM miners m LEFT JOIN circles c ON c.id = m.circle_id
                 LEFT JOIN wallets w ON w.owner_id = m.user_id AND w.owner_kind = 'USER'",
                &[],
            )
            .await
            .unwrap();
        let found: BTreeMap<String, _> = rows.iter().map(|row| (row.get(0), row)).collect();
        assert_eq!(found.len(), PEOPLE);
        for (number, person) in self.people.iter().enumerate() {
            let row = found[&person.id().to_string()];
            let miner = &self.model.people[number];
            let streak = &miner.streak;
            assert_eq!(row.get::<_, &str>(1), miner.status(), "{number}");
            assert_eq!(row.get::<_, &str>(2), self.model.role(number), "{number}");
            assert_eq!(row.get::<_, i64>(3), miner.lifetime, "{number}");
            assert_eq!(i64::from(row.get::<_, i32>(4)), streak.longest, "{number}");
            assert_eq!(i64::from(row.get::<_, i32>(5)), streak.tokens, "{number}");
            assert_eq!(i64::from(row.get::<_, i32>(6)), streak.days, "{number}");
            assert_eq!(row.get::<_, i64>(7), miner.wallet, "{number}");
            let frozen = miner.is_banned && miner.has_wallet;
            assert_eq!(row.get::<_, bool>(8), frozen, "{number}");
            let circle = miner
                .circle
                .map_or(String::new(), |circle| format!("Circle {circle}"));
            assert_eq!(row.get::<_, &str>(9), circle, "{number}");
            assert_eq!(row.get::<_, i64>(10), miner.owed_to_referrals, "{number}");
            assert_eq!(row.get::<_, i64>(11), miner.lifetime, "{number}");
            assert_eq!(
                row.get::<_, Option<&str>>(12),
                self.model.referral_of(number),
                "{number}"
            );
        }
        let circles = client
            .query("SELECT name, status, member_count FROM circles", &[])
            .await
            .unwrap();
        assert_eq!(circles.len(), self.model.circles.len());
        for row in circles {
            let number: usize = row.get::<_, &str>(0)["Circle ".len()..].parse().unwrap();
            let members = self.model.circles[number].members.len();
            let status = match members {
                0 => "DISBANDED",
                1 | 2 => "INCOMPLETE",
                _ => "ACTIVE",
            };
            assert_eq!(row.get::<_, &str>(1), status, "circle {number}");
            assert_eq!(
                usize::try_from(row.get::<_, i32>(2)).unwrap(),
                members,
                "circle {number}"
            );
        }
    }
}
