//! Drafts of the section `wallet`, checked as a whole before they come into force.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::{
    AssetType, ConversionPair, CurrencySettings, Issuer, RateSource, VelocityOperation,
    VelocityRule, VelocityWindow, WalletConfiguration,
};
use crate::money::{CurrencyCode, LARGEST_WHOLE_UNITS, Minor};
use crate::platform::{ConfigurationProblem, ConfigurationRefusal, Field, Judged};
use crate::text;

/// Largest number of currencies.
const MOST_CURRENCIES: usize = 50;
/// Largest number of open pairs, and of issuers.
const MOST_ENTRIES: usize = 100;
/// Largest number of velocity rules.
const MOST_RULES: usize = 200;
/// Largest scale of a currency.
const LARGEST_SCALE: u8 = 6;
/// Largest number of characters of an issuer's name.
const LONGEST_NAME: usize = 40;
/// Largest number of characters of `iss` and `sub`.
const LONGEST_CLAIM: usize = 255;
/// Names of the platform's own contexts, which no service can have.
const RESERVED: [&str; 4] = ["mining", "promotions", "billing", "wallets"];

/// New settings of the section `wallet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletDraft {
    /// Hours after which a clearing account that is not at zero is reported: 1 to 8760.
    pub clearing_age_hours: i32,
    /// Conversions that are open: at most 100.
    pub conversion_pairs: Vec<PairDraft>,
    /// Whether all conversions are refused.
    pub conversions_frozen: bool,
    /// Currencies of the ledger: 1 to 50.
    pub currencies: Vec<CurrencyDraft>,
    /// Upper bound of a hold's lifetime: 1 to 365 days.
    pub hold_max_days: i32,
    /// Services that use the ledger: at most 100.
    pub issuers: Vec<IssuerDraft>,
    /// Lifetime of a hold without its own expiry: 1 to 129600 minutes.
    pub orphan_hold_minutes: i32,
    /// Age up to which a recorded rate is used: 1 to 86400 seconds.
    pub rate_max_age_seconds: i32,
    /// Distance to the last rate used above which a rate waits: 1 to 10000 hundredths of a percent.
    pub rate_max_jump_bps: i32,
    /// Source of conversion rates.
    pub rate_source: RateSource,
    /// Limits per owner: at most 200.
    pub velocity_rules: Vec<VelocityDraft>,
}

/// New settings of a currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrencyDraft {
    /// Code of the currency.
    pub code: CurrencyCode,
    /// Kind of asset.
    pub asset_type: AssetType,
    /// Decimals of the smallest unit: 0 to 6.
    pub scale: i32,
    /// Decimals shown to people: 0 to the scale.
    pub display_decimals: i32,
    /// Whether holds, deposits, conversions and issuance are accepted.
    pub is_enabled: bool,
    /// Sum above which a command of staff needs a second person.
    pub dual_control_limit: Decimal,
    /// Amount by which the conversion account may be short.
    pub fx_exposure_limit: Decimal,
    /// Largest amount issued per UTC day.
    pub issuance_ceiling: Decimal,
}

/// New settings of an open conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairDraft {
    /// Currency that is given.
    pub from: CurrencyCode,
    /// Currency that is received.
    pub to: CurrencyCode,
    /// Fee: 0 to 10000 hundredths of a percent.
    pub fee_bps: i32,
    /// Units of `to` for one unit of `from`, above 0, at most 12 decimals.
    pub static_rate: Option<Decimal>,
}

/// New settings of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerDraft {
    /// Name of 1 to 40 characters of a–z, 0–9 and hyphen.
    pub name: String,
    /// `iss` of its tokens, 1 to 255 characters.
    pub issuer: String,
    /// `sub` of its tokens, 1 to 255 characters.
    pub subject: String,
    /// Largest sum of deposits per UTC day, one amount per currency.
    pub deposit_ceilings: Vec<(CurrencyCode, Decimal)>,
}

/// New settings of a velocity rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VelocityDraft {
    /// Kind of operation.
    pub operation: VelocityOperation,
    /// Currency of the operations.
    pub currency: CurrencyCode,
    /// Length of the window.
    pub window: VelocityWindow,
    /// Largest number in the window.
    pub max_count: Option<i32>,
    /// Largest sum in the window.
    pub max_amount: Option<Decimal>,
}

impl WalletDraft {
    /// Checks the settings: the numbers, then the currencies, then the lists that name currencies.
    pub fn judge(&self, version: i32) -> Judged<WalletConfiguration> {
        let whole = |name, value, max| Field::of(name).whole(value, 1, max);
        let mut judged = WalletConfiguration {
            version,
            clearing_age_hours: whole("clearingAgeHours", self.clearing_age_hours, 8_760)?,
            conversions_frozen: self.conversions_frozen,
            hold_max_days: whole("holdMaxDays", self.hold_max_days, 365)?,
            orphan_hold_minutes: whole("orphanHoldMinutes", self.orphan_hold_minutes, 129_600)?,
            rate_max_age_seconds: whole("rateMaxAgeSeconds", self.rate_max_age_seconds, 86_400)?,
            rate_max_jump_bps: whole("rateMaxJumpBps", self.rate_max_jump_bps, 10_000)?,
            rate_source: self.rate_source,
            conversion_pairs: Vec::new(),
            currencies: Vec::new(),
            issuers: Vec::new(),
            velocity_rules: Vec::new(),
        };
        judged.currencies = self.judge_currencies()?;
        let currencies = Currencies(&judged.currencies);
        let pairs = self.judge_pairs(&currencies)?;
        let issuers = self.judge_issuers(&currencies)?;
        let rules = self.judge_rules(&currencies)?;
        judged.conversion_pairs = pairs;
        judged.issuers = issuers;
        judged.velocity_rules = rules;
        Ok(judged)
    }

    fn judge_currencies(&self) -> Judged<Vec<CurrencySettings>> {
        Field::of("currencies").length(self.currencies.len(), 1, MOST_CURRENCIES)?;
        let mut known = BTreeSet::new();
        let drafts = self.currencies.iter().enumerate();
        let judged = drafts.map(|(place, draft)| {
            let at = |name| Field::in_list("currencies", place, name);
            if !known.insert(draft.code) {
                return Err(at("code").refuse(ConfigurationProblem::Duplicate));
            }
            let scale = decimals(at("scale"), draft.scale, LARGEST_SCALE)?;
            Ok(CurrencySettings {
                code: draft.code,
                asset_type: draft.asset_type,
                scale,
                display_decimals: decimals(at("displayDecimals"), draft.display_decimals, scale)?,
                is_enabled: draft.is_enabled,
                dual_control_limit: amount(
                    at("dualControlLimit"),
                    draft.dual_control_limit,
                    scale,
                )?,
                fx_exposure_limit: amount(at("fxExposureLimit"), draft.fx_exposure_limit, scale)?,
                issuance_ceiling: amount(at("issuanceCeiling"), draft.issuance_ceiling, scale)?,
            })
        });
        judged.collect()
    }

    fn judge_pairs(&self, currencies: &Currencies<'_>) -> Judged<Vec<ConversionPair>> {
        const LIST: &str = "conversionPairs";
        Field::of(LIST).length(self.conversion_pairs.len(), 0, MOST_ENTRIES)?;
        let mut known = BTreeSet::new();
        let drafts = self.conversion_pairs.iter().enumerate();
        let judged = drafts.map(|(place, draft)| {
            let at = |name| Field::in_list(LIST, place, name);
            currencies.scale_of(at("from"), draft.from)?;
            currencies.scale_of(at("to"), draft.to)?;
            if draft.from == draft.to {
                return Err(at("to").refuse(ConfigurationProblem::PairInvalid));
            }
            if !known.insert((draft.from, draft.to)) {
                return Err(Field::item(LIST, place).refuse(ConfigurationProblem::Duplicate));
            }
            if draft.static_rate.is_none() && self.rate_source == RateSource::Static {
                return Err(at("staticRate").refuse(ConfigurationProblem::PairRateMissing));
            }
            let rate = draft.static_rate.map(|value| at("staticRate").rate(value));
            Ok(ConversionPair {
                from: draft.from,
                to: draft.to,
                fee_bps: at("feeBps").whole(draft.fee_bps, 0, 10_000)?,
                static_rate: rate.transpose()?,
            })
        });
        judged.collect()
    }

    fn judge_issuers(&self, currencies: &Currencies<'_>) -> Judged<Vec<Issuer>> {
        const LIST: &str = "issuers";
        Field::of(LIST).length(self.issuers.len(), 0, MOST_ENTRIES)?;
        let (mut names, mut callers) = (BTreeSet::new(), BTreeSet::new());
        let drafts = self.issuers.iter().enumerate();
        let judged = drafts.map(|(place, draft)| {
            let at = |name| Field::in_list(LIST, place, name);
            if !is_name(&draft.name) {
                return Err(at("name").refuse(ConfigurationProblem::NameInvalid));
            }
            if !names.insert(&draft.name) {
                return Err(at("name").refuse(ConfigurationProblem::Duplicate));
            }
            let issuer = claim(at("issuer"), &draft.issuer)?;
            let subject = claim(at("subject"), &draft.subject)?;
            if !callers.insert((&draft.issuer, &draft.subject)) {
                return Err(at("subject").refuse(ConfigurationProblem::Duplicate));
            }
            Ok(Issuer {
                name: draft.name.clone(),
                issuer,
                subject,
                deposit_ceilings: ceilings(
                    &at("depositCeilings"),
                    &draft.deposit_ceilings,
                    currencies,
                )?,
            })
        });
        judged.collect()
    }

    fn judge_rules(&self, currencies: &Currencies<'_>) -> Judged<Vec<VelocityRule>> {
        const LIST: &str = "velocityRules";
        Field::of(LIST).length(self.velocity_rules.len(), 0, MOST_RULES)?;
        let mut known = BTreeSet::new();
        let drafts = self.velocity_rules.iter().enumerate();
        let judged = drafts.map(|(place, draft)| {
            let at = |name| Field::in_list(LIST, place, name);
            let scale = currencies.scale_of(at("currency"), draft.currency)?;
            if !known.insert((draft.operation, draft.currency, draft.window)) {
                return Err(Field::item(LIST, place).refuse(ConfigurationProblem::Duplicate));
            }
            if draft.max_count.is_none() && draft.max_amount.is_none() {
                return Err(Field::item(LIST, place).refuse(ConfigurationProblem::RuleWithoutLimit));
            }
            let count = draft
                .max_count
                .map(|count| at("maxCount").whole(count, 0, i32::MAX.unsigned_abs()));
            let sum = draft
                .max_amount
                .map(|sum| amount(at("maxAmount"), sum, scale));
            Ok(VelocityRule {
                operation: draft.operation,
                currency: draft.currency,
                window: draft.window,
                max_amount: sum.transpose()?,
                max_count: count.transpose()?,
            })
        });
        judged.collect()
    }
}

impl WalletConfiguration {
    /// Checks the currencies against those of the version in force: none is removed, and the scale of a used one stays.
    /// `used` holds the currencies with postings, at least those whose scale changes.
    pub fn judge_currencies(&self, in_force: &Self, used: &BTreeSet<CurrencyCode>) -> Judged<()> {
        let listed = &self.currencies;
        let is_listed = |code| listed.iter().any(|currency| currency.code == code);
        if in_force.currencies.iter().any(|one| !is_listed(one.code)) {
            return Err(Field::of("currencies").refuse(ConfigurationProblem::CurrencyMissing));
        }
        let rescaled = self.rescaled(in_force);
        match rescaled.iter().find(|(_, code)| used.contains(code)) {
            Some((place, _)) => {
                let scale = Field::in_list("currencies", *place, "scale");
                Err(scale.refuse(ConfigurationProblem::ScaleFixed))
            }
            None => Ok(()),
        }
    }

    /// Checks the names of services against those of the version in force: one under which holds or clearing accounts
    /// exist stays with its service. `used` holds such names, at least those of [`Self::reassigned`].
    pub fn judge_issuers(&self, in_force: &Self, used: &BTreeSet<String>) -> Judged<()> {
        let reassigned = self.reassigned(in_force).into_iter();
        let mut refused = reassigned.filter(|(name, _)| used.contains(*name));
        refused.next().map_or(Ok(()), |(_, refusal)| Err(refusal))
    }

    /// Names of services that another service, or none, has in the version in force, or that lose their service; each
    /// with its refusal if it is in use.
    #[must_use]
    pub fn reassigned<'c>(&'c self, in_force: &'c Self) -> Vec<(&'c str, ConfigurationRefusal)> {
        const LIST: &str = "issuers";
        let name_at = |place| Field::in_list(LIST, place, "name");
        let given = self.issuers.iter().enumerate();
        let given = given.filter(|(_, one)| {
            let before = in_force.issuer_named(&one.name);
            before.is_none_or(|before| !before.is_same_service(one))
        });
        let given = given.map(|(place, one)| {
            let refusal = name_at(place).refuse(ConfigurationProblem::IssuerInUse);
            (one.name.as_str(), refusal)
        });
        let lost = in_force.issuers.iter();
        let lost = lost.filter(|one| self.issuer_named(&one.name).is_none());
        let lost = lost.map(|one| {
            let mut services = self.issuers.iter();
            let renamed = services.position(|after| after.is_same_service(one));
            let field = renamed.map_or_else(|| Field::of(LIST), name_at);
            let refusal = field.refuse(ConfigurationProblem::IssuerMissing);
            (one.name.as_str(), refusal)
        });
        given.chain(lost).collect()
    }

    /// Places and codes of the currencies whose scale differs from that in force.
    #[must_use]
    pub fn rescaled(&self, in_force: &Self) -> Vec<(usize, CurrencyCode)> {
        let listed = self.currencies.iter().enumerate();
        let rescaled = listed.filter(|(_, currency)| {
            let before = in_force.currency(currency.code);
            before.is_some_and(|before| before.scale != currency.scale)
        });
        rescaled
            .map(|(place, currency)| (place, currency.code))
            .collect()
    }
}

/// The checked currencies, which the other lists name.
struct Currencies<'a>(&'a [CurrencySettings]);

impl Currencies<'_> {
    fn scale_of(&self, field: Field, code: CurrencyCode) -> Judged<u8> {
        let listed = self.0.iter().find(|currency| currency.code == code);
        listed
            .map(|currency| currency.scale)
            .ok_or_else(|| field.refuse(ConfigurationProblem::CurrencyUnknown))
    }
}

fn ceilings(
    field: &Field,
    drafts: &[(CurrencyCode, Decimal)],
    currencies: &Currencies<'_>,
) -> Judged<Vec<(CurrencyCode, Minor)>> {
    field.clone().length(drafts.len(), 0, MOST_CURRENCIES)?;
    let mut known = BTreeSet::new();
    let judged = drafts.iter().enumerate().map(|(place, (code, ceiling))| {
        let at = |name| field.clone().nested(place).field(name);
        let scale = currencies.scale_of(at("currency"), *code)?;
        if !known.insert(*code) {
            return Err(at("currency").refuse(ConfigurationProblem::Duplicate));
        }
        Ok((*code, amount(at("amount"), *ceiling, scale)?))
    });
    judged.collect()
}

fn decimals(field: Field, value: i32, max: u8) -> Judged<u8> {
    let refused = field.clone();
    let value = field.whole(value, 0, max.into())?;
    u8::try_from(value).map_err(|_| {
        let (min, max) = (Decimal::ZERO, max.into());
        refused.refuse(ConfigurationProblem::OutOfRange { min, max })
    })
}

fn amount(field: Field, value: Decimal, scale: u8) -> Judged<Minor> {
    field.exact(value, scale, Decimal::ZERO, LARGEST_WHOLE_UNITS.into())
}

/// Whether a service can have this name.
fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(is_letter)
        && !RESERVED.contains(&name)
}

/// A claim of a token, which is compared exactly: nothing is removed or normalized.
fn claim(field: Field, value: &str) -> Judged<String> {
    match text::parse(value, LONGEST_CLAIM) {
        Some(same) if same == value => Ok(same),
        _ => Err(field.refuse(ConfigurationProblem::TextLength {
            min: Decimal::ONE,
            max: LONGEST_CLAIM.into(),
        })),
    }
}

#[cfg(test)]
pub(super) mod tests;
