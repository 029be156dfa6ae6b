//! A valid input of each mutation of the schema, with its callers.

use domain::access::Scope;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{campaigns, circles, holds, house, payments, vouchers};
use crate::support::wallets::mp;
use crate::support::{Run, TestApp, merged, samples};

/// A valid input of a mutation, with its caller.
pub(super) struct Sample {
    pub run: Run,
    /// Fields that make another valid input; none where an input has nothing but its key.
    pub other: Option<Value>,
}

impl Sample {
    /// A sample with another input.
    pub(super) fn new(run: Run, other: Value) -> Self {
        Self {
            run,
            other: Some(other),
        }
    }

    /// A sample of an input that has nothing but its key.
    pub(super) fn alone(run: Run) -> Self {
        Self { run, other: None }
    }
}

/// The callers of a mutation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Callers {
    Users,
    Administrators,
    /// Administrators and FINANCE, each of whom decides about commands of their own roles.
    Deciders,
    /// People with the role MERCHANT.
    Merchants,
    /// Services with the scope `mining:events`.
    Events,
    /// FINANCE.
    Finance,
    /// FINANCE, and services with the scope `wallet:deposit`.
    Depositors,
    /// Services with the scope `wallet:hold`.
    Holders,
    /// Administrators, and services with the scope `rates:write`.
    Sources,
    /// People, and services with the scope `wallet:withdraw`.
    Savers,
    /// Services with the scope `wallet:settle`.
    Settlers,
    /// FINANCE, and services with the scope `wallet:withdraw`.
    Payers,
    /// FINANCE, and services with the scope `wallet:settle`.
    Releasers,
    /// Services with the scope `wallet:reward`.
    Minters,
    /// People, on their own objects, merchants, and services with the scope `promotions:redeem`.
    Redeemers,
    /// Services with the scope `promotions:redeem`.
    Shops,
    /// Merchants, on their own objects, and services with the scope `promotions:redeem`.
    Returners,
}
use Callers::{
    Administrators, Deciders, Depositors, Events, Finance, Holders, Merchants, Minters, Payers,
    Redeemers, Releasers, Returners, Savers, Settlers, Shops, Sources, Users,
};

/// Whether a mutation needs an idempotency key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Required,
    Optional,
}
use Key::{Optional, Required};

pub(super) type Setup = for<'a> fn(&'a TestApp) -> BoxFuture<'a, Sample>;

pub(super) const ROWS: &[(&str, Callers, Key, Setup)] = &[
    ("minerRegister", Users, Optional, |app| {
        register(app).boxed()
    }),
    ("miningSessionStart", Users, Optional, |app| {
        async { Sample::alone(app.miner().await.start()) }.boxed()
    }),
    ("miningSessionClaim", Users, Required, |app| {
        async { Sample::alone(app.miner().ready().await.claim()) }.boxed()
    }),
    ("streakRecover", Users, Required, |app| recover(app).boxed()),
    ("referralApply", Users, Optional, |app| apply(app).boxed()),
    ("kycComplete", Events, Optional, |app| {
        let earlier = json!({"completedAt": "2026-01-01T00:00:00Z"});
        async { Sample::new(app.verify(&app.user()), earlier) }.boxed()
    }),
    ("circleCreate", Users, Optional, |app| {
        circles::create(app).boxed()
    }),
    ("circleRename", Users, Optional, |app| {
        circles::rename(app).boxed()
    }),
    ("circleDisband", Users, Optional, |app| {
        circles::disband(app).boxed()
    }),
    ("circleForceDisband", Administrators, Optional, |app| {
        circles::force_disband(app).boxed()
    }),
    ("circleLeave", Users, Optional, |app| {
        circles::leave(app).boxed()
    }),
    ("circleMemberRemove", Users, Optional, |app| {
        circles::remove(app).boxed()
    }),
    ("circleInvitationSend", Users, Optional, |app| {
        circles::invite(app).boxed()
    }),
    ("circleInvitationAccept", Users, Optional, |app| {
        circles::accept(app).boxed()
    }),
    ("circleInvitationDecline", Users, Optional, |app| {
        circles::decline(app).boxed()
    }),
    ("circleInvitationCancel", Users, Optional, |app| {
        circles::cancel(app).boxed()
    }),
    ("minerSuspend", Administrators, Optional, |app| {
        decide(app, "minerSuspend").boxed()
    }),
    ("minerRestore", Administrators, Optional, |app| {
        restore(app).boxed()
    }),
    ("minerBan", Administrators, Optional, |app| {
        decide(app, "minerBan").boxed()
    }),
    ("minerStreakReset", Administrators, Optional, |app| {
        reset_streak(app).boxed()
    }),
    ("minerNodeOperatorGrant", Administrators, Optional, |app| {
        decide(app, "minerNodeOperatorGrant").boxed()
    }),
    ("minerNodeOperatorRevoke", Administrators, Optional, |app| {
        revoke(app).boxed()
    }),
    ("minerPointsAdjust", Administrators, Required, |app| {
        adjust(app).boxed()
    }),
    ("approvalApprove", Deciders, Required, |app| {
        approve(app).boxed()
    }),
    ("approvalDecline", Deciders, Optional, |app| {
        decline_approval(app).boxed()
    }),
    (
        "miningConfigurationUpdate",
        Administrators,
        Optional,
        |app| configure(app, "mining").boxed(),
    ),
    (
        "streakConfigurationUpdate",
        Administrators,
        Optional,
        |app| configure(app, "streak").boxed(),
    ),
    (
        "referralConfigurationUpdate",
        Administrators,
        Optional,
        |app| configure(app, "referral").boxed(),
    ),
    (
        "promotionConfigurationUpdate",
        Administrators,
        Optional,
        |app| configure(app, "promotion").boxed(),
    ),
    (
        "walletConfigurationUpdate",
        Administrators,
        Optional,
        |app| configure(app, "wallet").boxed(),
    ),
    (
        "systemConfigurationUpdate",
        Administrators,
        Optional,
        |app| configure_all(app).boxed(),
    ),
    ("conversionExecute", Savers, Required, |app| {
        payments::convert(app).boxed()
    }),
    ("rateRecord", Sources, Optional, |app| {
        async {
            let source = app.service(&[Scope::RatesWrite]);
            Sample::new(
                source.record_rate("USD", "VND", "26000"),
                json!({"rate": "26001"}),
            )
        }
        .boxed()
    }),
    ("rateAccept", Finance, Optional, |app| {
        payments::accept_rate(app).boxed()
    }),
    ("depositCredit", Depositors, Required, |app| {
        async {
            Sample::new(
                app.bank().await.deposit(&app.user(), "7"),
                json!({"amount": mp("8")}),
            )
        }
        .boxed()
    }),
    ("depositAssign", Finance, Required, |app| {
        payments::assign(app).boxed()
    }),
    ("withdrawalRequest", Savers, Required, |app| {
        async {
            Sample::new(
                app.saver("50").await.withdraw("10"),
                json!({"amount": mp("11")}),
            )
        }
        .boxed()
    }),
    ("withdrawalCancel", Savers, Required, |app| {
        payments::withdrawal_cancel(app).boxed()
    }),
    ("withdrawalProcess", Payers, Optional, |app| {
        payments::withdrawal_process(app).boxed()
    }),
    ("withdrawalComplete", Payers, Required, |app| {
        payments::withdrawal_complete(app).boxed()
    }),
    ("withdrawalFail", Payers, Required, |app| {
        payments::withdrawal_fail(app).boxed()
    }),
    ("holdPlace", Holders, Required, |app| {
        holds::place(app).boxed()
    }),
    ("holdExtend", Holders, Optional, |app| {
        holds::extend(app).boxed()
    }),
    ("holdRelease", Holders, Required, |app| {
        holds::release(app).boxed()
    }),
    ("holdSettle", Settlers, Required, |app| {
        holds::settle(app).boxed()
    }),
    ("holdBatchSettle", Settlers, Required, |app| {
        holds::settle_all(app).boxed()
    }),
    ("clearingRelease", Releasers, Required, |app| {
        house::release_clearing(app).boxed()
    }),
    ("treasuryFund", Finance, Required, |app| {
        house::fund(app).boxed()
    }),
    ("rewardMint", Minters, Required, |app| {
        house::mint(app).boxed()
    }),
    ("houseTransfer", Finance, Required, |app| {
        async { house::transfer(app) }.boxed()
    }),
    ("transactionReverse", Finance, Required, |app| {
        house::reverse(app).boxed()
    }),
    ("reconciliationRun", Finance, Optional, |app| {
        async { house::reconcile(app) }.boxed()
    }),
    ("walletFreeze", Finance, Optional, |app| {
        async { house::freeze(app) }.boxed()
    }),
    ("walletUnfreeze", Finance, Optional, |app| {
        house::unfreeze(app).boxed()
    }),
    ("campaignCreate", Merchants, Required, |app| {
        campaigns::create(app).boxed()
    }),
    ("campaignUpdate", Merchants, Optional, |app| {
        campaigns::update(app).boxed()
    }),
    ("campaignActivate", Merchants, Optional, |app| {
        campaigns::activate(app).boxed()
    }),
    ("campaignPause", Merchants, Optional, |app| {
        campaigns::pause(app).boxed()
    }),
    ("campaignComplete", Merchants, Required, |app| {
        campaigns::complete(app).boxed()
    }),
    ("campaignCancel", Merchants, Required, |app| {
        campaigns::cancel(app).boxed()
    }),
    ("campaignForceComplete", Administrators, Required, |app| {
        campaigns::force_complete(app).boxed()
    }),
    ("campaignForceCancel", Administrators, Required, |app| {
        campaigns::force_cancel(app).boxed()
    }),
    ("voucherClaim", Users, Required, |app| {
        vouchers::claim(app).boxed()
    }),
    ("voucherExchange", Users, Required, |app| {
        vouchers::exchange(app).boxed()
    }),
    ("voucherPurchase", Users, Required, |app| {
        vouchers::purchase(app).boxed()
    }),
    ("voucherRedeem", Redeemers, Required, |app| {
        vouchers::redeem(app).boxed()
    }),
    ("voucherRevoke", Administrators, Required, |app| {
        vouchers::revoke(app).boxed()
    }),
    ("voucherExtend", Administrators, Optional, |app| {
        vouchers::extend(app).boxed()
    }),
    ("redemptionSettle", Shops, Required, |app| {
        vouchers::settle(app).boxed()
    }),
    ("redemptionVoid", Shops, Required, |app| {
        vouchers::void(app).boxed()
    }),
    ("redemptionReturn", Returners, Required, |app| {
        vouchers::give_back(app).boxed()
    }),
];

async fn register(app: &TestApp) -> Sample {
    let referrer = app.miner().await;
    Sample::new(
        app.user().register(),
        json!({"referralCode": referrer.code}),
    )
}

async fn recover(app: &TestApp) -> Sample {
    let alice = app.miner().streak(7).await;
    app.advance(chrono::TimeDelta::days(10)).await;
    alice.start().await.ok();
    Sample::alone(alice.recover())
}

async fn apply(app: &TestApp) -> Sample {
    let [alice, boss] = app.miners().await;
    Sample::new(alice.apply(&boss.code), json!({"referralCode": "NOBODYS2"}))
}

async fn decide(app: &TestApp, field: &str) -> Sample {
    let [alice, bob] = app.miners().await;
    Sample::new(
        app.admin().decide(field, &alice),
        json!({"miner": bob.by_user()}),
    )
}

async fn restore(app: &TestApp) -> Sample {
    let alice = app.miner().await;
    app.admin().suspend(&alice).await.ok();
    Sample::new(app.admin().restore(&alice), json!({"reason": "another"}))
}

async fn revoke(app: &TestApp) -> Sample {
    let alice = app.miner().await;
    app.admin().grant_node_operator(&alice).await.ok();
    Sample::new(
        app.admin().revoke_node_operator(&alice),
        json!({"reason": "another"}),
    )
}

async fn reset_streak(app: &TestApp) -> Sample {
    let alice = app.miner().streak(1).await;
    Sample::new(
        app.admin().reset_streak(&alice),
        json!({"reason": "another"}),
    )
}

async fn adjust(app: &TestApp) -> Sample {
    let alice = app.miner().await;
    Sample::new(app.admin().adjust(&alice, "5"), json!({"points": "6"}))
}

/// Two approvals of adjustments.
async fn approvals(app: &TestApp) -> (Value, Value) {
    let alice = app.miner().await;
    let request = async || app.admin().adjust(&alice, "2500").await.ok()["approval"]["id"].clone();
    (request().await, json!({"approvalId": request().await}))
}

async fn approve(app: &TestApp) -> Sample {
    let (approval, other) = approvals(app).await;
    Sample::new(app.admin().approve(&approval), other)
}

async fn decline_approval(app: &TestApp) -> Sample {
    let (approval, other) = approvals(app).await;
    Sample::new(app.admin().decline_approval(&approval, "r"), other)
}

/// A section of the configuration, as a change of the version in force.
async fn section(app: &TestApp, name: &str) -> Value {
    let query = format!("{{ systemConfiguration {{ {name} {{ version }} }} }}");
    let in_force = app.admin().get(&query, json!({})).await;
    let version = in_force["systemConfiguration"][name].clone();
    match name {
        "mining" => samples::mining(version),
        "streak" => samples::streak(version),
        "promotion" => samples::promotion(version),
        "wallet" => {
            let tester = json!([{
                "name": "tester", "issuer": "goodgo-dev-services", "subject": "tester", "depositCeilings": [],
            }]);
            samples::wallet(merged(version, json!({"issuers": tester})))
        }
        _ => samples::referral(version),
    }
}

async fn configure(app: &TestApp, name: &str) -> Sample {
    let input = samples::with_reason(section(app, name).await);
    let run = app
        .admin()
        .run(&format!("{name}ConfigurationUpdate"), input);
    Sample::new(run, json!({"reason": "another"}))
}

async fn configure_all(app: &TestApp) -> Sample {
    let mut sections = json!({"reason": "a test"});
    for name in ["mining", "streak", "referral", "promotion", "wallet"] {
        sections = merged(sections, json!({name: section(app, name).await}));
    }
    let run = app.admin().run("systemConfigurationUpdate", sections);
    Sample::new(run, json!({"reason": "another"}))
}
