//! Types of the section `wallet`.

use async_graphql::{Context, InputObject, Object};
use db::DbError;
use db::platform::configuration::Change;
use domain::money::{CurrencyCode as Code, Minor};
use domain::wallets::{
    self as rules, CurrencyDraft, IssuerDraft, PairDraft, VelocityDraft, WalletDraft,
};

use rust_decimal::Decimal as Exact;

use crate::eager::ReadyList;
use crate::enums::EnumOf;
use crate::errors::Loaded;
use crate::object::object;
use crate::platform::configuration::objects::{in_force, sections};
use crate::scalars::{CurrencyCode, Decimal};
use crate::wallets::wallet::objects::{AssetType, Money};
use crate::wallets::whole;

/// Sources of conversion rates.
pub type RateSource = EnumOf<rules::RateSource>;

/// Operations that velocity rules limit.
pub type VelocityOperation = EnumOf<rules::VelocityOperation>;

/// Windows of velocity rules.
pub type VelocityWindow = EnumOf<rules::VelocityWindow>;

sections! {
    /// Version of the section `wallet`.
    WalletConfiguration("wallet", of: rules::WalletConfiguration) {
        /// Hours after which a clearing account that is not at zero is reported.
        clearing_age_hours: i32 = whole(of.settings.clearing_age_hours),
        /// Conversions that are open; all others are closed.
        conversion_pairs: ReadyList<ConversionPairSettings> = list(&of.settings.conversion_pairs, ConversionPairSettings::of),
        /// Whether all conversions are refused.
        conversions_frozen: bool = of.settings.conversions_frozen,
        /// Currencies of the ledger.
        currencies: ReadyList<CurrencySettings> = list(&of.settings.currencies, CurrencySettings::of),
        /// Upper bound of a hold's lifetime in days.
        hold_max_days: i32 = whole(of.settings.hold_max_days),
        /// Services that use the ledger.
        issuers: ReadyList<IssuerSettings> = list(&of.settings.issuers, |issuer| IssuerSettings::of(issuer, &of.settings)),
        /// Lifetime of a hold without its own expiry in minutes.
        orphan_hold_minutes: i32 = whole(of.settings.orphan_hold_minutes),
        /// Age in seconds up to which a recorded rate is used.
        rate_max_age_seconds: i32 = whole(of.settings.rate_max_age_seconds),
        /// Distance to the last rate used, and to the rate of an hour ago or one accepted by a person since, in hundredths of a
        /// percent, above which a rate waits for `rateAccept`.
        rate_max_jump_bps: i32 = whole(of.settings.rate_max_jump_bps),
        /// Source of conversion rates.
        rate_source: RateSource = of.settings.rate_source.into(),
        /// Limits per owner on holds, conversions and withdrawals.
        velocity_rules: ReadyList<VelocityRule> = list(&of.settings.velocity_rules, |rule| VelocityRule::of(rule, &of.settings)),
    }
}

fn list<T, O>(of: &[T], object: impl Fn(&T) -> O) -> ReadyList<O> {
    ReadyList(of.iter().map(object).collect())
}

/// An amount with as many decimals as the currency's scale.
fn amount(
    of: &rules::WalletConfiguration,
    code: domain::money::CurrencyCode,
    amount: Minor,
) -> Decimal {
    let scale = of.currency(code).map_or(0, |currency| currency.scale);
    Decimal(amount.to_decimal(scale))
}

object! {
    /// Service that uses the ledger.
    IssuerSettings(issuer: &rules::Issuer, of: &rules::WalletConfiguration) {
        /// Largest sum of deposits per UTC day, one amount per currency; 0 for currencies not listed.
        deposit_ceilings: ReadyList<Money> = list(&issuer.deposit_ceilings, |(code, ceiling)| Money {
            amount: amount(of, *code, *ceiling),
            currency: CurrencyCode(*code),
        }),
        /// `iss` of its tokens.
        issuer: String = issuer.issuer.clone(),
        /// Name by which holds, references and treasuries know it.
        name: String = issuer.name.clone(),
        /// `sub` of its tokens.
        subject: String = issuer.subject.clone(),
    }
}

object! {
    /// Configuration of a currency.
    CurrencySettings(currency: &rules::CurrencySettings) {
        let amount = |amount: Minor| Decimal(amount.to_decimal(currency.scale));
        /// Kind of asset.
        asset_type: AssetType = currency.asset_type.into(),
        /// Code of the currency.
        code: CurrencyCode = CurrencyCode(currency.code),
        /// Decimals shown to people, 0 to `scale`.
        display_decimals: i32 = currency.display_decimals.into(),
        /// Sum per staff member, for one owner or in all, in the present hour and the 24 before, above which commands of staff
        /// that move money need a second person.
        dual_control_limit: Decimal = amount(currency.dual_control_limit),
        /// Amount by which the conversion account may be short.
        fx_exposure_limit: Decimal = amount(currency.fx_exposure_limit),
        /// Whether holds, deposits, conversions and issuance are accepted; settling, releasing and withdrawing always are.
        is_enabled: bool = currency.is_enabled,
        /// Largest amount issued per UTC day; 0 for none.
        issuance_ceiling: Decimal = amount(currency.issuance_ceiling),
        /// Decimals of the smallest unit, 0 to 6; fixed once the currency is used.
        scale: i32 = currency.scale.into(),
    }
}

object! {
    /// Configuration of an open conversion.
    ConversionPairSettings(pair: &rules::ConversionPair) {
        /// Fee in hundredths of a percent of the result, 0 to 10,000.
        fee_bps: i32 = whole(pair.fee_bps),
        /// Currency that is given.
        from: CurrencyCode = CurrencyCode(pair.from),
        /// Units of `to` for one unit of `from` with rate source STATIC; null when only recorded rates are used.
        static_rate: Option<Decimal> = pair.static_rate.map(Decimal),
        /// Currency that is received.
        to: CurrencyCode = CurrencyCode(pair.to),
    }
}

object! {
    /// Limit on an owner's operations per hour or day.
    VelocityRule(rule: &rules::VelocityRule, of: &rules::WalletConfiguration) {
        /// Currency of the operations.
        currency: CurrencyCode = CurrencyCode(rule.currency),
        /// Largest sum in the window; null for no limit.
        max_amount: Option<Decimal> = rule.max_amount.map(|sum| amount(of, rule.currency, sum)),
        /// Largest number in the window; null for no limit.
        max_count: Option<i32> = rule.max_count.map(whole),
        /// Kind of operation.
        operation: VelocityOperation = rule.operation.into(),
        /// Length of the window.
        window: VelocityWindow = rule.window.into(),
    }
}

/// The section `wallet` of `SystemConfiguration`, in the version in force.
#[derive(Default)]
pub struct WalletSections;

#[Object]
impl WalletSections {
    /// Currencies, conversion, limits and velocity rules.
    async fn wallet(&self, ctx: &Context<'_>) -> Loaded<WalletConfiguration> {
        Some(in_force(ctx, "wallet").await)
    }
}

/// Section `wallet`, replaced as a whole.
#[derive(InputObject)]
pub struct WalletConfigurationInput {
    /// Hours after which a clearing account that is not at zero is reported: 1 to 8,760.
    pub clearing_age_hours: i32,
    /// Conversions that are open; all others are closed: at most 100 items.
    pub conversion_pairs: Vec<ConversionPairSettingsInput>,
    /// Whether all conversions are refused.
    pub conversions_frozen: bool,
    /// Currencies of the ledger: 1 to 50 items.
    pub currencies: Vec<CurrencySettingsInput>,
    /// Upper bound of a hold's lifetime in days: 1 to 365.
    pub hold_max_days: i32,
    /// Services that use the ledger: at most 100 items.
    pub issuers: Vec<IssuerSettingsInput>,
    /// Lifetime of a hold without its own expiry in minutes: 1 to 129,600.
    pub orphan_hold_minutes: i32,
    /// Age in seconds up to which a recorded rate is used: 1 to 86,400.
    pub rate_max_age_seconds: i32,
    /// Distance to the last rate used, and to the rate of an hour ago or one accepted by a person since, in hundredths of a
    /// percent, above which a rate waits for `rateAccept`: 1 to 10,000.
    pub rate_max_jump_bps: i32,
    /// Source of conversion rates.
    pub rate_source: RateSource,
    /// Limits per owner on holds, conversions and withdrawals: at most 200 items.
    pub velocity_rules: Vec<VelocityRuleInput>,
    /// Version that is replaced; it must be the one in force.
    pub version: i32,
}

impl WalletConfigurationInput {
    /// The change, for a command whose input has the section at this path.
    pub(crate) fn change(&self, path: &'static str) -> Result<Change, DbError> {
        let pairs = self.conversion_pairs.iter();
        let rules = self.velocity_rules.iter();
        let draft = WalletDraft {
            clearing_age_hours: self.clearing_age_hours,
            conversion_pairs: pairs.map(ConversionPairSettingsInput::draft).collect(),
            conversions_frozen: self.conversions_frozen,
            currencies: self
                .currencies
                .iter()
                .map(CurrencySettingsInput::draft)
                .collect(),
            hold_max_days: self.hold_max_days,
            issuers: self
                .issuers
                .iter()
                .map(IssuerSettingsInput::draft)
                .collect(),
            orphan_hold_minutes: self.orphan_hold_minutes,
            rate_max_age_seconds: self.rate_max_age_seconds,
            rate_max_jump_bps: self.rate_max_jump_bps,
            rate_source: self.rate_source.0,
            velocity_rules: rules.map(VelocityRuleInput::draft).collect(),
        };
        Change::new(path, self.version, |version| draft.judge(version))
    }
}

/// Service that uses the ledger.
#[derive(InputObject)]
pub struct IssuerSettingsInput {
    /// Largest sum of deposits per UTC day, one amount per currency; 0 for currencies not listed.
    pub deposit_ceilings: Vec<MoneyInput>,
    /// `iss` of its tokens, 1 to 255 characters.
    pub issuer: String,
    /// Name, 1 to 40 characters of a–z, 0–9 and hyphen; not `mining`, `promotions`, `billing` or `wallets`.
    pub name: String,
    /// `sub` of its tokens, 1 to 255 characters.
    pub subject: String,
}

impl IssuerSettingsInput {
    fn draft(&self) -> IssuerDraft {
        let ceilings = self.deposit_ceilings.iter();
        IssuerDraft {
            name: self.name.clone(),
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            deposit_ceilings: ceilings.map(|of| (of.currency.0, of.amount.0)).collect(),
        }
    }
}

/// Amount in one currency.
#[derive(InputObject)]
pub struct MoneyInput {
    /// Amount in units of the currency, such as `12.34` dollars, at most 1,000,000,000,000. More decimal places than the
    /// currency has are refused, not rounded.
    pub amount: Decimal,
    /// Code of the currency.
    pub currency: CurrencyCode,
}

impl MoneyInput {
    /// Amount and currency.
    pub(crate) fn parts(&self) -> (Exact, Code) {
        (self.amount.0, self.currency.0)
    }
}

/// Configuration of a currency.
#[derive(InputObject)]
pub struct CurrencySettingsInput {
    /// Kind of asset.
    pub asset_type: AssetType,
    /// Code of the currency; a listed currency can't be removed.
    pub code: CurrencyCode,
    /// Decimals shown to people, 0 to `scale`.
    pub display_decimals: i32,
    /// Sum per staff member, for one owner or in all, in the present hour and the 24 before, above which commands of staff
    /// that move money need a second person, from 0.
    pub dual_control_limit: Decimal,
    /// Amount by which the conversion account may be short, from 0.
    pub fx_exposure_limit: Decimal,
    /// Whether holds, deposits, conversions and issuance are accepted; settling, releasing and withdrawing always are.
    pub is_enabled: bool,
    /// Largest amount issued per UTC day; 0 for none, from 0.
    pub issuance_ceiling: Decimal,
    /// Decimals of the smallest unit, 0 to 6; can't change once the currency is used.
    pub scale: i32,
}

impl CurrencySettingsInput {
    fn draft(&self) -> CurrencyDraft {
        CurrencyDraft {
            code: self.code.0,
            asset_type: self.asset_type.0,
            scale: self.scale,
            display_decimals: self.display_decimals,
            is_enabled: self.is_enabled,
            dual_control_limit: self.dual_control_limit.0,
            fx_exposure_limit: self.fx_exposure_limit.0,
            issuance_ceiling: self.issuance_ceiling.0,
        }
    }
}

/// Configuration of an open conversion.
#[derive(InputObject)]
pub struct ConversionPairSettingsInput {
    /// Fee in hundredths of a percent of the result, 0 to 10,000.
    pub fee_bps: i32,
    /// Currency that is given.
    pub from: CurrencyCode,
    /// Units of `to` for one unit of `from`, above 0, at most 12 decimals; null only with rate source RECORDED.
    pub static_rate: Option<Decimal>,
    /// Currency that is received, other than `from`.
    pub to: CurrencyCode,
}

impl ConversionPairSettingsInput {
    fn draft(&self) -> PairDraft {
        PairDraft {
            from: self.from.0,
            to: self.to.0,
            fee_bps: self.fee_bps,
            static_rate: self.static_rate.map(|rate| rate.0),
        }
    }
}

/// Limit on an owner's operations per hour or day; one rule per operation, currency and window.
#[derive(InputObject)]
pub struct VelocityRuleInput {
    /// Currency of the operations.
    pub currency: CurrencyCode,
    /// Largest sum in the window, from 0; null for no limit.
    pub max_amount: Option<Decimal>,
    /// Largest number in the window, from 0; null for no limit.
    pub max_count: Option<i32>,
    /// Kind of operation.
    pub operation: VelocityOperation,
    /// Length of the window.
    pub window: VelocityWindow,
}

impl VelocityRuleInput {
    fn draft(&self) -> VelocityDraft {
        VelocityDraft {
            operation: self.operation.0,
            currency: self.currency.0,
            window: self.window.0,
            max_count: self.max_count,
            max_amount: self.max_amount.map(|amount| amount.0),
        }
    }
}
