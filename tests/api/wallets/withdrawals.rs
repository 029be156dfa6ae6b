use std::sync::Mutex;

use chrono::TimeDelta;
use db::wallets::withdrawal::payout::PayoutAnswer;
use domain::access::{Role, Scope};
use domain::wallets::ProviderPayment;
use domain::wallets::withdrawal::Withdrawal;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use goodgo::custody::CustodyAdapter;
use goodgo::jobs::withdrawal_payout::hand_over;
use serde_json::{Value, json};

use crate::support::rounds::{QUICK_USERS, prepared, race, rounds};
use crate::support::wallets::{mp, owner};
use crate::support::{Actor, Miner, TestApp, at_once, test, test_with};

/// A verified miner whose wallet has 100 MP.
async fn saver(app: &TestApp) -> Miner {
    app.saver("100").await
}

async fn requested(alice: &Actor, amount: &str) -> Value {
    alice.withdraw(amount).await.ok()["withdrawal"]["id"].clone()
}

async fn processed(app: &TestApp, alice: &Actor, amount: &str) -> Value {
    let id = requested(alice, amount).await;
    app.finance().process(&id).await.ok();
    id
}

async fn balance(app: &TestApp, whose: &Actor) -> [String; 2] {
    app.balance(whose).await.into()
}

#[test]
fn pays_out_what_was_held() {
    test(async |app| {
        let (alice, finance) = (saver(app).await, app.finance());
        let notes = json!({"metadata": [{"key": "note", "value": "rent"}], "externalId": "rent-7"});
        let withdraw = alice.withdraw("30.5").with(notes).key("a");
        let requested = withdraw.clone().await.ok();
        let withdrawal = &requested["withdrawal"];
        assert_eq!(withdrawal["status"], "REQUESTED");
        assert_eq!(withdrawal["amount"], mp("30.5000"));
        assert_eq!(withdrawal["destination"], "VCB 0123456789");
        assert_eq!(withdrawal["owner"]["uuid"], alice.id().to_string());
        assert_eq!(withdrawal["metadata"][0]["value"], "rent");
        let hold = &withdrawal["hold"];
        assert_eq!(
            (&hold["status"], &hold["issuer"]),
            (&json!("HELD"), &json!("wallets"))
        );
        assert_eq!(
            (&hold["expiresAt"], &hold["reference"]["uuid"]),
            (&Value::Null, &withdrawal["uuid"])
        );
        assert_eq!(requested["transaction"]["cause"], "WITHDRAWAL_REQUESTED");
        assert_eq!(balance(app, &alice).await, ["69.5000", "30.5000"]);
        assert_eq!(
            withdraw.await.replayed()["transaction"],
            requested["transaction"]
        );

        let id = &withdrawal["id"];
        let processing = finance.process(id).await.ok();
        assert_eq!(processing["withdrawal"]["status"], "PROCESSING");
        assert!(processing["withdrawal"]["processedAt"].is_string());
        let complete = finance.complete(id, "P-1").key("b");
        let completed = complete.clone().await.ok();
        assert_eq!(completed["withdrawal"]["status"], "COMPLETED");
        assert_eq!(
            completed["withdrawal"]["payout"],
            json!({"provider": "vcb", "reference": "P-1"})
        );
        assert_eq!(completed["withdrawal"]["hold"]["status"], "SETTLED");
        assert_eq!(completed["transaction"]["cause"], "WITHDRAWAL_COMPLETED");
        assert_eq!(balance(app, &alice).await, ["69.5000", "0.0000"]);
        complete.await.replayed();
        // A provider that reports twice changes nothing.
        let refused = finance.complete(id, "P-1").await;
        let refused = refused.refused("WITHDRAWAL_STATUS_INVALID", Some("withdrawalId"));
        assert_eq!(refused["withdrawal"]["status"], "COMPLETED");

        for name in [
            "WithdrawalRequested",
            "WithdrawalProcessing",
            "WithdrawalCompleted",
        ] {
            let events = app.events(name).await;
            assert_eq!(events.len(), 1, "{name}");
            assert_eq!(events[0].payload["withdrawalId"], withdrawal["uuid"]);
            assert_eq!(events[0].payload["destination"], "****6789");
        }
        let by = "query ($by: WithdrawalBy!) { withdrawal(by: $by) { id } }";
        for key in [
            json!({"id": id}),
            json!({"uuid": withdrawal["uuid"]}),
            json!({"external": {"owner": owner(&alice), "externalId": "rent-7"}}),
        ] {
            assert_eq!(
                alice.get(by, json!({"by": key})).await["withdrawal"]["id"],
                *id,
                "{key}"
            );
            let stranger = app.user().get(by, json!({"by": key})).await;
            assert_eq!(stranger["withdrawal"], Value::Null, "{key}");
        }
        let own = "{ viewer { withdrawals(first: 5, filter: {status: COMPLETED}) { totalCount nodes { id } } } }";
        let own = alice.get(own, json!({})).await["viewer"]["withdrawals"].clone();
        assert_eq!(
            (&own["totalCount"], &own["nodes"][0]["id"]),
            (&json!(1), id)
        );
        let all =
            "query ($f: WithdrawalFilter) { withdrawals(first: 5, filter: $f) { totalCount } }";
        for (filter, count) in [
            (json!({}), 1),
            (
                json!({"owner": owner(&alice), "currency": "MP", "externalId": "rent-7"}),
                1,
            ),
            (json!({"status": "REQUESTED"}), 0),
            (json!({"currency": "USD"}), 0),
        ] {
            let found = finance.get(all, json!({"f": filter})).await;
            assert_eq!(found["withdrawals"]["totalCount"], count, "{filter}");
        }
        let others = app.user().get(all, json!({"f": {}})).await;
        assert_eq!(others["withdrawals"]["totalCount"], 0);
    });
}

#[test]
fn refuses_to_request_in_order() {
    test(async |app| {
        let alice = app.holder("100").await;
        let amount =
            |amount: &str, code: &str| json!({"amount": {"amount": amount, "currency": code}});
        for (fields, code, path) in [
            (
                amount("0", "XX"),
                "CURRENCY_UNKNOWN",
                Some("amount.currency"),
            ),
            (amount("0", "MP"), "AMOUNT_INVALID", Some("amount.amount")),
            (
                json!({"destination": " "}),
                "DESTINATION_INVALID",
                Some("destination"),
            ),
            (
                json!({"destination": "a\u{202e}b"}),
                "DESTINATION_INVALID",
                Some("destination"),
            ),
            (json!({}), "KYC_REQUIRED", None),
        ] {
            alice.withdraw("200").with(fields).await.refused(code, path);
        }
        app.verify(&alice).await.ok();
        let refused = alice.withdraw("100.0001").await;
        let refused = refused.refused("INSUFFICIENT_FUNDS", Some("amount"));
        assert_eq!(refused["available"], mp("100.0000"));
        let rule = json!({"operation": "WITHDRAWAL", "currency": "MP", "window": "DAY", "maxAmount": "50", "maxCount": null});
        app.configure_wallets(json!({"velocityRules": [rule]}))
            .await;
        let first = alice
            .withdraw("30")
            .with(json!({"externalId": "a"}))
            .await
            .ok();
        let refused = alice.withdraw("30").with(json!({"externalId": "a"})).await;
        let refused = refused.refused("DUPLICATE_EXTERNAL_ID", Some("externalId"));
        assert_eq!(refused["duplicateId"], first["withdrawal"]["id"]);
        let refused = alice.withdraw("20.0001").await;
        let refused = refused.refused("VELOCITY_LIMIT", None);
        assert_eq!(refused["limit"]["operation"], "WITHDRAWAL");
        // Cancelled and failed withdrawals do not count.
        alice
            .cancel_withdrawal(&first["withdrawal"]["id"])
            .await
            .ok();
        let second = requested(&alice, "50").await;
        app.finance().fail(&second).await.ok();
        let third = requested(&alice, "50").await;
        alice
            .withdraw("0.0001")
            .await
            .refused("VELOCITY_LIMIT", None);
        app.advance(TimeDelta::hours(51)).await;
        // Sums that no rule counts are deleted; the end of a withdrawal that they counted does not need them.
        let delete =
            async |conn: &mut db::Connection| db::wallets::velocity::delete_old(conn).await;
        assert!(app.db.autocommit(delete).await.unwrap() > 0);
        assert_eq!(app.count("velocity_sums", "true").await, 0);
        app.admin().ban(&alice).await.ok();
        alice.withdraw("1").await.refused("WALLET_FROZEN", None);
        // An earlier request of a frozen owner can be cancelled, but not paid.
        let refused = app.finance().process(&third).await;
        refused.refused("WALLET_FROZEN", None);
        alice.cancel_withdrawal(&third).await.ok();
        assert_eq!(balance(app, &alice).await, ["100.0000", "0.0000"]);
    });
}

#[test]
fn belongs_to_its_owner() {
    test(async |app| {
        let (alice, bob) = (saver(app).await, saver(app).await);
        let service = app.service(&[Scope::WalletWithdraw]);
        let foreign = json!({"owner": owner(&bob)});
        alice.withdraw("1").with(foreign).await.error("FORBIDDEN");
        let merchant = json!({"owner": {"kind": "MERCHANT", "ownerId": alice.id().to_string()}});
        alice.withdraw("1").with(merchant).await.error("FORBIDDEN");
        service.withdraw("1").await.error("BAD_USER_INPUT");
        let own = requested(&alice, "1").await;
        bob.cancel_withdrawal(&own)
            .await
            .refused("WITHDRAWAL_NOT_FOUND", Some("withdrawalId"));
        // A service cancels what it requested itself.
        service
            .cancel_withdrawal(&own)
            .await
            .refused("WITHDRAWAL_NOT_FOUND", Some("withdrawalId"));
        let for_bob = service
            .withdraw("2")
            .with(json!({"owner": owner(&bob)}))
            .await
            .ok();
        let for_bob = &for_bob["withdrawal"]["id"];
        let cancelled = service.cancel_withdrawal(for_bob).await.ok();
        assert_eq!(cancelled["withdrawal"]["status"], "CANCELLED");
        assert_eq!(cancelled["transaction"]["cause"], "WITHDRAWAL_CANCELLED");
        assert_eq!(app.events("WithdrawalCancelled").await.len(), 1);
        let unverified = app.holder("5").await;
        let refused = service
            .withdraw("2")
            .with(json!({"owner": owner(&unverified)}))
            .await;
        refused.refused("KYC_REQUIRED", None);
        let finance = app.finance();
        finance.register().await.ok();
        app.verify(&finance).await.ok();
        app.admin().run("minerPointsAdjust", json!({
            "miner": {"userId": finance.id().to_string()}, "points": "5", "reason": "a test",
        })).await.ok();
        let own = requested(&finance, "1").await;
        finance
            .process(&own)
            .await
            .refused("OWN_ACCOUNT", Some("withdrawalId"));
        finance
            .complete(&own, "P")
            .await
            .refused("OWN_ACCOUNT", Some("withdrawalId"));
        finance
            .fail(&own)
            .await
            .refused("OWN_ACCOUNT", Some("withdrawalId"));
        finance.cancel_withdrawal(&own).await.ok();
    });
}

/// Another token of the same person has other roles and claims, but the same subject.
#[test]
fn refuses_decisions_about_own_merchants_with_any_token() {
    test(async |app| {
        let seller = app.person(&[Role::Merchant]);
        app.verify(&seller).await.ok();
        let shop = json!({"kind": "MERCHANT", "ownerId": seller.id().to_string()});
        let bank = app.bank().await;
        bank.deposit(&seller, "10")
            .with(json!({"owner": shop}))
            .await
            .ok();
        let asked = seller.withdraw("1").with(json!({"owner": shop})).await.ok();
        let asked = &asked["withdrawal"]["id"];
        let desk = app.person_of(&seller, &[Role::Finance]);
        let path = Some("withdrawalId");
        desk.process(asked).await.refused("OWN_ACCOUNT", path);
        app.finance().process(asked).await.ok();
        desk.complete(asked, "P").await.refused("OWN_ACCOUNT", path);
        desk.fail(asked).await.refused("OWN_ACCOUNT", path);
        desk.freeze(&shop).await.refused("OWN_ACCOUNT", None);
        let failing = app.finance().fail(asked).await.ok();
        let decision = desk.approve(&failing["approval"]["id"]).await;
        decision.refused("OWN_ACCOUNT", Some("approvalId"));
        // The requester may not decide, even with a token that lacks the claim of the withdrawal's owner.
        app.sql("UPDATE approvals SET subjects = '[]', subject = NULL")
            .await;
        let other = app.person(&[Role::Merchant]);
        let set = format!("UPDATE withdrawals SET requested_by = '{}'", other.id());
        app.sql(&set).await;
        let desk = app.person_of(&other, &[Role::Finance]);
        desk.complete(asked, "P").await.refused("OWN_ACCOUNT", path);
        app.finance().complete(asked, "P").await.ok();
    });
}

#[test]
fn fails_with_a_second_person_once_processed() {
    test(async |app| {
        let (alice, finance, other) = (saver(app).await, app.finance(), app.finance());
        let early = requested(&alice, "10").await;
        let refused = finance.fail(&early).with(json!({"reason": ""})).await;
        refused.refused("REASON_INVALID", Some("reason"));
        finance
            .complete(&early, "P")
            .await
            .refused("WITHDRAWAL_STATUS_INVALID", Some("withdrawalId"));
        let failed = finance.fail(&early).await.ok();
        assert_eq!(failed["withdrawal"]["failureReason"], "a test");
        assert_eq!(
            failed["withdrawal"]["hold"]["releaseReason"],
            "WITHDRAWAL_ENDED"
        );
        assert_eq!(failed["approval"], Value::Null);

        let processed = processed(app, &alice, "20").await;
        alice
            .cancel_withdrawal(&processed)
            .await
            .refused("WITHDRAWAL_STATUS_INVALID", Some("withdrawalId"));
        finance
            .process(&processed)
            .await
            .refused("WITHDRAWAL_STATUS_INVALID", Some("withdrawalId"));
        let waiting = finance.fail(&processed).await.ok();
        assert_eq!(waiting["withdrawal"]["status"], "PROCESSING");
        assert_eq!(balance(app, &alice).await, ["80.0000", "20.0000"]);
        let approval = &waiting["approval"]["id"];
        finance
            .approve(approval)
            .await
            .refused("OWN_ACCOUNT", Some("approvalId"));
        other.approve(approval).await.ok();
        assert_eq!(balance(app, &alice).await, ["100.0000", "0.0000"]);
        let events = app.events("WithdrawalFailed").await;
        assert_eq!(events.len(), 2);
        assert_eq!(events[1].payload["reason"], "a test");
        // A provider's own word needs nobody else.
        let processed = self::processed(app, &alice, "20").await;
        let provider = app.service(&[Scope::WalletWithdraw]);
        let failed = provider.fail(&processed).await.ok();
        assert_eq!(failed["withdrawal"]["status"], "FAILED");
        // A payment belongs to one withdrawal.
        let [one, two] = [
            self::processed(app, &alice, "1").await,
            self::processed(app, &alice, "1").await,
        ];
        provider.complete(&one, "P-9").await.ok();
        let refused = provider.complete(&two, "P-9").await;
        refused.refused("PAYOUT_REFERENCE_USED", Some("payout.reference"));
        // It was paid while a failure waited for its second person.
        let waiting = finance.fail(&two).await.ok();
        provider.complete(&two, "P-10").await.ok();
        other
            .approve(&waiting["approval"]["id"])
            .await
            .refused("COMMAND_REFUSED", Some("approvalId"));
        assert_eq!(balance(app, &alice).await, ["98.0000", "0.0000"]);
    });
}

#[test]
fn is_cancelled_or_processed_once() {
    test_with(&[QUICK_USERS], async |app| {
        let (alice, finance) = (app.saver("500").await, app.finance());
        let requests = prepared(async |_| requested(&alice, "1").await).await;
        let mut left = 300;
        rounds(async |round| {
            let id = &requests[round];
            let runs = (alice.cancel_withdrawal(id), finance.process(id));
            let [cancelled, processed] = race(round, runs.0, runs.1).await;
            let refused = if cancelled.refusal().is_none() {
                left += 1;
                processed
            } else {
                cancelled
            };
            refused.refused("WITHDRAWAL_STATUS_INVALID", Some("withdrawalId"));
            assert_eq!(balance(app, &alice).await[0], format!("{left}.0000"));
        })
        .await;
        let cancelled = app.count("withdrawals", "status = 'CANCELLED'").await;
        let processed = app.count("withdrawals", "status = 'PROCESSING'").await;
        assert_eq!((cancelled, processed), (left - 300, 500 - left));
        println!("{cancelled} were cancelled");
    });
}

#[test]
fn is_paid_once_however_often_that_is_reported() {
    test(async |app| {
        let (alice, finance) = (app.saver("500").await, app.finance());
        let processing = prepared(async |_| {
            let id = requested(&alice, "1").await;
            finance.process(&id).await.ok();
            id
        })
        .await;
        rounds(async |round| {
            let id = &processing[round];
            let reports = (0..3).map(|n| finance.complete(id, &format!("P-{round}-{n}")));
            let paid = at_once(reports).await;
            paid.one_applied("WITHDRAWAL_STATUS_INVALID");
        })
        .await;
        assert_eq!(balance(app, &alice).await, ["300.0000", "0.0000"]);
        let paid = app.count("withdrawals", "status = 'COMPLETED'").await;
        assert_eq!(paid, 200);
    });
}

#[test]
fn spends_a_balance_once() {
    test_with(&[QUICK_USERS], async |app| {
        let alice = saver(app).await;
        rounds(async |_| {
            let both = at_once([alice.withdraw("60"), alice.withdraw("70")]).await;
            both.one_applied("INSUFFICIENT_FUNDS");
            let mut done = both.0.iter().filter(|done| done.refusal().is_none());
            let held = &done.next().unwrap().field("withdrawal");
            let amount = held["amount"]["amount"].as_str().unwrap();
            assert_eq!(balance(app, &alice).await[1], amount);
            alice.cancel_withdrawal(&held["id"]).await.ok();
        })
        .await;
        assert_eq!(balance(app, &alice).await, ["100.0000", "0.0000"]);
    });
}

/// A provider that gives the next of its answers to each question, and notes the questions.
struct Script {
    answers: Mutex<Vec<Option<PayoutAnswer>>>,
    asked: Mutex<Vec<uuid::Uuid>>,
}

impl Script {
    fn new(answers: &[Option<PayoutAnswer>]) -> Self {
        let answers = answers.iter().rev().cloned().collect();
        Self {
            answers: Mutex::new(answers),
            asked: Mutex::default(),
        }
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl CustodyAdapter for Script {
    fn pay<'a>(&'a self, order: &'a Withdrawal) -> BoxFuture<'a, anyhow::Result<PayoutAnswer>> {
        self.asked.lock().unwrap().push(order.id.uuid);
        let answer = self.answers.lock().unwrap().pop().flatten();
        async move { answer.ok_or_else(|| anyhow::anyhow!("no connection")) }.boxed()
    }
}

fn paid(reference: &str) -> PayoutAnswer {
    PayoutAnswer::Paid(ProviderPayment {
        provider: "custody".to_owned(),
        reference: reference.to_owned(),
    })
}

#[test]
fn asks_a_provider_until_it_answers() {
    test(async |app| {
        let alice = saver(app).await;
        let status = async |id: &Value| {
            let query = "query ($id: ID!) { withdrawal(by: {id: $id}) { status failureReason payout { reference } } }";
            alice.get(query, json!({"id": id})).await["withdrawal"].clone()
        };
        // No answer, an unclear one, then the payment.
        let first = processed(app, &alice, "10").await;
        let script = Script::new(&[None, Some(PayoutAnswer::Unclear), Some(paid("C-1"))]);
        hand_over(&app.db, &script).await.unwrap();
        // Not asked again before its pause is over.
        hand_over(&app.db, &script).await.unwrap();
        assert_eq!(script.asked(), 1);
        assert_eq!(status(&first).await["status"], "PROCESSING");
        assert_eq!(balance(app, &alice).await, ["90.0000", "10.0000"]);
        for asked in [2, 3] {
            app.advance(TimeDelta::minutes(1)).await;
            hand_over(&app.db, &script).await.unwrap();
            assert_eq!(script.asked(), asked);
        }
        let seen = status(&first).await;
        assert_eq!(
            (&seen["status"], &seen["payout"]["reference"]),
            (&json!("COMPLETED"), &json!("C-1"))
        );
        // Late: somebody has recorded the end before. Twice: the payment is that of another withdrawal.
        let second = processed(app, &alice, "5").await;
        app.service(&[Scope::WalletWithdraw])
            .complete(&second, "C-2")
            .with(json!({"payout": {"provider": "custody", "reference": "C-2"}}))
            .await
            .ok();
        let script = Script::new(&[Some(paid("C-2"))]);
        hand_over(&app.db, &script).await.unwrap();
        assert_eq!(script.asked(), 0);
        let third = processed(app, &alice, "5").await;
        hand_over(&app.db, &script).await.unwrap();
        assert_eq!(status(&third).await["status"], "PROCESSING");
        app.advance(TimeDelta::hours(1)).await;
        let reason = "unknown account".to_owned();
        let script = Script::new(&[Some(PayoutAnswer::Rejected(reason))]);
        hand_over(&app.db, &script).await.unwrap();
        let seen = status(&third).await;
        assert_eq!(
            (&seen["status"], &seen["failureReason"]),
            (&json!("FAILED"), &json!("unknown account"))
        );
        // People take it over.
        let fourth = processed(app, &alice, "5").await;
        let script = Script::new(&[Some(PayoutAnswer::Taken)]);
        hand_over(&app.db, &script).await.unwrap();
        app.advance(TimeDelta::days(1)).await;
        hand_over(&app.db, &script).await.unwrap();
        assert_eq!(script.asked(), 1);
        assert_eq!(status(&fourth).await["status"], "PROCESSING");
        assert_eq!(balance(app, &alice).await, ["80.0000", "5.0000"]);
    });
}
