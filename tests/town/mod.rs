//! A month of a small town: two hundred people over the API, and a model that knows what each of them must hear.
//!
//! A round is 25 hours, so that nothing ever falls on the moment where a rule changes: seconds that pass meanwhile make no
//! difference. Within a round what people do to each other happens one after the other; then everybody visits at once.

mod errands;
mod model;
#[path = "../../domain/src/mining/streak/model.rs"]
mod streak;
mod visits;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use db::mining::commands::{Place, sessions_settle};
use domain::access::{Role, Scope};
use serde_json::{Value, json};

use crate::support::events::documented;
use crate::support::{Actor, TestApp, test};
use model::{Model, ROUND};

const PEOPLE: usize = 200;
const ROUNDS: i64 = 29;

/// The town, and how its people are reached.
struct Town<'a> {
    app: &'a TestApp,
    model: Model,
    people: Vec<Actor>,
    /// Global ids of their profiles.
    profiles: Vec<String>,
    codes: Vec<String>,
    admins: [Actor; 2],
    iam: Actor,
    dice: Dice,
    keys: u32,
}

/// Numbers that are the same each time (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.roll(times) == 0
    }
}

#[test]
fn a_month_goes_by_and_the_model_and_the_database_agree() {
    test(async |app| {
        let mut town = Town::found(app).await;
        for round in 0..ROUNDS {
            town.run_errands().await;
            town.visit().await;
            app.advance(TimeDelta::hours(ROUND)).await;
            town.model.now += ROUND;
            town.keep_up().await;
            if round % 7 == 6 {
                app.check().await;
            }
        }
        town.compare().await;
        // Of what happened, the platform was told all that it is promised.
        let told = app.told().await;
        assert!(told.len() > 25, "{:?}", told.keys());
        for (event, fields) in &told {
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
                "nobody ever did this: {deed}"
            );
        }
    });
}

impl<'a> Town<'a> {
    /// Everybody registers; some say who brought them.
    async fn found(app: &'a TestApp) -> Self {
        let mut town = Self {
            app,
            model: Model::default(),
            people: Vec::new(),
            profiles: Vec::new(),
            codes: Vec::new(),
            admins: [(), ()].map(|()| app.person(&[Role::Admin])),
            iam: app.service(&[Scope::MiningEvents]),
            dice: Dice(0x9E37_79B9_7F4A_7C15),
            keys: 0,
        };
        for number in 0..PEOPLE {
            let person = app.user();
            // The first few bring many.
            let referrer = (number > 5 && town.dice.once_in(3)).then(|| town.dice.roll(6));
            let query = "mutation ($code: String) { minerRegister(input: {referralCode: $code}) {
                miner { referralCode profile { id } } userErrors { code } } }";
            let code = referrer.map(|referrer| town.codes[referrer].clone());
            let payload = person.get(query, json!({"code": code})).await["minerRegister"].clone();
            assert_eq!(payload["userErrors"], json!([]));
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            town.codes.push(text(&payload["miner"]["referralCode"]));
            town.profiles.push(text(&payload["miner"]["profile"]["id"]));
            town.people.push(person);
            town.model.register(referrer);
        }
        town
    }

    /// A key nobody used.
    fn key(&mut self) -> String {
        self.keys += 1;
        format!("town {}", self.keys)
    }

    /// The jobs do what they do each minute.
    async fn keep_up(&self) {
        let mut next = Some(Place::START);
        while let Some(from) = next {
            let settle = async move |tx: &mut db::Tx| sessions_settle(tx, from).await;
            let batch = self.app.db.write("mining.sessions_settle", settle).await;
            next = batch.unwrap().next;
        }
    }

    /// Everybody's row is what the model says.
    async fn compare(&self) {
        let (client, connection) =
            tokio_postgres::connect(&self.app.database_url, tokio_postgres::NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        let rows = client
            .query(
                "SELECT m.user_id::text, m.status, m.role, m.lifetime_points, m.longest_streak, m.freeze_tokens,
                        m.current_streak, coalesce(w.available, 0), coalesce(w.is_frozen, false), coalesce(c.name, ''),
                        (SELECT coalesce(sum(referral_points), 0)::bigint FROM mining_sessions s WHERE s.miner_id = m.id),
                        (SELECT coalesce(sum(points) FILTER (WHERE source <> 'STREAK_RECOVERY'), 0)::bigint
                         FROM mining_history h WHERE h.miner_id = m.id),
                        (SELECT status FROM referrals r WHERE r.referred_id = m.id)
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
