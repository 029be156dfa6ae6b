//! The table of redemptions as structs.

use domain::money::{Minor, Money};
use domain::promotions::redemption::Redemption;
use domain::promotions::voucher::Offer;
use domain::wallets::Currencies;

use crate::prelude::*;
use crate::promotions::voucher::OfferRow;
use crate::schema::{campaigns, redemptions};

#[derive(HasQuery, Insertable)]
#[diesel(table_name = redemptions, check_for_backend(Pg))]
pub(super) struct RedemptionRow {
    merchant_id: Uuid,
    id: Uuid,
    campaign_id: Uuid,
    voucher_id: Uuid,
    user_id: Uuid,
    order_id: Option<Uuid>,
    order_amount: i64,
    used: i64,
    refunded: i64,
    returned: i64,
    price_share: i64,
    price_returned: i64,
    status: String,
    redeemed_by: String,
    redeemed_at: Timestamp,
    settle_expires_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    transaction_id: Option<Uuid>,
    version: i64,
}

impl RedemptionRow {
    pub fn of(redemption: &Redemption) -> Self {
        Self {
            merchant_id: redemption.id.merchant.0,
            id: redemption.id.uuid,
            campaign_id: redemption.campaign,
            voucher_id: redemption.voucher.uuid,
            user_id: redemption.holder.0,
            order_id: redemption.order_id,
            order_amount: redemption.order_amount.amount.0,
            used: redemption.used.0,
            refunded: redemption.refunded.0,
            returned: redemption.returned.0,
            price_share: redemption.share().0,
            price_returned: redemption.price_returned.0,
            status: redemption.status.name().to_owned(),
            redeemed_by: redemption.redeemed_by.name().to_owned(),
            redeemed_at: redemption.redeemed_at,
            settle_expires_at: redemption.settle_expires_at,
            ended_at: redemption.ended_at,
            transaction_id: redemption.transaction,
            version: redemption.version,
        }
    }

    fn into_redemption(self, offer: &Offer) -> Result<Redemption> {
        Ok(Redemption {
            id: [self.merchant_id, self.id].into(),
            campaign: self.campaign_id,
            voucher: [self.merchant_id, self.voucher_id].into(),
            holder: UserId(self.user_id),
            order_id: self.order_id,
            order_amount: Money {
                amount: Minor(self.order_amount),
                currency: offer.face_value.currency,
            },
            used: Minor(self.used),
            refunded: Minor(self.refunded),
            returned: Minor(self.returned),
            price_share: offer.price().map(|price| Money {
                amount: Minor(self.price_share),
                currency: price.currency,
            }),
            price_returned: Minor(self.price_returned),
            status: read_name("redemptions", "status", &self.status)?,
            redeemed_by: read_name("redemptions", "redeemed_by", &self.redeemed_by)?,
            redeemed_at: self.redeemed_at,
            settle_expires_at: self.settle_expires_at,
            ended_at: self.ended_at,
            transaction: self.transaction_id,
            version: self.version,
        })
    }
}

/// Redemptions with their campaigns.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn with_offer() -> _ {
    redemptions::table.inner_join(
        campaigns::table.on(campaigns::merchant_id
            .eq(redemptions::merchant_id)
            .and(campaigns::id.eq(redemptions::campaign_id))),
    )
}

/// Reads redemptions with their campaigns.
pub(super) fn read(
    currencies: &Currencies,
    rows: impl IntoIterator<Item = (RedemptionRow, OfferRow)>,
) -> Result<Vec<Redemption>> {
    let rows = rows.into_iter();
    rows.map(|(redemption, offer)| redemption.into_redemption(&offer.into_offer(currencies)?))
        .collect()
}
