//! The table of vouchers as structs, with what they take from their campaigns.

use domain::money::{Minor, Money};
use domain::promotions::campaign::Acquisition;
use domain::promotions::voucher::{Holding, Offer, Revocation, Voucher, VoucherCode};
use domain::wallets::Currencies;

use crate::prelude::*;
use crate::schema::{campaigns, vouchers};
use crate::wallets::currency_of;

#[derive(HasQuery)]
#[diesel(table_name = vouchers, check_for_backend(Pg))]
pub(in crate::promotions) struct VoucherRow {
    merchant_id: Uuid,
    id: Uuid,
    code: String,
    status: String,
    remaining: i64,
    unearned: i64,
    owner_id: Option<Uuid>,
    claimed_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    usable_until: Option<Timestamp>,
    redeemed_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    revocation_reason: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: i64,
}

/// What vouchers take from their campaign.
#[derive(HasQuery)]
#[diesel(table_name = campaigns, check_for_backend(Pg))]
pub(in crate::promotions) struct OfferRow {
    merchant_id: Uuid,
    id: Uuid,
    currency: i16,
    face_value: i64,
    total_vouchers: i32,
    acquisition_type: String,
    price_currency: Option<i16>,
    price: Option<i64>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    voucher_validity_days: i32,
    max_per_user: i32,
    allow_partial_redemption: bool,
    status: String,
    revoked_at: Option<Timestamp>,
    revocation_reason: Option<String>,
}

impl OfferRow {
    pub fn into_offer(self, currencies: &Currencies) -> Result<Offer> {
        let money = |amount, number| {
            Ok::<_, DbError>(Money {
                amount: Minor(amount),
                currency: currency_of(currencies, number)?,
            })
        };
        let price = self.price.zip(self.price_currency);
        Ok(Offer {
            campaign: [self.merchant_id, self.id].into(),
            face_value: money(self.face_value, self.currency)?,
            total_vouchers: fit("campaigns", "total_vouchers", self.total_vouchers)?,
            acquisition: Acquisition {
                of_type: read_name("campaigns", "acquisition_type", &self.acquisition_type)?,
                price: price.map(|(amount, of)| money(amount, of)).transpose()?,
            },
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            voucher_validity_days: fit("campaigns", "validity", self.voucher_validity_days)?,
            max_per_user: fit("campaigns", "max_per_user", self.max_per_user)?,
            allow_partial_redemption: self.allow_partial_redemption,
            stored_status: read_name("campaigns", "status", &self.status)?,
            revocation: revocation(self.revoked_at, self.revocation_reason),
        })
    }
}

impl VoucherRow {
    pub fn into_voucher(self, offer: Offer) -> Result<Voucher> {
        let unreadable = || DbError::inconsistent("vouchers", "code", self.id);
        let holding = match (
            self.owner_id,
            self.claimed_at,
            self.expires_at,
            self.usable_until,
        ) {
            (Some(owner), Some(claimed_at), Some(expires_at), Some(usable_until)) => {
                Some(Holding {
                    owner: UserId(owner),
                    claimed_at,
                    expires_at,
                    usable_until,
                })
            }
            _ => None,
        };
        Ok(Voucher {
            id: [self.merchant_id, self.id].into(),
            offer,
            code: VoucherCode::parse(&self.code).ok_or_else(unreadable)?,
            stored_status: read_name("vouchers", "status", &self.status)?,
            remaining: Minor(self.remaining),
            unearned: Minor(self.unearned),
            holding,
            redeemed_at: self.redeemed_at,
            revocation: revocation(self.revoked_at, self.revocation_reason),
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
        })
    }
}

/// A revocation, from its two columns.
pub(super) fn revocation(at: Option<Timestamp>, reason: Option<String>) -> Option<Revocation> {
    let (at, reason) = at.zip(reason)?;
    Some(Revocation { at, reason })
}

/// Reads vouchers with their campaigns.
pub(in crate::promotions) fn read(
    currencies: &Currencies,
    rows: impl IntoIterator<Item = (VoucherRow, OfferRow)>,
) -> Result<Vec<Voucher>> {
    let rows = rows.into_iter();
    rows.map(|(voucher, offer)| voucher.into_voucher(offer.into_offer(currencies)?))
        .collect()
}

/// Vouchers with their campaigns.
#[diesel::dsl::auto_type(no_type_alias)]
pub(in crate::promotions) fn with_offer() -> _ {
    vouchers::table.inner_join(
        campaigns::table.on(campaigns::merchant_id
            .eq(vouchers::merchant_id)
            .and(campaigns::id.eq(vouchers::campaign_id))),
    )
}
