//! Random programs of postings against PostgreSQL and a model: results and balances agree after each step.

use std::collections::BTreeMap;

use domain::ids::{TransactionId, UserId};
use domain::money::{CurrencyCode, Minor};
use domain::wallets::{
    Bucket, Leg, Origin, Posting, PostingRefusal, Reference, Side, TransferReason, WalletKind,
    WalletOwner,
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

fn side(rng: &mut StdRng) -> Side {
    let currency = CurrencyCode::parse(CODES[rng.random_range(0..CODES.len())]).unwrap();
    if rng.random_bool(0.3) {
        return Side::available(WalletOwner::SYSTEM, WalletKind::Mining, currency);
    }
    let person = UserId(Uuid::from_u128(rng.random_range(1..=PEOPLE)));
    let mut side = Side::available(person, WalletKind::Main, currency);
    if rng.random_bool(0.25) {
        side.bucket = Bucket::Held;
    }
    side
}

fn posting(rng: &mut StdRng, id: Uuid) -> Posting {
    let legs = (0..rng.random_range(1..4))
        .map(|_| {
            let debit = side(rng);
            let mut credit = side(rng);
            if rng.random_bool(0.9) {
                credit.wallet.currency = debit.wallet.currency;
            }
            Leg {
                debit,
                credit,
                amount: Minor(rng.random_range(0..200)),
                reason: TransferReason::OpeningBalance,
            }
        })
        .collect();
    Posting {
        transaction_id: TransactionId(id),
        reference: Reference {
            kind: "test",
            id: id.to_string(),
        },
        origin: Origin::Seed,
        correlation_id: None,
        legs,
    }
}

/// Posts a batch as one transaction; returns one result per item.
async fn post(app: &TestApp, batch: Vec<Posting>) -> Vec<Result<(), &'static str>> {
    let results = app
        .db
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
            Err(other) => panic!("{other}"),
        })
        .collect()
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
                    let id = Uuid::from_u128(rng.random());
                    posting(&mut rng, id)
                })
                .collect();
            let expected: Vec<_> = batch
                .iter()
                .map(|posting| model.post(&posting.legs))
                .collect();
            assert_eq!(post(app, batch).await, expected, "program {program}");
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
            let amount = Minor(i64::try_from(*balance).unwrap());
            Leg {
                debit: Side {
                    bucket: Bucket::Held,
                    ..credit
                },
                credit,
                amount,
                reason: TransferReason::OpeningBalance,
            }
        })
        .collect();
    let mut rng = StdRng::seed_from_u64(8);
    let release = Posting {
        legs,
        ..posting(&mut rng, Uuid::from_u128(1))
    };
    assert_eq!(post(app, vec![release]).await, [Ok(())]);
}

/// Locks in ascending order make transactions over the same wallets in opposite order safe.
#[test]
fn posts_both_directions_at_once_without_deadlock() {
    test(async |app| {
        let person = |n| {
            Side::available(
                UserId(Uuid::from_u128(n)),
                WalletKind::Main,
                CurrencyCode::MP,
            )
        };
        let mining = Side::available(WalletOwner::SYSTEM, WalletKind::Mining, CurrencyCode::MP);
        let leg = |debit, credit, amount| Leg {
            debit,
            credit,
            amount: Minor(amount),
            reason: TransferReason::OpeningBalance,
        };
        let of = |legs| {
            let id = app.db.ids().uuid(goodgo::auth::clock::instance_now());
            Posting {
                legs,
                ..posting(&mut StdRng::seed_from_u64(1), id)
            }
        };
        post(
            app,
            vec![of(vec![
                leg(mining, person(1), 1_000),
                leg(mining, person(2), 1_000),
            ])],
        )
        .await;
        let moves = (0..100).map(|n| {
            let (from, to) = if n % 2 == 0 { (1, 2) } else { (2, 1) };
            post(app, vec![of(vec![leg(person(from), person(to), 1)])])
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
