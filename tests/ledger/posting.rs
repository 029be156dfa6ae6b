//! Random programs of postings against PostgreSQL and a model: results and balances agree after each step.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use db::Db;
use domain::ids::{TransactionId, UserId};
use domain::money::{CurrencyCode, Minor};
use domain::wallets::{
    Bucket, Leg, Origin, Posting, PostingCause, PostingRefusal, Reference, Side, TransferReason,
    WalletKind, WalletOwner,
};
use futures_util::StreamExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

use crate::support::{TestApp, is_soak, test};

const PEOPLE: u128 = 4;
const CODES: [&str; 2] = ["MP", "VND"];

/// The whole ledger as one map and 128 bits.
#[derive(Default)]
struct Model {
    balances: BTreeMap<(Uuid, CurrencyCode, Bucket), i128>,
}

impl Model {
    /// The expected result of a posting: posted, or the name of the refusal.
    fn post(&mut self, legs: &[Leg]) -> Result<(), &'static str> {
        let mut after = self.balances.clone();
        for leg in legs {
            if leg.amount.0 <= 0
                || leg.debit == leg.credit
                || leg.debit.wallet.currency != leg.credit.wallet.currency
            {
                return Err("malformed");
            }
            for (side, change) in [
                (leg.debit, -i128::from(leg.amount.0)),
                (leg.credit, i128::from(leg.amount.0)),
            ] {
                if side.wallet.owner == WalletOwner::SYSTEM {
                    continue;
                }
                let balance = after
                    .entry((side.wallet.owner.id, side.wallet.currency, side.bucket))
                    .or_default();
                *balance += change;
                if *balance < 0 {
                    return Err("insufficient");
                }
            }
        }
        self.balances = after;
        Ok(())
    }
}

fn side(rng: &mut StdRng, people: &RangeInclusive<u128>) -> Side {
    let currency = CurrencyCode::parse(CODES[rng.random_range(0..CODES.len())]).unwrap();
    if rng.random_bool(0.3) {
        let kinds = [WalletKind::Mining, WalletKind::Fx, WalletKind::Fees];
        let kind = kinds[rng.random_range(0..kinds.len())];
        return Side::available(WalletOwner::SYSTEM, kind, currency);
    }
    let person = UserId(Uuid::from_u128(rng.random_range(people.clone())));
    let mut side = Side::available(person, WalletKind::Main, currency);
    if rng.random_bool(0.25) {
        side.bucket = Bucket::Held;
    }
    side
}

/// A posting of one to three legs between these people and the house.
pub(super) fn random(rng: &mut StdRng, people: RangeInclusive<u128>, id: u128) -> Posting {
    let legs = (0..rng.random_range(1..4))
        .map(|_| {
            let debit = side(rng, &people);
            let mut credit = side(rng, &people);
            if rng.random_bool(0.9) {
                credit.wallet.currency = debit.wallet.currency;
            }
            leg(debit, credit, rng.random_range(0..200))
        })
        .collect();
    posting_of(id, legs)
}

/// Posts a batch as one transaction; returns one result per item.
pub(super) async fn post(db: &Db, batch: Vec<Posting>) -> Vec<Result<(), &'static str>> {
    let results = db
        .write("test.post", async move |tx| {
            db::wallets::posting::post(tx, &batch).await
        })
        .await
        .unwrap();
    results
        .into_iter()
        .map(|result| match result {
            Ok(_) => Ok(()),
            Err(PostingRefusal::Malformed) => Err("malformed"),
            Err(PostingRefusal::InsufficientFunds { .. }) => Err("insufficient"),
            Err(PostingRefusal::WalletFrozen { .. }) => Err("frozen"),
            Err(other) => panic!("{other}"),
        })
        .collect()
}

/// The MP wallet of a person.
pub(super) fn person(n: u128) -> Side {
    let user = UserId(Uuid::from_u128(n));
    Side::available(user, WalletKind::Main, CurrencyCode::MP)
}

/// An MP account of the house.
pub(super) fn house(kind: WalletKind) -> Side {
    Side::available(WalletOwner::SYSTEM, kind, CurrencyCode::MP)
}

pub(super) fn mining() -> Side {
    house(WalletKind::Mining)
}

pub(super) fn leg(debit: Side, credit: Side, amount: i64) -> Leg {
    Leg {
        debit,
        credit,
        amount: Minor(amount),
        reason: TransferReason::OpeningBalance,
    }
}

/// A business event of these legs.
pub(super) fn posting_of(id: u128, legs: Vec<Leg>) -> Posting {
    Posting {
        transaction_id: TransactionId(Uuid::from_u128(id)),
        reference: Reference {
            kind: "test".into(),
            id: id.to_string(),
        },
        cause: PostingCause::without_caller(Origin::Seed),
        legs,
    }
}

#[test]
fn soak_random_programs_agree_with_the_model() {
    // Deeper in script/soak.
    let programs: u64 = if is_soak() { 400 } else { 8 };
    test(async |app| {
        let mut rng = StdRng::seed_from_u64(7);
        let mut model = Model::default();
        for program in 0..programs * 25 {
            let batch: Vec<Posting> = (0..rng.random_range(1..8))
                .map(|_| {
                    let id = rng.random();
                    random(&mut rng, 1..=PEOPLE, id)
                })
                .collect();
            let expected: Vec<_> = batch
                .iter()
                .map(|posting| model.post(&posting.legs))
                .collect();
            // Both kinds of statements understand what the other wrote.
            let db = if rng.random() {
                app.db.as_cluster()
            } else {
                app.db.clone()
            };
            assert_eq!(post(&db, batch).await, expected, "program {program}");
        }
        for ((owner, currency, bucket), balance) in &model.balances {
            let bucket = if *bucket == Bucket::Held {
                "held"
            } else {
                "available"
            };
            let stored = app
                .number(&format!(
                    "SELECT coalesce(sum({bucket}), 0)::bigint FROM wallets w JOIN currencies c ON c.number = w.currency
                     WHERE owner_id = '{owner}' AND code = '{currency}' AND kind = 'MAIN'"
                ))
                .await;
            assert_eq!(i128::from(stored), *balance);
        }
        // Refused postings left nothing, not even an empty wallet.
        let unused = app.count("wallets", "kind = 'MAIN' AND sequence = 0").await;
        assert_eq!(unused, 0);
        // The ledger has no holds yet, so held amounts are moved back before the checker runs.
        release_all(app, &model).await;
        println!("soak: {} batches agree with the model", programs * 25);
    });
}

/// Moves all held amounts back.
async fn release_all(app: &TestApp, model: &Model) {
    let legs: Vec<Leg> = model
        .balances
        .iter()
        .filter(|((_, _, bucket), balance)| *bucket == Bucket::Held && **balance > 0)
        .map(|((owner, currency, _), balance)| {
            let credit = Side::available(UserId(*owner), WalletKind::Main, *currency);
            let debit = Side {
                bucket: Bucket::Held,
                ..credit
            };
            leg(debit, credit, i64::try_from(*balance).unwrap())
        })
        .collect();
    assert_eq!(post(&app.db, vec![posting_of(1, legs)]).await, [Ok(())]);
}

/// Locks in ascending order make transactions over the same wallets in opposite order safe.
#[test]
fn posts_both_directions_at_once_without_deadlock() {
    test(async |app| {
        let of = |legs| {
            let id = app.db.ids().uuid(goodgo::auth::clock::instance_now());
            posting_of(id.as_u128(), legs)
        };
        let mint = |n| leg(mining(), person(n), 1_000);
        post(&app.db, vec![of(vec![mint(1), mint(2)])]).await;
        let cluster = app.db.as_cluster();
        let moves = (0..100).map(|n| {
            let (from, to) = if n % 2 == 0 { (1, 2) } else { (2, 1) };
            let db = if n % 3 == 0 { &cluster } else { &app.db };
            post(db, vec![of(vec![leg(person(from), person(to), 1)])])
        });
        // As many as there are connections: a wait for one that is too long fails.
        let moves = futures_util::stream::iter(moves).buffer_unordered(8);
        let results = moves.collect::<Vec<_>>().await;
        assert!(results.iter().all(|result| result == &[Ok(())]));
        assert_eq!(
            app.number("SELECT sum(available)::bigint FROM wallets")
                .await,
            2_000
        );
        assert_eq!(app.user().points().await, "0.0000");
    });
}
