//! Comparison of the model with the database and with what merchants and staff read.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Market;
use super::model::{Currency, MP, Party, VND};

const OF_CAMPAIGN: &str = "query ($by: CampaignBy!) { campaign(by: $by) {
    status issuedVouchers availableVouchers escrow { amount } proceeds { amount }
    statistics(timeZone: \"UTC\") { available claimed expired fullyRedeemed issued partiallyRedeemed revoked unissued
        utilizationRate pendingValue { amount } totalRedeemedValue { amount }
        redemptions { total totalUsed { amount } totalReturned { amount } totalRefunded { amount } } } } }";
const OVERALL: &str = "{ promotionStatistics { activeCampaigns issuedVouchers totalCampaigns totalVouchers
    totalEscrow { amount currency }
    redemptions { total totalUsed { amount currency } totalReturned { amount currency } totalRefunded { amount currency } } } }";

/// Sums of redemptions that are not voided.
#[derive(Clone, Copy, Default)]
struct Sums {
    total: i64,
    used: i64,
    surplus: i64,
    returned: i64,
    pending: i64,
}

impl Market<'_> {
    /// Compares everything.
    pub(super) async fn compare(&mut self) {
        self.compare_vouchers().await;
        self.compare_limits().await;
        self.compare_balances().await;
        for index in 0..self.campaigns.len() {
            self.compare_campaign(index).await;
        }
        self.compare_overall().await;
        self.app.check().await;
    }

    async fn compare_vouchers(&self) {
        let query = format!(
            "SELECT v.id::text, v.status, v.remaining,
                    floor(extract(epoch FROM v.usable_until - '{}') / 3600)::bigint, v.revoked_at IS NOT NULL, u.status
             FROM vouchers v JOIN user_vouchers u ON u.voucher_id = v.id AND u.user_id = v.owner_id",
            self.start.to_rfc3339()
        );
        let rows = self.app.connect().await.query(&query, &[]).await.unwrap();
        let stored: BTreeMap<String, _> = rows.iter().map(|row| (row.get(0), row)).collect();
        assert_eq!(stored.len(), self.vouchers.len());
        for (index, id) in self.vouchers.iter().enumerate() {
            let voucher = &self.model.vouchers[index];
            let currency = self.model.campaigns[voucher.campaign].currency;
            let row = stored[&key_of(id)];
            let found: (&str, i64, i64, bool, &str) =
                (row.get(1), row.get(2), row.get(3), row.get(4), row.get(5));
            let remaining = voucher.remaining * unit(currency);
            let expected = (
                voucher.stored,
                remaining,
                voucher.usable_until,
                voucher.is_revoked,
                voucher.stored,
            );
            assert_eq!(found, expected, "{voucher:?}");
        }
    }

    async fn compare_limits(&self) {
        let query = "SELECT campaign_id::text, user_id::text, acquired FROM campaign_users";
        let rows = self.app.connect().await.query(query, &[]).await.unwrap();
        let stored = rows
            .iter()
            .map(|row| ((row.get(0), row.get(1)), row.get(2)));
        let stored: BTreeMap<(String, String), i32> = stored.collect();
        let mut expected = BTreeMap::new();
        for (index, campaign) in self.model.campaigns.iter().enumerate() {
            for (person, count) in &campaign.acquired {
                let key = (
                    key_of(&self.campaigns[index]),
                    self.people[*person].id().to_string(),
                );
                expected.insert(key, i32::try_from(*count).unwrap());
            }
        }
        assert_eq!(stored, expected);
    }

    async fn compare_balances(&self) {
        let query = "SELECT owner_id::text, code, available, held FROM wallets JOIN currencies ON number = currency
                     WHERE owner_kind IN ('USER', 'MERCHANT') AND kind = 'MAIN'";
        let rows = self.app.connect().await.query(query, &[]).await.unwrap();
        let stored = rows
            .iter()
            .map(|row| ((row.get(0), row.get(1)), row.get(2)));
        let stored: BTreeMap<(String, String), i64> = stored.collect();
        for ((party, currency), amount) in &self.model.balances {
            let owner = match party {
                Party::Person(index) => self.people[*index].id(),
                Party::Merchant(index) => self.merchants[*index].id(),
                Party::Escrow(_) | Party::Proceeds(_) => continue,
            };
            let found = stored[&(owner.to_string(), currency.0.to_owned())];
            assert_eq!(found, amount * unit(*currency), "{party:?} {currency:?}");
        }
    }

    /// Sums of the redemptions of one campaign, or of all of a currency.
    fn sums(&self, is_counted: impl Fn(usize) -> bool) -> Sums {
        let mut sums = Sums::default();
        for redemption in &self.model.redemptions {
            let campaign = self.model.vouchers[redemption.voucher].campaign;
            if redemption.status != "VOIDED" && is_counted(campaign) {
                sums.total += 1;
                sums.used += redemption.used;
                sums.surplus += redemption.surplus;
                sums.returned += redemption.returned;
                if redemption.status == "PENDING" {
                    sums.pending += redemption.taken();
                }
            }
        }
        sums
    }

    async fn compare_campaign(&self, index: usize) {
        let (model, now) = (&self.model, self.model.now);
        let campaign = &model.campaigns[index];
        let mut states = BTreeMap::new();
        for (voucher, one) in model.vouchers.iter().enumerate() {
            if one.campaign == index {
                let state = match one.stored {
                    _ if one.is_revoked || model.is_taken(voucher) => "revoked",
                    "FULLY_REDEEMED" => "full",
                    stored if model.is_live(voucher) => stored,
                    _ => "expired",
                };
                *states.entry(state).or_insert(0) += 1;
            }
        }
        let of = |state: &str| states.get(state).copied().unwrap_or(0);
        let left = campaign.total - campaign.issued;
        let (available, unissued) = if campaign.has_ended(now) {
            (0, left)
        } else {
            (left, 0)
        };
        let sums = self.sums(|of| of == index);
        let redeemed = sums.used - sums.returned;
        let rate = 10_000 * redeemed / (campaign.face * campaign.issued).max(1);
        let currency = campaign.currency;
        let amount = |amount: i64| json!({"amount": shown(amount, currency)});
        let all = |value: i64| match sums.total {
            0 => json!([]),
            _ => json!([amount(value)]),
        };
        let is_priced = campaign.price > 0;
        let proceeds = amount(model.balance(Party::Proceeds(index), currency));
        let expected = json!({
            "status": campaign.status(now), "issuedVouchers": campaign.issued, "availableVouchers": available,
            "escrow": amount(model.balance(Party::Escrow(index), currency)),
            "proceeds": is_priced.then_some(proceeds),
            "statistics": {
                "available": available, "unissued": unissued, "issued": campaign.issued, "claimed": of("CLAIMED"),
                "partiallyRedeemed": of("PARTIALLY_REDEEMED"), "fullyRedeemed": of("full"), "expired": of("expired"),
                "revoked": of("revoked"), "utilizationRate": Decimal::new(rate, 4).to_string(),
                "pendingValue": amount(sums.pending), "totalRedeemedValue": amount(redeemed),
                "redemptions": {
                    "total": sums.total, "totalUsed": all(sums.used), "totalReturned": all(sums.returned),
                    "totalRefunded": all(sums.surplus),
                },
            },
        });
        let merchant = &self.merchants[campaign.merchant];
        let by = json!({"by": {"id": self.campaigns[index]}});
        let found = merchant.get(OF_CAMPAIGN, by).await["campaign"].clone();
        assert_eq!(found, expected, "{campaign:?}");
    }

    async fn compare_overall(&self) {
        let (model, now) = (&self.model, self.model.now);
        let campaigns = model.campaigns.iter();
        let active = campaigns.clone().filter(|one| one.status(now) == "ACTIVE");
        let vouchers: i64 = campaigns.clone().map(|one| one.total).sum();
        let by_currency = |value: &dyn Fn(Currency) -> Option<i64>| {
            let amounts = [MP, VND].map(|currency| {
                let shown = shown(value(currency)?, currency);
                Some(json!({"amount": shown, "currency": currency.0}))
            });
            amounts.into_iter().flatten().collect::<Vec<_>>()
        };
        let sums = |currency: Currency| self.sums(|of| model.campaigns[of].currency == currency);
        let of_sums = |value: fn(Sums) -> i64| {
            by_currency(&|currency| {
                let sums = sums(currency);
                (sums.total > 0).then(|| value(sums))
            })
        };
        let escrow = by_currency(&|currency| {
            let is_any = campaigns.clone().any(|one| one.currency == currency);
            let all = 0..model.campaigns.len();
            let all = all.map(|index| model.balance(Party::Escrow(index), currency));
            is_any.then(|| all.sum())
        });
        let expected = json!({
            "activeCampaigns": active.count(), "issuedVouchers": model.vouchers.len().to_string(),
            "totalCampaigns": model.campaigns.len(), "totalVouchers": vouchers.to_string(), "totalEscrow": escrow,
            "redemptions": {
                "total": sums(MP).total + sums(VND).total, "totalUsed": of_sums(|sums| sums.used),
                "totalReturned": of_sums(|sums| sums.returned), "totalRefunded": of_sums(|sums| sums.surplus),
            },
        });
        let support = self.app.support();
        let found = support.get(OVERALL, json!({})).await["promotionStatistics"].clone();
        assert_eq!(found, expected);
    }
}

/// The last part of the key of a global id, which is that of its row.
fn key_of(id: &Value) -> String {
    use base64::Engine as _;
    let id = id.as_str().unwrap();
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(id)
        .unwrap();
    let text = String::from_utf8(text).unwrap();
    let key: Uuid = text[text.len() - 32..].parse().unwrap();
    key.to_string()
}

/// The smallest units in one that a currency shows.
fn unit(currency: Currency) -> i64 {
    if currency == VND { 1_000_000 } else { 1 }
}

/// An amount in an answer.
fn shown(amount: i64, currency: Currency) -> String {
    let scale = if currency == VND { 6 } else { 4 };
    let mut amount = Decimal::new(amount, currency.1);
    amount.rescale(scale);
    amount.to_string()
}
