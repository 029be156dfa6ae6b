//! Commands of a program: most are about objects that they can change, some about any.

use std::collections::BTreeMap;

use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value, json};

use super::model::{Campaign, DAY, MP, Order, VND, Way};
use super::{Market, ROUND, money};

impl Market<'_> {
    /// Runs one command.
    pub(super) async fn deed(&mut self) {
        match self.dice.roll(64) {
            0..=1 => self.create().await,
            2..=4 => self.manage().await,
            5..=22 => self.acquire().await,
            23..=40 => self.redeem().await,
            41..=47 => self.settle().await,
            48..=50 => self.void().await,
            51..=56 => self.give_return().await,
            57..=58 => self.revoke().await,
            59..=61 => self.extend().await,
            _ => self.force().await,
        }
    }

    fn is_odd(&mut self) -> bool {
        self.dice.once_in(self.odd)
    }

    /// One of the indices below a number: any, or a late one that a rule accepts if a few attempts find one.
    fn choose(&mut self, below: usize, is_useful: impl Fn(&Self, usize) -> bool) -> Option<usize> {
        if below == 0 {
            return None;
        }
        let tries = if self.is_odd() { 0 } else { 12 };
        for _ in 0..tries {
            let index = self.dice.roll(below);
            if is_useful(self, index) {
                return Some(index);
            }
        }
        Some(self.dice.roll(below))
    }

    pub(super) async fn create(&mut self) {
        let merchant = self.dice.roll(self.merchants.len());
        let way = self.dice.pick(&[Way::Claim, Way::Exchange, Way::Purchase]);
        let (kind, currency, faces, prices) = match way {
            Way::Claim => ("FREE", MP, [50_000, 33_333, 7], [0, 0, 0]),
            Way::Exchange => {
                let (faces, prices) = ([50_000, 33_333, 70_001], [20_000, 9_999, 1]);
                ("EXCHANGE_POINTS", MP, faces, prices)
            }
            Way::Purchase => ("PURCHASE", VND, [50_000, 33_333, 7], [20_001, 10_000, 3]),
        };
        let (face, price) = (self.dice.pick(&faces), self.dice.pick(&prices));
        let limits: &[i64] = if way == Way::Claim {
            &[1, 2]
        } else {
            &[0, 1, 3]
        };
        let ends_at = self.model.now + ROUND * self.dice.pick(&self.lives) + 12;
        let campaign = Campaign {
            merchant,
            way,
            currency,
            face,
            price: price.min(face),
            total: self.dice.pick(&[2, 5, 40]),
            limit: self.dice.pick(limits),
            is_partial: !self.dice.once_in(3),
            ends_at,
            days: self.dice.pick(&[5, 8, 30]),
            stored: "DRAFT",
            revoked_at: None,
            issued: 0,
            acquired: BTreeMap::default(),
        };
        let ends = self.start + TimeDelta::hours(ends_at);
        let price = (campaign.price > 0).then(|| money(campaign.price, currency));
        let input = json!({
            "acquisitionType": kind, "acquisitionPrice": price,
            "faceValue": money(face, currency), "totalVouchers": campaign.total, "maxPerUser": campaign.limit,
            "allowPartialRedemption": campaign.is_partial, "voucherValidityDays": campaign.days,
            "endsAt": ends.to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        self.model.create(campaign);
        let create = self.merchants[merchant].create_campaign().with(input);
        let created = self.run("create", create, Ok(())).await;
        self.campaigns
            .push(created.unwrap()["campaign"]["id"].clone());
        if !self.dice.once_in(5) {
            self.activate(self.campaigns.len() - 1).await;
        }
    }

    async fn activate(&mut self, index: usize) {
        let expected = self.model.activate(index);
        let run = self.merchant_of(index).activate(&self.campaigns[index]);
        self.run("activate", run, expected).await;
    }

    fn merchant_of(&self, campaign: usize) -> &crate::support::Actor {
        &self.merchants[self.model.campaigns[campaign].merchant]
    }

    async fn manage(&mut self) {
        let index = self.dice.roll(self.campaigns.len());
        let id = self.campaigns[index].clone();
        match self.dice.roll(16) {
            0..=9 => self.activate(index).await,
            10..=13 => {
                let expected = self.model.pause(index);
                let run = self.merchant_of(index).pause(&id);
                self.run("pause", run, expected).await;
            }
            14 => {
                let expected = self.model.end(index, "COMPLETED", false);
                let run = self.merchant_of(index).complete_campaign(&id);
                self.run("complete", run, expected).await;
            }
            _ => {
                let expected = self.model.end(index, "CANCELLED", false);
                let run = self.merchant_of(index).cancel_campaign(&id);
                self.run("cancel", run, expected).await;
            }
        }
    }

    async fn force(&mut self) {
        let index = self.dice.roll(self.campaigns.len());
        // Rarely, so that campaigns live.
        if !self.dice.once_in(4) {
            return;
        }
        let id = self.campaigns[index].clone();
        let (deed, run, expected) = match self.dice.roll(3) {
            0 => {
                let expected = self.model.end(index, "COMPLETED", false);
                ("forceComplete", self.admin.force_complete(&id), expected)
            }
            1 => {
                let expected = self.model.end(index, "CANCELLED", false);
                ("forceCancel", self.admin.force_cancel(&id), expected)
            }
            _ => {
                let expected = self.model.end(index, "CANCELLED", true);
                (
                    "forceCancel revoke",
                    self.admin.revoke_campaign(&id),
                    expected,
                )
            }
        };
        self.run(deed, run, expected).await;
    }

    /// Cancels the open campaign with most issued vouchers, and revokes them.
    pub(super) async fn revoke_largest(&mut self) {
        let model = &self.model;
        let open =
            (0..self.campaigns.len()).filter(|id| !model.campaigns[*id].has_ended(model.now));
        let index = open.max_by_key(|id| model.campaigns[*id].issued).unwrap();
        let expected = self.model.end(index, "CANCELLED", true);
        let run = self.admin.revoke_campaign(&self.campaigns[index]);
        self.run("forceCancel revoke", run, expected).await;
    }

    async fn acquire(&mut self) {
        let index = self.choose(self.campaigns.len(), |market, index| {
            let campaign = &market.model.campaigns[index];
            campaign.status(market.model.now) == "ACTIVE" && campaign.issued < campaign.total
        });
        let index = index.unwrap();
        let who = self.dice.roll(self.people.len());
        let mut way = self.model.campaigns[index].way;
        if self.dice.once_in(self.odd * 8) {
            way = self.dice.pick(&[Way::Claim, Way::Exchange, Way::Purchase]);
        }
        let expected = self.model.acquire(who, index, way);
        let (person, campaign) = (&self.people[who], &self.campaigns[index]);
        let run = match way {
            Way::Claim => person.claim_voucher(campaign),
            Way::Exchange => person.exchange(campaign),
            Way::Purchase => person.purchase(campaign),
        };
        if let Some(payload) = self.run("acquire", run, expected).await {
            self.vouchers.push(payload["voucher"]["id"].clone());
        }
    }

    /// An order at a merchant's, for which a voucher of that merchant may have been used.
    async fn order(&mut self, merchant: usize) -> usize {
        let is_here = |order: &Order| order.merchant == merchant;
        let mut here = (0..self.orders.len()).rev();
        let known = here.find(|order| is_here(&self.model.orders[*order]));
        if let Some(known) = known.filter(|_| self.dice.once_in(3)) {
            return known;
        }
        self.orders.push(self.app.order().await);
        self.model.orders.push(Order {
            merchant,
            ..Order::default()
        });
        self.orders.len() - 1
    }

    async fn redeem(&mut self) {
        let index = self.choose(self.vouchers.len(), |market, index| {
            market.model.is_live(index)
        });
        let Some(index) = index else {
            return;
        };
        let voucher = self.model.vouchers[index].clone();
        let campaign = self.model.campaigns[voucher.campaign].clone();
        let largest = usize::try_from(campaign.face * 3 / 2).unwrap();
        let mut amount = 1 + i64::try_from(self.dice.roll(largest)).unwrap();
        let holder = self.people[voucher.owner].clone();
        let is_at_till = self.dice.once_in(3);
        let mut order = None;
        if !is_at_till {
            let known = self.order(campaign.merchant).await;
            order = Some(known);
            let of_order = self.model.orders[known].amount;
            if let Some((same, _)) = of_order.filter(|_| !self.dice.once_in(4)) {
                amount = same;
            }
        }
        let expected = self.model.redeem(index, order, amount);
        let id = &self.vouchers[index];
        let asked = json!({"orderAmount": money(amount, campaign.currency)});
        let run = match order.map(|order| self.orders[order]) {
            None => {
                let code = holder.code_of(id).await;
                self.merchants[campaign.merchant].redeem_at_till(&code, "1")
            }
            Some(order) if self.dice.once_in(3) => {
                let code = holder.code_of(id).await;
                self.shop.redeem_for(&holder, &code, order, "1")
            }
            Some(order) => holder.redeem(id, order, "1"),
        };
        if let Some(payload) = self.run("redeem", run.with(asked), expected).await {
            self.redemptions.push(payload["redemption"]["id"].clone());
        }
    }

    fn redemption(&mut self, status: &str) -> Option<(usize, Value)> {
        let index = self.choose(self.redemptions.len(), |market, index| {
            market.model.redemptions[index].status == status
        });
        index.map(|index| (index, self.redemptions[index].clone()))
    }

    async fn settle(&mut self) {
        if let Some((index, id)) = self.redemption("PENDING") {
            let expected = self.model.settle(index);
            let run = self.shop.settle_redemption(&id);
            self.run("settle", run, expected).await;
        }
    }

    async fn void(&mut self) {
        if let Some((index, id)) = self.redemption("PENDING") {
            let expected = self.model.void(index);
            let run = self.shop.void_redemption(&id);
            self.run("void", run, expected).await;
        }
    }

    async fn give_return(&mut self) {
        let Some((index, id)) = self.redemption("SETTLED") else {
            return;
        };
        let redemption = self.model.redemptions[index].clone();
        let campaign = self.model.vouchers[redemption.voucher].campaign;
        let campaign = self.model.campaigns[campaign].clone();
        let most = usize::try_from(redemption.used).unwrap() + self.dice.roll(2);
        let part = 1 + i64::try_from(self.dice.roll(most)).unwrap();
        let amount = self.dice.once_in(2).then_some(part);
        let expected = self.model.give_return(index, amount);
        let shown = amount.map(|amount| money(amount, campaign.currency));
        let by = if self.dice.once_in(2) {
            &self.shop
        } else {
            &self.merchants[campaign.merchant]
        };
        let run = by.return_redemption(&id, None);
        let run = run.with(json!({"amount": shown}));
        self.run("return", run, expected).await;
    }

    fn live_voucher(&mut self) -> Option<usize> {
        self.choose(self.vouchers.len(), |market, index| {
            market.model.is_live(index)
        })
    }

    async fn revoke(&mut self) {
        if let Some(index) = self.live_voucher() {
            let expected = self.model.revoke(index);
            let run = self.admin.revoke_voucher(&self.vouchers[index]);
            self.run("revoke", run, expected).await;
        }
    }

    async fn extend(&mut self) {
        let days = self.dice.pick(&[3, 7, 10, 366]);
        let Some(index) = self.live_voucher() else {
            return;
        };
        // No deadline may be that of a round.
        let after = self.model.vouchers[index].expires_at + days * DAY;
        if [after, after + 14 * DAY].iter().any(|at| at % ROUND == 0) {
            return;
        }
        let expected = self.model.extend(index, days);
        let days = i32::try_from(days).unwrap();
        let run = self.admin.extend_voucher(&self.vouchers[index], days);
        self.run("extend", run, expected).await;
    }
}
