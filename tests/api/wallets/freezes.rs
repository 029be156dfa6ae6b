use domain::access::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::rounds::rounds;
use crate::support::wallets::{loss, mp, owner};
use crate::support::{TestApp, at_once, test};

/// A merchant as the owner of wallets.
fn merchant(id: Uuid) -> Value {
    json!({"kind": "MERCHANT", "ownerId": id.to_string()})
}

#[test]
fn freezes_an_owner_and_lifts_it() {
    test(async |app| {
        let (alice, game, finance) = (app.holder("100").await, app.game(), app.finance());
        let held = game.placed(&alice, "10", "7").await;
        let lost = game.placed(&alice, "5", "7").await;
        let frozen = finance.freeze(&owner(&alice)).await.ok();
        assert_eq!(
            frozen["owner"],
            json!({"kind": "USER", "uuid": alice.id().to_string(), "freezes": ["FINANCE"]})
        );
        game.place(&alice, "1").await.refused("WALLET_FROZEN", None);
        // Credits arrive, and what was held before takes its course.
        app.admin().adjust(&alice, "1").await.ok();
        game.release_hold(&held).await.ok();
        game.settle(loss(&lost)).await.ok();
        assert_eq!(app.balance(&alice).await.0, "96.0000");
        let lifted = finance.unfreeze(&owner(&alice), "FINANCE").await.ok();
        assert_eq!(lifted["owner"]["freezes"], json!([]));
        assert_eq!(lifted["approval"], Value::Null);
        game.place(&alice, "1").await.ok();

        for (name, causes) in [
            ("WalletsFrozen", json!(["FINANCE"])),
            ("WalletsUnfrozen", json!([])),
        ] {
            let events = app.events(name).await;
            assert_eq!(events.len(), 1, "{name}");
            assert_eq!(events[0].payload["causes"], causes);
            assert_eq!(events[0].payload["cause"], "FINANCE");
            assert_eq!(events[0].audience_id, Some(alice.id().to_string()));
        }
        let entry = &app.audited("wallets.wallet_freeze").await[0];
        assert_eq!(entry.outcome, "APPLIED");
        assert_eq!(entry.entity_kind.as_deref(), Some("user"));
        assert_eq!(entry.reason.as_deref(), Some("a test"));
        assert_eq!(entry.before, json!({"freezes": []}));
        assert_eq!(entry.after, json!({"freezes": ["FINANCE"]}));
    });
}

#[test]
fn lifts_each_cause_by_itself() {
    test(async |app| {
        let (alice, game, finance) = (app.holder("100").await, app.game(), app.finance());
        let whose = owner(&alice);
        app.admin().ban(&alice).await.ok();
        let frozen = finance.freeze(&whose).await.ok();
        assert_eq!(frozen["owner"]["freezes"], json!(["BAN", "FINANCE"]));
        let lifted = finance.unfreeze(&whose, "FINANCE").await.ok();
        assert_eq!(lifted["owner"]["freezes"], json!(["BAN"]));
        game.place(&alice, "1").await.refused("WALLET_FROZEN", None);
        let waiting = finance.unfreeze(&whose, "BAN").await.ok();
        assert_eq!(waiting["owner"]["freezes"], json!(["BAN"]));
        let proposal =
            json!({"cause": "BAN", "owner": {"kind": "USER", "uuid": alice.id().to_string()}});
        assert_eq!(waiting["approval"]["proposal"], proposal);
        let approval = &waiting["approval"]["id"];
        finance
            .approve(approval)
            .await
            .refused("OWN_ACCOUNT", Some("approvalId"));
        // Administrators do not decide what finance decides.
        app.admin()
            .approve(approval)
            .await
            .refused("APPROVAL_NOT_FOUND", Some("approvalId"));
        game.place(&alice, "1").await.refused("WALLET_FROZEN", None);
        app.finance().approve(approval).await.ok();
        game.place(&alice, "1").await.ok();
        assert_eq!(app.events("WalletsUnfrozen").await.len(), 2);
        let audited = app.audited("wallets.wallet_unfreeze").await;
        let changes: Vec<_> = audited.iter().map(|entry| &entry.after).collect();
        assert_eq!(changes[0], &json!({"freezes": ["BAN"]}));
        assert_eq!(changes[1]["cause"], "BAN");
        assert_eq!(changes[2], &json!({"freezes": []}));
    });
}

#[test]
fn refuses_to_freeze_in_order() {
    test(async |app| {
        let (alice, finance) = (app.user(), app.finance());
        finance.freeze(&owner(&alice)).await.ok();
        let selling = app.person(&[Role::Finance, Role::Merchant]);
        for (who, whose, reason, code, path) in [
            (
                &finance,
                owner(&finance),
                " ",
                "REASON_INVALID",
                Some("reason"),
            ),
            (&finance, owner(&finance), "r", "OWN_ACCOUNT", None),
            (&selling, merchant(selling.id().0), "r", "OWN_ACCOUNT", None),
            (&finance, owner(&alice), "r", "WALLET_FROZEN", Some("owner")),
        ] {
            let run = who.freeze(&whose).with(json!({"reason": reason}));
            run.await.refused(code, path);
        }
        for (whose, cause, reason, code, path) in [
            (
                owner(&finance),
                "BAN",
                " ",
                "REASON_INVALID",
                Some("reason"),
            ),
            (owner(&finance), "BAN", "r", "OWN_ACCOUNT", None),
            (
                owner(&alice),
                "BAN",
                "r",
                "WALLET_NOT_FROZEN",
                Some("owner"),
            ),
            (
                owner(&app.user()),
                "FINANCE",
                "r",
                "WALLET_NOT_FROZEN",
                Some("owner"),
            ),
        ] {
            let run = finance
                .unfreeze(&whose, cause)
                .with(json!({"reason": reason}));
            run.await.refused(code, path);
        }
        let answer = finance.freeze(&json!({"kind": "SYSTEM", "ownerId": alice.id().to_string()}));
        assert_eq!(answer.await.answer.code(), "BAD_USER_INPUT");
        assert_eq!(app.audited_refusals("OwnAccount").await.len(), 3);
    });
}

#[test]
fn checks_a_lifted_ban_again_when_it_is_approved() {
    test(async |app| {
        let (alice, finance) = (app.miner().await, app.finance());
        app.admin().ban(&alice).await.ok();
        let waiting = async || {
            let waiting = finance.unfreeze(&owner(&alice), "BAN").await.ok();
            waiting["approval"]["id"].clone()
        };
        let (first, second) = (waiting().await, waiting().await);
        let other = app.finance();
        other.approve(&first).await.ok();
        let refused = other.approve(&second).await;
        let refused = refused.refused("COMMAND_REFUSED", Some("approvalId"));
        assert_eq!(refused["cause"]["walletCode"], "WALLET_NOT_FROZEN");
    });
}

/// The second person owns the frozen wallets as a merchant or an advertiser.
#[test]
fn refuses_a_second_person_who_owns_the_wallets() {
    test(async |app| {
        for (role, kind) in [
            (Role::Merchant, "MERCHANT"),
            (Role::Advertiser, "ADVERTISER"),
        ] {
            let own = app.person(&[Role::Finance, role]);
            let id = own.id();
            app.sql(&format!(
                "INSERT INTO owners (owner_id, owner_kind, is_frozen, freezes, created_at)
                 VALUES ('{id}', '{kind}', true, '{{BAN}}', app_now())"
            ))
            .await;
            let whose = json!({"kind": kind, "ownerId": id.to_string()});
            let waiting = app.finance().unfreeze(&whose, "BAN").await.ok();
            let approval = &waiting["approval"]["id"];
            for decision in [own.approve(approval), own.decline_approval(approval, "r")] {
                decision.await.refused("OWN_ACCOUNT", Some("approvalId"));
            }
            app.finance().approve(approval).await.ok();
            assert_eq!(app.count("owners", "is_frozen").await, 0);
        }
    });
}

#[test]
fn freezes_wallets_that_come_later() {
    test(async |app| {
        let (alice, game) = (app.holder("100").await, app.game());
        let shop = Uuid::from_u128(0xfeed);
        app.finance().freeze(&merchant(shop)).await.ok();
        let hold = game.placed(&alice, "30", "7").await;
        let payouts = json!([{"owner": merchant(shop), "amount": mp("20")}]);
        let won = json!({"holdId": hold, "outcome": "WIN", "payouts": payouts});
        game.settle(won).await.ok();
        let place = game.place(&alice, "1");
        let place = place.with(json!({"owner": merchant(shop)}));
        place.clone().await.refused("WALLET_FROZEN", None);
        app.finance()
            .unfreeze(&merchant(shop), "FINANCE")
            .await
            .ok();
        place.await.ok();
    });
}

#[test]
fn shows_freezes_to_the_owner_and_staff_only() {
    test(async |app| {
        let ([alice, bob], game) = (
            [app.holder("100").await, app.holder("100").await],
            app.game(),
        );
        let hold = game.placed(&alice, "30", "7").await;
        let won = crate::support::wallets::win(&hold, &[(&alice, "20"), (&bob, "10")]);
        game.settle(won).await.ok();
        app.finance().freeze(&owner(&bob)).await.ok();
        let query = "{ settlements(first: 1) { nodes { payouts { owner { freezes } } } } }";
        let seen = async |who: &crate::support::Actor| {
            let found = who.get(query, json!({})).await;
            found["settlements"]["nodes"][0]["payouts"].clone()
        };
        let both = json!([{"owner": {"freezes": []}}, {"owner": {"freezes": ["FINANCE"]}}]);
        for reader in [&app.support(), &game] {
            assert_eq!(seen(reader).await, both);
        }
        let own = json!([{"owner": {"freezes": []}}, {"owner": {"freezes": null}}]);
        assert_eq!(seen(&alice).await, own);
    });
}

#[test]
fn freezes_once_when_two_people_do() {
    test(async |app: &TestApp| {
        let finance = [app.finance(), app.finance()];
        rounds(async |round| {
            let whose = merchant(Uuid::from_u64_pair(0xfeed, u64::try_from(round).unwrap()));
            let twice = finance.each_ref().map(|one| one.freeze(&whose));
            at_once(twice).await.one_applied("WALLET_FROZEN");
        })
        .await;
    });
}
