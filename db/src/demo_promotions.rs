//! Demo data of promotions: a merchant's campaigns in every state, vouchers of people, and redemptions.

use chrono::TimeDelta;
use domain::access::{Person, Principal, Role};
use domain::ids::{CampaignId, MerchantId, UserId};
use domain::money::CurrencyCode;
use domain::promotions::campaign::{AcquisitionType, CampaignDraft, CampaignStatus};
use domain::time::plus;
use domain::wallets::Origin;
use rust_decimal::Decimal;

use crate::Db;
use crate::command::Request;
use crate::demo_wallets::{by_service, code, deposit, note, request};
use crate::prelude::*;
use crate::promotions::campaign::commands::{
    campaign_activate, campaign_cancel, campaign_complete, campaign_create, campaign_pause,
};
use crate::promotions::voucher::commands::{RedeemDraft, Ticket, voucher_claim, voucher_redeem};
use crate::promotions::voucher::queries;

/// Money of the merchant, in whole units of VND.
const MONEY: i64 = 200_000_000;

/// A campaign: name, price in VND, vouchers, and the state it is left in.
const CAMPAIGNS: [(&str, Option<i64>, i32, CampaignStatus); 6] = [
    ("Coffee for two", None, 2_000, CampaignStatus::Active),
    (
        "Lunch for less",
        Some(40_000),
        1_000,
        CampaignStatus::Active,
    ),
    ("Summer tea", None, 100, CampaignStatus::Paused),
    ("New Year basket", Some(45_000), 100, CampaignStatus::Draft),
    ("Opening week", None, 50, CampaignStatus::Completed),
    ("Rainy day soup", None, 50, CampaignStatus::Cancelled),
];

/// Value of a voucher in whole units of VND.
const FACE_VALUE: i64 = 50_000;

/// Carries out commands of the demo merchant and of these people.
pub(crate) async fn seed(
    db: &Db,
    merchant: UserId,
    people: [UserId; 2],
    service: (&str, &str),
) -> Result<()> {
    let by_service = by_service(db, service);
    let money = (Decimal::from(MONEY), "VND");
    deposit(db, &by_service, MerchantId(merchant.0).into(), money).await?;
    let mut offered = None;
    for (name, price, vouchers, status) in CAMPAIGNS {
        let made = create(db, merchant, name, price, vouchers).await?;
        let Some(campaign) = made else {
            return Ok(());
        };
        leave(db, merchant, campaign, status).await?;
        offered.get_or_insert(campaign);
    }
    let Some(campaign) = offered else {
        return Ok(());
    };
    let [alice, bob] = people;
    for person in people {
        claim(db, person, campaign).await?;
    }
    redeem(db, merchant, alice, 30_000).await?;
    redeem(db, merchant, bob, 15_000).await
}

fn by_person(db: &Db, id: UserId, roles: Vec<Role>) -> Request {
    let person = Person {
        id,
        issuer: "goodgo-platform".to_owned(),
        roles,
        merchant_id: None,
        advertiser_id: None,
        name: None,
    };
    request(db, Principal::Person(person), Origin::User)
}

async fn create(
    db: &Db,
    merchant: UserId,
    name: &str,
    price: Option<i64>,
    vouchers: i32,
) -> Result<Option<CampaignId>> {
    let vnd: CurrencyCode = code("VND")?;
    let now = db.read(async |conn| crate::clock::now(conn).await).await?;
    let draft = CampaignDraft {
        name: name.to_owned(),
        description: Some("At every counter of the demo shop".to_owned()),
        face_value: (Decimal::from(FACE_VALUE), vnd),
        total_vouchers: vouchers,
        acquisition_type: match price {
            Some(_) => AcquisitionType::Purchase,
            None => AcquisitionType::Free,
        },
        price: price.map(|price| (Decimal::from(price), vnd)),
        starts_at: now,
        ends_at: plus(now, TimeDelta::days(365)),
        voucher_validity_days: 90,
        max_per_user: 3,
        allow_partial_redemption: true,
    };
    let request = by_person(db, merchant, vec![Role::Merchant]);
    let run = async move |tx: &mut Tx| campaign_create(tx, &request, &draft).await;
    let answer = db.write("demo.campaign", run).await?;
    note("campaign", &answer);
    Ok(answer.outcome.ok().map(|done| done.campaign.into()))
}

/// Leads a draft to a state.
async fn leave(db: &Db, merchant: UserId, id: CampaignId, status: CampaignStatus) -> Result<()> {
    let next = || by_person(db, merchant, vec![Role::Merchant]);
    let is_started = !matches!(status, CampaignStatus::Draft | CampaignStatus::Cancelled);
    if is_started {
        let request = next();
        let run = async move |tx: &mut Tx| campaign_activate(tx, &request, id).await;
        note("active campaign", &db.write("demo.campaign", run).await?);
    }
    let request = next();
    let run = async move |tx: &mut Tx| {
        Ok(match status {
            CampaignStatus::Paused => Some(campaign_pause(tx, &request, id).await?),
            CampaignStatus::Completed => Some(campaign_complete(tx, &request, id).await?),
            CampaignStatus::Cancelled => Some(campaign_cancel(tx, &request, id).await?),
            CampaignStatus::Active | CampaignStatus::Draft => None,
        })
    };
    if let Some(answer) = db.write("demo.campaign", run).await? {
        note("ended campaign", &answer);
    }
    Ok(())
}

async fn claim(db: &Db, person: UserId, campaign: CampaignId) -> Result<()> {
    let request = by_person(db, person, Vec::new());
    let run = async move |tx: &mut Tx| voucher_claim(tx, &request, campaign).await;
    note("voucher", &db.write("demo.voucher", run).await?);
    Ok(())
}

/// Redeems the newest voucher of a person at the merchant's till.
async fn redeem(db: &Db, merchant: UserId, person: UserId, amount: i64) -> Result<()> {
    let known = db.clone();
    let read = async move |conn: &mut Connection| {
        let newest = queries::of_user(conn, person, None, &Page::first(1)).await?;
        let ids: Vec<VoucherId> = newest.items.into_iter().map(|(id, _)| id).collect();
        queries::by_id(&known, conn, &ids).await
    };
    let Some(seen) = db.read(read).await?.pop() else {
        return Ok(());
    };
    let draft = RedeemDraft {
        ticket: Ticket::Code(seen.voucher.code.as_str().to_owned()),
        user: None,
        order_id: None,
        order_amount: (Decimal::from(amount), code("VND")?),
    };
    let request = by_person(db, merchant, vec![Role::Merchant]);
    let run = async move |tx: &mut Tx| voucher_redeem(tx, &request, &draft).await;
    note("redemption", &db.write("demo.redemption", run).await?);
    Ok(())
}
