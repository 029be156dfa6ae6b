use serde_json::{Value, json};

use crate::support::wallets::mp;
use crate::support::{TestApp, at_once, test};

/// Balance of a house account of VND, in the smallest unit.
async fn balance(app: &TestApp, kind: &str) -> i64 {
    app.number(&format!(
        "SELECT coalesce(sum(CASE e.side WHEN 'CREDIT' THEN e.amount ELSE -e.amount END), 0)::bigint
         FROM entries e JOIN wallets w ON w.id = e.wallet JOIN currencies c ON c.number = e.currency
         WHERE w.kind = '{kind}' AND c.code = 'VND'"
    ))
    .await
}

fn vnd(amount: &str) -> Value {
    json!({"amount": amount, "currency": "VND"})
}

#[test]
fn moves_money_with_a_second_person() {
    test(async |app| {
        let (finance, other) = (app.finance(), app.finance());
        let transfer = finance.move_house("EXTERNAL", "TREASURY", &vnd("2.5"), "bank-1");
        let waiting = transfer.key("a").await.ok();
        let proposal = json!({"amount": vnd("2.500000"), "from": "EXTERNAL", "to": "TREASURY", "reference": "bank-1"});
        assert_eq!(waiting["approval"]["proposal"], proposal);
        let approval = &waiting["approval"]["id"];
        finance
            .approve(approval)
            .await
            .refused("OWN_ACCOUNT", Some("approvalId"));
        assert_eq!(balance(app, "TREASURY").await, 0);
        other.approve(approval).await.ok();
        assert_eq!(balance(app, "TREASURY").await, 2_500_000);
        assert_eq!(balance(app, "EXTERNAL").await, -2_500_000);
        for (from, to, reference) in [
            ("TREASURY", "FX", "r-1"),
            ("FX", "FEES", "r-2"),
            ("FEES", "REVENUE", "r-3"),
            ("REVENUE", "EXTERNAL", "r-4"),
        ] {
            let run = finance.move_house(from, to, &vnd("1"), reference);
            app.approved_by_finance(run).await;
        }
        assert_eq!(balance(app, "FX").await, 0);

        let events = app.events("HouseTransferred").await;
        assert_eq!(events.len(), 5);
        assert_eq!(events[0].payload["from"], "EXTERNAL");
        assert_eq!(events[0].payload["amount"], "2.500000");
        assert_eq!(events[0].payload["reference"], "bank-1");
        let audited = app.audited("wallets.house_transfer").await;
        assert_eq!(audited[0].transaction_id, None);
        assert!(audited[0].after["approval"].is_string());
        assert_eq!(audited[1].reason.as_deref(), Some("a test"));
        assert_eq!(audited[1].after["to"], "TREASURY");
        assert!(audited[1].transaction_id.is_some());
    });
}

#[test]
fn refuses_transfers_in_order() {
    test(async |app| {
        let finance = app.finance();
        let transfer = |reason: &str, to: &str, amount: Value| {
            let run = finance.move_house("FX", to, &amount, "bank-1");
            run.with(json!({"reason": reason}))
        };
        let unknown = json!({"amount": "0", "currency": "XX"});
        for (run, code, path) in [
            (
                transfer(" ", "FX", unknown.clone()),
                "REASON_INVALID",
                "reason",
            ),
            (
                transfer("r", "FX", unknown.clone()),
                "ACCOUNTS_INVALID",
                "to",
            ),
            (
                transfer("r", "FEES", unknown),
                "CURRENCY_UNKNOWN",
                "amount.currency",
            ),
            (
                transfer("r", "FEES", mp("0.00001")),
                "AMOUNT_INVALID",
                "amount.amount",
            ),
        ] {
            run.await.refused(code, Some(path));
        }
        let answer = transfer("r", "FEES", mp("1")).with(json!({"reference": ""}));
        assert_eq!(answer.await.answer.code(), "BAD_USER_INPUT");
        assert_eq!(app.count("approvals", "true").await, 0);
    });
}

#[test]
fn uses_a_reference_once() {
    test(async |app| {
        let (finance, other) = (app.finance(), app.finance());
        let transfer = || finance.move_house("FX", "FEES", &vnd("1"), "bank-1");
        let mut waiting = Vec::new();
        for _ in 0..3 {
            waiting.push(transfer().await.ok()["approval"]["id"].clone());
        }
        // Declined: nothing is posted, and the reference stays free.
        other.decline_approval(&waiting[0], "no").await.ok();
        let at_once = at_once(waiting[1..].iter().map(|approval| other.approve(approval))).await;
        at_once.one_applied("COMMAND_REFUSED");
        assert_eq!(balance(app, "FEES").await, 1_000_000);
        transfer()
            .await
            .refused("REFERENCE_USED", Some("reference"));
    });
}
