//! Commands on campaigns and vouchers that run at the same time, and large campaigns.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use db::promotions::voucher::expire;
use db::promotions::voucher::revocation::revoke_all;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::support::rounds::{race, rounds};
use crate::support::wallets::mp;
use crate::support::{Actor, TestApp, at_once, is_soak, test};

/// A merchant with an active campaign of free vouchers of 0.01 MP.
async fn large(app: &TestApp, vouchers: i32) -> (Actor, Value) {
    let merchant = app.merchant("1000").await;
    let run = merchant.create_campaign().with(of_size(vouchers));
    let campaign = run.await.ok()["campaign"]["id"].clone();
    merchant.activate(&campaign).await.ok();
    (merchant, campaign)
}

fn of_size(vouchers: i32) -> Value {
    json!({"totalVouchers": vouchers, "faceValue": mp("0.01")})
}

/// Gives the available vouchers whose number meets a condition to people, one each, as their claims would.
async fn give_away(app: &TestApp, condition: &str) {
    app.sql(&format!(
        "WITH taken AS (
             UPDATE vouchers SET status = 'CLAIMED', owner_id = gen_random_uuid(), claimed_at = app_now(), version = 1,
                 expires_at = app_now() + interval '30 d', usable_until = app_now() + interval '30 d', updated_at = app_now()
             WHERE status = 'AVAILABLE' AND {condition} RETURNING *
         ), listed AS (
             INSERT INTO user_vouchers (user_id, voucher_id, merchant_id, claimed_at, expires_at, status)
             SELECT owner_id, id, merchant_id, claimed_at, usable_until, status FROM taken
         ), counted AS (
             INSERT INTO campaign_users (merchant_id, campaign_id, user_id, acquired)
             SELECT merchant_id, campaign_id, owner_id, 1 FROM taken
         )
         INSERT INTO promotion_rollups (merchant_id, campaign_id, quarter, stripe, issued)
         SELECT merchant_id, campaign_id, date_bin('15 min', app_now(), '2000-01-01'), 0, count(*) FROM taken GROUP BY 1, 2
         ON CONFLICT (merchant_id, campaign_id, quarter, stripe)
             DO UPDATE SET issued = promotion_rollups.issued + excluded.issued"
    ))
    .await;
}

#[test]
fn soak_gives_ten_vouchers_to_ten_of_many_people() {
    test(async |app| {
        let (_, campaign) = app.offered().await;
        let many = if is_soak() { 1_000 } else { 60 };
        let people: Vec<_> = (0..many).map(|_| app.user()).collect();
        let outcomes = at_once(people.iter().map(|one| one.claim_voucher(&campaign))).await;
        let refusals = outcomes.refusals();
        let applied = refusals.iter().filter(|code| code.is_none()).count();
        assert_eq!(applied, 10, "{refusals:?}");
        let mut others = refusals.iter().flatten();
        assert!(others.all(|code| *code == "SOLD_OUT"), "{refusals:?}");
        assert_eq!(app.count("vouchers", "status = 'AVAILABLE'").await, 0);
    });
}

#[test]
fn pauses_within_a_second_in_a_stream_of_claims() {
    test(async |app| {
        let (merchant, campaign) = large(app, 5_000).await;
        let (is_over, claimed) = (AtomicBool::new(false), AtomicUsize::new(0));
        let claims = join_all((0..24).map(async |_| {
            while !is_over.load(Ordering::Relaxed) {
                let outcome = app.user().claim_voucher(&campaign).await;
                match outcome.refusal() {
                    None => claimed.fetch_add(1, Ordering::Relaxed),
                    Some(code) => {
                        assert_eq!(code, "CAMPAIGN_NOT_ACTIVE");
                        0
                    }
                };
            }
        }));
        let pause = async {
            while claimed.load(Ordering::Relaxed) < 50 {
                tokio::task::yield_now().await;
            }
            let sent = Instant::now();
            merchant.pause(&campaign).await.ok();
            let took = sent.elapsed();
            let at_the_pause = app.count("vouchers", "status = 'CLAIMED'").await;
            is_over.store(true, Ordering::Relaxed);
            (took, at_the_pause)
        };
        let (_, (took, at_the_pause)) = join(claims, pause).await;
        assert!(took < Duration::from_secs(1), "{took:?}");
        let after = app.count("vouchers", "status = 'CLAIMED'").await;
        assert_eq!(after, at_the_pause);
    });
}

#[test]
fn soak_creates_two_large_campaigns_at_once() {
    test(async |app| {
        let vouchers = if is_soak() { 100_000 } else { 5_000 };
        let merchants = [app.merchant("1000").await, app.merchant("1000").await];
        let runs = merchants.each_ref().map(Actor::create_campaign);
        let runs = runs.map(|run| run.with(of_size(vouchers)));
        let started = Instant::now();
        at_once(runs).await.all_ok();
        println!(
            "soak: two campaigns of {vouchers} vouchers at once in {:?}",
            started.elapsed()
        );
        let codes = "SELECT count(DISTINCT code) FROM vouchers";
        assert_eq!(app.number(codes).await, i64::from(vouchers) * 2);
    });
}

/// Dead rows that an old snapshot keeps don't make later claims slow.
#[test]
fn soak_the_last_vouchers_cost_no_more_than_twice_the_first() {
    test(async |app| {
        let vouchers = if is_soak() { 100_000 } else { 10_000 };
        let (_, campaign) = large(app, vouchers).await;
        let reader = app.connect().await;
        let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM vouchers";
        reader.batch_execute(snapshot).await.unwrap();
        let hundred = async |app: &TestApp| {
            let started = Instant::now();
            for _ in 0..100 {
                app.user().claim_voucher(&campaign).await.ok();
            }
            started.elapsed()
        };
        hundred(app).await;
        let first = hundred(app).await;
        give_away(
            app,
            &format!("number NOT BETWEEN {0} AND {0} + 99", vouchers / 2),
        )
        .await;
        let left = app.count("vouchers", "status = 'AVAILABLE'").await;
        assert!((1..=100).contains(&left), "{left}");
        // An instance that has not seen the campaign, and looks for a voucher from a random number on.
        let other = app.another().await;
        let started = Instant::now();
        for _ in 0..left {
            other.user().claim_voucher(&campaign).await.ok();
        }
        let last = started.elapsed() * 100 / u32::try_from(left).unwrap();
        println!(
            "soak: of {vouchers} vouchers the first hundred took {first:?}, the last {last:?}"
        );
        assert!(last < first * 2, "{first:?}, then {last:?}");
        other
            .user()
            .claim_voucher(&campaign)
            .await
            .refused("SOLD_OUT", Some("campaignId"));
        reader.batch_execute("ROLLBACK").await.unwrap();
        other.stop().await;
    });
}

#[test]
fn soak_revokes_all_vouchers_however_often_it_is_stopped() {
    test(async |app| {
        let vouchers = if is_soak() { 100_000 } else { 2_000 };
        let (merchant, campaign) = large(app, vouchers).await;
        give_away(app, "true").await;
        let payload = app.admin().revoke_campaign(&campaign).await.ok();
        let approval = &payload["approval"]["id"];
        if approval.is_string() {
            app.admin().approve(approval).await.ok();
        }
        let done = "SELECT count(*) FROM vouchers WHERE revoked_at IS NOT NULL";
        let mut stops = 0;
        for _ in 0..5 {
            // A run is stopped once a batch of it is stored, in the middle of a later one.
            let before = app.number(done).await;
            let progress = async {
                while app.number(done).await == before {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                revoked = revoke_all(&app.db) => revoked.unwrap(),
                () = progress => stops += 1,
            }
        }
        revoke_all(&app.db).await.unwrap();
        println!("soak: {vouchers} vouchers revoked with {stops} stops");
        assert!(stops > 0, "the job was too quick to be stopped");
        assert_eq!(app.number(done).await, i64::from(vouchers));
        assert_eq!(app.till(&merchant).await, "1000.0000");
        assert_eq!(app.count("campaign_users", "acquired > 0").await, 0);
        let events = app.count("outbox", "name = 'VoucherRevoked'").await;
        assert_eq!(events, i64::from(vouchers));
    });
}

#[test]
fn pays_one_order_of_two_vouchers_at_once() {
    test(async |app| {
        let (_, campaign) = large(app, 500).await;
        rounds(async |number| {
            let people = [app.user(), app.user()];
            let mut vouchers = Vec::new();
            for person in &people {
                vouchers.push(person.claimed(&campaign).await);
            }
            let order = app.order().await;
            let run = |who: usize| people[who].redeem(&vouchers[who], order, "0.01");
            let outcomes = race(number, run(0), run(1)).await;
            let mut refusals = outcomes.each_ref().map(|outcome| outcome.refusal());
            refusals.sort_unstable();
            assert_eq!(refusals, [None, Some("ORDER_COVERED")]);
        })
        .await;
        assert_eq!(app.count("orders", "covered <> amount").await, 0);
    });
}

#[test]
fn redeems_or_expires_of_both_at_once() {
    test(async |app| {
        let (_, campaign) = large(app, 100).await;
        let (mut refused, mut lead) = (0, 200);
        for _ in 0..40 {
            let alice = app.user();
            let voucher = alice.claimed(&campaign).await;
            let live = "status IN ('CLAIMED', 'PARTIALLY_REDEEMED')";
            let left = format!(
                "SELECT (extract(epoch FROM usable_until - app_now()) * 1000)::bigint FROM vouchers WHERE {live}"
            );
            // The end of the voucher comes while the redemption runs, and the job runs until it has come.
            let before = TimeDelta::milliseconds(app.number(&left).await - lead);
            app.pass(before).await;
            let redeem = alice.redeem(&voucher, app.order().await, "0.004");
            let expiry = async {
                while app.count("vouchers", live).await > 0 {
                    expire(&app.db).await.unwrap();
                }
            };
            let (outcome, ()) = join(redeem.into_future(), expiry).await;
            let refusal = outcome.refusal();
            assert!(
                matches!(refusal, None | Some("VOUCHER_EXPIRED")),
                "{refusal:?}"
            );
            // The next end comes nearer to where the outcome changes.
            lead += if refusal.is_some() { 30 } else { -30 };
            refused += i32::from(refusal.is_some());
        }
        assert!((1..40).contains(&refused), "{refused} of 40 came too late");
    });
}

#[test]
fn redeems_or_cancels_the_campaign_of_both_at_once() {
    test(async |app| {
        let merchant = app.merchant("5000").await;
        app.configure("promotion", &json!({"maxOpenCampaigns": 1000}))
            .await;
        rounds(async |number| {
            let run = merchant.create_campaign().with(json!({"totalVouchers": 2}));
            let campaign = run.await.ok()["campaign"]["id"].clone();
            merchant.activate(&campaign).await.ok();
            let alice = app.user();
            let voucher = alice.claimed(&campaign).await;
            let redeem = alice.redeem(&voucher, app.order().await, "3");
            // Issued vouchers stay usable.
            let outcomes = race(number, redeem, merchant.cancel_campaign(&campaign)).await;
            let refusals = outcomes.each_ref().map(|outcome| outcome.refusal());
            assert_eq!(refusals, [None, None]);
        })
        .await;
    });
}
