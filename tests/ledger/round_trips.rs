//! Round trips of the commands on holds, between BEGIN and COMMIT.

use std::sync::Arc;
use std::time::Instant;

use db::command::Request;
use db::operation_trace::{Action, Record};
use db::wallets::hold::commands::{HoldDraft, hold_place, hold_release};
use db::wallets::settlement::commands::hold_settle;
use db::{Db, Ids, Settings, Tls};
use domain::access::{Principal, Scope, Service};
use domain::ids::HoldId;
use domain::money::CurrencyCode;
use domain::wallets::settlement::{PayoutDraft, SettlementDraft, SettlementOutcome};
use domain::wallets::{Origin, WalletOwner};
use rust_decimal::Decimal;
use serde_json::json;

use crate::support::test;
use crate::support::wallets::loss;

/// The request of the service `tester` with a new key.
fn request(key: &str) -> Request {
    Request {
        principal: Principal::Service(Service {
            issuer: "goodgo-dev-services".to_owned(),
            subject: "tester".to_owned(),
            scopes: vec![Scope::WalletHold, Scope::WalletSettle],
        }),
        origin: Origin::Service,
        key: Some(key.to_owned()),
        hash: [0; 32],
        request_id: "test".to_owned(),
        subject: None,
    }
}

/// Round trips of one transaction: the names of the statements of each.
type Trips = Vec<Vec<&'static str>>;

/// Parts of statements, in the order in which they are looked for, and names.
const NAMES: [(&str, &str); 12] = [
    ("WITH w0 AS", "writes"),
    ("pg_try_advisory_xact_lock", "key lock"),
    ("FROM \"idempotency_keys\"", "stored answer"),
    ("FROM \"configurations\"", "configuration"),
    ("\"holds\".\"id\" FOR NO KEY UPDATE", "hold lock"),
    ("\"holds\".\"external_id\" = ", "external id"),
    ("FROM \"holds\"", "hold"),
    ("FROM \"velocity_sums\"", "velocity sums"),
    ("FOR NO KEY UPDATE OF w", "wallet locks"),
    ("FOR SHARE OF o", "owner locks"),
    ("INSERT INTO \"owners\"", "owner"),
    ("SELECT app_now()", "clock"),
];

fn name_of(text: &str) -> &'static str {
    let found = NAMES.iter().find(|(part, _)| text.contains(part));
    found.unwrap_or_else(|| panic!("no name for {text}")).1
}

/// The statements that each transaction of a command sent after BEGIN, those of a round trip together, without its end; with
/// what was sent outside of one before the next.
fn transactions(record: &Arc<Record>) -> Vec<Trips> {
    let mut trips: Vec<(Instant, Vec<String>)> = Vec::new();
    let (mut steps, _) = record.take_steps();
    steps.sort_by_key(|step| step.started);
    for step in steps {
        let (Action::Statement(text), Some(ended)) = (step.action, step.ended) else {
            continue;
        };
        match trips.last_mut() {
            Some((until, trip)) if step.started < *until => {
                trip.push(text);
                *until = ended.max(*until);
            }
            _ => trips.push((ended, vec![text])),
        }
    }
    let mut transactions: Vec<Trips> = Vec::new();
    for (_, trip) in trips {
        match trip[0].as_str() {
            "BEGIN" => {
                assert_eq!(trip, ["BEGIN", "SELECT app_now()"]);
                transactions.push(Vec::new());
            }
            "COMMIT" | "ROLLBACK" => assert_eq!(trip.len(), 1),
            _ => {
                let names = trip.iter().map(|text| name_of(text)).collect();
                transactions.last_mut().unwrap().push(names);
            }
        }
    }
    transactions
}

/// The round trips of a command that takes one transaction.
fn round_trips(record: &Arc<Record>) -> Trips {
    let mut transactions = transactions(record);
    assert_eq!(transactions.len(), 1, "{transactions:?}");
    transactions.remove(0)
}

#[test]
fn pins_the_round_trips_of_commands_on_holds() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        app.configure_wallets(json!({"velocityRules": [{
            "operation": "HOLD", "currency": "MP", "window": "DAY", "maxCount": 100, "maxAmount": null,
        }]}))
        .await;
        // The clearing account exists.
        let first = game.placed(&alice, "1", "7").await;
        game.settle(loss(&first)).await.ok();
        let (url, owner) = (app.database_url.clone(), WalletOwner::from(alice.id()));
        tokio::task::spawn_blocking(move || count(&url, owner))
            .await
            .unwrap();
    });
}

/// Counts in a runtime of one thread: no answer arrives while further statements of its round trip are being sent.
fn count(url: &str, owner: WalletOwner) {
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
        let (hold, trips) = place(&db, owner, "a").await;
        let placing: Trips = vec![
            vec!["key lock", "stored answer", "configuration"],
            vec!["wallet locks", "clock", "external id", "velocity sums"],
            vec!["writes"],
        ];
        assert_eq!(trips, placing);
        let ending: Trips = vec![
            vec!["key lock", "stored answer", "hold", "configuration"],
            vec!["wallet locks", "clock", "hold lock"],
            vec!["writes"],
        ];
        assert_eq!(release(&db, hold, "b").await, ending);
        for (key, payee) in [("c", None), ("d", Some(owner))] {
            let (hold, _) = place(&db, owner, key).await;
            let settled = settle(&db, hold, payee, key).await;
            assert_eq!(settled, std::slice::from_ref(&ending), "{payee:?}");
        }
        // The first settlement of a reference makes the owner of its clearing account between two attempts, and locks it.
        let (hold, _) = place_for(&db, owner, "e", "8").await;
        let mut attempt = ending.clone();
        attempt.insert(2, vec!["owner locks", "clock"]);
        let mut refused = attempt[..3].to_vec();
        refused.extend([vec!["clock"], vec!["owner"]]);
        let first = [refused, attempt];
        assert_eq!(settle(&db, hold, None, "e").await, first);
    });
}

async fn place(db: &Db, owner: WalletOwner, key: &str) -> (HoldId, Trips) {
    place_for(db, owner, key, "7").await
}

async fn place_for(db: &Db, owner: WalletOwner, key: &str, bet: &str) -> (HoldId, Trips) {
    let draft = HoldDraft {
        owner,
        amount: (Decimal::ONE, CurrencyCode::MP),
        issuer: None,
        reference: ("bet".to_owned(), bet.to_owned()),
        reason: "A bet".to_owned(),
        expires_at: None,
        external_id: Some(key.to_owned()),
        metadata: Vec::new(),
    };
    let (request, record) = (request(key), Record::noting());
    let command = async move |tx: &mut db::Tx| hold_place(tx, &request, &draft).await;
    let done = record.follow(db.write("test", command)).await.unwrap();
    (done.outcome.unwrap().hold.into(), round_trips(&record))
}

async fn release(db: &Db, hold: HoldId, key: &str) -> Trips {
    let (request, record) = (request(key), Record::noting());
    let command = async move |tx: &mut db::Tx| hold_release(tx, &request, hold).await;
    let done = record.follow(db.write("test", command)).await.unwrap();
    done.outcome.unwrap();
    round_trips(&record)
}

/// Settles a hold as lost, or as won by a payee.
async fn settle(db: &Db, hold: HoldId, payee: Option<WalletOwner>, key: &str) -> Vec<Trips> {
    let amount = (Decimal::ONE, CurrencyCode::MP);
    let draft = SettlementDraft {
        hold,
        outcome: payee.map_or(SettlementOutcome::Loss, |_| SettlementOutcome::Win),
        amount: None,
        payouts: payee.map(|owner| vec![PayoutDraft { owner, amount }]),
    };
    let (request, record) = (request(key), Record::noting());
    let command = async move |tx: &mut db::Tx| hold_settle(tx, &request, &draft).await;
    let done = record.follow(db.write("test", command)).await.unwrap();
    done.outcome.unwrap();
    transactions(&record)
}
