//! Demo data of wallets: deposits, a hold, a conversion and a withdrawal of each demo person with a miner.

use domain::access::{Person, Principal, Scope, Service};
use domain::ids::UserId;
use domain::money::{CurrencyCode, Minor};
use domain::wallets::conversion::Expected;
use domain::wallets::deposit::DepositDraft;
use domain::wallets::{
    ConversionPair, Origin, ProviderPayment, RateSource, WalletConfiguration, WalletOwner,
};
use rust_decimal::Decimal;

use crate::Db;
use crate::command::Request;
use crate::idempotency::Answer;
use crate::prelude::*;
use crate::schema::users;
use crate::wallets::conversion::commands::{ConversionDraft, conversion_execute};
use crate::wallets::conversion::exposure;
use crate::wallets::deposit::commands::deposit_credit;
use crate::wallets::hold::commands::{HoldDraft, hold_place};
use crate::wallets::withdrawal::commands::{WithdrawalDraft, withdrawal_request};

/// Deposits of each person, in whole units.
const DEPOSITS: [(&str, i64); 2] = [("VND", 2_000_000), ("USD", 100)];

/// Opens a conversion at a rate of the configuration, so that it works without a source of rates; returns whether one was
/// open.
pub(crate) fn open_conversion(section: &mut WalletConfiguration) -> bool {
    let (Some(from), Some(to)) = (CurrencyCode::parse("USD"), CurrencyCode::parse("PPOINT")) else {
        return true;
    };
    if !section.conversion_pairs.is_empty() {
        return true;
    }
    section.rate_source = RateSource::Static;
    section.conversion_pairs = vec![ConversionPair {
        from,
        to,
        fee_bps: 50,
        static_rate: Some(Decimal::from(100)),
    }];
    let mut currencies = section.currencies.iter_mut();
    if let Some(points) = currencies.find(|currency| currency.code == to) {
        points.fx_exposure_limit = Minor(10_000_000_000);
    }
    false
}

/// Carries out commands of the demo service and of these people.
pub(crate) async fn seed(db: &Db, people: &[UserId], service: (&str, &str)) -> Result<()> {
    db.write("demo.exposure", async |tx| exposure::count(tx).await)
        .await?;
    for user in people {
        let (service, person) = (by_service(db, service), by_person(db, *user));
        verify(db, *user).await?;
        for (code, units) in DEPOSITS {
            deposit(db, &service, (*user).into(), (Decimal::from(units), code)).await?;
        }
        convert(db, &person).await?;
        hold(db, &service, *user).await?;
        withdraw(db, &person).await?;
    }
    Ok(())
}

pub(crate) fn by_service(db: &Db, (issuer, subject): (&str, &str)) -> Request {
    let service = Service {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        scopes: Scope::ALL.to_vec(),
    };
    request(db, Principal::Service(service), Origin::Service)
}

fn by_person(db: &Db, id: UserId) -> Request {
    let person = Person {
        id,
        issuer: "goodgo-platform".to_owned(),
        roles: Vec::new(),
        merchant_id: None,
        advertiser_id: None,
        name: None,
    };
    request(db, Principal::Person(person), Origin::User)
}

pub(crate) fn request(db: &Db, principal: Principal, origin: Origin) -> Request {
    let key = format!("demo-{:016x}", u64::from_be_bytes(db.ids().bytes()));
    Request {
        principal,
        origin,
        hash: Request::hash_of(&key),
        key: Some(key),
        request_id: "demo".to_owned(),
        subject: None,
    }
}

pub(crate) fn code(text: &str) -> Result<CurrencyCode> {
    CurrencyCode::parse(text).ok_or_else(|| DbError::inconsistent("demo", "currency", text))
}

/// Notes a command that was refused: a developer may have changed the configuration.
pub(crate) fn note<T>(what: &str, answer: &Answer<T>) {
    if let Err(refused) = &answer.outcome {
        tracing::warn!(?refused, "The demo data has no {what}: it was refused");
    }
}

async fn verify(db: &Db, user: UserId) -> Result<()> {
    db.write("demo.kyc", async move |tx| {
        let now = tx.now();
        diesel::update(users::table.find(user.0))
            .set(users::kyc_completed_at.eq(now))
            .execute(tx.conn())
            .await?;
        Ok(())
    })
    .await
}

pub(crate) async fn deposit(
    db: &Db,
    request: &Request,
    owner: WalletOwner,
    (units, currency): (Decimal, &str),
) -> Result<()> {
    let draft = DepositDraft {
        amount: (units, code(currency)?),
        owner: Some(owner),
        payment: ProviderPayment {
            provider: "demo_bank".to_owned(),
            reference: format!("{currency}-{}", owner.id.simple()),
        },
    };
    let request = keyed(request, currency);
    let run = async move |tx: &mut Tx| deposit_credit(tx, &request, &draft, None).await;
    note("deposit", &db.write("demo.deposit", run).await?);
    Ok(())
}

/// The request with another key.
fn keyed(request: &Request, suffix: &str) -> Request {
    let key = request.key.as_ref();
    Request {
        key: key.map(|key| format!("{key}-{suffix}")),
        ..request.clone()
    }
}

async fn convert(db: &Db, request: &Request) -> Result<()> {
    let draft = ConversionDraft {
        user: None,
        amount: (Decimal::from(20), code("USD")?),
        to: code("PPOINT")?,
        expected: Expected::default(),
        external_id: None,
        metadata: Vec::new(),
    };
    let request = request.clone();
    let run = async move |tx: &mut Tx| conversion_execute(tx, &request, &draft).await;
    note("conversion", &db.write("demo.conversion", run).await?);
    Ok(())
}

async fn hold(db: &Db, request: &Request, user: UserId) -> Result<()> {
    let draft = HoldDraft {
        owner: user.into(),
        amount: (Decimal::from(50), code("PPOINT")?),
        issuer: None,
        reference: ("order".to_owned(), format!("demo-{}", user.0.simple())),
        reason: "Order in the demo shop".to_owned(),
        expires_at: None,
        external_id: None,
        metadata: Vec::new(),
    };
    let request = keyed(request, "hold");
    let run = async move |tx: &mut Tx| hold_place(tx, &request, &draft).await;
    note("hold", &db.write("demo.hold", run).await?);
    Ok(())
}

async fn withdraw(db: &Db, request: &Request) -> Result<()> {
    let draft = WithdrawalDraft {
        owner: None,
        amount: (Decimal::from(500_000), code("VND")?),
        destination: "VCB 0011 2233 4455".to_owned(),
        external_id: None,
        metadata: Vec::new(),
    };
    let request = request.clone();
    let run = async move |tx: &mut Tx| withdrawal_request(tx, &request, &draft).await;
    note("withdrawal", &db.write("demo.withdrawal", run).await?);
    Ok(())
}
