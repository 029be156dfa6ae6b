use chrono::{SecondsFormat, TimeDelta};
use db::DbError;
use db::wallets::hold::commands::holds_expire;
use domain::access::{Role, Scope};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::lock::{Lock, until_waiting};
use crate::support::rounds::{ROUNDS, rounds};
use crate::support::samples::{currency, wallet, with_reason};
use crate::support::wallets::{bet, loss, mp, owner};
use crate::support::{TestApp, at_once, test};

/// Runs the job's batches; returns the number of released holds.
async fn expire(app: &TestApp) -> usize {
    let expire = async |tx: &mut db::Tx| holds_expire(tx).await;
    app.db.write("wallets.holds_expire", expire).await.unwrap()
}

/// Runs the job's batches until no hold changes meanwhile; returns the number of released holds.
async fn expire_all(app: &TestApp) -> usize {
    loop {
        let expire = async |tx: &mut db::Tx| holds_expire(tx).await;
        match app.db.write("wallets.holds_expire", expire).await {
            Err(DbError::Contended(_)) => {}
            released => return released.unwrap(),
        }
    }
}

#[test]
fn reserves_and_releases_an_amount() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let notes = json!([{"key": "room", "value": "7"}, {"key": "seat", "value": ""}]);
        let place = game.place(&alice, "30.5").with(json!({"metadata": notes}));
        let placed = place.clone().key("a").await.ok();
        let hold = &placed["hold"];
        assert_eq!(hold["status"], "HELD");
        assert_eq!(hold["amount"], mp("30.5000"));
        assert_eq!(hold["issuer"], "tester");
        assert_eq!(hold["metadata"], notes);
        assert_eq!(
            hold["reference"],
            json!({"issuer": "tester", "referenceType": "bet", "referenceId": "7"})
        );
        assert_eq!(hold["wallet"]["held"]["amount"], "30.5000");
        let receipt = &placed["transaction"];
        assert_eq!(receipt["cause"], "HOLD_PLACED");
        assert_eq!(receipt["reference"], hold["reference"]);
        let entries = receipt["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 2);
        let (available, held) = app.balance(&alice).await;
        assert_eq!((available.as_str(), held.as_str()), ("69.5000", "30.5000"));

        let released = game.release_hold(&hold["id"]).await.ok();
        assert_eq!(released["hold"]["status"], "RELEASED");
        assert_eq!(released["hold"]["releaseReason"], "ISSUER");
        assert_eq!(released["transaction"]["cause"], "HOLD_RELEASED");
        let (available, held) = app.balance(&alice).await;
        assert_eq!((available.as_str(), held.as_str()), ("100.0000", "0.0000"));

        // The receipt of a replay is equal; the hold is as it is now.
        let replayed = place.key("a").await.replayed();
        assert_eq!(replayed["transaction"], *receipt);
        assert_eq!(replayed["hold"]["status"], "RELEASED");
        for name in ["HoldPlaced", "HoldReleased"] {
            let events = app.events(name).await;
            assert_eq!(events.len(), 1, "{name}");
            assert_eq!(events[0].payload["holdId"], hold["uuid"]);
            assert_eq!(events[0].payload["amount"], "30.5000");
        }
    });
}

#[test]
fn refuses_to_place_in_order() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let disabled = {
            let mut currencies = wallet(json!({}))["currencies"].clone();
            let mut points = currency("PT", 4, 4);
            points["isEnabled"] = json!(false);
            currencies[1] = points;
            with_reason(wallet(json!({
                "currencies": currencies,
                "issuers": [{"name": "tester", "issuer": "goodgo-dev-services", "subject": "tester", "depositCeilings": []}],
            })))
        };
        app.admin()
            .run("walletConfigurationUpdate", disabled)
            .await
            .ok();
        let late = json!("2999-01-01T00:00:00Z");
        let amount = |amount: &str, code: &str| json!({"amount": amount, "currency": code});
        for (fields, code, path) in [
            (
                json!({"reason": " ", "amount": amount("0", "XX"), "expiresAt": late}),
                "REASON_INVALID",
                "reason",
            ),
            (
                json!({"amount": amount("0", "XX"), "expiresAt": late}),
                "CURRENCY_UNKNOWN",
                "amount.currency",
            ),
            (
                json!({"amount": amount("0", "PT"), "expiresAt": late}),
                "CURRENCY_DISABLED",
                "amount.currency",
            ),
            (
                json!({"amount": amount("0.00001", "MP"), "expiresAt": late}),
                "AMOUNT_INVALID",
                "amount.amount",
            ),
            (
                json!({"amount": amount("1000", "MP"), "expiresAt": late}),
                "EXPIRY_INVALID",
                "expiresAt",
            ),
        ] {
            let refused = game.place(&alice, "1").with(fields).await;
            refused.refused(code, Some(path));
        }
        let short = game.place(&alice, "100.0001").await;
        let short = short.refused("INSUFFICIENT_FUNDS", Some("amount"));
        assert_eq!(short["available"], mp("100.0000"));
        assert_eq!(app.count("holds", "true").await, 0);
        for (fields, problem) in [
            (
                json!({"owner": {"kind": "SYSTEM", "ownerId": alice.id().to_string()}}),
                "platform",
            ),
            (
                json!({"reference": {"referenceType": "Bet", "referenceId": "7"}}),
                "a–z",
            ),
            (
                json!({"reference": {"referenceType": "bet", "referenceId": "a b"}}),
                "ASCII",
            ),
            (json!({"externalId": ""}), "external id"),
            (json!({"externalId": "a\u{7}b"}), "visible characters"),
            (json!({"externalId": "a "}), "blanks at the ends"),
            (json!({"externalId": "a\u{200b}"}), "visible characters"),
            (
                json!({"metadata": [{"key": "a\u{0}b", "value": ""}]}),
                "none of them NUL",
            ),
            (
                json!({"metadata": [{"key": "", "value": ""}]}),
                "key of a note",
            ),
        ] {
            let answer = game.place(&alice, "1").with(fields).await.answer;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.body);
            assert!(answer.body.to_string().contains(problem), "{}", answer.body);
        }
    });
}

#[test]
fn refuses_an_external_id_twice() {
    test(async |app| {
        let ([alice, bob], game) = (
            [app.holder("100").await, app.holder("100").await],
            app.game(),
        );
        let named = |whose| {
            game.place(whose, "10")
                .with(json!({"externalId": "order-1"}))
        };
        let first = named(&alice).await.ok()["hold"]["id"].clone();
        let refused = named(&alice)
            .await
            .refused("DUPLICATE_EXTERNAL_ID", Some("externalId"));
        assert_eq!(refused["duplicateId"], first);
        named(&bob).await.ok();
        // Also after it ended.
        game.release_hold(&first).await.ok();
        named(&alice)
            .await
            .refused("DUPLICATE_EXTERNAL_ID", Some("externalId"));
        let by = json!({"by": {"external": {"externalId": "order-1", "owner": owner(&alice)}}});
        let found = game
            .get("query ($by: HoldBy!) { hold(by: $by) { id } }", by)
            .await;
        assert_eq!(found["hold"]["id"], first);

        let rich = app.holder("500").await;
        rounds(async |round| {
            let fields = json!({"externalId": format!("race-{round}")});
            let twice = (0..2).map(|_| game.place(&rich, "1").with(fields.clone()));
            at_once(twice).await.one_applied("DUPLICATE_EXTERNAL_ID");
        })
        .await;
        assert_eq!(app.balance(&rich).await.1, "200.0000");
    });
}

#[test]
fn limits_an_owner_by_velocity_rules() {
    test(async |app| {
        let ([alice, bob], game) = (
            [app.holder("100").await, app.holder("100").await],
            app.game(),
        );
        let rules = json!([
            {"operation": "HOLD", "currency": "MP", "window": "HOUR", "maxCount": 2, "maxAmount": "50"},
            {"operation": "HOLD", "currency": "MP", "window": "DAY", "maxCount": null, "maxAmount": "70"},
        ]);
        let section = wallet(json!({
            "velocityRules": rules,
            "issuers": [{"name": "tester", "issuer": "goodgo-dev-services", "subject": "tester", "depositCeilings": []}],
        }));
        app.admin()
            .run("walletConfigurationUpdate", with_reason(section))
            .await
            .ok();
        let refused = game
            .place(&alice, "50.0001")
            .await
            .refused("VELOCITY_LIMIT", None);
        assert_eq!(refused["retryAt"], Value::Null);
        assert_eq!(refused["limit"]["window"], "HOUR");
        game.place(&alice, "20").await.ok();
        game.place(&alice, "20").await.ok();
        let refused = game
            .place(&alice, "1")
            .await
            .refused("VELOCITY_LIMIT", None);
        assert_eq!(
            refused["limit"],
            json!({"operation": "HOLD", "currency": "MP", "window": "HOUR", "maxCount": 2, "maxAmount": "50.0000"})
        );
        assert!(refused["retryAt"].is_string());
        game.place(&bob, "1").await.ok();
        app.advance(TimeDelta::hours(1)).await;
        let refused = game
            .place(&alice, "30.0001")
            .await
            .refused("VELOCITY_LIMIT", None);
        assert_eq!(refused["limit"]["window"], "DAY");
        game.place(&alice, "30").await.ok();
        app.advance(TimeDelta::hours(24)).await;
        game.place(&alice, "20").await.ok();
    });
}

#[test]
fn a_freeze_stops_new_holds_only() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let lost = game.placed(&alice, "10", "7").await;
        let kept = game.placed(&alice, "10", "7").await;
        app.admin().ban(&alice).await.ok();
        game.place(&alice, "1000")
            .await
            .refused("WALLET_FROZEN", None);
        game.settle(loss(&lost)).await.ok();
        game.release_hold(&kept).await.ok();
    });
}

#[test]
fn extends_the_expiry() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let placed = game.place(&alice, "10").await.ok()["hold"].clone();
        let now = app
            .db
            .read(async |conn| db::clock::now(conn).await)
            .await
            .unwrap();
        let text = |hours: i64| {
            (now + TimeDelta::hours(hours)).to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
        };
        let extended = game.extend(&placed["id"], &text(48)).await.ok();
        assert_eq!(extended["hold"]["expiresAt"], text(48));
        for bad in [text(47), text(24 * 91)] {
            game.extend(&placed["id"], &bad)
                .await
                .refused("EXPIRY_INVALID", Some("expiresAt"));
        }
        assert_eq!(app.events("HoldExtended").await.len(), 1);
        let entry = &app.audited("wallets.hold_extend").await[0];
        assert_eq!(entry.outcome, "APPLIED");
        game.release_hold(&placed["id"]).await.ok();
        let refused = game.extend(&placed["id"], &text(49)).await;
        let refused = refused.refused("HOLD_ALREADY_RELEASED", None);
        assert_eq!(refused["hold"]["releaseReason"], "ISSUER");
        let other = game.placed(&alice, "10", "8").await;
        game.settle(loss(&other)).await.ok();
        let refused = game.extend(&other, &text(49)).await;
        let refused = refused.refused("HOLD_ALREADY_SETTLED", None);
        assert_eq!(refused["hold"]["status"], "SETTLED");
    });
}

#[test]
fn expires_and_is_released_by_the_job() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let hold = game.placed(&alice, "10", "7").await;
        app.advance(TimeDelta::days(1)).await;
        let later = "2030-01-01T00:00:00Z";
        for run in [game.extend(&hold, later), game.settle(loss(&hold))] {
            let refused = run.await;
            // The job may have come by.
            let code = refused.refusal().unwrap();
            assert!(
                ["HOLD_EXPIRED", "HOLD_ALREADY_RELEASED"].contains(&code),
                "{code}"
            );
        }
        expire(app).await;
        app.until_count(
            "holds",
            "status = 'RELEASED' AND release_reason = 'EXPIRY'",
            1,
        )
        .await;
        let (available, held) = app.balance(&alice).await;
        assert_eq!((available.as_str(), held.as_str()), ("100.0000", "0.0000"));
        let refused = game
            .release_hold(&hold)
            .await
            .refused("HOLD_ALREADY_RELEASED", None);
        assert_eq!(refused["hold"]["releaseReason"], "EXPIRY");
        assert_eq!(app.events("HoldExpired").await.len(), 1);
    });
}

/// Eight holds of a round expire at the same moment. The clock reaches it between their settlements.
#[test]
fn settles_or_expires_a_hold_once() {
    const AT_ONCE: usize = 8;
    test(async |app| {
        let (alice, game) = (app.holder("500").await, app.game());
        let mut left = 500;
        for round in 0..ROUNDS / AT_ONCE {
            let expiry = app.now().await + TimeDelta::minutes(10);
            let expiry = json!({"expiresAt": expiry.to_rfc3339_opts(SecondsFormat::Micros, true)});
            let place = game.place(&alice, "1").with(expiry);
            let placed = at_once(vec![place; AT_ONCE]).await.all_ok();
            let settlements = placed
                .iter()
                .map(|placed| game.settle(loss(&placed["hold"]["id"])).into_future());
            let expired = async {
                app.advance(TimeDelta::minutes(10)).await;
                expire_all(app).await
            };
            let (settled, expired) = tokio::join!(join_all(settlements), expired);
            let mut refused = 0;
            for outcome in settled {
                if let Some(code) = outcome.refusal() {
                    assert!(
                        ["HOLD_EXPIRED", "HOLD_ALREADY_RELEASED"].contains(&code),
                        "{code} in round {round}"
                    );
                    refused += 1;
                }
            }
            // Those that were settled while the job ran are no longer its own.
            assert_eq!(expired + expire_all(app).await, refused, "round {round}");
            left -= AT_ONCE - refused;
            let expected = (format!("{left}.0000"), "0.0000".to_owned());
            assert_eq!(app.balance(&alice).await, expected, "round {round}");
        }
        println!("{} of {ROUNDS} expired", left + ROUNDS - 500);
    });
}

#[test]
fn judges_the_expiry_behind_the_locks() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let first = game.placed(&alice, "10", "7").await;
        game.settle(loss(&first)).await.ok();
        let later = "2030-01-01T00:00:00Z";
        for (table, is_settled) in [("wallets", true), ("holds", false)] {
            let hold = game.placed(&alice, "10", "7").await;
            let lock = format!(
                "SELECT FROM {table} WHERE owner_id = '{}' FOR NO KEY UPDATE",
                alice.id()
            );
            let lock = Lock::by(app, &lock).await;
            let run = if is_settled {
                game.settle(loss(&hold))
            } else {
                game.extend(&hold, later)
            };
            let run = tokio::spawn(run.into_future());
            until_waiting(app, 1).await;
            app.advance(TimeDelta::days(1)).await;
            lock.release().await;
            run.await.unwrap().refused("HOLD_EXPIRED", None);
            expire(app).await;
        }
    });
}

#[test]
fn releases_expired_holds_beside_a_damaged_wallet() {
    test(async |app| {
        let (alice, bob) = (app.holder("100").await, app.holder("100").await);
        let game = app.game();
        let damaged = game.placed(&alice, "10", "7").await;
        game.placed(&bob, "10", "7").await;
        let move_held = |to, from| {
            let set = format!("UPDATE wallets SET {to} = {to} + 100000, {from} = {from} - 100000");
            format!("{set} WHERE owner_id = '{}'", alice.id())
        };
        app.sql(&move_held("available", "held")).await;
        app.advance(TimeDelta::days(1)).await;
        assert_eq!(expire(app).await, 1);
        assert_eq!(app.balance(&bob).await.0, "100.0000");
        app.sql(&move_held("held", "available")).await;
        assert_eq!(expire(app).await, 1);
        game.release_hold(&damaged)
            .await
            .refused("HOLD_ALREADY_RELEASED", None);
    });
}

#[test]
fn rejects_owners_and_issuers_that_are_not() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let mut foreign = bet("7");
        foreign["issuer"] = json!("other");
        for (wrong, problem) in [
            (json!({"reference": foreign}), "leave it out"),
            (
                json!({"owner": {"ownerId": uuid::Uuid::nil().to_string()}}),
                "nil UUID",
            ),
        ] {
            let answer = game.place(&alice, "1").with(wrong).await.answer;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.body);
            assert!(answer.body.to_string().contains(problem), "{}", answer.body);
        }
        let mut own = bet("7");
        own["issuer"] = json!("tester");
        game.place(&alice, "1")
            .with(json!({"reference": own}))
            .await
            .ok();
    });
}

#[test]
fn knows_holds_of_the_calling_service_only() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let hold = game.placed(&alice, "10", "7").await;
        app.sql("UPDATE holds SET issuer = 'other'").await;
        let later = "2030-01-01T00:00:00Z";
        game.extend(&hold, later)
            .await
            .refused("HOLD_NOT_FOUND", Some("holdId"));
        game.release_hold(&hold)
            .await
            .refused("HOLD_NOT_FOUND", Some("holdId"));
        game.settle(loss(&hold))
            .await
            .refused("HOLD_NOT_FOUND", Some("settlement.holdId"));
        let query = "query ($by: HoldBy!) { hold(by: $by) { id } holds(first: 5) { totalCount nodes { id } } }";
        let by = json!({"by": {"id": hold}});
        let seen = game.get(query, by.clone()).await;
        assert_eq!(
            seen,
            json!({"hold": null, "holds": {"totalCount": 0, "nodes": []}})
        );
        for reader in [alice.actor(), app.support(), app.person(&[Role::Finance])] {
            let seen = reader.get(query, by.clone()).await;
            assert_eq!(seen["hold"]["id"], hold);
            assert_eq!(seen["holds"]["totalCount"], 1);
        }
        let seen = app.user().get(query, by.clone()).await;
        assert_eq!(
            seen,
            json!({"hold": null, "holds": {"totalCount": 0, "nodes": []}})
        );
        assert_eq!(
            app.anonymous().ask(query, by).await.code(),
            "UNAUTHENTICATED"
        );
        // The owner of this hold has no row: the refusal is stored with the service's own keys.
        let unknown = json!(
            "SG9sZDo3ZjAwMDAwMDAwMDA0MDAwODAwMDAwMDAwMDAwMDAwMTdmMDAwMDAwMDAwMDQwMDA4MDAwMDAwMDAwMDAwMDAy"
        );
        let release = game.release_hold(&unknown).key("unknown");
        release
            .clone()
            .await
            .refused("HOLD_NOT_FOUND", Some("holdId"));
        assert!(release.await.is_replay());
        // The constraint of the table fails the test's own change otherwise.
        app.sql("UPDATE holds SET issuer = 'tester'").await;
        game.release_hold(&hold).await.ok();
    });
}

#[test]
fn needs_a_name_in_the_configuration() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let section = wallet(json!({"issuers": []}));
        app.admin()
            .run("walletConfigurationUpdate", with_reason(section))
            .await
            .ok();
        let answer = game.place(&alice, "1").await.answer;
        assert_eq!(answer.code(), "FORBIDDEN", "{}", answer.body);
        let reason = &answer.body["errors"][0]["extensions"]["reason"];
        assert_eq!(reason, "ISSUER_UNKNOWN");
    });
}

#[test]
fn lists_by_every_condition() {
    test(async |app| {
        let ([alice, bob], game) = (
            [app.holder("100").await, app.holder("100").await],
            app.game(),
        );
        let first = game.placed(&alice, "1", "7").await;
        game.placed(&alice, "2", "8").await;
        game.placed(&bob, "3", "7").await;
        game.release_hold(&first).await.ok();
        let query = "query ($filter: HoldFilter) { holds(first: 10, filter: $filter) {
            totalCount nodes { amount { amount } } } }";
        for (filter, amounts) in [
            (json!(null), vec!["3.0000", "2.0000", "1.0000"]),
            (json!({"owner": owner(&alice)}), vec!["2.0000", "1.0000"]),
            (json!({"status": "RELEASED"}), vec!["1.0000"]),
            (
                json!({"reference": {"service": bet("7")}}),
                vec!["3.0000", "1.0000"],
            ),
            (json!({"currency": "VND"}), vec![]),
            (json!({"issuer": "other"}), vec![]),
            (
                json!({"expiresAt": {"until": "2027-01-01T00:00:00Z"}}),
                vec![],
            ),
        ] {
            let holds = game.get(query, json!({"filter": filter})).await["holds"].clone();
            let found: Vec<_> = holds["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|hold| hold["amount"]["amount"].as_str().unwrap())
                .collect();
            // The clock of the test may stand anywhere.
            if filter.get("expiresAt").is_none() {
                assert_eq!(found, amounts, "{filter}");
                assert_eq!(holds["totalCount"], amounts.len());
            }
        }
        let foreign = json!({"filter": {"owner": owner(&bob)}});
        assert_eq!(alice.get(query, foreign).await["holds"]["totalCount"], 0);
        let reader = app.service(&[Scope::WalletRead]);
        assert_eq!(reader.get(query, json!({})).await["holds"]["totalCount"], 3);
    });
}
