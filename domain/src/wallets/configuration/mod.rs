//! The section `wallet` of the configuration: currencies, issuers, limits, rates.

mod draft;
mod loosening;

use rust_decimal::Decimal;

pub use draft::{CurrencyDraft, IssuerDraft, PairDraft, VelocityDraft, WalletDraft};

use crate::money::{CurrencyCode, Minor};
use crate::named::named;
use crate::time::{Timestamp, days, minutes, plus};

/// The section `wallet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletConfiguration {
    /// Number of the version.
    pub version: i32,
    /// Hours after which a clearing account that is not at zero is reported.
    pub clearing_age_hours: u32,
    /// Conversions that are open.
    pub conversion_pairs: Vec<ConversionPair>,
    /// Whether all conversions are refused.
    pub conversions_frozen: bool,
    /// Currencies of the ledger.
    pub currencies: Vec<CurrencySettings>,
    /// Upper bound of a hold's lifetime in days.
    pub hold_max_days: u32,
    /// Services that use the ledger.
    pub issuers: Vec<Issuer>,
    /// Lifetime of a hold without its own expiry in minutes.
    pub orphan_hold_minutes: u32,
    /// Age in seconds up to which a recorded rate is used.
    pub rate_max_age_seconds: u32,
    /// Distance to the last rate used, in hundredths of a percent, above which a rate waits for a second person.
    pub rate_max_jump_bps: u32,
    /// Source of conversion rates.
    pub rate_source: RateSource,
    /// Limits per owner on holds, conversions and withdrawals.
    pub velocity_rules: Vec<VelocityRule>,
}

/// Configuration of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencySettings {
    /// Code of the currency.
    pub code: CurrencyCode,
    /// Kind of asset.
    pub asset_type: AssetType,
    /// Decimals of the smallest unit.
    pub scale: u8,
    /// Decimals shown to people.
    pub display_decimals: u8,
    /// Whether holds, deposits, conversions and issuance are accepted.
    pub is_enabled: bool,
    /// Sum above which a command of staff needs a second person.
    pub dual_control_limit: Minor,
    /// Amount by which the conversion account may be short.
    pub fx_exposure_limit: Minor,
    /// Largest amount issued per UTC day.
    pub issuance_ceiling: Minor,
}

named! {
    /// Kinds of assets.
    AssetType;

    /// Money, such as VND or USD.
    Currency = "CURRENCY";
    /// Points, such as MP or PPOINT.
    Point = "POINT";
}

/// A service that uses the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// Name by which holds, references and treasuries know it.
    pub name: String,
    /// `iss` of its tokens.
    pub issuer: String,
    /// `sub` of its tokens.
    pub subject: String,
    /// Largest sum of deposits per UTC day; zero for currencies that are not listed.
    pub deposit_ceilings: Vec<(CurrencyCode, Minor)>,
}

impl Issuer {
    /// Whether both are settings of one service: its tokens have the same `iss` and `sub`.
    #[must_use]
    pub fn is_same_service(&self, other: &Self) -> bool {
        (&self.issuer, &self.subject) == (&other.issuer, &other.subject)
    }
}

/// Configuration of an open conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversionPair {
    /// Currency that is given.
    pub from: CurrencyCode,
    /// Currency that is received.
    pub to: CurrencyCode,
    /// Fee in hundredths of a percent of the result.
    pub fee_bps: u32,
    /// Units of `to` for one unit of `from` with rate source STATIC.
    pub static_rate: Option<Decimal>,
}

named! {
    /// Sources of conversion rates.
    RateSource;

    /// Snapshots recorded by `rateRecord`.
    Recorded = "RECORDED";
    /// Rates of the configuration.
    Static = "STATIC";
}

/// Limit on an owner's operations per hour or day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VelocityRule {
    /// Kind of operation.
    pub operation: VelocityOperation,
    /// Currency of the operations.
    pub currency: CurrencyCode,
    /// Length of the window.
    pub window: VelocityWindow,
    /// Largest number in the window; none for no limit.
    pub max_count: Option<u32>,
    /// Largest sum in the window; none for no limit.
    pub max_amount: Option<Minor>,
}

named! {
    /// Operations that velocity rules limit.
    VelocityOperation;

    /// Conversions, in the currency given and in the one received.
    Conversion = "CONVERSION";
    /// Holds placed.
    Hold = "HOLD";
    /// Withdrawals that are not failed or cancelled.
    Withdrawal = "WITHDRAWAL";
}

named! {
    /// Windows of velocity rules.
    VelocityWindow;

    /// The present hour and the 24 before it.
    Day = "DAY";
    /// The present hour.
    Hour = "HOUR";
}

impl WalletConfiguration {
    /// The settings of a currency.
    #[must_use]
    pub fn currency(&self, code: CurrencyCode) -> Option<&CurrencySettings> {
        self.currencies
            .iter()
            .find(|currency| currency.code == code)
    }

    /// The service with this `iss` and `sub`.
    #[must_use]
    pub fn issuer(&self, issuer: &str, subject: &str) -> Option<&Issuer> {
        self.issuers
            .iter()
            .find(|known| known.issuer == issuer && known.subject == subject)
    }

    /// The settings of an open conversion.
    #[must_use]
    pub fn pair(&self, from: CurrencyCode, to: CurrencyCode) -> Option<&ConversionPair> {
        let mut pairs = self.conversion_pairs.iter();
        pairs.find(|pair| pair.from == from && pair.to == to)
    }

    /// The service with this name.
    #[must_use]
    pub fn issuer_named(&self, name: &str) -> Option<&Issuer> {
        self.issuers.iter().find(|known| known.name == name)
    }

    /// Expiry of a hold without its own.
    #[must_use]
    pub fn orphan_expiry(&self, placed_at: Timestamp) -> Timestamp {
        plus(placed_at, minutes(self.orphan_hold_minutes))
    }

    /// Latest expiry of a hold.
    #[must_use]
    pub fn latest_expiry(&self, placed_at: Timestamp) -> Timestamp {
        plus(placed_at, days(self.hold_max_days))
    }

    /// The rules for an operation in a currency.
    pub fn velocity(
        &self,
        operation: VelocityOperation,
        currency: CurrencyCode,
    ) -> impl Iterator<Item = &VelocityRule> {
        self.velocity_rules
            .iter()
            .filter(move |rule| rule.operation == operation && rule.currency == currency)
    }
}
