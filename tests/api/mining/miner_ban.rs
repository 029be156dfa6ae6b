use chrono::TimeDelta;
use resolvers::live::WalletTopic;
use serde_json::{Value, json};

use super::decisions;
use crate::support::{Miner, assert_includes, at_once, test};

const FIELD: &str = "minerBan";

#[test]
fn expires_the_session_and_stops_mining() {
    test(async |app| {
        let alice = app.miner().await;
        alice.start().await.ok();
        app.advance(TimeDelta::hours(20)).await;
        let selection = "... on MinerStatusChanged { previousStatus status }
            ... on MiningSessionExpired { occurredAt session { status endsAt } }";
        let mut events = app.follow(&alice, selection).await;
        let banned = app.admin().ban(&alice).await.ok();
        assert_eq!(banned["miner"]["status"], "BANNED");
        let expired = events.next().await;
        assert!(expired["occurredAt"].is_string());
        assert_eq!(expired["session"]["status"], "EXPIRED");
        assert_eq!(
            events.next().await,
            json!({"previousStatus": "ACTIVE", "status": "BANNED"})
        );
        let session = alice.own_miner("session { status }").await;
        assert_eq!(session, json!({"session": {"status": "EXPIRED"}}));
        alice.claim().await.refused("MINER_BANNED", None);
        alice.start().await.refused("MINER_BANNED", None);
        let top = "{ leaderboard { entries { rank } } }";
        let top = alice.get(top, json!({})).await;
        assert_eq!(top["leaderboard"]["entries"], json!([]));
        let audited = app.audited("mining.miner_ban").await;
        assert_eq!(audited.len(), 1);
        assert_eq!(audited[0].outcome, "APPLIED");
        assert_eq!(audited[0].reason.as_deref(), Some("a test"));
        assert_eq!(audited[0].before["status"], "ACTIVE");
        assert_eq!(audited[0].after["status"], "BANNED");
    });
}

#[test]
fn bans_a_suspended_miner_for_good() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        admin.suspend(&alice).await.ok();
        admin.ban(&alice).await.ok();
        admin.restore(&alice).await.refused("MINER_BANNED", None);
        admin.ban(&alice).await.refused("MINER_BANNED", None);
        assert_eq!(app.row_of(&alice).await["suspended_at"], Value::Null);
    });
}

#[test]
fn freezes_the_wallets() {
    test(async |app| {
        let alice = app.miner().streak(1).await;
        let mut socket = alice.socket().await;
        let follow = "subscription { walletUpdated { wallet { owner { freezes } } } }";
        socket.subscribe("1", follow).await;
        app.until(|| app.events.subscribers::<WalletTopic>().has(&alice.id()))
            .await;
        app.admin().ban(&alice).await.ok();
        assert_eq!(
            socket.event("1").await["walletUpdated"]["wallet"],
            json!({"owner": {"freezes": ["BAN"]}})
        );
        let wallet = "wallet(currency: \"MP\") { owner { freezes } available { amount } }";
        assert_eq!(
            alice.viewer(wallet).await["wallet"],
            json!({"owner": {"freezes": ["BAN"]}, "available": {"amount": "6.0000"}})
        );
    });
}

async fn is_pioneer_without_bonus(miner: &Miner) {
    assert_eq!(miner.role_and_circle_bonus().await, ["PIONEER", "0.0000"]);
}

#[test]
fn removes_a_member_from_the_circle() {
    test(async |app| {
        let [owner, second, third] = app.circle().await;
        assert_eq!(owner.role().await, "CONTRIBUTOR");
        let banned = app.admin().ban(&third).await.ok();
        assert_eq!(banned["miner"]["role"], "PIONEER");
        for left in [&owner, &second] {
            is_pioneer_without_bonus(left).await;
            assert_eq!(
                left.own_circle("memberCount status").await,
                json!({"memberCount": 2, "status": "INCOMPLETE"})
            );
        }
        assert_eq!(app.events("CircleMemberLeft").await.len(), 1);
        assert_eq!(app.events("CircleIncomplete").await.len(), 1);
        let audited = app.audited("mining.miner_ban").await;
        assert_eq!(audited.len(), 1);
        assert!(audited[0].before["circle"].is_string());
        assert_includes(
            &json!({"before": audited[0].before, "after": audited[0].after}),
            &json!({"before": {"role": "CONTRIBUTOR"}, "after": {"circle": null}}),
        );
    });
}

#[test]
fn disbands_the_circle_of_an_owner() {
    test(async |app| {
        let [owner, second, third] = app.circle().await;
        let guest = app.miner().await;
        let invitation = owner.invite(&guest).await;
        app.admin().ban(&owner).await.ok();
        for left in [&second, &third] {
            is_pioneer_without_bonus(left).await;
            assert_eq!(left.own_circle("name").await, Value::Null);
        }
        let outcome = guest.accept(&invitation).await;
        outcome.refused("INVITATION_NOT_PENDING", Some("invitationId"));
        // The other members have no cooldown.
        second.create_circle().await.ok();
        assert_eq!(app.events("CircleDisbanded").await.len(), 1);
    });
}

#[test]
fn cancels_received_invitations() {
    test(async |app| {
        let [owner] = app.circle().await;
        let [other] = app.circle().await;
        let guest = app.miner().await;
        for inviting in [&owner, &other] {
            inviting.invite(&guest).await;
        }
        app.admin().ban(&guest).await.ok();
        let pending = app.count("circle_invitations", "status = 'PENDING'").await;
        assert_eq!(pending, 0);
        let outcome = owner.send_invitation(&guest).await;
        outcome.refused("INVITEE_NOT_FOUND", Some("invitee"));
    });
}

#[test]
fn deactivates_the_referral_and_the_code() {
    test(async |app| {
        app.configure("referral", &json!({"kycRequired": false}))
            .await;
        let boss = app.miner().await;
        let friend = app.miner().referred_by(&boss).await;
        assert_eq!(boss.referral_bonus().await, "0.2500");
        app.admin().ban(&friend).await.ok();
        assert_eq!(boss.referral_bonus().await, "0.0000");
        let outcome = app.user().register_with(&friend.code).await;
        outcome.refused("REFERRAL_CODE_UNKNOWN", Some("referralCode"));
    });
}

#[test]
fn refuses_unknown_and_own_miners() {
    test(async |app| decisions::refuses_unknown_and_own(app, FIELD).await);
}

#[test]
fn rejects_ids_of_other_types() {
    test(async |app| decisions::rejects_ids_of_other_types(app, FIELD).await);
}

#[test]
fn bans_once_of_two_at_once() {
    test(async |app| {
        let (one, other) = (app.admin(), app.admin());
        let [owner, second, _third] = app.circle().await;
        let banned = at_once([one.ban(&owner), other.ban(&owner)]).await;
        banned.one_applied("MINER_BANNED");
        assert_eq!(second.role().await, "PIONEER");
    });
}

#[test]
fn pays_a_claim_before_the_ban_only() {
    test(async |app| {
        let admin = app.admin();
        for round in 0..10 {
            let alice = app.miner().ready().await;
            let outcomes = at_once([alice.claim(), admin.ban(&alice)]).await;
            let refusals = outcomes.refusals();
            assert_eq!(refusals[1], None, "round {round}");
            let points = match refusals[0] {
                None => "6.0000",
                Some(_) => "0.0000",
            };
            assert_eq!(alice.points().await, points, "round {round}");
        }
    });
}

#[test]
fn bans_a_whole_circle_at_once_without_deadlock() {
    test(async |app| {
        let members = app.circle::<4>().await;
        let banned = at_once(members.iter().map(|member| app.admin().ban(member))).await;
        banned.all_ok();
        assert_eq!(app.count("miners", "circle_id IS NOT NULL").await, 0);
        assert_eq!(app.count("circle_members", "left_at IS NULL").await, 0);
    });
}
