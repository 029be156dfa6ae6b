//! Statements of wallets by signed links.

use serde_json::{Value, json};

use crate::support::wallets::bet_of_tester;
use crate::support::{Actor, TestApp, test};

const LINK: &str = "query ($period: DateTimeRangeInput!) { viewer { wallet(currency: \"MP\") { statementUrl(period: $period) { url expiresAt } } } }";

async fn link(who: &Actor) -> Value {
    let period = json!({"period": {"from": "2020-01-01T00:00:00Z"}});
    who.get(LINK, period).await["viewer"]["wallet"]["statementUrl"].clone()
}

/// The path and query of a link, on the server of the test.
fn here(app: &TestApp, link: &Value) -> String {
    let url = link["url"].as_str().unwrap();
    let at = url.find("/wallets/").unwrap();
    app.url(&url[at..])
}

#[test]
fn streams_a_statement_by_a_signed_link() {
    test(async |app| {
        let alice = app.saver("50").await.actor();
        let game = app.game();
        for (number, id) in ["=cmd|' /C calc'!A0".replace(' ', "_"), "7".to_owned()]
            .iter()
            .enumerate()
        {
            let mut reference = bet_of_tester(id);
            reference.as_object_mut().unwrap().remove("issuer");
            let place = game
                .place(&alice, "1.5")
                .with(json!({"reference": reference}));
            place.key(&format!("k{number}")).await.ok();
        }
        let answer = reqwest::get(here(app, &link(&alice).await)).await.unwrap();
        assert_eq!(answer.status(), 200);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(
            header("content-disposition"),
            "attachment; filename=\"statement-MP-2020-01-01.csv\""
        );
        let text = String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap();
        let text = text.strip_prefix('\u{feff}').unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(
            lines[0],
            "sequence,postedAt,side,bucket,amount,currency,balanceAfter,reason,referenceType,referenceId,transactionId"
        );
        // A credit, and two holds of two sides each.
        assert_eq!(lines.len(), 1 + 5 + 1);
        assert!(
            lines[1].starts_with("1,")
                && lines[1].contains(",CREDIT,AVAILABLE,50.0000,MP,50.0000,ADJUSTMENT,miner,")
        );
        assert!(
            lines[2].contains(",DEBIT,AVAILABLE,1.5000,MP,48.5000,HOLD_PLACED,tester:bet,'=cmd")
        );
        assert!(lines[5].contains(",CREDIT,HELD,1.5000,MP,3.0000,HOLD_PLACED,tester:bet,7,"));
    });
}

#[test]
fn refuses_other_links() {
    test(async |app| {
        let (alice, bob) = (app.saver("50").await.actor(), app.saver("50").await.actor());
        let (mine, his) = (link(&alice).await, link(&bob).await);
        let (mine, his) = (here(app, &mine), here(app, &his));
        let (path, token) = mine.split_once('?').unwrap();
        let (other_path, _) = his.split_once('?').unwrap();
        for url in [
            path.to_owned(),
            format!("{path}?token="),
            format!(
                "{path}?token={}",
                token.replace("token=", "").replace('.', "x.")
            ),
            format!("{other_path}?{token}"),
        ] {
            assert_eq!(reqwest::get(&url).await.unwrap().status(), 403, "{url}");
        }
        assert_eq!(reqwest::get(&mine).await.unwrap().status(), 200);
        // A user's token is no link.
        let answer = reqwest::get(format!("{path}?token={}", alice.token().unwrap()))
            .await
            .unwrap();
        assert_eq!(answer.status(), 403);
        let refused = alice.ask(LINK, json!({"period": {}})).await;
        assert_eq!(refused.code(), "BAD_USER_INPUT");
    });
}

#[test]
fn reads_long_statements_in_pages() {
    test(async |app| {
        let alice = app.saver("50").await.actor();
        // Entries as a posting writes them, many at once.
        app.invent_points(&format!(
            "WITH w AS (SELECT * FROM wallets WHERE owner_id = '{0}' AND kind = 'MAIN'),
                  t AS (SELECT * FROM transfers WHERE owner_id = '{0}' LIMIT 1)
             INSERT INTO transfers SELECT t.owner_id, t.posted_at, gen_random_uuid(), 0, 'OPENING_BALANCE', 'miner', 'x', 'SEED', NULL,
                 t.currency, 1, t.debit_wallet, 'AVAILABLE', NULL, NULL, w.id, 'AVAILABLE', n + 1, 500000 + n
             FROM generate_series(1, 2500) n, w, t;
             UPDATE wallets SET sequence = 2501, available = 502500 WHERE owner_id = '{0}' AND kind = 'MAIN'",
            alice.id()
        ))
        .await;
        app.allow_demo_data().await;
        let text = reqwest::get(here(app, &link(&alice).await))
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let numbers: Vec<u32> = text
            .lines()
            .skip(1)
            .map(|line| line.split(',').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(numbers, (1..=2501).collect::<Vec<_>>());
    });
}
