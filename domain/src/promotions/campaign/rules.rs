//! Rules of campaigns: what a new one may be, what may change, and how it ends.

use rust_decimal::Decimal;

use super::{Acquisition, AcquisitionType, Campaign, CampaignRefusal, CampaignStatus, escrow};
use crate::access::Person;
use crate::money::{Currency, CurrencyCode, Minor, Money, amount};
use crate::promotions::PromotionConfiguration;
use crate::text::{self, bounded_text};
use crate::time::Timestamp;
use crate::wallets::{AssetType, Currencies, WalletConfiguration};

bounded_text! {
    /// A campaign's name of 1 to 255 characters.
    CampaignName(255) = text::parse;
}

bounded_text! {
    /// A campaign's description of 1 to 1000 characters.
    Description(1000) = text::parse_lines;
}

/// A campaign as a merchant describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignDraft {
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// Value of a voucher, and its currency.
    pub face_value: (Decimal, CurrencyCode),
    /// Number of vouchers.
    pub total_vouchers: i32,
    /// Way to acquire a voucher.
    pub acquisition_type: AcquisitionType,
    /// Price of a voucher, and its currency.
    pub price: Option<(Decimal, CurrencyCode)>,
    /// Time from which vouchers can be acquired.
    pub starts_at: Timestamp,
    /// Time of the end.
    pub ends_at: Timestamp,
    /// Days a voucher is valid.
    pub voucher_validity_days: i32,
    /// Vouchers per person; 0 for no limit.
    pub max_per_user: i32,
    /// Whether a voucher keeps its remainder after a redemption.
    pub allow_partial_redemption: bool,
}

/// A checked campaign, before its escrow is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCampaign {
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// Value of a voucher.
    pub face_value: Money,
    /// Number of vouchers.
    pub total_vouchers: u32,
    /// Way to acquire a voucher.
    pub acquisition: Acquisition,
    /// Days a voucher is valid.
    pub voucher_validity_days: u32,
    /// Vouchers per person; 0 for no limit.
    pub max_per_user: u32,
    /// Face value × vouchers.
    pub escrow: Minor,
}

/// Campaigns and vouchers that a merchant has made so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Campaigns that have not ended.
    pub open_campaigns: u32,
    /// Vouchers of the present UTC day.
    pub vouchers_today: u32,
}

/// Configuration that a new campaign is checked by.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'c> {
    /// The section `promotion`.
    pub promotion: &'c PromotionConfiguration,
    /// The section `wallet`.
    pub wallet: &'c WalletConfiguration,
    /// Currencies of the ledger.
    pub currencies: &'c Currencies,
}

/// Checks a new campaign.
///
/// Refusals, in this order: name, description, currencies, face value, number of vouchers, price, dates, validity, limit
/// per person, limits of the merchant.
pub fn create(
    terms: Terms<'_>,
    draft: &CampaignDraft,
    made: Made,
    now: Timestamp,
) -> Result<NewCampaign, CampaignRefusal> {
    let name = CampaignName::parse(&draft.name).ok_or(CampaignRefusal::NameInvalid)?;
    let description = description(draft.description.as_deref())?;
    let face = terms.currency(draft.face_value.1, Side::Face)?;
    let price_currency = draft
        .price
        .map(|(_, code)| terms.currency(code, Side::Price));
    let price_currency = price_currency.transpose()?;
    let face_value = shown_amount(draft.face_value.0, face);
    let face_value = face_value.ok_or(CampaignRefusal::FaceValueInvalid)?;
    let total_vouchers = terms.vouchers(draft.total_vouchers, face_value)?;
    let priced = draft.price.map(|(value, _)| value).zip(price_currency);
    let acquisition = terms.acquisition(draft.acquisition_type, priced, face_value)?;
    check_dates(draft.starts_at, draft.ends_at, now)?;
    let most = terms.promotion.max_validity_days;
    let voucher_validity_days = within(draft.voucher_validity_days, 1, most);
    let voucher_validity_days =
        voucher_validity_days.ok_or(CampaignRefusal::ValidityInvalid { max: most.into() })?;
    let max_per_user = per_user(draft.max_per_user, draft.acquisition_type)?;
    let most = terms.promotion.max_open_campaigns;
    if made.open_campaigns >= most {
        return Err(CampaignRefusal::OpenLimit { max: most.into() });
    }
    let most = terms.promotion.max_vouchers_per_day;
    if made.vouchers_today.saturating_add(total_vouchers) > most {
        return Err(CampaignRefusal::DayLimit { max: most.into() });
    }
    Ok(NewCampaign {
        name: name.as_str().to_owned(),
        description,
        face_value,
        total_vouchers,
        acquisition,
        voucher_validity_days,
        max_per_user,
        escrow: escrow(face_value, total_vouchers)
            .map_err(|_| CampaignRefusal::FaceValueInvalid)?,
    })
}

/// The side of a voucher that a currency is for.
#[derive(Clone, Copy)]
enum Side {
    Face,
    Price,
}

impl Terms<'_> {
    fn currency(&self, code: CurrencyCode, side: Side) -> Result<Currency, CampaignRefusal> {
        let (unknown, disabled) = match side {
            Side::Face => (
                CampaignRefusal::FaceCurrencyUnknown,
                CampaignRefusal::FaceCurrencyDisabled,
            ),
            Side::Price => (
                CampaignRefusal::PriceCurrencyUnknown,
                CampaignRefusal::PriceCurrencyDisabled,
            ),
        };
        let currency = *self.currencies.get(&code).ok_or(unknown)?;
        let settings = self.wallet.currency(code);
        if settings.is_some_and(|settings| !settings.is_enabled) {
            return Err(disabled);
        }
        Ok(currency)
    }

    /// The number of vouchers: as many as configured, and as the escrow can hold.
    fn vouchers(&self, count: i32, face_value: Money) -> Result<u32, CampaignRefusal> {
        let most = self.promotion.max_vouchers_per_campaign;
        let fits = i64::MAX
            .checked_div(face_value.amount.0)
            .unwrap_or(i64::MAX);
        let most = u32::try_from(fits).map_or(most, |fits| fits.min(most));
        let refused = CampaignRefusal::VoucherCountInvalid { max: most.into() };
        within(count, 1, most).ok_or(refused)
    }

    fn acquisition(
        &self,
        of_type: AcquisitionType,
        price: Option<(Decimal, Currency)>,
        face_value: Money,
    ) -> Result<Acquisition, CampaignRefusal> {
        let wanted = match of_type {
            AcquisitionType::Free if price.is_some() => return Err(CampaignRefusal::PriceForFree),
            AcquisitionType::Free => {
                return Ok(Acquisition {
                    of_type,
                    price: None,
                });
            }
            AcquisitionType::ExchangePoints => AssetType::Point,
            AcquisitionType::Purchase => AssetType::Currency,
        };
        let (value, currency) = price.ok_or(CampaignRefusal::PriceMissing)?;
        let settings = self.wallet.currency(currency.code);
        if settings.is_none_or(|settings| settings.asset_type != wanted) {
            return Err(CampaignRefusal::PriceKind);
        }
        let price = shown_amount(value, currency).ok_or(CampaignRefusal::PriceAmount)?;
        let face = face_value.to_decimal();
        let most = if currency.code == face_value.currency.code {
            face.checked_mul(self.promotion.max_price_multiple.into())
        } else {
            let limit = self
                .promotion
                .price_limit(face_value.currency.code, currency.code);
            face.checked_mul(limit.ok_or(CampaignRefusal::PriceClosed)?)
        };
        match most {
            Some(max) if value > max => Err(CampaignRefusal::PriceTooHigh {
                max: max.normalize(),
                currency: currency.code,
            }),
            _ => Ok(Acquisition {
                of_type,
                price: Some(price),
            }),
        }
    }
}

/// An amount above zero with no more decimals than the currency shows.
pub(crate) fn shown_amount(value: Decimal, currency: Currency) -> Option<Money> {
    let is_coarse = value.normalize().scale() <= u32::from(currency.display_decimals);
    let amount = amount(value, currency.scale).ok();
    let amount = amount.filter(|amount| is_coarse && *amount > Minor::ZERO)?;
    Some(Money { amount, currency })
}

fn within(value: i32, min: u32, max: u32) -> Option<u32> {
    let value = u32::try_from(value).ok();
    value.filter(|value| (min..=max).contains(value))
}

fn description(text: Option<&str>) -> Result<Option<String>, CampaignRefusal> {
    let parsed = text.map(|text| {
        let parsed = Description::parse(text).ok_or(CampaignRefusal::DescriptionInvalid)?;
        Ok(parsed.as_str().to_owned())
    });
    parsed.transpose()
}

fn check_dates(
    starts_at: Timestamp,
    ends_at: Timestamp,
    now: Timestamp,
) -> Result<(), CampaignRefusal> {
    if ends_at <= starts_at {
        return Err(CampaignRefusal::EndNotAfterStart);
    }
    if ends_at <= now {
        return Err(CampaignRefusal::EndPast);
    }
    Ok(())
}

fn per_user(limit: i32, of_type: AcquisitionType) -> Result<u32, CampaignRefusal> {
    let limit = u32::try_from(limit).map_err(|_| CampaignRefusal::LimitNegative)?;
    if limit == 0 && of_type == AcquisitionType::Free {
        return Err(CampaignRefusal::LimitMissing);
    }
    Ok(limit)
}

/// New values of a campaign; none leaves a value as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignChange {
    /// Name.
    pub name: Option<String>,
    /// Description; an inner none removes it.
    pub description: Option<Option<String>>,
    /// Time from which vouchers can be acquired.
    pub starts_at: Option<Timestamp>,
    /// Time of the end.
    pub ends_at: Option<Timestamp>,
    /// Vouchers per person; 0 for no limit.
    pub max_per_user: Option<i32>,
}

/// The campaign with new values.
///
/// Refusals, in this order: [`CampaignRefusal::NothingToChange`], [`CampaignRefusal::StatusInvalid`] once it has ended, then
/// name, description, dates, and limit per person.
pub fn update(
    campaign: &Campaign,
    change: &CampaignChange,
    now: Timestamp,
) -> Result<Campaign, CampaignRefusal> {
    if *change == CampaignChange::default() {
        return Err(CampaignRefusal::NothingToChange);
    }
    if campaign.has_ended(now) {
        return Err(status_invalid(campaign));
    }
    let mut changed = campaign.clone();
    if let Some(name) = &change.name {
        let name = CampaignName::parse(name).ok_or(CampaignRefusal::NameInvalid)?;
        name.as_str().clone_into(&mut changed.name);
    }
    if let Some(text) = &change.description {
        changed.description = description(text.as_deref())?;
    }
    let is_draft = campaign.stored_status == CampaignStatus::Draft;
    if let Some(starts_at) = change.starts_at {
        if !is_draft && starts_at != campaign.starts_at {
            return Err(CampaignRefusal::StartFixed);
        }
        changed.starts_at = starts_at;
    }
    if let Some(ends_at) = change.ends_at {
        changed.ends_at = ends_at;
    }
    check_dates(changed.starts_at, changed.ends_at, now)?;
    if !is_draft && changed.ends_at < campaign.ends_at {
        return Err(CampaignRefusal::EndEarlier);
    }
    if let Some(limit) = change.max_per_user {
        changed.max_per_user = per_user(limit, campaign.acquisition.of_type)?;
        if !is_draft && ranked(changed.max_per_user) < ranked(campaign.max_per_user) {
            return Err(CampaignRefusal::LimitLower);
        }
    }
    changed.updated_at = now.max(campaign.updated_at);
    Ok(changed)
}

/// A limit per person in an order: no limit is above every number.
fn ranked(limit: u32) -> u32 {
    if limit == 0 { u32::MAX } else { limit }
}

/// The activated campaign: [`CampaignRefusal::StatusInvalid`] unless it is a draft or paused and its end is not past.
pub fn activate(campaign: &Campaign, now: Timestamp) -> Result<Campaign, CampaignRefusal> {
    let startable = [CampaignStatus::Draft, CampaignStatus::Paused];
    if !startable.contains(&campaign.status(now)) {
        return Err(status_invalid(campaign));
    }
    Ok(with_status(campaign, CampaignStatus::Active, now))
}

/// The paused campaign: [`CampaignRefusal::StatusInvalid`] unless it is active.
pub fn pause(campaign: &Campaign, now: Timestamp) -> Result<Campaign, CampaignRefusal> {
    if campaign.status(now) != CampaignStatus::Active {
        return Err(status_invalid(campaign));
    }
    Ok(with_status(campaign, CampaignStatus::Paused, now))
}

/// The campaign ended as completed or cancelled: [`CampaignRefusal::StatusInvalid`] once it has ended, and for a draft
/// that is to be completed.
pub fn end(
    campaign: &Campaign,
    ended: CampaignStatus,
    now: Timestamp,
) -> Result<Campaign, CampaignRefusal> {
    let is_draft = campaign.stored_status == CampaignStatus::Draft;
    if campaign.has_ended(now) || (is_draft && ended == CampaignStatus::Completed) {
        return Err(status_invalid(campaign));
    }
    Ok(with_status(campaign, ended, now))
}

/// A campaign whose time is over, ended; none for one that has not ended or whose end is stored.
#[must_use]
pub fn end_in_time(campaign: &Campaign, now: Timestamp) -> Option<Campaign> {
    let status = campaign.status(now);
    (status != campaign.stored_status).then(|| with_status(campaign, status, now))
}

/// [`end`] by staff: [`CampaignRefusal::OwnAccount`] for a campaign of their own merchant.
pub fn end_of_any(
    campaign: &Campaign,
    person: &Person,
    ended: CampaignStatus,
    now: Timestamp,
) -> Result<Campaign, CampaignRefusal> {
    if person.is_own(campaign.merchant()) {
        return Err(CampaignRefusal::OwnAccount);
    }
    end(campaign, ended, now)
}

/// Any merchant's campaign, cancelled for a revocation of its vouchers, which would pay their holders.
///
/// Refusals: [`CampaignRefusal::OwnAccount`] when somebody who decides has such vouchers, then those of [`end_of_any`].
pub fn cancel_to_revoke(
    campaign: &Campaign,
    person: &Person,
    is_holder: bool,
    now: Timestamp,
) -> Result<Campaign, CampaignRefusal> {
    if is_holder {
        return Err(CampaignRefusal::OwnAccount);
    }
    end_of_any(campaign, person, CampaignStatus::Cancelled, now)
}

fn with_status(campaign: &Campaign, status: CampaignStatus, now: Timestamp) -> Campaign {
    Campaign {
        stored_status: status,
        // A command that waited for the lock may have begun before the last one ended.
        updated_at: now.max(campaign.updated_at),
        ..campaign.clone()
    }
}

fn status_invalid(campaign: &Campaign) -> CampaignRefusal {
    CampaignRefusal::StatusInvalid {
        merchant_id: campaign.id.merchant.0,
        campaign: campaign.id.uuid,
    }
}
