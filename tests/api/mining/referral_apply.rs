use domain::access::Scope;
use serde_json::{Value, json};

use super::standing::refuses_inactive;
use crate::support::{Miner, assert_includes, at_once, samples, test};

#[test]
fn waits_for_kyc_with_the_bonus_of_its_day() {
    test(async |app| {
        let [alice, bob, carol] = app.miners().await;
        let code = format!(" {} ", alice.code.to_lowercase());
        let payload = bob.apply(&code).await.ok();
        assert_includes(
            &payload,
            &json!({
                                "referral": {
                    "status": "PENDING", "isActive": false, "level": 1, "activatedAt": null, "code": alice.code,
                    "referrer": {"id": alice.profile}, "referred": {"id": bob.profile},
                },
            }),
        );
        let referred = bob.own_miner("referredBy { referrer { id } }").await;
        assert_eq!(
            referred,
            json!({"referredBy": {"referrer": {"id": alice.profile}}})
        );
        let applied = app.events("ReferralApplied").await;
        assert_eq!(applied.len(), 1);
        assert_eq!(applied[0].subject_id, bob.id().to_string());
        assert_eq!(
            json!(applied[0].sequence),
            app.row_of(&bob).await["version"]
        );
        assert_includes(
            &applied[0].payload,
            &json!({"isActive": false, "bonusRate": "0.2500"}),
        );
        // A later bonus counts for later referrals only.
        let later = samples::referral(json!({"bonusRate": "0.5", "kycRequired": false}));
        let admin = app.admin();
        let update = admin.run("referralConfigurationUpdate", samples::with_reason(later));
        app.approved(update).await;
        let payload = carol.apply(&alice.code).await.ok();
        assert_includes(
            &payload,
            &json!({"referral": {"isActive": true, "bonusRate": "0.5000"}}),
        );
        assert!(payload["referral"]["activatedAt"].is_string());
        app.verify(&bob).await.ok();
        assert_eq!(alice.referral_bonus().await, "0.7500");
    });
}

#[test]
fn makes_an_ambassador_of_five_verified_referrals() {
    test(async |app| {
        let boss = app.miner().await;
        let selection = "__typename ... on MinerRoleChanged { previousRole role }
            ... on ReferralActivated { referral { bonusRate } }";
        let mut events = app.follow(&boss, selection).await;
        for _ in 0..5 {
            let friend = app.miner().verified().await;
            let payload = friend.apply(&boss.code).await.ok();
            assert_eq!(payload["referral"]["isActive"], true);
            assert_eq!(
                events.next().await,
                json!({"__typename": "ReferralActivated", "referral": {"bonusRate": "0.2500"}})
            );
        }
        assert_eq!(
            events.next().await,
            json!({"__typename": "MinerRoleChanged", "previousRole": "PIONEER", "role": "AMBASSADOR"})
        );
    });
}

#[test]
fn refuses_inactive_miners() {
    test(async |app| {
        let boss = app.miner().await;
        refuses_inactive(app, |who| who.apply(&boss.code), None).await;
        refuses_inactive(app, |who| who.apply("NOBODYS2"), None).await;
    });
}

#[test]
fn refuses_a_second_referral() {
    test(async |app| {
        let [bob, alice, other] = app.miners().await;
        bob.apply(&alice.code).await.ok();
        for code in [&alice.code, &other.code, "NOBODYS2"] {
            bob.apply(code).await.refused("ALREADY_REFERRED", None);
        }
    });
}

#[test]
fn refuses_codes_of_nobody_active() {
    test(async |app| {
        let [bob, alice] = app.miners().await;
        app.admin().suspend(&alice).await.ok();
        for code in ["NOBODYS2", "not a code", "", "\0", &alice.code] {
            let outcome = bob.apply(code).await;
            outcome.refused("REFERRAL_CODE_UNKNOWN", Some("referralCode"));
            assert_eq!(outcome.field("referral"), &Value::Null);
        }
    });
}

#[test]
fn refuses_the_own_code() {
    test(async |app| {
        let bob = app.miner().await;
        let outcome = bob.apply(&bob.code).await;
        assert_eq!(outcome.refusal(), Some("OWN_REFERRAL_CODE"));
    });
}

#[test]
fn refuses_a_cycle_of_any_depth() {
    test(async |app| {
        let first = app.miner().await;
        let mut above = first.clone();
        for depth in 1..=6 {
            let next = app.miner().await;
            next.apply(&above.code).await.ok();
            let outcome = first.apply(&next.code).await;
            assert_eq!(outcome.refusal(), Some("REFERRAL_CYCLE"), "depth {depth}");
            above = next;
        }
        let stranger = app.miner().await;
        first.apply(&stranger.code).await.ok();
    });
}

#[test]
fn applies_once_of_two_at_once() {
    test(async |app| {
        let [one, other] = app.miners().await;
        for _ in 0..10 {
            let bob = app.miner().await;
            let applied = at_once([bob.apply(&one.code), bob.apply(&other.code)]).await;
            applied.one_applied("ALREADY_REFERRED");
        }
    });
}

#[test]
fn applies_one_of_two_mutual_referrals() {
    test(async |app| {
        for _ in 0..10 {
            let [alice, bob] = app.miners().await;
            let applied = at_once([alice.apply(&bob.code), bob.apply(&alice.code)]).await;
            applied.one_applied("REFERRAL_CYCLE");
        }
    });
}

#[test]
fn never_closes_a_ring() {
    test(async |app| {
        for round in 0..5 {
            let ring: [Miner; 4] = app.miners().await;
            let applied = (0..4).map(|n| ring[n].apply(&ring[(n + 1) % 4].code));
            let applied = at_once(applied).await;
            let refused: Vec<_> = applied.refusals().into_iter().flatten().collect();
            assert_eq!(refused, ["REFERRAL_CYCLE"], "round {round}");
        }
    });
}

#[test]
fn activates_with_a_verification_at_the_same_time() {
    test(async |app| {
        let boss = app.miner().await;
        for round in 1..=10 {
            let bob = app.miner().await;
            at_once([bob.apply(&boss.code), app.verify(&bob)])
                .await
                .all_ok();
            let carol = app.user();
            at_once([carol.register_with(&boss.code), app.verify(&carol)])
                .await
                .all_ok();
            let active = app.count("referrals", "status = 'ACTIVE'").await;
            assert_eq!(active, 2 * round);
        }
        assert_eq!(app.events("ReferralActivated").await.len(), 20);
    });
}

#[test]
fn counts_or_refuses_a_referrer_suspended_at_once() {
    test(async |app| {
        let admin = app.admin();
        let boss = app.miner().await;
        let mut expected = 0;
        for round in 0..10 {
            let friend = app.user();
            let outcomes = [friend.register_with(&boss.code), admin.suspend(&boss)];
            let outcomes = at_once(outcomes).await;
            let refusals = outcomes.refusals();
            assert_eq!(refusals[1], None, "round {round}");
            match refusals[0] {
                None => expected += 1,
                refused => assert_eq!(refused, Some("REFERRAL_CODE_UNKNOWN")),
            }
            let referrals = app.count("referrals", "true").await;
            assert_eq!(referrals, expected, "round {round}");
            admin.restore(&boss).await.ok();
        }
    });
}

#[test]
fn deactivates_a_referral_of_a_miner_stopped_at_once() {
    test(async |app| {
        let admin = app.admin();
        app.configure("referral", &json!({"kycRequired": false}))
            .await;
        let boss = app.miner().await;
        for round in 0..20 {
            let friend = app.miner().await;
            let stop = if round % 2 == 0 {
                admin.suspend(&friend)
            } else {
                admin.ban(&friend)
            };
            let outcomes = at_once([friend.apply(&boss.code), stop]).await;
            assert_eq!(outcomes.refusals()[1], None, "round {round}");
            let active = app.count("referrals", "status = 'ACTIVE'").await;
            assert_eq!(active, 0, "round {round}");
        }
    });
}

#[test]
fn returns_a_referral_to_both_sides_and_staff() {
    test(async |app| {
        let [alice, bob, carol] = app.miners().await;
        let payload = bob.apply(&alice.code).await.ok();
        let id = json!({"id": payload["referral"]["id"]});
        let query = "query ($id: ID!) { node(id: $id) { id ... on Referral { referred { displayName } } } }";
        for (who, sees) in [
            (alice.actor(), true),
            (bob.actor(), true),
            (carol.actor(), false),
            (app.user(), false),
            (app.anonymous(), false),
            (app.support(), true),
            (app.service(&[Scope::MiningRead]), true),
            (app.service(&[Scope::WalletRead]), false),
        ] {
            let seen = who.get(query, id.clone()).await;
            assert_eq!(!seen["node"].is_null(), sees);
        }
    });
}

#[test]
fn takes_codes_as_people_paste_them() {
    test(async |app| {
        let alice = app.miner().await;
        let link = alice.own_miner("referralShareUrl").await["referralShareUrl"].clone();
        for pasted in super::pasted(&alice.code, link.as_str().unwrap()) {
            let payload = app.miner().await.apply(&pasted).await.ok();
            assert_eq!(payload["referral"]["code"], alice.code, "{pasted:?}");
        }
    });
}
