use chrono::TimeDelta;
use domain::access::Role;
use resolvers::live::WalletTopic;
use serde_json::json;

use super::circling::{self, ask as circle_ask};
use super::decisions::{self, decide, must};
use crate::support::test;

const FIELD: &str = "minerBan";

#[test]
fn the_session_expires_and_nothing_is_mined_any_more() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        alice.start().await;
        app.advance(TimeDelta::hours(20)).await;
        let mut socket = alice.socket().await;
        let follow =
            "subscription { minerUpdated { ... on MinerStatusChanged { previousStatus newStatus }
            ... on MiningSessionExpired { occurredAt endedAt } } }";
        socket.subscribe("1", follow).await;
        app.until_followed(alice.id()).await;
        assert_eq!(must(&admin, FIELD, &alice, "1").await["status"], "BANNED");
        // The session that ran ends with it.
        let expired = socket.event("1").await["minerUpdated"].clone();
        assert!(expired["endedAt"].is_string());
        assert_eq!(expired["endedAt"], expired["occurredAt"]);
        assert_eq!(
            socket.event("1").await["minerUpdated"],
            json!({"previousStatus": "ACTIVE", "newStatus": "BANNED"})
        );
        let session = alice
            .get("{ viewer { miner { session { status } } } }", json!({}))
            .await["viewer"]["miner"]["session"]["status"]
            .clone();
        assert_eq!(session, "EXPIRED");
        assert_eq!(alice.claim("1").await.refusals(), ["MINER_BANNED"]);
        assert_eq!(alice.start().await["userErrors"][0]["code"], "MINER_BANNED");
        let top = alice
            .get("{ leaderboard { entries { rank } } }", json!({}))
            .await;
        assert_eq!(top["leaderboard"]["entries"], json!([]));
        let audited = "SELECT count(*) FROM audit_log WHERE action = 'mining.miner_ban' AND outcome = 'APPLIED'
            AND reason = 'a test' AND before->>'status' = 'ACTIVE' AND after->>'status' = 'BANNED'";
        assert_eq!(app.number(audited).await, 1);
    });
}

#[test]
fn a_suspended_miner_can_be_banned_and_never_restored() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = decisions::with_streak(app, 1).await;
        must(&admin, "minerSuspend", &alice, "1").await;
        must(&admin, FIELD, &alice, "2").await;
        assert_eq!(
            decide(&admin, "minerRestore", &alice, "3").await.refusals(),
            ["MINER_BANNED"]
        );
        assert_eq!(
            decide(&admin, FIELD, &alice, "4").await.refusals(),
            ["MINER_BANNED"]
        );
        assert_eq!(
            app.number("SELECT count(*) FROM miners WHERE suspended_at IS NOT NULL")
                .await,
            0
        );
    });
}

#[test]
fn nothing_leaves_their_wallets() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = decisions::with_streak(app, 1).await;
        let mut socket = alice.socket().await;
        let follow = "subscription { walletUpdated { wallet { isFrozen } } }";
        socket.subscribe("1", follow).await;
        app.until(|| app.events.subscribers::<WalletTopic>().has(&alice.id()))
            .await;
        must(&admin, FIELD, &alice, "1").await;
        assert_eq!(
            socket.event("1").await["walletUpdated"]["wallet"],
            json!({"isFrozen": true})
        );
        let query = "{ viewer { wallet(currency: \"MP\") { isFrozen available { amount } } } }";
        let wallet = alice.get(query, json!({})).await["viewer"]["wallet"].clone();
        assert_eq!(
            wallet,
            json!({"isFrozen": true, "available": {"amount": "6.0000"}})
        );
    });
}

#[test]
fn a_member_leaves_the_circle_and_it_is_valid_no_more() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let [owner, second, third] = circling::circle_of::<3>(app).await;
        assert_eq!(owner.role().await, "CONTRIBUTOR");
        let banned = must(&admin, FIELD, &third.actor, "1").await;
        assert_eq!(banned["role"], "PIONEER");
        for left in [&owner, &second] {
            let (role, bonus, circle) = left.standing().await;
            assert_eq!((role.as_str(), bonus.as_str()), ("PIONEER", "0.0000"));
            assert_eq!(
                circle,
                json!({"name": "Night shift", "memberCount": 2, "status": "INCOMPLETE"})
            );
        }
        assert_eq!(circling::told(app, "CircleMemberLeft").await, 1);
        assert_eq!(circling::told(app, "CircleIncomplete").await, 1);
        let audited = "SELECT count(*) FROM audit_log WHERE action = 'mining.miner_ban'
            AND before->>'circle' IS NOT NULL AND after->>'circle' IS NULL AND before->>'role' = 'CONTRIBUTOR'";
        assert_eq!(app.number(audited).await, 1);
    });
}

#[test]
fn the_circle_of_a_banned_owner_ends_with_its_invitations() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let [owner, second, third] = circling::circle_of::<3>(app).await;
        let [guest] = circling::people::<1>(app).await;
        let invitation = owner.invite(&guest).await;
        must(&admin, FIELD, &owner.actor, "1").await;
        for left in [&second, &third] {
            let (role, bonus, circle) = left.standing().await;
            assert_eq!((role.as_str(), bonus.as_str()), ("PIONEER", "0.0000"));
            assert_eq!(circle, json!(null));
        }
        assert_eq!(
            guest.try_accept(&invitation).await.refusals(),
            ["INVITATION_NOT_PENDING"]
        );
        // Who did not decide about it is free at once.
        second.create().await;
        assert_eq!(circling::told(app, "CircleDisbanded").await, 1);
    });
}

#[test]
fn invitations_they_received_are_taken_back() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let [owner, other, guest] = circling::people::<3>(app).await;
        for inviting in [&owner, &other] {
            inviting.create().await;
            inviting.invite(&guest).await;
        }
        must(&admin, FIELD, &guest.actor, "1").await;
        let pending = "SELECT count(*) FROM circle_invitations WHERE status = 'PENDING'";
        assert_eq!(app.number(pending).await, 0);
        let input = json!({"invitee": {"code": guest.code}});
        let answer = circle_ask(&owner.actor, "circleInvitationSend", input).await;
        assert_eq!(answer.refusals(), ["INVITEE_NOT_FOUND"]);
    });
}

#[test]
fn their_code_is_dead_and_who_brought_them_earns_nothing_by_them() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        app.sql("UPDATE configurations SET body = body || '{\"kycRequired\": false}' WHERE section = 'referral'")
            .await;
        let boss = app.user();
        let code = boss.register().await["referralCode"].clone();
        let friend = app.user();
        let register = "mutation ($code: String) { minerRegister(input: {referralCode: $code}) {
            miner { referralCode } userErrors { code } } }";
        let done = friend.get(register, json!({"code": code})).await["minerRegister"].clone();
        assert_eq!(done["userErrors"], json!([]));
        let bonus = async || {
            let query = "{ viewer { miner { rate { referralBonus } } } }";
            boss.get(query, json!({})).await["viewer"]["miner"]["rate"]["referralBonus"].clone()
        };
        assert_eq!(bonus().await, "0.2500");
        must(&admin, FIELD, &friend, "1").await;
        assert_eq!(bonus().await, "0.0000");
        let late = app.user();
        let tried = late
            .ask(register, json!({"code": done["miner"]["referralCode"]}))
            .await;
        assert_eq!(tried.refusals(), ["REFERRAL_CODE_UNKNOWN"]);
    });
}

#[test]
fn refuses_unknown_miners_and_ones_own() {
    test(async |app| decisions::refuses_unknown_and_own(app, FIELD).await);
}

#[test]
fn refuses_bad_input() {
    test(async |app| decisions::refuses_bad_input(app, FIELD).await);
}

#[test]
fn only_administrators_may() {
    test(async |app| decisions::only_administrators(app, FIELD).await);
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let alice = app.miner().await;
        decisions::replays(app, FIELD, &alice).await;
    });
}

#[test]
fn of_two_at_once_exactly_one_bans() {
    test(async |app| {
        let [one, other] = [(), ()].map(|()| app.person(&[Role::Admin]));
        let [owner, second, _third] = circling::circle_of::<3>(app).await;
        let (left, right) = tokio::join!(
            decide(&one, FIELD, &owner.actor, "1"),
            decide(&other, FIELD, &owner.actor, "2")
        );
        let mut refusals = [left.refusals(), right.refusals()];
        refusals.sort();
        assert_eq!(refusals, [vec![], vec!["MINER_BANNED"]]);
        assert_eq!(second.role().await, "PIONEER");
    });
}

#[test]
fn against_a_claim_at_the_same_time_the_reward_is_paid_or_not() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        for round in 0..10 {
            let alice = app.miner().await;
            alice.start().await;
            app.advance(TimeDelta::hours(24)).await;
            let key = format!("round {round}");
            let (claimed, banned) =
                tokio::join!(alice.claim(&key), decide(&admin, FIELD, &alice, &key));
            assert_eq!(banned.refusals(), Vec::<&str>::new(), "{key}");
            let points = if claimed.refusals().is_empty() {
                "6.0000"
            } else {
                "0.0000"
            };
            assert_eq!(alice.points().await, points, "{key}");
        }
    });
}

#[test]
fn a_whole_circle_is_banned_at_once_without_a_deadlock() {
    test(async |app| {
        let admins: Vec<_> = (0..4).map(|_| app.person(&[Role::Admin])).collect();
        let people = circling::circle_of::<4>(app).await;
        let banning = admins
            .iter()
            .zip(&people)
            .map(|(admin, person)| decide(admin, FIELD, &person.actor, "k"));
        for answer in futures_util::future::join_all(banning).await {
            assert_eq!(answer.refusals(), Vec::<&str>::new(), "{}", answer.body);
        }
        assert_eq!(
            app.number("SELECT count(*) FROM miners WHERE circle_id IS NOT NULL")
                .await,
            0
        );
        assert_eq!(
            app.number("SELECT count(*) FROM circle_members WHERE left_at IS NULL")
                .await,
            0
        );
    });
}
