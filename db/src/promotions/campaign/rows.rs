//! The table of campaigns as structs.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::sql_types::BigInt;
use domain::money::{Minor, Money};
use domain::promotions::campaign::{Acquisition, Campaign, CampaignRevocation};
use domain::text::fold;
use domain::wallets::Currencies;

use crate::prelude::*;
use crate::schema::campaigns;
use crate::wallets::currency_of;

#[derive(HasQuery, Insertable)]
#[diesel(table_name = campaigns, check_for_backend(Pg))]
pub(super) struct CampaignRow {
    merchant_id: Uuid,
    id: Uuid,
    name: String,
    description: Option<String>,
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
    created_at: Timestamp,
    updated_at: Timestamp,
    version: i64,
    revoked_at: Option<Timestamp>,
    revocation_reason: Option<String>,
    vouchers_to_revoke: Option<i32>,
    #[diesel(skip_insertion)]
    #[diesel(select_expression = issued(), select_expression_type = SqlLiteral<BigInt>)]
    issued_vouchers: i64,
}

/// Vouchers of a campaign that were acquired.
fn issued() -> SqlLiteral<BigInt> {
    sql("(SELECT coalesce(sum(issued), 0)::bigint FROM promotion_rollups
          WHERE promotion_rollups.merchant_id = campaigns.merchant_id AND promotion_rollups.campaign_id = campaigns.id)")
}

impl CampaignRow {
    pub fn of(campaign: &Campaign) -> Result<Self> {
        let price = campaign.acquisition.price;
        Ok(Self {
            merchant_id: campaign.id.merchant.0,
            id: campaign.id.uuid,
            name: campaign.name.clone(),
            description: campaign.description.clone(),
            currency: campaign.face_value.currency.number,
            face_value: campaign.face_value.amount.0,
            total_vouchers: fit("campaigns", "total_vouchers", campaign.total_vouchers)?,
            acquisition_type: campaign.acquisition.of_type.name().to_owned(),
            price_currency: price.map(|price| price.currency.number),
            price: price.map(|price| price.amount.0),
            starts_at: campaign.starts_at,
            ends_at: campaign.ends_at,
            voucher_validity_days: fit("campaigns", "validity", campaign.voucher_validity_days)?,
            max_per_user: fit("campaigns", "max_per_user", campaign.max_per_user)?,
            allow_partial_redemption: campaign.allow_partial_redemption,
            status: campaign.stored_status.name().to_owned(),
            created_at: campaign.created_at,
            updated_at: campaign.updated_at,
            version: campaign.version,
            revoked_at: None,
            revocation_reason: None,
            vouchers_to_revoke: None,
            issued_vouchers: campaign.issued_vouchers.into(),
        })
    }

    pub fn into_campaign(self, currencies: &Currencies) -> Result<Campaign> {
        let money = |amount, number| {
            let currency = currency_of(currencies, number)?;
            Ok::<_, DbError>(Money {
                amount: Minor(amount),
                currency,
            })
        };
        let price = self.price.zip(self.price_currency);
        let revocation = match (
            self.revoked_at,
            self.revocation_reason,
            self.vouchers_to_revoke,
        ) {
            (Some(at), Some(reason), Some(vouchers)) => Some(CampaignRevocation {
                at,
                reason,
                vouchers: fit("campaigns", "vouchers_to_revoke", vouchers)?,
            }),
            _ => None,
        };
        Ok(Campaign {
            id: [self.merchant_id, self.id].into(),
            name: self.name,
            description: self.description,
            face_value: money(self.face_value, self.currency)?,
            total_vouchers: fit("campaigns", "total_vouchers", self.total_vouchers)?,
            issued_vouchers: fit("promotion_rollups", "issued", self.issued_vouchers)?,
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
            revocation,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
        })
    }
}

/// The forms of a campaign's texts by which lists are ordered and searched.
pub(super) struct Folded {
    pub name: String,
    pub text: String,
}

impl Folded {
    pub fn of(campaign: &Campaign) -> Self {
        let name = fold(&campaign.name);
        let description = campaign.description.as_deref().map(fold);
        let text = description.map_or_else(|| name.clone(), |text| format!("{name}\n{text}"));
        Self { name, text }
    }
}
