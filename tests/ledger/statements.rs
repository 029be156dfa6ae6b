//! Statements and round trips of a posting, and the statements of a cluster.

use db::{Db, Ids, Settings, Tls};
use domain::money::CurrencyCode;
use domain::wallets::{Bucket, Posting, WalletKind};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::posting::{house, leg, mining, person, post, posting_of, random};
use crate::support::{TestApp, test};

/// Statements and round trips of a posting, without those of an empty transaction.
async fn cost(db: &Db, posting: &Posting) -> (u64, u64) {
    let mut sent = Vec::new();
    for batch in [vec![], vec![posting.clone()]] {
        let before = (db.statements(), db.round_trips());
        assert!(post(db, batch).await.iter().all(Result::is_ok));
        sent.push((db.statements() - before.0, db.round_trips() - before.1));
    }
    // An empty batch reads the clock once more.
    (sent[1].0 - sent[0].0 + 1, sent[1].1 - sent[0].1 + 1)
}

#[test]
fn takes_three_statements_in_two_round_trips() {
    test(async |app| {
        let url = app.database_url.clone();
        tokio::task::spawn_blocking(|| count_statements(url))
            .await
            .unwrap();
    });
}

/// Counts in a runtime of one thread: no answer arrives while further statements of its round trip are being sent.
fn count_statements(url: String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let settings = Settings {
            pool_size: 1,
            ..Settings::new(url)
        };
        let db = Db::connect(settings, Tls::from_machine(), Ids::seeded(1))
            .await
            .unwrap();
        let mint = |id, n| posting_of(id, vec![leg(mining(), person(n), 100)]);
        // Owners are inserted, by a transaction of their own.
        post(&db, vec![mint(1, 1), mint(2, 2)]).await;
        let other_wallet = {
            let mut legs = vec![leg(house(WalletKind::External), person(1), 1)];
            legs[0].debit.wallet.currency = code("VND");
            legs[0].credit.wallet.currency = code("VND");
            legs
        };
        let transfer = |id| posting_of(id, vec![leg(person(1), person(2), 1)]);
        // Locks and clock; all tables at once.
        assert_eq!(cost(&db, &mint(3, 1)).await, (3, 2));
        // And the owner of a new wallet, with the time behind that lock.
        assert_eq!(cost(&db, &posting_of(4, other_wallet)).await, (5, 3));
        // Two owners.
        assert_eq!(cost(&db, &transfer(5)).await, (3, 2));
        // On a cluster also one lock per owner.
        assert_eq!(cost(&db.as_cluster(), &transfer(6)).await, (5, 2));
        assert_eq!(cost(&db.as_cluster(), &mint(7, 1)).await, (4, 2));
        // A posting between house accounts without locks.
        let rest = posting_of(
            8,
            vec![leg(house(WalletKind::Fx), house(WalletKind::Fees), 1)],
        );
        assert_eq!(cost(&db, &rest).await, (2, 2));
    });
}

/// Rows of the postings of the owners from `offset` on, without ids and times.
async fn books(app: &TestApp, offset: i64) -> Vec<String> {
    let rows = app
        .connect()
        .await
        .query(
            "WITH n AS (SELECT owner_id, ('x' || right(owner_id::text, 8))::bit(32)::bigint - $1 AS number FROM owners WHERE owner_kind = 'USER')
             SELECT concat_ws(' ', n.number, kind, currency, available, held, sequence, is_frozen, last_posted_at IS NULL)
             FROM wallets JOIN n USING (owner_id) WHERE n.number BETWEEN 1 AND 9
             UNION ALL
             SELECT concat_ws(' ', right(t.transaction_id::text, 8), t.leg, n.number, t.reason, t.currency, t.amount,
                 coalesce(d.kind, t.debit_wallet::text), debit_bucket, debit_sequence, debit_after,
                 coalesce(c.kind, t.credit_wallet::text), credit_bucket, credit_sequence, credit_after)
             FROM transfers t JOIN n USING (owner_id)
             LEFT JOIN wallets d ON d.owner_id = t.owner_id AND d.id = t.debit_wallet
             LEFT JOIN wallets c ON c.owner_id = t.owner_id AND c.id = t.credit_wallet
             WHERE n.number BETWEEN 1 AND 9
             ORDER BY 1",
            &[&offset],
        )
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn writes_the_same_rows_as_on_a_cluster() {
    test(async |app| {
        let mut results = Vec::new();
        for (offset, db) in [(0, app.db.clone()), (100, app.db.as_cluster())] {
            let mut rng = StdRng::seed_from_u64(11);
            let mint = [1, 2].map(|n| leg(mining(), person(offset + n), 1_000));
            let mint = posting_of((offset << 64) + 1, mint.to_vec());
            results.push(post(&db, vec![mint]).await);
            for program in 0..60 {
                // One person: one statement. Two: several.
                let people = rng.random_range(1..=2);
                let batch = (0..rng.random_range(1..4))
                    .map(|n| {
                        // The last 8 digits of the id are those of the other run.
                        let id = (offset << 64) + program * 10 + n;
                        random(&mut rng, offset + 1..=offset + people, id)
                    })
                    .collect();
                results.push(post(&db, batch).await);
            }
            // No holds yet: what is held would be a mismatch.
            let release = app
                .connect()
                .await
                .query(
                    "SELECT c.code, w.held, right(owner_id::text, 4) FROM wallets w JOIN currencies c ON c.number = w.currency
                     WHERE held > 0 AND owner_kind = 'USER' ORDER BY 3, 1",
                    &[],
                )
                .await
                .unwrap();
            let legs = release.iter().map(|row| {
                let number = u128::from_str_radix(row.get(2), 16).unwrap();
                let mut free = leg(person(number), person(number), row.get(1));
                free.debit.bucket = Bucket::Held;
                free.debit.wallet.currency = code(row.get(0));
                free.credit.wallet.currency = free.debit.wallet.currency;
                free
            });
            results.push(
                post(
                    &db,
                    vec![posting_of((offset << 64) + 9_999, legs.collect())],
                )
                .await,
            );
        }
        let (plain, cluster) = results.split_at(results.len() / 2);
        assert_eq!(plain, cluster);
        let (plain, cluster) = (books(app, 0).await, books(app, 100).await);
        assert!(plain.len() > 60, "{}", plain.len());
        assert_eq!(plain, cluster);
    });
}

fn code(text: &str) -> CurrencyCode {
    CurrencyCode::parse(text).unwrap()
}
