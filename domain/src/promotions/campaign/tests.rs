//! Tests of the rules of campaigns.

use uuid::Uuid;

use super::*;
use crate::ids::CampaignId;
use crate::money::{Currency, CurrencyCode};
use crate::promotions::PriceLimit;
use crate::promotions::PromotionConfiguration;
use crate::wallets::CurrencySettings;
use crate::wallets::samples::configuration;
use crate::wallets::{AssetType, Currencies, WalletConfiguration};
use rust_decimal::Decimal;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn at(hours: u32) -> Timestamp {
    crate::time::plus(NOW, crate::time::hours(hours))
}

fn code(text: &str) -> CurrencyCode {
    CurrencyCode::parse(text).expect("a code")
}

fn currency(text: &str, number: i16, display_decimals: u8) -> Currency {
    Currency {
        number,
        code: code(text),
        scale: 6,
        display_decimals,
    }
}

fn promotion() -> PromotionConfiguration {
    PromotionConfiguration {
        version: 1,
        code_guesses_per_hour: 20,
        max_open_campaigns: 2,
        max_pending_redemptions: 10,
        max_price_multiple: 10,
        max_validity_days: 365,
        max_vouchers_per_campaign: 1_000,
        max_vouchers_per_day: 1_500,
        price_limits: vec![PriceLimit {
            face_currency: code("VND"),
            price_currency: code("MP"),
            max_price: Decimal::new(5, 1),
        }],
        return_days: 90,
        return_grace_days: 14,
        settle_hours: 72,
    }
}

fn currencies() -> Currencies {
    let all = [
        currency("VND", 1, 0),
        currency("MP", 2, 4),
        currency("USD", 3, 2),
        currency("OFF", 4, 2),
    ];
    all.into_iter()
        .map(|currency| (currency.code, currency))
        .collect()
}

fn wallet() -> WalletConfiguration {
    let settings = |text, asset_type, is_enabled| CurrencySettings {
        code: code(text),
        asset_type,
        is_enabled,
        ..configuration().currencies[0]
    };
    WalletConfiguration {
        currencies: vec![
            settings("VND", AssetType::Currency, true),
            settings("MP", AssetType::Point, true),
            settings("USD", AssetType::Currency, true),
            settings("OFF", AssetType::Currency, false),
        ],
        ..configuration()
    }
}

fn draft() -> CampaignDraft {
    CampaignDraft {
        name: " Tết ".to_owned(),
        description: Some("Giảm giá\n\nTrên 1.000 cửa hàng".to_owned()),
        face_value: (Decimal::from(50_000), code("VND")),
        total_vouchers: 100,
        acquisition_type: AcquisitionType::Purchase,
        price: Some((Decimal::from(40_000), code("VND"))),
        starts_at: at(1),
        ends_at: at(100),
        voucher_validity_days: 30,
        max_per_user: 1,
        allow_partial_redemption: true,
    }
}

type Edit = fn(&mut CampaignDraft);

fn created(edit: Edit) -> Result<NewCampaign, CampaignRefusal> {
    let mut draft = draft();
    edit(&mut draft);
    let (promotion, wallet, currencies) = (promotion(), wallet(), currencies());
    let terms = Terms {
        promotion: &promotion,
        wallet: &wallet,
        currencies: &currencies,
    };
    let made = Made {
        open_campaigns: 1,
        vouchers_today: 1_000,
    };
    create(terms, &draft, made, NOW)
}

#[test]
fn covers_every_voucher_by_escrow() {
    let new = created(|_| {}).expect("a campaign");
    assert_eq!(new.name, "Tết");
    assert_eq!(new.escrow, Minor(5_000_000_000_000));
    let points: Edit = |d| {
        d.acquisition_type = AcquisitionType::ExchangePoints;
        d.price = Some((Decimal::from(25_000), code("MP")));
    };
    assert!(created(points).is_ok());
}

#[test]
fn refuses_new_campaigns_at_the_field() {
    use CampaignRefusal as Refusal;
    let max = Decimal::from;
    let cases: [(Edit, Refusal); 19] = [
        (|d| d.name = "\u{202e}".to_owned(), Refusal::NameInvalid),
        (
            |d| d.description = Some(String::new()),
            Refusal::DescriptionInvalid,
        ),
        (
            |d| d.description = Some("x".repeat(1_001)),
            Refusal::DescriptionInvalid,
        ),
        (
            |d| d.face_value.1 = code("XYZ"),
            Refusal::FaceCurrencyUnknown,
        ),
        (
            |d| d.price = Some((Decimal::ONE, code("XYZ"))),
            Refusal::PriceCurrencyUnknown,
        ),
        (
            |d| d.face_value.1 = code("OFF"),
            Refusal::FaceCurrencyDisabled,
        ),
        (
            |d| d.price = Some((Decimal::ONE, code("OFF"))),
            Refusal::PriceCurrencyDisabled,
        ),
        (
            |d| d.face_value.0 = Decimal::ZERO,
            Refusal::FaceValueInvalid,
        ),
        // VND shows no decimals.
        (
            |d| d.face_value.0 = Decimal::new(5, 1),
            Refusal::FaceValueInvalid,
        ),
        (
            |d| d.total_vouchers = 0,
            Refusal::VoucherCountInvalid { max: max(1_000) },
        ),
        (
            |d| d.total_vouchers = 1_001,
            Refusal::VoucherCountInvalid { max: max(1_000) },
        ),
        // 9,223 × 10⁹ units of 6 decimals are all that fits.
        (
            |d| d.face_value.0 = Decimal::from(1_000_000_000_000_i64),
            Refusal::VoucherCountInvalid { max: max(9) },
        ),
        (|d| d.ends_at = d.starts_at, Refusal::EndNotAfterStart),
        (
            |d| {
                d.starts_at = crate::time::plus(NOW, chrono::TimeDelta::hours(-2));
                d.ends_at = NOW;
            },
            Refusal::EndPast,
        ),
        (
            |d| d.voucher_validity_days = 366,
            Refusal::ValidityInvalid { max: max(365) },
        ),
        (|d| d.max_per_user = -1, Refusal::LimitNegative),
        (
            |d| {
                d.acquisition_type = AcquisitionType::Free;
                d.price = None;
                d.max_per_user = 0;
            },
            Refusal::LimitMissing,
        ),
        (
            |d| d.total_vouchers = 501,
            Refusal::DayLimit { max: max(1_500) },
        ),
        (
            |d| d.voucher_validity_days = 0,
            Refusal::ValidityInvalid { max: max(365) },
        ),
    ];
    for (number, (edit, refusal)) in cases.into_iter().enumerate() {
        assert_eq!(created(edit), Err(refusal), "case {number}");
    }
}

#[test]
fn refuses_prices_of_new_campaigns() {
    use CampaignRefusal as Refusal;
    let max = Decimal::from;
    let cases: [(Edit, Refusal); 7] = [
        (
            |d| d.acquisition_type = AcquisitionType::Free,
            Refusal::PriceForFree,
        ),
        (|d| d.price = None, Refusal::PriceMissing),
        (
            |d| d.price = Some((Decimal::ONE, code("MP"))),
            Refusal::PriceKind,
        ),
        (
            |d| d.price = Some((Decimal::ZERO, code("VND"))),
            Refusal::PriceAmount,
        ),
        (
            |d| d.price = Some((Decimal::from(500_001), code("VND"))),
            Refusal::PriceTooHigh {
                max: max(500_000),
                currency: code("VND"),
            },
        ),
        (
            |d| {
                d.acquisition_type = AcquisitionType::ExchangePoints;
                d.price = Some((Decimal::from(25_001), code("MP")));
            },
            Refusal::PriceTooHigh {
                max: max(25_000),
                currency: code("MP"),
            },
        ),
        (
            |d| d.price = Some((Decimal::ONE, code("USD"))),
            Refusal::PriceClosed,
        ),
    ];
    for (number, (edit, refusal)) in cases.into_iter().enumerate() {
        assert_eq!(created(edit), Err(refusal), "case {number}");
    }
}

fn campaign(stored_status: CampaignStatus) -> Campaign {
    Campaign {
        id: CampaignId::from([Uuid::from_u128(1), Uuid::from_u128(2)]),
        name: "Tết".to_owned(),
        description: None,
        face_value: Money {
            amount: Minor(1_000_000),
            currency: currency("VND", 1, 0),
        },
        total_vouchers: 10,
        issued_vouchers: 4,
        acquisition: Acquisition {
            of_type: AcquisitionType::Purchase,
            price: None,
        },
        starts_at: at(1),
        ends_at: at(100),
        voucher_validity_days: 30,
        max_per_user: 2,
        allow_partial_redemption: true,
        stored_status,
        revocation: None,
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

#[test]
fn reads_its_end_before_a_job_has_stored_it() {
    use CampaignStatus::{Active, Cancelled, Completed, Draft, Paused};
    for (stored, before, after) in [
        (Draft, Draft, Cancelled),
        (Active, Active, Completed),
        (Paused, Paused, Completed),
        (Completed, Completed, Completed),
        (Cancelled, Cancelled, Cancelled),
    ] {
        let campaign = campaign(stored);
        assert_eq!(campaign.status(at(99)), before);
        assert_eq!(campaign.status(at(100)), after);
        assert_eq!(campaign.available_vouchers(at(100)), 0);
    }
    assert_eq!(campaign(Active).available_vouchers(at(99)), 6);
}

#[test]
fn changes_status_only_along_its_life() {
    use CampaignStatus::{Active, Cancelled, Completed, Draft, Paused};
    let to = |stored, now: u32| {
        let campaign = campaign(stored);
        [
            activate(&campaign, at(now)).is_ok(),
            pause(&campaign, at(now)).is_ok(),
            end(&campaign, Completed, at(now)).is_ok(),
            end(&campaign, Cancelled, at(now)).is_ok(),
        ]
    };
    assert_eq!(to(Draft, 5), [true, false, false, true]);
    assert_eq!(to(Active, 5), [false, true, true, true]);
    assert_eq!(to(Paused, 5), [true, false, true, true]);
    assert_eq!(to(Completed, 5), [false; 4]);
    assert_eq!(to(Cancelled, 5), [false; 4]);
    for stored in CampaignStatus::ALL {
        assert_eq!(to(stored, 100), [false; 4], "{stored:?}");
    }
}

#[test]
fn changes_only_what_its_state_allows() {
    use CampaignRefusal as Refusal;
    use CampaignStatus::{Active, Completed, Draft};
    let changed = |stored, change: CampaignChange| update(&campaign(stored), &change, at(5));
    let nothing = CampaignChange::default;
    assert_eq!(changed(Draft, nothing()), Err(Refusal::NothingToChange));
    let name = CampaignChange {
        name: Some("Hè".to_owned()),
        ..nothing()
    };
    assert!(matches!(
        changed(Completed, name.clone()),
        Err(Refusal::StatusInvalid { .. })
    ));
    assert_eq!(
        changed(Active, name).map(|changed| changed.name),
        Ok("Hè".to_owned())
    );
    let start = CampaignChange {
        starts_at: Some(at(2)),
        ..nothing()
    };
    assert_eq!(changed(Active, start.clone()), Err(Refusal::StartFixed));
    assert_eq!(
        changed(Draft, start).map(|changed| changed.starts_at),
        Ok(at(2))
    );
    let earlier = CampaignChange {
        ends_at: Some(at(99)),
        ..nothing()
    };
    assert_eq!(changed(Active, earlier.clone()), Err(Refusal::EndEarlier));
    assert!(changed(Draft, earlier).is_ok());
    let past = CampaignChange {
        ends_at: Some(at(5)),
        ..nothing()
    };
    assert_eq!(changed(Draft, past), Err(Refusal::EndPast));
    let limit = |limit| CampaignChange {
        max_per_user: Some(limit),
        ..nothing()
    };
    assert_eq!(changed(Active, limit(1)), Err(Refusal::LimitLower));
    assert_eq!(
        changed(Active, limit(0)).map(|changed| changed.max_per_user),
        Ok(0)
    );
    assert_eq!(
        changed(Draft, limit(1)).map(|changed| changed.max_per_user),
        Ok(1)
    );
    assert_eq!(changed(Draft, limit(-1)), Err(Refusal::LimitNegative));
}
