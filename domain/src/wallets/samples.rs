//! Values for tests.

use uuid::Uuid;

use super::hold::{Hold, HoldStatus};
use super::{
    AssetType, Currencies, CurrencySettings, OwnerKind, RateSource, WalletConfiguration,
    WalletOwner,
};
use crate::ids::{HoldId, OwnerId};
use crate::money::{Currency, CurrencyCode, Minor, Money};
use crate::time::{Timestamp, hours, plus};

fn pt() -> CurrencyCode {
    CurrencyCode::parse("PT").expect("a code")
}

/// MP, and PT, which is switched off.
pub(crate) fn configuration() -> WalletConfiguration {
    let currency = |code, is_enabled| CurrencySettings {
        code,
        asset_type: AssetType::Point,
        scale: 4,
        display_decimals: 4,
        is_enabled,
        dual_control_limit: Minor::ZERO,
        fx_exposure_limit: Minor::ZERO,
        issuance_ceiling: Minor::ZERO,
    };
    WalletConfiguration {
        version: 1,
        clearing_age_hours: 72,
        conversion_pairs: Vec::new(),
        conversions_frozen: false,
        currencies: vec![currency(CurrencyCode::MP, true), currency(pt(), false)],
        hold_max_days: 90,
        issuers: Vec::new(),
        orphan_hold_minutes: 1_440,
        rate_max_age_seconds: 60,
        rate_max_jump_bps: 500,
        rate_source: RateSource::Recorded,
        velocity_rules: Vec::new(),
    }
}

/// The currencies of [`configuration`].
pub(crate) fn currencies() -> Currencies {
    let codes = [(1, CurrencyCode::MP), (2, pt())];
    let currency = |(number, code)| {
        let currency = Currency {
            number,
            code,
            scale: 4,
            display_decimals: 4,
        };
        (code, currency)
    };
    codes.into_iter().map(currency).collect()
}

/// A hold of so many whole MP of a user, placed at the epoch for an hour.
pub(crate) fn hold(amount: i64) -> Hold {
    let owner = WalletOwner {
        kind: OwnerKind::User,
        id: Uuid::from_u128(1),
    };
    Hold {
        id: HoldId {
            owner: OwnerId(owner.id),
            uuid: Uuid::from_u128(7),
        },
        owner,
        amount: Money {
            amount: Minor(amount * 10_000),
            currency: currencies()[&CurrencyCode::MP],
        },
        issuer: "playhub".to_owned(),
        reference_kind: "playhub:bet".to_owned(),
        reference_id: "7".to_owned(),
        reason: "A bet".to_owned(),
        external_id: None,
        metadata: Vec::new(),
        status: HoldStatus::Held,
        release_reason: None,
        settlement: None,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: Some(plus(Timestamp::UNIX_EPOCH, hours(1))),
        ended_at: None,
        version: 1,
    }
}
